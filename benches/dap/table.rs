//! Figures, one row for each thing measured.

use std::time::Duration;

/// Prints a row: median, least and most, how many, and what is aimed at.
pub fn row(what: &str, taken: &[Duration], target: Option<Duration>) {
    let taken: Vec<f64> = taken.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    row_of(what, taken, target);
}

/// The same for differences of a pair of times, which may be negative; milliseconds.
pub fn differences(what: &str, left: &[Duration], right: &[Duration], target: Duration) {
    let pairs = left.iter().zip(right);
    let differences = pairs.map(|(left, right)| (left.as_secs_f64() - right.as_secs_f64()) * 1e3);
    row_of(what, differences.collect(), Some(target));
}

fn row_of(what: &str, mut taken: Vec<f64>, target: Option<Duration>) {
    taken.sort_by(f64::total_cmp);
    let at = |index: usize| taken.get(index).copied().unwrap_or(f64::NAN);
    let target = target.map_or(String::new(), |target| {
        format!("{:.0} ms", target.as_secs_f64() * 1e3)
    });
    println!(
        "| {what:<44} | {:>9.2} | {:>9.2} | {:>9.2} | {:>4} | {target:>7} |",
        at(taken.len() / 2),
        at(0),
        at(taken.len().saturating_sub(1)),
        taken.len(),
    );
}

pub fn head(title: &str) {
    println!("\n{title}\n");
    println!(
        "| {:<44} | median ms | {:>9} | {:>9} | {:>4} | {:>7} |",
        "what", "least", "most", "n", "aim"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
}
