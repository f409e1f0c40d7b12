//! `rr-dap demo`: the tours. A client of the debug adapter, as an editor is one,
//! walks a program that fails, or a system, back to the cause.

mod page;
mod system;
mod tour;

use super::conversation::{self, Category, Heard, Said};
use super::terminal;
use crate::timeline::processes::temporary::TemporaryDir;
use clap::{Args, ValueEnum};
use page::Page;
use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;
use system::SystemTour;
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
  rr-dap demo system            (two recordings: the cause is in another program)
  rr-dap demo --keep ledger     (then: rr-dap debug ledger/ledger.rrtrace)")]
pub(super) struct Demo {
    /// Which tour.
    #[arg(value_enum, default_value_t = Which::Ledger)]
    tour: Which,
    /// Keep the tour's files in this directory: programs or their recordings, and sources.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// A program that fails, and why.
    Ledger,
    /// A service that fails because of its client: two recordings, debugged as one system.
    System,
}

impl Which {
    /// The files that a tour needs.
    fn files(self) -> Vec<(&'static str, &'static [u8])> {
        match self {
            Which::Ledger => vec![
                PROGRAM,
                (SOURCE.0, SOURCE.1.as_bytes()),
                (DATA.0, DATA.1.as_bytes()),
            ],
            Which::System => system::FILES.to_vec(),
        }
    }

    /// A file that the tour would overwrite.
    fn existing(self, directory: &Path) -> Option<PathBuf> {
        let files = self.files().into_iter().map(|(name, _)| name);
        files
            .chain([RECORDING])
            .map(|name| directory.join(name))
            .find(|path| path.exists())
    }

    fn unpack(self, directory: &Path) -> io::Result<()> {
        for (name, bytes) in self.files() {
            std::fs::write(directory.join(name), bytes)?;
        }
        Ok(())
    }
}

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let place = Place::new(self.tour, self.keep)?;
        self.tour.unpack(place.path())?;
        let printed = Rc::new(RefCell::new(Printed::default()));
        let heard = Rc::clone(&printed);
        let client = conversation::start(&["--no-save"], move |message| {
            if let Heard::Said(said) = message {
                heard.borrow_mut().hear(said);
            }
        })?;
        let mut client = client.with_patience(PATIENCE);
        let page = Page::stdout();
        let next = place.next_steps(self.tour);
        let toured = match self.tour {
            Which::Ledger => Tour::new(&mut client, &printed, page, place.path()).walk(&next),
            Which::System => SystemTour::new(&mut client, &printed, page, place.path()).walk(&next),
        };
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
    fn new(tour: Which, keep: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(directory) = keep else {
            return Ok(Place::Temporary(TemporaryDir::new()?));
        };
        if let Some(there) = tour.existing(&directory) {
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
    fn next_steps(&self, tour: Which) -> Vec<(String, &'static str)> {
        // As this one was started, so that it can be copied.
        let rr_dap = std::env::args().next().unwrap_or("rr-dap".to_owned());
        let steps = match (tour, self) {
            (Which::Ledger, Place::Temporary(_)) => {
                vec![("demo --keep ledger".to_owned(), "keep this recording")]
            }
            (Which::Ledger, Place::Kept(directory)) => {
                let recording = directory.join(RECORDING);
                let waits = format!("--listen 127.0.0.1:4711 --trace {}", recording.display());
                vec![(waits, "wait for an editor to attach to it")]
            }
            (Which::System, Place::Temporary(_)) => {
                vec![(
                    "demo system --keep shop".to_owned(),
                    "keep these recordings",
                )]
            }
            (Which::System, Place::Kept(directory)) => {
                let shop = directory.join("shop.rrsystem");
                let shop = shop.display();
                vec![
                    (format!("debug {shop}"), "debug them at a prompt"),
                    (format!("trace messages {shop}"), "what they said"),
                ]
            }
        };
        let record = "record -o run.rrtrace app.wasm ARGS";
        let rest = match tour {
            Which::Ledger => vec![
                (record.to_owned(), "record your own (built with -g)"),
                ("trace events run.rrtrace".to_owned(), "list its hostcalls"),
            ],
            Which::System => vec![
                ("serve service.wasm".to_owned(), "record your own service"),
                (record.to_owned(), "and its client"),
            ],
        };
        steps
            .into_iter()
            .chain(rest)
            .map(|(arguments, about)| (format!("{rr_dap} {arguments}"), about))
            .collect()
    }
}
