;; The memories of one recorder. They stand in a module of their own because the
;; sink's functions are lowered into the buffer before the recorder exists.
(module
  (memory (export "buffer") PAGES)
  (memory (export "blocks") 1)
  (memory (export "owed") 1)
  (global (export "block-count") (mut i32) (i32.const 0))
  (global (export "block-live") (mut i32) (i32.const 0))
  (global (export "pending") (mut i32) (i32.const 0))
  ;; For each guest memory: copying out of it, the same without leaving the
  ;; instance, and hashing it. Shims put in what they have.
  (table (export "access") ACCESS funcref))
