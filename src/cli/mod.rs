//! One file per subcommand.

mod adapter;
mod ask;
mod completions;
mod conversation;
mod debug;
mod demo;
mod dials;
mod engine_settings;
mod guest_world;
mod instrument;
mod lsp;
mod man;
mod mcp;
mod mistaken;
mod opening;
mod profile;
mod progress;
mod record;
mod recording_file;
mod recordings;
mod replay;
mod serve;
mod style;
mod terminal;
mod trace;

use crate::inspect::expression::predicate::SourcePredicates;
use crate::timeline::REPLAYER_COMMAND;
use crate::timeline::processes::replayer;
use crate::trace::scarce;
use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// A time-travel debugger for WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "rr-dap", version, about)]
#[command(after_help = "Examples:
  rr-dap demo                                  (the tour)
  rr-dap record --dir data::/work app.wasm     (writes app.rrtrace)
  rr-dap debug app.rrtrace                     (at a prompt)
  rr-dap --listen 127.0.0.1:4711 --trace app.rrtrace

Without a command, rr-dap speaks the Debug Adapter Protocol on its standard streams, as
editors expect.")]
struct Cli {
    #[command(flatten)]
    adapter: adapter::Adapter,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask whole recordings: who wrote this, how often, with which values.
    Ask(ask::Ask),
    /// Print a script that completes rr-dap's command line in a shell.
    Completions(completions::Completions),
    /// Debug a recording, or a run that is recorded first, at a prompt.
    Debug(debug::Debug),
    /// The tour: record a program that fails, and walk it back to the cause.
    Demo(demo::Demo),
    /// Make a component record itself, on any host.
    Instrument(instrument::Instrument),
    /// Tell editors what recordings know of each line: a language server on standard input
    /// and output.
    Lsp(lsp::Lsp),
    /// Write the manual pages.
    Man(man::Man),
    /// Give programs the questions about recordings as tools: a server of the Model Context
    /// Protocol on standard input and output.
    Mcp(mcp::Mcp),
    /// Run a component and record the run.
    Record(record::Record),
    /// Replay a recording to its end: print what the guest printed, exit as it did.
    Replay(replay::Replay),
    /// Serve a component over HTTP, and record each of its instances.
    Serve(serve::Serve),
    /// Read a recording without a debugger.
    #[command(subcommand)]
    Trace(trace::Trace),
}

/// Runs the command line.
pub fn main() -> ExitCode {
    terminal::show_panics();
    // A server that writes a log, or the cache, is not to be ended by their size.
    crate::record::take_file_limits_as_errors();
    start_log();
    if let Some(code) = as_replayer() {
        return code;
    }
    let parsed = Cli::try_parse().or_else(|error| {
        let arguments: Vec<_> = std::env::args_os().collect();
        match dials::respelled(&error, &arguments) {
            Some(arguments) => Cli::try_parse_from(arguments),
            None => Err(error),
        }
    });
    let cli = match parsed {
        Ok(cli) => cli,
        Err(mut error) => {
            let arguments: Vec<_> = std::env::args_os().skip(1).collect();
            let hint = mistaken::hint(&mut error, &arguments);
            return not_parsed(&error, hint);
        }
    };
    let result = match cli.command {
        Some(Command::Ask(command)) => command.run(),
        Some(Command::Completions(command)) => command.run(),
        Some(Command::Debug(command)) => command.run(),
        Some(Command::Demo(command)) => command.run(),
        Some(Command::Instrument(command)) => command.run(),
        Some(Command::Lsp(command)) => command.run(),
        Some(Command::Man(command)) => command.run(),
        Some(Command::Mcp(command)) => command.run(),
        Some(Command::Record(command)) => command.run(),
        Some(Command::Replay(command)) => command.run(),
        Some(Command::Serve(command)) => command.run(),
        Some(Command::Trace(command)) => command.run(),
        None => cli.adapter.run(),
    };
    let written = || terminal::unless_closed(terminal::stdout().flush());
    match result.and_then(|code| written().map(|()| code).map_err(anyhow::Error::from)) {
        Ok(code) => code,
        Err(error) if terminal::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::tell(format_args!("rr-dap: {}", told(&error)));
            ExitCode::FAILURE
        }
    }
}

/// Help, or what is wrong with the command line: with colours unless that has something in it
/// that steers a terminal, as a file's name may. Plain, it comes without such sequences.
fn not_parsed(error: &clap::Error, hint: Option<String>) -> ExitCode {
    let is_hostile = std::env::args_os().any(|argument| {
        let argument = argument.to_string_lossy();
        terminal::on_one_line(&argument) != argument
    });
    match is_hostile {
        true => terminal::tell(error.render().to_string().trim_end()),
        false => {
            if let Err(unwritten) = terminal::unless_closed(error.print()) {
                terminal::tell(format_args!(
                    "rr-dap: {}",
                    terminal::unwritten("standard output")(unwritten)
                ));
                return ExitCode::FAILURE;
            }
        }
    }
    if let Some(hint) = hint {
        terminal::tell(format_args!("\n  tip: {hint}"));
    }
    exit_code(error.exit_code())
}

/// An error with its causes, but for those that it tells of itself, and what helps.
fn told(error: &anyhow::Error) -> String {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref());
    let remedy = causes.next().map_or("", scarce::remedy);
    let told = error.chain().fold(String::new(), |told, cause| {
        let cause = cause.to_string();
        match told.is_empty() {
            true => cause,
            false if told.contains(&cause) => told,
            false => format!("{told}: {cause}"),
        }
    });
    match told.contains(remedy) {
        true => told,
        false => told + remedy,
    }
}

/// What is logged unless `RR_DAP_LOG` says otherwise. What goes wrong in the guest's dealings
/// with the world is the guest's to tell. That two recorders keep the same compiled code at
/// once is nothing wrong.
const USUAL_LOG: &str =
    "warn,wasmtime_wasi=off,wasmtime_wasi_http=off,wasmtime_internal_cache=error";

/// Logs go to standard error, never to standard output, which may carry DAP.
fn start_log() {
    let asked = std::env::var("RR_DAP_LOG").ok();
    let filter = asked.and_then(|asked| asked.parse::<Targets>().ok());
    let filter = filter.or_else(|| USUAL_LOG.parse().ok());
    let log = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(|| terminal::Terminal::new(std::io::stderr()));
    // A second subscriber (in tests) is not an error.
    _ = tracing_subscriber::registry()
        .with(filter)
        .with(log)
        .try_init();
}

/// The exit status as a shell shows it.
fn exit_code(status: i32) -> ExitCode {
    ExitCode::from((status & 0xff) as u8)
}

/// A replayer is this executable, started again by the timeline: hidden from
/// the help, as no person ever starts one.
fn as_replayer() -> Option<ExitCode> {
    let mut args = std::env::args().skip(1);
    if args.next()? != REPLAYER_COMMAND {
        return None;
    }
    let (socket, id) = (args.next()?, args.next()?.parse().ok()?);
    let predicates = Box::<SourcePredicates>::default();
    Some(match replayer::main(Path::new(&socket), id, predicates) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::tell(format_args!("rr-dap: replayer: {error:#}"));
            ExitCode::FAILURE
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// The words of a line as a shell splits them, up to a pipe, a redirection or a remark.
    fn words(line: &str) -> Vec<String> {
        let line = line.split("  (").next().unwrap_or(line);
        let mut words = vec![String::new()];
        let mut quote = None;
        for c in line.chars() {
            match (quote, c) {
                (None, '\'' | '"') => quote = Some(c),
                (Some(end), c) if c == end => quote = None,
                (None, ' ') => words.push(String::new()),
                (None, '|' | '>' | '#') => break,
                (_, c) => words.last_mut().unwrap().push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    fn check(command: &clap::Command, path: &str) {
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_else(|| panic!("`{path}` has no example in its help"));
        let examples: Vec<&str> = help
            .lines()
            // What is not indented is prose.
            .filter_map(|line| line.strip_prefix("  "))
            .filter(|line| line.starts_with("rr-dap "))
            .collect();
        let own = examples.iter().filter(|example| example.starts_with(path));
        assert!(own.count() > 0, "no example of `{path}` in:\n{help}");
        for example in examples {
            if let Err(error) = Cli::try_parse_from(words(example)) {
                panic!("the example `{example}` of `{path}`: {error}");
            }
        }
        for inner in command.get_subcommands() {
            check(inner, &format!("{path} {}", inner.get_name()));
        }
    }

    #[test]
    fn every_command_shows_examples_that_are_right() {
        check(&Cli::command(), "rr-dap");
        Cli::command().debug_assert();
    }
}
