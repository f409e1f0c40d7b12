//! What a component's structure may take. A few bytes can name one thing many times, nest
//! without end, or instantiate in doubling steps: all of it is counted as it grows.

use crate::component::error::ParseError;
use std::cell::Cell;

/// The most components and core modules: what validation keeps of each grows with those
/// before it.
const MOST_PARTS: usize = 2000;
/// Components within components, as deep as replay goes.
const DEEPEST: usize = 100;
/// The most bytes of sections that are about components: imports, exports, types, aliases,
/// instances, canonical definitions. No toolchain writes a tenth of it.
const MOST_SECTION_BYTES: usize = 8 << 20;
/// The same of types, imports, functions, globals and exports of core modules.
const MOST_MODULE_BYTES: usize = 64 << 20;

/// What counts as taken by one part of a type, a name, an entry of a table, beside its text.
pub(in crate::component) const PART: usize = 32;

/// Counts the parts of a binary as they come.
#[derive(Default)]
pub(in crate::component) struct Outline {
    parts: usize,
    /// Bytes of sections about components.
    section_bytes: usize,
    module_bytes: usize,
}

impl Outline {
    /// A component or a core module begins within `depth` others.
    pub(in crate::component) fn begin(&mut self, depth: usize) -> Result<(), ParseError> {
        self.parts += 1;
        check("components and core modules", self.parts, MOST_PARTS)?;
        check("components nested in one another", depth, DEEPEST)
    }

    /// A section of a component, or of a core module, with so many bytes.
    pub(in crate::component) fn section(
        &mut self,
        is_of_component: bool,
        id: u8,
        bytes: usize,
    ) -> Result<(), ParseError> {
        match (is_of_component, id) {
            // Custom sections, core modules, components.
            (true, 0 | 1 | 4) => Ok(()),
            (true, _) => {
                self.section_bytes = self.section_bytes.saturating_add(bytes);
                let what = "bytes of sections other than core modules";
                check(what, self.section_bytes, MOST_SECTION_BYTES)
            }
            // Types, imports, functions, globals, exports.
            (false, 1 | 2 | 3 | 6 | 7) => {
                self.module_bytes = self.module_bytes.saturating_add(bytes);
                let what = "bytes of types, imports, functions, globals and exports";
                check(what, self.module_bytes, MOST_MODULE_BYTES)
            }
            (false, _) => Ok(()),
        }
    }

    /// What the names and types of the crossings may take.
    pub(in crate::component) fn budget(&self) -> Budget {
        // Real components take about as much as these sections.
        let limit = self.section_bytes.saturating_mul(64);
        let limit = limit.clamp(8 << 20, 128 << 20);
        Budget {
            limit,
            left: Cell::new(limit),
        }
    }
}

/// Refuses what is more than a limit.
pub(in crate::component) fn check(
    what: &'static str,
    found: usize,
    limit: usize,
) -> Result<(), ParseError> {
    match found <= limit {
        true => Ok(()),
        false => Err(ParseError::TooLarge { what, limit }),
    }
}

/// What is left for names and types, in bytes; time is in proportion.
pub(in crate::component) struct Budget {
    limit: usize,
    left: Cell<usize>,
}

impl Budget {
    pub(in crate::component) fn spend(&self, bytes: usize) -> Result<(), ParseError> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or(ParseError::TooLarge {
            what: "bytes of names and types of crossings",
            limit: self.limit,
        })?);
        Ok(())
    }

    /// Takes a text that is kept.
    pub(in crate::component) fn text(&self, text: &str) -> Result<(), ParseError> {
        self.spend(text.len().saturating_add(PART))
    }
}
