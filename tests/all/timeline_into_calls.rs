//! Steps into one of the calls that a line makes lead into that.

use crate::support::oracle::Oracle;
use crate::support::queries::go;
use crate::support::walk::{Guest, command, each, record, timeline, with_fixtures};
use rr_dap::component::ModuleId;
use rr_dap::replay::Phase;
use rr_dap::timeline::travel::motion::{Direction, Motion, Step};
use rr_dap::timeline::{Callee, Interrupt, TimelineError};
use std::collections::BTreeSet;

use Direction::Forward;

/// Where a step into a call must lead.
fn into(oracle: &Oracle, from: usize, module: ModuleId, pc: u32) -> usize {
    let over = Motion::Line(Forward, Step::Over);
    let end = oracle.arrival(from, 0, &over, &[]).expect("a line").index;
    let frame = oracle.moments[from].frame;
    let is_call = |i: &usize| {
        let moment = &oracle.moments[*i];
        let at = moment.position;
        moment.frame == frame && at.pc == pc && at.phase == Phase::Before
    };
    let Some(call) = (from..end).find(is_call) else {
        return end;
    };
    let entered = oracle.instruction_after(call).expect("a callee");
    let callee = oracle.moments[entered].frame.expect("a callee");
    assert_eq!(oracle.activations[callee].module, module);
    let source = &oracle.modules[module.0 as usize].1;
    let function = source.function_at(oracle.moments[entered].position.pc);
    let lined = function.filter(|f| {
        source
            .statements(f.range.clone())
            .iter()
            .any(|s| s.at.line != 0)
    });
    let Some(function) = lined else {
        return entered;
    };
    let start = source.body_start(function);
    let mut moments = oracle.activations[callee].moments.iter();
    *moments
        .find(|i| oracle.moments[**i].position.pc == start)
        .expect("its body")
}

fn steps_into_calls(guest: Guest) {
    let (_dir, trace) = record(&guest);
    let oracle = Oracle::of(trace.clone());
    let mut timeline = timeline(trace, false);
    let (mut made, mut most) = (0, 0);
    for from in (1..oracle.last()).step_by(5) {
        let position = oracle.moments[from].position;
        go(&mut timeline, Motion::Position(position));
        let targets = timeline.calls_on_line().expect("targets");
        most = most.max(targets.len());
        for target in targets {
            assert!(target.pc >= position.pc);
            assert!(matches!(target.callee, Callee::Function(_)), "{target:?}");
            go(&mut timeline, Motion::Position(position));
            let expected = into(&oracle, from, target.module, target.pc);
            let (module, pc) = (target.module, target.pc);
            go(&mut timeline, Motion::IntoCall { module, pc });
            let expected = oracle.moments[expected].position;
            assert_eq!(
                timeline.here().position,
                expected,
                "{target:?} from {position}"
            );
            made += 1;
        }
    }
    assert!(most > 2 && made > 20, "{made} calls, {most} at once");
}

#[test]
fn calls_have_names_and_lead_to_what_they_name() {
    let (_dir, trace) = record(&with_fixtures("ledger.wasm"));
    let mut timeline = timeline(trace, false);
    go(&mut timeline, Motion::Entry);
    let mut seen = BTreeSet::new();
    for _ in 0..60 {
        let position = timeline.here().position;
        for target in timeline.calls_on_line().expect("targets") {
            let (module, pc) = (target.module, target.pc);
            let name = target.name.expect("functions have names");
            if seen.insert(name.clone()) {
                go(&mut timeline, Motion::IntoCall { module, pc });
                let inner = timeline.frames().expect("frames")[0];
                let own = ["parse_line", "apply", "find", "report"].contains(&name.as_str());
                if let (true, Callee::Function(function)) = (own, target.callee) {
                    assert_eq!((inner.module, inner.function), (module, function), "{name}");
                }
                go(&mut timeline, Motion::Position(position));
            }
        }
        go(&mut timeline, Motion::Line(Forward, Step::Over));
    }
    assert!(
        seen.contains("parse_line") && seen.contains("report"),
        "{seen:?}"
    );
    let is_told = timeline.travel(
        &Motion::IntoCall {
            module: ModuleId(0),
            pc: 1,
        },
        &Interrupt::new(),
    );
    assert!(
        matches!(is_told, Err(TimelineError::NoCall(1))),
        "{is_told:?}"
    );
}

each! {
    calls_in_unoptimised_c: steps_into_calls(command("motion/steps-O0.wasm"));
    calls_in_optimised_c: steps_into_calls(command("motion/steps-O2.wasm"));
}
