//! The line that is being typed, and what keys do to it. Nothing here knows a terminal.

use console::Key;

/// A line with a cursor, and the lines typed before.
#[derive(Debug, Default)]
pub(super) struct LineEditor {
    text: Vec<char>,
    /// Characters before the cursor.
    cursor: usize,
    /// What was cut last.
    cut: Vec<char>,
    history: Vec<String>,
    /// The line of the history that is shown; its length where none is.
    recalled: usize,
    /// What was typed before a line of the history was.
    own: Vec<char>,
    /// Looking for a line of the history that has this.
    search: Option<String>,
}

/// What a key comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Edited,
    /// The line is done.
    Entered(String),
    /// Somebody shall complete the word before the cursor.
    Complete,
    /// The line is thrown away.
    Abandoned,
    ClearScreen,
    End,
}

const fn control(letter: u8) -> char {
    (letter & 0x1f) as char
}

const START: char = control(b'a');
const BACK: char = control(b'b');
const END_OF_INPUT: char = control(b'd');
const END: char = control(b'e');
const FORWARD: char = control(b'f');
const QUIT_SEARCH: char = control(b'g');
const CUT_TO_END: char = control(b'k');
const CLEAR: char = control(b'l');
const NEWER: char = control(b'n');
const OLDER: char = control(b'p');
const SEARCH: char = control(b'r');
const CUT_ALL_BEFORE: char = control(b'u');
const CUT_WORD: char = control(b'w');
const PASTE: char = control(b'y');

impl LineEditor {
    pub(super) fn with_history(history: Vec<String>) -> Self {
        Self {
            recalled: history.len(),
            history,
            ..Self::default()
        }
    }

    pub(super) fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// The text before the cursor.
    pub(super) fn before(&self) -> String {
        self.text.iter().take(self.cursor).collect()
    }

    /// What is looked for in the history.
    pub(super) fn search(&self) -> Option<&str> {
        self.search.as_deref()
    }

    /// Keeps a line for later; one that is the same as the last is kept once.
    ///
    /// Answers whether it is new.
    pub(super) fn remember(&mut self, line: &str) -> bool {
        let is_new = !line.trim().is_empty() && self.history.last().is_none_or(|last| last != line);
        if is_new {
            self.history.push(line.to_owned());
        }
        self.recalled = self.history.len();
        is_new
    }

    pub(super) fn press(&mut self, key: Key) -> Outcome {
        if self.search.is_some() && self.press_in_search(&key) {
            return Outcome::Edited;
        }
        match key {
            Key::Enter | Key::Char('\r' | '\n') => {
                let line = self.text();
                self.replace(Vec::new());
                return Outcome::Entered(line);
            }
            Key::Tab => return Outcome::Complete,
            Key::CtrlC => {
                self.recalled = self.history.len();
                self.replace(Vec::new());
                return Outcome::Abandoned;
            }
            Key::Char(END_OF_INPUT) if self.text.is_empty() => return Outcome::End,
            Key::Char(CLEAR) => return Outcome::ClearScreen,
            Key::Char(SEARCH) => self.search = Some(String::new()),
            Key::Char(START) | Key::Home => self.cursor = 0,
            Key::Char(END) | Key::End => self.cursor = self.text.len(),
            Key::Char(BACK) | Key::ArrowLeft => self.cursor = self.cursor.saturating_sub(1),
            Key::Char(FORWARD) | Key::ArrowRight => {
                self.cursor = self.text.len().min(self.cursor + 1);
            }
            Key::Char(OLDER) | Key::ArrowUp => self.recall(self.recalled.checked_sub(1)),
            Key::Char(NEWER) | Key::ArrowDown => self.recall(self.recalled.checked_add(1)),
            Key::Backspace => self.delete(self.cursor.checked_sub(1)),
            Key::Char(END_OF_INPUT) | Key::Del => self.delete(Some(self.cursor)),
            Key::Char(CUT_TO_END) => self.cut(self.cursor, self.text.len()),
            Key::Char(CUT_ALL_BEFORE) => self.cut(0, self.cursor),
            Key::Char(CUT_WORD) => self.cut(self.word_start(), self.cursor),
            Key::Char(PASTE) => self.insert(&self.cut.clone()),
            Key::Char(typed) if !typed.is_control() => self.insert(&[typed]),
            _ => {}
        }
        Outcome::Edited
    }

    /// Whether the key was for the search.
    fn press_in_search(&mut self, key: &Key) -> bool {
        let Some(search) = &mut self.search else {
            return false;
        };
        let older_than = match key {
            Key::Char(SEARCH) => self.recalled,
            Key::Char(QUIT_SEARCH) | Key::CtrlC => {
                self.search = None;
                return true;
            }
            Key::Backspace => {
                search.pop();
                self.history.len()
            }
            Key::Char(typed) if !typed.is_control() => {
                search.push(*typed);
                self.history.len()
            }
            // Anything else takes what was found, and does what it does.
            _ => {
                self.search = None;
                return false;
            }
        };
        let older = self.history.iter().take(older_than);
        if let Some(found) = older.rev().position(|line| line.contains(search.as_str())) {
            self.recall(Some(older_than - 1 - found));
        }
        true
    }

    fn recall(&mut self, at: Option<usize>) {
        let Some(at) = at.filter(|at| *at <= self.history.len()) else {
            return;
        };
        if self.recalled == self.history.len() {
            self.own.clone_from(&self.text);
        }
        let text = match self.history.get(at) {
            Some(line) => line.chars().collect(),
            None => self.own.clone(),
        };
        self.replace(text);
        self.recalled = at;
    }

    fn replace(&mut self, text: Vec<char>) {
        self.cursor = text.len();
        self.text = text;
    }

    fn insert(&mut self, typed: &[char]) {
        let at = self.cursor.min(self.text.len());
        self.text.splice(at..at, typed.iter().copied());
        self.cursor = at + typed.len();
    }

    fn delete(&mut self, at: Option<usize>) {
        if let Some(at) = at.filter(|at| *at < self.text.len()) {
            self.text.remove(at);
            self.cursor = at;
        }
    }

    fn cut(&mut self, from: usize, to: usize) {
        self.cut = self.text.drain(from..to).collect();
        self.cursor = from;
    }

    fn word_start(&self) -> usize {
        let before = self.text.iter().take(self.cursor).rev();
        let spaces = before.clone().take_while(|c| c.is_whitespace()).count();
        let word = before.skip(spaces).take_while(|c| !c.is_whitespace());
        self.cursor - spaces - word.count()
    }

    /// Puts this in place of the last bytes before the cursor.
    pub(super) fn complete(&mut self, from: usize, text: &str) {
        let before = self.before();
        let kept = before.get(..from).unwrap_or(&before).chars().count();
        self.text.drain(kept..self.cursor);
        self.cursor = kept;
        self.insert(&text.chars().collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(editor: &mut LineEditor, text: &str) {
        for c in text.chars() {
            assert_eq!(editor.press(Key::Char(c)), Outcome::Edited);
        }
    }

    fn entered(editor: &mut LineEditor) -> String {
        match editor.press(Key::Enter) {
            Outcome::Entered(line) => {
                editor.remember(&line);
                line
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_edit_the_line() {
        let mut editor = LineEditor::default();
        typed(&mut editor, "brök main");
        for key in [Key::Home, Key::ArrowRight, Key::ArrowRight, Key::Del] {
            editor.press(key);
        }
        typed(&mut editor, "ea");
        assert_eq!(editor.before(), "brea");
        editor.press(Key::End);
        editor.press(Key::Char(CUT_WORD));
        typed(&mut editor, "x ");
        editor.press(Key::Char(PASTE));
        assert_eq!(entered(&mut editor), "break x main");
        assert_eq!(editor.press(Key::Char(END_OF_INPUT)), Outcome::End);
    }

    #[test]
    fn lines_come_back() {
        let mut editor = LineEditor::with_history(vec!["next".into(), "print x".into()]);
        typed(&mut editor, "unfinished");
        editor.press(Key::ArrowUp);
        assert_eq!(editor.text(), "print x");
        editor.press(Key::ArrowUp);
        editor.press(Key::ArrowUp);
        assert_eq!(editor.text(), "next");
        editor.press(Key::ArrowDown);
        editor.press(Key::ArrowDown);
        assert_eq!(editor.text(), "unfinished");
        editor.press(Key::Char(SEARCH));
        typed(&mut editor, "ne");
        assert_eq!(editor.search(), Some("ne"));
        assert_eq!(entered(&mut editor), "next");
        assert!(!editor.remember("next"), "the same line is kept once");
    }

    #[test]
    fn a_completion_replaces_the_word() {
        let mut editor = LineEditor::default();
        typed(&mut editor, "print é bal!");
        editor.press(Key::ArrowLeft);
        editor.complete("print é ".len(), "balance");
        assert_eq!(editor.text(), "print é balance!");
        assert_eq!(editor.before(), "print é balance");
    }
}
