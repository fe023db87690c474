//! A QR code as SVG: one path of whole modules, no smoothing at their edges.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around the code (ISO/IEC 18004 §5.3.8).
const QUIET_ZONE: i32 = 4;

/// Why no QR code could be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// The text is longer than the largest code.
    #[error("the text of {bytes} bytes is too long for a QR code")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// The text as a QR code with medium error correction, black on white, as a whole SVG document.
///
/// Its size is the number of modules with the quiet zone; whoever shows it scales it.
///
/// # Errors
/// When the text is too long.
pub fn qr_svg(text: &str) -> Result<String, QrError> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|_| QrError::TooLong { bytes: text.len() })?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let start = x;
            while x < code.size() && code.get_module(x, y) {
                x += 1;
            }
            if x > start {
                let (left, top, width) = (start + QUIET_ZONE, y + QUIET_ZONE, x - start);
                // Writing into a string does not fail.
                write!(path, "M{left} {top}h{width}v1h-{width}z").unwrap_or_default();
            }
            x += 1;
        }
    }
    let side = code.size() + 2 * QUIET_ZONE;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\" role=\"img\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dark_module_is_drawn_once_and_the_quiet_zone_is_empty() {
        let text = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000";
        let svg = qr_svg(text).unwrap();
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let dark: i32 = (0..code.size())
            .flat_map(|y| (0..code.size()).map(move |x| (x, y)))
            .map(|(x, y)| i32::from(code.get_module(x, y)))
            .sum();
        let path = svg.rsplit("d=\"").next().unwrap();
        let mut drawn = 0;
        for run in path.split('M').skip(1) {
            let (place, rest) = run.split_once('h').unwrap();
            let (x, y) = place.split_once(' ').unwrap();
            let width: i32 = rest.split('v').next().unwrap().parse().unwrap();
            let (x, y): (i32, i32) = (x.parse().unwrap(), y.parse().unwrap());
            assert!(x >= QUIET_ZONE && x + width <= code.size() + QUIET_ZONE);
            assert!((QUIET_ZONE..code.size() + QUIET_ZONE).contains(&y));
            drawn += width;
        }
        assert_eq!(drawn, dark);
        assert!(svg.contains(&format!("viewBox=\"0 0 {0} {0}\"", code.size() + 8)));
    }

    #[test]
    fn a_text_beyond_the_largest_code_is_an_error() {
        assert_eq!(qr_svg(&"x".repeat(3000)), Err(QrError::TooLong { bytes: 3000 }));
    }
}
