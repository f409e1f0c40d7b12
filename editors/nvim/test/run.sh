#!/usr/bin/env bash
# Tests the plugin in a headless Neovim with nvim-dap, on a program that it records.
#   NVIM=…/nvim NVIM_DAP=…/nvim-dap RR_DAP=…/rr-dap editors/nvim/test/run.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
nvim=${NVIM:-$(command -v nvim || true)}
rr_dap=${RR_DAP:-$root/target/debug/rr-dap}
skip() {
  echo "nvim tests skipped: $1"
  exit 0
}
[ -n "$nvim" ] || skip "there is no nvim in the PATH, and NVIM names none"
[ -n "${NVIM_DAP:-}" ] || skip "NVIM_DAP does not name a copy of nvim-dap"
"$nvim" --clean --headless -c 'if !has("nvim-0.10") | cquit | endif' -c quit || skip "$nvim is older than 0.10"
[ -d "$NVIM_DAP/lua/dap" ] || { echo "$NVIM_DAP is not nvim-dap" >&2; exit 1; }
[ -x "$rr_dap" ] || { echo "$rr_dap is not there: cargo test builds it, or RR_DAP names it" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$root"/fixtures/ledger.{wasm,c,csv} "$work"
RR_DAP=$rr_dap "$root/editors/record-service.sh" "$work/service.rrtrace" /hello /status/503 "/slow?ms=60" "/trap?place=3"
export RR_DAP=$rr_dap NVIM_DAP WORK=$work PLUGIN=$here/..
export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state
failed=0
for test in "$here"/*_test.lua; do
  echo "# $(basename "$test")"
  (cd "$work" && "$nvim" --clean --headless --cmd "set rtp^=$PLUGIN" -l "$test") || failed=1
done
exit $failed
