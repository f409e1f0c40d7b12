//! Motion through a recording: exact, and the same both ways.

use crate::support::walk::hostcalls_both_ways;
use rr_dap::component::Component;
use rr_dap::record::{self, Preopen, WasiOptions};
use rr_dap::replay::Phase;
use rr_dap::replay::variant::CacheDir;
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Ending, HostcallFilter, Motion, Place, Reason, Step, Stop,
};
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::Trace;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use Direction::{Backward, Forward};

/// Records a fixture and opens the recording.
fn open(name: &str, args: &[&str]) -> (tempfile::TempDir, Timeline) {
    let dir = tempfile::tempdir().expect("a directory");
    let wasm = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    let output = dir.path().join("t.rrtrace");
    let options = WasiOptions {
        program: name.into(),
        args: args.iter().map(|a| (*a).to_owned()).collect(),
        dirs: vec![Preopen {
            host: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures"),
            guest: "/work".into(),
        }],
        ..WasiOptions::default()
    };
    let bytes = rr_dap::component::component_bytes(&wasm).expect("the fixture");
    let component = Component::parse(bytes).expect("parses");
    record::run(Arc::new(component), &options, &output, false, |_| {}).expect("records");
    let trace = Arc::new(Trace::open(&output).expect("opens"));
    let options = Options::new(
        env!("CARGO_BIN_EXE_rr-dap").into(),
        CacheDir::open_default().expect("a cache"),
    );
    let timeline = Timeline::open(trace, &options, &Interrupt::new(), &|_| {}).expect("a timeline");
    (dir, timeline)
}

fn go(timeline: &mut Timeline, motion: Motion) -> Stop {
    timeline
        .travel(&motion, &Interrupt::new())
        .unwrap_or_else(|e| panic!("{motion:?}: {e}"))
}

fn line(timeline: &mut Timeline) -> Option<(String, u32)> {
    let frames = timeline.frames().expect("frames");
    let frame = frames.iter().find(|f| {
        timeline
            .module(f.module)
            .is_some_and(|m| m.source.line_at(f.pc).is_some())
    })?;
    let source = &timeline.module(frame.module)?.source;
    let at = source.line_at(frame.pc)?;
    Some((source.file(at.file).to_owned(), at.line))
}

/// Everything of the state that motion must bring back.
fn state(timeline: &mut Timeline) -> impl PartialEq + std::fmt::Debug + use<> {
    let frames = timeline.frames().expect("frames");
    let locals: Vec<_> = (0..frames.len())
        .map(|i| timeline.locals(i).expect("locals"))
        .collect();
    let memory = frames.first().map(|f| {
        let bytes = timeline.memory(f.instance, 0, 0, 1 << 24).expect("memory");
        crc32fast::hash(&bytes)
    });
    (frames, locals, memory)
}

fn break_at(timeline: &mut Timeline, file_end: &str, line: u32) {
    let mut places = Vec::new();
    for (i, module) in timeline.modules().iter().enumerate() {
        let files: Vec<String> = module.source.files().map(|(_, f)| f.to_owned()).collect();
        for file in files.iter().filter(|f| f.ends_with(file_end)) {
            for statement in module.source.breakpoint_places(file, line) {
                places.push(Place::Code {
                    module: rr_dap::component::ModuleId(i as u32),
                    pc: statement.pc,
                });
            }
        }
    }
    assert!(!places.is_empty(), "no code at {file_end}:{line}");
    timeline.set_breakpoints(vec![Breakpoint::new(BreakpointId(1), places)]);
}

#[test]
fn the_stops_of_a_reverse_run_are_the_forward_stops_reversed() {
    let (_dir, mut timeline) = open("ledger.wasm", &[]);
    let main_line = {
        go(&mut timeline, Motion::Entry);
        line(&mut timeline).expect("main has a line")
    };
    break_at(&mut timeline, "ledger.c", 45);
    let mut forward = Vec::new();
    loop {
        let stop = go(&mut timeline, Motion::Continue(Forward));
        if matches!(stop.reason, Reason::End(_)) {
            assert!(matches!(stop.reason, Reason::End(Ending::Trapped(_))));
            break;
        }
        forward.push((stop.position, state(&mut timeline)));
    }
    assert!(forward.len() > 3, "{main_line:?}: {}", forward.len());
    let mut backward = Vec::new();
    loop {
        let stop = go(&mut timeline, Motion::Continue(Backward));
        if stop.reason == Reason::Start {
            break;
        }
        backward.push((stop.position, state(&mut timeline)));
    }
    backward.reverse();
    assert_eq!(forward, backward);
}

#[test]
fn line_steps_backward_undo_line_steps_forward() {
    let (_dir, mut timeline) = open("ledger.wasm", &[]);
    go(&mut timeline, Motion::Entry);
    let mut forward = vec![(timeline.here().position, line(&mut timeline))];
    for _ in 0..60 {
        let stop = go(&mut timeline, Motion::Line(Forward, Step::Over));
        if matches!(stop.reason, Reason::End(_)) {
            break;
        }
        forward.push((stop.position, line(&mut timeline)));
    }
    let (last, _) = forward.last().expect("at least the entry");
    go(&mut timeline, Motion::Position(*last));
    for (position, at) in forward.iter().rev().skip(1) {
        let stop = go(&mut timeline, Motion::Line(Backward, Step::Over));
        assert_eq!((stop.position, &line(&mut timeline)), (*position, at));
    }
}

#[test]
fn seeking_brings_the_same_state_from_anywhere() {
    let (_dir, mut timeline) = open("ledger.wasm", &[]);
    let mut seen = Vec::new();
    go(&mut timeline, Motion::Entry);
    for i in 0..40 {
        let motion = match i % 4 {
            0 => Motion::Line(Forward, Step::Into),
            1 => Motion::Hostcall(Forward, HostcallFilter::ANY),
            2 => Motion::Line(Forward, Step::Out),
            _ => Motion::Instruction(Forward, Step::Into),
        };
        let stop = go(&mut timeline, motion);
        if matches!(stop.reason, Reason::End(_)) {
            break;
        }
        seen.push((stop.position, state(&mut timeline)));
    }
    for i in 0..seen.len() {
        // A walk that goes back and forth.
        let (position, expected) = &seen[i * 7 % seen.len()];
        let stop = go(&mut timeline, Motion::Position(*position));
        assert_eq!(stop.position, *position);
        assert_eq!(&state(&mut timeline), expected);
    }
}

#[test]
fn instruction_steps_backward_undo_instruction_steps_forward() {
    let (_dir, mut timeline) = open("ledger.wasm", &[]);
    go(&mut timeline, Motion::Entry);
    let mut forward = vec![timeline.here().position];
    for _ in 0..200 {
        forward.push(go(&mut timeline, Motion::Instruction(Forward, Step::Into)).position);
    }
    assert!(forward.is_sorted());
    for position in forward.iter().rev().skip(1) {
        let stop = go(&mut timeline, Motion::Instruction(Backward, Step::Into));
        assert_eq!(stop.position, *position);
    }
}

#[test]
fn hostcalls_are_walked_both_ways() {
    let (_dir, mut timeline) = open("ledger.wasm", &[]);
    assert!(hostcalls_both_ways(&mut timeline) > 10);
}

#[test]
fn a_step_over_a_hostcall_ends_where_it_is_answered() {
    let (_dir, mut timeline) = open("ledger.wasm", &[]);
    let mut answered = Vec::new();
    for event in [0, 3, 7] {
        let calling = go(&mut timeline, Motion::Event(event));
        assert_eq!(calling.position.phase, Phase::Calling);
        let stop = go(
            &mut timeline,
            Motion::OverHostcall(Forward, HostcallFilter::ANY),
        );
        assert_eq!(stop.position.phase, Phase::Answered);
        assert_eq!(stop.event, event + 1);
        assert!(stop.position > calling.position);
        let crossing = timeline.crossing().expect("a replayer").expect("a call");
        assert_eq!(crossing.calling.event, event);
        answered.push((stop.position, state(&mut timeline)));
        // From between two hostcalls, over the next one.
        let next = go(
            &mut timeline,
            Motion::OverHostcall(Forward, HostcallFilter::ANY),
        );
        assert_eq!(
            (next.position.phase, next.event),
            (Phase::Answered, event + 2)
        );
        let back = go(
            &mut timeline,
            Motion::OverHostcall(Backward, HostcallFilter::ANY),
        );
        assert_eq!(
            (back.position.phase, back.event),
            (Phase::Calling, event + 1)
        );
        let back = go(
            &mut timeline,
            Motion::OverHostcall(Backward, HostcallFilter::ANY),
        );
        assert_eq!(back.position, calling.position);
    }
    for (position, expected) in answered {
        go(&mut timeline, Motion::Start);
        assert_eq!(
            go(&mut timeline, Motion::Position(position)).position,
            position
        );
        assert_eq!(state(&mut timeline), expected);
        let stop = go(&mut timeline, Motion::Instruction(Backward, Step::Into));
        assert!(stop.position < position);
        let stop = go(&mut timeline, Motion::Instruction(Forward, Step::Into));
        assert!(stop.position > position);
    }
}

#[test]
fn marks_and_filters_lead_to_their_places() {
    let (_dir, mut timeline) = open("ledger.wasm", &[]);
    let first = go(&mut timeline, Motion::Event(2)).position;
    timeline.mark("here");
    let filter = HostcallFilter::named("output-stream");
    let forward = Motion::Hostcall(Forward, filter.clone());
    let mut stops = Vec::new();
    loop {
        let stop = go(&mut timeline, forward.clone());
        if matches!(stop.reason, Reason::End(_)) {
            break;
        }
        assert_eq!(stop.reason, Reason::Arrived);
        stops.push(stop.position);
    }
    assert!(stops.len() > 3, "{stops:?}");
    for position in stops.iter().rev() {
        let stop = go(&mut timeline, Motion::Hostcall(Backward, filter.clone()));
        assert_eq!(stop.position, *position);
    }
    assert_eq!(
        go(&mut timeline, Motion::Mark("here".into())).position,
        first
    );
    let error = timeline.travel(&Motion::Mark("there".into()), &Interrupt::new());
    assert!(error.is_err_and(|e| e.to_string().contains("mark there")));
}

#[test]
fn what_failed_last_is_read_off_the_recording_as_a_motion_finds_it() {
    let mut found = 0;
    for (app, args) in [
        ("ledger.wasm", &["/work/none"][..]),
        ("ledger.wasm", &[]),
        ("kitchen.wasm", &[]),
        ("kitchen-O2.wasm", &[]),
    ] {
        let (_dir, mut timeline) = open(app, args);
        go(&mut timeline, Motion::End);
        let mut before = u64::MAX;
        // Each of them, from the last one back.
        loop {
            let filter = HostcallFilter {
                failed: true,
                ..HostcallFilter::ANY
            };
            let moved = timeline.travel(&Motion::Hostcall(Backward, filter), &Interrupt::new());
            let by_motion = moved.ok().filter(|stop| stop.reason == Reason::Arrived);
            let by_motion = by_motion.map(|stop| stop.event);
            let read = timeline.trace().last_failed(before, || true).unwrap();
            assert_eq!(read, by_motion, "{app} before {before}");
            let Some(event) = read else { break };
            before = event;
            found += 1;
        }
    }
    assert!(found > 1, "only {found} calls failed");
}
