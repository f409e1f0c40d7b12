//! What tasks that do not run wait for, as frames below the stack: the futures of a Rust program
//! that are suspended here, each with where it waits and what it keeps.

use super::guest_memory::GuestMemory;
use super::rows::{decode, encode, view};
use super::stack::{GuestPlace, ShownFrame};
use super::values::{Within, failed, gone};
use super::{Recording, rows};
use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::debuggee::{
    Children, DebuggeeError, Frame, FrameId, Page, Presentation, Scope, ScopeHint, ValuesRef,
    VariableView,
};
use crate::inspect::FrameState;
use crate::inspect::futures::{self, Future, Identity, Resumed, Roots, Row, Stored, What};
use crate::inspect::variable::variables::Variable;
use crate::replay::InstanceId;
use crate::replay::boundary::Way;
use crate::source::{ModuleSource, SourceLine};
use std::collections::HashSet;
use std::sync::Arc;

/// The first of the numbers of these frames: those of the stack are smaller, and those of
/// crossings larger.
const FIRST: u32 = 1 << 30;
/// So many frames are made of what is suspended.
const MOST: usize = 1 << 16;
/// What is said of a future that nobody has asked yet.
const NOT_BEGUN: &str = " (not begun)";
/// The key of the scope with what a future keeps.
const KEPT: &str = "kept";

/// A frame below the stack.
#[derive(Debug, Clone)]
pub(super) enum Logical {
    /// A title.
    Label(String),
    /// A future of a core instance.
    Future(Box<Future>, InstanceId, ModuleId),
}

/// The memory of an instance, where none of its frames is looked at.
struct Memory<'a>(GuestMemory<'a>);

impl FrameState for Memory<'_> {
    fn local(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn operand(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn global(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn memory(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        self.0.read(address, length as u64)
    }
}

/// A task, or a frame, whose futures are known.
struct Found {
    title: String,
    roots: Roots,
    instance: InstanceId,
    module: ModuleId,
    is_running: bool,
}

impl Recording {
    /// The frames below the stack at this stop.
    pub(super) fn logical(&mut self) -> Result<Arc<[Logical]>, DebuggeeError> {
        if self.timeline.looks_elsewhere() {
            // They are below that which runs.
            return Ok(Arc::default());
        }
        if let Some(known) = &self.logical {
            return Ok(known.clone());
        }
        let found: Arc<[Logical]> = self.read_logical()?.into();
        self.logical = Some(found.clone());
        Ok(found)
    }

    fn read_logical(&mut self) -> Result<Vec<Logical>, DebuggeeError> {
        let (found, running) = self.find_futures()?;
        let mut shown = Vec::new();
        for found in found {
            let (instance, module) = (found.instance, found.module);
            let futures = found.roots.futures.into_iter();
            let beside: Vec<Future> = match found.is_running {
                true => futures.flat_map(|future| future.beside(&running)).collect(),
                false => futures.collect(),
            };
            if beside.is_empty() {
                continue;
            }
            shown.push(Logical::Label(match found.is_running {
                true => format!("also suspended in {}", found.title),
                false => format!("{} is suspended at", found.title),
            }));
            shown.extend(futures::rows(beside).into_iter().map(|row| match row {
                Row::Label(label) => Logical::Label(label),
                Row::Future(future) => Logical::Future(Box::new(future), instance, module),
            }));
        }
        shown.truncate(MOST);
        Ok(shown)
    }

    /// The futures of all tasks as lines of text, each with how deep it is.
    pub(super) fn tell_futures(&mut self) -> Result<Vec<(usize, String)>, DebuggeeError> {
        let (found, running) = self.find_futures()?;
        let mut lines = Vec::new();
        for found in found {
            let how = match found.is_running {
                true => "runs",
                false => "is suspended",
            };
            lines.push((0, format!("{} {how}", found.title)));
            for future in &found.roots.futures {
                self.tell_future(future, 1, (found.module, &running), &mut lines);
            }
        }
        Ok(lines)
    }

    fn tell_future(
        &self,
        future: &Future,
        depth: usize,
        (module, running): (ModuleId, &HashSet<Identity>),
        lines: &mut Vec<(usize, String)>,
    ) {
        let (mut text, line) = described(future);
        if future.is_any(running) {
            text = format!("{}, which runs", text.trim_end_matches(NOT_BEGUN));
        }
        if let (Some(line), Some(module)) = (line, self.timeline.module(module)) {
            let file = module.source.file(line.file);
            let file = file.rsplit('/').next().unwrap_or(file);
            text.push_str(&format!(" at {file}:{}", line.line));
        }
        lines.push((depth, text));
        for awaited in &future.awaits {
            self.tell_future(awaited, depth + 1, (module, running), lines);
        }
    }

    /// The tasks, and frames that block, with their futures; and where the coroutines are that
    /// run.
    fn find_futures(&mut self) -> Result<(Vec<Found>, HashSet<Identity>), DebuggeeError> {
        let stack = self.stack()?.to_vec();
        let depth = self.timeline.boundary()?;
        let depth = depth.iter().filter(|open| open.way == Way::In).count();
        let event = self.timeline.here().event;
        let trace = self.timeline.trace().clone();
        let stored = self.storage.at(&trace, event, depth);
        let blocking = stack.iter().filter_map(|frame| match frame {
            ShownFrame::Guest(place) if place.name().contains("block_on") => Some(place.clone()),
            _ => None,
        });
        let blocking: Vec<GuestPlace> = blocking.collect();
        if stored.is_empty() && blocking.is_empty() {
            return Ok((Vec::new(), HashSet::new()));
        }
        let resumed = self.resumed(&stack)?;
        let identities = resumed.iter().map(|(resumed, ..)| resumed.identity.clone());
        let running: HashSet<Identity> = identities.collect();
        let known: Vec<Resumed> = resumed
            .iter()
            .map(|(resumed, ..)| resumed.clone())
            .collect();
        let mut found = Vec::new();
        for place in blocking {
            found.extend(self.blocking(&place, &known)?);
        }
        for task in &stored {
            found.extend(self.task(task, &known)?);
        }
        // A list lets go of the future that it has run, while it runs.
        for found in found.iter_mut().filter(|found| found.is_running) {
            let mut own = resumed.iter().rev();
            let Some((outermost, ..)) = own.find(|(_, instance, _)| *instance == found.instance)
            else {
                continue;
            };
            let root = HashSet::from([outermost.identity.clone()]);
            let roots = &mut found.roots.futures;
            if roots.iter().any(|future| future.has_any(&root)) {
                continue;
            }
            let modules = self.timeline.modules().clone();
            let Some(module) = modules.get(found.module.0 as usize) else {
                continue;
            };
            let more = self.with_memory(found.instance, |memory| {
                futures::of_resumed(&module.source, memory, outermost, &known)
            })?;
            roots.splice(0..0, more);
        }
        found.retain(|found| !found.roots.futures.is_empty());
        // What runs is nearest to the stack above.
        found.sort_by_key(|found| !found.is_running);
        Ok((found, running))
    }

    /// The coroutines that frames of the stack run, innermost first.
    fn resumed(
        &mut self,
        stack: &[ShownFrame],
    ) -> Result<Vec<(Resumed, InstanceId, ModuleId)>, DebuggeeError> {
        let mut found = Vec::new();
        for frame in stack {
            let ShownFrame::Guest(place) = frame else {
                continue;
            };
            // That is what both ways of mangling call what resumes a coroutine.
            if place.name().contains("closure") || place.name().contains("async_") {
                let resumed = self.with_frame(place, |source, site, frame| {
                    Ok(futures::resumed_by(source, site, frame))
                })?;
                let (instance, module) = (place.core.instance, place.core.module);
                found.extend(resumed.map(|resumed| (resumed, instance, module)));
            }
        }
        Ok(found)
    }

    /// What a frame waits for that blocks until a future is ready.
    fn blocking(
        &mut self,
        place: &GuestPlace,
        running: &[Resumed],
    ) -> Result<Option<Found>, DebuggeeError> {
        let roots = self.with_frame(place, |source, site, frame| {
            Ok(futures::in_frame(source, site, frame, running))
        })?;
        Ok((!roots.futures.is_empty()).then(|| Found {
            title: format!("what {} waits for", place.name()),
            roots,
            instance: place.core.instance,
            module: place.core.module,
            is_running: true,
        }))
    }

    /// What a task waits for, if it is one whose runtime is known.
    fn task(&mut self, task: &Stored, running: &[Resumed]) -> Result<Option<Found>, DebuggeeError> {
        let instances = self.timeline.instances()?;
        let modules = self.timeline.modules().clone();
        let function = self.timeline.trace().component().crossing(task.function);
        let function = function.map_or(String::new(), |crossing| crossing.name.to_string());
        let title = format!("task {} of {function}", task.id.0);
        for (id, (module, component_instance)) in (0..).map(InstanceId).zip(instances) {
            let Some(known) = modules.get(module.0 as usize) else {
                continue;
            };
            if component_instance != task.instance.0 || !known.source.has_task_states() {
                continue;
            }
            let roots = self.with_memory(id, |memory| {
                futures::in_task(&known.source, memory, task.storage, running)
            })?;
            // Another of its core modules may be the one with the runtime.
            if !roots.futures.is_empty() || task.is_running {
                return Ok(Some(Found {
                    title,
                    roots,
                    instance: id,
                    module,
                    is_running: task.is_running,
                }));
            }
        }
        Ok(None)
    }

    pub(super) fn with_memory<T>(
        &mut self,
        instance: InstanceId,
        look: impl FnOnce(&dyn FrameState) -> T,
    ) -> Result<T, DebuggeeError> {
        let memory = Memory(GuestMemory::new(&mut self.timeline, Some((instance, 0))));
        let made = look(&memory);
        Ok(memory.0.vouch_for(made)?)
    }

    /// Such a frame as shown.
    pub(super) fn show_logical(&self, number: usize, frame: &Logical) -> Frame {
        let id = FrameId(FIRST + number as u32);
        let (future, module) = match frame {
            Logical::Label(label) => {
                return Frame {
                    id,
                    name: label.clone(),
                    place: None,
                    instruction: None,
                    module: None,
                    presentation: Presentation::Label,
                };
            }
            Logical::Future(future, _, module) => (future, *module),
        };
        let (name, line) = described(future);
        let place = line.and_then(|line| {
            let known = self.timeline.module(module)?;
            Some(self.place_in_source(module, known, line, None))
        });
        Frame {
            id,
            name,
            presentation: match line {
                Some(line) if !self.is_of_library(module, line) => Presentation::Normal,
                _ => Presentation::Subtle,
            },
            place,
            instruction: None,
            module: Some(module.0.to_string()),
        }
    }

    /// The frame below the stack with a number, if it is one of those.
    fn logical_at(&mut self, id: FrameId) -> Result<Option<Logical>, DebuggeeError> {
        let Some(number) = id.0.checked_sub(FIRST).filter(|number| *number < FIRST / 2) else {
            return Ok(None);
        };
        Ok(self.logical()?.get(number as usize).cloned())
    }

    /// The scopes of such a frame; `None` if it is none.
    pub(super) fn scopes_of_logical(
        &mut self,
        id: FrameId,
    ) -> Result<Option<Vec<Scope>>, DebuggeeError> {
        Ok(match self.logical_at(id)? {
            None => None,
            Some(Logical::Label(_)) => Some(Vec::new()),
            Some(Logical::Future(..)) => Some(vec![Scope {
                name: "Locals kept across the await".to_owned(),
                hint: ScopeHint::Locals,
                children: Children {
                    values: ValuesRef(format!("{}/{KEPT}", id.0)),
                    named: None,
                    indexed: None,
                },
                expensive: false,
            }]),
        })
    }

    /// The values in such a frame; `None` if it is none.
    pub(super) fn logical_values(
        &mut self,
        id: FrameId,
        of: &ValuesRef,
        steps: &[&str],
        page: Page,
    ) -> Result<Option<Vec<VariableView>>, DebuggeeError> {
        self.in_logical(id, |source, frame, instance, kept| {
            let within = Within {
                source,
                frame,
                instance,
            };
            let Some((name, steps)) = steps.split_first() else {
                let row = |variable: &Variable| {
                    let path = format!("{}/{}", of.0, encode(&variable.name));
                    view(variable, &path, Some(variable.name.clone()), instance)
                };
                return Ok(kept.iter().map(row).collect());
            };
            let name = decode(name);
            let mut named = kept.into_iter();
            let root = named.find(|known| known.name == name).ok_or_else(gone)?;
            within.rows(root, Some(name), steps, &of.0, page)
        })
    }

    /// What is kept in such a frame by a path: `order.items[0]`; `None` if it is none.
    pub(super) fn evaluate_in_logical(
        &mut self,
        text: &str,
        id: FrameId,
    ) -> Result<Option<VariableView>, DebuggeeError> {
        self.in_logical(id, |source, frame, instance, kept| {
            let within = Within {
                source,
                frame,
                instance,
            };
            let mut path = format!("{}/{KEPT}", id.0);
            let mut rest = text.split('.').map(str::trim);
            let first = rest.next().unwrap_or_default();
            let mut found = kept
                .into_iter()
                .find(|known| known.name == first)
                .ok_or_else(|| nothing_kept(text))?;
            path = format!("{path}/{}", encode(&found.name));
            for part in rest {
                let (index, inner) = within
                    .child_named(&found, part)?
                    .ok_or_else(|| nothing_kept(text))?;
                path = format!("{path}/{index}");
                found = inner;
            }
            Ok(rows::view(&found, &path, Some(text.to_owned()), instance))
        })
    }

    /// Lends what such a frame keeps.
    fn in_logical<T>(
        &mut self,
        id: FrameId,
        look: impl FnOnce(
            &ModuleSource,
            &dyn FrameState,
            InstanceId,
            Vec<Variable>,
        ) -> Result<T, DebuggeeError>,
    ) -> Result<Option<T>, DebuggeeError> {
        let Some(Logical::Future(future, instance, module)) = self.logical_at(id)? else {
            return Ok(None);
        };
        let modules = self.timeline.modules().clone();
        let module = modules.get(module.0 as usize).ok_or_else(gone)?;
        self.with_memory(instance, |memory| {
            let kept = future.kept(&module.source, memory);
            look(&module.source, memory, instance, kept)
        })?
        .map(Some)
    }
}

/// What a future is called, and its line.
fn described(future: &Future) -> (String, Option<SourceLine>) {
    match &future.what {
        What::Coroutine(coroutine) if coroutine.has_begun => {
            (coroutine.coroutine.to_string(), coroutine.line)
        }
        What::Coroutine(coroutine) => (
            format!("{}{NOT_BEGUN}", coroutine.coroutine),
            coroutine.line,
        ),
        What::Type(name) => (name.clone(), None),
        What::More => ("… more than are looked at".to_owned(), None),
    }
}

fn nothing_kept(text: &str) -> DebuggeeError {
    failed(format!(
        "`{text}` is not kept by this future while it waits: only what it keeps, and the fields of \
         that, can be looked at in it"
    ))
}
