;; How much less one component instance is given than it asks for.
(module
  (import "recorder" "instance" (global $instance (mut i32)))
  IMPORTS
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
  (start $begin))
