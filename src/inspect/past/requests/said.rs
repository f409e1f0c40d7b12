//! What a service says of its answers: headers and bodies are in its own memory, so only a replay
//! comes by them. They are noted by call, and read together with the events.

use super::reading::MOST_OF_BODY;
use super::roles::Role;
use super::values::{headers, word};
use crate::component::Component;
use crate::inspect::hostcall::builtin_call::number;
use crate::inspect::hostcall::hostcalls::{arguments, with_lifter};
use crate::inspect::hostcall::lift::{Lifted, Limits};
use crate::replay::{Calling, State};
use crate::trace::Instance;
use std::collections::HashMap;
use wasmtime::StoreContextMut;

/// Bytes that are kept of all that is said.
const MOST_SAID: usize = 64 << 20;
/// Streams whose bytes are counted at the same time.
const MOST_STREAMS: usize = 1 << 16;
/// What one piece costs besides its bytes.
const PIECE: usize = 64;

/// What one call out says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Saying {
    /// The first of the bytes that it wants to write.
    Bytes(Vec<u8>),
    /// Names and values of headers.
    Headers(Vec<(String, String)>),
}

/// What calls out have said, as far as a replay has come.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// By the number of the call, ascending.
    sayings: Vec<(u64, Saying)>,
    taken: usize,
}

impl Said {
    /// What was said before so many calls out had been made.
    pub(in crate::inspect) fn until(&self, events: u64) -> Said {
        let count = self.sayings.partition_point(|(event, _)| *event < events);
        Said {
            sayings: self.sayings.get(..count).unwrap_or_default().to_vec(),
            taken: self.taken,
        }
    }

    pub(super) fn by(&self, event: u64) -> Option<&Saying> {
        let place = self.sayings.binary_search_by_key(&event, |(of, _)| *of);
        self.sayings.get(place.ok()?).map(|(_, saying)| saying)
    }

    fn push(&mut self, event: u64, saying: Saying) {
        let bytes = match &saying {
            Saying::Bytes(bytes) => bytes.len(),
            Saying::Headers(headers) => headers
                .iter()
                .map(|(name, value)| name.len() + value.len() + PIECE)
                .sum(),
        };
        let taken = self.taken.saturating_add(bytes + PIECE);
        if taken <= MOST_SAID {
            self.taken = taken;
            self.sayings.push((event, saying));
        }
    }
}

/// Listens to calls out while a recording is replayed.
#[derive(Debug, Default)]
pub(in crate::inspect) struct Listening {
    /// What each crossing is to requests; empty for what is no service.
    roles: Vec<Role>,
    pub(in crate::inspect) said: Said,
    /// Bytes of streams that are kept: what is beyond the beginning of a body is not shown.
    kept: HashMap<(Instance, u32), usize>,
}

impl Listening {
    pub(in crate::inspect) fn to(component: &Component) -> Listening {
        let crossings = component.crossings();
        let roles = match super::Requests::may_be_in(component) {
            true => crossings.iter().map(Role::of).collect(),
            false => Vec::new(),
        };
        Listening {
            roles,
            ..Listening::default()
        }
    }

    pub(in crate::inspect) fn calling(
        &mut self,
        store: &StoreContextMut<'_, State>,
        call: &Calling,
    ) {
        let Some(role) = self.roles.get(call.crossing.0 as usize) else {
            return;
        };
        let handle = word(&call.args, 0).unwrap_or(0);
        let stream = (call.instance, handle);
        match role {
            Role::Write | Role::StreamWrite => {
                let kept = self.kept.get(&stream).copied().unwrap_or(0);
                let room = MOST_OF_BODY.saturating_sub(kept);
                let bytes = bytes(store, call, room);
                let has_place = kept > 0 || self.kept.len() < MOST_STREAMS;
                if !bytes.is_empty() && has_place {
                    self.kept.insert(stream, kept + bytes.len());
                    self.said.push(call.event, Saying::Bytes(bytes));
                }
            }
            Role::Drop | Role::DropWritable => {
                self.kept.remove(&stream);
            }
            Role::FieldsFrom | Role::FieldsSet | Role::FieldsAppend | Role::FieldsDelete => {
                let limits = Limits {
                    bytes: MOST_OF_BODY as u64,
                    ..Limits::default()
                };
                let (instance, crossing) = (call.instance, call.crossing);
                let given = with_lifter(store, instance, crossing, limits, |lifter, crossing| {
                    arguments(lifter, crossing, &call.args)
                });
                let given = given.unwrap_or_default();
                let said = given_headers(given.iter().map(|(_, value)| value));
                self.said.push(call.event, Saying::Headers(said));
            }
            _ => {}
        }
    }
}

/// The first of the bytes that a call writes: its second argument is where they are.
fn bytes(store: &StoreContextMut<'_, State>, call: &Calling, room: usize) -> Vec<u8> {
    let (Some(address), Some(length)) = (number(call.args.get(1)), number(call.args.get(2))) else {
        return Vec::new();
    };
    let length = length.min(room as u64);
    let limits = Limits::default();
    let (instance, crossing) = (call.instance, call.crossing);
    let read = with_lifter(store, instance, crossing, limits, |lifter, _| {
        (lifter.memory)(address, length)
    });
    read.flatten().unwrap_or_default()
}

/// Names and values out of the arguments of a method of `fields`: a list of pairs, or a name and
/// its values.
fn given_headers<'a>(arguments: impl Iterator<Item = &'a Lifted>) -> Vec<(String, String)> {
    let mut name = None;
    let mut found = Vec::new();
    for argument in arguments {
        match argument {
            Lifted::String(text) => name = Some(text.text.clone()),
            Lifted::Bytes(bytes) => {
                let value = String::from_utf8_lossy(&bytes.head).into_owned();
                found.extend(name.clone().map(|name| (name, value)));
            }
            Lifted::List(list) => match &name {
                None => return headers(argument),
                Some(name) => found.extend(list.head.iter().filter_map(|value| match value {
                    Lifted::Bytes(bytes) => {
                        let value = String::from_utf8_lossy(&bytes.head).into_owned();
                        Some((name.clone(), value))
                    }
                    _ => None,
                })),
            },
            _ => {}
        }
    }
    // Whatever becomes of a name without values, it has none any more.
    if found.is_empty() {
        found.extend(name.map(|name| (name, String::new())));
    }
    found
}
