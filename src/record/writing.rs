//! A recording being made: what recorders commit goes into the tail, and from there,
//! encoded and compressed, into the trace.

use super::chaos::Random;
use super::clock::Clock;
use super::tail::{Push, RecorderMemory, Tail};
use super::target::{Sections, Target};
use super::{Dials, RecorderError, interrupt};
use crate::component::Component;
use crate::trace::{Instance, Note, Outcome, RecordsError, Writer};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// So many committed bytes make it worth waking the writing thread.
const WORTH_WRITING: u64 = 256 << 10;

pub(super) type TraceWriter = Writer<Sections>;

/// A recording being made.
///
/// The threads of the run push into the tail; a thread of the recorder's own
/// encodes, compresses and writes. `output` is locked before `pending`.
pub(super) struct Shared {
    component: Arc<Component>,
    instances: u64,
    /// The seeds by which something is random.
    pub(super) dials: Dials,
    pub(super) chaos: Option<Mutex<Random>>,
    pub(super) clock: Arc<Clock>,
    output: Mutex<Output>,
    pending: Mutex<Pending>,
    work: Condvar,
}

/// What a recording that has ended holds.
pub(super) struct Totals {
    /// Outgoing crossings.
    pub(super) events: u64,
    /// How many of those are plumbing.
    pub(super) builtins: u64,
    /// How long the trace is.
    pub(super) bytes: u64,
}

/// Makes the beginning of a trace.
pub(super) type Begin = Box<dyn FnOnce() -> Result<TraceWriter, RecordsError> + Send>;

struct Output {
    trace: TraceOutput,
    target: Target,
    /// What is noted and not written yet.
    notes: Vec<(Note, Noted)>,
}

/// When something that the host notes of a run is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    Now,
    /// When something else is.
    WithNext,
    /// When the recording ends.
    AtEnd,
}

/// How far the trace is.
enum TraceOutput {
    /// Nobody has needed it yet.
    ToBegin(Begin),
    Begun(Box<TraceWriter>),
    Over,
}

impl Output {
    /// The writer; `None` if the trace has ended.
    fn writer(&mut self) -> Result<Option<&mut TraceWriter>, RecordsError> {
        if let TraceOutput::ToBegin(_) = self.trace {
            let to_begin = std::mem::replace(&mut self.trace, TraceOutput::Over);
            if let TraceOutput::ToBegin(begin) = to_begin {
                self.trace = TraceOutput::Begun(Box::new(begin()?));
            }
        }
        let TraceOutput::Begun(writer) = &mut self.trace else {
            return Ok(None);
        };
        for (note, when) in self.notes.drain(..) {
            match when {
                Noted::Now | Noted::WithNext => writer.note_with_next(note)?,
                Noted::AtEnd => writer.remember(note),
            }
        }
        Ok(Some(writer))
    }

    /// The same, and the trace has ended for whoever asks again.
    fn take_writer(&mut self) -> Option<Box<TraceWriter>> {
        match std::mem::replace(&mut self.trace, TraceOutput::Over) {
            TraceOutput::Begun(writer) => Some(writer),
            TraceOutput::ToBegin(_) | TraceOutput::Over => None,
        }
    }
}

struct Pending {
    tail: Tail,
    stage: Stage,
    /// The guest's store is there, and says when it goes.
    may_park: bool,
    /// The guest is to go no further: buffers stay as they are mapped.
    is_parked: bool,
}

enum Stage {
    Recording,
    Finished,
    Failed(RecorderError),
}

impl Pending {
    fn check(&self) -> Result<(), RecorderError> {
        match &self.stage {
            Stage::Recording => Ok(()),
            Stage::Finished => Err(RecorderError::Finished),
            Stage::Failed(error) => Err(error.clone()),
        }
    }
}

impl Shared {
    pub(super) fn new(
        component: Arc<Component>,
        begin: Result<TraceWriter, Begin>,
        target: Target,
        tail: Tail,
        dials: Dials,
    ) -> Shared {
        Shared {
            instances: u64::from(component.instances()),
            dials,
            chaos: dials.chaos.map(Random::of),
            clock: tail.clock().clone(),
            component,
            output: Mutex::new(Output {
                trace: match begin {
                    Ok(writer) => TraceOutput::Begun(Box::new(writer)),
                    Err(begin) => TraceOutput::ToBegin(begin),
                },
                target,
                notes: Vec::new(),
            }),
            pending: Mutex::new(Pending {
                tail,
                stage: Stage::Recording,
                may_park: false,
                is_parked: false,
            }),
            work: Condvar::new(),
        }
    }

    fn recording(&self) -> Result<MutexGuard<'_, Pending>, RecorderError> {
        let pending = self.pending.lock();
        pending.check()?;
        Ok(pending)
    }

    /// The same, for a guest to go on with; one that is not to go on waits here.
    fn running(&self) -> Result<MutexGuard<'_, Pending>, RecorderError> {
        let pending = self.pending.lock();
        if pending.is_parked {
            drop(pending);
            interrupt::wait_if_ending();
            return self.recording();
        }
        pending.check()?;
        Ok(pending)
    }

    /// Numbers an instance. `memory` is its recorder's, if it can be looked at.
    ///
    /// # Safety
    ///
    /// A memory must be as [`Tail::add`] needs it.
    pub(super) unsafe fn register(
        &self,
        memory: Option<RecorderMemory>,
    ) -> Result<u32, RecorderError> {
        // What others recorded at their start happened before.
        self.take_held(None)?;
        let mut pending = self.running()?;
        let instance = pending.tail.instances();
        if u64::from(instance) >= self.instances {
            return Err(RecorderError::Instances);
        }
        match memory {
            None => pending.tail.add_apart(),
            Some(memory) => {
                // SAFETY: as the caller says.
                let added = unsafe { pending.tail.add(memory) };
                drop(pending);
                added.map_err(|error| self.tail_error(&error))?;
            }
        }
        Ok(instance)
    }

    /// Notes something of the run.
    pub(super) fn note(&self, note: Note, when: Noted) -> Result<(), RecorderError> {
        let mut output = self.output.lock();
        if when != Noted::Now {
            output.notes.push((note, when));
            return Ok(());
        }
        // The tail says from which length on sections do not count.
        self.write_out(&mut output)?;
        let length = self.write(&mut output, |writer| {
            writer.note(note)?;
            Ok(writer.written())
        })?;
        let mut pending = self.recording()?;
        let end = pending.tail.backlog_start();
        pending.tail.written_out(end, length);
        Ok(())
    }

    /// Where the file of the tail goes at the end, if it is used again.
    pub(super) fn spare(&self) -> Option<PathBuf> {
        self.output.lock().target.spare.clone()
    }

    /// Ends the recording of which nothing is wanted.
    pub(super) fn discard(&self) {
        let mut output = self.output.lock();
        output.trace = TraceOutput::Over;
        self.pending.lock().stage = Stage::Finished;
        output.target.remove_tail();
        if let Some(path) = &output.target.path {
            _ = std::fs::remove_file(path);
        }
    }

    /// The tail of a recording that is finished, for another one.
    pub(super) fn take_tail(&self) -> Option<Tail> {
        let mut pending = self.pending.lock();
        matches!(pending.stage, Stage::Finished).then(|| pending.tail.take())
    }

    fn tail_error(&self, error: &io::Error) -> RecorderError {
        match &self.output.lock().target.path {
            Some(path) => RecorderError::tail(path, error),
            None => RecorderError::Output(format!("cannot share memory: {error}")),
        }
    }

    /// Takes what an instance's recorder commits.
    ///
    /// # Safety
    ///
    /// `memory`, if given, is the one that the records are in; see [`Tail::follow`].
    pub(super) unsafe fn commit(
        &self,
        instance: u32,
        memory: Option<RecorderMemory>,
        records: &[u8],
    ) -> Result<(), RecorderError> {
        if instance >= self.running()?.tail.instances() {
            return Err(RecorderError::Unregistered(instance));
        }
        self.take_held(Some(instance))?;
        self.push(Instance(instance), 0, records)?;
        let Some(memory) = memory else { return Ok(()) };
        // SAFETY: as the caller says; what was in the buffer is in the backlog.
        let followed = unsafe { self.running()?.tail.follow(instance, memory) };
        followed.map_err(|error| self.tail_error(&error))
    }

    /// Takes what instances other than the one that commits hold back. They cannot
    /// commit from a `realloc` or a `post-return`; it happened before.
    fn take_held(&self, committing: Option<u32>) -> Result<(), RecorderError> {
        let pending = self.recording()?;
        if !pending.tail.others(committing.unwrap_or(u32::MAX)) {
            return Ok(());
        }
        let held = pending.tail.held(&self.component);
        drop(pending);
        for held in held {
            if Some(held.instance.0) != committing {
                self.push(held.instance, held.from, &held.bytes)?;
            }
        }
        Ok(())
    }

    /// Copies what instances hold back, which may be running on other threads: from here on it
    /// outlives the process, if the tail does.
    pub(super) fn copy_from_running(&self) -> Result<(), RecorderError> {
        loop {
            let mut pending = self.recording()?;
            let held = pending.tail.held_while_running(&self.component);
            let mut copied = held.iter().map(|held| pending.tail.copy_from_running(held));
            // What is too much for the backlog is committed soon.
            if copied.all(|copied| copied != Push::Full) {
                return Ok(());
            }
            drop(pending);
            self.write_out(&mut self.output.lock())?;
        }
    }

    /// Takes records that begin so far into an instance's buffer.
    fn push(&self, instance: Instance, from: usize, records: &[u8]) -> Result<(), RecorderError> {
        loop {
            let mut pending = self.recording()?;
            match pending.tail.push(instance, from, records) {
                Push::Done => {
                    if pending.tail.backlog_length() >= WORTH_WRITING {
                        self.work.notify_one();
                    }
                    return Ok(());
                }
                Push::Full => {
                    drop(pending);
                    self.write_out(&mut self.output.lock())?;
                }
                Push::TooLarge => {
                    let rest = pending.tail.take_at_once(instance, from, records);
                    drop(pending);
                    return self.push_at_once(instance, from + records.len(), rest);
                }
            }
        }
    }

    /// The same, of records that end there.
    fn push_at_once(
        &self,
        instance: Instance,
        until: usize,
        records: &[u8],
    ) -> Result<(), RecorderError> {
        let mut output = self.output.lock();
        self.write_out(&mut output)?;
        let length = self.write(&mut output, |writer| {
            writer.records(instance, records)?;
            writer.flush()?;
            Ok(writer.written())
        })?;
        self.recording()?
            .tail
            .written_at_once(instance, until, length);
        Ok(())
    }

    /// Takes what instances hold back, and looks at their memories no more: their store goes
    /// now, and nothing of it runs.
    pub(super) fn part_from_guests(&self) -> Result<(), RecorderError> {
        let taken = self.take_held(None);
        self.pending.lock().tail.part_from_guests();
        match taken {
            // It ended before its guest.
            Err(RecorderError::Finished) => Ok(()),
            taken => taken,
        }
    }

    /// Whether the guest's store is there: before it goes, this is said.
    pub(super) fn may_park(&self, may: bool) {
        self.pending.lock().may_park = may;
    }

    /// The process is about to end: where the guest would record anything more, it waits for
    /// that. So what it does is not more than what is recorded.
    pub(super) fn park(&self) {
        let mut pending = self.pending.lock();
        if pending.may_park && matches!(pending.stage, Stage::Recording) {
            pending.is_parked = true;
            // SAFETY: the store is there, and the lock keeps it.
            unsafe { pending.tail.park() };
        }
    }

    /// The work of the recorder's own thread.
    pub(super) fn write_while_recording(&self) {
        loop {
            let mut pending = self.pending.lock();
            while pending.tail.backlog_length() < WORTH_WRITING {
                if pending.check().is_err() {
                    return;
                }
                self.work.wait(&mut pending);
            }
            drop(pending);
            // An error is kept, and told to whoever commits or finishes.
            if self.write_out(&mut self.output.lock()).is_err() {
                return;
            }
        }
    }

    /// Writes what is in the backlog to the trace.
    fn write_out(&self, output: &mut Output) -> Result<(), RecorderError> {
        let backlog = self.recording()?.tail.backlog();
        let end = backlog.end;
        let length = self.write(output, |writer| {
            for (instance, records) in backlog {
                writer.records(instance, &records)?;
            }
            writer.flush()?;
            Ok(writer.written())
        })?;
        self.pending.lock().tail.written_out(end, length);
        Ok(())
    }

    /// Writes to the trace. If that fails, the recording ends with what was whole
    /// before; what was not written stays in the tail.
    fn write<R>(
        &self,
        output: &mut Output,
        write: impl FnOnce(&mut TraceWriter) -> Result<R, RecordsError>,
    ) -> Result<R, RecorderError> {
        let (whole, result) = match output.writer() {
            Ok(Some(writer)) => (writer.written(), write(writer)),
            Ok(None) => return Err(RecorderError::Finished),
            Err(error) => (0, Err(error)),
        };
        result.map_err(|error| self.fail(output, whole, &error))
    }

    fn fail(&self, output: &mut Output, whole: u64, error: &RecordsError) -> RecorderError {
        let writer = output.take_writer();
        if let (Some(writer), RecordsError::NotNested(_)) = (writer, error) {
            // Everything before has been written. What comes after cannot be
            // replayed, so it must not be found in the tail.
            output.target.truncate(writer.written());
            output.target.remove_tail();
        } else {
            output.target.truncate(whole);
        }
        let error = RecorderError::write(output.target.path.as_deref(), error);
        let mut pending = self.pending.lock();
        if matches!(pending.stage, Stage::Recording) {
            pending.stage = Stage::Failed(error.clone());
        }
        error
    }

    /// Takes everything that there is and ends the trace; answers what it holds. Without an
    /// outcome, it says that it was cut off.
    pub(super) fn finish(&self, outcome: Option<&Outcome>) -> Result<Totals, RecorderError> {
        let mut output = self.output.lock();
        let result = self.end(&mut output, outcome);
        let mut pending = self.pending.lock();
        if matches!(pending.stage, Stage::Recording) {
            pending.stage = Stage::Finished;
        }
        self.work.notify_all();
        result
    }

    fn end(&self, output: &mut Output, outcome: Option<&Outcome>) -> Result<Totals, RecorderError> {
        self.write_out(output)?;
        // From here on nothing is committed: the stage is looked at under the lock.
        let held = {
            let mut pending = self.recording()?;
            // Something may have been committed meanwhile by a guest that runs on.
            let mut late: Vec<_> = pending.tail.backlog().collect();
            pending.stage = Stage::Finished;
            let held = pending.tail.stop(&self.component).into_iter();
            late.extend(held.map(|held| (held.instance, held.bytes)));
            late
        };
        self.write(output, |writer| {
            for (instance, records) in &held {
                writer.records(*instance, records)?;
            }
            writer.flush()
        })?;
        let Some(writer) = output.take_writer() else {
            return Err(RecorderError::Finished);
        };
        let (events, builtins) = (writer.events(), writer.plumbing());
        let written = writer.written();
        let path = output.target.path.as_deref();
        let bytes = match outcome {
            None => written,
            Some(outcome) => writer
                .finish(outcome)
                .map_err(|error| {
                    output.target.truncate(written);
                    RecorderError::write(path, &error)
                })
                .map(|out| out.written)?,
        };
        output.target.remove_tail();
        Ok(Totals {
            events,
            builtins,
            bytes,
        })
    }
}
