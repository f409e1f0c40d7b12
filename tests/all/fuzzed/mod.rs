//! What a hostile file or client may send: a bounded run of the doors that `cargo fuzz` tries
//! without end. Inputs are made of the same numbers in every run, unless the environment says
//! otherwise:
//!
//! - `RR_DAP_FUZZ_COUNT`: how many inputs each test makes, instead of some ten seconds' worth;
//! - `RR_DAP_FUZZ_SEED`: the number that they are made from;
//! - `RR_DAP_FUZZ_INPUT`: a file to be tried instead, such as one that a failure has left.

mod component;
mod dap;
mod expression;
mod source;
mod stacks;
mod trace;

#[path = "../../../fuzz/src/lib.rs"]
pub mod doors;

use crate::support::file::{Numbers, mutate};
use doors::Reached;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What kind of input is tried, and how.
struct Fuzzing {
    name: &'static str,
    door: fn(&[u8]) -> Reached,
    /// Inputs of a run that nobody has asked for.
    count: u64,
}

/// How many inputs have come how far.
#[derive(Debug, Default)]
struct Tally {
    refused: u64,
    wrong: u64,
    end: u64,
}

impl Tally {
    fn all(&self) -> u64 {
        self.refused + self.wrong + self.end
    }
}

impl Fuzzing {
    /// Tries what `make` makes of numbers; `None` where another input was asked for.
    fn run(&self, mut make: impl FnMut(&mut Numbers) -> Vec<u8>) -> Option<Tally> {
        if let Some(input) = std::env::var_os("RR_DAP_FUZZ_INPUT") {
            let bytes = std::fs::read(&input).expect("the input that was asked for");
            println!("{}: {:?}", self.name, (self.door)(&bytes));
            return None;
        }
        let seed = number("RR_DAP_FUZZ_SEED").unwrap_or(1);
        let count = number("RR_DAP_FUZZ_COUNT").unwrap_or(self.count);
        let kept = kept(self.name);
        let file = File::create(&kept).expect("a file for inputs");
        let mut tally = Tally::default();
        for round in 0..count {
            // Each round from numbers of its own, so that it is the same without those before.
            let mut numbers =
                Numbers(((seed << 32) ^ round).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            numbers.next();
            let input = make(&mut numbers);
            // Whatever becomes of this process, the input is there.
            let written = file.write_all_at(&input, 0);
            written.expect("room for an input");
            file.set_len(input.len() as u64).expect("a shorter file");
            let _blame = Blame {
                kept: &kept,
                seed,
                round,
            };
            match (self.door)(&input) {
                Reached::Refused => tally.refused += 1,
                Reached::Wrong => tally.wrong += 1,
                Reached::End => tally.end += 1,
            }
        }
        std::fs::remove_file(&kept).expect("an input that did no harm");
        println!("{}: {tally:?}", self.name);
        Some(tally)
    }
}

/// Says which input it was, if the door panics.
struct Blame<'a> {
    kept: &'a Path,
    seed: u64,
    round: u64,
}

impl Drop for Blame<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Blame { kept, seed, round } = self;
            eprintln!("input {round} of seed {seed}, kept as {}", kept.display());
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is not a number")),
    )
}

fn kept(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzzed");
    std::fs::create_dir_all(&folder).expect("a folder for inputs");
    folder.join(name)
}

/// One of the seeds, damaged as bytes get damaged, perhaps with a piece of another one.
fn damaged(seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut input = pick(seeds, numbers).clone();
    if numbers.below(8) == 0 {
        let other = pick(seeds, numbers);
        let from = numbers.below(other.len());
        let length = numbers.below(other.len() - from).min(400);
        let to = numbers.below(input.len());
        input.splice(to..to, other[from..from + length].iter().copied());
    }
    mutate(&mut input, numbers);
    input
}

fn pick<'a, T>(from: &'a [T], numbers: &mut Numbers) -> &'a T {
    &from[numbers.below(from.len())]
}

/// Writes the seeds where `cargo fuzz` looks for them: `fuzz/seeds.sh` runs it.
#[test]
#[ignore = "writes files that only `cargo fuzz` reads"]
fn corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, seeds) in [
        ("trace", trace::seeds()),
        ("component", component::seeds()),
        ("source", source::seeds()),
        ("expression", expression::seeds()),
        ("dap", dap::seeds()),
    ] {
        let folder = corpus.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (at, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{at:02}")), seed).unwrap();
        }
        println!("{name}: {} seeds", seeds.len());
    }
}
