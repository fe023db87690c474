//! What people and machines read of a bill or a history: QR codes as SVG.

mod qr;

pub use qr::{QrError, qr_svg};
