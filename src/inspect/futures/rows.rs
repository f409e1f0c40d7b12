//! Futures as a stack: what waits innermost first, with titles where branches begin.

use super::{Future, What};
use std::fmt::Write;

/// A row of such a stack.
#[derive(Debug, Clone)]
pub enum Row {
    /// A title between frames.
    Label(String),
    /// What takes the place of a frame.
    Future(Future),
}

/// The rows of some futures that wait side by side.
pub fn rows(futures: &[Future]) -> Vec<Row> {
    let mut rows = Vec::new();
    match futures {
        [one] => add(one, &mut rows),
        several => branches(several, "", &mut rows),
    }
    rows
}

fn add(future: &Future, rows: &mut Vec<Row>) {
    match (&future.what, future.awaits.as_slice()) {
        (_, [one]) => add(one, rows),
        (What::Type(name), several @ [_, _, ..]) => {
            branches(several, name, rows);
            rows.push(Row::Label("all of these are awaited by".to_owned()));
        }
        _ => {}
    }
    match &future.what {
        // What has one other wait is a part of that.
        What::Type(_) if !future.awaits.is_empty() => {}
        _ => rows.push(Row::Future(Future {
            awaits: Vec::new(),
            ..future.clone()
        })),
    }
}

fn branches(futures: &[Future], name: &str, rows: &mut Vec<Row>) {
    for (number, future) in (1..).zip(futures) {
        let mut label = format!("branch {number} of {}", futures.len());
        if !name.is_empty() {
            // Writing to a string cannot fail.
            _ = write!(label, " of {name}");
        }
        rows.push(Row::Label(label));
        add(future, rows);
    }
}
