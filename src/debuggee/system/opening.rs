//! Which recordings make a system, and how each is opened: a list, a directory, or a file that
//! names them.

use super::heard::Heard;
use super::story::Story;
use super::{Node, System};
use crate::cache::CacheDir;
use crate::debuggee::launch::{NodeArguments, ViewArguments};
use crate::debuggee::path_mapping::PathMapping;
use crate::debuggee::recording::RecordingLauncher;
use crate::debuggee::{Debuggee, LaunchError, Output};
use crate::timeline::Interrupt;
use crate::trace::Trace;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The name of a file that names a system's recordings ends so.
pub const EXTENSION: &str = "rrsystem";
/// One that is longer is something else.
const MOST_BYTES: u64 = 1 << 20;

fn failed(message: impl std::fmt::Display) -> LaunchError {
    LaunchError::Failed(message.to_string())
}

/// A file that names a system's recordings: paths are relative to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemFile {
    traces: Vec<InFile>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum InFile {
    Path(PathBuf),
    #[serde(rename_all = "camelCase")]
    Node {
        path: PathBuf,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        source_map: Vec<(String, String)>,
        #[serde(default)]
        debug_files: Vec<PathBuf>,
    },
}

/// Whether a path is of several recordings.
pub fn is_system(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|e| e == EXTENSION)
}

/// The recordings that some paths mean: directories and files that name recordings are looked into.
///
/// # Errors
///
/// If one cannot be read, names what is not there, or there are none.
pub fn expanded(given: &[NodeArguments]) -> Result<Vec<NodeArguments>, LaunchError> {
    let mut nodes = Vec::new();
    for node in given {
        let is_list = node.path.extension().is_some_and(|e| e == EXTENSION);
        let named = match is_list && !node.path.is_dir() {
            true => named_in(&node.path)?,
            false => vec![node.clone()],
        };
        for node in named {
            match node.path.is_dir() {
                true => {
                    let mut found = recordings_in(&node.path)?;
                    found.sort();
                    nodes.extend(found.into_iter().map(|path| NodeArguments {
                        is_found: true,
                        path,
                        ..node.clone()
                    }));
                }
                false => nodes.push(node),
            }
        }
    }
    // A recording and the directory that it is in: it is one node all the same.
    let mut known = HashSet::new();
    nodes.retain(|node| {
        let path = node.path.canonicalize();
        known.insert(path.unwrap_or_else(|_| node.path.clone()))
    });
    match nodes.is_empty() {
        true => Err(failed("there are no recordings (*.rrtrace) to debug")),
        false => Ok(nodes),
    }
}

/// Opens the recordings of some nodes. One that was found in a directory may be damaged: it is
/// told, and left out.
///
/// # Errors
///
/// If one that was asked for cannot be opened, or none can.
pub fn traces_of(
    nodes: Vec<NodeArguments>,
    programs: &[PathBuf],
    tell: &dyn Fn(&str),
) -> Result<Vec<(NodeArguments, Arc<Trace>)>, LaunchError> {
    let mut opened = Vec::new();
    let mut refused = None;
    for node in nodes {
        match Trace::open_with(&node.path, programs) {
            Ok(trace) => opened.push((node, Arc::new(trace))),
            Err(error) if node.is_found => {
                tell(&format!("left out: {error}"));
                refused = Some(error);
            }
            Err(error) => return Err(failed(error)),
        }
    }
    match (opened.is_empty(), refused) {
        (true, Some(error)) => Err(failed(error)),
        _ => Ok(opened),
    }
}

fn recordings_in(directory: &Path) -> Result<Vec<PathBuf>, LaunchError> {
    let unreadable = |error| failed(format!("cannot look into {}: {error}", directory.display()));
    let entries = std::fs::read_dir(directory).map_err(unreadable)?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let found: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "rrtrace"))
        .collect();
    match found.is_empty() {
        true => Err(failed(format!(
            "{} is a directory without recordings (*.rrtrace)",
            directory.display()
        ))),
        false => Ok(found),
    }
}

fn named_in(file: &Path) -> Result<Vec<NodeArguments>, LaunchError> {
    let wrong = |error: String| {
        failed(format!(
            "{} does not name a system's recordings: {error}; it is JSON as in \
             {{\"traces\": [\"a.rrtrace\", {{\"path\": \"b.rrtrace\", \"name\": \"shop\"}}]}}",
            file.display()
        ))
    };
    let length = file.metadata().map_err(|error| wrong(error.to_string()))?;
    if length.len() > MOST_BYTES {
        return Err(wrong("it is too long".to_owned()));
    }
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let read: SystemFile =
        serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    let directory = file.parent().unwrap_or(Path::new("."));
    let nodes = read.traces.into_iter().map(|node| match node {
        InFile::Path(path) => NodeArguments::plain(directory.join(path)),
        InFile::Node {
            path,
            name,
            source_map,
            debug_files,
        } => NodeArguments {
            is_found: false,
            path: directory.join(path),
            name,
            path_mapping: PathMapping::new(source_map),
            debug_files: debug_files
                .into_iter()
                .map(|file| directory.join(file))
                .collect(),
        },
    });
    Ok(nodes.collect())
}

/// What a recording can be called after.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// As it was told to be.
    pub name: Option<String>,
    /// Its program's file name.
    pub program: String,
    /// Which of the instances of a service it is, from 1; 0 if it is none.
    pub instance: u64,
    /// Its file.
    pub path: PathBuf,
}

impl Named {
    /// Of a node and its recording.
    pub fn of(node: &NodeArguments, trace: &Trace) -> Named {
        let metadata = trace.metadata();
        Named {
            name: node.name.clone(),
            program: metadata.program.clone(),
            instance: metadata.instance,
            path: node.path.clone(),
        }
    }
}

/// What people call recordings: the program's name, and where several have the same, that of the
/// file, or a number.
pub fn names(nodes: &[Named]) -> Vec<String> {
    let stem = |text: &Path| {
        text.file_stem().map_or_else(
            || "node".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        )
    };
    let programs: Vec<String> = nodes
        .iter()
        .map(|node| {
            let given = node.name.clone();
            given.unwrap_or_else(|| stem(Path::new(&node.program)))
        })
        .collect();
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for name in &programs {
        *uses.entry(name).or_default() += 1;
    }
    let mut taken: HashMap<String, usize> = HashMap::new();
    programs
        .iter()
        .zip(nodes)
        .map(|(program, node)| {
            let name = match (uses.get(program.as_str()), node.instance) {
                (Some(1), _) => program.clone(),
                (_, 0) if node.name.is_some() => program.clone(),
                (_, 0) => stem(&node.path),
                (_, instance) => format!("{program}-{instance}"),
            };
            let count = taken.entry(name.clone()).or_default();
            *count += 1;
            match count {
                1 => name,
                again => format!("{name}#{again}"),
            }
        })
        .collect()
}

/// Opens a system: its first recording at once, what they said to each other in the background,
/// and the others when they are looked at.
///
/// # Errors
///
/// If one is not a recording, or the first one cannot be opened.
pub fn open(
    launcher: &RecordingLauncher,
    given: &[NodeArguments],
    view: &ViewArguments,
    output: &dyn Output,
    interrupt: &Interrupt,
) -> Result<Box<dyn Debuggee>, LaunchError> {
    let programs = launcher.programs_of(view);
    // One that cannot be opened is told now, not when it is looked at.
    let opened = traces_of(expanded(given)?, &programs, &|line| output.console(line))?;
    let (nodes, traces): (Vec<NodeArguments>, Vec<Arc<Trace>>) = opened.into_iter().unzip();
    if let (1, Some(node)) = (nodes.len(), nodes.first()) {
        let view = of_node(view, node);
        return launcher.open_recording(&node.path, &view, output, interrupt);
    }
    let named: Vec<Named> = nodes
        .iter()
        .zip(&traces)
        .map(|(node, trace)| Named::of(node, trace))
        .collect();
    let names = names(&named);
    let openers = nodes.iter().zip(&names).map(|(node, name)| {
        let (launcher, view, path) = (launcher.clone(), of_node(view, node), node.path.clone());
        Node {
            name: name.clone(),
            opener: Arc::new(move |output: &dyn Output, interrupt: &Interrupt| {
                launcher.open_recording(&path, &view, output, interrupt)
            }),
        }
    });
    let cache = launcher.cache();
    let story = Story::begin(names.clone(), move |go_on| {
        let go_on = go_on.clone();
        listen(&traces, &cache, &move || go_on.is_wanted())
    });
    let system = System::open(openers.collect(), story, output, interrupt)?;
    Ok(Box::new(system))
}

/// How one of the recordings is looked at.
fn of_node(view: &ViewArguments, node: &NodeArguments) -> ViewArguments {
    ViewArguments {
        // A build given in a recorded one's stead is of one program.
        component: None,
        debug_files: [&node.debug_files[..], &view.debug_files].concat(),
        path_mapping: node.path_mapping.clone().or(view.path_mapping.clone()),
        maps_paths: true,
        ..view.clone()
    }
}

/// Listens to recordings, as many at a time as there are processors. `go_on` is asked now and then
/// whether anybody wants to know.
///
/// # Errors
///
/// If nobody wants to know any more.
pub fn listen(
    traces: &[Arc<Trace>],
    cache: &CacheDir,
    go_on: &(impl Fn() -> bool + Clone + Send + Sync + 'static),
) -> Result<Vec<Heard>, String> {
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let listen = || {
        let mut heard = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(trace) = traces.get(at).filter(|_| go_on()) else {
                return heard;
            };
            heard.push((at, Heard::of(trace, cache, go_on.clone())));
        }
    };
    let mut heard = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers.min(traces.len()))
            .map(|_| scope.spawn(listen))
            .collect();
        let heard = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        heard.filter_map(Result::ok).flatten().collect::<Vec<_>>()
    });
    heard.sort_by_key(|(at, _)| *at);
    if heard.len() != traces.len() {
        return Err(match go_on() {
            true => "an internal fault in one of them".to_owned(),
            false => "nobody wants to know any more".to_owned(),
        });
    }
    Ok(heard.into_iter().map(|(_, heard)| heard).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_recordings_apart() {
        let node = |name: Option<&str>, program: &str, path: &str| Named {
            name: name.map(str::to_owned),
            program: program.to_owned(),
            instance: 0,
            path: PathBuf::from(path),
        };
        let named = names(&[
            node(None, "shop.wasm", "one.rrtrace"),
            node(None, "gateway.wasm", "two.rrtrace"),
            node(None, "shop.wasm", "dir/two.rrtrace"),
            node(Some("client"), "x.wasm", "three.rrtrace"),
            node(None, "shop.wasm", "other/two.rrtrace"),
            node(Some("twin"), "x.wasm", "four.rrtrace"),
            node(Some("twin"), "x.wasm", "five.rrtrace"),
        ]);
        let expected = ["one", "gateway", "two", "client", "two#2", "twin", "twin#2"];
        assert_eq!(named, expected);
    }
}
