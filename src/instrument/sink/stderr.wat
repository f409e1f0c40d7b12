;; The sink that writes the recording as lines of text to standard error, for where
;; a log is all that gets out. Parts of sink.wat.
;;
;; A line is `rr:trace:SEQUENCE:CRC:BASE64`, made at [4096].
;; IMPORTS
;; LOWERS
;; CODE-IMPORTS
    (global $sequence (mut i32) (i32.const 0))
;; OUTPUT
    (func $open)

    ;; Writes a number in decimal; answers where it ends.
    (func $decimal (param $p i32) (param $v i32) (result i32)
      (if (i32.ge_u (local.get $v) (i32.const 10))
        (then (local.set $p (call $decimal (local.get $p)
          (i32.div_u (local.get $v) (i32.const 10))))))
      (i32.store8 (local.get $p)
        (i32.add (i32.const 48) (i32.rem_u (local.get $v) (i32.const 10))))
      (i32.add (local.get $p) (i32.const 1)))

    (func $put-digit (param $p i32) (param $v i32)
      (i32.store8 (local.get $p) (i32.load8_u
        (i32.add (i32.const ALPHABET) (i32.and (local.get $v) (i32.const 63))))))

    ;; Base64 without padding; answers where it ends. Three bytes may be read past
    ;; the end.
    (func $base64 (param $to i32) (param $p i32) (param $n i32) (result i32)
      (local $v i32)
      (block $done (loop $three
        (br_if $done (i32.le_s (local.get $n) (i32.const 0)))
        (local.set $v (i32.shl (i32.load8_u (local.get $p)) (i32.const 16)))
        (if (i32.gt_s (local.get $n) (i32.const 1)) (then
          (local.set $v (i32.or (local.get $v)
            (i32.shl (i32.load8_u offset=1 (local.get $p)) (i32.const 8))))))
        (if (i32.gt_s (local.get $n) (i32.const 2)) (then
          (local.set $v (i32.or (local.get $v) (i32.load8_u offset=2 (local.get $p))))))
        (call $put-digit (local.get $to) (i32.shr_u (local.get $v) (i32.const 18)))
        (call $put-digit (i32.add (local.get $to) (i32.const 1))
          (i32.shr_u (local.get $v) (i32.const 12)))
        (call $put-digit (i32.add (local.get $to) (i32.const 2))
          (i32.shr_u (local.get $v) (i32.const 6)))
        (call $put-digit (i32.add (local.get $to) (i32.const 3)) (local.get $v))
        (local.set $to (i32.add (local.get $to) (select
          (i32.add (local.get $n) (i32.const 1)) (i32.const 4)
          (i32.lt_s (local.get $n) (i32.const 3)))))
        (local.set $p (i32.add (local.get $p) (i32.const 3)))
        (local.set $n (i32.sub (local.get $n) (i32.const 3)))
        (br $three)))
      (local.get $to))

    ;; A line holds 2976 bytes at most: with its head it is within the 4096 bytes
    ;; that one write may have, so that nothing comes between its parts.
    (func $put (param $p i32) (param $n i32) (local $part i32) (local $to i32)
      (block $done (loop $line
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $part (select (local.get $n) (i32.const 2976)
          (i32.lt_u (local.get $n) (i32.const 2976))))
        (memory.copy (i32.const 4096) (i32.const MARKER) (i32.const MARKER-LENGTH))
        (local.set $to (call $decimal
          (i32.add (i32.const 4096) (i32.const MARKER-LENGTH)) (global.get $sequence)))
        (global.set $sequence (i32.add (global.get $sequence) (i32.const 1)))
        (i32.store8 (local.get $to) (i32.const 58))
        (call $hex (i32.add (local.get $to) (i32.const 1))
          (i64.extend_i32_u (call $crc (local.get $p) (local.get $part))) (i32.const 8))
        (i32.store8 offset=9 (local.get $to) (i32.const 58))
        (local.set $to (call $base64 (i32.add (local.get $to) (i32.const 10))
          (local.get $p) (local.get $part)))
        (i32.store8 (local.get $to) (i32.const 10))
        (call $print (i32.const 4096) (i32.sub (local.get $to) (i32.const 4095)))
        (if (i32.load8_u (i32.const 0)) (then (global.set $failed (i32.const 1)) (unreachable)))
        (local.set $p (i32.add (local.get $p) (local.get $part)))
        (local.set $n (i32.sub (local.get $n) (local.get $part)))
        (br $line))))
;; WITH
