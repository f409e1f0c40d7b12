//! `resources`: the handle tables at this moment.

use super::{CommandError, ConsoleCommand, Context, Effect, Ran, wrong};
use crate::debuggee::{HandleShown, VariableView};

pub(super) const RESOURCES: ConsoleCommand = ConsoleCommand {
    words: "resources",
    also: &["handles"],
    arguments: "[HANDLE]",
    about: "show the handle table of each component instance, or the life of one handle",
    run: resources,
};

fn resources(context: &mut Context<'_>, arguments: &str) -> Ran {
    if arguments.is_empty() {
        let tables = context.debuggee.handles()?;
        let value = whole(context)?;
        return Ok(Effect::Show(Box::new(VariableView { value, ..tables })));
    }
    let index: u32 = arguments
        .parse()
        .map_err(|_| wrong(format!("`{arguments}` is not a handle: write its index")))?;
    let mut lines = Vec::new();
    for instance in context.debuggee.resources(false)? {
        let found = instance.handles.iter().find(|handle| handle.index == index);
        if let Some(handle) = found {
            lines.push(format!("instance {}", instance.instance));
            lines.extend(life(handle));
        }
    }
    match lines.is_empty() {
        true => Err(wrong(format!("no table has a handle {index} here"))),
        false => Ok(Effect::Say(lines.join("\n"))),
    }
}

/// The tables as text, as not every console unfolds values.
fn whole(context: &mut Context<'_>) -> Result<String, CommandError> {
    let mut lines = Vec::new();
    for instance in context.debuggee.resources(false)? {
        let count = instance.handles.len();
        let plural = if count == 1 { "handle" } else { "handles" };
        lines.push(format!("instance {}: {count} {plural}", instance.instance));
        for handle in &instance.handles {
            let (index, kind, of) = (handle.index, handle.kind, &handle.type_name);
            let meaning = handle.meaning.as_ref();
            let meaning = meaning.map_or(String::new(), |meaning| format!(" ({meaning})"));
            // Of what is waited for, how it stands with it says what it is, too.
            lines.push(match &handle.state {
                Some(state) if !matches!(kind, "own" | "borrow") => format!("{index:>6}  {state}"),
                _ if kind == of => format!("{index:>6}  {kind}{meaning}"),
                _ => format!("{index:>6}  {kind} {of}{meaning}"),
            });
        }
    }
    Ok(match lines.is_empty() {
        true => "there are no handles here".to_owned(),
        false => lines.join("\n"),
    })
}

fn life(handle: &HandleShown) -> Vec<String> {
    let meaning = handle.meaning.as_ref();
    let meaning = meaning.map_or(String::new(), |meaning| format!(" ({meaning})"));
    let (index, kind, of) = (handle.index, handle.kind, &handle.type_name);
    let mut lines = vec![format!("  {index}: {kind} {of}{meaning}")];
    lines.extend(handle.rep.map(|rep| format!("    rep {rep:#x}")));
    lines.extend(handle.state.as_ref().map(|state| format!("    {state}")));
    let events = handle.life.iter();
    lines.extend(events.map(|(event, what)| format!("    event {event}: {what}")));
    lines
}
