//! `completions`: how a line of the console could go on.

use super::stack::frame_in;
use super::{Handled, Reply, Session};
use crate::dap::protocol::{
    CompletionItem, CompletionItemType, CompletionsArguments, CompletionsResponse,
};
use crate::dap::repl::{self, Completes};
use crate::debuggee::{Debuggee, EvaluateContext, Format, FrameId, Page};

/// The most names that are offered at once.
const MOST_NAMES: usize = 100;

/// Moments that have names in every recording.
const MOMENTS: [&str; 4] = ["start", "entry", "end", "tick"];

/// Completes the console's commands and what follows them, and expressions.
pub(super) fn completions(
    session: &mut Session,
    arguments: CompletionsArguments,
) -> Handled<CompletionsResponse> {
    let column = session.point_in(1, Some(arguments.column)).ok();
    let before = column
        .and_then(|point| point.column)
        .and_then(|column| usize::try_from(column.saturating_sub(1)).ok())
        .map(|units| utf16_prefix(&arguments.text, units))
        .unwrap_or(&arguments.text);
    let all = before.encode_utf16().count();
    let commands = repl::completions(before).into_iter();
    let mut targets: Vec<CompletionItem> = commands
        .map(|found| {
            item(
                found.text,
                found.about,
                CompletionItemType::Keyword,
                (0, all),
            )
        })
        .collect();
    let frame = arguments.frame_id.map(frame_in).transpose()?;
    if let Ok(debuggee) = session.debuggee() {
        let found = names(debuggee, before, frame);
        let begun = found.begun.encode_utf16().count();
        let fitting = found.names.into_iter();
        let fitting = fitting.filter(|name| name.starts_with(found.begun));
        let items = fitting
            .take(MOST_NAMES)
            .map(|name| item(name, "", found.kind.clone(), (all - begun, begun)));
        targets.extend(items);
    }
    Reply::now(CompletionsResponse { targets })
}

/// Names that could stand at the end of a text.
struct Names<'a> {
    kind: CompletionItemType,
    /// What of one is written already.
    begun: &'a str,
    names: Vec<String>,
}

fn names<'a>(debuggee: &mut dyn Debuggee, before: &'a str, frame: Option<FrameId>) -> Names<'a> {
    let Some((completes, rest)) = repl::arguments(before) else {
        return expression(debuggee, before, frame);
    };
    let last = rest.rsplit(char::is_whitespace).next().unwrap_or(rest);
    let (kind, names) = match completes {
        Completes::OverHostcalls => {
            let words = ["--builtins", "--result"].map(ToOwned::to_owned);
            (CompletionItemType::Value, words.into())
        }
        Completes::Nothing => (CompletionItemType::Value, Vec::new()),
        Completes::Moments => {
            let marks = debuggee.marks().into_iter().map(|mark| mark.name);
            let named = MOMENTS.iter().map(|name| (*name).to_owned());
            (CompletionItemType::Value, named.chain(marks).collect())
        }
        Completes::Marks => {
            let marks = debuggee.marks().into_iter().map(|mark| mark.name);
            (CompletionItemType::Value, marks.collect())
        }
        Completes::Hostcalls => {
            let words = ["failed", "--builtins"].map(ToOwned::to_owned);
            let paths = debuggee.hostcall_paths();
            let names = words.into_iter().chain(paths).collect();
            (CompletionItemType::Function, names)
        }
        Completes::Functions => (
            CompletionItemType::Function,
            named(debuggee.functions(&format!("{last}*"))),
        ),
        Completes::Globals => (
            CompletionItemType::Variable,
            named(debuggee.globals(&format!("{last}*"))),
        ),
        Completes::Types => {
            let found = expression(debuggee, rest, frame);
            if found.begun.len() < rest.len() {
                return found;
            }
            let types = named(debuggee.types(&format!("{rest}*")));
            return Names {
                kind: CompletionItemType::Class,
                begun: rest,
                names: found.names.into_iter().chain(types).collect(),
            };
        }
        Completes::Expressions => return expression(debuggee, rest, frame),
    };
    Names {
        kind,
        begun: last,
        names,
    }
}

fn named(found: Vec<crate::debuggee::FunctionView>) -> Vec<String> {
    found.into_iter().map(|view| view.name).collect()
}

/// The fields of what comes before a dot or an arrow, else the names that are in scope.
fn expression<'a>(debuggee: &mut dyn Debuggee, text: &'a str, frame: Option<FrameId>) -> Names<'a> {
    let begun = last_name(text);
    let rest = text.get(..text.len() - begun.len()).unwrap_or_default();
    let whole = rest.strip_suffix("->").or(rest.strip_suffix('.'));
    let Some(whole) = whole.filter(|whole| !whole.ends_with('.')) else {
        return Names {
            kind: CompletionItemType::Variable,
            begun,
            names: match begun {
                "" => Vec::new(),
                _ => debuggee.names(frame),
            },
        };
    };
    Names {
        kind: CompletionItemType::Field,
        begun,
        names: fields(debuggee, operand(whole), frame),
    }
}

/// The names of the fields that a value has.
fn fields(debuggee: &mut dyn Debuggee, of: &str, frame: Option<FrameId>) -> Vec<String> {
    let context = EvaluateContext::Watch;
    let Ok(value) = debuggee.evaluate(of, frame, context, Format::default()) else {
        return Vec::new();
    };
    let Some(children) = value.children else {
        return Vec::new();
    };
    let page = Page {
        count: Some(MOST_NAMES),
        ..Page::default()
    };
    let rows = debuggee.variables(&children.values, page, Format::default());
    let is_name = |name: &String| {
        name.chars()
            .all(|c| c.is_alphanumeric() || "_-".contains(c))
    };
    let names = rows.unwrap_or_default().into_iter().map(|row| row.name);
    names
        .filter(|name| !name.is_empty() && is_name(name))
        .collect()
}

fn item(
    label: String,
    about: &str,
    kind: CompletionItemType,
    (start, length): (usize, usize),
) -> CompletionItem {
    CompletionItem {
        label,
        detail: (!about.is_empty()).then(|| about.to_owned()),
        type_field: Some(kind),
        start: i64::try_from(start).ok(),
        length: i64::try_from(length).ok(),
        ..CompletionItem::default()
    }
}

/// The name that a text ends with, as far as it is written.
fn last_name(text: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | ':');
    let rest = text.trim_end_matches(is_part);
    text.get(rest.len()..).unwrap_or_default()
}

/// The operand that a text ends with: names, fields, and what is in brackets.
fn operand(text: &str) -> &str {
    let mut open = 0_usize;
    let mut start = text.len();
    let mut after = None;
    for (at, c) in text.char_indices().rev() {
        let is_inside = open > 0;
        match c {
            ']' | ')' => open += 1,
            '[' | '(' if !is_inside => break,
            '[' | '(' => open -= 1,
            _ if is_inside => {}
            '-' if after == Some('>') => {}
            '>' => {}
            c if c.is_alphanumeric() || "_$.:".contains(c) => {}
            _ => break,
        }
        start = at;
        after = Some(c);
    }
    let found = text.get(start..).unwrap_or_default();
    // A comparison is not an arrow.
    let mut cut = found
        .match_indices('>')
        .filter(|(at, _)| !found.get(..*at).is_some_and(|before| before.ends_with('-')));
    let cut = cut.next_back().map_or(0, |(at, _)| at + 1);
    found.get(cut..).unwrap_or_default()
}

/// Columns count UTF-16 code units.
fn utf16_prefix(text: &str, units: usize) -> &str {
    let mut seen = 0;
    for (at, character) in text.char_indices() {
        if seen >= units {
            return text.get(..at).unwrap_or(text);
        }
        seen += character.len_utf16();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::operand;

    #[test]
    fn an_operand_is_what_a_dot_belongs_to() {
        for (text, expected) in [
            ("it", "it"),
            ("a + it", "it"),
            ("*p->next", "p->next"),
            ("f(a[b.c", "b.c"),
            ("a[i + 1]", "a[i + 1]"),
            ("x > (p + 1)", "(p + 1)"),
            ("x>y", "y"),
            ("$arg.path", "$arg.path"),
            ("ns::it", "ns::it"),
            ("", ""),
        ] {
            assert_eq!(operand(text), expected, "{text}");
        }
    }
}
