//! Small modules, each with the number of ticks that a reader can count in it.

/// A module with an export `run: () -> ...`.
pub struct Kernel {
    pub name: &'static str,
    pub wat: &'static str,
    /// Function entries and loop iterations from instantiation to the end.
    pub ticks: u64,
}

pub const KERNELS: &[Kernel] = &[
    Kernel {
        name: "recursion",
        // Calls of fib(12): 2 * 233 - 1.
        ticks: 1 + 465,
        wat: r#"(module
          (func $fib (param i32) (result i32)
            (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (local.get 0))))
            (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))
          (func (export "run") (result i32) (call $fib (i32.const 12))))"#,
    },
    Kernel {
        name: "nested loops in memory",
        ticks: 1 + 10 + 10 * 7,
        wat: r#"(module (memory 1)
          (func (export "run") (result i32) (local $i i32) (local $j i32) (local $s i32)
            (loop $outer
              (local.set $j (i32.const 0))
              (loop $inner
                (i32.store (local.get $s) (local.get $j))
                (local.set $s (i32.add (local.get $s) (i32.load8_u (local.get $s))))
                (local.set $j (i32.add (local.get $j) (i32.const 1)))
                (br_if $inner (i32.lt_u (local.get $j) (i32.const 7))))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $outer (i32.lt_u (local.get $i) (i32.const 10))))
            (local.get $s)))"#,
    },
    Kernel {
        name: "a loop as the first instruction of a loop",
        ticks: 1 + 3 + 3 * 4,
        wat: r#"(module
          (func (export "run") (result i32) (local $i i32) (local $n i32)
            (loop $outer
              (loop $inner
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $inner (i32.and (local.get $n) (i32.const 3))))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $outer (i32.lt_u (local.get $i) (i32.const 3))))
            (local.get $n)))"#,
    },
    Kernel {
        name: "branch table and early returns out of loops",
        // `pick` is entered five times; its loop runs 1, 1, 1, 4 and 4 times.
        ticks: 1 + 5 + 11,
        wat: r#"(module (import "host" "look" (func $look))
          (func $pick (param $n i32) (result i32) (local $k i32)
            (loop $again
              (block $two (block $one (block $zero
                (br_table $zero $one $two 3 $again (local.get $n)))
                (return (i32.const 100)))
                (br 2 (i32.const 200)))
              (call $look)
              (br_if 1 (i32.const 300) (i32.eq (local.get $n) (i32.const 2)))
              (drop)
              (local.set $n (i32.const 3))
              (br $again))
            (i32.const 400))
          (func $count (param $n i32) (result i32) (local $k i32)
            (loop $again
              (local.set $k (i32.add (local.get $k) (i32.const 1)))
              (br_if $again (i32.lt_u (local.get $k) (i32.const 4))))
            (if (local.get $n) (then (return (local.get $k))))
            (br 0 (i32.const 7)))
          (func (export "run") (result i32 i32 i32 i32 i32)
            (call $pick (i32.const 0)) (call $pick (i32.const 1)) (call $pick (i32.const 2))
            (call $count (i32.const 0)) (call $count (i32.const 1))))"#,
    },
    Kernel {
        name: "several values through blocks, loops and functions",
        // `swap` three times, `down` with 5 and with 3.
        ticks: 1 + 3 + 2 + 5 + 3,
        wat: r#"(module
          (func $swap (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
          (func $down (param i32) (result i32 i64 f64)
            (local.get 0)
            (loop $l (param i32) (result i32)
              (i32.sub (i32.const 1)) (local.tee 0)
              (br_if $l (local.get 0)))
            (br_if 0 (i64.const 9) (f64.const 2.5) (i32.const 1)))
          (func (export "run") (result i32 i64 f64 i32 i64 f64 i64 i32)
            (call $down (i32.const 5)) (call $down (i32.const 3))
            (i32.const 1) (i64.const 2) (call $swap)
            (drop) (drop)
            (i32.const 3) (i64.const 4) (call $swap)
            (drop) (drop)
            (i32.const 5) (i64.const 6) (call $swap)))"#,
    },
    Kernel {
        name: "tail calls between functions with loops",
        // `even` and `odd` 101 times; `even`, 51 times, loops twice.
        ticks: 1 + 101 + 51 * 2,
        wat: r#"(module (import "host" "look" (func $look))
          (type $f (func (param i32) (result i32)))
          (table funcref (elem $even $odd))
          (func $even (type $f) (local $k i32)
            (loop $l (local.set $k (i32.add (local.get $k) (i32.const 1)))
              (br_if $l (i32.lt_u (local.get $k) (i32.const 2))))
            (if (i32.eqz (local.get 0)) (then (call $look) (return (i32.const 1))))
            (return_call_indirect (type $f) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
          (func $odd (type $f)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
            (return_call $even (i32.sub (local.get 0) (i32.const 1))))
          (func (export "run") (result i32) (call $even (i32.const 100))))"#,
    },
    Kernel {
        name: "exceptions thrown out of loops and caught in loops",
        // The loop in `run` ten times, `thrower` ten times and its loop to the
        // throw: 1 + 2 + 3 + 4 iterations, and 4 in the other six.
        ticks: 1 + 10 + 10 + (1 + 2 + 3 + 4) + 6 * 4,
        wat: r#"(module (import "host" "look" (func $look))
          (tag $e (param i32))
          (func $thrower (param $n i32) (result i32) (local $k i32)
            (loop $l
              (local.set $k (i32.add (local.get $k) (i32.const 1)))
              (call $look)
              (if (i32.eq (local.get $k) (local.get $n)) (then (throw $e (local.get $k))))
              (br_if $l (i32.lt_u (local.get $k) (i32.const 4))))
            (i32.const 1000))
          (func (export "run") (result i32) (local $i i32) (local $sum i32)
            (loop $l
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (block $done
                (block $caught (result i32)
                  (try_table (catch $e $caught)
                    (local.set $sum (i32.add (local.get $sum) (call $thrower (local.get $i))))
                    (br $done))
                  (unreachable))
                (call $look)
                (local.set $sum (i32.add (local.get $sum))))
              (call $look)
              (br_if $l (i32.lt_u (local.get $i) (i32.const 10))))
            (local.get $sum)))"#,
    },
    Kernel {
        name: "indirect calls and calls out, in loops",
        ticks: 1 + 6 + 6,
        wat: r#"(module (import "host" "look" (func $look))
          (type $f (func (param i32) (result i32)))
          (table 2 funcref) (elem (i32.const 0) func $double $look_and_square)
          (func $double (type $f) (i32.add (local.get 0) (local.get 0)))
          (func $look_and_square (type $f) (call $look) (i32.mul (local.get 0) (local.get 0)))
          (func (export "run") (result i32) (local $i i32) (local $s i32)
            (loop $l
              (local.set $s (i32.add (local.get $s)
                (call_indirect (type $f) (local.get $i) (i32.and (local.get $i) (i32.const 1)))))
              (call $look)
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $l (i32.lt_u (local.get $i) (i32.const 6))))
            (local.get $s)))"#,
    },
    Kernel {
        name: "a start function, globals and data segments that use them",
        // `init` and its three iterations, then `run`.
        ticks: 1 + 3 + 1,
        wat: r#"(module (import "host" "base" (global $base i32)) (memory 1)
          (global $count (export "count") (mut i32) (i32.const 5))
          (global $f funcref (ref.func $init))
          (data (offset (global.get $base)) "\07\08")
          (func $init
            (loop $l
              (global.set $count (i32.add (global.get $count) (i32.const 1)))
              (br_if $l (i32.lt_u (global.get $count) (i32.const 8)))))
          (func (export "run") (result i32 i32 i32)
            (global.get $count) (i32.load16_u (global.get $base)) (ref.is_null (global.get $f)))
          (start $init))"#,
    },
    Kernel {
        name: "typed references and casts to the function's label",
        // `first` three times over lists of 4; `apply` and `inc` once.
        ticks: 1 + 3 * (1 + 3) + 2,
        wat: r#"(module
          (rec (type $list (struct (field i32) (field (ref null $list)))) (type $other (struct)))
          (type $f (func (param i32) (result i32)))
          (elem declare func $inc)
          (func $inc (type $f) (i32.add (local.get 0) (i32.const 1)))
          (func $apply (param (ref $f)) (result i32)
            (return_call_ref $f (i32.const 41) (local.get 0)))
          (func $first (param $l (ref null $list)) (result i32) (local $n i32)
            (loop $again
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if 1 (local.get $n) (i32.eq (local.get $n) (i32.const 3)))
              (drop)
              (local.set $l (struct.get $list 1 (local.get $l)))
              (br $again))
            (i32.const 0))
          (func (export "run") (result i32 i32 i32 i32) (local $l (ref null $list))
            (local.set $l (struct.new $list (i32.const 1)
              (struct.new $list (i32.const 2)
                (struct.new $list (i32.const 3)
                  (struct.new $list (i32.const 4) (ref.null $list))))))
            (call $apply (ref.func $inc))
            (call $first (local.get $l)) (call $first (local.get $l)) (call $first (local.get $l))))"#,
    },
    Kernel {
        name: "two memories, one of 64 bits, and vectors",
        ticks: 1 + 4,
        wat: r#"(module (memory 1) (memory $m i64 1)
          (func (export "run") (result i64) (local $i i64) (local $v v128)
            (memory.fill $m (i64.const 0) (i32.const 3) (i64.const 64))
            (loop $l
              (local.set $v (i64x2.add (local.get $v) (v128.load $m (local.get $i))))
              (local.set $i (i64.add (local.get $i) (i64.const 16)))
              (br_if $l (i64.lt_u (local.get $i) (i64.const 64))))
            (v128.store (i32.const 0) (local.get $v))
            (i64.load (i32.const 0))))"#,
    },
    Kernel {
        name: "unreachable after a loop",
        ticks: 1 + 2,
        wat: r#"(module
          (func (export "run") (result i32) (local $i i32)
            (loop $l
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $l (i32.lt_u (local.get $i) (i32.const 2))))
            unreachable
            (loop $dead (call 0) (drop) (br $dead))))"#,
    },
];

/// Modules that must stay valid, but have nothing to run.
pub const STILL: &[&str] = &[
    "(module)",
    "(module (memory 1))",
    r#"(module (import "a" "b" (func)) (export "b" (func 0)))"#,
    r#"(module (import "a" "t" (table 1 funcref)) (import "a" "f" (func)) (elem (i32.const 0) func 0))"#,
    r#"(module (import "a" "g" (global (mut i32))) (global i32 (i32.const 1)) (export "g" (global 1)))"#,
    r#"(module (tag $e) (func (result i32 i32)
         (loop $l try (call 0) (drop) (drop) catch $e (br $l) catch_all (rethrow 0) end)
         (i32.const 1) (i32.const 2)))"#,
    r#"(module (func (result i32) (loop (result i32) (unreachable) (br 0))))"#,
];

/// 130 functions, so that indices grow by a byte when one is put in front, and
/// as many globals.
pub fn crowded() -> String {
    let mut wat = String::from("(module (import \"a\" \"f\" (func))");
    for i in 0..130 {
        wat += &format!("(global $g{i} (mut i32) (i32.const {i}))");
        wat += &format!(
            "(func $f{i} (result i32) (local i64 f32) (loop $l (br_if $l (global.get $g{i})))
               (global.set $g{i} (call $f{})) (drop (ref.func $f{i})) (i32.const {i}))",
            (i + 1) % 130
        );
    }
    wat += "(elem declare func";
    for i in 0..130 {
        wat += &format!(" $f{i}");
    }
    wat + "))"
}
