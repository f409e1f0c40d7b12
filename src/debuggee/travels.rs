//! Where a debuggee stands in time, and how it is moved.

use super::{
    DataId, DebuggeeError, FrameId, LiveRun, MessageEnd, MessagesTold, MessagesWanted, Output,
    Preparing, SourceOrigin, SourcePoint, SystemView,
};
use crate::replay::Position;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Fraction, Motion, Step, Stop, Writes};
use crate::trace::WallTime;
use std::path::Path;
use std::time::Duration;

/// What the host's clock said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfHost {
    /// Since the recording began.
    pub elapsed: Duration,
    /// On the wall, if the recording says when it began.
    pub wall: Option<WallTime>,
}

/// The moment of a thread that has not been opened ends so.
pub const NOT_LOOKED_AT: &str = "not looked at yet";

/// Moves in time.
pub trait Travels {
    /// Moves. On an error the debuggee stands where it stood, as [`here`] says.
    ///
    /// [`here`]: Travels::here
    ///
    /// # Errors
    ///
    /// If it is interrupted, or cannot go there: why, in words.
    fn travel(
        &mut self,
        motion: &Motion,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError>;

    /// The nodes of a system, each a thread to who debugs; none of what has one thread only.
    fn threads(&self) -> Vec<ThreadView> {
        Vec::new()
    }

    /// The stacks that the program has where it stands, that which runs first, each a thread to who
    /// debugs one recording alone; none where it keeps but one stack.
    ///
    /// # Errors
    ///
    /// If it cannot be asked any more: its process has died, and another cannot be started.
    fn stacks(&mut self) -> Result<Vec<ThreadView>, DebuggeeError> {
        Ok(Vec::new())
    }

    /// The thread that is moved and looked at.
    fn thread(&self) -> ThreadId {
        ThreadId::ONLY
    }

    /// The thread that stands for the recording that is moved, whichever of its stacks runs.
    fn main_thread(&self) -> ThreadId {
        ThreadId::ONLY
    }

    /// Has another thread be moved and looked at; `alone`: runs are of it only, and not of all.
    /// Its recording is opened, if it is not open.
    ///
    /// # Errors
    ///
    /// If there is no such thread, or its recording cannot be opened.
    fn select(
        &mut self,
        thread: ThreadId,
        _alone: bool,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<(), DebuggeeError> {
        match thread {
            ThreadId::ONLY => Ok(()),
            other => Err(DebuggeeError::other(format!(
                "there is no thread {}",
                other.0
            ))),
        }
    }

    /// Opens every recording of a system, so that places in all of them are known.
    ///
    /// # Errors
    ///
    /// If one cannot be opened, or if interrupted.
    fn open_all(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<(), DebuggeeError> {
        _ = (output, interrupt);
        Ok(())
    }
    /// Whether a thread can be looked at without opening anything.
    fn is_open(&self, _thread: ThreadId) -> bool {
        true
    }

    /// The motion to the other end of the message that is sent here, or, backward, that was
    /// received here; that end's thread is the one that is moved from now on.
    ///
    /// # Errors
    ///
    /// If there is no such message, or its other end is not known: why, in words.
    fn follow(
        &mut self,
        _direction: Direction,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<Motion, DebuggeeError> {
        Err(DebuggeeError::other(
            "one recording alone is debugged: to follow a message, open the recordings of both \
             its ends",
        ))
    }

    /// A part of the list of what the nodes of a system said to each other;
    /// [`DebuggeeError::NotYet`] as long as that is not known.
    ///
    /// # Errors
    ///
    /// As [`Travels::follow`].
    fn messages(
        &mut self,
        _wanted: &MessagesWanted,
        _interrupt: &Interrupt,
    ) -> Result<MessagesTold, DebuggeeError> {
        Err(DebuggeeError::other(
            "one recording alone is debugged: messages are between several",
        ))
    }

    /// The motion to an end of what is listed with this number; its thread is the one that is
    /// moved from now on.
    ///
    /// # Errors
    ///
    /// If there is no such row, or that end is in none of the recordings.
    fn to_message(
        &mut self,
        _number: u64,
        _end: MessageEnd,
        _output: &dyn Output,
        _interrupt: &Interrupt,
    ) -> Result<Motion, DebuggeeError> {
        Err(DebuggeeError::other(
            "one recording alone is debugged: messages are between several",
        ))
    }

    /// The motion to where this thread is when a part of the order of the system is over; of one
    /// recording alone, of the recording.
    ///
    /// # Errors
    ///
    /// If the order is not known.
    fn to_part(&mut self, part: Fraction, _interrupt: &Interrupt) -> Result<Motion, DebuggeeError> {
        Ok(Motion::Fraction(part))
    }

    /// Where the nodes of a system stand, and, if wanted, how much each did in so many parts of
    /// the order; of one recording alone, no nodes. What is not known yet is left out.
    fn system(&mut self, _buckets: usize) -> SystemView {
        SystemView::default()
    }

    /// Something that ends when more is known than now of what was asked here; each given
    /// out once. There is one wherever an answer was [`DebuggeeError::NotYet`], or lacked
    /// something for that reason.
    fn preparing(&mut self) -> Option<Preparing> {
        None
    }

    /// Takes in what has been recorded since, of a recording that is still being written;
    /// whether there is anything new. It stands where it stood.
    ///
    /// # Errors
    ///
    /// If the recording cannot be read any more.
    fn become_longer(&mut self) -> Result<bool, DebuggeeError> {
        Ok(false)
    }

    /// The run that is recorded, if that was begun for this session and may go on.
    fn run(&self) -> Option<LiveRun> {
        None
    }

    /// What was asked here, could not be told, and can be now; each told once.
    fn became_known(&mut self) -> BecameKnown {
        BecameKnown::default()
    }

    /// Where it stands, and why it stopped there.
    fn here(&self) -> &Stop;
    /// What a person is told about this stop, in place of the session's words.
    fn describe_stop(&mut self) -> StopText;
    /// What the host's clock said last before this moment, if the recording tells.
    fn time(&self) -> Option<TimeOfHost> {
        None
    }
    /// The file of the recording, if it is one.
    fn recording(&self) -> Option<&Path> {
        None
    }
    /// How far the recording goes, as far as that is known by now, and how it ended.
    fn history(&self) -> History;
    /// Where there are copies of the program to go on from: event and position.
    fn checkpoints(&mut self) -> Vec<(u64, Position)>;
    /// Remembers this moment; without a name, under the first number that is free.
    fn mark(&mut self, name: Option<&str>) -> Mark;
    /// Forgets a mark; whether there was one.
    fn unmark(&mut self, name: &str) -> bool;
    /// In the order of time.
    fn marks(&self) -> Vec<Mark>;
    /// The motion to where some bytes were changed last, or will be next.
    ///
    /// # Errors
    ///
    /// If these bytes are not known here.
    fn to_write(
        &mut self,
        of: &DataId,
        writes: Writes,
        direction: Direction,
    ) -> Result<Motion, DebuggeeError>;
    /// The motion out of a frame.
    ///
    /// # Errors
    ///
    /// If there is no such frame here.
    fn out_of(&mut self, _frame: FrameId, direction: Direction) -> Result<Motion, DebuggeeError> {
        Ok(Motion::Line(direction, Step::Out))
    }
    /// Every visit of a line in the recording, nearest to the present if there are many.
    ///
    /// # Errors
    ///
    /// If there is no such line, or the pass fails or is interrupted.
    fn line_visits(
        &mut self,
        source: &SourceOrigin,
        point: SourcePoint,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Vec<LineVisit>, DebuggeeError>;
    /// The calls that the line of a frame has still to make, and what the hostcall sends that it
    /// has made.
    ///
    /// # Errors
    ///
    /// If there is no such frame.
    fn step_in_targets(&mut self, frame: FrameId) -> Result<Vec<StepInTarget>, DebuggeeError>;
}

/// A thread, as the protocol numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub i64);

impl ThreadId {
    /// That of what has only one.
    pub const ONLY: ThreadId = ThreadId(1);
}

/// A thread, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadView {
    /// Its number.
    pub id: ThreadId,
    /// The node's name.
    pub name: String,
    /// Where it stands.
    pub moment: String,
    /// The number of the task whose stack it is, if it is one's and that is known.
    pub task: Option<u64>,
}

/// What can be told by now and could not when it was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BecameKnown {
    /// Whatever was refused.
    pub anything: bool,
    /// Values that were shown without something.
    pub values: bool,
    /// Frames that were shown without some.
    pub frames: bool,
    /// There is more of a recording that is still being written, or it has its end.
    pub growth: bool,
}

/// What a stop is called, and more about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopText {
    /// In place of "Paused on breakpoint" and the like.
    pub description: Option<String>,
    /// For example a trap's message.
    pub text: Option<String>,
    /// What other recordings of a system have to do with it.
    pub others: Option<String>,
}

/// How much there is to travel in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The program's name, for people.
    pub name: String,
    /// The number of outgoing crossings; of a damaged recording, as far as it can be read.
    pub events: u64,
    /// That the recording is damaged after those, in words.
    pub damage: Option<String>,
    /// Where the recording ends, once something has been there.
    pub end: Option<Position>,
    /// How it ended, in words: "the run exited with status 0".
    pub ending: String,
    /// It is still being written.
    pub is_growing: bool,
}

impl History {
    /// How far through the recording a moment is, in percent: by ticks, or by hostcalls
    /// as long as it is not known how many there are.
    pub fn percent(&self, event: u64, position: Position) -> f64 {
        let (part, whole) = match (self.end, self.events) {
            (Some(end), _) => (position.tick.0, end.tick.0),
            (None, events) => (event, events),
        };
        100.0 * part.min(whole) as f64 / whole.max(1) as f64
    }

    /// Where in time a moment is: "event 123 of 4,567 (37 %)". The part of the way is told
    /// once the end is known: until then it would be another measure.
    pub fn moment(&self, event: u64, position: Position) -> String {
        if self.is_growing && self.events > 0 {
            return format!("event {} of {}", grouped(event), self.count());
        }
        let percent = self.percent(event, position).round();
        let part = match self.end {
            // All of it is the end alone.
            Some(end) if position < end => format!(" ({} %)", percent.min(99.0)),
            Some(_) => " (100 %)".to_owned(),
            None => String::new(),
        };
        match self.events {
            0 => format!("tick {}{part}", grouped(position.tick.0)),
            _ => format!("event {} of {}{part}", grouped(event), self.count()),
        }
    }

    /// Why nobody can go to an event, if it is not there.
    pub fn without_event(&self, event: u64) -> Option<String> {
        if event < self.events {
            return None;
        }
        let event = grouped(event);
        Some(match (&self.damage, self.events.checked_sub(1)) {
            (Some(damage), _) => format!(
                "event {event} cannot be read, as only {} can: {damage}",
                grouped(self.events)
            ),
            (None, None) => format!(
                "there is no event {event}: the recording has none, as the program called nothing \
                 outside itself"
            ),
            (None, Some(last)) => format!(
                "there is no event {event}: the recording has {}, and the last one is {}",
                self.count(),
                grouped(last)
            ),
        })
    }

    /// How many events there are, for people: "4,567", or "at least 4,567".
    pub fn count(&self) -> String {
        match self.damage {
            None if self.is_growing => format!("{} so far", grouped(self.events)),
            None => grouped(self.events),
            Some(_) => format!("at least {}", grouped(self.events)),
        }
    }
}

/// A number with its thousands set apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A moment with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// As the person gave it, or a number.
    pub name: String,
    /// The moment, the same in every replay.
    pub position: Position,
    /// Outgoing crossings made before the moment; at a hostcall, its own number.
    pub event: u64,
}

/// A moment at which the program is on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineVisit {
    /// The way there.
    pub motion: Motion,
    /// For people to choose by: its ordinal, if known, and where in time it is.
    pub label: String,
    /// The line that has code: the one asked for, or the next.
    pub point: SourcePoint,
}

/// A call that can be stepped into, or a message that can be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepInTarget {
    /// The callee's name, or its number where it has none; of a message, where it is received.
    pub label: String,
    /// The way into it.
    pub way: WayIn,
}

/// The way into what is called or sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayIn {
    /// Into a call.
    Motion(Motion),
    /// To where a message is received: its number, for [`Travels::to_message`].
    Received(u64),
}
