//! `rr-dap trace redact`: the same run with other bytes in the place of secrets.

use super::new_file::NewFile;
use crate::cli::progress::open_to_replay;
use crate::cli::recording_file::RecordingFile;
use crate::cli::terminal;
use crate::inspect::ending::WholeReplay;
use crate::inspect::past::secrets::{Secret, SecretKind, secrets};
use crate::replay::{Compiled, ReplayError};
use crate::trace::{EventKind, Said, Trace, each_event, rewrite};
use anyhow::{Context, bail};
use clap::Args;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  rr-dap trace info --secrets run.rrtrace
  rr-dap trace redact --header authorization --header cookie run.rrtrace -o shown.rrtrace
  rr-dap trace redact --env TOKEN --body run.rrtrace -o shown.rrtrace")]
pub(in crate::cli) struct Redact {
    /// Replace the values of this header, in requests and answers. May be repeated.
    #[arg(long = "header", value_name = "NAME", required_unless_present_any = ["variables", "body"])]
    headers: Vec<String>,
    /// Replace the value of this variable of the environment. May be repeated.
    #[arg(long = "env", value_name = "NAME")]
    variables: Vec<String>,
    /// Replace the bodies that came in, of requests and of answers (of WASI 0.2).
    #[arg(long)]
    body: bool,
    #[command(flatten)]
    output: NewFile,
    #[command(flatten)]
    recording: RecordingFile,
}

/// What stands where a secret was: UTF-8 stays UTF-8.
const REPLACEMENT: u8 = b'x';
/// A value of fewer bytes is replaced where it was answered only: elsewhere, the same bytes are
/// something else.
const LEAST_ANYWHERE: usize = 8;

/// A value that a hostcall answered, as far as it has been seen.
struct Found {
    /// It is that of a name that was asked for.
    is_name: bool,
    bytes: Vec<Option<u8>>,
}

/// What is replaced.
#[derive(Default)]
struct Secrets {
    /// Where, in the memory of the guest, by the hostcall that put it there.
    places: HashMap<u64, Vec<Range<u64>>>,
    /// Values that are replaced wherever they are, the longest first.
    anywhere: Vec<Vec<u8>>,
    /// Hostcalls that answer such values, under whatever name. Some write one over the other,
    /// as those do that only count what there is.
    asked: BTreeSet<u64>,
    /// Those that are too short for that: where all that was written at once is one of them, in
    /// these hostcalls.
    short: Vec<Vec<u8>>,
}

impl Redact {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (trace, compiled) = open_to_replay(&self.recording, None)?;
        let mut output = self.output.begin()?;
        let found = secrets(&trace, &compiled)?;
        if self.body && found.iter().any(|secret| secret.kind == SecretKind::Stream) {
            bail!(
                "--body replaces bodies of WASI 0.2 only, and this program reads streams of WASI \
                 0.3; nothing is written"
            );
        }
        let wanted: Vec<&Secret> = found.iter().filter(|found| self.is_wanted(found)).collect();
        let mut secrets = self.find(&trace, &wanted)?;
        let names = [SecretKind::Variable, SecretKind::Header];
        let asked = found.iter().filter(|found| names.contains(&found.kind));
        secrets.asked = asked.map(|found| found.event).collect();
        rewrite(
            &trace,
            self.said(&trace, &secrets),
            &mut output,
            |call, address, bytes| {
                secrets.replace(call, address, bytes);
            },
        )
        .with_context(|| format!("cannot redact {}", trace.path().display()))?;
        output.flush()?;
        let hostcalls = verify(output.path(), &compiled)?;
        output.keep()?;
        writeln!(
            terminal::out(),
            "redacted: {} values in {} hostcalls; {hostcalls} hostcalls agree with the recording",
            wanted.len(),
            secrets.places.len()
        )?;
        Ok(())
    }

    fn is_wanted(&self, secret: &Secret) -> bool {
        match secret.kind {
            // Parts of any, which the program has not looked at.
            SecretKind::Variable if secret.name.is_empty() => !self.variables.is_empty(),
            SecretKind::Variable => self.variables.contains(&secret.name),
            SecretKind::Header => self.is_header(&secret.name),
            SecretKind::RequestBody | SecretKind::ResponseBody => self.body,
            SecretKind::File | SecretKind::Stdin | SecretKind::Stream => false,
        }
    }

    fn is_header(&self, name: &str) -> bool {
        let mut names = self.headers.iter();
        names.any(|header| header.eq_ignore_ascii_case(name))
    }

    /// Reads the values from the recording.
    fn find(&self, trace: &Trace, wanted: &[&Secret]) -> anyhow::Result<Secrets> {
        let mut secrets = Secrets::default();
        let mut values: BTreeMap<(u64, u64), Found> = BTreeMap::new();
        for secret in wanted {
            let unplaced = || {
                format!(
                    "the value of {} {} in hostcall {} is not stored as it is, so it cannot be \
                     replaced; nothing is written",
                    secret.kind.name(),
                    secret.name,
                    secret.event
                )
            };
            let place = secret.place.with_context(unplaced)?;
            let end = place.address.checked_add(place.length);
            let range = place.address..end.with_context(unplaced)?;
            let is_name = !secret.name.is_empty();
            let length = usize::try_from(place.length)?;
            let bytes = vec![None; length];
            values.insert((secret.event, place.address), Found { is_name, bytes });
            secrets.places.entry(secret.event).or_default().push(range);
        }
        each_event(trace, |call, event, _| {
            if let (Some(call), EventKind::Write { address, bytes }) = (call, event.kind) {
                let of_call = (call, 0)..=(call, u64::MAX);
                for ((_, from), value) in values.range_mut(of_call) {
                    let length = value.bytes.len() as u64;
                    for (at, byte) in covered(*from..from.saturating_add(length), address, &bytes) {
                        if let Some(slot) = value.bytes.get_mut(at) {
                            *slot = Some(byte);
                        }
                    }
                }
            }
            Ok(())
        })?;
        let mut anywhere = BTreeSet::new();
        for ((event, _), Found { is_name, bytes }) in values {
            let Some(value) = bytes.into_iter().collect::<Option<Vec<u8>>>() else {
                bail!(
                    "a value that hostcall {event} answered is not in what it wrote into the \
                     guest's memory, so it cannot be replaced; nothing is written"
                );
            };
            if is_name {
                anywhere.insert(value);
            }
        }
        // What the guest never asked for is in what the host noted, too.
        let metadata = trace.metadata().env.iter();
        let given = metadata.filter(|(name, _)| self.variables.contains(name));
        anywhere.extend(given.map(|(_, value)| value.clone().into_bytes()));
        for request in trace.noted_requests().iter() {
            let headers = request
                .headers
                .iter()
                .filter(|(name, _)| self.is_header(name));
            anywhere.extend(headers.map(|(_, value)| value.clone().into_bytes()));
        }
        let is_long = |value: &Vec<u8>| value.len() >= LEAST_ANYWHERE;
        (secrets.anywhere, secrets.short) = anywhere.into_iter().partition(is_long);
        secrets
            .anywhere
            .sort_by_key(|value| std::cmp::Reverse(value.len()));
        Ok(secrets)
    }

    /// What the recording says besides its events.
    fn said(&self, trace: &Trace, secrets: &Secrets) -> Said {
        let mut said = Said::of(trace);
        for (name, value) in &mut said.metadata.env {
            match self.variables.contains(name) {
                true => *value = replaced(value),
                false => secrets.replace_in(value),
            }
        }
        let metadata = &mut said.metadata;
        let texts = metadata.args.iter_mut().chain(&mut metadata.invoke);
        texts.for_each(|text| secrets.replace_in(text));
        for request in &mut said.requests {
            for (name, value) in &mut request.headers {
                match self.is_header(name) {
                    true => *value = replaced(value),
                    false => secrets.replace_in(value),
                }
            }
            secrets.replace_in(&mut request.target);
        }
        if let crate::trace::Outcome::Returned {
            result: Some(result),
            ..
        } = &mut said.outcome
        {
            secrets.replace_in(result);
        }
        said
    }
}

impl Secrets {
    fn replace(&self, call: Option<u64>, address: u64, bytes: &mut [u8]) {
        let places = call.and_then(|call| self.places.get(&call));
        for place in places.into_iter().flatten() {
            let from = place.start.saturating_sub(address);
            let to = place.end.saturating_sub(address);
            let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            let range = within(from)..within(to);
            if let Some(secret) = bytes.get_mut(range) {
                secret.fill(REPLACEMENT);
            }
        }
        let is_asked = call.is_some_and(|call| self.asked.contains(&call));
        if is_asked && self.short.iter().any(|value| value[..] == *bytes) {
            bytes.fill(REPLACEMENT);
        }
        self.replace_anywhere(bytes);
    }

    fn replace_anywhere(&self, bytes: &mut [u8]) {
        for value in &self.anywhere {
            let mut at = 0;
            while let Some(found) = find(bytes.get(at..).unwrap_or_default(), value) {
                let range = at + found..at + found + value.len();
                at = range.end;
                if let Some(secret) = bytes.get_mut(range) {
                    secret.fill(REPLACEMENT);
                }
            }
        }
    }

    fn replace_in(&self, text: &mut String) {
        let mut bytes = std::mem::take(text).into_bytes();
        self.replace_anywhere(&mut bytes);
        // Whole characters have been replaced by as many as they have bytes.
        *text = String::from_utf8_lossy(&bytes).into_owned();
    }
}

fn find(bytes: &[u8], value: &[u8]) -> Option<usize> {
    let first = *value.first()?;
    let mut windows = bytes.windows(value.len()).enumerate();
    windows
        .find(|(_, window)| window.first() == Some(&first) && *window == value)
        .map(|(at, _)| at)
}

fn replaced(value: &str) -> String {
    char::from(REPLACEMENT).to_string().repeat(value.len())
}

/// The bytes of a write that are in a range, by where they are in that.
fn covered(range: Range<u64>, address: u64, bytes: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let skipped = usize::try_from(range.start.saturating_sub(address)).unwrap_or(usize::MAX);
    let ahead = address.saturating_sub(range.start);
    let room = range.end.saturating_sub(range.start.max(address));
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let first = usize::try_from(ahead).unwrap_or(usize::MAX);
    let some = bytes.iter().skip(skipped).take(room);
    (first..).zip(some.copied())
}

/// Replays the new recording: the guest must make the same crossings. How many hostcalls did.
fn verify(path: &Path, compiled: &Compiled) -> anyhow::Result<u64> {
    let trace = Arc::new(Trace::open(path)?);
    let mut whole = WholeReplay::new(trace.clone(), compiled, |_, _| {})?;
    match whole.run() {
        Ok(verified) => Ok(verified.checks.events),
        Err(ReplayError::Diverged(divergence)) => {
            let component = trace.component();
            let crossing = [&divergence.replayed, &divergence.recorded]
                .into_iter()
                .find_map(|side| component.crossing(side.crossed.as_ref()?.crossing));
            let at =
                crossing.map_or_else(String::new, |crossing| format!(", at {}", crossing.name));
            bail!(
                "the program does more with what was to be replaced than to hand it on: without \
                 it, it goes another way at hostcall {}{at} (recorded: {}; now: {}); nothing is \
                 written",
                divergence.event,
                divergence.recorded.text,
                divergence.replayed.text
            )
        }
        Err(error) => Err(error).context(
            "without what was to be replaced, the recording does not replay; nothing is written",
        ),
    }
}
