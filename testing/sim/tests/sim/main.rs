//! Simulated towns and real files through validation.

#[cfg(test)]
mod real;
#[cfg(test)]
mod towns;
