//! MD5 (RFC 1321): what debug information of DWARF 5 tells a source's text by. It protects
//! from mistakes, not from malice.

/// The sine of each step, as 32 bits of a fraction.
const SINES: [u32; 64] = [
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
];
/// By how much the steps of each round rotate.
const TURNS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// The digest of a text.
pub(super) fn md5(text: &[u8]) -> [u8; 16] {
    let mut state = [0x67452301_u32, 0xefcdab89, 0x98badcfe, 0x10325476];
    let mut blocks = text.chunks_exact(64);
    for block in &mut blocks {
        state = mixed(state, block);
    }
    // What is left, a one, zeros, and the length in bits.
    let mut rest = blocks.remainder().to_vec();
    rest.push(0x80);
    while rest.len() % 64 != 56 {
        rest.push(0);
    }
    rest.extend((text.len() as u64).wrapping_mul(8).to_le_bytes());
    for block in rest.chunks_exact(64) {
        state = mixed(state, block);
    }
    let mut digest = [0; 16];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

fn mixed(state: [u32; 4], block: &[u8]) -> [u32; 4] {
    let mut words = [0_u32; 16];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    }
    let [mut a, mut b, mut c, mut d] = state;
    for (step, sine) in SINES.into_iter().enumerate() {
        let (mix, word) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), 5 * step + 1),
            2 => (b ^ c ^ d, 3 * step + 5),
            _ => (c ^ (b | !d), 7 * step),
        };
        let word = words.get(word % 16).copied().unwrap_or_default();
        let turn = TURNS.get(step / 16).and_then(|turns| turns.get(step % 4));
        let sum = a.wrapping_add(mix).wrapping_add(sine).wrapping_add(word);
        let turned = sum.rotate_left(turn.copied().unwrap_or_default());
        (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
    }
    let [w, x, y, z] = state;
    [
        w.wrapping_add(a),
        x.wrapping_add(b),
        y.wrapping_add(c),
        z.wrapping_add(d),
    ]
}

#[cfg(test)]
mod tests {
    use super::md5;

    #[test]
    fn digests_are_those_of_the_standard() {
        let hex = |text: &[u8]| -> String {
            md5(text).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        for (text, digest) in [
            (String::new(), "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc".into(), "900150983cd24fb0d6963f7d28e17f72"),
            (
                "12345678901234567890".repeat(4),
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            assert_eq!(hex(text.as_bytes()), digest, "{text}");
        }
    }
}
