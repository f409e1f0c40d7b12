//! The program's functions, as the server knows them.

use super::prompt::Prompt;
use crate::dap::protocol::Source;
use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::json;

/// Names that are offered to complete one.
const OFFERED: usize = 200;

#[derive(Debug, Deserialize)]
struct Functions {
    functions: Vec<Function>,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    source: Option<Source>,
    line: Option<usize>,
}

impl Prompt {
    fn functions(&mut self, filter: &str) -> anyhow::Result<Vec<Function>> {
        let wanted = json!({ "filter": filter, "count": OFFERED });
        let found: Functions = self.client.ask("rr/functions", wanted)?;
        Ok(found.functions)
    }

    /// Where a function is declared.
    pub(super) fn declared(&mut self, name: &str) -> anyhow::Result<(Source, usize)> {
        let wanted = json!({ "filter": name, "meant": true, "count": OFFERED });
        let found: Functions = self.client.ask("rr/functions", wanted)?;
        let mut found = found.functions;
        let has_place = |function: &Function| function.source.is_some() && function.line.is_some();
        found.sort_by_key(|function| (!has_place(function), function.name.len()));
        let Some(function) = found.into_iter().next() else {
            bail!("no function is named {name}; `info functions {name}` lists those like it");
        };
        let place = function.source.zip(function.line);
        place.with_context(|| format!("nothing tells where the source of {name} is"))
    }

    /// The names of functions that begin so.
    pub(super) fn function_names(&mut self, begun: &str) -> Vec<String> {
        let found = self.functions(&format!("{begun}*")).unwrap_or_default();
        found.into_iter().map(|function| function.name).collect()
    }
}
