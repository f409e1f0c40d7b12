;; The recorder of one component instance: it owns the buffer that wrappers
;; write records into, and hands full buffers to the sink.
;;
;; Buffer memory $m: [0] position of the next record, [TIME-AT] and [SET-BY-AT] what the
;; host's clock says, [RECORDS..] records.
;; Block memory $b: blocks that realloc handed out and the far side may have
;; written, 24 bytes each: address (64 bits), length (64 bits; 0: settled), memory,
;; header of the record.
(module
  (import "memories" "buffer" (memory $m 1))
  OWED-MEMORY
  (import "sink" "commit" (func $sink (param i32 i32 i32)))
  (import "sink" "register" (func $register (param i32 i32) (result i32)))
  (memory $b (export "blocks") 1)
  (global $count (export "block-count") (mut i32) (i32.const 0))
  (global $live (export "block-live") (mut i32) (i32.const 0))
  ;; How much the far side owes.
  (global $pending (export "pending") (mut i32) (i32.const 0))
  ;; Whether all of it is kept: if not, something may come that is logged later.
  (global $all-kept (export "all-kept") (mut i32) (i32.const 1))
  (type $append (func (param i32 i64 i64)))
  (type $hash (func))
  ;; Whether the guest runs a realloc or a post-return, where it may not leave.
  (global $inside (export "inside") (mut i32) (i32.const 0))
  ;; How many calls out there were, where a call may return before one that was made later.
  (global $made (export "made") (mut i32) (i32.const 0))
  ;; What the host's clock said when that was logged last.
  (global $time (export "time") (mut i64) (i64.const 0))
  ;; For each guest memory: logging bytes of it, keeping them, logging what is not as
  ;; it was kept, and hashing it. Shims put in what they have.
  (table $access (export "access") ACCESS funcref)
  (global $instance (export "instance") (mut i32) (i32.const 0))

  ;; Hands what has been recorded to the sink.
  (func $commit (export "commit")
    (local $end i32)
    (local.set $end (i32.load $m (i32.const 0)))
    (if (i32.gt_u (local.get $end) (i32.const RECORDS)) (then
      (call $sink (global.get $instance) (i32.const RECORDS)
        (i32.sub (local.get $end) (i32.const RECORDS)))
      (i32.store $m (i32.const 0) (i32.const RECORDS)))))

  ;; Makes room for a record of $size bytes and answers where it goes. Where the
  ;; instance may not leave, calling the sink would trap: the buffer grows instead.
  (func $room (export "room") (param $size i32) (result i32)
    (if (i32.gt_u (i32.add (i32.load $m (i32.const 0)) (local.get $size)) (i32.const CAPACITY))
      (then
        (if (global.get $inside)
          (then (call $grow (local.get $size)))
          (else (call $commit)))))
    (i32.load $m (i32.const 0)))

  ;; Logs what the host's clock says. It is called where that has changed since.
  (func (export "log-time") (param $header i32)
    (local $at i32)
    (local.set $at (call $room (i32.const 20)))
    (global.set $time (i64.load $m (i32.const TIME-AT)))
    (i32.store $m (local.get $at) (local.get $header))
    (i64.store $m offset=4 (local.get $at) (global.get $time))
    (i64.store $m offset=12 (local.get $at) (i64.load $m (i32.const SET-BY-AT)))
    (i32.store $m (i32.const 0) (i32.add (local.get $at) (i32.const 20))))

  ;; Grows the buffer until $size bytes more fit.
  (func $grow (param $size i32)
    (local $need i32) (local $have i32)
    (local.set $need (i32.add (i32.load $m (i32.const 0)) (local.get $size)))
    (local.set $have (i32.shl (memory.size $m) (i32.const 16)))
    (if (i32.gt_u (local.get $need) (local.get $have)) (then
      (if (i32.eq (i32.const -1)
            (memory.grow $m (i32.add (i32.const 1)
              (i32.shr_u (i32.sub (local.get $need) (local.get $have)) (i32.const 16)))))
        (then unreachable)))))

  ;; Notes a block that realloc handed out; forgets the one it replaces, which is the
  ;; newest.
  (func (export "note-block") (param $address i64) (param $length i64) (param $old i64) (param $old-length i64) (param $memory i32) (param $header i32)
    (local $at i32)
    (if (i64.ne (local.get $old-length) (i64.const 0)) (then
      (local.set $at (i32.mul (global.get $count) (i32.const 24)))
      (block $done (loop $next
        (br_if $done (i32.eqz (local.get $at)))
        (local.set $at (i32.sub (local.get $at) (i32.const 24)))
        (br_if $next (i64.ne (i64.load $b (local.get $at)) (local.get $old)))
        (br_if $next (i32.ne (i32.load $b offset=16 (local.get $at)) (local.get $memory)))
        (br_if $next (i64.eqz (i64.load $b offset=8 (local.get $at))))
        (i64.store $b offset=8 (local.get $at) (i64.const 0))
        (global.set $live (i32.sub (global.get $live) (i32.const 1)))
        (if (i32.eq (i32.add (local.get $at) (i32.const 24)) (i32.mul (global.get $count) (i32.const 24)))
          (then (global.set $count (i32.sub (global.get $count) (i32.const 1)))))))))
    (if (i64.eqz (local.get $length)) (then return))
    (if (i32.eqz (global.get $live)) (then (global.set $count (i32.const 0))))
    (local.set $at (i32.mul (global.get $count) (i32.const 24)))
    (if (i32.gt_u (i32.add (local.get $at) (i32.const 24)) (i32.shl (memory.size $b) (i32.const 16)))
      (then (if (i32.eq (memory.grow $b (i32.const 1)) (i32.const -1)) (then unreachable))))
    (i64.store $b (local.get $at) (local.get $address))
    (i64.store $b offset=8 (local.get $at) (local.get $length))
    (i32.store $b offset=16 (local.get $at) (local.get $memory))
    (i32.store $b offset=20 (local.get $at) (local.get $header))
    (global.set $live (i32.add (global.get $live) (i32.const 1)))
    (global.set $count (i32.add (global.get $count) (i32.const 1))))

  ;; Logs the blocks that are left, of whichever memory.
  (func (export "settle-rest")
    (local $i i32) (local $at i32)
    (loop $next
      (if (i32.ge_u (local.get $i) (global.get $count)) (then return))
      (local.set $at (i32.mul (local.get $i) (i32.const 24)))
      (if (i64.ne (i64.load $b offset=8 (local.get $at)) (i64.const 0)) (then
        (call_indirect $access (type $append)
          (i32.load $b offset=20 (local.get $at))
          (i64.load $b (local.get $at))
          (i64.load $b offset=8 (local.get $at))
          (i32.mul (i32.load $b offset=16 (local.get $at)) (i32.const ENTRIES)))
        (i64.store $b offset=8 (local.get $at) (i64.const 0))
        (global.set $live (i32.sub (global.get $live) (i32.const 1)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))

  ;; Records the hashes of all guest memories that are known.
  (func (export "hash-all")
    (local $i i32)
    (local.set $i (i32.sub (i32.const ENTRIES) (i32.const 1)))
    (loop $next
      (if (i32.ge_u (local.get $i) (table.size $access)) (then return))
      (if (i32.eqz (ref.is_null (table.get $access (local.get $i))))
        (then (call_indirect $access (type $hash) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const ENTRIES)))
      (br $next)))

PENDING
  ;; A host is given the whole memory, so that it may share it with a file.
  (func $start
    (i32.store $m (i32.const 0) (i32.const RECORDS))
    (global.set $instance (call $register
      (i32.const 0) REGISTERED)))
  (start $start))
