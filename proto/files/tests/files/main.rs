//! Every format: on text that the tests make themselves, and on real files where they are at hand.

#[cfg(test)]
mod corpus;
mod made;
#[cfg(test)]
mod shared;
