//! Futures are looked for in values: a coroutine says what it waits for; of what is none, the
//! fields may hold some, behind exclusive references, boxes and in lists.

use super::combinators::{
    WAITABLE, elements, head, is_slot, object, owned, shared, unordered, waitable,
};
use super::{Future, Identity, Kept, What};
use crate::inspect::variable::library::rust::coroutines::{Progress, coroutine};
use crate::inspect::variable::locator::Locator;
use crate::inspect::variable::place::{FrameState, Place, Unavailable};
use crate::inspect::variable::value::{Look, Of, Value};
use crate::inspect::variable::variables::{Site, locate};
use crate::source::{AWAITEE, EntryId, ModuleSource, Type, short};
use std::collections::HashSet;

/// Values within one another: deeper is not looked.
const DEEPEST: usize = 400;
/// So many futures are shown of a task.
const MOST: usize = 4096;

/// The futures that a task, or a frame, has begun with.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    /// Those that it waits for.
    pub futures: Vec<Future>,
    /// Where the runtime keeps them, in memory.
    pub state: Option<u64>,
}

/// The futures of a task, from what the runtime for Rust has left in the task's storage: the
/// address of the task's state. Empty if that is no such thing.
pub fn in_task(
    source: &ModuleSource,
    memory: &dyn FrameState,
    storage: u64,
    running: &[Resumed],
) -> Roots {
    if storage == 0 {
        return Roots::default();
    }
    let look = Look::new(source, memory);
    let mut tried = HashSet::new();
    for id in source.task_states() {
        let Ok((_, Type::Composite(body))) = source.resolved(*id) else {
            continue;
        };
        // Each unit that knows the type describes it.
        let layout: Vec<u64> = body.members.iter().map(|member| member.offset).collect();
        if !tried.insert((body.size, layout)) {
            continue;
        }
        let place = Place::Memory(storage);
        let Some(tasks) = look.member(&body, &place, "tasks") else {
            continue;
        };
        let futures = Search::new(&look, running).all(&tasks);
        // Another version's state has something else there.
        if !futures.is_empty() {
            return Roots {
                futures,
                state: Some(storage),
            };
        }
    }
    Roots::default()
}

/// The states of tasks that a frame's variables hold or refer to.
pub fn in_frame(
    source: &ModuleSource,
    site: Site,
    state: &dyn FrameState,
    running: &[Resumed],
) -> Roots {
    let Ok(scopes) = source.scopes_at(site.pc) else {
        return Roots::default();
    };
    let look = Look::new(source, state);
    let locator = Locator::new(source, state, &scopes);
    let frame = scopes.frames.iter().rev().nth(site.inlined);
    for declared in frame.map(|frame| &frame.variables).into_iter().flatten() {
        let Ok(value) = locate(&look, &locator, declared) else {
            continue;
        };
        let refers = || {
            let (address, of) = look.pointer(&value).ok()??;
            Some(Value {
                of: Of::Type(of),
                place: Place::Memory(address),
            })
        };
        for value in [Some(value.clone()), refers()].into_iter().flatten() {
            let Of::Type(id) = value.of else { continue };
            if let Some(address) = value.place.address()
                && source.task_states().contains(&id)
            {
                let found = in_task(source, state, address, running);
                if !found.futures.is_empty() {
                    return found;
                }
            }
        }
    }
    Roots::default()
}

/// A coroutine that a frame runs.
#[derive(Debug, Clone)]
pub struct Resumed {
    /// Which it is.
    pub identity: Identity,
    /// Its type.
    pub of: EntryId,
    /// What it waits for at this moment, as far as the frame tells: what it has kept is what it
    /// waited for before.
    awaitee: Option<Value>,
}

impl PartialEq for Resumed {
    fn eq(&self, other: &Resumed) -> bool {
        self.identity == other.identity
    }
}

impl Eq for Resumed {}

impl Resumed {
    /// How far it has come when it ran last, as memory has it; `None` if it is not there any
    /// more.
    pub fn progress(&self, source: &ModuleSource, memory: &dyn FrameState) -> Option<Progress> {
        let look = Look::new(source, memory);
        let Ok((id, Type::Composite(body))) = source.resolved(self.of) else {
            return None;
        };
        let found = coroutine(&look, id, &body, &Place::Memory(self.identity.address));
        Some(found.ok()??.progress)
    }
}

/// The coroutine that a body at a site runs, if it runs one.
pub fn resumed_by(source: &ModuleSource, site: Site, state: &dyn FrameState) -> Option<Resumed> {
    let scopes = source.scopes_at(site.pc).ok()?;
    let frame = scopes.frames.iter().rev().nth(site.inlined)?;
    let declared = frame.nameless.as_ref()?;
    let look = Look::new(source, state);
    let locator = Locator::new(source, state, &scopes);
    let pinned = locate(&look, &locator, declared).ok()?;
    let body = look.composite(&pinned).ok()??;
    let reference = look.parts(&body, &pinned.place).into_iter().next()?;
    let target = owned(&look, &reference).ok()??;
    let Of::Type(of) = target.of else { return None };
    let body = look.composite(&target).ok()??;
    let coroutine = source.coroutine(of, body.name.as_deref()?)?;
    let address = target.place.address()?;
    let mut innermost = frame.variables.iter().rev();
    let awaitee = innermost.find(|declared| declared.name == AWAITEE);
    Some(Resumed {
        identity: Identity { address, coroutine },
        of,
        awaitee: awaitee.and_then(|awaitee| locate(&look, &locator, awaitee).ok()),
    })
}

/// What a coroutine waits for that a frame runs.
pub fn of_resumed(
    source: &ModuleSource,
    memory: &dyn FrameState,
    resumed: &Resumed,
    running: &[Resumed],
) -> Vec<Future> {
    let look = Look::new(source, memory);
    Search::new(&look, running).all(&Value {
        of: Of::Type(resumed.of),
        place: Place::Memory(resumed.identity.address),
    })
}

/// One search, with what it has found.
struct Search<'s, 'a> {
    look: &'s Look<'a>,
    running: &'s [Resumed],
    seen: HashSet<Identity>,
}

impl<'s, 'a> Search<'s, 'a> {
    fn new(look: &'s Look<'a>, running: &'s [Resumed]) -> Self {
        Search {
            look,
            running,
            seen: HashSet::new(),
        }
    }

    /// The futures in a value. What cannot be read has none.
    fn all(&mut self, value: &Value) -> Vec<Future> {
        let mut found = Vec::new();
        _ = self.inside(value, &mut found, DEEPEST);
        found
    }

    /// What a coroutine waits for, as one future: whatever it is, it is one.
    fn awaited(&mut self, value: &Value, depth: usize) -> Option<Future> {
        if depth == 0 {
            return Some(self.more(value));
        }
        let mut found = Vec::new();
        // What could be read before it failed is there.
        _ = self.inside(value, &mut found, depth);
        let is_itself =
            |future: &Future| matches!(future.what, What::Coroutine(_) | What::Waitable(_));
        if found.len() == 1 && found.first().is_some_and(is_itself) && self.is_plain(value) {
            return found.pop();
        }
        if found.is_empty() && self.is_coroutine(value) {
            // It is over.
            return None;
        }
        let name = self.name_of(value);
        Some(Future {
            what: What::Type(name),
            awaits: found,
            value: value.clone(),
        })
    }

    /// Whether a value is a future itself, or a pointer to one: nothing that has it wait.
    fn is_plain(&self, value: &Value) -> bool {
        let name = self.look.type_name(&value.of);
        name.starts_with('{')
            || matches!(head(&name), "Pin" | "Box" | WAITABLE)
            || name.starts_with('&')
    }

    fn more(&self, value: &Value) -> Future {
        Future {
            what: What::More,
            awaits: Vec::new(),
            value: value.clone(),
        }
    }

    fn name_of(&self, value: &Value) -> String {
        let name = self.look.type_name(&value.of);
        match head(&name) {
            head if head.starts_with(|c: char| c.is_alphabetic()) => head.to_owned(),
            _ => short(&name, true),
        }
    }

    /// Adds the futures in a value.
    fn inside(
        &mut self,
        value: &Value,
        found: &mut Vec<Future>,
        depth: usize,
    ) -> Result<(), Unavailable> {
        let Some(depth) = depth.checked_sub(1) else {
            return Ok(());
        };
        self.look.spend(1)?;
        if self.seen.len() >= MOST {
            return Ok(());
        }
        if let Some(target) = owned(self.look, value)? {
            return self.inside(&target, found, depth);
        }
        let Of::Type(id) = value.of else {
            return Ok(());
        };
        let (id, Type::Composite(body)) = self.look.source.resolved(id)? else {
            return Ok(());
        };
        if let Some(suspended) = coroutine(self.look, id, &body, &value.place)? {
            let identity = |address| Identity {
                address,
                coroutine: suspended.coroutine.clone(),
            };
            let address = value.place.address();
            let is_new = address.is_none_or(|address| self.seen.insert(identity(address)));
            if is_new && !suspended.progress.is_over() {
                let mut running = self.running.iter();
                let runs = address
                    .map(identity)
                    .and_then(|identity| running.find(|resumed| resumed.identity == identity));
                let live = runs.and_then(|runs| runs.awaitee.as_ref());
                let awaitee = live.or(suspended.awaitee.as_ref());
                let mut awaited = awaitee.and_then(|awaitee| self.awaited(awaitee, depth));
                if runs.is_some() && live.is_none() {
                    // It may be left of an earlier wait, unless that runs, too.
                    let all = self.running.iter().map(|running| running.identity.clone());
                    let all: HashSet<Identity> = all.collect();
                    awaited = awaited.filter(|awaited| awaited.has_any(&all));
                }
                found.push(Future {
                    what: What::Coroutine(Kept::from(suspended)),
                    awaits: awaited.into_iter().collect(),
                    value: value.clone(),
                });
            }
            return Ok(());
        }
        if let Some(object) = object(self.look, &body, &value.place)? {
            match object.value {
                Some(value) => found.extend(self.awaited(&value, depth)),
                None => found.push(Future {
                    what: What::Type(self.name_of(value)),
                    awaits: Vec::new(),
                    value: value.clone(),
                }),
            }
            return Ok(());
        }
        if let Some(index) = waitable(self.look, &body, &value.place)? {
            found.push(Future {
                what: What::Waitable(index),
                awaits: Vec::new(),
                value: value.clone(),
            });
            return Ok(());
        }
        if let Some(of_all) = shared(self.look, &body, &value.place)? {
            return self.inside(&of_all, found, depth);
        }
        if let Some(values) = unordered(self.look, &body, &value.place)? {
            for value in values {
                self.inside(&value, found, depth)?;
            }
            return Ok(());
        }
        if let Some(values) = elements(self.look, &body, value)? {
            for value in values {
                self.inside(&value, found, depth)?;
            }
            return Ok(());
        }
        let is_slot = body.name.as_deref().is_some_and(|name| is_slot(head(name)));
        let part = match &body.variants {
            Some(variants) => {
                let Ok(case) = self.look.active_case(variants, &value.place)? else {
                    return Ok(());
                };
                let is_future = is_slot && case.member.name.as_deref() == Some("Future");
                let part = case.member.type_id.map(|of| Value {
                    of: Of::Type(of),
                    place: value.place.after(case.member.offset),
                });
                match part {
                    Some(part) if is_future => return self.slot(&part, found, depth),
                    Some(part) => part,
                    None => return Ok(()),
                }
            }
            None => value.clone(),
        };
        let Some(body) = self.look.composite(&part)? else {
            return Ok(());
        };
        for field in self.look.parts(&body, &part.place) {
            self.inside(&field, found, depth)?;
        }
        Ok(())
    }

    /// Adds what is in a place that holds one future, whatever that is.
    fn slot(
        &mut self,
        value: &Value,
        found: &mut Vec<Future>,
        depth: usize,
    ) -> Result<(), Unavailable> {
        let Some(body) = self.look.composite(value)? else {
            return Ok(());
        };
        let parts = self.look.parts(&body, &value.place);
        found.extend(parts.iter().filter_map(|part| self.awaited(part, depth)));
        Ok(())
    }

    /// Whether a value is a coroutine, over or not.
    fn is_coroutine(&self, value: &Value) -> bool {
        let Of::Type(id) = value.of else { return false };
        let resolved = self.look.source.resolved(id);
        let Ok((id, Type::Composite(body))) = resolved else {
            return false;
        };
        let name = body.name.unwrap_or_default();
        self.look.source.coroutine(id, &name).is_some()
    }
}
