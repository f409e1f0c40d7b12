;;; rr-dap-system.el --- Several recordings debugged as one -*- lexical-binding: t -*-

;; Package-Requires: ((emacs "29.1") (dape "0.27"))
;; SPDX-License-Identifier: MIT OR Apache-2.0

;;; Commentary:

;; What the recordings of a system said to each other (`rr-dap-messages'), where each of
;; them stands (`rr-dap-nodes'), and the way along a message (`rr-dap-follow').  The lists
;; follow the stops.  rr-dap.el loads this when it is used.

;;; Code:

(require 'rr-dap)

(defvar rr-dap-messages-limit 1000
  "How many messages are listed; of more, those around the present.")

(defvar-local rr-dap--messages-filter ""
  "What the listed messages have in their line.")

(defvar-local rr-dap--messages nil
  "The listed messages, by their numbers.")

(defun rr-dap--ask (request arguments then)
  "Send REQUEST with ARGUMENTS; call THEN with the answer, or tell why not."
  (dape-request (dape--live-connection 'stopped) request arguments
                (lambda (body problem)
                  (if problem (message "%s" problem)
                    (funcall then body)))))

(defun rr-dap--message-end (message end)
  "What node is at END of MESSAGE, `:from' or `:to'."
  (or (plist-get (plist-get message end) :node)
      (if (equal (plist-get message :kind) "ambiguous")
          (concat "? " (string-join (append (plist-get message :candidates) nil) ", "))
        "outside")))

(defun rr-dap--message-row (message now)
  "A row for MESSAGE; NOW is the number of the last one up to the present."
  (let* ((number (plist-get message :number))
         (kind (plist-get message :kind))
         (bytes (or (plist-get message :bytes) 0))
         (took (plist-get message :tookNs))
         (against (equal kind "contradiction")))
    (list number
          (vector (cond ((= number now) "▶") (against "!")
                        ((equal kind "message") "") (t "?"))
                  (number-to-string number)
                  (rr-dap--message-end message :from)
                  (rr-dap--message-end message :to)
                  (propertize (plist-get message :said) 'face (if against 'error 'default))
                  (if (> bytes 0) (number-to-string bytes) "")
                  (cond ((not took) "")
                        ((< took 0) (concat "-" (rr-dap--duration (- took))))
                        (t (rr-dap--duration took)))
                  (or (plist-get message :evidence) kind)))))

(define-derived-mode rr-dap-messages-mode tabulated-list-mode "Messages"
  "What recordings that are debugged as one said to each other.
\\<rr-dap-messages-mode-map>\\[rr-dap-go-to-sent] goes to where a message was sent,
\\[rr-dap-go-to-received] to where it is received.
\\[rr-dap-filter-messages] shows those with a text in their line only."
  (setq tabulated-list-format
        [("" 1 nil) ("Number" 6 nil :right-align t) ("From" 16 nil) ("To" 16 nil)
         ("Message" 40 nil) ("Bytes" 8 nil :right-align t)
         ("Took" 9 nil :right-align t) ("Told by" 0 nil)])
  (setq-local revert-buffer-function (lambda (&rest _) (rr-dap--list-messages (current-buffer))))
  (tabulated-list-init-header))

(defun rr-dap--list-messages (buffer)
  "Fill BUFFER, around the present."
  (rr-dap--ask :rr/messages
               `(:filter ,(buffer-local-value 'rr-dap--messages-filter buffer)
                 :around t :count ,(* 2 rr-dap-messages-limit))
               (lambda (body)
                 (when (buffer-live-p buffer)
                   (let ((now (plist-get body :now))
                         (messages (append (plist-get body :messages) nil)))
                     (with-current-buffer buffer
                       (setq rr-dap--messages
                             (mapcar (lambda (of) (cons (plist-get of :number) of)) messages))
                       (setq mode-name (format "Messages: %d of %d" (length messages)
                                               (plist-get body :total)))
                       (rr-dap--print-rows (mapcar (lambda (of) (rr-dap--message-row of now))
                                                   messages)
                                           now)))))))

(defun rr-dap--print-rows (rows here)
  "Show ROWS in this buffer, with point at the last one up to HERE, a number."
  (setq tabulated-list-entries rows)
  (tabulated-list-print t)
  (goto-char (point-min))
  (let ((place (point)))
    (while (not (eobp))
      (when (<= (or (tabulated-list-get-id) 0) here)
        (setq place (point)))
      (forward-line))
    (goto-char place))
  (dolist (window (get-buffer-window-list nil nil t))
    (set-window-point window (point))))

(defun rr-dap--open (name mode list)
  "Show the buffer called NAME, which is in MODE and filled by LIST."
  (let ((buffer (get-buffer-create name)))
    (with-current-buffer buffer
      (unless (derived-mode-p mode) (funcall mode)))
    (funcall list buffer)
    (display-buffer buffer)))

;;;###autoload
(defun rr-dap-messages ()
  "List what the recordings said to each other; the list follows the stops."
  (interactive)
  (rr-dap--open "*rr-dap messages*" 'rr-dap-messages-mode #'rr-dap--list-messages))

(defun rr-dap-filter-messages (text)
  "List only messages with TEXT in their line; with an empty one, all."
  (interactive (list (read-string "Messages with: " rr-dap--messages-filter)) rr-dap-messages-mode)
  (setq rr-dap--messages-filter text)
  (rr-dap--list-messages (current-buffer)))

(defun rr-dap--go-to-message (end)
  "Go to END of the message of this line, `sent' or `received'."
  (when-let* ((number (tabulated-list-get-id)))
    (rr-dap--ask :rr/goMessage `(:number ,number :end ,end) #'ignore)))

(defun rr-dap-go-to-sent ()
  "Go to where the message of this line was sent.
If that is not known, go to where it was received."
  (interactive nil rr-dap-messages-mode)
  (let ((message (alist-get (tabulated-list-get-id) rr-dap--messages)))
    (rr-dap--go-to-message (if (plist-get message :from) "sent" "received"))))

(defun rr-dap-go-to-received ()
  "Go to where the message of this line is received."
  (interactive nil rr-dap-messages-mode)
  (rr-dap--go-to-message "received"))

(keymap-set rr-dap-messages-mode-map "RET" #'rr-dap-go-to-sent)
(keymap-set rr-dap-messages-mode-map "r" #'rr-dap-go-to-received)
(keymap-set rr-dap-messages-mode-map "/" #'rr-dap-filter-messages)

(define-derived-mode rr-dap-nodes-mode tabulated-list-mode "Nodes"
  "Where the recordings stand that are debugged as one.
\\<rr-dap-nodes-mode-map>\\[rr-dap-go-to-node] looks at one."
  (setq tabulated-list-format
        [("" 1 nil) ("Node" 24 nil) ("Of the order" 12 nil :right-align t) ("Moment" 0 nil)])
  (setq-local revert-buffer-function (lambda (&rest _) (rr-dap--list-nodes (current-buffer))))
  (tabulated-list-init-header))

(defun rr-dap--list-nodes (buffer)
  "Fill BUFFER."
  (rr-dap--ask :rr/system nil
               (lambda (body)
                 (let ((present (plist-get body :threadId))
                       (nodes (append (plist-get body :nodes) nil)))
                   (cond ((not nodes) (message "One recording alone is debugged"))
                         ((buffer-live-p buffer)
                          (with-current-buffer buffer
                            (rr-dap--print-rows
                             (mapcar (lambda (node) (rr-dap--node-row node present)) nodes)
                             present))))))))

(defun rr-dap--node-row (node present)
  "A row for NODE; PRESENT is the thread that was moved last."
  (let ((thread (plist-get node :threadId))
        (part (plist-get node :part)))
    (list thread
          (vector (if (= thread present) "▶" "")
                  (plist-get node :name)
                  (if part (format "%.0f %%" (* 100 part)) "")
                  (plist-get node :moment)))))

;;;###autoload
(defun rr-dap-nodes ()
  "List the recordings that are debugged as one; the list follows the stops."
  (interactive)
  (rr-dap--open "*rr-dap nodes*" 'rr-dap-nodes-mode #'rr-dap--list-nodes))

(defun rr-dap-go-to-node ()
  "Look at the recording of this line, and move it from now on."
  (interactive nil rr-dap-nodes-mode)
  (when-let* ((thread (tabulated-list-get-id)))
    (rr-dap-tell (format "node %d" thread))))

(keymap-set rr-dap-nodes-mode-map "RET" #'rr-dap-go-to-node)

;;;###autoload
(defun rr-dap-follow (&optional back)
  "Go along the message that is sent here, to where it is received.
With a prefix argument BACK, to where the one was sent that was received here."
  (interactive "P")
  (rr-dap--ask :rr/follow `(:direction ,(if back "backward" "forward")) #'ignore))

(defun rr-dap--follow-system ()
  "Bring the lists of messages and nodes, where they are shown, to the present."
  (dolist (shown '(("*rr-dap messages*" . rr-dap--list-messages)
                   ("*rr-dap nodes*" . rr-dap--list-nodes)))
    (when-let* ((buffer (get-buffer (car shown)))
                ((get-buffer-window buffer t)))
      (funcall (cdr shown) buffer))))

(add-hook 'dape-stopped-hook #'rr-dap--follow-system)

(provide 'rr-dap-system)

;;; rr-dap-system.el ends here
