//! Serving HTTP: each request that comes in on a socket is handed to an instance of a
//! component, as `wasmtime serve` does it.
//!
//! Whoever serves says how stores are made, and is told what becomes of requests and of
//! instances: [`Instances`].

mod answering;
mod exchange;
mod headers;
mod lines;
mod workers;

pub use exchange::{Answer, Exchange};
pub use headers::GivenHeader;
pub use lines::{Lines, Stream};

use crate::Host;
use answering::Answering;
use futures::future::{Either, select};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use wasmtime::Store;
use wasmtime::component::InstancePre;
use wasmtime_wasi_http::handler::{ProxyHandler, ProxyPre};
use wasmtime_wasi_http::{p2, p3};
use workers::Workers;

/// The instances of a service, and who watches them. Its methods are called from many
/// threads.
pub trait Instances: Send + Sync + 'static {
    /// The store of a new instance.
    ///
    /// # Errors
    ///
    /// If there can be none now: the request is answered with status 500.
    fn begin(&self) -> wasmtime::Result<Store<Host>>;

    /// An instance is handed a request. Nothing of the guest runs meanwhile.
    fn accepted(&self, host: &mut Host, exchange: &Arc<Exchange>);

    /// An instance is over: nothing of its guest runs any more. The error is that by which it
    /// could not begin, or was ended.
    fn ended(&self, store: Store<Host>, result: wasmtime::Result<()>);

    /// A part of the answer to a request, the head or some of the body, goes to the client now.
    /// The guest may be running.
    fn answers(&self, exchange: &Arc<Exchange>);

    /// No byte of the answer to a request will follow.
    fn answered(&self, exchange: &Arc<Exchange>);

    /// A request gets status 500, as there is nothing better to say.
    fn failed(&self, exchange: &Arc<Exchange>, error: &wasmtime::Error);

    /// A client could not be talked to any more.
    fn disconnected(&self, client: SocketAddr, error: &hyper::Error);
}

/// How many requests there are at once, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How many requests an instance gets in its life; by default 1 for WASI 0.2, and 128 for
    /// WASI 0.3.
    pub requests_of_instance: Option<usize>,
    /// And how many at the same time; by default 16 for WASI 0.3. Instances for WASI 0.2 never
    /// get more than one.
    pub requests_at_once_of_instance: Option<usize>,
    /// How long an instance that has nothing to do is kept.
    pub idle: Duration,
    /// How long an instance may take for a request; `None` is as long as it likes.
    pub request: Option<Duration>,
    /// Requests that instances work at.
    pub requests: usize,
    /// Connections that are held.
    pub connections: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            requests_of_instance: None,
            requests_at_once_of_instance: None,
            idle: Duration::from_secs(1),
            request: None,
            requests: 1000,
            connections: 1000,
        }
    }
}

/// The version of `wasi:http` by which a component is given requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// `wasi:http/incoming-handler` 0.2.
    P2,
    /// `wasi:http/handler` 0.3.
    P3,
}

/// A component that answers requests.
pub struct Service {
    pre: ProxyPre<Host>,
}

impl Service {
    /// Finds out how this component is given requests; if both ways, by the newer one.
    ///
    /// # Errors
    ///
    /// If it exports neither handler.
    pub fn new(pre: &InstancePre<Host>) -> wasmtime::Result<Service> {
        let pre = match p3::bindings::ServicePre::new(pre.clone()) {
            Ok(pre) => ProxyPre::P3(pre),
            Err(_) => ProxyPre::P2(p2::bindings::ProxyPre::new(pre.clone())?),
        };
        Ok(Service { pre })
    }

    /// By which version it is given requests.
    pub fn generation(&self) -> Generation {
        match self.pre {
            ProxyPre::P2(_) => Generation::P2,
            ProxyPre::P3(_) => Generation::P3,
        }
    }

    /// Answers requests until `ending` says so. Then no connection is accepted, those that
    /// are idle are closed, and it waits for the requests that are being answered and for the
    /// instances to end.
    ///
    /// # Errors
    ///
    /// If no connection can be accepted any more.
    pub async fn serve(
        self,
        listener: TcpListener,
        instances: Arc<dyn Instances>,
        bounds: Bounds,
        given: Vec<GivenHeader>,
        mut ending: watch::Receiver<bool>,
    ) -> std::io::Result<()> {
        let given: Arc<[GivenHeader]> = given.into();
        let (connections, requests) = (
            Arc::new(Semaphore::new(bounds.connections)),
            Arc::new(Semaphore::new(bounds.requests)),
        );
        let (alive, mut all_gone) = tokio::sync::mpsc::channel::<()>(1);
        let workers = Workers::new(self.pre, instances.clone(), bounds, ending.clone(), alive);
        let handler = ProxyHandler::new(workers);
        let mut answering = JoinSet::new();
        let told = ending.clone();
        loop {
            // Those that are done are forgotten.
            while answering.try_join_next().is_some() {}
            let permit = connections.clone().acquire_owned();
            let accepted = pin!(async { (permit.await, listener.accept().await) });
            let end = pin!(ending.wait_for(|ending| *ending));
            let (permit, accepted) = match select(end, accepted).await {
                Either::Left(_) => break,
                Either::Right((accepted, _)) => accepted,
            };
            let (stream, client) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_connection(&error) => continue,
                Err(error) if is_of_shortage(&error) => {
                    // Others may close what they hold.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            // Answers that are streamed in small pieces shall not wait for each other.
            _ = stream.set_nodelay(true);
            let (handler, instances) = (handler.clone(), instances.clone());
            let (requests, ending, given) = (requests.clone(), told.clone(), given.clone());
            answering.spawn(async move {
                let answering = Answering {
                    handler: &handler,
                    instances: &instances,
                    requests: &requests,
                    given: &given,
                };
                let answered = answering.answer_connection(stream, ending).await;
                if let Err(error) = answered {
                    instances.disconnected(client, &error);
                }
                drop(permit);
            });
        }
        drop(listener);
        while answering.join_next().await.is_some() {}
        drop(handler);
        // Each worker has a sender, and drops it with its instance.
        _ = all_gone.recv().await;
        Ok(())
    }
}

/// The connection was gone before it was accepted.
fn is_of_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

/// The process, or the machine, has no more descriptors or memory for now.
fn is_of_shortage(error: &std::io::Error) -> bool {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    const ENOBUFS: i32 = 105;
    const ENOMEM: i32 = 12;
    matches!(
        error.raw_os_error(),
        Some(EMFILE | ENFILE | ENOBUFS | ENOMEM)
    )
}
