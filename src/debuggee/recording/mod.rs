//! The real debuggee: a recording, travelled by the timeline and looked at by
//! the inspecting room.

mod address;
mod arrived;
mod asked;
mod async_steps;
mod awaited;
mod below_stack;
mod boundary;
mod breakpoints;
mod call_values;
mod calls;
mod core;
mod counted;
mod data;
mod disassembly;
mod expressions;
mod failure;
mod functions;
mod futures;
mod growing;
mod guest;
mod guest_memory;
mod handles;
pub(super) mod hostcalls;
mod into_await;
mod launcher;
mod measured;
mod origin;
mod own_steps;
mod panics;
mod request_values;
mod requests;
mod results;
mod rows;
mod run;
mod saying;
mod sources;
mod stack;
mod stand_in;
mod symbols;
mod targets;
mod task_frames;
mod task_steps;
mod task_turns;
mod tasks;
pub(super) mod texts;
mod threads;
mod thrown;
mod values;
mod whole;

pub use launcher::RecordingLauncher;

use super::kept::{KeptMark, Place};
use super::{
    BecameKnown, DataId, DebuggeeError, FrameId, History, LineVisit, LiveRun, Looks, Mark, Output,
    Preparing, SourceOrigin, SourcePoint, StepInTarget, StopText, ThreadId, ThreadView, TimeOfHost,
    Travels,
};
use crate::component::ModuleId;
use crate::inspect::core_level::CoreItems;
use crate::inspect::ending;
use crate::inspect::futures::Storage;
use crate::inspect::hostcall::arrivals::Arrivals;
use crate::inspect::hostcall::listing::Listing;
use crate::inspect::past::chronicle::Chronicle;
use crate::replay::variant::CacheDir;
use crate::replay::{Phase, Position};
use crate::source::external::External;
use crate::timeline::processes::temporary::TemporaryDir;
use crate::timeline::travel::motion::{
    Direction, Ending, MemoryRange, Motion, Reason, Step, Stop, Writes,
};
use crate::timeline::travel::turns::Turns;
use crate::timeline::{Interrupt, Timeline, TimelineError};
use awaited::Awaited;
use breakpoints::Breakpoints;
use calls::ShownCall;
use data::Named;
use panics::Panics;
use sources::Sources;
use stack::ShownFrame;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use texts::Listings;
use threads::Threads;

/// What is said where a session begins in what libraries have sources of.
const NOT_OWN: &str = "No function of the program's own that has debug information runs: \
                       this is a library's. Compile with -g to begin in your own code.";

/// The crossings in progress that were asked for, by their index.
type CallsHere = HashMap<usize, Arc<ShownCall>>;

/// A recording being debugged.
pub struct Recording {
    timeline: Timeline,
    threads: Threads,
    breakpoints: Breakpoints,
    /// The filter for panics, if it is on.
    panics: Option<Panics>,
    /// The program gives up here, and this is what it says, if it says anything.
    panicked: Option<Option<String>>,
    /// The session has been brought to the program's entry, and that is not its own code.
    is_entry_foreign: bool,
    /// The stack at this stop, once asked for.
    stack: Option<Vec<ShownFrame>>,
    /// What is suspended at this stop, as frames below the stack, once asked for.
    logical: Option<Arc<[futures::Logical]>>,
    /// What tasks have left in their storage.
    storage: Storage,
    /// Which task each call into the guest is a part of, once asked for.
    turns: Option<Arc<Turns>>,
    /// How many hostcalls can be read, and what is damaged after those.
    events: OnceLock<(u64, Option<String>)>,
    /// All hostcalls, once asked for.
    hostcalls: Option<Arc<Listing>>,
    /// What of them came to its end later, once asked for.
    arrivals: Option<Arc<Arrivals>>,
    /// The crossings in progress at this stop that were asked for, by their index.
    calls: CallsHere,
    /// What modules say of their items, once asked for.
    items: HashMap<ModuleId, Arc<CoreItems>>,
    /// The requests that it was given.
    finding: requests::Finding,
    /// Handles and output over time, once asked for.
    chronicle: Option<Chronicle>,
    awaited: Awaited,
    watching: growing::Watching,
    /// What watched bytes have been called.
    names: HashMap<MemoryRange, Named>,
    cache: CacheDir,
    /// Debug information that the modules do not have themselves.
    external: Arc<External>,
    /// Where the texts of its sources are.
    sources: Arc<Sources>,
    /// Whether the code of libraries is subdued.
    just_my_code: bool,
    /// Where the ticks went, once asked for; twins have the same.
    measured: measured::Measured,
    listings: Listings,
    /// How values flow through functions that were asked for.
    flows: origin::Flows,
    /// Where marks are kept for the next session.
    kept: Option<Place>,
    /// The run that is being recorded; it ends before its directory goes.
    run: Option<run::GoingOn>,
    /// Where the recording lives if nobody asked to keep it.
    _directory: Option<TemporaryDir>,
}

impl From<TimelineError> for DebuggeeError {
    fn from(error: TimelineError) -> Self {
        match error {
            TimelineError::Interrupted => DebuggeeError::Interrupted,
            TimelineError::Died(message) => DebuggeeError::Died { message },
            other => DebuggeeError::Other(other.to_string()),
        }
    }
}

impl Recording {
    fn new(
        timeline: Timeline,
        cache: CacheDir,
        external: Arc<External>,
        (sources, just_my_code): (Arc<Sources>, bool),
        kept: Option<Place>,
        directory: Option<TemporaryDir>,
        run: Option<run::GoingOn>,
    ) -> Recording {
        sources.look_ahead(&timeline);
        let mut timeline = timeline;
        let marks = kept.as_ref().map(Place::marks).unwrap_or_default();
        for (mark, position) in marks {
            timeline.remember(&mark.name, position, mark.event);
        }
        Recording {
            finding: requests::Finding::start(timeline.trace()),
            timeline,
            threads: Threads::default(),
            breakpoints: Breakpoints::default(),
            panics: None,
            panicked: None,
            is_entry_foreign: false,
            stack: None,
            logical: None,
            storage: Storage::default(),
            turns: None,
            events: OnceLock::new(),
            hostcalls: None,
            arrivals: None,
            calls: HashMap::new(),
            items: HashMap::new(),
            chronicle: None,
            awaited: Awaited::default(),
            watching: growing::Watching::default(),
            names: HashMap::new(),
            cache,
            external,
            sources,
            just_my_code,
            measured: measured::Measured::default(),
            listings: Listings::default(),
            flows: origin::Flows::default(),
            kept,
            run,
            _directory: directory,
        }
    }
}

impl Recording {
    /// The same recording in another timeline.
    fn beside(&self, timeline: Timeline) -> Recording {
        let sources = (self.sources.clone(), self.just_my_code);
        let (cache, external) = (self.cache.clone(), self.external.clone());
        Recording {
            measured: self.measured.clone(),
            ..Recording::new(timeline, cache, external, sources, None, None, None)
        }
    }

    /// What is shown of the stack is to be found out again.
    fn forget_stack(&mut self) {
        self.stack = None;
        self.logical = None;
        self.forget_threads();
    }

    /// See [`Travels::travel`].
    fn travel_by(
        &mut self,
        motion: &Motion,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        // The end is now.
        self.take_in_growth()?;
        if let Motion::Event(event) = motion
            && let Some(why) = self.history().without_event(*event)
        {
            return Err(DebuggeeError::other(why));
        }
        self.forget_stack();
        self.panicked = None;
        if matches!(
            motion,
            Motion::Line(Direction::Forward, Step::Over | Step::Into)
        ) && self.begins_line_after_write()?
        {
            return Ok(self.timeline.leave_change());
        }
        self.calls.clear();
        self.find_handle_changes(output, interrupt)?;
        self.find_late_failures(interrupt)?;
        self.tell_turns_to_breakpoints(interrupt)?;
        let motion = &match motion {
            Motion::Hostcall(direction, filter) => {
                Motion::Hostcall(*direction, self.with_late_failures(filter, interrupt)?)
            }
            motion => motion.clone(),
        };
        if *motion == Motion::Entry
            && let Some(stop) = self.timeline.enter_early(interrupt)?
        {
            self.is_entry_foreign = self.is_in_library();
            return Ok(stop);
        }
        if self.timeline.needs_debug(motion) {
            let tell =
                |percent| output.progress(Some(percent), "compiling the guest for debugging");
            self.timeline
                .need_debug(interrupt, &|compiled| tell(compiled.percent()))?;
            tell(100);
        }
        let stop = match motion {
            Motion::Continue(_) => {
                let stop = self.meet(motion, output, interrupt)?;
                self.go_on_as_it_grows(motion, stop, output, interrupt)?
            }
            // The stack that it begins on is another one.
            step if step.is_step() && self.threads.of_stack.is_some() => {
                self.meet(step, output, interrupt)?
            }
            Motion::Line(direction, step) => {
                self.step_in_future((*direction, *step), output, interrupt)?
            }
            step if step.is_step() => self.meet(step, output, interrupt)?,
            Motion::Entered(entered) => {
                let stop = self.timeline.travel(motion, interrupt)?;
                self.go_into_own(entered, stop, output, interrupt)?
            }
            other => self.timeline.travel(other, interrupt)?,
        };
        self.is_entry_foreign = *motion == Motion::Entry && self.is_in_library();
        if matches!(motion, Motion::Entered(_)) {
            self.has_gone_to_request();
        }
        Ok(stop)
    }

    /// Has the next session know the marks. Where the directory is not one's own, that they
    /// are not kept is not worth a message.
    fn keep_marks(&self) {
        let Some(place) = &self.kept else {
            return;
        };
        let marks = self.timeline.marks().into_iter();
        let marks = marks.map(|(name, position, event)| KeptMark {
            name: name.to_owned(),
            position: position.to_string(),
            event,
        });
        if let Err(error) = place.keep_marks(marks.collect()) {
            tracing::debug!("marks are not kept: {error}");
        }
    }

    /// How many hostcalls can be read, and what is damaged after those.
    fn readable(&self) -> &(u64, Option<String>) {
        self.events.get_or_init(|| {
            let (events, damage) = self.timeline.trace().readable_hostcalls();
            (events, damage.map(|damage| damage.to_string()))
        })
    }

    /// What to say where the program stands in a hostcall.
    fn describe_hostcall(&mut self) -> StopText {
        let how = match self.timeline.here().position.phase {
            Phase::Calling => "Paused at a hostcall",
            Phase::Answered => "Paused after a hostcall",
            Phase::Before | Phase::End => return StopText::default(),
        };
        let told = match self.timeline.here().position.phase {
            Phase::Answered => self.told_here(),
            _ => None,
        };
        let called = self.calling();
        StopText {
            description: Some(how.to_owned()),
            text: match told {
                Some(told) => called.map(|called| format!("{called} ← {told}")),
                None => called,
            },
            ..StopText::default()
        }
    }
}

impl Travels for Recording {
    fn travel(
        &mut self,
        motion: &Motion,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        // Whatever comes of it, the client asks anew.
        self.awaited.forget();
        let stop = self.travel_by(motion, output, interrupt);
        self.awaited.forget();
        self.threads.of_stack = None;
        self.find_thread();
        stop
    }

    fn thread(&self) -> ThreadId {
        self.thread_here()
    }

    fn stacks(&mut self) -> Result<Vec<ThreadView>, DebuggeeError> {
        self.thread_views()
    }

    fn select(
        &mut self,
        thread: ThreadId,
        _alone: bool,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<(), DebuggeeError> {
        self.choose(thread)
    }

    fn preparing(&mut self) -> Option<Preparing> {
        self.next_preparing()
    }

    fn run(&self) -> Option<LiveRun> {
        self.run.as_ref().map(run::GoingOn::run)
    }

    fn become_longer(&mut self) -> Result<bool, DebuggeeError> {
        self.take_in_growth()
    }

    fn became_known(&mut self) -> BecameKnown {
        self.known_by_now()
    }

    fn here(&self) -> &Stop {
        self.timeline.here()
    }

    fn describe_stop(&mut self) -> StopText {
        let reason = self.timeline.here().reason.clone();
        match reason {
            Reason::End(Ending::SoFar) => StopText {
                description: None,
                text: Some("what is recorded so far ends here; continuing waits for more".into()),
                ..StopText::default()
            },
            Reason::End(Ending::CutOff) => StopText {
                description: None,
                text: Some(format!("The {}", ending::cut_off(self.timeline.trace()))),
                ..StopText::default()
            },
            Reason::End(_) => StopText {
                description: None,
                text: Some(format!("The run {}", self.timeline.trace().outcome())),
                ..StopText::default()
            },
            _ => match (self.describe_change(), self.thrown_here()) {
                (Some(told), _) => told,
                (None, Some(thrown)) => StopText {
                    description: None,
                    text: Some(thrown.told()),
                    ..StopText::default()
                },
                (None, None) if self.is_entry_foreign => StopText {
                    description: None,
                    text: Some(NOT_OWN.to_owned()),
                    ..StopText::default()
                },
                (None, None) => self.describe_hostcall(),
            },
        }
    }

    fn time(&self) -> Option<TimeOfHost> {
        let trace = self.timeline.trace();
        let here = self.here();
        let time = match here.position.phase {
            Phase::Calling => trace.time_at(here.event),
            _ => trace.time_before(here.event),
        }?;
        Some(TimeOfHost {
            elapsed: time.elapsed(),
            wall: trace.wall_time(time),
        })
    }

    fn recording(&self) -> Option<&Path> {
        Some(self.timeline.trace().path())
    }

    fn history(&self) -> History {
        let trace = self.timeline.trace();
        let (events, damage) = self.readable();
        History {
            name: trace.metadata().program.clone(),
            events: *events,
            damage: damage.clone(),
            end: self.timeline.known_end(),
            ending: format!("the run {}", trace.outcome()),
            is_growing: trace.is_growing(),
        }
    }

    fn checkpoints(&mut self) -> Vec<(u64, Position)> {
        self.timeline.checkpoint_moments()
    }

    fn mark(&mut self, name: Option<&str>) -> Mark {
        let name = match name {
            Some(name) => name.to_owned(),
            None => self.free_mark(),
        };
        self.timeline.mark(&name);
        self.keep_marks();
        let here = self.timeline.here();
        Mark {
            name,
            position: here.position,
            event: here.event,
        }
    }

    fn unmark(&mut self, name: &str) -> bool {
        let was_there = self.timeline.unmark(name);
        if was_there {
            self.keep_marks();
        }
        was_there
    }

    fn marks(&self) -> Vec<Mark> {
        let marks = self.timeline.marks().into_iter();
        let mark = |(name, position, event): (&str, Position, u64)| Mark {
            name: name.to_owned(),
            position,
            event,
        };
        marks.map(mark).collect()
    }

    fn to_write(
        &mut self,
        of: &DataId,
        writes: Writes,
        direction: Direction,
    ) -> Result<Motion, DebuggeeError> {
        Recording::motion_to_write(of, writes, direction)
    }

    fn out_of(&mut self, frame: FrameId, direction: Direction) -> Result<Motion, DebuggeeError> {
        let (stack, found) = self.in_frame(Some(frame), |recording, own| recording.frame(own))?;
        self.threads.of_stack = stack;
        Ok(match found {
            ShownFrame::Guest(guest) => Motion::OutOf {
                direction,
                frame: guest.index as u32,
                body: guest.inlined as u32,
            },
            ShownFrame::Crossing(_) => Motion::Line(direction, Step::Out),
        })
    }

    fn line_visits(
        &mut self,
        source: &SourceOrigin,
        point: SourcePoint,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Vec<LineVisit>, DebuggeeError> {
        self.visits_of(source, point, output, interrupt)
    }

    fn step_in_targets(&mut self, frame: FrameId) -> Result<Vec<StepInTarget>, DebuggeeError> {
        let (_, targets) = self.in_frame(Some(frame), |recording, own| match own {
            Some(own) => recording.calls_ahead(own),
            None => Ok(Vec::new()),
        })?;
        Ok(targets)
    }
}
