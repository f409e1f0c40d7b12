;;; session.el --- a session in Emacs, in batch  -*- lexical-binding: t -*-

(require 'rr-dap)

(defvar work (file-name-as-directory (getenv "WORK")))
(defvar stops 0)
(defvar failed nil)
(setq dape-start-hook nil
      dape-request-timeout 60)
(add-hook 'dape-stopped-hook (lambda () (setq stops (1+ stops))))

(defvar messages nil)
(advice-add 'message :before
            (lambda (format &rest arguments)
              (when format (push (apply #'format-message format arguments) messages))))

(defun check (what ok)
  (message "%s %s" (if ok "ok  " "FAIL") what)
  (unless ok (setq failed t)))

(defun wait (what pred)
  "Wait for PRED; not a measure of speed."
  (let ((until (time-add nil 120)) found)
    (while (not (setq found (funcall pred)))
      (when (time-less-p until nil)
        (message "FAIL %s did not come; shown is %S" what (and (session) (shown)))
        (kill-emacs 1))
      (accept-process-output nil 0.02))
    found))

(defun session () (dape--live-connection 'stopped t))

(defun ask (command arguments)
  (let (answer)
    (dape-request (session) command arguments
                  (lambda (body error) (setq answer (list body error))))
    (car (wait command (lambda () answer)))))

(defun go (move &rest arguments)
  "Do MOVE; answer the innermost frame at the stop that follows, if any."
  (let ((before stops))
    (apply move arguments)
    (wait move (lambda () (and (> stops before) (session)))))
  (car (append (plist-get (ask :stackTrace '(:threadId 1)) :stackFrames) nil)))

(defun shown ()
  "What dape shows: the function of the frame that is selected, and the line that is marked."
  (let ((marked dape--stack-position-overlay))
    (list (plist-get (dape--current-stack-frame (session)) :name)
          (and (overlayp marked) (overlay-buffer marked)
               (with-current-buffer (overlay-buffer marked)
                 (cons (buffer-name) (line-number-at-pos (overlay-start marked))))))))

(defun shows (function file line)
  (wait (list 'shown function file line)
        (lambda () (equal (shown) (list function (cons file line))))))

(defun when-is ()
  (plist-get (ask :evaluate '(:expression "when" :context "repl")) :result))

(let* ((config (dape--config-eval
                'rr-dap
                (list 'command (getenv "RR_DAP")
                      'command-cwd work
                      :program (concat work "ledger.wasm")
                      :cwd work
                      :sourceMap `(:/rr-dap/fixtures ,(directory-file-name work))
                      :recordTo (concat work "ledger.rrtrace")
                      :dirs (vector (concat (directory-file-name work) "::/work")))))
       (source (concat work "ledger.c"))
       (begun (go #'dape config)))
  (check "it starts at main" (equal (plist-get begun :name) "main"))
  (check "the source is the one here"
         (equal (plist-get (plist-get begun :source) :path) source))
  (with-current-buffer (find-file-noselect source)
    (goto-char (point-min))
    (search-forward "from->balance -= ")
    (dape-breakpoint-toggle)
    (let* ((line (line-number-at-pos))
           (first (go #'call-interactively #'dape-continue))
           (first-time (when-is))
           (second (go #'call-interactively #'dape-continue)))
      (check "a breakpoint of Emacs stops" (equal (plist-get first :line) line))
      (check "and again" (equal (plist-get second :line) line))
      (let ((back (go #'rr-dap-reverse-continue)))
        (check "back to the first" (equal (plist-get back :line) line))
        (check "in time, too" (equal (when-is) first-time)))
      (check "a line back"
             (equal (plist-get (go #'rr-dap-step-back) :line) (1- line)))
      (check "back into what was called"
             (equal (plist-get (go #'rr-dap-back-into) :name) "find"))
      (check "back out" (equal (plist-get (go #'rr-dap-back-out) :name) "apply"))
      (check "a line on"
             (equal (plist-get (go #'call-interactively #'dape-next) :line) (1- line)))))
  (check "a step ends at a breakpoint on its way"
         (equal (plist-get (go #'rr-dap-next-hostcall) :name) "apply"))
  (check "a hostcall" (string-match-p "^wasi:" (plist-get (go #'rr-dap-next-hostcall) :name)))
  (check "it is shown where one's own code calls it" (shows "report" "ledger.c" 56))
  (check "and back to the breakpoint"
         (equal (plist-get (go #'rr-dap-previous-hostcall) :name) "apply"))
  (check "the one before"
         (string-match-p "^wasi:" (plist-get (go #'rr-dap-previous-hostcall) :name)))
  (go #'rr-dap-seek "end")
  (check "the end" (string-match-p "(100 %)" (when-is)))
  (go #'rr-dap-who-wrote "accounts[0].balance")
  (check "who wrote" (string-match-p "^event [0-9]+ of 52" (when-is)))
  (with-current-buffer (find-file-noselect source)
    (wait "a language server" (lambda () (eglot-current-server)))
    (check "it is rr-dap's" (cl-typep (eglot-current-server) 'rr-dap-language-server))
    (cl-flet ((hover (text)
                (let ((told 'nothing))
                  (goto-char (point-min))
                  (search-forward text)
                  (backward-char)
                  (eglot-hover-eldoc-function (lambda (answer &rest _) (setq told answer)))
                  (wait "a hover" (lambda () (not (eq told 'nothing))))
                  (or told ""))))
      (wait "the counts" (lambda () (string-match-p "ran 12 times" (hover "int apply"))))
      (check "which values there were"
             (string-match-p "had 12 values" (hover "-= transfer->amount"))))
    (eglot-inlay-hints-mode 1)
    (cl-flet ((hints ()
                (cl-loop for overlay in (overlays-in (point-min) (point-max))
                         when (overlay-get overlay 'eglot--inlay-hint)
                         collect (cons (line-number-at-pos (overlay-start overlay))
                                       (or (overlay-get overlay 'before-string)
                                           (overlay-get overlay 'after-string))))))
      ;; Nothing is displayed in batch.
      (eglot--update-hints-1 (point-min) (point-max))
      (wait "hints" #'hints)
      (check "how often a line ran" (string-match-p "×12\\'" (or (cdr (assq 48 (hints))) "")))
      (check "and another" (string-match-p "×1\\'" (or (cdr (assq 68 (hints))) "")))
      (check "lines that never ran have none" (not (assq 93 (hints)))))
    (goto-char (point-min))
    (search-forward "(account->balance")
    (backward-char)
    (call-interactively #'xref-find-references)
    (wait "references" (lambda () (get-buffer "*xref*")))
    (check "the lines that wrote it"
           (equal (with-current-buffer "*xref*"
                    (goto-char (point-min))
                    (cl-loop while (re-search-forward "^ *\\([0-9]+\\): " nil t)
                             collect (string-to-number (match-string 1))))
                  '(48 50)))
    (goto-char (point-min))
    (search-forward "from->balance -= ")
    (check "the first visit" (equal (plist-get (go #'rr-dap-first-visit) :name) "apply"))
    (let ((first (when-is)))
      (go #'rr-dap-next-visit)
      (check "the next one is another" (not (equal (when-is) first)))
      (go #'rr-dap-previous-visit)
      (check "and back" (equal (when-is) first))))
  (go #'rr-dap-seek "start")
  (check "the start" (string-match-p "^event 0 of " (when-is)))
  (check "it is said" (wait 'said (lambda () (member "start of the recording: nothing has run yet" messages))))
  (let ((process (jsonrpc--process (session))))
    (dape-quit)
    (wait "the end of the session" (lambda () (not (process-live-p process))))
    (check "nothing is left" (not (process-live-p process)))
    (wait "the end of the language server"
          (lambda () (with-current-buffer (find-buffer-visiting source) (not (eglot-current-server)))))))
(let* ((said "")
       (server (make-process :name "server"
                             :command (list (getenv "RR_DAP") "--listen" "0"
                                            "--trace" (concat work "ledger.rrtrace"))
                             :filter (lambda (_ text) (setq said (concat said text)))))
       (port (progn (wait "the port" (lambda () (string-match "^LISTENING \\([0-9]+\\)\n" said)))
                    (string-to-number (match-string 1 said))))
       (config (dape--config-eval 'rr-dap-attach (list 'port port))))
  (check "it attaches" (equal (plist-get (go #'dape config) :name) "main"))
  (go #'rr-dap-next-hostcall)
  (check "and travels" (string-match-p "in wasi:" (when-is)))
  (dape-quit)
  (wait "the end of the session" (lambda () (not (dape--live-connections))))
  (check "the server lives" (process-live-p server))
  (delete-process server))
;; The requests of a service.
(let ((config (dape--config-eval
               'rr-dap-recording
               (list 'command (getenv "RR_DAP") 'command-cwd work
                     :trace (concat work "service.rrtrace")))))
  (go #'dape config)
  (rr-dap-requests)
  (cl-flet ((rows () (with-current-buffer "*rr-dap requests*" (mapcar #'cadr tabulated-list-entries)))
            (thread () (plist-get (aref (plist-get (ask :threads nil) :threads) 0) :name))
            (on-line (number) (goto-char (point-min)) (forward-line (1- number))))
    (wait "the list" (lambda () (= (length (rows)) 4)))
    (check "the present one is marked" (equal (aref (nth 3 (rows)) 0) "▶"))
    (check "a failed one, too" (equal (aref (nth 1 (rows)) 0) "!"))
    (check "its status" (equal (aref (nth 1 (rows)) 2) "503"))
    (check "how long one took" (string-match-p " ms\\'" (aref (nth 2 (rows)) 5)))
    (check "what became of one" (string-prefix-p "trapped: " (aref (nth 3 (rows)) 6)))
    (go (lambda () (with-current-buffer "*rr-dap requests*" (on-line 2) (rr-dap-go-to-request))))
    (check "a line leads there" (string-prefix-p "request 2: GET /status/503, " (thread)))
    (wait "the list follows" (lambda () (equal (aref (nth 1 (rows)) 0) "▶")))
    (go #'rr-dap-next-request)
    (check "the next" (string-prefix-p "request 3: " (thread)))
    (go #'rr-dap-previous-request t)
    (check "the last that failed" (string-prefix-p "request 2: " (thread)))
    (with-current-buffer "*rr-dap requests*" (rr-dap-toggle-failed))
    (wait "failed ones" (lambda () (= (length (rows)) 2))))
  (dape-quit)
  (wait "the end of the session" (lambda () (not (dape--live-connections)))))
(kill-emacs (if failed 1 0))
