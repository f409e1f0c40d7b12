#!/usr/bin/env bash
# Tests the language server in a headless Neovim, and the plugin with nvim-dap, on a program that
# they record.
#   NVIM=…/nvim NVIM_DAP=…/nvim-dap RR_DAP=…/rr-dap editors/nvim/test/run.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
nvim=${NVIM:-$(command -v nvim || true)}
rr_dap=${RR_DAP:-$root/target/debug/rr-dap}
failed=0
skip() {
  echo "nvim tests skipped: $1"
  exit $failed
}
# is_at_least VERSION: whether this Neovim is not older.
is_at_least() {
  "$nvim" --clean --headless -c "if !has('nvim-$1') | cquit | endif" -c quit
}
[ -n "$nvim" ] || skip "there is no nvim in the PATH, and NVIM names none"
is_at_least 0.7 || skip "$nvim is older than 0.7"
[ -x "$rr_dap" ] || { echo "$rr_dap is not there: cargo test builds it, or RR_DAP names it" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$root"/fixtures/ledger.{wasm,c,csv} "$root"/fixtures/later.wasm "$work"
export RR_DAP=$rr_dap WORK=$work PLUGIN=$here/..
export XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state
echo "# language_server.lua"
"$root/editors/record-ledger.sh" "$work"
(cd "$work" && "$nvim" --clean --headless -S "$here/language_server.lua") || failed=1

[ -n "${NVIM_DAP:-}" ] || skip "the plugin's, as NVIM_DAP does not name a copy of nvim-dap"
is_at_least 0.10 || skip "the plugin's, as $nvim is older than 0.10"
[ -d "$NVIM_DAP/lua/dap" ] || { echo "$NVIM_DAP is not nvim-dap" >&2; exit 1; }
"$root/editors/record-service.sh" "$work/service.rrtrace" /hello /status/503 "/slow?ms=60" "/trap?place=3"
"$root/editors/record-system.sh" "$work/shop"
for test in "$here"/*_test.lua; do
  echo "# $(basename "$test")"
  (cd "$work" && "$nvim" --clean --headless --cmd "set rtp^=$PLUGIN" -l "$test") || failed=1
done
exit $failed
