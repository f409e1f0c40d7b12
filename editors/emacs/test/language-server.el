;;; language-server.el --- the language server in Eglot, without dape  -*- lexical-binding: t -*-

;; From Emacs 28 with Eglot 1.9 on.

(package-initialize)
(require 'eglot)
(require 'xref)

(defvar work (file-name-as-directory (getenv "WORK")))
(defvar failed nil)
(setq enable-local-variables nil)

(defun check (what found expected)
  (let ((ok (equal found expected)))
    (message "%s %s" (if ok "ok  " "FAIL") what)
    (unless ok
      (message "%S, not %S" found expected)
      (setq failed t))))

(defun wait (what pred)
  "Wait for PRED; not a measure of speed."
  (let ((until (time-add nil 120)) found)
    (while (not (setq found (funcall pred)))
      (when (time-less-p until nil)
        (message "FAIL %s did not come" what)
        (kill-emacs 1))
      (accept-process-output nil 0.02))
    found))

(defun to (line text)
  "Put point on TEXT in LINE."
  (goto-char (point-min))
  (forward-line (1- line))
  (search-forward text (line-end-position))
  (goto-char (match-beginning 0)))

(defun hover ()
  "What is told of what is at point, if anything is."
  (let ((told 'nothing))
    (eglot-hover-eldoc-function (lambda (text &rest _) (setq told text)))
    (wait "what is told" (lambda () (not (eq told 'nothing))))
    (or told "")))

(defun has (part text)
  (and (string-match part text) t))

(add-to-list 'eglot-server-programs
             `(c-mode . (,(getenv "RR_DAP") "lsp" ,(concat work "ledger.rrtrace")
                         "--source-map" ,(concat "/rr-dap/fixtures=" (directory-file-name work)))))

(with-current-buffer (find-file-noselect (concat work "ledger.c"))
  (switch-to-buffer (current-buffer))
  (c-mode)
  (apply #'eglot (eglot--guess-contact))
  (wait "the server" (lambda () (eglot-current-server)))
  (wait "the counts"
        (lambda ()
          (to 44 "apply")
          (has "ran 12 times" (hover))))
  (check "when a line ran" (has "- first: .*\n- last: " (hover)) t)
  (to 48 "amount")
  (let ((told (hover)))
    (check "which values there were" (has "had 12 values" told) t)
    (check "the first of them" (has "first: `?1200" told) t)
    (check "the last of them" (has "last: `?5000" told) t))
  (to 66 "balance")
  (call-interactively #'xref-find-references)
  (let ((found (wait "references" (lambda () (get-buffer "*xref*")))))
    (check "the lines that wrote it"
           (with-current-buffer found
             (let (lines)
               (goto-char (point-min))
               (while (re-search-forward "^ *\\([0-9]+\\): " nil t)
                 (push (string-to-number (match-string 1)) lines))
               (nreverse lines)))
           '(48 50)))
  (eglot-shutdown (eglot-current-server)))
(kill-emacs (if failed 1 0))
