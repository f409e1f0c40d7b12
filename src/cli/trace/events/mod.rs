//! `rr-dap trace events`: every hostcall of a recording.

mod later;
mod lowered;

use super::super::progress::open_to_replay;
use super::super::recordings::{Failed, Listed, Recordings};
use crate::cli::style::{Colour, Paint, Style};
use crate::cli::terminal::{self, on_one_line};
use crate::component::types::CoreValue;
use crate::component::{Crossing, NamePattern};
use crate::inspect::hostcall::arrivals::{Arrivals, Brought};
use crate::inspect::hostcall::hostcalls::{Hostcall, HostcallAnswer, each_hostcall_arriving};
use crate::inspect::hostcall::listing::took_text;
use crate::inspect::hostcall::unanswered::Unanswered;
use crate::inspect::hostcall::wave;
use crate::replay::Compiled;
use crate::trace::{HostTimes, Trace, WallTime, parse_duration};
use anyhow::anyhow;
use clap::Args;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rr-dap trace events run.rrtrace --filter 'wasi:filesystem'\n  rr-dap trace events run.rrtrace --filter '*.write' --from 1000 --count 20\n  rr-dap trace events run.rrtrace --slow 50ms --time\n  rr-dap trace events run.rrtrace --json | jq .name\n  rr-dap trace events app.recordings --json > events.ndjson"
)]
pub(in crate::cli) struct Events {
    /// Print one JSON object to a line; `recording` is the file, within the directory if one is
    /// given.
    #[arg(long)]
    json: bool,
    /// Only hostcalls whose WIT path has this in it, or matches it if it has a `*` (anything) or
    /// a `?` (one character); versions may be left out.
    #[arg(long, value_name = "PATH", default_value = "")]
    filter: NamePattern,
    /// Begin at the hostcall with this number.
    #[arg(long, value_name = "EVENT", default_value_t = 0)]
    from: u64,
    /// List so many hostcalls at most.
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,
    /// The component model's own built-ins that only keep its books, such as context.get and
    /// waitable.join: dim them, hide them, or show them as all others.
    #[arg(
        long,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_value = "dim",
        default_missing_value = "show"
    )]
    builtins: Builtins,
    /// Show the flat core values as they were recorded. Nothing is replayed, and only the sections
    /// that are asked for are read: quick in the longest recording.
    #[arg(long)]
    lowered: bool,
    /// Show the time of day (UTC) of each hostcall.
    #[arg(long)]
    time: bool,
    /// Only hostcalls that took this long or longer, such as 50ms or 1.5s.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    slow: Option<Duration>,
    #[command(flatten)]
    recordings: Recordings,
}

/// How plumbing is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Builtins {
    /// Where there are colours, so that one sees what matters.
    Dim,
    /// Not at all, unless the filter means them.
    Hide,
    /// As all hostcalls.
    Show,
}

impl Events {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let out = Arc::new(Mutex::new(Lines::new(self.json)));
        let events = Arc::new(self);
        let are_many = events.recordings.are_many();
        let code = events.recordings.each(|listed| {
            if are_many && !events.json {
                out.lock().write(&on_one_line(&listed.name))?;
            }
            let ended = events.list(listed, are_many, &out);
            // What was listed before a failure is shown, and an error of the last write told.
            let flushed = out.lock().flush();
            ended.and(flushed.map_err(Failed::Output))
        })?;
        Ok(code)
    }

    fn list(
        self: &Arc<Self>,
        listed: &Listed,
        are_many: bool,
        out: &Arc<Mutex<Lines>>,
    ) -> Result<(), Failed> {
        if self.lowered {
            let trace = listed
                .file
                .open()
                .map_err(|error| Failed::Recording(error.into()))?;
            return match self.is_in_range(&trace, are_many)? {
                true => lowered::list(self, &listed.name, &trace, &mut out.lock()),
                false => Ok(()),
            };
        }
        let (trace, compiled) = open_to_replay(&listed.file, None).map_err(Failed::Recording)?;
        let missing = trace.missing().map(str::to_owned);
        if !self.is_in_range(&trace, are_many)? {
            return Ok(());
        }
        self.replay(&listed.name, trace, &compiled, out)?;
        match missing {
            Some(missing) if are_many => Err(Failed::Recording(anyhow!(missing))),
            _ => Ok(()),
        }
    }

    /// Whether calls of a crossing are listed.
    fn means(&self, crossing: Option<&Crossing>) -> bool {
        let name = crossing.map_or("", |crossing| &*crossing.name);
        let is_hidden = self.builtins == Builtins::Hide && self.filter.is_empty();
        self.filter.matches(name) && !(is_hidden && crossing.is_some_and(Crossing::is_plumbing))
    }

    /// A line of text, dimmed if it is of plumbing.
    fn painted(&self, crossing: Option<&Crossing>, line: String, paint: Paint) -> String {
        match crossing.is_some_and(Crossing::is_plumbing) && self.builtins == Builtins::Dim {
            true => paint.painted(Style::Dim, &line),
            false => line,
        }
    }

    /// Whether a hostcall took long enough to be listed.
    fn takes(&self, call: Clocked) -> bool {
        let slow = |least| call.took.is_some_and(|took| took >= least);
        self.slow.is_none_or(slow)
    }

    /// Whether the first hostcall is there that is asked for. If not, that is told before anything
    /// is replayed; of several recordings it need not be in each.
    fn is_in_range(&self, trace: &Trace, are_many: bool) -> Result<bool, Failed> {
        if let (Some(missing), false) = (trace.missing(), are_many) {
            terminal::tell(format_args!(
                "rr-dap: {missing}; what came before it is listed"
            ));
        }
        if self.from == 0 {
            return Ok(true);
        }
        let all = trace.hostcalls();
        let all = all.map_err(|error| Failed::Recording(error.into()))?;
        let from = self.from;
        match all.checked_sub(1) {
            Some(last) if from <= last => Ok(true),
            _ if are_many => Ok(false),
            None => Err(Failed::Recording(anyhow!(
                "there is no hostcall {from}; this recording has none"
            ))),
            Some(last) => Err(Failed::Recording(anyhow!(
                "there is no hostcall {from}; the last of this recording is {last}"
            ))),
        }
    }

    fn replay(
        self: &Arc<Self>,
        recording: &str,
        trace: Arc<Trace>,
        compiled: &Compiled,
        out: &Arc<Mutex<Lines>>,
    ) -> Result<(), Failed> {
        let component = trace.component().clone();
        let outcome = trace.outcome().clone();
        let mut left = self.count.unwrap_or(u64::MAX);
        if left == 0 {
            return Ok(());
        }
        let times = HostTimes::of(&trace);
        if times.is_empty() && (self.time || self.slow.is_some()) {
            terminal::tell(format_args!("rr-dap: {TIMELESS}"));
        }
        let arrivals = Arc::new(Arrivals::of_while(&trace, || true).unwrap_or_default());
        let awaited = arrivals.clone();
        let limit = if self.json { JSON_LIMIT } else { TEXT_LIMIT };
        // What came of calls, until the listing is where the program is told of it.
        let mut untold: HashMap<u64, Brought> = HashMap::new();
        let (events, lines, recording) = (self.clone(), out.clone(), recording.to_owned());
        let paint = out.lock().paint;
        let listed = each_hostcall_arriving(trace, compiled, awaited, move |call| {
            let event = call.call.event;
            let crossing = component.crossing(call.call.crossing);
            let name = crossing.map_or("", |crossing| &*crossing.name);
            let brought = call.brought.as_ref();
            let brought = brought.map(|value| wave::text(value, limit).into_boxed_str());
            let arrival = arrivals.of(event);
            if let Some(told) = arrival.and_then(|arrival| arrival.told) {
                untold.insert(event, Brought::new(event, name, told, brought.clone()));
            }
            let told = arrivals.told_at(event);
            let told: Vec<Brought> = told
                .filter_map(|(begun, _)| untold.remove(&begun))
                .collect();
            if event < events.from {
                return ControlFlow::Continue(());
            }
            if !events.means(crossing) {
                return ControlFlow::Continue(());
            }
            let is_plumbing = crossing.is_some_and(Crossing::is_plumbing);
            let clocked = Clocked {
                time: times.wall_time(event),
                took: times.duration(event),
            };
            if !events.takes(clocked) {
                return ControlFlow::Continue(());
            }
            let unanswered = crossing.map(|of| Unanswered::of(&outcome, of));
            let unanswered = unanswered.unwrap_or(Unanswered::Unknown);
            let line = match events.json {
                true => {
                    let object = json(name, is_plumbing, &call, unanswered);
                    let mut object = clocked.json(&recording, object);
                    later::add_to(&mut object, arrival, brought.as_deref(), &told);
                    object.to_string()
                }
                false => {
                    let line = text(name, &call, unanswered);
                    let later = later::text(&line, arrival, brought.as_deref(), &told);
                    let line = clocked.text(events.time, line + &later);
                    events.painted(crossing, line, paint)
                }
            };
            if let Err(error) = lines.lock().write(&line) {
                return ControlFlow::Break(Err(error));
            }
            left -= 1;
            match left {
                0 => ControlFlow::Break(Ok(())),
                _ => ControlFlow::Continue(()),
            }
        });
        match listed.map_err(|error| Failed::Recording(error.into()))? {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(ended) => Ok(ended?),
        }
    }
}

/// Of a recording without times.
const TIMELESS: &str = "this recording does not tell when hostcalls were made and how long they \
     took: rr-dap 0.1.0 did not note it, and recorders that share no memory with the host cannot";

/// When a hostcall was made, and how long it took, as far as the recording tells.
#[derive(Clone, Copy)]
struct Clocked {
    time: Option<WallTime>,
    took: Option<Duration>,
}

impl Clocked {
    /// A line with what the clock says of it.
    fn text(self, with_time: bool, line: String) -> String {
        let took = took_text(self.took);
        match (with_time, self.time) {
            (false, _) => format!("{line}{took}"),
            (true, Some(time)) => format!("{}  {line}{took}", time.time_of_day()),
            (true, None) => format!("{:12}  {line}{took}", "-"),
        }
    }

    fn json(self, recording: &str, mut call: serde_json::Value) -> serde_json::Value {
        call["recording"] = recording.into();
        if let Some(time) = self.time {
            call["time"] = time.rfc3339().into();
        }
        if let Some(took) = self.took {
            call["durationNs"] = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).into();
        }
        call
    }
}

/// Lines on their way to standard output: many at once where they come fast, each as soon
/// as it is there where they come slowly.
struct Lines {
    out: io::BufWriter<Box<dyn Write + Send>>,
    /// Of text: what is written is marked for it.
    paint: Paint,
    is_json: bool,
    flushed: Instant,
}

/// Longer than this no line waits for the next.
const WAITS: Duration = Duration::from_millis(50);

impl Lines {
    fn new(is_json: bool) -> Lines {
        let out: Box<dyn Write + Send> = match is_json {
            true => Box::new(terminal::listing(true)),
            false => Box::new(terminal::stdout()),
        };
        Lines {
            out: io::BufWriter::with_capacity(1 << 16, out),
            paint: Colour::Auto.paint(&io::stdout()),
            is_json,
            flushed: Instant::now(),
        }
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        match self.is_json {
            true => writeln!(self.out, "{line}")?,
            false => writeln!(self.out, "{}", self.paint.shown(line))?,
        }
        match self.flushed.elapsed() > WAITS {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = Instant::now();
        self.out.flush()
    }
}

/// Most bytes of one value in a line.
const TEXT_LIMIT: usize = 160;
/// Most bytes of one value in JSON.
const JSON_LIMIT: usize = 64 << 10;

fn text(name: &str, call: &Hostcall, unanswered: Unanswered) -> String {
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
        HostcallAnswer::Missing => format!(" ({})", unanswered.text()),
        HostcallAnswer::Late => " (its answer comes after many more)".to_owned(),
    };
    line(
        call.call.event,
        call.depth,
        name,
        &arguments.join(", "),
        &answer,
    )
}

/// A hostcall as a line of text.
fn line(event: u64, depth: usize, name: &str, arguments: &str, answer: &str) -> String {
    let indent = depth.min(MAX_INDENT) * 2;
    format!("{event:>8}  {:indent$}{name}({arguments}){answer}", "")
}

/// Deeper nesting is not shown: it would only push the text out of sight.
const MAX_INDENT: usize = 20;

fn json(
    name: &str,
    is_plumbing: bool,
    call: &Hostcall,
    unanswered: Unanswered,
) -> serde_json::Value {
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
        "name": name,
        "builtin": is_plumbing,
        "arguments": arguments,
        "lowered": { "arguments": flat(&call.call.args) },
        "answered": match call.answer {
            HostcallAnswer::Returned { .. } => Some(true),
            HostcallAnswer::Missing => Some(false),
            // Not known when the line is printed.
            HostcallAnswer::Late => None,
        },
    });
    if call.answer == HostcallAnswer::Missing {
        object["unanswered"] = unanswered.text().into();
    }
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
