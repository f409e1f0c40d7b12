//! Handle tables: what each index a component instance holds stands for.
//!
//! A table is a pure function of the crossings of its instance. The recording holds
//! handles as plain integers, so handles are *observed*: one that comes back from a
//! call or arrives as a parameter tells its index, and the table checks it against
//! the index that the runtime must have given, for that is determined too: one table
//! per component instance is shared by resources of all types, streams, futures,
//! subtasks and waitable sets; index 0 is reserved; the index freed last is given out
//! first.

use std::collections::BTreeMap;
use std::sync::Arc;

pub use super::effect::{Change, Effect, TableStep};
use super::entry::is_same_type;
pub use super::entry::{End, EndedEntry, Ending, EntryKind, HandleEntry, Occasion, Wanted};
use super::meaning::{self, Meaning};
use super::problem::{Finding, Problem};
use crate::component::types::Resource;
use crate::inspect::hostcall::lift::{Handle, HandleKind, Lifted};

/// A call under way.
#[derive(Debug, Clone)]
struct Call {
    occasion: Occasion,
    /// What the arguments stood for when the call was made.
    clues: meaning::Clues,
    /// Indices lent to it (outgoing) or borrowed by it (incoming).
    borrows: Vec<u32>,
}

/// The handle table of one component instance.
#[derive(Debug, Clone, Default)]
pub struct HandleTable {
    /// Resource types the component defines: a `borrow` of one arrives not as a
    /// handle but as the rep itself.
    defined: Vec<Arc<Resource>>,
    entries: BTreeMap<u32, HandleEntry>,
    /// The last entry at each index that is gone.
    past: BTreeMap<u32, EndedEntry>,
    /// Indices given out before and free now; the last is given out next.
    free: Vec<u32>,
    /// The largest index ever given out.
    highest: u32,
    outgoing: Vec<Call>,
    incoming: Vec<Call>,
    /// Asynchronous calls that have not returned, by the index of their subtask.
    pending: BTreeMap<u32, Call>,
    /// Streams and futures whose elements hold handles and are being copied, with the
    /// event at which that began.
    copying: BTreeMap<u32, u64>,
    /// Whether handles have come or gone at a time that is not seen: from then on the
    /// index that is next cannot be told for certain.
    moves_unseen: bool,
}

impl HandleTable {
    /// The empty table of an instance of a component that defines these resource
    /// types.
    pub fn new(defined: Vec<Arc<Resource>>) -> Self {
        Self {
            defined,
            ..Self::default()
        }
    }

    /// The same, where indices are given out in an order that cannot be told.
    pub fn shuffled(defined: Vec<Arc<Resource>>) -> Self {
        Self {
            moves_unseen: true,
            ..Self::new(defined)
        }
    }

    /// The entries there are now, by index.
    pub fn entries(&self) -> impl Iterator<Item = &HandleEntry> {
        self.entries.values()
    }

    /// The entry that is at an index now.
    pub fn get(&self, index: u32) -> Option<&HandleEntry> {
        self.entries.get(&index)
    }

    /// What a handle of a value stands for, if the table holds it and that is known:
    /// what was opened, or what the guest itself calls it.
    pub fn meaning_of(&self, handle: &Handle) -> Option<String> {
        let entry = self.check(handle.index, &Wanted::from(&handle.kind)).ok()?;
        match (&entry.meaning, entry.rep) {
            (Some(meaning), _) => Some(meaning.to_string()),
            (None, Some(rep)) => Some(format!("rep {rep:#x}")),
            (None, None) => None,
        }
    }

    /// The last entry at an index that is gone.
    pub fn past(&self, index: u32) -> Option<&EndedEntry> {
        self.past.get(&index)
    }

    /// How many entries the table keeps, those that are gone included.
    pub(super) fn kept(&self) -> usize {
        self.entries.len() + self.past.len()
    }

    /// The index the next entry gets.
    pub fn next_index(&self) -> u32 {
        match self.free.last() {
            Some(index) => *index,
            None => self.highest.saturating_add(1),
        }
    }

    /// Whether a crossing that takes an index for this would find it, and if not,
    /// why not.
    ///
    /// # Errors
    ///
    /// If there is no entry, or one of another kind.
    pub fn check(&self, index: u32, wanted: &Wanted) -> Result<&HandleEntry, Problem> {
        match self.entries.get(&index) {
            None => Err(match self.past.get(&index) {
                Some(past) => Problem::Gone(Box::new(past.clone())),
                None => Problem::Unknown,
            }),
            Some(entry) if !wanted.accepts(&entry.kind) => Err(Problem::WrongKind {
                wanted: wanted.clone(),
                entry: Box::new(entry.clone()),
                before: self.past.get(&index).cloned().map(Box::new),
            }),
            Some(entry) => Ok(entry),
        }
    }

    /// Takes one step, and answers what it changed.
    pub fn apply(&mut self, step: &TableStep) -> Vec<Change> {
        let mut changes = Changes {
            occasion: &step.occasion,
            list: Vec::new(),
        };
        match &step.effect {
            Effect::Calls(args) => self.call(args, &mut changes),
            Effect::Returns(result) => self.returned(*result, &mut changes),
            Effect::Enters(args) => self.enter(args, &mut changes),
            Effect::Leaves(result) => {
                self.give(*result, &mut changes);
                self.leave(&mut changes);
            }
            Effect::TaskReturns(result) => self.give(*result, &mut changes),
            Effect::Starts(args) => {
                self.enter(args, &mut changes);
                self.incoming.pop();
            }
            Effect::Pends {
                subtask,
                moves_handles,
            } => self.pend(*subtask, *moves_handles, &mut changes),
            Effect::Resolves { subtask, result } => {
                if let Some(call) = self.pending.get(subtask).cloned() {
                    self.receive(*result, &call.clues, &mut changes);
                    self.pending.remove(subtask);
                }
            }
            Effect::Blocks(waitable) => {
                self.copying.insert(*waitable, step.occasion.event);
                self.moves_unseen = true;
            }
            Effect::Copies {
                waitable,
                elements,
                is_read,
            } => {
                let begun = self.copying.remove(waitable);
                if *is_read {
                    let clues = meaning::Clues::default();
                    self.receive(Some(elements), &clues, &mut changes);
                } else {
                    self.give_since(elements, begun, &mut changes);
                }
            }
            Effect::New {
                resource,
                rep,
                index,
            } => {
                self.insert(*index, EntryKind::Own(resource.clone()), None, &mut changes);
                if let Some(entry) = self.entries.get_mut(index) {
                    entry.rep = Some(*rep);
                }
            }
            Effect::Rep { resource, index } => {
                self.touch(*index, &Wanted::Resource(resource.clone()), &mut changes);
            }
            Effect::DropResource { resource, index } => {
                let wanted = Wanted::Resource(resource.clone());
                self.remove(*index, &wanted, Ending::Dropped, &mut changes);
            }
            Effect::Creates { kind, index } => {
                self.insert(*index, kind.clone(), None, &mut changes);
            }
            Effect::Uses { index, wanted } => {
                self.touch(*index, wanted, &mut changes);
            }
            Effect::Drops { index, wanted } => {
                self.pending.remove(index);
                self.remove(*index, wanted, Ending::Dropped, &mut changes);
            }
        }
        changes.list
    }

    fn call(&mut self, args: &[(String, Lifted)], changes: &mut Changes) {
        let mut clues = meaning::Clues::new(&changes.occasion.crossing, args);
        let mut borrows = Vec::new();
        for (name, value) in args {
            value.for_each_handle(&mut |handle| {
                let meaning = self
                    .get(handle.index)
                    .and_then(|entry| entry.meaning.clone());
                clues.add(name, meaning);
                if let HandleKind::Borrow(_) = handle.kind {
                    borrows.extend(self.lend(handle, changes));
                } else {
                    self.pass(handle, changes);
                }
            });
        }
        self.outgoing.push(Call {
            occasion: changes.occasion.clone(),
            clues,
            borrows,
        });
    }

    /// The call out that returns. It need not be the last one made: others may still wait.
    fn take_outgoing(&mut self, changes: &Changes) -> Option<Call> {
        let is_it = |call: &Call| call.occasion == *changes.occasion;
        match self.outgoing.iter().rposition(is_it) {
            Some(at) => Some(self.outgoing.remove(at)),
            None => self.outgoing.pop(),
        }
    }

    fn returned(&mut self, result: Option<&Lifted>, changes: &mut Changes) {
        let Some(call) = self.take_outgoing(changes) else {
            return;
        };
        self.end_lends(&call);
        self.receive(result, &call.clues, changes);
    }

    /// When it gives back what it has been lent is not seen: it may be from now on.
    fn pend(&mut self, subtask: u32, moves_handles: bool, changes: &mut Changes) {
        let Some(call) = self.take_outgoing(changes) else {
            return;
        };
        self.end_lends(&call);
        self.moves_unseen |= moves_handles;
        self.pending.insert(subtask, call);
        self.insert(subtask, EntryKind::Subtask, None, changes);
    }

    fn enter(&mut self, args: &[(String, Lifted)], changes: &mut Changes) {
        let mut borrows = Vec::new();
        for (_, value) in args {
            value.for_each_handle(&mut |handle| match &handle.kind {
                HandleKind::Borrow(resource) if self.defines(resource) => {}
                HandleKind::Borrow(resource) => {
                    borrows.push(handle.index);
                    let kind = EntryKind::Borrow(resource.clone());
                    self.insert(handle.index, kind, None, changes);
                }
                kind => self.insert(handle.index, EntryKind::from(kind), None, changes),
            });
        }
        self.incoming.push(Call {
            occasion: changes.occasion.clone(),
            clues: meaning::Clues::default(),
            borrows,
        });
    }

    fn defines(&self, resource: &Resource) -> bool {
        self.defined
            .iter()
            .any(|defined| is_same_type(defined, resource))
    }

    fn leave(&mut self, changes: &mut Changes) {
        let is_it = |call: &Call| call.occasion.crossing == changes.occasion.crossing;
        let call = match self.incoming.iter().rposition(is_it) {
            Some(at) => Some(self.incoming.remove(at)),
            None => self.incoming.pop(),
        };
        let Some(call) = call else { return };
        for index in call.borrows {
            let kept = self.entries.get(&index).filter(|entry| {
                entry.created == call.occasion && matches!(entry.kind, EntryKind::Borrow(_))
            });
            if let Some(entry) = kept {
                let entry = Box::new(entry.clone());
                changes.wrong(index, Problem::StillBorrowed { entry });
            }
        }
    }

    /// Handles in a result that come to the guest.
    fn receive(&mut self, result: Option<&Lifted>, clues: &meaning::Clues, changes: &mut Changes) {
        let Some(result) = result else { return };
        let mut meanings = clues.meanings(result).into_iter();
        result.for_each_handle(&mut |handle| {
            let meaning = meanings.next().flatten();
            self.insert(
                handle.index,
                EntryKind::from(&handle.kind),
                meaning,
                changes,
            );
        });
    }

    /// Handles in a result that go from the guest.
    fn give(&mut self, result: Option<&Lifted>, changes: &mut Changes) {
        if let Some(result) = result {
            result.for_each_handle(&mut |handle| self.pass(handle, changes));
        }
    }

    /// Handles that have gone some time after this event: their indices may have been
    /// given out again.
    fn give_since(&mut self, elements: &Lifted, begun: Option<u64>, changes: &mut Changes) {
        elements.for_each_handle(&mut |handle| {
            let entry = self.get(handle.index);
            let is_another = begun
                .zip(entry)
                .is_some_and(|(begun, entry)| entry.created.event > begun);
            if !is_another {
                self.pass(handle, changes);
            }
        });
    }

    /// A handle that goes from the guest: it leaves the table, unless it is an error
    /// context, which is shared.
    fn pass(&mut self, handle: &Handle, changes: &mut Changes) {
        let wanted = Wanted::from(&handle.kind);
        if handle.kind == HandleKind::ErrorContext {
            self.touch(handle.index, &wanted, changes);
        } else {
            self.remove(handle.index, &wanted, Ending::Transferred, changes);
        }
    }

    fn lend(&mut self, handle: &Handle, changes: &mut Changes) -> Option<u32> {
        let entry = self.touch(handle.index, &Wanted::from(&handle.kind), changes)?;
        entry.lent = entry.lent.saturating_add(1);
        Some(handle.index)
    }

    fn end_lends(&mut self, call: &Call) {
        for index in &call.borrows {
            if let Some(entry) = self.entries.get_mut(index) {
                entry.lent = entry.lent.saturating_sub(1);
            }
        }
    }

    /// Counts a use.
    fn touch(
        &mut self,
        index: u32,
        wanted: &Wanted,
        changes: &mut Changes,
    ) -> Option<&mut HandleEntry> {
        if let Err(problem) = self.check(index, wanted) {
            changes.wrong(index, problem);
            return None;
        }
        let entry = self.entries.get_mut(&index)?;
        entry.uses = entry.uses.saturating_add(1);
        entry.last_use = Some(changes.occasion.clone());
        Some(entry)
    }

    fn insert(
        &mut self,
        index: u32,
        kind: EntryKind,
        meaning: Option<Meaning>,
        changes: &mut Changes,
    ) {
        let expected = self.next_index();
        if index != expected && !self.moves_unseen {
            changes.wrong(index, Problem::UnexpectedIndex { expected });
        }
        if let Some(entry) = self.entries.remove(&index) {
            self.end(entry, Ending::Displaced, changes);
        }
        // Indices that were passed over were given out unseen: they are not free.
        if self.free.last() == Some(&index) {
            self.free.pop();
        } else {
            self.free.retain(|free| *free != index);
        }
        self.highest = self.highest.max(index);
        let entry = HandleEntry {
            index,
            kind,
            rep: None,
            created: changes.occasion.clone(),
            uses: 0,
            last_use: None,
            lent: 0,
            meaning,
        };
        self.entries.insert(index, entry);
        changes.list.push(Change::Entered { index });
    }

    fn remove(&mut self, index: u32, wanted: &Wanted, ending: Ending, changes: &mut Changes) {
        let problem = match self.check(index, wanted) {
            Ok(entry) if entry.lent > 0 => Some(Problem::Lent {
                entry: Box::new(entry.clone()),
            }),
            Ok(_) => None,
            Err(problem) => Some(problem),
        };
        if let Some(problem) = problem {
            changes.wrong(index, problem);
        } else if let Some(entry) = self.entries.remove(&index) {
            self.free.push(index);
            self.end(entry, ending, changes);
        }
    }

    fn end(&mut self, entry: HandleEntry, ending: Ending, changes: &mut Changes) {
        let past = EndedEntry {
            entry,
            ending,
            ended: changes.occasion.clone(),
        };
        self.past.insert(past.entry.index, past.clone());
        changes.list.push(Change::Ended(past));
    }
}

/// The changes of one step, as they are found.
struct Changes<'s> {
    occasion: &'s Occasion,
    list: Vec<Change>,
}

impl Changes<'_> {
    fn wrong(&mut self, index: u32, problem: Problem) {
        self.list.push(Change::Wrong(Finding {
            occasion: self.occasion.clone(),
            index,
            problem,
        }));
    }
}
