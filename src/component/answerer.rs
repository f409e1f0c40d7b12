//! Who answers the functions that a component lowers: the host, or another component of
//! the composition that stands in for it under the same names.

use super::wiring::{BodyId, ComponentItem, Instance, Link};
use super::{Component, Crossing, CrossingId};
use std::collections::HashMap;
use std::sync::Arc;

/// Who answers a lowered function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answerer<'a> {
    /// Whoever runs the component: its function with this WIT path. A component within a
    /// composition may know it by another.
    Host(&'a str),
    /// A component instance, by a function that it has lifted.
    Component(Instance, CrossingId),
}

/// Bodies that are looked into, and functions, instances and names that are passed on in
/// all of them, before a hostile component has cost enough: what it lowers after that
/// counts as answered by the host, under the name that it has for it.
const MOST_STEPS: usize = 1 << 20;

/// As deep as replay goes: see `replay::wiring`.
const MAX_NESTING: usize = 100;

/// A function that an instance has lowered.
type Lowered = (Instance, CrossingId);

/// What the names of lowered functions do not tell.
#[derive(Debug, Default)]
pub(super) struct Answerers {
    /// Those that other components answer.
    components: HashMap<Lowered, (Instance, CrossingId)>,
    /// Those that the host answers, where it has another name for them.
    host: HashMap<Lowered, Arc<str>>,
}

impl Answerers {
    pub(super) fn of(component: &Component) -> Answerers {
        let mut walk = Walk {
            component,
            instances: 0,
            steps: 0,
            found: Answerers::default(),
        };
        _ = walk.body(BodyId(0), None, 0);
        walk.found
    }

    pub(super) fn get<'a>(&'a self, instance: Instance, crossing: &'a Crossing) -> Answerer<'a> {
        let lowered = (instance, crossing.id);
        match (self.components.get(&lowered), self.host.get(&lowered)) {
            (Some((instance, lifted)), _) => Answerer::Component(*instance, *lifted),
            (None, Some(name)) => Answerer::Host(name),
            (None, None) => Answerer::Host(&crossing.name),
        }
    }

    /// The other names that the host has for a lowered function, in any instance.
    pub(super) fn other_names(&self, crossing: CrossingId) -> impl Iterator<Item = &str> {
        let host = self.host.iter();
        host.filter(move |((_, id), _)| *id == crossing)
            .map(|(_, name)| &**name)
    }
}

/// What an item of an index space is.
#[derive(Clone)]
enum Value<'a> {
    /// A function that is lifted.
    Lifted(Instance, CrossingId),
    /// A function or an instance that the host gives, by its path.
    Given(Arc<str>),
    Unknown,
    Instance(Arc<Names<'a>>),
}

type Names<'a> = HashMap<&'a str, Value<'a>>;

impl<'a> Value<'a> {
    fn export(&self, name: &str) -> Value<'a> {
        match self {
            Value::Instance(names) => names.get(name).cloned().unwrap_or(Value::Unknown),
            Value::Given(instance) => Value::Given(format!("{instance}#{name}").into()),
            Value::Lifted(..) | Value::Unknown => Value::Unknown,
        }
    }
}

/// The component-level index spaces of a body being instantiated.
#[derive(Default)]
struct Spaces<'a> {
    functions: Vec<Value<'a>>,
    instances: Vec<Value<'a>>,
}

impl<'a> Spaces<'a> {
    fn get(&self, item: ComponentItem) -> Value<'a> {
        let found = match item {
            ComponentItem::Func(index) => self.functions.get(index as usize),
            ComponentItem::Instance(index) => self.instances.get(index as usize),
        };
        found.cloned().unwrap_or(Value::Unknown)
    }

    fn named(&self, items: &'a [(String, ComponentItem)]) -> Names<'a> {
        let named = |(name, item): &'a (String, _)| (name.as_str(), self.get(*item));
        items.iter().map(named).collect()
    }
}

/// The instantiation of all bodies, in the order in which instances are numbered.
struct Walk<'a> {
    component: &'a Component,
    instances: u32,
    steps: usize,
    found: Answerers,
}

impl<'a> Walk<'a> {
    /// Instantiates a body with what it is given, the outermost by the host; answers what
    /// it exports, or `None` when it has cost enough.
    fn body(&mut self, id: BodyId, given: Option<&Names<'a>>, depth: usize) -> Option<Names<'a>> {
        let component = self.component;
        let body = component.body(id);
        if depth > MAX_NESTING {
            return None;
        }
        let instance = Instance(self.instances);
        if body.has_core {
            self.instances += 1;
        }
        self.step(1)?;
        let import = |name: &str| match given {
            Some(given) => given.get(name).cloned().unwrap_or(Value::Unknown),
            None => Value::Given(name.into()),
        };
        let mut spaces = Spaces::default();
        let mut exports = Names::new();
        for link in &body.links {
            self.step(1)?;
            match link {
                Link::ImportFunc(name) => spaces.functions.push(import(name)),
                Link::ImportInstance(name) => spaces.instances.push(import(name)),
                Link::AliasFunc(of, name) => {
                    let of = spaces.get(ComponentItem::Instance(*of));
                    spaces.functions.push(of.export(name));
                }
                Link::AliasInstance(of, name) => {
                    let of = spaces.get(ComponentItem::Instance(*of));
                    spaces.instances.push(of.export(name));
                }
                Link::Instantiate(id, args) => {
                    self.step(args.len())?;
                    let args = spaces.named(args);
                    let made = self.body(*id, Some(&args), depth + 1)?;
                    spaces.instances.push(Value::Instance(Arc::new(made)));
                }
                Link::Bundle(items) => {
                    self.step(items.len())?;
                    let names = spaces.named(items);
                    spaces.instances.push(Value::Instance(Arc::new(names)));
                }
                Link::Lift(id) => {
                    spaces.functions.push(Value::Lifted(instance, *id));
                }
                Link::Lower(function, id) => {
                    let function = spaces.get(ComponentItem::Func(*function));
                    self.lower((instance, *id), function);
                }
                Link::Export(name, item) => {
                    let value = spaces.get(*item);
                    match item {
                        ComponentItem::Func(_) => spaces.functions.push(value.clone()),
                        ComponentItem::Instance(_) => spaces.instances.push(value.clone()),
                    }
                    exports.insert(name, value);
                }
            }
        }
        Some(exports)
    }

    fn lower(&mut self, lowered: Lowered, function: Value<'a>) {
        let own_name = self.component.crossing(lowered.1).map(|c| &*c.name);
        match function {
            Value::Lifted(of, lifted) => {
                self.found.components.insert(lowered, (of, lifted));
            }
            Value::Given(name) if own_name != Some(&*name) => {
                self.found.host.insert(lowered, name);
            }
            Value::Given(_) | Value::Unknown | Value::Instance(_) => {}
        }
    }

    fn step(&mut self, by: usize) -> Option<()> {
        self.steps += by;
        (self.steps <= MOST_STEPS).then_some(())
    }
}
