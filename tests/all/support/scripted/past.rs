//! What the script says of its past.

use super::{Demo, WHY, demo_source, wait_for};
use rr_dap::debuggee::*;
use rr_dap::inspect::hostcall::listing::{Listing, Row};
use rr_dap::timeline::interrupt::Interrupt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

impl Past for Demo {
    fn hostcalls(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arc<Listing>, DebuggeeError> {
        if self.name == "endless-list.wasm" {
            wait_for(interrupt, output);
            return Err(DebuggeeError::Interrupted);
        }
        Ok(Arc::default())
    }

    fn hostcall_rows(
        &mut self,
        _: &[u64],
        _: &dyn Output,
        _: &Interrupt,
    ) -> Result<Vec<Row>, DebuggeeError> {
        Ok(Vec::new())
    }

    fn printed(&mut self, calls: Range<u64>, _: Duration) -> Result<Vec<Printed>, DebuggeeError> {
        if self.past.is_none() {
            return Ok(Vec::new());
        }
        if !self.knows_past(false) {
            return Err(DebuggeeError::NotYet);
        }
        let piece = |event: u64| Printed {
            stream: Stream::Stdout,
            event,
            bytes: format!("by {event}\n").into_bytes(),
            place: (
                demo_source(),
                SourcePoint {
                    line: event + 1,
                    column: None,
                },
            ),
        };
        Ok(calls.map(piece).collect())
    }

    fn fault_explained(&mut self) -> Result<Option<String>, DebuggeeError> {
        if !self.knows_past(false) {
            return Err(DebuggeeError::NotYet);
        }
        Ok(self.past.as_ref().map(|_| WHY.to_owned()))
    }

    fn resources(&mut self, _: bool) -> Result<Vec<InstanceHandles>, DebuggeeError> {
        Ok(Vec::new())
    }
}
