//! The graph of who waits for whom: what each waits for, and who of them can never go on.

use super::state::{
    Caller, Copying, End, Holder, InCall, Item, Subtask, Task, TaskId, TaskState, Tasks,
};
use super::waits::{NodeKind, WaitNode, Waits};
use super::words::Words;
use crate::component::layout::Lift;
use crate::component::{Builtin, Component, CrossingId};
use crate::trace::Instance;
use std::collections::{BTreeMap, BTreeSet};

/// What waits, or is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Task(TaskId),
    /// A set, a subtask, or an end that is being read or written.
    Item(Instance, u32),
    /// The other end of what is being read or written.
    OtherEnd(Instance, u32),
    /// An instance that is to begin a call.
    Instance(Instance),
    /// The host, who is to answer this.
    Host(CrossingId),
    /// The host, who has the other end of what is at this index.
    HostsEnd(Instance, u32),
    /// Nobody can do it any more.
    Nobody,
}

struct Graph<'a> {
    words: Words<'a>,
    edges: BTreeMap<Node, BTreeSet<Node>>,
}

impl Tasks {
    /// Who waits for whom.
    pub fn waits(&self, component: &Component) -> Waits {
        let mut graph = Graph {
            words: Words {
                component,
                tasks: self,
            },
            edges: BTreeMap::new(),
        };
        for task in self.tasks() {
            graph.reach(Node::Task(task.id));
        }
        graph.told()
    }
}

impl Graph<'_> {
    /// A node and all that it waits for.
    fn reach(&mut self, from: Node) {
        let mut to_do = vec![from];
        while let Some(node) = to_do.pop() {
            if self.edges.contains_key(&node) {
                continue;
            }
            let next = self.waits_for(node);
            to_do.extend(&next);
            self.edges.insert(node, next);
        }
    }

    fn waits_for(&self, node: Node) -> BTreeSet<Node> {
        let tasks = self.words.tasks;
        let found: Vec<Node> = match node {
            Node::Task(id) => tasks
                .task(id)
                .map_or_else(Vec::new, |task| self.of_task(task)),
            Node::Item(instance, index) => match tasks.item(instance, index) {
                Some(Item::Set(_)) => {
                    let members = tasks.members(instance, index);
                    let going_on = members.filter(|(_, item)| goes_on(item));
                    let found: Vec<Node> = going_on
                        .map(|(member, _)| Node::Item(instance, member))
                        .collect();
                    match found.is_empty() {
                        true => self.who_may_join(instance, index),
                        false => found,
                    }
                }
                Some(Item::Subtask(subtask)) => self.of_subtask(instance, subtask),
                Some(Item::End(end)) => self.of_end((instance, index), end),
                None => Vec::new(),
            },
            // It is for the task that used it last to do something with it.
            Node::OtherEnd(instance, index) => match tasks.item(instance, index) {
                Some(Item::End(End {
                    task: Some(task), ..
                })) if tasks.task(*task).is_some() => vec![Node::Task(*task)],
                _ => {
                    let others = tasks.tasks().filter(|task| task.instance == instance);
                    let others: Vec<Node> = others.map(|task| Node::Task(task.id)).collect();
                    match others.is_empty() {
                        true => vec![Node::Nobody],
                        false => others,
                    }
                }
            },
            // Who has said that it takes no calls may take that back; else a call begins when nobody's code
            // is in the middle of something there, but for code that may be left so.
            Node::Instance(instance) => {
                let is_held_back = tasks.backpressure(instance) > 0;
                let there = tasks.tasks().filter(|task| task.instance == instance);
                let there = there.filter(|task| is_held_back || self.is_exclusive(task));
                let there: Vec<Node> = there.map(|task| Node::Task(task.id)).collect();
                match there.is_empty() && is_held_back {
                    true => vec![Node::Nobody],
                    false => there,
                }
            }
            Node::Host(_) | Node::HostsEnd(..) | Node::Nobody => Vec::new(),
        };
        found.into_iter().collect()
    }

    /// Whether a task keeps others from beginning in its instance.
    fn is_exclusive(&self, task: &Task) -> bool {
        let function = self.words.component.crossing(task.function);
        let may_be_left = function.is_some_and(|f| f.lift() == Lift::AsyncStackful);
        matches!(task.state, TaskState::Calling(_)) && !may_be_left
    }

    /// Who may put something into a set of which nothing comes: other tasks of its instance.
    fn who_may_join(&self, instance: Instance, set: u32) -> Vec<Node> {
        let waits = |task: &Task| match task.state {
            TaskState::Waiting { set: at, .. } => at == set,
            TaskState::Calling(_) => {
                let mut calls = self.words.tasks.calls_of(task.id);
                calls.any(|call| call.waits_at == Some(set))
            }
            _ => false,
        };
        let others = self.words.tasks.tasks();
        let others = others.filter(|task| task.instance == instance && !waits(task));
        let others: Vec<Node> = others.map(|task| Node::Task(task.id)).collect();
        match others.is_empty() {
            true => vec![Node::Nobody],
            false => others,
        }
    }

    fn of_task(&self, task: &Task) -> Vec<Node> {
        match task.state {
            TaskState::Running | TaskState::Yielded { .. } => Vec::new(),
            TaskState::Waiting { set, .. } => vec![Node::Item(task.instance, set)],
            TaskState::Calling(_) => {
                let mut waits = Vec::new();
                for call in self.words.tasks.calls_of(task.id) {
                    match self.of_call(task, call) {
                        Some(for_what) => waits.push(for_what),
                        // That thread goes on.
                        None => return Vec::new(),
                    }
                }
                waits
            }
        }
    }

    /// What has to happen for a call to return; `None` if it returns by itself.
    fn of_call(&self, task: &Task, call: InCall) -> Option<Node> {
        let crossing = self.words.component.crossing(call.crossing)?;
        if !crossing.may_block() {
            return None;
        }
        if let Some(callee) = call.callee {
            let callee = self.words.tasks.task(callee)?;
            return callee.returned.is_none().then_some(Node::Task(callee.id));
        }
        if let Some(index) = call.waits_at {
            return Some(Node::Item(task.instance, index));
        }
        match crossing.builtin() {
            // The one that goes on instead has yet to do so.
            Some(Builtin::ThreadSuspendThenResume | Builtin::ThreadSuspendThenPromote)
                if self.words.tasks.last_call() == Some(call.event) =>
            {
                None
            }
            // Another thread must resume it: each of those has a call of its own here.
            Some(_) => Some(Node::Nobody),
            None => match self.words.answerer(task.instance, call.crossing) {
                Some(answers) => Some(Node::Instance(answers)),
                None => Some(Node::Host(call.crossing)),
            },
        }
    }

    fn of_subtask(&self, instance: Instance, subtask: &Subtask) -> Vec<Node> {
        // Where there is a result, it has only to be told.
        if self.words.is_pending(subtask) {
            return Vec::new();
        }
        if let Some(callee) = subtask.callee {
            // Who is asked to end hears of it, whatever else it waits for.
            let hears = subtask.cancelled.is_some()
                && self
                    .words
                    .tasks
                    .task(callee)
                    .is_some_and(|callee| callee.cancelled.is_none());
            return match hears {
                true => Vec::new(),
                false => vec![Node::Task(callee)],
            };
        }
        match self.words.answerer(instance, subtask.function) {
            Some(answers) => vec![Node::Instance(answers)],
            None => vec![Node::Host(subtask.function)],
        }
    }

    fn of_end(&self, (of, at): (Instance, u32), end: &End) -> Vec<Node> {
        if end.copying.as_ref().is_some_and(Copying::is_pending) {
            return Vec::new();
        }
        let is_cancelled = |copying: &Copying| copying.cancelled.is_some();
        let channel = self.words.tasks.channel(end.channel);
        match channel.map(|channel| channel.holder(end.side.other())) {
            Some(Holder::Instance(instance, index)) => {
                let other = match self.words.tasks.item(instance, index) {
                    Some(Item::End(other)) => other.copying.as_ref(),
                    _ => None,
                };
                // What meets is copied at once, and between instances nothing holds up a copy that is
                // to end.
                match other.is_some() || end.copying.as_ref().is_some_and(is_cancelled) {
                    true => Vec::new(),
                    false => vec![Node::OtherEnd(instance, index)],
                }
            }
            Some(Holder::Given { .. } | Holder::Outside { .. }) => vec![Node::HostsEnd(of, at)],
            Some(Holder::Dropped { .. }) | None => Vec::new(),
        }
    }

    /// Those from whom nobody can be reached who may go on.
    fn stuck(&self) -> BTreeSet<Node> {
        let mut able: BTreeSet<Node> = self
            .edges
            .iter()
            .filter(|(node, next)| next.is_empty() && **node != Node::Nobody)
            .map(|(node, _)| *node)
            .collect();
        let mut backward: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
        // Who has called a task may ask it to end.
        for task in self.words.tasks.tasks() {
            if let Caller::Call {
                task: Some(caller), ..
            } = task.caller
            {
                let from = Node::Task(task.id);
                backward.entry(Node::Task(caller)).or_default().push(from);
            }
        }
        for (from, next) in &self.edges {
            for to in next {
                backward.entry(*to).or_default().push(*from);
            }
        }
        let mut to_do: Vec<Node> = able.iter().copied().collect();
        while let Some(node) = to_do.pop() {
            for from in backward.get(&node).into_iter().flatten() {
                if able.insert(*from) {
                    to_do.push(*from);
                }
            }
        }
        self.edges
            .keys()
            .copied()
            .filter(|node| !able.contains(node))
            .collect()
    }

    /// The ways in which those who are stuck wait for each other: of each, the shortest way back to its
    /// first task.
    fn cycles(&self, stuck: &BTreeSet<Node>) -> Vec<Vec<Node>> {
        let mut cycles: Vec<Vec<Node>> = Vec::new();
        let mut told: BTreeSet<Node> = BTreeSet::new();
        let tasks = stuck.iter().filter(|node| matches!(node, Node::Task(_)));
        for from in tasks {
            if told.contains(from) {
                continue;
            }
            if let Some(cycle) = self.way_back(*from, stuck) {
                told.extend(&cycle);
                cycles.push(cycle);
            }
        }
        cycles
    }

    fn way_back(&self, from: Node, within: &BTreeSet<Node>) -> Option<Vec<Node>> {
        let mut came_from: BTreeMap<Node, Node> = BTreeMap::new();
        let mut to_do = std::collections::VecDeque::from([from]);
        while let Some(node) = to_do.pop_front() {
            for next in self.edges.get(&node).into_iter().flatten() {
                if *next == from {
                    let mut way = vec![node];
                    while let Some(before) = came_from.get(way.last()?) {
                        way.push(*before);
                    }
                    way.reverse();
                    return Some(way);
                }
                if within.contains(next) && !came_from.contains_key(next) {
                    came_from.insert(*next, node);
                    to_do.push_back(*next);
                }
            }
        }
        None
    }

    fn told(&self) -> Waits {
        let stuck = self.stuck();
        let places: BTreeMap<Node, usize> = self.edges.keys().copied().zip(0..).collect();
        let place = |node: &Node| places.get(node).copied();
        let edges = self.edges.iter().flat_map(|(from, next)| {
            next.iter()
                .filter_map(move |to| Some((place(from)?, place(to)?)))
        });
        let cycles = self.cycles(&stuck);
        Waits {
            nodes: self
                .edges
                .keys()
                .map(|node| self.node(*node, stuck.contains(node)))
                .collect(),
            edges: edges.collect(),
            cycles: cycles
                .iter()
                .map(|cycle| cycle.iter().filter_map(place).collect())
                .collect(),
        }
    }

    /// A set, and why nothing comes of it, if nothing is under way.
    fn set_told(&self, instance: Instance, index: u32) -> String {
        let tasks = self.words.tasks;
        if tasks
            .members(instance, index)
            .any(|(_, item)| goes_on(item))
        {
            return format!("set {index}");
        }
        let members = tasks.members(instance, index);
        let members = members.map(|(index, item)| self.words.waitable(index, item));
        match members.collect::<Vec<_>>().as_slice() {
            [] => format!("set {index}, which is empty"),
            members => format!(
                "set {index}, of which nothing is under way: {}",
                members.join(", ")
            ),
        }
    }

    fn node(&self, node: Node, is_stuck: bool) -> WaitNode {
        let words = &self.words;
        let mut told = WaitNode {
            kind: NodeKind::Nobody,
            words: "nobody in progress can do it".to_owned(),
            story: String::new(),
            name: "nobody".to_owned(),
            task: None,
            function: None,
            instance: None,
            index: None,
            hostcall: None,
            is_stuck,
        };
        match node {
            Node::Task(id) => {
                told.kind = NodeKind::Task;
                told.task = Some(id.0);
                told.name = format!("task {}", id.0);
                if let Some(task) = words.tasks.task(id) {
                    told.instance = Some(task.instance.0);
                    told.function = Some(words.function(task.function));
                    let call = words.call(task);
                    told.words = format!("task {}, {call}, {}", id.0, words.stands(task));
                    told.story = format!("task {}, {call}, {}", id.0, words.state(task));
                    if let TaskState::Calling(event) = task.state {
                        told.hostcall = Some(event);
                    }
                }
            }
            Node::Item(instance, index) | Node::OtherEnd(instance, index) => {
                (told.instance, told.index) = (Some(instance.0), Some(index));
                if let Some(item) = words.tasks.item(instance, index) {
                    (told.kind, told.hostcall) = match (item, node) {
                        (_, Node::OtherEnd(..)) => (NodeKind::OtherEnd, None),
                        (Item::Set(_), _) => (NodeKind::WaitableSet, None),
                        (Item::Subtask(subtask), _) => (NodeKind::Subtask, Some(subtask.event)),
                        (Item::End(end), _) => {
                            let copying = end.copying.as_ref().map(|copying| copying.event);
                            (NodeKind::End, copying)
                        }
                    };
                    told.name = match node {
                        Node::OtherEnd(..) => {
                            format!("its other end, index {index} of instance {}", instance.0)
                        }
                        Node::Item(..) if matches!(item, Item::Set(_)) => {
                            self.set_told(instance, index)
                        }
                        _ => words.waitable(index, item),
                    };
                    told.words = match node {
                        Node::OtherEnd(..) => {
                            format!("{}: {}", told.name, words.used(item))
                        }
                        _ => told.name.clone(),
                    };
                }
            }
            Node::Instance(instance) => {
                told.kind = NodeKind::Instance;
                told.instance = Some(instance.0);
                told.name = format!("instance {}", instance.0);
                told.words = match words.held_back(instance) {
                    Some(held_back) => format!("instance {}, which {held_back}", instance.0),
                    None => format!("instance {}, which has not begun it", instance.0),
                };
            }
            Node::Host(by) => {
                told.kind = NodeKind::Host;
                told.name = "the host".to_owned();
                told.words = format!("the host ({})", words.function(by));
            }
            Node::HostsEnd(instance, index) => {
                told.kind = NodeKind::Host;
                told.name = "the host".to_owned();
                let other = match words.tasks.item(instance, index) {
                    Some(Item::End(end)) => words.other_end(end),
                    _ => None,
                };
                told.words = match other {
                    Some(Holder::Given { event, by }) => format!(
                        "the host, who has the other end: given away in hostcall {event} ({})",
                        words.short(by)
                    ),
                    Some(Holder::Outside { event, by }) => format!(
                        "the host, who has the other end: this one came before event {event} ({})",
                        words.short(by)
                    ),
                    _ => "the host, who has the other end".to_owned(),
                };
            }
            Node::Nobody => {}
        }
        told
    }
}

/// Whether something may still come of it.
fn goes_on(item: &Item) -> bool {
    match item {
        Item::Subtask(subtask) => !subtask
            .progress
            .state
            .is_some_and(crate::component::status::SubtaskState::is_resolved),
        Item::End(end) => end.copying.is_some(),
        Item::Set(_) => false,
    }
}
