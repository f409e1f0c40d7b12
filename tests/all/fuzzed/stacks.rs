//! Recordings that say of the guest's stacks what cannot be: that one goes on that has ended, that
//! there is none of, that runs already; and that do not say what was.

use super::{Fuzzing, doors, pick};
use crate::support::file::Numbers;
use crate::support::{events, fixture, record, rewrite, rr_dap, text};
use rr_dap::component::Component;
use rr_dap::trace::{Event, EventKind, Outcome, Trace};
use std::path::Path;
use std::sync::Arc;

/// A recording of stacks, taken apart.
struct Parts {
    component: Arc<Component>,
    events: Vec<Event>,
    outcome: Outcome,
}

impl Parts {
    fn of(name: &str) -> Parts {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.rrtrace");
        let app = fixture(&format!("motion/{name}.wat"));
        let recorded = record(&app, &["--invoke", "run()"], &[], "", &path);
        assert!(recorded.status.success(), "{recorded:?}");
        let trace = Trace::open(&path).unwrap();
        Parts {
            component: trace.component().clone(),
            events: events(&path),
            outcome: trace.outcome().clone(),
        }
    }

    fn write(&self, events: &[Event], path: &Path) {
        rewrite::write(self.component.clone(), events, &self.outcome, 7, path);
    }

    fn resumes(&self) -> Vec<usize> {
        let is_resume = |at: &usize| matches!(self.events[*at].kind, EventKind::Resume(_));
        (0..self.events.len()).filter(is_resume).collect()
    }

    fn calls(&self) -> Vec<usize> {
        let is_call = |at: &usize| matches!(self.events[*at].kind, EventKind::Call(_));
        (0..self.events.len()).filter(is_call).collect()
    }
}

fn all() -> Vec<Parts> {
    let names = ["stackful", "overtaking", "threads", "lingering"];
    names.map(Parts::of).into()
}

const FAR: u32 = 1 << 20;

/// What is forged, and how it is called.
fn forgeries(parts: &Parts) -> Vec<(String, Vec<Event>)> {
    let mut forged = Vec::new();
    let mut forge = |what: String, change: &dyn Fn(&mut Vec<Event>)| {
        let mut events = parts.events.clone();
        change(&mut events);
        forged.push((what, events));
    };
    for at in parts.resumes() {
        let event = &parts.events[at];
        let after = match event.kind {
            EventKind::Resume(after) => after,
            _ => unreachable!("a resume"),
        };
        forge(format!("{at} is missing"), &|events| {
            events.remove(at);
        });
        for number in [FAR, u32::MAX, after.wrapping_add(1), after.wrapping_sub(1)] {
            forge(format!("{at} goes on after {number}"), &|events| {
                events[at].kind = EventKind::Resume(number);
            });
        }
        // It is answered by then, or runs.
        for later in [at + 2, at + 3, parts.events.len() - 1] {
            if later < parts.events.len() {
                forge(format!("{at} once more at {later}"), &|events| {
                    events.insert(later, event.clone());
                });
            }
        }
        forge(format!("{at} in another instance"), &|events| {
            events[at].instance.0 += 1;
        });
    }
    // Where nobody waits, and of whoever runs.
    for at in parts.calls() {
        let own = Event {
            kind: EventKind::Resume(0),
            ..parts.events[at].clone()
        };
        forge(format!("before call {at} is made"), &|events| {
            events.insert(at, own.clone());
        });
        forge(format!("call {at} itself"), &|events| {
            events.insert(at + 1, own.clone());
        });
    }
    forged
}

/// Each forgery alone: told in one sentence, or without consequence. None hangs or panics.
#[test]
fn each_forged_resume_is_told_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("forged.rrtrace");
    let (mut refused, mut harmless) = (0, Vec::new());
    for parts in all() {
        for (what, events) in forgeries(&parts) {
            parts.write(&events, &path);
            match doors::trace(&std::fs::read(&path).unwrap()) {
                doors::Reached::End => harmless.push(what),
                doors::Reached::Refused | doors::Reached::Wrong => {
                    refused += 1;
                    if refused % 8 != 1 {
                        continue;
                    }
                    let told = rr_dap(&["replay", "--verify", path.to_str().unwrap()], "");
                    let said = text(&told.stderr);
                    assert!(!told.status.success(), "{what}: {told:?}");
                    assert!(!said.contains("panicked"), "{what}: {said}");
                    let errors = said.lines().filter(|line| line.starts_with("rr-dap: "));
                    assert_eq!(errors.count(), 1, "{what}: {said}");
                    // Who looks at it in other ways is not worse off.
                    for command in ["events", "tasks", "hostcalls", "resources"] {
                        let told = rr_dap(&["trace", command, path.to_str().unwrap()], "");
                        assert!(told.status.code().is_some(), "{what}: {told:?}");
                        let said = text(&told.stderr);
                        assert!(!said.contains("panicked"), "{what}: {said}");
                    }
                }
            }
        }
    }
    assert!(refused > 200, "{refused}");
    // What runs may be said to go on.
    let is_said_anew = |what: &String| what.ends_with("itself") || what.contains("once more");
    harmless.retain(|what| !is_said_anew(what));
    assert_eq!(harmless, [""; 0]);
}

/// Several of them at once, of whatever kind, and events of other kinds in other places.
#[test]
fn forged_stacks_are_replayed_or_refused() {
    let fuzzing = Fuzzing {
        name: "stacks",
        door: doors::trace,
        count: 300,
    };
    let all = all();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("forged.rrtrace");
    let make = |numbers: &mut Numbers| {
        let parts = pick(&all, numbers);
        let mut events = parts.events.clone();
        for _ in 0..=numbers.below(4) {
            forge(&mut events, numbers);
        }
        parts.write(&events, &path);
        std::fs::read(&path).unwrap()
    };
    let Some(tally) = fuzzing.run(make) else {
        return;
    };
    assert!(tally.wrong > tally.all() / 3, "{tally:?}");
}

fn forge(events: &mut Vec<Event>, numbers: &mut Numbers) {
    let at = numbers.below(events.len());
    let other = numbers.below(events.len());
    let small = numbers.below(6) as u32;
    match numbers.below(6) {
        // Some call goes on, in some other place, or one that is none.
        0 | 1 => {
            let mut event = events[at].clone();
            event.kind = EventKind::Resume(small);
            events.insert(other, event);
        }
        2 => {
            let mut resumes = events.iter_mut().filter_map(|event| match &mut event.kind {
                EventKind::Resume(after) => Some(after),
                _ => None,
            });
            if let Some(after) = resumes.nth(small as usize) {
                *after = after.wrapping_add(numbers.below(5) as u32).wrapping_sub(2);
            }
        }
        3 => {
            let is_resume = |event: &Event| matches!(event.kind, EventKind::Resume(_));
            if let Some(found) = events.iter().position(is_resume) {
                events.remove(found);
            }
        }
        4 => events.swap(at, other),
        _ => {
            let event = events[at].clone();
            events.insert(other, event);
        }
    }
}
