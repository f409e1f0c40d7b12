//! `rr/system`, `rr/messages`, `rr/follow`, `rr/goMessage`: several recordings as one.

use super::asking::ask;
use super::{Handled, Reply, Session, Then};
use crate::dap::protocol::Refusal;
use crate::dap::protocol::custom::Way;
use crate::dap::protocol::custom_system::{
    FollowArguments, GoMessageArguments, MessagesArguments, MessagesResponse, SystemArguments,
    SystemResponse, ToldEnd, ToldMessage, ToldNode, ToldSite,
};
use crate::debuggee::{
    Debuggee, DebuggeeError, MessageEnd, MessageKind, MessageRow, MessageSite, MessagesPart,
    MessagesWanted, NodeView, Output, ThreadId,
};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Motion};

/// How many messages come where nobody says how many.
const SOME: usize = 200;
/// And how many at most.
const MOST: usize = 10_000;
/// The order is cut into so many parts at most.
const MOST_BUCKETS: usize = 5000;

impl From<NodeView> for ToldNode {
    fn from(node: NodeView) -> Self {
        ToldNode {
            thread_id: node.thread.id.0,
            name: node.thread.name,
            moment: node.thread.moment,
            event: node.event,
            events: node.events,
            part: node.part,
            open: node.is_open,
            activity: node.activity,
        }
    }
}

impl From<MessageSite> for ToldSite {
    fn from(site: MessageSite) -> Self {
        ToldSite {
            thread_id: site.thread.0,
            node: site.node,
            event: site.event,
            in_call: site.in_call,
            part: site.part,
            past: site.is_past,
        }
    }
}

impl From<MessageRow> for ToldMessage {
    fn from(row: MessageRow) -> Self {
        let told = ToldMessage {
            number: row.number,
            from: row.sent.map(ToldSite::from),
            to: row.received.map(ToldSite::from),
            said: row.said,
            text: row.line,
            ..ToldMessage::default()
        };
        match row.kind {
            MessageKind::Message {
                what,
                bytes,
                evidence,
                took,
            } => ToldMessage {
                kind: "message",
                what: Some(what),
                bytes: Some(bytes),
                evidence: Some(evidence),
                took_ns: took.map(|took| took.nanos),
                ..told
            },
            MessageKind::Outside => ToldMessage {
                kind: "outside",
                ..told
            },
            MessageKind::Ambiguous { candidates } => ToldMessage {
                kind: "ambiguous",
                candidates,
                ..told
            },
            MessageKind::Contradiction { cycle } => ToldMessage {
                kind: "contradiction",
                cycle,
                ..told
            },
        }
    }
}

pub(super) fn system(session: &mut Session, wanted: SystemArguments) -> Handled<SystemResponse> {
    let buckets = wanted.buckets.unwrap_or(0).min(MOST_BUCKETS);
    let debuggee = session.debuggee()?;
    let thread = debuggee.thread();
    let view = debuggee.system(buckets);
    Reply::now(SystemResponse {
        nodes: view.nodes.into_iter().map(ToldNode::from).collect(),
        thread_id: thread.0,
        messages: view.messages,
        steps: view.steps,
    })
}

pub(super) fn messages(_: &mut Session, wanted: MessagesArguments) -> Handled<MessagesResponse> {
    let count = wanted.count.unwrap_or(SOME).min(MOST);
    let part = match (wanted.between, wanted.around) {
        (Some([from, to]), _) => MessagesPart::Between {
            from,
            to,
            most: count,
        },
        (None, true) => MessagesPart::Around { each: count / 2 },
        (None, false) => MessagesPart::From {
            number: wanted.from,
            count,
        },
    };
    let wanted = MessagesWanted {
        filter: wanted.filter,
        part,
    };
    ask(
        move |debuggee, _, interrupt| debuggee.messages(&wanted, interrupt),
        |_, told| {
            Reply::now(MessagesResponse {
                total: told.total,
                before: told.before,
                now: told.now,
                messages: told.rows.into_iter().map(ToldMessage::from).collect(),
                notes: told.notes,
            })
        },
    )
}

pub(super) fn follow(session: &mut Session, wanted: FollowArguments) -> Handled<()> {
    let direction = match wanted.direction {
        Way::Forward => Direction::Forward,
        Way::Backward => Direction::Backward,
    };
    let thread = session.thread_in(wanted.thread_id)?;
    unasked(move |debuggee, output, interrupt| {
        of_thread(debuggee, thread, false, output, interrupt, |debuggee| {
            debuggee.follow(direction, output, interrupt)
        })
    })
}

pub(super) fn go_message(_: &mut Session, wanted: GoMessageArguments) -> Handled<()> {
    let end = match wanted.end {
        ToldEnd::Sent => MessageEnd::Sent,
        ToldEnd::Received => MessageEnd::Received,
    };
    let number = wanted.number;
    unasked(move |debuggee, output, interrupt| debuggee.to_message(number, end, output, interrupt))
}

/// A step to where a message is received.
pub(super) fn to_receiver(number: u64) -> Handled<()> {
    let end = MessageEnd::Received;
    travel(
        move |debuggee, output, interrupt| debuggee.to_message(number, end, output, interrupt),
        |motion| Then::Travel(vec![motion]),
    )
}

/// Moves, where the request does not tell the client so; it may take long to find out where to.
pub(super) fn unasked(
    find: impl FnOnce(&mut dyn Debuggee, &dyn Output, &Interrupt) -> Result<Motion, DebuggeeError>
    + Send
    + 'static,
) -> Handled<()> {
    travel(find, |motion| Then::TravelUnasked(vec![motion]))
}

fn travel(
    find: impl FnOnce(&mut dyn Debuggee, &dyn Output, &Interrupt) -> Result<Motion, DebuggeeError>
    + Send
    + 'static,
    then: fn(Motion) -> Then,
) -> Handled<()> {
    ask(find, move |session, motion| {
        // The motion is of the thread that it has been found for.
        session.chosen = None;
        Reply::then(then(motion))
    })
}

/// Has another thread be moved from now on, unless it cannot be found out where to; `is_alone`:
/// parts of the way are of its recording, and not of the order of all.
pub(super) fn of_thread(
    debuggee: &mut dyn Debuggee,
    thread: Option<ThreadId>,
    is_alone: bool,
    output: &dyn Output,
    interrupt: &Interrupt,
    find: impl FnOnce(&mut dyn Debuggee) -> Result<Motion, DebuggeeError>,
) -> Result<Motion, DebuggeeError> {
    let before = debuggee.thread();
    debuggee.select(thread.unwrap_or(before), is_alone, output, interrupt)?;
    let found = find(debuggee);
    if found.is_err() {
        debuggee.select(before, false, output, interrupt)?;
    }
    found
}

impl Session {
    /// The thread that a request of ours names; where there is one only, clients may say what
    /// they like.
    pub(super) fn thread_in(&mut self, named: Option<i64>) -> Result<Option<ThreadId>, Refusal> {
        let debuggee = self.debuggee()?;
        let has_several = !debuggee.threads().is_empty() || !debuggee.stacks()?.is_empty();
        Ok(named.filter(|_| has_several).map(ThreadId))
    }
}
