//! Reading a component binary.
//!
//! Two passes: the first validates and keeps each body's types, the second walks
//! the sections with those types at hand.

pub(super) mod budget;
mod builtins;
mod definitions;
mod links;
mod spaces;
mod validate;

use super::Component;
use super::assembly::Assembly;
use super::canonical::unsupported;
use super::crossing::{Crossing, CrossingId, CrossingKind};
use super::error::ParseError;
use super::naming::Types;
use super::wiring::{Body, BodyId, Item, Link, ModuleId, Source};
use budget::Budget;
use spaces::{Function, Open};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use validate::{Validated, validate};
use wasmparser as wp;

pub(super) fn parse(bytes: Arc<[u8]>) -> Result<Component, ParseError> {
    if wp::Parser::is_core_wasm(&bytes) {
        return Err(ParseError::CoreModule);
    }
    let (arenas, outline) = validate(&bytes)?;
    let mut walk = Walk {
        arenas: &arenas,
        budget: Rc::new(outline.budget()),
        bodies: Vec::new(),
        modules: Vec::new(),
        crossings: Vec::new(),
        open: Vec::new(),
        exports: HashMap::new(),
    };
    let mut ends = vec![bytes.len()];
    for payload in wp::Parser::new(0).parse_all(&bytes) {
        let payload = payload?;
        check_nesting(&payload, &mut ends)?;
        walk.payload(payload)?;
    }
    let Walk {
        mut bodies,
        modules,
        crossings,
        ..
    } = walk;
    propagate_core(&mut bodies);
    Ok(Component {
        assembly: Assembly::of(&bodies, &crossings)?,
        bodies,
        modules,
        crossings,
        bytes,
    })
}

/// Core modules and components must lie within the component that they are part of.
/// `ends` are the ends of the open ones, outermost first.
fn check_nesting(payload: &wp::Payload<'_>, ends: &mut Vec<usize>) -> Result<(), ParseError> {
    match payload {
        wp::Payload::ModuleSection {
            unchecked_range, ..
        }
        | wp::Payload::ComponentSection {
            unchecked_range, ..
        } => {
            if ends.last().is_some_and(|end| unchecked_range.end > *end) {
                return Err(ParseError::Beyond(unchecked_range.start));
            }
            ends.push(unchecked_range.end);
        }
        wp::Payload::End(_) => drop(ends.pop()),
        _ => {}
    }
    Ok(())
}

/// A body reaches core code if it has some, or instantiates a component that does; one that it
/// was given may.
fn propagate_core(bodies: &mut [Body]) {
    let mut outer: Vec<Vec<BodyId>> = vec![Vec::new(); bodies.len()];
    let mut reached = Vec::new();
    for body in bodies.iter() {
        let mut instantiates_given = false;
        for link in &body.links {
            let Link::Instantiate(component, _) = link else {
                continue;
            };
            let nested = body.components.get(*component as usize).copied().flatten();
            match nested.and_then(|id| outer.get_mut(id.0 as usize)) {
                Some(outer) if outer.last() == Some(&body.id) => {}
                Some(outer) => outer.push(body.id),
                None => instantiates_given = true,
            }
        }
        if body.has_core || instantiates_given {
            reached.push(body.id);
        }
    }
    while let Some(id) = reached.pop() {
        let body = &mut bodies[id.0 as usize];
        if !body.reaches_core {
            body.reaches_core = true;
            reached.extend_from_slice(&outer[id.0 as usize]);
        }
    }
}

struct Walk<'a> {
    arenas: &'a HashMap<usize, Validated<'a>>,
    budget: Rc<Budget>,
    bodies: Vec<Body>,
    modules: Vec<Range<usize>>,
    crossings: Vec<Crossing>,
    /// The components being walked, outermost first; `None` stands for a core
    /// module, whose payloads are of no interest here.
    open: Vec<Option<Open<'a>>>,
    /// What the bodies that have ended export.
    exports: HashMap<BodyId, HashMap<String, Function>>,
}

impl<'a> Walk<'a> {
    fn payload(&mut self, payload: wp::Payload<'a>) -> Result<(), ParseError> {
        use wp::Payload as P;
        match payload {
            P::Version {
                range, encoding, ..
            } => self.begin(range.start, encoding),
            P::End(_) => self.end(),
            P::ModuleSection {
                unchecked_range, ..
            } => self.module(unchecked_range),
            P::ComponentTypeSection(section) => {
                let at = section.range().start;
                section.into_iter().try_for_each(|ty| self.ty(ty?, at))
            }
            P::ComponentImportSection(section) => {
                let at = section.range().start;
                section.into_iter().try_for_each(|i| self.import(i?, at))
            }
            P::ComponentAliasSection(section) => {
                let at = section.range().start;
                section.into_iter().try_for_each(|a| self.alias(a?, at))
            }
            P::InstanceSection(section) => {
                section.into_iter().try_for_each(|i| self.core_instance(i?))
            }
            P::ComponentInstanceSection(section) => {
                section.into_iter().try_for_each(|i| self.instance(i?))
            }
            P::ComponentCanonicalSection(section) => {
                let at = section.range().start;
                section.into_iter().try_for_each(|c| self.canonical(c?, at))
            }
            P::ComponentExportSection(section) => {
                section.into_iter().try_for_each(|e| self.export(e?))
            }
            P::ComponentStartSection { range, .. } => Err(ParseError::Unsupported {
                construct: "a component start function".into(),
                offset: range.start,
            }),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, start: usize, encoding: wp::Encoding) -> Result<(), ParseError> {
        if encoding == wp::Encoding::Module {
            self.open.push(None);
            return Ok(());
        }
        let validated = self.arenas.get(&start).ok_or(ParseError::Index("type"))?;
        let id = BodyId(self.bodies.len() as u32);
        if let Some(Some(parent)) = self.open.last_mut() {
            parent.components.push(Some(id));
            self.link(Link::Component(Source::Defined(id)))?;
        }
        self.bodies.push(Body {
            id,
            start,
            items: Vec::new(),
            links: Vec::new(),
            components: Vec::new(),
            has_core: false,
            reaches_core: false,
        });
        self.open.push(Some(Open {
            id,
            types: Types::new(
                validated.types.as_ref(),
                &validated.imports,
                &validated.exports,
                self.budget.clone(),
            )?,
            component_types: 0,
            core_functions: 0,
            core_memories: Vec::new(),
            components: Vec::new(),
            functions: Vec::new(),
            instances: Vec::new(),
            exports: HashMap::new(),
            reallocs: HashMap::new(),
            lifted_names: Vec::new(),
        }));
        Ok(())
    }

    fn end(&mut self) -> Result<(), ParseError> {
        let Some(Some(open)) = self.open.pop() else {
            return Ok(());
        };
        for (id, name) in open.lifted_names {
            self.name_lifted(id, name);
        }
        let body = &mut self.bodies[open.id.0 as usize];
        body.components = open.components;
        self.exports.insert(open.id, open.exports);
        Ok(())
    }

    /// Gives a lifted function its name, and its post-return or callback a name
    /// after it.
    /// The first export that names it wins.
    fn name_lifted(&mut self, id: CrossingId, name: Arc<str>) {
        let Some(crossing) = self.crossings.get_mut(id.0 as usize) else {
            return;
        };
        if !crossing.name.is_empty() {
            return;
        }
        crossing.name = name.clone();
        let body = crossing.body;
        // The post-return or callback of a lift is numbered right before it.
        if let Some(before) = (id.0 as usize).checked_sub(1)
            && let Some(before) = self.crossings.get_mut(before)
            && before.body == body
            && before.name.is_empty()
        {
            let what = match before.kind {
                CrossingKind::PostReturn => "post-return",
                CrossingKind::Callback => "callback",
                _ => return,
            };
            before.name = format!("{what} {name}").into();
        }
    }

    fn here(&mut self) -> Result<&mut Open<'a>, ParseError> {
        match self.open.last_mut() {
            Some(Some(open)) => Ok(open),
            _ => Err(ParseError::Index("component")),
        }
    }

    fn item(&mut self, item: Item) -> Result<(), ParseError> {
        let id = self.here()?.id;
        let body = &mut self.bodies[id.0 as usize];
        body.has_core |= item != Item::Nested;
        body.items.push(item);
        Ok(())
    }

    fn link(&mut self, link: Link) -> Result<(), ParseError> {
        let id = self.here()?.id;
        self.bodies[id.0 as usize].links.push(link);
        Ok(())
    }

    fn module(&mut self, range: Range<usize>) -> Result<(), ParseError> {
        let id = ModuleId(self.modules.len() as u32);
        self.modules.push(range);
        self.link(Link::Module(Source::Defined(id)))
    }

    fn ty(&mut self, ty: wp::ComponentType<'a>, at: usize) -> Result<(), ParseError> {
        let index = self.component_type()?;
        let wp::ComponentType::Resource { dtor, rep } = ty else {
            return Ok(());
        };
        if rep != wp::ValType::I32 {
            return Err(unsupported(
                "a resource whose representation is not i32",
                at,
            ));
        }
        let Some(function) = dtor else {
            return Ok(());
        };
        let signature = self.signature(function)?;
        let resource = self.resource(index)?;
        let name = match &resource.name {
            Some(name) => format!("resource destructor {name}"),
            None => "resource destructor".to_owned(),
        };
        self.budget.text(&name)?;
        let id = self.cross(CrossingKind::Destructor, name.into(), signature, function)?;
        self.item(Item::Incoming(id))
    }
}
