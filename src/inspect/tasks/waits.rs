//! Who waits for whom, and who waits for ever.
//!
//! A task waits for one thing: an event of any member of a waitable set, or the end of a hostcall. A
//! member has an event when a task of another instance, or the host, does its part. So whoever cannot
//! reach the host, or a task that runs, by this graph waits for ever.

use serde::Serialize;
use std::collections::BTreeSet;

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
    /// The same, with what it waits for: of a task.
    #[serde(skip)]
    pub story: String,
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
    /// What is to begin a call.
    Instance,
    /// Who runs the component.
    Host,
    /// Nobody can do it any more.
    Nobody,
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
        let stuck: Vec<String> = self.stuck_tasks().map(|node| node.story.clone()).collect();
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
