//! The replayer: a child process with the replay engine inside, one thread, and
//! a socket to the timeline.
//!
//! It stands still in a command loop (at the very start, inside a debug event,
//! a call out or the clock's hook, or at the end), and runs when told to. A
//! checkpoint is a copy of it, made by `fork()` where it stands or while it runs.
//!
//! Conditions and log messages are evaluated here, by the [`Predicates`] that it was
//! started with.

mod breaks;
mod changes;
mod controller;
mod course;
mod departures;
mod errands;
mod fork;
mod here;
mod look;
mod near;
mod next;
mod packing;
mod probed;
mod seek;
mod slices;
mod span;
mod timeline_socket;
mod watched;
pub(in crate::timeline) mod writes;

use super::sockets;
use super::wire;
use super::wire::found::Reached;
use super::wire::greeting::{Hello, Load, Loaded, Refusal, ReplayerId};
use crate::component::{Component, ModuleId};
use crate::instrument::offsets::OffsetMap;
use crate::replay::frames::ModuleCode;
use crate::replay::variant::Prepared;
use crate::replay::{Code, Compiled, Replay};
use crate::timeline::travel::predicates::Predicates;
use crate::trace::{Extent, Trace};
use anyhow::Context;
use controller::Controller;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use timeline_socket::TimelineSocket;

/// The process's main function: connects to the timeline that started it and
/// obeys until that is gone. Conditions and log messages mean what `predicates` says.
///
/// # Errors
///
/// If the timeline's socket or the recording cannot be opened.
pub fn main(socket: &Path, id: u64, predicates: Box<dyn Predicates + Send>) -> anyhow::Result<()> {
    fork::reap_automatically();
    let mut stream = sockets::connect(socket)
        .with_context(|| format!("cannot reach the debugger at {}", socket.display()))?;
    let at = Reached::START;
    let id = ReplayerId(id);
    let pid = std::process::id();
    let hello = Hello {
        id,
        pid,
        at,
        grown: 0,
    };
    wire::send(&mut stream, &hello)?;
    let load: Load = wire::receive(&mut stream).context("the debugger says nothing to replay")?;
    let (mut machine, modules) = match load_recording(&stream, socket, load, predicates) {
        Ok(loaded) => loaded,
        Err(error) => {
            // The debugger shows it; there is nothing else to tell.
            let refusal = Refusal::Failed(format!("{error:#}"));
            _ = wire::send(&mut stream, &Loaded::Err(refusal));
            return Ok(());
        }
    };
    wire::send(&mut stream, &Loaded::Ok(()))?;
    // The controller has its own descriptor, and closes that in copies. This one
    // would live on in them, and keep the debugger from seeing our end.
    drop(stream);
    controller::stand_at_start(&mut machine, modules);
    let ended = machine.run();
    controller::stand_at_end(&mut machine, ended);
    Ok(())
}

/// How far a recording goes that is still being written.
fn extent_in(file: &Path) -> anyhow::Result<Extent> {
    Ok(postcard::from_bytes(&std::fs::read(file)?)?)
}

fn load_recording(
    stream: &UnixStream,
    socket: &Path,
    load: Load,
    predicates: Box<dyn Predicates + Send>,
) -> anyhow::Result<(Replay, Vec<ModuleCode>)> {
    let mut trace = Trace::open_again(&load.trace, &load.identity)?;
    if let Some(component) = &load.component {
        let component = Component::parse(std::fs::read(component)?)?;
        trace = trace.with_component(Arc::new(component))?;
    }
    if let Some(extent) = &load.extent {
        trace = trace.extended(extent_in(extent)?)?;
    }
    let trace = Arc::new(trace);
    let mut prepared = Vec::new();
    let mut codes = Vec::new();
    for (i, (code, offsets)) in load.modules.iter().enumerate() {
        let offsets = OffsetMap::from_bytes(offsets)?;
        let bytes = trace
            .component()
            .module(ModuleId(i as u32))
            .context("the recording has fewer modules than were compiled")?;
        codes.push((
            Arc::new(offsets.clone()),
            Arc::new(Code::read(Arc::from(bytes))?),
        ));
        prepared.push(Prepared {
            code: code.clone(),
            offsets,
            // Nobody asks for them here.
            segments: Arc::default(),
            // The timeline has it open.
            unkept: None,
        });
    }
    let compiled = Compiled {
        variant: load.variant,
        modules: prepared,
    };
    let timeline = TimelineSocket::new(stream.try_clone()?, socket);
    let controller = Controller::new(timeline, predicates);
    let machine = Replay::new(trace, &compiled, Box::new(controller))?;
    let modules: Vec<ModuleCode> = machine
        .modules()
        .iter()
        .zip(codes)
        .map(|(compiled, (offsets, code))| ModuleCode {
            compiled: compiled.clone(),
            offsets,
            code,
        })
        .collect();
    Ok((machine, modules))
}
