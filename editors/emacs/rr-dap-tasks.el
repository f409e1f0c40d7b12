;;; rr-dap-tasks.el --- Tasks, and what they wait for -*- lexical-binding: t -*-

;; Package-Requires: ((emacs "29.1") (dape "0.27"))
;; SPDX-License-Identifier: MIT OR Apache-2.0

;;; Commentary:

;; The tasks of an asynchronous program and what each waits for (`rr-dap-tasks'), and who
;; waits for whom (`rr-dap-waits').  The lists follow the stops.  rr-dap.el loads this when
;; it is used.

;;; Code:

(require 'rr-dap-system)

(defvar-local rr-dap--tasks-at "here"
  "Of which moment the listed tasks are, `here' or `end'.")

(defun rr-dap--task-event (task)
  "The hostcall that TASK is in, or the last one before it began to wait, or ended."
  (let ((moment (or (plist-get task :ended) (plist-get task :since))))
    (or (plist-get task :hostcall)
        (and moment (max 0 (1- moment))))))

(defun rr-dap--task-words (task stuck)
  "How TASK stands; STUCK are the numbers of those that wait for ever."
  (let ((words (plist-get task :words)))
    (cond ((not (memq (plist-get task :id) stuck)) words)
          ((string-prefix-p "waits " words) (concat "waits for ever " (substring words 6)))
          (t (concat "waits for ever, " words)))))

(defun rr-dap--tasks-row (event number what words &optional stuck)
  "A row for what is NUMBER, WHAT and WORDS; RET leads to EVENT.
With STUCK, it waits for ever."
  (list event
        (vector (if stuck "!" "")
                (if number (number-to-string number) "")
                what
                (propertize words 'face (if stuck 'error 'default)))))

(defun rr-dap--stuck-tasks (waits)
  "The numbers of the tasks in WAITS that wait for ever."
  (delq nil (mapcar (lambda (node)
                      (and (equal (plist-get node :kind) "task")
                           (eq (plist-get node :isStuck) t)
                           (plist-get node :task)))
                    (plist-get waits :nodes))))

(defun rr-dap--deadlock-rows (waits)
  "A row for each way in which tasks in WAITS wait for each other."
  (mapcar (lambda (cycle)
            (let ((names (mapcar (lambda (place)
                                   (plist-get (elt (plist-get waits :nodes) place) :name))
                                 cycle)))
              (rr-dap--tasks-row nil nil "deadlock"
                                 (string-join (append names (list (car names))) " → ") t)))
          (plist-get waits :cycles)))

(defun rr-dap--task-row (task stuck)
  "A row for TASK; STUCK are the numbers of those that wait for ever."
  (let ((id (plist-get task :id)))
    (rr-dap--tasks-row (rr-dap--task-event task) id
                       (format "%s(%s)" (plist-get task :function) (plist-get task :arguments))
                       (rr-dap--task-words task stuck) (memq id stuck))))

(defun rr-dap--tasks-rows (body)
  "Rows for the tasks of BODY, for what instances hold, and for what has ended."
  (let* ((waits (plist-get body :waits))
         (stuck (rr-dap--stuck-tasks waits)))
    (append
     (rr-dap--deadlock-rows waits)
     (mapcar (lambda (task) (rr-dap--task-row task stuck)) (plist-get body :tasks))
     (mapcan (lambda (instance)
               (mapcar (lambda (item)
                         (rr-dap--tasks-row (plist-get item :hostcall) (plist-get item :index)
                                            (format "of instance %d" (plist-get instance :instance))
                                            (plist-get item :words)))
                       (plist-get instance :items)))
             (append (plist-get body :instances) nil))
     (mapcar (lambda (task) (rr-dap--task-row task nil)) (plist-get body :ended)))))

(define-derived-mode rr-dap-tasks-mode tabulated-list-mode "Tasks"
  "The tasks of the recording that is debugged, and what they wait for.
\\<rr-dap-tasks-mode-map>\\[rr-dap-go-to-task] goes to where one stands, or to the hostcall of the line.
\\[rr-dap-toggle-tasks-at-end] shows those at the end of the recording, or those here."
  (setq tabulated-list-format
        [("" 1 nil) ("Number" 6 nil :right-align t) ("Task" 32 nil) ("Waits for" 0 nil)])
  (setq-local revert-buffer-function (lambda (&rest _) (rr-dap--list-tasks (current-buffer))))
  (tabulated-list-init-header))

(defun rr-dap--list-tasks (buffer)
  "Fill BUFFER."
  (let ((at (buffer-local-value 'rr-dap--tasks-at buffer)))
    (rr-dap--ask :rr/tasks `(:at ,at)
                 (lambda (body)
                   (when (buffer-live-p buffer)
                     (with-current-buffer buffer
                       (setq tabulated-list-entries (rr-dap--tasks-rows body)
                             mode-name (format "Tasks: %d%s" (length (plist-get body :tasks))
                                               (if (equal at "end") " at the end" "")))
                       (tabulated-list-print)))))))

;;;###autoload
(defun rr-dap-tasks ()
  "List the tasks and what they wait for; the list follows the stops."
  (interactive)
  (rr-dap--open "*rr-dap tasks*" 'rr-dap-tasks-mode #'rr-dap--list-tasks))

(defun rr-dap-go-to-task ()
  "Go to where the task of this line stands, or to the hostcall of the line."
  (interactive nil rr-dap-tasks-mode)
  (if-let* ((event (tabulated-list-get-id)))
      (rr-dap-seek (format "event %d" event))
    (message "This line speaks of no event")))

(defun rr-dap-toggle-tasks-at-end ()
  "Show the tasks at the end of the recording, or those here."
  (interactive nil rr-dap-tasks-mode)
  (setq rr-dap--tasks-at (if (equal rr-dap--tasks-at "here") "end" "here"))
  (rr-dap--list-tasks (current-buffer)))

(keymap-set rr-dap-tasks-mode-map "RET" #'rr-dap-go-to-task)
(keymap-set rr-dap-tasks-mode-map "e" #'rr-dap-toggle-tasks-at-end)

;;;###autoload
(defun rr-dap-waits ()
  "Tell in the console who waits for whom, and who waits for ever."
  (interactive)
  (rr-dap-tell "waits"))

(defun rr-dap--follow-tasks ()
  "Bring the list of tasks, where it is shown, to the present."
  (when-let* ((buffer (get-buffer "*rr-dap tasks*"))
              ((get-buffer-window buffer t)))
    (rr-dap--list-tasks buffer)))

(add-hook 'dape-stopped-hook #'rr-dap--follow-tasks)

(provide 'rr-dap-tasks)

;;; rr-dap-tasks.el ends here
