//! Colours on a terminal.

use super::terminal::visible;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::IsTerminal;

/// Whether what is printed has colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    Always,
    Never,
}

impl Colour {
    pub(super) fn paint(self, out: &impl IsTerminal) -> Paint {
        let is_coloured = match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => out.is_terminal() && !is_refused() && !is_dumb(),
        };
        Paint {
            key: is_coloured.then(|| RandomState::new().build_hasher().finish()),
        }
    }
}

/// <https://no-color.org>: set and not empty.
fn is_refused() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// A terminal that takes plain text only.
pub(super) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    Heading,
    /// What is there, but not the matter now.
    Dim,
    Name,
    Mark,
    Failure,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Style::Heading => "1;36",
            Style::Dim => "2",
            Style::Name => "33",
            Style::Mark => "1;32",
            Style::Failure => "1;31",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    /// Where there are colours: what marks them until they are shown. A guest that wrote such
    /// a mark into a name would have to guess it.
    key: Option<u64>,
}

impl Paint {
    /// Text with marks, for [`Paint::shown`].
    pub(super) fn painted(self, style: Style, text: &str) -> String {
        match self.mark() {
            Some(mark) => format!("{mark}{}m{text}{mark}0m", style.code()),
            None => text.to_owned(),
        }
    }

    /// The same for what the guest printed: its own colours, and nothing else that steers a
    /// terminal, are kept where there are colours.
    pub(super) fn painted_as_printed(self, style: Style, text: &str) -> String {
        let Some(mark) = self.mark() else {
            return text.to_owned();
        };
        let mut pieces = text.split("\u{1b}[");
        let mut marked = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let end = piece.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'));
            let is_colour = end.is_some_and(|end| piece[end..].starts_with('m'));
            marked.push_str(if is_colour { &mark } else { "\u{1b}[" });
            marked.push_str(piece);
        }
        self.painted(style, &marked)
    }

    /// What a terminal may have of a text: its marks as colours, what would steer it written
    /// out.
    pub(super) fn shown(self, text: &str) -> String {
        let Some(mark) = self.mark() else {
            return visible(text);
        };
        let mut pieces = text.split(&mark);
        let mut shown = visible(pieces.next().unwrap_or_default());
        for piece in pieces {
            let (code, text) = piece.split_once('m').unwrap_or(("0", piece));
            shown.push_str(&format!("\u{1b}[{code}m{}", visible(text)));
        }
        shown
    }

    fn mark(self) -> Option<String> {
        self.key.map(|key| format!("\u{1b}{key:016x}["))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_ours_and_the_rest_is_written_out() {
        let coloured = Colour::Always.paint(&std::io::stdout());
        let plain = Colour::Never.paint(&std::io::stdout());
        let hostile = "a\u{1b}[31mb\u{1b}[2J";
        let line = |paint: Paint| {
            let name = paint.painted(Style::Name, hostile);
            paint.shown(&format!("{name} = \u{1b}[0m"))
        };
        let written = "a\\u{1b}[31mb\\u{1b}[2J";
        assert_eq!(line(plain), format!("{written} = \\u{{1b}}[0m"));
        let name = format!("\u{1b}[33m{written}\u{1b}[0m");
        assert_eq!(line(coloured), format!("{name} = \\u{{1b}}[0m"));
    }

    #[test]
    fn a_guest_may_print_in_colours() {
        let printed = "\u{1b}[1;31mred\u{1b}[m \u{1b}[2J\u{1b}]52;c;aGk=\u{7}\u{1b}[";
        let paint = Colour::Always.paint(&std::io::stdout());
        let shown = paint.shown(&paint.painted_as_printed(Style::Dim, printed));
        assert_eq!(
            shown,
            "\u{1b}[2m\u{1b}[1;31mred\u{1b}[m \\u{1b}[2J\\u{1b}]52;c;aGk=\\u{7}\\u{1b}[\u{1b}[0m"
        );
        let plain = Colour::Never.paint(&std::io::stdout());
        let shown = plain.shown(&plain.painted_as_printed(Style::Dim, printed));
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
}
