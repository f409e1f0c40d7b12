//! `hottest`: which functions and lines took the most ticks.

use super::{Asked, Question, QuestionError, Words};
use crate::debuggee::grouped;
use crate::inspect::profile::{Function, FunctionId, Kind, Profile, Totals};
use serde::Serialize;
use std::fmt;

/// Functions or lines that are told unless more are wanted.
const USUAL: usize = 20;

/// Which functions took the most ticks?
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hottest {
    /// Lines instead of functions.
    pub lines: bool,
    /// By what they took together with what they call, not by their own.
    pub total: bool,
    /// Only what ran in calls of the functions of this name.
    pub under: Option<String>,
    /// How many are told.
    pub limit: Option<usize>,
    /// The hottest ones that are left out.
    pub after: u64,
}

/// Those.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HottestAnswer {
    /// Only what ran in calls of this function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under: Option<String>,
    /// All ticks: a tick is counted at each entry of a function and at each pass of a loop's
    /// header.
    pub ticks: u64,
    /// The hottest first: functions, or lines.
    pub hottest: Vec<Hot>,
    /// How many more took any.
    pub more: usize,
    /// Whether callers were not kept of all: totals are of what is known then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// A function or a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hot {
    /// The function; `None` for a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The line, or where the function is declared: `FILE:LINE`, with the path of the debug
    /// information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Ticks in its own code.
    pub own: u64,
    /// Ticks with all that it calls; what is on the stack several times counts once.
    pub total: u64,
    /// Of all ticks, in per cent.
    pub own_percent: f64,
    /// The same with all that it calls.
    pub total_percent: f64,
    /// How often it was called; `None` for a line, and where it was inlined everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Whether some of its calls were inlined, and are not among those.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inlined: bool,
}

impl Hottest {
    /// Reads what follows the word.
    ///
    /// # Errors
    ///
    /// If it is not understood.
    pub fn read(text: &str) -> Result<Hottest, QuestionError> {
        let words = Words::read(text, &["lines", "total"])?;
        if words.condition.is_some() {
            return Err(QuestionError::wrong("there is no --where here"));
        }
        let under = match words.rest.split_once(' ') {
            _ if words.rest.is_empty() => None,
            Some(("under", name)) => Some(name.trim().to_owned()),
            _ => {
                return Err(QuestionError::wrong(format!(
                    "`{}` is not `under FUNCTION`",
                    words.rest
                )));
            }
        };
        Ok(Hottest {
            lines: words.has("lines"),
            total: words.has("total"),
            under,
            limit: words.limit,
            after: words.after.unwrap_or_default(),
        })
    }
}

impl Question for Hottest {
    type Answer = HottestAnswer;

    fn answer(&self, asked: &mut Asked<'_>) -> Result<HottestAnswer, QuestionError> {
        let profile = asked.debuggee.profile(asked.output, asked.interrupt)?;
        let under = self.under.as_deref();
        let under = under.map(|name| named(&profile, name)).transpose()?;
        let totals = Totals::of(&profile, under.as_deref());
        let mut hottest = match self.lines {
            true => lines(&totals),
            false => functions(&profile, &totals),
        };
        let heat = |hot: &Hot| match self.total {
            true => (hot.total, hot.own),
            false => (hot.own, hot.total),
        };
        hottest.sort_by(|a, b| {
            let names = || (&a.function, &a.place).cmp(&(&b.function, &b.place));
            heat(b).cmp(&heat(a)).then_with(names)
        });
        let after = usize::try_from(self.after).map_or(hottest.len(), |n| n.min(hottest.len()));
        hottest.drain(..after);
        let all = hottest.len();
        hottest.truncate(self.limit.unwrap_or(USUAL));
        Ok(HottestAnswer {
            under: self.under.clone(),
            ticks: totals.ticks,
            more: all - hottest.len(),
            hottest,
            incomplete: profile.contexts().is_full(),
        })
    }
}

/// The functions that a person means: the whole name, or its end.
fn named(profile: &Profile, name: &str) -> Result<Vec<FunctionId>, QuestionError> {
    let functions = (0..).map(FunctionId).zip(profile.functions());
    let is_meant = |function: &Function| {
        let before = function.name.strip_suffix(name);
        before.is_some_and(|before| before.is_empty() || before.ends_with("::"))
    };
    let meant = functions.filter(|(_, function)| is_meant(function));
    let meant: Vec<FunctionId> = meant.map(|(id, _)| id).collect();
    match meant.is_empty() {
        true => Err(QuestionError::wrong(format!(
            "no function named {name} ran"
        ))),
        false => Ok(meant),
    }
}

fn percent(part: u64, of: u64) -> f64 {
    let percent = part as f64 * 100.0 / of.max(1) as f64;
    (percent * 100.0).round() / 100.0
}

fn functions(profile: &Profile, totals: &Totals) -> Vec<Hot> {
    let all = profile.functions().iter().zip(&totals.functions);
    let all = all.filter(|(function, total)| {
        total.with_callees > 0 && matches!(function.kind, Kind::Guest | Kind::Library)
    });
    let all = all.map(|(function, total)| Hot {
        function: Some(function.name.to_string()),
        place: function
            .file
            .as_ref()
            .map(|file| format!("{file}:{}", function.line)),
        own: total.own,
        total: total.with_callees,
        own_percent: percent(total.own, totals.ticks),
        total_percent: percent(total.with_callees, totals.ticks),
        calls: Some(total.calls).filter(|calls| *calls > 0),
        inlined: total.is_inlined,
    });
    all.collect()
}

fn lines(totals: &Totals) -> Vec<Hot> {
    let all = totals.lines.iter();
    let all = all.filter(|(_, total)| total.with_callees > 0);
    let all = all.map(|((file, line), total)| Hot {
        function: None,
        place: Some(format!("{file}:{line}")),
        own: total.own,
        total: total.with_callees,
        own_percent: percent(total.own, totals.ticks),
        total_percent: percent(total.with_callees, totals.ticks),
        calls: None,
        inlined: false,
    });
    all.collect()
}

impl fmt::Display for HottestAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ticks", grouped(self.ticks))?;
        if let Some(under) = &self.under {
            write!(f, " in calls of {under}")?;
        }
        if self.hottest.is_empty() {
            return f.write_str(", and none in code with lines");
        }
        write!(
            f,
            "\n{:>15} {:>7}  {:>15} {:>7}  {:>12}",
            "own", "", "with callees", "", "calls"
        )?;
        for hot in &self.hottest {
            write!(f, "\n{hot}")?;
        }
        if self.more > 0 {
            write!(f, "\n… {} more …", grouped(self.more as u64))?;
        }
        if self.incomplete {
            f.write_str("\nthere were more calling contexts than are kept: calls of some functions are not among what their callers took")?;
        }
        Ok(())
    }
}

impl fmt::Display for Hot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = match (self.calls, self.inlined) {
            (Some(calls), false) => grouped(calls),
            (Some(calls), true) => format!("{}+", grouped(calls)),
            (None, true) => "inlined".to_owned(),
            (None, false) => String::new(),
        };
        write!(
            f,
            "{:>15} {:>5.1} %  {:>15} {:>5.1} %  {calls:>12}  ",
            grouped(self.own),
            self.own_percent,
            grouped(self.total),
            self.total_percent,
        )?;
        let file = self
            .place
            .as_deref()
            .map(|place| place.rsplit('/').next().unwrap_or(place));
        match (&self.function, file) {
            (Some(function), Some(file)) => write!(f, "{function} ({file})"),
            (Some(function), None) => f.write_str(function),
            (None, file) => f.write_str(file.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Hottest;

    #[test]
    fn what_is_asked_is_read() {
        let read = |text| Hottest::read(text);
        assert_eq!(read("").unwrap(), Hottest::default());
        let asked = read("--lines under shop::sum --total --limit 5").unwrap();
        assert_eq!(asked.under.as_deref(), Some("shop::sum"));
        assert!(asked.lines && asked.total && asked.limit == Some(5));
        for wrong in ["sum", "under", "--where x", "--nonsense"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
