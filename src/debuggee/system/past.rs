//! What the present node knows because of all that came before.

use super::System;
use super::tags;
use crate::debuggee::{
    DebuggeeError, InstanceHandles, Output, Past, Printed, TasksShown, WhichRequest,
};
use crate::inspect::hostcall::listing::{Listing, Row};
use crate::inspect::past::requests::{Request, Requests};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Motion};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

type Result<T> = std::result::Result<T, DebuggeeError>;

impl Past for System {
    fn hostcalls(&mut self, output: &dyn Output, interrupt: &Interrupt) -> Result<Arc<Listing>> {
        self.here_mut()?.hostcalls(output, interrupt)
    }

    fn hostcall_rows(
        &mut self,
        events: &[u64],
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Vec<Row>> {
        self.here_mut()?.hostcall_rows(events, output, interrupt)
    }

    fn requests(&mut self, interrupt: &Interrupt) -> Result<Arc<Requests>> {
        self.here_mut()?.requests(interrupt)
    }

    fn request_here(&mut self) -> Option<Request> {
        self.here_mut().ok()?.request_here()
    }

    fn to_request(&mut self, which: WhichRequest) -> Result<(u64, Motion)> {
        self.here_mut()?.to_request(which)
    }

    fn to_result(&mut self, direction: Direction, interrupt: &Interrupt) -> Result<Motion> {
        self.here_mut()?.to_result(direction, interrupt)
    }

    fn printed(&mut self, calls: Range<u64>, patience: Duration) -> Result<Vec<Printed>> {
        let node = self.present;
        let found = self.here_mut()?.printed(calls, patience)?;
        let tagged = found.into_iter().map(|printed| Printed {
            place: (tags::source(node, printed.place.0), printed.place.1),
            ..printed
        });
        Ok(tagged.collect())
    }

    fn resources(&mut self, at_end: bool) -> Result<Vec<InstanceHandles>> {
        self.here_mut()?.resources(at_end)
    }

    fn tasks(&mut self, at_end: bool) -> Result<TasksShown> {
        self.here_mut()?.tasks(at_end)
    }

    fn fault_explained(&mut self) -> Result<Option<String>> {
        self.here_mut()?.fault_explained()
    }
}
