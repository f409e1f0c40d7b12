//! `rr-dap trace events`: every hostcall of a recording.

use super::super::progress::open_to_replay;
use crate::component::Component;
use crate::component::types::CoreValue;
use crate::inspect::hostcalls::{Hostcall, HostcallAnswer, each_hostcall};
use crate::inspect::wave;
use clap::Args;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rr-dap trace events run.rrtrace --filter 'wasi:filesystem'\n  rr-dap trace events run.rrtrace --json | jq .name"
)]
pub(in crate::cli) struct Events {
    /// Print one JSON object to a line.
    #[arg(long)]
    json: bool,
    /// Only hostcalls whose WIT path contains this text.
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// The recording.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Events {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (trace, compiled) = open_to_replay(&self.file)?;
        let component = trace.component().clone();
        // Line by line: an error of the last write must not go unheard.
        let mut out = io::stdout();
        let printed = each_hostcall(trace, &compiled, move |call| {
            let line = match component.crossing(call.call.crossing) {
                Some(crossing) if crossing.name.contains(&self.filter) => {
                    if self.json {
                        json(&component, &call).to_string()
                    } else {
                        text(&component, &call)
                    }
                }
                _ => return ControlFlow::Continue(()),
            };
            match writeln!(out, "{line}") {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        })?;
        match printed {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(error.into()),
        }
    }
}

/// Most bytes of one value in a line.
const TEXT_LIMIT: usize = 160;
/// Most bytes of one value in JSON.
const JSON_LIMIT: usize = 64 << 10;

fn name(component: &Component, call: &Hostcall) -> String {
    component
        .crossing(call.call.crossing)
        .map_or_else(String::new, |crossing| crossing.name.clone())
}

fn text(component: &Component, call: &Hostcall) -> String {
    let arguments: Vec<String> = call
        .arguments
        .iter()
        .map(|(name, value)| format!("{name}: {}", wave::text(value, TEXT_LIMIT)))
        .collect();
    let answer = match &call.answer {
        HostcallAnswer::Returned {
            value: Some(value), ..
        } => format!(" -> {}", wave::text(value, TEXT_LIMIT)),
        HostcallAnswer::Returned { value: None, .. } => String::new(),
        HostcallAnswer::Missing => " (no answer was recorded)".to_owned(),
    };
    format!(
        "{:>8}  {:indent$}{}({}){answer}",
        call.call.event,
        "",
        name(component, call),
        arguments.join(", "),
        indent = call.depth.min(MAX_INDENT) * 2,
    )
}

/// Deeper nesting is not shown: it would only push the text out of sight.
const MAX_INDENT: usize = 20;

fn json(component: &Component, call: &Hostcall) -> serde_json::Value {
    let arguments: Vec<_> = call
        .arguments
        .iter()
        .map(|(name, value)| {
            serde_json::json!({"name": name, "value": wave::text(value, JSON_LIMIT)})
        })
        .collect();
    let mut object = serde_json::json!({
        "event": call.call.event,
        "depth": call.depth,
        "instance": call.call.instance,
        "crossing": call.call.crossing,
        "name": name(component, call),
        "arguments": arguments,
        "lowered": { "arguments": flat(&call.call.args) },
        "answered": matches!(call.answer, HostcallAnswer::Returned { .. }),
    });
    if let HostcallAnswer::Returned { results, value } = &call.answer {
        object["lowered"]["results"] = flat(results);
        object["result"] = value
            .as_ref()
            .map(|value| wave::text(value, JSON_LIMIT))
            .into();
    }
    object
}

/// Flat values with their types: floats as bits, which JSON's numbers could not
/// carry.
fn flat(values: &[CoreValue]) -> serde_json::Value {
    values
        .iter()
        .map(|value| match value {
            CoreValue::I32(v) => serde_json::json!({"i32": v}),
            // 64 bits do not survive readers that keep numbers as doubles.
            CoreValue::I64(v) => serde_json::json!({"i64": v.to_string()}),
            CoreValue::F32(bits) => serde_json::json!({"f32": format!("{bits:#010x}")}),
            CoreValue::F64(bits) => serde_json::json!({"f64": format!("{bits:#018x}")}),
            CoreValue::V128(bits) => serde_json::json!({"v128": format!("{bits:#034x}")}),
            CoreValue::Ref(null) => serde_json::json!({"ref": if *null { "null" } else { "" }}),
        })
        .collect()
}
