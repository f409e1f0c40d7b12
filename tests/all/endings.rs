//! What a recording says of its ending is compared with what the replay does.

use crate::support::command::{Call, command};
use crate::support::file::{self, END, INDEX, Section, sections};
use crate::support::{cache_dir, events, fixture, record, rewrite, rr_dap, text};
use rr_dap::component::types::CoreValue;
use rr_dap::inspect::ending::{Verified, WholeReplay};
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Compared, Compiled, Divergence, ReplayError};
use rr_dap::trace::{EventKind, Outcome, Trace, UNTOLD};
use std::path::Path;
use std::sync::Arc;

fn verify(path: &Path) -> Result<Verified, ReplayError> {
    let trace = Arc::new(Trace::open(path)?);
    let cache = CacheDir::open(&cache_dir())?;
    let variant = Variant::for_whole(trace.outcome());
    let compiled = Compiled::prepare(&trace, &cache, variant, &|_, _| {})?;
    WholeReplay::new(trace, &compiled, |_, _| {})?.run()
}

/// The same recording, but that it says to have ended otherwise.
fn forge(trace: &Path, outcome: &Outcome, to: &Path) {
    let mut parts: Vec<Section> = sections(&std::fs::read(trace).unwrap());
    parts.retain(|part| part.id != INDEX);
    let end = parts.iter_mut().find(|part| part.id == END).unwrap();
    end.plain = serde_json::to_vec(outcome).unwrap();
    std::fs::write(to, file::build(&parts)).unwrap();
    let forged = Trace::open(to).unwrap();
    assert!(forged.has_end() && forged.outcome() == outcome);
}

fn returned(result: &str) -> Outcome {
    Outcome::Returned {
        success: true,
        result: Some(result.to_owned()),
    }
}

fn divergence(path: &Path) -> Divergence {
    match verify(path) {
        Err(ReplayError::Diverged(divergence)) => divergence,
        other => panic!("{}: {other:?}", Trace::open(path).unwrap().outcome()),
    }
}

/// A component whose `run` answers a constant: a core value, or what lies at 64.
fn constant(ty: &str, core: &str, data: &str) -> String {
    let (results, body) = match core {
        "" => ("i32", "i32.const 64"),
        core => (&core[..3], core),
    };
    format!(
        r#"(component
          (core module $m
            (memory (export "memory") 1)
            (func (export "run") (result {results}) ({body}))
            (data (i32.const 64) "{data}"))
          (core instance $m (instantiate $m))
          {ty}
          (export $t' "t" (type $t))
          (func (export "run") (result $t')
            (canon lift (core func $m "run") (memory $m "memory"))))"#
    )
}

/// A result's type, its core value or where there is none its bytes, and it in WAVE.
const RESULTS: &[(&str, &str, &str, &str)] = &[
    ("bool", "i32.const 1", "", "true"),
    ("u8", "i32.const 145", "", "145"),
    ("s8", "i32.const -3", "", "-3"),
    ("s64", "i64.const -9000000000", "", "-9000000000"),
    ("u64", "i64.const -1", "", "18446744073709551615"),
    ("f32", "f32.const nan:0x200001", "", "nan"),
    ("f64", "f64.const -0", "", "-0"),
    ("f64", "f64.const -inf", "", "-inf"),
    ("f32", "f32.const 0.1", "", "0.1"),
    ("f64", "f64.const 1e300", "", ""),
    ("char", "i32.const 10", "", "'\\n'"),
    ("char", "i32.const 0x1f30d", "", "'🌍'"),
    ("(enum \"ok\" \"sweet\")", "i32.const 0", "", "%ok"),
    ("(flags \"a\" \"b\" \"c\")", "i32.const 5", "", "{a, c}"),
    ("(flags \"a\" \"b\" \"c\")", "i32.const 0", "", "{}"),
    ("(result)", "i32.const 1", "", "err"),
    (
        "string",
        "",
        "\\60\\00\\00\\00\\0e\\00\\00\\00abcdefgh______________________________",
        "",
    ),
    (
        "string",
        "",
        "\\48\\00\\00\\00\\0b\\00\\00\\00a\\\"'\\0a\\t\\e2\\80\\ae\\c3\\bc\\01",
        "",
    ),
    (
        "(list u8)",
        "",
        "\\48\\00\\00\\00\\03\\00\\00\\00\\01\\02\\ff",
        "[1, 2, 255]",
    ),
    (
        "(list (list u16))",
        "",
        "\\48\\00\\00\\00\\02\\00\\00\\00\\58\\00\\00\\00\\02\\00\\00\\00\\58\\00\\00\\00\\00\\00\\00\\00\\07\\00\\08\\00",
        "[[7, 8], []]",
    ),
    (
        "(record (field \"a\" (option u8)) (field \"b\" bool))",
        "",
        "\\00\\00\\01",
        "{b: true}",
    ),
    (
        "(record (field \"a\" (option u8)) (field \"b\" (option u8)))",
        "",
        "\\00\\00\\00\\00",
        "{:}",
    ),
    ("(tuple s8 u16)", "", "\\ff\\00\\10\\27", "(-1, 10000)"),
    (
        "(variant (case \"none\") (case \"true\" u8))",
        "",
        "\\01\\09",
        "%true(9)",
    ),
    ("(option u8)", "", "\\01\\09", "some(9)"),
    ("(option u8)", "", "\\00\\09", "none"),
    ("(result u8 (error u16))", "", "\\01\\00\\09\\00", "err(9)"),
];

#[test]
fn a_forged_result_of_any_type_is_a_divergence() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for (ty, core, data, told) in RESULTS {
        let app = path("app.wat");
        let defined = format!("(type $t {ty})");
        std::fs::write(&app, constant(&defined, core, data)).unwrap();
        let trace = path("run.rrtrace");
        let recorded = record(&app, &["--invoke", "run()"], &[], "", &trace);
        let printed = text(&recorded.stdout);
        let printed = printed.trim_end();
        assert!(recorded.status.success(), "{ty}: {recorded:?}");
        if !told.is_empty() {
            assert_eq!(printed, *told, "{ty}");
        }
        assert_eq!(
            verify(&trace).map(|verified| verified.compared).unwrap(),
            Compared::Same,
            "{ty}"
        );
        let mut forged = vec!["999".to_owned(), format!("{printed}0"), UNTOLD.to_owned()];
        let mut shorter = printed.to_owned();
        shorter.pop();
        forged.push(shorter);
        forged.push(String::new());
        for other in forged {
            let forged = path("forged.rrtrace");
            forge(&trace, &returned(&other), &forged);
            let divergence = divergence(&forged);
            let recorded = &divergence.recorded.text;
            assert_eq!(*recorded, format!("the run returned {other}"), "{ty}");
            let replayed = &divergence.replayed.text;
            assert!(replayed.starts_with("the run returned "), "{replayed}");
            assert_ne!(recorded, replayed, "{ty}");
        }
    }
}

/// Lists longer than what is shown of one are compared to their end.
#[test]
fn the_last_element_of_a_long_result_is_compared() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("app.wat");
    let data = format!(
        "\\48\\00\\00\\00\\88\\13\\00\\00{}",
        "\\07\\00".repeat(5000)
    );
    std::fs::write(&app, constant("(type $t (list u16))", "", &data)).unwrap();
    let trace = dir.path().join("run.rrtrace");
    record(&app, &["--invoke", "run()"], &[], "", &trace);
    assert_eq!(verify(&trace).unwrap().compared, Compared::Same);
    let Outcome::Returned {
        result: Some(result),
        ..
    } = Trace::open(&trace).unwrap().outcome().clone()
    else {
        panic!("a call returns");
    };
    let forged = dir.path().join("forged.rrtrace");
    forge(&trace, &returned(&result.replace("7]", "8]")), &forged);
    divergence(&forged);
}

#[test]
fn handles_are_told_by_no_words_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (trace, forged) = (dir.path().join("run"), dir.path().join("forged"));
    let call = "[constructor]counter(5)";
    record(
        &fixture("library.wasm"),
        &["--invoke", call],
        &[],
        "",
        &trace,
    );
    assert_eq!(*Trace::open(&trace).unwrap().outcome(), returned(UNTOLD));
    assert_eq!(verify(&trace).unwrap().compared, Compared::Same);
    forge(&trace, &returned("5"), &forged);
    let divergence = divergence(&forged);
    assert!(divergence.replayed.text.contains("own<"), "{divergence}");
}

/// Recordings of each kind of ending.
fn recordings(dir: &Path) -> Vec<(std::path::PathBuf, i32)> {
    let kitchen = fixture("kitchen.wasm");
    let errors = command("errors", Call::Number("run", 4711), dir);
    let runs: [(&Path, &[&str], &[&str]); 8] = [
        (&kitchen, &[], &["args", "x"]),
        (&kitchen, &[], &["exit", "3"]),
        (&kitchen, &[], &["trap"]),
        (&errors, &[], &[]),
        (&fixture("sleepers.wasm"), &[], &[]),
        (
            &fixture("wat/callback.wat"),
            &["--invoke", "run(\"ab\")"],
            &[],
        ),
        (
            &fixture("wat/handles-later.wat"),
            &["--invoke", "run()"],
            &[],
        ),
        (&fixture("wat/leave.wat"), &["--invoke", "run()"], &[]),
    ];
    let runs = runs.iter().enumerate();
    runs.map(|(number, (app, options, args))| {
        let trace = dir.join(format!("{number}.rrtrace"));
        let recorded = record(app, options, args, "", &trace);
        (trace, recorded.status.code().unwrap())
    })
    .collect()
}

#[test]
fn an_ending_of_another_kind_is_a_divergence() {
    let dir = tempfile::tempdir().unwrap();
    let command = |success| Outcome::Returned {
        success,
        result: None,
    };
    let unreachable = "wasm trap: wasm `unreachable` instruction executed";
    let endings = [
        command(true),
        command(false),
        returned("4321"),
        returned("()"),
        Outcome::Exited(0),
        Outcome::Exited(3),
        Outcome::Trapped(unreachable.to_owned()),
        Outcome::Trapped("wasm trap: integer divide by zero".to_owned()),
        Outcome::HostError("no".to_owned()),
        Outcome::CutOff,
        Outcome::Interrupted,
    ];
    let forged = dir.path().join("forged");
    for (trace, status) in recordings(dir.path()) {
        let recorded = Trace::open(&trace).unwrap();
        let truth = recorded.outcome();
        assert_eq!(truth.exit_code(), status);
        let name = &recorded.metadata().program;
        let verified = verify(&trace).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(verified.compared, Compared::Same, "{name}: {truth}");
        for ending in endings.iter().filter(|ending| *ending != truth) {
            forge(&trace, ending, &forged);
            let is_call = recorded.metadata().invoke.is_some();
            let what = format!("{name} {truth}, forged: {ending}");
            match (ending, truth) {
                // They claim nothing.
                (Outcome::CutOff | Outcome::Interrupted, _) => {
                    let verified = verify(&forged).unwrap();
                    assert_eq!(verified.compared, Compared::Open, "{what}");
                }
                (
                    Outcome::Returned {
                        result: None,
                        success: true,
                    },
                    Outcome::Returned { .. },
                ) if is_call => {
                    assert!(verify(&forged).is_ok(), "{what}");
                }
                // Only the host could know, and it is said so.
                (Outcome::HostError(_), Outcome::Returned { .. }) => {
                    let verified = verify(&forged).unwrap();
                    assert_eq!(verified.compared, Compared::HostsWord, "{what}");
                }
                _ => {
                    let divergence = divergence(&forged);
                    let said = divergence.to_string();
                    assert!(said.contains(&ending.to_string()), "{what}: {said}");
                    // Whether it returned well is told where that is what differs.
                    let truth = truth.to_string();
                    let way = truth.split(' ').next().unwrap();
                    let replayed = &divergence.replayed.text;
                    assert!(replayed.contains(way), "{what}: {said}");
                }
            }
        }
    }
}

#[test]
fn replay_tells_no_forged_ending_as_the_truth() {
    let dir = tempfile::tempdir().unwrap();
    let (trace, forged) = (dir.path().join("run"), dir.path().join("forged"));
    let app = dir.path().join("app.wat");
    std::fs::write(&app, constant("(type $t u8)", "i32.const 145", "")).unwrap();
    record(&app, &["--invoke", "run()"], &[], "", &trace);
    forge(&trace, &returned("999"), &forged);
    let forged = forged.to_str().unwrap();
    for line in [&["replay", forged][..], &["replay", "--verify", forged]] {
        let output = rr_dap(line, "");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(text(&output.stdout), "");
        let said = text(&output.stderr);
        assert!(said.contains("recorded: the run returned 999"), "{said}");
        assert!(said.contains("replayed: the run returned 145"), "{said}");
    }
    let output = rr_dap(&["replay", "--verify", "--json", forged], "");
    let facts: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(facts["verified"], false);
    assert_eq!(
        facts["divergence"]["recorded"]["lowered"],
        "the run returned 999"
    );
}

#[test]
fn what_only_the_host_knows_is_said_to_be_so() {
    let dir = tempfile::tempdir().unwrap();
    let (trace, forged) = (dir.path().join("run"), dir.path().join("forged"));
    record(&fixture("kitchen.wasm"), &[], &["args"], "", &trace);
    forge(&trace, &Outcome::HostError("no".into()), &forged);
    let output = rr_dap(&["replay", "--verify", forged.to_str().unwrap()], "");
    let said = text(&output.stdout);
    assert!(
        said.contains("failed in the host: no (so the recording says"),
        "{said}"
    );
    record(&fixture("kitchen.wasm"), &[], &["trap"], "", &trace);
    forge(&trace, &Outcome::CutOff, &forged);
    let output = rr_dap(&["replay", "--verify", forged.to_str().unwrap()], "");
    let said = text(&output.stdout);
    assert!(said.contains("replayed on, the guest traps: "), "{said}");
}

/// An import answers a `bool`, an enum, a `char` or a `result`; a recording says that it has
/// answered what is not one.
#[test]
fn an_answer_that_cannot_be_is_a_divergence() {
    let dir = tempfile::tempdir().unwrap();
    let (trace, forged) = (dir.path().join("run"), dir.path().join("forged"));
    for (ty, most, beyond) in [
        ("bool", 1, 2),
        ("(enum \"a\" \"b\" \"c\")", 2, 3),
        ("char", 0x10ffff, 0xd800),
        ("(result)", 1, -1),
    ] {
        let app = dir.path().join("app.wat");
        // The inner component answers what the outer one calls.
        let component = format!(
            r#"(component
              (component $inner
                (type $t {ty}) (export $t' "t" (type $t))
                (core module $m (func (export "answer") (result i32) (i32.const {most})))
                (core instance $m (instantiate $m))
                (func (export "answer") (result $t') (canon lift (core func $m "answer"))))
              (instance $inner (instantiate $inner))
              (component $outer
                (import "inner" (instance $inner
                  (type $t {ty}) (export "t" (type $t' (eq $t)))
                  (export "answer" (func (result $t')))))
                (core func $answer (canon lower (func $inner "answer")))
                (core module $m
                  (import "" "answer" (func $answer (result i32)))
                  (func (export "run") (result i32) (drop (call $answer)) (i32.const 7)))
                (core instance $m (instantiate $m
                  (with "" (instance (export "answer" (func $answer))))))
                (func (export "run") (result u32) (canon lift (core func $m "run"))))
              (instance $outer (instantiate $outer (with "inner" (instance $inner))))
              (export "run" (func $outer "run")))"#
        );
        std::fs::write(&app, component).unwrap();
        let recorded = record(&app, &["--invoke", "run()"], &[], "", &trace);
        assert!(recorded.status.success(), "{ty}: {recorded:?}");
        assert!(verify(&trace).is_ok(), "{ty}");
        let opened = Trace::open(&trace).unwrap();
        let mut all = events(&trace);
        let answer = all.iter_mut().find_map(|event| match &mut event.kind {
            EventKind::Return(results) => Some(results),
            _ => None,
        });
        assert_eq!(*answer.unwrap(), [CoreValue::I32(most)]);
        for event in &mut all {
            if let EventKind::Return(results) = &mut event.kind {
                *results = vec![CoreValue::I32(beyond)];
            }
        }
        rewrite::write(
            opened.component().clone(),
            &all,
            opened.outcome(),
            100,
            &forged,
        );
        let said = divergence(&forged).to_string();
        assert!(said.contains(&format!("returns {beyond}")), "{ty}: {said}");
        assert!(said.contains("it cannot"), "{ty}: {said}");
    }
}
