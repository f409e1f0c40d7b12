//! What `rr-dap trace info --secrets` tells: which sorts of sensitive data are in a recording, and
//! where; never the data.

use crate::cli::terminal::on_one_line;
use crate::inspect::past::secrets::{Secret, SecretKind};
use crate::trace::Trace;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// Headers that let somebody in.
const HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "x-api-key",
];

/// So many events are told of each.
const EVENTS_TOLD: usize = 20;

/// Where data of one sort, under one name, is.
#[derive(Debug, Default)]
struct Where {
    events: BTreeSet<u64>,
    times: u64,
    bytes: u64,
}

/// The sorts and names that there are.
#[derive(Debug, Default)]
pub(super) struct Sensitive {
    found: BTreeMap<(SecretKind, String), Where>,
    /// Variables whose values the settings of the run have.
    variables: Vec<String>,
    /// Headers in what a host noted, and in how many requests.
    noted: BTreeMap<String, u64>,
}

impl Sensitive {
    pub(super) fn of(trace: &Trace, secrets: &[Secret]) -> Sensitive {
        let mut sensitive = Sensitive::default();
        let metadata = trace.metadata();
        if !metadata.env_redacted {
            let names = metadata.env.iter().map(|(name, _)| name.clone());
            sensitive.variables = names.collect();
        }
        for request in trace.noted_requests().iter() {
            let names = request.headers.iter();
            let names: BTreeSet<_> = names.map(|(name, _)| name.to_ascii_lowercase()).collect();
            for name in names.into_iter().filter(|name| is_sensitive(name)) {
                *sensitive.noted.entry(name).or_default() += 1;
            }
        }
        for secret in secrets {
            if secret.kind == SecretKind::Header && !is_sensitive(&secret.name) {
                continue;
            }
            let key = (secret.kind, secret.name.clone());
            let found = sensitive.found.entry(key).or_default();
            found.events.insert(secret.event);
            found.times += 1;
            found.bytes += secret.place.map_or(0, |place| place.length);
        }
        sensitive
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let found = self.found.iter().map(|((kind, name), found)| {
            serde_json::json!({
                "kind": kind.name(),
                "name": (!name.is_empty()).then_some(name),
                "values": found.times,
                "bytes": found.bytes,
                "events": found.events,
            })
        });
        serde_json::json!({
            "found": found.collect::<Vec<_>>(),
            "settings": self.variables,
            "noted": self.noted,
        })
    }

    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut line = |what: &str, told: String| writeln!(out, "{what:<16}{}", on_one_line(&told));
        for ((kind, name), found) in &self.found {
            let told = found.events.iter().take(EVENTS_TOLD);
            let mut events: Vec<_> = told.map(ToString::to_string).collect();
            if found.events.len() > EVENTS_TOLD {
                events.push(format!("… ({} in all)", found.events.len()));
            }
            let name = match name.is_empty() {
                true => String::new(),
                false => format!("{name}: "),
            };
            let size = match kind {
                // It is delivered later.
                SecretKind::Stream => format!("{} reads", found.times),
                _ => format!("{} values, {} bytes", found.times, found.bytes),
            };
            line(
                kind.name(),
                format!("{name}{size}, in hostcalls {}", events.join(", ")),
            )?;
        }
        if !self.variables.is_empty() {
            let names = self.variables.join(", ");
            line(
                "environment",
                format!("{names}: in the settings of the run"),
            )?;
        }
        for (name, requests) in &self.noted {
            line(
                "header",
                format!("{name}: in what the host noted of {requests} requests"),
            )?;
        }
        if self.found.is_empty() && self.variables.is_empty() && self.noted.is_empty() {
            line("nothing", "of the sorts that are looked for".to_owned())?;
        }
        Ok(())
    }
}

fn is_sensitive(header: &str) -> bool {
    HEADERS.contains(&header)
}
