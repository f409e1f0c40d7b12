//! Crossings of the core boundary: the only places where anything that is not
//! deterministic can enter a component's core modules.

use super::types::{CoreSignature, FunctionType, Resource, StringEncoding};
use super::wiring::BodyId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A crossing's number, stable for a given component binary: crossings are
/// numbered in the order in which the binary defines them, those of a nested
/// component where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CrossingId(pub u32);

/// Who calls whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Guest code calls out.
    Outgoing,
    /// Guest code is called.
    Incoming,
}

/// A canonical built-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Builtin {
    ResourceNew(Arc<Resource>),
    ResourceDrop(Arc<Resource>),
    ResourceRep(Arc<Resource>),
}

/// What kind of definition makes the crossing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrossingKind {
    /// A `canon lower`ed component function.
    Lower,
    /// A canonical built-in.
    Builtin(Builtin),
    /// A core function given to `canon lift`.
    Lift,
    /// The `post-return` of a lifted function.
    PostReturn,
    /// A `realloc` named in canonical options.
    Realloc,
    /// The destructor of a resource type that the component defines.
    Destructor,
}

/// The area in guest memory into which the far side writes a result that does
/// not fit the flat results: its address is the last core parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnArea {
    /// Canonical ABI size in bytes.
    pub size: u32,
}

/// One crossing of the core boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    pub id: CrossingId,
    /// The component body that defines it.
    pub body: BodyId,
    pub kind: CrossingKind,
    /// Its WIT path where it has one
    /// (`wasi:io/streams@0.2.6#[method]output-stream.write`), else a name made of
    /// what it is (`resource.drop wasi:io/streams@0.2.6#output-stream`).
    pub name: String,
    pub signature: CoreSignature,
    /// The component-level type of a lowered or lifted function.
    pub function: Option<FunctionType>,
    /// Core function index in its body: the function that an outgoing crossing
    /// defines, or that an incoming one calls.
    pub core_function: u32,
    /// Core memory index in its body that lifting and lowering use; for incoming
    /// crossings without one of their own, the body's first memory.
    pub memory: Option<u32>,
    pub encoding: StringEncoding,
    pub return_area: Option<ReturnArea>,
}

impl Crossing {
    /// Whether guest code calls out or is called.
    pub fn direction(&self) -> Direction {
        match self.kind {
            CrossingKind::Lower | CrossingKind::Builtin(_) => Direction::Outgoing,
            CrossingKind::Lift
            | CrossingKind::PostReturn
            | CrossingKind::Realloc
            | CrossingKind::Destructor => Direction::Incoming,
        }
    }

    /// The interface part of the name (`wasi:io/streams@0.2.6`), or the whole
    /// name where there is no `#`.
    pub fn interface(&self) -> &str {
        self.name.split('#').next().unwrap_or(&self.name)
    }

    /// Whether the crossing is a call of the exit function of WASI: it never
    /// answers, so what must be known of the guest has to be recorded before it.
    pub fn is_exit(&self) -> bool {
        self.kind == CrossingKind::Lower
            && self.name.starts_with("wasi:cli/exit@")
            && self.name.contains("#exit")
    }
}
