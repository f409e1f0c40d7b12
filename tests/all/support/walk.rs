//! A timeline and the oracle's word on it, side by side.

use super::oracle::{Oracle, State, state_here};
use super::replayers::Replayers;
use rr_dap::replay::variant::CacheDir;
use rr_dap::timeline::travel::motion::{
    Breakpoint, Direction, HostcallFilter, Motion, Reason, Step, Stop,
};
use rr_dap::timeline::{First, Interrupt, Options, Timeline};
use rr_dap::trace::Trace;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// One test for each guest.
macro_rules! each {
    ($($name:ident: $check:expr;)*) => {
        $(#[test] fn $name() { $check })*
    };
}
pub(crate) use each;

/// A walk with so many failures has shown enough.
const MOST_FAILURES: usize = 12;

/// A guest to record, and how.
pub struct Guest {
    pub fixture: &'static str,
    options: Vec<String>,
}

/// Makes this call.
pub fn call(fixture: &'static str, call: &str) -> Guest {
    Guest {
        fixture,
        options: vec!["--invoke".into(), call.into()],
    }
}

/// Calls the fixture's `run()`.
pub fn run(fixture: &'static str) -> Guest {
    call(fixture, "run()")
}

/// Runs the fixture as the command that it is.
pub fn command(fixture: &'static str) -> Guest {
    let options = Vec::new();
    Guest { fixture, options }
}

/// Runs a command that reads the fixtures' directory as `/work`.
pub fn with_fixtures(fixture: &'static str) -> Guest {
    let fixtures = super::fixture("");
    Guest {
        fixture,
        options: vec!["--dir".into(), format!("{}::/work", fixtures.display())],
    }
}

/// Goes from hostcall to hostcall to the end, and all the way back; tells how many there are.
pub fn hostcalls_both_ways(timeline: &mut Timeline) -> usize {
    let go = |timeline: &mut Timeline, direction| {
        let motion = Motion::Hostcall(direction, HostcallFilter::ANY);
        let stop = timeline.travel(&motion, &Interrupt::new());
        stop.unwrap_or_else(|e| panic!("{motion:?}: {e}"))
    };
    let mut forward = Vec::new();
    loop {
        let stop = go(timeline, Direction::Forward);
        if matches!(stop.reason, Reason::End(_)) {
            break;
        }
        let crossing = timeline.crossing().expect("asks").expect("in a hostcall");
        assert_eq!(crossing.calling.event, stop.event);
        assert_eq!(stop.event, forward.len() as u64);
        forward.push((stop.position, crossing));
    }
    assert!(forward.is_sorted_by_key(|(position, _)| *position));
    for (position, crossing) in forward.iter().rev() {
        let stop = go(timeline, Direction::Backward);
        assert_eq!(stop.position, *position);
        assert_eq!(timeline.crossing().expect("asks").as_ref(), Some(crossing));
    }
    assert_eq!(go(timeline, Direction::Backward).reason, Reason::Start);
    forward.len()
}

/// A recording that the oracle knows and a timeline moves in.
pub struct Walk {
    name: &'static str,
    pub oracle: Oracle,
    pub timeline: Timeline,
    breakpoints: Vec<Breakpoint>,
    /// The states that are known.
    states: HashMap<usize, State>,
    /// What is being done, for whoever reads of a failure.
    pub doing: String,
    /// What went wrong: the walk goes on, for failures explain each other.
    failures: Vec<String>,
    _dir: tempfile::TempDir,
}

impl Walk {
    pub fn of(guest: &Guest) -> Walk {
        Walk::open(guest, true)
    }

    pub fn open(guest: &Guest, sweep: bool) -> Walk {
        Walk::with(guest, sweep, env!("CARGO_BIN_EXE_rr-dap").into())
    }

    /// With replayers of its own.
    pub fn apart(guest: &Guest, replayers: &Replayers) -> Walk {
        Walk::with(guest, true, replayers.program())
    }

    fn with(guest: &Guest, sweep: bool, replayer: PathBuf) -> Walk {
        let (dir, trace) = record(guest);
        let oracle = Oracle::of(trace.clone());
        let timeline = timeline_with(trace, sweep, replayer, |options| options);
        Walk {
            name: guest.fixture,
            oracle,
            timeline,
            breakpoints: Vec::new(),
            states: HashMap::new(),
            doing: String::new(),
            failures: Vec::new(),
            _dir: dir,
        }
    }

    /// Has the oracle find out the states at these moments.
    pub fn learn_states(&mut self, indices: impl IntoIterator<Item = usize>) {
        let states = self.oracle.states(indices);
        self.states.extend(states);
    }

    pub fn set_breakpoints(&mut self, breakpoints: Vec<Breakpoint>) {
        self.breakpoints = breakpoints.clone();
        self.timeline.set_breakpoints(breakpoints);
    }

    /// The moment where the timeline stands.
    pub fn here(&self) -> usize {
        self.oracle.index_of(self.timeline.here().position)
    }

    /// Goes somewhere, which must be where the oracle says; answers which moment that is.
    pub fn go(&mut self, motion: Motion) -> usize {
        let (from, ahead) = (self.here(), self.timeline.unbegun());
        let expected = self
            .oracle
            .arrival(from, ahead, &motion, &self.breakpoints)
            .unwrap_or_else(|| panic!("the oracle does not know {motion:?}"));
        let moment = self.oracle.moments[expected.index];
        let calls = expected.ahead;
        let expected = Stop {
            position: moment.position,
            event: moment.event,
            reason: expected.reason,
        };
        let got = self.timeline.travel(&motion, &Interrupt::new());
        let got_calls = self.timeline.unbegun();
        if got.as_ref().is_ok_and(|stop| in_order(stop) == expected)
            && calls.is_none_or(|calls| calls == got_calls)
        {
            return self.here();
        }
        let failure = format!(
            "{motion:?} from {} before {ahead} inlined calls{}\n  must lead to {} before \
             {calls:?} inlined calls\n  and led to   {} before {got_calls}\n{}",
            self.oracle.moments[from].position,
            self.doing,
            Shown(&expected),
            got.map_or_else(|e| e.to_string(), |stop| Shown(&stop).to_string()),
            self.context(from),
        );
        self.fail(failure);
        self.here()
    }

    fn fail(&mut self, failure: String) {
        self.failures.push(failure);
        if self.failures.len() >= MOST_FAILURES {
            self.finish();
        }
    }

    /// Everything must have been as the oracle says.
    pub fn finish(&self) {
        let name = self.name;
        let count = self.failures.len();
        assert!(
            count == 0,
            "{name}, {count} times: {}",
            self.failures.join("\n")
        );
    }

    pub fn seek(&mut self, index: usize) {
        let position = self.oracle.moments[index].position;
        self.go(Motion::Position(position));
    }

    /// The state here must be the oracle's, where that is known.
    pub fn check_state(&mut self) {
        let here = self.here();
        let Some(expected) = self.states.get(&here) else {
            return;
        };
        let got = state_here(&mut self.timeline);
        if got != *expected {
            let failure = format!(
                "the state at {}{}\n  must be {expected:?}\n  and is  {got:?}",
                self.oracle.moments[here].position, self.doing,
            );
            self.fail(failure);
        }
    }

    /// The stack at a moment, to read.
    fn context(&self, at: usize) -> String {
        let oracle = &self.oracle;
        let frames = oracle.stack(at).into_iter().take(6).map(|frame| {
            let module = oracle.activations[frame].module;
            let pc = oracle.pc_of(frame, at);
            let source = &oracle.modules[module.0 as usize].1;
            let name = source.function_index_at(pc);
            let name = name.and_then(|index| source.function_name(index));
            let line = source.line_at(pc).map(|l| l.line);
            format!("    module {} {pc:#x} {name:?} line {line:?}\n", module.0)
        });
        let frames: String = frames.collect();
        format!("  stack there, innermost first:\n{frames}")
    }
}

struct Shown<'a>(&'a Stop);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Stop {
            position,
            event,
            reason,
        } = self.0;
        write!(f, "{position}, event {event}, {reason:?}")
    }
}

/// Breakpoints at one place come in no particular order.
fn in_order(stop: &Stop) -> Stop {
    let mut stop = stop.clone();
    if let Reason::Breakpoints(ids) = &mut stop.reason {
        ids.sort_unstable();
        ids.dedup();
    }
    stop
}

/// By one instruction, into calls.
pub fn instruction(direction: Direction) -> Motion {
    Motion::Instruction(direction, Step::Into)
}

/// To the next or previous hostcall, whichever.
pub fn hostcall(direction: Direction) -> Motion {
    Motion::Hostcall(direction, HostcallFilter::ANY)
}

/// Records a guest.
pub fn record(guest: &Guest) -> (tempfile::TempDir, Arc<Trace>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("walk.rrtrace");
    let app = super::fixture(guest.fixture);
    let options: Vec<&str> = guest.options.iter().map(String::as_str).collect();
    let output = super::record(&app, &options, &[], "", &path);
    let trace = Trace::open(&path);
    let trace = trace.unwrap_or_else(|e| panic!("{e}: {}", super::text(&output.stderr)));
    (dir, Arc::new(trace))
}

/// A timeline at the start of a recording.
pub fn timeline(trace: Arc<Trace>, sweep: bool) -> Timeline {
    timeline_with(trace, sweep, env!("CARGO_BIN_EXE_rr-dap").into(), |o| o)
}

/// The same with other replayers and options.
pub fn timeline_with(
    trace: Arc<Trace>,
    sweep: bool,
    replayer: PathBuf,
    change: impl FnOnce(Options) -> Options,
) -> Timeline {
    let cache = CacheDir::open(&super::cache_dir()).expect("a cache");
    let options = Options {
        sweep,
        // Guests without lines, too.
        first: First::Debug,
        // As a long recording has many.
        stretch: 64,
        ..Options::new(replayer, cache)
    };
    Timeline::open(trace, &change(options), &Interrupt::new(), &|_| {}).expect("a timeline")
}

/// Numbers that look random and are the same every time.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// SplitMix64.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound.max(1) as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
