//! Paths of the debug information and paths of the person's machine.

use super::rust_library::Toolchains;
use crate::source::is_windows;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Pairs of path prefixes: as in the debug information, as on this machine.
///
/// A prefix matches whole path components only, and the longest one wins. Either side
/// may be a Windows path, with slashes of both kinds. What no pair fits, and rustup has,
/// are the sources of Rust's library.
///
/// Sources that are found elsewhere, without a pair, are known to all clones of a map.
#[derive(Debug, Clone, Default)]
pub struct PathMapping {
    pairs: Vec<(String, String)>,
    found: Arc<Mutex<Found>>,
}

/// Whole paths: as in the debug information, as on this machine, and the other way.
#[derive(Debug, Default)]
struct Found {
    outward: HashMap<String, String>,
    inward: HashMap<String, String>,
}

/// By what people have told.
impl PartialEq for PathMapping {
    fn eq(&self, other: &PathMapping) -> bool {
        self.pairs == other.pairs
    }
}

impl Eq for PathMapping {}

impl PathMapping {
    /// From such pairs; among equally long prefixes the first one wins.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            pairs: pairs.into_iter().collect(),
            found: Arc::default(),
        }
    }

    /// These pairs, and those of another map where no pair of this one is as long.
    pub fn or(mut self, other: PathMapping) -> PathMapping {
        self.pairs.extend(other.pairs);
        self
    }

    /// Whether a pair fits a path of the debug information.
    pub fn maps(&self, path: &str) -> bool {
        longest(path, self.pairs.iter().map(|(guest, host)| (guest, host))).is_some()
    }

    /// Where a source was found that no pair fits.
    pub fn found(&self, path: &str, here: &str) {
        let mut found = self.found.lock();
        found.outward.insert(path.to_owned(), here.to_owned());
        found.inward.insert(here.to_owned(), path.to_owned());
    }

    /// From the debug information to this machine.
    pub fn outward(&self, path: &str) -> String {
        longest(path, self.pairs.iter().map(|(guest, host)| (guest, host)))
            .map(|(_, mapped)| mapped)
            .or_else(|| Toolchains::installed().outward(path))
            .or_else(|| self.found.lock().outward.get(path).cloned())
            .unwrap_or_else(|| path.to_owned())
    }

    /// From this machine to the debug information.
    pub fn inward(&self, path: &str) -> String {
        let mapped = longest(path, self.pairs.iter().map(|(guest, host)| (host, guest)));
        let library = Toolchains::installed().inward(path);
        // A pair for the whole home directory is not meant for a toolchain in it.
        let library = library.filter(|(directory, _)| {
            let length = components(directory).count();
            mapped.as_ref().is_none_or(|(of_pair, _)| *of_pair < length)
        });
        let library = library.map(|(_, inward)| inward);
        let found = self.found.lock().inward.get(path).cloned();
        found
            .or(library)
            .or(mapped.map(|(_, inward)| inward))
            .unwrap_or_else(|| path.to_owned())
    }
}

/// The path by the pair that fits best, if one fits, and the components of its prefix.
fn longest<'a>(
    path: &str,
    pairs: impl Iterator<Item = (&'a String, &'a String)>,
) -> Option<(usize, String)> {
    let mut best: Option<(usize, &str, Vec<&str>)> = None;
    for (from, to) in pairs {
        let Some((length, rest)) = after(path, from) else {
            continue;
        };
        // The first of equally long ones: a client's come before the server's.
        if best.as_ref().is_none_or(|(known, ..)| *known < length) {
            best = Some((length, to, rest));
        }
    }
    best.map(|(length, to, rest)| (length, joined(to, &rest)))
}

/// The components of a path after a prefix, and how many the prefix has.
fn after<'a>(path: &'a str, prefix: &str) -> Option<(usize, Vec<&'a str>)> {
    if path.starts_with('/') != prefix.starts_with('/') {
        return None;
    }
    let mut parts = components(path);
    let mut length = 0;
    for wanted in components(prefix) {
        let part = parts.next()?;
        let is_drive = wanted.ends_with(':') && part.eq_ignore_ascii_case(wanted);
        if part != wanted && !is_drive {
            return None;
        }
        length += 1;
    }
    Some((length, parts.collect()))
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    let windows = is_windows(path);
    path.split(move |c| c == '/' || (windows && c == '\\'))
        .filter(|part| !part.is_empty() && *part != ".")
}

fn joined(to: &str, rest: &[&str]) -> String {
    if rest.is_empty() {
        return to.to_owned();
    }
    let separator = match is_windows(to) && to.contains('\\') {
        true => "\\",
        false => "/",
    };
    let directory = to.trim_end_matches(['/', '\\']);
    format!("{directory}{separator}{}", rest.join(separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_paths_map_both_ways() {
        let map = map(&[("C:\\src\\app", "/home/me/app"), ("/guest", "D:\\work")]);
        assert_eq!(map.outward("C:/src/app/lib/a.c"), "/home/me/app/lib/a.c");
        assert_eq!(map.outward("c:\\src\\app\\a.c"), "/home/me/app/a.c");
        assert_eq!(map.outward("C:/src/apps/a.c"), "C:/src/apps/a.c");
        assert_eq!(map.inward("/home/me/app/a.c"), "C:\\src\\app\\a.c");
        assert_eq!(map.outward("/guest/x/a.c"), "D:\\work\\x\\a.c");
        assert_eq!(map.inward("d:\\work\\x\\a.c"), "/guest/x/a.c");
    }

    #[test]
    fn a_map_comes_before_another_where_both_fit() {
        let own = map(&[("/guest", "/own")]);
        let both = own.or(map(&[("/guest", "/other"), ("/guest/lib", "/lib")]));
        assert_eq!(both.outward("/guest/a.c"), "/own/a.c");
        assert_eq!(both.outward("/guest/lib/a.c"), "/lib/a.c");
    }

    fn map(pairs: &[(&str, &str)]) -> PathMapping {
        PathMapping::new(pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())))
    }

    #[test]
    fn the_longest_prefix_of_whole_components_wins() {
        let map = map(&[("/guest", "/home/me"), ("/guest/lib/", "/usr/src/lib")]);
        for (guest, host) in [
            ("/guest/a.c", "/home/me/a.c"),
            ("/guest/lib/b.c", "/usr/src/lib/b.c"),
            ("/guest", "/home/me"),
            ("/guests/a.c", "/guests/a.c"),
            ("/other/a.c", "/other/a.c"),
        ] {
            assert_eq!(map.outward(guest), host);
            assert_eq!(map.inward(host), guest);
        }
    }
}
