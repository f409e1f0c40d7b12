//! Random small modules with all kinds of control flow, that always end.

/// A module with an export `run` and an import `host.look`, different for each seed.
///
/// Calls take fuel from a global and go one level down, so that any function may call
/// any; loops count down a local of their own.
pub fn random_guest(seed: u64) -> String {
    let mut guest = Guest {
        state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        functions: 0,
        locals: 0,
    };
    guest.functions = 2 + guest.below(5);
    let mut wat = String::from(
        r#"(module (import "host" "look" (func $look))
          (type $f (func (param i32 i32) (result i32)))
          (tag $e (param i32))
          (global $fuel (mut i32) (i32.const 300))
        "#,
    );
    // Some are reached by name only.
    let listed = 1 + guest.below(guest.functions);
    wat += "(table funcref (elem";
    for i in 0..listed {
        wat += &format!(" $f{i}");
    }
    wat += "))\n";
    for i in 0..guest.functions {
        guest.locals = 0;
        let body = guest.statements(3);
        let locals: String = (0..guest.locals)
            .map(|i| format!(" (local $n{i} i32)"))
            .collect();
        wat += &format!(
            "(func $f{i} (type $f) (param $d i32) (param $x i32) (result i32){locals}\n{body}\n\
             (local.get $x))\n"
        );
    }
    // Small functions that call nothing.
    wat += "(func $leaf (param $x i32) (result i32)
              (if (i32.and (local.get $x) (i32.const 4)) (then (return (i32.const 5))))
              (i32.mul (local.get $x) (i32.const 31)))
            (func $tight (param $x i32) (result i32)
              (local.set $x (i32.and (local.get $x) (i32.const 7)))
              (loop $l
                (br_if $l (i32.gt_s
                  (local.tee $x (i32.sub (local.get $x) (i32.const 1))) (i32.const 0))))
              (local.get $x))\n";
    wat + "(func (export \"run\") (result i32)
             (call $look) (call $f0 (i32.const 6) (i32.const 12345)) (call $look)))"
}

struct Guest {
    state: u64,
    functions: u64,
    /// Locals of the function in the making that loops count down.
    locals: u64,
}

impl Guest {
    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % bound
    }

    fn statements(&mut self, nesting: u32) -> String {
        let count = 1 + self.below(4);
        (0..count).map(|_| self.statement(nesting)).collect()
    }

    fn condition(&mut self) -> String {
        let bit = 1 << self.below(6);
        format!("(i32.and (local.get $x) (i32.const {bit}))")
    }

    fn callee(&mut self) -> u64 {
        self.below(self.functions)
    }

    /// Calls something with one level less, where that may be.
    fn guarded(&mut self, call: &str) -> String {
        format!(
            "(if (i32.and (i32.gt_s (local.get $d) (i32.const 0))
                          (i32.gt_s (global.get $fuel) (i32.const 0)))
               (then (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1))) {call}))\n"
        )
    }

    fn statement(&mut self, nesting: u32) -> String {
        let arguments = "(i32.sub (local.get $d) (i32.const 1)) (local.get $x)";
        let simple = if nesting == 0 { 9 } else { 14 };
        match self.below(simple) {
            0 => "(call $look)\n".into(),
            1 | 2 => "(local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525))
                      (i32.const 1013904223)))\n"
                .into(),
            3 => "(local.set $x (call $leaf (local.get $x)))\n".into(),
            4 => "(local.set $x (call $tight (local.get $x)))\n".into(),
            5 => {
                let call = format!("(local.set $x (call $f{} {arguments}))", self.callee());
                self.guarded(&call)
            }
            6 => {
                let slot = self.below(8);
                let call = format!(
                    "(local.set $x (call_indirect (type $f) {arguments} (i32.const {slot})))"
                );
                // A slot beyond the table would trap.
                if slot == 0 {
                    self.guarded(&call)
                } else {
                    String::new()
                }
            }
            7 => {
                let condition = self.condition();
                match self.below(6) {
                    0 => format!("(if {condition} (then (throw $e (local.get $x))))\n"),
                    1 => format!("(if {condition} (then (return (local.get $x))))\n"),
                    2 => format!("(if {condition} (then (return (call $leaf (local.get $x)))))\n"),
                    3 => format!("(if {condition} (then (return_call $leaf (local.get $x))))\n"),
                    _ => {
                        let call = format!("(return_call $f{} {arguments})", self.callee());
                        format!("(if {condition} (then {}))\n", self.guarded(&call))
                    }
                }
            }
            8 => format!("(block (br_if 0 {}) (call $look))\n", self.condition()),
            9 | 10 => {
                let counter = self.locals;
                self.locals += 1;
                let (times, body) = (1 + self.below(4), self.statements(nesting - 1));
                let early = self.condition();
                format!(
                    "(local.set $n{counter} (i32.const {times}))
                     (block $out{counter} (loop $l{counter}
                       {body} (br_if $out{counter} {early})
                       (br_if $l{counter} (i32.gt_s (local.tee $n{counter}
                         (i32.sub (local.get $n{counter}) (i32.const 1))) (i32.const 0)))))\n"
                )
            }
            11 => {
                let condition = self.condition();
                let (yes, no) = (self.statements(nesting - 1), self.statements(nesting - 1));
                format!("(if {condition} (then {yes}) (else {no}))\n")
            }
            12 => {
                let (a, b) = (self.statements(nesting - 1), self.statements(nesting - 1));
                format!(
                    "(block (block (block (br_table 0 1 2 (i32.and (local.get $x) (i32.const 3))))
                       {a}) {b})\n"
                )
            }
            _ => {
                let body = self.statements(nesting - 1);
                format!(
                    "(local.set $x (block $caught (result i32)
                       (try_table (catch $e $caught) {body}) (local.get $x)))\n"
                )
            }
        }
    }
}
