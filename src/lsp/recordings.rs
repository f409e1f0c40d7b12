//! The recordings that the server tells of: each is opened, counted and asked by a thread of
//! its own, so that what is known is told at once.

use super::LspError;
use super::client::Client;
use crate::debuggee::launch::{LaunchArguments, Subject, ViewArguments};
use crate::debuggee::path_mapping::PathMapping;
use crate::debuggee::{
    CountsOfSource, Debuggee, DebuggeeError, Halt, LaunchError, Launcher, SourceCounts,
};
use crate::inspect::profile::{Profile, Totals};
use lsp_types::MessageType;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

/// Something to be asked of a debuggee; of none, if there is none to ask.
type Job = Box<dyn FnOnce(Result<&mut dyn Debuggee, DebuggeeError>) + Send>;

/// What is known of a recording by now.
#[derive(Default)]
struct Known {
    counts: OnceLock<SourceCounts>,
    shares: OnceLock<Shares>,
}

/// How much of the recording's ticks functions took, with all that they called: by the sources
/// and lines that declare them.
#[derive(Default)]
struct Shares {
    functions: HashMap<(Arc<str>, u32), u64>,
    ticks: u64,
}

impl Shares {
    fn of(profile: &Profile) -> Shares {
        let totals = Totals::of(profile, None);
        let mut functions: HashMap<(Arc<str>, u32), u64> = HashMap::new();
        for (function, total) in profile.functions().iter().zip(&totals.functions) {
            if let Some(file) = &function.file {
                let place = (file.clone(), function.line);
                *functions.entry(place).or_default() += total.with_callees;
            }
        }
        Shares {
            functions,
            ticks: totals.ticks,
        }
    }
}

/// A recording that the server tells of.
pub(super) struct Recording {
    /// As the person has named it.
    path: PathBuf,
    /// Where its sources are: known when it is open.
    mapping: PathMapping,
    known: Arc<Known>,
    jobs: Option<Sender<Job>>,
    halt: Halt,
    thread: Option<JoinHandle<()>>,
}

impl Recording {
    /// Begins to open and count it; the client asks anew when that is done.
    pub(super) fn open(
        path: &Path,
        launcher: &Arc<dyn Launcher>,
        folders: Vec<PathBuf>,
        client: &Client,
    ) -> Result<Recording, LspError> {
        // Where sources are found is known to all clones of a map.
        let found = PathMapping::default();
        let known: Arc<Known> = Arc::default();
        let (jobs, to_do) = channel();
        let halt = Halt::default();
        let arguments = LaunchArguments {
            subject: Subject::Trace(path.to_owned()),
            view: ViewArguments {
                path_mapping: found.clone(),
                just_my_code: true,
                folders,
                ..ViewArguments::default()
            },
        };
        let work = Work {
            arguments,
            launcher: launcher.clone(),
            known: known.clone(),
            halt: halt.clone(),
            client: client.clone(),
            name: path.display().to_string(),
        };
        let thread = thread::Builder::new().name("recording".to_owned());
        let thread = thread.spawn(move || work.run(&to_do));
        Ok(Recording {
            path: path.to_owned(),
            mapping: found.or(launcher.path_mapping()),
            known,
            jobs: Some(jobs),
            halt,
            thread: Some(thread.map_err(LspError::Thread)?),
        })
    }

    /// As the person has named it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where its sources are.
    pub(super) fn mapping(&self) -> &PathMapping {
        &self.mapping
    }

    /// The path of the debug information for a file.
    pub(super) fn inward(&self, path: &str) -> String {
        self.mapping.inward(path)
    }

    /// How often what is in a file ran, if it is of this recording, and that is known by now.
    pub(super) fn counts_of(&self, path: &str) -> Option<&CountsOfSource> {
        self.known.counts.get()?.sources.get(&self.inward(path))
    }

    /// Which part of all ticks the function took that a line of a file declares, if that is known
    /// by now.
    pub(super) fn share_of(&self, path: &str, line: u32) -> Option<f64> {
        let shares = self.known.shares.get()?;
        let place = (Arc::from(self.inward(path)), line);
        let ticks = *shares.functions.get(&place)?;
        // Instances of a generic function that call each other are counted twice.
        Some((ticks as f64 / shares.ticks.max(1) as f64).min(1.0))
    }

    /// Has its debuggee asked when those before have been.
    pub(super) fn ask(
        &self,
        job: impl FnOnce(Result<&mut dyn Debuggee, DebuggeeError>) + Send + 'static,
    ) {
        // Its thread lives as long as this.
        if let Some(jobs) = &self.jobs {
            _ = jobs.send(Box::new(job));
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.halt.given_up.raise();
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // What it had to say of a panic it has said.
            _ = thread.join();
        }
    }
}

/// What the thread of a recording does.
struct Work {
    arguments: LaunchArguments,
    launcher: Arc<dyn Launcher>,
    known: Arc<Known>,
    halt: Halt,
    client: Client,
    name: String,
}

impl Work {
    fn run(self, jobs: &Receiver<Job>) {
        match self.opened() {
            Ok(mut debuggee) => jobs.iter().for_each(|job| job(Ok(debuggee.as_mut()))),
            Err(why) => jobs
                .iter()
                .for_each(|job| job(Err(DebuggeeError::other(why.clone())))),
        }
    }

    /// The debuggee, counted; or why there is none.
    fn opened(&self) -> Result<Box<dyn Debuggee>, String> {
        let reporter = self.client.progress(format!("Reading {}", self.name));
        let opened = self.launcher.launch(&self.arguments, &reporter, &self.halt);
        let mut debuggee = match opened {
            Ok(debuggee) => debuggee,
            Err(LaunchError::Interrupted) => return Err("cancelled".to_owned()),
            Err(LaunchError::Failed(why)) => {
                let told = format!("{} cannot be opened: {why}", self.name);
                self.client.show(MessageType::ERROR, told.clone());
                return Err(told);
            }
        };
        let interrupt = &self.halt.given_up;
        let counted = debuggee.counts(&reporter, interrupt).and_then(|counts| {
            _ = self.known.counts.set(counts);
            self.client.refresh();
            let profile = debuggee.profile(&reporter, interrupt)?;
            _ = self.known.shares.set(Shares::of(&profile));
            self.client.refresh();
            Ok(())
        });
        match counted {
            Ok(()) | Err(DebuggeeError::Interrupted) => {}
            Err(error) => self.client.show(MessageType::WARNING, error.to_string()),
        }
        Ok(debuggee)
    }
}
