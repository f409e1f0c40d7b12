//! Commands made of the fixtures in text form, which export plain functions: a
//! component around one that calls it and compares the answer.

use super::fixture;
use std::path::{Path, PathBuf};

/// What a command made of a fixture calls, and what must come of it.
#[derive(Debug, Clone, Copy)]
pub enum Call {
    /// `NAME()` answers this number.
    Number(&'static str, u32),
    /// `NAME()` answers a number but does not return.
    NoNumber(&'static str),
    /// `NAME()` answers nothing and does not return.
    Nothing(&'static str),
    /// `run("Ada")` answers `"Ada!!"`.
    Greeting,
}

/// Writes a command that calls into `fixtures/wat/NAME.wat`.
pub fn command(name: &str, call: Call, dir: &Path) -> PathBuf {
    let inner = std::fs::read_to_string(fixture(&format!("wat/{name}.wat"))).unwrap();
    let at = inner.find("(component").unwrap();
    let inner = inner[at..].replacen("(component", "(component $inner", 1);
    // Siblings: a component may not call into one that it is part of.
    let around = match call {
        Call::Number(export, answer) => driver(
            export,
            true,
            &format!("(i32.ne (call $call) (i32.const {answer}))"),
        ),
        Call::NoNumber(export) => driver(export, true, "(call $call)"),
        Call::Nothing(export) => driver(export, false, "(call $call) (i32.const 0)"),
        Call::Greeting => GREETING.to_owned(),
    };
    let path = dir.join(format!("{name}-command.wat"));
    let text = format!("(component {inner} (component $driver {around} {RUN}) {TOP})");
    std::fs::write(&path, text).unwrap();
    path
}

const RUN: &str = r#"
  (func (export "run") (result (result)) (canon lift (core func $m "run")))"#;

const TOP: &str = r#"
  (instance $inner (instantiate $inner))
  (instance $driver (instantiate $driver (with "inner" (instance $inner))))
  (instance $run (export "run" (func $driver "run")))
  (export "wasi:cli/run@0.2.6" (instance $run))"#;

/// `body` makes the command's result of the call: 0 if all is well, 1 if not.
fn driver(export: &str, answers: bool, body: &str) -> String {
    let (result, component_result) = if answers {
        ("(result i32)", "(result u32)")
    } else {
        ("", "")
    };
    format!(
        r#"
  (import "inner" (instance $inner (export "{export}" (func {component_result}))))
  (core func $call (canon lower (func $inner "{export}")))
  (core module $code
    (import "inner" "call" (func $call {result}))
    (func (export "run") (result i32) {body}))
  (core instance $m (instantiate $code
    (with "inner" (instance (export "call" (func $call))))))"#
    )
}

/// The answer of five bytes is compared as a word and a byte.
const GREETING: &str = r#"
  (import "inner" (instance $inner
    (export "run" (func (param "s" string) (result string)))))
  (core module $libc
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $next)
      (global.set $next (i32.add (global.get $next) (i32.const 64))))
    (data (i32.const 64) "Ada")
    (data (i32.const 80) "Ada!!"))
  (core instance $libc (instantiate $libc))
  (core func $call (canon lower (func $inner "run")
    (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core module $code
    (import "libc" "memory" (memory 1))
    (import "inner" "call" (func $call (param i32 i32 i32)))
    (func (export "run") (result i32)
      (call $call (i32.const 64) (i32.const 3) (i32.const 16))
      (i32.or
        (i32.ne (i32.load (i32.const 20)) (i32.const 5))
        (i32.or
          (i32.ne (i32.load (i32.load (i32.const 16))) (i32.load (i32.const 80)))
          (i32.ne (i32.load8_u offset=4 (i32.load (i32.const 16))) (i32.load8_u (i32.const 84)))))))
  (core instance $m (instantiate $code
    (with "libc" (instance $libc))
    (with "inner" (instance (export "call" (func $call))))))"#;
