//! Names of types as they are written, in casts and behind `sizeof`.

use super::parse::Parser;
use super::syntax::TypeName;

impl<'a> Parser<'a> {
    /// `(T *)` in front of an operand. What could as well be a variable in parentheses
    /// is one, unless its name is that of a type of C.
    pub(super) fn cast_before(&mut self) -> Option<TypeName> {
        let before = self.at;
        let found = self.parenthesised_type();
        if found.is_none() {
            self.at = before;
        }
        found
    }

    fn parenthesised_type(&mut self) -> Option<TypeName> {
        let (to, is_known) = self.type_in_parentheses()?;
        self.space();
        let next = self.peek()?;
        let begins = next.is_alphanumeric() || matches!(next, '_' | '$' | '(' | '"' | '\'');
        let may_begin = begins || matches!(next, '*' | '&' | '-' | '!' | '~');
        let is_cast = begins && self.word_ahead() != "as" || is_known && may_begin;
        is_cast.then_some(to)
    }

    /// `(T)`, and whether it can be nothing else.
    fn type_in_parentheses(&mut self) -> Option<(TypeName, bool)> {
        if !self.take("(") {
            return None;
        }
        self.space();
        let has_keyword = matches!(
            self.word_ahead(),
            "struct" | "class" | "union" | "enum" | "const" | "volatile" | "unsigned" | "signed"
        );
        let to = self.type_name()?;
        if !self.take(")") {
            return None;
        }
        let is_known = has_keyword || to.pointers > 0 || super::types::scalar(&to.name).is_some();
        Some((to, is_known))
    }

    /// The type that `sizeof` measures. One word may be a variable's name as well.
    pub(super) fn type_measured(&mut self) -> Option<TypeName> {
        let before = self.at;
        self.space();
        // The address of something, rather than a reference of Rust's.
        let is_operand = self.rest().starts_with("(&");
        let found = self.type_in_parentheses();
        let found = found
            .filter(|(of, is_known)| !is_operand && (*is_known || of.name.contains([' ', '<'])));
        if found.is_none() {
            self.at = before;
        }
        found.map(|(of, _)| of)
    }

    /// A type: words, `::`, arguments in angle brackets, stars.
    pub(super) fn type_name(&mut self) -> Option<TypeName> {
        let mut pointers = 0;
        // Rust writes its pointers in front.
        while self.take("*const ") || self.take("*mut ") || self.take("&mut ") || self.take("&") {
            pointers += 1;
        }
        let mut words: Vec<String> = Vec::new();
        loop {
            let before = self.at;
            let Some(word) = self.word() else { break };
            match word.as_str() {
                // The next cast: `x as u8 as i32`.
                "as" => {
                    self.at = before;
                    break;
                }
                "struct" | "class" | "union" | "enum" | "const" | "volatile" => {}
                _ => words.push(word),
            }
        }
        let mut name = words.join(" ");
        if name.is_empty() {
            return None;
        }
        if self.peek() == Some('<') {
            name.push_str(self.type_arguments()?);
        }
        loop {
            let before = self.at;
            if self.take("*") {
                pointers += 1;
            } else if self.word().as_deref() != Some("const") {
                self.at = before;
                return Some(TypeName { name, pointers });
            }
        }
    }

    fn type_arguments(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let mut open = 0_usize;
        for (at, c) in rest.char_indices() {
            match c {
                '<' => open += 1,
                '>' => open = open.checked_sub(1)?,
                _ => {}
            }
            if open == 0 {
                self.at += at + 1;
                return rest.get(..=at);
            }
        }
        None
    }
}
