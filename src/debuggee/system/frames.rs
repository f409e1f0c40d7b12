//! Numbers for the frames of all nodes: each node's debuggee numbers its own, with all of 32 bits.

use crate::debuggee::{DebuggeeError, FrameId};
use crate::system::message::NodeId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// When there are more, numbers are given anew: those of stops that are long gone.
const MOST: usize = 1 << 20;

/// What the numbers of frames mean; the same number for the same frame of a node.
///
/// Clones are the same: a twin understands the numbers that its system has given.
#[derive(Clone, Default)]
pub(super) struct FrameNumbers(Arc<Mutex<Numbers>>);

#[derive(Default)]
struct Numbers {
    numbers: HashMap<(NodeId, FrameId), FrameId>,
    frames: HashMap<FrameId, (NodeId, FrameId)>,
    last: u32,
}

impl FrameNumbers {
    /// The number of a node's frame.
    pub(super) fn number(&self, node: NodeId, own: FrameId) -> FrameId {
        let numbers = &mut *self.0.lock();
        if let Some(known) = numbers.numbers.get(&(node, own)) {
            return *known;
        }
        if numbers.frames.len() >= MOST {
            numbers.numbers.clear();
            numbers.frames.clear();
        }
        // The protocol wants positive numbers below 2³¹; what had them so long ago is forgotten.
        numbers.last = (numbers.last + 1) % (1 << 31);
        let number = FrameId(numbers.last);
        numbers.numbers.insert((node, own), number);
        numbers.frames.insert(number, (node, own));
        number
    }

    /// Whose a frame is, and what that node calls it.
    pub(super) fn frame(&self, number: FrameId) -> Result<(NodeId, FrameId), DebuggeeError> {
        let found = self.0.lock().frames.get(&number).copied();
        found.ok_or_else(|| DebuggeeError::other("there is no such frame here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_nodes_with_the_same_number_are_told_apart() {
        let numbers = FrameNumbers::default();
        let own = [FrameId(0), FrameId(7), FrameId(u32::MAX)];
        for node in [NodeId(0), NodeId(3)] {
            for own in own {
                let number = numbers.number(node, own);
                assert_eq!(numbers.number(node, own), number);
                assert_eq!(numbers.clone().frame(number), Ok((node, own)));
            }
        }
        assert!(numbers.frame(FrameId(999)).is_err());
    }
}
