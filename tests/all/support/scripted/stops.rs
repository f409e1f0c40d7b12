//! Where the script stops.

use super::{Demo, LINES, PATH, unverified};
use rr_dap::debuggee::*;
use rr_dap::timeline::travel::motion::BreakpointId;
use std::ops::RangeInclusive;

impl Stops for Demo {
    fn set_source_breakpoints(
        &mut self,
        source: &SourceOrigin,
        breakpoints: &[SourceBreakpointRequest],
    ) -> Vec<BreakpointState> {
        self.lines.clear();
        let mut states = Vec::new();
        for wanted in breakpoints {
            let line = wanted.point.line;
            let id = 100 + line as u32;
            if *source != SourceOrigin::File(PATH.into()) {
                states.push(unverified(id, "no such file in the program"));
            } else if !LINES.contains(&line) {
                states.push(unverified(id, "no code at this line"));
            } else {
                self.lines.push((line, BreakpointId(id)));
                states.push(BreakpointState {
                    source: None,
                    id: BreakpointId(id),
                    verified: true,
                    point: Some(wanted.point),
                    message: wanted.when.condition.clone(),
                    instruction: Some("0:0x104".into()),
                });
            }
        }
        states
    }

    fn set_function_breakpoints(
        &mut self,
        breakpoints: &[FunctionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        let ids = (200..).take(breakpoints.len()).map(BreakpointId);
        self.functions = ids.collect();
        let state = |id: &BreakpointId| BreakpointState {
            source: None,
            id: *id,
            verified: true,
            point: None,
            message: None,
            instruction: None,
        };
        self.functions.iter().map(state).collect()
    }

    fn set_instruction_breakpoints(
        &mut self,
        breakpoints: &[InstructionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        breakpoints.iter().map(|_| unverified(300, "no")).collect()
    }

    fn set_exception_filters(&mut self, filters: &[FilterRequest]) -> Vec<BreakpointState> {
        filters.iter().map(|_| unverified(400, "no")).collect()
    }

    fn set_data_breakpoints(&mut self, wanted: &[DataBreakpointRequest]) -> Vec<BreakpointState> {
        let state = |_: &DataBreakpointRequest| BreakpointState {
            source: None,
            id: BreakpointId(900),
            verified: true,
            point: None,
            message: None,
            instruction: None,
        };
        wanted.iter().map(state).collect()
    }

    fn data(&mut self, meant: &DataMeant) -> Result<Data, DebuggeeError> {
        match meant {
            DataMeant::Expression { text, .. } if text == "gone" => {
                Err(DebuggeeError::other("`gone` is not in memory here"))
            }
            _ => Ok(Data {
                id: DataId("0:0:0x10:4".into()),
                description: "4 bytes at 0x10".into(),
            }),
        }
    }

    fn breakpoint_locations(
        &mut self,
        _: &SourceOrigin,
        lines: RangeInclusive<u64>,
    ) -> Result<Vec<SourcePoint>, DebuggeeError> {
        let within = (1..=6).filter(|line| lines.contains(line));
        Ok(within
            .map(|line| SourcePoint {
                line,
                column: Some(3),
            })
            .collect())
    }
}
