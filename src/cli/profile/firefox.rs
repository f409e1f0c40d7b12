//! The Firefox Profiler's processed profile format. A tick is shown as a nanosecond, and is
//! the unit of weights.

use super::timed;
use crate::inspect::profile::{Frame, Kind, Profile};
use crate::replay::contexts::Crossed;
use crate::trace::Trace;
use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use fxprof_processed_profile::{
    CategoryColor, CategoryHandle, CpuDelta, Frame as Label, FrameFlags, FrameInfo, MarkerFieldFlags,
    MarkerFieldFormat, MarkerTiming, Profile as Processed, ReferenceTimestamp, SamplingInterval,
    StaticSchemaMarker, StaticSchemaMarkerField, StringHandle, Timestamp, WeightType,
};
use serde_json::Value;
use std::collections::HashMap;
use std::io::Write;

/// Writes a profile.
pub(super) fn write(
    profile: &Profile,
    trace: &Trace,
    is_compressed: bool,
    to: &mut impl Write,
) -> anyhow::Result<()> {
    let mut value = serde_json::to_value(processed(profile, trace))?;
    Lines { profile }.put_into(&mut value)?;
    if is_compressed {
        let mut packed = GzEncoder::new(to, Compression::default());
        serde_json::to_writer(&mut packed, &value)?;
        packed.finish()?;
    } else {
        serde_json::to_writer(to, &value)?;
    }
    Ok(())
}

fn at(tick: u64) -> Timestamp {
    Timestamp::from_nanos_since_reference(tick)
}

fn processed(profile: &Profile, trace: &Trace) -> Processed {
    let started = trace.metadata().started as f64 * 1000.0;
    let slices = profile.contexts().slices().len().max(1) as u64;
    let mut processed = Processed::new(
        "rr-dap",
        ReferenceTimestamp::from_millis_since_unix_epoch(started),
        SamplingInterval::from_nanos((profile.end().0 / slices).max(1)),
    );
    processed.set_symbolicated(true);
    let process = processed.add_process(&trace.metadata().program, 1, at(0));
    processed.set_process_end_time(process, at(profile.end().0));
    let thread = processed.add_thread(process, 1, at(0), true);
    processed.set_thread_name(thread, "guest");
    processed.set_thread_end_time(thread, at(profile.end().0));
    processed.set_thread_samples_weight_type(thread, WeightType::Samples);
    processed.set_thread_show_markers_in_timeline(thread, true);
    let categories = Categories::new(&mut processed);
    // The label is the frame's number: names and lines are put in afterwards.
    let frames: Vec<_> = profile
        .frames()
        .iter()
        .enumerate()
        .map(|(number, frame)| {
            let label = processed.intern_string(&number.to_string());
            let info = FrameInfo {
                frame: Label::Label(label),
                category_pair: categories.of(profile, frame).into(),
                flags: FrameFlags::empty(),
            };
            processed.intern_frame(thread, info)
        })
        .collect();
    let mut stacks = Vec::with_capacity(profile.stacks().len());
    for stack in profile.stacks() {
        let below = stack.below.and_then(|below| stacks.get(below.0 as usize));
        let frame = frames[stack.frame as usize];
        stacks.push(processed.intern_stack(thread, below.copied(), frame));
    }
    for ran in timed::ran(profile) {
        let mut rest = ran.ticks.end - ran.ticks.start;
        while rest > 0 {
            let weight = i32::try_from(rest).unwrap_or(i32::MAX);
            let stack = stacks.get(ran.stack.0 as usize).copied();
            let when = at(ran.ticks.end - rest);
            processed.add_sample(thread, when, stack, CpuDelta::from_nanos(weight as u64), weight);
            rest -= weight as u64;
        }
    }
    let name = "Memory of the guest";
    let counter = processed.add_counter(process, name, "Memory", "Size of all linear memories");
    let mut before = 0;
    for slice in profile.contexts().slices() {
        let grown = slice.memory as f64 - before as f64;
        before = slice.memory;
        processed.add_counter_sample(counter, at(slice.end.0), grown, u32::from(grown != 0.0));
    }
    for (is_request, all) in [
        (false, profile.contexts().hostcalls()),
        (true, profile.contexts().entries()),
    ] {
        for crossed in all {
            if let Some(marker) = Crossing::of(&mut processed, trace, crossed, is_request) {
                let end = crossed.end.unwrap_or(profile.end());
                let timing = MarkerTiming::Interval(at(crossed.begin.0), at(end.0));
                processed.add_marker(thread, timing, marker);
            }
        }
    }
    processed
}

struct Categories {
    guest: CategoryHandle,
    library: CategoryHandle,
    hostcall: CategoryHandle,
}

impl Categories {
    fn new(processed: &mut Processed) -> Categories {
        Categories {
            guest: processed.add_category("Guest", CategoryColor::Blue),
            library: processed.add_category("Library", CategoryColor::Gray),
            hostcall: processed.add_category("Hostcalls", CategoryColor::Orange),
        }
    }

    fn of(&self, profile: &Profile, frame: &Frame) -> CategoryHandle {
        match profile.function(frame.function).map(|function| function.kind) {
            Some(Kind::Guest) => self.guest,
            Some(Kind::Library) => self.library,
            Some(Kind::Hostcall) => self.hostcall,
            Some(Kind::Unknown) | None => CategoryHandle::OTHER,
        }
    }
}

/// A hostcall, or a call of an export.
struct Crossing {
    name: StringHandle,
    is_request: bool,
    event: u64,
    /// By the host's clock, in milliseconds, if the recording has it.
    host_time: f64,
}

impl Crossing {
    fn of(
        processed: &mut Processed,
        trace: &Trace,
        crossed: &Crossed,
        is_request: bool,
    ) -> Option<Crossing> {
        let crossing = trace.component().crossing(crossed.crossing)?;
        let name = processed.intern_string(&crossing.name.to_string());
        Some(Crossing {
            name,
            is_request,
            event: crossed.event,
            host_time: 0.0,
        })
    }
}

impl StaticSchemaMarker for Crossing {
    const UNIQUE_MARKER_TYPE_NAME: &'static str = "crossing";
    const CHART_LABEL: Option<&'static str> = Some("{marker.name}");
    const TABLE_LABEL: Option<&'static str> = Some("{marker.name}, hostcall {marker.data.event}");
    const FIELDS: &'static [StaticSchemaMarkerField] = &[
        StaticSchemaMarkerField {
            key: "event",
            label: "Hostcalls before it",
            format: MarkerFieldFormat::Integer,
            flags: MarkerFieldFlags::SEARCHABLE,
        },
        StaticSchemaMarkerField {
            key: "host",
            label: "Time on the host",
            format: MarkerFieldFormat::Milliseconds,
            flags: MarkerFieldFlags::empty(),
        },
    ];

    fn name(&self, _: &mut Processed) -> StringHandle {
        self.name
    }

    fn category(&self, processed: &mut Processed) -> CategoryHandle {
        match self.is_request {
            true => processed.add_category("Calls of exports", CategoryColor::Green),
            false => processed.add_category("Hostcalls", CategoryColor::Orange),
        }
    }

    fn string_field_value(&self, _: u32) -> StringHandle {
        self.name
    }

    fn number_field_value(&self, field: u32) -> f64 {
        match field {
            0 => self.event as f64,
            _ => self.host_time,
        }
    }
}

/// Names, files and lines, which the crate has no door for: its functions are the numbers
/// of frames, and become functions.
struct Lines<'a> {
    profile: &'a Profile,
}

impl Lines<'_> {
    fn put_into(&self, value: &mut Value) -> anyhow::Result<()> {
        let threads = value.get_mut("threads").and_then(Value::as_array_mut);
        for thread in threads.into_iter().flatten() {
            self.thread(thread).context("the profile's tables do not fit each other")?;
        }
        Ok(())
    }

    fn thread(&self, thread: &mut Value) -> Option<()> {
        let mut strings = Strings::new(std::mem::take(thread.get_mut("stringArray")?))?;
        let old = thread.get("funcTable")?;
        let names = old.get("name")?.as_array()?;
        let mut functions = Functions::default();
        let mut lines = Vec::with_capacity(names.len());
        let mut renamed = Vec::with_capacity(names.len());
        for name in names {
            let number = strings.get(name.as_u64()?)?.parse::<u32>().ok()?;
            let frame = self.profile.frame(number)?;
            renamed.push(functions.number(self.profile, frame, &mut strings));
            lines.push(frame.at.as_ref().map(|(_, line)| *line));
        }
        let frames = thread.get_mut("frameTable")?;
        let of_frames = frames.get("func")?.as_array()?.iter();
        let of_frames = of_frames.map(|function| Some(function.as_u64()? as usize));
        let of_frames: Vec<usize> = of_frames.collect::<Option<_>>()?;
        let column = |values: &mut dyn Iterator<Item = Value>| Value::Array(values.collect());
        let renamed = |at: &usize| renamed.get(*at).copied().into();
        frames["func"] = column(&mut of_frames.iter().map(renamed));
        let line = |at: &usize| lines.get(*at).copied().flatten().into();
        frames["line"] = column(&mut of_frames.iter().map(line));
        thread["funcTable"] = functions.table();
        thread["stringArray"] = Value::Array(strings.all);
        Some(())
    }
}

struct Strings {
    all: Vec<Value>,
    numbers: HashMap<String, u64>,
}

impl Strings {
    fn new(all: Value) -> Option<Strings> {
        let Value::Array(all) = all else { return None };
        Some(Strings {
            all,
            numbers: HashMap::new(),
        })
    }

    fn get(&self, number: u64) -> Option<&str> {
        self.all.get(number as usize)?.as_str()
    }

    fn number(&mut self, text: &str) -> u64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.all.len() as u64;
        self.all.push(text.into());
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

/// The table of functions.
#[derive(Default)]
struct Functions {
    numbers: HashMap<u32, u64>,
    name: Vec<Value>,
    file: Vec<Value>,
    line: Vec<Value>,
}

impl Functions {
    fn number(&mut self, profile: &Profile, frame: &Frame, strings: &mut Strings) -> u64 {
        if let Some(number) = self.numbers.get(&frame.function.0) {
            return *number;
        }
        let number = self.name.len() as u64;
        self.numbers.insert(frame.function.0, number);
        let function = profile.function(frame.function);
        let name = function.map_or("", |function| &function.name);
        self.name.push(strings.number(name).into());
        let file = function.and_then(|function| function.file.as_deref());
        // Frames of a function without a declaration say which file they are of.
        let file = file.or(frame.at.as_ref().map(|(file, _)| &**file));
        self.file.push(file.map(|file| strings.number(file)).into());
        let line = function.map(|function| function.line);
        self.line.push(line.filter(|line| *line > 0).into());
        number
    }

    fn table(self) -> Value {
        let length = self.name.len();
        serde_json::json!({
            "length": length,
            "name": self.name,
            "isJS": vec![false; length],
            "relevantForJS": vec![false; length],
            "resource": vec![-1; length],
            "fileName": self.file,
            "lineNumber": self.line,
            "columnNumber": vec![Value::Null; length],
        })
    }
}
