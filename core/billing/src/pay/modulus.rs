//! Check digits of Brazilian documents.

/// Modulus 10 with weights 2, 1, 2, 1 … from the right, digits of products summed. `None` when the
/// text is not only digits.
pub(super) fn modulus_10(digits: &str) -> Option<u32> {
    let mut sum = 0_u32;
    for (i, digit) in digits.bytes().rev().enumerate() {
        let digit = value(digit)?;
        let product = if i & 1 == 0 { digit.saturating_mul(2) } else { digit };
        let digits = if product > 9 { product.saturating_sub(9) } else { product };
        sum = sum.saturating_add(digits);
    }
    10_u32.saturating_sub(sum.checked_rem(10)?).checked_rem(10)
}

/// The remainder of modulus 11 with weights 2 to 9 from the right, over again. Letters count as
/// their ASCII code less 48, as the alphanumeric CNPJ defines.
pub(super) fn remainder_11(text: &str) -> Option<u32> {
    let mut sum = 0_u32;
    for (byte, weight) in text.bytes().rev().zip((2_u32..=9).cycle()) {
        let digit = alphanumeric(byte)?;
        sum = sum.saturating_add(digit.saturating_mul(weight));
    }
    sum.checked_rem(11)
}

fn value(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte).saturating_sub(48))
}

fn alphanumeric(byte: u8) -> Option<u32> {
    (byte.is_ascii_digit() || byte.is_ascii_uppercase()).then(|| u32::from(byte).saturating_sub(48))
}
