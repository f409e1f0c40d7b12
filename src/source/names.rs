//! What the name section calls a module and its functions.

use super::demangle::demangle;
use std::collections::HashMap;

/// The names of one module's name section.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Of the module.
    pub(super) module: Option<String>,
    /// As they are written, by function index.
    functions: HashMap<u32, String>,
}

impl Names {
    pub(super) fn add(&mut self, function: u32, name: &str) {
        // No module has more functions.
        const MOST: u32 = 1_000_000;
        if function < MOST {
            self.functions.insert(function, name.to_owned());
        }
    }

    /// Whether no function has a name.
    pub(super) fn is_empty(&self) -> bool {
        self.functions.is_empty()
    }

    /// A function's name as it is written.
    pub(super) fn written(&self, function: u32) -> Option<&str> {
        self.functions.get(&function).map(String::as_str)
    }

    /// A function's readable name.
    pub(super) fn readable(&self, function: u32) -> Option<String> {
        self.written(function).map(demangle)
    }

    /// A function's readable name, or its number.
    pub(super) fn shown(&self, function: u32) -> String {
        self.readable(function)
            .unwrap_or_else(|| format!("func[{function}]"))
    }
}
