//! The handle tables at this stop.

use super::Recording;
use crate::dap::debuggee::{Children, DebuggeeError, ValueKind, ValuesRef, VariableView};
use crate::inspect::chronicle::Chronicle;
use crate::inspect::handles::{Entry, HandleTable};
use crate::trace::{Instance, Outcome};

/// Where values of the handle tables are found: in place of a frame's number.
pub(super) const KEY: &str = "handles";

fn failed(error: impl std::fmt::Display) -> DebuggeeError {
    DebuggeeError::Other(error.to_string())
}

type Table = (Instance, HandleTable);

impl Recording {
    /// What has happened so far; a replay in the background, begun at the first time of
    /// asking, tells.
    pub(super) fn chronicle(&mut self) -> &Chronicle {
        let (trace, cache) = (self.timeline.trace(), &self.cache);
        self.chronicle
            .get_or_insert_with(|| Chronicle::start(trace.clone(), cache.clone()))
    }

    /// One child for each component instance.
    pub(super) fn handle_tables(&mut self) -> Result<VariableView, DebuggeeError> {
        let tables = self.tables()?;
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
        let tables = self.tables()?;
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

    fn tables(&mut self) -> Result<Vec<Table>, DebuggeeError> {
        let here = self.timeline.here().clone();
        let in_call = here.position.phase == crate::replay::Phase::Calling;
        let tables = self.chronicle().handles_at(here.event, in_call, None);
        Ok(tables.map_err(failed)?.unwrap_or_default())
    }

    /// Why a run ended in a trap, where that was about a handle: what the handle was.
    pub(super) fn trap_explained(&mut self) -> Option<String> {
        // What the far side finds wrong with a handle is a trap or a failure of the host.
        let (Outcome::Trapped(_) | Outcome::HostError(_)) = self.timeline.trace().outcome() else {
            return None;
        };
        let last = self.timeline.here().event.checked_sub(1)?;
        let open = self.timeline.boundary().ok()?;
        open.last()?;
        let told = self.chronicle().whole(|history| {
            let findings = history.findings().iter();
            let mut about = findings.rev();
            let found = about.find(|found| found.finding.moment.event == last);
            found.map(|found| found.finding.to_string())
        });
        told.ok().flatten()
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

fn entry_view(instance: Instance, entry: &Entry) -> VariableView {
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
fn life(table: &HandleTable, entry: &Entry) -> Vec<VariableView> {
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
