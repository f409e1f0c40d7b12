//! What kind of debug information a module has.

use std::fmt;

/// What tells about a module's sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// DWARF of this version.
    Dwarf(u16),
    /// A source map: lines, but no variables.
    SourceMap,
    /// Names of functions.
    Names,
    /// Neither lines nor names.
    Nothing,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Dwarf(version) => write!(f, "DWARF {version}"),
            Kind::SourceMap => f.write_str("source map"),
            Kind::Names => f.write_str("no debug information but names"),
            Kind::Nothing => f.write_str("no debug information"),
        }
    }
}
