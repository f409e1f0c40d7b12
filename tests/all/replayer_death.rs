//! A replayer that is killed takes nothing with it.

use crate::support::replayers::{Replayers, kill};
use crate::support::{cache_dir, fixture, record};
use rr_dap::replay::variant::CacheDir;
use rr_dap::timeline::travel::motion::{Direction, Motion, Step};
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::Trace;
use std::path::PathBuf;
use std::sync::Arc;

#[test]
fn killing_replayers_loses_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let trace = dir.path().join("t.rrtrace");
    let work = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let work = format!("{}::/work", work.display());
    record(&fixture("ledger.wasm"), &["--dir", &work], &[], "", &trace);
    let cache = CacheDir::open(&cache_dir()).expect("a cache");
    let replayers = Replayers::apart();
    let options = Options::new(replayers.program(), cache);
    let trace = Arc::new(Trace::open(&trace).expect("opens"));
    let mut timeline =
        Timeline::open(trace, &options, &Interrupt::new(), &|_| {}).expect("a timeline");
    let go = |motion: Motion, timeline: &mut Timeline| {
        timeline
            .travel(&motion, &Interrupt::new())
            .unwrap_or_else(|e| panic!("{motion:?}: {e}"))
            .position
    };
    go(Motion::Entry, &mut timeline);
    let step = Motion::Line(Direction::Forward, Step::Over);
    let mut forward = vec![timeline.here().position];
    for _ in 0..12 {
        forward.push(go(step.clone(), &mut timeline));
    }
    let frames = timeline.frames().expect("frames");

    // Every one of them: all checkpoints, and the one that stands here.
    let pids = replayers.pids();
    assert!(pids.len() > 3, "checkpoints: {}", pids.len());
    kill(pids);
    assert_eq!(timeline.frames().expect("another replayer"), frames);

    // Some of them, between steps back.
    for (i, position) in forward.iter().rev().skip(1).enumerate() {
        if i % 4 == 1 {
            let some: Vec<u32> = replayers.pids().into_iter().step_by(2).collect();
            kill(some);
        }
        let back = Motion::Line(Direction::Backward, Step::Over);
        assert_eq!(go(back, &mut timeline), *position);
    }
    drop(timeline);
    // Nothing stays behind: the processes see the end of their sockets.
    for _ in 0..200 {
        if replayers.pids().is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("replayers outlive their timeline: {:?}", replayers.pids());
}
