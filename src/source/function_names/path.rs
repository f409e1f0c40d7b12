//! The name of a function taken apart: into the parts of its path, whatever the language.

use std::ops::Range;

/// The longest name that is taken apart, in bytes.
const LONGEST: usize = 16 * 1024;
/// How deep qualified paths within others are read.
pub(super) const DEEPEST: usize = 8;
/// In so many ways one function may be called: by its type, and by the trait.
const MOST_WAYS: usize = 8;

/// A part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// The arguments of its type, if it has some.
    pub(super) arguments: Option<Vec<String>>,
}

/// What a name was taken apart to.
#[derive(Default)]
pub(super) struct Named {
    pub(super) ways: Vec<Vec<Part>>,
    pub(super) parameters: Option<String>,
}

impl Named {
    /// Takes a name apart, and qualified paths within it down to a depth.
    pub(super) fn read(text: &str, depth: usize) -> Named {
        if text.len() > LONGEST || depth == 0 {
            return Named::default();
        }
        let mut text = text;
        for qualifier in [" &&", " &", " volatile", " const"] {
            text = text.strip_suffix(qualifier).unwrap_or(text);
        }
        let mut reader = Reader {
            rest: text,
            ways: vec![Vec::new()],
            parameters: None,
            depth,
        };
        while let Some(next) = reader.rest.chars().next() {
            // What follows parameters is not part of the path.
            if reader.parameters.is_some() && next.is_whitespace() {
                break;
            }
            reader.part(next);
        }
        reader.ways.retain(|way| !way.is_empty());
        Named {
            ways: reader.ways,
            parameters: reader.parameters,
        }
    }
}

/// Takes a name apart.
struct Reader<'a> {
    rest: &'a str,
    ways: Vec<Vec<Part>>,
    parameters: Option<String>,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn part(&mut self, next: char) {
        if let Some(rest) = self.rest.strip_prefix("::") {
            self.rest = rest;
            return;
        }
        match next {
            '<' => match self.brackets() {
                Some(inner) => self.angles(inner),
                None => self.skip(next),
            },
            '(' => match self.brackets() {
                Some(inner) => self.parentheses(inner),
                None => self.skip(next),
            },
            '[' => match self.brackets() {
                Some(inner) if !inner.starts_with("abi:") => self.arguments(inner),
                Some(_) => {}
                None => self.skip(next),
            },
            '{' => {
                let before = self.rest;
                match self.brackets() {
                    Some(_) => {
                        let length = before.len() - self.rest.len();
                        self.push(before.get(..length).unwrap_or_default());
                    }
                    None => self.skip(next),
                }
            }
            next if is_in_word(next) => self.word(),
            next => self.skip(next),
        }
    }

    fn skip(&mut self, next: char) {
        self.rest = self.rest.get(next.len_utf8()..).unwrap_or_default();
    }

    /// What is in the brackets that begin here; goes on behind them.
    fn brackets(&mut self) -> Option<&'a str> {
        let inner = inside(self.rest)?;
        let (start, end) = (inner.start, inner.end);
        let text = self.rest.get(start..end)?;
        self.rest = self.rest.get(end + 1..)?;
        Some(text)
    }

    /// `Stack<int>`, `fold::<i32>`, `<A as B>::`, `<impl A for B>::`
    fn angles(&mut self, inner: &str) {
        let (inner, between) = match inner.strip_prefix("impl ") {
            Some(inner) => (inner, " for "),
            None if self.ways.iter().any(|way| !way.is_empty()) => return self.arguments(inner),
            None => (inner, " as "),
        };
        let at = split_once(inner, between);
        let paths = at.map_or(vec![inner], |(one, other)| vec![one, other]);
        let depth = self.depth - 1;
        let ways = paths.into_iter().flat_map(|path| {
            let path = path.trim_start_matches(['&', '*', '\'', ' ']);
            let words = ["mut ", "const ", "dyn "];
            let path = words.iter().fold(path, |path, word| {
                path.strip_prefix(word).unwrap_or(path).trim_start()
            });
            Named::read(path, depth).ways
        });
        let ways: Vec<Vec<Part>> = ways.take(MOST_WAYS).collect();
        if !ways.is_empty() {
            self.ways = ways;
        }
    }

    fn parentheses(&mut self, inner: &str) {
        if inner == "anonymous namespace" {
            return;
        }
        let goes_on = self.rest.starts_with(['.', ':', '[', '#']);
        let is_first = self.ways.iter().all(Vec::is_empty);
        match inner.strip_prefix('*') {
            // A method of a pointer in Go.
            Some(name) if goes_on => self.push(name),
            _ if goes_on => self.arguments(inner),
            _ if is_first => {}
            _ => self.parameters = Some(inner.to_owned()),
        }
    }

    fn arguments(&mut self, inner: &str) {
        let list: Vec<String> = split(inner, ',').into_iter().map(str::to_owned).collect();
        for last in self.ways.iter_mut().filter_map(|way| way.last_mut()) {
            last.arguments = Some(list.clone());
        }
    }

    fn word(&mut self) {
        let end = self.rest.char_indices().find(|(index, next)| {
            let is_path = self.rest.get(*index..).is_some_and(|r| r.starts_with("::"));
            is_path || !is_in_word(*next)
        });
        let end = end.map_or(self.rest.len(), |(index, _)| index);
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word == "operator"
            && let Some(sign) = self.operator()
        {
            return self.push(&format!("operator{sign}"));
        }
        let word = word.split_once("__anon_").map_or(word, |(word, _)| word);
        self.push(word);
    }

    /// The sign or the type behind `operator`.
    fn operator(&mut self) -> Option<String> {
        const SIGNS: &str = "() [] <=> <<= >>= ->* -> ++ -- << >> <= >= == != && || += -= *= /= %= \
                             ^= &= |= + - * / % ^ & | ~ ! = < > ,";
        let text = self.rest.trim_start();
        if let Some(sign) = SIGNS.split(' ').find(|sign| text.starts_with(sign)) {
            self.rest = text.get(sign.len()..)?;
            return Some(sign.to_owned());
        }
        if self.rest.len() == text.len() {
            return None;
        }
        // `operator bool`, `operator new[]`
        let type_end = text.find(['(', '<']).unwrap_or(text.len());
        let (kind, rest) = text.split_at(type_end);
        self.rest = rest;
        Some(format!(" {}", kind.trim()))
    }

    fn push(&mut self, name: &str) {
        const INLINE: [&str; 5] = ["__1", "__2", "__cxx11", "__ndk1", "_V2"];
        // What compilers add to what they have copied, and to what they have split.
        const ADDED: [&str; 8] = [
            "llvm",
            "isra",
            "part",
            "cold",
            "constprop",
            "resume",
            "destroy",
            "cleanup",
        ];
        let is_behind = self.ways.iter().any(|way| !way.is_empty());
        if name.is_empty() || INLINE.contains(&name) || is_hash(name) {
            return;
        }
        if is_behind && ADDED.contains(&name) && !self.rest.starts_with("::") {
            self.rest = "";
            return;
        }
        for way in &mut self.ways {
            way.push(Part {
                name: name.to_owned(),
                arguments: None,
            });
        }
    }
}

/// The hash that rustc puts behind the path: `h0123456789abcdef`.
fn is_hash(name: &str) -> bool {
    let digits = name.strip_prefix('h');
    digits.is_some_and(|digits| {
        digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn is_in_word(next: char) -> bool {
    next.is_alphanumeric() || matches!(next, '_' | '$' | '~' | '@' | '?' | '!' | ':' | '-')
}

/// Where the inside of the brackets is that a text begins with.
fn inside(text: &str) -> Option<Range<usize>> {
    let (mut depth, mut before) = (0_usize, ' ');
    for (index, next) in text.char_indices() {
        match next {
            '<' | '(' | '[' | '{' => depth += 1,
            '>' if before == '-' => {}
            '>' | ')' | ']' | '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(1..index);
                }
            }
            _ => {}
        }
        before = next;
    }
    None
}

/// The parts of a list, at separators that are in no brackets.
pub(super) fn split(text: &str, at: char) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    let mut before = ' ';
    for (index, next) in text.char_indices() {
        match next {
            '<' | '(' | '[' | '{' => depth += 1,
            '>' if before == '-' => {}
            '>' | ')' | ']' | '}' => depth -= 1,
            next if next == at && depth == 0 => {
                parts.push(text.get(start..index).unwrap_or_default().trim());
                start = index + next.len_utf8();
            }
            _ => {}
        }
        before = next;
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts
}

/// The text before and behind a word that is in no brackets.
fn split_once<'t>(text: &'t str, word: &str) -> Option<(&'t str, &'t str)> {
    let mut depth = 0_i32;
    for (index, next) in text.char_indices() {
        match next {
            '<' | '(' | '[' | '{' => depth += 1,
            '>' if text
                .get(..index)
                .is_some_and(|before| before.ends_with('-')) => {}
            '>' | ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        let rest = text.get(index..)?;
        if depth == 0 && rest.starts_with(word) {
            return Some((text.get(..index)?, rest.get(word.len()..)?));
        }
    }
    None
}
