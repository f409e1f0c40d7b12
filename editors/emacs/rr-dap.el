;;; rr-dap.el --- Travel in recordings of WebAssembly components -*- lexical-binding: t -*-

;; Package-Requires: ((emacs "29.1") (dape "0.27"))
;; SPDX-License-Identifier: MIT OR Apache-2.0

;;; Commentary:

;; rr-dap for dape: four configurations, and commands for what dape has no keys
;; for, since other debuggers have no past.
;;
;;   (require 'rr-dap)
;;
;; `M-x dape RET rr-dap :program "app.wasm"' records a program and debugs the
;; recording; `rr-dap-recording' debugs one that is there, and `rr-dap-attach'
;; what a server somewhere else has.  The commands are in `dape-global-map': N,
;; C and O are n, c and o backward, I goes back into a call, [ and ] walk
;; hostcalls, @ seeks, W asks who wrote a value.  `M-x rr-dap-requests' lists what
;; a service was asked.  Where several recordings are debugged as one (`rr-dap-system' in
;; `M-x dape'), `M-x rr-dap-messages' lists what they said to each other, `rr-dap-nodes'
;; where each stands, and A goes along a message, with a prefix argument back.  All commands of rr-dap's console can be typed into
;; `*dape-repl*'; `help' lists them.
;;
;; While a session is there, its sources have a language server of Eglot's that knows
;; the whole recording, unless Eglot has another one for them: how often each line
;; ran (`eglot-inlay-hints-mode'), which values a variable had (`eldoc'), who wrote it
;; (`xref-find-references').  `rr-dap-first-visit', `rr-dap-last-visit',
;; `rr-dap-next-visit' and `rr-dap-previous-visit' go to visits of the line at point.

;;; Code:

(require 'dape)
(require 'eglot)

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
             '(rr-dap-recording
               modes (rust-mode rust-ts-mode c-mode c-ts-mode c++-mode c++-ts-mode
                     python-mode python-ts-mode)
               command "rr-dap"
               command-cwd dape-command-cwd
               :type "rr-dap"
               :request "launch"
               :trace (lambda () (expand-file-name (read-file-name "Recording: " nil nil t)))
               :stopAt "end"))

(add-to-list 'dape-configs
             '(rr-dap-system
               modes (rust-mode rust-ts-mode c-mode c-ts-mode c++-mode c++-ts-mode
                     python-mode python-ts-mode)
               command "rr-dap"
               command-cwd dape-command-cwd
               :type "rr-dap"
               :request "launch"
               :traces (lambda ()
                         (vector (expand-file-name
                                  (read-file-name "Directory, or .rrsystem file: " nil nil t))))
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

(defun rr-dap-next-hostcall (&optional builtins)
  "Go to the next hostcall.
With BUILTINS, the component model's own built-ins count, too."
  (interactive "P")
  (rr-dap-tell (if builtins "hostcall next --builtins" "hostcall next")))

(defun rr-dap-previous-hostcall (&optional builtins)
  "Go to the previous hostcall.
With BUILTINS, the component model's own built-ins count, too."
  (interactive "P")
  (rr-dap-tell (if builtins "hostcall prev --builtins" "hostcall prev")))

(defun rr-dap-to-result ()
  "Go to where the program is told of the result of this hostcall."
  (interactive)
  (rr-dap-tell "hostcall over --result"))

(defun rr-dap-back-from-result ()
  "Go back to the hostcall whose result the program was told of last."
  (interactive)
  (rr-dap-tell "hostcall back --result"))

(defun rr-dap-seek (moment)
  "Go to MOMENT: an event, a percentage, a mark, a position, `start' or `end'."
  (interactive (list (read-string "Seek: ")))
  (rr-dap-tell (concat "seek " moment)))

(defun rr-dap-who-wrote (expression)
  "Go to where the value of EXPRESSION was written last."
  (interactive (list (read-string "Who wrote: " (thing-at-point 'symbol))))
  (rr-dap-tell (concat "wrote " expression)))

(defun rr-dap-next-request (&optional failed)
  "Go to where the next request of a service comes in.
With a prefix argument FAILED, to the next one that failed."
  (interactive "P")
  (rr-dap-tell (if failed "request next failed" "request next")))

(defun rr-dap-previous-request (&optional failed)
  "Go back to where this request, or the one before, came in.
With a prefix argument FAILED, to the last one that failed."
  (interactive "P")
  (rr-dap-tell (if failed "request prev failed" "request prev")))

(defvar rr-dap-requests-limit 1000
  "How many requests are listed; of more, those around the present.")

(defvar-local rr-dap--failed-only nil
  "Whether the list has failed requests only.")

(defun rr-dap--duration (nanoseconds)
  "NANOSECONDS for people."
  (cond ((not nanoseconds) "")
        ((< nanoseconds 1000000) (format "%d us" (/ nanoseconds 1000)))
        ((< nanoseconds 1000000000) (format "%.1f ms" (/ nanoseconds 1e6)))
        (t (format "%.2f s" (/ nanoseconds 1e9)))))

(defun rr-dap--request-row (request here)
  "A row for REQUEST; HERE is the number of the present one."
  (let* ((number (plist-get request :number))
         (failed (eq (plist-get request :failed) t))
         (outcome (plist-get request :outcome))
         (problem (plist-get request :error))
         (time (or (plist-get request :time) "")))
    (list number
          (vector (cond ((equal number here) "▶") (failed "!") (t ""))
                  (number-to-string number)
                  (if-let* ((status (plist-get request :status)))
                      (number-to-string status) "-")
                  (propertize (plist-get request :title)
                              'face (if failed 'error 'default))
                  (if (string-match "T\\(.*\\)Z\\'" time) (match-string 1 time) "")
                  (rr-dap--duration (plist-get request :durationNs))
                  (cond (problem (format "%s: %s" outcome problem))
                        ((equal outcome "answered") "")
                        (t outcome))))))

(define-derived-mode rr-dap-requests-mode tabulated-list-mode "Requests"
  "What a service was asked, in the recording that is debugged.
\\<rr-dap-requests-mode-map>\\[rr-dap-go-to-request] goes to one, \\[rr-dap-toggle-failed] shows failed ones only."
  (setq tabulated-list-format
        [("" 1 nil) ("Number" 6 nil :right-align t) ("Status" 6 nil)
         ("Request" 40 nil) ("Time (UTC)" 12 nil)
         ("Took" 9 nil :right-align t) ("Outcome" 0 nil)])
  (setq-local revert-buffer-function (lambda (&rest _) (rr-dap--list-requests (current-buffer))))
  (tabulated-list-init-header))

(defun rr-dap--list-requests (buffer)
  "Fill BUFFER, around the present."
  (let ((conn (dape--live-connection 'stopped))
        (failed (buffer-local-value 'rr-dap--failed-only buffer)))
    (cl-flet ((ask (from then)
                (dape-request conn :rr/requests
                              `(:failed ,(or failed :json-false) :from ,from
                                :count ,rr-dap-requests-limit)
                              (lambda (body problem)
                                (if problem (message "%s" problem)
                                  (funcall then body))))))
      (ask 0 (lambda (body)
               (let* ((here (plist-get body :here))
                      (from (- (or here 0) (/ rr-dap-requests-limit 2)))
                      (show (lambda (body) (rr-dap--show-requests buffer body here))))
                 (if (or (<= from 0) (<= (plist-get body :total) rr-dap-requests-limit))
                     (funcall show body)
                   (ask from show))))))))

(defun rr-dap--show-requests (buffer body here)
  "Show BODY, an answer, in BUFFER; HERE is the number of the present request."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (setq tabulated-list-entries
            (mapcar (lambda (request) (rr-dap--request-row request here))
                    (plist-get body :requests)))
      (setq mode-name (format "Requests: %d of %d" (length tabulated-list-entries)
                              (plist-get body :total)))
      (tabulated-list-print t)
      (when here
        (goto-char (point-min))
        (while (and (not (eobp)) (not (equal (tabulated-list-get-id) here)))
          (forward-line))
        (when (eobp) (goto-char (point-min)))
        (dolist (window (get-buffer-window-list buffer nil t))
          (set-window-point window (point)))))))

(defun rr-dap-requests ()
  "List what a service was asked; the list follows the stops."
  (interactive)
  (let ((buffer (get-buffer-create "*rr-dap requests*")))
    (with-current-buffer buffer
      (unless (derived-mode-p 'rr-dap-requests-mode) (rr-dap-requests-mode)))
    (rr-dap--list-requests buffer)
    (display-buffer buffer)))

(defun rr-dap-go-to-request ()
  "Go to where the request of this line comes in."
  (interactive nil rr-dap-requests-mode)
  (when-let* ((number (tabulated-list-get-id)))
    (rr-dap-tell (format "seek request %d" number))))

(defun rr-dap-toggle-failed ()
  "Show all requests, or only those that failed."
  (interactive nil rr-dap-requests-mode)
  (setq rr-dap--failed-only (not rr-dap--failed-only))
  (rr-dap--list-requests (current-buffer)))

(keymap-set rr-dap-requests-mode-map "RET" #'rr-dap-go-to-request)
(keymap-set rr-dap-requests-mode-map "f" #'rr-dap-toggle-failed)

(defun rr-dap--follow-requests ()
  "Bring the list of requests, if it is shown, to the present."
  (when-let* ((buffer (get-buffer "*rr-dap requests*"))
              ((get-buffer-window buffer t)))
    (rr-dap--list-requests buffer)))

(add-hook 'dape-stopped-hook #'rr-dap--follow-requests)

(autoload 'rr-dap-messages "rr-dap-system" nil t)
(autoload 'rr-dap-nodes "rr-dap-system" nil t)
(autoload 'rr-dap-follow "rr-dap-system" nil t)

;; What the whole recording tells of each line.

(defcustom rr-dap-language-server t
  "Whether a session brings a language server for its sources."
  :type 'boolean
  :group 'dape)

(defclass rr-dap-language-server (eglot-lsp-server) ()
  :documentation "`rr-dap lsp'.")

(cl-defmethod eglot-initialization-options ((_ rr-dap-language-server))
  "Moments are gone to here."
  '(:clientGoes t))

(defvar rr-dap--served nil
  "The connection that was looked at for a language server.")

(defvar rr-dap--language-server nil
  "The language server of the session.")

(defun rr-dap--pairs (map)
  "MAP, a `sourceMap', as options of the command line."
  (cl-loop for (from to) on map by #'cddr
           append (list "--source-map"
                        (concat (string-remove-prefix ":" (format "%s" from)) "=" to))))

(defun rr-dap--contact (config recording)
  "The command line of a language server for RECORDING, debugged by CONFIG."
  (append (list (or (plist-get config 'command) "rr-dap") "lsp" recording)
          (rr-dap--pairs (plist-get config :sourceMap))))

(defun rr-dap--serve (conn recording buffer)
  "Begin to tell of RECORDING, that of CONN, in BUFFER."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (unless (eglot-current-server)
        (setq rr-dap--language-server
              (eglot--connect (list major-mode)
                              (or (project-current) (cons 'transient default-directory))
                              'rr-dap-language-server
                              (rr-dap--contact (dape--config conn) recording)
                              (list (string-remove-suffix "-mode" (symbol-name major-mode)))))))))

(defun rr-dap--serve-once ()
  "Begin to tell of what is debugged, in its first source that is shown."
  (when-let* ((rr-dap-language-server)
              ((buffer-file-name))
              (buffer (current-buffer))
              (conn (dape--live-connection 'stopped t))
              ((not (eq conn rr-dap--served)))
              ((equal (plist-get (dape--config conn) :type) "rr-dap"))
              ;; A server elsewhere has its recordings there.
              ((equal (plist-get (dape--config conn) :request) "launch")))
    (setq rr-dap--served conn)
    (dape-request conn :rr/when nil
                  (lambda (when-is problem)
                    (when-let* (((not problem))
                                (recording (plist-get when-is :recording)))
                      (rr-dap--serve conn recording buffer))))))

;; At `dape-stopped-hook' no source may be shown yet.
(add-hook 'dape-display-source-hook #'rr-dap--serve-once)

(defun rr-dap--serve-no-more ()
  "End the language server with the last session."
  (when (and (not dape-active-mode) rr-dap--language-server)
    (let ((server rr-dap--language-server))
      (setq rr-dap--language-server nil)
      ;; This may be in a process's sentinel, where that of another does not run.
      (run-at-time 0 nil (lambda ()
                           (when (jsonrpc-running-p server)
                             (eglot-shutdown server)))))))

(add-hook 'dape-active-mode-hook #'rr-dap--serve-no-more)

(defun rr-dap--visit (which)
  "Go to a visit of the line at point: WHICH one."
  (let ((server rr-dap--language-server)
        (file (buffer-file-name))
        (line (line-number-at-pos nil t))
        (conn (dape--live-connection 'stopped)))
    (unless (and server (jsonrpc-running-p server) file)
      (user-error "There is no language server of rr-dap here"))
    (dape-request
     conn :rr/when nil
     (lambda (when-is problem)
       (if problem (message "%s" problem)
         (jsonrpc-async-request
          server :rr/find
          `(:recording ,(plist-get when-is :recording) :file ,file :line ,line :which ,which
            :from ,(plist-get (plist-get when-is :moment) :position))
          :success-fn (lambda (found) (rr-dap-seek (plist-get found :position)))
          :error-fn (lambda (problem) (message "%s" (plist-get problem :message)))))))))

(defun rr-dap-first-visit ()
  "Go to the first time that the line at point ran."
  (interactive)
  (rr-dap--visit "first"))

(defun rr-dap-last-visit ()
  "Go to the last time that the line at point ran."
  (interactive)
  (rr-dap--visit "last"))

(defun rr-dap-next-visit ()
  "Go to the next time that the line at point runs."
  (interactive)
  (rr-dap--visit "next"))

(defun rr-dap-previous-visit ()
  "Go back to the last time before this that the line at point ran."
  (interactive)
  (rr-dap--visit "previous"))

(dolist (binding '(("N" . rr-dap-step-back)
                   ("C" . rr-dap-reverse-continue)
                   ("O" . rr-dap-back-out)
                   ("I" . rr-dap-back-into)
                   ("[" . rr-dap-previous-hostcall)
                   ("]" . rr-dap-next-hostcall)
                   ("{" . rr-dap-back-from-result)
                   ("}" . rr-dap-to-result)
                   ("@" . rr-dap-seek)
                   ("W" . rr-dap-who-wrote)
                   ("A" . rr-dap-follow)))
  (keymap-set dape-global-map (car binding) (cdr binding)))

(provide 'rr-dap)

;;; rr-dap.el ends here
