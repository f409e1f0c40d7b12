//! What stands at a place in code: a function, and the calls that are inlined there.

use super::{Function, Kind};
use crate::component::ModuleId;
use crate::source::{FileId, ModuleSource, SourceLine, is_library};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// The debug information of a component's modules.
pub struct Sources<'a> {
    of: &'a dyn Fn(ModuleId) -> Option<&'a ModuleSource>,
    paths: Mutex<HashMap<(ModuleId, FileId), Arc<str>>>,
}

/// A function at a place.
pub(super) struct Placed {
    pub(super) function: Function,
    pub(super) at: Option<(Arc<str>, u32)>,
    pub(super) is_inlined: bool,
}

impl<'a> Sources<'a> {
    /// Of modules that somebody has.
    pub fn new(of: &'a dyn Fn(ModuleId) -> Option<&'a ModuleSource>) -> Sources<'a> {
        Sources {
            of,
            paths: Mutex::default(),
        }
    }

    /// What is at a place in a function: the function, then the calls that are inlined, the
    /// innermost last.
    pub(super) fn places(&self, module: ModuleId, function: u32, pc: u32) -> Vec<Placed> {
        let Some(source) = (self.of)(module) else {
            return Vec::new();
        };
        let place = |line: Option<SourceLine>| {
            let line = line.filter(|line| line.line > 0)?;
            Some((self.path(module, source, line.file), line.line))
        };
        // Innermost first: each is where the one before was called from.
        let inlined = source.inlined_at(pc);
        let mut lines = vec![source.line_at(pc)];
        lines.extend(inlined.iter().map(|call| call.call_site));
        let mut placed = Vec::with_capacity(lines.len());
        let mut own_line = None;
        for (nth, line) in lines.into_iter().enumerate() {
            let Some(call) = inlined.get(nth) else {
                own_line = line;
                break;
            };
            placed.push(Placed {
                function: self.function(module, source, call.name.clone(), call.declared),
                at: place(line),
                is_inlined: true,
            });
        }
        let described = source.function_at(pc);
        let (name, declared) = match described {
            Some(described) => (described.name.clone(), described.declared),
            None => (source.shown_name(function), None),
        };
        placed.push(Placed {
            function: self.function(module, source, name, declared),
            at: place(own_line),
            is_inlined: false,
        });
        placed.reverse();
        placed
    }

    fn function(
        &self,
        module: ModuleId,
        source: &ModuleSource,
        name: String,
        declared: Option<SourceLine>,
    ) -> Function {
        let file = declared.map(|line| self.path(module, source, line.file));
        let kind = match file.as_deref().is_some_and(is_library) {
            true => Kind::Library,
            false => Kind::Guest,
        };
        Function {
            name: name.into(),
            file,
            line: declared.map_or(0, |line| line.line),
            kind,
            module: Some(module),
        }
    }

    fn path(&self, module: ModuleId, source: &ModuleSource, file: FileId) -> Arc<str> {
        let mut paths = self.paths.lock();
        let path = paths.entry((module, file));
        path.or_insert_with(|| source.file(file).into()).clone()
    }
}
