//! Command lines that are not understood: what was most likely meant.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};
use std::ffi::OsString;
use std::path::Path;

/// What helps with an error of the command line; takes a tip out of it that does not.
pub(super) fn hint(error: &mut clap::Error, arguments: &[OsString]) -> Option<String> {
    let words: Vec<String> = arguments
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let first = words.first()?;
    match error.kind() {
        ErrorKind::InvalidSubcommand => meant_file(first),
        ErrorKind::UnknownArgument => {
            let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
                return None;
            };
            let unknown = unknown.clone();
            let cli = super::Cli::command();
            let command = cli.find_subcommand(first);
            match unknown.strip_prefix("--") {
                Some(_) => {
                    let near = near_option(command.unwrap_or(&cli), &unknown)?;
                    error.remove(ContextKind::Suggested);
                    Some(format!("there is an option `{near}`"))
                }
                None => None,
            }
        }
        _ => None,
    }
}

/// A file where a command should be.
fn meant_file(first: &str) -> Option<String> {
    let path = Path::new(first);
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension {
        Some("rrtrace") => Some(format!(
            "`rr-dap debug {first}` debugs the recording, `rr-dap replay {first}` prints what it \
             printed"
        )),
        Some("wasm" | "wat") => Some(format!(
            "`rr-dap debug {first}` records the program and debugs it, `rr-dap record {first}` \
             records it"
        )),
        _ if path.is_file() => Some(format!(
            "`rr-dap debug {first}` debugs a recording, or a program that it records first"
        )),
        _ => None,
    }
}

/// The option whose name is nearest, if one is near.
fn near_option(command: &Command, unknown: &str) -> Option<String> {
    let wanted = unknown
        .split('=')
        .next()
        .unwrap_or(unknown)
        .trim_start_matches('-');
    let known = command.get_arguments().filter(|known| !known.is_hide_set());
    let named = known.filter_map(|known| known.get_long());
    let near = named.map(|name| (distance(wanted, name), name));
    let (distance, name) = near.min()?;
    (distance <= 1 + wanted.len() / 4).then(|| format!("--{name}"))
}

/// How many letters must be changed, put in, left out, or swapped with the next.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, one) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in b.iter().enumerate() {
            let at =
                |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&last, j) + usize::from(one != other);
            let mut least = changed.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let is_swapped =
                i > 0 && j > 0 && a.get(i - 1) == Some(other) && b.get(j - 1) == Some(one);
            if is_swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn hinted(line: &str) -> (String, String) {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let whole = std::iter::once(OsString::from("rr-dap")).chain(words.clone());
        let mut error = crate::cli::Cli::try_parse_from(whole).expect_err(line);
        let hint = hint(&mut error, &words).unwrap_or_default();
        (hint, error.to_string())
    }

    #[test]
    fn what_was_meant_is_told() {
        for (line, part) in [
            ("app.wasm", "`rr-dap debug app.wasm` records"),
            ("run.rrtrace", "`rr-dap debug run.rrtrace` debugs"),
            ("record --dri . app.wasm", "`--dir`"),
            ("debug --comand bt run.rrtrace", "`--command`"),
            ("trce info", ""),
        ] {
            let (hint, error) = hinted(line);
            assert!(hint.contains(part), "{line}: {hint} {error}");
            assert!(!error.contains("-- --dri"), "{error}");
        }
    }
}
