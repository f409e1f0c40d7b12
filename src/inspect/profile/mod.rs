//! Where the ticks of a recording went, in the words of its sources: stacks of functions and
//! lines, with the calls that were inlined and the hostcalls among them.

mod places;
mod totals;

pub use places::Sources;
pub use totals::{FunctionTotal, LineTotal, Totals};

use crate::component::{Component, CrossingId, ModuleId};
use crate::replay::Tick;
use crate::replay::contexts::{ContextId, Contexts, Counted, ROOT};
use std::collections::HashMap;
use std::sync::Arc;

/// The number of a function of a [`Profile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub u32);

/// The number of a stack of a [`Profile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackId(pub u32);

/// What a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The guest's own.
    Guest,
    /// The guest's, of its language's library or runtime.
    Library,
    /// A call out of the guest.
    Hostcall,
    /// It stands for callers that are not known.
    Unknown,
}

/// A function, as people know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Function {
    /// Its readable name.
    pub name: Arc<str>,
    /// The file that declares it, on the machine that compiled the guest.
    pub file: Option<Arc<str>>,
    /// The line that does; 0 if nobody says.
    pub line: u32,
    /// What it is.
    pub kind: Kind,
    /// The module that it is in; `None` for hostcalls.
    pub module: Option<ModuleId>,
}

/// A function on a stack, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The function.
    pub function: FunctionId,
    /// The file and the line where it is, from 1.
    pub at: Option<(Arc<str>, u32)>,
    /// Whether its body is inlined into the function below.
    pub is_inlined: bool,
}

/// A frame and the stack that it is on top of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stack {
    /// What called it.
    pub below: Option<StackId>,
    /// A number of [`Profile::frame`].
    pub frame: u32,
}

/// The ticks of a recording by stacks.
#[derive(Debug)]
pub struct Profile {
    contexts: Contexts,
    functions: Vec<Function>,
    frames: Vec<Frame>,
    stacks: Vec<Stack>,
    /// For each counter that has counted, the stack that it counts for.
    of_counter: HashMap<u32, Counter>,
    hostcalls: Vec<(StackId, u64)>,
    growths: HashMap<u32, StackId>,
    allocating: Vec<Option<StackId>>,
}

/// What a counter counts, each time with a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// The stack at each time.
    pub stack: StackId,
    /// Whether each is a call of the innermost function that is not inlined.
    pub is_call: bool,
}

impl Profile {
    /// Names what contexts have counted.
    pub fn of(contexts: Contexts, component: &Component, sources: &Sources<'_>) -> Profile {
        let mut naming = Naming {
            component,
            sources,
            functions: Interned::default(),
            frames: Interned::default(),
            stacks: Interned::default(),
            at: HashMap::new(),
            below: Vec::with_capacity(contexts.len()),
            of_counter: HashMap::new(),
            growths: HashMap::new(),
        };
        naming.below.push(None);
        for (id, _) in contexts.all() {
            naming.context(&contexts, id);
        }
        let hostcalls = contexts.hostcalls_from().iter();
        let hostcalls = hostcalls.filter_map(|of| {
            let caller = contexts.get(of.caller)?;
            let below = naming.below.get(of.caller.0 as usize).copied().flatten();
            let stack = naming.on_top(below, caller.module, caller.function, of.call);
            Some((naming.hostcall(stack, of.crossing)?, of.count))
        });
        let hostcalls = hostcalls.collect();
        let places = contexts.heap().map_or(&[][..], |heap| &heap.places);
        let allocating = places.iter().map(|place| {
            let (id, call) = place.from?;
            let caller = contexts.get(id)?;
            let below = naming.below.get(id.0 as usize).copied().flatten();
            naming.on_top(below, caller.module, caller.function, call)
        });
        let allocating = allocating.collect();
        Profile {
            functions: naming.functions.all,
            frames: naming.frames.all,
            stacks: naming.stacks.all,
            of_counter: naming.of_counter,
            hostcalls,
            growths: naming.growths,
            allocating,
            contexts,
        }
    }

    /// What was counted, and when.
    pub fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    /// The last tick of the recording.
    pub fn end(&self) -> Tick {
        self.contexts.end()
    }

    /// All functions, by number.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// A function.
    pub fn function(&self, function: FunctionId) -> Option<&Function> {
        self.functions.get(function.0 as usize)
    }

    /// All frames, by number.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// A frame.
    pub fn frame(&self, frame: u32) -> Option<&Frame> {
        self.frames.get(frame as usize)
    }

    /// All stacks, by number; each comes behind the one below.
    pub fn stacks(&self) -> &[Stack] {
        &self.stacks
    }

    /// The frames of a stack, innermost first.
    pub fn frames_of(&self, stack: StackId) -> impl Iterator<Item = &Frame> {
        let get = |stack: StackId| self.stacks.get(stack.0 as usize);
        let all = std::iter::successors(get(stack), move |stack| get(stack.below?));
        all.filter_map(|stack| self.frame(stack.frame))
    }

    /// What a counter of the contexts counts; `None` if it has counted nothing.
    pub fn counter(&self, counter: u32) -> Option<Counter> {
        self.of_counter.get(&counter).copied()
    }

    /// How often hostcalls were made, by stacks that they are on top of.
    pub fn hostcalls(&self) -> &[(StackId, u64)] {
        &self.hostcalls
    }

    /// The stack that had memory grow, by the counter of that.
    pub fn growth(&self, counter: u32) -> Option<StackId> {
        self.growths.get(&counter).copied()
    }

    /// The stack that called an allocator, by the number of the heap's place.
    pub fn allocating(&self, place: usize) -> Option<StackId> {
        self.allocating.get(place).copied().flatten()
    }

    /// The innermost frame of a stack that is the program's own, or else the innermost one.
    pub fn own_frame(&self, stack: StackId) -> Option<&Frame> {
        let is_own = |frame: &&Frame| {
            let function = self.function(frame.function);
            frame.at.is_some() && function.is_some_and(|function| function.kind == Kind::Guest)
        };
        let own = self.frames_of(stack).find(is_own);
        own.or_else(|| self.frames_of(stack).next())
    }

    /// All counters that have counted, with what and how much.
    pub fn counted(&self) -> impl Iterator<Item = (Counter, u64)> + '_ {
        let counters = self.of_counter.iter();
        counters.map(|(number, counter)| (*counter, self.contexts.count(*number)))
    }
}

/// Things that are equal have one number.
#[derive(Debug)]
struct Interned<T> {
    all: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Interned {
            all: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interned<T> {
    fn number(&mut self, thing: T) -> u32 {
        if let Some(number) = self.numbers.get(&thing) {
            return *number;
        }
        let number = self.all.len() as u32;
        self.all.push(thing.clone());
        self.numbers.insert(thing, number);
        number
    }
}

/// A profile in the making.
struct Naming<'a, 's> {
    component: &'a Component,
    sources: &'a Sources<'s>,
    functions: Interned<Function>,
    frames: Interned<Frame>,
    stacks: Interned<Stack>,
    /// The frames of a function at a place, outermost first.
    at: HashMap<(ModuleId, u32, u32), Arc<[u32]>>,
    /// For each context, the stack that its function is on top of.
    below: Vec<Option<StackId>>,
    of_counter: HashMap<u32, Counter>,
    growths: HashMap<u32, StackId>,
}

impl Naming<'_, '_> {
    fn context(&mut self, contexts: &Contexts, id: ContextId) {
        let below = self.below_of(contexts, id);
        self.below.push(below);
        let Some(context) = contexts.get(id) else {
            return;
        };
        let (module, function) = (context.module, context.function);
        for (counter, counted) in contexts.counters(id) {
            if contexts.count(counter) == 0 {
                continue;
            }
            let entry = |function| contexts.entry_of(module, function).unwrap_or(0);
            let stack = match counted {
                Counted::Growth(pc) => {
                    let stack = self.on_top(below, module, function, pc);
                    self.growths.extend(stack.map(|stack| (counter, stack)));
                    continue;
                }
                Counted::Entry => self.on_top(below, module, function, entry(function)),
                Counted::Loop(pc) => self.on_top(below, module, function, pc),
                Counted::Leaf {
                    call,
                    function: leaf,
                    is_tail,
                } => {
                    let caller = match is_tail {
                        true => below,
                        false => self.on_top(below, module, function, call),
                    };
                    self.on_top(caller, module, leaf, entry(leaf))
                }
            };
            let counter_of = |stack| Counter {
                stack,
                is_call: matches!(counted, Counted::Entry | Counted::Leaf { .. }),
            };
            self.of_counter
                .extend(stack.map(|stack| (counter, counter_of(stack))));
        }
    }

    /// The stack that the function of a context was called on.
    fn below_of(&mut self, contexts: &Contexts, id: ContextId) -> Option<StackId> {
        let context = contexts.get(id)?;
        let Some(caller) = context.caller else {
            let unknown = Function {
                name: "(callers that were not kept)".into(),
                file: None,
                line: 0,
                kind: Kind::Unknown,
                module: None,
            };
            return Some(self.push(None, unknown));
        };
        if caller == ROOT {
            return None;
        }
        let (from, call) = (contexts.get(caller)?, context.call?);
        let below = self.below.get(caller.0 as usize).copied().flatten();
        let stack = self.on_top(below, from.module, from.function, call);
        match context.through {
            Some(crossing) => self.hostcall(stack, crossing).or(stack),
            None => stack,
        }
    }

    /// A hostcall made there.
    fn hostcall(&mut self, caller: Option<StackId>, crossing: CrossingId) -> Option<StackId> {
        let name = self.component.crossing(crossing)?.name.to_string();
        let function = Function {
            name: name.into(),
            file: None,
            line: 0,
            kind: Kind::Hostcall,
            module: None,
        };
        Some(self.push(caller, function))
    }

    fn push(&mut self, below: Option<StackId>, function: Function) -> StackId {
        let function = FunctionId(self.functions.number(function));
        let frame = self.frames.number(Frame {
            function,
            at: None,
            is_inlined: false,
        });
        StackId(self.stacks.number(Stack { below, frame }))
    }

    /// A function at a place, with the calls that are inlined there.
    fn on_top(
        &mut self,
        below: Option<StackId>,
        module: ModuleId,
        function: u32,
        pc: u32,
    ) -> Option<StackId> {
        let frames = self.frames_at(module, function, pc);
        let mut stack = below;
        for frame in frames.iter() {
            let on_top = Stack {
                below: stack,
                frame: *frame,
            };
            stack = Some(StackId(self.stacks.number(on_top)));
        }
        stack
    }

    fn frames_at(&mut self, module: ModuleId, function: u32, pc: u32) -> Arc<[u32]> {
        if let Some(known) = self.at.get(&(module, function, pc)) {
            return known.clone();
        }
        let places = self.sources.places(module, function, pc);
        let frames = places.into_iter().map(|place| {
            let function = FunctionId(self.functions.number(place.function));
            self.frames.number(Frame {
                function,
                at: place.at,
                is_inlined: place.is_inlined,
            })
        });
        let frames: Arc<[u32]> = frames.collect();
        self.at.insert((module, function, pc), frames.clone());
        frames
    }
}
