//! What came into the guest that may be a secret: of what kind, in which hostcall, and where in
//! the guest's memory. Values are not kept.

use crate::component::types::StringEncoding;
use crate::inspect::hostcall::hostcalls::{Hostcall, HostcallAnswer, each_hostcall_within};
use crate::inspect::hostcall::lift::{HandleKind, Lifted, Limits};
use crate::replay::{Compiled, ReplayError};
use crate::trace::{Instance, Trace};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What sort of thing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// A variable of the environment.
    Variable,
    /// A header of a request or an answer.
    Header,
    /// The body of a request that the guest was given.
    RequestBody,
    /// The body of an answer to a request that the guest made.
    ResponseBody,
    /// What is in a file.
    File,
    /// Standard input.
    Stdin,
    /// What a stream of WASI 0.3 carried: any of those above.
    Stream,
}

impl SecretKind {
    /// For people, in the singular.
    pub fn name(self) -> &'static str {
        match self {
            SecretKind::Variable => "environment",
            SecretKind::Header => "header",
            SecretKind::RequestBody => "request body",
            SecretKind::ResponseBody => "response body",
            SecretKind::File => "file",
            SecretKind::Stdin => "standard input",
            SecretKind::Stream => "stream",
        }
    }
}

/// One value, or piece of what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Of what sort it is.
    pub kind: SecretKind,
    /// That of the variable or the header; empty for what has none, and for parts of variables,
    /// names and values, that lie over one another.
    pub name: String,
    /// The hostcall that answered it.
    pub event: u64,
    /// Where its bytes are when the call returns, in the memory of its crossing; `None` where
    /// they are not there as they are (strings that are not UTF-8, streams that are read later).
    pub place: Option<Place>,
}

/// Bytes in a memory of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Of the first one.
    pub address: u64,
    /// How many.
    pub length: u64,
}

/// Lists are looked through as far as this.
const LIMITS: Limits = Limits {
    elements: 100_000,
    bytes: 4096,
    values: 1_000_000,
    depth: 16,
};

/// Replays a recording, and finds what may be a secret in it.
///
/// # Errors
///
/// If replay fails.
pub fn secrets(trace: &Arc<Trace>, compiled: &Compiled) -> Result<Vec<Secret>, ReplayError> {
    let search = Arc::new(Mutex::new(Search::default()));
    let found = search.clone();
    let component = trace.component().clone();
    let ended = each_hostcall_within(trace.clone(), compiled, LIMITS, move |call| {
        if let Some(crossing) = component.crossing(call.call.crossing) {
            let is_utf8 = crossing.encoding == StringEncoding::Utf8;
            search.lock().look(&crossing.name, &call, is_utf8);
        }
        ControlFlow::<Infallible>::Continue(())
    });
    ended?;
    let mut found = found.lock();
    Ok(std::mem::take(&mut found.secrets))
}

#[derive(Default)]
struct Search {
    secrets: Vec<Secret>,
    /// What handles stand for whose contents are secrets.
    sources: HashMap<(Instance, u32), SecretKind>,
}

impl Search {
    fn look(&mut self, name: &str, call: &Hostcall, is_utf8: bool) {
        let HostcallAnswer::Returned { value, .. } = &call.answer else {
            return;
        };
        let (interface, function) = name.split_once('#').unwrap_or(("", name));
        let interface = interface.split('@').next().unwrap_or_default();
        let add = |secrets: &mut Vec<Secret>, kind, name: &str, place| {
            secrets.push(Secret {
                kind,
                name: name.to_owned(),
                event: call.call.event,
                place,
            });
        };
        if interface.is_empty() && function.starts_with("stream.read") {
            add(&mut self.secrets, SecretKind::Stream, "", None);
        }
        let Some(value) = value else {
            return;
        };
        let source = self.source(call);
        let becomes = match (interface, function) {
            ("wasi:cli/environment", "get-environment") if lie_over_one_another(value) => {
                for place in strings(value) {
                    let place = is_utf8.then_some(place);
                    add(&mut self.secrets, SecretKind::Variable, "", place);
                }
                None
            }
            ("wasi:cli/environment", "get-environment") => {
                for pair in elements(value) {
                    if let Lifted::Tuple(pair) = pair
                        && let [Lifted::String(name), value] = &pair[..]
                    {
                        let place = place(value).filter(|_| is_utf8);
                        add(&mut self.secrets, SecretKind::Variable, &name.text, place);
                    }
                }
                None
            }
            ("wasi:http/types", "[method]fields.get") => {
                let name = call.arguments.iter().find_map(|(_, value)| match value {
                    Lifted::String(text) => Some(text.text.to_ascii_lowercase()),
                    _ => None,
                });
                for value in elements(value) {
                    let name = name.as_deref().unwrap_or_default();
                    add(&mut self.secrets, SecretKind::Header, name, place(value));
                }
                None
            }
            ("wasi:http/types", "[method]fields.entries" | "[method]fields.copy-all") => {
                for pair in elements(value) {
                    if let Lifted::Tuple(pair) = pair
                        && let [Lifted::String(name), value] = &pair[..]
                    {
                        let name = name.text.to_ascii_lowercase();
                        add(&mut self.secrets, SecretKind::Header, &name, place(value));
                    }
                }
                None
            }
            (
                "wasi:io/streams",
                "[method]input-stream.read" | "[method]input-stream.blocking-read",
            ) => {
                if let (Some(kind), Some(place)) = (source, bytes_of(value).and_then(place)) {
                    add(&mut self.secrets, kind, "", Some(place));
                }
                None
            }
            ("wasi:filesystem/types", "[method]descriptor.read") => {
                if let Some(place) = bytes_of(value).and_then(place) {
                    add(&mut self.secrets, SecretKind::File, "", Some(place));
                }
                None
            }
            ("wasi:cli/stdin", "get-stdin") => Some(SecretKind::Stdin),
            ("wasi:filesystem/types", "[method]descriptor.read-via-stream") => {
                Some(SecretKind::File)
            }
            ("wasi:http/types", "[method]incoming-request.consume") => {
                Some(SecretKind::RequestBody)
            }
            ("wasi:http/types", "[method]incoming-response.consume") => {
                Some(SecretKind::ResponseBody)
            }
            ("wasi:http/types", "[method]incoming-body.stream") => source,
            _ => None,
        };
        // An index is used again when what it stood for is gone.
        for index in owned(value) {
            let key = (call.call.instance, index);
            match becomes {
                Some(kind) => self.sources.insert(key, kind),
                None => self.sources.remove(&key),
            };
        }
    }

    /// What is read through the resource that a method is called on.
    fn source(&self, call: &Hostcall) -> Option<SecretKind> {
        match call.arguments.first() {
            Some((_, Lifted::Handle(handle))) => {
                let key = (call.call.instance, handle.index);
                self.sources.get(&key).copied()
            }
            _ => None,
        }
    }
}

/// Where the strings of a value are.
fn strings(value: &Lifted) -> Vec<Place> {
    match value {
        Lifted::String(_) => place(value).into_iter().collect(),
        value => {
            let children = value.children().into_iter();
            children.flat_map(|(_, child)| strings(child)).collect()
        }
    }
}

/// Whether a guest has strings put over one another, as it only counts them: then what is there
/// is parts of several, names and values alike.
fn lie_over_one_another(value: &Lifted) -> bool {
    let mut places = strings(value);
    places.retain(|place| place.length > 0);
    places.sort_by_key(|place| place.address);
    places
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if b.address < a.address.saturating_add(a.length)))
}

fn elements(value: &Lifted) -> &[Lifted] {
    match value {
        Lifted::List(list) => &list.head,
        _ => &[],
    }
}

/// The bytes that a call answered, if it did not fail.
fn bytes_of(value: &Lifted) -> Option<&Lifted> {
    match value {
        Lifted::Bytes(_) => Some(value),
        Lifted::Result(Ok(Some(value))) => bytes_of(value),
        Lifted::Tuple(values) => values.first().and_then(bytes_of),
        _ => None,
    }
}

fn place(value: &Lifted) -> Option<Place> {
    let (address, length) = match value {
        Lifted::Bytes(bytes) => (bytes.pointer, bytes.length),
        Lifted::String(text) => (text.pointer, text.text.len() as u64 + text.more),
        _ => return None,
    };
    Some(Place { address, length })
}

/// The handles that a value gives to the guest.
fn owned(value: &Lifted) -> Vec<u32> {
    match value {
        Lifted::Handle(handle) if matches!(handle.kind, HandleKind::Own(_)) => vec![handle.index],
        value => {
            let children = value.children().into_iter();
            children.flat_map(|(_, child)| owned(child)).collect()
        }
    }
}
