//! The host that the suites' components are run on: what their runners offer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime::{Engine, Module};

struct First;
struct Second;

/// Links the functions, resources and modules that scripts for Wasmtime import by name.
pub fn linker(engine: &Engine) -> wasmtime::Result<Linker<()>> {
    let mut linker = Linker::new(engine);
    linker.allow_shadowing(true);
    let mut root = linker.root();
    root.func_wrap_concurrent("host-echo-u32", |_, number: (u32,)| {
        Box::pin(async move { Ok(number) })
    })?;
    root.func_wrap("host-return-two", |_, (): ()| Ok((2_u32,)))?;
    let mut host = linker.instance("host")?;
    host.func_wrap("return-three", |_, (): ()| Ok((3_u32,)))?;
    host.func_wrap("return-hi", |_, (): ()| Ok(("hi".to_owned(),)))?;
    host.instance("nested")?
        .func_wrap("return-four", |_, (): ()| Ok((4_u32,)))?;
    let module = wat::parse_str(
        r#"(module
            (func (export "f") (result i32) (i32.const 101))
            (global (export "g") i32 (i32.const 100)))"#,
    )?;
    host.module("simple-module", &Module::new(engine, module)?)?;

    let dropped = Arc::new([const { AtomicU32::new(0) }; 2]);
    let counts = dropped.clone();
    host.resource("resource1", ResourceType::host::<First>(), move |_, rep| {
        counts[0].fetch_add(1, Ordering::Relaxed);
        counts[1].store(rep, Ordering::Relaxed);
        Ok(())
    })?;
    host.resource("resource2", ResourceType::host::<Second>(), |_, _| Ok(()))?;
    host.resource("resource1-again", ResourceType::host::<First>(), |_, _| {
        Ok(())
    })?;
    host.func_wrap("[constructor]resource1", |_, (rep,): (u32,)| {
        Ok((Resource::<First>::new_own(rep),))
    })?;
    host.func_wrap(
        "[static]resource1.assert",
        |_, (first, rep): (Resource<First>, u32)| {
            wasmtime::ensure!(first.rep() == rep, "not that resource");
            Ok(())
        },
    )?;
    let counts = dropped.clone();
    host.func_wrap("[static]resource1.drops", move |_, (): ()| {
        Ok((counts[0].load(Ordering::Relaxed),))
    })?;
    host.func_wrap("[static]resource1.last-drop", move |_, (): ()| {
        Ok((dropped[1].load(Ordering::Relaxed),))
    })?;
    host.func_wrap(
        "[method]resource1.simple",
        |_, (first, rep): (Resource<First>, u32)| {
            wasmtime::ensure!(first.rep() == rep, "not that resource");
            Ok(())
        },
    )?;
    for method in ["borrow", "own"] {
        host.func_wrap(
            &format!("[method]resource1.take-{method}"),
            |_, _: (Resource<First>, Resource<First>)| Ok(()),
        )?;
    }
    host.func_wrap_concurrent("never-return", |_, (): ()| {
        Box::pin(std::future::pending::<wasmtime::Result<()>>())
    })?;
    host.func_wrap_concurrent(
        "[method]resource1.never-return",
        |_, _: (Resource<First>,)| Box::pin(std::future::pending::<wasmtime::Result<()>>()),
    )?;
    host.func_wrap_concurrent("return-two-slowly", |_, (): ()| {
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok((2_i32,))
        })
    })?;
    host.func_wrap_concurrent("echo-slowly", |_, number: (u32,)| {
        Box::pin(async move {
            tokio::task::yield_now().await;
            Ok(number)
        })
    })?;
    Ok(linker)
}
