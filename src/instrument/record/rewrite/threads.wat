;; How a thread begins: the runtime is given a function of this table, and starts it with the
;; address of what it shall run, which is recorded as a call of the guest.
;;
;; What threads shall run, 12 bytes each: which of the starters in their table, the function's
;; index in the guest's table, and what it is given. Of one that is free, the first word is the
;; address of the next one, or 0.
(module
  (memory $m 1)
  (type $starter (func (param i32 i32)))
  ;; For each table of the guest's, what calls a function of it. Shims put in theirs.
  (table $starters (export "starters") STARTERS funcref)
  ;; $begin, and a place where there is none: what the runtime says of that, it says of the guest.
  (table $begins (export "begins") 2 2 funcref)
  (elem (table $begins) (i32.const 0) func $begin)
  (global $free (mut i32) (i32.const 0))
  (global $top (mut i32) (i32.const 12))

  ;; Keeps what a thread shall run.
  (func (export "keep-start") (param $which i32) (param $function i32) (param $context i32) (result i32)
    (local $at i32)
    (if (global.get $free)
      (then
        (local.set $at (global.get $free))
        (global.set $free (i32.load (local.get $at))))
      (else
        (local.set $at (global.get $top))
        (global.set $top (i32.add (local.get $at) (i32.const 12)))
        (if (i32.gt_u (global.get $top) (i32.shl (memory.size) (i32.const 16))) (then
          (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))))))
    (i32.store (local.get $at) (local.get $which))
    (i32.store offset=4 (local.get $at) (local.get $function))
    (i32.store offset=8 (local.get $at) (local.get $context))
    (local.get $at))

  (func $begin (param $at i32)
    (local $which i32)
    (local.set $which (i32.load (local.get $at)))
    (i32.store (local.get $at) (global.get $free))
    (global.set $free (local.get $at))
    (call_indirect $starters (type $starter)
      (i32.load offset=4 (local.get $at)) (i32.load offset=8 (local.get $at)) (local.get $which))))
