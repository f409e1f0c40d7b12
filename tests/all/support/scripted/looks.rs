//! What the script shows at a moment.

use super::{Demo, demo_source};
use rr_dap::debuggee::*;
use rr_dap::inspect::expression::Telling;

impl Looks for Demo {
    fn frames(&mut self, window: Window) -> Result<Frames, DebuggeeError> {
        let point = SourcePoint {
            line: self.line(),
            column: None,
        };
        let main = Frame {
            id: FrameId(1),
            name: "main".into(),
            place: Some(FramePlace {
                source: demo_source(),
                point,
            }),
            instruction: Some(format!("0:{:#x}", self.here.position.pc)),
            module: Some("0".into()),
            presentation: Presentation::Normal,
        };
        let start = Frame {
            id: FrameId(0),
            name: "_start".into(),
            place: Some(FramePlace {
                source: SourceRef {
                    name: "_start.wat".into(),
                    origin: SourceOrigin::Generated(TextRef("0:0".into())),
                    note: None,
                },
                point: SourcePoint {
                    line: 1,
                    column: Some(1),
                },
            }),
            presentation: Presentation::Subtle,
            ..main.clone()
        };
        let frames = [main, start];
        let levels = window.levels.unwrap_or(frames.len());
        Ok(Frames {
            frames: frames
                .iter()
                .skip(window.start)
                .take(levels)
                .cloned()
                .collect(),
            total: frames.len(),
        })
    }

    fn scopes(&mut self, frame: FrameId) -> Result<Vec<Scope>, DebuggeeError> {
        if frame.0 > 1 {
            return Err(DebuggeeError::other("there is no such frame"));
        }
        let values = ValuesRef(format!("{}/locals", frame.0));
        let children = Children {
            values,
            named: Some(2),
            indexed: None,
        };
        Ok(vec![Scope {
            name: "Locals".into(),
            hint: ScopeHint::Locals,
            children,
            expensive: false,
        }])
    }

    fn variables(
        &mut self,
        of: &ValuesRef,
        page: Page,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let number = |value: usize| format.notation.number(value as i128);
        let plain = |name: &str, value: String| VariableView {
            name: name.into(),
            value,
            type_name: Some("int".into()),
            ..VariableView::default()
        };
        let handle = match self.knows_past(true) {
            true => "1 (stdout)",
            false => "1",
        };
        let all = match of.0.rsplit('/').next() {
            _ if self.past.is_some() => vec![plain("handle", handle.to_owned())],
            Some("point") => vec![plain("x", number(16)), plain("y", number(2))],
            _ => vec![
                plain("at", number(self.at())),
                VariableView {
                    children: Some(Children {
                        values: ValuesRef(format!("{}/point", of.0)),
                        named: Some(2),
                        indexed: None,
                    }),
                    memory: Some("0:0x400".into()),
                    declared: Some((
                        demo_source(),
                        SourcePoint {
                            line: 2,
                            column: Some(16),
                        },
                    )),
                    evaluate_name: Some("point".into()),
                    ..plain("point", "{…}".into())
                },
            ],
        };
        let count = page.count.unwrap_or(all.len());
        Ok(all.into_iter().skip(page.start).take(count).collect())
    }

    fn evaluate(
        &mut self,
        expression: &str,
        _: Option<FrameId>,
        _: EvaluateContext,
        _: Format,
    ) -> Result<VariableView, DebuggeeError> {
        match expression {
            "at" => Ok(VariableView {
                value: self.at().to_string(),
                ..VariableView::default()
            }),
            _ => Err(DebuggeeError::other(format!(
                "`{expression}` is not known here"
            ))),
        }
    }

    fn names(&mut self, _: Option<FrameId>) -> Vec<String> {
        vec!["count".into(), "counter".into(), "$event".into()]
    }

    fn declared(
        &mut self,
        text: &str,
        _: Option<FrameId>,
        _: Telling,
    ) -> Result<String, DebuggeeError> {
        Ok(format!("{text}: 4 bytes"))
    }

    fn read_memory(
        &mut self,
        _: &str,
        offset: i64,
        count: usize,
    ) -> Result<MemoryView, DebuggeeError> {
        Ok(MemoryView {
            address: format!("{:#x}", 0x400 + offset),
            bytes: b"foo".iter().copied().take(count).collect(),
            unreadable: count.saturating_sub(3) as u64,
        })
    }

    fn handles(&mut self) -> Result<VariableView, DebuggeeError> {
        if !self.knows_past(false) {
            return Err(DebuggeeError::NotYet);
        }
        Ok(VariableView {
            value: "1 table, 3 handles".into(),
            children: Some(Children {
                values: ValuesRef("handles".into()),
                named: Some(1),
                indexed: None,
            }),
            ..VariableView::default()
        })
    }

    fn calling(&mut self) -> Option<String> {
        None
    }
}
