;; The sink that writes a file into a directory that the host has opened for the
;; guest. Parts of sink.wat.
;; IMPORTS
  (import "wasi:filesystem/types@VERSION" (instance $types
    (export "descriptor" (type $descriptor (sub resource)))
    (type $error-code' (enum "access" "would-block" "already" "bad-descriptor" "busy"
      "deadlock" "quota" "exist" "file-too-large" "illegal-byte-sequence" "in-progress"
      "interrupted" "invalid" "io" "is-directory" "loop" "too-many-links" "message-size"
      "name-too-long" "no-device" "no-entry" "no-lock" "insufficient-memory"
      "insufficient-space" "not-directory" "not-empty" "not-recoverable" "unsupported"
      "no-tty" "no-such-device" "overflow" "not-permitted" "pipe" "read-only"
      "invalid-seek" "text-file-busy" "cross-device"))
    (export "error-code" (type $error-code (eq $error-code')))
    (type $path-flags' (flags "symlink-follow"))
    (export "path-flags" (type $path-flags (eq $path-flags')))
    (type $open-flags' (flags "create" "directory" "exclusive" "truncate"))
    (export "open-flags" (type $open-flags (eq $open-flags')))
    (type $descriptor-flags' (flags "read" "write" "file-integrity-sync"
      "data-integrity-sync" "requested-write-sync" "mutate-directory"))
    (export "descriptor-flags" (type $descriptor-flags (eq $descriptor-flags')))
    (export "[method]descriptor.write" (func
      (param "self" (borrow $descriptor)) (param "buffer" (list u8)) (param "offset" u64)
      (result (result u64 (error $error-code)))))
    (export "[method]descriptor.open-at" (func
      (param "self" (borrow $descriptor)) (param "path-flags" $path-flags)
      (param "path" string) (param "open-flags" $open-flags)
      (param "flags" $descriptor-flags)
      (result (result (own $descriptor) (error $error-code)))))))
  (alias export $types "descriptor" (type $descriptor-type))
  (import "wasi:filesystem/preopens@VERSION" (instance $preopens
    (alias outer 1 $descriptor-type (type $descriptor'))
    (export "descriptor" (type $descriptor (eq $descriptor')))
    (export "get-directories" (func
      (result (list (tuple (own $descriptor) string)))))))
  (import "wasi:random/random@VERSION" (instance $random
    (export "get-random-u64" (func (result u64)))))
;; LOWERS
  (core func $directories (canon lower (func $preopens "get-directories")
    (memory $m) (realloc $realloc)))
  (core func $open-at (canon lower (func $types "[method]descriptor.open-at") (memory $m)))
  (core func $write (canon lower (func $types "[method]descriptor.write") (memory $m)))
  (core func $random (canon lower (func $random "get-random-u64")))
;; CODE-IMPORTS
    (import "wasi" "directories" (func $directories (param i32)))
    (import "wasi" "open-at" (func $open-at (param i32 i32 i32 i32 i32 i32 i32)))
    (import "wasi" "write" (func $write (param i32 i32 i32 i64 i32)))
    (import "wasi" "random" (func $random (result i64)))
    (global $file (mut i32) (i32.const -1))
    (global $offset (mut i64) (i64.const 0))
;; OUTPUT
    ;; Makes a new file in a directory; answers whether it could.
    (func $create (param $directory i32) (param $path i32) (param $n i32) (result i32)
      ;; create, exclusive; for writing
      (call $open-at (local.get $directory) (i32.const 0) (local.get $path) (local.get $n)
        (i32.const 5) (i32.const 2) (i32.const 0))
      (if (result i32) (i32.load8_u (i32.const 0))
        (then (i32.const 0))
        (else
          (global.set $file (i32.load (i32.const 4)))
          (i32.const 1))))

    ;; Tries STEM.rrtrace, and STEM.<16 digits>.rrtrace where there is one already
    ;; (error 7). The stem is the part of the path behind $skip bytes.
    (func $create-in (param $directory i32) (param $skip i32) (result i32)
      (local $n i32) (local $tries i32)
      (local.set $n (i32.sub (i32.const STEM-LENGTH) (local.get $skip)))
      (if (i32.or (i32.le_s (local.get $n) (i32.const 0))
                  (i32.gt_u (local.get $n) (i32.const 700)))
        (then (return (i32.const 0))))
      (memory.copy (i32.const 256)
        (i32.add (i32.const STEM) (local.get $skip)) (local.get $n))
      (memory.copy (i32.add (i32.const 256) (local.get $n))
        (i32.const SUFFIX) (i32.const SUFFIX-LENGTH))
      (if (call $create (local.get $directory) (i32.const 256)
            (i32.add (local.get $n) (i32.const SUFFIX-LENGTH)))
        (then (return (i32.const 1))))
      (loop $again
        (if (i32.ne (i32.load8_u (i32.const 4)) (i32.const 7))
          (then (return (i32.const 0))))
        (i32.store8 (i32.add (i32.const 256) (local.get $n)) (i32.const 46))
        (call $hex (i32.add (i32.const 257) (local.get $n)) (call $random) (i32.const 16))
        (memory.copy (i32.add (i32.const 273) (local.get $n))
          (i32.const SUFFIX) (i32.const SUFFIX-LENGTH))
        (if (call $create (local.get $directory) (i32.const 256)
              (i32.add (local.get $n) (i32.add (i32.const 17) (i32.const SUFFIX-LENGTH))))
          (then (return (i32.const 1))))
        (br_if $again (i32.lt_u
          (local.tee $tries (i32.add (local.get $tries) (i32.const 1))) (i32.const 8))))
      (i32.const 0))

    ;; How many bytes of the stem name the directory called $p; -1 if they do not.
    ;; A stem that is not absolute is in whatever directory there is.
    (func $within (param $p i32) (param $n i32) (result i32) (local $i i32)
      (if (i32.ne (i32.load8_u (i32.const STEM)) (i32.const 47))
        (then (return (i32.const 0))))
      (if (i32.gt_u (local.get $n) (i32.const STEM-LENGTH))
        (then (return (i32.const -1))))
      (block $equal (loop $byte
        (br_if $equal (i32.ge_u (local.get $i) (local.get $n)))
        (if (i32.ne (i32.load8_u (i32.add (local.get $p) (local.get $i)))
                    (i32.load8_u (i32.add (i32.const STEM) (local.get $i))))
          (then (return (i32.const -1))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $byte)))
      (if (i32.eqz (local.get $n)) (then (return (i32.const -1))))
      (if (i32.eq (i32.load8_u offset=0 (i32.add (i32.const STEM)
                    (i32.sub (local.get $n) (i32.const 1)))) (i32.const 47))
        (then (return (local.get $n))))
      (if (i32.eq (i32.load8_u (i32.add (i32.const STEM) (local.get $n))) (i32.const 47))
        (then (return (i32.add (local.get $n) (i32.const 1)))))
      (i32.const -1))

    (func $open (local $entry i32) (local $end i32) (local $skip i32)
      (call $directories (i32.const 0))
      (local.set $entry (i32.load (i32.const 0)))
      (local.set $end (i32.add (local.get $entry)
        (i32.mul (i32.load (i32.const 4)) (i32.const 12))))
      (block $none (loop $next
        (br_if $none (i32.ge_u (local.get $entry) (local.get $end)))
        (local.set $skip (call $within
          (i32.load offset=4 (local.get $entry)) (i32.load offset=8 (local.get $entry))))
        (if (i32.ge_s (local.get $skip) (i32.const 0)) (then
          (if (call $create-in (i32.load (local.get $entry)) (local.get $skip))
            (then return))))
        (local.set $entry (i32.add (local.get $entry) (i32.const 12)))
        (br $next)))
      (call $fail (i32.const NO-DIRECTORY) (i32.const NO-DIRECTORY-LENGTH)))

    (func $put (param $p i32) (param $n i32) (local $written i32)
      (block $done (loop $more
        (br_if $done (i32.eqz (local.get $n)))
        (call $write (global.get $file) (local.get $p) (local.get $n)
          (global.get $offset) (i32.const 0))
        (if (i32.load8_u (i32.const 0))
          (then (call $fail (i32.const CANNOT-WRITE) (i32.const CANNOT-WRITE-LENGTH))))
        (local.set $written (i32.load (i32.const 8)))
        (if (i32.eqz (local.get $written))
          (then (call $fail (i32.const CANNOT-WRITE) (i32.const CANNOT-WRITE-LENGTH))))
        (global.set $offset (i64.add (global.get $offset)
          (i64.extend_i32_u (local.get $written))))
        (local.set $p (i32.add (local.get $p) (local.get $written)))
        (local.set $n (i32.sub (local.get $n) (local.get $written)))
        (br $more))))
;; WITH
      (export "directories" (func $directories))
      (export "open-at" (func $open-at))
      (export "write" (func $write))
      (export "random" (func $random))
