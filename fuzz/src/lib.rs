//! Doors for hostile bytes: for each kind of input a function that does with it what rr-dap
//! does, and panics where what comes of it cannot be right.
//!
//! The targets of `cargo fuzz` call them, and so does the test `fuzzed`, which includes this
//! file as a module: it names nothing but `rr_dap`, crates that both depend on, and `super`.

mod component;
mod dap;
mod expression;
mod scratch;
pub mod source;
mod trace;

pub use component::component;
pub use dap::dap;
pub use expression::expression;
pub use source::source;
pub use trace::trace;

/// How far an input comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// It is refused at the door: it is not what it says it is.
    Refused,
    /// It is let in, and something in it found wrong.
    Wrong,
    /// It holds to its end.
    End,
}
