//! `rr-dap debug`: a session at a prompt. What is typed becomes requests to the debug
//! adapter, as an editor's clicks do, so both see the same.

mod awaited;
mod breakpoint_commands;
mod breakpoints;
mod catching;
mod commands;
mod complete;
mod display;
mod functions;
mod help;
mod history;
mod info;
mod input;
mod interrupt;
mod kept;
mod line_reader;
mod memory;
mod motion;
mod places;
mod prompt;
mod script;
mod settings;
mod stack;
mod text;
mod values;

use super::conversation;
use super::guest_world::{GuestWorld, Invocation};
use super::recording_file::RecordingFile;
use super::style::Colour;
use crate::dap::client::{Client, ClientError};
use crate::dap::protocol::StoppedEventBody;
use crate::debuggee::launch::{Moment, NodeArguments};
use crate::debuggee::system::opening;
use crate::record::RecorderError;
use crate::timeline::processes::temporary::TemporaryDir;
use crate::trace::begins_as_recording;
use anyhow::{Context, bail};
use clap::Args;
use input::Input;
use prompt::{Prompt, Screen};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  rr-dap debug run.rrtrace
  rr-dap debug --at end run.rrtrace
  rr-dap debug run.rrtrace@4711:3:0x1f4
  rr-dap debug --dir data::/work app.wasm -- -v /work/input.txt
  rr-dap debug --batch --command 'break parse' --command continue --command bt run.rrtrace

At the prompt, `help` lists the commands: those of gdb, and what goes back in time.")]
pub(super) struct Debug {
    /// Where the session begins.
    #[arg(long, value_name = "MOMENT", default_value = "entry")]
    at: At,
    /// Where the program is that the recording names without holding it: its file, or a
    /// directory that it is in. May be repeated. Without this, beside the recording.
    #[arg(long = "program", value_name = "FILE|DIR")]
    programs: Vec<PathBuf>,
    /// A file with debug information that the recorded component lacks: a build of it
    /// with debug information, a .dwp or .dwo, a source map. May be repeated.
    #[arg(long = "debug-file", value_name = "FILE")]
    debug_files: Vec<PathBuf>,
    /// Where sources are that the debug information has elsewhere: paths beginning with
    /// FROM there begin with TO here. May be repeated; the longest FROM counts.
    #[arg(long = "source-map", value_name = "FROM=TO", value_parser = super::opening::pair)]
    source_map: Vec<(String, String)>,
    /// A command to begin with. May be repeated.
    #[arg(long, short = 'x', value_name = "COMMAND")]
    command: Vec<String>,
    /// Ask nobody: run the given commands (without any, those on standard input), and fail
    /// if one of them fails.
    #[arg(long)]
    batch: bool,
    /// Neither take the marks and breakpoints of earlier sessions, which lie beside the
    /// recording in FILE.session.json, nor keep any there. With --batch, breakpoints are not.
    #[arg(long)]
    no_save: bool,
    /// Do not begin with the commands in ~/.rr-dapinit.
    #[arg(long)]
    no_init: bool,
    /// Whether to print colours.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Colour,
    #[command(flatten, next_help_heading = "To record a program")]
    world: GuestWorld,
    #[command(flatten)]
    invocation: Invocation,
    /// Keep the recording of the program here.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite what is at --output.
    #[arg(long, requires = "output")]
    force: bool,
    /// A recording, or a program (a component, a WASI 0.1 module, .wat) to record and debug. A
    /// recording is opened at a moment with FILE@POSITION, as `info position` tells it; a
    /// mark, a hostcall's number, a percentage, start, entry and end are moments, too.
    /// Several recordings, a directory of them, or a .rrsystem file are debugged as one system.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The program's arguments.
    #[arg(value_name = "ARGS", last = true)]
    args: Vec<String>,
}

/// Where a session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum At {
    /// Before any code of the guest.
    Start,
    /// At `main`, or else at the first line.
    Entry,
    /// Where the run ended or failed.
    End,
}

impl At {
    fn stop_at(self) -> &'static str {
        match self {
            At::Start => "start",
            At::Entry => "entry",
            At::End => "end",
        }
    }
}

impl Debug {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let subject = self.subject()?;
        let out = std::io::stdout();
        let screen = Rc::new(RefCell::new(Screen::new(self.color.paint(&out))));
        let heard = Rc::clone(&screen);
        let server: &[&str] = match self.no_save {
            true => &["--no-save"],
            false => &[],
        };
        let mut client = conversation::start(server, move |message| {
            heard.borrow_mut().hear(message);
        })?;
        interrupt::on_interrupt(client.interrupter())
            .context("^C cannot be handled at this prompt")?;
        // Whoever will not wait until it is open leaves.
        client.ends_at_second_interrupt(true);
        let stopped = match open(&mut client, subject.launch, &screen) {
            // The recorder, whose words are passed on as they come, has said it.
            Err(error) if screen.borrow().has_said(&format!("rr-dap: {error}")) => {
                return Ok(ExitCode::FAILURE);
            }
            opened => opened.map_err(|error| left(error, subject.recording.lasting()))?,
        };
        client.ends_at_second_interrupt(false);
        screen.borrow_mut().opened();
        let input = Input::new(self.command, self.batch)?;
        let lasting = subject.recording.lasting();
        let mut prompt = Prompt::new(client, screen, subject.recording);
        // What a script does hangs on nothing but the script.
        if let Some(recording) = lasting.filter(|_| !self.no_save && !self.batch) {
            prompt.take_kept(recording)?;
        }
        if let Some(file) = script::begins_with().filter(|_| !self.no_init) {
            prompt.begin_with(&file)?;
        }
        prompt.converse(input, &stopped)
    }

    fn subject(&self) -> anyhow::Result<Subject> {
        let Some(first) = self.files.first() else {
            bail!("nothing to debug: give a recording, or a component to record");
        };
        let (file, moment) = file_and_moment(first)?;
        let mut launch = json!({
            "stopAt": moment.as_deref().unwrap_or(self.at.stop_at()),
            "debugFiles": absolute(&self.debug_files)?,
            "programs": absolute(&self.programs)?,
            "sourceMap": self.source_map,
        });
        let is_named_so = first
            .extension()
            .is_some_and(|extension| extension == "wasm" || extension == "wat");
        if self.files.len() > 1 && (is_named_so || (file.is_file() && is_program(&file)?)) {
            let rest = self
                .files
                .iter()
                .skip(1)
                .map(|file| file.display().to_string());
            bail!(
                "what the program is given comes after `--`: rr-dap debug {} -- {}",
                first.display(),
                rest.collect::<Vec<_>>().join(" ")
            );
        }
        let is_system = self.files.len() > 1 || opening::is_system(&file);
        if is_system || !is_program(&file)? {
            if !self.args.is_empty()
                || !self.world.is_empty()
                || self.invocation.invoke.is_some()
                || self.output.is_some()
            {
                bail!(
                    "{} is a recording: what it ran with is in it, so ARGS, --output and the \
                     options to record a program are for a .wasm",
                    first.display()
                );
            }
            if is_system {
                if moment.is_some() && self.files.len() > 1 {
                    bail!("a moment is of one recording: leave @… out, and use `seek NODE:MOMENT`");
                }
                let files = absolute(&self.files)?;
                let nodes = files.iter().cloned().map(NodeArguments::plain);
                opening::expanded(&nodes.collect::<Vec<_>>())?;
                launch["traces"] = json!(files);
                return Ok(Subject {
                    launch,
                    recording: Recording::System(file),
                });
            }
            launch["trace"] = json!(file);
            return Ok(Subject {
                launch,
                recording: Recording::Given {
                    file,
                    programs: self.programs.clone(),
                },
            });
        }
        if !self.programs.is_empty() {
            bail!(
                "--program is for a recording that does not hold its program, and {} is a program",
                file.display()
            );
        }
        if let Some(moment) = moment {
            bail!(
                "{moment} is a moment of a recording, and {} is a program to record: leave @{moment} \
                 out, or give the recording",
                file.display()
            );
        }
        let recording = match &self.output {
            Some(path) if !self.force && path.symlink_metadata().is_ok() => {
                return Err(RecorderError::exists(path).into());
            }
            Some(path) => Recording::Given {
                file: std::path::absolute(path)?,
                programs: Vec::new(),
            },
            None => Recording::Temporary(TemporaryDir::new()?),
        };
        let world = &self.world;
        let env = world.environment()?.into_iter();
        let dirs = world.dirs.iter();
        launch["program"] = json!(file);
        launch["args"] = json!(self.args);
        launch["env"] = json!(
            env.map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
        );
        launch["dirs"] = dirs
            .map(|dir| json!({ "host": dir.host, "guest": dir.guest }))
            .collect();
        launch["cwd"] = json!(std::env::current_dir()?);
        launch["invoke"] = json!(self.invocation.invoke);
        launch["wasi"] = json!(world.switches);
        let dials = world.dials.turned();
        world.dials.tell_chosen(dials);
        launch["handles"] = json!(dials.handles.map(|seed| format!("shuffle:{seed}")));
        launch["chaos"] = json!(dials.chaos);
        launch["sources"] = json!(world.sources || !world.no_sources);
        launch["redactEnv"] = json!(world.redact_env);
        launch["recordTo"] = json!(recording.path());
        launch["overwrite"] = json!(self.force);
        // As ^C is for the program until there is a prompt.
        launch["pauseEnds"] = json!(true);
        Ok(Subject { launch, recording })
    }
}

/// `FILE`, or `FILE@MOMENT`; a file with an `@` in its name is meant where there is one.
fn file_and_moment(given: &Path) -> anyhow::Result<(PathBuf, Option<String>)> {
    let split = given.to_str().and_then(|text| text.rsplit_once('@'));
    let split = split.filter(|(file, _)| !given.exists() && Path::new(file).exists());
    let Some((file, text)) = split else {
        return Ok((std::path::absolute(given)?, None));
    };
    if !["start", "entry", "end"].contains(&text) {
        text.parse::<Moment>()?;
    }
    Ok((std::path::absolute(file)?, Some(text.to_owned())))
}

fn absolute(paths: &[PathBuf]) -> std::io::Result<Vec<PathBuf>> {
    paths.iter().map(std::path::absolute).collect()
}

/// What is debugged, as `launch` is told it.
struct Subject {
    launch: Value,
    recording: Recording,
}

/// Where the recording is.
enum Recording {
    Given {
        file: PathBuf,
        /// Where its program may be.
        programs: Vec<PathBuf>,
    },
    /// Several: the first one, or what names them.
    System(PathBuf),
    /// It goes when the session ends.
    Temporary(TemporaryDir),
}

impl Recording {
    /// Where it is, if it is there after the session.
    pub(super) fn lasting(&self) -> Option<PathBuf> {
        match self {
            Recording::Given { file, .. } => Some(file.clone()),
            Recording::System(_) | Recording::Temporary(_) => None,
        }
    }

    /// It, to be opened without the session.
    fn to_open(&self) -> RecordingFile {
        let programs = match self {
            Recording::Given { programs, .. } => programs.clone(),
            Recording::System(_) | Recording::Temporary(_) => Vec::new(),
        };
        RecordingFile::new(self.path(), programs)
    }

    fn path(&self) -> PathBuf {
        match self {
            Recording::Given { file, .. } | Recording::System(file) => file.clone(),
            Recording::Temporary(directory) => directory.path().join("run.rrtrace"),
        }
    }
}

/// Whether a file is something to record, rather than a recording: by what is in it, or by
/// its name where that is text.
fn is_program(file: &Path) -> anyhow::Result<bool> {
    let mut magic = Vec::new();
    if file.is_dir() {
        bail!(
            "{} is a directory: give a recording, or a component to record",
            file.display()
        );
    }
    let opened = std::fs::File::open(file);
    opened
        .and_then(|file| file.take(4).read_to_end(&mut magic))
        .with_context(|| {
            format!(
                "cannot read {}: give a recording, or a component to record",
                file.display()
            )
        })?;
    let is_text = file
        .extension()
        .is_some_and(|ext| ext == "wat" || ext == "wit");
    // What cannot be a recording is told to be no program either, with what it is.
    let is_executable = magic.starts_with(b"\x7fELF") || magic.starts_with(b"#!");
    let is_wasm = magic == b"\0asm";
    let is_called_so = file.extension().is_some_and(|ext| ext == "wasm");
    if is_called_so && !is_wasm && !is_executable && !begins_as_recording(file) {
        let what = match magic.is_empty() {
            true => "is empty",
            false => "does not begin as WebAssembly does",
        };
        bail!(
            "{} {what}: it is neither a program nor a recording; build it anew",
            file.display()
        );
    }
    Ok(is_wasm || is_text || is_executable)
}

/// That a person has left before there was anything to see, and what is kept all the same.
fn left(error: anyhow::Error, recording: Option<PathBuf>) -> anyhow::Error {
    match (error.downcast_ref(), recording.filter(|file| file.exists())) {
        (Some(ClientError::Interrupted), Some(file)) => anyhow::anyhow!(
            "interrupted before the recording was open; it is kept: `rr-dap debug {}`",
            file.display()
        ),
        (Some(ClientError::Interrupted), None) => {
            anyhow::anyhow!("interrupted before the recording was open")
        }
        _ => error,
    }
}

fn open(
    client: &mut Client,
    launch: Value,
    screen: &RefCell<Screen>,
) -> anyhow::Result<StoppedEventBody> {
    let capabilities: prompt::Capabilities = client.ask(
        "initialize",
        json!({
            "adapterID": "rr-dap", "clientID": "rr-dap debug", "pathFormat": "path",
            "linesStartAt1": true, "columnsStartAt1": true, "supportsVariableType": true,
            "supportsMemoryReferences": true, "waitsForOutput": true,
            "supportsProgressReporting": true,
        }),
    )?;
    screen.borrow_mut().capabilities = capabilities;
    client.tell("launch", launch).map_err(|error| match error {
        // What cannot be opened says so itself.
        ClientError::Refused { message, .. } => anyhow::Error::msg(message),
        error => error.into(),
    })?;
    // A program that is recorded for long is one that is being debugged; its failure is told.
    if client.first_event(&["initialized", "terminated"])? == "terminated" {
        bail!("there is nothing to debug");
    }
    client.tell("configurationDone", json!({}))?;
    Ok(client.stopped()?)
}
