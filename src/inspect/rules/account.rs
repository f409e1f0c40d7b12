//! What the events of a recording tell of how it stood at its end, and of one handle in it.

use crate::component::builtin::Builtin;
use crate::component::status::{CopyAnswer, EventCode, LoweredAnswer, SubtaskState, unpack};
use crate::component::types::CoreValue;
use crate::component::{Component, Crossing, CrossingId, CrossingKind, Direction, Instance};
use crate::trace::{Event, EventKind, Trace};
use std::collections::{HashMap, VecDeque};

/// Events between two looks at whether to go on.
const STRIDE: u64 = 1 << 12;

/// What a task answers that waits for the set above this code: "canon lift".
const WAIT: u32 = 2;

/// What is told of what was done with a handle: the last of it.
const MOST_DONE: usize = 4;

/// A call that has not returned.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) instance: Instance,
    pub(super) crossing: CrossingId,
    /// Its number, if it goes out; of one that comes in, that of the next call out.
    pub(super) event: u64,
    pub(super) args: Vec<CoreValue>,
    /// How many calls out its instance had made by then, this one included.
    count: u32,
}

/// How a recording stood at its end.
#[derive(Debug, Default)]
pub(super) struct End {
    /// The calls that had not returned, the outermost first.
    pub(super) open: Vec<Open>,
    /// What returned to the far side last, with what it answered, if nothing came after it.
    pub(super) left: Option<(Open, Vec<CoreValue>)>,
}

/// A number that a built-in takes or answers.
pub(super) fn word(values: &[CoreValue], index: usize) -> Option<u64> {
    match values.get(index)? {
        CoreValue::I32(word) => Some(u64::from(word.cast_unsigned())),
        CoreValue::I64(word) => Some(word.cast_unsigned()),
        _ => None,
    }
}

/// Calls `see` with each event and the number of the call out that it is of, or that comes next,
/// and with the calls that are open before it. `None` if it was ended, or the recording is damaged.
pub(super) fn each(
    trace: &Trace,
    go_on: &dyn Fn() -> bool,
    mut see: impl FnMut(&Component, &Event, &Crossing, u64, &[Open]),
) -> Option<Vec<Open>> {
    let component = trace.component().clone();
    let mut open: Vec<Open> = Vec::new();
    let mut made: HashMap<Instance, u32> = HashMap::new();
    let mut cursor = trace.events();
    for read in 0_u64.. {
        if read.is_multiple_of(STRIDE) && !go_on() {
            return None;
        }
        let number = cursor.event();
        let Some(event) = cursor.next().ok()? else {
            break;
        };
        let crossing = component.crossing(event.crossing)?;
        let is_it =
            |open: &Open| open.instance == event.instance && open.crossing == event.crossing;
        let number = match event.kind {
            EventKind::Return(_) | EventKind::Leave(_) => {
                let of = open.iter().rfind(|open| is_it(open));
                of.map_or(number, |of| of.event)
            }
            _ => number,
        };
        if let EventKind::Call(_) = event.kind {
            let made: &mut u32 = made.entry(event.instance).or_default();
            *made = made.wrapping_add(1);
        }
        see(&component, &event, crossing, number, &open);
        match event.kind {
            EventKind::Call(args) | EventKind::Enter(args) => open.push(Open {
                count: made.get(&event.instance).copied().unwrap_or_default(),
                instance: event.instance,
                crossing: event.crossing,
                event: number,
                args,
            }),
            EventKind::Return(_) | EventKind::Leave(_) => {
                if let Some(at) = open.iter().rposition(is_it) {
                    open.remove(at);
                }
            }
            EventKind::Resume(after) => {
                // The call that goes on is innermost by then.
                let made = made.get(&event.instance).copied().unwrap_or_default();
                let goes_on = made.wrapping_sub(after);
                if let Some(at) = open.iter().rposition(|o| is_it(o) && o.count == goes_on) {
                    let resumed = open.remove(at);
                    open.push(resumed);
                }
            }
            EventKind::Write { .. } | EventKind::Hash(_) => {}
        }
    }
    Some(open)
}

impl End {
    pub(super) fn of(trace: &Trace, go_on: &dyn Fn() -> bool) -> Option<End> {
        let mut left = None;
        let open = each(trace, go_on, |_, event, _, _, open| match &event.kind {
            EventKind::Leave(results) => {
                let of = open.iter().rfind(|open| {
                    open.instance == event.instance && open.crossing == event.crossing
                });
                left = of.map(|of| (of.clone(), results.clone()));
            }
            EventKind::Hash(_) => {}
            _ => left = None,
        })?;
        Some(End { open, left })
    }

    /// The innermost call that goes this way.
    pub(super) fn innermost(&self, component: &Component, way: Direction) -> Option<&Open> {
        self.open.iter().rfind(|open| {
            let crossing = component.crossing(open.crossing);
            crossing.is_some_and(|crossing| crossing.direction() == way)
        })
    }
}

/// What was done with a handle from when it came to be: each with its words, the last ones.
#[derive(Debug, Default)]
pub(super) struct Done {
    last: VecDeque<String>,
}

/// How a copy ended: `completed(12)`; of a future nothing is counted.
fn ended(copy: CopyAnswer) -> String {
    match copy {
        CopyAnswer::Ended { count, .. } if count > 0 => format!("{}({count})", copy.name()),
        copy => copy.name().to_owned(),
    }
}

impl Done {
    /// Of the handle of an instance that came at a call out, or with a call in before the next one;
    /// before the one that the run ended in; and whether it is that of a waitable-set.
    pub(super) fn with(
        trace: &Trace,
        handle: (Instance, u32),
        (since, until, is_set): (u64, u64, bool),
        go_on: &dyn Fn() -> bool,
    ) -> Option<Done> {
        let (instance, index) = handle;
        let mut done = Done::default();
        let mut told: Option<(u32, u32)> = None;
        each(trace, go_on, |_, event, crossing, number, open| {
            if event.instance != instance || number < since {
                return;
            }
            let builtin = crossing.builtin();
            let waits = matches!(
                builtin,
                Some(Builtin::WaitableSetWait | Builtin::WaitableSetPoll)
            );
            match &event.kind {
                EventKind::Call(args) => {
                    told = None;
                    if let Some(Builtin::WaitableJoin) = builtin
                        && number < until
                        && word(args, 0) == Some(index.into())
                    {
                        done.add(match word(args, 1) {
                            Some(0) | None => format!("taken out of its set (event {number})"),
                            Some(set) => format!("put into waitable-set {set} (event {number})"),
                        });
                    }
                }
                EventKind::Write { bytes, .. } if waits => {
                    let pair = bytes.first_chunk::<8>().map(|pair| {
                        let [a, b, c, d, e, f, g, h] = *pair;
                        (
                            u32::from_le_bytes([a, b, c, d]),
                            u32::from_le_bytes([e, f, g, h]),
                        )
                    });
                    told = pair.or(told);
                }
                EventKind::Return(results) => {
                    let answer = word(results, 0).map(|answer| answer as u32);
                    if waits {
                        if let (Some(code), Some((waitable, payload))) = (answer, told.take())
                            && waitable == index
                        {
                            done.told(code, payload, &format!("in event {number}"));
                        }
                        return;
                    }
                    let args = open.iter().rfind(|open| {
                        open.instance == event.instance && open.crossing == event.crossing
                    });
                    let of = args.and_then(|open| word(&open.args, 0));
                    done.answered(crossing, of == Some(index.into()), index, (number, answer));
                }
                EventKind::Leave(results)
                    if is_set
                        && matches!(crossing.kind, CrossingKind::Lift | CrossingKind::Callback) =>
                {
                    let answer = word(results, 0).map(|answer| unpack(answer as u32));
                    if crossing.is_async && answer == Some((WAIT, index)) {
                        done.add(format!("{} waits for it (event {number})", crossing.name));
                    }
                }
                EventKind::Enter(args) if crossing.kind == CrossingKind::Callback => {
                    let word = |index| word(args, index).map(|word| word as u32);
                    if let (Some(code), Some(waitable), Some(payload)) = (word(0), word(1), word(2))
                        && waitable == index
                        && code != EventCode::None.code()
                    {
                        done.told(code, payload, &format!("before event {number}"));
                    }
                }
                _ => {}
            }
        })?;
        Some(done)
    }

    fn add(&mut self, words: String) {
        if self.last.len() == MOST_DONE {
            self.last.pop_front();
        }
        self.last.push_back(words);
    }

    /// A call out returned. `takes` says whether its first argument is the handle.
    fn answered(
        &mut self,
        crossing: &Crossing,
        takes: bool,
        index: u32,
        answer: (u64, Option<u32>),
    ) {
        let (event, answer) = answer;
        let name = &crossing.name;
        match (&crossing.kind, answer) {
            (CrossingKind::Builtin(Builtin::Stream(..) | Builtin::Future(..)), Some(answer))
                if takes =>
            {
                let how = match CopyAnswer::of(answer) {
                    CopyAnswer::Blocked => "goes on".to_owned(),
                    copy @ CopyAnswer::Ended { .. } => ended(copy),
                };
                self.add(format!("{name} → {how} (event {event})"));
            }
            (CrossingKind::Builtin(Builtin::SubtaskCancel), Some(answer)) if takes => {
                let how = SubtaskState::of(answer).map_or("goes on", SubtaskState::name);
                self.add(format!("{name} → {how} (event {event})"));
            }
            (CrossingKind::Lower, Some(answer)) if crossing.is_async => {
                if let LoweredAnswer::Pending { subtask, state } = LoweredAnswer::of(answer)
                    && subtask == index
                {
                    let state = state.map_or("unknown", SubtaskState::name);
                    self.add(format!("{name} → {state} (event {event})"));
                }
            }
            _ => {}
        }
    }

    /// The guest was told of it.
    fn told(&mut self, code: u32, payload: u32, at: &str) {
        let how = match EventCode::of(code) {
            Some(EventCode::Subtask) => {
                let state = SubtaskState::of(payload);
                state.map_or("unknown", SubtaskState::name).to_owned()
            }
            _ => ended(CopyAnswer::of(payload)),
        };
        self.add(format!("told: {how} ({at})"));
    }

    /// In the order of time; empty if there was nothing.
    pub(super) fn in_words(&self) -> String {
        let words: Vec<&str> = self.last.iter().map(String::as_str).collect();
        words.join(", ")
    }
}
