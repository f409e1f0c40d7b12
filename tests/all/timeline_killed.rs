//! Replayers that are killed at any moment take nothing with them: the motions after
//! that lead where the oracle says.

use crate::support::cache_dir;
use crate::support::replayers::{Replayers, kill};
use crate::support::walk::{Dice, Guest, Walk, command, hostcall, instruction, record, run};
use rr_dap::replay::variant::CacheDir;
use rr_dap::timeline::travel::motion::{
    Direction, HostcallFilter, MemoryRange, Motion, Place, Step,
};
use rr_dap::timeline::{Interrupt, Options, Timeline, TimelineError};
use std::collections::HashMap;

use Direction::{Backward, Forward};

fn killed_now_and_then(guest: &Guest, seed: u64) {
    let replayers = Replayers::apart();
    let mut walk = Walk::apart(guest, &replayers);
    let mut dice = Dice::new(seed);
    let checked: Vec<usize> = (0..60).map(|_| dice.below(walk.oracle.last())).collect();
    walk.learn_states(checked.clone());
    let mut kills = HashMap::new();
    for step in 0..60 {
        walk.doing = format!(" (seed {seed}, step {step}, kills {kills:?})");
        match dice.below(4) {
            0 => {
                kill(replayers.pids());
                *kills.entry("all").or_insert(0) += 1;
            }
            1 => {
                let some = replayers.pids();
                let some = some.into_iter().filter(|_| dice.below(2) == 0);
                kill(some.collect::<Vec<_>>());
                *kills.entry("some").or_insert(0) += 1;
            }
            // While a motion runs.
            2 => {
                let pids = replayers.pids();
                let victims: Vec<u32> = pids.into_iter().filter(|_| dice.below(2) == 0).collect();
                let killer = std::thread::spawn(move || kill(victims));
                let there = walk.oracle.moments[*dice.pick(&checked)].position;
                let before = walk.timeline.here().position;
                let moved = walk
                    .timeline
                    .travel(&Motion::Position(there), &Interrupt::new());
                killer.join().expect("the other thread");
                // Those that it starts anew may be killed, too: then nothing has moved.
                let expected = match moved {
                    Ok(_) => there,
                    Err(TimelineError::Died(_)) => before,
                    Err(error) => panic!("{error}"),
                };
                assert_eq!(walk.timeline.here().position, expected);
                *kills.entry("meanwhile").or_insert(0) += 1;
            }
            _ => {}
        }
        let motion = match dice.below(6) {
            0 => instruction(Forward),
            1 => instruction(Backward),
            2 => hostcall(Backward),
            3 => Motion::Line(Forward, Step::Into),
            4 => Motion::End,
            _ => Motion::Position(walk.oracle.moments[*dice.pick(&checked)].position),
        };
        walk.go(motion);
        walk.check_state();
    }
    walk.finish();
}

#[test]
fn killing_replayers_changes_nothing_twin_instances() {
    killed_now_and_then(&run("motion/twins.wat"), 31);
}

#[test]
fn killing_replayers_changes_nothing_realloc_callbacks() {
    killed_now_and_then(&run("motion/realloc.wat"), 32);
}

#[test]
fn killing_replayers_changes_nothing_plain_c() {
    killed_now_and_then(&command("motion/steps-O0.wasm"), 33);
}

#[test]
fn killing_replayers_changes_nothing_optimised_c() {
    killed_now_and_then(&command("hello-c-O2.wasm"), 34);
}

#[test]
fn a_pass_is_made_again_by_another_replayer() {
    let replayers = Replayers::apart();
    let mut walk = Walk::apart(&command("hello-c-O2.wasm"), &replayers);
    walk.go(hostcall(Forward));
    let timeline = &mut walk.timeline;
    let here = timeline.here().clone();
    let hostcalls = |timeline: &mut Timeline| {
        let all = vec![Place::Hostcall(HostcallFilter::ANY)];
        let visits = timeline.visits(all, 1000, &Interrupt::new(), &|_| {});
        visits.expect("visits")
    };
    let visits = hostcalls(timeline);
    assert!(visits.visits.len() > 1, "{visits:?}");
    kill(replayers.pids());
    assert_eq!(hostcalls(timeline), visits);
    kill(replayers.pids());
    let instance = timeline.frames().expect("frames")[0].instance;
    let bytes = |address| MemoryRange {
        instance,
        memory: 0,
        address,
        length: 4096,
    };
    kill(replayers.pids());
    let changes = timeline.changes(bytes(0), &Interrupt::new(), &|_| {});
    changes.expect("changes");
    assert_eq!(*timeline.here(), here);
    // Where no other can be started, the error says what happened, and nothing has moved.
    std::fs::remove_file(replayers.program()).expect("the link");
    kill(replayers.pids());
    let lost = timeline.changes(bytes(4096), &Interrupt::new(), &|_| {});
    assert!(
        matches!(&lost, Err(TimelineError::Failed(why)) if why.contains("cannot start")),
        "{lost:?}"
    );
    let lost = timeline.frames();
    assert!(
        matches!(&lost, Err(TimelineError::Failed(why)) if why.contains("cannot start")),
        "{lost:?}"
    );
    assert_eq!(*timeline.here(), here);
}

#[test]
fn a_program_that_is_not_a_replayer_is_told() {
    let (_dir, trace) = record(&command("motion/steps-O0.wasm"));
    let cache = CacheDir::open(&cache_dir()).expect("a cache");
    // It ends at once, and connects to nobody.
    let options = Options::new("/bin/true".into(), cache);
    let opened = Timeline::open(trace, &options, &Interrupt::new(), &|_| {});
    assert!(matches!(opened.map(|_| ()), Err(TimelineError::Died(_))));
}
