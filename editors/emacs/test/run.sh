#!/usr/bin/env bash
# Tests the language server in Emacs in batch, and the package with dape, on a program that they
# record.
#   EMACS=…/emacs DAPE=…/dape RR_DAP=…/rr-dap editors/emacs/test/run.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
emacs=${EMACS:-$(command -v emacs || true)}
rr_dap=${RR_DAP:-$root/target/debug/rr-dap}
failed=0
skip() {
  echo "emacs tests skipped: $1"
  exit $failed
}
[ -n "$emacs" ] || skip "there is no emacs in the PATH, and EMACS names none"
[ -x "$rr_dap" ] || { echo "$rr_dap is not there: cargo test builds it, or RR_DAP names it" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$root"/fixtures/ledger.{wasm,c,csv} "$work"
export RR_DAP=$rr_dap WORK=$work
cd "$work"
# Before Emacs 29 Eglot is a package; -Q would not find those of the distribution.
if "$emacs" -q --batch --eval "(progn (package-initialize) (kill-emacs (if (require 'eglot nil t) 0 1)))"; then
  "$root/editors/record-ledger.sh" "$work"
  "$emacs" -q --batch -l "$here/language-server.el" || failed=1
else
  echo "Eglot's tests skipped: $emacs has no Eglot"
fi

[ -n "${DAPE:-}" ] || skip "the package's, as DAPE does not name a copy of dape"
"$emacs" -Q --batch --eval '(kill-emacs (if (version< emacs-version "29.1") 1 0))' ||
  skip "the package's, as $emacs is older than 29.1"
[ -f "$DAPE/dape.el" ] || { echo "$DAPE is not dape" >&2; exit 1; }
"$root/editors/record-service.sh" "$work/service.rrtrace" /hello /status/503 "/slow?ms=60" "/trap?place=3"
"$root/editors/record-system.sh" "$work/shop"
"$rr_dap" record --quiet --invoke 'run()' -o "$work/deadlock.rrtrace" "$root/fixtures/wat/deadlock.wat" 2>/dev/null || [ $? -eq 134 ]
"$emacs" -Q --batch -L "$DAPE" -L "$here/.." --eval '(setq byte-compile-error-on-warn t
  byte-compile-dest-file-function
  (lambda (file) (expand-file-name (concat (file-name-base file) ".elc") (getenv "WORK"))))' \
  -f batch-byte-compile "$here/../rr-dap.el" "$here/../rr-dap-system.el" "$here/../rr-dap-tasks.el"
"$emacs" -Q --batch -L "$DAPE" -L "$here/.." -l "$here/session.el" || failed=1
exit $failed
