//! Whose a name is: what one node's debuggee calls a group of values, a text, bytes or an
//! address, with the number of the node before it.

use crate::debuggee::recording::texts::path_of;
use crate::debuggee::{
    Children, DataId, FramePlace, SourceOrigin, SourceRef, TextRef, ValuesRef, VariableView,
};
use crate::system::message::NodeId;

/// A text of a node.
pub(super) fn tag(node: NodeId, text: &str) -> String {
    format!("n{}/{text}", node.0)
}

/// Whose a text is, and what that node calls it. A text without a tag is `here`'s: people type
/// addresses as they read them elsewhere.
pub(super) fn untag(here: NodeId, text: &str) -> (NodeId, &str) {
    let tagged = text.trim_start().strip_prefix('n').and_then(|rest| {
        let (number, rest) = rest.split_once('/')?;
        Some((NodeId(number.parse().ok()?), rest))
    });
    tagged.unwrap_or((here, text))
}

pub(super) fn values(node: NodeId, values: &ValuesRef) -> ValuesRef {
    ValuesRef(tag(node, &values.0))
}

pub(super) fn children(node: NodeId, of: Children) -> Children {
    Children {
        values: values(node, &of.values),
        ..of
    }
}

pub(super) fn data(node: NodeId, data: &DataId) -> DataId {
    DataId(tag(node, &data.0))
}

pub(super) fn source(node: NodeId, source: SourceRef) -> SourceRef {
    SourceRef {
        origin: match source.origin {
            SourceOrigin::Generated(text) => SourceOrigin::Generated(TextRef(tag(node, &text.0))),
            file @ SourceOrigin::File(_) => file,
        },
        ..source
    }
}

/// Whose a source is; a file may be several nodes'.
pub(super) fn of_source(here: NodeId, source: &SourceOrigin) -> (Option<NodeId>, SourceOrigin) {
    match source {
        SourceOrigin::File(_) => (None, source.clone()),
        SourceOrigin::Generated(text) => {
            let (node, own) = untag(here, &text.0);
            (Some(node), SourceOrigin::Generated(TextRef(own.to_owned())))
        }
    }
}

/// What a source is to a node: the same file, and of a text that stands for a file another node's
/// like. `None` if it has nothing to do with it.
pub(super) fn source_to(node: NodeId, here: NodeId, source: &SourceOrigin) -> Option<SourceOrigin> {
    match of_source(here, source) {
        (None, own) => Some(own),
        (Some(whose), own) if whose == node => Some(own),
        (Some(_), own) => path_of(&own).map(SourceOrigin::File),
    }
}

/// A text of a node without what says whose it is.
pub fn without_node(text: &str) -> &str {
    untag(NodeId(0), text).1
}

pub(super) fn place(node: NodeId, place: FramePlace) -> FramePlace {
    FramePlace {
        source: source(node, place.source),
        ..place
    }
}

pub(super) fn variable(node: NodeId, view: VariableView) -> VariableView {
    VariableView {
        children: view.children.map(|of| children(node, of)),
        memory: view.memory.map(|memory| tag(node, &memory)),
        data: view.data.map(|of| data(node, &of)),
        declared: view.declared.map(|(of, point)| (source(node, of), point)),
        ..view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tagged_comes_back() {
        let node = NodeId(7);
        let text = tag(node, "m0:0x10");
        assert_eq!(untag(NodeId(0), &text), (node, "m0:0x10"));
        assert_eq!(untag(NodeId(3), "0x10"), (NodeId(3), "0x10"));
        assert_eq!(untag(NodeId(3), "name/x"), (NodeId(3), "name/x"));
    }
}
