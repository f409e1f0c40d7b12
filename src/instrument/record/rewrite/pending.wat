  ;; What the far side owes: results of calls that have not returned, and what reads that
  ;; have blocked wait for. It is in memory from some moment at which the guest did not
  ;; run, and the guest may look before it is told. So the bytes are kept as they are
  ;; whenever the guest is left to where they may come from, and what is not as it was
  ;; kept when it goes on is logged.
  ;;
  ;; Memory $o, 40 bytes for each: waitable (0: free), event code of its completion,
  ;; header of the record, memory, address (64 bits), size (64 bits; of a stream: each
  ;; element's), length of all that may come (64 bits). Behind the last lie the bytes
  ;; kept, in the same order. Global $pending counts those in use; $owed-end is past the
  ;; last.
  (global $owed-end (mut i32) (i32.const 0))
  (type $keep (func (param i64 i32 i32)))
  (type $changed (func (param i32 i64 i32 i32)))

  (func (export "note-pending") (param $waitable i32) (param $event i32) (param $header i32) (param $address i64) (param $size i64) (param $length i64) (param $memory i32)
    (local $at i32)
    (block $free (loop $next
      (br_if $free (i32.ge_u (local.get $at) (global.get $owed-end)))
      (br_if $free (i32.eqz (i32.load $o (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 40)))
      (br $next)))
    (if (i32.ge_u (local.get $at) (global.get $owed-end)) (then
      (global.set $owed-end (i32.add (local.get $at) (i32.const 40)))
      (call $reach (global.get $owed-end))))
    (i32.store $o (local.get $at) (local.get $waitable))
    (i32.store $o offset=4 (local.get $at) (local.get $event))
    (i32.store $o offset=8 (local.get $at) (local.get $header))
    (i32.store $o offset=12 (local.get $at) (local.get $memory))
    (i64.store $o offset=16 (local.get $at) (local.get $address))
    (i64.store $o offset=24 (local.get $at) (local.get $size))
    (i64.store $o offset=32 (local.get $at) (local.get $length))
    (global.set $pending (i32.add (global.get $pending) (i32.const 1))))

  ;; Grows $o to hold what lies before $end.
  (func $reach (param $end i32)
    (local $have i32)
    (local.set $have (i32.shl (memory.size $o) (i32.const 16)))
    (if (i32.gt_u (local.get $end) (local.get $have)) (then
      (if (i32.eq (i32.const -1)
            (memory.grow $o (i32.add (i32.const 1)
              (i32.shr_u (i32.sub (local.get $end) (local.get $have)) (i32.const 16)))))
        (then unreachable)))))

  ;; How much is kept of what is owed at $at, where $end is past what is kept already.
  (func $kept (param $at i32) (param $end i32) (result i32)
    (local $length i64) (local $left i64)
    (local.set $length (i64.load $o offset=32 (local.get $at)))
    (local.set $left (i64.sub
      (i64.const KEPT-MAX)
      (i64.extend_i32_u (i32.sub (local.get $end) (global.get $owed-end)))))
    (i32.wrap_i64 (select (local.get $length) (local.get $left)
      (i64.lt_u (local.get $length) (local.get $left)))))

  ;; The guest is left.
  (func (export "keep")
    (local $at i32) (local $to i32) (local $length i32)
    (local.set $to (global.get $owed-end))
    (global.set $all-kept (i32.const 1))
    (loop $next
      (if (i32.ge_u (local.get $at) (global.get $owed-end)) (then return))
      (if (i32.load $o (local.get $at)) (then
        (local.set $length (call $kept (local.get $at) (local.get $to)))
        (if (i64.ne (i64.extend_i32_u (local.get $length)) (i64.load $o offset=32 (local.get $at)))
          (then (global.set $all-kept (i32.const 0))))
        (call $reach (i32.add (local.get $to) (local.get $length)))
        (call_indirect $access (type $keep)
          (i64.load $o offset=16 (local.get $at))
          (local.get $length)
          (local.get $to)
          (i32.add (i32.mul (i32.load $o offset=12 (local.get $at)) (i32.const ENTRIES)) (i32.const 1)))
        (local.set $to (i32.add (local.get $to) (local.get $length)))))
      (local.set $at (i32.add (local.get $at) (i32.const 40)))
      (br $next)))

  ;; The guest is about to go on, and to be told this event of this waitable, with this
  ;; code (event 0: none): logs what has been written for it, and what has come for
  ;; others already.
  (func (export "arrived") (param $event i32) (param $waitable i32) (param $code i32)
    (local $at i32) (local $end i32) (local $from i32) (local $length i32)
    (local.set $end (global.get $owed-end))
    (local.set $from (global.get $owed-end))
    (loop $next
      (if (i32.ge_u (local.get $at) (local.get $end)) (then return))
      (if (i32.load $o (local.get $at)) (then
        (local.set $length (call $kept (local.get $at) (local.get $from)))
        (if (call $is-told (local.get $at) (local.get $event) (local.get $waitable) (local.get $code))
          (then (call $deliver (local.get $at) (local.get $code)))
          (else
            (call_indirect $access (type $changed)
              (i32.load $o offset=8 (local.get $at))
              (i64.load $o offset=16 (local.get $at))
              (local.get $length)
              (local.get $from)
              (i32.add (i32.mul (i32.load $o offset=12 (local.get $at)) (i32.const ENTRIES)) (i32.const 2)))))
        (local.set $from (i32.add (local.get $from) (local.get $length)))))
      (local.set $at (i32.add (local.get $at) (i32.const 40)))
      (br $next)))

  ;; Whether the event tells that nothing more comes of what is owed at $at. Of a subtask
  ;; that starts, something does.
  (func $is-told (param $at i32) (param $event i32) (param $waitable i32) (param $code i32) (result i32)
    (i32.and
      (i32.and
        (i32.eq (i32.load $o (local.get $at)) (local.get $waitable))
        (i32.eq (i32.load $o offset=4 (local.get $at)) (local.get $event)))
      (i32.or
        (i32.ne (local.get $event) (i32.const SUBTASK))
        (i32.ge_u (local.get $code) (i32.const RETURNED)))))

  ;; What is owed at $at is complete with this code: logs it.
  (func $deliver (param $at i32) (param $code i32)
    (local $event i32) (local $length i64)
    (local.set $event (i32.load $o offset=4 (local.get $at)))
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
      (i32.mul (i32.load $o offset=12 (local.get $at)) (i32.const ENTRIES))))
