//! Which functions may call themselves, by whatever way.

use super::scan::Scan;
use std::collections::HashSet;

/// For each defined function, whether it may be entered while it runs.
///
/// A call of an import or by reference may come to any function in `referenced`: to
/// those that are exported, or that references are taken of.
pub(super) fn recursive(scans: &[Scan], imported: u32, referenced: &HashSet<u32>) -> Vec<bool> {
    // One more node stands for all code elsewhere.
    let elsewhere = scans.len();
    let node = |function: u32| function.checked_sub(imported).map(|f| f as usize);
    let mut edges: Vec<Vec<usize>> = Vec::with_capacity(scans.len() + 1);
    for scan in scans {
        let callees = scan.callees.iter();
        let mut next: Vec<usize> = callees.map(|f| node(*f).unwrap_or(elsewhere)).collect();
        if scan.calls_by_reference {
            next.push(elsewhere);
        }
        edges.push(next);
    }
    edges.push(referenced.iter().copied().filter_map(node).collect());
    let mut search = Search::new(&edges);
    for start in 0..edges.len() {
        search.from(start);
    }
    search.on_cycle.truncate(scans.len());
    search.on_cycle
}

/// Tarjan's search for strongly connected components, without recursion of its own.
///
/// Its indices are nodes: the module has been validated, so each function that is named
/// exists.
struct Search<'a> {
    edges: &'a [Vec<usize>],
    /// The order in which nodes were found, from 1; 0 for those not found yet.
    found: Vec<usize>,
    lowest: Vec<usize>,
    is_open: Vec<bool>,
    open: Vec<usize>,
    count: usize,
    on_cycle: Vec<bool>,
}

impl<'a> Search<'a> {
    fn new(edges: &'a [Vec<usize>]) -> Self {
        Search {
            edges,
            found: vec![0; edges.len()],
            lowest: vec![0; edges.len()],
            is_open: vec![false; edges.len()],
            open: Vec::new(),
            count: 0,
            on_cycle: vec![false; edges.len()],
        }
    }

    fn from(&mut self, start: usize) {
        if self.found[start] != 0 {
            return;
        }
        self.find(start);
        let mut path = vec![(start, 0)];
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            let Some(&to) = self.edges[node].get(*next) else {
                path.pop();
                if let Some((before, _)) = path.last() {
                    self.lowest[*before] = self.lowest[*before].min(self.lowest[node]);
                }
                self.close(node);
                continue;
            };
            *next += 1;
            if to == node {
                self.on_cycle[node] = true;
            } else if self.found[to] == 0 {
                self.find(to);
                path.push((to, 0));
            } else if self.is_open[to] {
                self.lowest[node] = self.lowest[node].min(self.found[to]);
            }
        }
    }

    fn find(&mut self, node: usize) {
        self.count += 1;
        self.found[node] = self.count;
        self.lowest[node] = self.count;
        self.is_open[node] = true;
        self.open.push(node);
    }

    /// All that is reached from a node has been seen.
    fn close(&mut self, node: usize) {
        if self.lowest[node] != self.found[node] {
            return;
        }
        let is_cycle = self.open.last() != Some(&node);
        while let Some(member) = self.open.pop() {
            self.is_open[member] = false;
            self.on_cycle[member] |= is_cycle;
            if member == node {
                return;
            }
        }
    }
}
