//! Steps in optimised code go over inlined calls, into them and out of them as if they were
//! calls, forward and backward, as gdb's do with the program built natively (tests/gdb
//! compares them); programs begin in what is their own; what was returned is shown.

use crate::support::{fixture, rr_dap, text};

/// The session of these commands with a program.
fn session(app: &str, commands: &[&str]) -> String {
    let sources = format!("/rr-dap/fixtures={}", fixture("").display());
    let mut line = vec![
        "debug",
        "--source-map",
        sources.trim_end_matches('/'),
        "--batch",
    ];
    for command in commands {
        line.extend(["-x", command]);
    }
    let app = fixture(app);
    line.push(app.to_str().unwrap());
    text(&rr_dap(&line, "").stdout)
}

/// The stops, as `FUNCTION:LINE`, one for each command that moves.
fn stops(app: &str, commands: &[&str]) -> Vec<String> {
    let session = session(app, commands);
    let stops = session.lines().filter_map(|line| {
        let (place, _) = line.split_once(" [")?;
        let (name, at) = place.split_once(" at ")?;
        let name = name.rsplit(", ").next()?;
        let (_, number) = at.rsplit_once(':')?;
        Some(format!("{name}:{number}"))
    });
    stops.collect()
}

fn repeated<'a>(first: &[&'a str], command: &'a str, times: usize) -> Vec<&'a str> {
    let again = std::iter::repeat_n(command, times);
    first.iter().copied().chain(again).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A loop whose body is an inlined call, with two more inlined into that.
#[test]
fn next_goes_over_inlined_calls() {
    let walk = repeated(&["break work", "continue"], "next", 6);
    let all = stops("motion/inlined-O1.wasm", &walk);
    assert_eq!(
        all,
        words("main:86 work:43 work:44 work:45 work:43 work:44 work:45 work:43")
    );
}

#[test]
fn step_goes_into_inlined_calls_one_by_one() {
    let walk = repeated(&["break work", "continue"], "step", 5);
    let all = stops("motion/inlined-O1.wasm", &walk);
    assert_eq!(
        all,
        words("main:86 work:43 work:44 sum_of_squares:21 square:15 square:16 sum_of_squares:22")
    );
}

#[test]
fn out_of_an_inlined_call_is_to_its_caller() {
    let all = stops(
        "motion/inlined-O1.wasm",
        &[
            "break square",
            "continue",
            "delete",
            "finish",
            "finish",
            "finish",
        ],
    );
    assert_eq!(
        all,
        words("main:86 square:15 sum_of_squares:22 work:44 main:86")
    );
}

#[test]
fn back_out_of_an_inlined_call_is_before_it() {
    let all = stops(
        "motion/inlined-O1.wasm",
        &[
            "break square",
            "continue",
            "delete",
            "next",
            "reverse-finish",
            "reverse-finish",
            "reverse-finish",
        ],
    );
    assert_eq!(
        all,
        words("main:86 square:15 square:16 sum_of_squares:21 work:44 main:86")
    );
}

/// Function breakpoints stop in the function, whatever is inlined at its beginning.
#[test]
fn a_breakpoint_on_a_function_shows_that_function() {
    let all = stops(
        "motion/inlined-O1.wasm",
        &["break sum_of_squares", "continue", "step", "next", "next"],
    );
    assert_eq!(
        all,
        words("main:86 sum_of_squares:21 square:15 square:16 sum_of_squares:22")
    );
}

fn there_and_back(app: &str, from: &str, there: &str, back: &str, times: usize) {
    let to = format!("break {from}");
    let begin = [to.as_str(), "continue", "delete"];
    let forward = repeated(&begin, there, times);
    let both = repeated(&forward, back, times);
    // Without the entry.
    let all = stops(app, &both).split_off(1);
    let (forth, mut again) = (all[..=times].to_vec(), all[times..].to_vec());
    again.reverse();
    assert_eq!(again, forth, "{app} from {from} by {there}");
    assert!(forth.len() > 4, "{forth:?}");
}

/// Steps back lead where steps forward were: each undoes the other.
#[test]
fn steps_back_undo_steps() {
    for app in ["motion/inlined-O1.wasm", "motion/inlined-O0.wasm"] {
        there_and_back(app, "work", "next", "reverse-next", 9);
        there_and_back(app, "work", "step", "reverse-step", 20);
        there_and_back(app, "last_on_a_line", "step", "reverse-step", 4);
    }
    there_and_back(
        "motion/control-O0.wasm",
        "collatz",
        "next",
        "reverse-next",
        20,
    );
}

/// Compilers have the first line of a loop begin at the `loop` instruction, which runs once.
#[test]
fn the_first_line_of_a_loop_begins_each_time_around() {
    let app = "motion/control-O0.wasm";
    let walk = repeated(&["break collatz", "continue"], "next", 8);
    assert_eq!(
        stops(app, &walk),
        words(
            "main:70 collatz:38 collatz:40 collatz:41 collatz:42 collatz:45 collatz:46 \
             collatz:48 collatz:40 collatz:43"
        )
    );
    // From 6 to 1 takes eight steps, of 27 ten are made.
    let walk = repeated(&["break control.c:40"], "continue", 18);
    let all = stops(app, &walk);
    assert_eq!(all.len(), 19, "{all:?}");
    assert!(all[1..].iter().all(|stop| stop == "collatz:40"), "{all:?}");
}

#[test]
fn what_was_returned_is_shown_after_a_step_out() {
    let app = "motion/control-O0.wasm";
    let session = session(
        app,
        &[
            "break classify",
            "continue",
            "finish",
            "print $return + 1",
            "delete",
            "break make",
            "continue",
            "finish",
            "print $return.second",
            "info locals",
            "next",
            "print $return",
        ],
    );
    let has = |line: &str| assert!(session.lines().any(|l| l == line), "{line}: {session}");
    has("Value returned: (int) $return = 1");
    has("(number) $return + 1 = 2");
    has("Value returned: (pair) $return = {first: -61, second: 3721, third: -30.5}");
    has("(long long) $return.second = 3721");
    has("(pair) $return = {first: -61, second: 3721, third: -30.5}");
    let values = session.matches("Value returned: ").count();
    assert_eq!(values, 2, "{session}");
}

/// A line without code at the end of a function is not one of the next function.
#[test]
fn a_breakpoint_behind_the_last_line_stays_in_its_function() {
    let app = "motion/inlined-O1.wasm";
    // Line 70 ends `last_on_a_line`, 71 is empty, 72 begins `loops_inside`.
    let said = session(app, &["break inlined.c:70", "continue"]);
    assert!(said.contains("last_on_a_line at inlined.c:69"), "{said}");
}

/// The C library has a `main` of its own, and something of a library is the first in `main`.
#[test]
fn a_session_begins_in_ones_own_main() {
    for app in ["motion/entry-O0.wasm", "motion/entry-O1.wasm"] {
        let all = stops(app, &["next", "seek entry", "step"]);
        assert_eq!(all, words("main:13 main:14 main:13 main:14"), "{app}");
    }
}

/// Behind `main` there is only the C library's code, which is not stepped through.
#[test]
fn a_step_back_from_the_end_is_in_ones_own_code() {
    let said = session("motion/entry-O0.wasm", &["seek end", "reverse-next"]);
    assert!(said.contains("main at entry.c:15"), "{said}");
}
