//! A command that prints numbered lines, and then does something that only its end
//! ends.

use std::path::{Path, PathBuf};

/// What the counter does after its lines.
#[derive(Debug, Clone, Copy)]
pub enum Then {
    Return,
    /// Loops without a call out.
    Spin,
    /// Waits for input.
    Read,
}

/// Every line is eight digits and a newline.
pub const LINE: usize = 9;

/// Writes a command that prints the numbers from 0 up to `lines`.
pub fn counter(lines: u32, then: Then, dir: &Path) -> PathBuf {
    let then = match then {
        Then::Return => "",
        Then::Spin => "(loop $spin (br $spin))",
        Then::Read => "(call $read (call $stdin) (i64.const 1) (i32.const 16))",
    };
    let text = COMMAND
        .replace("LINES", &lines.to_string())
        .replace(";; THEN", then);
    let path = dir.join("counter.wat");
    std::fs::write(&path, text).unwrap();
    path
}

/// The first so many lines.
pub fn lines(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|n| format!("{n:08}\n").into_bytes())
        .collect()
}

const COMMAND: &str = r#"(component
  (import "wasi:io/error@0.2.6" (instance $error
    (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "wasi:io/streams@0.2.6" (instance $streams
    (export "output-stream" (type $output-stream (sub resource)))
    (export "input-stream" (type $input-stream (sub resource)))
    (alias outer 1 $error-type (type $error'))
    (export "error" (type $error (eq $error')))
    (type $stream-error' (variant
      (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]input-stream.blocking-read" (func
      (param "self" (borrow $input-stream)) (param "len" u64)
      (result (result (list u8) (error $stream-error)))))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $output-stream)) (param "contents" (list u8))
      (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-type))
  (alias export $streams "input-stream" (type $input-type))
  (import "wasi:cli/stdout@0.2.6" (instance $stdout
    (alias outer 1 $output-type (type $output-stream'))
    (export "output-stream" (type $output-stream (eq $output-stream')))
    (export "get-stdout" (func (result (own $output-stream))))))
  (import "wasi:cli/stdin@0.2.6" (instance $stdin
    (alias outer 1 $input-type (type $input-stream'))
    (export "input-stream" (type $input-stream (eq $input-stream')))
    (export "get-stdin" (func (result (own $input-stream))))))

  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc))
  (core func $stdout (canon lower (func $stdout "get-stdout")))
  (core func $stdin (canon lower (func $stdin "get-stdin")))
  (core func $write (canon lower
    (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory $libc "memory")))
  (core func $read (canon lower
    (func $streams "[method]input-stream.blocking-read")
    (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core module $code
    (import "libc" "memory" (memory 1))
    (import "wasi" "stdout" (func $stdout (result i32)))
    (import "wasi" "stdin" (func $stdin (result i32)))
    (import "wasi" "write" (func $write (param i32 i32 i32 i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (func $print (param $n i32) (param $out i32) (local $digit i32)
      (local.set $digit (i32.const 7))
      (i32.store8 (i32.const 72) (i32.const 10))
      (loop $more
        (i32.store8 offset=64 (local.get $digit)
          (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
        (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
        (local.set $digit (i32.sub (local.get $digit) (i32.const 1)))
        (br_if $more (i32.ge_s (local.get $digit) (i32.const 0))))
      (call $write (local.get $out) (i32.const 64) (i32.const 9) (i32.const 16)))
    (func (export "run") (result i32) (local $n i32) (local $out i32)
      (local.set $out (call $stdout))
      (block $done (loop $line
        (br_if $done (i32.ge_u (local.get $n) (i32.const LINES)))
        (call $print (local.get $n) (local.get $out))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $line)))
      ;; THEN
      (i32.const 0)))
  (core instance $m (instantiate $code
    (with "libc" (instance $libc))
    (with "wasi" (instance
      (export "stdout" (func $stdout))
      (export "stdin" (func $stdin))
      (export "write" (func $write))
      (export "read" (func $read))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $run)))
"#;
