//! What a session leaves beside its recording for the next one: `RECORDING.session.json`
//! holds the marks, and the breakpoints of the prompt.
//!
//! Recordings come from anywhere, and so may what lies beside them: it is read within bounds,
//! and what does not make sense is left out. Nothing depends on it, so that a directory that
//! cannot be written keeps nobody from debugging.

use crate::replay::Position;
use crate::trace::{Trace, private};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of the file.
const LONGEST: u64 = 1 << 20;
/// Of either sort.
const MOST: usize = 1000;
/// Bytes of a mark's name.
const LONGEST_NAME: usize = 200;

/// Where it is, and of which recording it speaks.
#[derive(Debug, Clone)]
pub struct Place {
    file: PathBuf,
    recording: Recording,
}

/// What tells that a recording of the same name is another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Recording {
    /// Seconds since the Unix epoch.
    started: u64,
    program: String,
    /// In bytes. A run that goes on adds to it.
    length: u64,
}

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Content {
    recording: Recording,
    marks: Vec<KeptMark>,
    /// As whoever sets them writes them.
    breakpoints: Vec<Value>,
}

/// A moment with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMark {
    /// What it is called.
    pub name: String,
    /// Where it is, as [`Position`] is written.
    pub position: String,
    /// How many hostcalls come before.
    pub event: u64,
}

/// Whether a mark can be called so: names are shown in lists, also on terminals.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(char::is_control)
}

impl Place {
    /// Beside this recording.
    pub fn beside(trace: &Trace) -> Place {
        let metadata = trace.metadata();
        Place {
            file: file_beside(trace.path()),
            recording: Recording {
                started: metadata.started,
                program: metadata.program.clone(),
                length: trace.length(),
            },
        }
    }

    /// The marks; none if they are of a recording that was here before.
    pub fn marks(&self) -> Vec<(KeptMark, Position)> {
        let content = read(&self.file);
        if !self.recording.continues(&content.recording) {
            return Vec::new();
        }
        let marks = content.marks.into_iter().take(MOST);
        let known = marks.filter(|mark| is_name(&mark.name));
        let placed = known.filter_map(|mark| {
            let position = mark.position.parse().ok()?;
            Some((mark, position))
        });
        placed.collect()
    }

    /// Keeps these marks and no others.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn keep_marks(&self, mut marks: Vec<KeptMark>) -> io::Result<()> {
        marks.truncate(MOST);
        let mut content = read(&self.file);
        content.recording = self.recording.clone();
        content.marks = marks;
        write(&self.file, &content)
    }
}

impl Recording {
    fn continues(&self, before: &Recording) -> bool {
        (self.started, &self.program) == (before.started, &before.program)
            && self.length >= before.length
    }
}

/// The breakpoints that lie beside a recording: they are of lines and names, which another
/// recording of the program has, too.
pub fn breakpoints(recording: &Path) -> Vec<Value> {
    let mut all = read(&file_beside(recording)).breakpoints;
    all.truncate(MOST);
    all
}

/// Keeps these breakpoints and no others beside a recording.
///
/// # Errors
///
/// If the file cannot be written.
pub fn keep_breakpoints(recording: &Path, mut breakpoints: Vec<Value>) -> io::Result<()> {
    breakpoints.truncate(MOST);
    let file = file_beside(recording);
    let content = read(&file);
    if content.breakpoints == breakpoints {
        return Ok(());
    }
    write(
        &file,
        &Content {
            breakpoints,
            ..content
        },
    )
}

fn file_beside(recording: &Path) -> PathBuf {
    let mut name = recording.as_os_str().to_owned();
    name.push(".session.json");
    PathBuf::from(name)
}

/// What is there; what cannot be read holds nothing.
fn read(file: &Path) -> Content {
    let is_file = fs::metadata(file).is_ok_and(|found| found.is_file());
    let text = || {
        let mut bytes = Vec::new();
        File::open(file)?.take(LONGEST).read_to_end(&mut bytes)?;
        io::Result::Ok(bytes)
    };
    let bytes = is_file.then(text).and_then(Result::ok);
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// Whoever reads meanwhile sees the one or the other.
fn write(file: &Path, content: &Content) -> io::Result<()> {
    if content.marks.is_empty() && content.breakpoints.is_empty() {
        return match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let mut bytes = serde_json::to_vec_pretty(content)?;
    bytes.push(b'\n');
    if bytes.len() as u64 > LONGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(name);
    let written = private::create(&beside)
        .and_then(|mut made| made.write_all(&bytes))
        .and_then(|()| fs::rename(&beside, file));
    if written.is_err() {
        _ = fs::remove_file(&beside);
    }
    written
}
