//! The depth profile says where the frames at a depth may have run, and never says that
//! they did not where they did.

use crate::support::{cache_dir, fixture, record};
use rr_dap::replay::profile::DepthProfile;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Calling, Compiled, Observer, Replay, ReplayError, State, Tick, frames};
use rr_dap::trace::Trace;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use wasmtime::{AsContextMut, StoreContextMut};

/// Ticks with the number of frames there, in order.
type Depths = Arc<Mutex<Vec<(Tick, u32)>>>;

/// Notes the depth at each tick up to a bound, and at each call out.
struct Noting {
    depths: Depths,
    /// Whether guest code has run on top of a call out of the guest.
    has_nested: Arc<AtomicBool>,
    until: u64,
}

impl Noting {
    fn note(&self, store: &mut StoreContextMut<'_, State>) -> Tick {
        let now = State::now(store.as_context_mut());
        let depth = frames::handles(store).len() as u32;
        let state = store.data();
        if state.calling().is_none() && !state.in_progress().is_empty() {
            self.has_nested.store(true, Ordering::Relaxed);
        }
        self.depths.lock().unwrap().push((now, depth));
        now
    }
}

impl Observer for Noting {
    fn tick(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        let now = self.note(store);
        if now.0 < self.until {
            State::arm(store.as_context_mut(), Tick(now.0 + 1));
        }
        Ok(())
    }

    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        _: &Calling,
    ) -> wasmtime::Result<()> {
        self.note(store);
        Ok(())
    }
}

fn compiled(trace: &Trace, variant: Variant) -> Compiled {
    let cache = CacheDir::open(&cache_dir()).unwrap();
    Compiled::prepare(trace, &cache, variant, &|_, _| {}).unwrap()
}

fn measure(trace: &Arc<Trace>) -> Result<DepthProfile, ReplayError> {
    let compiled = compiled(trace, Variant::Profile);
    DepthProfile::measure(trace, &compiled, &Arc::default())
}

/// What the debug variant sees, and how it ended: the last tick.
fn depths(trace: &Arc<Trace>, has_nested: &Arc<AtomicBool>) -> (Vec<(Tick, u32)>, Tick) {
    let depths = Depths::default();
    let noting = Noting {
        depths: depths.clone(),
        has_nested: has_nested.clone(),
        until: 200_000,
    };
    let compiled = compiled(trace, Variant::Debug);
    let mut replay = Replay::new(trace.clone(), &compiled, Box::new(noting)).unwrap();
    State::arm(replay.store(), Tick(1));
    replay.run().unwrap();
    let end = State::now(replay.store());
    drop(replay);
    (std::mem::take(&mut *depths.lock().unwrap()), end)
}

fn recorded(app: &Path, options: &[&str], args: &[&str], dir: &Path) -> Arc<Trace> {
    let to = dir.join("t.rrtrace");
    // What an earlier recording left is not taken for this one's.
    _ = std::fs::remove_file(&to);
    record(app, options, args, "one\ntwo\n", &to);
    Arc::new(Trace::open(&to).unwrap())
}

/// Exceptions that end several frames at once, and tail calls.
const UNWINDING: &str = r#"(component
  (core module $m
    (tag $e (param i32))
    (func $dive (param $n i32) (result i32)
      (if (i32.eqz (local.get $n)) (then (throw $e (i32.const 7))))
      (i32.add (call $dive (i32.sub (local.get $n) (i32.const 1))) (i32.const 1)))
    (func $catch (param $n i32) (result i32)
      (block $caught (result i32)
        (try_table (catch $e $caught) (return (call $dive (local.get $n))))
        (unreachable)))
    (func $even (param $n i32) (result i32)
      (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
      (return_call $odd (i32.sub (local.get $n) (i32.const 1))))
    (func $odd (param $n i32) (result i32)
      (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
      (return_call $even (i32.sub (local.get $n) (i32.const 1))))
    (func $work (param $n i32) (result i32) (local $i i32) (local $sum i32)
      (loop $again
        (local.set $sum (i32.add (local.get $sum) (call $catch (local.get $i))))
        (local.set $sum (i32.add (local.get $sum) (call $even (local.get $i))))
        (br_if $again (i32.lt_u
          (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
      (local.get $sum))
    (func (export "run") (result i32)
      (i32.add (call $work (i32.const 40)) (call $even (i32.const 50)))))
  (core instance $i (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))"#;

/// Recursion, callbacks, calls into the guest during calls out, several modules, a trap.
const RUNS: &[(&str, &[&str], &[&str])] = &[
    ("kitchen-O2.wasm", &[], &["echo"]),
    ("ledger.wasm", &[], &[]),
    ("hello-c-O0.wasm", &[], &[]),
    ("wat/nested.wat", &["--invoke", "run()"], &[]),
    ("wat/recursion.wat", &["--invoke", "run()"], &[]),
    ("wat/callback.wat", &["--invoke", "run(\"hello\")"], &[]),
    ("wat/chatty.wat", &[], &[]),
    ("motion/rethrown.wat", &["--invoke", "run()"], &[]),
    ("motion/rethrown.wat", &["--invoke", "fails()"], &[]),
    ("wat/thrown-across.wat", &["--invoke", "transcoded()"], &[]),
];

#[test]
fn every_moment_lies_in_a_stretch_that_admits_its_depth() {
    let dir = tempfile::tempdir().unwrap();
    let has_nested = Arc::default();
    let mut tells = false;
    let unwinding = dir.path().join("unwinding.wat");
    std::fs::write(&unwinding, UNWINDING).unwrap();
    let invoked: (PathBuf, &[&str], &[&str]) = (unwinding, &["--invoke", "run()"], &[]);
    let fixtures = RUNS
        .iter()
        .map(|(name, options, args)| (fixture(name), *options, *args));
    for (app, options, args) in fixtures.chain([invoked]) {
        let name = app.display();
        let trace = recorded(&app, options, args, dir.path());
        let profile = measure(&trace).unwrap();
        let (depths, end) = depths(&trace, &has_nested);
        assert!(depths.len() > 4, "{name}");
        assert!(profile.end() <= end, "{name}");
        let mut too_low = 0;
        for (tick, depth) in &depths {
            for range in [
                profile.last_at_most(*depth, *tick),
                profile.first_at_most(*depth, *tick),
            ] {
                let range = range.unwrap_or_else(|| panic!("{name}: {depth} at {tick:?}"));
                assert!(
                    range.contains(tick),
                    "{name}: {depth} at {tick:?} in {range:?}"
                );
            }
            // Not so for fewer frames, unless there were fewer nearby.
            let fewer = depth
                .checked_sub(1)
                .and_then(|d| profile.last_at_most(d, *tick));
            too_low += usize::from(fewer.is_some_and(|range| range.contains(tick)));
        }
        tells |= too_low < depths.len() / 2;
    }
    assert!(has_nested.load(Ordering::Relaxed));
    assert!(
        tells,
        "every stretch admits fewer frames than its moments have"
    );
}

#[test]
fn queries_find_what_a_search_through_all_stretches_finds() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded(&fixture("hello-c-O0.wasm"), &[], &[], dir.path());
    let profile = measure(&trace).unwrap();
    // The stretches, by asking for any depth.
    let mut stretches = Vec::new();
    let mut next = Some(profile.first_at_most(u32::MAX, Tick(0)).unwrap());
    while let Some(range) = next.take() {
        let minimum = (0..).find(|depth| {
            let found = profile.last_at_most(*depth, range.start);
            found.as_ref() == Some(&range)
        });
        stretches.push((range.clone(), minimum.unwrap()));
        if range.end <= profile.end() {
            next = profile.first_at_most(u32::MAX, range.end);
        }
    }
    assert!(stretches.len() > 100, "{}", stretches.len());
    assert_eq!(stretches[0].0.start, Tick(0));
    assert_eq!(stretches[0].1, 0, "nothing has run at first");
    assert!(
        stretches
            .windows(2)
            .all(|two| two[0].0.end == two[1].0.start)
    );
    let deepest = stretches.iter().map(|stretch| stretch.1).max().unwrap();
    assert!(deepest > 2, "{deepest}");
    for (at, (range, _)) in stretches.iter().enumerate() {
        for depth in 0..=deepest + 1 {
            for tick in [range.start, Tick(range.end.0.saturating_sub(1))] {
                let admits = |stretch: &&(std::ops::Range<Tick>, u32)| stretch.1 <= depth;
                let last = stretches[..=at].iter().rev().find(admits);
                let first = stretches[at..].iter().find(admits);
                let found = profile.last_at_most(depth, tick);
                assert_eq!(found.as_ref(), last.map(|stretch| &stretch.0));
                let found = profile.first_at_most(depth, tick);
                assert_eq!(found.as_ref(), first.map(|stretch| &stretch.0));
            }
        }
    }
}

#[test]
fn a_measurement_can_be_cancelled_and_wants_its_variant() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded(&fixture("ledger.wasm"), &[], &[], dir.path());
    let cancelled = Arc::new(AtomicBool::new(true));
    let profiled = compiled(&trace, Variant::Profile);
    let result = DepthProfile::measure(&trace, &profiled, &cancelled);
    assert!(matches!(result, Err(ReplayError::Cancelled)), "{result:?}");
    let fast = compiled(&trace, Variant::Fast);
    let result = DepthProfile::measure(&trace, &fast, &Arc::default());
    assert!(
        matches!(result, Err(ReplayError::NotForProfile)),
        "{result:?}"
    );
}
