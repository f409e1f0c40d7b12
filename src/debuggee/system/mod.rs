//! Several recordings debugged as one: each node is a debuggee of its own, opened when it is first
//! looked at, and a thread to who debugs.
//!
//! One node is the *present* one: what is asked without saying of which node is asked of it. The
//! others stand where they were left, or farther back or on, if else a message would have been
//! received that was not sent.

mod code;
mod elsewhere;
mod frames;
mod heard;
mod looks;
mod message_rows;
mod messages;
pub mod opening;
mod other_end;
mod past;
mod running;
mod stops;
mod story;
mod tags;
mod travels;
mod views;
mod whole;

pub use heard::Heard;
pub use story::{Found, GoOn, Story};
pub use tags::without_node;

use super::{Debuggee, DebuggeeError, LaunchError, NOT_LOOKED_AT, Output, ThreadId, ThreadView};
use crate::system::conversation::Place;
use crate::system::message::NodeId;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::Stop;
use elsewhere::SpokenOf;
use frames::FrameNumbers;
use std::sync::Arc;
use stops::Wanted;
use views::StoryWanted;

/// Opens a node's recording.
pub type Opener = Arc<
    dyn Fn(&dyn Output, &Interrupt) -> std::result::Result<Box<dyn Debuggee>, LaunchError>
        + Send
        + Sync,
>;

/// A recording of a system.
pub struct Node {
    /// What people call it: a part of it that no other has.
    pub name: String,
    /// Opens it.
    pub opener: Opener,
}

/// What a node is by now.
struct Member {
    name: String,
    opener: Opener,
    /// Where it stands, or is to stand when it is opened.
    place: Place,
    /// Why it stands there, if it has come there by a motion of its own.
    stop: Option<Stop>,
    open: Option<Box<dyn Debuggee>>,
}

/// A system.
pub struct System {
    members: Vec<Member>,
    present: NodeId,
    story: Story,
    wanted: Wanted,
    spoken_of: SpokenOf,
    /// The next motion is of the present node alone.
    is_alone: bool,
    /// It answers questions, of which each is about the present node.
    is_twin: bool,
    /// Where the present node stands, with breakpoints as the client numbers them.
    stop: Stop,
    frames: FrameNumbers,
    /// Which node was moved last by itself: where it stands is now.
    last: NodeId,
    /// Where that node stood before, while it is not known who has to come along.
    unsettled: Option<Place>,
    /// Who had to come along with the last motion.
    moved_with: Vec<NodeId>,
    story_wanted: StoryWanted,
}

/// Most recordings of a system: more are a mistake, such as the directory of a whole fleet.
const MOST_NODES: usize = 1000;

/// Threads of the nodes come first, then those of their stacks: of each node, one of so many.
const NODES_APART: i64 = MOST_NODES as i64;

type Result<T> = std::result::Result<T, DebuggeeError>;

impl System {
    /// Opens the first of some nodes.
    ///
    /// # Errors
    ///
    /// If there are none, or too many, or the first one cannot be opened.
    pub fn open(
        nodes: Vec<Node>,
        story: Story,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> std::result::Result<System, LaunchError> {
        if nodes.is_empty() || nodes.len() > MOST_NODES {
            return Err(LaunchError::Failed(format!(
                "a system has from 1 to {} recordings, and these are {}",
                MOST_NODES,
                nodes.len()
            )));
        }
        let members = nodes.into_iter().map(|node| Member {
            name: node.name,
            opener: node.opener,
            place: Place::default(),
            stop: None,
            open: None,
        });
        let mut members: Vec<Member> = members.collect();
        let Some(first) = members.first_mut() else {
            return Err(LaunchError::Interrupted);
        };
        let opened = (first.opener)(output, interrupt)?;
        let stop = opened.here().clone();
        first.open = Some(opened);
        Ok(System {
            members,
            present: NodeId(0),
            story,
            wanted: Wanted::default(),
            spoken_of: SpokenOf::default(),
            is_alone: false,
            is_twin: false,
            stop,
            frames: FrameNumbers::default(),
            last: NodeId(0),
            unsettled: None,
            moved_with: Vec::new(),
            story_wanted: StoryWanted::No,
        })
    }

    /// All nodes.
    fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.members.len() as u32).map(NodeId)
    }

    fn member(&self, node: NodeId) -> Result<&Member> {
        let member = self.members.get(node.0 as usize);
        member.ok_or_else(|| DebuggeeError::other(format!("there is no node {}", node.0)))
    }

    /// An open node.
    fn node(&mut self, node: NodeId) -> Result<&mut dyn Debuggee> {
        let member = self.members.get_mut(node.0 as usize);
        let member =
            member.ok_or_else(|| DebuggeeError::other(format!("there is no node {}", node.0)))?;
        let name = &member.name;
        match &mut member.open {
            Some(open) => Ok(open.as_mut()),
            None => Err(DebuggeeError::other(format!(
                "{name} has not been looked at yet: choose its thread first"
            ))),
        }
    }

    /// The present node, which is open.
    fn here_mut(&mut self) -> Result<&mut dyn Debuggee> {
        self.node(self.present)
    }

    /// Opens a node that is not, has it know the breakpoints, and takes it where it is to stand.
    fn ensure(&mut self, node: NodeId, output: &dyn Output, interrupt: &Interrupt) -> Result<()> {
        let member = self.member(node)?;
        if member.open.is_some() {
            return Ok(());
        }
        let (opener, place) = (member.opener.clone(), member.place);
        let mut opened = opener(output, interrupt).map_err(|error| match error {
            LaunchError::Interrupted => DebuggeeError::Interrupted,
            LaunchError::Failed(message) => DebuggeeError::other(message),
        })?;
        self.wanted.tell(node, opened.as_mut());
        let motion = travels::motion_to(place);
        opened.travel(&motion, output, interrupt)?;
        if let Some(member) = self.members.get_mut(node.0 as usize) {
            member.open = Some(opened);
        }
        Ok(())
    }

    /// A node's thread: numbered from one.
    fn thread_of(node: NodeId) -> ThreadId {
        ThreadId(i64::from(node.0) + 1)
    }

    /// The thread of a stack of a node, by what that calls it.
    fn thread_in(node: NodeId, own: ThreadId) -> ThreadId {
        let above = own.0.saturating_mul(NODES_APART);
        ThreadId(above.saturating_add(System::thread_of(node).0))
    }

    /// What the node calls a thread: its only one where it has no other.
    fn own_of(thread: ThreadId) -> ThreadId {
        match thread.0.saturating_sub(1) / NODES_APART {
            0 => ThreadId::ONLY,
            own => ThreadId(own),
        }
    }

    fn node_of(&self, thread: ThreadId) -> Result<NodeId> {
        let node = thread.0.checked_sub(1).map(|node| node % NODES_APART);
        let node = node.and_then(|node| u32::try_from(node).ok());
        let node = node.map(NodeId).filter(|node| self.member(*node).is_ok());
        node.ok_or_else(|| DebuggeeError::other(format!("there is no thread {}", thread.0)))
    }

    /// The nodes, each with its stacks that wait; nothing if none has any.
    fn stack_views(&mut self) -> Result<Vec<ThreadView>> {
        let nodes = self.views();
        let mut all = Vec::new();
        let mut has_any = false;
        for (id, (member, view)) in self.members.iter_mut().zip(nodes).enumerate() {
            let (node, name) = (NodeId(id as u32), view.name.clone());
            all.push(view);
            let Some(open) = &mut member.open else {
                continue;
            };
            let present = open.thread();
            let others = open.stacks()?.into_iter();
            for other in others.filter(|other| other.id != present) {
                has_any = true;
                all.push(ThreadView {
                    id: System::thread_in(node, other.id),
                    name: format!("{name}: {}", other.name),
                    moment: other.moment,
                    task: other.task,
                });
            }
        }
        Ok(if has_any { all } else { Vec::new() })
    }

    /// The nodes, for who shows them.
    fn views(&self) -> Vec<ThreadView> {
        self.ids()
            .zip(&self.members)
            .map(|(id, member)| ThreadView {
                id: System::thread_of(id),
                name: member.name.clone(),
                task: None,
                moment: member.open.as_ref().map_or_else(
                    || match member.place {
                        Place { events: 0, .. } => NOT_LOOKED_AT.to_owned(),
                        place => format!("event {}, {NOT_LOOKED_AT}", place.events),
                    },
                    |open| {
                        let here = open.here();
                        open.history().moment(here.event, here.position)
                    },
                ),
            })
            .collect()
    }
}
