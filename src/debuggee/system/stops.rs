//! Where the nodes are to stop. A breakpoint in a source, or by name, is one of every node that has
//! such a place; nodes that are not open yet are told when they are.

use super::System;
use super::tags;
use crate::debuggee::{
    BreakpointState, Data, DataBreakpointRequest, DataMeant, Debuggee, DebuggeeError,
    FilterRequest, FunctionBreakpointRequest, InstructionBreakpointRequest,
    SourceBreakpointRequest, SourceOrigin, SourcePoint, Stops, ValuesRef, When,
};
use crate::system::message::NodeId;
use crate::timeline::travel::motion::BreakpointId;
use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

type Result<T> = std::result::Result<T, DebuggeeError>;

/// Breakpoints as they were asked for, with the numbers that the client knows them by.
#[derive(Default)]
pub(super) struct Wanted {
    sources: HashMap<SourceOrigin, Numbered<SourceBreakpointRequest>>,
    functions: Numbered<FunctionBreakpointRequest>,
    instructions: Numbered<InstructionBreakpointRequest>,
    filters: Numbered<FilterRequest>,
    data: Numbered<DataBreakpointRequest>,
    /// Those that had no place when they were answered.
    waiting: BTreeSet<BreakpointId>,
    /// And have found one since.
    placed: Vec<BreakpointState>,
    /// What each node's own numbers mean.
    known: HashMap<(NodeId, BreakpointId), BreakpointId>,
    last: u32,
}

/// Requests, each with its number.
type Numbered<T> = Vec<(BreakpointId, T)>;

/// How a node is told of some requests.
type Tell<'a, T> = &'a mut dyn FnMut(NodeId, &mut dyn Debuggee, &[T]) -> Vec<BreakpointState>;

impl Wanted {
    fn number<T: Clone>(&mut self, requests: &[T]) -> Numbered<T> {
        let numbered = requests.iter().map(|request| {
            self.last += 1;
            (BreakpointId(self.last), request.clone())
        });
        numbered.collect()
    }

    /// What a node's own numbers are to the client.
    pub(super) fn known(&self, node: NodeId, own: &[BreakpointId]) -> Vec<BreakpointId> {
        let known = own.iter().filter_map(|id| self.known.get(&(node, *id)));
        known.copied().collect()
    }

    fn learn<T>(&mut self, node: NodeId, requests: &Numbered<T>, states: &[BreakpointState]) {
        for ((id, _), state) in requests.iter().zip(states) {
            self.known.insert((node, state.id), *id);
            if state.verified && self.waiting.remove(id) {
                self.placed.push(of_node(node, *id, state.clone()));
            }
        }
    }

    fn answered(&mut self, states: &[BreakpointState]) {
        for state in states {
            match state.verified {
                true => self.waiting.remove(&state.id),
                false => self.waiting.insert(state.id),
            };
        }
    }

    /// Tells a node that has just been opened.
    pub(super) fn tell(&mut self, node: NodeId, open: &mut dyn Debuggee) {
        let sources: Vec<_> = self.sources.clone().into_iter().collect();
        for (source, requests) in sources {
            if let Some(own) = tags::source_to(node, node, &source) {
                let plain = plain(&requests);
                let states = open.set_source_breakpoints(&own, &plain);
                self.learn(node, &requests, &states);
            }
        }
        let functions = self.functions.clone();
        let states = open.set_function_breakpoints(&plain(&functions));
        self.learn(node, &functions, &states);
        let filters = self.filters.clone();
        let states = open.set_exception_filters(&plain(&filters));
        self.learn(node, &filters, &states);
    }
}

/// A node's answer, as the system gives it.
fn of_node(node: NodeId, id: BreakpointId, state: BreakpointState) -> BreakpointState {
    BreakpointState {
        id,
        source: state.source.map(|source| tags::source(node, source)),
        instruction: state.instruction.map(|at| tags::tag(node, &at)),
        ..state
    }
}

fn plain<T: Clone>(requests: &Numbered<T>) -> Vec<T> {
    requests
        .iter()
        .map(|(_, request)| request.clone())
        .collect()
}

impl System {
    fn heed_when(&mut self, when: &When) {
        self.heed(when.condition.as_deref().unwrap_or_default());
    }

    /// Has every open node know of some requests; the answer to each is the best that any gave.
    fn set<T: Clone>(
        &mut self,
        requests: &Numbered<T>,
        is_meant: impl Fn(NodeId) -> bool,
        tell: Tell<'_, T>,
    ) -> Vec<BreakpointState> {
        let unknown = |(id, _): &(BreakpointId, T)| BreakpointState {
            id: *id,
            verified: false,
            source: None,
            point: None,
            message: Some("none of the recordings that are open has such a place".to_owned()),
            instruction: None,
        };
        let mut best: Vec<BreakpointState> = requests.iter().map(unknown).collect();
        let plain = plain(requests);
        for node in self.ids() {
            if !is_meant(node) {
                continue;
            }
            let Some(open) = self
                .members
                .get_mut(node.0 as usize)
                .and_then(|member| member.open.as_mut())
            else {
                continue;
            };
            let states = tell(node, open.as_mut(), &plain);
            self.wanted.learn(node, requests, &states);
            for (best, state) in best.iter_mut().zip(states) {
                let is_first = !best.verified;
                if is_first && (state.verified || node == self.present) {
                    *best = of_node(node, best.id, state);
                }
            }
        }
        let unseen = self.members.iter().filter(|member| member.open.is_none());
        let unseen = unseen.count();
        for state in best
            .iter_mut()
            .filter(|state| !state.verified && unseen > 0)
        {
            let why = state.message.take().unwrap_or_default();
            state.message = Some(format!(
                "{why}; {unseen} of the recordings are not looked at yet: `nodes open` does, and so \
                 does a run of all"
            ));
        }
        self.wanted.answered(&best);
        best
    }
}

impl Stops for System {
    fn take_placed(&mut self) -> Vec<BreakpointState> {
        std::mem::take(&mut self.wanted.placed)
    }

    fn set_source_breakpoints(
        &mut self,
        source: &SourceOrigin,
        breakpoints: &[SourceBreakpointRequest],
    ) -> Vec<BreakpointState> {
        let here = self.present;
        for breakpoint in breakpoints {
            self.heed_when(&breakpoint.when);
            self.heed(breakpoint.log_message.as_deref().unwrap_or_default());
        }
        let requests = self.wanted.number(breakpoints);
        self.wanted.sources.insert(source.clone(), requests.clone());
        let meant = |node| tags::source_to(node, here, source);
        let is_meant = |node| meant(node).is_some();
        self.set(&requests, is_meant, &mut |node, open, plain| {
            let own = meant(node);
            own.map_or_else(Vec::new, |own| open.set_source_breakpoints(&own, plain))
        })
    }

    fn set_function_breakpoints(
        &mut self,
        breakpoints: &[FunctionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        for breakpoint in breakpoints {
            self.heed_when(&breakpoint.when);
        }
        let requests = self.wanted.number(breakpoints);
        self.wanted.functions = requests.clone();
        self.set(&requests, |_| true, &mut |_, open, plain| {
            open.set_function_breakpoints(plain)
        })
    }

    fn set_instruction_breakpoints(
        &mut self,
        breakpoints: &[InstructionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        for breakpoint in breakpoints {
            self.heed_when(&breakpoint.when);
        }
        let requests = self.wanted.number(breakpoints);
        self.wanted.instructions = requests.clone();
        let here = self.present;
        self.each_owned(
            &requests,
            |request| {
                let (node, own) = tags::untag(here, &request.instruction);
                let instruction = own.to_owned();
                (
                    node,
                    InstructionBreakpointRequest {
                        instruction,
                        ..request.clone()
                    },
                )
            },
            &mut |_, open, plain| open.set_instruction_breakpoints(plain),
        )
    }

    fn set_exception_filters(&mut self, filters: &[FilterRequest]) -> Vec<BreakpointState> {
        for filter in filters {
            self.heed(filter.condition.as_deref().unwrap_or_default());
        }
        let requests = self.wanted.number(filters);
        self.wanted.filters = requests.clone();
        self.set(&requests, |_| true, &mut |_, open, plain| {
            open.set_exception_filters(plain)
        })
    }

    fn set_data_breakpoints(
        &mut self,
        breakpoints: &[DataBreakpointRequest],
    ) -> Vec<BreakpointState> {
        for breakpoint in breakpoints {
            self.heed_when(&breakpoint.when);
        }
        let requests = self.wanted.number(breakpoints);
        self.wanted.data = requests.clone();
        let here = self.present;
        self.each_owned(
            &requests,
            |request| {
                let (node, own) = tags::untag(here, &request.data.0);
                let data = crate::debuggee::DataId(own.to_owned());
                (
                    node,
                    DataBreakpointRequest {
                        data,
                        ..request.clone()
                    },
                )
            },
            &mut |_, open, plain| open.set_data_breakpoints(plain),
        )
    }

    fn data(&mut self, meant: &DataMeant) -> Result<Data> {
        let here = self.present;
        let (node, own) = match meant {
            DataMeant::Inside { of, name } => {
                let (node, own) = tags::untag(here, &of.0);
                let of = ValuesRef(own.to_owned());
                let name = name.clone();
                (node, DataMeant::Inside { of, name })
            }
            DataMeant::Expression { text, frame } => {
                let (node, frame) = self.of_frame(*frame)?;
                let text = text.clone();
                (node, DataMeant::Expression { text, frame })
            }
            DataMeant::Memory { reference, bytes } => {
                let (node, own) = tags::untag(here, reference);
                let reference = own.to_owned();
                let bytes = *bytes;
                (node, DataMeant::Memory { reference, bytes })
            }
        };
        let data = self.node(node)?.data(&own)?;
        Ok(Data {
            id: tags::data(node, &data.id),
            ..data
        })
    }

    fn breakpoint_locations(
        &mut self,
        source: &SourceOrigin,
        lines: RangeInclusive<u64>,
    ) -> Result<Vec<SourcePoint>> {
        let (whose, own) = tags::of_source(self.present, source);
        let mut found = BTreeSet::new();
        let mut refused = None;
        for node in self.ids() {
            if whose.is_some_and(|whose| whose != node) {
                continue;
            }
            let Ok(open) = self.node(node) else { continue };
            match open.breakpoint_locations(&own, lines.clone()) {
                Ok(points) => found.extend(points),
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found.into_iter().collect()),
        }
    }
}

impl System {
    /// The same of requests that each are of one node.
    fn each_owned<T: Clone>(
        &mut self,
        requests: &Numbered<T>,
        whose: impl Fn(&T) -> (NodeId, T),
        tell: Tell<'_, T>,
    ) -> Vec<BreakpointState> {
        let mut states: HashMap<BreakpointId, BreakpointState> = HashMap::new();
        for node in self.ids() {
            let own: Numbered<T> = requests
                .iter()
                .filter_map(|(id, request)| {
                    let (of, own) = whose(request);
                    (of == node).then_some((*id, own))
                })
                .collect();
            // All of a kind are replaced: those of nodes that have none any more go, too.
            let set = self.set(&own, |of| of == node, tell);
            states.extend(set.into_iter().map(|state| (state.id, state)));
        }
        requests
            .iter()
            .filter_map(|(id, _)| states.remove(id))
            .collect()
    }
}
