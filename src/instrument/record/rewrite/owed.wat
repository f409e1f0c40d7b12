;; The memory in which a recorder notes what the far side owes, and keeps what is there
;; meanwhile: see `pending.wat`.
(module
  (memory (export "owed") 1))
