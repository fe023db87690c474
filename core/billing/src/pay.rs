//! Payment codes and document keys of Brazil, made and read.
