//! Where a value stands in a JSON text that has been read already.

/// The offset of the value at this path (`energy[1].blocks[0].price`), or of the nearest thing around
/// it.
pub(super) fn locate(text: &str, path: &str) -> usize {
    let mut cursor = Cursor { text, at: 0 };
    cursor.blanks();
    let mut found = cursor.at;
    for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        let Some(at) = cursor.enter(part) else { break };
        found = at;
    }
    found
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl Cursor<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn blanks(&mut self) {
        while self.byte().is_some_and(|b| b.is_ascii_whitespace() || b == b',' || b == b':') {
            self.step();
        }
    }

    /// Moves to the value of a key or an index; the place of the key, or of the value in a list.
    fn enter(&mut self, part: &str) -> Option<usize> {
        let list = match self.byte()? {
            b'{' => false,
            b'[' => true,
            _ => return None,
        };
        self.step();
        let wanted: Option<usize> = part.parse().ok();
        let mut index = 0_usize;
        loop {
            self.blanks();
            if matches!(self.byte()?, b'}' | b']') {
                return None;
            }
            let at = self.at;
            if list {
                if wanted == Some(index) {
                    return Some(at);
                }
            } else {
                self.value();
                let key = self.text.get(at..self.at).unwrap_or_default();
                self.blanks();
                if key.trim_matches('"') == part {
                    return Some(at);
                }
            }
            self.value();
            index = index.saturating_add(1);
        }
    }

    /// Moves behind a value.
    fn value(&mut self) {
        match self.byte() {
            Some(b'"') => self.string(),
            Some(b'{' | b'[') => {
                self.step();
                loop {
                    self.blanks();
                    match self.byte() {
                        None => return,
                        Some(b'}' | b']') => {
                            self.step();
                            return;
                        }
                        Some(_) => self.value(),
                    }
                }
            }
            _ => {
                let end = |b: u8| matches!(b, b',' | b'}' | b']') || b.is_ascii_whitespace();
                // Always forward, whatever stands there.
                self.step();
                while self.byte().is_some_and(|b| !end(b)) {
                    self.step();
                }
            }
        }
    }

    fn string(&mut self) {
        self.step();
        while let Some(byte) = self.byte() {
            self.step();
            match byte {
                b'"' => return,
                b'\\' => self.step(),
                _ => {}
            }
        }
    }
}
