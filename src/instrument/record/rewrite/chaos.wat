;; How much less one component instance is given than it asks for.
(module
  (import "recorder" "instance" (global $instance (mut i32)))
  IMPORTS
  ;; How much may be written: for each handle, by its lowest bits, the handle and 64 bits.
  (memory 1)
RANDOM
  ;; A length from 1 to $length: all of it, 1, a few, or any; 0 stays.
  (func $shorter (export "shorter") (param $length i64) (result i64) (local $most i64) (local $how i32)
    (if (i64.le_u (local.get $length) (i64.const 1)) (then (return (local.get $length))))
    (local.set $how (call $random-below (i32.const 4)))
    (if (i32.eqz (local.get $how)) (then (return (local.get $length))))
    (if (i32.eq (local.get $how) (i32.const 1)) (then (return (i64.const 1))))
    (local.set $most (select (i64.const 64) (i64.const 65536)
      (i32.eq (local.get $how) (i32.const 2))))
    (if (i64.gt_u (local.get $most) (local.get $length))
      (then (local.set $most (local.get $length))))
    (i64.add (i64.const 1)
      (i64.extend_i32_u (call $random-below (i32.wrap_i64 (local.get $most))))))
  (func (export "shorter32") (param $length i32) (result i32)
    (i32.wrap_i64 (call $shorter (i64.extend_i32_u (local.get $length)))))
  (func $entry (param $handle i32) (result i32)
    (i32.shl (i32.and (local.get $handle) (i32.const 4095)) (i32.const 4)))
  ;; Permits fewer than $length bytes to be written to $handle.
  (func (export "permit") (param $handle i32) (param $length i64) (result i64)
    (i32.store (call $entry (local.get $handle)) (local.get $handle))
    (i64.store offset=8 (call $entry (local.get $handle)) (call $shorter (local.get $length)))
    (i64.load offset=8 (call $entry (local.get $handle))))
  ;; So many are going to be written.
  (func (export "write") (param $handle i32) (param $length i64) (local $permitted i64)
    (if (i32.ne (i32.load (call $entry (local.get $handle))) (local.get $handle)) (then (return)))
    (local.set $permitted (i64.load offset=8 (call $entry (local.get $handle))))
    (if (i64.gt_u (local.get $length) (local.get $permitted)) (then
      OVERDRAWN
      (unreachable)))
    (i64.store offset=8 (call $entry (local.get $handle))
      (i64.sub (local.get $permitted) (local.get $length))))
  (start $begin))
