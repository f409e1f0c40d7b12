//! How a component puts its core modules together: the part of its sections
//! that creates core items, in order, as replay executes it, and how its bodies pass
//! functions, core modules and components on to each other.

use super::crossing::CrossingId;
use serde::{Deserialize, Serialize};

/// A component body: the root component or one nested in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyId(pub u32);

/// A recorded component instance: numbered in the order in which instances of
/// bodies with core code are made.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Instance(pub u32);

/// One of the component binary's core modules, in the order of the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModuleId(pub u32);

/// The sort of a core item that instances export and aliases name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoreSort {
    /// A core function.
    Func,
    /// A linear memory.
    Memory,
    /// A table of references.
    Table,
    /// A global.
    Global,
    /// An exception tag.
    Tag,
}

/// One step of a body that creates something at the core level. The items of a
/// sort are numbered from zero in the order of these steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A core instance: `module` (an index among the body's core modules)
    /// instantiated with these core instances as its imports.
    Instantiate {
        /// Index among the core modules of the body, not a [`ModuleId`].
        module: u32,
        /// Import module names, each with the index of the core instance that answers it.
        args: Vec<(String, u32)>,
    },
    /// A core instance made of items that exist already.
    Bundle(Vec<(String, CoreSort, u32)>),
    /// Adds the export of a core instance to the items of its sort.
    Alias {
        /// The sort of the export, and so the index space that it is added to.
        sort: CoreSort,
        /// Index among the core instances of the body.
        instance: u32,
        /// As the instance exports it.
        name: String,
    },
    /// Adds a core function that leaves the guest.
    Outgoing(CrossingId),
    /// Makes an existing core function callable from outside.
    Incoming(CrossingId),
    /// Instantiates another component: which one may differ from one instance of the body to
    /// another, see [`Made::nested`](super::assembly::Made::nested).
    Nested,
}

/// Where a core module or a component of a body comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source<Id> {
    /// It is defined in the body.
    Defined(Id),
    /// The body imports it by this name.
    Import(String),
    /// A component instance exports it by this name.
    Export(u32, String),
    /// A body around this one has it.
    Outer {
        /// How many bodies out; 0 is this one.
        up: u32,
        /// Index in the space of that body.
        index: u32,
    },
}

/// An item of a body's component-level index spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComponentItem {
    /// By its index among the body's functions.
    Func(u32),
    /// By its index among the body's instances.
    Instance(u32),
    /// By its index among the body's core modules.
    Module(u32),
    /// By its index among the body's components.
    Component(u32),
}

/// One step of a body that passes component-level items on. Those of a sort
/// are numbered from zero in the order of these steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Adds a function that the body imports by this name.
    ImportFunc(String),
    /// Adds an instance that the body imports by this name.
    ImportInstance(String),
    /// Adds a core module.
    Module(Source<ModuleId>),
    /// Adds a component.
    Component(Source<BodyId>),
    /// Adds the function that an instance exports by this name.
    AliasFunc(u32, String),
    /// Adds the instance that an instance exports by this name.
    AliasInstance(u32, String),
    /// Adds an instance of the component with this index, given these by the names of its
    /// imports.
    Instantiate(u32, Vec<(String, ComponentItem)>),
    /// Adds an instance made of what exists already.
    Bundle(Vec<(String, ComponentItem)>),
    /// Adds a function that the body lifts.
    Lift(CrossingId),
    /// Lowers the function with this index.
    Lower(u32, CrossingId),
    /// Exports an item by this name, and adds it once more.
    Export(String, ComponentItem),
}

/// The core-level content of one component body.
#[derive(Debug, Clone)]
pub struct Body {
    /// Its number, also its index in [`Component::bodies`](super::Component::bodies).
    pub id: BodyId,
    /// Byte offset of the component in the binary.
    pub start: usize,
    /// Its steps, in the order of the binary.
    pub items: Vec<Item>,
    /// How it passes component-level items on, in the order of the binary.
    pub links: Vec<Link>,
    /// The body's component index space; `None` for a component that another body may have
    /// given it, which may differ from instance to instance.
    pub components: Vec<Option<BodyId>>,
    /// Whether the body makes core instances or crossings of its own.
    pub has_core: bool,
    /// Whether it or a component that it instantiates may do so.
    pub reaches_core: bool,
}
