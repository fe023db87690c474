//! What people and machines read of a bill or a history: QR codes and bar codes as SVG, figures, CSV.

mod bars;
pub mod csv;
mod figures;
mod qr;

pub use bars::{BarsError, bars_svg};
pub use figures::Figures;
pub use qr::{QrError, qr_svg};
