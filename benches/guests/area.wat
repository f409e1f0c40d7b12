;; A command that calls out a million times: a function that answers in memory.
(component
  (import "wasi:clocks/wall-clock@0.2.0" (instance $host
    (type $record (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $record)))
    (export "now" (func (result $datetime)))))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc))
  (core func $call (canon lower (func $host "now") (memory $libc "memory")))
  (core module $main
    (import "host" "call" (func $call (param i32)))
    (func (export "run") (result i32)
      (local $left i32)
      (local.set $left (i32.const 1000000))
      (loop $next
        (call $call (i32.const 16))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $next (local.get $left)))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "host" (instance (export "call" (func $call))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
