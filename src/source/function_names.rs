//! Functions by the names that people type: any end of the path at `::`, without the
//! arguments of types, as in `Node::sum` for `<shop::Node as shop::Tree>::sum`.
//!
//! Nothing is asked of the language: the names of all are taken apart in the same way.

use super::lines::SourceLine;
use super::spelling::short;
use std::ops::Range;

/// The longest name that is taken apart, in bytes.
const LONGEST: usize = 16 * 1024;
/// How deep qualified paths within others are read.
const DEEPEST: usize = 8;
/// In so many ways one function may be called: by its type, and by the trait.
const MOST_WAYS: usize = 8;

/// A function as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionName {
    text: String,
    /// Each must be an end of a path of the function.
    ways: Vec<Vec<Part>>,
    parameters: Option<String>,
}

/// What of a name must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// All that the person has written.
    All,
    /// The path; not the arguments of types and the parameters.
    Path,
}

/// A part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    name: String,
    /// The arguments of its type, if it has some.
    arguments: Option<Vec<String>>,
}

/// The names that debug information has of a function.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// With its path, readable.
    pub whole: &'a str,
    /// As the source declares it.
    pub declared: Option<&'a str>,
    /// As the linker knows it.
    pub linkage: Option<&'a str>,
}

/// Where a function begins that a person means: its own code, or a copy of it that was
/// inlined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The place for a breakpoint: behind the prologue, where there is one.
    pub pc: u32,
    /// The readable name with its path.
    pub name: String,
    /// Where the source declares it.
    pub declared: Option<SourceLine>,
    /// Whether it is a copy within another function.
    pub is_inlined: bool,
}

impl FunctionName {
    /// Takes a name apart; quotes around it do not count.
    pub fn parse(text: &str) -> FunctionName {
        let text = text.trim();
        let unquoted = ['\'', '"', '`'].into_iter().find_map(|quote| {
            let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
            (!inner.is_empty()).then_some(inner)
        });
        let text = unquoted.unwrap_or(text).trim();
        let named = Reader::read(text, DEEPEST);
        FunctionName {
            text: text.to_owned(),
            ways: named.ways,
            parameters: named.parameters,
        }
    }

    /// The name as it was typed, without quotes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The last part of the path: what a function is called without its path.
    pub fn last(&self) -> &str {
        let last = self.ways.first().and_then(|way| way.last());
        last.map_or(&self.text, |part| &part.name)
    }

    /// Whether a function is meant.
    pub fn means(&self, written: Written<'_>, agreement: Agreement) -> bool {
        let Written {
            whole,
            declared,
            linkage,
        } = written;
        let names = [Some(whole), declared, linkage];
        let last = self.last();
        if last.is_empty() || !names.iter().flatten().any(|name| name.contains(last)) {
            return false;
        }
        if names.contains(&Some(&self.text)) {
            return true;
        }
        let mut ways = with_arguments(Reader::read(whole, DEEPEST).ways, declared);
        // What is not mangled may have a path that the readable name lacks.
        if let Some(linkage) = linkage.filter(|linkage| is_path(linkage)) {
            ways.extend(Reader::read(linkage, DEEPEST).ways);
        }
        let ends_so = |wanted: &Vec<Part>| {
            !wanted.is_empty() && ways.iter().any(|way| ends(way, wanted, agreement))
        };
        if self.ways.is_empty() || !self.ways.iter().all(ends_so) {
            return false;
        }
        match (&self.parameters, agreement) {
            (Some(wanted), Agreement::All) => {
                let signature = linkage.and_then(super::demangle::signature);
                let has = signature.and_then(|signature| Reader::read(&signature, 1).parameters);
                has.is_none_or(|has| are_same_parameters(wanted, &has))
            }
            _ => true,
        }
    }
}

/// Whether a linkage name is a path as it is, as those of Zig are.
fn is_path(linkage: &str) -> bool {
    linkage.contains(['.', '#', '/']) && !linkage.starts_with("_Z") && !linkage.starts_with("_R")
}

/// The arguments of a generic function, which only the name that its source declares has.
fn with_arguments(mut ways: Vec<Vec<Part>>, declared: Option<&str>) -> Vec<Vec<Part>> {
    let declared = declared.filter(|name| name.contains('<'));
    let own = declared.and_then(|name| Reader::read(name, 1).ways.into_iter().next()?.pop());
    for last in ways.iter_mut().filter_map(|way| way.last_mut()) {
        if let Some(own) = &own
            && last.arguments.is_none()
            && last.name == own.name
        {
            last.arguments.clone_from(&own.arguments);
        }
    }
    ways
}

fn ends(way: &[Part], wanted: &[Part], agreement: Agreement) -> bool {
    let Some(before) = way.len().checked_sub(wanted.len()) else {
        return false;
    };
    let end = way.get(before..).unwrap_or_default();
    end.iter().zip(wanted).all(|(part, wanted)| {
        part.name == wanted.name
            && match (&wanted.arguments, agreement) {
                (Some(wanted), Agreement::All) => {
                    let has = part.arguments.as_deref().unwrap_or_default();
                    // Those that a template has by default are left out.
                    has.len() >= wanted.len() && has.iter().zip(wanted).all(|(a, b)| is_same(a, b))
                }
                _ => true,
            }
    })
}

/// Whether two types are spelled alike but for spaces and what libraries keep to themselves.
fn is_same(one: &str, other: &str) -> bool {
    one == other || tokens(one) == tokens(other)
}

fn are_same_parameters(one: &str, other: &str) -> bool {
    let list = |text: &str| {
        let mut list: Vec<Vec<String>> = split(text, ',').iter().map(|p| tokens(p)).collect();
        list.retain(|parameter| !parameter.is_empty() && parameter != &["void"]);
        list
    };
    list(one) == list(other)
}

/// The words and signs of a type, in an order that does not depend on where `const` is.
fn tokens(text: &str) -> Vec<String> {
    let plain = short(&short(text, false), true);
    let mut tokens: Vec<String> = Vec::new();
    let mut word = String::new();
    for next in plain.chars() {
        if next.is_alphanumeric() || next == '_' || next == ':' {
            word.push(next);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        if !next.is_whitespace() {
            tokens.push(next.to_string());
        }
    }
    tokens.extend(Some(word).filter(|word| !word.is_empty()));
    if tokens.iter().any(|token| token == "const") {
        tokens.sort();
    }
    tokens
}

/// The parts of a list, at separators that are in no brackets.
fn split(text: &str, at: char) -> Vec<&str> {
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

/// What a name was taken apart to.
#[derive(Default)]
struct Named {
    ways: Vec<Vec<Part>>,
    parameters: Option<String>,
}

/// Takes a name apart.
struct Reader<'a> {
    rest: &'a str,
    ways: Vec<Vec<Part>>,
    parameters: Option<String>,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn read(text: &'a str, depth: usize) -> Named {
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
            // What follows parameters is no part of the path.
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
            Reader::read(path, depth).ways
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

/// The names that are most like a wanted one, the most similar first: those that differ in
/// few letters, or only in case, or have it as a part.
pub fn nearest<'n>(
    wanted: &FunctionName,
    names: impl Iterator<Item = &'n str>,
    most: usize,
) -> Vec<String> {
    let last = wanted.last().to_lowercase();
    let length = last.chars().count();
    if length == 0 || length > 64 {
        return Vec::new();
    }
    let bound = (length / 3).max(1);
    let mut found: Vec<(usize, usize, &str)> = Vec::new();
    for name in names {
        let named = FunctionName::parse(name);
        let own = named.last().to_lowercase();
        let distance = match own.contains(&last) && length > 2 {
            true if own == last => 0,
            true => 1,
            false => distance(&last, &own, bound).unwrap_or(usize::MAX),
        };
        if distance <= bound {
            found.push((distance, name.len(), name));
        }
    }
    found.sort_unstable();
    found.dedup_by_key(|(.., name)| *name);
    let names = found.into_iter().map(|(.., name)| name.to_owned());
    names.take(most).collect()
}

/// How many letters must be put in, left out, changed, or exchanged with the next; `None` if
/// more than the bound.
fn distance(one: &str, other: &str, bound: usize) -> Option<usize> {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > bound {
        return None;
    }
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let changed = at(&row, j) + usize::from(a != b);
            let least = changed.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let crosses =
                i > 0 && j > 0 && other.get(j - 1) == Some(a) && one.get(i - 1) == Some(b);
            next.push(match crosses {
                true => least.min(at(&before, j - 1) + 1),
                false => least,
            });
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|distance| *distance <= bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(wanted: &str, whole: &str, declared: &str, linkage: Option<&str>) -> bool {
        let written = Written {
            whole,
            declared: Some(declared),
            linkage,
        };
        FunctionName::parse(wanted).means(written, Agreement::All)
    }

    #[test]
    fn any_end_of_a_path_names_a_function() {
        for (whole, declared, wanted, others) in [
            (
                "shop::Node::sum",
                "sum",
                vec![
                    "sum",
                    "Node::sum",
                    "shop::Node::sum",
                    "'shop::Node::sum'",
                    "Node::sum()",
                ],
                vec![
                    "um",
                    "ode::sum",
                    "Node",
                    "shop::sum",
                    "x::shop::Node::sum",
                    "",
                ],
            ),
            (
                "<shop::Percent as shop::Discount>::apply",
                "apply",
                vec![
                    "apply",
                    "Percent::apply",
                    "Discount::apply",
                    "shop::Discount::apply",
                    "<shop::Percent as shop::Discount>::apply",
                    "<Percent as Discount>::apply",
                ],
                vec![
                    "<Fixed as Discount>::apply",
                    "shop::apply",
                    "Percent::Discount::apply",
                ],
            ),
            (
                "shop::fold",
                "fold<i32, shop::main::{closure_env#0}>",
                vec!["fold", "shop::fold", "fold::<i32>", "fold<i32>"],
                vec!["fold::<u8>", "shop"],
            ),
            (
                "shop::types::<impl shop::Node>::depth",
                "depth",
                vec!["Node::depth", "shop::Node::depth"],
                vec!["types::depth"],
            ),
            (
                "shop::main::{{closure}}",
                "{closure#0}",
                vec!["main::{{closure}}", "{closure#0}"],
                vec!["main", "closure"],
            ),
            (
                "<&mut alloc::vec::Vec<T> as core::iter::Extend<T>>::extend",
                "extend",
                vec!["Vec::extend", "Extend::extend"],
                vec!["T::extend"],
            ),
            (
                "geo::Box<int, 3>::at",
                "at",
                vec![
                    "at",
                    "Box::at",
                    "geo::Box::at",
                    "geo::Box<int, 3>::at",
                    "Box<int,3>::at",
                ],
                vec!["Box<char, 3>::at", "geo::at"],
            ),
            (
                "std::__2::vector<int, std::__2::allocator<int> >::push_back[abi:ne180100]",
                "push_back",
                vec![
                    "std::vector::push_back",
                    "std::vector<int>::push_back",
                    "vector::push_back",
                ],
                vec!["std::vector<char>::push_back"],
            ),
            (
                "(anonymous namespace)::helper",
                "helper",
                vec!["helper", "(anonymous namespace)::helper"],
                vec!["namespace::helper"],
            ),
            (
                "geo::Point::operator+",
                "operator+",
                vec!["operator+", "Point::operator+", "operator +"],
                vec!["operator++", "operator", "Point::operator-"],
            ),
            (
                "Row::operator()",
                "operator()",
                vec!["Row::operator()"],
                vec!["Row"],
            ),
            (
                "Row::operator<",
                "operator<",
                vec!["Row::operator<", "operator<"],
                vec!["operator<<"],
            ),
            (
                "language()::$_0::operator() const",
                "operator()",
                vec!["operator()", "language()::$_0::operator() const"],
                vec!["language", "const"],
            ),
            (
                "Flag::operator bool",
                "operator bool",
                vec!["operator bool", "Flag::operator bool"],
                vec!["bool"],
            ),
            (
                "Node::~Node",
                "~Node",
                vec!["~Node", "Node::~Node"],
                vec!["Node::Node", "Node"],
            ),
            ("copy.llvm.1234", "copy", vec!["copy"], vec!["llvm"]),
            (
                "main.(*Account).Deposit",
                "Deposit",
                vec!["Account.Deposit", "Deposit"],
                vec!["main"],
            ),
        ] {
            for wanted in wanted {
                assert!(means(wanted, whole, declared, None), "{wanted} is {whole}");
            }
            for other in others {
                assert!(
                    !means(other, whole, declared, None),
                    "{other} is not {whole}"
                );
            }
        }
    }

    #[test]
    fn paths_in_linkage_names_and_parameters_count() {
        let zig = Some("array_list.ArrayList(u8,null).append__anon_12");
        assert!(means("ArrayList.append", "append", "append", zig));
        assert!(means(
            "array_list.ArrayList.append",
            "append",
            "append",
            zig
        ));
        let touch =
            Some("_Z5touchRKNSt3__212basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEE");
        for wanted in [
            "touch",
            "touch(std::string const&)",
            "touch(const std::string &)",
        ] {
            assert!(means(wanted, "touch", "touch", touch), "{wanted}");
        }
        assert!(!means("touch(int)", "touch", "touch", touch));
        assert!(!means("touch()", "touch", "touch", touch));
        assert!(means("touch()", "touch", "touch", Some("_Z5touchv")));
    }

    #[test]
    fn hostile_names_end() {
        for name in [
            "<",
            "<<<<",
            "<a as <b as <c",
            "operator",
            "((((",
            "a::<",
            "}{",
            "<>::",
            "::",
        ] {
            assert!(!means("x", name, name, None));
            _ = means(name, "x", "x", None);
        }
        let deep = "<".repeat(8000) + &">".repeat(8000);
        assert!(!means("x::y", &format!("{deep}::y"), "y", None));
    }

    #[test]
    fn what_was_meant_is_guessed() {
        let names = [
            "shop::Node::insert",
            "shop::checkout",
            "shop::Node::sum",
            "run",
        ];
        let near = |wanted: &str| nearest(&FunctionName::parse(wanted), names.into_iter(), 2);
        assert_eq!(near("Node::isnert"), ["shop::Node::insert"]);
        assert_eq!(near("chekout"), ["shop::checkout"]);
        assert_eq!(near("rnu"), ["run"]);
        assert_eq!(near("Sum"), ["shop::Node::sum"]);
        assert!(near("tokenize").is_empty());
    }
}
