//! Opening recordings: recording a program first, or one that there is.

use super::Recording;
use super::run::{GoingOn, Run};
use super::sources::Sources;
use crate::cache::CacheDir;
use crate::component::{Component, ModuleId, component_bytes};
use crate::debuggee::kept::Place;
use crate::debuggee::launch::{
    AttachArguments, Begin, ChaosArgument, LaunchArguments, NodeArguments, ProgramArguments,
    Subject, ViewArguments,
};
use crate::debuggee::path_mapping::PathMapping;
use crate::debuggee::system::opening;
use crate::debuggee::{Debuggee, Halt, LaunchError, Launcher, Output, RecordingNews};
use crate::source::Folders;
use crate::source::external::{External, Search};
use crate::timeline::processes::temporary::TemporaryDir;
use crate::timeline::travel::motion::{Stepping, WithoutLines};
use crate::timeline::{Interrupt, Module, Options, Progress, Timeline, TimelineError};
use crate::trace::{Trace, begins_as_recording};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// A run that takes longer is told of.
const UNTIL_TOLD: Duration = Duration::from_secs(1);
/// And shown as progress: a client that has just been told needs a moment to look.
const UNTIL_SHOWN: Duration = Duration::from_millis(1500);
/// So many requests an instance gets that is debugged.
const MOST_REQUESTS: &str = "1000000000";
/// So long a service keeps an instance without a request that is debugged.
const FOR_EVER: &str = "8640000s";
/// One that takes even longer is debugged while it goes on.
const UNTIL_OFFERED: Duration = Duration::from_secs(3);

/// Opens recordings for sessions.
#[derive(Debug, Clone)]
pub struct RecordingLauncher {
    options: Options,
    /// What `attach` opens: the recordings that the server was started with.
    traces: Vec<PathBuf>,
    /// Where programs are that recordings do not hold, for every session, besides those places
    /// that its client names.
    programs: Vec<PathBuf>,
    /// Debug files for every session, besides those that its client names.
    debug_files: Vec<PathBuf>,
    /// Where sources are, for every session.
    path_mapping: PathMapping,
    /// Marks are kept beside recordings.
    keeps: bool,
}

fn failed(error: impl std::fmt::Display) -> LaunchError {
    LaunchError::Failed(error.to_string())
}

impl RecordingLauncher {
    /// Opens timelines with these options. Without a trace there is nothing to attach to; several
    /// are a system.
    pub fn new(options: Options, traces: impl IntoIterator<Item = PathBuf>) -> RecordingLauncher {
        RecordingLauncher {
            options,
            traces: traces.into_iter().collect(),
            programs: Vec::new(),
            debug_files: Vec::new(),
            path_mapping: PathMapping::default(),
            keeps: true,
        }
    }

    /// Whether sessions find the marks of earlier ones, and keep theirs; they do, unless told
    /// otherwise.
    pub fn with_marks_kept(self, keeps: bool) -> RecordingLauncher {
        RecordingLauncher { keeps, ..self }
    }

    /// Every session maps sources so, too: pairs of prefixes, as in the debug information
    /// and as on this machine.
    pub fn with_path_mapping(self, pairs: Vec<(String, String)>) -> RecordingLauncher {
        RecordingLauncher {
            path_mapping: PathMapping::new(pairs),
            ..self
        }
    }

    /// Every session looks for debug information in these files, too.
    pub fn with_debug_files(self, debug_files: Vec<PathBuf>) -> RecordingLauncher {
        RecordingLauncher {
            debug_files,
            ..self
        }
    }

    /// Every session looks for programs that recordings name without holding them in these
    /// files and directories, too.
    pub fn with_programs(self, programs: Vec<PathBuf>) -> RecordingLauncher {
        RecordingLauncher { programs, ..self }
    }

    /// Where compiled code is kept.
    pub(in crate::debuggee) fn cache(&self) -> CacheDir {
        self.options.cache.clone()
    }

    /// Where programs are that recordings do not hold.
    pub(in crate::debuggee) fn programs_of(&self, view: &ViewArguments) -> Vec<PathBuf> {
        [&view.programs[..], &self.programs].concat()
    }

    /// Opens a recording that there is.
    pub(in crate::debuggee) fn open_recording(
        &self,
        trace: &Path,
        view: &ViewArguments,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Box<dyn Debuggee>, LaunchError> {
        self.open(trace, (None, None), None, view, output, interrupt)
    }

    fn open(
        &self,
        trace: &Path,
        (directory, run): (Option<TemporaryDir>, Option<GoingOn>),
        program: Option<PathBuf>,
        view: &ViewArguments,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Box<dyn Debuggee>, LaunchError> {
        let programs = self.programs_of(view);
        let mut trace = Trace::open_with(trace, &programs).map_err(failed)?;
        if let Some(path) = &view.component {
            let bytes = component_bytes(path).map_err(failed)?;
            let component = Component::parse(bytes)
                .map_err(|error| failed(format!("the component in {}: {error}", path.display())))?;
            trace = trace.with_component(Arc::new(component)).map_err(failed)?;
        }
        let name = &trace.metadata().program;
        let search = self.where_to_look(name, Some(trace.path()), program, view);
        let folders = where_sources_may_be(&trace, &search, view);
        let external = External::find(trace.component(), &search).map_err(failed)?;
        if let Some(bytes) = external.put_into(trace.component()) {
            let component = Component::parse(bytes).map_err(failed)?;
            trace = trace.with_component(Arc::new(component)).map_err(failed)?;
        }
        let trace = Arc::new(trace);
        let progress = |compiled: Progress| {
            output.progress(Some(compiled.percent()), "compiling the recording");
        };
        let timeline = Timeline::open(trace, &self.options, interrupt, &progress);
        let mut timeline = timeline.map_err(|error| match error {
            TimelineError::Interrupted => LaunchError::Interrupted,
            error => failed(error),
        })?;
        // Nothing is left beside a recording that goes with the session.
        let is_lasting = directory
            .as_ref()
            .is_none_or(|directory| !timeline.trace().path().starts_with(directory.path()));
        let kept = (self.keeps && is_lasting).then(|| Place::beside(timeline.trace()));
        let carried = timeline.trace().metadata().sources.iter();
        let carried = carried.map(|source| (source.path.clone(), source.text.clone()));
        let sources = Sources::new(
            (
                view.path_mapping.clone().or(self.path_mapping.clone()),
                view.maps_paths,
            ),
            folders,
            carried.collect(),
            view.libraries.clone(),
        );
        let stepping = stepping(&timeline, view.just_my_code, &sources);
        timeline.set_stepping(stepping);
        Ok(Box::new(Recording::new(
            timeline,
            self.options.cache.clone(),
            Arc::new(external),
            (Arc::new(sources), view.just_my_code),
            kept,
            directory,
            run,
        )))
    }

    /// Compiles the program that is about to be recorded, as it will be opened.
    fn compile_ahead(&self, program: &Path, view: &ViewArguments) {
        let name = program
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let search = self.where_to_look(&name, None, Some(program.to_owned()), view);
        let opened = view.component.clone();
        let opened = opened.unwrap_or_else(|| program.to_owned());
        let find = move || {
            let component = Component::parse(component_bytes(&opened).ok()?).ok()?;
            let external = External::find(&component, &search).ok()?;
            match external.put_into(&component) {
                Some(bytes) => Component::parse(bytes).ok(),
                None => Some(component),
            }
        };
        Timeline::compile_ahead(find, &self.options);
    }

    /// Where debug information may be that the modules do not have themselves.
    fn where_to_look(
        &self,
        name: &str,
        trace: Option<&Path>,
        program: Option<PathBuf>,
        view: &ViewArguments,
    ) -> Search {
        // A recording may call its program anything, `../../x` too.
        let file_name = Path::new(name).file_name();
        let beside_trace = trace.and_then(Path::parent).zip(file_name);
        let beside_trace = beside_trace.map(|(directory, name)| directory.join(name));
        let beside = [view.component.clone(), program, beside_trace];
        Search {
            program: name.to_owned(),
            beside: beside.into_iter().flatten().collect(),
            given: [view.debug_files.clone(), self.debug_files.clone()].concat(),
        }
    }

    /// Records a run with this executable, in a process of its own: whatever
    /// becomes of the run, the server goes on. If it takes long, it goes on while it is debugged.
    fn record(
        &self,
        arguments: &ProgramArguments,
        to: &Path,
        begin: &Begin,
        output: &dyn Output,
        halt: &Halt,
    ) -> Result<(PathBuf, Option<GoingOn>), LaunchError> {
        let is_service = arguments.serves_at.is_some();
        let begun = Instant::now();
        let before = written(to);
        let there: BTreeSet<PathBuf> = match is_service {
            true => recordings_in(to).collect(),
            false => BTreeSet::new(),
        };
        let mut run = Run::start(&mut self.record_command(arguments, to))?;
        let mut goes_on = false;
        while !run.is_over() {
            if halt.given_up.is_raised() || halt.enough.is_raised() {
                run.end();
            } else {
                // Who wants to see the end waits for it.
                let is_long = begun.elapsed() > UNTIL_OFFERED && *begin != Begin::End;
                let is_long = is_long || halt.look.is_raised();
                let offered = match is_service {
                    true => first_in(to, &there),
                    false => (is_long && !arguments.pause_ends && Trace::is_being_written(to))
                        .then(|| to.to_owned()),
                };
                if let Some(offered) = offered
                    && let Some(lasting) = output.lasting()
                {
                    return Ok((offered, Some(run.go_on(lasting)?)));
                }
                if begun.elapsed() > UNTIL_TOLD && !std::mem::replace(&mut goes_on, true) {
                    output.recording(RecordingNews::GoesOn);
                }
            }
            if begun.elapsed() > UNTIL_SHOWN {
                let seconds = begun.elapsed().as_secs();
                let told = match is_service {
                    true => "waiting for the first request, which is debugged".to_owned(),
                    false => format!(
                        "recording the program for {seconds} s; pause or cancel to end it \
                         and debug what it has done"
                    ),
                };
                output.progress(None, &told);
            }
            run.tend(output);
        }
        let complaint = run.finish(output);
        output.recording(RecordingNews::Ended);
        if halt.given_up.is_raised() {
            return Err(LaunchError::Interrupted);
        }
        if is_service && let Some(recording) = first_in(to, &there) {
            return Ok((recording, None));
        }
        // An older recording there is not this one.
        if !is_service && written(to) != before {
            return Ok((to.to_owned(), None));
        }
        if halt.enough.is_raised() {
            return Err(LaunchError::Interrupted);
        }
        Err(failed(match complaint.trim() {
            "" => "the recorder ended without a recording".to_owned(),
            // Whoever says it puts our name before it again.
            complaint => complaint
                .strip_prefix("rr-dap: ")
                .unwrap_or(complaint)
                .to_owned(),
        }))
    }

    fn record_command(&self, arguments: &ProgramArguments, to: &Path) -> Command {
        let mut command = Command::new(&self.options.program);
        match &arguments.serves_at {
            None => command.arg("record").arg("--quiet").arg("--force"),
            // As much as possible is in one recording.
            Some(address) => command
                .args(["serve", "--addr", address, "--max-instance-reuse-count"])
                .args([MOST_REQUESTS, "--max-instance-concurrent-reuse-count"])
                .args([MOST_REQUESTS, "--idle-instance-timeout", FOR_EVER]),
        };
        command.arg("--ends-with-input");
        command.arg("-o").arg(to);
        for dir in &arguments.dirs {
            let host = in_directory(arguments.cwd.as_deref(), &dir.host);
            command.arg("--dir");
            command.arg(format!("{}::{}", host.display(), dir.guest));
        }
        for (name, value) in &arguments.env {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        for switch in &arguments.wasi {
            command.arg("-S").arg(switch);
        }
        if arguments.redact_env {
            command.arg("--redact-env");
        }
        if !arguments.keeps_sources {
            command.arg("--no-sources");
        }
        if let Some(handles) = &arguments.handles {
            command.arg(format!("--handles={handles}"));
        }
        match arguments.chaos {
            Some(ChaosArgument::AnySeed) => _ = command.arg("--chaos"),
            Some(ChaosArgument::Seed(seed)) => _ = command.arg(format!("--chaos={seed}")),
            None => {}
        }
        let invoked = arguments.invoke.as_ref();
        if let Some(call) = invoked.filter(|_| arguments.serves_at.is_none()) {
            command.arg("--invoke").arg(call);
        }
        command.arg("--");
        command.arg(in_directory(arguments.cwd.as_deref(), &arguments.program));
        if arguments.serves_at.is_none() {
            command.args(&arguments.args);
        }
        command
    }
}

/// The folders in which sources are looked for: that of the recording, of the program, and
/// where who debugs is.
fn where_sources_may_be(trace: &Trace, search: &Search, view: &ViewArguments) -> Folders {
    let of_trace = trace.path().parent().map(Path::to_owned);
    let of_program = search.beside.iter().filter_map(|path| path.parent());
    let of_program = of_program.map(Path::to_owned);
    let current = std::env::current_dir().ok();
    let folders = of_trace.into_iter().chain(of_program);
    Folders::new(folders.chain(view.folders.clone()).chain(current))
}

/// Which code steps go into: with `justMyCode`, none without lines, and none of libraries,
/// be they modules of their own or in the program's.
fn stepping(timeline: &Timeline, just_my_code: bool, sources: &Sources) -> Stepping {
    if !just_my_code {
        return Stepping {
            without_lines: WithoutLines::Instructions,
            ..Stepping::default()
        };
    }
    let is_foreign = |module: &Module| {
        let mut files = module.source.files().peekable();
        files.peek().is_some() && files.all(|(_, path)| sources.is_library(path))
    };
    let modules = (0..).map(ModuleId).zip(timeline.modules().iter());
    let foreign: BTreeSet<ModuleId> = modules
        .clone()
        .filter(|(_, module)| is_foreign(module))
        .map(|(id, _)| id)
        .collect();
    let own = modules.filter(|(id, _)| !foreign.contains(id));
    let foreign_sources = own.map(|(id, module)| {
        let files = module.source.all_files();
        let of_libraries = files.filter(|(_, path)| sources.is_library(path));
        (id, of_libraries.map(|(file, _)| file).collect())
    });
    Stepping {
        foreign_sources: Arc::new(foreign_sources.collect()),
        foreign,
        ..Stepping::default()
    }
}

/// Whether there is a file with something in it that is not a recording. One that is, of an
/// earlier session, is what the next one takes the place of.
fn is_somebody_s(path: &Path) -> bool {
    let is_file = |found: std::fs::Metadata| found.is_file() && found.len() > 0;
    path.metadata().is_ok_and(is_file) && !begins_as_recording(path)
}

/// The first recording of a service, but for those that were there before.
fn first_in(directory: &Path, before: &BTreeSet<PathBuf>) -> Option<PathBuf> {
    let new = recordings_in(directory).filter(|path| !before.contains(path));
    new.min()
}

fn recordings_in(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.extension().is_some_and(|e| e == "rrtrace"))
}

/// When a file was last written, if it is there.
fn written(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|m| m.modified()).ok()
}

fn in_directory(directory: Option<&Path>, path: &Path) -> PathBuf {
    directory.map_or_else(|| path.to_owned(), |directory| directory.join(path))
}

impl Launcher for RecordingLauncher {
    fn path_mapping(&self) -> PathMapping {
        self.path_mapping.clone()
    }

    fn launch(
        &self,
        arguments: &LaunchArguments,
        output: &dyn Output,
        halt: &Halt,
    ) -> Result<Box<dyn Debuggee>, LaunchError> {
        let interrupt = &halt.given_up;
        match &arguments.subject {
            Subject::Trace(trace) if !opening::is_system(trace) => {
                self.open_recording(trace, &arguments.view, output, interrupt)
            }
            Subject::Trace(path) => {
                let nodes = [NodeArguments::plain(path.clone())];
                opening::open(self, &nodes, &arguments.view, output, interrupt)
            }
            Subject::System(nodes) => {
                opening::open(self, nodes, &arguments.view, output, interrupt)
            }
            Subject::Program(program) => {
                let directory = TemporaryDir::new().map_err(failed)?;
                let is_service = program.serves_at.is_some();
                let to = match &program.record_to {
                    Some(path) => in_directory(program.cwd.as_deref(), path),
                    None if is_service => directory.path().join("recordings"),
                    None => directory.path().join("session.rrtrace"),
                };
                if program.record_to.is_some() && !program.overwrites && is_somebody_s(&to) {
                    return Err(failed(format!(
                        "cannot record to {}: there is a file that is not a recording; give another \
                         name as `recordTo`, or set `overwrite`",
                        to.display()
                    )));
                }
                let at = in_directory(program.cwd.as_deref(), &program.program);
                self.compile_ahead(&at, &arguments.view);
                let (to, run) = self.record(program, &to, &arguments.view.begin, output, halt)?;
                self.open(
                    &to,
                    (Some(directory), run),
                    Some(at),
                    &arguments.view,
                    output,
                    interrupt,
                )
            }
        }
    }

    fn attach(
        &self,
        arguments: &AttachArguments,
        output: &dyn Output,
        halt: &Halt,
    ) -> Result<Box<dyn Debuggee>, LaunchError> {
        let (view, interrupt) = (&arguments.view, &halt.given_up);
        match &self.traces[..] {
            [] => Err(failed(
                "this server has no recording to attach to: start it with `rr-dap --trace FILE`, \
                 or use `launch` with `trace`",
            )),
            [trace] if !opening::is_system(trace) => {
                self.open_recording(trace, view, output, interrupt)
            }
            traces => {
                let nodes = traces.iter().cloned().map(NodeArguments::plain);
                let nodes: Vec<NodeArguments> = nodes.collect();
                opening::open(self, &nodes, view, output, interrupt)
            }
        }
    }
}
