//! What did the compiler say? Files, lines, functions, types and the places of
//! variables, as the debug information of a core module tells them. Static: it
//! knows nothing of a run.
//!
//! Places are byte offsets in the core module ("pc"). A module without debug
//! information answers with the names of its name section and no lines.

mod addresses;
mod bodies;
mod budget;
mod coroutines;
mod damage;
mod demangle;
mod digest;
mod enclosing;
mod entries;
mod enumerators;
mod error;
pub mod external;
mod finding;
mod function_names;
mod functions;
mod globals;
mod glue;
mod host_file;
mod inlined;
mod kind;
mod lines;
mod listing;
mod module;
mod names;
mod operands;
mod paths;
mod places;
mod ranges;
mod scopes;
mod sections;
mod shared_tables;
mod signatures;
mod source_map;
mod spelling;
mod split;
mod statics;
mod tables;
mod texts;
mod type_names;
mod types;
mod units;
mod vtables;

pub use bodies::{Bodies, BodyNumber, InlinedBody, OWN};
pub use damage::Damage;
pub use demangle::demangle;
pub use error::SourceError;
pub use finding::{Folders, Known};
pub use function_names::{Agreement, Beginning, FunctionName, Written, nearest};
pub use functions::Function;
pub use glue::is_glue;
pub use host_file::{HostFileError, source_text};
pub use kind::Kind;
pub use lines::{FileId, SourceLine, Statement};
pub use listing::Listing;
pub use module::ModuleSource;
pub use paths::{is_library, is_windows, normalise};
pub use scopes::InlinedCall;
pub use units::EntryId;

pub(crate) use addresses::is_tombstone;
pub use coroutines::{Coroutine, CoroutineKind};
pub(crate) use scopes::{Declared, Location, Scopes};
pub(crate) use sections::Reader;
pub(crate) use spelling::short;
pub(crate) use types::{Bits, Case, Composite, Count, Member, Type, Variants};
