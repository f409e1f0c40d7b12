;; The buffer of one recorder. It stands in a module of its own because the sink's
;; functions are lowered into it before the recorder exists, and no module here has
;; more than one memory, as pooling allocators want it.
(module
  (memory (export "buffer") PAGES))
