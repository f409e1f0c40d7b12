//! A command of WASI 0.3, compiled from Rust: recorded and replayed.

mod support;

use rr_dap::instrument::record::instrument;
use rr_dap::record::{self, Recording, Records};
use rr_dap::replay::Ended;
use rr_dap::trace::{Metadata, Outcome, Trace, Writer};
use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;
use std::time::Instant;
use support::{check_handles, fixture, parse, replay_here, text};
use wasmtime::component::{Component as Compiled, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::p3::bindings::Command;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
    recording: Option<Recording>,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl Records for Host {
    fn recording(&mut self) -> &mut Recording {
        self.recording.as_mut().expect("a recorded run")
    }

    fn into_recording(self) -> Recording {
        self.recording.expect("a recorded run")
    }
}

/// Runs a command; answers its standard output and error, and its store.
fn run(component: &[u8], recording: Option<Recording>) -> (String, String, Store<Host>) {
    let engine = Engine::new(&record::config()).expect("an engine");
    let compiled = Compiled::new(&engine, component).unwrap_or_else(|e| panic!("{e:?}"));
    let mut linker: Linker<Host> = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI 0.2");
    wasmtime_wasi::p3::add_to_linker(&mut linker).expect("WASI 0.3");
    if recording.is_some() {
        record::add_to_linker(&mut linker).expect("the sink");
    }
    let (stdout, stderr) = (
        MemoryOutputPipe::new(1 << 20),
        MemoryOutputPipe::new(1 << 20),
    );
    let wasi = WasiCtx::builder()
        .args(&["sleepers", "one", "two"])
        .stdin(MemoryInputPipe::new("x".repeat(1000)))
        .stdout(stdout.clone())
        .stderr(stderr.clone())
        .build();
    let host = Host {
        wasi,
        table: ResourceTable::new(),
        recording,
    };
    let mut store = Store::new(&engine, host);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ran = runtime.block_on(async {
        let command = Command::instantiate_async(&mut store, &compiled, &linker).await?;
        store
            .run_concurrent(async |accessor| command.wasi_cli_run().call_run(accessor).await)
            .await?
    });
    ran.expect("runs").expect("succeeds");
    let output = |pipe: MemoryOutputPipe| text(&pipe.contents());
    (output(stdout), output(stderr), store)
}

#[test]
fn a_command_of_concurrent_tasks_records_and_replays() {
    let component = parse(&fixture("sleepers.wasm"));
    let (stdout, stderr, _) = run(component.bytes(), None);
    assert_eq!(
        stdout,
        "3 arguments\nsecond slept 20 ms\nthird slept 40 ms\nfirst slept 60 ms\n\
         slept 120 ms\nread 1000 bytes\n"
    );
    assert_eq!(stderr, "done\n");

    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let file = BufWriter::new(File::create(&path).expect("a trace file"));
    let writer = Writer::new(file, component.clone(), &Metadata::default()).expect("a writer");
    let instrumented = instrument(&component).expect("can be instrumented");
    let begun = Instant::now();
    let recorded = run(&instrumented, Some(Recording::new(writer)));
    assert_eq!((&recorded.0, &recorded.1), (&stdout, &stderr));
    let outcome = Outcome::Returned {
        success: true,
        result: None,
    };
    record::finish(recorded.2, outcome, begun).expect("is written");

    let trace = Arc::new(Trace::open(&path).expect("opens"));
    let (ended, printed) = replay_here(trace.clone()).expect("replays");
    assert_eq!(ended, Ended::Returned);
    assert_eq!(text(&printed), stdout);
    check_handles(&trace);
}
