//! What anyone can check without a server: paper bills, rates of the OpenEI form, payment codes.
//!
//! Each function takes text and returns a report with a flag `equal`; the command line prints it.

mod bills;
mod codes;
mod expression;
mod rates;

pub use bills::{BillCheckError, BillReport, Compared, check_bills};
pub use codes::{CodeReport, check_code, check_codes};
pub use rates::{MonthReport, RateReport, UrdbCheckError, check_urdb};
