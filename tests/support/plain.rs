//! A component run by Wasmtime as it is, without the recorder.

use std::path::Path;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxView, WasiView};

struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// How a plain run ended: its exit status as a shell shows it, and what it printed.
#[derive(Debug, PartialEq, Eq)]
pub struct PlainRun {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Runs a command. `dir` is given to it as `/work`.
pub fn run(component: &[u8], program: &str, args: &[&str], dir: &Path, stdin: &str) -> PlainRun {
    let engine = Engine::default();
    let compiled = Component::new(&engine, component).unwrap();
    let mut linker: Linker<Host> = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    let stdout = MemoryOutputPipe::new(1 << 20);
    let stderr = MemoryOutputPipe::new(1 << 20);
    let wasi = WasiCtx::builder()
        .stdin(MemoryInputPipe::new(stdin.as_bytes().to_vec()))
        .stdout(stdout.clone())
        .stderr(stderr.clone())
        .arg(program)
        .args(args)
        .preopened_dir(dir, "/work", FsPerms::ReadWrite)
        .unwrap()
        .build();
    let host = Host {
        wasi,
        table: ResourceTable::new(),
    };
    let mut store = Store::new(&engine, host);
    let command = Command::instantiate(&mut store, &compiled, &linker).unwrap();
    let status = match command.wasi_cli_run().call_run(&mut store) {
        Ok(result) => i32::from(result.is_err()),
        Err(error) => error.downcast_ref::<I32Exit>().map_or(134, |exit| exit.0),
    };
    PlainRun {
        status,
        stdout: stdout.contents().to_vec(),
        stderr: stderr.contents().to_vec(),
    }
}
