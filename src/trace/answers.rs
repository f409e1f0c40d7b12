//! What a recording says of one call out of the guest: its answer, looked up by the
//! call's number.

use super::event::EventKind;
use super::reader::{Trace, TraceError};
use crate::component::CrossingId;
use crate::component::types::CoreValue;

/// Events that an answer is searched for in: a call of another component may hold any
/// number of calls of its own.
const MAX_LOOK_AHEAD: usize = 100_000;

/// What a recording says of a call out of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The call returns, and this is what came back.
    Answered(Answered),
    /// The recording ends before the call returns.
    Missing,
    /// It returns after so many other events that they were not looked through.
    Far,
}

/// How a call out of the guest was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Flat results.
    pub results: Vec<CoreValue>,
    /// What the far side wrote into the memory of the crossing, in order.
    pub writes: Vec<Written>,
    /// Outgoing crossings made before it returned, itself included.
    pub events: u64,
}

/// Bytes that the far side wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The crossing that the recording counts them to.
    pub crossing: CrossingId,
    /// Where in the memory of the crossing they begin, in bytes.
    pub address: u64,
    /// What is there when it has written.
    pub bytes: Vec<u8>,
}

impl Trace {
    /// The answer to the call out with this number.
    ///
    /// # Errors
    ///
    /// If the trace is damaged there.
    pub fn answer_to(&self, event: u64) -> Result<Recorded, TraceError> {
        let mut cursor = self.events_from(event)?;
        let Some(call) = cursor.next()? else {
            return Ok(Recorded::Missing);
        };
        let memory = |id| {
            self.component()
                .crossing(id)
                .map(|crossing| crossing.memory)
        };
        let mut writes = Vec::new();
        let mut inside = 0u64;
        for _ in 0..MAX_LOOK_AHEAD {
            let Some(next) = cursor.next()? else {
                return Ok(Recorded::Missing);
            };
            match next.kind {
                EventKind::Call(_) | EventKind::Enter(_) => inside += 1,
                EventKind::Return(results) if inside == 0 => {
                    return Ok(Recorded::Answered(Answered {
                        results,
                        writes,
                        events: cursor.event(),
                    }));
                }
                EventKind::Return(_) | EventKind::Leave(_) => inside = inside.saturating_sub(1),
                EventKind::Write { address, bytes } => {
                    let is_own = next.instance == call.instance
                        && memory(next.crossing) == memory(call.crossing);
                    if is_own {
                        writes.push(Written {
                            crossing: next.crossing,
                            address,
                            bytes,
                        });
                    }
                }
                EventKind::Hash(_) => {}
            }
        }
        Ok(Recorded::Far)
    }
}
