//! The stacks that the program has at this stop, each a thread to who debugs. That which runs is
//! looked at as anything is; frames, groups of values and the like of one that waits say whose they
//! are, and are looked at there.

use super::stack::ShownFrame;
use super::values::failed;
use super::{CallsHere, Recording};
use crate::component::CrossingKind;
use crate::debuggee::{
    Children, DebuggeeError, FrameId, Frames, ThreadId, ThreadView, ValuesRef, VariableView, Window,
};
use crate::inspect::tasks::{Task, TaskId, TaskState, Words};
use crate::replay::{GuestStack, Phase, Whose};
use crate::timeline::Interrupt;
use std::sync::Arc;

/// The first of the numbers of frames of stacks that wait: those of futures are smaller, and
/// those of crossings larger.
const FIRST: u32 = 0x5000_0000;
/// Frames of one of them that have numbers of their own.
const MOST_FRAMES: u32 = 1 << 19;
/// A guest has no more stacks than replay bears.
const MOST_STACKS: u32 = 1 << 10;
/// Before the number of a stack, where a group of values is one of its.
const MARK: char = '@';
/// The longest name of a thread.
const LONGEST_NAME: usize = 120;

/// What is known of the stacks at this stop, once asked for.
#[derive(Debug, Default)]
pub(super) struct Threads {
    /// That which runs first; `None`: not asked yet.
    stacks: Option<Arc<[GuestStack]>>,
    /// The thread that the stop is of.
    present: Option<ThreadId>,
    /// What the next motion is of, if not of the one that runs.
    pub(super) of_stack: Option<u64>,
    /// What is shown of one that waits.
    seen: Vec<(u64, Seen)>,
}

/// What is shown of one stack, once asked for.
#[derive(Debug, Default)]
pub(super) struct Seen {
    stack: Option<Vec<ShownFrame>>,
    calls: CallsHere,
}

/// A stack's thread: the first is of what has none.
fn thread_of(stack: u64) -> ThreadId {
    ThreadId(i64::try_from(stack).map_or(i64::MAX, |stack| stack.saturating_add(ThreadId::ONLY.0)))
}

impl Recording {
    fn stacks_here(&mut self) -> Result<Arc<[GuestStack]>, DebuggeeError> {
        if let Some(known) = &self.threads.stacks {
            return Ok(known.clone());
        }
        let stacks: Arc<[GuestStack]> = self.timeline.stacks()?.into();
        self.threads.stacks = Some(stacks.clone());
        Ok(stacks)
    }

    /// What is shown of the stacks is to be found out again: the session moves.
    pub(super) fn forget_threads(&mut self) {
        self.threads.stacks = None;
        self.threads.present = None;
        self.threads.seen.clear();
    }

    /// The session has come to a stop: of which thread it is, is told by what is at hand.
    pub(super) fn find_thread(&mut self) {
        self.threads.stacks = None;
        let stacks = self.stacks_here().unwrap_or_else(|_| Arc::default());
        self.threads.present = shown_first(&stacks).map(|stack| thread_of(stack.id));
    }

    /// The thread that this stop is of: that which runs, or, where none does, ran last.
    pub(super) fn thread_here(&self) -> ThreadId {
        self.threads.present.unwrap_or(ThreadId::ONLY)
    }

    /// The stack of a thread; `None`: that which runs, or where nothing does.
    fn stack_of(&mut self, thread: ThreadId) -> Result<Option<GuestStack>, DebuggeeError> {
        let stacks = self.stacks_here()?;
        let found = stacks.iter().find(|stack| thread_of(stack.id) == thread);
        match found {
            Some(stack) => Ok((!stack.runs).then(|| stack.clone())),
            None if thread == ThreadId::ONLY => Ok(waiting_first(&stacks).cloned()),
            None => Err(failed(format!("there is no thread {} here", thread.0))),
        }
    }

    /// The next motion is of this thread.
    pub(super) fn choose(&mut self, thread: ThreadId) -> Result<(), DebuggeeError> {
        self.threads.of_stack = match thread {
            // Of what is here, whatever it is: who has one thread only knows no other.
            ThreadId::ONLY => None,
            thread => self.stack_of(thread)?.map(|stack| stack.id),
        };
        Ok(())
    }

    /// The frames of a thread. It may take a while until those of one that waits can be told.
    pub(super) fn frames_of_thread(
        &mut self,
        thread: ThreadId,
        window: Window,
        interrupt: &Interrupt,
    ) -> Result<Frames, DebuggeeError> {
        match self.stack_of(thread)? {
            None => self.shown_frames(window),
            Some(stack) => self.in_stack(Some(stack.id), interrupt, |recording| {
                let mut shown = recording.shown_frames(window)?;
                for frame in &mut shown.frames {
                    frame.id = recording.tagged(stack.id, frame.id)?;
                }
                Ok(shown)
            }),
        }
    }

    /// Does something that looks at a stack that waits; with `None`, at that which runs.
    pub(super) fn in_stack<T>(
        &mut self,
        stack: Option<u64>,
        interrupt: &Interrupt,
        look: impl FnOnce(&mut Recording) -> Result<T, DebuggeeError>,
    ) -> Result<T, DebuggeeError> {
        let Some(id) = stack else {
            return look(self);
        };
        let stacks = self.stacks_here()?;
        let found = stacks.iter().find(|stack| stack.id == id && !stack.runs);
        let found = found.ok_or_else(|| failed("this thread does not wait here any more"))?;
        self.timeline.look_at(Some(found), interrupt)?;
        self.swap_seen(id);
        let looked = look(self);
        self.swap_seen(id);
        self.timeline.look_at(None, interrupt)?;
        looked
    }

    /// What is shown of the stack that runs goes aside for what is of another, and back.
    fn swap_seen(&mut self, id: u64) {
        let known = self.threads.seen.iter().position(|(of, _)| *of == id);
        let mut other = match known {
            Some(known) => self.threads.seen.swap_remove(known).1,
            None => Seen::default(),
        };
        std::mem::swap(&mut self.stack, &mut other.stack);
        std::mem::swap(&mut self.calls, &mut other.calls);
        self.threads.seen.push((id, other));
    }

    /// The number of a frame of a stack that waits, which is looked at.
    fn tagged(&mut self, stack: u64, own: FrameId) -> Result<FrameId, DebuggeeError> {
        let stacks = self.stacks_here()?;
        let rank = stacks.iter().position(|of| of.id == stack);
        let rank = rank.unwrap_or_default() as u32 % MOST_STACKS;
        let shown = self.stack()?;
        let inner = shown.iter().position(|frame| frame.id() == own);
        let outside = inner.map_or(0, |inner| shown.len() - inner) as u32;
        Ok(FrameId(
            FIRST + rank * MOST_FRAMES + outside.min(MOST_FRAMES - 1),
        ))
    }

    /// Which stack a frame is of, if it is of one that waits, and its own number there.
    pub(super) fn untagged(
        &mut self,
        frame: FrameId,
    ) -> Result<(Option<u64>, FrameId), DebuggeeError> {
        let last = FIRST + MOST_STACKS * MOST_FRAMES;
        if !(FIRST..last).contains(&frame.0) {
            return Ok((None, frame));
        }
        let gone = || failed("there is no such frame here");
        let (rank, outside) = (
            (frame.0 - FIRST) / MOST_FRAMES,
            (frame.0 - FIRST) % MOST_FRAMES,
        );
        let stacks = self.stacks_here()?;
        let stack = stacks.get(rank as usize).ok_or_else(gone)?.id;
        let own = self.in_stack(Some(stack), &Interrupt::new(), |recording| {
            let shown = recording.stack()?;
            let index = shown.len().checked_sub(outside as usize);
            let frame = index.and_then(|index| shown.get(index));
            Ok(frame.map(ShownFrame::id))
        })?;
        Ok((Some(stack), own.ok_or_else(gone)?))
    }

    /// A frame, where only what runs can be asked.
    pub(super) fn running(&mut self, frame: FrameId) -> Result<FrameId, DebuggeeError> {
        let (stack, own) = self.untagged(frame)?;
        let Some(id) = stack else {
            return Ok(own);
        };
        let stacks = self.stacks_here()?;
        let waits_in = stacks.iter().find(|stack| stack.id == id);
        let waits_in = waits_in.and_then(|stack| stack.calling.as_ref());
        let event = waits_in.map_or_else(String::new, |calling| calling.event.to_string());
        Err(failed(format!(
            "this thread waits, and only of that which runs is told where values come from: \
             `seek {event}` goes to where it ran last"
        )))
    }

    /// Which stack an answer is to be from that asks for no frame: where none runs, the one that the
    /// stop is of.
    fn frameless(&mut self) -> Option<u64> {
        let stacks = self.stacks_here().ok()?;
        waiting_first(&stacks).map(|stack| stack.id)
    }

    /// Looks at a frame, wherever it is; with `None`, at the innermost of this stop.
    pub(super) fn in_frame<T>(
        &mut self,
        frame: Option<FrameId>,
        look: impl FnOnce(&mut Recording, Option<FrameId>) -> Result<T, DebuggeeError>,
    ) -> Result<(Option<u64>, T), DebuggeeError> {
        let (stack, own) = match frame {
            None => (self.frameless(), None),
            Some(frame) => {
                let (stack, own) = self.untagged(frame)?;
                (stack, Some(own))
            }
        };
        let looked = self.in_stack(stack, &Interrupt::new(), |recording| look(recording, own))?;
        Ok((stack, looked))
    }

    /// The stacks as threads; none where there is one thread only, as nothing keeps stacks, or none
    /// is there.
    pub(super) fn thread_views(&mut self) -> Result<Vec<ThreadView>, DebuggeeError> {
        let stacks = self.stacks_here()?;
        let present = shown_first(&stacks).map(|stack| stack.id);
        let views = stacks.iter().map(|stack| ThreadView {
            id: thread_of(stack.id),
            name: self.named(stack),
            moment: match (&stack.calling, Some(stack.id) == present) {
                (_, true) => self.moment_here(),
                (Some(calling), false) => {
                    let component = self.timeline.trace().component();
                    let crossing = component.crossing(calling.crossing);
                    let name = crossing.map_or_else(String::new, |c| format!(" in {}", c.name));
                    format!("waits{name}, hostcall {}", calling.event)
                }
                (None, false) => "waits".to_owned(),
            },
            task: stack.task.map(Whose::task),
        });
        Ok(views.collect())
    }

    fn moment_here(&self) -> String {
        use crate::debuggee::Travels;
        let here = self.timeline.here();
        self.history().moment(here.event, here.position)
    }

    /// `task 2: order(item: 7)`, `thread 1 of task 2`
    fn named(&mut self, stack: &GuestStack) -> String {
        let component = self.timeline.trace().component().clone();
        let crossing = component.crossing(stack.crossing);
        let function = crossing.map_or_else(String::new, |crossing| crossing.name.to_string());
        let here = self.timeline.here();
        let (event, in_call) = (here.event, here.position.phase == Phase::Calling);
        // What it was called with is known when the background has come so far.
        let tasks = self.chronicle().tasks_at(event, in_call).ok();
        let called = |meant: &dyn Fn(&&Task) -> bool| {
            let tasks = tasks.as_ref()?;
            let words = Words {
                component: &component,
                tasks,
            };
            let task = tasks.tasks().find(meant)?;
            Some((task.id, words.call(task)))
        };
        let name = match (stack.task, crossing.map(|crossing| &crossing.kind)) {
            (Some(Whose::Task(number)), _) => {
                let call = called(&|task| task.id == TaskId(number));
                let call = call.map_or(function, |(_, call)| call);
                format!("task {number}: {call}")
            }
            (Some(Whose::Thread(number, task)), _) => format!("thread {number} of task {task}"),
            (None, Some(CrossingKind::ThreadStart(_))) => "thread".to_owned(),
            (None, Some(CrossingKind::Callback)) => {
                let waits_in = stack.calling.as_ref().map(|calling| calling.event);
                let is_it = |task: &&Task| match (task.state, waits_in) {
                    (TaskState::Calling(event), Some(waits_in)) => event == waits_in,
                    (TaskState::Running, None) => task.function == stack.crossing,
                    _ => false,
                };
                match called(&is_it) {
                    Some((TaskId(number), call)) => format!("task {number}: {call}, called back"),
                    None => function,
                }
            }
            (None, _) => function,
        };
        match name.char_indices().nth(LONGEST_NAME) {
            Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
            None => name,
        }
    }
}

/// The stack that a stop is of: that which runs, or else that which ran last.
fn shown_first(stacks: &[GuestStack]) -> Option<&GuestStack> {
    let running = stacks.iter().find(|stack| stack.runs);
    running.or_else(|| waiting_first(stacks))
}

/// Where none runs, the one that ran last.
fn waiting_first(stacks: &[GuestStack]) -> Option<&GuestStack> {
    if stacks.iter().any(|stack| stack.runs) {
        return None;
    }
    stacks
        .iter()
        .max_by_key(|stack| stack.calling.as_ref().map(|calling| calling.event))
}

/// A group of values of a stack, with the mark that says so.
pub(super) fn of_stack(stack: Option<u64>, values: ValuesRef) -> ValuesRef {
    match stack {
        Some(stack) => ValuesRef(format!("{MARK}{stack}/{}", values.0)),
        None => values,
    }
}

/// The same for what is inside of something.
pub(super) fn children_of(stack: Option<u64>, children: Children) -> Children {
    Children {
        values: of_stack(stack, children.values),
        ..children
    }
}

/// The same for what a value has inside.
pub(super) fn view_of(stack: Option<u64>, view: VariableView) -> VariableView {
    VariableView {
        children: view.children.map(|children| children_of(stack, children)),
        ..view
    }
}

/// Whose a group of values is, and what it is called there.
pub(super) fn whose(values: &ValuesRef) -> (Option<u64>, ValuesRef) {
    let marked = values.0.strip_prefix(MARK).and_then(|rest| {
        let (stack, own) = rest.split_once('/')?;
        Some((Some(stack.parse().ok()?), ValuesRef(own.to_owned())))
    });
    marked.unwrap_or_else(|| (None, values.clone()))
}
