//! rr-dap: a time-travel debugger for WebAssembly components.
//!
//! Data flows down this list of rooms, and a room uses only the rooms above it;
//! `docs/architecture.md` tells what each one answers.

pub mod component;
pub mod instrument;
pub mod source;
pub mod trace;

pub mod record;
pub mod replay;

pub mod timeline;

pub mod inspect;

pub mod dap;

pub mod cli;
