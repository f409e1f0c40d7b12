//! The data of a recorded store, and the imports it can answer.

use super::serving::Recording;
use super::{Dials, Recorder, RecorderError, Switches, add_to_linker, chaos};
pub(super) use rr_dap_host::Host;
use rr_dap_host::Interfaces;
use rr_dap_host::service::Exchange;
use std::sync::Arc;
use wasmtime::Engine;
use wasmtime::component::Linker;

/// What the store of a run has in its data: as long as it has, its guest can be parked.
pub(super) struct Run {
    recorder: Recorder,
}

impl Run {
    pub(super) fn of(recorder: &Recorder) -> Run {
        recorder.shared().may_park(true);
        let recorder = recorder.clone();
        Run { recorder }
    }
}

impl Drop for Run {
    /// A store drops its data before the instances in it.
    fn drop(&mut self) {
        self.recorder.shared().may_park(false);
    }
}

/// What the store of a service's instance has in its data.
pub(super) struct Served {
    /// Its recording; `None` where nothing is recorded.
    pub(super) recording: Option<Arc<Recording>>,
    /// The requests that the instance was given.
    pub(super) exchanges: Vec<Arc<Exchange>>,
}

impl Served {
    /// Takes the recording away, of a store that goes now.
    pub(super) fn take_recording(&mut self) -> (Option<Arc<Recording>>, Result<(), RecorderError>) {
        let recording = self.recording.take();
        let parted = recording.as_ref().map_or(Ok(()), |recording| {
            // After this the memory of the guest is looked at no more.
            recording.recorder.part_from_guests()
        });
        (recording, parted)
    }
}

impl Drop for Served {
    /// A store drops its data before the instances in it.
    fn drop(&mut self) {
        if let (_, Err(error)) = self.take_recording() {
            tracing::warn!("{error}");
        }
    }
}

/// The recorder that [`record`](super::record) or [`serve`](super::serving::serve) put into the
/// store's data.
fn recorder(host: &mut Host) -> Recorder {
    let of_run = host.companion::<Run>().map(|run| &run.recorder);
    let of_service = host.companion::<Served>().and_then(|served| {
        let recording = served.recording.as_ref();
        recording.map(|recording| &recording.recorder)
    });
    match of_run.or(of_service) {
        Some(recorder) => recorder.clone(),
        None => unreachable!("stores of recorded guests are made with their recorder"),
    }
}

/// The interfaces that these switches give a guest, and the recorder's.
pub(super) fn linker(
    engine: &Engine,
    switches: &Switches,
    dials: Dials,
) -> wasmtime::Result<Linker<Host>> {
    let mut linker = rr_dap_host::linker(
        engine,
        Interfaces {
            cli: switches.cli,
            http: switches.http,
            p3: switches.p3,
            network_error_code: switches.network_error_code,
        },
    )?;
    add_to_linker(&mut linker, recorder)?;
    if switches.cli && dials.chaos.is_some() {
        chaos::choose_ready(&mut linker, recorder)?;
    }
    Ok(linker)
}

/// What to do about an import that nothing answers, where something can be done.
pub(super) fn remedy(import: &str, switches: &Switches) -> &'static str {
    let package = import.split(['/', '@']).next().unwrap_or(import);
    match package {
        "wasi:http" if !switches.http => "; open it with -S http",
        _ if package.starts_with("wasi:") && !switches.cli => "; open it with -S cli",
        _ if import.contains("@0.3.") && !switches.p3 => "; open it with -S p3",
        _ if package.starts_with("wasi:") => {
            "; this part of WASI, or its version, has no host here"
        }
        _ => {
            "; it is not of WASI: join the component with one that exports it, \
             for instance with `wac plug`"
        }
    }
}
