;; The memory in which a recorder notes what the far side owes: see `pending.wat`.
(module
  (memory (export "owed") 1))
