//! What tasks that do not run wait for, as frames below the stack: the futures of a Rust program
//! that are suspended here, each with where it waits and what it keeps.

use super::Recording;
use super::guest_memory::GuestMemory;
use super::stack::{GuestPlace, ShownFrame};
use super::task_frames::{PATIENCE, TaskFrame};
use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::debuggee::{DebuggeeError, Frame, FrameId, Presentation};
use crate::inspect::FrameState;
use crate::inspect::futures::{self, Future, Identity, Resumed, Roots, Row, Stored, What};
use crate::replay::InstanceId;
use crate::replay::boundary::Way;
use crate::source::SourceLine;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The first of the numbers of these frames: those of the stack are smaller, and those of
/// crossings larger.
pub(super) const FIRST: u32 = 1 << 30;
/// So many frames are made of what is suspended.
const MOST: usize = 1 << 16;
/// What is said of a future that nobody has asked yet.
const NOT_BEGUN: &str = " (not begun)";
/// A frame below the stack.
#[derive(Debug, Clone)]
pub(super) enum Logical {
    /// A title.
    Label(String),
    /// A future.
    Future(Box<Waiting>),
    /// A function of a task that does not run, or below what runs.
    Task(Box<TaskFrame>),
}

/// A future of a core instance.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) future: Future,
    pub(super) instance: InstanceId,
    pub(super) module: ModuleId,
    /// The task that it is a part of; 0 if that is none.
    pub(super) task: u64,
    waitables: Arc<Waitables>,
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
    /// The number of the task; 0 of what is none.
    task: u64,
    /// What its instance has by index, in words.
    waitables: Arc<Waitables>,
}

/// Subtasks and ends of streams and futures of one instance, in words.
type Waitables = BTreeMap<u32, String>;

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
        let (shown, is_whole) = self.read_logical()?;
        let found: Arc<[Logical]> = shown.into();
        if is_whole {
            self.logical = Some(found.clone());
        }
        Ok(found)
    }

    /// All of them, and whether there are no more.
    fn read_logical(&mut self) -> Result<(Vec<Logical>, bool), DebuggeeError> {
        let (found, running) = self.find_futures()?;
        let known: HashSet<u64> = found.iter().map(|found| found.task).collect();
        let others = self.frames_of_tasks(&known)?;
        let (mut shown, suspended) = others.clone().unwrap_or_default();
        for found in found {
            let (instance, module, task) = (found.instance, found.module, found.task);
            let waitables = found.waitables;
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
                Row::Future(future) => Logical::Future(Box::new(Waiting {
                    future,
                    instance,
                    module,
                    task,
                    waitables: waitables.clone(),
                })),
            }));
        }
        shown.extend(suspended);
        shown.truncate(MOST);
        Ok((shown, others.is_some()))
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
                let at = (found.module, &*found.waitables, &running);
                self.tell_future(future, 1, at, &mut lines);
            }
        }
        Ok(lines)
    }

    fn tell_future(
        &self,
        future: &Future,
        depth: usize,
        (module, waitables, running): (ModuleId, &Waitables, &HashSet<Identity>),
        lines: &mut Vec<(usize, String)>,
    ) {
        let (mut text, line) = described(future, waitables);
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
            let at = (module, waitables, running);
            self.tell_future(awaited, depth + 1, at, lines);
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
        self.name_waitables(&mut found)?;
        // What runs is nearest to the stack above.
        found.sort_by_key(|found| !found.is_running);
        Ok((found, running))
    }

    /// Has what futures wait for at last be called as `tasks` calls it.
    fn name_waitables(&mut self, found: &mut [Found]) -> Result<(), DebuggeeError> {
        if found.is_empty() {
            return Ok(());
        }
        let instances = self.timeline.instances()?;
        let event = self.timeline.here().event;
        // What is known by then is told.
        _ = self.chronicle().output(event, PATIENCE, |_| ());
        let all = self.waitables_in_short();
        for found in found {
            let component = instances.get(found.instance.0 as usize);
            let own = all.iter().filter(|((instance, _), _)| {
                component.is_some_and(|(_, component)| *component == instance.0)
            });
            let own = own.map(|((_, index), words)| (*index, words.clone()));
            found.waitables = Arc::new(own.collect());
        }
        Ok(())
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
            task: 0,
            waitables: Arc::default(),
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
                    task: task.id.0,
                    waitables: Arc::default(),
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
            Logical::Task(frame) => return self.show_task(id, frame),
            Logical::Future(waiting) => (waiting, waiting.module),
        };
        let (name, line) = described(&future.future, &future.waitables);
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
}

/// What a future is called, and its line.
fn described(future: &Future, waitables: &Waitables) -> (String, Option<SourceLine>) {
    match &future.what {
        What::Coroutine(coroutine) if coroutine.has_begun => {
            (coroutine.coroutine.to_string(), coroutine.line)
        }
        What::Coroutine(coroutine) => (
            format!("{}{NOT_BEGUN}", coroutine.coroutine),
            coroutine.line,
        ),
        What::Type(name) => (name.clone(), None),
        What::Waitable(index) => match waitables.get(index) {
            Some(words) => (words.clone(), None),
            None => (format!("waitable {index}"), None),
        },
        What::More => ("… more than are looked at".to_owned(), None),
    }
}
