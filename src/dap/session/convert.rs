//! The debuggee's places and numbers as the client counts and names them.

use super::Session;
use crate::dap::protocol::{Refusal, Source};
use crate::debuggee::rust_library::Toolchains;
use crate::debuggee::{SourceOrigin, SourcePoint, SourceRef, TextRef};
use serde_json::Value;

/// The largest whole number that every client can hold.
const LARGEST: u64 = (1 << 53) - 1;

pub(super) fn count(number: u64) -> i64 {
    number.min(i32::MAX as u64) as i64
}

impl Session {
    fn line_base(&self) -> u64 {
        self.client.lines_start_at_1.unwrap_or(true).into()
    }

    fn column_base(&self) -> u64 {
        self.client.columns_start_at_1.unwrap_or(true).into()
    }

    pub(super) fn line_out(&self, line: u64) -> i64 {
        (line.saturating_sub(1) + self.line_base()).min(LARGEST) as i64
    }

    pub(super) fn column_out(&self, column: u64) -> i64 {
        (column.saturating_sub(1) + self.column_base()).min(LARGEST) as i64
    }

    pub(super) fn line_in(&self, line: i64) -> Result<u64, Refusal> {
        from_base(line, self.line_base())
            .ok_or_else(|| Refusal::because(format!("there is no line {line}")))
    }

    pub(super) fn point_in(&self, line: i64, column: Option<i64>) -> Result<SourcePoint, Refusal> {
        let line = self.line_in(line)?;
        let column = match column {
            None => None,
            Some(column) => Some(
                from_base(column, self.column_base())
                    .ok_or_else(|| Refusal::because(format!("there is no column {column}")))?,
            ),
        };
        Ok(SourcePoint { line, column })
    }

    pub(super) fn source_out(&mut self, source: &SourceRef) -> Source {
        let (name, origin) = (Some(source.name.clone()), source.note.clone());
        match &source.origin {
            SourceOrigin::File(path) => Source {
                name,
                path: Some(self.view.path_mapping.outward(path)),
                origin,
                ..Source::default()
            },
            // Clients keep this for later sessions, where the number is another's.
            SourceOrigin::Generated(text) => Source {
                name,
                source_reference: Some(self.texts.number(text)),
                adapter_data: Some(text.0.clone().into()),
                origin,
                ..Source::default()
            },
        }
    }

    /// Which sources of Rust's library these are is known once one of them has been seen.
    fn show_all_sources(&mut self) {
        let Ok(sources) = self.debuggee().and_then(|debuggee| Ok(debuggee.sources()?)) else {
            return;
        };
        for source in sources {
            self.source_out(&source);
        }
    }

    pub(super) fn source_in(&mut self, source: &Source) -> Result<SourceOrigin, Refusal> {
        if let Some(Value::String(text)) = &source.adapter_data {
            return Ok(SourceOrigin::Generated(TextRef(text.clone())));
        }
        if let Some(reference) = source.source_reference.filter(|number| *number > 0) {
            let text = self.texts.thing(reference);
            return text
                .map(|text| SourceOrigin::Generated(text.clone()))
                .ok_or_else(|| Refusal::because(format!("there is no source {reference}")));
        }
        match &source.path {
            Some(path) => {
                if Toolchains::installed().is_unknown(path) {
                    self.show_all_sources();
                }
                Ok(SourceOrigin::File(self.view.path_mapping.inward(path)))
            }
            None => Err(Refusal::because(
                "the source has neither a path nor a number",
            )),
        }
    }
}

fn from_base(number: i64, base: u64) -> Option<u64> {
    u64::try_from(number)
        .ok()?
        .checked_sub(base)?
        .checked_add(1)
}
