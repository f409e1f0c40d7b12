//! Colours on a terminal.

use std::io::IsTerminal;

/// Whether what is printed has colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

impl Colour {
    pub(super) fn paint(self, out: &impl IsTerminal) -> Paint {
        Paint {
            is_coloured: match self {
                Colour::Always => true,
                Colour::Never => false,
                Colour::Auto => out.is_terminal() && !is_refused(),
            },
        }
    }
}

/// <https://no-color.org>: set and not empty.
fn is_refused() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
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
    is_coloured: bool,
}

impl Paint {
    pub(super) fn painted(self, style: Style, text: &str) -> String {
        match self.is_coloured {
            true => format!("\x1b[{}m{text}\x1b[0m", style.code()),
            false => text.to_owned(),
        }
    }
}
