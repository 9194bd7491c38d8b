//! Sizes as people write them: a number with a unit, or a bare number of bytes.

/// The units; the longer before those that they end with.
const UNITS: [(&str, u64); 5] =
    [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1)];

/// Reads a size such as `16MiB` or `4096`, in bytes.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let unit = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
    let (number, bytes) = unit.unwrap_or((text, 1));
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{text:?} is no size, such as 512KiB, 16MiB, 1GiB or a number of bytes"));
    }
    let number: Option<u64> = number.parse().ok();
    let bytes = number.and_then(|number| number.checked_mul(bytes));
    bytes.ok_or_else(|| format!("{text:?} is more than can be counted"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_are_numbers_with_a_unit_or_bytes() {
        for (text, bytes) in [("0", 0), ("4096", 4096), ("7B", 7), ("512KiB", 524_288), ("16MiB", 16_777_216)]
        {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "MiB", "16 MiB", "16MB", "-1", "1.5GiB", "1e3", "16mib"] {
            assert!(parse(text).unwrap_err().contains("is no size"), "{text}");
        }
        assert!(parse("99999999TiB").unwrap_err().contains("more than can be counted"));
        assert!(parse("99999999999999999999").unwrap_err().contains("more than can be counted"));
    }
}
