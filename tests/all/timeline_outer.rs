//! Steps over long calls of a frame that runs a little between them lead where they would
//! without anything found out in the background.

use crate::support::lined::lined_at_nops;
use crate::support::walk::{record, run, timeline};
use rr_dap::replay::Position;
use rr_dap::timeline::Interrupt;
use rr_dap::timeline::travel::motion::{Direction, Motion, Step};

/// Each `nop` begins a line. The third is come to once, between two of the long calls, and
/// the last one of `rare` in every seventh, which `outer` waits for as well.
const GUEST: &str = r#"(component
  (core module $code
    (func $work (param $n i32) (result i32)
      (loop $again
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br_if $again (local.get $n)))
      (local.get $n))
    (func $rare (param $i i32) (result i32)
      (nop)
      (drop (call $work (i32.const 40000)))
      (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 7)))
        (then (nop) (drop (call $work (i32.const 10)))))
      (call $work (i32.const 40000)))
    (func $outer (result i32) (local $i i32) (local $sum i32)
      (nop) (local.set $sum (i32.const 1))
      (nop) (local.set $sum (i32.const 2))
      (loop $again
        (local.set $sum (i32.add (local.get $sum) (call $rare (local.get $i))))
        (if (i32.eq (local.get $i) (i32.const 17))
          (then (nop) (local.set $sum (i32.const 3))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 40))))
      (nop) (local.set $sum (i32.mul (local.get $sum) (i32.const 2)))
      (nop) (local.get $sum))
    (func (export "run") (result i32)
      (nop) (call $outer)))
  (core instance $m (instantiate $code))
  (func (export "run") (result u32) (canon lift (core func $m "run"))))"#;

fn go(timeline: &mut rr_dap::timeline::Timeline, motion: Motion) {
    timeline
        .travel(&motion, &Interrupt::new())
        .expect("a motion");
}

/// Steps until there is nowhere to go: where each led.
fn stops(
    timeline: &mut rr_dap::timeline::Timeline,
    direction: Direction,
    step: Step,
    most: usize,
) -> Vec<Position> {
    let mut stops = vec![timeline.here().position];
    for _ in 0..most {
        let stop = timeline
            .travel(&Motion::Line(direction, step), &Interrupt::new())
            .expect("a step");
        if stops.last() == Some(&stop.position) {
            break;
        }
        stops.push(stop.position);
    }
    stops
}

#[test]
fn a_frame_between_long_calls_is_left_out_where_it_comes_to_no_line() {
    let guest = run(lined_at_nops("outer.wat", GUEST));
    let (_dir, trace) = record(&guest);
    let walks = [false, true].map(|sweep| {
        let mut timeline = timeline(trace.clone(), sweep);
        go(&mut timeline, Motion::End);
        if sweep {
            timeline
                .wait_for_depths(&Interrupt::new())
                .expect("depths are measured");
            timeline
                .wait_for_sweep(&Interrupt::new())
                .expect("the sweep comes to the end");
        }
        go(&mut timeline, Motion::Start);
        for _ in 0..2 {
            go(&mut timeline, Motion::Line(Direction::Forward, Step::Into));
        }
        let forth = stops(&mut timeline, Direction::Forward, Step::Over, 4);
        let back = stops(&mut timeline, Direction::Backward, Step::Over, 4);
        let into = stops(&mut timeline, Direction::Forward, Step::Into, 6);
        (forth, back, into)
    });
    let (forth, back, _) = &walks[0];
    let mut undone = back.clone();
    undone.reverse();
    assert_eq!(*forth, undone);
    assert_eq!(forth.len(), 5, "{forth:?}");
    assert_eq!(walks[0], walks[1]);
}
