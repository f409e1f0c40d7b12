//! What became of hostcalls that were not done when they returned: where the program was told
//! of it. One pass over the recording, without a replay.

use super::builtin_call::number;
use super::delivery::two_words;
use crate::component::status::{CopyAnswer, EventCode, LoweredAnswer, SubtaskState};
use crate::component::{Builtin, Component, Crossing, CrossingId, CrossingKind, Transmit};
use crate::trace::{Event, EventKind, Instance, Trace};
use std::collections::{BTreeMap, HashMap};

/// So many are remembered: of a recording with more, the others show nothing.
const MOST: usize = 1 << 20;
/// Between two looks whether anybody still wants to know, so many events are read.
const STRIDE: u64 = 1 << 14;

/// What was begun by hostcalls and came to its end later.
#[derive(Debug, Clone, Default)]
pub struct Arrivals(BTreeMap<u64, Arrival>);

/// What became of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The subtask that the call became; `None` for a read or a write of a stream or future.
    pub subtask: Option<u32>,
    /// How the program was told of its end; `None` if it never was.
    pub told: Option<Told>,
}

/// How a program was told of the end of what it had begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The hostcall that told; of a callback, the first one that was made after it was entered.
    pub event: u64,
    /// Whether the hostcall itself told, by what it answered.
    pub in_call: bool,
    /// How it ended.
    pub resolution: Resolution,
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// A call.
    Call(SubtaskState),
    /// A read or a write.
    Copy(CopyAnswer),
}

impl Resolution {
    /// In the specification's words: `returned`, `completed(12)`.
    pub fn text(self) -> String {
        match self {
            Resolution::Call(state) => state.name().to_owned(),
            Resolution::Copy(copy @ CopyAnswer::Ended { count, .. }) if count > 0 => {
                format!("{}({count})", copy.name())
            }
            Resolution::Copy(copy) => copy.name().to_owned(),
        }
    }
}

impl Arrival {
    /// To stand behind the hostcall and its answer: ` → subtask 2, returned before event 23`, or
    /// without the subtask where the answer names it.
    pub fn text(self, answer: &str) -> String {
        let named = Arrival {
            subtask: self.subtask.filter(|_| !answer.contains("subtask ")),
            ..self
        };
        format!(" → {}", named.words())
    }

    /// For people: `subtask 2, returned before event 23`.
    pub fn words(self) -> String {
        let what = self.subtask.map(|subtask| format!("subtask {subtask}"));
        let how = match self.told {
            None => "its end was never told".to_owned(),
            Some(told) => {
                let at = if told.in_call { "in" } else { "before" };
                format!("{} {at} event {}", told.resolution.text(), told.event)
            }
        };
        let parts: Vec<String> = what.into_iter().chain([how]).collect();
        parts.join(", ")
    }
}

impl Arrivals {
    /// Goes through a recording, to its end or where it is damaged. `go_on` is asked now and then;
    /// `None` if it ends that.
    pub fn of_while(trace: &Trace, go_on: impl Fn() -> bool) -> Option<Arrivals> {
        let component = trace.component();
        if !component.crossings().iter().any(may_begin) {
            return Some(Arrivals::default());
        }
        let mut pass = Pass {
            component,
            begun: HashMap::new(),
            calls: Vec::new(),
            made: HashMap::new(),
            found: BTreeMap::new(),
        };
        let mut cursor = trace.events();
        for read in 0_u64.. {
            if read.is_multiple_of(STRIDE) && !go_on() {
                return None;
            }
            let event = cursor.event();
            match cursor.next() {
                Ok(Some(next)) => pass.take(event, next),
                Ok(None) | Err(_) => break,
            }
        }
        Some(Arrivals(pass.found))
    }

    /// What became of a hostcall, by its number, if it was not done when it returned.
    pub fn of(&self, event: u64) -> Option<Arrival> {
        self.0.get(&event).copied()
    }
}

/// Whether a call of it may come to its end later.
fn may_begin(crossing: &Crossing) -> bool {
    match &crossing.kind {
        CrossingKind::Lower => crossing.is_async,
        CrossingKind::Builtin(Builtin::Stream(transmit, _) | Builtin::Future(transmit, _)) => {
            matches!(transmit, Transmit::Read | Transmit::Write)
        }
        _ => false,
    }
}

/// A call that has not returned.
struct Open {
    instance: Instance,
    crossing: CrossingId,
    event: u64,
    /// Which of its instance's calls out it is.
    number: u32,
    /// Its first two arguments.
    words: (u64, u64),
    /// What was written to where an event is told.
    told: Option<(u32, u32)>,
}

struct Pass<'a> {
    component: &'a Component,
    /// What goes on, by the index of its waitable: the hostcall that began it.
    begun: HashMap<(Instance, u32), u64>,
    calls: Vec<Open>,
    /// How many calls out each instance has made.
    made: HashMap<Instance, u32>,
    found: BTreeMap<u64, Arrival>,
}

impl Pass<'_> {
    fn take(&mut self, event: u64, of: Event) {
        let Event {
            instance,
            crossing: id,
            kind,
        } = of;
        let component = self.component;
        let Some(crossing) = component.crossing(id) else {
            return;
        };
        match kind {
            EventKind::Call(args) => {
                let word = |index| number(args.get(index)).unwrap_or(0);
                let made = self.made.entry(instance).or_insert(0);
                *made = made.wrapping_add(1);
                self.calls.push(Open {
                    number: *made,
                    instance,
                    crossing: id,
                    event,
                    words: (word(0), word(1)),
                    told: None,
                });
            }
            EventKind::Write { address, bytes } => {
                if let Some(open) = self.calls.last_mut()
                    && open.instance == instance
                    && open.words.1 == address
                    && waits(component, open.crossing)
                {
                    open.told = two_words(&bytes);
                }
            }
            EventKind::Resume(after) => {
                let made = self.made.get(&instance).copied().unwrap_or_default();
                let goes_on = (instance, id, made.wrapping_sub(after));
                let is_it = |open: &Open| (open.instance, open.crossing, open.number) == goes_on;
                if let Some(at) = self.calls.iter().rposition(is_it) {
                    let resumed = self.calls.remove(at);
                    self.calls.push(resumed);
                }
            }
            EventKind::Return(results) => {
                let is_it = |open: &Open| open.instance == instance && open.crossing == id;
                let Some(at) = self.calls.iter().rposition(is_it) else {
                    return;
                };
                let open = self.calls.remove(at);
                let answer = number(results.first()).map(|answer| answer as u32);
                if let Some(answer) = answer {
                    self.returned(crossing, &open, answer);
                }
            }
            EventKind::Enter(args) if crossing.kind == CrossingKind::Callback => {
                let word = |index| number(args.get(index)).map(|word| word as u32);
                if let (Some(code), Some(waitable), Some(payload)) = (word(0), word(1), word(2)) {
                    self.told(instance, code, (waitable, payload), (event, false));
                }
            }
            _ => {}
        }
    }

    fn returned(&mut self, crossing: &Crossing, open: &Open, answer: u32) {
        let handle = open.words.0 as u32;
        match &crossing.kind {
            CrossingKind::Lower if crossing.is_async => {
                if let LoweredAnswer::Pending { subtask, .. } = LoweredAnswer::of(answer)
                    && subtask != 0
                {
                    self.begin(open, subtask, Some(subtask));
                }
            }
            CrossingKind::Builtin(builtin) => match builtin {
                Builtin::Stream(Transmit::Read | Transmit::Write, _)
                | Builtin::Future(Transmit::Read | Transmit::Write, _)
                    if CopyAnswer::of(answer) == CopyAnswer::Blocked =>
                {
                    self.begin(open, handle, None);
                }
                Builtin::Stream(Transmit::CancelRead | Transmit::CancelWrite, _)
                | Builtin::Future(Transmit::CancelRead | Transmit::CancelWrite, _)
                    if CopyAnswer::of(answer) != CopyAnswer::Blocked =>
                {
                    let resolution = Resolution::Copy(CopyAnswer::of(answer));
                    self.ended(open.instance, handle, resolution, (open.event, true));
                }
                Builtin::SubtaskCancel => {
                    if let Some(state) = SubtaskState::of(answer).filter(|s| s.is_resolved()) {
                        let resolution = Resolution::Call(state);
                        self.ended(open.instance, handle, resolution, (open.event, true));
                    }
                }
                Builtin::WaitableSetWait | Builtin::WaitableSetPoll => {
                    if let Some(told) = open.told {
                        self.told(open.instance, answer, told, (open.event, true));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn begin(&mut self, open: &Open, waitable: u32, subtask: Option<u32>) {
        if self.found.len() < MOST {
            self.begun.insert((open.instance, waitable), open.event);
            let told = None;
            self.found.insert(open.event, Arrival { subtask, told });
        }
    }

    /// The program is told of something.
    fn told(&mut self, of: Instance, code: u32, told: (u32, u32), at: (u64, bool)) {
        let (waitable, payload) = told;
        match EventCode::of(code) {
            Some(EventCode::Subtask) => {
                if let Some(state) = SubtaskState::of(payload).filter(|s| s.is_resolved()) {
                    self.ended(of, waitable, Resolution::Call(state), at);
                }
            }
            Some(
                EventCode::StreamRead
                | EventCode::StreamWrite
                | EventCode::FutureRead
                | EventCode::FutureWrite,
            ) => self.ended(of, waitable, Resolution::Copy(CopyAnswer::of(payload)), at),
            _ => {}
        }
    }

    fn ended(&mut self, of: Instance, waitable: u32, resolution: Resolution, at: (u64, bool)) {
        let (event, in_call) = at;
        if let Some(begun) = self.begun.remove(&(of, waitable))
            && let Some(arrival) = self.found.get_mut(&begun)
        {
            arrival.told = Some(Told {
                event,
                in_call,
                resolution,
            });
        }
    }
}

/// Whether a built-in tells of events by memory.
fn waits(component: &Component, crossing: CrossingId) -> bool {
    let kind = component.crossing(crossing).map(|crossing| &crossing.kind);
    matches!(
        kind,
        Some(CrossingKind::Builtin(
            Builtin::WaitableSetWait | Builtin::WaitableSetPoll
        ))
    )
}
