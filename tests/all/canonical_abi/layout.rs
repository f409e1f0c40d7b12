//! The shapes that we compute for functions are those that a validator demands.

use super::types::{Chance, Types, core_names};
use rr_dap::component::layout::{self, Layout, Lift, Params, Pointer};
use rr_dap::component::types::{CoreSignature, FunctionType, ValueType};
use std::sync::Arc;
use wasmparser::{Validator, WasmFeatures};

fn module(signature: &CoreSignature) -> String {
    let (params, results) = (
        core_names(&signature.params),
        core_names(&signature.results),
    );
    format!("(param {params}) (result {results})")
}

fn assert_valid(component: &str) {
    let bytes = wat::parse_str(component).unwrap_or_else(|error| panic!("{error}\n{component}"));
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(&bytes)
        .unwrap_or_else(|error| panic!("{error}\n{component}"));
}

/// A function by chance, with its text; every fourth is long enough to spill.
fn function(chance: &mut Chance, types: &mut Types) -> (FunctionType, String) {
    let count = chance.below(4) + if chance.below(4) == 0 { 12 } else { 0 };
    let mut function = FunctionType::default();
    let mut text = String::new();
    for number in 0..count {
        let (ty, name) = types.any(chance, 3);
        text += &format!("(param \"p{number}\" {name}) ");
        function.params.push((format!("p{number}"), ty));
    }
    if chance.below(4) > 0 {
        let (ty, name) = types.any(chance, 3);
        text += &format!("(result {name})");
        function.result = Some(ty);
    }
    (function, text)
}

const MEMORY: &str = r#"
  (core module $libc (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $l (instantiate $libc))"#;
const OPTIONS: &str = r#"(memory $l "memory") (realloc (func $l "realloc"))"#;

#[test]
fn lowered_functions_have_the_signatures_a_validator_demands() {
    for seed in 0..200 {
        let mut chance = Chance::new(seed);
        let mut types = Types::default();
        let (function, text) = function(&mut chance, &mut types);
        for (is_async, option) in [(false, ""), (true, "async")] {
            let shape = layout::lowered(&function, Pointer::Wasm32, is_async);
            assert_valid(&format!(
                r#"(component {MEMORY} {definitions}
                  (import "f" (func $f {option} {text}))
                  (core func $f' (canon lower (func $f) {option} {OPTIONS}))
                  (core module $m (import "" "f" (func {signature})))
                  (core instance (instantiate $m (with "" (instance (export "f" (func $f')))))))"#,
                definitions = types.imported(),
                signature = module(&shape.signature),
            ));
        }
    }
}

#[test]
fn lifted_functions_have_the_signatures_a_validator_demands() {
    for seed in 200..400 {
        let mut chance = Chance::new(seed);
        let mut types = Types::default();
        let (function, text) = function(&mut chance, &mut types);
        let callback = r#"async (callback (func $i "cb"))"#;
        let lifts = [
            (Lift::Sync, "", ""),
            (Lift::AsyncCallback, "async", callback),
            (Lift::AsyncStackful, "async", "async"),
        ];
        for (lift, effect, options) in lifts {
            let shape = layout::lifted(&function, Pointer::Wasm32, lift);
            assert_valid(&format!(
                r#"(component {MEMORY} {definitions}
                  (core module $m
                    (func (export "cb") (param i32 i32 i32) (result i32) unreachable)
                    (func (export "f") {signature} unreachable))
                  (core instance $i (instantiate $m))
                  (func (export "f") {effect} {text} (canon lift (core func $i "f") {options} {OPTIONS})))"#,
                definitions = types.exported(),
                signature = module(&shape.signature),
            ));
        }
    }
}

#[test]
fn task_return_takes_what_a_validator_demands() {
    for seed in 400..500 {
        let mut chance = Chance::new(seed);
        let mut types = Types::default();
        let (ty, text) = types.any(&mut chance, 4);
        let params = match layout::task_return(Some(&ty), Pointer::Wasm32) {
            Params::Flat(flat) => core_names(&flat),
            Params::Spilled(_) => "i32".to_string(),
        };
        assert_valid(&format!(
            r#"(component {MEMORY} {definitions}
              (core func $f (canon task.return (result {text}) (memory $l "memory")))
              (core module $m (import "" "f" (func (param {params}))))
              (core instance (instantiate $m (with "" (instance (export "f" (func $f)))))))"#,
            definitions = types.imported(),
        ));
    }
}

#[test]
fn types_larger_than_any_memory_saturate() {
    let mut ty = ValueType::U64;
    for _ in 0..4 {
        ty = ValueType::FixedList(Arc::new(ty), u32::MAX);
    }
    let expected = Layout {
        size: u64::MAX,
        align: 8,
    };
    assert_eq!(layout::layout(&ty, Pointer::Wasm32), expected);
    let pair = ValueType::Tuple([ValueType::U8, ty].into());
    assert_eq!(layout::layout(&pair, Pointer::Wasm32), expected);
    assert_eq!(layout::flatten(&pair, Pointer::Wasm32), None);
}
