//! What kind of debug information a module has.

use super::ModuleSource;
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

impl ModuleSource {
    /// The best that there is: DWARF with lines (as its first unit has it), a source map, names.
    pub fn kind(&self) -> Kind {
        let dwarf = self.units.all.first().filter(|_| self.has_lines());
        match dwarf {
            Some(unit) => Kind::Dwarf(unit.dwarf.encoding().version),
            None if self.mapped_unit().is_some() => Kind::SourceMap,
            None if self.names.is_empty() => Kind::Nothing,
            None => Kind::Names,
        }
    }

    /// What the name section calls the module.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// A function's name, or its number.
    pub fn shown_name(&self, function: u32) -> String {
        self.function_name(function)
            .unwrap_or_else(|| format!("func[{function}]"))
    }
}
