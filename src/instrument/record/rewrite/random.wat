  ;; Random numbers, by splitmix64.
  (global $random (mut i64) (i64.const 0))

  ;; Instances have different ones.
  (func $begin
    (global.set $random (i64.mul
      (i64.or
        (i64.shl (i64.extend_i32_u SEED) (i64.const 32))
        (i64.extend_i32_u (global.get $instance)))
      (i64.const 0xd1342543de82ef95))))

  ;; A number below $below.
  (func $random-below (param $below i32) (result i32) (local $z i64)
    (global.set $random (i64.add (global.get $random) (i64.const 0x9e3779b97f4a7c15)))
    (local.set $z (global.get $random))
    (local.set $z (i64.mul
      (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 30)))
      (i64.const 0xbf58476d1ce4e5b9)))
    (local.set $z (i64.mul
      (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 27)))
      (i64.const 0x94d049bb133111eb)))
    (local.set $z (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 31))))
    (i32.wrap_i64 (i64.shr_u
      (i64.mul (i64.shr_u (local.get $z) (i64.const 32)) (i64.extend_i32_u (local.get $below)))
      (i64.const 32))))
