//! What the script says of its code.

use super::{Demo, demo_source};
use rr_dap::debuggee::*;
use rr_dap::timeline::interrupt::Interrupt;

impl Code for Demo {
    fn sources(&mut self) -> Result<Vec<SourceRef>, DebuggeeError> {
        Ok(vec![demo_source()])
    }

    fn source_text(
        &mut self,
        text: &TextRef,
        _: &dyn Output,
        _: &Interrupt,
    ) -> Result<SourceText, DebuggeeError> {
        Ok(SourceText {
            content: format!("(func {})", text.0),
            mime_type: Some("text/x-wasm".into()),
        })
    }

    fn functions_meant(&mut self, name: &str) -> Vec<FunctionView> {
        self.functions(name)
    }

    fn hostcall_paths(&self) -> Vec<String> {
        Vec::new()
    }

    fn globals(&mut self, _: &str) -> Vec<FunctionView> {
        Vec::new()
    }

    fn types(&mut self, _: &str) -> Vec<FunctionView> {
        Vec::new()
    }

    fn code_of_line(&mut self, _: &str, _: u64) -> Vec<String> {
        Vec::new()
    }

    fn symbol_at(&mut self, address: &str, _: Option<FrameId>) -> Result<String, DebuggeeError> {
        Ok(format!("count_up has code at {address}"))
    }

    fn functions(&mut self, pattern: &str) -> Vec<FunctionView> {
        let functions = [("count_up", 3), ("main", 9)].into_iter();
        let fitting = functions.filter(|(name, _)| name.contains(pattern));
        let views = fitting.map(|(name, line)| FunctionView {
            name: name.into(),
            declared: Some((demo_source(), line)),
        });
        views.collect()
    }

    fn modules(&mut self) -> Result<Vec<ModuleView>, DebuggeeError> {
        Ok(vec![ModuleView {
            id: "0".into(),
            name: "demo".into(),
            path: None,
            symbols: Some("DWARF 4".into()),
        }])
    }

    fn disassemble(
        &mut self,
        at: &str,
        _: i64,
        skip: i64,
        count: usize,
    ) -> Result<Vec<InstructionView>, DebuggeeError> {
        let instruction = |nth: usize| InstructionView {
            address: format!("{:#x}", nth + 16),
            bytes: Some("01".into()),
            text: format!("nop ;; {at} {skip}"),
            symbol: None,
            place: Some(FramePlace {
                source: demo_source(),
                point: SourcePoint {
                    line: 1,
                    column: None,
                },
            }),
        };
        Ok((0..count).map(instruction).collect())
    }
}
