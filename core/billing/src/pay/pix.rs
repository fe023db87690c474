//! BR Code: the text inside a PIX QR code (EMV merchant-presented mode, as the Central Bank of Brazil
//! profiles it). Fields are TLV: two digits of id, two digits of length in characters, the value.

use corrente_units::Money;
use serde::Serialize;

mod tlv;

use tlv::{Field, fields};

const GUI: &str = "br.gov.bcb.pix";

/// Why a text is no valid BR Code, or cannot be made into one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PixError {
    /// The structure is broken.
    #[error("{within} is broken at character {at}: {problem}")]
    Structure {
        /// Where: "the code", "field 26".
        within: String,
        /// The character, from 1.
        at: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// The checksum is wrong.
    #[error("the checksum is {found}, but {expected} belongs there: the code was changed or cut")]
    Checksum {
        /// What is there.
        found: String,
        /// What belongs there.
        expected: String,
    },
    /// A field is missing.
    #[error("field {id} ({name}) is missing")]
    Missing {
        /// Its id: `59`, `26.01`.
        id: &'static str,
        /// What it is.
        name: &'static str,
    },
    /// A field has a value that it must not have.
    #[error("field {id} ({name}) is `{found}`, but must be {rule}")]
    Value {
        /// Its id.
        id: String,
        /// What it is.
        name: &'static str,
        /// What is there.
        found: String,
        /// What it must be.
        rule: &'static str,
    },
    /// Fields that exclude each other.
    #[error("a code has either a key (26.01) or an address (26.25), and this one has both")]
    KeyAndAddress,
}

/// A static code to make: the same one may be paid more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticCode {
    /// The payee's PIX key: CPF, CNPJ, telephone, e-mail or random key.
    pub key: String,
    /// The payee's name; accents are taken off, 25 characters.
    pub name: String,
    /// The payee's city; accents are taken off, 15 characters.
    pub city: String,
    /// The amount; the payer enters it when left out.
    pub amount: Option<Money>,
    /// The payee's reference: 1 to 25 letters and digits.
    pub txid: Option<String>,
    /// A message to the payer.
    pub info: Option<String>,
}

/// A code that was read and verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BrCode {
    /// Static, dynamic, or an authorisation of recurring payments alone.
    pub kind: BrCodeKind,
    /// Field 01: 11 for a code that may be used again, 12 for one that may not.
    pub initiation: Option<String>,
    /// The PIX key of a static code.
    pub key: Option<String>,
    /// The message of a static code.
    pub info: Option<String>,
    /// The payment provider of a withdrawal (ISPB).
    pub provider: Option<String>,
    /// The address of a dynamic code, without its scheme.
    pub url: Option<String>,
    /// The amount as written: `123.45`. Ignored on a dynamic code, and not judged there.
    pub amount: Option<String>,
    /// The payee's name.
    pub name: String,
    /// The payee's city.
    pub city: String,
    /// The payee's postal code.
    pub postal_code: Option<String>,
    /// The reference; `***` when there is none. Ignored on a dynamic code, and not judged there.
    pub txid: Option<String>,
    /// The address of an authorisation of recurring payments (field 80).
    pub recurrence: Option<String>,
}

/// What kind of code it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BrCodeKind {
    /// It holds the payee's key.
    #[default]
    Static,
    /// It holds an address at which the payment is described.
    Dynamic,
    /// It holds neither, only an authorisation of recurring payments.
    RecurrenceOnly,
}

impl StaticCode {
    /// The text of the QR code.
    ///
    /// # Errors
    /// Which field does not fit, and what it must be.
    pub fn build(&self) -> Result<String, PixError> {
        let key = self.key.trim();
        check("26.01", "key", key, "1 to 77 characters without blanks", |k| {
            let length = k.chars().count();
            (1..=77).contains(&length) && !k.contains(char::is_whitespace)
        })?;
        let name = latin(&self.name, 25);
        check("59", "payee's name", &name, "1 to 25 characters", |n| !n.is_empty())?;
        let city = latin(&self.city, 15);
        check("60", "payee's city", &city, "1 to 15 characters", |c| !c.is_empty())?;
        let txid = self.txid.as_deref().unwrap_or("***");
        check("62.05", "reference", txid, "1 to 25 letters and digits", is_static_txid)?;

        let mut account = Field::new("00", GUI).text();
        account.push_str(&Field::new("01", key).text());
        if let Some(info) = self.info.as_deref().map(|i| latin(i, 72)).filter(|i| !i.is_empty()) {
            account.push_str(&Field::new("02", &info).text());
        }
        check("26", "account", &account, "at most 99 characters: shorten the message", |a| {
            a.chars().count() <= 99
        })?;
        let mut text = Field::new("00", "01").text();
        text.push_str(&Field::new("26", &account).text());
        text.push_str(&Field::new("52", "0000").text());
        text.push_str(&Field::new("53", "986").text());
        if let Some(amount) = self.amount {
            let written = amount.to_string();
            check("54", "amount", &written, "more than 0 and at most 13 characters", |w| {
                amount > Money::ZERO && w.len() <= 13
            })?;
            text.push_str(&Field::new("54", &written).text());
        }
        text.push_str(&Field::new("58", "BR").text());
        text.push_str(&Field::new("59", &name).text());
        text.push_str(&Field::new("60", &city).text());
        text.push_str(&Field::new("62", &Field::new("05", txid).text()).text());
        text.push_str("6304");
        let checksum = crc(&text);
        text.push_str(&checksum);
        Ok(text)
    }
}

/// Reads and verifies a code: structure, checksum, and what the fields may hold.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read(text: &str) -> Result<BrCode, PixError> {
    let text = text.trim();
    let top = fields("the code", text)?;
    verify_checksum(text, &top)?;
    let one = |id: &str| top.iter().find(|f| f.id == id);
    let mut seen: Vec<&str> = Vec::new();
    for field in &top {
        if seen.contains(&field.id.as_str()) {
            return Err(value(&field.id, "field", &field.value, "given once"));
        }
        seen.push(&field.id);
    }
    if top.first().is_none_or(|f| f.id != "00") {
        return Err(PixError::Missing { id: "00", name: "payload format, in front" });
    }
    let fixed = [
        ("00", "payload format", "01"),
        ("52", "merchant category", ""),
        ("53", "currency", "986"),
        ("58", "country", "BR"),
    ];
    for (id, name, expected) in fixed {
        let field = one(id).ok_or(PixError::Missing { id, name })?;
        match expected {
            "" => check(id, name, &field.value, "4 digits", |v| {
                v.len() == 4 && v.bytes().all(|b| b.is_ascii_digit())
            })?,
            expected => {
                if field.value != expected {
                    let rule = match expected {
                        "01" => "01",
                        "986" => "986",
                        _ => "BR",
                    };
                    return Err(value(id, name, &field.value, rule));
                }
            }
        }
    }
    let mut code = BrCode { initiation: one("01").map(|f| f.value.clone()), ..BrCode::default() };
    if let Some(initiation) = &code.initiation {
        check("01", "point of initiation", initiation, "11 or 12", |v| v == "11" || v == "12")?;
    }
    account(&top, &mut code)?;
    parties(&top, &mut code)?;
    code.amount = one("54").map(|f| f.value.clone());
    additional(&top, &mut code)?;
    unreserved(&top, &mut code)?;
    code.kind = match (&code.key, &code.url, &code.recurrence) {
        (Some(_), ..) => BrCodeKind::Static,
        (None, Some(_), _) => BrCodeKind::Dynamic,
        (None, None, Some(_)) => BrCodeKind::RecurrenceOnly,
        (None, None, None) => {
            return Err(PixError::Missing { id: "26.01", name: "key" });
        }
    };
    if code.kind == BrCodeKind::Dynamic {
        // Amount and reference are those at its address; what stands here is ignored.
        return Ok(code);
    }
    if let Some(amount) = &code.amount {
        check("54", "amount", amount, "at most 13 characters such as 123.45", is_amount)?;
    }
    if let Some(txid) = &code.txid {
        check("62.05", "reference", txid, "1 to 25 letters and digits, or ***", is_read_txid)?;
    }
    Ok(code)
}

fn verify_checksum(text: &str, top: &[Field]) -> Result<(), PixError> {
    let last = top.last().filter(|f| f.id == "63");
    let last = last.ok_or(PixError::Missing { id: "63", name: "checksum, at the end" })?;
    let covered = text.len().checked_sub(4).and_then(|end| text.get(..end)).unwrap_or_default();
    let expected = crc(covered);
    if last.value.len() != 4 || !last.value.eq_ignore_ascii_case(&expected) {
        return Err(PixError::Checksum { found: last.value.clone(), expected });
    }
    Ok(())
}

/// Fields 26 to 51: exactly one of them is PIX.
fn account(top: &[Field], code: &mut BrCode) -> Result<(), PixError> {
    let mut found = false;
    for field in top.iter().filter(|f| ("26".."52").contains(&f.id.as_str())) {
        let inner = fields(&format!("field {}", field.id), &field.value)?;
        let one = |id: &str| inner.iter().find(|f| f.id == id).map(|f| f.value.clone());
        if !one("00").is_some_and(|gui| gui.eq_ignore_ascii_case(GUI)) {
            continue;
        }
        if found {
            return Err(value(&field.id, "account", &field.value, "the only PIX account"));
        }
        found = true;
        code.key = one("01");
        code.info = one("02");
        code.provider = one("03");
        code.url = one("25");
    }
    if !found {
        return Err(PixError::Missing { id: "26", name: "PIX account" });
    }
    if code.key.is_some() && code.url.is_some() {
        return Err(PixError::KeyAndAddress);
    }
    if let Some(key) = &code.key {
        check("26.01", "key", key, "1 to 77 characters without blanks", |k| {
            (1..=77).contains(&k.chars().count()) && !k.contains(char::is_whitespace)
        })?;
    }
    if let Some(provider) = &code.provider {
        check("26.03", "payment provider", provider, "8 digits", |p| {
            p.len() == 8 && p.bytes().all(|b| b.is_ascii_digit())
        })?;
    }
    if let Some(url) = &code.url {
        check("26.25", "address", url, "1 to 77 characters without a scheme or blanks", is_url)?;
    }
    Ok(())
}

fn parties(top: &[Field], code: &mut BrCode) -> Result<(), PixError> {
    let one = |id: &str| top.iter().find(|f| f.id == id).map(|f| f.value.clone());
    code.name = one("59").ok_or(PixError::Missing { id: "59", name: "payee's name" })?;
    check("59", "payee's name", &code.name, "1 to 25 characters", |n| {
        (1..=25).contains(&n.chars().count())
    })?;
    code.city = one("60").ok_or(PixError::Missing { id: "60", name: "payee's city" })?;
    // More than 15 characters break the profile's table, but such codes are published and paid: that is
    // for the checker to remark.
    check("60", "payee's city", &code.city, "1 to 99 characters", |c| !c.is_empty())?;
    code.postal_code = one("61");
    Ok(())
}

fn additional(top: &[Field], code: &mut BrCode) -> Result<(), PixError> {
    let Some(field) = top.iter().find(|f| f.id == "62") else {
        return Err(PixError::Missing { id: "62", name: "additional data" });
    };
    let inner = fields("field 62", &field.value)?;
    code.txid = inner.iter().find(|f| f.id == "05").map(|f| f.value.clone());
    if code.txid.is_none() {
        return Err(PixError::Missing { id: "62.05", name: "reference" });
    }
    if let Some(version) = inner.iter().find(|f| f.id == "50") {
        fields("field 62.50", &version.value)?;
    }
    Ok(())
}

/// Fields 80 to 99; PIX Automático stands there with the address of the authorisation.
fn unreserved(top: &[Field], code: &mut BrCode) -> Result<(), PixError> {
    for field in top.iter().filter(|f| f.id.as_str() >= "80") {
        let inner = fields(&format!("field {}", field.id), &field.value)?;
        let gui = inner.iter().find(|f| f.id == "00");
        if !gui.is_some_and(|gui| gui.value.eq_ignore_ascii_case(GUI)) {
            continue;
        }
        if let Some(url) = inner.iter().find(|f| f.id == "25") {
            check("80.25", "address", &url.value, "without a scheme or blanks", is_url)?;
            code.recurrence = Some(url.value.clone());
        }
    }
    Ok(())
}

fn check(
    id: &str,
    name: &'static str,
    found: &str,
    rule: &'static str,
    holds: impl Fn(&str) -> bool,
) -> Result<(), PixError> {
    if holds(found) { Ok(()) } else { Err(value(id, name, found, rule)) }
}

fn value(id: &str, name: &'static str, found: &str, rule: &'static str) -> PixError {
    PixError::Value { id: id.to_owned(), name, found: found.to_owned(), rule }
}

fn is_static_txid(text: &str) -> bool {
    text == "***"
        || ((1..=25).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// What is accepted when reading: the Central Bank's own manual has a reference with a dash.
fn is_read_txid(text: &str) -> bool {
    let holds = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    text == "***" || ((1..=25).contains(&text.len()) && text.bytes().all(holds))
}

fn is_amount(text: &str) -> bool {
    let (whole, cents) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    // EMV allows the point without decimals behind it.
    text.len() <= 13 && digits(whole) && (cents.is_empty() || digits(cents)) && cents.len() <= 2
}

fn is_url(text: &str) -> bool {
    let length = text.chars().count();
    (1..=77).contains(&length)
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && !text.contains("://")
        && text.split('/').next().is_some_and(|host| host.contains('.'))
}

/// Letters without accents, within the characters that every bank's reader takes; cut to a length.
fn latin(text: &str, most: usize) -> String {
    let plain: String = text.trim().chars().filter_map(without_accent).take(most).collect();
    plain.trim_end().to_owned()
}

fn without_accent(c: char) -> Option<char> {
    Some(match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'Á' | 'À' | 'Â' | 'Ã' | 'Ä' => 'A',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'É' | 'È' | 'Ê' | 'Ë' => 'E',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'Í' | 'Ì' | 'Î' | 'Ï' => 'I',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'Ó' | 'Ò' | 'Ô' | 'Õ' | 'Ö' => 'O',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'Ú' | 'Ù' | 'Û' | 'Ü' => 'U',
        'ç' => 'c',
        'Ç' => 'C',
        'ñ' => 'n',
        'Ñ' => 'N',
        c if c.is_ascii_graphic() || c == ' ' => c,
        _ => return None,
    })
}

/// CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF) over the bytes, as four capital hex digits.
fn crc(text: &str) -> String {
    let mut crc = 0xFFFF_u16;
    for byte in text.bytes() {
        crc ^= u16::from(byte).wrapping_shl(8);
        for _ in 0..8 {
            let carry = crc & 0x8000 != 0;
            crc = crc.wrapping_shl(1);
            if carry {
                crc ^= 0x1021;
            }
        }
    }
    format!("{crc:04X}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_of_the_standard_test_text() {
        assert_eq!(super::crc("123456789"), "29B1");
    }
}
