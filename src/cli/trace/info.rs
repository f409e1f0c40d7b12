//! `rr-dap trace info`: what a recording holds.

use super::secrets::Sensitive;
use crate::cli::progress::open_to_replay;
use crate::cli::recording_file::RecordingFile;
use crate::cli::terminal::{self, on_one_line};
use crate::component::{Component, Crossing, Direction, code_hash, hash, module_name};
use crate::inspect::hostcall::listing::interface;
use crate::inspect::past::secrets::secrets;
use crate::trace::{Metadata, Summary, Trace, Utc, duration_text};
use clap::Args;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  rr-dap trace info run.rrtrace
  rr-dap trace info --json run.rrtrace
  rr-dap trace info --secrets run.rrtrace")]
pub(in crate::cli) struct Info {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Tell instead which sorts of sensitive data are in the recording, and in which hostcalls
    /// they came: variables of the environment, headers that let somebody in, bodies, files,
    /// standard input. Never the values.
    #[arg(long)]
    secrets: bool,
    #[command(flatten)]
    recording: RecordingFile,
}

impl Info {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if self.secrets {
            return self.tell_secrets();
        }
        let trace = Arc::new(self.recording.open()?);
        let summary = Summary::of(&trace)?;
        let mut out = io::BufWriter::new(terminal::listing(self.json));
        if self.json {
            writeln!(out, "{}", json(&trace, &summary))?;
        } else {
            write_text(&mut out, &trace, &summary)?;
        }
        out.flush()?;
        Ok(())
    }
}

impl Info {
    fn tell_secrets(&self) -> anyhow::Result<()> {
        let (trace, compiled) = open_to_replay(&self.recording, None)?;
        let sensitive = Sensitive::of(&trace, &secrets(&trace, &compiled)?);
        let mut out = io::BufWriter::new(terminal::listing(self.json));
        match self.json {
            true => writeln!(out, "{}", sensitive.json())?,
            false => sensitive.write(&mut out)?,
        }
        out.flush()?;
        Ok(())
    }
}

fn json(trace: &Trace, summary: &Summary) -> serde_json::Value {
    let component = trace.component();
    let crossings: Vec<_> = summary
        .crossings
        .iter()
        .filter_map(|count| {
            let crossing = component.crossing(count.crossing)?;
            Some(serde_json::json!({
                "name": &*crossing.name,
                "builtin": crossing.is_plumbing(),
                "direction": match crossing.direction() {
                    Direction::Outgoing => "outgoing",
                    Direction::Incoming => "incoming",
                },
                "calls": count.calls,
                "bytesWritten": count.bytes_written,
                "hostNanoseconds": count.host_nanoseconds,
            }))
        })
        .collect();
    serde_json::json!({
        "file": trace.path(),
        "bytes": trace.length(),
        "metadata": metadata(trace.metadata()),
        "outcome": trace.outcome(),
        "outcomeInferred": !trace.has_end() && !trace.is_growing(),
        "growing": trace.is_growing(),
        "missing": trace.missing(),
        "exitCode": trace.outcome().exit_code(),
        "component": {
            "bytes": component.bytes().len(),
            "sha256": hash(component.bytes()),
            "coreModules": component.modules().len(),
            "modules": modules(component),
        },
        "hostcalls": summary.calls,
        "builtins": summary.plumbing,
        "entries": summary.entries,
        "memoryHashes": summary.hashes,
        "bytesWritten": summary.bytes_written,
        "instances": summary.instances,
        "nanoseconds": summary.nanoseconds,
        "timeInHost": time_in_host(trace, summary)
            .into_iter()
            .map(|(interface, time)| {
                let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
                serde_json::json!({ "interface": interface, "nanoseconds": nanoseconds })
            })
            .collect::<Vec<_>>(),
        "crossings": crossings,
    })
}

/// What the recording says of the run; of the sources that it carries, their sizes.
fn metadata(metadata: &Metadata) -> serde_json::Value {
    let mut told = serde_json::json!(metadata);
    let sources = metadata.sources.iter();
    let sources = sources
        .map(|source| serde_json::json!({ "path": source.path, "bytes": source.text.len() }));
    told["sources"] = sources.collect();
    told
}

/// Core modules with the hash of their code, which stripping debug information does
/// not change.
fn modules(component: &Component) -> Vec<serde_json::Value> {
    component
        .modules()
        .map(|module| {
            serde_json::json!({
                "name": module_name(module),
                "bytes": module.len(),
                "codeSha256": code_hash(module),
            })
        })
        .collect()
}

fn write_text(out: &mut impl Write, trace: &Trace, summary: &Summary) -> io::Result<()> {
    let metadata = trace.metadata();
    let component = trace.component();
    let mut fact = |name: &str, value: String| writeln!(out, "{name:<12}{value}");
    fact("program", on_one_line(&metadata.program))?;
    if let Some(invoke) = &metadata.invoke {
        fact("call", on_one_line(invoke))?;
    }
    for arg in &metadata.args {
        fact("argument", on_one_line(arg))?;
    }
    for (name, value) in &metadata.env {
        let variable = match metadata.env_redacted {
            true => format!(
                "{name} (its value is left out here; what the guest read is in the hostcalls)"
            ),
            false => format!("{name}={value}"),
        };
        fact("environment", on_one_line(&variable))?;
    }
    for dir in &metadata.dirs {
        fact("directory", on_one_line(dir))?;
    }
    for switch in &metadata.switches {
        fact("switch", on_one_line(switch))?;
    }
    if let Some(seed) = metadata.handles {
        fact("handles", format!("shuffled, by seed {seed}"))?;
    }
    if let Some(seed) = metadata.chaos {
        fact("chaos", format!("by seed {seed}"))?;
    }
    let recorded = match metadata.started {
        0 => "when is not known".to_owned(),
        started => Utc::at(started).to_string(),
    };
    fact("recorded", recorded)?;
    fact("by", on_one_line(&metadata.recorder))?;
    for (name, value) in &metadata.engine {
        fact("engine", on_one_line(&format!("{name}={value}")))?;
    }
    for source in &metadata.sources {
        let carried = format!(
            "{} ({} bytes, carried along)",
            source.path,
            source.text.len()
        );
        fact("source", on_one_line(&carried))?;
    }
    let inferred = match trace.has_end() || trace.is_growing() {
        true => "",
        false => " (inferred from the last events: the recording has no end)",
    };
    fact(
        "outcome",
        on_one_line(&format!("{}{inferred}", trace.outcome())),
    )?;
    if let Some(missing) = trace.missing() {
        fact("missing", on_one_line(missing))?;
    }
    fact("size", format!("{} bytes", trace.length()))?;
    fact(
        "component",
        format!(
            "{} bytes, {} core modules, {} instances with core code",
            component.bytes().len(),
            component.modules().len(),
            summary.instances
        ),
    )?;
    fact("sha256", hash(component.bytes()))?;
    for (number, module) in component.modules().enumerate() {
        let name =
            module_name(module).map_or_else(String::new, |n| format!(" {}", on_one_line(&n)));
        let (bytes, hash) = (module.len(), code_hash(module));
        fact(
            "module",
            format!("{number}{name}: {bytes} bytes, code {hash}"),
        )?;
    }
    let builtins = match summary.plumbing {
        0 => String::new(),
        plumbing => format!(", {plumbing} built-ins"),
    };
    fact(
        "events",
        format!(
            "{} hostcalls{builtins}, {} entries, {} bytes written into the guest, {} memory hashes",
            summary.calls.saturating_sub(summary.plumbing),
            summary.entries,
            summary.bytes_written,
            summary.hashes
        ),
    )?;
    if let Some(nanoseconds) = summary.nanoseconds {
        let lasted = duration_text(Duration::from_nanos(nanoseconds));
        fact(
            "time",
            format!("{lasted} from the beginning to the last event"),
        )?;
    }
    write_time_in_host(out, trace, summary)?;
    for (title, direction, plumbing) in [
        ("calls out of the guest", Direction::Outgoing, false),
        ("calls into the guest", Direction::Incoming, false),
        (
            "built-ins that keep the component model's books",
            Direction::Outgoing,
            true,
        ),
    ] {
        let is_meant = |crossing: &Crossing| {
            crossing.direction() == direction && crossing.is_plumbing() == plumbing
        };
        write_counts(out, trace, summary, title, is_meant)?;
    }
    Ok(())
}

/// How long hostcalls took, by interface, the longest first; without those whose time is too short
/// for the clock.
fn time_in_host<'t>(trace: &'t Trace, summary: &Summary) -> Vec<(&'t str, Duration)> {
    let mut times: Vec<(&str, Duration)> = Vec::new();
    for count in &summary.crossings {
        let Some(crossing) = trace.component().crossing(count.crossing) else {
            continue;
        };
        let time = Duration::from_nanos(count.host_nanoseconds);
        let interface = interface(&crossing.name);
        match times.iter_mut().find(|(name, _)| *name == interface) {
            Some((_, sum)) => *sum = sum.saturating_add(time),
            None => times.push((interface, time)),
        }
    }
    times.retain(|(_, time)| time.as_millis() > 0);
    times.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    times
}

/// So many interfaces are shown with the time that they took.
const INTERFACES: usize = 8;

fn write_time_in_host(out: &mut impl Write, trace: &Trace, summary: &Summary) -> io::Result<()> {
    let times = time_in_host(trace, summary);
    if times.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{:>12}  time in host", "")?;
    for (interface, time) in times.iter().take(INTERFACES) {
        let time = duration_text(*time);
        writeln!(out, "{time:>12}  {}", on_one_line(interface))?;
    }
    Ok(())
}

/// The crossings that are meant, the most frequent first.
fn write_counts(
    out: &mut impl Write,
    trace: &Trace,
    summary: &Summary,
    title: &str,
    is_meant: impl Fn(&Crossing) -> bool,
) -> io::Result<()> {
    let mut counts: Vec<_> = summary
        .crossings
        .iter()
        .filter_map(|count| Some((count, trace.component().crossing(count.crossing)?)))
        .filter(|(_, crossing)| is_meant(crossing))
        .collect();
    if counts.is_empty() {
        return Ok(());
    }
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(count.calls));
    writeln!(out, "\n{:>12} {:>12}  {title}", "calls", "bytes in")?;
    for (count, crossing) in counts {
        let (calls, bytes) = (count.calls, count.bytes_written);
        writeln!(
            out,
            "{calls:>12} {bytes:>12}  {}",
            on_one_line(&crossing.name)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::on_one_line;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(on_one_line("a\u{1b}[31mé\n"), "a\\u{1b}[31mé\\n");
    }
}
