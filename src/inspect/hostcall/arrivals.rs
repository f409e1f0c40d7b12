//! What became of hostcalls that were not done when they returned: where the program was told
//! of it. One pass over the recording, without a replay.

use super::builtin_call::number;
use super::delivery::two_words;
use super::late_results::Results;
use super::resolution::Resolution;
use crate::component::status::{CopyAnswer, LoweredAnswer};
use crate::component::{Builtin, Component, Crossing, CrossingId, CrossingKind, Transmit};
use crate::trace::{Entered, Event, EventKind, Instance, Trace};
use std::collections::{BTreeMap, HashMap};

/// So many are remembered: of a recording with more, the others show nothing.
const MOST: usize = 1 << 20;
/// Between two looks whether anybody still wants to know, so many events are read.
const STRIDE: u64 = 1 << 14;

/// What was begun by hostcalls and came to its end later.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    /// By the hostcall that began it.
    begun: BTreeMap<u64, Arrival>,
    /// The hostcalls that began what is told of in a hostcall or before it, in that order.
    told: BTreeMap<u64, Vec<u64>>,
}

/// What became of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The subtask that the call became; `None` for a read or a write of a stream or future.
    pub subtask: Option<u32>,
    /// Whether the result that came is an error.
    pub failed: bool,
    /// How the program was told of its end; `None` if it never was.
    pub told: Option<Told>,
}

/// How a program was told of the end of what it had begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The hostcall that told; of a callback, the first one that was made after it was entered.
    pub event: u64,
    /// The call of the callback that was told; `None` if the hostcall itself told, by what it
    /// answered.
    pub callback: Option<Entered>,
    /// How it ended.
    pub resolution: Resolution,
}

impl Told {
    /// Whether the hostcall itself told.
    pub fn in_call(self) -> bool {
        self.callback.is_none()
    }
}

impl Arrival {
    /// To stand behind the hostcall and its answer: ` → subtask 2, ok(5) returned before event 23`,
    /// or without the subtask where the answer names it. `brought` is what came, as text.
    pub fn text(self, answer: &str, brought: Option<&str>) -> String {
        let named = Arrival {
            subtask: self.subtask.filter(|_| !answer.contains("subtask ")),
            ..self
        };
        format!(" → {}", named.words(brought))
    }

    /// For people: `subtask 2, returned before event 23`, with what came.
    pub fn words(self, brought: Option<&str>) -> String {
        let what = self.subtask.map(|subtask| format!("subtask {subtask}"));
        let how = match self.told {
            None => "its end was never told".to_owned(),
            Some(told) => {
                let at = if told.in_call() { "in" } else { "before" };
                let how = told.resolution.text(brought);
                format!("{how} {at} event {}", told.event)
            }
        };
        let parts: Vec<String> = what.into_iter().chain([how]).collect();
        parts.join(", ")
    }
}

/// What came of a hostcall, for where the program is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// The hostcall that began it.
    pub event: u64,
    /// What was called, without the path.
    pub name: String,
    /// Whether the hostcall by which this is told told of it, and no callback before.
    pub in_call: bool,
    /// How it ended.
    pub resolution: Resolution,
    /// What came, as text.
    pub value: Option<Box<str>>,
}

/// A WIT path without its interface; of a built-in all of it, as it ends in a type.
pub fn without_interface(path: &str) -> &str {
    match path.contains(' ') {
        true => path,
        false => path.rsplit('#').next().unwrap_or(path),
    }
}

impl Brought {
    /// Of a hostcall with this WIT path.
    pub fn new(event: u64, path: &str, told: Told, value: Option<Box<str>>) -> Brought {
        Brought {
            event,
            name: without_interface(path).to_owned(),
            in_call: told.in_call(),
            resolution: told.resolution,
            value,
        }
    }

    /// For people: `event 3, wait-until: ok(5) returned`.
    pub fn words(&self) -> String {
        let how = self.resolution.text(self.value.as_deref());
        format!("event {}, {}: {how}", self.event, self.name)
    }

    /// To stand behind the hostcall that told of it: ` ← event 3, wait-until: ok(5) returned`; in
    /// parentheses if a callback did, before it.
    pub fn text(&self) -> String {
        match self.in_call {
            true => format!(" ← {}", self.words()),
            false => format!(" (before it ← {})", self.words()),
        }
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
            told: BTreeMap::new(),
            results: Results::default(),
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
        Some(Arrivals {
            begun: pass.found,
            told: pass.told,
        })
    }

    /// The hostcalls whose result came later and is an error, in order.
    pub fn failed(&self) -> impl Iterator<Item = u64> {
        let failed = self.begun.iter().filter(|(_, arrival)| arrival.failed);
        failed.map(|(event, _)| *event)
    }

    /// What became of a hostcall, by its number, if it was not done when it returned.
    pub fn of(&self, event: u64) -> Option<Arrival> {
        self.begun.get(&event).copied()
    }

    /// Whether there is nothing of the sort in the recording.
    pub fn is_empty(&self) -> bool {
        self.begun.is_empty()
    }

    /// What is told of in a hostcall, or by callbacks that are entered between it and the one
    /// before: the hostcalls that began it, and how it ended.
    pub fn told_at(&self, event: u64) -> impl DoubleEndedIterator<Item = (u64, Told)> {
        let begun = self.told.get(&event).into_iter().flatten();
        begun.filter_map(|begun| Some((*begun, self.of(*begun)?.told?)))
    }

    /// The last of what is told of before a hostcall is made, and before callbacks that are
    /// entered between it and the one before.
    pub fn told_before(&self, event: u64) -> Option<(u64, Told)> {
        let before = self.told.range(..event);
        before
            .rev()
            .find_map(|(event, _)| self.told_at(*event).next_back())
    }

    /// The first hostcall from one on that is not done when it returns.
    pub fn begun_from(&self, event: u64) -> Option<(u64, Arrival)> {
        let next = self.begun.range(event..).next();
        next.map(|(event, arrival)| (*event, *arrival))
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
    told: BTreeMap<u64, Vec<u64>>,
    results: Results,
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
                self.results.begin((instance, event), crossing, &args);
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
                self.results.write((instance, crossing), address, &bytes);
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
                let event = open.event;
                let answer = number(results.first()).map(|answer| answer as u32);
                if let Some(answer) = answer {
                    self.returned(crossing, &open, answer);
                }
                if !self.found.contains_key(&event) {
                    self.results.end(event);
                }
            }
            EventKind::Enter(args) if crossing.kind == CrossingKind::Callback => {
                let word = |index| number(args.get(index)).map(|word| word as u32);
                if let (Some(code), Some(waitable), Some(payload)) = (word(0), word(1), word(2)) {
                    let callback = Entered::new(event, instance, id, &args);
                    let resolution = Resolution::of_event(code, payload);
                    self.ended(instance, waitable, resolution, (event, Some(callback)));
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
                Builtin::WaitableSetWait | Builtin::WaitableSetPoll => {
                    if let Some((waitable, payload)) = open.told {
                        let resolution = Resolution::of_event(answer, payload);
                        self.ended(open.instance, waitable, resolution, (open.event, None));
                    }
                }
                builtin => {
                    let resolution = Resolution::of_cancelling(builtin, answer);
                    self.ended(open.instance, handle, resolution, (open.event, None));
                }
            },
            _ => {}
        }
    }

    fn begin(&mut self, open: &Open, waitable: u32, subtask: Option<u32>) {
        if self.found.len() < MOST {
            self.begun.insert((open.instance, waitable), open.event);
            let arrival = Arrival {
                subtask,
                failed: false,
                told: None,
            };
            self.found.insert(open.event, arrival);
        }
    }

    /// The program is told of something, which is the end of it if there is a resolution.
    fn ended(
        &mut self,
        of: Instance,
        waitable: u32,
        resolution: Option<Resolution>,
        (event, callback): (u64, Option<Entered>),
    ) {
        if let Some(resolution) = resolution
            && let Some(begun) = self.begun.remove(&(of, waitable))
            && let Some(arrival) = self.found.get_mut(&begun)
        {
            self.told.entry(event).or_default().push(begun);
            let failed = self.results.end(begun);
            arrival.failed = failed && resolution.has_returned();
            arrival.told = Some(Told {
                event,
                callback,
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
