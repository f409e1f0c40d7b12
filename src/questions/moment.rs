//! Moments, as answers tell them.

use super::Asked;
use crate::debuggee::{TimeOfHost, Travels};
use crate::replay::Position;
use crate::trace::duration_text;
use serde::Serialize;

/// A moment of a recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// What `seek` takes.
    #[serde(serialize_with = "as_text")]
    pub position: Position,
    /// Hostcalls made before it; in a hostcall, its own number.
    pub event: u64,
    /// Since the recording began, in nanoseconds, as the host's clock said last; `None` if the recording does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed: Option<u64>,
    /// What the host's clock on the wall said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

fn as_text<S: serde::Serializer>(position: &Position, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(position)
}

impl Moment {
    /// The moment at which the debuggee stands.
    pub fn here(asked: &Asked<'_>) -> Moment {
        let here = asked.debuggee.here();
        let (position, event) = (here.position, here.event);
        Moment::new(position, event, Travels::time(asked.debuggee))
    }

    /// A moment of which only that is known.
    pub fn new(position: Position, event: u64, time: Option<TimeOfHost>) -> Moment {
        Moment {
            position,
            event,
            elapsed: time.map(|time| u64::try_from(time.elapsed.as_nanos()).unwrap_or(u64::MAX)),
            time: time.and_then(|time| Some(time.wall?.to_string())),
        }
    }
}

impl std::fmt::Display for Moment {
    /// `991:3:0x1f4  event 12`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}  event {}", self.position, self.event)?;
        if let Some(elapsed) = self.elapsed {
            let elapsed = duration_text(std::time::Duration::from_nanos(elapsed));
            write!(f, "  {elapsed}")?;
        }
        Ok(())
    }
}
