//! `tasks`, `task N`: the tasks at this moment.

use super::{ConsoleCommand, Context, Effect, Ran, wrong};
use crate::inspect::tasks::TaskTold;

pub(super) const TASKS: ConsoleCommand = ConsoleCommand {
    words: "tasks",
    also: &[],
    arguments: "[all]",
    about: "show the tasks in progress, and what they wait for; all: those that have ended, too",
    run: tasks,
};
pub(super) const TASK: ConsoleCommand = ConsoleCommand {
    words: "task",
    also: &[],
    arguments: "N",
    about: "show all that is known of one task",
    run: task,
};
fn tasks(context: &mut Context<'_>, arguments: &str) -> Ran {
    let all = match arguments {
        "" => false,
        "all" => true,
        other => {
            return Err(wrong(format!(
                "`{other}` is not `all`; `task N` shows one task"
            )));
        }
    };
    let shown = context.debuggee.tasks(false)?;
    // Of a system they are of all its nodes, each with tasks of its own.
    let stacks = match context.debuggee.threads().is_empty() {
        true => context.debuggee.stacks()?,
        false => Vec::new(),
    };
    let mut lines: Vec<String> = Vec::new();
    for task in &shown.told.tasks {
        lines.push(headline(task));
        lines.push(format!("    {}", task.words));
        let of_it = stacks.iter().filter(|stack| stack.task == Some(task.id));
        let numbers: Vec<String> = of_it.map(|stack| stack.id.0.to_string()).collect();
        if !numbers.is_empty() {
            lines.push(format!("    on thread {}", numbers.join(", ")));
        }
    }
    if lines.is_empty() {
        lines.push("no task is in progress here".to_owned());
    }
    for of in &shown.told.instances {
        if of.items.is_empty() && of.backpressure == 0 {
            continue;
        }
        let held_back = match of.backpressure {
            0 => "",
            _ => ", which takes no new calls (backpressure)",
        };
        lines.push(format!("instance {}{held_back}", of.instance));
        let items = of.items.iter();
        lines.extend(items.map(|item| format!("{:>6}  {}", item.index, item.words)));
    }
    let cycles = shown.waits.cycles.iter();
    lines.extend(cycles.map(|cycle| format!("deadlock: {}", shown.waits.cycle_text(cycle))));
    if all && !shown.ended.is_empty() {
        lines.push("ended before:".to_owned());
        for task in &shown.ended {
            lines.push(format!("{}: {}", headline(task), task.words));
        }
    }
    Ok(Effect::Say(lines.join("\n")))
}

fn headline(task: &TaskTold) -> String {
    let TaskTold {
        id,
        instance,
        function,
        arguments,
        ..
    } = task;
    format!("task {id}, instance {instance}: {function}({arguments})")
}

fn task(context: &mut Context<'_>, arguments: &str) -> Ran {
    let id: u64 = arguments
        .parse()
        .map_err(|_| wrong(format!("`{arguments}` is not a task: write its number")))?;
    let shown = context.debuggee.tasks(false)?;
    let all = shown.told.tasks.iter().chain(&shown.ended);
    let found = all.into_iter().find(|task| task.id == id);
    let found = found.ok_or_else(|| {
        wrong(format!(
            "there is no task {id} here: `tasks all` lists those that there are"
        ))
    })?;
    let mut lines = vec![headline(found), format!("    {}", found.words)];
    lines.extend(found.more.iter().map(|more| format!("    {more}")));
    let own = shown
        .told
        .instances
        .iter()
        .find(|of| of.instance == found.instance);
    let items = own.into_iter().flat_map(|of| &of.items);
    for item in items.filter(|item| item.task == Some(id)) {
        lines.push(format!("{:>6}  {}", item.index, item.words));
    }
    Ok(Effect::Say(lines.join("\n")))
}
