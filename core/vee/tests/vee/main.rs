//! Rules and estimators by example, the documentation's examples, and conservation by property.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod estimators;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod properties;
