//! `rr-dap trace tasks`: the tasks of a recording at a moment, and what they wait for.

use super::super::progress::open_to_replay;
use super::super::recording_file::RecordingFile;
use crate::cli::terminal;
use crate::inspect::tasks::{Tasks as TasksThen, TasksTold, Waits, Words, anew};
use clap::Args;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rr-dap trace tasks run.rrtrace\n  rr-dap trace tasks run.rrtrace --at 42 --json | jq '.tasks[] | .words'"
)]
pub(in crate::cli) struct Tasks {
    /// Show the tasks while this hostcall is in progress, instead of at the end of the recording.
    #[arg(long, value_name = "EVENT")]
    at: Option<u64>,
    /// Show who waits for whom, and who waits for ever: as text, or as a graph for Graphviz.
    #[arg(long, value_enum, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    waits: Option<Form>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    recording: RecordingFile,
}

/// How a graph is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Text,
    Dot,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<u64>,
    #[serde(flatten)]
    told: TasksTold,
    waits: Waits,
}

impl Tasks {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (trace, compiled) = open_to_replay(&self.recording, None)?;
        let (tasks, ended) = match self.at {
            Some(event) => {
                let tasks = anew::tasks_at(&trace, &compiled, (event, true), || true)?;
                // What comes later may tell.
                let told = tasks.is_unclear().then(|| {
                    let (history, _) = anew::build(&trace, &compiled);
                    history.at_call(&trace, event, true).ok()
                });
                (told.flatten().unwrap_or(tasks), Ok(()))
            }
            None => {
                let (history, ended) = anew::build(&trace, &compiled);
                (history.end()?, ended)
            }
        };
        let component = trace.component();
        let mut out = io::BufWriter::new(terminal::listing(self.json));
        if self.json {
            let told = Told {
                event: self.at,
                told: tasks.told(component),
                waits: tasks.waits(component),
            };
            writeln!(out, "{}", serde_json::to_string(&told)?)?;
        } else if let Some(form) = self.waits {
            let waits = tasks.waits(component);
            match form {
                Form::Dot => write!(out, "{}", waits.dot())?,
                Form::Text => {
                    for line in waits.lines() {
                        writeln!(out, "{line}")?;
                    }
                }
            }
        } else {
            let words = Words {
                component,
                tasks: &tasks,
            };
            write_text(&mut out, words, self.at)?;
        }
        out.flush()?;
        ended?;
        Ok(())
    }
}

fn write_text(out: &mut impl Write, words: Words<'_>, at: Option<u64>) -> io::Result<()> {
    let tasks: &TasksThen = words.tasks;
    let moment = match at {
        Some(event) => format!("during hostcall {event}"),
        None => "at the end".to_owned(),
    };
    let count = tasks.tasks().count();
    let plural = if count == 1 { "task" } else { "tasks" };
    writeln!(
        out,
        "{moment}: {count} {plural} in progress, {} begun so far",
        tasks.begun()
    )?;
    for task in tasks.tasks() {
        writeln!(
            out,
            "task {}, instance {}: {}",
            task.id.0,
            task.instance.0,
            words.call(task)
        )?;
        writeln!(out, "        {}", words.state(task))?;
        for more in words.more(task) {
            writeln!(out, "        {more}")?;
        }
    }
    for instance in tasks.instances() {
        let backpressure = tasks.backpressure(instance);
        if tasks.items(instance).next().is_none() && backpressure == 0 {
            continue;
        }
        let held_back = match backpressure {
            0 => "",
            _ => ", which takes no new calls (backpressure)",
        };
        writeln!(out, "instance {}{held_back}", instance.0)?;
        for (index, item) in tasks.items(instance) {
            writeln!(out, "{index:>6}  {}", words.item(instance, index, item))?;
        }
    }
    Ok(())
}
