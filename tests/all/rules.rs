//! Every rule of the canonical ABI that a run can break is told in words, with what had come
//! before.

use crate::support::asked::{answers, in_words};
use crate::support::{fixture, record, rr_dap};
use std::path::Path;

/// Records a call that traps, and tells why.
fn told(app: &str, call: &str, dir: &Path) -> String {
    let trace = dir.join("t.rrtrace");
    let ran = record(
        &fixture(app),
        &["--quiet", "--invoke", call],
        &[],
        "",
        &trace,
    );
    // Of a trap, or where the host fails, as `wasmtime run` has it.
    assert!(
        matches!(ran.status.code(), Some(134 | 1)),
        "{call}: {ran:?}"
    );
    let verified = rr_dap(&["replay", "--verify", trace.to_str().unwrap()], "");
    assert_eq!(verified.status.code(), Some(0), "{call}: {verified:?}");
    let what = &answers(&trace, &[], &["why"]).remove(0)["what"];
    // What was found wrong with a handle is told as such.
    let story = match &what["rule"] {
        serde_json::Value::Null => &what["handle"]["story"],
        rule => &rule["story"],
    };
    let text = in_words(&trace, &[], "why");
    let story = story.as_str().unwrap_or_else(|| panic!("{call}: {text}"));
    assert!(text.contains(story), "{call}: {text}");
    story.to_owned()
}

#[test]
fn a_rule_that_was_broken_is_told_with_what_had_come_before() {
    let dir = tempfile::tempdir().unwrap();
    for (call, parts) in RULES {
        let story = told("wat/rules.wat", call, dir.path());
        for part in *parts {
            assert!(story.contains(part), "{call}: {story}");
        }
    }
}

/// Calls of `rules.wat`, with parts of what is told of them.
const RULES: &[(&str, &[&str])] = &[
    (
        "enter()",
        &[
            "value of instance 2 (event 0) is answered by value of instance 3",
            "it is part of the caller, and no component may call its own parts",
        ],
    ),
    (
        "leave(\"x\")",
        &["waitable-set.new of instance 1 (event 0) was called in realloc"],
    ),
    (
        "block-sync()",
        &[
            "block-sync of instance 1 is not `async`",
            "waitable-set.wait (event 1) would have: it is of handle 1, a waitable-set, created by \
             waitable-set.new (event 0)",
        ],
    ),
    (
        "no-result()",
        &["the task of no-result of instance 1 ended without `task.return`"],
    ),
    (
        "result-twice()",
        &["task.return u32 (event 1) came after the first one, at event 0"],
    ),
    (
        "result-invalid()",
        &[
            "task.return (event 0) was called in the task of result-invalid of instance 1, which is \
           async func() -> u32",
        ],
    ),
    (
        "cancel-unasked()",
        &["the task of cancel-unasked of instance 1, which nobody has asked to end"],
    ),
    (
        "cancel-over()",
        &[
            "its end was told already; handle 2 is a subtask, created by yield (event 1)",
            "yield → started (event 1), put into waitable-set 1 (event 2), told: returned (before \
             event 4), taken out of its set (event 4)",
        ],
    ),
    (
        "drop-running()",
        &["handle 1 is a subtask, created by yield (event 0); then: yield → started (event 0)"],
    ),
    (
        "drop-awaited()",
        &[
            "cannot be dropped while a task waits for it; handle 1 is a waitable-set",
            "wait waits for it",
        ],
    ),
    (
        "backpressure()",
        &["calls of `backpressure.inc` by then: 0, of `backpressure.dec`: 1, this one counted"],
    ),
    (
        "callback-code()",
        &[
            "callback-code of instance 1 answered 0xf, whose lowest four bits (15 of 15) are no code",
        ],
    ),
    (
        "busy()",
        &[
            "does one read or write at a time",
            "handle 1 is the readable end of stream<u8>, created by stream.new u8 (event 0); then: \
             stream.read u8 → goes on (event 1)",
        ],
    ),
    (
        "too-many()",
        &["was given 268435456 elements, and takes fewer than 2^28"],
    ),
    (
        "in-set()",
        &[
            "handle 1 is the readable end of stream<u8>",
            "put into waitable-set 3 (event 2)",
        ],
    ),
    (
        "read-again()",
        &[
            "one of a future that has been read",
            "future.read u8 → completed (event 2)",
        ],
    ),
    (
        "nothing-to-cancel()",
        &[
            "no read or write goes on that could be cancelled; handle 1 is the readable end of stream<u8>",
        ],
    ),
    (
        "other-end()",
        &[
            "stream.cancel-write u8 of instance 1 (event 1)",
            "handle 1 is the readable end of stream<u8>",
        ],
    ),
    (
        "both-ends()",
        &[
            "both ends are in one component instance",
            "handle 1 is the readable end of stream<string>",
        ],
    ),
    (
        "unwritten()",
        &[
            "before a value was written",
            "handle 2 is the writable end of future<u8>",
        ],
    ),
    (
        "bad-string()",
        &[
            "what bad-string of instance 1 answered is no value of its type (func() -> string)",
            "out of bounds of memory",
        ],
    ),
    (
        "bad-char()",
        &[
            "what char of instance 1 (event 0) was given is no value of its type (func(value: char))",
            "it was given 0xd800",
        ],
    ),
    (
        "block-unknown()",
        &[
            "block-unknown of instance 1 is not `async`, so its task may not block before it has \
             returned; stream.read u8 (event 0) would have",
        ],
    ),
    (
        "drop-members()",
        &[
            "waitable-set.drop of instance 1 (event 3): handle 1 cannot go before its members have \
             left it",
            "handle 2: readable end of stream<u8>, created by stream.new u8 (event 1), put in at \
             event 2",
        ],
    ),
    (
        "wait-unknown()",
        &[
            "wait-unknown of instance 1 answered 0x92, which waits for waitable-set 9: handle 9 was \
             never given out; there is 1",
        ],
    ),
    (
        "wait-other()",
        &["waitable-set 1: handle 1 is the readable end of stream<u8>, created by stream.new u8"],
    ),
    (
        "drop-busy()",
        &[
            "stream.drop-readable u8 of instance 1 (event 2): an end of a stream or future cannot be \
             dropped while",
            "handle 1 is the readable end of stream<u8>",
            "stream.read u8 → goes on (event 1)",
        ],
    ),
    (
        "pass-in-set()",
        &[
            "what pass-in-set of instance 1 answered: an end that is in a waitable-set cannot be \
             passed on",
            "handle 1 is the readable end of stream<u8>",
            "put into waitable-set 3 (event 2)",
        ],
    ),
    (
        "pass-busy()",
        &[
            "what pass-busy of instance 1 answered: an end cannot be passed on while a read of it \
             goes on",
            "stream.read u8 → goes on (event 1)",
        ],
    ),
    (
        "moved()",
        &[
            "handle 1 is wanted as a future, but it is a subtask, created by take (event 1); before \
             that it was the readable end of future<u8>, created by future.new u8 (event 0), passed \
             on by take (event 1)",
        ],
    ),
    (
        "join-busy()",
        &[
            "waitable.join of instance 1 (event 5): a waitable cannot be put into a set while a \
             synchronous call waits for it",
            "stream.read u8 (event 3) has not returned",
        ],
    ),
    (
        "resume-unknown()",
        &[
            "was given 57005: the index is of no thread of this instance; made there by \
             `thread.new-indirect`: ",
            "(event 0)",
        ],
    ),
    (
        "resume-running()",
        &["a thread can be resumed only while it is suspended"],
    ),
    (
        "keep()",
        &[
            "the task of borrow of instance ",
            "ended with what it had borrowed: that must be dropped before task.return",
            "is borrow<thing>, created by borrow",
        ],
    ),
    (
        "outer()",
        &[
            "is answered by a function of instance ",
            "the caller is part of it, and no component may call what it is part of",
        ],
    ),
];

#[test]
fn what_is_no_handle_is_not_the_reason_of_another_trap() {
    let dir = tempfile::tempdir().unwrap();
    let story = told("wat/rules.wat", "block-unknown()", dir.path());
    assert!(!story.contains("57005"), "{story}");
    // The call that fails did nothing to the handle.
    let story = told("wat/rules.wat", "join-busy()", dir.path());
    assert!(!story.contains("put into waitable-set"), "{story}");
}

#[test]
fn a_resource_that_cannot_go_is_told_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let story = told("wat/children.wat", "run()", dir.path());
    for part in [
        "handle 1 cannot go before its children",
        "handle 2: own<pollable> (readiness of stdin), created by \
         wasi:io/streams@0.2.0#[method]input-stream.subscribe (event 1)",
        "handle 3: own<pollable>",
        "Handle 1 is own<input-stream> (stdin)",
    ] {
        assert!(story.contains(part), "{story}");
    }
}
