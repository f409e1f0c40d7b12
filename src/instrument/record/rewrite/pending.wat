  ;; What the far side owes: results of calls that have not returned and of reads
  ;; that have blocked, to be logged when the guest is told that they are there.
  ;;
  ;; Memory $o, 32 bytes for each: waitable (0: free), event code of its completion,
  ;; header of the record, memory, address (64 bits), size (64 bits; of a stream:
  ;; each element's). Global $pending counts those in use; $owed-end is past the
  ;; last.
  (global $owed-end (mut i32) (i32.const 0))
  (type $append (func (param i32 i64 i64)))
  (type $hash (func))

  (func (export "note-pending") (param $waitable i32) (param $event i32) (param $header i32) (param $address i64) (param $size i64) (param $memory i32)
    (local $at i32)
    (block $free (loop $next
      (br_if $free (i32.ge_u (local.get $at) (global.get $owed-end)))
      (br_if $free (i32.eqz (i32.load $o (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br $next)))
    (if (i32.ge_u (local.get $at) (global.get $owed-end)) (then
      (global.set $owed-end (i32.add (local.get $at) (i32.const 32)))
      (if (i32.gt_u (global.get $owed-end) (i32.shl (memory.size $o) (i32.const 16)))
        (then (if (i32.eq (memory.grow $o (i32.const 1)) (i32.const -1)) (then unreachable))))))
    (i32.store $o (local.get $at) (local.get $waitable))
    (i32.store $o offset=4 (local.get $at) (local.get $event))
    (i32.store $o offset=8 (local.get $at) (local.get $header))
    (i32.store $o offset=12 (local.get $at) (local.get $memory))
    (i64.store $o offset=16 (local.get $at) (local.get $address))
    (i64.store $o offset=24 (local.get $at) (local.get $size))
    (global.set $pending (i32.add (global.get $pending) (i32.const 1))))

  ;; The guest is about to be told this event of this waitable, with this code:
  ;; logs what has been written for it.
  (func (export "deliver") (param $event i32) (param $waitable i32) (param $code i32)
    (local $at i32) (local $length i64)
    (block $found (loop $next
      (if (i32.ge_u (local.get $at) (global.get $owed-end)) (then return))
      (br_if $found (i32.and
        (i32.eq (i32.load $o (local.get $at)) (local.get $waitable))
        (i32.eq (i32.load $o offset=4 (local.get $at)) (local.get $event))))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br $next)))
    ;; Of a subtask that starts: nothing yet.
    (if (i32.and (i32.eq (local.get $event) (i32.const SUBTASK)) (i32.lt_u (local.get $code) (i32.const RETURNED)))
      (then return))
    (local.set $length (i64.load $o offset=24 (local.get $at)))
    ;; So many elements of a stream.
    (if (i32.eq (local.get $event) (i32.const STREAM-READ)) (then
      (local.set $length (i64.mul (local.get $length)
        (i64.extend_i32_u (i32.shr_u (local.get $code) (i32.const CODE-BITS)))))))
    ;; No result of a subtask that was cancelled, no value of a future that was.
    (if (i32.or
          (i32.and (i32.eq (local.get $event) (i32.const SUBTASK)) (i32.ne (local.get $code) (i32.const RETURNED)))
          (i32.and (i32.eq (local.get $event) (i32.const FUTURE-READ)) (i32.ne (local.get $code) (i32.const COMPLETED))))
      (then (local.set $length (i64.const 0))))
    (i32.store $o (local.get $at) (i32.const 0))
    (global.set $pending (i32.sub (global.get $pending) (i32.const 1)))
    (if (i32.eqz (global.get $pending)) (then (global.set $owed-end (i32.const 0))))
    (call_indirect $access (type $append)
      (i32.load $o offset=8 (local.get $at))
      (i64.load $o offset=16 (local.get $at))
      (local.get $length)
      (i32.mul (i32.load $o offset=12 (local.get $at)) (i32.const 3))))

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
          (i32.mul (i32.load $b offset=16 (local.get $at)) (i32.const 3)))
        (i64.store $b offset=8 (local.get $at) (i64.const 0))
        (global.set $live (i32.sub (global.get $live) (i32.const 1)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))

  ;; Records the hashes of all guest memories that are known.
  (func (export "hash-all")
    (local $i i32)
    (local.set $i (i32.const 2))
    (loop $next
      (if (i32.ge_u (local.get $i) (table.size $access)) (then return))
      (if (i32.eqz (ref.is_null (table.get $access (local.get $i))))
        (then (call_indirect $access (type $hash) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 3)))
      (br $next)))
