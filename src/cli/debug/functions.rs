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

    /// The names of functions of whose paths a part begins so.
    pub(super) fn function_names(&mut self, begun: &str) -> Vec<String> {
        let mut found = self.functions(&format!("{begun}*")).unwrap_or_default();
        let inner = self.functions(&format!("*::{begun}*")).unwrap_or_default();
        let is_meant = |function: &Function| has_part(&function.name, begun);
        found.extend(inner.into_iter().filter(is_meant));
        found.into_iter().map(|function| function.name).collect()
    }
}

/// Whether a part of a path begins so, not of the arguments of its types.
fn has_part(name: &str, begun: &str) -> bool {
    let mut open = 0_usize;
    for (at, c) in name.char_indices() {
        match c {
            '<' | '(' => open += 1,
            '>' | ')' => open = open.saturating_sub(1),
            ':' if open == 0 => {
                let rest = name.get(at..).unwrap_or_default();
                if rest
                    .strip_prefix("::")
                    .is_some_and(|rest| rest.starts_with(begun))
                {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::has_part;

    #[test]
    fn parts_of_paths_are_completed_and_not_those_of_arguments() {
        for (name, has) in [
            ("park::Garage::bill", true),
            ("<park::Garage as park::House>::enter", false),
            ("std::map<int, park::Garage>::find", false),
            ("a::b::Garden", true),
        ] {
            assert_eq!(has_part(name, "Gar"), has, "{name}");
        }
    }
}
