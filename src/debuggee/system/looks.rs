//! What the nodes hold where they stand.

use super::System;
use super::tags;
use crate::debuggee::{
    DebuggeeError, EvaluateContext, Format, Frame, FrameId, Frames, Looks, MemoryView, Page, Scope,
    ThreadId, Thrown, ValuesRef, VariableView, Window,
};
use crate::inspect::expression::Telling;
use crate::system::message::NodeId;
use crate::timeline::Interrupt;
use crate::timeline::travel::elsewhere::Elsewhere;

type Result<T> = std::result::Result<T, DebuggeeError>;

impl System {
    /// Whose a frame is; without one, of the present node.
    pub(super) fn of_frame(&self, frame: Option<FrameId>) -> Result<(NodeId, Option<FrameId>)> {
        match frame {
            None => Ok((self.present, None)),
            Some(frame) => {
                let (node, own) = self.frames.frame(frame)?;
                Ok((node, Some(own)))
            }
        }
    }
}

impl System {
    /// Frames of a node, with what tells that they are its.
    fn frames_tagged(&self, node: NodeId, found: Frames) -> Frames {
        let numbers = &self.frames;
        let frames = found.frames.into_iter().map(|frame| Frame {
            id: numbers.number(node, frame.id),
            place: frame.place.map(|place| tags::place(node, place)),
            instruction: frame.instruction.map(|at| tags::tag(node, &at)),
            module: frame.module.map(|module| tags::tag(node, &module)),
            ..frame
        });
        Frames {
            frames: frames.collect(),
            total: found.total,
        }
    }
}

impl Looks for System {
    fn wait_for_code(&mut self, interrupt: Option<&Interrupt>) {
        for open in self.members.iter_mut().filter_map(|m| m.open.as_mut()) {
            open.wait_for_code(interrupt);
        }
    }

    fn frames(&mut self, window: Window) -> Result<Frames> {
        let found = self.here_mut()?.frames(window)?;
        Ok(self.frames_tagged(self.present, found))
    }

    fn frames_of(
        &mut self,
        thread: ThreadId,
        window: Window,
        interrupt: &Interrupt,
    ) -> Result<Frames> {
        let (node, own) = (self.node_of(thread)?, System::own_of(thread));
        let found = self.node(node)?.frames_of(own, window, interrupt)?;
        Ok(self.frames_tagged(node, found))
    }

    fn scopes(&mut self, frame: FrameId) -> Result<Vec<Scope>> {
        let (node, frame) = self.frames.frame(frame)?;
        let scopes = self.node(node)?.scopes(frame)?;
        let messages = self.message_scope(node, frame, &scopes);
        let tagged = scopes.into_iter().map(|scope| Scope {
            children: tags::children(node, scope.children),
            ..scope
        });
        Ok(tagged.chain(messages).collect())
    }

    fn variables(
        &mut self,
        of: &ValuesRef,
        page: Page,
        format: Format,
    ) -> Result<Vec<VariableView>> {
        if let Some(own) = self.own_variables(of, page) {
            return own;
        }
        let (node, own) = tags::untag(self.present, &of.0);
        let own = ValuesRef(own.to_owned());
        let found = self.node(node)?.variables(&own, page, format)?;
        Ok(found
            .into_iter()
            .map(|view| tags::variable(node, view))
            .collect())
    }

    fn evaluate(
        &mut self,
        expression: &str,
        frame: Option<FrameId>,
        context: EvaluateContext,
        format: Format,
    ) -> Result<VariableView> {
        let (node, frame) = self.of_frame(frame)?;
        self.heed(expression);
        if Elsewhere::is_meant(expression) {
            self.tell_elsewhere_known(node)?;
        }
        let view = self
            .node(node)?
            .evaluate(expression, frame, context, format)?;
        Ok(tags::variable(node, view))
    }

    fn names(&mut self, frame: Option<FrameId>) -> Vec<String> {
        let Ok((node, frame)) = self.of_frame(frame) else {
            return Vec::new();
        };
        self.node(node)
            .map(|node| node.names(frame))
            .unwrap_or_default()
    }

    fn declared(&mut self, text: &str, frame: Option<FrameId>, telling: Telling) -> Result<String> {
        let (node, frame) = self.of_frame(frame)?;
        self.node(node)?.declared(text, frame, telling)
    }

    fn read_memory(&mut self, reference: &str, offset: i64, count: usize) -> Result<MemoryView> {
        let (node, own) = tags::untag(self.present, reference);
        let view = self.node(node)?.read_memory(own, offset, count)?;
        Ok(MemoryView {
            address: tags::tag(node, &view.address),
            ..view
        })
    }

    fn handles(&mut self) -> Result<VariableView> {
        let node = self.present;
        Ok(tags::variable(node, self.here_mut()?.handles()?))
    }

    fn futures(&mut self) -> Result<Vec<(usize, String)>> {
        self.here_mut()?.futures()
    }

    fn calling(&mut self) -> Option<String> {
        self.here_mut().ok()?.calling()
    }

    fn thrown(&mut self) -> Option<Thrown> {
        self.here_mut().ok()?.thrown()
    }
}
