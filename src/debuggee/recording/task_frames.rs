//! Frames of tasks whose language says nothing of what they wait for, as that of C: the function that
//! has returned to the runtime, and the one that the task is a call of.

use super::Recording;
use super::awaited::Part;
use super::futures::Logical;
use super::task_steps::GLUE;
use super::tasks;
use crate::component::{CrossingId, CrossingKind, Instance, ModuleId};
use crate::debuggee::{
    Children, DebuggeeError, Frame, FrameId, FramePlace, Presentation, Scope, ScopeHint, ValuesRef,
};
use crate::inspect::tasks::{Task, Words};
use crate::source::SourceLine;
use std::collections::HashSet;
use std::time::Duration;

/// So long a stop waits for what a replay in the background tells.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// What linkers call what they put around an exported function.
const AROUND: &str = ".command_export";

/// A function of a task, below the stack.
#[derive(Debug, Clone)]
pub(super) struct TaskFrame {
    /// The task's number.
    pub(super) task: u64,
    name: String,
    module: Option<ModuleId>,
    at: At,
}

/// Where such a frame stands.
#[derive(Debug, Clone)]
enum At {
    Line(SourceLine),
    /// An instruction of a function without lines.
    Code {
        function: u32,
        pc: u32,
    },
    Nowhere,
}

/// Which line of a function is shown.
#[derive(Debug, Clone, Copy)]
enum Which {
    Declared,
    Last,
}

/// Those right below the stack, and those of tasks that wait.
type OfTasks = (Vec<Logical>, Vec<Logical>);

impl TaskFrame {
    /// What is known of the task.
    pub(super) fn scope(&self) -> Scope {
        Scope {
            name: format!("Task {}", self.task),
            hint: ScopeHint::Arguments,
            children: Children {
                values: ValuesRef(format!("{}/{}", tasks::KEY, self.task)),
                named: None,
                indexed: None,
            },
            expensive: false,
        }
    }
}

impl Recording {
    /// The frames right below the stack, and those of tasks that wait, of all that are not known by
    /// their futures; `None` if that is not known yet.
    pub(super) fn frames_of_tasks(
        &mut self,
        known: &HashSet<u64>,
    ) -> Result<Option<OfTasks>, DebuggeeError> {
        let component = self.timeline.trace().component().clone();
        let mut crossings = component.crossings().iter();
        if !crossings.any(|crossing| crossing.kind == CrossingKind::Callback) {
            return Ok(Some(Default::default()));
        }
        let event = self.timeline.here().event;
        // What is known by then is asked for below.
        _ = self.chronicle().output(event, PATIENCE, |_| ());
        let tasks = match self.tasks_here(Part::Frames) {
            Ok(tasks) => tasks,
            Err(DebuggeeError::NotYet) => return Ok(None),
            // The recording is damaged, perhaps: the stack is there all the same.
            Err(_) => return Ok(Some(Default::default())),
        };
        let words = Words {
            component: &component,
            tasks: &tasks,
        };
        let (mut below, mut suspended) = (Vec::new(), Vec::new());
        for task in tasks.tasks().filter(|task| !known.contains(&task.id.0)) {
            let number = task.id.0;
            let is_current = tasks.running() == Some(task.id);
            if task.is_suspended() {
                suspended.push(Logical::Label(format!("task {number} is suspended at")));
                suspended.push(self.returned_frame(task, &words.state(task)));
                suspended.push(self.entry_frame(task, words.call(task)));
            } else if is_current && task.callbacks > 0 {
                let times = match task.callbacks {
                    1 => "once".to_owned(),
                    times => format!("{times} times"),
                };
                below.push(Logical::Label(format!(
                    "task {number}, called back {times}, is"
                )));
                below.push(self.entry_frame(task, words.call(task)));
            }
        }
        Ok(Some((below, suspended)))
    }

    /// Where a task has returned to the runtime.
    fn returned_frame(&self, task: &Task, state: &str) -> Logical {
        let callback = self.callback_of(task.function);
        let ran = match callback.filter(|_| task.callbacks > 0) {
            Some(callback) => callback,
            None => task.function,
        };
        let (name, module, at) = self.written(task.instance, ran, Which::Last);
        let name = match name {
            Some(name) => format!("{name} {state}"),
            None => state.to_owned(),
        };
        Logical::Task(Box::new(TaskFrame {
            task: task.id.0,
            name,
            module,
            at,
        }))
    }

    /// The call that a task is.
    fn entry_frame(&self, task: &Task, name: String) -> Logical {
        let (_, module, at) = self.written(task.instance, task.function, Which::Declared);
        Logical::Task(Box::new(TaskFrame {
            task: task.id.0,
            name,
            module,
            at,
        }))
    }

    /// What somebody has written for a call into the guest: bindings for C call that.
    fn written(
        &self,
        instance: Instance,
        crossing: CrossingId,
        which: Which,
    ) -> (Option<String>, Option<ModuleId>, At) {
        let Some((id, entry)) = self.core_function(instance, crossing) else {
            return (None, None, At::Nowhere);
        };
        let Some(module) = self.timeline.module(id) else {
            return (None, None, At::Nowhere);
        };
        let source = &module.source;
        let function = source.function_at(entry).map(|called| {
            let name = called.name.strip_suffix(AROUND).unwrap_or(&called.name);
            let name = name.strip_prefix(GLUE).unwrap_or(name);
            let written = source.functions_named(name);
            written.first().copied().unwrap_or(called)
        });
        let line = function.and_then(|function| {
            let declared = function.declared;
            let lines = source.statements(function.range.clone()).iter();
            let mut lines = lines
                .map(|statement| statement.at)
                .filter(|at| at.line != 0);
            match which {
                Which::Declared => declared.or_else(|| lines.next()),
                Which::Last => lines.next_back().or(declared),
            }
        });
        let at = match (line, module.code.function_at(entry)) {
            (Some(line), _) => At::Line(line),
            (None, Some(function)) => At::Code {
                function,
                pc: entry,
            },
            (None, None) => At::Nowhere,
        };
        (function.map(|function| function.name.clone()), Some(id), at)
    }

    /// Such a frame as shown.
    pub(super) fn show_task(&self, id: FrameId, frame: &TaskFrame) -> Frame {
        let place = frame
            .module
            .and_then(|module| self.place_of_task(module, &frame.at));
        Frame {
            id,
            name: frame.name.clone(),
            presentation: match (&frame.at, frame.module) {
                (At::Line(line), Some(module)) if !self.is_of_library(module, *line) => {
                    Presentation::Normal
                }
                _ => Presentation::Subtle,
            },
            place,
            instruction: None,
            module: frame.module.map(|module| module.0.to_string()),
        }
    }

    fn place_of_task(&self, id: ModuleId, at: &At) -> Option<FramePlace> {
        match at {
            At::Line(line) => {
                let module = self.timeline.module(id)?;
                Some(self.place_in_source(id, module, *line, None))
            }
            At::Code { function, pc } => self.place_in_listing(id, *function, *pc),
            At::Nowhere => None,
        }
    }
}
