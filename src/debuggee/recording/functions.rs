//! The functions of the guest by their names, and breakpoints on them.

use super::breakpoints::{set, state, unverified};
use super::stack::point;
use super::{Recording, address};
use crate::component::{ModuleId, NamePattern};
use crate::debuggee::{BreakpointState, FunctionBreakpointRequest, FunctionView};
use crate::source::{
    Agreement, Beginning, Function, FunctionName, InlinedCall, ModuleSource, SourceLine, Written,
    nearest,
};
use crate::timeline::Module;
use crate::timeline::travel::motion::{HostcallFilter, Place};
use std::collections::BTreeSet;

/// So many names are offered in place of one that is not known.
const OFFERED: usize = 3;

/// What a person means by a name.
#[derive(Debug, Default)]
struct Meant {
    functions: Vec<(ModuleId, Beginning)>,
    /// Whether functions of libraries are left out, as the person's own are called so.
    leaves_out: bool,
}

/// How many inlined bodies have begun where that of a function does: its own, and those around
/// it; all, if it is not found by that name.
fn bodies_around(source: &ModuleSource, pc: u32, is_called: impl Fn(&str) -> bool) -> u32 {
    let calls = source.inlined_at(pc);
    let begins = |call: &InlinedCall| call.ranges.iter().map(|range| range.start).min() == Some(pc);
    let deeper = calls
        .iter()
        .position(|call| begins(call) && is_called(&call.name));
    calls.len().saturating_sub(deeper.unwrap_or(0)) as u32
}

/// How many inlined bodies a breakpoint on a function is in: what is inlined where the
/// function's own code begins is ahead.
fn inside(source: &ModuleSource, function: &Beginning) -> u32 {
    match function.is_inlined {
        true => bodies_around(source, function.pc, |name| name == function.name),
        false => 0,
    }
}

/// The line where a function begins, and not what is inlined there.
fn first_line(source: &ModuleSource, function: &Beginning) -> Option<SourceLine> {
    let calls = source.inlined_at(function.pc);
    let ahead = calls
        .len()
        .saturating_sub(inside(source, function) as usize);
    let line = match ahead.checked_sub(1).and_then(|last| calls.get(last)) {
        Some(call) => call.call_site,
        None => source.line_at(function.pc),
    };
    line.filter(|line| line.line != 0)
}

fn hostcalls_like(name: &str) -> String {
    format!("hostcalls with {name} in their path")
}

impl Recording {
    pub(super) fn break_at_functions(
        &mut self,
        requests: &[FunctionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        let mut sets = Vec::new();
        let mut states = Vec::new();
        for request in requests {
            let id = self.breakpoints.id();
            let (places, mut shown) = self.places_meant(&request.name);
            let mut shown = match shown.take() {
                _ if places.is_empty() => unverified(id, self.not_found(&request.name)),
                Some(shown) => BreakpointState { id, ..shown },
                None => BreakpointState {
                    message: Some(hostcalls_like(&request.name)),
                    ..state(id)
                },
            };
            sets.extend(set(id, places, &request.when, &mut shown));
            states.push(shown);
        }
        self.breakpoints.functions = sets;
        self.apply();
        states
    }

    /// The functions, or else the hostcalls, that a person means; and how a breakpoint on such
    /// functions is shown.
    fn places_meant(&self, name: &str) -> (Vec<Place>, Option<BreakpointState>) {
        let (places, shown) = match self.is_hostcall_path(name) {
            true => (Vec::new(), None),
            false => self.function_places(name),
        };
        let is_hostcall = places.is_empty() && self.is_hostcall(name);
        match is_hostcall {
            true => (vec![Place::Hostcall(HostcallFilter::named(name))], None),
            false => (places, shown),
        }
    }

    /// The same in words: `shop::Node::sum at main.rs:31 (2 places)`.
    ///
    /// # Errors
    ///
    /// If there is none: what may be meant.
    pub(super) fn function_meant(&self, name: &str) -> Result<(String, Vec<Place>), String> {
        let (places, shown) = self.places_meant(name);
        match shown.and_then(|shown| shown.message) {
            _ if places.is_empty() => Err(self.not_found(name)),
            Some(told) => Ok((told, places)),
            None => Ok((hostcalls_like(name), places)),
        }
    }

    /// Whether this is the path of a hostcall: the function behind an export of that name may
    /// be called so, too.
    fn is_hostcall_path(&self, name: &str) -> bool {
        name.contains(['#', '/']) && self.is_hostcall(name)
    }

    fn is_hostcall(&self, name: &str) -> bool {
        let pattern = NamePattern::from(name);
        let mut crossings = self.timeline.trace().component().crossings().iter();
        crossings.any(|crossing| pattern.matches(&crossing.name))
    }

    /// Where the functions begin that a person means, and how a breakpoint there is shown.
    fn function_places(&self, name: &str) -> (Vec<Place>, Option<BreakpointState>) {
        let meant = self.meant(name);
        let Some((id, first)) = meant.functions.first() else {
            return (Vec::new(), None);
        };
        let places = meant.functions.iter().map(|(id, function)| {
            let module = self.timeline.module(*id);
            let inside = module.map_or(0, |module| inside(&module.source, function));
            Place::Call {
                module: *id,
                pc: function.pc,
                inside,
            }
        });
        let module = self.timeline.module(*id);
        let line = module.and_then(|module| first_line(&module.source, first));
        let place = line.and_then(|line| {
            let function = module?.source.function_index_at(first.pc);
            Some(self.place_in_source(*id, module?, line, function))
        });
        let shown = BreakpointState {
            message: Some(self.told(&meant)),
            instruction: Some(address::code(*id, first.pc)),
            point: line.map(point),
            source: place.map(|place| place.source),
            ..state(crate::timeline::travel::motion::BreakpointId(0))
        };
        (places.collect(), Some(shown))
    }

    /// `shop::Node::sum at main.rs:31 (2 places)`
    fn told(&self, meant: &Meant) -> String {
        let spelled = |(id, function): &(ModuleId, Beginning)| {
            let module = self.timeline.module(*id);
            module.map(|module| module.source.spelled(function.pc, &function.name))
        };
        let names: BTreeSet<String> = meant.functions.iter().filter_map(spelled).collect();
        let first = meant.functions.first();
        let mut told = first.and_then(spelled).unwrap_or_default();
        let at = first.and_then(|(id, function)| {
            let source = &self.timeline.module(*id)?.source;
            let line = first_line(source, function)?;
            let path = source.file(line.file);
            let file = path.rsplit('/').next().unwrap_or(path);
            Some(format!(" at {file}:{}", line.line))
        });
        told.push_str(&at.unwrap_or_default());
        match names.len() {
            0 | 1 => {}
            2 => told.push_str(" and 1 more function"),
            more => told.push_str(&format!(" and {} more functions", more - 1)),
        }
        if meant.functions.len() > 1 {
            told.push_str(&format!(" ({} places)", meant.functions.len()));
        }
        if meant.leaves_out {
            told.push_str("; not those of libraries: name more of their path");
        }
        told
    }

    fn not_found(&self, name: &str) -> String {
        let near = self.nearest_names(name);
        let mut told = format!("no function and no hostcall is named {name}");
        match near.as_slice() {
            [] => told.push_str(
                "; name a function as the source does, by any end of its path (`info functions` \
                 lists them), or a hostcall by a part of its WIT path",
            ),
            near => told.push_str(&format!("; did you mean {}?", near.join(", "))),
        }
        told
    }

    fn nearest_names(&self, name: &str) -> Vec<String> {
        // Of more, comparing all would take noticeably long.
        const MOST: usize = 200_000;
        let modules = || self.timeline.modules().iter();
        let names = modules().flat_map(|module| module.source.names_of_functions());
        let near = nearest(&FunctionName::parse(name), names.take(MOST), OFFERED);
        // As frames have them, which can be typed as well.
        let spelled = |name: String| {
            let named = |module: &Module| {
                let function = module.source.functions_named(&name).into_iter().next()?;
                Some(module.source.spelled(function.entry_pc, &name))
            };
            modules().find_map(named).unwrap_or(name)
        };
        let mut near: Vec<String> = near.into_iter().map(spelled).collect();
        near.dedup();
        near
    }

    /// The functions that a person means: by any end of their path at `::`, or by a pattern
    /// with `*`. Their own hide those of libraries that are called so, too, but for one that
    /// is named in full.
    fn meant(&self, name: &str) -> Meant {
        // A star may be a pointer's, or an operator.
        if name.contains('*') && !name.contains('(') && !name.contains("operator") {
            let pattern = NamePattern::from(name);
            return self.fitting(&|written| {
                let names = [Some(written.whole), written.declared];
                names
                    .into_iter()
                    .flatten()
                    .any(|name| pattern.matches_text(name))
            });
        }
        let wanted = FunctionName::parse(name);
        let found = self.fitting(&|written| wanted.means(written, Agreement::All));
        let mut found = match found.functions.is_empty() {
            true => self.fitting(&|written| wanted.means(written, Agreement::Path)),
            false => found,
        };
        let is_own = |(id, function): &(ModuleId, Beginning)| {
            let source = self.timeline.module(*id).map(|module| &module.source);
            let line = source.and_then(|source| function.declared.or(source.line_at(function.pc)));
            let path = source
                .zip(line)
                .map(|(source, line)| source.file(line.file));
            !path.is_some_and(|path| self.is_library(path))
        };
        if self.just_my_code && found.functions.iter().any(is_own) {
            let all = found.functions.len();
            let is_whole = |function: &Beginning| function.name == wanted.text();
            found
                .functions
                .retain(|meant| is_own(meant) || is_whole(&meant.1));
            found.leaves_out = found.functions.len() < all;
        }
        found
    }

    /// Functions by their names. Those that only a `name` section knows count in modules
    /// without debug information, or where no other is meant: besides it they are mostly what
    /// linkers have made up.
    fn fitting(&self, is_meant: &dyn Fn(Written<'_>) -> bool) -> Meant {
        let modules = || (0..).map(ModuleId).zip(self.timeline.modules().iter());
        let in_module = |id, found: Vec<Beginning>| found.into_iter().map(move |f| (id, f));
        let mut functions: Vec<_> = modules()
            .flat_map(|(id, module)| in_module(id, module.source.beginnings(is_meant)))
            .collect();
        let is_none = functions.is_empty();
        let undescribed = modules().filter(|(_, module)| is_none || !module.source.has_lines());
        functions.extend(undescribed.flat_map(|(id, module)| {
            in_module(id, module.source.undescribed_beginnings(is_meant))
        }));
        Meant {
            functions,
            leaves_out: false,
        }
    }

    /// Where breakpoints by this name would be.
    pub(super) fn places_of_function(&self, name: &str) -> Vec<(ModuleId, u32)> {
        let meant = self.meant(name).functions.into_iter();
        meant.map(|(id, function)| (id, function.pc)).collect()
    }

    /// The functions that a breakpoint by this name would stop at.
    pub(super) fn functions_meant(&self, name: &str) -> Vec<FunctionView> {
        let mut views: Vec<FunctionView> = Vec::new();
        for (id, function) in self.meant(name).functions {
            let module = self.timeline.module(id);
            let declared = module.and_then(|module| {
                let line = function.declared.or(module.source.line_at(function.pc))?;
                Some((self.source_of(id, module, line.file), u64::from(line.line)))
            });
            let view = FunctionView {
                name: function.name,
                declared,
            };
            if !views.contains(&view) {
                views.push(view);
            }
        }
        views
    }

    /// Those with this in their name, or that fit a pattern with `*`, by name ascending.
    pub(super) fn functions_like(&self, text: &str) -> Vec<FunctionView> {
        let pattern = NamePattern::from(text);
        let mut found = Vec::new();
        let modules = (0..).map(ModuleId).zip(self.timeline.modules().iter());
        for (id, module) in modules {
            let source = &module.source;
            let told = source.functions().filter(|function| {
                pattern.matches_text(&function.name) || pattern.matches_text(&function.short_name)
            });
            found.extend(told.map(|function| self.function_view(id, module, function)));
            let untold = source.undescribed_beginnings(&|written| {
                let names = [Some(written.whole), written.linkage];
                names
                    .into_iter()
                    .flatten()
                    .any(|name| pattern.matches_text(name))
            });
            found.extend(untold.into_iter().map(|function| FunctionView {
                name: function.name,
                declared: None,
            }));
        }
        // Instances of a generic function are declared in one place.
        let line = |view: &FunctionView| view.declared.as_ref().map(|(_, line)| *line);
        found.sort_by(|a, b| (&a.name, line(a)).cmp(&(&b.name, line(b))));
        found.dedup();
        found
    }

    fn function_view(&self, id: ModuleId, module: &Module, function: &Function) -> FunctionView {
        let declared = function.declared.map(|at| {
            let source = self.source_of(id, module, at.file);
            (source, u64::from(at.line))
        });
        FunctionView {
            name: function.name.clone(),
            declared,
        }
    }
}
