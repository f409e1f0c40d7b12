//! Which recordings of a service are kept.

use crate::trace::{NotedAnswer, Outcome, parse_duration};
use std::str::FromStr;
use std::time::Duration;

/// A reason to keep a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    All,
    /// Its instance trapped, or the host failed it.
    Trap,
    /// A request in it had such a status, in hundreds.
    Status(u16),
    /// A request in it took so long.
    Slow(Duration),
    /// It is each N-th.
    Sample(u64),
    /// It is one of the last N that nothing else keeps.
    Last(usize),
}

/// Why recordings are kept; any of these will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep(Vec<Reason>);

impl Default for Keep {
    /// All of them.
    fn default() -> Self {
        Keep(vec![Reason::All])
    }
}

/// What is to become of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is kept; it is one of something that failed, or not.
    Kept {
        failed: bool,
    },
    /// It is kept until there are so many later ones of this kind.
    AmongTheLast(usize),
    Dropped,
}

impl Keep {
    /// Whether all are kept, so that they can be written at once.
    pub(super) fn is_all(&self) -> bool {
        self.0.contains(&Reason::All)
    }

    /// What is to become of the `number`-th recording of a service, from 1.
    pub(super) fn verdict<'a>(
        &self,
        number: u64,
        outcome: &Outcome,
        answers: impl Iterator<Item = &'a NotedAnswer> + Clone,
    ) -> Verdict {
        let trapped = matches!(outcome, Outcome::Trapped(_) | Outcome::HostError(_));
        let has_status = |hundreds: u16| {
            let mut statuses = answers.clone().filter_map(|answer| answer.status);
            statuses.any(|status| status / 100 == hundreds)
        };
        let failed = trapped || has_status(5);
        let holds = |reason: &Reason| match *reason {
            Reason::All => true,
            Reason::Trap => trapped,
            Reason::Status(hundreds) => has_status(hundreds),
            Reason::Slow(least) => {
                let mut durations = answers.clone().map(|answer| answer.duration);
                durations.any(|duration| Duration::from_nanos(duration) >= least)
            }
            Reason::Sample(each) => number % each == 1 % each,
            Reason::Last(_) => false,
        };
        if self.0.iter().any(holds) {
            return Verdict::Kept { failed };
        }
        let mut last = self.0.iter().filter_map(|reason| match reason {
            Reason::Last(most) => Some(*most),
            _ => None,
        });
        last.next().map_or(Verdict::Dropped, Verdict::AmongTheLast)
    }
}

/// What is wrong with a reason to keep recordings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a reason to keep a recording: there are all, trap, 5xx, 4xx, slow=500ms, \
     sample=1/100 and last=50"
)]
pub struct UnknownReason(String);

impl FromStr for Keep {
    type Err = UnknownReason;

    /// Reasons with commas between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reasons = text.split(',').map(|reason| {
            parsed(reason.trim()).ok_or_else(|| UnknownReason(reason.trim().to_owned()))
        });
        reasons.collect::<Result<_, _>>().map(Keep)
    }
}

fn parsed(text: &str) -> Option<Reason> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    match (name, value) {
        ("all", None) => Some(Reason::All),
        ("trap", None) => Some(Reason::Trap),
        ("5xx", None) => Some(Reason::Status(5)),
        ("4xx", None) => Some(Reason::Status(4)),
        ("slow", Some(least)) => duration(least).map(Reason::Slow),
        ("sample", Some(part)) => {
            let each: u64 = part.strip_prefix("1/")?.parse().ok()?;
            (each > 0).then_some(Reason::Sample(each))
        }
        ("last", Some(most)) => most.parse().ok().map(Reason::Last),
        _ => None,
    }
}

/// A duration as people write it: `500ms`, `1.5s`, `2m`; a number alone is seconds.
pub fn duration(text: &str) -> Option<Duration> {
    parse_duration(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, duration: Duration) -> NotedAnswer {
        NotedAnswer {
            status: Some(status),
            duration: duration.as_nanos() as u64,
            ..NotedAnswer::default()
        }
    }

    #[test]
    fn any_reason_keeps_a_recording() {
        let keep: Keep = "trap, 5xx,slow=500ms,sample=1/100,last=50".parse().unwrap();
        let returned = Outcome::Returned {
            success: true,
            result: None,
        };
        let quick = [answer(200, Duration::from_millis(3))];
        let verdict = |number, outcome: &Outcome, answers: &[NotedAnswer]| {
            keep.verdict(number, outcome, answers.iter())
        };
        assert_eq!(verdict(2, &returned, &quick), Verdict::AmongTheLast(50));
        assert_eq!(
            verdict(1, &returned, &quick),
            Verdict::Kept { failed: false }
        );
        assert_eq!(
            verdict(101, &returned, &quick),
            Verdict::Kept { failed: false }
        );
        let trapped = Outcome::Trapped("unreachable".into());
        assert_eq!(verdict(2, &trapped, &quick), Verdict::Kept { failed: true });
        let failed = [quick[0].clone(), answer(503, Duration::ZERO)];
        assert_eq!(
            verdict(2, &returned, &failed),
            Verdict::Kept { failed: true }
        );
        let slow = [answer(404, Duration::from_secs(1))];
        assert_eq!(
            verdict(2, &returned, &slow),
            Verdict::Kept { failed: false }
        );
        let only: Keep = "4xx".parse().unwrap();
        assert_eq!(only.verdict(1, &trapped, quick.iter()), Verdict::Dropped);
    }

    #[test]
    fn what_is_no_reason_is_named() {
        for wrong in [
            "",
            "traps",
            "slow",
            "slow=fast",
            "sample=1/0",
            "sample=2",
            "last=-1",
        ] {
            let error = wrong.parse::<Keep>().unwrap_err().to_string();
            assert!(error.contains("sample=1/100"), "{error}");
        }
    }

    #[test]
    fn durations_have_units() {
        for (text, milliseconds) in [("1s", 1000), ("2", 2000), ("1.5s", 1500), ("20ms", 20)] {
            assert_eq!(duration(text), Some(Duration::from_millis(milliseconds)));
        }
        for wrong in ["", "s", "1d", "-1s", "fast"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
