//! The instances of a service, as the host makes and ends them.

use super::recordings::{Concluded, Recording, Recordings};
use super::{Attendant, ServeOptions, Summary};
use crate::record::host::Served;
use crate::record::{RecorderError, WasiOptions, outcome_of};
use crate::trace::Outcome;
use rr_dap_host::service::{Exchange, Instances};
use rr_dap_host::{Host, HttpError};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::{Engine, Store};

/// The instances of one service.
pub(super) struct Instanced {
    engine: Engine,
    wasi: WasiOptions,
    names_lines: bool,
    recordings: Option<Recordings>,
    attendant: Arc<dyn Attendant>,
    requests: AtomicU64,
    instances: AtomicU64,
}

impl Instanced {
    pub(super) fn new(
        engine: Engine,
        options: &ServeOptions,
        recordings: Option<Recordings>,
        attendant: Arc<dyn Attendant>,
    ) -> Instanced {
        Instanced {
            engine,
            wasi: options.wasi.clone(),
            names_lines: options.names_lines,
            recordings,
            attendant,
            requests: AtomicU64::new(0),
            instances: AtomicU64::new(0),
        }
    }

    pub(super) fn summary(&self) -> Summary {
        Summary {
            requests: self.requests.load(Ordering::Relaxed),
            instances: self.instances.load(Ordering::Relaxed),
        }
    }

    /// Copies to where it outlives the process what has been recorded of requests that are not
    /// answered.
    pub(super) fn copy_from_running(&self) {
        if let Some(recordings) = &self.recordings {
            recordings.copy_from_running();
        }
    }

    fn told(&self, recorded: Result<(), RecorderError>) {
        if let Err(error) = recorded {
            self.attendant.not_recorded(&error);
        }
    }

    fn release(&self, recordings: &Recordings, recording: &Recording) {
        match recordings.release(recording) {
            Ok(Some(concluded)) => self.tell(&concluded),
            Ok(None) => {}
            Err(error) => self.attendant.not_recorded(&error),
        }
    }

    fn tell(&self, concluded: &Concluded) {
        let Concluded {
            outcome,
            exchanges,
            kept,
        } = concluded;
        let failed = exchanges.iter().filter_map(|exchange| {
            let error = exchange.answer().error?;
            Some((exchange.clone(), error))
        });
        let failed: Vec<_> = failed.collect();
        if matches!(outcome, Outcome::Returned { .. }) {
            for (exchange, error) in failed {
                self.attendant.failed(&exchange, &error, kept.as_deref());
            }
            return;
        }
        let failed: Vec<_> = failed.into_iter().map(|(exchange, _)| exchange).collect();
        self.attendant.ended(outcome, &failed, kept.as_deref());
    }
}

impl Instances for Instanced {
    fn begin(&self) -> wasmtime::Result<Store<Host>> {
        let told = |error: &RecorderError| self.attendant.not_recorded(error);
        let recording = self.recordings.as_ref();
        let recording = recording
            .map(|recordings| recordings.begin(told))
            .transpose();
        let recording = recording.inspect_err(|error| self.attendant.not_recorded(error))?;
        let counted = self.instances.fetch_add(1, Ordering::Relaxed) + 1;
        let number = recording
            .as_ref()
            .map_or(counted, |recording| recording.number);
        let wasi = self.wasi.context_of(number, self.names_lines)?;
        let served = Served {
            recording,
            exchanges: Vec::new(),
        };
        let mut store = Store::new(&self.engine, Host::new(wasi, served));
        if let Some(recordings) = &self.recordings {
            let dials = self.wasi.dials;
            dials.make_room(&mut store, &recordings.component);
        }
        Ok(store)
    }

    fn accepted(&self, host: &mut Host, exchange: &Arc<Exchange>) {
        let Some(served) = host.companion_mut::<Served>() else {
            return;
        };
        served.exchanges.push(exchange.clone());
        if let (Some(recordings), Some(recording)) = (&self.recordings, &served.recording) {
            self.told(recordings.accepted(recording, exchange));
        }
    }

    fn ended(&self, mut store: Store<Host>, result: wasmtime::Result<()>) {
        let outcome = match &result {
            Ok(()) => Outcome::Returned {
                success: true,
                result: None,
            },
            Err(error) => outcome_of(error),
        };
        let Some(served) = store.data_mut().companion_mut::<Served>() else {
            return;
        };
        let exchanges = std::mem::take(&mut served.exchanges);
        let (recording, parted) = served.take_recording();
        self.told(parted);
        drop(store);
        let failed = !matches!(outcome, Outcome::Returned { .. });
        if failed {
            for exchange in &exchanges {
                exchange.end_by(|| outcome.to_string());
            }
        }
        match (&self.recordings, &recording) {
            (Some(recordings), Some(recording)) => {
                recording.instance_ended(outcome);
                self.release(recordings, recording);
            }
            _ if failed => self.tell(&Concluded {
                outcome,
                exchanges,
                kept: None,
            }),
            _ => {}
        }
    }

    fn answers(&self, exchange: &Arc<Exchange>) {
        if let Some(recordings) = &self.recordings {
            recordings.answers(exchange);
        }
    }

    fn answered(&self, exchange: &Arc<Exchange>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let Some(recordings) = &self.recordings else {
            return;
        };
        let recording = recordings.take_open(exchange);
        if let Some(recording) = recording {
            self.told(recordings.answered(&recording, exchange));
            self.release(recordings, &recording);
        }
    }

    fn failed(&self, exchange: &Arc<Exchange>, error: &wasmtime::Error) {
        // Where it is recorded, it is told when it is known why, and where the recording is.
        let is_recorded = |recordings: &Recordings| recordings.has_open(exchange);
        if !self.recordings.as_ref().is_some_and(is_recorded) {
            let reason = error.root_cause().to_string();
            self.attendant.failed(exchange, &reason, None);
        }
    }

    fn disconnected(&self, client: SocketAddr, error: &HttpError) {
        // Clients come and go as they like.
        tracing::debug!("{client}: {error}");
    }
}
