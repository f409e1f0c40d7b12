//! The sources that a client has open, and their names: URIs there, paths here.

use super::words;
use lsp_types::{TextDocumentContentChangeEvent, Uri};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use std::collections::HashMap;
use std::str::FromStr;

/// What a path may not have as it is in a URI.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The path of a file; other things than files have none.
pub(super) fn path_of(uri: &Uri) -> Option<String> {
    let path = uri.as_str().strip_prefix("file://")?;
    // Of this machine, if any is named.
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let path = percent_decode_str(path).decode_utf8().ok()?;
    path.starts_with('/').then(|| path.into_owned())
}

/// The URI of a file.
pub(super) fn uri_of(path: &str) -> Option<Uri> {
    let encoded = utf8_percent_encode(path, NOT_IN_PATHS);
    Uri::from_str(&format!("file://{encoded}")).ok()
}

/// The texts that the client has open, as it shows them.
#[derive(Debug, Default)]
pub(super) struct Documents(HashMap<String, String>);

impl Documents {
    pub(super) fn open(&mut self, uri: &Uri, text: String) {
        self.0.insert(uri.as_str().to_owned(), text);
    }

    /// The client sends texts whole.
    pub(super) fn change(&mut self, uri: &Uri, changes: Vec<TextDocumentContentChangeEvent>) {
        if let Some(last) = changes.into_iter().next_back() {
            self.open(uri, last.text);
        }
    }

    pub(super) fn close(&mut self, uri: &Uri) {
        self.0.remove(uri.as_str());
    }

    /// The lines of an open text; of another, none.
    pub(super) fn lines(&self, uri: &Uri) -> Vec<&str> {
        let text = self.0.get(uri.as_str());
        text.map_or_else(Vec::new, |text| text.lines().collect())
    }

    /// One line, from 0.
    pub(super) fn line(&self, uri: &Uri, line: u32) -> Option<&str> {
        self.0.get(uri.as_str())?.lines().nth(line as usize)
    }
}

/// The last column of a line, if it is known.
pub(super) fn end_of(lines: &[&str], line: u32) -> Option<u32> {
    let text = lines.get(line as usize)?;
    Some(words::columns(text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_from_its_uri() {
        for path in ["/a/b.c", "/with space/ü#?%41[1].rs", "/tmp/a+b&c=d;e:f@g"] {
            let uri = uri_of(path).expect("a URI");
            assert_eq!(path_of(&uri).as_deref(), Some(path), "{uri:?}");
        }
        for (uri, path) in [
            ("file:///a%20b.c", Some("/a b.c")),
            ("file://localhost/a.c", Some("/a.c")),
            ("file://elsewhere/a.c", None),
            ("untitled:Untitled-1", None),
            ("file:///%ff", None),
        ] {
            let uri = Uri::from_str(uri).expect("a URI");
            assert_eq!(path_of(&uri).as_deref(), path, "{uri:?}");
        }
    }
}
