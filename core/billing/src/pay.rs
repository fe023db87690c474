//! Payment codes and document keys of Brazil, made and read.
//!
//! - [`pix`]: BR Code, the text inside a PIX QR code.
//! - [`febraban`]: the bar code of utility bills (*arrecadação*), 44 digits and its line of 48.
//! - [`nf3e`]: the key of an electricity invoice document (model 66).

pub mod febraban;
mod modulus;
pub mod nf3e;
pub mod pix;
