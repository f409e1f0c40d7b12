#!/usr/bin/env bash
# A recording of the ledger in a directory that has the fixture, for the tests of editors:
#   RR_DAP=…/rr-dap record-ledger.sh DIRECTORY
set -euo pipefail
# It traps: that is the bug in it.
if "$RR_DAP" record --dir "$1::/work" -o "$1/ledger.rrtrace" "$1/ledger.wasm" >"$1/said" 2>&1 ||
  ! grep -q unreachable "$1/said"; then
  cat "$1/said" >&2
  exit 1
fi
