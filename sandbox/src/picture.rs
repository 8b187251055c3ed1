//! How large a picture is, read from its first bytes: Discord tells it of every picture it keeps.

/// Width and height in pixels of a PNG, GIF or JPEG; `None` of anything else.
pub(crate) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let size = png(bytes).or_else(|| gif(bytes)).or_else(|| jpeg(bytes))?;
    (size.0 > 0 && size.1 > 0).then_some(size)
}

fn big(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + length)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let begins = bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16) == Some(b"IHDR");
    begins.then_some((big(bytes, 16, 4)?, big(bytes, 20, 4)?))
}

fn gif(bytes: &[u8]) -> Option<(u32, u32)> {
    let little = |at: usize| Some(u32::from(*bytes.get(at)?) | u32::from(*bytes.get(at + 1)?) << 8);
    if bytes.starts_with(b"GIF8") { Some((little(6)?, little(8)?)) } else { None }
}

/// Walks the segments of a JPEG up to the one that begins a frame.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = if bytes.starts_with(b"\xff\xd8") { 2 } else { return None };
    loop {
        match bytes.get(at..at + 2)? {
            // All frames but those that only hold tables: C4, C8 and CC.
            [0xff, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf] => {
                return Some((big(bytes, at + 7, 2)?, big(bytes, at + 5, 2)?));
            }
            [0xff, 0xff] => at += 1,
            [0xff, _] => at += 2 + usize::try_from(big(bytes, at + 2, 2)?).ok()?,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_rubbish_is_not() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x02\0\0\0\x03\x08\x02\0\0\0";
        assert_eq!(size(png), Some((258, 3)));
        assert_eq!(size(b"GIF89a\x02\x01\x03\0"), Some((258, 3)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\0\x03\x01\x02\x03";
        assert_eq!(size(jpeg), Some((258, 3)));
        for rubbish in
            [&b"png"[..], b"", &png[..20], b"GIF8", b"\xff\xd8\xff\xe0\0", b"\xff\xd8abc"]
        {
            assert_eq!(size(rubbish), None, "{rubbish:?}");
        }
    }
}
