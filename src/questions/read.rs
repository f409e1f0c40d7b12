//! Questions from text: which there are, and what follows their words.

use super::{
    Answer, Asked, Calls, Diff, Hottest, Leaks, Memory, OriginOf, Part, Question, QuestionError,
    Values, Visits, Waiting, Why, Writes,
};

/// A question that has been read.
pub struct Asking {
    kind: &'static Kind,
    ask: Box<Ask>,
}

type Ask = dyn Fn(&mut Asked<'_>) -> Result<Answer, QuestionError> + Send;
type Read = fn(&'static Kind, &str) -> Result<Asking, QuestionError>;

/// A sort of question.
pub struct Kind {
    /// The word that it begins with.
    pub word: &'static str,
    /// What follows it.
    pub arguments: &'static str,
    /// What it answers.
    pub about: &'static str,
    /// Whether the answer depends on where it is asked.
    pub is_of_moment: bool,
    read: Read,
}

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking")
            .field("kind", &self.kind.word)
            .finish_non_exhaustive()
    }
}

impl Asking {
    /// Which sort of question it is.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Asks it.
    ///
    /// # Errors
    ///
    /// As [`Question::answer`].
    pub fn ask(&self, asked: &mut Asked<'_>) -> Result<Answer, QuestionError> {
        asked.debuggee.wait_for_code(Some(asked.interrupt));
        let answered = (self.ask)(asked);
        asked.debuggee.wait_for_code(None);
        answered
    }
}

fn asking<Q: Question + 'static>(
    kind: &'static Kind,
    question: Q,
) -> Result<Asking, QuestionError> {
    let ask = move |asked: &mut Asked<'_>| {
        let answer = question.answer(asked)?;
        Ok(Answer {
            question: kind.word,
            text: answer.to_string(),
            answer: serde_json::to_value(&answer)?,
        })
    };
    Ok(Asking {
        kind,
        ask: Box::new(ask),
    })
}

static KINDS: &[Kind] = &[
    Kind {
        word: "why",
        arguments: "",
        about: "why the run failed: what trapped and where, the last hostcall that failed, and where the value comes from that was wrong",
        is_of_moment: true,
        read: |kind, text| asking(kind, Why::read(text)?),
    },
    Kind {
        word: "origin",
        arguments: "EXPRESSION [@POSITION]",
        about: "where a value comes from: back through copies to a computation, a constant or what a hostcall brought",
        is_of_moment: true,
        read: |kind, text| asking(kind, OriginOf::read(text)?),
    },
    Kind {
        word: "writes",
        arguments: "[--all] [--limit N] [--after N] EXPRESSION",
        about: "every write of a value in memory, with who wrote and what; with --all, those of the same value, too",
        is_of_moment: true,
        read: |kind, text| asking(kind, Writes::read(text)?),
    },
    Kind {
        word: "visits",
        arguments: "FILE:LINE [--where CONDITION] [--limit N] [--after N]",
        about: "how often a line ran, with the first and the last times",
        is_of_moment: false,
        read: |kind, text| asking(kind, Visits::read(text)?),
    },
    Kind {
        word: "calls",
        arguments: "FUNCTION [--where CONDITION] [--limit N] [--after N]",
        about: "how often a function or a hostcall was called, with the first and the last calls: arguments, caller, result",
        is_of_moment: false,
        read: |kind, text| asking(kind, Calls::read(text)?),
    },
    Kind {
        word: "values",
        arguments: "EXPRESSION[, …] at FILE:LINE|FUNCTION [--where CONDITION] [--limit N] [--after N]",
        about: "which values expressions had whenever a place was come to, as a table",
        is_of_moment: false,
        read: |kind, text| asking(kind, Values::read(text)?),
    },
    Kind {
        word: "hottest",
        arguments: "[--lines] [--total] [--limit N] [--after N] [under FUNCTION]",
        about: "which functions, or lines, took the most ticks, by their own, or with --total together with what they call",
        is_of_moment: false,
        read: |kind, text| asking(kind, Hottest::read(text)?),
    },
    Kind {
        word: "memory",
        arguments: "[--limit N]",
        about: "how much memory the guest has, when it grew and by whom, and the blocks of its heap that are in use, by who allocated them",
        is_of_moment: true,
        read: |kind, text| asking(kind, Memory::read(text)?),
    },
    Kind {
        word: "waits",
        arguments: "[dot]",
        about: "who waits for whom, and who waits for ever; dot: as a graph for Graphviz",
        is_of_moment: true,
        read: |kind, text| asking(kind, Waiting::read(text)?),
    },
    Kind {
        word: "leaks",
        arguments: "[--limit N]",
        about: "which blocks of the heap are never freed, which handles never dropped, by where they come from; which tasks never end, and which streams and futures are never read or written",
        is_of_moment: false,
        read: |kind, text| asking(kind, Leaks::read(text)?),
    },
    Kind {
        word: "diff",
        arguments: "RECORDING",
        about: "where this recording and another one of the same program part: which hostcalls answered otherwise, the first branch, the first thing done",
        is_of_moment: false,
        read: |kind, text| asking(kind, Diff::read(text)?),
    },
];

/// The sorts of questions there are.
pub fn kinds() -> &'static [Kind] {
    KINDS
}

/// Reads a question.
///
/// # Errors
///
/// If it is not one, or lacks something: what to write.
pub fn read(text: &str) -> Result<Asking, QuestionError> {
    let text = text.trim();
    let word = text.split_whitespace().next().unwrap_or_default();
    let kind = KINDS.iter().find(|kind| kind.word == word);
    let kind = kind.ok_or_else(|| {
        let words: Vec<&str> = KINDS.iter().map(|kind| kind.word).collect();
        QuestionError::wrong(format!(
            "`{text}` is not a question; those are {}",
            words.join(", ")
        ))
    })?;
    let rest = text.strip_prefix(word).unwrap_or_default().trim();
    (kind.read)(kind, rest).map_err(|error| match error {
        QuestionError::Wrong(why) => QuestionError::Wrong(format!(
            "{why}; the question is `{} {}`",
            kind.word, kind.arguments
        )),
        other => other,
    })
}

/// Words of a command line as questions: a word begins another question if it, or the first word
/// in it, is that of a question, and what came before is one already.
///
/// # Errors
///
/// If the first word does not begin a question, or one lacks something.
pub fn of_words(words: &[String]) -> Result<Vec<Asking>, QuestionError> {
    let begins = |word: &String| {
        let first = word.split_whitespace().next();
        KINDS.iter().any(|kind| Some(kind.word) == first)
    };
    let mut texts: Vec<String> = Vec::new();
    for word in words {
        match texts.last_mut() {
            Some(last) if !begins(word) || read(last).is_err() => {
                last.push(' ');
                last.push_str(word);
            }
            _ => texts.push(word.clone()),
        }
    }
    texts.iter().map(|text| read(text)).collect()
}

/// What follows a question's word: options, and the rest in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// What is not an option.
    pub rest: String,
    /// `--where CONDITION`
    pub condition: Option<String>,
    /// `--limit N`
    pub limit: Option<usize>,
    /// `--after N`
    pub after: Option<u64>,
    /// Options without a value, as `--all`.
    pub flags: Vec<String>,
}

/// No answer tells of more.
const MOST: usize = 10_000;

impl Words {
    /// Takes the options out: `--limit N` and `--after N` anywhere, `--where CONDITION` up to the next option
    /// or the end, and of these flags.
    ///
    /// # Errors
    ///
    /// If an option is not known, or lacks its value.
    pub fn read(text: &str, flags: &[&str]) -> Result<Words, QuestionError> {
        let mut words = Words::default();
        let mut rest: Vec<&str> = Vec::new();
        let mut condition: Option<Vec<&str>> = None;
        let mut pieces = text.split_whitespace();
        while let Some(piece) = pieces.next() {
            let option = piece
                .strip_prefix("--")
                .filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
            match option {
                Some("limit") => {
                    let number = pieces
                        .next()
                        .and_then(|n| n.replace(['_', ','], "").parse().ok());
                    let number: usize =
                        number.filter(|n| (1..=MOST).contains(n)).ok_or_else(|| {
                            QuestionError::wrong(format!("--limit takes a number from 1 to {MOST}"))
                        })?;
                    words.limit = Some(number);
                }
                Some("after") => {
                    let number = pieces
                        .next()
                        .and_then(|n| n.replace(['_', ','], "").parse().ok());
                    words.after = Some(number.ok_or_else(|| {
                        QuestionError::wrong(
                            "--after takes the number of the last one that is left out",
                        )
                    })?);
                }
                Some("where") => condition = Some(Vec::new()),
                Some(flag) if flags.contains(&flag) => words.flags.push(flag.to_owned()),
                // `--i` is an expression of somebody's.
                Some(unknown) if condition.is_none() && unknown.len() > 1 => {
                    return Err(QuestionError::wrong(format!(
                        "there is no option --{unknown} here"
                    )));
                }
                _ => condition.as_mut().unwrap_or(&mut rest).push(piece),
            }
        }
        words.rest = rest.join(" ");
        words.condition = match condition {
            Some(condition) if condition.is_empty() => {
                return Err(QuestionError::wrong("--where takes a condition"));
            }
            condition => condition.map(|condition| condition.join(" ")),
        };
        Ok(words)
    }

    /// Whether a flag is there.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|given| given == flag)
    }

    /// Which are told: half of the limit at the beginning and half at the end, or all of it
    /// after a number.
    pub(super) fn part(&self, usual: usize) -> Part {
        let limit = self.limit.unwrap_or(usual);
        match self.after {
            Some(_) => Part {
                after: self.after,
                ..Part::ends(limit, 0)
            },
            None => Part::ends(limit.div_ceil(2), limit / 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_options() {
        let read = |text| Words::read(text, &["all"]).unwrap();
        let words = read("a.c:3 --where x > 3 && y --limit 1_000");
        assert_eq!(words.rest, "a.c:3");
        assert_eq!(words.condition.as_deref(), Some("x > 3 && y"));
        assert_eq!(
            (words.limit, words.part(20)),
            (Some(1000), Part::ends(500, 500))
        );
        let part = read("a.c:3 --after 1,000 --where x").part(20);
        assert_eq!((part.first, part.last, part.after), (20, 0, Some(1000)));
        assert_eq!(read("--all *p").rest, "*p");
        assert!(read("--all *p").has("all"));
        assert_eq!(read("x - --i").rest, "x - --i");
        for wrong in [
            "a --limit",
            "a --limit 0",
            "a --limit x",
            "a --after",
            "a --after -1",
            "a --where",
            "a --nonsense",
        ] {
            assert!(Words::read(wrong, &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_of_a_command_line_are_questions() {
        let texts = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let read = of_words(&words).map_err(|error| error.to_string());
            read.map(|asked| asked.iter().map(|one| one.kind().word).collect::<Vec<_>>())
        };
        assert_eq!(texts(&["visits", "a.c:3"]).unwrap(), ["visits"]);
        assert_eq!(
            texts(&["visits a.c:3", "calls main"]).unwrap(),
            ["visits", "calls"]
        );
        assert_eq!(
            texts(&["visits", "a.c:3", "--limit", "5", "calls", "f"]).unwrap(),
            ["visits", "calls"]
        );
        // What a question still lacks is not another question.
        assert_eq!(texts(&["calls", "visits"]).unwrap(), ["calls"]);
        assert!(texts(&["nonsense"]).unwrap_err().contains("visits"));
        assert!(texts(&["calls"]).unwrap_err().contains("calls FUNCTION"));
    }
}
