//! A service that records each request that it handles, on a host that knows nothing
//! of it: what production servers run.

use crate::support::{events, replay_here};
use hyper::body::{Body, Bytes, Frame};
use rr_dap::component::Component;
use rr_dap::instrument::record::Commit;
use rr_dap::instrument::sink::{Sink, instrument_into};
use rr_dap::trace::{EventKind, Metadata, Trace};
use rr_dap_host::{Host, Interfaces, linker};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wasmtime::component::Component as Compiled;
use wasmtime::{Config, Engine, PoolingAllocationConfig, Store};
use wasmtime_wasi::{FsPerms, WasiCtx};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;

/// Asks for the request's path, and leaves the answer to the host.
const SERVICE: &str = r#"(component
  (import "wasi:http/types@0.2.3" (instance $types
    (export "incoming-request" (type $request (sub resource)))
    (export "response-outparam" (type (sub resource)))
    (export "[method]incoming-request.path-with-query" (func
      (param "self" (borrow $request)) (result (option string))))))
  (alias export $types "incoming-request" (type $request))
  (alias export $types "response-outparam" (type $outparam))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc))
  (core func $path (canon lower
    (func $types "[method]incoming-request.path-with-query")
    (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core func $drop-request (canon resource.drop $request))
  (core func $drop-outparam (canon resource.drop $outparam))
  (core module $code
    (import "http" "path" (func $path (param i32 i32)))
    (import "http" "drop-request" (func $drop-request (param i32)))
    (import "http" "drop-outparam" (func $drop-outparam (param i32)))
    (func (export "handle") (param $request i32) (param $outparam i32)
      (call $path (local.get $request) (i32.const 16))
      (call $drop-request (local.get $request))
      (call $drop-outparam (local.get $outparam))))
  (core instance $code (instantiate $code (with "http" (instance
    (export "path" (func $path))
    (export "drop-request" (func $drop-request))
    (export "drop-outparam" (func $drop-outparam))))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $code "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.3" (instance $handler)))"#;

struct NoBody;

impl Body for NoBody {
    type Data = Bytes;
    type Error = wasmtime_wasi_http::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(None)
    }
}

async fn handle(engine: &Engine, service: &ProxyPre<Host>, dir: &Path, path: &str) {
    let wasi = WasiCtx::builder()
        .preopened_dir(dir, "/recordings", FsPerms::ReadWrite)
        .unwrap()
        .build();
    let mut store = Store::new(engine, Host::new(wasi, ()));
    let request = hyper::Request::builder()
        .uri(format!("http://example.org{path}"))
        .body(NoBody)
        .unwrap();
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(Scheme::Http, request).unwrap();
    let outparam = http.new_response_outparam_from_callback(|_| ()).unwrap();
    let proxy = service.instantiate_async(&mut store).await.unwrap();
    proxy
        .wasi_http_incoming_handler()
        .call_handle(&mut store, request, outparam)
        .await
        .unwrap();
}

/// Whether the path came into the guest's memory.
fn has_path(trace: &Path, path: &str) -> bool {
    let is_path = |kind: &EventKind| match kind {
        EventKind::Write { bytes, .. } => bytes == path.as_bytes(),
        _ => false,
    };
    events(trace).iter().any(|event| is_path(&event.kind))
}

#[test]
fn each_request_is_a_recording() {
    let component = Component::parse(wat::parse_str(SERVICE).unwrap()).unwrap();
    let metadata = Metadata {
        program: "service.wasm".into(),
        ..Metadata::default()
    };
    let sink = Sink::File { path: None };
    let commit = Commit::EachHostcall;
    let service = instrument_into(&Arc::new(component), &sink, commit, &metadata).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Servers use pooling allocators.
    for pooling in [false, true] {
        let mut config = Config::new();
        if pooling {
            config.allocation_strategy(PoolingAllocationConfig::new());
        }
        let engine = Engine::new(&config).unwrap();
        let linker = linker(&engine, Interfaces::ALL).unwrap();
        let compiled = Compiled::new(&engine, &service).unwrap();
        let service = ProxyPre::new(linker.instantiate_pre(&compiled).unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let paths = ["/a", "/b?c=d", "/e/f"];
        for path in paths {
            runtime.block_on(handle(&engine, &service, dir.path(), path));
        }
        let recordings: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(recordings.len(), paths.len());
        for path in paths {
            let of_it = recordings.iter().filter(|trace| has_path(trace, path));
            assert_eq!(of_it.count(), 1, "{path}");
        }
        for trace in recordings {
            replay_here(Arc::new(Trace::open(&trace).unwrap())).unwrap();
        }
    }
}
