//! A bar code of digits as SVG: interleaved 2 of 5 (ISO/IEC 16390), as FEBRABAN's collection standard
//! prints it, 103 mm wide and 13 mm high.

use std::fmt::Write as _;

/// A wide bar or space is so many narrow ones.
const WIDE: u32 = 3;
/// Light modules at both sides.
const QUIET_ZONE: u32 = 10;
/// Height in modules: 103 mm to 13 mm for 44 digits.
const HEIGHT: u32 = 51;

/// Which of a digit's five elements are wide.
const WIDE_ELEMENTS: [[bool; 5]; 10] = {
    const N: bool = false;
    const W: bool = true;
    [
        [N, N, W, W, N],
        [W, N, N, N, W],
        [N, W, N, N, W],
        [W, W, N, N, N],
        [N, N, W, N, W],
        [W, N, W, N, N],
        [N, W, W, N, N],
        [N, N, N, W, W],
        [W, N, N, W, N],
        [N, W, N, W, N],
    ]
};

/// Why no bar code could be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no even number of digits")]
pub struct BarsError {
    /// What was given.
    pub text: String,
}

/// An even number of digits as bars, black on white, as a whole SVG document.
///
/// # Errors
/// When the text is something else.
pub fn bars_svg(digits: &str) -> Result<String, BarsError> {
    let wrong = || BarsError { text: digits.to_owned() };
    let values: Option<Vec<usize>> =
        digits.chars().map(|c| c.to_digit(10).and_then(|d| usize::try_from(d).ok())).collect();
    let values = values.filter(|v| !v.is_empty() && v.len() % 2 == 0).ok_or_else(wrong)?;
    // Bar, space, bar, space, …: the first digit of a pair is in the bars, the second in the spaces.
    let mut widths = vec![1; 4];
    for pair in values.chunks_exact(2) {
        let of = |index: usize| pair.get(index).and_then(|d| WIDE_ELEMENTS.get(*d)).copied();
        let (Some(bars), Some(spaces)) = (of(0), of(1)) else { return Err(wrong()) };
        for (bar, space) in bars.into_iter().zip(spaces) {
            widths.push(if bar { WIDE } else { 1 });
            widths.push(if space { WIDE } else { 1 });
        }
    }
    widths.extend([WIDE, 1, 1]);
    let (mut x, mut path) = (QUIET_ZONE, String::new());
    for (index, width) in widths.into_iter().enumerate() {
        if index % 2 == 0 {
            // Writing into a string does not fail.
            write!(path, "M{x} 0h{width}v{HEIGHT}h-{width}z").unwrap_or_default();
        }
        x += width;
    }
    let whole = x + QUIET_ZONE;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {HEIGHT}\" \
         preserveAspectRatio=\"none\" shape-rendering=\"crispEdges\" role=\"img\">\
         <path fill=\"#fff\" d=\"M0 0h{whole}v{HEIGHT}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digits of the bars, read as a scanner reads them.
    fn scan(svg: &str) -> String {
        let path = svg.rsplit_once(" d=\"").unwrap().1.split_once('"').unwrap().0;
        let bars: Vec<(u32, u32)> = path
            .split('M')
            .skip(1)
            .map(|bar| {
                let (x, rest) = bar.split_once(" 0h").unwrap();
                (x.parse().unwrap(), rest.split_once('v').unwrap().0.parse().unwrap())
            })
            .collect();
        let mut widths = Vec::new();
        for (index, (x, width)) in bars.iter().enumerate() {
            widths.push(*width);
            if let Some((next, _)) = bars.get(index + 1) {
                widths.push(next - x - width);
            }
        }
        assert_eq!((&widths[..4], &widths[widths.len() - 3..]), (&[1; 4][..], &[3, 1, 1][..]));
        let mut digits = String::new();
        for pair in widths[4..widths.len() - 3].chunks_exact(10) {
            for offset in [0, 1] {
                let wide: Vec<bool> =
                    (0..5).map(|n| pair.get(2 * n + offset) == Some(&WIDE)).collect();
                let digit = WIDE_ELEMENTS.iter().position(|w| w[..] == wide[..]).unwrap();
                digits.push_str(&digit.to_string());
            }
        }
        digits
    }

    #[test]
    fn a_scanner_reads_the_digits() {
        let digits = "83800000002284600384070295022802002609487803";
        let svg = bars_svg(digits).unwrap();
        assert_eq!(scan(&svg), digits);
        // 22 pairs of 18 modules, the start, the stop, and the quiet zones.
        assert!(svg.contains("viewBox=\"0 0 425 51\""), "{svg}");
    }

    #[test]
    fn what_is_no_even_number_of_digits_is_refused() {
        for text in ["", "123", "12a4", "１２"] {
            assert_eq!(bars_svg(text), Err(BarsError { text: text.to_owned() }));
        }
    }
}
