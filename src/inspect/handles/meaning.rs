//! What a handle stands for, told from the call it came from: the file that was
//! opened, the stream that was asked for.
//!
//! This is knowledge about WASI by the names of its functions, kept apart from the
//! handle table, which knows nothing of it.

use std::fmt::{self, Display};
use std::sync::Arc;

use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::hostcall::wave;

/// What a handle stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A file or directory that the host gave at the beginning.
    Preopened(String),
    /// A file or directory, by its path as the guest sees it.
    File(String),
    /// Something that belongs to something: a stream of a file, a timer.
    Of {
        /// In words: `input-stream`, `timer of 10 ns`.
        what: String,
        /// What it belongs to; `None` if that is nothing, or not known.
        whose: Option<Box<Meaning>>,
    },
}

impl Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preopened(path) => write!(f, "preopened directory {path:?}"),
            Self::File(path) => write!(f, "descriptor of {path:?}"),
            Self::Of { what, whose: None } => f.write_str(what),
            Self::Of {
                what,
                whose: Some(whose),
            } => match &**whose {
                Self::Preopened(path) | Self::File(path) => write!(f, "{what} of {path:?}"),
                whose => write!(f, "{what} of {whose}"),
            },
        }
    }
}

impl Meaning {
    fn plain(what: impl Into<String>) -> Self {
        Self::Of {
            what: what.into(),
            whose: None,
        }
    }

    /// Readiness of a stream of a stream of …: guests may nest without end, people
    /// do not read it.
    fn depth(&self) -> usize {
        match self {
            Self::Of {
                whose: Some(whose), ..
            } => 1 + whose.depth(),
            _ => 0,
        }
    }
}

/// What is known of a call when it is made, for telling what its result stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct Clues {
    crossing: Option<Arc<str>>,
    /// What the first argument stands for, if it is a handle.
    whose: Option<Meaning>,
    /// The path or the duration among the arguments.
    detail: Option<String>,
}

const DEEPEST: usize = 3;
const LONGEST: usize = 200;

impl Clues {
    pub(super) fn new(crossing: &Arc<str>, args: &[(String, Lifted)]) -> Self {
        let detail = args.iter().find_map(|(name, value)| match value {
            Lifted::String(_) | Lifted::Unsigned(_)
                if matches!(name.as_str(), "path" | "name" | "when") =>
            {
                Some(detail(value))
            }
            _ => None,
        });
        Self {
            crossing: Some(crossing.clone()),
            whose: None,
            detail,
        }
    }

    /// Tells what a handle among the arguments stands for.
    pub(super) fn add(&mut self, parameter: &str, meaning: Option<Meaning>) {
        if self.whose.is_none() && matches!(parameter, "self" | "this" | "borrow") {
            self.whose = meaning.filter(|meaning| meaning.depth() < DEEPEST);
        }
    }

    /// What each handle of the result stands for, in the order of
    /// [`Lifted::for_each_handle`].
    pub(super) fn meanings(&self, result: &Lifted) -> Vec<Option<Meaning>> {
        let mut meanings = Vec::new();
        let Some(crossing) = &self.crossing else {
            return meanings;
        };
        let name = without_version(crossing);
        if name == "wasi:filesystem/preopens#get-directories" {
            preopens(result, &mut meanings);
        } else {
            let meaning = match result {
                Lifted::Result(Err(_)) => Some(self.of("error")),
                _ => self.meaning(&name),
            };
            result.for_each_handle(&mut |_| meanings.push(meaning.clone()));
        }
        meanings
    }

    fn meaning(&self, name: &str) -> Option<Meaning> {
        Some(match name {
            "wasi:cli/stdin#get-stdin" => Meaning::plain("stdin"),
            "wasi:cli/stdout#get-stdout" => Meaning::plain("stdout"),
            "wasi:cli/stderr#get-stderr" => Meaning::plain("stderr"),
            "wasi:cli/terminal-stdin#get-terminal-stdin" => Meaning::plain("terminal of stdin"),
            "wasi:cli/terminal-stdout#get-terminal-stdout" => Meaning::plain("terminal of stdout"),
            "wasi:cli/terminal-stderr#get-terminal-stderr" => Meaning::plain("terminal of stderr"),
            "wasi:filesystem/types#[method]descriptor.open-at" => Meaning::File(self.path()?),
            "wasi:filesystem/types#[method]descriptor.read-via-stream" => self.of("input-stream"),
            "wasi:filesystem/types#[method]descriptor.write-via-stream" => self.of("output-stream"),
            "wasi:filesystem/types#[method]descriptor.append-via-stream" => {
                self.of("appending output-stream")
            }
            "wasi:filesystem/types#[method]descriptor.read-directory" => self.of("entries"),
            "wasi:clocks/monotonic-clock#subscribe-duration" => {
                Meaning::plain(format!("timer of {} ns", self.detail.as_deref()?))
            }
            "wasi:clocks/monotonic-clock#subscribe-instant" => {
                Meaning::plain(format!("timer until {} ns", self.detail.as_deref()?))
            }
            "wasi:sockets/instance-network#instance-network" => Meaning::plain("the network"),
            "wasi:sockets/tcp-create-socket#create-tcp-socket" => Meaning::plain("TCP socket"),
            "wasi:sockets/udp-create-socket#create-udp-socket" => Meaning::plain("UDP socket"),
            "wasi:sockets/ip-name-lookup#resolve-addresses" => {
                Meaning::plain(format!("addresses of {:?}", self.detail.as_deref()?))
            }
            "wasi:sockets/tcp#[method]tcp-socket.accept" => Meaning::plain("accepted connection"),
            "wasi:http/outgoing-handler#handle" => Meaning::plain("response to come"),
            name => match name.rsplit_once(".").map(|(_, method)| method) {
                Some("subscribe") => self.of("readiness"),
                // Of other methods it can be said only if it is known whose they are.
                Some(method) if name.contains("#[method]") && self.whose.is_some() => {
                    self.of(method)
                }
                _ => return None,
            },
        })
    }

    fn of(&self, what: &str) -> Meaning {
        Meaning::Of {
            what: what.into(),
            whose: self.whose.clone().map(Box::new),
        }
    }

    /// The path that was opened, from the directory that it was opened in.
    fn path(&self) -> Option<String> {
        let path = self.detail.clone()?;
        Some(match &self.whose {
            Some(Meaning::Preopened(base) | Meaning::File(base)) => {
                let path = path.trim_start_matches("./");
                match (base.trim_end_matches('/'), path) {
                    (_, "." | "") => base.clone(),
                    ("" | ".", path) if !base.starts_with('/') => path.to_owned(),
                    (base, path) => format!("{base}/{path}"),
                }
            }
            _ => path,
        })
    }
}

/// `wasi:io/streams@0.2.6#f` as `wasi:io/streams#f`.
fn without_version(crossing: &str) -> String {
    match crossing.split_once('#') {
        Some((interface, function)) => {
            let interface = interface.split('@').next().unwrap_or(interface);
            format!("{interface}#{function}")
        }
        None => crossing.to_owned(),
    }
}

fn detail(value: &Lifted) -> String {
    match value {
        Lifted::String(text) => text.text.chars().take(LONGEST).collect(),
        value => wave::text(value, LONGEST),
    }
}

/// The descriptors of `list<tuple<descriptor, string>>` by their strings.
fn preopens(result: &Lifted, meanings: &mut Vec<Option<Meaning>>) {
    for (_, pair) in result.children() {
        let mut path = None;
        for (_, part) in pair.children() {
            if let Lifted::String(_) = part {
                path = Some(Meaning::Preopened(detail(part)));
            }
        }
        pair.for_each_handle(&mut |_| meanings.push(path.clone()));
    }
}
