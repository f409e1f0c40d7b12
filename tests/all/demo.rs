//! The tour, as a newcomer runs it.

use crate::support::{rr_dap, rr_dap_with, text};

/// What follows a heading, up to the next one.
fn section<'a>(tour: &'a str, heading: &str) -> &'a str {
    let (_, rest) = tour
        .split_once(heading)
        .unwrap_or_else(|| panic!("no {heading:?} in:\n{tour}"));
    rest.split("\n\n").next().unwrap()
}

#[track_caller]
fn assert_holds(text: &str, facts: &[&str]) {
    for fact in facts {
        assert!(text.contains(fact), "{fact:?} should be in:\n{text}");
    }
}

#[test]
fn the_tour_leads_from_the_trap_to_the_bytes_that_caused_it() {
    let output = rr_dap(&["demo"], "");
    let tour = text(&output.stdout);
    let complaints = text(&output.stderr);
    assert!(output.status.success(), "{complaints}\n{tour}");
    assert_eq!(complaints, "");
    assert!(
        !tour.contains('\x1b'),
        "plain text where there is no terminal"
    );

    let failure = section(&tour, "1. ");
    assert_holds(
        failure,
        &[
            "bob is overdrawn",
            "unreachable",
            "check",
            "main",
            "__builtin_trap",
            "-15686",
        ],
    );
    let payments = section(&tour, "2. ");
    assert_holds(payments, &["5000", "1750", "-25536", "6800"]);
    assert!(!payments.contains("9900"), "it stops at the wrong payment");
    let parse = section(&tour, "3. ");
    assert_holds(parse, &["strtol", "\"40000\"", "-25536"]);
    let hostcall = section(&tour, "4. ");
    assert_holds(
        hostcall,
        &[
            "blocking-read",
            "e,bob,40000\\ncarol,dave,1750\\ncaro",
            "event 29 of 52",
        ],
    );
    assert_holds(hostcall, &["input-stream of \"/work/ledger.csv\""]);
    let cause = section(&tour, "5. ");
    assert_holds(cause, &["int16_t amount;", "40000", "-25536"]);
}

#[test]
fn what_the_tour_keeps_is_a_recording_to_work_with() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("kept");
    let kept = kept.to_str().unwrap();
    let output = rr_dap(&["demo", "--keep", kept], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let recording = format!("{kept}/ledger.rrtrace");
    assert_holds(&text(&output.stdout), &[&recording]);

    let replayed = rr_dap(&["replay", &recording], "");
    assert_eq!(replayed.status.code(), Some(134));
    assert_holds(
        &text(&replayed.stdout),
        &["bob    -15686 cents after 6 transfers"],
    );

    // Once more would overwrite it.
    let again = rr_dap(&["demo", "--keep", kept], "");
    assert!(!again.status.success());
    assert_holds(&text(&again.stderr), &["is there already"]);
}

#[test]
fn the_tour_of_a_system_leads_from_the_service_into_its_client() {
    let output = rr_dap(&["demo", "system"], "");
    let tour = text(&output.stdout);
    let complaints = text(&output.stderr);
    assert!(output.status.success(), "{complaints}\n{tour}");
    assert_eq!(complaints, "");
    assert!(tour.lines().count() <= 80, "a screen or two:\n{tour}");
    let failure = section(&tour, "1. ");
    assert_holds(
        failure,
        &[
            "pieces: -260",
            "__builtin_trap",
            "{item: \"salt\", pieces: 320}",
            "salt    320",
        ],
    );
    let came = section(&tour, "2. ");
    assert_holds(came, &["origin report[22]", "blocking-read", "hostcall"]);
    let followed = section(&tour, "3. ");
    assert_holds(
        followed,
        &["follow back", "till", "blocking_write_and_flush"],
    );
    let origin = section(&tour, "4. ");
    assert_holds(
        origin,
        &["stored to line->pieces[1] in put_pieces", "computed (+)"],
    );
    let cause = section(&tour, "5. ");
    assert_holds(
        cause,
        &[
            "line->pieces[at++]",
            "pieces = 120",
            "\"rice=120\"",
            "one of 120: of rice=120",
        ],
    );
}

#[test]
fn what_the_tour_of_a_system_keeps_is_a_system_to_work_with() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("shop");
    let kept = kept.to_str().unwrap();
    let output = rr_dap(&["demo", "system", "--keep", kept], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shop = format!("{kept}/shop.rrsystem");
    assert_holds(&text(&output.stdout), &[&shop]);
    let listed = rr_dap(&["trace", "messages", &shop], "");
    assert_holds(&text(&listed.stdout), &["till event", "POST /sold"]);
    for name in ["stock", "till"] {
        let verified = rr_dap(
            &["replay", "--verify", &format!("{kept}/{name}.rrtrace")],
            "",
        );
        assert!(verified.status.success(), "{verified:?}");
    }
    let again = rr_dap(&["demo", "system", "--keep", kept], "");
    assert_holds(&text(&again.stderr), &["is there already"]);
}

#[test]
fn a_server_that_fails_is_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("kept");
    let output = rr_dap_with(
        &["demo", "--keep", kept.to_str().unwrap()],
        &[("TMPDIR", "/dev/null/nowhere")],
        "",
    );
    assert!(!output.status.success());
    assert_holds(
        &text(&output.stderr),
        &["the debug adapter", "/dev/null/nowhere"],
    );
}
