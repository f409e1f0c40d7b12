//! Numbers, texts and characters as they are written.

use super::error::Fault;
use super::parse::{Parsed, Parser};
use super::syntax::{Kind, Node};
use super::types;

impl Parser<'_> {
    /// `0x1f`, `0b101`, `0o17`, `1_000`, `2.5`, `1e9`, with suffixes of C and Rust.
    pub(super) fn number(&mut self) -> Parsed<Node> {
        let from = self.at;
        let rest = self.rest();
        let radix = match rest.get(..2) {
            Some("0x" | "0X") => 16,
            Some("0b" | "0B") => 2,
            Some("0o") => 8,
            _ => 10,
        };
        if radix == 10
            && let Some((value, length)) = real(rest)
        {
            self.at += length;
            return Ok(self.node(from, Kind::Real(value)));
        }
        let start = if radix == 10 { 0 } else { 2 };
        let digits = rest.get(start..).unwrap_or_default();
        let end = digits.find(|c: char| !c.is_digit(radix) && c != '_');
        let (digits, after) = digits.split_at(end.unwrap_or(digits.len()));
        let suffix = after.find(|c: char| !c.is_alphanumeric() && c != '_');
        let suffix = after.get(..suffix.unwrap_or(after.len())).unwrap_or("");
        self.at += start + digits.len() + suffix.len();
        let bare = digits.replace('_', "");
        let value = i128::from_str_radix(&bare, radix);
        match (value, is_suffix(suffix)) {
            (Ok(value), true) => Ok(self.node(from, Kind::Whole(value))),
            (Err(_), true) if !bare.is_empty() => Err(self.fault(Fault::TooLarge, from..self.at)),
            _ => Err(self.fault(Fault::Syntax { wanted: "a number" }, from..self.at)),
        }
    }

    pub(super) fn text_literal(&mut self) -> Parsed<Node> {
        let from = self.at;
        let text = self.until_quote('"')?;
        Ok(self.node(from, Kind::Text(text)))
    }

    /// A character; longer text is text all the same.
    pub(super) fn quoted(&mut self) -> Parsed<Node> {
        let from = self.at;
        let text = self.until_quote('\'')?;
        let mut characters = text.chars();
        Ok(match (characters.next(), characters.next()) {
            (Some(one), None) => self.node(from, Kind::Character(one)),
            _ => self.node(from, Kind::Text(text)),
        })
    }

    fn until_quote(&mut self, quote: char) -> Parsed<String> {
        let from = self.at;
        let mut text = String::new();
        self.at += quote.len_utf8();
        while let Some(next) = self.peek() {
            self.at += next.len_utf8();
            if next == quote {
                return Ok(text);
            }
            if next != '\\' {
                text.push(next);
                continue;
            }
            let Some(escaped) = self.peek() else { break };
            self.at += escaped.len_utf8();
            text.push(match escaped {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '0' => '\0',
                'x' => self.byte().ok_or_else(|| self.expected("two hex digits"))?,
                other => other,
            });
        }
        let wanted = "the closing quote";
        Err(self.fault(Fault::Syntax { wanted }, from..self.text.len()))
    }

    fn byte(&mut self) -> Option<char> {
        let digits = self.rest().get(..2)?;
        let byte = u8::from_str_radix(digits, 16).ok()?;
        self.at += 2;
        Some(byte.into())
    }
}

/// A number with a point or an exponent at the start of a text, and its length. A point
/// that another follows belongs to a range.
fn real(text: &str) -> Option<(f64, usize)> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '_');
        from + end.unwrap_or(rest.len())
    };
    let whole = digits(0);
    let mut end = whole;
    let after = text.get(end..)?;
    let has_point = after.starts_with('.')
        && after
            .get(1..)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if has_point {
        end = digits(end + 1);
    }
    let exponent = text.get(end..).unwrap_or_default();
    if exponent.starts_with(['e', 'E']) {
        let sign = usize::from(exponent.get(1..).is_some_and(|e| e.starts_with(['+', '-'])));
        let until = digits(end + 1 + sign);
        if until > end + 1 + sign {
            end = until;
        }
    }
    if end == whole {
        return None;
    }
    let value = text.get(..end)?.replace('_', "").parse().ok()?;
    // `f32`, `f64` of Rust, `f` of C.
    let suffix = ["f32", "f64", "f", "F"].into_iter();
    let rest = text.get(end..).unwrap_or_default();
    let length = suffix.filter(|s| rest.starts_with(s)).map(str::len).max();
    Some((value, end + length.unwrap_or(0)))
}

fn is_suffix(text: &str) -> bool {
    let of_c = ["", "u", "l", "ul", "ll", "ull", "z", "uz"];
    of_c.contains(&text.to_ascii_lowercase().as_str()) || types::scalar(text).is_some()
}
