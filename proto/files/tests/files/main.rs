//! Every format: on text that the tests make themselves, and on real files where they are at hand.

#[cfg(test)]
mod made;
#[cfg(test)]
mod shared;
