//! Tasks, and what they wait for, as data for programs and views.

use super::history::EndedTask;
use super::state::{
    Caller, Copying, End, Holder, Item, Moved, Side, Subtask, Task, TaskState, Tasks, Unused,
    WaitableSet,
};
use super::words::Words;
use crate::component::Component;
use crate::component::status::{CopyAnswer, SubtaskState};
use crate::trace::Instance;
use serde::Serialize;

/// The tasks of a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TasksTold {
    /// Those in progress, in the order in which they began.
    pub tasks: Vec<TaskTold>,
    /// What instances hold that is waited for.
    pub instances: Vec<InstanceTold>,
}

/// One task. Moments are numbers of the hostcall that was made next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskTold {
    /// Its number: calls of exported functions are counted from 1.
    pub id: u64,
    /// Whose function was called.
    pub instance: u32,
    /// The WIT path of the function.
    pub function: String,
    /// What it was given, as WAVE.
    pub arguments: String,
    /// `running`, `calling`, `waiting`, `yielded`; `ended`.
    pub state: &'static str,
    /// The same in words, with what it waits for.
    pub words: String,
    /// What else there is to say, in words.
    pub more: Vec<String>,
    /// The hostcall that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostcall: Option<u64>,
    /// The waitable set that it waits at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<u32>,
    /// Since when it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// The hostcall of another instance that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<CallerTold>,
    /// When it began.
    pub begun: u64,
    /// When its code ran last.
    pub ran: u64,
    /// How often its callback was called.
    pub callbacks: u32,
    /// What it has returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returned: Option<ReturnedTold>,
    /// When it was told that its caller wants it to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<u64>,
    /// What is in its task-local storage, by slot.
    pub context: Vec<Option<u64>>,
    /// The indices of its subtasks, in its instance.
    pub subtasks: Vec<u32>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}

/// Who called a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallerTold {
    /// The instance that calls.
    pub instance: u32,
    /// Its task.
    pub task: Option<u64>,
    /// The hostcall.
    pub hostcall: u64,
}

/// What a task has returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnedTold {
    /// By which hostcall.
    pub hostcall: u64,
    /// As WAVE.
    pub value: Option<String>,
    /// Whether it has ended without, by `task.cancel`.
    pub is_cancelled: bool,
}

/// What one instance holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceTold {
    /// Its number.
    pub instance: u32,
    /// How often it has said that it takes no new calls, without taking it back.
    pub backpressure: u32,
    /// By index.
    pub items: Vec<ItemTold>,
}

/// A subtask, a waitable set, or an end of a stream or future.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemTold {
    /// Its index.
    pub index: u32,
    /// What it is, and how it stands with it, in words.
    pub words: String,
    /// A hostcall that it has to do with: that began it, made it, or uses it.
    pub hostcall: u64,
    /// The set that it is a member of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<u32>,
    /// The task that made it, or used it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<u64>,
    /// What it is.
    #[serde(flatten)]
    pub kind: KindTold,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    tag = "kind"
)]
pub enum KindTold {
    /// A call that has not returned at once.
    Subtask {
        /// The WIT path of what was called.
        function: String,
        /// What it was given, as WAVE.
        arguments: String,
        /// The specification's name of its state, as the caller was told.
        state: &'static str,
        /// What it has returned, as WAVE.
        result: Option<String>,
        /// The task that it is in another instance.
        callee: Option<u64>,
        /// When the caller asked it to end.
        cancelled: Option<u64>,
        /// Indices of resources that it is lent.
        lent: Vec<u32>,
    },
    /// What tasks wait at.
    WaitableSet {
        /// The indices of its members.
        members: Vec<u32>,
    },
    /// An end of a stream.
    Stream(EndTold),
    /// An end of a future.
    Future(EndTold),
}

/// An end of a stream or future.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndTold {
    /// `stream<u8>`
    #[serde(rename = "type")]
    pub ty: String,
    /// The number of the stream or future: both ends have the same.
    pub channel: u64,
    /// `readable` or `writable`.
    pub side: &'static str,
    /// What is being read or written.
    pub copying: Option<CopyingTold>,
    /// The last read or write that has ended.
    pub last: Option<MovedTold>,
    /// How many values have been read or written by this holder.
    pub count: u64,
    /// Who has the other end.
    pub other_end: OtherEndTold,
}

/// A read or write in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyingTold {
    /// What began it.
    pub hostcall: u64,
    /// For how many values.
    pub length: u64,
    /// What is written, as WAVE.
    pub values: Option<String>,
}

/// A read or write that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MovedTold {
    /// When its holder was told.
    pub event: u64,
    /// `completed`, `dropped`, `cancelled`.
    pub result: &'static str,
    /// How many values.
    pub count: u32,
    /// The values, as WAVE.
    pub values: Option<String>,
}

/// Who has the other end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherEndTold {
    /// In words.
    pub words: String,
    /// The instance, if it is one of the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
    /// Its index there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// Whether it has been dropped, as far as that can be known.
    pub is_dropped: bool,
}

/// An end of a stream or future that its holder never read or wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnusedTold {
    /// In words.
    pub words: String,
    /// Whose it is, or was.
    pub instance: u32,
    /// Its index.
    pub index: u32,
    /// When it came into the table of its holder.
    pub came: u64,
    /// When it was dropped; `None` if it never was.
    pub dropped: Option<u64>,
    /// The task that used it last, or received it.
    pub task: Option<u64>,
}

impl From<&Unused> for UnusedTold {
    fn from(unused: &Unused) -> UnusedTold {
        let end = &unused.end;
        let (side, done) = match end.side {
            Side::Readable => ("readable", "read"),
            Side::Writable => ("writable", "written"),
        };
        let dropped = match unused.dropped {
            Some(event) => format!("dropped in hostcall {event}"),
            None => "never dropped".to_owned(),
        };
        UnusedTold {
            words: format!(
                "{side} end of {}, which came before event {}: never {done}, {dropped}",
                unused.channel, end.came
            ),
            instance: unused.instance.0,
            index: unused.index,
            came: end.came,
            dropped: unused.dropped,
            task: end.task.map(|task| task.0),
        }
    }
}

impl Tasks {
    /// As data.
    pub fn told(&self, component: &Component) -> TasksTold {
        let words = Words {
            component,
            tasks: self,
        };
        TasksTold {
            tasks: self.tasks().map(|task| words.task_told(task)).collect(),
            instances: self.instances().map(|id| words.instance_told(id)).collect(),
        }
    }
}

impl Words<'_> {
    /// A task as data.
    pub fn task_told(&self, task: &Task) -> TaskTold {
        let (state, hostcall, set, since) = match task.state {
            TaskState::Running => ("running", None, None, None),
            TaskState::Calling(event) => ("calling", Some(event), None, None),
            TaskState::Waiting { set, since } => ("waiting", None, Some(set), Some(since)),
            TaskState::Yielded { since } => ("yielded", None, None, Some(since)),
        };
        TaskTold {
            id: task.id.0,
            instance: task.instance.0,
            function: self.function(task.function),
            arguments: task.arguments.to_string(),
            state,
            words: self.state(task),
            more: self.more(task),
            hostcall,
            set,
            since,
            caller: match task.caller {
                Caller::Host => None,
                Caller::Call {
                    instance,
                    event,
                    task,
                } => Some(CallerTold {
                    instance: instance.0,
                    task: task.map(|task| task.0),
                    hostcall: event,
                }),
            },
            begun: task.begun,
            ran: task.ran,
            callbacks: task.callbacks,
            returned: task.returned.as_ref().map(|returned| ReturnedTold {
                hostcall: returned.event,
                value: returned.value.as_deref().map(str::to_owned),
                is_cancelled: returned.is_cancelled,
            }),
            cancelled: task.cancelled,
            context: task.context.to_vec(),
            subtasks: self
                .tasks
                .subtasks_of(task.id)
                .map(|(_, index, _)| index)
                .collect(),
            ended: None,
        }
    }

    /// A task that has ended, as data.
    pub fn ended_told(&self, ended: &EndedTask) -> TaskTold {
        TaskTold {
            state: "ended",
            words: self.ended(ended),
            hostcall: None,
            set: None,
            since: None,
            ended: Some(ended.ended),
            ..self.task_told(&ended.task)
        }
    }

    fn instance_told(&self, instance: Instance) -> InstanceTold {
        let items = self.tasks.items(instance);
        InstanceTold {
            instance: instance.0,
            backpressure: self.tasks.backpressure(instance),
            items: items
                .map(|(index, item)| self.item_told(instance, index, item))
                .collect(),
        }
    }

    /// What is at an index, as data.
    pub fn item_told(&self, instance: Instance, index: u32, item: &Item) -> ItemTold {
        let (hostcall, task, kind) = match item {
            Item::Subtask(subtask) => (subtask.event, subtask.caller, self.subtask_told(subtask)),
            Item::Set(WaitableSet { made, task, .. }) => {
                let members = self.tasks.members(instance, index);
                let members = members.map(|(index, _)| index).collect();
                (*made, *task, KindTold::WaitableSet { members })
            }
            Item::End(end) => {
                let event = end
                    .copying
                    .as_ref()
                    .map_or(end.used, |copying| copying.event);
                (event, end.task, self.end_told(end))
            }
        };
        ItemTold {
            index,
            words: self.item(instance, index, item),
            hostcall,
            set: item.set(),
            task: task.map(|task| task.0),
            kind,
        }
    }

    fn subtask_told(&self, subtask: &Subtask) -> KindTold {
        let Subtask { progress, .. } = subtask;
        KindTold::Subtask {
            function: self.function(subtask.function),
            arguments: subtask.arguments.to_string(),
            state: progress.state.map_or("unknown", SubtaskState::name),
            result: progress.result.as_deref().map(str::to_owned),
            callee: subtask.callee.map(|task| task.0),
            cancelled: subtask.cancelled,
            lent: subtask.lent.clone(),
        }
    }

    fn end_told(&self, end: &End) -> KindTold {
        let channel = self.tasks.channel(end.channel);
        let other = channel.map(|channel| channel.holder(end.side.other()));
        let (instance, index) = match other {
            Some(Holder::Instance(instance, index)) => (Some(instance.0), Some(index)),
            Some(Holder::Dropped { by, .. }) => (Some(by.0), None),
            _ => (None, None),
        };
        let told = EndTold {
            ty: channel.map_or_else(String::new, |channel| channel.text()),
            channel: end.channel.0,
            side: match end.side {
                Side::Readable => "readable",
                Side::Writable => "writable",
            },
            copying: end.copying.as_ref().map(copying_told),
            last: end.moved.as_ref().map(moved_told),
            count: end.count,
            other_end: OtherEndTold {
                words: other.map_or_else(String::new, |other| self.holder(other)),
                instance,
                index,
                is_dropped: matches!(other, Some(Holder::Dropped { .. }))
                    || end.other_dropped.is_some(),
            },
        };
        match channel.map(|channel| channel.kind) {
            Some(super::state::ChannelKind::Future) => KindTold::Future(told),
            _ => KindTold::Stream(told),
        }
    }
}

fn copying_told(copying: &Copying) -> CopyingTold {
    CopyingTold {
        hostcall: copying.event,
        length: copying.length,
        values: copying.values.as_deref().map(str::to_owned),
    }
}

fn moved_told(moved: &Moved) -> MovedTold {
    let count = match moved.answer {
        CopyAnswer::Ended { count, .. } => count,
        CopyAnswer::Blocked => 0,
    };
    MovedTold {
        event: moved.event,
        result: moved.answer.name(),
        count,
        values: moved.values.as_deref().map(str::to_owned),
    }
}
