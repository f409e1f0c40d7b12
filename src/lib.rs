//! rr-dap: a time-travel debugger for WebAssembly components.
//!
//! Data flows down this list of rooms, and a room uses only the rooms above it;
//! `docs/architecture.md` tells what each one answers.

// What is said to people goes through `cli::terminal`, or is logged.
#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod component;

#[cfg(feature = "debugger")]
pub mod source;

pub mod trace;

pub mod instrument;

#[cfg(any(feature = "record", feature = "replay"))]
pub mod cache;

#[cfg(feature = "record")]
pub mod record;
#[cfg(feature = "replay")]
pub mod replay;

#[cfg(feature = "debugger")]
pub mod timeline;

#[cfg(feature = "debugger")]
pub mod inspect;

#[cfg(feature = "debugger")]
pub mod system;

#[cfg(feature = "debugger")]
pub mod debuggee;

#[cfg(feature = "debugger")]
pub mod questions;

#[cfg(feature = "debugger")]
pub mod dap;

#[cfg(feature = "debugger")]
pub mod lsp;

#[cfg(feature = "debugger")]
pub mod mcp;

#[cfg(feature = "debugger")]
pub mod cli;
