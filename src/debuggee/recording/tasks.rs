//! The tasks at this stop, and who waits for whom.

use super::Recording;
use super::awaited::Part;
use crate::component::{Builtin, Component, Crossing, CrossingKind};
use crate::debuggee::failure::Fault;
use crate::debuggee::{
    Children, DebuggeeError, Scope, ScopeHint, TasksShown, ValueKind, ValuesRef, VariableView,
};
use crate::inspect::past::chronicle::{ChronicleError, Until};
use crate::inspect::tasks::{TaskId, TaskTold, Tasks, UnusedTold, Words};
use crate::replay::Phase;
use crate::timeline::Interrupt;
use crate::trace::Instance;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where values of the tasks are found: in place of a frame's number.
pub(super) const KEY: &str = "tasks";
/// Of tasks that have ended, so many are shown.
const ENDED: usize = 100;
/// What a deadlock is.
const DEADLOCK: &str = "every task waits, and nothing that could wake one is under way";

impl Recording {
    /// The tasks here, or at the end of the recording.
    pub(super) fn tasks_shown(&mut self, at_end: bool) -> Result<TasksShown, DebuggeeError> {
        let event = match at_end {
            true => u64::MAX,
            false => self.timeline.here().event,
        };
        let tasks = match at_end {
            true => self.tasks_at_end()?,
            false => self.tasks_here(Part::Whole)?,
        };
        let component = self.component();
        let words = Words {
            component: &component,
            tasks: &tasks,
        };
        let ended = self.chronicle().tasks_so_far(|history| {
            let ended = history.ended(event).take(ENDED);
            ended.map(|ended| words.ended_told(ended)).collect()
        });
        let unused = self.chronicle().tasks_so_far(|history| {
            let unused = history.unused();
            unused.iter().map(UnusedTold::from).collect()
        });
        Ok(TasksShown {
            told: tasks.told(&component),
            ended,
            unused,
            waits: tasks.waits(&component),
        })
    }

    fn component(&self) -> Arc<Component> {
        self.timeline.trace().component().clone()
    }

    fn tasks_here(&mut self, part: Part) -> Result<Arc<Tasks>, DebuggeeError> {
        let here = self.timeline.here();
        let (event, in_call) = (here.event, here.position.phase == Phase::Calling);
        self.ask_chronicle(Until::Call(event), part, |chronicle| {
            chronicle.tasks_at(event, in_call)
        })
    }

    fn tasks_at_end(&mut self) -> Result<Arc<Tasks>, DebuggeeError> {
        self.ask_chronicle(Until::End, Part::Whole, |chronicle| {
            chronicle.has_come_to(Until::End)?;
            let end = chronicle.tasks_so_far(|history| history.end());
            Ok(Arc::new(end.map_err(ChronicleError::from)?))
        })
    }

    /// Who waits for ever, where the run ended as nobody could go on.
    pub(super) fn deadlock_explained(&mut self) -> Result<String, DebuggeeError> {
        let waits = self.tasks_at_end()?.waits(&self.component());
        let story = waits
            .story()
            .map_or_else(String::new, |story| format!(": {story}"));
        Ok(format!("{DEADLOCK}{story}"))
    }

    /// The same as a fault, however long it takes until it is known.
    pub(super) fn deadlock(&mut self, interrupt: &Interrupt) -> Result<Fault, DebuggeeError> {
        self.chronicle().wait(Until::End, interrupt, &|_| {})?;
        let waits = self.tasks_at_end()?.waits(&self.component());
        Ok(Fault::Deadlock {
            story: self.deadlock_explained()?,
            functions: waits.stuck_functions(),
        })
    }

    /// The tasks that are in progress where the recording ends, each in words, however long it
    /// takes until it is known; none where that cannot be known.
    pub(super) fn left_at_end(&mut self, interrupt: &Interrupt) -> Vec<String> {
        let is_task = |c: &Crossing| c.kind == CrossingKind::Lift && c.is_async;
        if !self.component().crossings().iter().any(is_task) {
            return Vec::new();
        }
        _ = self.chronicle().wait(Until::End, interrupt, &|_| {});
        let Ok(tasks) = self.tasks_at_end() else {
            return Vec::new();
        };
        tasks.waits(&self.component()).tasks()
    }

    /// How it stands with subtasks, waitable sets, streams and futures, in words; nothing where that is
    /// not known yet.
    pub(super) fn states_of_waitables(
        &mut self,
        at_end: bool,
    ) -> BTreeMap<(Instance, u32), String> {
        let tasks = match at_end {
            true => self.tasks_at_end(),
            false => self.tasks_here(Part::Whole),
        };
        let Ok(tasks) = tasks else {
            return BTreeMap::new();
        };
        let component = self.component();
        let words = Words {
            component: &component,
            tasks: &tasks,
        };
        let items = tasks.all_items();
        items
            .map(|(instance, index, item)| {
                let words = words.item(instance, index, item);
                ((instance, index), words)
            })
            .collect()
    }

    /// The group of values of all tasks: only where there is more to them than the stack.
    pub(super) fn task_scope(&mut self) -> Option<Scope> {
        let component = self.component();
        let mut crossings = component.crossings().iter();
        let is_of_tasks = |builtin: &Builtin| {
            !matches!(
                builtin,
                Builtin::ResourceNew(_) | Builtin::ResourceDrop(_) | Builtin::ResourceRep(_)
            )
        };
        let any = crossings
            .any(|crossing| crossing.is_async || crossing.builtin().is_some_and(is_of_tasks));
        any.then(|| Scope {
            name: "Tasks".into(),
            hint: ScopeHint::None,
            children: Children {
                values: ValuesRef(KEY.into()),
                named: None,
                indexed: None,
            },
            expensive: true,
        })
    }

    /// All tasks and what instances hold; what is known of one task; what one instance holds.
    pub(super) fn task_values(
        &mut self,
        steps: &[&str],
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let tasks = match self.tasks_here(Part::Values) {
            Err(DebuggeeError::NotYet) => return Ok(vec![not_yet()]),
            tasks => tasks?,
        };
        let component = self.component();
        let words = Words {
            component: &component,
            tasks: &tasks,
        };
        let missing = || DebuggeeError::other("there is no such task here");
        let number = |step: &str| step.parse::<u64>().ok();
        match steps {
            [] => {
                let waits = tasks.waits(&component);
                let rows = tasks
                    .tasks()
                    .map(|task| task_row(&words.task_told(task), &words));
                let mut rows: Vec<VariableView> = rows.collect();
                let told = tasks.told(&component);
                let holding = told
                    .instances
                    .iter()
                    .filter(|of| !of.items.is_empty() || of.backpressure > 0);
                rows.extend(holding.map(|of| {
                    let held = match of.items.len() {
                        1 => "holds 1 thing that is waited for".to_owned(),
                        count => format!("holds {count} things that are waited for"),
                    };
                    let held_back = match of.backpressure {
                        0 => "",
                        _ => "; takes no new calls (backpressure)",
                    };
                    let key = format!("{KEY}/of/{}", of.instance);
                    unfolding(&format!("instance {}", of.instance), held + held_back, key)
                }));
                let cycles = waits.cycles.iter();
                rows.extend(cycles.map(|cycle| row("deadlock", waits.cycle_text(cycle))));
                Ok(rows)
            }
            ["of", instance] => {
                let told = tasks.told(&component);
                let mut instances = told.instances.into_iter();
                let of = instances.find(|of| Some(u64::from(of.instance)) == number(instance));
                let items = of.ok_or_else(missing)?.items.into_iter();
                Ok(items
                    .map(|item| row(&item.index.to_string(), item.words))
                    .collect())
            }
            [task] => {
                let task = number(task).and_then(|id| tasks.task(TaskId(id)));
                let told = words.task_told(task.ok_or_else(missing)?);
                Ok(task_rows(&told, &words))
            }
            _ => Err(missing()),
        }
    }
}

fn row(name: &str, value: String) -> VariableView {
    VariableView {
        name: name.to_owned(),
        value,
        kind: ValueKind::Virtual,
        ..VariableView::default()
    }
}

fn unfolding(name: &str, value: String, key: String) -> VariableView {
    VariableView {
        children: Some(Children {
            values: ValuesRef(key),
            named: None,
            indexed: None,
        }),
        ..row(name, value)
    }
}

fn task_row(told: &TaskTold, words: &Words<'_>) -> VariableView {
    let call = words
        .tasks
        .task(TaskId(told.id))
        .map_or_else(String::new, |task| words.call(task));
    let key = format!("{KEY}/{}", told.id);
    unfolding(
        &format!("task {}", told.id),
        format!("{call} {}", told.words),
        key,
    )
}

fn task_rows(told: &TaskTold, words: &Words<'_>) -> Vec<VariableView> {
    let mut rows = vec![
        row("function", told.function.clone()),
        row("arguments", told.arguments.clone()),
        row("instance", told.instance.to_string()),
        row("state", told.words.clone()),
    ];
    rows.extend(told.more.iter().map(|more| {
        let (name, value) = named(more);
        row(name, value.to_owned())
    }));
    for (instance, index, _) in words.tasks.subtasks_of(TaskId(told.id)) {
        if let Some(item) = words.tasks.item(instance, index) {
            let value = words.item(instance, index, item);
            rows.push(row(&format!("subtask {index}"), value));
        }
    }
    rows
}

/// What is said of a task, with a name for it.
fn named(more: &str) -> (&str, &str) {
    const FIRST: [&str; 6] = [
        "called back",
        "called",
        "returned",
        "was cancelled",
        "was asked to end",
        "context",
    ];
    let split = |first: &&'static str| Some((*first, more.strip_prefix(first)?));
    match FIRST.iter().find_map(split) {
        Some((name, value)) => (name, value.trim_start_matches([',', ' '])),
        None => ("thread", more),
    }
}

/// In place of tasks.
fn not_yet() -> VariableView {
    row(
        KEY,
        "<not known yet: the recording is still being replayed in the background>".into(),
    )
}
