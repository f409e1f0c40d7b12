//! WebAssembly's binary format, as far as tests write it.

/// Writes a number as lengths and counts are written.
pub fn leb128(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
