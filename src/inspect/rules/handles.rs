//! Broken rules that are about handles, in words.

use super::account::{Done, Open, each, word};
use super::children;
use super::told::Telling;
use crate::component::builtin::{Builtin, Transmit};
use crate::component::layout::{Pointer, flatten};
use crate::component::status::unpack;
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Crossing, CrossingKind, Instance};
use crate::inspect::handles::table::{End, EntryKind, HandleEntry, HandleTable};
use crate::trace::EventKind;
use std::fmt::Write as _;

/// What a task answers that waits for the set above this code: "canon lift".
const WAIT: u32 = 2;

/// The end of the run, for what is told of a handle up to there.
const END: u64 = u64::MAX;

impl<'a> Telling<'a> {
    fn table(&self, instance: Instance) -> Option<&'a HandleTable> {
        let found = self.tables.iter().find(|(of, _)| *of == instance);
        found.map(|(_, table)| table)
    }

    /// What is at an index, or was last.
    fn entry(&self, instance: Instance, index: u32) -> Option<&'a HandleEntry> {
        let table = self.table(instance)?;
        let past = || table.past(index).map(|past| &past.entry);
        table.get(index).or_else(past)
    }

    /// The handle that a call out was given first, with when it was created.
    fn handle(&self, open: &Open) -> Option<(u32, &'a HandleEntry)> {
        let crossing = self.crossing(open.crossing)?;
        let ty = crossing.function.as_ref().and_then(|f| f.params.first());
        if crossing.kind == CrossingKind::Lower && !ty.is_some_and(|(_, ty)| ty.is_handle()) {
            return None;
        }
        let index = word(&open.args, 0)? as u32;
        Some((index, self.entry(open.instance, index)?))
    }

    /// `stream.read u8 of instance 1 (event 4)`
    fn call_named(&self, open: &Open, crossing: &Crossing) -> String {
        format!(
            "{}{} (event {})",
            crossing.name,
            self.of(open.instance),
            open.event
        )
    }

    /// What a call out was about to wait for.
    pub(super) fn behind(&self, open: &Open) -> String {
        let is_of_handle = self.crossing(open.crossing).is_some_and(|crossing| {
            matches!(
                crossing.builtin(),
                Some(Builtin::WaitableSetWait | Builtin::Stream(..) | Builtin::Future(..))
                    | Some(Builtin::SubtaskCancel)
            )
        });
        match self.handle(open).filter(|_| is_of_handle) {
            Some((index, entry)) => format!(": it is of handle {index}, {entry:#}"),
            None => String::new(),
        }
    }

    pub(super) fn about_handle(&self, rule: &str) -> Option<String> {
        let (open, crossing) = self.last_out()?;
        let mut told = format!("{}: {rule}", self.call_named(open, crossing));
        if let Some((index, entry)) = self.handle(open) {
            _ = write!(told, "; handle {index} is {entry:#}");
            told.push_str(&self.done(open.instance, (index, entry), open.event)?);
        }
        Some(told)
    }

    /// What was done with a handle before a call out: to stand behind what it is.
    fn done(
        &self,
        instance: Instance,
        (index, entry): (u32, &HandleEntry),
        until: u64,
    ) -> Option<String> {
        let is_set = entry.kind == EntryKind::WaitableSet;
        let came = (entry.created.event, until, is_set);
        let done = Done::with(self.trace, (instance, index), came, self.go_on)?.in_words();
        let waiting = self.waiting_with(instance, index, until);
        let waiting = waiting.map(|(open, crossing)| {
            format!("{} (event {}) has not returned", crossing.name, open.event)
        });
        let done = Some(done).filter(|done| !done.is_empty());
        let parts: Vec<String> = done.into_iter().chain(waiting).collect();
        Some(match parts.as_slice() {
            [] => String::new(),
            parts => format!("; then: {}", parts.join(", ")),
        })
    }

    /// The call of a built-in with this handle that has not returned, made before another one.
    fn waiting_with(
        &self,
        instance: Instance,
        index: u32,
        until: u64,
    ) -> Option<(&'a Open, &'a Crossing)> {
        let mut open = self.end.open.iter().rev();
        open.find_map(|open| {
            let crossing = self.crossing(open.crossing)?;
            let is_of_handle = matches!(
                crossing.builtin(),
                Some(Builtin::Stream(..) | Builtin::Future(..) | Builtin::SubtaskCancel)
            );
            (open.instance == instance
                && open.event < until
                && is_of_handle
                && word(&open.args, 0) == Some(index.into()))
            .then_some((open, crossing))
        })
    }

    /// A waitable that is used through its set and without it at once.
    pub(super) fn in_set(&self) -> Option<String> {
        let (_, crossing) = self.last_out()?;
        if crossing.builtin() != Some(&Builtin::WaitableJoin) {
            return self.about_handle(
                "a waitable that is in a set can be used through that only: `waitable.join` with 0 \
                 takes it out",
            );
        }
        self.about_handle(
            "a waitable cannot be put into a set while a synchronous call waits for it",
        )
    }

    /// An end that is dropped, or passed on, while it reads or writes.
    pub(super) fn busy_end(&self, message: &str) -> Option<String> {
        let drops = self.last_out().is_some_and(|(_, crossing)| {
            matches!(
                crossing.builtin(),
                Some(
                    Builtin::Stream(Transmit::DropReadable | Transmit::DropWritable, _)
                        | Builtin::Future(Transmit::DropReadable | Transmit::DropWritable, _)
                )
            )
        });
        match drops && self.end.left.is_none() {
            true => self.about_handle(
                "an end of a stream or future cannot be dropped while a read or write of it goes on: \
                 it does until its end was told, or it was cancelled",
            ),
            false => self.passed(
                "an end cannot be passed on while a read of it goes on: it does until its end was \
                 told, or it was cancelled",
                message,
            ),
        }
    }

    /// An end of a stream or future that cannot be passed on.
    pub(super) fn passed(&self, rule: &str, message: &str) -> Option<String> {
        let is_future = message.contains("future");
        let (mut told, instance, until, passed) = match &self.end.left {
            Some((left, results)) => {
                let name = self.name(left.crossing);
                let told = format!("what {name}{} answered: {rule}", self.of(left.instance));
                let function = self.crossing(left.crossing)?.function.as_ref();
                let types = function.and_then(|function| function.result.as_ref());
                let passed = handles(types, results);
                (told, left.instance, END, passed)
            }
            None => {
                let (open, crossing) = self.last_out()?;
                let called = self.call_named(open, crossing);
                let told = format!("what {called} was given: {rule}");
                let passed = match (&crossing.function, crossing.builtin()) {
                    (_, Some(Builtin::TaskReturn(ty))) => handles(ty.as_deref(), &open.args),
                    (Some(function), _) => {
                        handles(function.params.iter().map(|(_, ty)| ty), &open.args)
                    }
                    _ => Vec::new(),
                };
                (told, open.instance, open.event, passed)
            }
        };
        for index in passed {
            let Some(entry) = self.entry(instance, index) else {
                continue;
            };
            let is_it = match &entry.kind {
                EntryKind::Future { end, .. } => is_future && *end == End::Readable,
                EntryKind::Stream { end, .. } => !is_future && *end == End::Readable,
                _ => false,
            };
            if is_it {
                _ = write!(told, "; handle {index} is {entry:#}");
                told.push_str(&self.done(instance, (index, entry), until)?);
            }
        }
        Some(told)
    }

    /// What is at an index, in words, and what had been.
    fn what_is_at(&self, instance: Instance, index: u32) -> String {
        let Some(table) = self.table(instance) else {
            return "was never given out".to_owned();
        };
        let past = table.past(index);
        match (table.get(index), past) {
            (Some(entry), None) => format!("is {entry:#}"),
            (Some(entry), Some(past)) => format!("is {entry:#}; before that it was {past:#}"),
            (None, Some(past)) => format!("is gone: it was {past:#}"),
            (None, None) => {
                let given: Vec<String> = table.entries().map(|e| e.index.to_string()).collect();
                match given.as_slice() {
                    [] => "was never given out; there is none".to_owned(),
                    [one] => format!("was never given out; there is {one}"),
                    given => {
                        let given = children::first(given.to_vec());
                        format!("was never given out; there are {}", given.join(", "))
                    }
                }
            }
        }
    }

    /// An index that is no handle, or one of another kind.
    pub(super) fn index(&self, message: &str) -> Option<String> {
        if let Some((left, results)) = &self.end.left {
            let crossing = self.crossing(left.crossing)?;
            let answer = word(results, 0)? as u32;
            let (code, set) = unpack(answer);
            let is_of_task = matches!(crossing.kind, CrossingKind::Lift | CrossingKind::Callback);
            if !(is_of_task && code == WAIT) {
                return None;
            }
            return Some(format!(
                "{}{} answered {answer:#x}, which waits for waitable-set {set}: handle {set} {}",
                self.name(left.crossing),
                self.of(left.instance),
                self.what_is_at(left.instance, set)
            ));
        }
        let (open, crossing) = self.last_out()?;
        if let Some(builtin) = crossing.builtin()
            && is_of_thread(builtin)
        {
            return self.thread("the index is of no thread of this instance");
        }
        let said = message.split("handle index ").nth(1);
        let said = said.and_then(|said| {
            let digits = said.split(|c: char| !c.is_ascii_digit()).next();
            digits.and_then(|digits| digits.parse().ok())
        });
        // Where the message has none, only built-ins tell which one it is.
        let first = || word(&open.args, 0).filter(|_| crossing.builtin().is_some());
        let index = said.or_else(|| first().map(|index| index as u32))?;
        Some(format!(
            "{}: handle {index} {}",
            self.call_named(open, crossing),
            self.what_is_at(open.instance, index)
        ))
    }

    /// A thread that is none, or in another state.
    pub(super) fn thread(&self, rule: &str) -> Option<String> {
        let (open, crossing) = self.last_out()?;
        let mut made = Vec::new();
        each(self.trace, self.go_on, |_, event, crossing, number, _| {
            if let EventKind::Return(results) = &event.kind
                && event.instance == open.instance
                && let Some(Builtin::ThreadNewIndirect(_)) = crossing.builtin()
                && let Some(thread) = word(results, 0)
            {
                made.push(format!("{thread} (event {number})"));
            }
        })?;
        let made = match made.is_empty() {
            true => "none".to_owned(),
            false => children::first(made).join(", "),
        };
        Some(format!(
            "{} was given {}: {rule}; made there by `thread.new-indirect`: {made}",
            self.call_named(open, crossing),
            word(&open.args, 0)?
        ))
    }

    /// A task that ends with what it had borrowed.
    pub(super) fn still_borrowed(&self) -> Option<String> {
        let (instance, lift) = self.task()?;
        let mut told = format!(
            "{} ended with what it had borrowed: that must be dropped before",
            self.task_named()
        );
        if let Some((open, crossing)) = self.last_out().filter(|_| self.end.left.is_none()) {
            _ = write!(told, " {} (event {})", crossing.name, open.event);
        }
        let borrows = self.table(instance)?.entries().filter(|entry| {
            matches!(entry.kind, EntryKind::Borrow(_)) && *entry.created.crossing == *lift.name
        });
        let borrows = borrows.map(|entry| format!("; handle {} is {entry:#}", entry.index));
        told.push_str(&children::first(borrows.collect()).concat());
        Some(told)
    }

    /// What cannot go before what was made of it, or is in it.
    pub(super) fn children(&self) -> Option<String> {
        let (open, crossing) = self.last_out()?;
        let (index, entry) = self.handle(open)?;
        let table = self.table(open.instance)?;
        let (of, parent) = ((open.instance, table), (index, entry.created.event));
        let is_set = entry.kind == EntryKind::WaitableSet;
        let children = match is_set {
            true => children::members(self.trace, of, parent, self.go_on)?,
            false => children::of(self.trace, of, parent, self.go_on)?,
        };
        let children = match children.as_slice() {
            [] => "which they are, the recording does not tell".to_owned(),
            children => children.join("; "),
        };
        let rule = match is_set {
            true => "before its members have left it (`waitable.join` with 0), or are dropped",
            false => "before its children, which were made of it",
        };
        Some(format!(
            "{}: handle {index} cannot go {rule}: {children}. Handle {index} is {entry:#}",
            self.call_named(open, crossing)
        ))
    }
}

fn is_of_thread(builtin: &Builtin) -> bool {
    matches!(
        builtin,
        Builtin::ThreadResumeLater
            | Builtin::ThreadSuspendThenResume
            | Builtin::ThreadYieldThenResume
            | Builtin::ThreadSuspendThenPromote
            | Builtin::ThreadYieldThenPromote
    )
}

/// The handles among values that are passed flat; none of those that are in memory.
fn handles<'t>(types: impl IntoIterator<Item = &'t ValueType>, values: &[CoreValue]) -> Vec<u32> {
    let mut at = 0;
    let mut handles = Vec::new();
    for ty in types {
        let Some(flat) = flatten(ty, Pointer::default()) else {
            return Vec::new();
        };
        if ty.is_handle() {
            handles.extend(word(values, at).map(|handle| handle as u32));
        }
        at = at.saturating_add(flat.len());
    }
    // More than there are: a pointer to them was passed.
    match at <= values.len() {
        true => handles,
        false => Vec::new(),
    }
}
