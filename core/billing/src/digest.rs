//! Digests of what a plan was made from.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{Determinants, Inputs, PlanKind, TariffRef};

#[derive(Serialize)]
struct Made<'a> {
    kind: PlanKind,
    zone: &'a str,
    determinants: &'a Determinants,
    inputs: &'a Inputs,
    tariffs: Vec<&'a str>,
}

/// SHA-256 in hex over everything that decides the plan.
pub(crate) fn of_inputs(
    kind: PlanKind,
    zone: &str,
    determinants: &Determinants,
    inputs: &Inputs,
    tariffs: &[TariffRef],
) -> String {
    let tariffs = tariffs.iter().map(|t| t.digest.as_str()).collect();
    let made = Made { kind, zone, determinants, inputs, tariffs };
    // Serialising these types into memory does not fail: no map has keys that are not text.
    hex(&Sha256::digest(serde_json::to_vec(&made).unwrap_or_default()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}
