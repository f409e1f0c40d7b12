//! `rr-dap ask`: what whole recordings answer.

use super::opening::Opening;
use super::recordings::{Failed, Listed, Recordings};
use super::style::is_dumb;
use super::terminal::{self, on_one_line};
use crate::debuggee::launch::{AttachArguments, ViewArguments};
use crate::debuggee::path_mapping::PathMapping;
use crate::debuggee::{Debuggee, Halt, Launcher, Output, Stream, motion_to};
use crate::questions::{self, Answer, Asked, Asking, Causes};
use crate::timeline::travel::motion::Motion;
use crate::timeline::{First, Interrupt};
use anyhow::{Context, anyhow, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rr-dap ask app.rrtrace visits ledger.c:41\n  rr-dap ask app.rrtrace 'calls post --where amount > 100' 'values balance at ledger.c:50'\n  rr-dap ask app.rrtrace --at 40% writes total --json\n  rr-dap ask app.rrtrace --script questions.txt"
)]
pub(super) struct Ask {
    /// Print one JSON object to a line: `question`, `answer`, and `recording` where there are
    /// several.
    #[arg(long)]
    json: bool,
    /// Of a directory: answer of each recording by itself. Without this, those that `why` answers
    /// alike are told together.
    #[arg(long)]
    each: bool,
    /// Where the questions are asked: what `seek` takes. Without this, at the end.
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true)]
    at: Option<String>,
    /// Ask the questions in this file, too: one to a line, but for empty ones and those that
    /// begin with #.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    #[command(flatten)]
    opening: Opening,
    /// A recording, or a directory: then all recordings (*.rrtrace) in it, by name.
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
    /// What is asked, in one word or several: `docs/questions.md` lists the questions.
    #[arg(
        value_name = "QUESTION",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    questions: Vec<String>,
}

impl Ask {
    pub(super) fn run(mut self) -> anyhow::Result<ExitCode> {
        // Behind the questions they are meant, too.
        self.json |= self.questions.iter().any(|word| word == "--json");
        self.questions.retain(|word| word != "--json");
        let asked = self.asked()?;
        let recordings = Recordings::new(vec![self.path.clone()], self.opening.programs().to_vec());
        let are_many = recordings.are_many();
        let mut out = io::BufWriter::new(terminal::listing(self.json));
        let is_grouped = are_many && !self.each && asked.iter().all(|one| one.kind().word == "why");
        let mut causes = Causes::default();
        let code = recordings.each(|listed| {
            let name = are_many.then(|| on_one_line(&listed.name).to_string());
            if let Some(name) = name.as_deref().filter(|_| !self.json && !is_grouped) {
                writeln!(out, "{name}:")?;
            }
            let ended = self.ask_one(listed, &asked, |answer| match (&name, is_grouped) {
                (Some(name), true) => {
                    causes.add(name, answer);
                    Ok(())
                }
                _ => self.tell(name.as_deref(), answer, &mut out),
            });
            out.flush()?;
            ended
        })?;
        if is_grouped {
            match self.json {
                true => {
                    for group in causes.groups() {
                        writeln!(out, "{}", json!(group))?;
                    }
                }
                false => writeln!(out, "{causes}")?,
            }
            out.flush()?;
        }
        Ok(code)
    }

    fn asked(&self) -> anyhow::Result<Vec<Asking>> {
        let mut asked = questions::of_words(&self.questions)?;
        if let Some(script) = &self.script {
            let text = std::fs::read_to_string(script)
                .with_context(|| format!("cannot read {}", script.display()))?;
            let lines = text.lines().enumerate();
            let lines = lines.map(|(number, line)| (number + 1, line.trim()));
            let meant = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
            for (number, line) in meant {
                let read = questions::read(line);
                asked.push(read.with_context(|| format!("{}:{number}", script.display()))?);
            }
        }
        if asked.is_empty() {
            let kinds = questions::kinds().iter();
            let listed: Vec<String> = kinds
                .map(|kind| format!("  {} {}\n      {}", kind.word, kind.arguments, kind.about))
                .collect();
            bail!("what is the question? There are\n{}", listed.join("\n"));
        }
        Ok(asked)
    }

    fn ask_one(
        &self,
        listed: &Listed,
        asked: &[Asking],
        mut tell: impl FnMut(&Answer) -> io::Result<()>,
    ) -> Result<(), Failed> {
        let progress = Told::new();
        let mut debuggee = self
            .open(listed.file.path(), &progress)
            .map_err(Failed::Recording)?;
        for question in asked {
            // To go there takes as long as to debug all that comes before.
            if question.kind().is_of_moment || self.at.is_some() {
                self.go(debuggee.as_mut(), &progress)
                    .map_err(Failed::Recording)?;
            }
            let answer = question.ask(&mut Asked {
                debuggee: debuggee.as_mut(),
                frame: None,
                output: &progress,
                interrupt: &Interrupt::new(),
            });
            progress.clear();
            let answer = answer.map_err(|error| Failed::Recording(error.into()))?;
            tell(&answer)?;
        }
        Ok(())
    }

    fn tell(&self, name: Option<&str>, answer: &Answer, out: &mut impl Write) -> io::Result<()> {
        if !self.json {
            return writeln!(out, "{}", answer.text);
        }
        let mut told = json!(answer);
        if let (Some(name), Some(fields)) = (name, told.as_object_mut()) {
            fields.insert("recording".to_owned(), json!(name));
        }
        writeln!(out, "{told}")
    }

    fn open(&self, path: &Path, progress: &Told) -> anyhow::Result<Box<dyn Debuggee>> {
        let opening = self.opening.clone();
        let launcher = opening.launcher(Some(path.to_owned()), First::Suitable)?;
        let launcher = launcher.with_marks_kept(true);
        let view = ViewArguments {
            just_my_code: true,
            path_mapping: PathMapping::new(self.opening.source_map().to_vec()),
            ..ViewArguments::default()
        };
        let opened = launcher.attach(&AttachArguments { view }, progress, &Halt::default());
        opened.map_err(|error| anyhow!("{error}"))
    }

    /// To where the questions are asked.
    fn go(&self, debuggee: &mut dyn Debuggee, progress: &Told) -> anyhow::Result<()> {
        let motion = match &self.at {
            Some(moment) => motion_to(debuggee, moment)?.0,
            None => Motion::End,
        };
        debuggee.travel(&motion, progress, &Interrupt::new())?;
        Ok(())
    }
}

/// Progress on a terminal.
struct Told(ProgressBar);

impl Told {
    fn new() -> Told {
        let target = match is_dumb() {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(Some(100), target);
        // A template that does not parse would only change how the bar looks.
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {percent} %") {
            bar.set_style(style);
        }
        Told(bar)
    }

    fn clear(&self) {
        self.0.finish_and_clear();
        self.0.reset();
    }
}

impl Output for Told {
    fn guest(&self, _: Stream, _: &[u8]) {}

    fn console(&self, line: &str) {
        self.0.suspend(|| terminal::tell(line));
    }

    fn progress(&self, percentage: Option<u8>, message: &str) {
        self.0.set_message(message.to_owned());
        if let Some(percentage) = percentage {
            self.0.set_position(u64::from(percentage));
        }
    }
}
