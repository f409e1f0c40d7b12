//! The walk over the component binary that puts the wrappers in.

mod dials;
mod indices;
mod prefix;
mod sections;

use super::chaos::less;
use super::shim::{memories, shim_text};
use super::shuffle::{Handles, handles};
use super::wrapper::Wrap;
use super::{Commit, Options, RecordError};
use crate::component::{
    Body, BodyId, Builtin, Component, Crossing, CrossingId, CrossingKind, Item, wiring::CoreSort,
};
use dials::{Dialled, Placing};
use prefix::{Added, MEMORIES_INSTANCE, RecorderParts, import_sink, place_recorder, place_threads};
use std::collections::HashMap;
use wasm_encoder as we;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent};
use wasmparser as wp;

type Result<T, E = Error<RecordError>> = std::result::Result<T, E>;

pub(super) fn rewrite(component: &Component, options: Options) -> Result<Vec<u8>, RecordError> {
    let mut rewrite = Rewrite {
        component,
        several: component.instances() > 1,
        keeps_stacks: component.keeps_stacks(),
        options,
        scopes: Vec::new(),
    };
    let mut out = we::Component::new();
    rewrite
        .open(&mut out, 0)
        .and_then(|()| rewrite.parse_component(&mut out, wp::Parser::new(0), component.bytes()))
        .map_err(|e| match e {
            Error::UserError(e) => e,
            other => RecordError::Rewrite(other.to_string()),
        })?;
    Ok(out.finish())
}

/// Whether results may reach a body's memory while it is not in the call that asked
/// for them.
fn is_asynchronous(component: &Component, body: BodyId) -> bool {
    component
        .crossings()
        .iter()
        .filter(|crossing| crossing.body == body)
        .any(|crossing| match &crossing.kind {
            CrossingKind::Builtin(
                Builtin::ResourceNew(_) | Builtin::ResourceDrop(_) | Builtin::ResourceRep(_),
            ) => false,
            CrossingKind::Builtin(_) => true,
            _ => crossing.is_async,
        })
}

/// The crossings of one body by what defines them.
#[derive(Default)]
struct Lookup {
    outgoing: HashMap<u32, CrossingId>,
    reallocs: HashMap<(u32, Option<u32>), CrossingId>,
    lifts: Vec<CrossingId>,
    destructors: Vec<CrossingId>,
}

impl Lookup {
    fn new(component: &Component, body: BodyId) -> Lookup {
        let mut lookup = Lookup::default();
        for crossing in component.crossings().iter().filter(|c| c.body == body) {
            match crossing.kind {
                CrossingKind::Lower | CrossingKind::Builtin(_) => {
                    lookup.outgoing.insert(crossing.core_function, crossing.id);
                }
                CrossingKind::Realloc => {
                    let key = (crossing.core_function, crossing.memory);
                    lookup.reallocs.insert(key, crossing.id);
                }
                CrossingKind::Lift => lookup.lifts.push(crossing.id),
                CrossingKind::Destructor => lookup.destructors.push(crossing.id),
                CrossingKind::PostReturn
                | CrossingKind::Callback
                | CrossingKind::ThreadStart(_) => {}
            }
        }
        lookup
    }
}

/// What is added in front of a type declaration.
#[derive(Debug, Clone, Copy, Default)]
struct Declared {
    types: u32,
    instances: u32,
}

/// What a core instance names, by its old index.
type NamedItem = (String, wp::ExternalKind, u32);

/// The body being rewritten: its old index spaces mapped to the new ones.
struct Scope<'a> {
    body: &'a Body,
    added: Added,
    dialled: Dialled,
    /// The core instance in which threads begin, if any do.
    threads: Option<u32>,
    recorder: RecorderParts,
    has_several_memories: bool,
    lookup: Lookup,
    core_functions: Vec<u32>,
    next_core_function: u32,
    core_modules: Vec<u32>,
    next_core_module: u32,
    core_instances: Vec<u32>,
    next_core_instance: u32,
    /// Core instances of names alone that are not emitted yet: old index, and what they name.
    put_off: Vec<(usize, Vec<NamedItem>)>,
    /// Outgoing crossings defined but not wrapped yet: (old index, crossing).
    unwrapped: Vec<(u32, CrossingId)>,
    /// Wrapped reallocs by crossing.
    reallocs: HashMap<CrossingId, u32>,
    lifts: usize,
    destructors: usize,
    /// What is added to the index spaces of the type declarations that the walk is in, the
    /// outermost first: each has its own.
    declared: Vec<Declared>,
    /// Wrapped functions for the canonical options now being encoded.
    realloc_option: Option<u32>,
    post_return_option: Option<u32>,
    callback_option: Option<u32>,
}

struct Rewrite<'a> {
    component: &'a Component,
    /// Whether more than one instance records, so that order between them matters.
    several: bool,
    /// Whether a call may return before one that was made later.
    keeps_stacks: bool,
    options: Options,
    scopes: Vec<Scope<'a>>,
}

fn inconsistent(what: &str) -> Error<RecordError> {
    Error::UserError(RecordError::Rewrite(format!(
        "its {what} are not where the first reading found them"
    )))
}

impl<'a> Rewrite<'a> {
    fn scope(&mut self) -> Result<&mut Scope<'a>> {
        self.scopes.last_mut().ok_or_else(|| inconsistent("bodies"))
    }

    fn crossing(&self, id: CrossingId) -> Result<&'a Crossing> {
        self.component
            .crossing(id)
            .ok_or_else(|| inconsistent("crossings"))
    }

    /// Begins a body: finds it by its offset and emits its prefix.
    fn open(&mut self, out: &mut we::Component, start: usize) -> Result<()> {
        let body = self
            .component
            .bodies()
            .iter()
            .find(|body| body.start == start)
            .ok_or_else(|| inconsistent("bodies"))?;
        let is_memory = |item: &&Item| match item {
            Item::Alias { sort, .. } => *sort == CoreSort::Memory,
            _ => false,
        };
        let guest_memories = body.items.iter().filter(is_memory).count() as u32;
        let mut added = Added::default();
        if body.reaches_core {
            import_sink(out, self.options, &mut added);
        }
        let mut dialled = Dialled::default();
        let mut threads = None;
        let recorder = RecorderParts {
            is_asynchronous: is_asynchronous(self.component, body.id),
        };
        if body.has_core {
            place_recorder(out, guest_memories, recorder, self.options, &mut added)?;
            let instance = recorder.recorder_instance();
            dialled = self.turn(&mut Placing::into(out, &mut added, instance), body.id)?;
            let starters = self.starters(body.id).count();
            if starters > 0 {
                threads = Some(place_threads(out, starters, &mut added)?);
            }
        }
        self.scopes.push(Scope {
            lookup: Lookup::new(self.component, body.id),
            recorder,
            has_several_memories: guest_memories > 1,
            body,
            added,
            dialled,
            threads,
            core_functions: Vec::new(),
            next_core_function: added.core_functions,
            core_modules: Vec::new(),
            next_core_module: added.modules,
            core_instances: Vec::new(),
            put_off: Vec::new(),
            next_core_instance: added.core_instances,
            unwrapped: Vec::new(),
            reallocs: HashMap::new(),
            lifts: 0,
            destructors: 0,
            declared: Vec::new(),
            realloc_option: None,
            post_return_option: None,
            callback_option: None,
        });
        Ok(())
    }

    /// The crossings of a body by which threads begin.
    fn starters(&self, body: BodyId) -> impl Iterator<Item = CrossingId> + use<'a> {
        let crossings = self.component.crossings().iter();
        crossings
            .filter(move |crossing| crossing.body == body)
            .filter(|crossing| matches!(crossing.kind, CrossingKind::ThreadStart(_)))
            .map(|crossing| crossing.id)
    }

    /// Puts in what is random in a body, where there is any use for it.
    fn turn(&self, placing: &mut Placing<'_>, body: BodyId) -> Result<Dialled> {
        let crossings = || self.component.crossings().iter().filter(|c| c.body == body);
        let Options {
            handles: indices,
            chaos,
            ..
        } = self.options;
        let has_handles = || crossings().any(|c| handles(c) != Handles::default());
        let has_less = || crossings().any(|c| less(c).is_some());
        let indices = indices.filter(|_| has_handles());
        let chaos = chaos.filter(|_| has_less());
        Ok(Dialled {
            shuffle: indices.map(|seed| placing.shuffle(seed)).transpose()?,
            chaos: chaos.map(|seed| placing.chaos(seed)).transpose()?,
        })
    }

    /// Emits one shim with a wrapper for each of these; answers the wrappers'
    /// new core function indices.
    fn shim(&mut self, out: &mut we::Component, wrapped: &[(u32, CrossingId)]) -> Result<Vec<u32>> {
        if wrapped.is_empty() {
            return Ok(Vec::new());
        }
        let mut wraps = Vec::new();
        let mut guest = Vec::new();
        for (k, (function, id)) in wrapped.iter().enumerate() {
            wraps.push(self.wrap(*id)?);
            let kind = &self.crossing(*id)?.kind;
            if let Some(table) = table_of_threads(kind) {
                let table = self.table_index(table)?;
                guest.push((format!("t{k}"), we::ExportKind::Table, table));
            }
            if !matches!(kind, CrossingKind::ThreadStart(_)) {
                guest.push((format!("f{k}"), we::ExportKind::Func, *function));
            }
        }
        for (k, memory) in memories(&wraps).iter().enumerate() {
            let index = self.memory_index(memory.index)?;
            guest.push((format!("m{k}"), we::ExportKind::Memory, index));
        }
        let module = assemble(&shim_text(&wraps))?;
        place_module(out, &module);
        let scope = self.scope()?;
        let module = scope.next_core_module;
        scope.next_core_module += 1;
        let recorder = scope.recorder.recorder_instance();
        let guest_instance = scope.next_core_instance;
        let shim_instance = guest_instance + 1;
        scope.next_core_instance += 2;
        let mut instances = we::InstanceSection::new();
        instances.export_items(
            guest
                .iter()
                .map(|(name, kind, i)| (name.as_str(), *kind, *i)),
        );
        let mut imports = vec![
            ("guest", we::ModuleArg::Instance(guest_instance)),
            ("memories", we::ModuleArg::Instance(MEMORIES_INSTANCE)),
            ("recorder", we::ModuleArg::Instance(recorder)),
        ];
        let Dialled { shuffle, chaos } = scope.dialled;
        let dialled = [("shuffle", shuffle), ("chaos", chaos)];
        for (name, instance) in dialled.into_iter().chain([("threads", scope.threads)]) {
            imports.extend(instance.map(|k| (name, we::ModuleArg::Instance(k))));
        }
        instances.instantiate(module, imports);
        out.section(&instances);
        let mut aliases = we::ComponentAliasSection::new();
        let mut indices = Vec::new();
        for k in 0..wrapped.len() {
            aliases.alias(we::Alias::CoreInstanceExport {
                instance: shim_instance,
                kind: we::ExportKind::Func,
                name: &format!("w{k}"),
            });
            indices.push(scope.next_core_function);
            scope.next_core_function += 1;
        }
        out.section(&aliases);
        Ok(indices)
    }

    fn wrap(&mut self, id: CrossingId) -> Result<Wrap<'a>> {
        let (several, keeps_stacks) = (self.several, self.keeps_stacks);
        let each_event = self.options.commit == Commit::EachHostcall;
        let commit_on_return = several || self.options.commit != Commit::OnlyWhenFull;
        let hashes_from = self.options.hashes_from;
        let crossing = self.crossing(id)?;
        let lets_others_run = match &crossing.kind {
            CrossingKind::Lower => true,
            CrossingKind::Builtin(builtin) => builtin.lets_others_run(),
            _ => false,
        };
        let starter = match &crossing.kind {
            CrossingKind::ThreadStart(_) => Some(id),
            CrossingKind::Builtin(Builtin::ThreadNewIndirect(_)) => {
                id.0.checked_sub(1).map(CrossingId)
            }
            _ => None,
        };
        let starter = starter.and_then(|id| self.starters(crossing.body).position(|one| one == id));
        let may_exit = crossing.kind == CrossingKind::Lower && self.component.may_exit(crossing);
        let scope = self.scope()?;
        Ok(Wrap {
            crossing,
            may_exit,
            commit_before: each_event || (several && lets_others_run),
            commit_after: each_event,
            commit_on_return,
            settle_rest: scope.has_several_memories
                || (scope.recorder.is_asynchronous && crossing.memory.is_none()),
            may_be_owed: scope.recorder.is_asynchronous,
            keeps_stacks,
            starter,
            hashes_from,
            shuffled: scope.dialled.shuffle.map(|_| handles(crossing)),
            less: scope.dialled.chaos.and_then(|_| less(crossing)),
        })
    }

    /// Wraps incoming crossings; answers the wrappers' core function indices.
    fn wrap_incoming(&mut self, out: &mut we::Component, ids: &[CrossingId]) -> Result<Vec<u32>> {
        let functions = ids.iter().map(|id| Ok(self.crossing(*id)?.core_function));
        let functions = functions.collect::<Result<Vec<_>>>()?;
        let unwrapped = &self.scope()?.unwrapped;
        if unwrapped.iter().any(|(old, _)| functions.contains(old)) {
            self.settle(out)?;
        }
        let mut wrapped = Vec::new();
        for (function, id) in functions.into_iter().zip(ids) {
            wrapped.push((self.function_index(function)?, *id));
        }
        self.shim(out, &wrapped)
    }

    /// The same, of one.
    fn wrap_one(&mut self, out: &mut we::Component, id: CrossingId) -> Result<u32> {
        let wrapped = self.wrap_incoming(out, &[id])?;
        let one = wrapped.first().copied();
        one.ok_or_else(|| inconsistent("shims"))
    }

    /// Wraps the outgoing crossings defined since the last time, before anything
    /// can refer to them.
    fn settle(&mut self, out: &mut we::Component) -> Result<()> {
        let unwrapped = std::mem::take(&mut self.scope()?.unwrapped);
        let mut wrapped = Vec::new();
        for (old, id) in &unwrapped {
            wrapped.push((self.function_index(*old)?, *id));
        }
        let indices = self.shim(out, &wrapped)?;
        let scope = self.scope()?;
        for ((old, _), new) in unwrapped.into_iter().zip(indices) {
            scope.core_functions[old as usize] = new;
        }
        Ok(())
    }

    fn new_core_function(&mut self) -> Result<u32> {
        let scope = self.scope()?;
        let old = scope.core_functions.len() as u32;
        scope.core_functions.push(scope.next_core_function);
        scope.next_core_function += 1;
        Ok(old)
    }
}

/// The guest's table whose functions threads run, if it is a crossing that has to do with that.
fn table_of_threads(kind: &CrossingKind) -> Option<u32> {
    match kind {
        CrossingKind::ThreadStart(table)
        | CrossingKind::Builtin(Builtin::ThreadNewIndirect(table)) => Some(*table),
        _ => None,
    }
}

fn assemble(text: &str) -> Result<Vec<u8>> {
    wat::parse_str(text)
        .map_err(|e| Error::UserError(RecordError::Rewrite(format!("a wrapper is malformed: {e}"))))
}

fn place_module(out: &mut we::Component, module: &[u8]) {
    out.section(&we::RawSection {
        id: we::ComponentSectionId::CoreModule as u8,
        data: module,
    });
}
