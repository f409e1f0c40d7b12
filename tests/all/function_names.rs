//! Functions by the names that people type.

use crate::support::{fixture, golden, module_with_dwarf, record, rr_dap, text};
use rr_dap::source::{Agreement, FunctionName, ModuleSource};

/// The functions that a name means, each once.
fn meant(source: &ModuleSource, name: &str) -> Vec<String> {
    let wanted = FunctionName::parse(name);
    let found = source.beginnings(&|written| wanted.means(written, Agreement::All));
    let mut names: Vec<String> = found.into_iter().map(|function| function.name).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn functions_of_rust_are_named_by_type_or_by_trait() {
    let source = ModuleSource::read(module_with_dwarf(&golden("values-rust-O0"))).unwrap();
    let legs = ["<values::Dog as values::Animal>::legs"];
    for name in [
        "legs",
        "Dog::legs",
        "Animal::legs",
        "values::Dog::legs",
        legs[0],
    ] {
        assert_eq!(meant(&source, name), legs, "{name}");
    }
    for name in ["double", "values::double", "'values::double'"] {
        assert_eq!(meant(&source, name), ["values::double"], "{name}");
    }
    assert_eq!(
        meant(&source, "Arc::drop_slow"),
        ["alloc::sync::Arc<T,A>::drop_slow"]
    );
    assert_eq!(
        meant(&source, "Vec::extend_trusted"),
        ["alloc::vec::Vec<T,A>::extend_trusted"],
        "closures in it are not it"
    );
    assert!(meant(&source, "Cat::legs").is_empty());
    assert!(meant(&source, "eg").is_empty());
}

#[test]
fn functions_of_cpp_are_named_without_what_their_library_keeps_to_itself() {
    let source = ModuleSource::read(module_with_dwarf(&golden("values-cpp-O0"))).unwrap();
    let deque = ["std::__2::deque<int, std::__2::allocator<int> >::push_back"];
    for name in [
        "std::deque::push_back",
        "std::deque<int>::push_back",
        "deque::push_back",
        "std::deque<int>::push_back(int const&)",
    ] {
        assert_eq!(meant(&source, name), deque, "{name}");
    }
    assert!(meant(&source, "std::deque<char>::push_back").is_empty());
    let all = meant(&source, "push_back");
    assert!(
        all.len() > 3 && all.iter().all(|name| name.contains("::push_back")),
        "{all:?}"
    );
    assert_eq!(meant(&source, "main"), ["main"]);
}

#[test]
fn the_answer_tells_where_and_how_many_and_what_is_alike() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let app = fixture("half.wasm");
    record(&app, &["--quiet"], &[], "", &trace);
    let trace = trace.to_str().unwrap();
    let ran = rr_dap(
        &[
            "debug",
            "--batch",
            "-x",
            "break half",
            "-x",
            "continue",
            "-x",
            "list half",
            trace,
        ],
        "",
    );
    let told = text(&ran.stdout) + &text(&ran.stderr);
    assert!(told.contains("Breakpoint 1: half at half.c:6\n"), "{told}");
    assert!(told.contains("Breakpoint 1, half at half.c:6"), "{told}");
    assert!(told.contains("static int half(int number) {"), "{told}");
    let ran = rr_dap(&["debug", "--batch", "-x", "break hafl", trace], "");
    let told = text(&ran.stdout) + &text(&ran.stderr);
    assert!(
        told.contains("no function and no hostcall is named hafl; did you mean half?"),
        "{told}"
    );
}
