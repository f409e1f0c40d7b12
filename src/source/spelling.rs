//! Type names as people write them: without the arguments that a template has by default,
//! and without the inner names of standard libraries.
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
    };
    match reader.text(DEEPEST) {
        Some(short) if reader.rest.is_empty() => short,
        _ => name.to_owned(),
    }
}

struct Reader<'a> {
    rest: &'a str,
    is_rust: bool,
}

impl Reader<'_> {
    /// The text up to a comma or a closing bracket of the enclosing list.
    fn text(&mut self, depth: usize) -> Option<String> {
        let deeper = depth.checked_sub(1)?;
        let mut text = String::new();
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
                    let kind = self.path_of(text.get(path..)?);
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
                        self.shorten_last(&mut text, &mut path);
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
                        self.shorten_last(&mut text, &mut path);
                    }
                    text.push(next);
                    if !goes_on {
                        path = text.len();
                    }
                }
            }
        }
        self.shorten_last(&mut text, &mut path);
        Some(text)
    }

    /// Shortens the path at the end of the text, from where it starts on; another one
    /// starts behind it.
    fn shorten_last(&self, text: &mut String, path: &mut usize) {
        let last = self.path_of(text.get(*path..).unwrap_or_default());
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
    fn path_of(&self, path: &str) -> String {
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
            let pairs = format!("std::allocator<std::pair<const {first}, {second}>>");
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
    use super::short;

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
