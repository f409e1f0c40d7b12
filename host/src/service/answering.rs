//! One connection: requests in, answers out, both watched on their way.

use super::Instances;
use super::exchange::Exchange;
use super::headers::{self, GivenHeader};
use super::workers::Workers;
use bytes::Bytes;
use futures::future::{Either, select};
use http::{Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, WasiBody};

/// Requests are counted over all connections of the process.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// What answers requests.
pub(super) struct Answering<'a> {
    pub(super) handler: &'a ProxyHandler<Workers>,
    pub(super) instances: &'a Arc<dyn Instances>,
    pub(super) requests: &'a Semaphore,
    /// What requests get besides what clients say.
    pub(super) given: &'a [GivenHeader],
}

impl Answering<'_> {
    /// Answers the requests of a connection until the client closes it, or until `ending` and the
    /// answer that is under way is given.
    pub(super) async fn answer_connection(
        &self,
        stream: TcpStream,
        mut ending: watch::Receiver<bool>,
    ) -> Result<(), hyper::Error> {
        let service =
            service_fn(|request| async move { Ok::<_, Infallible>(self.answer(request).await) });
        let connection = http1::Builder::new()
            .keep_alive(true)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let ending = pin!(ending.wait_for(|ending| *ending));
        if let Either::Left((result, _)) = select(connection.as_mut(), ending).await {
            return result;
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<WasiBody> {
        let (mut parts, body) = request.into_parts();
        headers::give(self.given, &mut parts.headers);
        let number = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
        let exchange = Arc::new(Exchange::new(number, &parts));
        let ongoing = Ongoing {
            exchange: exchange.clone(),
            instances: self.instances.clone(),
            is_whole: false,
        };
        let body = Received {
            body: body.map_err(Error::from).boxed_unsync(),
            exchange: exchange.clone(),
        };
        let request = Request::from_parts(parts, body.boxed_unsync());
        // The semaphore is never closed.
        let permit = self.requests.acquire().await;
        let answered = self.handler.handle(exchange.clone(), request).await;
        drop(permit);
        let response = answered.unwrap_or_else(|error| {
            exchange.give_up(|| format!("{:#}", error.root_cause()));
            self.instances.failed(&exchange, &error);
            failure()
        });
        exchange.with(|answer| answer.status = Some(response.status().as_u16()));
        self.instances.answers(&exchange);
        response.map(|body| {
            let sent = Sent {
                left: body.size_hint().exact(),
                body,
                ongoing,
            };
            sent.boxed_unsync()
        })
    }
}

/// What a client is told where the component has no answer.
fn failure() -> Response<WasiBody> {
    const TEXT: &str = "<!doctype html>\n<html><head><title>500 Internal Server Error</title></head>\n\
        <body><h1>500 Internal Server Error</h1><hr>rr-dap</body></html>\n";
    let body = Full::new(Bytes::from_static(TEXT.as_bytes()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let html = header::HeaderValue::from_static("text/html; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

/// Ends an exchange, wherever the answer is dropped: also where the client goes before there
/// is one.
struct Ongoing {
    exchange: Arc<Exchange>,
    instances: Arc<dyn Instances>,
    is_whole: bool,
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        self.exchange.end(self.is_whole);
        self.instances.answered(&self.exchange);
    }
}

/// The body of a request, whose bytes are counted.
struct Received {
    body: WasiBody,
    exchange: Arc<Exchange>,
}

impl Body for Received {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            let length = data.len() as u64;
            self.exchange.with(|answer| answer.received += length);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer, whose bytes are counted and whose end ends the exchange.
struct Sent {
    body: WasiBody,
    /// Bytes that are to come, if that is known.
    left: Option<u64>,
    ongoing: Ongoing,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                let exchange = &self.ongoing.exchange;
                exchange.with(|answer| answer.sent += length);
                self.ongoing.instances.answers(exchange);
                self.left = self.left.map(|left| left.saturating_sub(length));
            }
            Poll::Ready(Some(Err(error))) => {
                self.ongoing.exchange.give_up(|| error.to_string());
            }
            Poll::Ready(None) => self.ongoing.is_whole = true,
            Poll::Pending => {}
        }
        // Who knows the length may not ask for the end.
        self.ongoing.is_whole |= self.body.is_end_stream() || self.left == Some(0);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
