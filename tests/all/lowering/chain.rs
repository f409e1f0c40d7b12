//! A component that passes what it is given to another, which returns it.

use super::shapes::{NAMED, SHAPES, Shape};
use crate::support::{cache_dir, guest::assemble};
use rr_dap::component::Component;
use rr_dap::instrument::record::instrument;
use rr_dap::record::{self, Recorder};
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Checks, Compiled, Observer, Replay};
use rr_dap::trace::{Metadata, Outcome, Trace};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use wasmtime::component::{Component as Runnable, Linker, Val};
use wasmtime::{Config, Engine, Store, StoreContextMut};

/// What a `realloc` does with a block that it is to resize. What it hands out is full of
/// rubbish, and so is what it has moved away from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realloc {
    Moves,
    MovesEachSecond,
    Stays,
}

/// Where blocks begin.
const BLOCKS: u32 = 1024;

/// Memory, `realloc`, and the sum of all that lies in blocks.
fn libc(realloc: Realloc) -> String {
    let stays = match realloc {
        Realloc::Moves => "(i32.const 0)",
        Realloc::MovesEachSecond => "(global.get $odd)",
        Realloc::Stays => "(i32.const 1)",
    };
    format!(
        r#"(core module $libc
  (memory (export "memory") 4)
  (global $next (mut i32) (i32.const {BLOCKS}))
  (global $odd (mut i32) (i32.const 0))
  (global $rubbish (mut i32) (i32.const 1))
  (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $new i32)
    (global.set $odd (i32.xor (global.get $odd) (i32.const 1)))
    (global.set $rubbish (i32.add (i32.mul (global.get $rubbish) (i32.const 75)) (i32.const 74)))
    (if (i32.and (i32.ne (local.get $old-size) (i32.const 0)) {stays}) (then
      (if (i32.ne (i32.add (local.get $old) (local.get $old-size)) (global.get $next)) (then unreachable))
      (global.set $next (i32.add (local.get $old) (local.get $size)))
      (if (i32.gt_u (local.get $size) (local.get $old-size)) (then
        (memory.fill (i32.add (local.get $old) (local.get $old-size)) (global.get $rubbish)
          (i32.sub (local.get $size) (local.get $old-size)))))
      (return (local.get $old))))
    (local.set $new (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $new) (local.get $size)))
    (memory.fill (local.get $new) (global.get $rubbish) (local.get $size))
    (memory.copy (local.get $new) (local.get $old)
      (select (local.get $size) (local.get $old-size) (i32.lt_u (local.get $size) (local.get $old-size))))
    (memory.fill (local.get $old) (global.get $rubbish) (local.get $old-size))
    (local.get $new))
  (func (export "reset") (param i32) (global.set $next (i32.const {BLOCKS})))
  (func (export "sum") (result i32) (local $at i32) (local $sum i32)
    (local.set $at (i32.const {BLOCKS}))
    (block $done (loop $more
      (br_if $done (i32.ge_u (local.get $at) (global.get $next)))
      (local.set $sum (i32.add
        (i32.mul (local.get $sum) (i32.const 0x01000193))
        (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $more)))
    (local.get $sum)))
(core instance $l (instantiate $libc))
(core func $check (canon lower (func $host-check)))"#
    )
}

/// How many flat values a function is given.
fn params(shape: &Shape) -> String {
    "(param".to_owned() + &" i32".repeat(shape.flat.len().max(1)) + ")"
}

fn given(shape: &Shape) -> String {
    let mut text = String::new();
    for i in 0..shape.flat.len().max(1) {
        _ = write!(text, " (local.get {i})");
    }
    text
}

fn imported_types() -> String {
    let mut text = String::new();
    for (name, ty) in NAMED {
        _ = writeln!(
            text,
            "(type ${name}-itself {ty}) (import \"{name}\" (type ${name} (eq ${name}-itself)))"
        );
    }
    text + "(import \"check\" (func $host-check (param \"sum\" u32)))\n"
}

/// The functions of a component, made of the core functions of `$i`.
fn lifted(encoding: &str) -> String {
    let mut text = String::new();
    for Shape { name, ty, .. } in SHAPES {
        _ = writeln!(
            text,
            r#"(func (export "{name}") (param "v" {ty}) (result {ty})
  (canon lift (core func $i "{name}") string-encoding={encoding}
    (memory $l "memory") (realloc (func $l "realloc")) (post-return (func $l "reset"))))"#
        );
    }
    text
}

/// Each of its functions returns what it is given.
fn taker(encoding: &str, realloc: Realloc) -> String {
    let mut code = String::new();
    for shape in SHAPES {
        let mut stores = String::new();
        for (i, (offset, size)) in shape.flat.iter().enumerate() {
            let store = if *size == 1 {
                "i32.store8"
            } else {
                "i32.store"
            };
            let at = 16 + offset;
            _ = write!(stores, " ({store} (i32.const {at}) (local.get {i}))");
        }
        let area = match shape.flat {
            [] => "(local.get 0)",
            _ => "(i32.const 16)",
        };
        _ = writeln!(
            code,
            "(func (export \"{}\") {} (result i32){stores} (call $check (call $sum)) {area})",
            shape.name,
            params(shape)
        );
    }
    format!(
        r#"{} {}
(core module $m
  (import "libc" "memory" (memory 1))
  (import "libc" "sum" (func $sum (result i32)))
  (import "" "check" (func $check (param i32)))
  {code})
(core instance $i (instantiate $m (with "libc" (instance $l))
  (with "" (instance (export "check" (func $check))))))
{}"#,
        imported_types(),
        libc(realloc),
        lifted(encoding)
    )
}

/// Each of its functions passes what it is given to the taker's, and returns what that
/// returns.
fn relay(encoding: &str, realloc: Realloc) -> String {
    let (mut imports, mut lowered, mut core_imports, mut code, mut given_to_code) =
        <(String, String, String, String, String)>::default();
    for shape in SHAPES {
        let Shape { name, ty, .. } = shape;
        _ = writeln!(
            imports,
            "(import \"{name}\" (func $host-{name} (param \"v\" {ty}) (result {ty})))"
        );
        _ = writeln!(
            lowered,
            r#"(core func ${name} (canon lower (func $host-{name}) string-encoding={encoding}
  (memory $l "memory") (realloc (func $l "realloc"))))"#
        );
        let (params, given) = (params(shape), given(shape));
        _ = writeln!(
            core_imports,
            "(import \"\" \"{name}\" (func ${name} {params} (param i32)))"
        );
        _ = writeln!(
            code,
            "(func (export \"{name}\") {params} (result i32)
  (call ${name} {given} (i32.const 16)) (call $check (call $sum)) (i32.const 16))"
        );
        _ = write!(given_to_code, "(export \"{name}\" (func ${name}))");
    }
    format!(
        r#"{} {imports} {} {lowered}
(core module $m
  (import "libc" "memory" (memory 1))
  (import "libc" "sum" (func $sum (result i32)))
  (import "" "check" (func $check (param i32)))
  {core_imports} {code})
(core instance $i (instantiate $m (with "libc" (instance $l))
  (with "" (instance (export "check" (func $check)) {given_to_code}))))
{}"#,
        imported_types(),
        libc(realloc),
        lifted(encoding)
    )
}

/// The two, one behind the other, with these encodings.
pub fn component(near: &str, far: &str, realloc: Realloc) -> Arc<Component> {
    let mut text =
        "(component\n(import \"check\" (func $host-check (param \"sum\" u32)))\n".to_owned();
    let mut with = "(with \"check\" (func $host-check))".to_owned();
    for (name, ty) in NAMED {
        _ = writeln!(
            text,
            "(type ${name}-itself {ty}) (export ${name} \"{name}\" (type ${name}-itself))"
        );
        _ = write!(with, "(with \"{name}\" (type ${name}))");
    }
    _ = write!(
        text,
        "(component $taker {}) (component $relay {})\n(instance $t (instantiate $taker {with}))\n",
        taker(far, realloc),
        relay(near, realloc)
    );
    for Shape { name, .. } in SHAPES {
        _ = write!(with, "(with \"{name}\" (func $t \"{name}\"))");
    }
    _ = writeln!(text, "(instance $r (instantiate $relay {with}))");
    for Shape { name, .. } in SHAPES {
        _ = writeln!(text, "(export \"{name}\" (func $r \"{name}\"))");
    }
    Arc::new(Component::parse(assemble(&(text + ")"))).expect("a component"))
}

/// What can be seen of a run.
pub struct Ran {
    pub results: Vec<Val>,
    pub sums: Vec<u32>,
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    record::deterministic(&mut config);
    record::everything(&mut config);
    Engine::new(&config).expect("an engine")
});

/// Calls functions of a component as it is.
pub fn plain(component: &Component, calls: &[(&str, Val)]) -> Ran {
    run(component.bytes(), None, calls)
}

fn run(bytes: &[u8], recorder: Option<&Recorder>, calls: &[(&str, Val)]) -> Ran {
    let compiled = Runnable::new(&ENGINE, bytes).unwrap_or_else(|e| panic!("{e:?}"));
    let mut linker: Linker<Vec<u32>> = Linker::new(&ENGINE);
    let check = |mut store: StoreContextMut<'_, Vec<u32>>, (sum,): (u32,)| {
        store.data_mut().push(sum);
        Ok(())
    };
    // Not every component imports it.
    linker.root().func_wrap("check", check).expect("is new");
    if let Some(recorder) = recorder {
        recorder.add_to_linker(&mut linker).expect("the sink");
    }
    let mut store = Store::new(&ENGINE, Vec::new());
    let instance = linker.instantiate(&mut store, &compiled).expect("starts");
    let mut results = Vec::new();
    for (name, argument) in calls {
        let function = instance.get_func(&mut store, *name).expect("is exported");
        let mut result = [Val::Bool(false)];
        function
            .call(&mut store, std::slice::from_ref(argument), &mut result)
            .unwrap_or_else(|e| panic!("{name}: {e:?}"));
        results.extend(result);
    }
    Ran {
        results,
        sums: store.into_data(),
    }
}

/// Calls functions of a component and records that, as one recording.
pub fn record(component: &Arc<Component>, calls: &[(&str, Val)], path: &Path) -> Ran {
    let recorder = Recorder::create(path, component.clone(), &Metadata::default());
    let recorder = recorder.expect("a recorder");
    let instrumented = instrument(component).expect("can be instrumented");
    let ran = run(&instrumented, Some(&recorder), calls);
    let outcome = Outcome::Returned {
        success: true,
        result: None,
    };
    recorder.finish(outcome).expect("is complete");
    ran
}

/// Records calls, and replays that with everything compared.
pub fn recorded_and_replayed(
    component: &Arc<Component>,
    calls: &[(&str, Val)],
) -> Result<(Ran, Checks), String> {
    struct Silent;
    impl Observer for Silent {}
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let ran = record(component, calls, &path);
    let trace = Arc::new(Trace::open(&path).map_err(|e| e.to_string())?);
    let cache = CacheDir::open(&cache_dir()).map_err(|e| e.to_string())?;
    let variant = Variant::for_whole(trace.outcome());
    let compiled = Compiled::prepare(&trace, &cache, variant, &|_, _| {});
    let compiled = compiled.map_err(|e| e.to_string())?;
    let mut replay = Replay::new(trace, &compiled, Box::new(Silent)).map_err(|e| e.to_string())?;
    replay.run().map_err(|e| e.to_string())?;
    Ok((ran, replay.store().data().checks()))
}
