//! What the nodes' code is: that of the present one, where several would answer.

use super::System;
use super::tags;
use crate::debuggee::recording::texts::path_of;
use crate::debuggee::{
    Code, Debuggee, DebuggeeError, FrameId, FunctionView, InstructionView, ModuleView, Output,
    SourceOrigin, SourceRef, SourceText, TextRef, VariableInSource,
};
use crate::system::message::NodeId;
use crate::timeline::Interrupt;
use std::collections::HashSet;

type Result<T> = std::result::Result<T, DebuggeeError>;

impl System {
    /// What the present node has by a pattern, or else what others have that are open.
    fn functions_by(
        &mut self,
        find: impl Fn(&mut dyn Debuggee) -> Vec<FunctionView>,
    ) -> Vec<FunctionView> {
        let others = self.ids().filter(|node| *node != self.present);
        let nodes: Vec<NodeId> = std::iter::once(self.present).chain(others).collect();
        for node in nodes {
            let found = self.node(node).map(&find).unwrap_or_default();
            if !found.is_empty() {
                let tagged = found.into_iter().map(|view| FunctionView {
                    declared: view
                        .declared
                        .map(|(source, line)| (tags::source(node, source), line)),
                    ..view
                });
                return tagged.collect();
            }
        }
        Vec::new()
    }
}

impl Code for System {
    fn sources(&mut self) -> Result<Vec<SourceRef>> {
        let mut all = Vec::new();
        let mut known = HashSet::new();
        for node in self.ids() {
            // Of those that nobody has looked at it is not known.
            let Ok(open) = self.node(node) else { continue };
            let found = open.sources()?.into_iter();
            let tagged = found.map(|source| tags::source(node, source));
            // Each node has a text of its own for a file that is nowhere.
            all.extend(tagged.filter(|source| {
                let file = path_of(&tags::of_source(node, &source.origin).1);
                known.insert(file.map_or_else(|| source.origin.clone(), SourceOrigin::File))
            }));
        }
        Ok(all)
    }

    fn source_text(
        &mut self,
        text: &TextRef,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<SourceText> {
        let (node, own) = tags::untag(self.present, &text.0);
        let own = TextRef(own.to_owned());
        // A message leads to one that nobody has looked at yet.
        self.ensure(node, output, interrupt)?;
        self.node(node)?.source_text(&own, output, interrupt)
    }

    fn functions(&mut self, pattern: &str) -> Vec<FunctionView> {
        self.functions_by(|node| node.functions(pattern))
    }

    fn functions_meant(&mut self, name: &str) -> Vec<FunctionView> {
        self.functions_by(|node| node.functions_meant(name))
    }

    fn globals(&mut self, pattern: &str) -> Vec<FunctionView> {
        self.functions_by(|node| node.globals(pattern))
    }

    fn hostcall_paths(&self) -> Vec<String> {
        let here = self.member(self.present).ok();
        let open = here.and_then(|member| member.open.as_ref());
        open.map(|open| open.hostcall_paths()).unwrap_or_default()
    }

    fn types(&mut self, pattern: &str) -> Vec<FunctionView> {
        self.functions_by(|node| node.types(pattern))
    }

    fn code_of_line(&mut self, file: &str, line: u64) -> Vec<String> {
        self.here_mut()
            .map(|node| node.code_of_line(file, line))
            .unwrap_or_default()
    }

    fn variables_of_line(&mut self, file: &str, line: u64) -> Vec<VariableInSource> {
        self.here_mut()
            .map(|node| node.variables_of_line(file, line))
            .unwrap_or_default()
    }

    fn symbol_at(&mut self, address: &str, frame: Option<FrameId>) -> Result<String> {
        let (of_frame, frame) = self.of_frame(frame)?;
        let (node, own) = tags::untag(of_frame, address);
        self.node(node)?.symbol_at(own, frame)
    }

    fn modules(&mut self) -> Result<Vec<ModuleView>> {
        let node = self.present;
        let found = self.here_mut()?.modules()?;
        let tagged = found.into_iter().map(|module| ModuleView {
            id: tags::tag(node, &module.id),
            ..module
        });
        Ok(tagged.collect())
    }

    fn disassemble(
        &mut self,
        at: &str,
        offset: i64,
        skip: i64,
        count: usize,
    ) -> Result<Vec<InstructionView>> {
        let (node, own) = tags::untag(self.present, at);
        let found = self.node(node)?.disassemble(own, offset, skip, count)?;
        let tagged = found.into_iter().map(|line| InstructionView {
            address: tags::tag(node, &line.address),
            place: line.place.map(|place| tags::place(node, place)),
            ..line
        });
        Ok(tagged.collect())
    }
}
