//! Names of types and functions as people write them: without the arguments that a template
//! has by default, and without the inner names of standard libraries.
//!
//! Compilers write `HashMap<alloc::string::String, i32, std::hash::random::RandomState>`
//! and `vector<int, std::__2::allocator<int> >`; a program has `HashMap<String, i32>` and
//! `vector<int>`.

/// The longest name that is looked at, in bytes: longer ones stay as they are.
const LONGEST: usize = 16 * 1024;
/// How deep arguments within arguments are looked at.
const DEEPEST: usize = 64;

/// The name as the program has it; a name that is not understood is returned as it is.
pub(crate) fn short(name: &str, is_rust: bool) -> String {
    if name.len() > LONGEST || !name.contains(['<', ':']) {
        return name.to_owned();
    }
    let mut reader = Reader {
        rest: name,
        is_rust,
        keeps_path: false,
    };
    match reader.text(DEEPEST) {
        Some(short) if reader.rest.is_empty() => short,
        _ => name.to_owned(),
    }
}

/// A function's name with its path, and with arguments as in [`short`]. What it is an instance
/// of is left out where the function is of Rust's library: those names are mostly closures'.
pub(crate) fn short_function(name: &str, is_rust: bool) -> String {
    if name.len() > LONGEST || !name.contains(['<', ':', '[']) {
        return name.to_owned();
    }
    let tagless = match is_rust {
        true => name.to_owned(),
        false => without_tags(name),
    };
    // `operator<<` has no list behind it.
    let (path, operator) = match (is_rust, operator_at(&tagless)) {
        (false, Some(at)) => tagless.split_at(at),
        _ => (tagless.as_str(), ""),
    };
    let path = match is_rust {
        true => without_instance(path),
        false => path,
    };
    let mut reader = Reader {
        rest: path,
        is_rust,
        keeps_path: true,
    };
    match reader.text(DEEPEST) {
        Some(short) if reader.rest.is_empty() => short + operator,
        _ => tagless,
    }
}

/// The name without the tags that a C++ library marks its versions with: `[abi:nn190107]`.
fn without_tags(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, tag)) = rest.split_once("[abi:") {
        let Some((_, behind)) = tag.split_once(']') else {
            break;
        };
        text.push_str(before);
        rest = behind;
    }
    text + rest
}

/// Where the name of an operator starts that has brackets in it.
fn operator_at(name: &str) -> Option<usize> {
    let at = name.rfind("operator")?;
    let symbol = name.get(at + "operator".len()..)?;
    let starts = at == 0 || name.get(..at)?.ends_with("::");
    (starts && symbol.starts_with(['<', '>', '-', '(', '['])).then_some(at)
}

/// A function of Rust's library without the `::<…>` at its end.
fn without_instance(name: &str) -> &str {
    let of_library = name.trim_start_matches('<').trim_start_matches(['&', '*']);
    let of_library = ["core::", "std::", "alloc::"]
        .iter()
        .any(|library| of_library.starts_with(library));
    let (true, true) = (of_library, name.ends_with('>')) else {
        return name;
    };
    let mut depth = 0_usize;
    for (at, letter) in name.char_indices().rev() {
        match letter {
            '>' if !name.get(..at).is_some_and(|before| before.ends_with('-')) => depth += 1,
            '<' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 && letter == '<' {
            let before = name.get(..at).and_then(|before| before.strip_suffix("::"));
            return before.filter(|before| !before.is_empty()).unwrap_or(name);
        }
    }
    name
}

struct Reader<'a> {
    rest: &'a str,
    is_rust: bool,
    /// Whether what is not within brackets keeps its path.
    keeps_path: bool,
}

impl Reader<'_> {
    /// The text up to a comma or a closing bracket of the enclosing list.
    fn text(&mut self, depth: usize) -> Option<String> {
        let deeper = depth.checked_sub(1)?;
        let mut text = String::new();
        let keeps_path = self.keeps_path;
        self.keeps_path = false;
        // Where the path starts that arguments may follow.
        let mut path = 0;
        while let Some(next) = self.rest.chars().next() {
            if self.rest.starts_with("->") {
                self.rest = self.rest.get(2..)?;
                text.push_str("->");
                path = text.len();
                continue;
            }
            match next {
                ',' | '>' | ')' | ']' | '}' => break,
                '<' => {
                    let arguments = self.list('>', deeper)?;
                    let kind = self.path_of(text.get(path..)?, keeps_path);
                    text.truncate(path);
                    text.push_str(&self.with_arguments(kind, arguments));
                    path = text.len();
                }
                '(' | '[' | '{' => {
                    let close = match next {
                        '(' => ')',
                        '[' => ']',
                        _ => '}',
                    };
                    let inside = self.list(close, deeper)?.join(", ");
                    // `Fn(A)`, but not `{impl#0}` within a path.
                    if text.get(path..).is_some_and(|last| !last.ends_with("::")) {
                        self.shorten_last(&mut text, &mut path, keeps_path);
                    }
                    text.push_str(&format!("{next}{inside}{close}"));
                    // `(anonymous namespace)::` and `{impl#0}::` are parts of a path.
                    if !self.rest.starts_with("::") {
                        path = text.len();
                    }
                }
                next => {
                    self.rest = self.rest.get(next.len_utf8()..)?;
                    let goes_on =
                        next.is_alphanumeric() || matches!(next, '_' | ':' | '#' | '$' | '~');
                    if !goes_on {
                        self.shorten_last(&mut text, &mut path, keeps_path);
                    }
                    text.push(next);
                    if !goes_on {
                        path = text.len();
                    }
                }
            }
        }
        self.shorten_last(&mut text, &mut path, keeps_path);
        Some(text)
    }

    /// Shortens the path at the end of the text, from where it starts on; another one
    /// starts behind it.
    fn shorten_last(&self, text: &mut String, path: &mut usize, keeps_path: bool) {
        let last = self.path_of(text.get(*path..).unwrap_or_default(), keeps_path);
        text.truncate(*path);
        text.push_str(&last);
        *path = text.len();
    }

    /// The parts of a list in brackets, from the opening one to the closing one.
    fn list(&mut self, close: char, depth: usize) -> Option<Vec<String>> {
        self.rest = self.rest.get(1..)?;
        let mut parts = Vec::new();
        loop {
            let part = self.text(depth)?.trim().to_owned();
            let ends = self.rest.chars().next()?;
            self.rest = self.rest.get(ends.len_utf8()..)?;
            if !part.is_empty() || ends == ',' {
                parts.push(part);
            }
            match ends {
                ',' => {}
                ends if ends == close => return Some(parts),
                _ => return None,
            }
        }
    }

    /// A path without what the library keeps to itself.
    fn path_of(&self, path: &str, keeps_path: bool) -> String {
        if self.is_rust && keeps_path {
            return path.to_owned();
        }
        if self.is_rust {
            let is_library = ["alloc::", "core::", "std::"]
                .iter()
                .any(|library| path.starts_with(library));
            let last = path.rsplit("::").next().unwrap_or(path);
            return if is_library { last } else { path }.to_owned();
        }
        // libc++ and libstdc++ keep a version in between.
        let versions = [
            "std::__1::",
            "std::__2::",
            "std::__cxx11::",
            "std::__ndk1::",
        ];
        let found = versions.iter().find_map(|v| path.strip_prefix(v));
        found.map_or_else(|| path.to_owned(), |rest| format!("std::{rest}"))
    }

    fn with_arguments(&self, path: String, mut arguments: Vec<String>) -> String {
        let kind = path.rsplit("::").next().unwrap_or(&path);
        match self.is_rust {
            // `<RandomState>::new` is a path that starts with a type.
            true if path.is_empty() => {}
            true => while arguments.pop_if(|last| is_rust_default(last)).is_some() {},
            false => {
                if let Some(alias) = string_alias(kind, &arguments) {
                    let namespace = path.strip_suffix(kind).unwrap_or_default();
                    return format!("{namespace}{alias}");
                }
                drop_cpp_defaults(kind, &mut arguments);
            }
        }
        match arguments.is_empty() {
            true => path,
            false => format!("{path}<{}>", arguments.join(", ")),
        }
    }
}

/// The allocator and the hash that all collections have unless they say otherwise.
fn is_rust_default(argument: &str) -> bool {
    matches!(argument, "Global" | "RandomState") || argument.ends_with("::alloc::inner::Global")
}

/// `string` and the like are templates by another name.
fn string_alias(kind: &str, arguments: &[String]) -> Option<String> {
    let suffix = kind.strip_prefix("basic_string")?;
    if !matches!(suffix, "" | "_view") {
        return None;
    }
    let character = arguments.first()?;
    let are_default = arguments.iter().skip(1).all(|argument| {
        let is = |name: &str| *argument == format!("std::{name}<{character}>");
        is("char_traits") || is("allocator")
    });
    let prefix = match character.as_str() {
        "char" => "",
        "wchar_t" => "w",
        "char8_t" => "u8",
        "char16_t" => "u16",
        "char32_t" => "u32",
        _ => return None,
    };
    are_default.then(|| format!("{prefix}string{suffix}"))
}

/// Leaves out what a template of C++'s library has where nothing is written.
fn drop_cpp_defaults(kind: &str, arguments: &mut Vec<String>) {
    let Some((first, rest)) = arguments.split_first() else {
        return;
    };
    let of_first = |name: &str| format!("std::{name}<{first}>");
    let defaults: Vec<String> = match kind {
        "vector" | "list" | "deque" | "forward_list" => vec![of_first("allocator")],
        "set" | "multiset" => vec![of_first("less"), of_first("allocator")],
        "unordered_set" | "unordered_multiset" => vec![
            of_first("hash"),
            of_first("equal_to"),
            of_first("allocator"),
        ],
        "map" | "multimap" | "unordered_map" | "unordered_multimap" => {
            let Some(second) = rest.first() else {
                return;
            };
            // Compilers write `const K`, demanglers `K const`.
            let last = arguments.last().map(String::as_str).unwrap_or_default();
            let [pairs, demangled] = ["const {}", "{} const"].map(|key| {
                let key = key.replace("{}", first);
                format!("std::allocator<std::pair<{key}, {second}>>")
            });
            let pairs = if *last == demangled { demangled } else { pairs };
            let mut defaults = vec![second.clone()];
            defaults.extend(match kind.starts_with("unordered") {
                true => vec![of_first("hash"), of_first("equal_to")],
                false => vec![of_first("less")],
            });
            defaults.push(pairs);
            defaults
        }
        "unique_ptr" => vec![of_first("default_delete")],
        "queue" | "stack" => vec![of_first("deque")],
        "priority_queue" => vec![of_first("vector"), of_first("less")],
        _ => return,
    };
    // The second argument of a map is not a default.
    let kept = if kind.ends_with("map") { 2 } else { 1 };
    while arguments.len() > kept && arguments.last() == defaults.get(arguments.len() - 2) {
        arguments.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::{short, short_function};

    #[test]
    fn rust_types_lose_what_is_the_same_everywhere() {
        let rust = |name: &str| short(name, true);
        assert_eq!(
            rust(
                "HashMap<alloc::string::String, i32, std::hash::random::RandomState, alloc::alloc::Global>"
            ),
            "HashMap<String, i32>"
        );
        assert_eq!(
            rust("&alloc::boxed::Box<dyn inventory::Rule, alloc::alloc::Global>"),
            "&Box<dyn inventory::Rule>"
        );
        assert_eq!(
            rust(
                "Option<alloc::boxed::Box<dyn core::ops::function::Fn(&[u8; 4], core::option::Option<i32>) -> alloc::vec::Vec<u8, alloc::alloc::Global> + core::marker::Send, alloc::alloc::Global>>"
            ),
            "Option<Box<dyn Fn(&[u8; 4], Option<i32>) -> Vec<u8> + Send>>"
        );
        assert_eq!(
            rust("fn(usize) -> core::option::Option<u8>"),
            "fn(usize) -> Option<u8>"
        );
        assert_eq!(rust("(u8, alloc::string::String)"), "(u8, String)");
        assert_eq!(rust("*mut my::alloc::Global"), "*mut my::alloc::Global");
        assert_eq!(
            rust("{closure_env#0}<core::iter::Map<A, B>>"),
            "{closure_env#0}<Map<A, B>>"
        );
    }

    #[test]
    fn cpp_types_lose_versions_and_defaults() {
        let cpp = |name: &str| short(name, false);
        let string =
            "std::__2::basic_string<char, std::__2::char_traits<char>, std::__2::allocator<char> >";
        assert_eq!(cpp(string), "std::string");
        assert_eq!(
            cpp(&format!(
                "map<{string}, int, std::__2::less<{string} >, std::__2::allocator<std::__2::pair<const {string}, int> > >"
            )),
            "map<std::string, int>"
        );
        assert_eq!(
            cpp(
                "unordered_map<int, int, my_hash, std::__2::equal_to<int>, std::__2::allocator<std::__2::pair<const int, int> > >"
            ),
            "unordered_map<int, int, my_hash>"
        );
        assert_eq!(
            cpp(
                "vector<std::__2::unique_ptr<geo::Shape, std::__2::default_delete<geo::Shape> >, std::__2::allocator<std::__2::unique_ptr<geo::Shape, std::__2::default_delete<geo::Shape> > > >"
            ),
            "vector<std::unique_ptr<geo::Shape>>"
        );
        assert_eq!(
            cpp("vector<int, arena::allocator<int> >"),
            "vector<int, arena::allocator<int>>"
        );
        assert_eq!(
            cpp(
                "basic_string<wchar_t, std::__2::char_traits<wchar_t>, std::__2::allocator<wchar_t> >"
            ),
            "wstring"
        );
        assert_eq!(
            cpp("(anonymous namespace)::Pool<(anonymous namespace)::Item, 3>"),
            "(anonymous namespace)::Pool<(anonymous namespace)::Item, 3>"
        );
        assert_eq!(
            cpp("function<int (const char *, ...)>"),
            "function<int (const char *, ...)>"
        );
    }

    #[test]
    fn functions_keep_their_paths() {
        let cpp = |name: &str| short_function(name, false);
        let vector = "std::__2::vector<std::__2::unique_ptr<plan::Shape, std::__2::default_delete<plan::Shape> >, std::__2::allocator<std::__2::unique_ptr<plan::Shape, std::__2::default_delete<plan::Shape> > > >";
        assert_eq!(
            cpp(&format!("{vector}::vector[abi:nn190107]")),
            "std::vector<std::unique_ptr<plan::Shape>>::vector"
        );
        assert_eq!(
            cpp("std::__2::operator<<[abi:nn190107]<std::__2::char_traits<char> >"),
            "std::operator<<<std::__2::char_traits<char> >"
        );
        assert_eq!(
            cpp("plan::Ring<plan::Point, 3>::push"),
            "plan::Ring<plan::Point, 3>::push"
        );
        assert_eq!(cpp("plan::Point::operator+"), "plan::Point::operator+");
        assert_eq!(
            cpp("std::__2::unique_ptr<A, std::__2::default_delete<A> >::operator->"),
            "std::unique_ptr<A>::operator->"
        );
        assert_eq!(cpp("operator()"), "operator()");
        let pairs = "std::__2::allocator<std::__2::pair<int const, A> >";
        assert_eq!(
            cpp(&format!(
                "std::__2::map<int, A, std::__2::less<int>, {pairs} >::map"
            )),
            "std::map<int, A>::map"
        );
        let rust = |name: &str| short_function(name, true);
        assert_eq!(
            rust(
                "<core::ops::range::Range<u8> as core::iter::traits::collect::IntoIterator>::into_iter"
            ),
            "<Range<u8> as IntoIterator>::into_iter"
        );
        assert_eq!(
            rust(
                "<std::thread::local::LocalKey<core::cell::Cell<(u64, u64)>>>::try_with::<<std::hash::random::RandomState>::new::{closure#0}, std::hash::random::RandomState>"
            ),
            "<LocalKey<Cell<(u64, u64)>>>::try_with"
        );
        assert_eq!(
            rust("std::rt::lang_start::<()>::{closure#0}"),
            "std::rt::lang_start::<()>::{closure#0}"
        );
        assert_eq!(
            rust("orders::stock::fold::<orders::stock::Item, u32, orders::main::{closure#0}>"),
            "orders::stock::fold::<orders::stock::Item, u32, orders::main::{closure#0}>"
        );
        assert_eq!(rust("orders::main"), "orders::main");
        assert_eq!(
            rust("<std::hash::random::RandomState>::new::KEYS::{closure#0}"),
            "<RandomState>::new::KEYS::{closure#0}"
        );
        assert_eq!(rust("core::mem::take::<fn() -> u8>"), "core::mem::take");
        for odd in [
            "<",
            "::<>",
            "std::<",
            "core::>",
            "operator<",
            "[abi:",
            "a[abi:x",
            "",
        ] {
            assert!(rust(odd).len() <= odd.len() && cpp(odd).len() <= odd.len());
        }
    }

    #[test]
    fn what_is_no_type_name_stays_as_it_is() {
        for name in [
            "a < b",
            "x<<y",
            "Odd<a)",
            "f<",
            "operator->",
            "vector<int",
            "",
            "::",
        ] {
            assert_eq!(short(name, false), name);
            assert_eq!(short(name, true), name);
        }
        // Cut anywhere, or with a bracket too many: something, and no panic.
        let whole = "map<std::__2::basic_string<char>, dyn Fn(&[Ünï; 4]) -> (A, B), {c#0}>";
        for (cut, _) in whole.char_indices() {
            for bracket in ["", "<", ">", "(", "]", "::", "->"] {
                let odd = format!("{}{bracket}{}", &whole[..cut], &whole[cut..]);
                let cut = &whole[..cut];
                for is_rust in [false, true] {
                    assert!(!short(&odd, is_rust).is_empty());
                    assert!(short(cut, is_rust).len() <= cut.len() + 1);
                }
            }
        }
        let deep = format!("{}int{}", "A<".repeat(500), ">".repeat(500));
        assert_eq!(short(&deep, false), deep);
    }
}
