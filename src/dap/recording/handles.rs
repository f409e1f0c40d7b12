//! The handle tables at this stop.

use super::Recording;
use crate::dap::debuggee::{Children, DebuggeeError, ValueKind, ValuesRef, VariableView};
use crate::inspect::handle_history::HandleHistory;
use crate::replay::Compiled;
use crate::replay::variant::Variant;
use crate::trace::Instance;

/// Where values of the handle tables are found: in place of a frame's number.
pub(super) const KEY: &str = "handles";

fn failed(error: impl std::fmt::Display) -> DebuggeeError {
    DebuggeeError::Other(error.to_string())
}

impl Recording {
    /// The life of all handles: one replay of the whole recording, at the first
    /// time of asking.
    pub(super) fn history_of_handles(&mut self) -> Result<&HandleHistory, DebuggeeError> {
        if self.handles.is_none() {
            let trace = self.timeline.trace().clone();
            let compiled = Compiled::prepare(&trace, &self.cache, Variant::Fast, &|_, _| {})
                .map_err(failed)?;
            self.handles = Some(HandleHistory::build(trace, &compiled).map_err(failed)?);
        }
        self.handles
            .as_ref()
            .ok_or_else(|| failed("there are no handle tables"))
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

    /// The instances, or the entries of one.
    pub(super) fn handle_values(
        &mut self,
        steps: &[&str],
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let tables = self.tables()?;
        let Some(instance) = steps.first() else {
            return Ok(tables.iter().map(instance_view).collect());
        };
        let instance: u32 = instance
            .parse()
            .map_err(|_| failed("there is no such component instance"))?;
        let entries = tables.into_iter().find(|(i, _)| i.0 == instance);
        Ok(entries.map_or_else(Vec::new, |(_, entries)| {
            let rows = entries.into_iter();
            rows.map(|(index, text)| VariableView {
                name: index.to_string(),
                value: text,
                ..VariableView::default()
            })
            .collect()
        }))
    }

    /// Each instance's entries here: index and description.
    fn tables(&mut self) -> Result<Vec<Table>, DebuggeeError> {
        let here = self.timeline.here().clone();
        let in_call = here.position.phase != crate::replay::Phase::Before;
        let history = self.history_of_handles()?;
        let tables = history.at(here.event, in_call).into_iter();
        Ok(tables
            .map(|(instance, table)| {
                let entries = table.entries();
                let rows = entries.map(|entry| (entry.index, entry.to_string()));
                (instance, rows.collect())
            })
            .collect())
    }
}

type Table = (Instance, Vec<(u32, String)>);

fn summary(tables: &[Table]) -> String {
    let live: usize = tables.iter().map(|(_, entries)| entries.len()).sum();
    match tables.len() {
        1 => format!("{live} handles"),
        instances => format!("{live} handles in {instances} component instances"),
    }
}

fn instance_view((instance, entries): &Table) -> VariableView {
    VariableView {
        name: format!("instance {}", instance.0),
        value: format!("{} handles", entries.len()),
        children: (!entries.is_empty()).then(|| Children {
            values: ValuesRef(format!("{KEY}/{}", instance.0)),
            named: Some(entries.len() as u64),
            indexed: None,
        }),
        kind: ValueKind::Virtual,
        ..VariableView::default()
    }
}
