//! What the server is at while nothing can be typed: how far it has come.

use crate::cli::conversation::{Progress, Stage};
use crate::cli::style::is_dumb;
use crate::cli::terminal::{self, on_one_line};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Without a terminal, work is told of that takes longer.
const UNTIL_TOLD: Duration = Duration::from_secs(2);

/// Work that is waited for, as people see it on standard error.
pub(super) enum Awaited {
    Nothing,
    /// On a terminal.
    Bar(ProgressBar),
    /// Where lines stay: one is enough.
    Line {
        begun: Instant,
        is_told: bool,
    },
}

impl Awaited {
    pub(super) fn hear(&mut self, progress: &Progress) {
        match progress.stage {
            Stage::Begins => *self = Awaited::begin(),
            // What was printed meanwhile has ended the bar.
            Stage::GoesOn if matches!(self, Awaited::Nothing) => *self = Awaited::begin(),
            Stage::GoesOn => {}
            Stage::Ends => {
                self.clear();
                *self = Awaited::Nothing;
                return;
            }
        }
        let message = on_one_line(&progress.message);
        match self {
            Awaited::Nothing => {}
            Awaited::Bar(bar) => {
                match progress.percentage {
                    Some(percentage) => {
                        bar.set_length(100);
                        bar.set_position(percentage.into());
                    }
                    None => bar.tick(),
                }
                bar.set_message(message);
            }
            Awaited::Line { begun, is_told } if !*is_told && begun.elapsed() > UNTIL_TOLD => {
                *is_told = true;
                let part = progress.percentage;
                let part = part.map_or(String::new(), |part| format!(" ({part} %)"));
                terminal::tell(format_args!("rr-dap: {message}{part}…"));
            }
            Awaited::Line { .. } => {}
        }
    }

    fn begin() -> Awaited {
        if !std::io::stderr().is_terminal() || is_dumb() {
            return Awaited::Line {
                // The server says nothing of what takes no time.
                begun: Instant::now(),
                is_told: false,
            };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // A template that does not parse would only change how the bar looks.
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {percent} %") {
            bar.set_style(style);
        }
        Awaited::Bar(bar)
    }

    /// What is printed next has the terminal for itself.
    pub(super) fn clear(&mut self) {
        if let Awaited::Bar(bar) = self {
            bar.finish_and_clear();
            *self = Awaited::Nothing;
        }
    }
}
