//! Tells the client that a recording which is still being written has become longer.

use super::{Session, motion};
use crate::dap::protocol::custom::{GrownEventBody, ToldMoment};
use crate::dap::protocol::{Event, InvalidatedAreas, OutputEventCategory};
use crate::dap::reporter::say;

/// What the client knows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    events: u64,
    /// It has been told that there will be more.
    is_growing: bool,
}

impl Session {
    /// There is more than when the program came to stand.
    pub(super) fn take_in_growth(&mut self) {
        let Ok(debuggee) = self.debuggee() else {
            return;
        };
        if let Err(error) = debuggee.become_longer() {
            let message = error.to_string();
            self.complain(&message);
            return;
        }
        if self.tell_growth() && self.client.supports_invalidated_event {
            // It is called after how much there is.
            let areas = vec![InvalidatedAreas::Threads];
            self.outbox.event(&motion::invalidated(areas));
        }
    }

    /// Tells how much there is, if that is more than was told; whether it was.
    pub(super) fn tell_growth(&mut self) -> bool {
        let before = self.growth;
        let Ok(debuggee) = self.debuggee() else {
            return false;
        };
        let history = debuggee.history();
        let now = Told {
            events: history.events,
            is_growing: history.is_growing,
        };
        if now == before || !(now.is_growing || before.is_growing) {
            return false;
        }
        let event = debuggee.here().event.max(history.events);
        let end = history.end;
        let grown = GrownEventBody {
            events: history.events,
            growing: history.is_growing,
            end: end.map(|end| ToldMoment::new(&history, event, end)),
            ending: history.ending.clone(),
        };
        self.growth = now;
        self.tell_time();
        self.outbox.event(&Event::Grown(grown));
        if !now.is_growing {
            let told = format!("the recording is complete: {}", history.ending);
            say(&self.outbox, OutputEventCategory::Console, &told);
        }
        true
    }
}
