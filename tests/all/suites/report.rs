//! What came of the suites, in figures and in faults.

use super::commands::Said;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Above that a small input has taken too much, in bytes.
const MEMORY: u64 = 1 << 30;

#[derive(Default)]
pub struct Report {
    suites: Vec<(String, Figures)>,
    refused: BTreeMap<String, usize>,
    faults: Vec<String>,
    longest: (Duration, String),
    largest: (u64, String),
}

/// Of one suite.
#[derive(Default)]
struct Figures {
    files: usize,
    unreadable: usize,
    not_for_wasmtime: usize,
    refused: usize,
    recorded: usize,
    cut_short: usize,
    calls: usize,
    invalid: usize,
    unexpected: usize,
    faults: usize,
}

impl Report {
    pub fn begin(&mut self, folder: &Path) {
        let name = folder.display().to_string();
        self.suites.push((name, Figures::default()));
    }

    fn figures(&mut self) -> &mut Figures {
        &mut self.suites.last_mut().expect("a suite was begun").1
    }

    pub fn file(&mut self) {
        self.figures().files += 1;
    }

    pub fn unreadable(&mut self, file: &Path, why: &str) {
        let why = why.lines().next().unwrap_or_default();
        println!("not read: {}: {why}", file.display());
        self.figures().unreadable += 1;
    }

    pub fn not_for_wasmtime(&mut self) {
        self.figures().not_for_wasmtime += 1;
    }

    pub fn invalid(&mut self) {
        self.figures().invalid += 1;
    }

    pub fn recorded(&mut self, calls: usize) {
        self.figures().recorded += 1;
        self.figures().calls += calls;
    }

    pub fn cut_short(&mut self) {
        self.figures().cut_short += 1;
    }

    /// Refusals are counted by what they name, not by where it is.
    pub fn refused(&mut self, why: &str) {
        self.figures().refused += 1;
        let what = match why.split_once(" (at byte ") {
            Some((what, _)) => what.to_owned(),
            None => why.chars().filter(|c| !c.is_ascii_digit()).collect(),
        };
        *self.refused.entry(what).or_default() += 1;
    }

    /// Another exit status than the suite wants: not a fault of replay, so it is told only.
    pub fn unexpected(&mut self, place: &str, what: &str) {
        println!("exit status {what}: {place}");
        self.figures().unexpected += 1;
    }

    pub fn fault(&mut self, place: &str, what: &str) {
        println!("FAULT {place}: {what}");
        self.figures().faults += 1;
        self.faults.push(format!("{place}: {what}"));
    }

    pub fn said(&mut self, place: &str, said: &[Said]) {
        for said in said {
            if let Some(fault) = said.fault() {
                self.fault(place, &fault);
            }
            if said.memory > MEMORY {
                let megabytes = said.memory >> 20;
                self.fault(place, &format!("`{}` took {megabytes} MB", said.command));
            }
            let name = || format!("`{}` of {place}", said.command);
            if said.took > self.longest.0 {
                self.longest = (said.took, name());
            }
            if said.memory > self.largest.0 {
                self.largest = (said.memory, name());
            }
        }
    }

    /// Prints the figures.
    ///
    /// # Panics
    ///
    /// If there was a fault.
    pub fn tell(self) {
        println!("refused:");
        for (what, count) in &self.refused {
            println!("{count:6}  {what}");
        }
        println!(
            "files  recorded  cut short  calls  refused  not for Wasmtime 48  invalid  not read  other status  faults"
        );
        for (name, f) in &self.suites {
            println!(
                "{:5}  {:8}  {:9}  {:5}  {:7}  {:19}  {:7}  {:8}  {:12}  {:6}  {name}",
                f.files,
                f.recorded,
                f.cut_short,
                f.calls,
                f.refused,
                f.not_for_wasmtime,
                f.invalid,
                f.unreadable,
                f.unexpected,
                f.faults
            );
        }
        println!("longest: {:.1?} {}", self.longest.0, self.longest.1);
        println!("largest: {} MB {}", self.largest.0 >> 20, self.largest.1);
        assert!(
            self.faults.is_empty(),
            "{} faults:\n{}",
            self.faults.len(),
            self.faults.join("\n")
        );
    }
}
