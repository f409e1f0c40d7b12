;; Random indices for the handles of one component instance.
;;
;; Memory: the indices of a batch from 0 on, and from 64 KiB on those that dummies keep, in a
;; ring that grows with them.
(module
  (import "given" "new" (func $new (param i32) (result i32)))
  (import "given" "drop" (func $drop (param i32)))
  (import "recorder" "instance" (global $instance (mut i32)))
  IMPORTS
  (memory 1)
  ;; Indices that have become free and that nobody has taken since, at most.
  (global $freed (export "freed") (mut i32) (i32.const 0))
  ;; The largest index given out as far as is known.
  (global $highest (mut i32) (i32.const 0))
  ;; How many dummies keep indices, and where in the ring the next one goes.
  (global $kept (mut i32) (i32.const 0))
  (global $next (mut i32) (i32.const 0))
RANDOM
  (func $new-dummy (result i32) (local $index i32)
    (local.set $index (call $new (i32.const 0)))
    (if (i32.gt_u (local.get $index) (global.get $highest))
      (then (global.set $highest (local.get $index))))
    (local.get $index))

  ;; No index is free: makes as many as there are, from 1024 to 8192, and frees them in a
  ;; random order.
  (func $batch (local $count i32) (local $i i32) (local $other i32)
    (local.set $count (global.get $highest))
    (if (i32.lt_u (local.get $count) (i32.const 1024)) (then (local.set $count (i32.const 1024))))
    (if (i32.gt_u (local.get $count) (i32.const 8192)) (then (local.set $count (i32.const 8192))))
    (local.set $count (i32.shl (local.get $count) (i32.const 2)))
    (loop $make
      (i32.store (local.get $i) (call $new-dummy))
      (local.set $i (i32.add (local.get $i) (i32.const 4)))
      (br_if $make (i32.lt_u (local.get $i) (local.get $count))))
    (loop $free
      (local.set $other (i32.shl
        (call $random-below (i32.shr_u (local.get $i) (i32.const 2)))
        (i32.const 2)))
      (local.set $i (i32.sub (local.get $i) (i32.const 4)))
      (call $drop (i32.load (local.get $other)))
      (i32.store (local.get $other) (i32.load (local.get $i)))
      (br_if $free (local.get $i))))

  ;; Puts an index into the ring of 16,384.
  (func $keep (param $index i32) (local $at i32)
    (local.set $at (i32.add (i32.const 65536) (i32.shl (global.get $next) (i32.const 2))))
    (if (i32.ge_u (local.get $at) (i32.shl (memory.size) (i32.const 16)))
      (then (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))))
    (i32.store (local.get $at) (local.get $index))
    (global.set $next (i32.and (i32.add (global.get $next) (i32.const 1)) (i32.const 16383)))
    (global.set $kept (i32.add (global.get $kept) (i32.const 1))))

  ;; Handles have come or gone. Those that have gone are on top of what is free: dummies
  ;; take their indices, and of more than 8,192 dummies the oldest give theirs back.
  (func $moved (export "moved") (local $index i32)
    (if (i32.gt_u (global.get $freed) (i32.const 1024))
      (then (global.set $freed (i32.const 1024))))
    (block $taken (loop $take
      (br_if $taken (i32.eqz (global.get $freed)))
      (call $keep (call $new-dummy))
      (global.set $freed (i32.sub (global.get $freed) (i32.const 1)))
      (br $take)))
    (block $given-back (loop $give-back
      (br_if $given-back (i32.le_u (global.get $kept) (i32.const 8192)))
      (call $drop (i32.load (i32.add (i32.const 65536) (i32.shl
        (i32.and (i32.sub (global.get $next) (global.get $kept)) (i32.const 16383))
        (i32.const 2)))))
      (global.set $kept (i32.sub (global.get $kept) (i32.const 1)))
      (br $give-back)))
    ;; Which index is next?
    (local.set $index (call $new (i32.const 0)))
    (call $drop (local.get $index))
    (if (i32.gt_u (local.get $index) (global.get $highest))
      (then (call $batch))))

  (func $start
    (call $begin)
    (call $batch))
  (start $start))
