//! How the tour looks: headings, what was asked, what was answered.

use crate::cli::style::{Colour, Paint, Style};
use crate::cli::terminal::{self, Stdout};
use std::io::{self, Write};

/// The lines of source shown around the one that matters, on each side.
const AROUND: usize = 2;
/// Longer answers are cut on a terminal.
const WIDTH: usize = 110;

/// Where the tour is printed.
pub(super) struct Page<W> {
    out: W,
    paint: Paint,
    steps: usize,
}

impl Page<Stdout> {
    pub(super) fn stdout() -> Self {
        let paint = Colour::Auto.paint(&io::stdout());
        Self {
            out: terminal::stdout(),
            paint,
            steps: 0,
        }
    }
}

impl<W: Write> Page<W> {
    /// A heading with a number.
    pub(super) fn step(&mut self, text: &str) -> io::Result<()> {
        self.steps += 1;
        let heading = self
            .paint
            .painted(Style::Heading, &format!("{}. {text}", self.steps));
        self.line(&format!("\n{heading}"))
    }

    pub(super) fn title(&mut self, text: &str) -> io::Result<()> {
        let title = self.paint.painted(Style::Heading, text);
        self.line(&title)
    }

    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        self.line(text)
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", self.paint.shown(text))
    }

    /// What is asked of the server.
    pub(super) fn request(&mut self, text: &str) -> io::Result<()> {
        let request = self.paint.painted(Style::Dim, &format!("> {text}"));
        self.line(&format!("  {request}"))
    }

    pub(super) fn answer(&mut self, text: &str) -> io::Result<()> {
        for line in text.lines() {
            let line = cut(line, WIDTH);
            self.line(&format!("    {line}"))?;
        }
        Ok(())
    }

    pub(super) fn failure(&mut self, text: &str) -> io::Result<()> {
        let text = self.paint.painted(Style::Failure, text);
        self.line(&format!("    {text}"))
    }

    /// `name = value`
    pub(super) fn value(&mut self, name: &str, value: &str) -> io::Result<()> {
        let value = cut(value, WIDTH.saturating_sub(name.len()));
        let name = self.paint.painted(Style::Name, name);
        self.line(&format!("    {name} = {value}"))
    }

    /// Some lines of a source with a mark at one of them (the first being 1).
    pub(super) fn source(&mut self, text: &str, line: usize, around: Around) -> io::Result<()> {
        let lines = text.lines().enumerate();
        let (before, after) = match around {
            Around::Some => (AROUND, AROUND),
            Around::None => (0, 0),
        };
        let shown = line.saturating_sub(before)..=line.saturating_add(after);
        for (number, text) in lines.map(|(index, text)| (index + 1, text)) {
            if !shown.contains(&number) {
                continue;
            }
            let (mark, style) = match number == line {
                true => ("->", Style::Mark),
                false => ("  ", Style::Dim),
            };
            let row = self
                .paint
                .painted(style, &format!("{mark} {number:3}  {text}"));
            self.line(&format!("  {row}"))?;
        }
        Ok(())
    }
}

/// Whether a line of source is shown with those around it.
#[derive(Clone, Copy)]
pub(super) enum Around {
    Some,
    None,
}

fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or(text)),
    }
}
