//! `requests`, `request next`, `request prev`: what a service was asked.

use super::{ConsoleCommand, Context, Effect, Ran, wrong};
use crate::debuggee::{WhichRequest, grouped};
use crate::inspect::past::requests::Request;

/// Lines around the present: a console is not the place for more.
const SHOWN: usize = 40;

pub(super) const REQUESTS: ConsoleCommand = ConsoleCommand {
    words: "requests",
    also: &[],
    arguments: "[failed]",
    about: "list the requests that a service was given, around this moment; only those that failed",
    run: requests,
};
pub(super) const REQUEST_NEXT: ConsoleCommand = ConsoleCommand {
    words: "request next",
    also: &["next request"],
    arguments: "[failed]",
    about: "go to where the next request comes in; only to one that failed",
    run: |context, more| {
        let failed = is_failed(more)?;
        travel(context, WhichRequest::Next { failed })
    },
};
pub(super) const REQUEST_PREVIOUS: ConsoleCommand = ConsoleCommand {
    words: "request prev",
    also: &["request previous", "previous request", "prev request"],
    arguments: "[failed]",
    about: "go back to where this request, or the one before, came in; only to one that failed",
    run: |context, more| {
        let failed = is_failed(more)?;
        travel(context, WhichRequest::Previous { failed })
    },
};

fn is_failed(arguments: &str) -> Result<bool, super::CommandError> {
    match arguments {
        "" => Ok(false),
        "failed" => Ok(true),
        other => Err(wrong(format!("`{other}` is not `failed`"))),
    }
}

fn travel(context: &mut Context<'_>, which: WhichRequest) -> Ran {
    let (number, motion) = context.debuggee.to_request(which)?;
    Ok(Effect::Travel {
        say: format!("going to request {number}"),
        motion,
    })
}

fn requests(context: &mut Context<'_>, arguments: &str) -> Ran {
    let failed = is_failed(arguments)?;
    let requests = context.debuggee.requests(context.interrupt)?;
    let here = context.debuggee.request_here();
    let here = here.map(|request| request.number);
    let event = context.debuggee.here().event;
    let is_meant = |request: &&Request| !failed || request.has_failed();
    let fitting: Vec<&Request> = requests.list().iter().filter(is_meant).collect();
    if fitting.is_empty() {
        let all = requests.list().len();
        return Ok(Effect::Say(match all {
            0 => "there are no requests in this recording".to_owned(),
            all => format!("none of the {} requests has failed", grouped(all as u64)),
        }));
    }
    let is_before = |request: &&Request| match here {
        Some(number) => request.number < number,
        None => request.entered.is_none_or(|at| at.event < event),
    };
    let before = fitting.iter().take_while(|request| is_before(request));
    let first = before
        .count()
        .saturating_sub(SHOWN / 2)
        .min(fitting.len().saturating_sub(SHOWN));
    let shown = fitting.iter().skip(first).take(SHOWN);
    let mut lines: Vec<String> = shown.map(|request| line(request, here)).collect();
    let after = fitting.len().saturating_sub(first + lines.len());
    if first > 0 {
        lines.insert(0, format!("… {} before", grouped(first as u64)));
    }
    if after > 0 {
        lines.push(format!("… {} after", grouped(after as u64)));
    }
    lines.extend(requests.cut_short.clone());
    Ok(Effect::Say(lines.join("\n")))
}

fn line(request: &Request, here: Option<u64>) -> String {
    let sign = match (here == Some(request.number), request.has_failed()) {
        (true, _) => '▶',
        (false, true) => '!',
        (false, false) => ' ',
    };
    let status = request
        .status
        .map_or_else(|| "-".to_owned(), |status| status.to_string());
    let at = request
        .entered
        .map_or_else(|| "never".to_owned(), |at| format!("event {}", at.event));
    let told = match request.ending {
        crate::inspect::past::requests::RequestEnding::Answered => String::new(),
        _ => format!("  {}", request.told()),
    };
    format!(
        "{sign}{:>5}  {status:>3}  {}  ({at}, {} hostcalls){told}",
        request.number,
        request.title(),
        grouped(request.hostcalls)
    )
}
