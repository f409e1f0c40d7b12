//! What types are made of and which functions there are, as the console and the prompt
//! tell it, on programs whose sources say the same.

use crate::support;
use crate::support::{golden, record, rr_dap, text};
use std::path::{Path, PathBuf};

/// A recording of a guest with values of every kind, kept for one test.
fn recorded(directory: &Path, guest: &str) -> PathBuf {
    let app = directory.join("guest.wasm");
    std::fs::write(&app, golden(guest)).unwrap();
    let trace = directory.join("guest.rrtrace");
    assert!(record(&app, &[], &[], "", &trace).status.success());
    trace
}

/// What commands print at a place, without the prompt.
fn answers(guest: &str, place: &str, commands: &[&str]) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let trace = recorded(directory.path(), guest);
    let to = format!("tbreak {place}");
    let typed: String = [to.as_str(), "run"]
        .iter()
        .chain(commands)
        .flat_map(|line| [line, "\n"])
        .collect();
    let session = rr_dap(&["debug", trace.to_str().unwrap()], &typed);
    assert!(session.status.success(), "{session:?}");
    let told = text(&session.stdout);
    let answers: Vec<String> = told
        .split("(rr-dap) ")
        .skip(3)
        .zip(commands)
        .map(|(answer, command)| {
            let answer = answer.strip_prefix(command);
            answer
                .unwrap_or_else(|| panic!("{told}"))
                .trim_matches('\n')
                .to_owned()
        })
        .collect();
    assert_eq!(answers.len(), commands.len(), "{told}");
    answers
}

#[track_caller]
fn check(guest: &str, place: &str, expected: &[(&str, &[&str])]) {
    let commands: Vec<&str> = expected.iter().map(|(command, _)| *command).collect();
    for (answer, (command, expected)) in answers(guest, place, &commands).iter().zip(expected) {
        let lines: Vec<&str> = answer.lines().collect();
        assert_eq!(&lines, expected, "{guest}: {command}");
    }
}

const NODE: &[&str] = &[
    "node *",
    "node: 8 bytes",
    "       0  value: int",
    "       4  next: node *",
];

#[test]
fn types_of_c() {
    let packet: &[&str] = &[
        "packet: 8 bytes",
        "       0  kind: int",
        "       4  union",
        "       4    number: int",
        "       4    struct",
        "       4      low: char",
        "       5      high: char",
        "       8  rest: int[]",
    ];
    let bits: &[&str] = &[
        "bits: 8 bytes",
        "       0  low: unsigned int, bits 0 to 2",
        "       0  negative: int, bits 3 to 7",
        "       1  wide: unsigned long long, bits 0 to 39",
        "       6  on: _Bool, bit 0",
    ];
    check(
        "values-c-O0",
        "values",
        &[
            ("ptype struct packet", packet),
            ("ptype packet", packet),
            ("ptype &packet", &[&["packet *"], packet].concat()),
            ("ptype bits", bits),
            ("whatis bits", &["bits"]),
            (
                "ptype enum signs",
                &["signs: 4 bytes", "  MINUS = -1", "  PLUS = 1"],
            ),
            (
                "ptype operation",
                &["operation: 4 bytes", "  = int (*)(int, int)"],
            ),
            ("ptype struct node *", NODE),
            ("ptype bits.on", &["_Bool: 1 byte"]),
            // Both are null here: a type needs no value.
            ("ptype last.next->value", &["int: 4 bytes"]),
            ("ptype *last.next", NODE.get(1..).unwrap()),
            ("ptype text", &["const char *: 4 bytes"]),
            ("ptype NAMES", &["const char * const[2]: 8 bytes"]),
            ("ptype bits.wide + 1", &["a number"]),
        ],
    );
}

#[test]
fn types_of_cpp() {
    check(
        "values-cpp-O0",
        "values.cpp:194",
        &[
            (
                "ptype Derived",
                &[
                    "Derived: 16 bytes",
                    "       0  base Base",
                    "       8  second: double",
                ],
            ),
            (
                "ptype zoo::Dog",
                &[
                    "Dog: 20 bytes",
                    "       0  base Named",
                    "       8  base Animal",
                    "      16  kind: short",
                ],
            ),
            (
                "ptype Level",
                &["Level: 2 bytes", "  low = -1", "  high = 300"],
            ),
        ],
    );
}

#[test]
fn types_of_rust() {
    check(
        "values-rust-O0",
        "values.rs:104",
        &[
            (
                "ptype rectangle",
                &[
                    "Shape: 16 bytes",
                    "          Circle (0)",
                    "       8    __0: f64",
                    "          Rectangle (1)",
                    "       2    width: u16",
                    "       4    height: u16",
                    "          Nothing (2)",
                ],
            ),
            (
                "ptype Colour",
                &["Colour: 1 byte", "  Red = 0", "  Green = 5"],
            ),
            (
                "ptype &Point",
                &[
                    "&Point",
                    "Point: 8 bytes",
                    "       0  x: i32",
                    "       4  y: i32",
                ],
            ),
        ],
    );
}

#[test]
fn types_of_zig() {
    check(
        "values-zig-O0",
        "values.zig:36",
        &[(
            "ptype slice",
            &[
                "[]u16: 8 bytes",
                "       0  ptr: [*]u16",
                "       4  len: usize",
            ],
        )],
    );
}

#[test]
fn what_is_neither_a_value_nor_a_type_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let trace = recorded(directory.path(), "values-c-O0");
    let typed = "tbreak values\nrun\nptype nonsense\nptype\nptype packet.\nptype Vec<u32>\n";
    let session = rr_dap(&["debug", trace.to_str().unwrap()], typed);
    assert!(!session.status.success());
    let complaints = text(&session.stderr);
    let complaints: Vec<&str> = complaints.lines().collect();
    assert_eq!(
        complaints,
        [
            "no variable in scope here, no type and no function is named `nonsense`",
            "the type of what? `ptype EXPRESSION`, `ptype TYPE` or `ptype FUNCTION`",
            "the name of a field is expected here (column 8 of `packet.`)",
            "no variable in scope here, no type and no function is named `Vec<u32>`",
        ]
    );
}

#[test]
fn functions_are_found_by_their_names_and_listed() {
    let found = answers(
        "values-c-O0",
        "values",
        &["functions add", "info functions ad?"],
    );
    let source = std::fs::read_to_string(support::fixture("golden/values.c")).unwrap();
    let line = source
        .lines()
        .position(|line| line.starts_with("static int add("))
        .unwrap()
        + 1;
    let add = format!("add  values.c:{line}");
    // The C library has others.
    assert!(found[0].lines().any(|told| told == add), "{found:?}");
    assert_eq!(found[1], add);
    // Others have types of the program in their names.
    let own = answers("values-rust-O0", "values.rs:104", &["functions values::*"]);
    assert!(own[0].lines().count() > 3, "{own:?}");
    assert!(
        own[0].lines().all(|told| told.starts_with("values::")),
        "{own:?}"
    );

    let directory = tempfile::tempdir().unwrap();
    let trace = recorded(directory.path(), "values-c-O0");
    let map = format!("/rr-dap/fixtures={}", support::fixture("").display());
    let arguments = ["debug", "--source-map", &map, trace.to_str().unwrap()];
    let session = rr_dap(&arguments, "list add\nlist 1,2\nlist nowhere\n");
    let told = text(&session.stdout);
    assert!(
        told.contains(&format!(" {line}  static int add(int a, int b)")),
        "{told}"
    );
    let beginning: Vec<&str> = source.lines().take(2).collect();
    let lines = format!(
        "      1  {}\n      2  {}\n(rr-dap)",
        beginning[0], beginning[1]
    );
    assert!(told.contains(&lines), "{told}");
    assert_eq!(
        text(&session.stderr).trim_end(),
        "no function is named nowhere; `info functions nowhere` lists those like it"
    );
}
