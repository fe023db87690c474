//! Cuts a stream into JSON objects that nothing separates.

/// The largest object in bytes; the prototype's messages have about a hundred.
pub const MAX_OBJECT_BYTES: usize = 16 * 1024;
/// The deepest nesting; the prototype's messages have one level.
pub const MAX_DEPTH: u16 = 32;

/// What was found in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The bytes of one object, from its opening to its closing brace. Perhaps not valid inside.
    Object(Vec<u8>),
    /// Something that belongs to no object. Said once for a run of it.
    Noise,
    /// An object larger than [`MAX_OBJECT_BYTES`]: where the next one begins is unknown.
    TooLong,
    /// An object deeper than [`MAX_DEPTH`]: where the next one begins is unknown.
    TooDeep,
}

/// Takes bytes as they come and gives objects. Between objects it holds no memory.
#[derive(Debug, Default)]
pub struct Splitter {
    object: Vec<u8>,
    depth: u16,
    in_string: bool,
    escaped: bool,
    in_noise: bool,
}

impl Splitter {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes off the front of `bytes` up to the end of the next piece; all of them when there
    /// is none.
    pub fn next_piece(&mut self, bytes: &mut &[u8]) -> Option<Piece> {
        while let Some((byte, rest)) = bytes.split_first() {
            *bytes = rest;
            if let Some(piece) = self.step(*byte) {
                return Some(piece);
            }
        }
        None
    }

    /// Has an object begun whose end has not come?
    pub fn is_inside(&self) -> bool {
        self.depth > 0
    }

    /// Forgets the object that has begun: its end will not come.
    pub fn abandon(&mut self) {
        *self = Self::default();
    }

    fn step(&mut self, byte: u8) -> Option<Piece> {
        if self.depth == 0 {
            return match byte {
                b'{' => {
                    self.in_noise = false;
                    self.depth = 1;
                    self.object.push(byte);
                    None
                }
                b' ' | b'\t' | b'\r' | b'\n' => None,
                _ if self.in_noise => None,
                _ => {
                    self.in_noise = true;
                    Some(Piece::Noise)
                }
            };
        }
        self.object.push(byte);
        if self.object.len() > MAX_OBJECT_BYTES {
            return Some(self.give_up(Piece::TooLong));
        }
        match byte {
            _ if self.escaped => self.escaped = false,
            // No JSON text has a line break inside a string: a quote is missing.
            b'\n' | b'\r' if self.in_string => return Some(self.give_up(Piece::Noise)),
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'{' | b'[' => {
                self.depth = self.depth.saturating_add(1);
                if self.depth > MAX_DEPTH {
                    return Some(self.give_up(Piece::TooDeep));
                }
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Some(Piece::Object(std::mem::take(&mut self.object)));
                }
            }
            _ => {}
        }
        None
    }

    fn give_up(&mut self, piece: Piece) -> Piece {
        self.abandon();
        self.in_noise = true;
        piece
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<Piece> {
        let mut splitter = Splitter::new();
        let mut found = Vec::new();
        for piece in pieces {
            let mut rest = *piece;
            while let Some(piece) = splitter.next_piece(&mut rest) {
                found.push(piece);
            }
        }
        found
    }

    fn check(text: &str, expected: &[&str]) {
        let said: Vec<String> = split(&[text.as_bytes()])
            .into_iter()
            .map(|piece| match piece {
                Piece::Object(bytes) => String::from_utf8(bytes).unwrap(),
                other @ (Piece::Noise | Piece::TooLong | Piece::TooDeep) => format!("{other:?}"),
            })
            .collect();
        assert_eq!(said, expected, "{text}");
    }

    #[test]
    fn objects_are_found() {
        check("", &[]);
        check(r#"{"id": 0}"#, &[r#"{"id": 0}"#]);
        check(r#"{"id": 0}{"id": "1"}"#, &[r#"{"id": 0}"#, r#"{"id": "1"}"#]);
        check("{}\r\n {}\n", &["{}", "{}"]);
        check(r#"{"a": "}{\"}"}{}"#, &[r#"{"a": "}{\"}"}"#, "{}"]);
        check(r#"{"a": "\\"}{}"#, &[r#"{"a": "\\"}"#, "{}"]);
        check(r#"{"a": [{}, [[]]]}x"#, &[r#"{"a": [{}, [[]]]}"#, "Noise"]);
        check("noise more {} noise", &["Noise", "{}", "Noise"]);
        check("{\"id: 0}\n{\"id\": 0}", &["Noise", r#"{"id": 0}"#]);
        check("{'id': 0}", &["{'id': 0}"]);
    }

    #[test]
    fn size_and_depth_are_limited() {
        let long = format!("{{\"a\": \"{}\"}}", "x".repeat(MAX_OBJECT_BYTES));
        assert_eq!(split(&[long.as_bytes()]), [Piece::TooLong,]);
        let deep = "{\"a\":".repeat(usize::from(MAX_DEPTH) + 1);
        assert_eq!(split(&[deep.as_bytes()])[0], Piece::TooDeep);
    }

    proptest! {
        #[test]
        fn it_is_the_same_however_the_bytes_are_cut(
            bytes in prop::collection::vec(
                prop_oneof![prop::sample::select(br#"{}[]"\a1 "#.to_vec()), any::<u8>()], 0..120),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = split(&[&bytes]);
            let (a, b) = bytes.split_at(cut.index(bytes.len() + 1));
            prop_assert_eq!(&split(&[a, b]), &whole);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&split(&single), &whole);
        }
    }
}
