//! What people and machines read of a bill or a history: QR codes as SVG.

pub mod csv;
mod figures;
mod qr;

pub use figures::Figures;
pub use qr::{QrError, qr_svg};
