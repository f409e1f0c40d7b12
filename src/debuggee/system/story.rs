//! What the nodes of a system said to each other: found out in the background, once, for all who
//! ask.

use super::heard::Heard;
use super::messages::MessageList;
use crate::debuggee::DebuggeeError;
use crate::replay::Tick;
use crate::system::clock::WallClock;
use crate::system::conversation::{Conversations, End, Place, Way};
use crate::system::matching::{MOST_CANDIDATES, Matches, NodeConversations, match_ends};
use crate::system::message::{EndId, Message, NodeId, OtherEnd, Site};
use crate::system::order::{Cut, NodeExtent, NodePlace, Order};
use crate::system::words;
use crate::timeline::Interrupt;
use crate::timeline::travel::elsewhere::Since;
use crate::timeline::travel::motion::{Direction, Fraction, Motion};
use parking_lot::{Condvar, Mutex};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, DebuggeeError>;

/// So many conversations are named that may be one.
const TOLD_CANDIDATES: usize = 8;
/// Who waits looks so often whether anybody still wants to know.
const PATIENCE: Duration = Duration::from_millis(50);
/// So long a motion waits for it: few recordings said so much that it takes longer.
const SOON: Duration = Duration::from_millis(500);

/// What becomes known of a system.
///
/// Clones are the same.
#[derive(Clone, Default)]
pub struct Story(Arc<Slot>);

#[derive(Default)]
struct Slot {
    told: Mutex<Option<std::result::Result<Arc<Found>, String>>>,
    is_there: Condvar,
}

/// Whether anybody wants to know what becomes known.
#[derive(Clone)]
pub struct GoOn(Weak<Slot>);

impl GoOn {
    /// Whether somebody does.
    pub fn is_wanted(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl Story {
    /// Finds it out on a thread of its own: `listen` gives the conversations of each node, and is
    /// given what tells whether anybody wants to know any more.
    pub fn begin(
        names: Vec<String>,
        listen: impl FnOnce(&GoOn) -> std::result::Result<Vec<Heard>, String> + Send + 'static,
    ) -> Story {
        let story = Story::default();
        let go_on = GoOn(Arc::downgrade(&story.0));
        let work = move || {
            let told = listen(&go_on).map(|nodes| {
                let found = Found::of(names, nodes);
                // Somebody will ask, and is not to wait for it then.
                found.list();
                Arc::new(found)
            });
            if let Some(slot) = go_on.0.upgrade() {
                *slot.told.lock() = Some(told);
                slot.is_there.notify_all();
            }
        };
        let thread = std::thread::Builder::new().name("system-story".into());
        if let Err(error) = thread.spawn(work) {
            *story.0.told.lock() = Some(Err(format!("no thread for it: {error}")));
        }
        story
    }

    /// What is known by now.
    pub(super) fn known(&self) -> Option<Arc<Found>> {
        let told = self.0.told.lock();
        told.as_ref()?.as_ref().ok().cloned()
    }

    /// Ends when it is known, or nobody wants to know any more.
    pub(super) fn coming(&self) -> impl FnOnce() + Send + use<> {
        let slot = Arc::downgrade(&self.0);
        // Who waits for it is not to have it go on.
        let is_awaited = move || {
            slot.upgrade()
                .is_some_and(|slot| slot.told.lock().is_none())
        };
        move || {
            while is_awaited() {
                std::thread::sleep(PATIENCE);
            }
        }
    }

    /// What is known, or becomes known in a moment.
    pub(super) fn soon(&self, interrupt: &Interrupt) -> Option<Arc<Found>> {
        let until = Instant::now() + SOON;
        loop {
            if let Some(found) = self.known() {
                return Some(found);
            }
            let mut told = self.0.told.lock();
            if told.is_some() || Instant::now() >= until || interrupt.is_raised() {
                return told.as_ref()?.as_ref().ok().cloned();
            }
            self.0.is_there.wait_for(&mut told, PATIENCE);
        }
    }

    /// The same; `None` as long as it is not known.
    pub(super) fn told(&self) -> Result<Option<Arc<Found>>> {
        match &*self.0.told.lock() {
            None => Ok(None),
            Some(Ok(found)) => Ok(Some(found.clone())),
            Some(Err(why)) => Err(not_known(why)),
        }
    }

    /// Waits until it is known.
    pub(super) fn wait(&self, interrupt: &Interrupt) -> Result<Arc<Found>> {
        let mut told = self.0.told.lock();
        loop {
            match &*told {
                Some(Ok(found)) => return Ok(found.clone()),
                Some(Err(why)) => return Err(not_known(why)),
                None if interrupt.is_raised() => return Err(DebuggeeError::Interrupted),
                None => _ = self.0.is_there.wait_for(&mut told, PATIENCE),
            }
        }
    }
}

fn not_known(why: &str) -> DebuggeeError {
    DebuggeeError::other(format!(
        "what the recordings said to each other is not known: {why}"
    ))
}

/// Where a message leads.
pub(super) enum Goal {
    Motion(Motion),
    /// To where the program is given a request, by its number.
    Request(u64),
}

fn spoken<'a>(names: &'a [String], nodes: &'a [Heard]) -> Vec<NodeConversations<'a>> {
    let named = names.iter().zip(nodes);
    let spoken = named.map(|(name, node)| NodeConversations {
        name,
        conversations: &node.conversations,
        clock: (!node.times.is_empty()).then_some(&node.times as &dyn WallClock),
    });
    spoken.collect()
}

/// What the nodes said to each other.
pub struct Found {
    names: Vec<String>,
    nodes: Vec<Heard>,
    matches: Matches,
    order: Order,
    /// Made when somebody asks for it, or before.
    list: OnceLock<MessageList>,
}

impl Found {
    /// Matches what was heard.
    pub fn of(names: Vec<String>, nodes: Vec<Heard>) -> Found {
        let (matches, order) = {
            let spoken = spoken(&names, &nodes);
            let matches = match_ends(&spoken);
            let extents: Vec<NodeExtent<'_>> =
                spoken.iter().map(NodeConversations::extent).collect();
            let order = Order::of(&extents, matches.messages());
            (matches, order)
        };
        Found {
            names,
            nodes,
            matches,
            order,
            list: OnceLock::new(),
        }
    }

    /// What each node said and was told.
    pub fn nodes(&self) -> Vec<NodeConversations<'_>> {
        spoken(&self.names, &self.nodes)
    }

    /// Who spoke with whom, and in which order.
    pub fn parts(&self) -> (&Matches, &Order) {
        (&self.matches, &self.order)
    }

    /// All that was said, as a list.
    pub(super) fn list(&self) -> &MessageList {
        self.list.get_or_init(|| MessageList::of(self))
    }

    /// How many hostcalls a node has.
    pub(super) fn events(&self, node: NodeId) -> Option<u64> {
        let node = self.nodes.get(node.0 as usize)?;
        Some(node.conversations.events)
    }

    /// Where others must go so that nothing is received that was not sent, when this node has come
    /// to a place. Who received what is not sent any more goes back; who has still to send what was
    /// received goes on.
    pub(super) fn consistent(
        &self,
        moved: NodeId,
        to: Place,
        before: &[Place],
    ) -> Vec<(NodeId, Place)> {
        let cut = Cut {
            places: before.to_vec(),
        };
        let found = self.order.cut(moved, to, &cut);
        let places = &found.cut.places;
        let to = |node: &NodeId| Some((*node, *places.get(node.0 as usize)?));
        found.moved.iter().filter_map(to).collect()
    }

    /// Where a place is in the order of the system.
    pub(super) fn rank(&self, node: NodeId, place: Place) -> u64 {
        self.order.index_of(NodePlace { node, place })
    }

    /// How far another node had come at each moment of one.
    pub(super) fn progress(&self, one: NodeId, other: NodeId) -> Vec<Since> {
        let steps = self.order.progress(one, other).into_iter();
        steps
            .map(|(here, there)| Since {
                event: here.events,
                in_call: here.in_call,
                other: there.events,
            })
            .collect()
    }

    /// The places at a part of the way through the order of the system.
    pub(super) fn places_at(&self, part: Fraction) -> Vec<Place> {
        let index = part.of(Tick(self.order.len())).0;
        self.order.cut_at(index).places
    }

    /// The other end of what is sent at a place, or, backward, was received there: its node, and
    /// the way to it.
    pub(super) fn other_end(
        &self,
        node: NodeId,
        place: Place,
        direction: Direction,
    ) -> Result<(NodeId, Goal)> {
        // Behind a call it is the last one that is meant, or what came into the program since.
        let event = match place.in_call {
            true => Some(place.events),
            false => place.events.checked_sub(1),
        };
        let found = match direction {
            Direction::Forward => {
                event.and_then(|event| self.matches.sent_at(node, event).next().map(|m| &m.to))
            }
            Direction::Backward => {
                let entered = self.matches.messages().iter().rfind(|message| {
                    let to = &message.to;
                    to.end.node == node && to.event.is_none() && to.place == place
                });
                let came = || event.and_then(|event| self.matches.received_at(node, event).last());
                entered.or_else(came).map(|message| &message.from)
            }
        };
        match found {
            Some(site) => Ok((site.end.node, self.goal(site))),
            None => Err(self.nothing_to_follow(node, place, direction)),
        }
    }

    pub(super) fn goal(&self, site: &Site) -> Goal {
        let request = self.end(site.end).and_then(|end| end.request);
        match (site.event, request) {
            (None, Some(number)) => Goal::Request(number),
            // What was asked for earlier is not there before it has come: then who sent it need
            // not go back.
            _ => Goal::Motion(super::travels::motion_to(site.place)),
        }
    }

    /// Conversations of a node in which a hostcall says or brings something.
    pub(super) fn spoken_at(&self, node: NodeId, event: u64) -> impl Iterator<Item = EndId> {
        self.ends_of(node).filter(move |id| {
            self.end(*id).is_some_and(|end| {
                let ways = [Way::Sent, Way::Received];
                ways.iter()
                    .any(|way| end.direction(*way).events().any(|of| of == Some(event)))
            })
        })
    }

    /// All ends of a node's conversations.
    pub(super) fn ends_of(&self, node: NodeId) -> impl Iterator<Item = EndId> + use<> {
        let ends = self.nodes.get(node.0 as usize);
        let ends = ends.map_or(0, |node| node.conversations.ends.len() as u32);
        (0..ends).map(move |end| EndId { node, end })
    }

    /// Why there is nothing to follow.
    fn nothing_to_follow(&self, node: NodeId, place: Place, direction: Direction) -> DebuggeeError {
        let (what, way) = match direction {
            Direction::Forward => ("sent", Way::Sent),
            Direction::Backward => ("received", Way::Received),
        };
        let is_near = |id: &EndId| {
            self.end(*id).is_some_and(|end| {
                let way = end.direction(way);
                let mut places = way.places();
                way.events().any(|event| event == Some(place.events))
                    || places.any(|at| at == place)
            })
        };
        let Some(id) = self.ends_of(node).find(is_near) else {
            return DebuggeeError::other(format!(
                "nothing is {what} here: go to a hostcall by which something is (`messages` lists \
                 them)"
            ));
        };
        DebuggeeError::other(match self.matches.other_end(id) {
            OtherEnd::Outside | OtherEnd::Ambiguous(_) => self.why_unknown(id),
            OtherEnd::Known(..) | OtherEnd::Several(_) => {
                let about = self.end(id).map(words::end).unwrap_or_default();
                format!("this was {what}, and never arrived: {about}")
            }
        })
    }

    fn how_many(&self, candidates: &[EndId]) -> String {
        match candidates.len() {
            count if count >= MOST_CANDIDATES => format!("{count} conversations or more"),
            count => format!("{count} conversations"),
        }
    }

    /// Some conversations, by where they begin: `shop event 3, shop event 40 and 7 more`.
    pub(super) fn candidates(&self, candidates: &[EndId]) -> String {
        let told = candidates.iter().take(TOLD_CANDIDATES).map(|id| {
            let began = self.end(*id).map_or(0, |end| end.began.events);
            format!("{} event {began}", self.name(id.node))
        });
        let told: Vec<String> = told.collect();
        match candidates.len() - told.len() {
            0 => told.join(", "),
            more => format!("{} and {more} more", told.join(", ")),
        }
    }

    /// Why the other end of a conversation is not known.
    pub(super) fn why_unknown(&self, id: EndId) -> String {
        let about = self.end(id).map(words::end).unwrap_or_default();
        match self.matches.other_end(id) {
            OtherEnd::Outside => {
                format!("the other end of this is in none of these recordings: {about}")
            }
            OtherEnd::Ambiguous(candidates) if candidates.len() == 1 => {
                let one = self.candidates(candidates);
                format!("too little tells whether this ({about}) is with {one}")
            }
            OtherEnd::Ambiguous(candidates) => {
                format!(
                    "nothing tells which of {} this is ({about}): {}",
                    self.how_many(candidates),
                    self.candidates(candidates)
                )
            }
            OtherEnd::Known(..) | OtherEnd::Several(_) => {
                format!("none of it has its like at the other end: {about}")
            }
        }
    }

    /// Where one end of a message is.
    pub(super) fn site_told(&self, site: &Site) -> String {
        words::site(site, &self.names)
    }

    /// Which ends belong together.
    pub(super) fn matches(&self) -> &Matches {
        &self.matches
    }

    /// What a node is called.
    pub fn name(&self, node: NodeId) -> &str {
        self.names.get(node.0 as usize).map_or("?", String::as_str)
    }

    /// Whether there is no message between these recordings.
    pub fn says_nothing(&self) -> bool {
        self.matches.messages().is_empty()
    }

    /// All messages, in the order in which they were sent.
    pub fn in_order(&self) -> Vec<&Message> {
        let mut messages: Vec<&Message> = self.matches.messages().iter().collect();
        messages.sort_by_cached_key(|message| {
            let rank = |site: &Site| self.rank(site.end.node, site.place);
            (rank(&message.from), rank(&message.to))
        });
        messages
    }

    /// All ends of conversations.
    pub fn ends(&self) -> impl Iterator<Item = EndId> {
        (0..)
            .map(NodeId)
            .zip(&self.nodes)
            .flat_map(|(node, heard)| {
                let ends = 0..heard.conversations.ends.len() as u32;
                ends.map(move |end| EndId { node, end })
            })
    }

    /// An end, if there is such a one.
    pub fn end(&self, id: EndId) -> Option<&End> {
        let node = self.nodes.get(id.node.0 as usize)?;
        node.conversations.ends.get(id.end as usize)
    }

    /// Where its other end is.
    pub fn other(&self, id: EndId) -> Option<&OtherEnd> {
        self.end(id).map(|_| self.matches.other_end(id))
    }

    /// Messages that would have been received before they were sent, each with those that say so.
    pub fn contradictions(&self) -> Vec<(&Message, Vec<&Message>)> {
        let messages = self.matches.messages();
        let found = self.order.contradictions().iter().filter_map(|of| {
            let cycle = of.cycle.iter().filter_map(|at| messages.get(*at));
            Some((messages.get(of.left_out)?, cycle.collect()))
        });
        found.collect()
    }

    /// What holds of all messages: a line each.
    pub(super) fn notes(&self) -> Vec<String> {
        let count = self.order.contradictions().len();
        let against = (count > 0).then(|| {
            format!(
                "{count} would have been received before sent: `messages contradiction` lists them"
            )
        });
        let cut = self
            .names
            .iter()
            .zip(&self.nodes)
            .filter_map(|(name, node)| {
                let why = node.conversations.cut_short.as_ref()?;
                Some(format!("of {name}, more may be missing: {why}"))
            });
        against.into_iter().chain(cut).collect()
    }

    /// A message in one line.
    pub fn line(&self, message: &Message) -> String {
        words::line(message, &self.names, &self.nodes_conversations())
    }

    /// What a message says.
    pub fn said(&self, message: &Message) -> String {
        words::said(message, &self.nodes_conversations())
    }

    fn nodes_conversations(&self) -> Vec<&Conversations> {
        self.nodes.iter().map(|node| &node.conversations).collect()
    }
}
