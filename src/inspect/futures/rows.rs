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
pub fn rows(futures: Vec<Future>) -> Vec<Row> {
    let mut rows = Vec::new();
    match futures.len() {
        0 | 1 => futures.into_iter().for_each(|one| add(one, &mut rows)),
        _ => branches(futures, "", &mut rows),
    }
    rows
}

fn add(future: Future, rows: &mut Vec<Row>) {
    let Future {
        what,
        awaits,
        value,
    } = future;
    let is_part = matches!(what, What::Type(_)) && !awaits.is_empty();
    match (&what, awaits.len()) {
        (What::Type(name), 2..) => {
            branches(awaits, name, rows);
            rows.push(Row::Label("all of these are awaited by".to_owned()));
        }
        _ => awaits.into_iter().for_each(|awaited| add(awaited, rows)),
    }
    // What has another one wait is a part of who waits for that.
    if !is_part {
        rows.push(Row::Future(Future {
            what,
            awaits: Vec::new(),
            value,
        }));
    }
}

fn branches(futures: Vec<Future>, name: &str, rows: &mut Vec<Row>) {
    let count = futures.len();
    for (number, future) in (1..).zip(futures) {
        let mut label = format!("branch {number} of {count}");
        if !name.is_empty() {
            // Writing to a string cannot fail.
            _ = write!(label, " of {name}");
        }
        rows.push(Row::Label(label));
        add(future, rows);
    }
}
