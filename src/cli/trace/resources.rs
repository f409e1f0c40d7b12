//! `rr-dap trace resources`: the handle tables of a recording.

use super::super::progress::open_to_replay;
use super::super::recording_file::RecordingFile;
use crate::cli::terminal::{self, on_one_line};
use crate::inspect::handles::anew;
use crate::inspect::handles::history::{HandleHistory, InstanceFinding, TableList, Untold};
use crate::inspect::handles::table::{
    EndedEntry, Ending, EntryKind, HandleEntry, HandleTable, Occasion,
};
use crate::replay::Compiled;
use crate::trace::{Instance, Trace};
use anyhow::bail;
use clap::Args;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rr-dap trace resources run.rrtrace\n  rr-dap trace resources run.rrtrace --at 120 --all\n  rr-dap trace resources run.rrtrace --json | jq 'select(.list == \"leak\")'"
)]
pub(in crate::cli) struct Resources {
    /// Show the tables while this hostcall is in progress, before what is left at the end.
    #[arg(long, value_name = "EVENT")]
    at: Option<u64>,
    /// Show the handles that were dropped or passed on in the whole run, too.
    #[arg(long)]
    all: bool,
    /// Print one JSON object to a line; `list` tells what it is: `table` (with
    /// `--at`), `leak`, `ended` (with `--all`) or `finding`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    recording: RecordingFile,
}

impl Resources {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (trace, compiled) = open_to_replay(&self.recording, None)?;
        let (history, ended) = HandleHistory::build(trace.clone(), &compiled);
        if let Some(event) = self.at.filter(|event| *event >= history.events()) {
            ended?;
            match history.events().checked_sub(1) {
                Some(last) => {
                    bail!("there is no hostcall {event}; the last of this recording is {last}")
                }
                None => bail!("there is no hostcall {event}; this recording has none"),
            }
        }
        let then = match self.at {
            Some(event) => tables_at(&history, &trace, &compiled, event)?,
            None => TableList::new(),
        };
        let mut out = io::BufWriter::new(terminal::listing(self.json));
        // What is left at the end is known if the end was reached.
        let end = history.end();
        let left = match (&ended, &end) {
            (Ok(_), Ok(left)) => left.as_slice(),
            _ => &[],
        };
        let past = Past {
            history: &history,
            trace: &trace,
            compiled: &compiled,
        };
        match self.json {
            true => self.write_json(&mut out, &past, &then, left)?,
            false => self.write_text(&mut out, &past, &then, left)?,
        }
        out.flush()?;
        if let (Err(failed), Some(last)) = (&ended, history.events().checked_sub(1)) {
            bail!("nothing is known of handles after event {last}: {failed}");
        }
        ended?;
        end?;
        match history.mismatch(trace.outcome()) {
            Some(mismatch) => bail!("{}", on_one_line(&mismatch.to_string())),
            None => Ok(()),
        }
    }

    fn write_text(
        &self,
        out: &mut impl Write,
        past: &Past<'_>,
        then: &[(Instance, HandleTable)],
        left: &[(Instance, HandleTable)],
    ) -> io::Result<()> {
        if let Some(event) = self.at {
            for (instance, table) in then {
                let title = format!("during hostcall {event}");
                write_table(out, *instance, &title, table)?;
            }
        }
        for (instance, table) in left {
            write_table(out, *instance, "never dropped", table)?;
        }
        if self.all {
            write_ended(out, past)?;
        }
        write_findings(out, past.history)
    }

    fn write_json(
        &self,
        out: &mut impl Write,
        past: &Past<'_>,
        then: &[(Instance, HandleTable)],
        left: &[(Instance, HandleTable)],
    ) -> io::Result<()> {
        for (list, tables) in [("table", then), ("leak", left)] {
            for (instance, table) in tables {
                for entry in table.entries() {
                    writeln!(out, "{}", json_entry(list, *instance, entry))?;
                }
            }
        }
        if self.all {
            past.each_ended(|instance, past| writeln!(out, "{}", json_past(instance, past)))?;
        }
        for finding in past.history.findings() {
            writeln!(out, "{}", json_finding(past.history, finding))?;
        }
        Ok(())
    }
}

fn write_table(
    out: &mut impl Write,
    instance: Instance,
    title: &str,
    table: &HandleTable,
) -> io::Result<()> {
    let count = table.entries().count();
    let handles = if count == 1 { "handle" } else { "handles" };
    writeln!(out, "instance {}, {title}: {count} {handles}", instance.0)?;
    for entry in table.entries() {
        writeln!(out, "{:>6}  {}", entry.index, what(entry))?;
        writeln!(out, "        {}", life(entry))?;
    }
    Ok(())
}

/// What happened to the handles of a recording, with what it takes to replay it once more.
struct Past<'a> {
    history: &'a HandleHistory,
    trace: &'a Arc<Trace>,
    compiled: &'a Compiled,
}

impl Past<'_> {
    /// Calls `write` with each entry that ended, in order, until it fails.
    fn each_ended(
        &self,
        mut write: impl FnMut(Instance, &EndedEntry) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut written = Ok(());
        let kept = self.history.each_ended(|instance, past| {
            if written.is_ok() {
                written = write(instance, past);
            }
        });
        match kept {
            Ok(()) => written,
            Err(_) => self.each_ended_anew(write),
        }
    }

    /// By another replay, as not all is kept: entry by entry, as they are written.
    fn each_ended_anew(
        &self,
        mut write: impl FnMut(Instance, &EndedEntry) -> io::Result<()>,
    ) -> io::Result<()> {
        let (sender, ended): (_, Receiver<(Instance, EndedEntry)>) = sync_channel(1024);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // Where it fails has been told of the first replay, and whoever does not
                // listen any more could not write.
                let visit = move |instance: Instance, past: &EndedEntry| {
                    _ = sender.send((instance, past.clone()));
                };
                anew::each_ended(self.trace.clone(), self.compiled, visit, || true)
            });
            ended
                .iter()
                .try_for_each(|(instance, past)| write(instance, &past))
        })
    }
}

/// The tables while a call is in progress.
fn tables_at(
    history: &HandleHistory,
    trace: &Arc<Trace>,
    compiled: &Compiled,
    event: u64,
) -> anyhow::Result<TableList> {
    match history.at(event, true) {
        Err(Untold::Forgotten) => {
            let moment = (event, true);
            Ok(anew::tables_at(trace.clone(), compiled, moment, || true)?)
        }
        kept => Ok(kept?),
    }
}

fn write_ended(out: &mut impl Write, past: &Past<'_>) -> io::Result<()> {
    writeln!(out, "dropped or passed on:")?;
    past.each_ended(|instance, past| {
        let (index, entry) = (past.entry.index, &past.entry);
        writeln!(
            out,
            "{index:>6}  {}, of instance {}\n        {}; {} by {}",
            what(entry),
            instance.0,
            life(entry),
            ending(past.ending),
            occasion(&past.ended)
        )
    })
}

fn write_findings(out: &mut impl Write, history: &HandleHistory) -> io::Result<()> {
    for found in history.findings() {
        let words = on_one_line(&history.explained(found));
        writeln!(out, "wrong, in instance {}: {words}", found.instance.0)?;
    }
    match history.findings_left_off() {
        0 => Ok(()),
        more => writeln!(out, "and {more} more that are wrong"),
    }
}

/// `own<descriptor> (descriptor of "/work/a.txt")`
fn what(entry: &HandleEntry) -> String {
    let meaning = entry.meaning.as_ref();
    let meaning = meaning.map_or_else(String::new, |meaning| format!(" ({meaning})"));
    on_one_line(&format!("{}{meaning}", entry.kind))
}

/// Who made an entry and who used it.
fn life(entry: &HandleEntry) -> String {
    let mut life = format!("made by {}", occasion(&entry.created));
    if let Some(rep) = entry.rep {
        life.push_str(&format!(" with rep {rep:#x}"));
    }
    life.push_str(&match (entry.uses, &entry.last_use) {
        (0, _) | (_, None) => "; never used".to_owned(),
        (1, Some(last)) => format!("; used once, by {}", occasion(last)),
        (uses, Some(last)) => format!("; used {uses} times, last by {}", occasion(last)),
    });
    if entry.lent > 0 {
        life.push_str("; lent to a call in progress");
    }
    life
}

fn occasion(occasion: &Occasion) -> String {
    on_one_line(&occasion.to_string())
}

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Dropped => "dropped",
        Ending::Transferred => "passed on",
        Ending::Displaced => "displaced",
    }
}

fn json_entry(list: &str, instance: Instance, entry: &HandleEntry) -> serde_json::Value {
    let (kind, resource) = match &entry.kind {
        EntryKind::Own(resource) => ("own", Some(resource)),
        EntryKind::Borrow(resource) => ("borrow", Some(resource)),
        EntryKind::Stream { .. } => ("stream", None),
        EntryKind::Future { .. } => ("future", None),
        EntryKind::Subtask => ("subtask", None),
        EntryKind::WaitableSet => ("waitable-set", None),
        EntryKind::ErrorContext => ("error-context", None),
    };
    let resource = resource.map(|resource| match &resource.name {
        Some(name) => name.to_string(),
        None => resource.to_string(),
    });
    serde_json::json!({
        "list": list,
        "instance": instance,
        "index": entry.index,
        "type": entry.kind.to_string(),
        "kind": kind,
        "resource": resource,
        "meaning": entry.meaning.as_ref().map(ToString::to_string),
        "rep": entry.rep,
        "created": json_occasion(&entry.created),
        "uses": entry.uses,
        "lastUse": entry.last_use.as_ref().map(json_occasion),
        "lent": entry.lent,
    })
}

fn json_past(instance: Instance, past: &EndedEntry) -> serde_json::Value {
    let mut object = json_entry("ended", instance, &past.entry);
    object["ending"] = ending(past.ending).into();
    object["ended"] = json_occasion(&past.ended);
    object
}

fn json_finding(history: &HandleHistory, found: &InstanceFinding) -> serde_json::Value {
    serde_json::json!({
        "list": "finding",
        "instance": found.instance,
        "index": found.finding.index,
        "at": json_occasion(&found.finding.occasion),
        "message": history.explained(found),
    })
}

fn json_occasion(occasion: &Occasion) -> serde_json::Value {
    serde_json::json!({"event": occasion.event, "crossing": &*occasion.crossing})
}
