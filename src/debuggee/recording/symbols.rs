//! What the debug information names: variables outside functions, types, the code of lines,
//! and what is at an address.

use super::stack::ShownFrame;
use super::values::failed;
use super::{Recording, address};
use crate::component::{CrossingKind, ModuleId, NamePattern};
use crate::debuggee::{DebuggeeError, FrameId, FunctionView, VariableInSource};
use crate::source::ModuleSource;

impl Recording {
    pub(super) fn globals_like(&self, text: &str) -> Vec<FunctionView> {
        let pattern = NamePattern::from(text);
        let mut found = Vec::new();
        let modules = (0..).map(ModuleId).zip(self.timeline.modules().iter());
        for (id, module) in modules {
            let named = module.source.static_names();
            let meant = named.filter(|(name, _)| pattern.matches_text(name));
            found.extend(meant.map(|(name, declared)| FunctionView {
                name,
                declared: declared.map(|line| {
                    let place = self.place_in_source(id, module, line, None);
                    (place.source, place.point.line)
                }),
            }));
        }
        in_order(found)
    }

    pub(super) fn paths_of_hostcalls(&self) -> Vec<String> {
        let crossings = self.timeline.trace().component().crossings().iter();
        let paths = crossings.filter(|crossing| crossing.name.contains('#'));
        let mut paths: Vec<String> = paths
            .filter(|crossing| matches!(crossing.kind, CrossingKind::Lower))
            .map(|crossing| crossing.name.to_string())
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    pub(super) fn types_like(&self, text: &str) -> Vec<FunctionView> {
        let pattern = NamePattern::from(text);
        let mut found = Vec::new();
        for module in self.timeline.modules().iter() {
            let meant = module.source.types_meant(|name| pattern.matches_text(name));
            found.extend(meant.into_iter().map(|name| FunctionView {
                name,
                declared: None,
            }));
        }
        in_order(found)
    }

    pub(super) fn code_of(&self, file: &str, line: u64) -> Vec<String> {
        let wanted = u32::try_from(line).unwrap_or(u32::MAX);
        let path = self.sources.recorded_path(file);
        let modules = (0..).map(ModuleId).zip(self.timeline.modules().iter());
        let mut told = Vec::new();
        for (id, module) in modules {
            for statement in module.source.breakpoint_places(&path, wanted) {
                told.push(format!(
                    "line {} begins at {} in {}",
                    statement.at.line,
                    address::code(id, statement.pc),
                    name_at(&module.source, statement.pc)
                ));
            }
        }
        told
    }

    pub(super) fn variables_on(&self, file: &str, line: u64) -> Vec<VariableInSource> {
        let wanted = u32::try_from(line).unwrap_or(u32::MAX);
        let path = self.sources.recorded_path(file);
        let mut found: Vec<VariableInSource> = Vec::new();
        for module in self.timeline.modules().iter() {
            let places = module.source.breakpoint_places(&path, wanted);
            let scopes = places
                .first()
                .and_then(|place| module.source.scopes_at(place.pc).ok());
            let frame = scopes.and_then(|scopes| scopes.frames.into_iter().next_back());
            // What is declared in inner blocks hides what is called so outside of them.
            let variables = frame.map(|frame| frame.variables).unwrap_or_default();
            for variable in variables.into_iter().rev() {
                if !found.iter().any(|known| known.name == variable.name) {
                    found.push(VariableInSource {
                        declared: variable.declared.map(|line| u64::from(line.line)),
                        name: variable.name,
                    });
                }
            }
        }
        found
    }

    pub(super) fn symbol(
        &mut self,
        text: &str,
        frame: Option<FrameId>,
    ) -> Result<String, DebuggeeError> {
        let place = match self.frame(frame) {
            Ok(ShownFrame::Guest(place)) => Some(place),
            _ => self.caller(),
        };
        let here = place.map(|place| (place.core.module, place.core.pc));
        let (module, number) = match (text, here) {
            ("$pc", Some((module, pc))) => (module, u64::from(pc)),
            ("$pc", None) => return Err(failed("there is no guest code on the stack here")),
            (text, here) => {
                // The module is in the upper half of an address of code.
                let function = || {
                    let name = text.trim_start_matches('&');
                    let meant = self.places_of_function(name).into_iter().next()?;
                    Some((meant.0, meant.1))
                };
                let (named, offset) =
                    address::parse_code(text, 0)
                        .or_else(function)
                        .ok_or_else(|| {
                            failed(format!(
                                "{text} is neither an address nor a function's name"
                            ))
                        })?;
                let module = match (named, here) {
                    (ModuleId(0), Some((module, _))) => module,
                    (named, _) => named,
                };
                (module, u64::from(offset))
            }
        };
        let source = &self
            .timeline
            .module(module)
            .ok_or_else(|| failed(format!("{text} is in no module")))?
            .source;
        let mut told = Vec::new();
        let pc = u32::try_from(number).unwrap_or(u32::MAX);
        if source.function_index_at(pc).is_some() {
            let line = source.line_at(pc).filter(|line| line.line > 0);
            let line = line.map_or(String::new(), |line| {
                let file = source.file(line.file);
                let file = file.rsplit('/').next().unwrap_or(file);
                format!(", line {} of {file}", line.line)
            });
            told.push(format!(
                "{pc:#x} in the code is in {}{line}",
                name_at(source, pc)
            ));
        }
        if text != "$pc" {
            if let Some((name, start)) = source.static_around(number) {
                let offset = match number - start {
                    0 => String::new(),
                    more => format!(" + {more}"),
                };
                told.push(format!("{number:#x} in memory is {name}{offset}"));
            }
            if let Some(name) = source.function_in_table(pc) {
                told.push(format!("{number:#x} as a function pointer is {name}"));
            }
        }
        match told.is_empty() {
            true => Err(failed(format!("nothing that has a name is at {text}"))),
            false => Ok(told.join("\n")),
        }
    }
}

/// The function with code at a place, and how far into it that is.
fn name_at(source: &ModuleSource, pc: u32) -> String {
    let (name, start) = match source.function_at(pc) {
        Some(function) => (function.name.clone(), Some(function.range.start)),
        None => match source.function_index_at(pc) {
            Some(index) => (source.shown_name(index), None),
            None => return "no function".to_owned(),
        },
    };
    match start.and_then(|start| pc.checked_sub(start)) {
        None | Some(0) => name,
        Some(offset) => format!("{name} + {offset}"),
    }
}

fn in_order(mut found: Vec<FunctionView>) -> Vec<FunctionView> {
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.dedup();
    found
}
