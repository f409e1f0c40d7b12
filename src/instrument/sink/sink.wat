;; What both sinks are made of: a component that takes what the recorders of an
;; instrumented component commit, and makes a recording of it with nothing but WASI.
;;
;; Memory: [0] results of calls; [256] a path being made; [1024] the table of
;; CRC-32; [2048] names and messages; [16384] the section being written: its header
;; (28 bytes), the instance, the records. What realloc hands out begins there.
(component
  (import "wasi:io/error@VERSION" (instance $error
    (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "wasi:io/streams@VERSION" (instance $streams
    (export "output-stream" (type $output-stream (sub resource)))
    (alias outer 1 $error-type (type $error'))
    (export "error" (type $error (eq $error')))
    (type $stream-error' (variant
      (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $output-stream)) (param "contents" (list u8))
      (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-type))
  (import "wasi:cli/stderr@VERSION" (instance $stderr
    (alias outer 1 $output-type (type $output-stream'))
    (export "output-stream" (type $output-stream (eq $output-stream')))
    (export "get-stderr" (func (result (own $output-stream))))))
  (import "wasi:clocks/wall-clock@VERSION" (instance $clock
    (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $datetime')))
    (export "now" (func (result $datetime)))))
  IMPORTS

  (core module $memory
    (memory (export "memory") 2)
    ;; Where realloc goes on: reset when a call from outside ends.
    (global $next (export "next") (mut i32) (i32.const 16416))
    (func (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32) (local $missing i32)
      (local.set $at (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.set $missing (i32.sub (global.get $next) (i32.shl (memory.size) (i32.const 16))))
      (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
        (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1)
              (i32.shr_u (local.get $missing) (i32.const 16)))))
          (then unreachable))))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $m))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $get-stderr (canon lower (func $stderr "get-stderr")))
  (core func $print (canon lower
    (func $streams "[method]output-stream.blocking-write-and-flush") (memory $m)))
  (core func $now (canon lower (func $clock "now") (memory $m)))
  LOWERS

  (core module $code
    (import "memory" "memory" (memory 2))
    (import "memory" "next" (global $next (mut i32)))
    (import "wasi" "get-stderr" (func $get-stderr (result i32)))
    (import "wasi" "print" (func $print-to (param i32 i32 i32 i32)))
    (import "wasi" "now" (func $now (param i32)))
    CODE-IMPORTS
    (global $stderr (mut i32) (i32.const -1))
    (global $instances (mut i32) (i32.const 0))
    (global $begun (mut i32) (i32.const 0))
    ;; Whether a write failed before: the run has been told to end.
    (global $failed (mut i32) (i32.const 0))
    (data $start PREFIX)
    STRINGS

    ;; Writes at most 4096 bytes to standard error.
    (func $print (param $p i32) (param $n i32)
      (if (i32.eq (global.get $stderr) (i32.const -1))
        (then (global.set $stderr (call $get-stderr))))
      (call $print-to (global.get $stderr) (local.get $p) (local.get $n) (i32.const 0)))

    ;; Ends the run with a message.
    (func $fail (param $message i32) (param $n i32)
      (global.set $failed (i32.const 1))
      (call $print (local.get $message) (local.get $n))
      (unreachable))

    (func $make-table (local $i i32) (local $c i32) (local $bit i32)
      (loop $entry
        (local.set $c (local.get $i))
        (local.set $bit (i32.const 8))
        (loop $bits
          (local.set $c (i32.xor (i32.shr_u (local.get $c) (i32.const 1))
            (i32.and (i32.const 0xedb88320)
              (i32.sub (i32.const 0) (i32.and (local.get $c) (i32.const 1))))))
          (br_if $bits (local.tee $bit (i32.sub (local.get $bit) (i32.const 1)))))
        (i32.store offset=1024 (i32.shl (local.get $i) (i32.const 2)) (local.get $c))
        (br_if $entry (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (i32.const 256)))))

    (func $crc (param $p i32) (param $n i32) (result i32) (local $c i32) (local $end i32)
      (local.set $c (i32.const -1))
      (local.set $end (i32.add (local.get $p) (local.get $n)))
      (block $done (loop $byte
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (local.set $c (i32.xor (i32.shr_u (local.get $c) (i32.const 8))
          (i32.load offset=1024 (i32.shl
            (i32.and (i32.xor (local.get $c) (i32.load8_u (local.get $p))) (i32.const 255))
            (i32.const 2)))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br $byte)))
      (i32.xor (local.get $c) (i32.const -1)))

    ;; Writes the low $n hexadecimal digits of $v to $p.
    (func $hex (param $p i32) (param $v i64) (param $n i32) (local $digit i32)
      (loop $more
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (local.set $digit (i32.and (i32.wrap_i64 (local.get $v)) (i32.const 15)))
        (i32.store8 (i32.add (local.get $p) (local.get $n))
          (i32.add (local.get $digit)
            (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get $digit) (i32.const 9)))))
        (local.set $v (i64.shr_u (local.get $v) (i64.const 4)))
        (br_if $more (local.get $n))))

    ;; $open: makes ready. $put: takes bytes of the recording.
    OUTPUT

    ;; The recording's beginning, a piece at a time, behind what was committed.
    (func $begin (local $at i32) (local $n i32) (local $buffer i32)
      (global.set $begun (i32.const 1))
      (call $make-table)
      (call $open)
      (local.set $buffer (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (call $reserve (i32.add (local.get $buffer) (i32.const 65536)))
      (loop $more
        (local.set $n (i32.sub (i32.const PREFIX-LENGTH) (local.get $at)))
        (if (i32.gt_u (local.get $n) (i32.const 59520))
          (then (local.set $n (i32.const 59520))))
        (memory.init $start (local.get $buffer) (local.get $at) (local.get $n))
        (call $put (local.get $buffer) (local.get $n))
        (local.set $at (i32.add (local.get $at) (local.get $n)))
        (br_if $more (i32.lt_u (local.get $at) (i32.const PREFIX-LENGTH))))
      (data.drop $start)
      (call $tell-when (local.get $buffer)))

    ;; A section that notes what the clock says: what was made in advance does not know it.
    (func $tell-when (param $p i32) (local $to i32) (local $n i32)
      (call $now (i32.const 0))
      (local.set $to (i32.add (local.get $p) (i32.const 28)))
      (local.set $n (i32.add (i32.const BEGAN-LENGTH) (i32.const 26)))
      (memory.copy (local.get $to) (i32.const BEGAN) (i32.const BEGAN-LENGTH))
      (local.set $to (i32.add (local.get $to) (i32.const BEGAN-LENGTH)))
      (call $hex (local.get $to) (i64.load (i32.const 0)) (i32.const 16))
      (call $hex (i32.add (local.get $to) (i32.const 16))
        (i64.load32_u (i32.const 8)) (i32.const 8))
      ;; "}
      (i32.store16 offset=24 (local.get $to) (i32.const 0x7d22))
      (call $head (local.get $p) (i32.const 0x10008) (local.get $n))
      (call $put (local.get $p) (i32.add (local.get $n) (i32.const 28))))

    ;; The header of a section that is not compressed, whose $n bytes follow it.
    (func $head (param $p i32) (param $kind i32) (param $n i32)
      (i32.store (local.get $p) (local.get $kind))
      (i32.store offset=4 (local.get $p) (local.get $n))
      (i32.store offset=8 (local.get $p) (local.get $n))
      (i32.store offset=12 (local.get $p)
        (call $crc (i32.add (local.get $p) (i32.const 28)) (local.get $n)))
      (i64.store offset=16 (local.get $p) (i64.const -1))
      (i32.store offset=24 (local.get $p) (call $crc (local.get $p) (i32.const 24))))

    ;; Makes memory up to $end.
    (func $reserve (param $end i32) (local $missing i32)
      (local.set $missing (i32.sub (local.get $end) (i32.shl (memory.size) (i32.const 16))))
      (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
        (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1)
              (i32.shr_u (local.get $missing) (i32.const 16)))))
          (then unreachable)))))

    (func (export "register") (param i32 i32) (result i32)
      (global.set $next (i32.const 16416))
      (global.get $instances)
      (global.set $instances (i32.add (global.get $instances) (i32.const 1))))

    ;; A section of raw records: see docs/trace-format.md.
    (func (export "commit") (param $instance i32) (param $p i32) (param $n i32)
      (if (i32.eqz (local.get $n)) (then return))
      (if (global.get $failed) (then unreachable))
      (if (i32.eqz (global.get $begun)) (then (call $begin)))
      (if (i32.gt_u (local.get $n) (i32.const 0x3fffff0))
        (then (call $fail (i32.const TOO-LARGE) (i32.const TOO-LARGE-LENGTH))))
      (local.set $n (i32.add (local.get $n) (i32.const 4)))
      (i32.store (i32.const 16412) (local.get $instance))
      (call $head (i32.const 16384) (i32.const 0x10005) (local.get $n))
      (call $put (i32.const 16384) (i32.add (local.get $n) (i32.const 28)))
      (global.set $next (i32.const 16416))))
  (core instance $code (instantiate $code
    (with "memory" (instance $memory))
    (with "wasi" (instance
      (export "get-stderr" (func $get-stderr))
      (export "print" (func $print))
      (export "now" (func $now))
      WITH))))
  (func (export "commit") (param "instance" u32) (param "records" (list u8))
    (canon lift (core func $code "commit") (memory $m) (realloc $realloc)))
  (func (export "register") (param "buffer" (list u8)) (result u32)
    (canon lift (core func $code "register") (memory $m) (realloc $realloc))))
