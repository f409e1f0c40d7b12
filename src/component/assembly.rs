//! How the component is put together when it is instantiated: which body is made how often, of
//! which core modules, and who answers what its instances lower.
//!
//! A body may import core modules and components, and instances may export them: what an index
//! of theirs means differs from one instance of a body to another. So the instantiation is
//! walked once, when the binary is read, and everybody else goes by what came of it.

use super::answerer::{Answerers, Lowered};
use super::canonical::unsupported;
use super::error::ParseError;
use super::wiring::{Body, BodyId, ComponentItem, Instance, Item, Link, ModuleId, Source};
use super::{Crossing, CrossingId};
use std::collections::HashMap;
use std::sync::Arc;

/// The most items that instantiating the component makes.
const MOST_ITEMS: usize = 1 << 18;
/// The most functions, instances and names that are passed on while it is done.
const MOST_PASSED: usize = 1 << 20;
/// So many bytes of a path count as one name.
const NAME: usize = 64;
/// Components that instantiate one another, as deep as replay goes.
const DEEPEST: usize = 100;

/// An instance of a body, in the order in which they begin to be made: the root's first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The body that it is of.
    pub body: BodyId,
    /// Its core module index space; `None` for one that the host would have to give.
    pub modules: Vec<Option<ModuleId>>,
    /// What each [`Item::Nested`] of the body makes, in their order: indices of those made.
    pub nested: Vec<usize>,
}

/// What instantiating a component makes.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    pub(super) made: Vec<Made>,
    /// How many of them record, as their bodies have core code.
    pub(super) instances: u32,
    pub(super) answerers: Answerers,
}

impl Assembly {
    /// # Errors
    ///
    /// If it would take too much, or something that only the host has.
    pub(super) fn of(bodies: &[Body], crossings: &[Crossing]) -> Result<Assembly, ParseError> {
        let mut walk = Walk {
            bodies,
            crossings,
            environments: Vec::new(),
            items: 0,
            passed: 0,
            done: Assembly::default(),
        };
        let root = Closure {
            body: BodyId(0),
            outer: None,
        };
        walk.body(root, None, 0)?;
        Ok(walk.done)
    }
}

/// The number of an [`Environment`].
type EnvironmentId = usize;

/// A component as a value: a body, and the instance of the one around it that its outer aliases
/// mean.
#[derive(Clone, Copy)]
struct Closure {
    body: BodyId,
    outer: Option<EnvironmentId>,
}

/// What of an instance of a body others may alias from within it. It grows only at its end.
struct Environment {
    modules: Vec<Option<ModuleId>>,
    components: Vec<Option<Closure>>,
    outer: Option<EnvironmentId>,
}

/// What an item of an index space is.
#[derive(Clone)]
enum Value<'a> {
    /// A function that is lifted.
    Lifted(Instance, CrossingId),
    /// What the host gives, by its path.
    Given(Arc<str>),
    Unknown,
    Instance(Arc<Names<'a>>),
    Module(ModuleId),
    Component(Closure),
}

type Names<'a> = HashMap<&'a str, Value<'a>>;

impl<'a> Value<'a> {
    fn export(&self, name: &str) -> Value<'a> {
        match self {
            Value::Instance(names) => names.get(name).cloned().unwrap_or(Value::Unknown),
            Value::Given(instance) => Value::Given(format!("{instance}#{name}").into()),
            Value::Lifted(..) | Value::Module(_) | Value::Component(_) | Value::Unknown => {
                Value::Unknown
            }
        }
    }

    fn module(&self) -> Option<ModuleId> {
        match self {
            Value::Module(id) => Some(*id),
            _ => None,
        }
    }

    fn component(&self) -> Option<Closure> {
        match self {
            Value::Component(closure) => Some(*closure),
            _ => None,
        }
    }
}

/// The component-level index spaces of a body being instantiated that only itself sees.
#[derive(Default)]
struct Spaces<'a> {
    functions: Vec<Value<'a>>,
    instances: Vec<Value<'a>>,
}

impl<'a> Spaces<'a> {
    fn instance(&self, index: u32) -> &Value<'a> {
        let found = self.instances.get(index as usize);
        found.unwrap_or(&Value::Unknown)
    }
}

/// The instantiation of all bodies, in the order in which instances are numbered.
struct Walk<'a> {
    bodies: &'a [Body],
    crossings: &'a [Crossing],
    environments: Vec<Environment>,
    items: usize,
    passed: usize,
    done: Assembly,
}

impl<'a> Walk<'a> {
    /// Instantiates a component with what it is given, the outermost by the host; answers what
    /// it exports.
    fn body(
        &mut self,
        component: Closure,
        given: Option<&Names<'a>>,
        depth: usize,
    ) -> Result<Names<'a>, ParseError> {
        count(
            &mut 0,
            depth,
            DEEPEST,
            "components instantiated within one another",
        )?;
        let body = self
            .bodies
            .get(component.body.0 as usize)
            .ok_or(ParseError::Index("component"))?;
        let of = Instance(self.done.instances);
        self.done.instances += u32::from(body.has_core);
        let items = body.items.len() + 1;
        count(
            &mut self.items,
            items,
            MOST_ITEMS,
            "items made by its instances",
        )?;
        let here = self.environments.len();
        self.environments.push(Environment {
            modules: Vec::new(),
            components: Vec::new(),
            outer: component.outer,
        });
        let made = self.done.made.len();
        self.done.made.push(Made {
            body: body.id,
            modules: Vec::new(),
            nested: Vec::new(),
        });
        let import = |name: &str| match given {
            Some(given) => given.get(name).cloned().unwrap_or(Value::Unknown),
            None => Value::Given(name.into()),
        };
        let mut spaces = Spaces::default();
        let mut exports = Names::new();
        for link in &body.links {
            self.pass(1)?;
            match link {
                Link::ImportFunc(name) => spaces.functions.push(import(name)),
                Link::ImportInstance(name) => spaces.instances.push(import(name)),
                Link::Module(source) => {
                    let module = match source {
                        Source::Defined(id) => Some(*id),
                        Source::Import(name) => import(name).module(),
                        Source::Export(of, name) => self.export(&spaces, *of, name)?.module(),
                        Source::Outer { up, index } => {
                            let modules = &self.outer(here, *up)?.modules;
                            *modules.get(*index as usize).unwrap_or(&None)
                        }
                    };
                    self.environments[here].modules.push(module);
                }
                Link::Component(source) => {
                    let component = match source {
                        Source::Defined(body) => Some(Closure {
                            body: *body,
                            outer: Some(here),
                        }),
                        Source::Import(name) => import(name).component(),
                        Source::Export(of, name) => self.export(&spaces, *of, name)?.component(),
                        Source::Outer { up, index } => {
                            let components = &self.outer(here, *up)?.components;
                            *components.get(*index as usize).unwrap_or(&None)
                        }
                    };
                    self.environments[here].components.push(component);
                }
                Link::AliasFunc(of, name) => {
                    let function = self.export(&spaces, *of, name)?;
                    spaces.functions.push(function);
                }
                Link::AliasInstance(of, name) => {
                    let instance = self.export(&spaces, *of, name)?;
                    spaces.instances.push(instance);
                }
                Link::Instantiate(component, args) => {
                    let components = &self.environments[here].components;
                    let component = components.get(*component as usize);
                    let component = component.copied().flatten().ok_or_else(|| {
                        unsupported("a component that the host is to give", body.start)
                    })?;
                    let args = self.named(here, &spaces, args)?;
                    let next = self.done.made.len();
                    self.done.made[made].nested.push(next);
                    let names = self.body(component, Some(&args), depth + 1)?;
                    spaces.instances.push(Value::Instance(Arc::new(names)));
                }
                Link::Bundle(items) => {
                    let names = self.named(here, &spaces, items)?;
                    spaces.instances.push(Value::Instance(Arc::new(names)));
                }
                Link::Lift(id) => spaces.functions.push(Value::Lifted(of, *id)),
                Link::Lower(function, id) => {
                    let function = spaces.functions.get(*function as usize);
                    self.lower((of, *id), function, body)?;
                }
                Link::Export(name, item) => {
                    let value = self.value(here, &spaces, *item);
                    let environment = &mut self.environments[here];
                    match item {
                        ComponentItem::Func(_) => spaces.functions.push(value.clone()),
                        ComponentItem::Instance(_) => spaces.instances.push(value.clone()),
                        ComponentItem::Module(_) => environment.modules.push(value.module()),
                        ComponentItem::Component(_) => {
                            environment.components.push(value.component());
                        }
                    }
                    exports.insert(name, value);
                }
            }
        }
        let modules = self.environments[here].modules.clone();
        let is_there = |index: &u32| matches!(modules.get(*index as usize), Some(Some(_)));
        let mut instantiated = body.items.iter().filter_map(|item| match item {
            Item::Instantiate { module, .. } => Some(module),
            _ => None,
        });
        if !instantiated.all(is_there) {
            let what = "an instance of a core module that the host is to give";
            return Err(unsupported(what, body.start));
        }
        self.done.made[made].modules = modules;
        Ok(exports)
    }

    fn export(
        &mut self,
        spaces: &Spaces<'a>,
        of: u32,
        name: &str,
    ) -> Result<Value<'a>, ParseError> {
        let value = spaces.instance(of).export(name);
        // Paths are made anew in each instance.
        if let Value::Given(path) = &value {
            self.pass(path.len() / NAME)?;
        }
        Ok(value)
    }

    /// The instance so many bodies out.
    fn outer(&self, from: EnvironmentId, up: u32) -> Result<&Environment, ParseError> {
        let mut environment = self.environments.get(from);
        for _ in 0..up {
            let outer = environment.and_then(|environment| environment.outer);
            environment = outer.and_then(|outer| self.environments.get(outer));
        }
        environment.ok_or(ParseError::Index("outer"))
    }

    fn value(&self, here: EnvironmentId, spaces: &Spaces<'a>, item: ComponentItem) -> Value<'a> {
        let environment = &self.environments[here];
        let found = match item {
            ComponentItem::Func(index) => spaces.functions.get(index as usize).cloned(),
            ComponentItem::Instance(index) => spaces.instances.get(index as usize).cloned(),
            ComponentItem::Module(index) => {
                let module = environment.modules.get(index as usize);
                module.copied().flatten().map(Value::Module)
            }
            ComponentItem::Component(index) => {
                let component = environment.components.get(index as usize);
                component.copied().flatten().map(Value::Component)
            }
        };
        found.unwrap_or(Value::Unknown)
    }

    fn named(
        &mut self,
        here: EnvironmentId,
        spaces: &Spaces<'a>,
        items: &'a [(String, ComponentItem)],
    ) -> Result<Names<'a>, ParseError> {
        self.pass(items.len())?;
        let named = |(name, item): &'a (String, _)| {
            let value = self.value(here, spaces, *item);
            (name.as_str(), value)
        };
        Ok(items.iter().map(named).collect())
    }

    fn lower(
        &mut self,
        lowered: Lowered,
        function: Option<&Value<'a>>,
        body: &Body,
    ) -> Result<(), ParseError> {
        let crossing = |id: CrossingId| self.crossings.get(id.0 as usize);
        let lowers = crossing(lowered.1);
        match function {
            Some(Value::Lifted(of, lifted)) => {
                // Wasmtime 48 has no adapter for it, and says so by a panic.
                let is_gc = [lowers, crossing(*lifted)]
                    .iter()
                    .flatten()
                    .any(|c| c.is_gc);
                let ty = lowers.and_then(|lowers| lowers.function.as_ref());
                if is_gc && ty.is_some_and(|ty| !ty.params.is_empty() || ty.result.is_some()) {
                    let what = "values passed between components with the canonical option `gc`";
                    return Err(unsupported(what, body.start));
                }
                let answerers = &mut self.done.answerers;
                answerers.is_lifted(lowered, (*of, *lifted));
            }
            Some(Value::Given(name)) if lowers.is_some_and(|known| known.name != *name) => {
                self.done.answerers.is_of_host(lowered, name.clone());
            }
            _ => {}
        }
        Ok(())
    }

    fn pass(&mut self, by: usize) -> Result<(), ParseError> {
        let what = "names passed on between its instances";
        count(&mut self.passed, by, MOST_PASSED, what)
    }
}

/// Adds to what has been counted, unless it becomes more than a limit.
fn count(
    counted: &mut usize,
    by: usize,
    limit: usize,
    what: &'static str,
) -> Result<(), ParseError> {
    *counted = counted.saturating_add(by);
    match *counted <= limit {
        true => Ok(()),
        false => Err(ParseError::TooLarge { what, limit }),
    }
}
