//! `rr/resources` and `rr/output`: what there is because of all that came before.

use super::super::asking::ask;
use super::super::{Handled, Reply, Session};
use crate::dap::protocol::Request;
use crate::debuggee::{HandleShown, InstanceHandles, Printed, Stream};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Which moment is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum At {
    #[default]
    Here,
    End,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResourcesWanted {
    handle: Option<u32>,
    at: At,
}

#[derive(Debug, Serialize)]
struct Resources {
    instances: Vec<Instance>,
}

#[derive(Debug, Serialize)]
struct Instance {
    instance: u32,
    handles: Vec<Handle>,
    leaks: Vec<Handle>,
}

#[derive(Debug, Serialize)]
struct Handle {
    index: u32,
    kind: &'static str,
    #[serde(rename = "type")]
    type_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rep: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    life: Vec<LifeEvent>,
}

#[derive(Debug, Serialize)]
struct LifeEvent {
    event: u64,
    what: String,
}

impl From<HandleShown> for Handle {
    fn from(shown: HandleShown) -> Self {
        let made = shown
            .life
            .iter()
            .find(|(_, what)| what.starts_with("made by"));
        Handle {
            created: made.map(|(event, _)| *event),
            index: shown.index,
            kind: shown.kind,
            type_name: shown.type_name,
            state: shown.state,
            meaning: shown.meaning,
            rep: shown.rep,
            life: shown
                .life
                .into_iter()
                .map(|(event, what)| LifeEvent { event, what })
                .collect(),
        }
    }
}

pub(in crate::dap::session) fn resources(_: &mut Session, request: &Request) -> Handled {
    let wanted: ResourcesWanted = request.arguments()?;
    ask(
        move |debuggee, _, _| debuggee.resources(wanted.at == At::End),
        move |_, request, instances| {
            let is_wanted =
                |shown: &HandleShown| wanted.handle.is_none_or(|index| shown.index == index);
            let only = |handles: Vec<HandleShown>| {
                let handles = handles.into_iter().filter(is_wanted);
                handles.map(Handle::from).collect()
            };
            let shown = |of: InstanceHandles| Instance {
                instance: of.instance,
                handles: only(of.handles),
                leaks: only(of.leaks),
            };
            let instances = instances.into_iter().map(shown).collect();
            Reply::body(request, &Resources { instances })
        },
    )
}

#[derive(Debug, Serialize)]
struct Pieces {
    pieces: Vec<Piece>,
}

#[derive(Debug, Serialize)]
struct Piece {
    event: u64,
    stream: &'static str,
    text: String,
}

pub(in crate::dap::session) fn output(_: &mut Session, _: &Request) -> Handled {
    ask(
        |debuggee, _, _| {
            let here = debuggee.here().event;
            debuggee.printed(0..here, Duration::ZERO)
        },
        |_, request, printed| {
            let pieces = printed.into_iter();
            let piece = |printed: Printed| Piece {
                event: printed.event,
                stream: match printed.stream {
                    Stream::Stdout => "stdout",
                    Stream::Stderr => "stderr",
                },
                text: String::from_utf8_lossy(&printed.bytes).into_owned(),
            };
            let pieces = pieces.map(piece).collect();
            Reply::body(request, &Pieces { pieces })
        },
    )
}
