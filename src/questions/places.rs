//! Places as they are typed: `FILE:LINE`, or a function's name.

use super::QuestionError;
use crate::debuggee::{Debuggee, SourceOrigin, SourceRef, TextRef, VisitsOf};
use crate::source::is_library;

/// What is visited: a line, if the text is one, or else a function.
pub(super) fn place(debuggee: &mut dyn Debuggee, text: &str) -> Result<VisitsOf, QuestionError> {
    match line_of(text) {
        Some((file, line)) => line_at(debuggee, file, line),
        None => Ok(VisitsOf::Function(text.to_owned())),
    }
}

/// `FILE:LINE`
pub(super) fn line_of(text: &str) -> Option<(&str, u64)> {
    let (file, line) = text.rsplit_once(':')?;
    // `std::4` is nothing either.
    let is_file = !file.is_empty() && !file.ends_with(':');
    Some((file.trim(), line.trim().parse().ok()?)).filter(|_| is_file)
}

/// A line of the source whose path ends so.
fn line_at(debuggee: &mut dyn Debuggee, file: &str, line: u64) -> Result<VisitsOf, QuestionError> {
    let sources = debuggee.sources()?;
    let found: Vec<&SourceRef> = sources
        .iter()
        .filter(|source| is_meant(source, file))
        .collect();
    match found.as_slice() {
        [one] => Ok(VisitsOf::Line {
            source: one.origin.clone(),
            line,
        }),
        [] => Err(QuestionError::wrong(format!(
            "no source with code is named {file}; name one by the end of its path"
        ))),
        several => {
            // Libraries have a `lib.rs`, too: who names one means their own.
            let mut own = several.iter().filter(|of| !is_library(path_of(of)));
            if let (Some(one), None) = (own.next(), own.next()) {
                return Ok(VisitsOf::Line {
                    source: one.origin.clone(),
                    line,
                });
            }
            let paths: Vec<&str> = several.iter().map(|source| path_of(source)).collect();
            Err(QuestionError::wrong(format!(
                "several sources are named {file}: {}",
                paths.join(", ")
            )))
        }
    }
}

/// The path of a source, as debug information has it.
pub(super) fn path_of(source: &SourceRef) -> &str {
    match &source.origin {
        SourceOrigin::File(path) => path,
        SourceOrigin::Generated(TextRef(text)) => {
            // Such texts name their kind and their module before the path.
            let mut words = text.splitn(3, ' ');
            words.nth(2).unwrap_or(&source.name)
        }
    }
}

fn is_meant(source: &SourceRef, wanted: &str) -> bool {
    let rest = path_of(source).strip_suffix(wanted);
    let ends =
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/') || wanted.starts_with('/'));
    ends || source.name == wanted
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn a_line_is_told_from_a_function() {
        for (text, line) in [
            ("a.c:3", Some(("a.c", 3))),
            ("src/a.rs: 30", Some(("src/a.rs", 30))),
            ("C:/a.c:3", Some(("C:/a.c", 3))),
            ("shop::Node::sum", None),
            ("main", None),
            (":3", None),
            ("a::3", None),
        ] {
            assert_eq!(line_of(text), line, "{text}");
        }
    }
}
