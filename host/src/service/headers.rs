//! Headers that requests get before a component is given them.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::str::FromStr;

/// A header that replaces what a client says, or is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenHeader {
    name: HeaderName,
    value: HeaderValue,
}

impl FromStr for GivenHeader {
    type Err = String;

    /// `name: value`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once(':')
            .ok_or_else(|| format!("`{text}`: write it as NAME: VALUE"))?;
        let (name, value) = (name.trim(), value.trim());
        Ok(GivenHeader {
            name: name.parse().map_err(|e| format!("`{name}`: {e}"))?,
            value: value.parse().map_err(|e| format!("`{value}`: {e}"))?,
        })
    }
}

/// What is given replaces what is there; of one name, all that is given counts.
pub(super) fn give(given: &[GivenHeader], headers: &mut HeaderMap) {
    for header in given {
        headers.remove(&header.name);
    }
    for header in given {
        headers.append(header.name.clone(), header.value.clone());
    }
}
