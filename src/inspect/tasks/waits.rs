//! Who waits for whom, and who waits for ever.
//!
//! A task waits for one thing: an event of any member of a waitable set, or the end of a hostcall. A
//! member has an event when a task of another instance, or the host, does its part. So whoever cannot
//! reach the host, or a task that runs, by this graph waits for ever.

use super::state::{End, Frame, Holder, Item, Subtask, Task, TaskId, TaskState, Tasks};
use super::words::Words;
use crate::component::{Component, CrossingId};
use crate::trace::Instance;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What waits, or is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Task(TaskId),
    /// A set, a subtask, or an end that is being read or written.
    Item(Instance, u32),
    /// The other end of what is being read or written.
    OtherEnd(Instance, u32),
    /// The host, who is to answer this.
    Host(CrossingId),
    /// Nobody can do it any more.
    Nobody,
}

/// Who waits for whom at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waits {
    /// Tasks, what they wait for, and who is to do it.
    pub nodes: Vec<WaitNode>,
    /// From who waits to what it waits for, by place in `nodes`.
    pub edges: Vec<(usize, usize)>,
    /// Those who wait for each other and for nobody else, by place in `nodes`: deadlocks.
    pub cycles: Vec<Vec<usize>>,
}

/// Somebody or something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitNode {
    /// What it is.
    pub kind: NodeKind,
    /// In words.
    pub words: String,
    /// In a few words.
    pub name: String,
    /// The number of a task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<u64>,
    /// The WIT path of the function that a task is a call of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
    /// The index in the table of its instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The hostcall that began it, or that is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostcall: Option<u64>,
    /// Whether nothing of what it waits for can ever happen.
    pub is_stuck: bool,
}

/// What a [`WaitNode`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// A call of an exported function.
    Task,
    /// Its members are waited for.
    WaitableSet,
    /// A call that has not returned.
    Subtask,
    /// An end that is being read or written.
    End,
    /// The end that must be written or read for that.
    OtherEnd,
    /// Who runs the component.
    Host,
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
                        true => vec![Node::Nobody],
                        false => found,
                    }
                }
                Some(Item::Subtask(subtask)) => self.of_subtask(instance, subtask),
                Some(Item::End(end)) => self.of_end(end),
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
            Node::Host(_) | Node::Nobody => Vec::new(),
        };
        found.into_iter().collect()
    }

    fn of_task(&self, task: &Task) -> Vec<Node> {
        match task.state {
            TaskState::Running | TaskState::Yielded { .. } => Vec::new(),
            TaskState::Waiting { set, .. } => vec![Node::Item(task.instance, set)],
            TaskState::Calling(event) => {
                let frames = self.words.tasks.frames.iter();
                let call = frames.rev().find_map(|frame| match frame {
                    Frame::Call {
                        event: of,
                        crossing,
                        callee,
                        waits_at,
                        ..
                    } if *of == event => Some((*crossing, *callee, *waits_at)),
                    _ => None,
                });
                match call {
                    Some((_, Some(callee), _)) => vec![Node::Task(callee)],
                    Some((_, None, Some(index))) => vec![Node::Item(task.instance, index)],
                    Some((crossing, None, None)) => {
                        match self.words.answerer(task.instance, crossing) {
                            // It is about to begin.
                            Some(_) => Vec::new(),
                            None => vec![Node::Host(crossing)],
                        }
                    }
                    None => Vec::new(),
                }
            }
        }
    }

    fn of_subtask(&self, instance: Instance, subtask: &Subtask) -> Vec<Node> {
        let tasks = self.words.tasks;
        match subtask.callee {
            Some(callee) if tasks.task(callee).is_some() => return vec![Node::Task(callee)],
            Some(_) => return vec![Node::Nobody],
            None => {}
        }
        match self.words.answerer(instance, subtask.function) {
            // It begins when those let it that are there already.
            Some(answers) => {
                let there = tasks.tasks().filter(|task| task.instance == answers);
                there.map(|task| Node::Task(task.id)).collect()
            }
            None => vec![Node::Host(subtask.function)],
        }
    }

    fn of_end(&self, end: &End) -> Vec<Node> {
        let channel = self.words.tasks.channel(end.channel);
        match channel.map(|channel| channel.holder(end.side.other())) {
            Some(Holder::Instance(instance, index)) => vec![Node::OtherEnd(instance, index)],
            Some(Holder::Given { by, .. } | Holder::Outside { by, .. }) => vec![Node::Host(by)],
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

    fn node(&self, node: Node, is_stuck: bool) -> WaitNode {
        let words = &self.words;
        let mut told = WaitNode {
            kind: NodeKind::Nobody,
            words: "nobody can do it any more".to_owned(),
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
                        _ => words.waitable(index, item),
                    };
                    told.words = match node {
                        Node::OtherEnd(..) => {
                            format!("{}: {}", told.name, words.item(instance, index, item))
                        }
                        _ => told.name.clone(),
                    };
                }
            }
            Node::Host(by) => {
                told.kind = NodeKind::Host;
                told.name = "the host".to_owned();
                told.words = format!("the host ({})", words.function(by));
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

impl Waits {
    /// Whether somebody waits for ever.
    pub fn is_deadlock(&self) -> bool {
        !self.cycles.is_empty() || self.stuck_tasks().next().is_some()
    }

    /// The tasks that wait for what cannot happen.
    pub fn stuck_tasks(&self) -> impl Iterator<Item = &WaitNode> {
        let nodes = self.nodes.iter();
        nodes.filter(|node| node.is_stuck && node.kind == NodeKind::Task)
    }

    /// Who waits for ever and for what, in one sentence; `None` if nobody does.
    pub fn story(&self) -> Option<String> {
        let stuck: Vec<String> = self.stuck_tasks().map(|node| node.words.clone()).collect();
        let cycles = self.cycles.iter();
        let cycles = cycles.map(|cycle| match self.tasks_of(cycle).count() {
            1 => format!("it waits for itself: {}", self.cycle_text(cycle)),
            _ => format!("they wait for each other: {}", self.cycle_text(cycle)),
        });
        let parts: Vec<String> = stuck.into_iter().chain(cycles).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The tasks, each with what it waits for, on a line of its own.
    pub fn tasks(&self) -> Vec<String> {
        let nodes = self.nodes.iter().enumerate();
        let tasks = nodes.filter(|(_, node)| node.kind == NodeKind::Task);
        let told = tasks.map(|(place, node)| {
            let edges = self.edges.iter().filter(|(from, _)| *from == place);
            let waits_for = edges.filter_map(|(_, to)| self.nodes.get(*to));
            let waits_for: Vec<&str> = waits_for.map(|node| node.words.as_str()).collect();
            match waits_for.is_empty() {
                true => node.words.clone(),
                false => format!("{}: {}", node.words, waits_for.join(", ")),
            }
        });
        told.collect()
    }

    /// The tasks of a cycle.
    fn tasks_of<'a>(&'a self, cycle: &'a [usize]) -> impl Iterator<Item = &'a WaitNode> {
        let nodes = cycle.iter().filter_map(|place| self.nodes.get(*place));
        nodes.filter(|node| node.kind == NodeKind::Task)
    }

    /// The functions whose calls wait for ever, each once: the same in all runs that end so.
    pub fn stuck_functions(&self) -> Vec<String> {
        let functions = self.stuck_tasks().filter_map(|node| node.function.clone());
        let functions: BTreeSet<String> = functions.collect();
        functions.into_iter().collect()
    }

    /// A cycle in words: `task 1 → subtask 2 (f, started) → task 2 → task 1`.
    pub fn cycle_text(&self, cycle: &[usize]) -> String {
        let nodes = cycle.iter().chain(cycle.first());
        let names = nodes.filter_map(|place| self.nodes.get(*place));
        let names: Vec<&str> = names.map(|node| node.name.as_str()).collect();
        names.join(" → ")
    }

    /// As lines for people: each task with what it waits for below it.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (place, node) in self.nodes.iter().enumerate() {
            if node.kind == NodeKind::Task {
                self.tree(place, 0, &mut Vec::new(), &mut lines);
            }
        }
        for cycle in &self.cycles {
            lines.push(format!("deadlock: {}", self.cycle_text(cycle)));
        }
        lines
    }

    fn tree(&self, place: usize, depth: usize, above: &mut Vec<usize>, lines: &mut Vec<String>) {
        /// Chains longer than this say nothing more to anybody.
        const DEEPEST: usize = 24;
        let Some(node) = self.nodes.get(place) else {
            return;
        };
        let stuck = match node.kind {
            NodeKind::Task if node.is_stuck && depth == 0 => ": waits for ever",
            _ => "",
        };
        // What a task waits for stands at its own line.
        let is_told = depth > 0 && node.kind == NodeKind::Task;
        lines.push(format!("{}{}{stuck}", "  ".repeat(depth), node.words));
        if is_told || above.contains(&place) || above.len() >= DEEPEST {
            return;
        }
        above.push(place);
        for (_, to) in self.edges.iter().filter(|(from, _)| *from == place) {
            self.tree(*to, depth + 1, above, lines);
        }
        above.pop();
    }

    /// As a graph for Graphviz.
    pub fn dot(&self) -> String {
        let mut dot = String::from("digraph waits {\n  rankdir=LR;\n  node [shape=box];\n");
        for (place, node) in self.nodes.iter().enumerate() {
            let look = match (node.kind, node.is_stuck) {
                (NodeKind::Task, true) => ", style=bold, color=red",
                (NodeKind::Task, false) => ", style=bold",
                (_, true) => ", color=red",
                (NodeKind::Host, false) => ", shape=ellipse",
                _ => "",
            };
            let words = node.words.replace('\\', "\\\\").replace('"', "\\\"");
            dot.push_str(&format!("  n{place} [label=\"{words}\"{look}];\n"));
        }
        for (from, to) in &self.edges {
            dot.push_str(&format!("  n{from} -> n{to};\n"));
        }
        dot.push_str("}\n");
        dot
    }
}

impl std::fmt::Display for Waits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self.lines();
        match lines.is_empty() {
            true => f.write_str("no task is in progress"),
            false => f.write_str(&lines.join("\n")),
        }
    }
}
