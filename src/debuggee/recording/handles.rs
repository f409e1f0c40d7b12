//! The handle tables at this stop.

use super::Recording;
use super::awaited::Part;
use crate::debuggee::{
    Children, DebuggeeError, HandleShown, InstanceHandles, ValueKind, ValuesRef, VariableView,
};
use crate::inspect::ending::is_deadlock;
use crate::inspect::handles::anew;
use crate::inspect::handles::history::{HandleChange, HandleHistory};
use crate::inspect::handles::table::{EntryKind, HandleEntry, HandleTable};
use crate::inspect::past::chronicle::{Chronicle, Until};
use crate::inspect::rules;
use crate::replay::Phase;
use crate::replay::variant::Variant;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Ending, Reason};
use crate::trace::Instance;

/// Where values of the handle tables are found: in place of a frame's number.
pub(super) const KEY: &str = "handles";

fn failed(error: impl std::fmt::Display) -> DebuggeeError {
    DebuggeeError::Other(error.to_string())
}

type Table = (Instance, HandleTable);

impl Recording {
    /// One child for each component instance.
    pub(super) fn handle_tables(&mut self) -> Result<VariableView, DebuggeeError> {
        let tables = self.tables(Part::Whole)?;
        Ok(VariableView {
            name: KEY.into(),
            value: summary(&tables),
            children: Some(Children {
                values: ValuesRef(KEY.into()),
                named: Some(tables.len() as u64),
                indexed: None,
            }),
            kind: ValueKind::Virtual,
            ..VariableView::default()
        })
    }

    /// The instances, the entries of one, or what is known of an entry.
    pub(super) fn handle_values(
        &mut self,
        steps: &[&str],
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let tables = match self.tables(Part::Values) {
            Err(DebuggeeError::NotYet) => return Ok(vec![not_yet()]),
            tables => tables?,
        };
        let Some(instance) = steps.first() else {
            return Ok(tables.iter().map(instance_view).collect());
        };
        let number = |step: &str| step.parse::<u32>().ok();
        let instance = number(instance);
        let table = tables.iter().find(|(of, _)| Some(of.0) == instance);
        let (of, table) = table.ok_or_else(|| failed("there is no such component instance"))?;
        match steps.get(1) {
            None => Ok(table
                .entries()
                .map(|entry| entry_view(*of, entry))
                .collect()),
            Some(index) => {
                let entry = number(index).and_then(|index| table.get(index));
                let entry = entry.ok_or_else(|| failed("there is no such handle here"))?;
                Ok(life(table, entry))
            }
        }
    }

    /// The tables with the life of each entry.
    pub(super) fn handles_in_full(
        &mut self,
        at_end: bool,
    ) -> Result<Vec<InstanceHandles>, DebuggeeError> {
        let tables = match at_end {
            true => self.ask_chronicle(Until::End, Part::Whole, |chronicle| {
                Ok(chronicle.at_end(HandleHistory::end)??)
            })?,
            false => self.tables(Part::Whole)?,
        };
        // Not known yet, or never, if replaying to the end fails.
        let ends = self.chronicle().at_end(HandleHistory::end);
        let ends = ends.ok().and_then(Result::ok);
        let leaks = |instance: Instance| {
            let ends = ends.iter().flatten();
            let own = ends.filter(|(of, _)| *of == instance);
            own.flat_map(|(_, table)| table.entries().map(|entry| in_full(table, entry)))
                .collect()
        };
        // How it stands with what is waited for, if that is known by now.
        let states = self.states_of_waitables(at_end);
        let shown = tables.iter().map(|(instance, table)| {
            let with_state = |entry: &HandleEntry| {
                let state = states.get(&(*instance, entry.index)).cloned();
                let shown = in_full(table, entry);
                HandleShown {
                    state: shown.state.or(state),
                    ..shown
                }
            };
            InstanceHandles {
                instance: instance.0,
                handles: table.entries().map(with_state).collect(),
                leaks: leaks(*instance),
            }
        });
        Ok(shown.collect())
    }

    /// Where handles come or go, by a replay: the history has not kept all of it.
    pub(super) fn handle_changes_anew(
        &self,
        change: HandleChange,
        resource: Option<&str>,
        interrupt: &Interrupt,
    ) -> Result<Vec<u64>, DebuggeeError> {
        let compiled = self.timeline.compile(Variant::Fast, interrupt, &|_| {})?;
        let trace = self.timeline.trace().clone();
        let stop = interrupt.clone();
        let go_on = move || !stop.is_raised();
        anew::changes(trace, &compiled, change, resource, go_on).map_err(|error| match error {
            anew::AnewError::Interrupted => DebuggeeError::Interrupted,
            error => failed(error),
        })
    }

    fn tables(&mut self, part: Part) -> Result<Vec<Table>, DebuggeeError> {
        let here = self.timeline.here();
        let (event, in_call) = (here.event, here.position.phase == Phase::Calling);
        self.ask_chronicle(Until::Call(event), part, |chronicle| {
            chronicle.handles_at(event, in_call)
        })
    }

    /// Why a run ended in a trap, where that was about a handle: what the handle was; or what
    /// waits, where everything did.
    pub(super) fn trap_explained(&mut self) -> Result<Option<String>, DebuggeeError> {
        let here = self.timeline.here().clone();
        // What the far side finds wrong with a handle is a trap or a failure of the host.
        let Reason::End(Ending::Trapped(_) | Ending::HostError(_)) = here.reason else {
            return Ok(None);
        };
        if let Reason::End(Ending::Trapped(trap)) = &here.reason
            && is_deadlock(trap)
        {
            return self.deadlock_explained().map(Some);
        }
        let found = match rules::can_be_handle(self.timeline.trace().outcome()) {
            true => self.handle_explained(here.event)?,
            false => None,
        };
        if found.is_some() || rules::rule(self.timeline.trace().outcome()).is_none() {
            return Ok(found);
        }
        self.ask_chronicle(Until::End, Part::Whole, Chronicle::broken_rule)
    }

    /// What was wrong with a handle in the last call before this event.
    fn handle_explained(&mut self, event: u64) -> Result<Option<String>, DebuggeeError> {
        let Some(last) = event.checked_sub(1) else {
            return Ok(None);
        };
        // Where guest code has failed, no handle was wrong.
        let guest = self.timeline.frames()?.len();
        let open = self.timeline.boundary()?;
        if open
            .last()
            .is_none_or(|inner| (inner.outside as usize) < guest)
        {
            return Ok(None);
        }
        self.ask_chronicle(Until::End, Part::Whole, |chronicle| {
            chronicle.at_end(|history| {
                let mut findings = history.findings().iter().rev();
                let found = findings.find(|found| found.finding.occasion.event == last);
                found.map(|found| history.explained(found))
            })
        })
    }
}

/// In place of tables.
fn not_yet() -> VariableView {
    VariableView {
        name: KEY.into(),
        value: "<not known yet: the recording is still being replayed in the background>".into(),
        kind: ValueKind::Virtual,
        ..VariableView::default()
    }
}

fn summary(tables: &[Table]) -> String {
    let live: usize = tables
        .iter()
        .map(|(_, table)| table.entries().count())
        .sum();
    match tables.len() {
        1 => format!("{live} handles"),
        instances => format!("{live} handles in {instances} component instances"),
    }
}

fn instance_view((instance, table): &Table) -> VariableView {
    let entries = table.entries().count();
    VariableView {
        name: format!("instance {}", instance.0),
        value: format!("{entries} handles"),
        children: (entries > 0).then(|| Children {
            values: ValuesRef(format!("{KEY}/{}", instance.0)),
            named: Some(entries as u64),
            indexed: None,
        }),
        kind: ValueKind::Virtual,
        ..VariableView::default()
    }
}

fn entry_view(instance: Instance, entry: &HandleEntry) -> VariableView {
    VariableView {
        name: entry.index.to_string(),
        value: entry.to_string(),
        type_name: Some(entry.kind.to_string()),
        children: Some(Children {
            values: ValuesRef(format!("{KEY}/{}/{}", instance.0, entry.index)),
            named: None,
            indexed: None,
        }),
        ..VariableView::default()
    }
}

/// What is known of an entry, one row each.
fn life(table: &HandleTable, entry: &HandleEntry) -> Vec<VariableView> {
    let row = |name: &str, value: String| VariableView {
        name: name.to_owned(),
        value,
        kind: ValueKind::Virtual,
        ..VariableView::default()
    };
    let mut rows = vec![row("kind", entry.kind.to_string())];
    rows.extend(entry.resource_name().map(|name| row("resource type", name)));
    let meaning = entry.meaning.as_ref();
    rows.extend(meaning.map(|meaning| row("stands for", meaning.to_string())));
    rows.extend(entry.rep.map(|rep| row("rep", format!("{rep:#x}"))));
    rows.push(row("created by", entry.created.to_string()));
    rows.push(row("uses", entry.uses.to_string()));
    let last = entry.last_use.as_ref();
    rows.extend(last.map(|last| row("last used by", last.to_string())));
    if entry.lent > 0 {
        rows.push(row("lent", format!("to {} calls in progress", entry.lent)));
    }
    let before = table.past(entry.index);
    rows.extend(before.map(|past| row("before", past.to_string())));
    rows
}

fn in_full(table: &HandleTable, entry: &HandleEntry) -> HandleShown {
    let mut life = Vec::new();
    if let Some(past) = table.past(entry.index) {
        let what = format!("the handle before it: {past}");
        life.push((past.ended.event, what));
    }
    life.push((
        entry.created.event,
        format!("made by {}", entry.created.crossing),
    ));
    if let Some(last) = &entry.last_use {
        let uses = match entry.uses {
            1 => "used".to_owned(),
            uses => format!("used {uses} times, last"),
        };
        life.push((last.event, format!("{uses} by {}", last.crossing)));
    }
    HandleShown {
        index: entry.index,
        kind: kind(&entry.kind),
        type_name: entry
            .resource_name()
            .unwrap_or_else(|| entry.kind.to_string()),
        meaning: entry.meaning.as_ref().map(ToString::to_string),
        rep: entry.rep,
        state: (entry.lent > 0).then(|| format!("lent to {} calls in progress", entry.lent)),
        life,
    }
}

fn kind(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::Own(_) => "own",
        EntryKind::Borrow(_) => "borrow",
        EntryKind::Stream { .. } => "stream",
        EntryKind::Future { .. } => "future",
        EntryKind::Subtask => "subtask",
        EntryKind::WaitableSet => "waitable-set",
        EntryKind::ErrorContext => "error-context",
    }
}
