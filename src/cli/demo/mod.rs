//! `rr-dap demo`: the tour. A client of the debug adapter, as an editor is one,
//! walks a program that fails back to the cause.

mod page;
mod tour;

use super::conversation::{self, Category, Heard, Said};
use super::terminal;
use crate::timeline::processes::temporary::TemporaryDir;
use clap::Args;
use page::Page;
use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;
use tour::Tour;

/// What the tour needs, in the executable: it runs from anywhere.
const PROGRAM: (&str, &[u8]) = (
    "ledger.wasm",
    include_bytes!("../../../fixtures/ledger.wasm").as_slice(),
);
const SOURCE: (&str, &str) = ("ledger.c", include_str!("../../../fixtures/ledger.c"));
const DATA: (&str, &str) = ("ledger.csv", include_str!("../../../fixtures/ledger.csv"));
/// Where the source was when the program was compiled.
const COMPILED_IN: &str = "/rr-dap/fixtures";
const RECORDING: &str = "ledger.rrtrace";
/// The first launch on a machine compiles the guest; nothing takes near so long.
const PATIENCE: Duration = Duration::from_secs(180);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  rr-dap demo
  rr-dap demo --keep ledger     (then: rr-dap debug ledger/ledger.rrtrace)")]
pub(super) struct Demo {
    /// Keep the program, its source and its recording in this directory.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let place = Place::new(self.keep)?;
        unpack(place.path())?;
        let printed = Rc::new(RefCell::new(Printed::default()));
        let heard = Rc::clone(&printed);
        let client = conversation::start(&["--no-save"], move |message| {
            if let Heard::Said(said) = message {
                heard.borrow_mut().hear(said);
            }
        })?;
        let mut client = client.with_patience(PATIENCE);
        let page = Page::stdout();
        let tour = Tour::new(&mut client, &printed, page, place.path());
        let toured = tour.walk(&place.next_steps());
        match toured {
            Err(error) if terminal::is_closed(&error) => {}
            Err(error) => return Err(error.context("the tour has come to an early end")),
            Ok(()) => client.finish()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What the guest printed, one stream after the other.
#[derive(Debug, Default)]
struct Printed {
    stdout: String,
    stderr: String,
}

impl Printed {
    fn hear(&mut self, said: &Said) {
        match said.category {
            Category::Stdout => self.stdout.push_str(&said.text),
            Category::Stderr => self.stderr.push_str(&said.text),
            Category::Console => {}
        }
    }
}

/// Where the tour's files are.
enum Place {
    Temporary(TemporaryDir),
    Kept(PathBuf),
}

impl Place {
    fn new(keep: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(directory) = keep else {
            return Ok(Place::Temporary(TemporaryDir::new()?));
        };
        if let Some(there) = existing(&directory) {
            anyhow::bail!(
                "{} is there already: give --keep another directory, or remove it",
                there.display()
            );
        }
        std::fs::create_dir_all(&directory)?;
        Ok(Place::Kept(directory.canonicalize()?))
    }

    fn path(&self) -> &Path {
        match self {
            Place::Temporary(directory) => directory.path(),
            Place::Kept(directory) => directory,
        }
    }

    /// What to do after the tour: commands, and what they are for.
    fn next_steps(&self) -> Vec<(String, &'static str)> {
        // As this one was started, so that it can be copied.
        let rr_dap = std::env::args().next().unwrap_or("rr-dap".to_owned());
        let first = match self {
            Place::Temporary(_) => ("demo --keep ledger".to_owned(), "keep this recording"),
            Place::Kept(directory) => (
                format!(
                    "--listen 127.0.0.1:4711 --trace {}",
                    directory.join(RECORDING).display()
                ),
                "wait for an editor to attach to it",
            ),
        };
        let record = "record -o run.rrtrace app.wasm ARGS";
        let rest = [
            (record.to_owned(), "record your own (built with -g)"),
            ("trace events run.rrtrace".to_owned(), "list its hostcalls"),
        ];
        std::iter::once(first)
            .chain(rest)
            .map(|(arguments, about)| (format!("{rr_dap} {arguments}"), about))
            .collect()
    }
}

/// A file that the tour would overwrite.
fn existing(directory: &Path) -> Option<PathBuf> {
    [PROGRAM.0, SOURCE.0, DATA.0, RECORDING]
        .iter()
        .map(|name| directory.join(name))
        .find(|path| path.exists())
}

fn unpack(directory: &Path) -> io::Result<()> {
    std::fs::write(directory.join(PROGRAM.0), PROGRAM.1)?;
    std::fs::write(directory.join(SOURCE.0), SOURCE.1)?;
    std::fs::write(directory.join(DATA.0), DATA.1)
}
