//! Which crossings are meant, by their WIT paths.

use std::str::FromStr;

/// A part of a WIT path, or a pattern for the whole of it, in which `*` stands for
/// anything and `?` for one character. Versions of interfaces may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamePattern(String);

impl From<&str> for NamePattern {
    fn from(text: &str) -> Self {
        NamePattern(text.to_owned())
    }
}

impl FromStr for NamePattern {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(NamePattern(text.to_owned()))
    }
}

impl NamePattern {
    /// Whether it is empty, and means everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a crossing's name is meant.
    pub fn matches(&self, name: &str) -> bool {
        // `resource.drop wasi:io/streams@0.2.6#output-stream` has its path at the end.
        let path = name.rsplit(' ').next().unwrap_or(name);
        [name, path]
            .into_iter()
            .any(|name| self.matches_text(name) || self.matches_text(&without_version(name)))
    }

    /// Whether this is in a name that is not a path of WIT, such as a function's, or fits the
    /// whole of it.
    pub fn matches_text(&self, text: &str) -> bool {
        if self.0.contains(['*', '?']) {
            return glob(self.0.as_bytes(), text.as_bytes());
        }
        text.contains(&self.0)
    }
}

/// `wasi:io/streams@0.2.6#…` as `wasi:io/streams#…`.
fn without_version(path: &str) -> String {
    match path.split_once('@') {
        Some((interface, rest)) => match rest.split_once('#') {
            Some((_, function)) => format!("{interface}#{function}"),
            None => interface.to_owned(),
        },
        None => path.to_owned(),
    }
}

/// Whether a pattern matches the whole text. On a mismatch only the last `*` takes
/// one more byte, so this ends after at most length times length steps.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => (p, t) = (p + 1, t + 1),
            Some(byte) if text.get(t) == Some(byte) => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::NamePattern;

    #[test]
    fn parts_and_patterns_match_paths() {
        let write = "wasi:io/streams@0.2.6#[method]output-stream.write";
        let drop = "resource.drop wasi:io/streams@0.2.6#output-stream";
        for (filter, name, matches) in [
            ("", write, true),
            ("wasi:io", write, true),
            ("wasi:io", drop, true),
            ("resource.drop", drop, true),
            ("wasi:io/streams#[method]", write, true),
            ("wasi:io/streams@0.2.6#[method]", write, true),
            ("io/streams", write, true),
            ("io/file", write, false),
            ("*io/streams*", write, true),
            ("wasi:*#*.write", write, true),
            ("wasi:*#*.write", drop, false),
            ("*.wri?e", write, true),
            ("*.wri?", write, false),
            ("wasi:*/*#output-stream", drop, true),
            ("*a*b", write, false),
        ] {
            let pattern = NamePattern::from(filter);
            assert_eq!(pattern.matches(name), matches, "{filter:?} {name}");
        }
    }
}
