//! The steps of tasks, as a replay makes them.

use super::history::TaskHistory;
use super::state::{ChannelKind, Side};
use super::step::{Answer, Asked, Passed, Step, Told, What};
use crate::component::layout::Lift;
use crate::component::status::{
    BLOCKED, CopyAnswer, CopyResult, EventCode, LoweredAnswer, SubtaskState,
};
use crate::component::types::{CoreValue, ValueType};
use crate::component::{
    Answerer, Builtin, Component, Crossing, CrossingId, CrossingKind, Transmit,
};
use crate::inspect::hostcall::builtin_call::{self, number, told_in_memory};
use crate::inspect::hostcall::hostcalls::{self, with_lifter};
use crate::inspect::hostcall::lift::{Boundary, Handle, HandleKind, Lifted, Limits};
use crate::inspect::hostcall::wave;
use crate::inspect::past::steps::When;
use crate::replay::{Calling, Entering, State};
use crate::trace::Instance;
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::StoreContextMut;

/// The most bytes of a value as text.
const LONGEST: usize = 160;

/// What it takes to make steps of crossings.
#[derive(Debug)]
pub(super) struct Observing {
    component: Arc<Component>,
    /// Whether a hostcall can be anything but over when it returns.
    is_async: bool,
    /// Calls and copies that go on, by waitable.
    under_way: BTreeMap<(Instance, u32), Operation>,
}

#[derive(Debug)]
struct Operation {
    crossing: CrossingId,
    args: Vec<CoreValue>,
}

type Store<'a, 's> = &'a StoreContextMut<'s, State>;

impl Observing {
    pub(super) fn new(component: Arc<Component>) -> Observing {
        let is_async = component.crossings().iter().any(is_asynchronous);
        Observing {
            component,
            is_async,
            under_way: BTreeMap::new(),
        }
    }

    fn crossing(&self, id: CrossingId) -> Option<&Crossing> {
        self.component.crossing(id)
    }

    /// Whether a call out is kept: in a program without anything asynchronous only those that
    /// another component answers are of interest.
    fn is_kept(&self, instance: Instance, crossing: &Crossing) -> bool {
        let is_inside = || {
            let answerer = self.component.answerer(instance, crossing);
            matches!(answerer, Answerer::Component(..))
        };
        self.is_async || (crossing.kind == CrossingKind::Lower && is_inside())
    }

    pub(super) fn calling(&mut self, store: Store<'_, '_>, call: &Calling) -> Option<What> {
        let crossing = self.crossing(call.crossing)?;
        if !self.is_kept(call.instance, crossing) {
            return None;
        }
        match &crossing.kind {
            CrossingKind::Builtin(builtin) => {
                let values = || written(store, call, builtin);
                Some(What::Asks(asked(store, call, builtin, values)))
            }
            CrossingKind::Lower => {
                let function = crossing.function.as_ref()?;
                let types = || function.params.iter().map(|(_, ty)| ty);
                if !crossing.is_async && !types().any(holds_channels) {
                    return Some(What::Calls {
                        arguments: "".into(),
                        lent: Box::default(),
                        passed: Box::default(),
                    });
                }
                let arguments = lifted(store, call.instance, call.crossing, |lifter, crossing| {
                    hostcalls::arguments(lifter, crossing, &call.args)
                });
                let arguments = arguments.unwrap_or_default();
                let mut lent = Vec::new();
                for (_, argument) in &arguments {
                    argument.for_each_handle(&mut |handle| {
                        if let HandleKind::Borrow(_) = handle.kind {
                            lent.push(handle.index);
                        }
                    });
                }
                Some(What::Calls {
                    passed: arguments
                        .iter()
                        .flat_map(|(_, value)| passed(value))
                        .collect(),
                    lent: lent.into(),
                    arguments: named(&arguments),
                })
            }
            _ => None,
        }
    }

    pub(super) fn returning(
        &mut self,
        store: Store<'_, '_>,
        call: &Calling,
        results: &[CoreValue],
    ) -> Option<What> {
        let component = self.component.clone();
        let crossing = component.crossing(call.crossing)?;
        if !self.is_kept(call.instance, crossing) {
            return None;
        }
        let answer = number(results.first()).map(|answer| answer as u32);
        match &crossing.kind {
            CrossingKind::Builtin(builtin) => {
                Some(What::Answered(self.answered(store, call, builtin, results)))
            }
            CrossingKind::Lower => {
                if let (true, Some(answer)) = (crossing.is_async, answer)
                    && let LoweredAnswer::Pending { subtask, state } = LoweredAnswer::of(answer)
                    && subtask != 0
                {
                    self.begin(call, subtask);
                    return Some(What::Pends { subtask, state });
                }
                let function = crossing.function.as_ref()?;
                let moves = function.result.as_ref().is_some_and(holds_channels);
                let lift = || {
                    lifted(store, call.instance, call.crossing, |lifter, crossing| {
                        hostcalls::result(lifter, crossing, &call.args, results)
                    })
                };
                let result = moves.then(lift).flatten().flatten();
                Some(What::Returns {
                    passed: result.iter().flat_map(passed).collect(),
                })
            }
            _ => None,
        }
    }

    pub(super) fn entering(&mut self, store: Store<'_, '_>, entry: &Entering<'_>) -> Option<What> {
        let crossing = self.crossing(entry.crossing)?;
        match &crossing.kind {
            CrossingKind::Lift => {
                let boundary = Boundary::Lifted(crossing.lift());
                let arguments =
                    lifted(store, entry.instance, entry.crossing, |lifter, crossing| {
                        let function = crossing.function.as_ref()?;
                        Some(lifter.params(function, boundary, entry.args))
                    });
                let arguments = arguments.flatten().unwrap_or_default();
                Some(What::Begins {
                    passed: arguments
                        .iter()
                        .flat_map(|(_, value)| passed(value))
                        .collect(),
                    arguments: named(&arguments),
                })
            }
            CrossingKind::ThreadStart(_) => {
                let word = |index| number(entry.args.get(index)).map_or(0, |word| word as u32);
                Some(What::Starts {
                    function: word(0),
                    context: word(1),
                })
            }
            CrossingKind::Callback => {
                let word = |index| number(entry.args.get(index)).map(|word| word as u32);
                let told = match (word(0), word(1), word(2)) {
                    (Some(event), Some(waitable), Some(code)) => {
                        self.told(store, entry.instance, event, (waitable, code))
                    }
                    _ => Told::Unknown,
                };
                Some(What::CallsBack(told, Arc::default()))
            }
            _ => None,
        }
    }

    pub(super) fn leaving(
        &mut self,
        store: Store<'_, '_>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) -> Option<What> {
        let crossing = self.crossing(entry.crossing)?;
        let answers = match &crossing.kind {
            CrossingKind::Lift => crossing.lift() == Lift::AsyncCallback,
            CrossingKind::Callback => true,
            CrossingKind::ThreadStart(_) => return Some(What::Stops),
            _ => return None,
        };
        if answers {
            return Some(What::Answers(number(results.first())? as u32));
        }
        let boundary = Boundary::Lifted(crossing.lift());
        let result = lifted(store, entry.instance, entry.crossing, |lifter, crossing| {
            let function = crossing.function.as_ref()?;
            lifter.result(function, boundary, entry.args, results)
        });
        let result = result.flatten();
        Some(What::Ends {
            passed: result.iter().flat_map(passed).collect(),
            result: result.as_ref().map(text),
        })
    }

    fn begin(&mut self, call: &Calling, waitable: u32) {
        let operation = Operation {
            crossing: call.crossing,
            args: call.args.clone(),
        };
        self.under_way.insert((call.instance, waitable), operation);
    }

    fn answered(
        &mut self,
        store: Store<'_, '_>,
        call: &Calling,
        builtin: &Builtin,
        results: &[CoreValue],
    ) -> Option<Answer> {
        let answer = number(results.first())?;
        let code = answer as u32;
        let first = number(call.args.first()).unwrap_or(0) as u32;
        match builtin {
            Builtin::ContextGet(slot) => Some(Answer::Context(*slot, answer)),
            Builtin::WaitableSetNew => Some(Answer::NewSet(code)),
            Builtin::Stream(Transmit::New, element) | Builtin::Future(Transmit::New, element) => {
                Some(Answer::NewChannel {
                    kind: kind_of(builtin),
                    element: element.clone(),
                    readable: code,
                    writable: (answer >> 32) as u32,
                })
            }
            Builtin::Stream(Transmit::Read | Transmit::Write, _)
            | Builtin::Future(Transmit::Read | Transmit::Write, _) => {
                self.begin(call, first);
                (code != BLOCKED).then(|| {
                    let told = self.copied(store, call.instance, first, CopyAnswer::of(code));
                    Answer::Told(told)
                })
            }
            Builtin::Stream(Transmit::CancelRead | Transmit::CancelWrite, _)
            | Builtin::Future(Transmit::CancelRead | Transmit::CancelWrite, _)
                if code != BLOCKED =>
            {
                let told = self.copied(store, call.instance, first, CopyAnswer::of(code));
                Some(Answer::Told(told))
            }
            Builtin::SubtaskCancel if code != BLOCKED => {
                let event = EventCode::Subtask.code();
                Some(Answer::Told(self.told(
                    store,
                    call.instance,
                    event,
                    (first, code),
                )))
            }
            Builtin::WaitableSetWait | Builtin::WaitableSetPoll => {
                let told = with_lifter(
                    store,
                    call.instance,
                    call.crossing,
                    Limits::default(),
                    |lifter, _| told_in_memory(lifter, &call.args),
                );
                let told = told.flatten()?;
                Some(Answer::Told(self.told(store, call.instance, code, told)))
            }
            _ => None,
        }
    }

    /// The guest is told an event.
    fn told(
        &mut self,
        store: Store<'_, '_>,
        instance: Instance,
        event: u32,
        (waitable, code): (u32, u32),
    ) -> Told {
        match EventCode::of(event) {
            Some(EventCode::None) => Told::Nothing,
            Some(EventCode::TaskCancelled) => Told::Cancelled,
            Some(EventCode::Subtask) => {
                let state = SubtaskState::of(code);
                let mut result = None;
                if state.is_some_and(SubtaskState::is_resolved)
                    && let Some(operation) = self.under_way.remove(&(instance, waitable))
                    && state == Some(SubtaskState::Returned)
                {
                    result = returned(store, instance, &operation);
                }
                Told::Subtask {
                    index: waitable,
                    state,
                    passed: result.iter().flat_map(passed).collect(),
                    result: result.as_ref().map(text),
                }
            }
            Some(_) => self.copied(store, instance, waitable, CopyAnswer::of(code)),
            None => Told::Unknown,
        }
    }

    /// A read or a write has ended so.
    fn copied(
        &mut self,
        store: Store<'_, '_>,
        instance: Instance,
        index: u32,
        answer: CopyAnswer,
    ) -> Told {
        let operation = self.under_way.remove(&(instance, index));
        let values = operation.and_then(|operation| read(store, instance, &operation, answer));
        Told::Copied {
            index,
            answer,
            values,
        }
    }
}

/// What was read, as text.
fn read(
    store: Store<'_, '_>,
    instance: Instance,
    operation: &Operation,
    answer: CopyAnswer,
) -> Option<Arc<str>> {
    let CopyAnswer::Ended { result, count } = answer else {
        return None;
    };
    let address = operation.args.get(1)?;
    lifted(
        store,
        instance,
        operation.crossing,
        |lifter, crossing| match crossing.builtin()? {
            Builtin::Stream(Transmit::Read, Some(element)) if count > 0 => {
                let elements = builtin_call::elements(lifter, element, *address, count);
                Some(text(&elements))
            }
            Builtin::Future(Transmit::Read, Some(value))
                if result == Some(CopyResult::Completed) =>
            {
                let address = number(Some(address))?;
                Some(text(&lifter.stored(value, address)))
            }
            _ => None,
        },
    )?
}

/// What is about to be written, as text.
fn written(store: Store<'_, '_>, call: &Calling, builtin: &Builtin) -> Option<Arc<str>> {
    let arguments = lifted(store, call.instance, call.crossing, |lifter, _| {
        builtin_call::arguments(lifter, builtin, &call.args)
    })?;
    let is_it = |(name, _): &&(String, Lifted)| name == "elements" || name == "value";
    arguments.iter().find(is_it).map(|(_, value)| text(value))
}

/// The result of a call that has returned.
fn returned(store: Store<'_, '_>, instance: Instance, operation: &Operation) -> Option<Lifted> {
    lifted(store, instance, operation.crossing, |lifter, crossing| {
        let ty = crossing.function.as_ref()?.result.as_ref()?;
        Some(lifter.stored(ty, number(operation.args.last())?))
    })?
}

/// What a built-in does when it is called.
fn asked(
    store: Store<'_, '_>,
    call: &Calling,
    builtin: &Builtin,
    values: impl FnOnce() -> Option<Arc<str>>,
) -> Asked {
    let word = |index| number(call.args.get(index)).unwrap_or(0);
    let first = word(0) as u32;
    match builtin {
        Builtin::TaskReturn(ty) => {
            let value = lifted(store, call.instance, call.crossing, |lifter, _| {
                lifter.task_return(ty.as_deref(), &call.args)
            });
            let value = value.flatten();
            Asked::TaskReturn {
                passed: value.iter().flat_map(passed).collect(),
                value: value.as_ref().map(text),
            }
        }
        Builtin::TaskCancel => Asked::TaskCancel,
        Builtin::ContextSet(slot) => Asked::ContextSet(*slot, word(0)),
        Builtin::ThreadNewIndirect(_) => Asked::NewThread {
            function: first,
            context: word(1) as u32,
        },
        Builtin::WaitableJoin => Asked::Join {
            waitable: first,
            set: word(1) as u32,
        },
        Builtin::BackpressureInc => Asked::Backpressure(true),
        Builtin::BackpressureDec => Asked::Backpressure(false),
        Builtin::WaitableSetWait | Builtin::WaitableSetPoll => Asked::UsesSet(first),
        Builtin::WaitableSetDrop => Asked::DropsSet(first),
        Builtin::SubtaskDrop => Asked::DropsSubtask(first),
        Builtin::SubtaskCancel => Asked::CancelsSubtask(first),
        Builtin::Stream(transmit, _) | Builtin::Future(transmit, _) => match transmit {
            Transmit::New => Asked::Nothing,
            Transmit::Read | Transmit::Write => Asked::Copies {
                index: first,
                side: match transmit {
                    Transmit::Read => Side::Readable,
                    _ => Side::Writable,
                },
                length: match builtin {
                    Builtin::Stream(..) => word(2),
                    _ => 1,
                },
                values: match transmit {
                    Transmit::Write => values(),
                    _ => None,
                },
            },
            Transmit::CancelRead | Transmit::CancelWrite => Asked::CancelsCopy(first),
            Transmit::DropReadable => Asked::DropsEnd(first, Side::Readable),
            Transmit::DropWritable => Asked::DropsEnd(first, Side::Writable),
        },
        _ => Asked::Nothing,
    }
}

fn lifted<T>(
    store: Store<'_, '_>,
    instance: Instance,
    crossing: CrossingId,
    lift: impl FnOnce(&crate::inspect::hostcall::lift::Lifter<'_>, &Crossing) -> T,
) -> Option<T> {
    with_lifter(store, instance, crossing, Limits::default(), lift)
}

fn text(value: &Lifted) -> Arc<str> {
    wave::text(value, LONGEST).into()
}

fn named(arguments: &[(String, Lifted)]) -> Arc<str> {
    let mut words = String::new();
    for (name, value) in arguments {
        if words.len() > LONGEST {
            words.push_str(", …");
            break;
        }
        if !words.is_empty() {
            words.push_str(", ");
        }
        words.push_str(&format!("{name}: {}", wave::text(value, LONGEST)));
    }
    words.into()
}

/// The streams and futures in a value.
fn passed(value: &Lifted) -> Vec<Passed> {
    let mut found = Vec::new();
    value.for_each_handle(&mut |Handle { kind, index }| {
        let (kind, element) = match kind {
            HandleKind::Stream(element) => (ChannelKind::Stream, element),
            HandleKind::Future(element) => (ChannelKind::Future, element),
            _ => return,
        };
        found.push(Passed {
            index: *index,
            kind,
            element: element.clone(),
        });
    });
    found
}

fn kind_of(builtin: &Builtin) -> ChannelKind {
    match builtin {
        Builtin::Stream(..) => ChannelKind::Stream,
        _ => ChannelKind::Future,
    }
}

/// Whether a value of this type may hold a stream or a future.
fn holds_channels(ty: &ValueType) -> bool {
    crate::inspect::hostcall::lift::holds_handles(ty)
}

fn is_asynchronous(crossing: &Crossing) -> bool {
    let is_builtin = crossing.builtin().is_some_and(|builtin| {
        !matches!(
            builtin,
            Builtin::ResourceNew(_) | Builtin::ResourceDrop(_) | Builtin::ResourceRep(_)
        )
    });
    crossing.is_async || is_builtin
}

impl Observing {
    /// Puts steps into a history.
    pub(super) fn step(
        history: &mut TaskHistory,
        when: When,
        event: u64,
        (instance, crossing): (Instance, CrossingId),
        what: Option<What>,
    ) {
        if let Some(what) = what {
            let step = Step {
                event,
                instance,
                crossing,
                what,
            };
            history.step(when, step);
        }
    }
}
