//! A core module that keeps the clock behaves as it did, counts every tick, and
//! its instructions can be found again.

use crate::support::guest::{assemble, clocked, run, step, tick_points};
use crate::support::kernels::{KERNELS, STILL, crowded};
use crate::support::random_guest::random_guest;
use rr_dap::instrument::clock::{self, ClockStyle};
use rr_dap::instrument::offsets::{Mapped, OffsetMap};
use rr_dap::replay::variant::{Variant, engine_for_compiling};
use wasmparser::{Operator, Parser, Payload};

const STYLES: [ClockStyle; 3] = [ClockStyle::Shared, ClockStyle::Cached, ClockStyle::Lazy];
/// Those that call the hook at each tick it is armed for.
const PROMPT: [ClockStyle; 2] = [ClockStyle::Shared, ClockStyle::Cached];

#[test]
fn results_are_the_same_and_every_tick_is_counted() {
    for variant in [Variant::Fast, Variant::Debug] {
        let engine = engine_for_compiling(variant).expect("an engine");
        for kernel in KERNELS {
            let original = assemble(kernel.wat);
            let plain = run(&engine, &original, i32::MAX);
            let seen = STYLES.map(|style| {
                let module = clocked(&original, style).module;
                run(&engine, &module, i32::MAX)
            });
            for (style, seen) in STYLES.iter().zip(&seen) {
                assert_eq!(seen.outcome, plain.outcome, "{}: {style:?}", kernel.name);
                assert_eq!(seen.ticks, kernel.ticks, "{}: {style:?}", kernel.name);
                let looks = kernel.wat.contains("call $look");
                assert_eq!(seen.looks.is_empty(), !looks, "{}", kernel.name);
            }
            for other in &seen[1..] {
                assert_eq!(seen[0].looks, other.looks, "{}", kernel.name);
            }
        }
    }
}

#[test]
fn stepping_through_the_original_counts_the_same_ticks() {
    let engine = engine_for_compiling(Variant::Fast).expect("an engine");
    for kernel in KERNELS {
        let original = assemble(kernel.wat);
        // Stepping starts after the start function.
        let at_start = if kernel.wat.contains("(start") { 4 } else { 0 };
        let stepped = step(&original);
        for style in STYLES {
            let seen = run(&engine, &clocked(&original, style).module, i32::MAX);
            assert_eq!(seen.ticks - at_start, stepped.ticks, "{}", kernel.name);
            assert_eq!(seen.looks, stepped.looks, "{}", kernel.name);
        }
    }
}

#[test]
fn random_guests_have_the_same_ticks_in_all_styles_and_by_stepping() {
    let engine = engine_for_compiling(Variant::Fast).expect("an engine");
    let (mut looks, mut caught) = (0, 0);
    for seed in 0..200 {
        let wat = random_guest(seed);
        let original = assemble(&wat);
        let plain = run(&engine, &original, i32::MAX);
        let stepped = step(&original);
        looks += stepped.looks.len();
        caught += usize::from(plain.outcome.is_ok() && wat.contains("(throw"));
        for style in STYLES {
            let module = clocked(&original, style).module;
            let seen = run(&engine, &module, i32::MAX);
            assert_eq!(seen.outcome, plain.outcome, "seed {seed}, {style:?}");
            assert_eq!(seen.looks, stepped.looks, "seed {seed}, {style:?}");
            assert_eq!(seen.ticks, stepped.ticks, "seed {seed}, {style:?}");
            // However often it is interrupted.
            let often = run(&engine, &module, 3);
            assert_eq!(often.looks, stepped.looks, "seed {seed}, {style:?}");
            assert_eq!(often.ticks, stepped.ticks, "seed {seed}, {style:?}");
        }
    }
    assert!(
        looks > 2000 && caught > 20,
        "{looks} looks, {caught} caught"
    );
}

#[test]
fn frames_are_counted_as_the_engine_has_them() {
    let engine = engine_for_compiling(Variant::Profile).expect("an engine");
    let kernels = KERNELS
        .iter()
        .filter(|kernel| kernel.wat.contains("\"look\""));
    let kernels = kernels.map(|kernel| kernel.wat.to_owned());
    let mut deep = 0;
    for wat in kernels.chain((0..200).map(random_guest)) {
        let original = assemble(&wat);
        let stepped = step(&original);
        let module = clock::profile(&original)
            .expect("frames can be counted")
            .module;
        let seen = run(&engine, &module, i32::MAX);
        assert_eq!(
            seen.outcome,
            run(&engine, &original, i32::MAX).outcome,
            "{wat}"
        );
        assert_eq!(seen.looks, stepped.looks, "{wat}");
        assert_eq!(seen.frames.len(), stepped.lowest.len(), "{wat}");
        for (i, (frames, lowest)) in seen.frames.iter().zip(&stepped.lowest).enumerate() {
            assert_eq!(frames.counted, frames.actual, "look {i} of {wat}");
            // Before the first, no code has run.
            let is_first = i == 0;
            let slack = u32::from(wat.contains("return_call"));
            assert!(frames.lowest <= *lowest, "look {i} of {wat}");
            assert!(
                is_first || frames.lowest + slack >= *lowest,
                "look {i} of {wat}"
            );
            deep = deep.max(frames.counted);
        }
    }
    assert!(deep > 4, "{deep}");
}

#[test]
fn a_lazy_hook_comes_late_but_knows_the_tick() {
    let engine = engine_for_compiling(Variant::Fast).expect("an engine");
    for kernel in KERNELS {
        let original = assemble(kernel.wat);
        let module = clocked(&original, ClockStyle::Lazy).module;
        let free = run(&engine, &module, i32::MAX);
        for period in [1, 2, 5] {
            let seen = run(&engine, &module, period);
            assert_eq!((&seen.outcome, seen.ticks), (&free.outcome, free.ticks));
            assert_eq!(seen.looks, free.looks, "{}", kernel.name);
            let mut before = 0;
            for (tick, _) in &seen.hooks {
                assert!(*tick >= before + period as u64, "{}", kernel.name);
                before = *tick;
            }
        }
        // Recursion, and loops around something, are checked.
        let least = match kernel.name {
            "recursion" => 465,
            "nested loops in memory" => 10,
            "a loop as the first instruction of a loop" => 3,
            "indirect calls and calls out, in loops" => 6,
            _ => 0,
        };
        let hooks = run(&engine, &module, 1).hooks.len();
        assert!(hooks >= least, "{}: {hooks}", kernel.name);
    }
}

#[test]
fn the_hook_comes_at_its_tick_and_in_front_of_the_same_instruction_in_both_prompt_styles() {
    let engine = engine_for_compiling(Variant::Fast).expect("an engine");
    for kernel in KERNELS {
        let original = assemble(kernel.wat);
        let points = tick_points(&original);
        let plain = run(&engine, &original, i32::MAX);
        let mut in_both = Vec::new();
        for style in PROMPT {
            let clocked = clocked(&original, style);
            let every = run(&engine, &clocked.module, 1);
            assert_eq!(every.outcome, plain.outcome, "{}: {style:?}", kernel.name);
            let places: Vec<(u64, u32)> = every
                .hooks
                .iter()
                .map(
                    |&(tick, offset)| match clocked.offsets.to_original(offset) {
                        Mapped::Inserted { next } => (tick, next),
                        other => panic!("{}: the hook is called from {other:?}", kernel.name),
                    },
                )
                .collect();
            let ticks: Vec<u64> = places.iter().map(|place| place.0).collect();
            assert_eq!(
                ticks,
                (1..=kernel.ticks).collect::<Vec<_>>(),
                "{}",
                kernel.name
            );
            assert!(places.iter().all(|place| points.contains(&place.1)));
            for period in [2, 3, 5, 7] {
                let some = run(&engine, &clocked.module, period);
                let expected: Vec<_> = places
                    .iter()
                    .copied()
                    .filter(|place| place.0 % period as u64 == 0)
                    .map(|place| place.0)
                    .collect();
                let found: Vec<_> = some.hooks.iter().map(|hook| hook.0).collect();
                assert_eq!(found, expected, "{}: every {period}", kernel.name);
                assert_eq!(
                    (some.outcome, some.ticks),
                    (every.outcome.clone(), every.ticks)
                );
            }
            in_both.push((places, every.looks));
        }
        assert_eq!(in_both[0], in_both[1], "{}", kernel.name);
    }
}

#[test]
fn every_instruction_is_found_in_the_rewritten_module_and_back() {
    for module in all_modules() {
        for style in STYLES {
            check_offsets(&module, &clocked(&module, style), 1);
        }
        let profiled = clock::profile(&module).expect("frames can be counted");
        check_offsets(&module, &profiled, 3);
    }
}

#[test]
fn an_offset_map_survives_storage() {
    let crowded = assemble(&crowded());
    for style in STYLES {
        let offsets = clocked(&crowded, style).offsets;
        assert_eq!(
            OffsetMap::from_bytes(&offsets.to_bytes()),
            Ok(offsets.clone())
        );
        let json = serde_json::to_string(&offsets).expect("serialises");
        assert_eq!(serde_json::from_str::<OffsetMap>(&json).ok(), Some(offsets));
    }
}

#[test]
fn a_damaged_offset_map_is_refused_or_harmless() {
    let offsets = clocked(&assemble(KERNELS[0].wat), ClockStyle::Cached).offsets;
    let bytes = offsets.to_bytes();
    assert!(OffsetMap::from_bytes(&[0x80]).is_err());
    assert!(OffsetMap::from_bytes(&[0xff; 6]).is_err());
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            if let Ok(map) = OffsetMap::from_bytes(&damaged) {
                for offset in [0, 40, 100, u32::MAX] {
                    let _ = (map.to_original(offset), map.to_rewritten(offset));
                }
            }
        }
    }
}

#[test]
fn a_damaged_module_is_refused_or_still_valid() {
    let original = assemble(KERNELS[3].wat);
    for at in 0..original.len() {
        // Cut off between two sections it may be a module still.
        if let Ok(clocked) = clock::clock(&original[..at], ClockStyle::Cached) {
            validate(&clocked.module);
        }
        for value in [0, 1, 0x0b, 0x7f, 0x80, 0xff] {
            let mut damaged = original.clone();
            damaged[at] = value;
            if let Ok(clocked) = clock::clock(&damaged, ClockStyle::Cached) {
                validate(&clocked.module);
            }
        }
    }
}

#[test]
fn threads_that_share_everything_and_stack_switching_are_refused() {
    for wat in [
        "(module (type $f (func)) (type $c (cont $f)) (func (param (ref $c)) (resume $c (local.get 0))))",
        "(module (global $g (mut i32) (i32.const 0)) (func (result i32) (global.atomic.get seq_cst $g)))",
    ] {
        assert!(
            clock::clock(&assemble(wat), ClockStyle::Shared).is_err(),
            "{wat}"
        );
    }
}

/// Inline modules, and the core modules of the components in `$RR_DAP_GUESTS`.
fn all_modules() -> Vec<Vec<u8>> {
    let inline = KERNELS
        .iter()
        .map(|kernel| kernel.wat)
        .chain(STILL.iter().copied());
    let mut modules: Vec<Vec<u8>> = inline.map(assemble).collect();
    modules.push(assemble(&crowded()));
    let Some(guests) = std::env::var_os("RR_DAP_GUESTS") else {
        return modules;
    };
    for file in std::fs::read_dir(guests).expect("RR_DAP_GUESTS names a folder") {
        let component = std::fs::read(file.expect("a file").path()).expect("readable");
        for payload in Parser::new(0).parse_all(&component) {
            if let Payload::ModuleSection {
                unchecked_range, ..
            } = payload.expect("parses")
            {
                let range = unchecked_range.start..unchecked_range.end;
                modules.push(component[range].to_vec());
            }
        }
    }
    modules
}

fn validate(module: &[u8]) {
    let features = wasmparser::WasmFeatures::all();
    wasmparser::Validator::new_with_features(features)
        .validate_all(module)
        .expect("the rewritten module is valid");
}

/// The operators of a module with their offsets, and with the indices that the
/// clock's imports shift moved by so many.
fn operators(module: &[u8], by_functions: u32, by_globals: u32) -> Vec<(u32, String)> {
    let (mut functions, mut globals) = (0, 0);
    let mut operators = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("parses") {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    match import.expect("an import").ty {
                        wasmparser::TypeRef::Func(_) => functions += 1,
                        wasmparser::TypeRef::Global(_) => globals += 1,
                        _ => {}
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut reader = body.get_operators_reader().expect("operators");
                while !reader.eof() {
                    let at = reader.original_position() as u32;
                    let shift = |index: u32, from, by| index + if index >= from { by } else { 0 };
                    let operator = match reader.read().expect("an operator") {
                        Operator::Call { function_index } => Operator::Call {
                            function_index: shift(function_index, functions, by_functions),
                        },
                        Operator::ReturnCall { function_index } => Operator::ReturnCall {
                            function_index: shift(function_index, functions, by_functions),
                        },
                        Operator::RefFunc { function_index } => Operator::RefFunc {
                            function_index: shift(function_index, functions, by_functions),
                        },
                        Operator::GlobalGet { global_index } => Operator::GlobalGet {
                            global_index: shift(global_index, globals, by_globals),
                        },
                        Operator::GlobalSet { global_index } => Operator::GlobalSet {
                            global_index: shift(global_index, globals, by_globals),
                        },
                        other => other,
                    };
                    operators.push((at, format!("{operator:?}")));
                }
            }
            _ => {}
        }
    }
    operators
}

/// `added` is the number of globals that the rewrite imports.
fn check_offsets(original: &[u8], clocked: &clock::Clocked, added: u32) {
    validate(&clocked.module);
    let expected = operators(original, 1, added);
    let rewritten = operators(&clocked.module, 0, 0);
    let mut copied = Vec::new();
    let mut inserted_before = Vec::new();
    for (at, operator) in rewritten {
        match clocked.offsets.to_original(at) {
            Mapped::Instruction(original) => {
                assert_eq!(clocked.offsets.to_rewritten(original), Some(at));
                assert!(inserted_before.drain(..).all(|next| next == original));
                copied.push((original, operator));
            }
            Mapped::Inserted { next } => inserted_before.push(next),
            Mapped::Outside => panic!("{operator} at {at:#x} has no original at or after it"),
        }
    }
    assert!(copied == expected, "the copied instructions differ");
    for (original, _) in expected {
        let there = clocked.offsets.to_rewritten(original);
        let back = there.map(|there| clocked.offsets.to_original(there));
        assert_eq!(back, Some(Mapped::Instruction(original)));
    }
}
