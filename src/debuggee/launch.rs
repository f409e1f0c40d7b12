//! What a session is to debug, and how it is looked at.

use super::path_mapping::PathMapping;
use crate::replay::Position;
use crate::timeline::travel::motion::Fraction;
use std::path::PathBuf;
use std::str::FromStr;

/// What `launch` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchArguments {
    /// What to debug.
    pub subject: Subject,
    /// How to look at it.
    pub view: ViewArguments,
}

/// What `launch` debugs: a run to be recorded now, or one that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Record a run of it, and debug that.
    Program(Box<ProgramArguments>),
    /// Debug this recording.
    Trace(PathBuf),
    /// Debug these recordings as one system.
    System(Vec<NodeArguments>),
}

/// A recording of a system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeArguments {
    /// The recording, a directory of some, or a file that names some.
    pub path: PathBuf,
    /// What to call it; `None`: after its program.
    pub name: Option<String>,
    /// Where its sources are, besides where those of all are.
    pub path_mapping: PathMapping,
    /// Its debug files, besides those of all.
    pub debug_files: Vec<PathBuf>,
    /// Whether it was found in a directory: nobody asked for this one.
    pub is_found: bool,
}

impl NodeArguments {
    /// A recording of which nothing more is said.
    pub fn plain(path: PathBuf) -> NodeArguments {
        NodeArguments {
            path,
            ..NodeArguments::default()
        }
    }
}

/// A program and what it runs with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramArguments {
    /// A component, or what is made into one: a WASI 0.1 core module, a `.wat`.
    pub program: PathBuf,
    /// The guest's arguments, without its own name.
    pub args: Vec<String>,
    /// Environment variables: names and values.
    pub env: Vec<(String, String)>,
    /// Relative paths here are meant from this directory.
    pub cwd: Option<PathBuf>,
    /// The directories that the guest may use.
    pub dirs: Vec<SharedDirectory>,
    /// A call such as `apply(add, 20, 22)` instead of `wasi:cli/run`.
    pub invoke: Option<String>,
    /// WASI switches, as `record -S` has them.
    pub wasi: Vec<String>,
    /// Leave the values of `env` out of the recording's metadata.
    pub redact_env: bool,
    /// Keep the program's own sources in the recording: so it is unless told otherwise.
    pub keeps_sources: bool,
    /// What `record --handles` is given: `shuffle`, `shuffle:7`.
    pub handles: Option<String>,
    /// What the host chooses at random, as `record --chaos`.
    pub chaos: Option<ChaosArgument>,
    /// Where to keep the recording; one that is there is overwritten.
    pub record_to: Option<PathBuf>,
    /// Serve it over HTTP, at this address, instead of running a command.
    pub serves_at: Option<String>,
    /// `pause` ends the run, and it is debugged when it has ended only.
    pub pause_ends: bool,
    /// Overwrite what is there even if it is not a recording.
    pub overwrites: bool,
}

/// By which seed the host chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChaosArgument {
    /// One that is chosen at random.
    AnySeed,
    /// This one.
    Seed(u32),
}

/// A directory that the guest may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedDirectory {
    /// Where it is on this machine; a relative path begins at `cwd`.
    pub host: PathBuf,
    /// The path that the guest knows it by.
    pub guest: String,
}

/// What `attach` asks for; the recording is the one that the server was started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachArguments {
    /// How to look at it.
    pub view: ViewArguments,
}

/// How the recording is looked at, whatever it came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ViewArguments {
    /// The component with its debug information, where the recording holds a
    /// stripped one.
    pub component: Option<PathBuf>,
    /// Where the program is that a recording names without holding it: files, and directories
    /// that it is in.
    pub programs: Vec<PathBuf>,
    /// Files with debug information that the recorded component lacks: debug builds,
    /// `.dwp`, `.dwo`, source maps.
    pub debug_files: Vec<PathBuf>,
    /// Where sources are that were compiled elsewhere.
    pub path_mapping: PathMapping,
    /// Whether the debuggee itself tells and takes paths of this machine: of several recordings,
    /// each may have another map for the same path. Else who asks it maps them.
    pub maps_paths: bool,
    /// `stopAt`, or else `stopOnEntry`.
    pub begin: Begin,
    /// Whether frames of libraries are subdued, and line steps pass over code without
    /// lines and over modules that are libraries altogether. It is, unless told otherwise.
    pub just_my_code: bool,
    /// Parts of paths of sources that are of libraries, too.
    pub libraries: Vec<String>,
    /// Folders in which sources are looked for, besides those of the recording and of the
    /// program: the client's workspace, and where the program runs.
    pub folders: Vec<PathBuf>,
}

/// Where a session first stops.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Begin {
    /// At the first breakpoint, or else the end.
    #[default]
    FirstBreakpoint,
    /// At `main`, or else the first line.
    Entry,
    /// Before any guest code has run.
    Start,
    /// At the end of the recording.
    End,
    /// At a moment that has been told, in another session.
    There(Moment),
}

/// A moment as it is told: by its position, or roughly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// This one exactly.
    Position(Position),
    /// In the hostcall with this number.
    Event(u64),
    /// So far into the recording.
    Part(Fraction),
    /// Where a mark of an earlier session is.
    Mark(String),
}

/// A text does not tell a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a moment: give a position, as `when` tells it, the number of a hostcall, a \
     percentage, or the name of a mark"
)]
pub struct MomentError(String);

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let part = |text: &str| Fraction::percent(text.trim().parse().ok()?);
        let moment = match text.strip_suffix('%') {
            Some(percent) => part(percent).map(Moment::Part),
            None if text.contains(':') => text.parse().ok().map(Moment::Position),
            None => match text.parse() {
                Ok(event) => Some(Moment::Event(event)),
                Err(_) => (!text.trim().is_empty()).then(|| Moment::Mark(text.to_owned())),
            },
        };
        moment.ok_or_else(|| MomentError(text.to_owned()))
    }
}
