//! Paths of the debug information and paths of the person's machine.

use std::path::{Path, PathBuf};

/// Pairs of path prefixes: as in the debug information, as on this machine.
///
/// A prefix matches whole path components only, and the longest one wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap(Vec<(String, String)>);

impl SourceMap {
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// From the debug information to this machine.
    pub fn outward(&self, path: &str) -> String {
        longest(path, self.0.iter().map(|(guest, host)| (guest, host)))
    }

    /// From this machine to the debug information.
    pub fn inward(&self, path: &str) -> String {
        longest(path, self.0.iter().map(|(guest, host)| (host, guest)))
    }
}

fn longest<'a>(path: &str, pairs: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    pairs
        .filter_map(|(from, to)| {
            let rest = Path::new(path).strip_prefix(from).ok()?;
            Some((Path::new(from).components().count(), Path::new(to), rest))
        })
        .max_by_key(|(length, ..)| *length)
        .map(|(_, to, rest)| match rest.as_os_str().is_empty() {
            true => to.to_path_buf(),
            false => to.join(rest),
        })
        .and_then(|path: PathBuf| path.into_os_string().into_string().ok())
        .unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> SourceMap {
        SourceMap::new(pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())))
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
