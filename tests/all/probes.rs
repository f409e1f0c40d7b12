//! What optimised code notes of itself, against an oracle that has stepped through all of it.

use crate::support::oracle::Oracle;
use crate::support::walk::{Guest, command, each, record, run};
use rr_dap::component::ModuleId;
use rr_dap::instrument::probe::{Probe, Segments};
use rr_dap::replay::counts::Counts;
use rr_dap::replay::survey::Survey;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Compiled, Phase, Tick};
use rr_dap::trace::Trace;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

type Place = (ModuleId, u32);

/// At which ticks each instruction ran, and how often.
fn ran(oracle: &Oracle) -> BTreeMap<Place, (u64, BTreeSet<Tick>)> {
    let mut ran: BTreeMap<Place, (u64, BTreeSet<Tick>)> = BTreeMap::new();
    for moment in &oracle.moments {
        let Some(frame) = moment
            .frame
            .filter(|_| moment.position.phase == Phase::Before)
        else {
            continue;
        };
        let place = (oracle.activations[frame].module, moment.position.pc);
        let (count, ticks) = ran.entry(place).or_default();
        *count += 1;
        ticks.insert(moment.position.tick);
    }
    ran
}

/// All instructions of all modules.
fn instructions(oracle: &Oracle) -> Vec<Place> {
    let component = oracle.trace.component();
    let mut all = BTreeSet::new();
    for (id, (code, _)) in (0..).map(ModuleId).zip(&oracle.modules) {
        let segments = component.module(id).map(Segments::of_module);
        let segments = segments.expect("a module").expect("is valid");
        for start in (0..segments.count()).filter_map(|segment| segments.start(segment)) {
            let around = code.instructions_around(start).expect("instructions");
            all.extend(around.iter().map(|pc| (id, *pc)));
        }
    }
    all.into_iter().collect()
}

fn compiled(trace: &Arc<Trace>, probe: Probe) -> Compiled {
    let cache = CacheDir::open(&crate::support::cache_dir()).expect("a cache");
    let variant = Variant::Probed(probe);
    Compiled::prepare(trace, &cache, variant, &|_, _| {}).expect("the guest compiles")
}

/// What a survey says of each instruction, and the counts of each.
fn surveys_and_counts(guest: Guest) {
    let (_dir, trace) = record(&guest);
    let oracle = Oracle::of(trace.clone());
    let ran = ran(&oracle);
    let go_on = Arc::new(AtomicBool::new(false));
    let survey = Survey::make(&trace, &compiled(&trace, Probe::Survey), &go_on, 64);
    let survey = survey.expect("a survey");
    let counts = Counts::of(&trace, &compiled(&trace, Probe::Count), &go_on);
    let counts = counts.expect("counts");
    let mut compared = 0;
    for place in instructions(&oracle) {
        let (count, ticks) = ran.get(&place).cloned().unwrap_or_default();
        let said = survey.ran(&[place]);
        for tick in &ticks {
            let is_said = said.iter().any(|range| range.contains(tick));
            assert!(is_said, "{place:?} ran in {tick:?}, not in {said:?}");
        }
        // Of what does nothing there is no moment.
        let Some(counted) = counts.at(place.0, place.1) else {
            continue;
        };
        assert_eq!(counted, count, "{place:?}");
        if count == 0 {
            assert!(said.is_empty(), "{place:?} did not run in {said:?}");
        }
        compared += 1;
    }
    assert!(compared > 5, "{compared}");
}

each! {
    recursion: surveys_and_counts(run("wat/recursion.wat"));
    every_kind_of_store: surveys_and_counts(run("motion/stores.wat"));
    nested_calls: surveys_and_counts(run("motion/realloc.wat"));
    tail_calls: surveys_and_counts(run("motion/tail-calls.wat"));
    exceptions: surveys_and_counts(run("motion/exceptions.wat"));
    start_functions: surveys_and_counts(run("motion/started.wat"));
    two_instances: surveys_and_counts(run("motion/twins.wat"));
    unoptimised_c: surveys_and_counts(command("motion/steps-O0.wasm"));
    optimised_c: surveys_and_counts(command("motion/steps-O2.wasm"));
}
