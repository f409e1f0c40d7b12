//! What may be typed where an expression is expected.

use super::{Fuzzing, doors, pick};
use crate::support::file::{Numbers, mutate};

/// Some of each kind.
const SEEDS: &[&str] = &[
    "a.b[3]",
    "*p",
    "p->x + 1",
    "name == \"x\"",
    "$local0",
    "$stack1 * 2",
    "$global0 >> 3",
    "$mem[p; 16]",
    "$arg.path",
    "$result.ok",
    "$event > 12 && $tick < 0x10",
    "$position",
    "(char *)p == \"two\"",
    "(uint8_t)c",
    "40000 as int16_t",
    "x as Vec<Option<(i32, &str)>>",
    "pts[1..3]",
    "pts[0].x@2",
    "*p@10",
    "&pts[1]",
    "sizeof(pts)",
    "sizeof(struct point)",
    "values.len()",
    "name.is_some() || !done",
    "map[\"key\"].unwrap().0",
    "-7 / 2 % 3 ^ ~1 | 6 & 4",
    "1.5e3 <= w",
    "'\\n' == buf[0]",
    "a ? b : c",
    "x = 3",
    "f(1, 2)",
    "std::collections::HashMap<K, V>",
    "{closure#0}",
    "(((((((((1)))))))))",
    "\"\\u{1f600}\"",
];

/// What they are made of.
const TOKENS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    ".",
    "->",
    "*",
    "&",
    "@",
    "..",
    " as ",
    "::",
    "<",
    ">",
    "==",
    "!=",
    "<=",
    ">=",
    "&&",
    "||",
    "!",
    "~",
    "-",
    "+",
    "/",
    "%",
    "<<",
    ">>",
    "^",
    "|",
    "=",
    ",",
    ";",
    "{",
    "}",
    "\"",
    "'",
    "\\",
    "0",
    "1",
    "0x",
    "1e9",
    "18446744073709551616",
    "-9223372036854775808",
    "$",
    "$mem[",
    "$local",
    "$arg",
    "$result",
    "$event",
    "x",
    "pts",
    "buf",
    "u",
    "c",
    "sizeof(",
    "(char *)",
    "(int)",
    "(u8)",
    ".len()",
    ".0",
    "[0]",
    "[9999999999]",
    "@1000000",
    "\u{e4}",
    "\u{10ffff}",
    "\u{200d}",
];

pub(super) fn seeds() -> Vec<Vec<u8>> {
    SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect()
}

/// Expressions with tokens put in, taken out and doubled, on and on.
fn retyped(numbers: &mut Numbers) -> Vec<u8> {
    let mut text: Vec<char> = pick(SEEDS, numbers).chars().collect();
    for _ in 0..=numbers.below(2) {
        let at = numbers.below(text.len() + 1);
        match numbers.below(5) {
            0 => {
                let end = (at + numbers.below(6)).min(text.len());
                text.drain(at..end);
            }
            1 => {
                let other = pick(SEEDS, numbers).chars();
                text.splice(at..at, other);
            }
            2 => {
                let token = pick(TOKENS, numbers).repeat(1 << numbers.below(11));
                text.splice(at..at, token.chars());
            }
            _ => {
                let token = pick(TOKENS, numbers).chars();
                text.splice(at..at, token);
            }
        }
    }
    text.into_iter().collect::<String>().into_bytes()
}

#[test]
fn expressions_have_a_value_or_an_error() {
    let fuzzing = Fuzzing {
        name: "expression",
        door: doors::expression,
        count: 50_000,
    };
    let seeds = seeds();
    let Some(tally) = fuzzing.run(|numbers| match numbers.below(4) {
        0 => {
            let mut input = pick(&seeds, numbers).clone();
            mutate(&mut input, numbers);
            input
        }
        _ => retyped(numbers),
    }) else {
        return;
    };
    assert!(tally.refused > tally.all() / 10, "{tally:?}");
    assert!(tally.end > tally.all() / 50, "{tally:?}");
}
