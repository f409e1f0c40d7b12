//! What one node said and was told, and when: listened to once, and kept.

use crate::cache::CacheDir;
use crate::replay::Compiled;
use crate::replay::found::Finding;
use crate::replay::variant::Variant;
use crate::system::conversation::Conversations;
use crate::system::listening::{self, conversations};
use crate::trace::{HostTimes, Trace};
use std::sync::Arc;

/// What one node said and was told, and when.
pub struct Heard {
    /// With whom it spoke.
    pub conversations: Conversations,
    /// The clock of its host.
    pub times: HostTimes,
}

impl Heard {
    /// Listens to a recording, or has it from who listened before. `go_on` is asked now and then
    /// whether anybody wants to know.
    ///
    /// # Errors
    ///
    /// If its code cannot be compiled or loaded.
    pub fn of(
        trace: &Arc<Trace>,
        cache: &CacheDir,
        go_on: impl Fn() -> bool + Clone + Send + 'static,
    ) -> Result<Heard, String> {
        let times = HostTimes::of(trace);
        let finding = Finding {
            name: "conversations",
            version: listening::VERSION,
            parameters: &[],
        };
        let key = finding.of(trace);
        if let Some(conversations) = key.as_ref().and_then(|key| key.read(cache)) {
            return Ok(Heard {
                conversations,
                times,
            });
        }
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", trace.path().display());
        let variant = Variant::for_whole(trace.outcome());
        let compiled = Compiled::prepare(trace, cache, variant, &|_, _| {});
        let compiled = compiled.map_err(|error| failed(&error))?;
        let conversations =
            conversations(trace, &compiled, go_on.clone()).map_err(|error| failed(&error))?;
        if let (Some(key), None, true) = (key, &conversations.cut_short, go_on()) {
            key.keep(&conversations, cache);
        }
        Ok(Heard {
            conversations,
            times,
        })
    }
}
