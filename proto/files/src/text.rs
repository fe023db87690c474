//! Bytes to text, text to lines and fields.

use std::{borrow::Cow, io::Read};

use crate::FileError;

/// No meter data file of ours is larger once unpacked.
const UNPACKED_MAX: u64 = 1 << 30;

/// The text of a file: unpacked where it is gzip, without a byte order mark.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, FileError> {
    let unknown = |what: &str| FileError::Unrecognised { nearest: None, what: what.to_owned() };
    let plain = if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        let mut unpacked = flate2::read::MultiGzDecoder::new(bytes).take(UNPACKED_MAX);
        let size =
            unpacked.read_to_end(&mut plain).map_err(|_| unknown("the gzip stream is damaged"))?;
        if u64::try_from(size).is_ok_and(|size| size >= UNPACKED_MAX) {
            return Err(unknown("unpacked it is larger than 1 GiB: split it"));
        }
        Cow::Owned(plain)
    } else {
        Cow::Borrowed(bytes)
    };
    if plain.contains(&0) {
        return Err(unknown("it is not text (UTF-16 files: save as UTF-8)"));
    }
    let text = String::from_utf8_lossy(&plain);
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// A line with its number, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) number: u64,
    pub(crate) text: &'a str,
}

/// The lines, without their ends.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    (1_u64..).zip(text.lines()).map(|(number, text)| Line { number, text })
}

/// The fields of a line. Fields may be quoted; a quoted quote is doubled. A line break in a field is
/// not understood: meter data has none.
pub(crate) fn fields(line: &str, delimiter: char) -> Vec<Cow<'_, str>> {
    if !line.contains('"') {
        return line.split(delimiter).map(|f| Cow::Borrowed(f.trim())).collect();
    }
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        if quoted {
            if character != '"' {
                field.push(character);
            } else if characters.peek() == Some(&'"') {
                field.push('"');
                characters.next();
            } else {
                quoted = false;
            }
        } else if character == delimiter {
            fields.push(Cow::Owned(std::mem::take(&mut field).trim().to_owned()));
        } else if character == '"' && field.trim().is_empty() {
            field.clear();
            quoted = true;
        } else {
            field.push(character);
        }
    }
    fields.push(Cow::Owned(field.trim().to_owned()));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_be_quoted() {
        assert_eq!(fields(" a, 0.219 ,", ','), ["a", "0.219", ""]);
        assert_eq!(fields("\"0,139\";\"say \"\"x\"\"\";;", ';'), ["0,139", "say \"x\"", "", ""]);
    }

    #[test]
    fn gzip_is_unpacked_and_damage_is_named() {
        use std::io::Write;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all("\u{feff}a,b\n".as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(decode(&packed).unwrap(), "a,b\n");
        let error = decode(&packed[..packed.len() - 9]).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
        assert!(decode(b"a\0b").is_err());
    }
}
