//! A simulated system: nodes that speak with each other, each with what its recording would hold
//! of that, and the truth about who spoke with whom.

mod datagrams;
mod http;
mod streams;

use super::random_requests::Random;
use rr_dap::system::clock::WallClock;
use rr_dap::system::conversation::{Conversations, End, EndKind, Place};
use rr_dap::system::matching::NodeConversations;
use rr_dap::system::message::{EndId, NodeId};
use rr_dap::system::order::NodeExtent;
use std::collections::{BTreeMap, VecDeque};

/// What a system is like.
#[derive(Debug, Clone)]
pub struct Nature {
    pub nodes: u32,
    /// How many conversations are begun.
    pub conversations: u32,
    /// So many at a time.
    pub at_once: usize,
    /// In a hundred: how many say what others say, too.
    pub alike: u64,
    /// Whether addresses are rewritten on the way.
    pub nat: bool,
    /// In a hundred: datagrams that are lost, and those that are doubled.
    pub lost: u64,
    pub doubled: u64,
    /// Whether recordings tell the time.
    pub clocks: bool,
    /// Whether the first node asks and the second answers, and nobody else speaks.
    pub one_way: bool,
    /// The second node is killed when so many hostcalls were made in all.
    pub killed_after: Option<u64>,
    /// Which kinds there are.
    pub kinds: Vec<EndKind>,
}

/// One node with its recording.
#[derive(Default)]
pub struct Node {
    pub name: String,
    pub said: Conversations,
    /// When each hostcall was made, and returned.
    pub times: Vec<(i64, i64)>,
    tells_time: bool,
}

impl WallClock for Node {
    fn nanos_at(&self, place: Place) -> Option<i64> {
        if !self.tells_time {
            return None;
        }
        let (made, _) = self
            .times
            .get(place.events as usize)
            .or(self.times.last())?;
        match (place.in_call, place.events.checked_sub(1)) {
            (false, Some(last)) => Some(self.times.get(last as usize)?.1),
            _ => Some(*made),
        }
    }
}

/// What was simulated.
pub struct System {
    pub nodes: Vec<Node>,
    /// The other end of each end that has one.
    pub truth: BTreeMap<EndId, EndId>,
    /// Of datagrams, by receiver and piece: by whom each was sent, and as which piece.
    pub datagrams: BTreeMap<(EndId, u32), (EndId, u32)>,
}

impl System {
    pub fn conversations(&self) -> Vec<NodeConversations<'_>> {
        let nodes = self.nodes.iter();
        nodes
            .map(|node| NodeConversations {
                name: &node.name,
                conversations: &node.said,
                clock: Some(node as &dyn WallClock),
            })
            .collect()
    }

    pub fn extents(&self) -> Vec<NodeExtent<'_>> {
        let nodes = self.nodes.iter();
        nodes
            .map(|node| NodeExtent {
                events: node.said.events,
                clock: Some(node as &dyn WallClock),
            })
            .collect()
    }

    pub fn end(&self, id: EndId) -> &End {
        &self.nodes[id.node.0 as usize].said.ends[id.end as usize]
    }

    pub fn ends(&self) -> Vec<EndId> {
        let nodes = (0..).zip(&self.nodes);
        let ids = nodes.flat_map(|(number, node)| {
            (0..node.said.ends.len() as u32).map(move |end| EndId {
                node: NodeId(number),
                end,
            })
        });
        ids.collect()
    }

    /// The same without one of the recordings.
    pub fn without(mut self, left_out: u32) -> System {
        self.nodes.remove(left_out as usize);
        let moved = |id: EndId| {
            (id.node.0 != left_out).then(|| EndId {
                node: NodeId(id.node.0 - u32::from(id.node.0 > left_out)),
                ..id
            })
        };
        let both = |(one, other): (EndId, EndId)| Some((moved(one)?, moved(other)?));
        self.truth = self.truth.into_iter().filter_map(both).collect();
        let pieces = self
            .datagrams
            .into_iter()
            .filter_map(|((to, at), (from, piece))| {
                Some(((moved(to)?, at), (moved(from)?, piece)))
            });
        self.datagrams = pieces.collect();
        self
    }

    /// The same where one recording ends after so many hostcalls, without a word.
    pub fn cut_off(&mut self, node: u32, events: u64) {
        let node = &mut self.nodes[node as usize];
        let is_there = |place: Place| place.events < events || place == Place::after(events);
        for end in &mut node.said.ends {
            for direction in [&mut end.sent, &mut end.received] {
                direction.head.take_if(|head| !is_there(head.place));
                direction.ended.take_if(|ended| !is_there(*ended));
                direction.pieces.retain(|piece| is_there(piece.place));
                let last = direction.pieces.last();
                direction.length = last.map_or(0, |last| last.offset + last.length);
                direction.bytes.truncate(direction.length as usize);
            }
        }
        // Those that had not begun keep their numbers, so that the truth holds, and know nothing.
        for end in &mut node.said.ends {
            if !is_there(end.began) {
                *end = End::new(end.kind, Place::after(events));
            }
        }
        node.said.events = events.min(node.said.events);
        node.said.cut_short = Some("the recording ends here".to_owned());
    }
}

/// Makes it.
pub struct World {
    numbers: Random,
    nature: Nature,
    nodes: Vec<Node>,
    now: i64,
    truth: BTreeMap<EndId, EndId>,
    datagrams: BTreeMap<(EndId, u32), (EndId, u32)>,
    begun: u32,
    calls: u64,
    talks: Vec<Box<dyn Talk>>,
    in_air: VecDeque<datagrams::InAir>,
    sockets: Vec<datagrams::Socket>,
}

/// A conversation in progress.
trait Talk {
    /// One hostcall, or a few; answers whether it goes on.
    fn step(&mut self, world: &mut World) -> bool;
}

impl World {
    pub fn system(nature: &Nature, seed: u64) -> System {
        let mut world = World {
            numbers: Random(seed),
            nature: nature.clone(),
            nodes: Vec::new(),
            now: 1_700_000_000_000_000_000,
            truth: BTreeMap::new(),
            datagrams: BTreeMap::new(),
            begun: 0,
            calls: 0,
            talks: Vec::new(),
            in_air: VecDeque::new(),
            sockets: Vec::new(),
        };
        for number in 0..nature.nodes {
            world.nodes.push(Node {
                name: format!("node {number}"),
                tells_time: nature.clocks,
                ..Node::default()
            });
        }
        world.run();
        System {
            nodes: world.nodes,
            truth: world.truth,
            datagrams: world.datagrams,
        }
    }

    fn run(&mut self) {
        loop {
            while self.talks.len() < self.nature.at_once && self.begun < self.nature.conversations {
                self.begun += 1;
                let kind = self.numbers.pick(&self.nature.kinds);
                match kind {
                    EndKind::HttpClient => http::begin(self),
                    EndKind::TcpConnected => streams::connect(self),
                    EndKind::Udp => datagrams::begin(self),
                    _ => streams::pipe(self),
                }
            }
            if self.talks.is_empty() {
                break;
            }
            let at = self.below(self.talks.len() as u64) as usize;
            let mut talk = self.talks.swap_remove(at);
            if talk.step(self) {
                self.talks.push(talk);
            }
            // The programs do other things, too.
            if self.below(4) == 0 {
                let node = self.any_node();
                if !self.is_dead(node) {
                    self.call(node);
                }
            }
        }
        datagrams::deliver_all(self);
        if self.nature.killed_after.is_some() {
            self.nodes[1].said.cut_short = Some("the program was killed".to_owned());
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.numbers.next() % bound
    }

    /// Who begins, and with whom.
    fn two_nodes(&mut self) -> (u32, u32) {
        match self.nature.one_way {
            true => (0, 1),
            false => (self.any_node(), self.any_node()),
        }
    }

    /// Whether a node makes no more calls.
    fn is_dead(&self, node: u32) -> bool {
        let killed = self.nature.killed_after;
        node == 1 && killed.is_some_and(|calls| self.calls >= calls)
    }

    fn any_node(&mut self) -> u32 {
        self.below(u64::from(self.nature.nodes)) as u32
    }

    /// A hostcall of a node: its number. Time goes on.
    fn call(&mut self, node: u32) -> u64 {
        self.calls += 1;
        let made = self.now;
        self.now += 20_000 + self.below(400_000) as i64;
        let returned = self.now;
        self.now += 1_000;
        let node = &mut self.nodes[node as usize];
        node.times.push((made, returned));
        node.said.events += 1;
        node.said.events - 1
    }

    fn events(&self, node: u32) -> u64 {
        self.nodes[node as usize].said.events
    }

    fn add(&mut self, node: u32, end: End) -> EndId {
        let ends = &mut self.nodes[node as usize].said.ends;
        ends.push(end);
        EndId {
            node: NodeId(node),
            end: ends.len() as u32 - 1,
        }
    }

    fn end(&mut self, id: EndId) -> &mut End {
        &mut self.nodes[id.node.0 as usize].said.ends[id.end as usize]
    }

    fn belong(&mut self, one: EndId, other: EndId) {
        self.truth.insert(one, other);
        self.truth.insert(other, one);
    }

    /// What nobody else says, or what everybody says.
    fn words(&mut self, most: u64) -> Vec<u8> {
        let is_alike = self.below(100) < self.nature.alike;
        match is_alike {
            true => format!("the same old story {}", self.below(2)).into_bytes(),
            false => self.own_words(most),
        }
    }

    fn own_words(&mut self, most: u64) -> Vec<u8> {
        let length = 24 + self.below(most);
        (0..length).map(|_| self.below(256) as u8).collect()
    }
}
