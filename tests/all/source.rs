//! What debug information says about a module, and what it shows of a stopped
//! frame, on `fixtures/src/hello.c` compiled with `-O0` and `-O2`.

use crate::support::hello::{Frame, HELLO, evaluate, hello, main_frame, named, source, variable};
use crate::support::{golden, module_with_dwarf};
use rr_dap::inspect::ChildCount;
use rr_dap::inspect::expression::Fault;
use rr_dap::inspect::variable::variables::{
    Variable, VariableKind, VariablesError, children, static_named, variables,
};
use rr_dap::source::{ModuleSource, SourceError, demangle, normalise};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use wasmparser::{Parser, Payload};

/// The offsets of all instructions.
fn instructions(module: &[u8]) -> HashSet<u32> {
    let mut found = HashSet::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CodeSectionEntry(body) = payload.expect("a sound module") {
            let mut operators = body.get_operators_reader().expect("operators");
            while !operators.eof() {
                found.insert(operators.original_position() as u32);
                operators.read().expect("an operator");
            }
        }
    }
    found
}

#[test]
fn every_statement_starts_an_instruction_of_its_line_and_function() {
    for level in ["O0", "O2"] {
        let source = source(level);
        let instructions = instructions(&hello(level));
        let statements = source.statements(0..u32::MAX);
        assert!(statements.len() > 1000);
        assert!(statements.windows(2).all(|pair| pair[0].pc < pair[1].pc));
        for statement in statements {
            assert!(instructions.contains(&statement.pc), "{statement:?}");
            assert!(source.function_at(statement.pc).is_some(), "{statement:?}");
            let line = source.line_at(statement.pc).expect("a line");
            assert_eq!(line.file, statement.at.file);
        }
    }
}

#[test]
fn functions_agree_with_the_name_section() {
    for level in ["O0", "O2"] {
        let source = source(level);
        let mut count = 0;
        for function in source.functions() {
            let index = source.function_index_at(function.range.start);
            let index = index.expect("dropped functions are left out");
            let name = source.function_name(index).expect("a name");
            let known = [
                Some(&function.name),
                Some(&function.short_name),
                function.linkage_name.as_ref(),
            ];
            assert!(known.contains(&Some(&name)), "{name} against {known:?}");
            count += 1;
        }
        assert!(count > 50);
    }
}

#[test]
fn a_function_is_found_by_every_name_and_begins_after_its_prologue() {
    let source = source("O0");
    for name in ["main", "__main_argc_argv"] {
        let [main] = source.functions_named(name)[..] else {
            panic!("one function `{name}`");
        };
        assert_eq!(main.name, "main");
        let declared = main.declared.expect("a declaration");
        assert_eq!((source.file(declared.file), declared.line), (HELLO, 9));
        let body = source.body_start(main);
        assert!(main.entry_pc < body && body < main.range.end);
        assert_eq!(source.line_at(body).map(|at| at.line), Some(10));
        assert_eq!(
            source.function_at(body).map(|f| f.entry_pc),
            Some(main.entry_pc)
        );
    }
    assert!(source.functions_named("mai").is_empty());
}

#[test]
fn breakpoints_stand_on_their_line_or_the_next_one_with_code() {
    for level in ["O0", "O2"] {
        let source = source(level);
        let lines = source.breakable_lines(HELLO, 0..1000);
        assert!(lines.iter().any(|at| at.line == 14));
        for at in &lines {
            let places = source.breakpoint_places(HELLO, at.line);
            assert!(!places.is_empty());
            let opens_function = at.line == 8 || at.line == 9;
            for place in places {
                assert!(
                    place.at.line == at.line || opens_function,
                    "{at:?} at {place:?}"
                );
            }
        }
        let sliding = source.breakpoint_places(HELLO, 1);
        assert_eq!(sliding, source.breakpoint_places(HELLO, lines[0].line));
        assert!(source.breakpoint_places(HELLO, 1000).is_empty());
        assert!(source.breakpoint_places("/elsewhere/h.c", 14).is_empty());
    }
    let main = source("O0").breakpoint_places(HELLO, 9);
    assert_eq!(
        main.iter().map(|place| place.at.line).collect::<Vec<_>>(),
        [10]
    );
}

#[test]
fn inlined_calls_name_the_function_and_the_line_that_calls_it() {
    let source = source("O2");
    let statements = source.statements(0..u32::MAX);
    let calls = statements.iter().flat_map(|s| source.inlined_at(s.pc));
    let calls: Vec<_> = calls.collect();
    assert!(!calls.is_empty());
    for call in calls {
        assert_ne!(call.name, "<unnamed>");
        assert!(call.call_site.is_some());
        assert!(!call.ranges.is_empty());
    }
}

#[test]
fn modules_without_debug_information_have_names_and_no_lines() {
    let module = wat::parse_str("(module (func $plain (export \"f\") nop))").expect("a module");
    let source = ModuleSource::read(module.into()).expect("a core module");
    assert!(!source.has_lines());
    assert_eq!(source.function_name(0).as_deref(), Some("plain"));
    assert_eq!(source.line_at(0), None);
    assert_eq!(source.files().count(), 0);
    let pc = 0x20;
    let found = variables(&source, pc, &Frame::default());
    assert!(matches!(
        found,
        Err(VariablesError::Source(SourceError::NotCovered { pc: at })) if at == pc
    ));
}

#[test]
fn a_component_is_no_core_module() {
    let component = std::fs::read("fixtures/hello-c-O0.wasm").expect("a fixture");
    let error = ModuleSource::read(component.into()).err();
    assert!(
        matches!(error, Some(SourceError::NotAModule(_))),
        "{error:?}"
    );
    assert!(ModuleSource::read(Arc::from(&b"no wasm"[..])).is_err());
}

#[test]
fn names_and_paths_are_made_readable() {
    assert_eq!(demangle("_ZN5Stack4pushEi"), "Stack::push");
    assert_eq!(
        demangle("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE"),
        "core::fmt::Write::write_fmt"
    );
    assert_eq!(demangle("plain_c"), "plain_c");
    assert_eq!(normalise("/a/./b/../c//d.c"), "/a/c/d.c");
    assert_eq!(normalise("../x/../../y.c"), "../../y.c");
    assert_eq!(normalise("/../y.c"), "/y.c");
}

#[test]
fn variables_of_unoptimised_code_show_their_values() {
    let source = source("O0");
    let (pc, frame) = main_frame(&source);
    let found = variables(&source, pc, &frame).expect("variables");
    let arguments: Vec<_> = found
        .iter()
        .filter(|v| v.kind == VariableKind::Argument)
        .collect();
    assert_eq!(
        arguments
            .iter()
            .map(|v| v.name.as_str())
            .collect::<Vec<_>>(),
        ["argc", "argv"]
    );
    let pts = named(&found, "pts");
    assert_eq!(pts.type_name, "point[3]");
    assert_eq!(pts.children, ChildCount::Indexed(3));
    assert_eq!(pts.size, 72);
    assert!(
        pts.value
            .starts_with("[{x: 1, y: 2, w: 3.5, name: 0x500 \"one\"}"),
        "{}",
        pts.value
    );
    assert_eq!(named(&found, "c").value, "BLUE");
    assert_eq!(named(&found, "u").value, "{i: 1069547520, f: 1.5}");
    let buf = named(&found, "buf");
    assert_eq!(buf.value, r#"0x800 "three=\"15\"\n""#);
    assert_eq!(
        (buf.type_name.as_str(), buf.points_to),
        ("char *", Some(0x800))
    );
    // `i` is declared in the loop's block, which ends before line 14.
    assert!(found.iter().all(|variable| variable.name != "i"));
    let in_loop = source.breakpoint_places(HELLO, 13)[0].pc + 0x20;
    let found = variables(&source, in_loop, &frame).expect("variables");
    assert_eq!(named(&found, "i").type_name, "int");
}

#[test]
fn children_come_in_pages_and_add_up_to_the_whole() {
    let source = source("O0");
    let (pc, frame) = main_frame(&source);
    let found = variables(&source, pc, &frame).expect("variables");
    let page =
        |of: &Variable, range: Range<u64>| children(&source, of, &frame, range).expect("children");
    let pts = named(&found, "pts");
    let all = page(pts, 0..u64::MAX);
    let names: Vec<_> = all.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["[0]", "[1]", "[2]"]);
    let [last] = &page(pts, 2..3)[..] else {
        panic!("one element");
    };
    assert_eq!(last.value, all[2].value);
    assert!(page(pts, 3..9).is_empty());
    let fields = page(last, 0..9);
    let values: Vec<_> = fields
        .iter()
        .map(|v| (v.name.as_str(), v.value.as_str()))
        .collect();
    assert_eq!(
        values,
        [
            ("x", "-7"),
            ("y", "8"),
            ("w", "9.5"),
            ("name", "0x520 \"three\"")
        ]
    );
    let [first] = &page(&fields[3], 0..9)[..] else {
        panic!("one target");
    };
    assert_eq!(
        (first.name.as_str(), first.value.as_str()),
        ("*", "116 't'")
    );
}

#[test]
fn optimised_variables_are_constants_locals_or_say_that_they_are_gone() {
    let source = source("O2");
    let frame = Frame {
        stack: 42,
        ..Frame::default()
    };
    let main = source.functions_named("main")[0];
    let pc = source.body_start(main);
    let found = variables(&source, pc, &frame).expect("variables");
    assert_eq!(named(&found, "c").value, "BLUE");
    assert_eq!(named(&found, "u").value, "{i: 1069547520, f: 1.5}");
    let argc = named(&found, "argc");
    assert_eq!((argc.value.as_str(), argc.address), ("42", None));
    let pts = named(&found, "pts");
    assert_eq!(
        (pts.value.as_str(), pts.children),
        ("<optimised out>", ChildCount::None)
    );
    let address = evaluate(&source, pc, &frame, "&argc").map_err(|e| *e.fault);
    assert_eq!(address.err(), Some(Fault::NoAddress));
    // Unrolled, the loop's variable is another constant in each copy.
    let fib = source.functions_named("fib")[0];
    let at_entry = variables(&source, fib.entry_pc, &frame).expect("variables");
    assert_eq!(named(&at_entry, "n").value, "42");
    assert_eq!(named(&at_entry, "a").value, "41");
    assert_eq!(named(&at_entry, "b").value, "40");
}

#[test]
fn statics_are_found_by_every_end_of_their_path_from_any_unit() {
    let frame = Frame::default();
    for (guest, names, shown) in [
        (
            "values-cpp-O0",
            &[
                &["balance", "bank::balance", "::bank::balance"][..],
                &["count", "Account::count", "bank::Account::count"],
                &["hidden", "bank::hidden"],
                &["calls", "language::calls"],
            ][..],
            "int",
        ),
        (
            "values-rust-O0",
            &[
                &["COUNTER", "values::COUNTER"],
                &["LEVEL", "inside::LEVEL", "values::deep::inside::LEVEL"],
            ],
            "",
        ),
    ] {
        let source = ModuleSource::read(module_with_dwarf(&golden(guest))).expect("a module");
        let start = source.functions_named("_start");
        let start = start.first().map_or(0, |function| function.entry_pc);
        let mut addresses = HashSet::new();
        for same in names {
            let found = same
                .iter()
                .filter_map(|name| static_named(&source, start, name, &frame));
            let found: Vec<_> = found.collect();
            assert_eq!(found.len(), same.len(), "{same:?}: {found:?}");
            let first = found[0].address.expect("in memory");
            assert!(found.iter().all(|v| v.address == Some(first)), "{found:?}");
            assert!(
                found.iter().all(|v| v.type_name.contains(shown)),
                "{found:?}"
            );
            assert!(addresses.insert(first), "{same:?} is another's place");
        }
        assert!(static_named(&source, start, "no such name", &frame).is_none());
    }
}

#[test]
fn pointers_out_of_memory_are_shown_and_cannot_be_followed() {
    let source = source("O0");
    let (pc, mut frame) = main_frame(&source);
    let buf = variable(evaluate(&source, pc, &frame, "buf"));
    frame.write(buf.address.expect("in memory"), &u32::MAX.to_le_bytes());
    let wild = variable(evaluate(&source, pc, &frame, "buf"));
    assert_eq!(wild.value, "0xffffffff \"\"…");
    let target = variable(evaluate(&source, pc, &frame, "*buf"));
    assert_eq!(target.value, "<memory at 0xffffffff cannot be read>");
    frame.stack = Frame::MEMORY * 2;
    for variable in variables(&source, pc, &frame).expect("variables") {
        let is_argument = variable.kind == VariableKind::Argument;
        assert!(
            is_argument || variable.value.contains("<memory at"),
            "{variable:?}"
        );
    }
}
