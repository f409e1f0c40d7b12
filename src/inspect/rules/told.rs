//! Broken rules in words.

use super::Rule;
use super::account::{End, Open, each, word};
use crate::component::builtin::Builtin;
use crate::component::status::{CODE_MASK, unpack};
use crate::component::types::CoreValue;
use crate::component::{
    Answerer, Component, Crossing, CrossingId, CrossingKind, Direction, Instance,
};
use crate::inspect::handles::history::TableList;
use crate::trace::{EventKind, Trace};
use std::fmt::Write as _;

/// What Wasmtime says of an end of a stream or future that cannot be passed on.
const PASSED: &str = "cannot lift";

/// What is needed to tell.
pub(super) struct Telling<'a> {
    pub(super) trace: &'a Trace,
    pub(super) tables: &'a TableList,
    pub(super) end: &'a End,
    pub(super) go_on: &'a dyn Fn() -> bool,
}

impl<'a> Telling<'a> {
    pub(super) fn new(
        trace: &'a Trace,
        tables: &'a TableList,
        end: &'a End,
        go_on: &'a dyn Fn() -> bool,
    ) -> Telling<'a> {
        Telling {
            trace,
            tables,
            end,
            go_on,
        }
    }

    pub(super) fn in_words(&self, rule: Rule, message: &str) -> Option<String> {
        match rule {
            Rule::Enter => self.entering(),
            Rule::Leave => self.leaving(),
            Rule::BlockSync => self.blocking(),
            Rule::NoResult => self.without_result(),
            Rule::ResultTwice => self.second_result(),
            Rule::ResultInvalid => self.other_result(),
            Rule::CancelUnasked => self.unasked(),
            Rule::Backpressure => self.backpressure(),
            Rule::CallbackCode => self.callback_code(),
            Rule::TooMany => self.too_many(),
            Rule::Value => self.value(message),
            Rule::Children => self.children(),
            Rule::Index => self.index(message),
            Rule::StillBorrowed => self.still_borrowed(),
            Rule::ThreadState => self.thread(
                "a thread can be resumed only while it is suspended, or promoted while it waits for \
                 its turn",
            ),
            Rule::CancelOver => self
                .about_handle("a call that is over cannot be cancelled: its end was told already"),
            Rule::DropRunning => self.about_handle(
                "a subtask cannot be dropped before its call has returned, or has been cancelled, \
                 and that was told",
            ),
            Rule::DropAwaited => {
                self.about_handle("a waitable-set cannot be dropped while a task waits for it")
            }
            Rule::Busy => self.about_handle(
                "an end of a stream or future does one read or write at a time, and one goes on",
            ),
            Rule::InSet if message.contains(PASSED) => self.passed(
                "an end that is in a waitable-set cannot be passed on: `waitable.join` with 0 takes \
                 it out",
                message,
            ),
            Rule::InSet => self.in_set(),
            Rule::Done if message.contains(PASSED) => self.passed(
                "an end that was told that the other one is gone cannot be passed on, nor one of a \
                 future that has been read",
                message,
            ),
            Rule::Done => self.about_handle(
                "nothing more can be done with an end that was told that the other one is gone, or \
                 with one of a future that has been read or written",
            ),
            Rule::DropBusy => self.busy_end(message),
            Rule::NothingToCancel => {
                self.about_handle("no read or write goes on that could be cancelled")
            }
            Rule::OtherEnd => self.about_handle("the other end is wanted"),
            Rule::BothEnds => self.about_handle(
                "both ends are in one component instance, where Wasmtime copies nothing but numbers",
            ),
            Rule::Unwritten => self.about_handle(
                "the writable end of a future cannot be dropped before a value was written, or its \
                 reader is gone",
            ),
        }
    }

    pub(super) fn component(&self) -> &'a Component {
        self.trace.component()
    }

    pub(super) fn crossing(&self, id: CrossingId) -> Option<&'a Crossing> {
        self.component().crossing(id)
    }

    /// What a function is called; one that nobody exports has no name.
    pub(super) fn name(&self, id: CrossingId) -> &'a str {
        match self.crossing(id).map_or("", |crossing| &crossing.name) {
            "" => "a function",
            name => name,
        }
    }

    /// The call out that the run ended in.
    pub(super) fn last_out(&self) -> Option<(&'a Open, &'a Crossing)> {
        let open = self.end.innermost(self.component(), Direction::Outgoing)?;
        Some((open, self.crossing(open.crossing)?))
    }

    /// The exported function in whose task the run ended, or that has just answered.
    pub(super) fn task(&self) -> Option<(Instance, &'a Crossing)> {
        let is_of_task = |open: &&Open| {
            let kind = self.crossing(open.crossing).map(|crossing| &crossing.kind);
            matches!(kind, Some(CrossingKind::Lift | CrossingKind::Callback))
        };
        let left = self.end.left.as_ref().map(|(open, _)| open);
        let left = left.filter(is_of_task);
        let open = left.or_else(|| self.end.open.iter().rfind(is_of_task))?;
        let crossing = self.crossing(open.crossing)?;
        match crossing.kind {
            CrossingKind::Lift => Some((open.instance, crossing)),
            // Crossings are numbered with the callback of a lift right before it.
            _ => {
                let lift = self.crossing(CrossingId(crossing.id.0.checked_add(1)?))?;
                Some((open.instance, lift))
            }
        }
    }

    pub(super) fn task_named(&self) -> String {
        match self.task() {
            Some((instance, lift)) => {
                format!("the task of {}{}", self.name(lift.id), self.of(instance))
            }
            None => "the task".to_owned(),
        }
    }

    /// To stand behind a name, where there are several instances.
    pub(super) fn of(&self, instance: Instance) -> String {
        match self.component().instances() {
            0 | 1 => String::new(),
            _ => format!(" of instance {}", instance.0),
        }
    }

    fn entering(&self) -> Option<String> {
        let Some((open, crossing)) = self.last_out() else {
            return Some(
                "the host called an instance that may not be entered: another call is in it, or one \
                 has trapped"
                    .to_owned(),
            );
        };
        let mut told = format!(
            "{}{} (event {}) ",
            crossing.name,
            self.of(open.instance),
            open.event
        );
        let Answerer::Component(callee, lifted) =
            self.component().answerer(open.instance, crossing)
        else {
            told.push_str(match crossing.builtin() {
                Some(Builtin::ResourceDrop(_)) => {
                    "would have called the destructor of an instance that may not be entered"
                }
                _ => "came back to an instance that may not be entered",
            });
            return Some(told);
        };
        _ = write!(
            told,
            "is answered by {} of instance {}, which may not be entered: ",
            self.name(lifted),
            callee.0
        );
        let within = |open: &&Open| {
            let crossing = self.crossing(open.crossing);
            open.instance == callee
                && crossing.is_some_and(|crossing| crossing.direction() == Direction::Incoming)
        };
        let component = self.component();
        if callee == open.instance {
            told.push_str("it is the caller itself, and no component may call itself");
        } else if component.is_part(open.instance, callee) {
            told.push_str("the caller is part of it, and no component may call what it is part of");
        } else if component.is_part(callee, open.instance) {
            told.push_str("it is part of the caller, and no component may call its own parts");
        } else if let Some(entered) = self.end.open.iter().rfind(within) {
            _ = write!(
                told,
                "it is still in its call of {}, out of which this call came",
                self.name(entered.crossing)
            );
        } else {
            told.push_str("why, the recording does not tell");
        }
        Some(told)
    }

    fn leaving(&self) -> Option<String> {
        let (open, crossing) = self.last_out()?;
        let entered = self.end.innermost(self.component(), Direction::Incoming);
        let within = match entered.and_then(|entered| self.crossing(entered.crossing)) {
            Some(within) => format!("in {}", self.name(within.id)),
            None => "while it was instantiated".to_owned(),
        };
        Some(format!(
            "{}{} (event {}) was called {within}: `realloc`, `post-return` and what else runs in the \
             middle of a call that passes values may not call out",
            crossing.name,
            self.of(open.instance),
            open.event
        ))
    }

    fn blocking(&self) -> Option<String> {
        let (open, crossing) = self.last_out()?;
        let who = match self.task() {
            Some((instance, lift)) => format!(
                "{}{} is not `async`, so its task",
                self.name(lift.id),
                self.of(instance)
            ),
            None => "what runs while an instance is made".to_owned(),
        };
        Some(format!(
            "{who} may not block before it has returned; {} (event {}) would have{}",
            crossing.name,
            open.event,
            self.behind(open)
        ))
    }

    fn without_result(&self) -> Option<String> {
        let mut told = format!("{} ended without `task.return`", self.task_named());
        match self.task().and_then(|task| self.results_of(task)) {
            Some(events) if !events.is_empty() => {
                let last = events.last().copied().unwrap_or_default();
                _ = write!(
                    told,
                    "; the last one for that function was at event {last}, of another task"
                );
            }
            _ => {}
        }
        Some(told)
    }

    /// The calls of `task.return` and `task.cancel` in an instance since its function was entered
    /// last.
    fn results_of(&self, task: (Instance, &Crossing)) -> Option<Vec<u64>> {
        let (instance, lift) = task;
        let mut events = Vec::new();
        each(self.trace, self.go_on, |_, event, crossing, number, _| {
            if event.instance != instance {
                return;
            }
            match (&event.kind, crossing.builtin()) {
                (EventKind::Enter(_), _) if event.crossing == lift.id => events.clear(),
                (EventKind::Call(_), Some(Builtin::TaskReturn(_) | Builtin::TaskCancel)) => {
                    events.push(number);
                }
                _ => {}
            }
        })?;
        Some(events)
    }

    fn second_result(&self) -> Option<String> {
        let (open, crossing) = self.last_out()?;
        let mut told = format!(
            "{} has ended already: {} (event {}) came after ",
            self.task_named(),
            crossing.name,
            open.event
        );
        let before = self.task().and_then(|task| self.results_of(task));
        let before = before.iter().flatten().rfind(|event| **event < open.event);
        _ = match before {
            Some(event) => write!(told, "the first one, at event {event}"),
            None => write!(told, "another one"),
        };
        Some(told)
    }

    fn other_result(&self) -> Option<String> {
        let (open, crossing) = self.last_out()?;
        let ty = self.task().and_then(|(_, lift)| lift.function.clone());
        let ty = ty.map_or_else(String::new, |ty| format!(", which is {ty}"));
        Some(format!(
            "{} (event {}) was called in {}{ty}: type, memory and string encoding must be those of \
             the function",
            crossing.name,
            open.event,
            self.task_named()
        ))
    }

    fn unasked(&self) -> Option<String> {
        let (open, _) = self.last_out()?;
        Some(format!(
            "task.cancel (event {}) was called in {}, which nobody has asked to end: its caller has \
             not cancelled it, or it was not told yet",
            open.event,
            self.task_named()
        ))
    }

    fn backpressure(&self) -> Option<String> {
        let (open, crossing) = self.last_out()?;
        let (mut more, mut less) = (0_u64, 0_u64);
        each(self.trace, self.go_on, |_, event, crossing, _, _| {
            if event.instance == open.instance && matches!(event.kind, EventKind::Call(_)) {
                match crossing.builtin() {
                    Some(Builtin::BackpressureInc) => more += 1,
                    Some(Builtin::BackpressureDec) => less += 1,
                    _ => {}
                }
            }
        })?;
        Some(format!(
            "{} (event {}): calls of `backpressure.inc` by then: {more}, of `backpressure.dec`: {less}, \
             this one counted; the difference must be from 0 to 65535",
            crossing.name, open.event
        ))
    }

    fn callback_code(&self) -> Option<String> {
        let (left, results) = self.end.left.as_ref()?;
        let answer = word(results, 0)? as u32;
        let (code, set) = unpack(answer);
        Some(format!(
            "{}{} answered {answer:#x}, whose lowest four bits ({code} of {CODE_MASK}) are no code: \
             0 ends the task, 1 yields, 2 waits for the waitable-set above them ({set})",
            self.name(left.crossing),
            self.of(left.instance)
        ))
    }

    fn too_many(&self) -> Option<String> {
        let (open, crossing) = self.last_out()?;
        let count = word(&open.args, 2)?;
        Some(format!(
            "{} (event {}) was given {count} elements, and takes fewer than 2^28 ({})",
            crossing.name,
            open.event,
            1 << 28
        ))
    }

    fn value(&self, message: &str) -> Option<String> {
        let line = message.lines().next().unwrap_or_default();
        let line = line.trim_start_matches("wasm trap: ");
        if let Some((left, results)) = &self.end.left {
            let ty = self.type_of(left.crossing);
            return Some(format!(
                "what {}{} answered is no value of its type{ty}: {line}; it answered {}",
                self.name(left.crossing),
                self.of(left.instance),
                numbers(results)
            ));
        }
        let open = self.end.open.last()?;
        let crossing = self.crossing(open.crossing)?;
        let ty = self.type_of(open.crossing);
        let what = match crossing.direction() {
            Direction::Outgoing => "was given",
            Direction::Incoming => "was called with",
        };
        Some(format!(
            "what {}{} (event {}) {what} is no value of its type{ty}: {line}; it was given {}",
            crossing.name,
            self.of(open.instance),
            open.event,
            numbers(&open.args)
        ))
    }

    fn type_of(&self, id: CrossingId) -> String {
        let ty = self
            .crossing(id)
            .and_then(|crossing| crossing.function.clone());
        ty.map_or_else(String::new, |ty| format!(" ({ty})"))
    }
}

/// Core values, one behind the other.
fn numbers(values: &[CoreValue]) -> String {
    let each = values.iter().map(|value| match value {
        CoreValue::I32(value) => format!("{:#x}", value.cast_unsigned()),
        CoreValue::I64(value) => format!("{:#x}", value.cast_unsigned()),
        CoreValue::F32(bits) => f32::from_bits(*bits).to_string(),
        CoreValue::F64(bits) => f64::from_bits(*bits).to_string(),
        other => format!("{other:?}"),
    });
    match each.collect::<Vec<_>>().as_slice() {
        [] => "nothing".to_owned(),
        values => values.join(", "),
    }
}
