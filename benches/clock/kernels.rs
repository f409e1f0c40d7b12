//! Small guests, each of which is nearly all ticks of one kind.

/// A module with an export `run: () -> i32` of some tens of milliseconds.
pub struct Kernel {
    pub name: &'static str,
    pub wat: &'static str,
}

pub const KERNELS: &[Kernel] = &[
    Kernel {
        name: "recursive fib",
        wat: r#"(module
          (func $fib (param i32) (result i32)
            (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (local.get 0))))
            (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))
          (func (export "run") (result i32) (call $fib (i32.const 31))))"#,
    },
    Kernel {
        name: "xorshift loop",
        wat: r#"(module
          (func (export "run") (result i32) (local $i i32) (local $s i32)
            (local.set $s (i32.const 1))
            (local.set $i (i32.const 10000000))
            (loop $l
              (local.set $s (i32.xor (local.get $s) (i32.shl (local.get $s) (i32.const 13))))
              (local.set $s (i32.xor (local.get $s) (i32.shr_u (local.get $s) (i32.const 17))))
              (local.set $s (i32.xor (local.get $s) (i32.shl (local.get $s) (i32.const 5))))
              (br_if $l (local.tee $i (i32.add (local.get $i) (i32.const -1)))))
            (local.get $s)))"#,
    },
    Kernel {
        name: "sum of bytes",
        wat: r#"(module (memory 16)
          (func $sum (param $p i32) (param $end i32) (result i32) (local $s i32)
            (loop $l
              (local.set $s (i32.add (local.get $s) (i32.load8_u (local.get $p))))
              (br_if $l (i32.ne (local.tee $p (i32.add (local.get $p) (i32.const 1)))
                                (local.get $end))))
            (local.get $s))
          (func (export "run") (result i32) (local $i i32) (local $s i32)
            (loop $l
              (local.set $s (i32.add (local.get $s)
                (call $sum (i32.const 0) (i32.const 1000000))))
              (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                                  (i32.const 20))))
            (local.get $s)))"#,
    },
    Kernel {
        name: "insertion sort",
        wat: r#"(module (memory 4)
          (func (export "run") (result i32) (local $i i32) (local $j i32) (local $k i32)
              (local $x i32)
            (loop $fill
              (i32.store (i32.shl (local.get $i) (i32.const 2))
                (local.tee $x (i32.add (i32.mul (local.get $x) (i32.const 1664525))
                  (i32.const 1013904223))))
              (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                (i32.const 8000))))
            (local.set $i (i32.const 1))
            (loop $outer
              (local.set $k (i32.load (i32.shl (local.get $i) (i32.const 2))))
              (local.set $j (i32.shl (local.get $i) (i32.const 2)))
              (block $found
                (loop $inner
                  (br_if $found (i32.eqz (local.get $j)))
                  (br_if $found (i32.le_u
                    (local.tee $x (i32.load (i32.sub (local.get $j) (i32.const 4))))
                    (local.get $k)))
                  (i32.store (local.get $j) (local.get $x))
                  (local.set $j (i32.sub (local.get $j) (i32.const 4)))
                  (br $inner)))
              (i32.store (local.get $j) (local.get $k))
              (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                (i32.const 8000))))
            (i32.load (i32.const 4000))))"#,
    },
    Kernel {
        name: "calls of a small function",
        wat: r#"(module
          (func $mix (param $h i32) (param $x i32) (result i32)
            (i32.rotl (i32.mul (i32.xor (local.get $h) (local.get $x))
              (i32.const 0x9e3779b1)) (i32.const 13)))
          (func (export "run") (result i32) (local $i i32) (local $h i32)
            (loop $l
              (local.set $h (call $mix (local.get $h) (local.get $i)))
              (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                (i32.const 10000000))))
            (local.get $h)))"#,
    },
    Kernel {
        name: "sieve",
        wat: r#"(module (memory 64)
          (func (export "run") (result i32) (local $i i32) (local $j i32) (local $n i32)
            (local.set $i (i32.const 2))
            (loop $next
              (if (i32.eqz (i32.load8_u (local.get $i)))
                (then
                  (local.set $n (i32.add (local.get $n) (i32.const 1)))
                  (local.set $j (i32.shl (local.get $i) (i32.const 1)))
                  (block $done
                    (loop $cross
                      (br_if $done (i32.ge_u (local.get $j) (i32.const 3000000)))
                      (i32.store8 (local.get $j) (i32.const 1))
                      (local.set $j (i32.add (local.get $j) (local.get $i)))
                      (br $cross)))))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $i) (i32.const 3000000))))
            (local.get $n)))"#,
    },
    Kernel {
        name: "matrix product",
        wat: r#"(module (memory 16)
          (func (export "run") (result i32)
              (local $i i32) (local $j i32) (local $k i32) (local $s f64)
              (local $a i32) (local $b i32)
            (loop $rows
              (local.set $j (i32.const 0))
              (loop $columns
                (local.set $s (f64.const 1))
                (local.set $k (i32.const 0))
                (local.set $a (i32.mul (local.get $i) (i32.const 1600)))
                (local.set $b (i32.shl (local.get $j) (i32.const 3)))
                (loop $dot
                  (local.set $s (f64.add (local.get $s)
                    (f64.mul (f64.load (local.get $a)) (f64.load (local.get $b)))))
                  (local.set $a (i32.add (local.get $a) (i32.const 8)))
                  (local.set $b (i32.add (local.get $b) (i32.const 1600)))
                  (br_if $dot (i32.ne (local.tee $k (i32.add (local.get $k) (i32.const 1)))
                    (i32.const 200))))
                (f64.store offset=640000
                  (i32.add (i32.mul (local.get $i) (i32.const 1600))
                    (i32.shl (local.get $j) (i32.const 3)))
                  (local.get $s))
                (br_if $columns (i32.ne (local.tee $j (i32.add (local.get $j) (i32.const 1)))
                  (i32.const 200))))
              (br_if $rows (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                (i32.const 200))))
            (i32.load (i32.const 640008))))"#,
    },
    Kernel {
        name: "interpreter",
        wat: r#"(module (memory 1)
          (data (i32.const 0) "\00\01\02\00\01\03\02\01\00\04")
          (func (export "run") (result i32)
              (local $pc i32) (local $acc i32) (local $left i32)
            (local.set $left (i32.const 500000))
            (block $halt
              (loop $step
                (block $jump (block $sub (block $shift (block $mul (block $add
                  (br_table $add $mul $shift $sub $jump (i32.load8_u (local.get $pc))))
                    (local.set $acc (i32.add (local.get $acc) (local.get $pc)))
                    (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
                    (br $step))
                  (local.set $acc (i32.mul (local.get $acc) (i32.const 31)))
                  (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
                  (br $step))
                (local.set $acc (i32.xor (local.get $acc)
                  (i32.shr_u (local.get $acc) (i32.const 7))))
                (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
                (br $step))
              (local.set $acc (i32.sub (local.get $acc) (local.get $left)))
              (local.set $pc (i32.add (local.get $pc) (i32.const 1)))
              (br $step))
            (br_if $halt (i32.eqz
              (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (local.set $pc (i32.const 0))
            (br $step)))
            (local.get $acc)))"#,
    },
];
