//! The names in a line of source text, whatever its language: where they are, as the protocol
//! counts columns (in UTF-16), and the expression that one is the end of.

use std::ops::Range;

/// A name, and where it is in its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub text: &'a str,
    /// Columns from 0, in UTF-16.
    pub columns: Range<u32>,
    /// A part of what stands before it: `x` in `p.x`.
    pub is_member: bool,
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a text in UTF-16.
pub(super) fn columns(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

/// Where in a line a column is, in bytes; at its end, if it is longer.
fn offset(line: &str, column: u32) -> usize {
    let mut at = 0;
    for (offset, c) in line.char_indices() {
        if at >= column {
            return offset;
        }
        at += c.len_utf16() as u32;
    }
    line.len()
}

/// The names in a line, but for those in string literals and behind `//`.
pub(super) fn names(line: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut rest = line.char_indices().peekable();
    let mut quote = None;
    while let Some((at, c)) = rest.next() {
        match quote {
            Some(_) if c == '\\' => _ = rest.next(),
            Some(end) if c == end => quote = None,
            Some(_) => {}
            None if c == '"' => quote = Some(c),
            None if line[at..].starts_with("//") => break,
            None if is_of_name(c) => {
                let end = line[at..].find(|c| !is_of_name(c));
                let end = end.map_or(line.len(), |length| at + length);
                while rest.peek().is_some_and(|(next, _)| *next < end) {
                    rest.next();
                }
                if !c.is_numeric() {
                    found.push(word(line, at..end));
                }
            }
            None => {}
        }
    }
    found
}

fn word(line: &str, bytes: Range<usize>) -> Word<'_> {
    let before = &line[..bytes.start];
    let text = &line[bytes];
    let start = columns(before);
    let before = before.trim_end();
    Word {
        text,
        columns: start..start + columns(text),
        is_member: before.ends_with("->") || (before.ends_with('.') && !before.ends_with("..")),
    }
}

/// The expression whose last name is at a column: with what it is a part of, as in `p->x`,
/// `a[i].b`; and where it is.
pub(super) fn expression_at(line: &str, column: u32) -> Option<Word<'_>> {
    let at = offset(line, column);
    let is_behind = |c: char| !is_of_name(c);
    let start = line[..at].rfind(is_behind);
    let start = start.map_or(0, |before| {
        before + line[before..].chars().next().map_or(1, char::len_utf8)
    });
    let end = line[at..].find(is_behind).map_or(line.len(), |n| at + n);
    let first = line.get(start..end)?.chars().next()?;
    if first.is_numeric() {
        return None;
    }
    let start = start_of_path(line, start);
    let text = &line[start..end];
    let from = columns(&line[..start]);
    Some(Word {
        text,
        columns: from..from + columns(text),
        is_member: false,
    })
}

/// Where the path begins that a name at this offset is a member of.
fn start_of_path(line: &str, name: usize) -> usize {
    let mut start = name;
    loop {
        let before = &line[..start];
        let joint = ["->", "::", "."].into_iter().find(|j| before.ends_with(j));
        let Some(joint) = joint else {
            return start;
        };
        let Some(of) = start_of_part(&before[..before.len() - joint.len()]) else {
            return start;
        };
        start = of;
    }
}

/// Where a name that a text ends with begins, with the brackets behind it.
fn start_of_part(text: &str) -> Option<usize> {
    let mut end = text.len();
    while text[..end].ends_with(']') {
        let mut open = 0;
        end = text[..end].char_indices().rev().find_map(|(at, c)| {
            open += i32::from(c == ']') - i32::from(c == '[');
            (open == 0).then_some(at)
        })?;
    }
    let start = text[..end].rfind(|c| !is_of_name(c));
    let start = start.map_or(0, |at| {
        at + text[at..].chars().next().map_or(1, char::len_utf8)
    });
    (start < end).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_outside_of_strings_and_remarks() {
        let line = r#"  sum += a[i].b * 2x1 - f("no \" name", é) // not"#;
        let found: Vec<_> = names(line)
            .into_iter()
            .map(|w| (w.text, w.is_member))
            .collect();
        let expected = [
            ("sum", false),
            ("a", false),
            ("i", false),
            ("b", true),
            ("f", false),
        ];
        assert_eq!(found[..5], expected);
        assert_eq!(found[5..], [("é", false)]);
    }

    #[test]
    fn columns_are_those_of_utf_16() {
        let line = "𝔸 = total;";
        let total = &names(line)[1];
        assert_eq!((total.text, total.columns.clone()), ("total", 5..10));
        assert_eq!(expression_at(line, 7).unwrap().text, "total");
        assert_eq!(expression_at(line, 3), None);
        assert_eq!(expression_at(line, 400), None);
    }

    #[test]
    fn an_expression_has_what_it_is_a_part_of() {
        let line = "x = from->accounts[i + b[0]].balance + 10;";
        let at = |word: &str| line.find(word).unwrap() as u32;
        let told = |word: &str| expression_at(line, at(word)).map(|w| w.text);
        assert_eq!(told("balance"), Some("from->accounts[i + b[0]].balance"));
        assert_eq!(told("accounts"), Some("from->accounts"));
        assert_eq!(told("from"), Some("from"));
        assert_eq!(told("10"), None);
        assert_eq!(expression_at("", 0), None);
    }
}
