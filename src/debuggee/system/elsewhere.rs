//! What expressions of one node know of the others: how far those had come in the order of the
//! system.

use super::System;
use super::story::Found;
use crate::debuggee::DebuggeeError;
use crate::system::message::NodeId;
use crate::timeline::Interrupt;
use crate::timeline::travel::elsewhere::{Elsewhere, Other};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Which nodes expressions speak of, and who was told how far those had come.
#[derive(Default)]
pub(super) struct SpokenOf {
    nodes: BTreeSet<NodeId>,
    /// How many of them each node was told of; of all, when it is told again.
    told: BTreeMap<NodeId, usize>,
}

impl System {
    /// An expression may speak of other nodes from now on.
    pub(super) fn heed(&mut self, text: &str) {
        if !Elsewhere::is_meant(text) {
            return;
        }
        let named = self.ids().zip(&self.members);
        let named = named.filter(|(_, member)| text.contains(&member.name));
        let named: Vec<NodeId> = named.map(|(node, _)| node).collect();
        self.spoken_of.nodes.extend(named);
        // That there are others is known even if nobody is meant.
        if self.spoken_of.nodes.is_empty() {
            self.spoken_of.nodes.insert(self.present);
        }
    }

    /// Has a node know how far those had come that expressions speak of, if any does: waits until
    /// it is found out.
    pub(super) fn tell_elsewhere(&mut self, node: NodeId, interrupt: &Interrupt) -> Result<()> {
        if self.knows_elsewhere(node) {
            return Ok(());
        }
        let found = self.story.wait(interrupt)?;
        self.tell_found(node, &found);
        Ok(())
    }

    /// The same, without waiting.
    pub(super) fn tell_elsewhere_known(&mut self, node: NodeId) -> Result<()> {
        if self.knows_elsewhere(node) {
            return Ok(());
        }
        let found = self.story.known().ok_or_else(|| {
            DebuggeeError::other(
                "what the recordings said to each other is still being found out: ask again in a \
                 moment",
            )
        })?;
        self.tell_found(node, &found);
        Ok(())
    }

    fn knows_elsewhere(&self, node: NodeId) -> bool {
        let told = self.spoken_of.told.get(&node).copied();
        told.unwrap_or_default() == self.spoken_of.nodes.len()
    }

    fn tell_found(&mut self, node: NodeId, found: &Arc<Found>) {
        let others = self.ids().filter(|other| *other != node);
        let nodes = others.map(|other| Other {
            name: found.name(other).to_owned(),
            steps: match self.spoken_of.nodes.contains(&other) {
                true => found.progress(node, other),
                false => Vec::new(),
            },
        });
        let elsewhere = Elsewhere {
            nodes: nodes.collect(),
        };
        let spoken_of = self.spoken_of.nodes.len();
        if let Ok(open) = self.node(node) {
            open.set_elsewhere(elsewhere);
            self.spoken_of.told.insert(node, spoken_of);
        }
    }
}

type Result<T> = std::result::Result<T, DebuggeeError>;
