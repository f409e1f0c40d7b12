//! Tasks, and what they wait for, in words.

use super::history::EndedTask;
use super::state::{
    Caller, Channel, ChannelKind, End, Holder, Item, Side, Subtask, Task, TaskId, TaskState, Tasks,
    WaitableSet,
};
use crate::component::status::{CopyAnswer, SubtaskState};
use crate::component::{Answerer, Component, CrossingId};
use crate::trace::Instance;

/// What puts the tasks of a moment into words.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// Whose crossings have names.
    pub component: &'a Component,
    /// The tasks of the moment.
    pub tasks: &'a Tasks,
}

impl Words<'_> {
    /// The WIT path of a function.
    pub fn function(&self, id: CrossingId) -> String {
        let crossing = self.component.crossing(id);
        crossing.map_or_else(String::new, |crossing| crossing.name.to_string())
    }

    /// `#run(name: "a")`, by its WIT path.
    pub fn call(&self, task: &Task) -> String {
        format!("{}({})", self.function(task.function), task.arguments)
    }

    /// How a task ended.
    pub fn ended(&self, ended: &EndedTask) -> String {
        let when = before(ended.ended);
        match &ended.task.returned {
            Some(returned) if returned.is_cancelled => format!("was cancelled, ended {when}"),
            Some(_) => format!("ended {when}"),
            None => format!("ended {when}, without a result"),
        }
    }

    /// What else is to be said of a task.
    pub fn more(&self, task: &Task) -> Vec<String> {
        let mut more = vec![format!(
            "{}, {}",
            self.caller(task.caller),
            begun(task.begun)
        )];
        if let Some(returned) = &task.returned {
            let when = at(returned.event);
            more.push(match (&returned.value, returned.is_cancelled) {
                (_, true) => format!("was cancelled {when}"),
                (Some(value), false) => format!("returned {value} {when}"),
                (None, false) => format!("returned {when}"),
            });
        }
        if let Some(event) = task.cancelled {
            more.push(format!("was asked to end, {}", before(event)));
        }
        let threads = self.tasks.threads.iter();
        let threads = threads.filter(|(_, of)| *of == Some(task.id));
        more.extend(threads.map(|((_, function, context), _)| {
            format!(
                "a thread of it has not begun: function {function} of the table, given {context}"
            )
        }));
        if task.callbacks > 0 {
            let times = match task.callbacks {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            more.push(format!("called back {times}, last {}", before(task.ran)));
        }
        let slots = task.context.iter().enumerate();
        let slots: Vec<String> = slots
            .filter_map(|(slot, value)| Some((slot, (*value)?)))
            .filter(|(_, value)| *value != 0)
            .map(|(slot, value)| format!("{slot}: {value:#x}"))
            .collect();
        if !slots.is_empty() {
            more.push(format!("context {}", slots.join(", ")));
        }
        more
    }

    /// Who called a task.
    pub fn caller(&self, caller: Caller) -> String {
        match caller {
            Caller::Host => "called by the host".to_owned(),
            Caller::Call {
                instance,
                event,
                task,
            } => {
                let by = match task {
                    Some(task) => format!("task {}", task.0),
                    None => format!("instance {}", instance.0),
                };
                format!("called by {by} in hostcall {event}")
            }
        }
    }

    /// Something that is waited for, in a few words.
    pub fn waitable(&self, index: u32, item: &Item) -> String {
        match item {
            Item::Subtask(subtask) => {
                let name = self.short(subtask.function);
                format!("subtask {index} ({name}, {})", self.progress(subtask))
            }
            Item::Set(_) => format!("set {index}"),
            Item::End(end) => {
                let kind = self.kind(end);
                let what = kind.name();
                match copying(kind, end) {
                    Some(copying) => format!("{what} {index} ({copying})"),
                    None => format!("{what} {index}, not being {}", done(end.side)),
                }
            }
        }
    }

    /// What is at an index.
    pub fn item(&self, instance: Instance, index: u32, item: &Item) -> String {
        match item {
            Item::Subtask(subtask) => self.subtask(instance, subtask),
            Item::Set(set) => self.set(instance, index, set),
            Item::End(end) => self.end(end),
        }
    }

    fn subtask(&self, instance: Instance, subtask: &Subtask) -> String {
        let mut words = format!(
            "subtask: {}({}), {}",
            self.function(subtask.function),
            subtask.arguments,
            self.progress(subtask)
        );
        if let Some(result) = &subtask.progress.result {
            words.push_str(&format!(" {result}"));
        }
        words.push_str(&match subtask.caller {
            Some(TaskId(task)) => format!("; called by task {task} in hostcall {}", subtask.event),
            None => format!("; called in hostcall {}", subtask.event),
        });
        match (subtask.callee, self.answerer(instance, subtask.function)) {
            (Some(callee), _) if self.tasks.task(callee).is_some() => {
                words.push_str(&format!("; it is task {}", callee.0));
            }
            (Some(callee), _) => words.push_str(&format!("; it was task {}", callee.0)),
            (None, Some(answers)) => {
                words.push_str(&format!("; instance {} has not begun it", answers.0));
            }
            (None, None) => {}
        }
        if let Some(event) = subtask.cancelled {
            words.push_str(&format!("; asked to end in hostcall {event}"));
        }
        if !subtask.lent.is_empty() {
            let lent: Vec<String> = subtask.lent.iter().map(u32::to_string).collect();
            words.push_str(&format!("; lent: {}", lent.join(", ")));
        }
        words.push_str(&in_set(subtask.set));
        words
    }

    fn set(&self, instance: Instance, index: u32, set: &WaitableSet) -> String {
        let members: Vec<String> = self
            .tasks
            .members(instance, index)
            .map(|(index, item)| self.waitable(index, item))
            .collect();
        let members = match members.as_slice() {
            [] => "empty".to_owned(),
            members => members.join(", "),
        };
        let waiting: Vec<String> = self
            .tasks
            .tasks()
            .filter(|task| {
                let waits = |task: &Task| match task.state {
                    TaskState::Waiting { set, .. } => set == index,
                    TaskState::Calling(_) => {
                        let mut calls = self.tasks.calls_of(task.id);
                        calls.any(|call| {
                            call.waits_at == Some(index) && self.may_block(call.crossing)
                        })
                    }
                    _ => false,
                };
                task.instance == instance && waits(task)
            })
            .map(|task| format!("; task {} waits at it", task.id.0))
            .collect();
        let by = set
            .task
            .map_or_else(String::new, |task| format!(" by task {}", task.0));
        format!(
            "waitable set: {members}{}; made{by} {}",
            waiting.concat(),
            at(set.made)
        )
    }

    fn end(&self, end: &End) -> String {
        let channel = self.channel(end);
        let mut words = match channel {
            Some(channel) => channel.text(),
            None => "stream".to_owned(),
        };
        words.push_str(match end.side {
            Side::Readable => ", readable end",
            Side::Writable => ", writable end",
        });
        if let Some(copying) = copying(self.kind(end), end) {
            words.push_str(&format!(": {copying}"));
        }
        if let Some(values) = end
            .copying
            .as_ref()
            .and_then(|copying| copying.values.as_ref())
        {
            words.push_str(&format!(" {values}"));
        }
        if end.count > 0 {
            words.push_str(&format!("; {} {} so far", end.count, done(end.side)));
        }
        if let Some(moved) = &end.moved {
            let values = moved
                .values
                .as_ref()
                .map_or_else(String::new, |v| format!(" {v}"));
            words.push_str(&format!(
                "; last:{values} {} {}",
                how(moved.answer),
                around(moved.event)
            ));
        }
        let other = channel.map(|channel| channel.holder(end.side.other()));
        words.push_str(&match (other, end.other_dropped) {
            (Some(Holder::Dropped { event, by }), _) => {
                format!(
                    "; instance {} dropped the other end in hostcall {event}",
                    by.0
                )
            }
            (_, Some(event)) => format!("; the other end has been dropped, told {}", around(event)),
            (Some(other), None) => format!("; other end: {}", self.holder(other)),
            (None, None) => String::new(),
        });
        words.push_str(&in_set(end.set));
        words
    }

    /// Whether the result of a subtask is there, and its caller has only to be told.
    pub fn is_pending(&self, subtask: &Subtask) -> bool {
        let is_told = subtask
            .progress
            .state
            .is_some_and(SubtaskState::is_resolved);
        let has_returned = |callee: TaskId| match self.tasks.task(callee) {
            Some(callee) => callee.returned.is_some(),
            None => true,
        };
        !is_told && subtask.callee.is_some_and(has_returned)
    }

    /// How it stands with a subtask.
    fn progress(&self, subtask: &Subtask) -> String {
        let name = subtask.progress.state.map_or("unknown", SubtaskState::name);
        match subtask.progress.state {
            Some(state) if state.is_resolved() => {
                format!("{name}, told {}", around(subtask.progress.told))
            }
            _ if self.is_pending(subtask) => "returned, which is still to be told".to_owned(),
            _ => name.to_owned(),
        }
    }

    pub(super) fn may_block(&self, crossing: CrossingId) -> bool {
        let crossing = self.component.crossing(crossing);
        crossing.is_some_and(|crossing| crossing.may_block())
    }

    /// Since when an instance takes no new calls, and by whom.
    pub fn held_back(&self, instance: Instance) -> Option<String> {
        let (event, task) = self.tasks.held_back(instance)?;
        let by = task.map_or_else(String::new, |task| format!(" of task {}", task.0));
        Some(format!(
            "takes no new calls since hostcall {event}{by} (backpressure)"
        ))
    }

    /// Who used an end last, and when.
    pub(super) fn used(&self, item: &Item) -> String {
        match item {
            Item::End(End {
                task: Some(task),
                used,
                ..
            }) => {
                let has_ended = match self.tasks.task(*task) {
                    Some(_) => "",
                    None => ", which has ended,",
                };
                format!("task {}{has_ended} used it last, {}", task.0, around(*used))
            }
            _ => "nobody is known to have used it".to_owned(),
        }
    }

    /// Who holds an end.
    pub fn holder(&self, holder: Holder) -> String {
        match holder {
            Holder::Instance(instance, index) => {
                let task = match self.tasks.item(instance, index) {
                    Some(Item::End(End {
                        task: Some(task), ..
                    })) => format!(", used last by task {}", task.0),
                    _ => String::new(),
                };
                format!("index {index} of instance {}{task}", instance.0)
            }
            Holder::Given { event, by } => {
                format!("given away {} with {}", at(event), self.short(by))
            }
            Holder::Outside { event, by } => {
                format!(
                    "the host's (came {} with {})",
                    before(event),
                    self.short(by)
                )
            }
            Holder::Dropped { event, by } => {
                format!("dropped by instance {} in hostcall {event}", by.0)
            }
        }
    }

    /// Who holds the other end.
    pub(super) fn other_end(&self, end: &End) -> Option<Holder> {
        let channel = self.channel(end)?;
        Some(channel.holder(end.side.other()))
    }

    fn kind(&self, end: &End) -> ChannelKind {
        let channel = self.channel(end);
        channel.map_or(ChannelKind::Stream, |channel| channel.kind)
    }

    fn channel(&self, end: &End) -> Option<&Channel> {
        self.tasks.channel(end.channel)
    }

    /// The instance of the recording that answers a function.
    pub(super) fn answerer(&self, instance: Instance, function: CrossingId) -> Option<Instance> {
        let crossing = self.component.crossing(function)?;
        match self.component.answerer(instance, crossing) {
            Answerer::Component(instance, _) => Some(instance),
            Answerer::Host(_) => None,
        }
    }

    /// The name of a function, without its interface.
    pub fn short(&self, id: CrossingId) -> String {
        let name = self.function(id);
        let is_builtin = self
            .component
            .crossing(id)
            .is_some_and(|crossing| crossing.builtin().is_some());
        // What follows the word of a built-in is a type.
        let short = match is_builtin {
            true => name.split(' ').next(),
            false => name.rsplit('#').next(),
        };
        short.unwrap_or(&name).to_owned()
    }
}

impl Channel {
    /// `stream<u8>`
    pub fn text(&self) -> String {
        match &self.element {
            Some(element) => format!("{}<{element}>", self.kind.name()),
            None => self.kind.name().to_owned(),
        }
    }
}

impl ChannelKind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            ChannelKind::Stream => "stream",
            ChannelKind::Future => "future",
        }
    }
}

/// What is being read or written at an end.
fn copying(kind: ChannelKind, end: &End) -> Option<String> {
    let copying = end.copying.as_ref()?;
    let (verb, preposition) = match end.side {
        Side::Readable => ("read", " of up to "),
        Side::Writable => ("write", " of "),
    };
    // There is one value in a future.
    let how_many = match kind {
        ChannelKind::Stream => format!("{preposition}{}", copying.length),
        ChannelKind::Future => String::new(),
    };
    let cancelled = match copying.cancelled {
        Some(event) => format!(", asked to end in hostcall {event}"),
        None => String::new(),
    };
    let done = match end.side {
        Side::Readable => "given",
        Side::Writable => "taken",
    };
    let pending = match (copying.met, copying.is_dropped) {
        (0, false) => String::new(),
        (0, true) => ", the other end is dropped, which is still to be told".to_owned(),
        (met, _) => format!(", {met} {done}, which is still to be told"),
    };
    Some(format!(
        "{verb}{how_many} since hostcall {}{cancelled}{pending}",
        copying.event
    ))
}

fn done(side: Side) -> &'static str {
    match side {
        Side::Readable => "read",
        Side::Writable => "written",
    }
}

fn how(answer: CopyAnswer) -> String {
    match answer {
        CopyAnswer::Ended { count, .. } if count > 0 => format!("{} ({count})", answer.name()),
        answer => answer.name().to_owned(),
    }
}

fn in_set(set: Option<u32>) -> String {
    set.map_or_else(String::new, |set| format!("; in set {set}"))
}

fn at(event: u64) -> String {
    format!("in hostcall {event}")
}

fn before(event: u64) -> String {
    format!("before event {event}")
}

/// By a hostcall, or with a callback before it.
fn around(event: u64) -> String {
    format!("at event {event}")
}

fn begun(event: u64) -> String {
    format!("begun {}", before(event))
}

pub(super) fn after(event: u64) -> String {
    match event.checked_sub(1) {
        Some(last) => format!("since event {last}"),
        None => "from the beginning".to_owned(),
    }
}
