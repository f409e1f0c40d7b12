//! The Firefox Profiler's processed profile format, in version 55. A tick is shown as a
//! nanosecond, and is the unit of weights.
//!
//! The crate for this format knows neither files nor lines, and weights of 32 bits; so the
//! tables are written here.

use super::timed;
use crate::inspect::profile::{Frame, Kind, Profile};
use crate::replay::Tick;
use crate::replay::contexts::Crossed;
use crate::trace::{HostTimes, Trace};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// The version of the format.
const VERSION: u32 = 55;

/// Writes a profile.
pub(super) fn write(
    profile: &Profile,
    trace: &Trace,
    is_compressed: bool,
    to: &mut impl Write,
) -> anyhow::Result<()> {
    let processed = Processed::of(profile, trace);
    if is_compressed {
        let mut packed = GzEncoder::new(to, Compression::default());
        serde_json::to_writer(&mut packed, &processed)?;
        packed.finish()?;
    } else {
        serde_json::to_writer(to, &processed)?;
    }
    Ok(())
}

/// A tick in milliseconds.
fn ms(tick: u64) -> f64 {
    tick as f64 / 1e6
}

#[derive(Serialize)]
struct Processed {
    meta: Value,
    libs: [(); 0],
    threads: [Thread; 1],
    pages: [(); 0],
    #[serde(rename = "profilerOverhead")]
    profiler_overhead: [(); 0],
    counters: [Value; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Thread {
    name: &'static str,
    is_main_thread: bool,
    process_type: &'static str,
    process_name: String,
    process_startup_time: f64,
    process_shutdown_time: f64,
    register_time: f64,
    unregister_time: Option<f64>,
    paused_ranges: [(); 0],
    pid: &'static str,
    tid: &'static str,
    show_markers_in_timeline: bool,
    frame_table: Frames,
    func_table: Functions,
    stack_table: Stacks,
    samples: Samples,
    markers: Markers,
    native_symbols: Value,
    resource_table: Value,
    string_array: Vec<String>,
}

/// The categories, by number.
const CATEGORIES: [(&str, &str); 5] = [
    ("Other", "grey"),
    ("Guest", "blue"),
    ("Library", "lightblue"),
    ("Hostcalls", "orange"),
    ("Calls of exports", "green"),
];
const OTHER: u32 = 0;
const GUEST: u32 = 1;
const LIBRARY: u32 = 2;
const HOSTCALLS: u32 = 3;
const EXPORTS: u32 = 4;
/// The subcategories of each.
const SUBCATEGORIES: [&str; 2] = ["Other", "Inlined"];

impl Processed {
    fn of(profile: &Profile, trace: &Trace) -> Processed {
        let slices = profile.contexts().slices().len().max(1) as u64;
        let categories = CATEGORIES.map(
            |(name, color)| json!({"name": name, "color": color, "subcategories": SUBCATEGORIES}),
        );
        let meta = json!({
            "version": 24,
            "preprocessedProfileVersion": VERSION,
            "product": "rr-dap",
            "processType": 0,
            "startTime": trace.metadata().started as f64 * 1000.0,
            "interval": ms((profile.end().0 / slices).max(1)),
            "debug": false,
            "symbolicated": true,
            "pausedRanges": [],
            "extensions": {"length": 0, "baseURL": [], "id": [], "name": []},
            "sampleUnits": {"eventDelay": "ms", "threadCPUDelta": "ns", "time": "ms"},
            "usesOnlyOneStackType": true,
            "sourceCodeIsNotOnSearchfox": true,
            "categories": categories,
            "markerSchema": [schema("hostcall"), schema("export")],
        });
        Processed {
            meta,
            libs: [],
            threads: [Thread::of(profile, trace)],
            pages: [],
            profiler_overhead: [],
            counters: [memory(profile)],
        }
    }
}

fn schema(name: &str) -> Value {
    json!({
        "name": name,
        "display": ["marker-chart", "marker-table", "timeline-overview"],
        "chartLabel": "{marker.name}",
        "tableLabel": "{marker.name} (hostcall {marker.data.event})",
        "fields": [
            {"key": "event", "label": "Number of the hostcall", "format": "integer", "searchable": true},
            {"key": "begin", "label": "Tick", "format": "integer"},
            {"key": "host", "label": "On the host's clock since the recording began", "format": "milliseconds"},
            {"key": "took", "label": "Took on the host's clock", "format": "milliseconds"},
        ],
    })
}

/// How much memory the guest has.
fn memory(profile: &Profile) -> Value {
    let slices = profile.contexts().slices();
    let mut before = (0, 0);
    let mut deltas: Vec<f64> = Vec::with_capacity(slices.len());
    let mut counts: Vec<i64> = Vec::with_capacity(slices.len());
    for slice in slices {
        deltas.push(ms(slice.end.0 - before.0));
        counts.push(slice.memory.cast_signed() - before.1);
        before = (slice.end.0, slice.memory.cast_signed());
    }
    json!({
        "name": "Linear memories",
        "category": "Memory",
        "description": "Size of all linear memories of the guest",
        "pid": "1",
        "mainThreadIndex": 0,
        "samples": {
            "length": slices.len(),
            "timeDeltas": deltas,
            "number": counts.iter().map(|grown| u32::from(*grown != 0)).collect::<Vec<_>>(),
            "count": counts,
        },
    })
}

impl Thread {
    fn of(profile: &Profile, trace: &Trace) -> Thread {
        let mut strings = Strings::default();
        let end = ms(profile.end().0);
        let program = &trace.metadata().program;
        let process_name = program.rsplit('/').next().unwrap_or(program).to_owned();
        let (func_table, frame_table) = tables(profile, &mut strings);
        let markers = Markers::of(profile, trace, &mut strings);
        Thread {
            name: "guest",
            is_main_thread: true,
            process_type: "default",
            process_name,
            process_startup_time: 0.0,
            process_shutdown_time: end,
            register_time: 0.0,
            unregister_time: Some(end),
            paused_ranges: [],
            pid: "1",
            tid: "1",
            show_markers_in_timeline: true,
            frame_table,
            func_table,
            stack_table: Stacks::of(profile),
            samples: Samples::of(profile),
            markers,
            native_symbols: json!({"length": 0, "address": [], "functionSize": [], "libIndex": [], "name": []}),
            resource_table: json!({"length": 0, "lib": [], "name": [], "host": [], "type": []}),
            string_array: strings.all,
        }
    }
}

#[derive(Default)]
struct Strings {
    all: Vec<String>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Strings {
    fn number(&mut self, text: &Arc<str>) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.all.len() as u32;
        self.all.push(text.to_string());
        self.numbers.insert(text.clone(), number);
        number
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Frames {
    length: usize,
    address: Vec<i32>,
    inline_depth: Vec<u32>,
    category: Vec<u32>,
    subcategory: Vec<u32>,
    func: Vec<u32>,
    native_symbol: Vec<()>,
    #[serde(rename = "innerWindowID")]
    inner_window_id: Vec<u32>,
    line: Vec<Option<u32>>,
    column: Vec<()>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Functions {
    length: usize,
    name: Vec<u32>,
    #[serde(rename = "isJS")]
    is_js: Vec<bool>,
    #[serde(rename = "relevantForJS")]
    relevant_for_js: Vec<bool>,
    resource: Vec<i32>,
    file_name: Vec<Option<u32>>,
    line_number: Vec<Option<u32>>,
    column_number: Vec<()>,
}

/// A frame's file is its function's: one whose lines are of several files, as those of macros
/// may be, is a function for each.
fn tables(profile: &Profile, strings: &mut Strings) -> (Functions, Frames) {
    let mut functions = Functions::default();
    let mut numbers: HashMap<(u32, Option<u32>), u32> = HashMap::new();
    let mut frames = Frames::default();
    for frame in profile.frames() {
        let function = profile.function(frame.function);
        let declared = function.and_then(|function| function.file.as_ref());
        let file = frame.at.as_ref().map(|(file, _)| file).or(declared);
        let file = file.map(|file| strings.number(file));
        let func = *numbers.entry((frame.function.0, file)).or_insert_with(|| {
            let line = function.map(|function| function.line);
            let name = function.map_or_else(|| "".into(), |function| function.name.clone());
            functions.name.push(strings.number(&name));
            functions.is_js.push(false);
            functions.relevant_for_js.push(false);
            functions.resource.push(-1);
            functions.file_name.push(file);
            functions.line_number.push(line.filter(|line| *line > 0));
            functions.column_number.push(());
            functions.length += 1;
            functions.length as u32 - 1
        });
        frames.address.push(-1);
        frames.inline_depth.push(0);
        frames.category.push(category(profile, frame));
        frames.subcategory.push(u32::from(frame.is_inlined));
        frames.func.push(func);
        frames.native_symbol.push(());
        frames.inner_window_id.push(0);
        frames.line.push(frame.at.as_ref().map(|(_, line)| *line));
        frames.column.push(());
        frames.length += 1;
    }
    (functions, frames)
}

fn category(profile: &Profile, frame: &Frame) -> u32 {
    match profile
        .function(frame.function)
        .map(|function| function.kind)
    {
        Some(Kind::Guest) => GUEST,
        Some(Kind::Library) => LIBRARY,
        Some(Kind::Hostcall) => HOSTCALLS,
        Some(Kind::Unknown) | None => OTHER,
    }
}

#[derive(Serialize)]
struct Stacks {
    length: usize,
    prefix: Vec<Option<u32>>,
    frame: Vec<u32>,
}

impl Stacks {
    fn of(profile: &Profile) -> Stacks {
        let stacks = profile.stacks();
        let prefix = stacks.iter().map(|stack| stack.below.map(|below| below.0));
        Stacks {
            length: stacks.len(),
            prefix: prefix.collect(),
            frame: stacks.iter().map(|stack| stack.frame).collect(),
        }
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Samples {
    length: usize,
    weight_type: &'static str,
    stack: Vec<u32>,
    time_deltas: Vec<f64>,
    weight: Vec<u64>,
    #[serde(rename = "threadCPUDelta")]
    thread_cpu_delta: Vec<u64>,
}

impl Samples {
    fn of(profile: &Profile) -> Samples {
        let mut samples = Samples {
            weight_type: "samples",
            ..Samples::default()
        };
        let mut before = 0;
        for ran in timed::ran(profile) {
            let ticks = ran.ticks.end - ran.ticks.start;
            samples.stack.push(ran.stack.0);
            samples.time_deltas.push(ms(ran.ticks.start - before));
            samples.weight.push(ticks);
            samples.thread_cpu_delta.push(ran.ticks.start - before);
            samples.length += 1;
            before = ran.ticks.start;
        }
        samples
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Markers {
    length: usize,
    name: Vec<u32>,
    category: Vec<u32>,
    /// All are intervals.
    phase: Vec<u32>,
    start_time: Vec<f64>,
    end_time: Vec<f64>,
    data: Vec<Marker>,
}

/// A hostcall, or a call of an export.
#[derive(Serialize)]
struct Marker {
    #[serde(rename = "type")]
    kind: &'static str,
    event: u64,
    begin: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took: Option<f64>,
}

impl Markers {
    fn of(profile: &Profile, trace: &Trace, strings: &mut Strings) -> Markers {
        let mut markers = Markers::default();
        let contexts = profile.contexts();
        let times = HostTimes::of(trace);
        let elapsed = |event| Some(times.at(event)?.elapsed());
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        for crossed in contexts.hostcalls() {
            let crossing = trace.component().crossing(crossed.crossing);
            let name = crossing.map(|crossing| crossing.name.to_string());
            let name = name.unwrap_or_default();
            markers.add(
                crossed,
                name,
                ("hostcall", HOSTCALLS),
                profile.end(),
                strings,
            );
            if let Some(marker) = markers.data.last_mut() {
                marker.host = elapsed(crossed.event).map(millis);
                marker.took = times.duration(crossed.event).map(millis);
            }
        }
        let names = timed::names_of_entries(trace, contexts.entries());
        for (crossed, name) in contexts.entries().iter().zip(names) {
            markers.add(crossed, name, ("export", EXPORTS), profile.end(), strings);
            if let Some(marker) = markers.data.last_mut() {
                let begun = elapsed(crossed.event);
                marker.host = begun.map(millis);
                // As far as hostcalls tell.
                let took = || elapsed(crossed.last_event)?.checked_sub(begun?);
                marker.took = took().map(millis);
            }
        }
        markers
    }

    fn add(
        &mut self,
        crossed: &Crossed,
        name: String,
        (kind, category): (&'static str, u32),
        end: Tick,
        strings: &mut Strings,
    ) {
        const INTERVAL: u32 = 1;
        self.name.push(strings.number(&name.into()));
        self.category.push(category);
        self.phase.push(INTERVAL);
        self.start_time.push(ms(crossed.begin.0));
        self.end_time.push(ms(crossed.end.unwrap_or(end).0));
        self.data.push(Marker {
            kind,
            event: crossed.event,
            begin: crossed.begin.0,
            host: None,
            took: None,
        });
        self.length += 1;
    }
}
