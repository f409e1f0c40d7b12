//! A large program that has never been debugged begins in `main` before all of it is compiled,
//! and is the same from there on.

use crate::support::{cache_dir, fixture, record};
use rr_dap::replay::variant::CacheDir;
use rr_dap::timeline::travel::motion::{Direction, Motion, Step, Stop};
use rr_dap::timeline::{First, Interrupt, Options, Timeline};
use rr_dap::trace::Trace;
use std::path::Path;
use std::sync::Arc;

fn open(trace: &Arc<Trace>, cache: &Path, compiled_whole: usize) -> Timeline {
    let cache = CacheDir::open(cache).expect("a cache");
    let options = Options {
        sweep: false,
        first: First::Suitable,
        compiled_whole,
        ..Options::new(env!("CARGO_BIN_EXE_rr-dap").into(), cache)
    };
    Timeline::open(trace.clone(), &options, &Interrupt::new(), &|_| {}).expect("a timeline")
}

fn go(timeline: &mut Timeline, motion: &Motion) -> Stop {
    let stop = timeline.travel(motion, &Interrupt::new());
    stop.expect("a stop")
}

#[test]
fn a_program_begins_in_main_before_the_rest_is_compiled_and_goes_on_as_any() {
    for name in ["hello-c-O0.wasm", "kitchen.wasm"] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("run.rrtrace");
        record(&fixture(name), &[], &["args", "x"], "", &path);
        let trace = Arc::new(Trace::open(&path).expect("a recording"));
        let new = dir.path().join("cache");
        let mut early = open(&trace, &new, 0);
        let entered = early.enter_early(&Interrupt::new()).expect("no interrupt");
        let entered = entered.unwrap_or_else(|| panic!("{name}: all of it is compiled"));
        assert!(early.needs_debug(&Motion::Entry));

        let mut whole = open(&trace, &cache_dir(), usize::MAX);
        assert!(matches!(whole.enter_early(&Interrupt::new()), Ok(None)));
        assert_eq!(entered, go(&mut whole, &Motion::Entry), "{name}");
        let frames = |timeline: &mut Timeline| timeline.frames().expect("a stack");
        assert_eq!(frames(&mut early), frames(&mut whole), "{name}");
        for motion in [
            Motion::Line(Direction::Forward, Step::Over),
            Motion::Line(Direction::Forward, Step::Into),
            Motion::Line(Direction::Backward, Step::Over),
            Motion::End,
            Motion::Line(Direction::Backward, Step::Over),
            Motion::Entry,
        ] {
            let (one, other) = (go(&mut early, &motion), go(&mut whole, &motion));
            assert_eq!(one, other, "{name}: {motion:?}");
        }
        // What is compiled by now is not compiled again.
        let mut second = open(&trace, &new, 0);
        assert!(matches!(second.enter_early(&Interrupt::new()), Ok(None)));
    }
}
