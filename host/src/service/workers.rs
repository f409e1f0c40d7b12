//! The instances that requests are handed to: how they begin, how many requests they get, when
//! they end.

use super::exchange::Exchange;
use super::{Bounds, Instances};
use crate::Host;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::Sleep;
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};

/// Makes the instances of a service.
pub(super) struct Workers {
    pre: ProxyPre<Host>,
    instances: Arc<dyn Instances>,
    bounds: Bounds,
    ending: watch::Receiver<bool>,
    /// Open as long as there is an instance.
    alive: mpsc::Sender<()>,
}

impl Workers {
    pub(super) fn new(
        pre: ProxyPre<Host>,
        instances: Arc<dyn Instances>,
        bounds: Bounds,
        ending: watch::Receiver<bool>,
        alive: mpsc::Sender<()>,
    ) -> Workers {
        Workers {
            pre,
            instances,
            bounds,
            ending,
            alive,
        }
    }

    fn usual(&self, p2: usize, p3: usize) -> usize {
        match self.pre {
            ProxyPre::P2(_) => p2,
            ProxyPre::P3(_) => p3,
        }
    }
}

impl HandlerState for Workers {
    type StoreData = Host;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Host, Expiration, Worker>> {
        let mut store = self.instances.begin()?;
        let proxy = match self.pre.instantiate_async(&mut store).await {
            Ok(proxy) => proxy,
            Err(error) => {
                let told = wasmtime::Error::msg(format!("{error:#}"));
                self.instances.ended(store, Err(error));
                return Err(told);
            }
        };
        let bounds = self.bounds;
        let at_once = bounds
            .requests_at_once_of_instance
            .unwrap_or(self.usual(1, 16));
        Ok(Instance {
            store,
            proxy,
            view: Host::http,
            expiration: Expiration {
                idle: bounds.idle,
                request: bounds.request,
                ending: Box::pin(ended(self.ending.clone())),
                sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            },
            state: Worker {
                instances: self.instances.clone(),
                requests: bounds.requests_of_instance.unwrap_or(self.usual(1, 128)),
                at_once: at_once.min(self.usual(1, usize::MAX)),
                timeout: bounds.request,
                _alive: self.alive.clone(),
            },
        })
    }
}

/// Returns when the service is to end.
async fn ended(mut ending: watch::Receiver<bool>) {
    // Who could say so is gone: that is an end, too.
    _ = ending.wait_for(|ending| *ending).await;
}

/// What an instance is allowed.
pub(super) struct Worker {
    instances: Arc<dyn Instances>,
    requests: usize,
    at_once: usize,
    timeout: Option<Duration>,
    _alive: mpsc::Sender<()>,
}

impl WorkerState for Worker {
    type StoreData = Host;
    type RequestData = Arc<Exchange>;

    fn should_accept_request(&self, at_once: usize, total: usize) -> ShouldAccept {
        match () {
            () if total >= self.requests => ShouldAccept::Never,
            () if at_once >= self.at_once => ShouldAccept::No,
            () => ShouldAccept::Yes,
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, Host>,
        exchange: Arc<Exchange>,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        self.instances.accepted(store.data_mut(), &exchange);
        match self.timeout {
            Some(timeout) => Box::pin(tokio::time::sleep(timeout)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn drop(&self, store: Store<Host>, result: wasmtime::Result<()>) {
        self.instances.ended(store, result);
    }
}

/// When an instance ends that nobody ended.
pub(super) struct Expiration {
    idle: Duration,
    request: Option<Duration>,
    ending: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let timeout = match status {
            // A service that ends keeps nothing that is idle.
            WorkerStatus::Idle => match self.ending.as_mut().poll(cx) {
                Poll::Ready(()) => {
                    self.ending = Box::pin(std::future::ready(()));
                    return Poll::Ready(());
                }
                Poll::Pending => Some(self.idle),
            },
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.request,
        };
        let Some(deadline) = timeout.and_then(|timeout| start.checked_add(timeout)) else {
            return Poll::Pending;
        };
        let deadline = deadline.into();
        if self.sleep.deadline() != deadline {
            self.sleep.as_mut().reset(deadline);
        }
        self.sleep.as_mut().poll(cx)
    }
}
