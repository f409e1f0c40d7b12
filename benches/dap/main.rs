//! What a client waits for: `cargo bench --bench dap`.
//!
//! The server is this package's binary, or `$RR_DAP`; `$ROUNDS` (11) is how often each
//! thing is done. With `GUESTS`, a directory that holds `zstd-O2.wasm`, it measures a
//! session over that compressor, too.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what cannot be measured ends the benchmark"
)]

mod client;
mod table;

use client::Client;
use rr_dap::timeline::travel::motion::{Direction, Fraction, Motion, Step};
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::Trace;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const FIRST_STOP: Duration = Duration::from_millis(300);
const WHOLE_STOP: Duration = Duration::from_millis(20);
const ADDED: Duration = Duration::from_millis(5);

struct Bench {
    program: PathBuf,
    rounds: u32,
    directory: tempfile::TempDir,
}

/// A program to record.
struct Guest {
    name: &'static str,
    app: PathBuf,
    options: Vec<String>,
    args: Vec<&'static str>,
    /// Where to stop under a condition: a function that is called often.
    function: &'static str,
    /// Holds nowhere, so that every call is looked at.
    never: &'static str,
}

fn main() -> Outcome<()> {
    let program = std::env::var_os("RR_DAP").unwrap_or(env!("CARGO_BIN_EXE_rr-dap").into());
    let bench = Bench {
        program: program.into(),
        rounds: std::env::var("ROUNDS").map_or(Ok(11), |n| n.parse())?,
        directory: tempfile::tempdir()?,
    };
    for guest in guests(bench.directory.path())? {
        bench.measure(&guest)?;
    }
    Ok(())
}

fn guests(directory: &Path) -> Outcome<Vec<Guest>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut guests = vec![
        Guest {
            name: "hello-c-O0.wasm",
            app: fixtures.join("hello-c-O0.wasm"),
            options: Vec::new(),
            args: vec!["3"],
            function: "fib",
            never: "n * 2 == 41",
        },
        Guest {
            name: "ledger.wasm",
            app: fixtures.join("ledger.wasm"),
            options: vec![format!("--dir={}::/work", fixtures.display())],
            args: Vec::new(),
            function: "find",
            never: "$event < 0",
        },
    ];
    if let Some(more) = std::env::var_os("GUESTS") {
        let lines = (0..20_000).map(|i| format!("{i} the quick brown {}\n", i % 97));
        std::fs::write(directory.join("in.txt"), lines.collect::<String>())?;
        guests.push(Guest {
            name: "zstd-O2.wasm",
            app: Path::new(&more).join("zstd-O2.wasm"),
            options: vec![format!("--dir={}::/work", directory.display())],
            args: vec!["-q", "-f", "-9", "/work/in.txt", "-o", "/work/out.zst"],
            function: "ZSTD_compressContinue_internal",
            never: "$event < 0",
        });
    }
    Ok(guests)
}

impl Bench {
    fn measure(&self, guest: &Guest) -> Outcome<()> {
        let trace = self.record(guest)?;
        let size = std::fs::metadata(&guest.app)?.len() / 1024;
        // Compiles, once for all that follows.
        Client::start(&self.program)?.open(&trace)?;
        table::head(&format!("{}, {size} KiB", guest.name));
        self.first_stops(&trace)?;
        let mut client = Client::start(&self.program)?;
        client.open(&trace)?;
        self.stops(&mut client)?;
        self.steps(&mut client, &trace)?;
        self.runs(&mut client, guest)
    }

    fn record(&self, guest: &Guest) -> Outcome<PathBuf> {
        let trace = self
            .directory
            .path()
            .join(format!("{}.rrtrace", guest.name));
        // How the program ends is its own affair: one of them traps.
        Command::new(&self.program)
            .args(["record", "--quiet", "--force", "-o"])
            .arg(&trace)
            .args(&guest.options)
            .arg("--")
            .arg(&guest.app)
            .args(&guest.args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !trace.is_file() {
            return Err(format!("{} was not recorded", guest.name).into());
        }
        // What a session compiles beside what it shows is to be there, too: a client that
        // is killed at its first stop would leave it to the next.
        Command::new(&self.program)
            .args(["trace", "output"])
            .arg(&trace)
            .stdout(Stdio::null())
            .status()?;
        Ok(trace)
    }

    fn first_stops(&self, trace: &Path) -> Outcome<()> {
        let (mut from_launch, mut from_start) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let began = Instant::now();
            let mut client = Client::start(&self.program)?;
            from_launch.push(client.open(trace)?);
            from_start.push(began.elapsed());
        }
        table::row("first stop, from the process's start", &from_start, None);
        table::row("first stop, from `launch`", &from_launch, Some(FIRST_STOP));
        Ok(())
    }

    /// Places all over the recording, in percent.
    fn places(&self) -> impl Iterator<Item = f64> {
        let rounds = self.rounds;
        (0..rounds).map(move |nth| 100.0 * f64::from(nth * 7 % rounds + 1) / f64::from(rounds + 1))
    }

    /// What an editor asks at every stop.
    fn stops(&self, client: &mut Client) -> Outcome<()> {
        let names = [
            "threads",
            "stackTrace, 20 levels",
            "scopes",
            "variables of the scopes",
        ];
        let mut parts: [Vec<Duration>; 4] = Default::default();
        let mut whole = Vec::new();
        for place in self.places() {
            client.go("rr/seek", json!({ "percent": place }))?;
            let taken = look_around(client)?;
            whole.push(taken.iter().sum());
            for (part, taken) in parts.iter_mut().zip(taken) {
                part.push(taken);
            }
        }
        for (name, part) in names.iter().zip(&parts) {
            table::row(&format!("a stop's requests: {name}"), part, None);
        }
        table::row("a stop's requests: together", &whole, Some(WHOLE_STOP));
        Ok(())
    }

    /// The same steps through the server and through the library.
    fn steps(&self, client: &mut Client, trace: &Path) -> Outcome<()> {
        const STEPS: usize = 5;
        let options = Options {
            program: self.program.clone(),
            ..Options::standard()?
        };
        let trace = Arc::new(Trace::open(trace)?);
        let mut timeline = Timeline::open(trace, &options, &Interrupt::new(), &|_| {})?;
        timeline.wait_for_sweep(&Interrupt::new())?;
        timeline.wait_for_depths(&Interrupt::new())?;
        for (command, direction) in [
            ("stepBack", Direction::Backward),
            ("next", Direction::Forward),
        ] {
            let motion = Motion::Line(direction, Step::Over);
            let (mut served, mut own) = (Vec::new(), Vec::new());
            for place in self.places() {
                client.go("rr/seek", json!({ "percent": place }))?;
                let place = Fraction::percent(place).ok_or("a percentage")?;
                timeline.travel(&Motion::Fraction(place), &Interrupt::new())?;
                for _ in 0..STEPS {
                    served.push(client.go(command, json!({ "threadId": 1 }))?);
                    let began = Instant::now();
                    timeline.travel(&motion, &Interrupt::new())?;
                    own.push(began.elapsed());
                    let when = client.ask("rr/when", json!({}))?;
                    let here = timeline.here().position.to_string();
                    if when["moment"]["position"] != json!(here) {
                        return Err(format!("{command}: {here} is not where {when} is").into());
                    }
                }
            }
            table::row(&format!("{command}, through the server"), &served, None);
            table::row(&format!("{command}, through the library"), &own, None);
            table::differences(
                &format!("{command}, what the server adds"),
                &served,
                &own,
                ADDED,
            );
        }
        Ok(())
    }

    /// Runs from one end to the other that look at every call of a function.
    fn runs(&self, client: &mut Client, guest: &Guest) -> Outcome<()> {
        let breakpoints = |condition: Value| match condition {
            Value::Null => json!({ "breakpoints": [] }),
            condition => {
                json!({ "breakpoints": [{ "name": guest.function, "condition": condition }] })
            }
        };
        for (name, condition) in [
            ("no breakpoint", Value::Null),
            ("a condition", json!(guest.never)),
        ] {
            let set = client.ask("setFunctionBreakpoints", breakpoints(condition))?;
            if set["breakpoints"]
                .as_array()
                .is_some_and(|set| set.iter().any(|one| one["verified"] != json!(true)))
            {
                return Err(format!("{} has no function {}", guest.name, guest.function).into());
            }
            let (mut forward, mut backward) = (Vec::new(), Vec::new());
            for _ in 0..self.rounds {
                client.go("rr/seek", json!({ "to": "start" }))?;
                forward.push(client.go("continue", json!({ "threadId": 1 }))?);
                client.go("rr/seek", json!({ "to": "end" }))?;
                backward.push(client.go("reverseContinue", json!({ "threadId": 1 }))?);
            }
            table::row(&format!("continue to the end, {name}"), &forward, None);
            table::row(
                &format!("reverseContinue to the start, {name}"),
                &backward,
                None,
            );
        }
        Ok(())
    }
}

/// Asks what an editor asks at a stop; how long each kind of request took.
fn look_around(client: &mut Client) -> Outcome<[Duration; 4]> {
    let (_, threads) = client.time("threads", Value::Null)?;
    let wanted = json!({ "threadId": 1, "startFrame": 0, "levels": 20 });
    let (trace, stack) = client.time("stackTrace", wanted)?;
    let frame = trace["stackFrames"][0]["id"].clone();
    let (told, scopes) = client.time("scopes", json!({ "frameId": frame }))?;
    let mut variables = Duration::ZERO;
    for scope in told["scopes"].as_array().into_iter().flatten() {
        let reference = json!({ "variablesReference": scope["variablesReference"] });
        variables += client.time("variables", reference)?.1;
    }
    Ok([threads, stack, scopes, variables])
}
