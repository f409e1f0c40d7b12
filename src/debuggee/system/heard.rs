//! What one node said and was told, and when: listened to once, and kept.

use crate::cache::CacheDir;
use crate::replay::Compiled;
use crate::replay::variant::Variant;
use crate::system::conversation::Conversations;
use crate::system::listening::{self, conversations};
use crate::timeline::Finding;
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
    /// whether anybody wants to know. Of one that cannot be replayed nothing is heard, and it is
    /// said why.
    pub fn of(
        trace: &Arc<Trace>,
        cache: &CacheDir,
        go_on: impl Fn() -> bool + Clone + Send + 'static,
    ) -> Heard {
        let finding = Finding {
            name: "conversations",
            version: listening::VERSION,
            parameters: &[],
        };
        let key = finding.of(trace);
        if let Some(conversations) = key.as_ref().and_then(|key| key.read(cache)) {
            return Heard::at(trace, conversations);
        }
        let variant = Variant::for_whole(trace.outcome());
        let heard = Compiled::prepare(trace, cache, variant, &|_, _| {})
            .map_err(|error| error.to_string())
            .and_then(|compiled| {
                conversations(trace, &compiled, go_on.clone()).map_err(|error| error.to_string())
            });
        let conversations = heard.unwrap_or_else(|why| Conversations {
            events: trace.readable_hostcalls().0,
            cut_short: Some(why),
            ..Conversations::default()
        });
        if let (Some(key), None, true) = (key, &conversations.cut_short, go_on()) {
            key.keep(&conversations, cache);
        }
        Heard::at(trace, conversations)
    }

    fn at(trace: &Trace, conversations: Conversations) -> Heard {
        Heard {
            conversations,
            times: HostTimes::of(trace),
        }
    }
}
