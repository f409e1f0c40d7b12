;;; rr-dap.el --- Travel in recordings of WebAssembly components -*- lexical-binding: t -*-

;; Package-Requires: ((emacs "29.1") (dape "0.27"))
;; SPDX-License-Identifier: MIT OR Apache-2.0

;;; Commentary:

;; rr-dap for dape: two configurations, and commands for what dape has no keys
;; for, since other debuggers have no past.
;;
;;   (require 'rr-dap)
;;
;; `M-x dape RET rr-dap :program "app.wasm"' records a program and debugs the
;; recording; `rr-dap-attach' debugs what a server somewhere else has.  The
;; commands are in `dape-global-map': N, C and O are n, c and o backward, I goes
;; back into a call, [ and ] walk hostcalls, @ seeks, W asks who wrote a value.
;; All commands of rr-dap's console can be typed into
;; `*dape-repl*'; `help' lists them.

;;; Code:

(require 'dape)

(add-to-list 'dape-configs
             '(rr-dap
               modes (rust-mode rust-ts-mode c-mode c-ts-mode c++-mode c++-ts-mode
                     python-mode python-ts-mode)
               command "rr-dap"
               command-cwd dape-command-cwd
               :type "rr-dap"
               :request "launch"
               :program (lambda () (read-file-name "Program: " nil nil t))
               :cwd dape-cwd
               :stopOnEntry t))

(add-to-list 'dape-configs
             '(rr-dap-attach
               modes (rust-mode rust-ts-mode c-mode c-ts-mode c++-mode c++-ts-mode
                     python-mode python-ts-mode)
               host "127.0.0.1"
               port 4711
               :type "rr-dap"
               :request "attach"
               :stopOnEntry t))

;; dape shows the innermost frame that has a source, be it a shim's or the C
;; library's.  After a step or at a breakpoint that is what one wants to see.
;; `dape-stopped-hook' would be too early: the frames of the stop before are
;; still there.  Here those of this one are.
(defun rr-dap--own-frame-wanted-p (conn)
  "Whether the frame of CONN that is shown is still to be chosen.
After a step or at a breakpoint dape's choice is the right one."
  (and (equal (plist-get (dape--config conn) :type) "rr-dap")
       (dape--stopped-threads conn)
       (not (dape--stack-id conn))
       (not (member (dape--state-reason conn)
                    '("step" "breakpoint" "function breakpoint")))))

;; The start, and the end of a run that returned, are nowhere in a source.
(defun rr-dap--label (frame)
  "What to say where FRAME is none of the program's, else nil."
  (when (equal (plist-get frame :presentationHint) "label")
    (plist-get frame :name)))

(defvar rr-dap--most-frames 200
  "How many frames are looked through for one that is not subdued.")

(defun rr-dap--show-own-frame (display conn)
  "Select the innermost frame of CONN that is not subdued.
Where there is none, DISPLAY what dape does."
  (if (not (rr-dap--own-frame-wanted-p conn))
      (funcall display conn)
    (let ((thread (dape--current-thread conn)))
      (dape--with-request
          (dape--stack-trace conn thread
                             (max rr-dap--most-frames dape-stack-trace-levels))
        (let* ((frames (plist-get thread :stackFrames))
               (label (rr-dap--label (car frames)))
               (own (cl-find-if (lambda (frame)
                                  (and (plist-get frame :source)
                                       (equal (plist-get frame :presentationHint) "normal")))
                                frames)))
          (if (and own (not (eq own (car frames)))
                   (rr-dap--own-frame-wanted-p conn))
              (dape-select-stack conn (plist-get own :id))
            (funcall display conn)
            (when label
              (message "%s" label))))))))

(advice-add 'dape--stack-frame-display :around #'rr-dap--show-own-frame)

(defun rr-dap--move (request)
  "Send REQUEST, a motion of the protocol."
  (dape--next-like-command (dape--live-connection 'stopped) request))

(defun rr-dap-step-back ()
  "Step back one line, over calls."
  (interactive)
  (rr-dap--move :stepBack))

(defun rr-dap-reverse-continue ()
  "Run back to the breakpoint before this, or to the start."
  (interactive)
  (rr-dap--move :reverseContinue))

(defun rr-dap-tell (command)
  "Send COMMAND to the debugger's console."
  (interactive (list (read-string "rr-dap: ")))
  (dape-evaluate-expression (dape--live-connection 'stopped) command "repl"))

(defun rr-dap-back-into ()
  "Step back, into the call that returned here."
  (interactive)
  (rr-dap-tell "back in"))

(defun rr-dap-back-out ()
  "Step back to where this function was called."
  (interactive)
  (rr-dap-tell "back out"))

(defun rr-dap-next-hostcall ()
  "Go to the next hostcall."
  (interactive)
  (rr-dap-tell "hostcall next"))

(defun rr-dap-previous-hostcall ()
  "Go to the previous hostcall."
  (interactive)
  (rr-dap-tell "hostcall prev"))

(defun rr-dap-seek (moment)
  "Go to MOMENT: an event, a percentage, a mark, a position, `start' or `end'."
  (interactive (list (read-string "Seek: ")))
  (rr-dap-tell (concat "seek " moment)))

(defun rr-dap-who-wrote (expression)
  "Go to where the value of EXPRESSION was written last."
  (interactive (list (read-string "Who wrote: " (thing-at-point 'symbol))))
  (rr-dap-tell (concat "wrote " expression)))

(dolist (binding '(("N" . rr-dap-step-back)
                   ("C" . rr-dap-reverse-continue)
                   ("O" . rr-dap-back-out)
                   ("I" . rr-dap-back-into)
                   ("[" . rr-dap-previous-hostcall)
                   ("]" . rr-dap-next-hostcall)
                   ("@" . rr-dap-seek)
                   ("W" . rr-dap-who-wrote)))
  (keymap-set dape-global-map (car binding) (cdr binding)))

(provide 'rr-dap)

;;; rr-dap.el ends here
