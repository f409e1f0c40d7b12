//! `rr/resources` and `rr/output`: what there is because of all that came before.

use super::super::asking::ask;
use super::super::{Handled, Reply, Session};
use crate::dap::protocol::command::Unread;
use crate::dap::protocol::custom::{
    LifeEvent, OutputPiece, OutputResponse, ResourcesArguments, ResourcesAt, ResourcesResponse,
    TasksArguments, TasksResponse, ToldHandle, ToldInstance,
};
use crate::debuggee::{HandleShown, InstanceHandles, Printed, Stream, TasksShown};
use std::time::Duration;

impl From<HandleShown> for ToldHandle {
    fn from(shown: HandleShown) -> Self {
        let made = shown
            .life
            .iter()
            .find(|(_, what)| what.starts_with("made by"));
        ToldHandle {
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

pub(in crate::dap::session) fn resources(
    _: &mut Session,
    wanted: ResourcesArguments,
) -> Handled<ResourcesResponse> {
    ask(
        move |debuggee, _, _| debuggee.resources(wanted.at == ResourcesAt::End),
        move |_, instances: Vec<InstanceHandles>| {
            let is_wanted =
                |shown: &HandleShown| wanted.handle.is_none_or(|index| shown.index == index);
            let only = |handles: Vec<HandleShown>| {
                let handles = handles.into_iter().filter(is_wanted);
                handles.map(ToldHandle::from).collect()
            };
            let shown = |of: InstanceHandles| ToldInstance {
                instance: of.instance,
                handles: only(of.handles),
                leaks: only(of.leaks),
            };
            let instances = instances.into_iter().map(shown).collect();
            Reply::now(ResourcesResponse { instances })
        },
    )
}

pub(in crate::dap::session) fn tasks(
    _: &mut Session,
    wanted: TasksArguments,
) -> Handled<TasksResponse> {
    ask(
        move |debuggee, _, _| debuggee.tasks(wanted.at == ResourcesAt::End),
        |_, shown: TasksShown| {
            Reply::now(TasksResponse {
                told: shown.told,
                ended: shown.ended,
                waits: shown.waits,
            })
        },
    )
}

pub(in crate::dap::session) fn output(_: &mut Session, _: Unread) -> Handled<OutputResponse> {
    ask(
        |debuggee, _, _| {
            let here = debuggee.here().event;
            debuggee.printed(0..here, Duration::ZERO)
        },
        |_, printed| {
            let pieces = printed.into_iter();
            let piece = |printed: Printed| OutputPiece {
                event: printed.event,
                stream: match printed.stream {
                    Stream::Stdout => "stdout",
                    Stream::Stderr => "stderr",
                },
                text: String::from_utf8_lossy(&printed.bytes).into_owned(),
            };
            let pieces = pieces.map(piece).collect();
            Reply::now(OutputResponse { pieces })
        },
    )
}
