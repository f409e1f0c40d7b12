//! From text to an expression.

use super::error::{ExpressionError, Fault};
use super::syntax::{Binary, Kind, Method, Node, OPERATORS, Register, TimeName, TypeName, Unary};
use crate::inspect::variable::notation::Notation;

/// How deep an expression may nest.
const DEEPEST: usize = 48;
/// How many operators, fields and elements it may have that follow an operand.
const MOST_LINKS: usize = 500;

pub(super) type Parsed<T> = Result<T, ExpressionError>;

/// An expression, and how its value is to be written.
pub(super) struct Whole {
    pub(super) root: Node,
    pub(super) notation: Notation,
    /// The bytes of the text that are the expression alone.
    pub(super) bare: usize,
}

pub(super) fn parse(text: &str) -> Parsed<Whole> {
    let mut parser = Parser::new(text);
    let root = parser.whole(DEEPEST)?;
    let mut whole = Whole {
        root,
        notation: Notation::Natural,
        bare: parser.at,
    };
    while parser.take(",") {
        parser.format(&mut whole)?;
    }
    parser.space();
    if parser.rest().is_empty() {
        return Ok(whole);
    }
    let from = parser.at;
    Err(parser.fault(parser.trailing(), from..text.trim_end().len()))
}

/// The type that a whole text names.
pub(super) fn type_name(text: &str) -> Option<TypeName> {
    let mut parser = Parser::new(text);
    let found = parser.type_name()?;
    parser.space();
    parser.rest().is_empty().then_some(found)
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Operators, fields and the like that one operand may still be followed by.
    links: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let links = MOST_LINKS;
        Parser { text, at: 0, links }
    }

    /// Chains nest as parentheses do, though nothing shows it: `((a + 1) + 1) + 1`.
    fn link(&mut self) -> Parsed<()> {
        let left = self.links.checked_sub(1);
        let too_deep = || self.fault(Fault::TooDeep, self.at..self.text.len());
        self.links = left.ok_or_else(too_deep)?;
        Ok(())
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn take(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    pub(super) fn fault(&self, fault: Fault, at: std::ops::Range<usize>) -> ExpressionError {
        ExpressionError {
            fault: Box::new(fault),
            at,
            text: self.text.to_owned(),
        }
    }

    pub(super) fn expected(&mut self, wanted: &'static str) -> ExpressionError {
        self.space();
        let end = match self.peek() {
            Some(next) => self.at + next.len_utf8(),
            None => self.at,
        };
        self.fault(Fault::Syntax { wanted }, self.at..end)
    }

    fn expect(&mut self, token: &str, wanted: &'static str) -> Parsed<()> {
        match self.take(token) {
            true => Ok(()),
            false => Err(self.expected(wanted)),
        }
    }

    /// What stands where an expression could have ended.
    fn trailing(&self) -> Fault {
        let rest = self.rest();
        let assigns = ["+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "++", "--"];
        let assigns_longer = ["<<=", ">>="];
        let is_equals = rest.starts_with('=') && !rest.starts_with("==");
        let assigns = assigns.iter().chain(&assigns_longer);
        if is_equals || assigns.into_iter().any(|sign| rest.starts_with(sign)) {
            Fault::Assignment
        } else if rest.starts_with('(') {
            Fault::Call
        } else {
            Fault::Trailing
        }
    }

    pub(super) fn node(&self, from: usize, kind: Kind) -> Node {
        Node {
            at: from..self.at,
            kind,
        }
    }

    /// An operand, or a choice between two.
    fn whole(&mut self, depth: usize) -> Parsed<Node> {
        let condition = self.binary(0, depth)?;
        if !self.take("?") {
            return Ok(condition);
        }
        self.link()?;
        let depth = self.deeper(depth)?;
        let from = condition.at.start;
        let then = self.whole(depth)?;
        self.expect(":", "`:`")?;
        let otherwise = self.whole(depth)?;
        let kind = Kind::Choice(condition.into(), then.into(), otherwise.into());
        Ok(self.node(from, kind))
    }

    /// `if a { b } else { c }`, after the first word.
    fn choice(&mut self, from: usize, depth: usize) -> Parsed<Node> {
        let depth = self.deeper(depth)?;
        let condition = self.whole(depth)?;
        let block = |parser: &mut Self| {
            parser.expect("{", "`{`")?;
            let inside = parser.whole(depth)?;
            parser.expect("}", "`}`")?;
            Ok(inside)
        };
        let then = block(self)?;
        if self.word().as_deref() != Some("else") {
            return Err(self.expected("`else`"));
        }
        let otherwise = block(self)?;
        let kind = Kind::Choice(condition.into(), then.into(), otherwise.into());
        Ok(self.node(from, kind))
    }

    /// What follows a comma: `x` and the like, or `[COUNT]`.
    fn format(&mut self, whole: &mut Whole) -> Parsed<()> {
        self.space();
        let from = self.at;
        let is_count = self.peek().is_some_and(|c| c.is_ascii_digit());
        if is_count || self.take("[") {
            let count = self.binary(0, DEEPEST)?;
            if !is_count {
                self.expect("]", "`]`")?;
            }
            self.link()?;
            let first = self.node(from, Kind::Whole(0));
            let of = whole.root.clone();
            let at = of.at.start..self.at;
            let kind = Kind::Slice(of.into(), first.into(), count.into());
            whole.root = Node { at, kind };
            return Ok(());
        }
        let word = self.word_ahead();
        self.at += word.len();
        let mut letters = word.chars();
        let notation = match (letters.next(), letters.next()) {
            (Some(letter), None) => Notation::of_letter(letter),
            _ => None,
        };
        let unknown = || self.fault(Fault::NoFormat(format!(",{word}")), from..self.at);
        whole.notation = notation.ok_or_else(unknown)?;
        Ok(())
    }

    /// Operands joined by operators that bind at least this tightly.
    fn binary(&mut self, tightness: u8, depth: usize) -> Parsed<Node> {
        let mut left = self.cast_after(depth)?;
        while let Some((operator, binds, length)) = self.operator() {
            if binds < tightness {
                break;
            }
            self.link()?;
            self.at += length;
            let right = self.binary(binds + 1, self.deeper(depth)?)?;
            let from = left.at.start;
            left = self.node(from, Kind::Binary(operator, left.into(), right.into()));
        }
        Ok(left)
    }

    fn operator(&mut self) -> Option<(Binary, u8, usize)> {
        self.space();
        let rest = self.rest();
        if self.trailing() == Fault::Assignment {
            return None;
        }
        let found = OPERATORS.iter().find(|(sign, ..)| rest.starts_with(sign))?;
        Some((found.1, found.2, found.0.len()))
    }

    fn deeper(&self, depth: usize) -> Parsed<usize> {
        let deeper = depth.checked_sub(1);
        deeper.ok_or_else(|| self.fault(Fault::TooDeep, self.at..self.text.len()))
    }

    /// `a as T`
    fn cast_after(&mut self, depth: usize) -> Parsed<Node> {
        let mut operand = self.unary(depth)?;
        loop {
            let before = self.at;
            if self.word().as_deref() != Some("as") {
                self.at = before;
                return Ok(operand);
            }
            self.link()?;
            let to = self.type_name();
            let to = to.ok_or_else(|| self.expected("the name of a type"))?;
            operand = self.node(operand.at.start, Kind::Cast(to, operand.into()));
        }
    }

    fn unary(&mut self, depth: usize) -> Parsed<Node> {
        let depth = self.deeper(depth)?;
        self.space();
        let from = self.at;
        let operators = [
            ("-", Unary::Minus),
            ("!", Unary::Not),
            ("~", Unary::Complement),
            ("*", Unary::Target),
            ("&", Unary::Address),
        ];
        if ["++", "--"]
            .iter()
            .any(|sign| self.rest().starts_with(sign))
        {
            return Err(self.fault(Fault::Assignment, from..from + 2));
        }
        for (sign, operator) in operators {
            if self.take(sign) {
                let operand = self.unary(depth)?;
                return Ok(self.node(from, Kind::Unary(operator, operand.into())));
            }
        }
        if let Some(to) = self.cast_before() {
            let operand = self.unary(depth)?;
            return Ok(self.node(from, Kind::Cast(to, operand.into())));
        }
        self.postfix(depth)
    }

    pub(super) fn word_ahead(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }

    /// A word of letters, digits and `_`, with `::` between such.
    pub(super) fn word(&mut self) -> Option<String> {
        self.space();
        let rest = self.rest();
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.name_of(rest, false)
    }

    fn name_of(&mut self, rest: &str, with_dashes: bool) -> Option<String> {
        let mut end = 0;
        while let Some(next) = rest.get(end..).and_then(|rest| rest.chars().next()) {
            let after = rest.get(end + next.len_utf8()..).unwrap_or_default();
            let joins = with_dashes && next == '-' && after.starts_with(char::is_alphabetic);
            if next.is_alphanumeric() || next == '_' || joins && end > 0 {
                end += next.len_utf8();
            } else if next == ':' && after.starts_with(':') {
                end += 2;
            } else {
                break;
            }
        }
        let name = rest.get(..end).filter(|name| !name.is_empty())?;
        self.at += end;
        Some(name.to_owned())
    }

    fn postfix(&mut self, depth: usize) -> Parsed<Node> {
        let mut node = self.primary(depth)?;
        let from = node.at.start;
        // Names of WIT have dashes.
        let is_lifted = matches!(node.kind, Kind::Argument(_) | Kind::Result | Kind::Arrived);
        loop {
            let is_arrow = self.take("->");
            if is_arrow || self.begins_field() {
                self.link()?;
                self.space();
                let name = self.name_of(self.rest(), is_lifted);
                let name = name.ok_or_else(|| self.expected("the name of a field"))?;
                let method = Method::named(&name).filter(|_| self.take("("));
                let of = node.into();
                let kind = match method {
                    Some(method) => {
                        self.expect(")", "`)`, as it is asked without arguments,")?;
                        Kind::Call(of, method)
                    }
                    None => Kind::Field { of, name, is_arrow },
                };
                node = self.node(from, kind);
            } else if self.take("[") {
                self.link()?;
                node = self.bracketed(node, depth)?;
            } else {
                return Ok(node);
            }
        }
    }

    /// A dot that is not part of a range.
    fn begins_field(&mut self) -> bool {
        self.space();
        !self.rest().starts_with("..") && self.take(".")
    }

    fn bracketed(&mut self, of: Node, depth: usize) -> Parsed<Node> {
        let from = of.at.start;
        let depth = self.deeper(depth)?;
        let first = self.whole(depth)?;
        if self.take("..") {
            let end = self.whole(depth)?;
            self.expect("]", "`]`")?;
            let kind = Kind::Slice(of.into(), first.into(), end.into());
            return Ok(self.node(from, kind));
        }
        self.expect("]", "`]`")?;
        Ok(self.node(from, Kind::Index(of.into(), first.into())))
    }

    fn primary(&mut self, depth: usize) -> Parsed<Node> {
        self.space();
        let from = self.at;
        match self.peek() {
            Some('(') => {
                self.at += 1;
                let inside = self.whole(self.deeper(depth)?)?;
                self.expect(")", "`)`")?;
                Ok(Node {
                    at: from..self.at,
                    ..inside
                })
            }
            Some('"') => self.text_literal(),
            Some('\'') => self.quoted(),
            Some('$') => self.special(depth),
            Some(digit) if digit.is_ascii_digit() => self.number(),
            _ => {
                let name = self.word();
                let name = name.ok_or_else(|| self.expected("a variable or a number"))?;
                self.named(from, name, depth)
            }
        }
    }

    fn named(&mut self, from: usize, name: String, depth: usize) -> Parsed<Node> {
        let kind = match name.as_str() {
            "true" | "false" => Kind::Truth(name == "true"),
            "nullptr" | "NULL" => Kind::Whole(0),
            "sizeof" => match self.type_measured() {
                Some(of) => Kind::SizeOfType(of),
                None => Kind::SizeOf(self.unary(depth)?.into()),
            },
            "if" => return self.choice(from, depth),
            _ => Kind::Name(name),
        };
        Ok(self.node(from, kind))
    }

    /// What begins with a dollar sign.
    fn special(&mut self, depth: usize) -> Parsed<Node> {
        let from = self.at;
        self.at += 1;
        let name = self.name_of(self.rest(), false).unwrap_or_default();
        let register = |prefix: &str| name.strip_prefix(prefix)?.parse::<u32>().ok();
        let kind = match name.as_str() {
            "event" => Kind::Moment(TimeName::Event),
            "tick" => Kind::Moment(TimeName::Tick),
            "position" => Kind::Moment(TimeName::Position),
            "result" => Kind::Result,
            "arrived" => Kind::Arrived,
            "pc" => Kind::Register(Register::Code),
            "return" => Kind::Return,
            "arg" => {
                self.expect(".", "`.` and the name of an argument")?;
                let argument = self.name_of(self.rest(), true);
                Kind::Argument(argument.ok_or_else(|| self.expected("the name of an argument"))?)
            }
            "mem" => return self.memory(from, depth),
            "node" => Kind::Elsewhere(self.node_meant()?),
            _ => {
                let local = register("local").map(Register::Local);
                let operand = || register("stack").map(Register::Operand);
                let global = || register("global").map(Register::Global);
                let found = local.or_else(operand).or_else(global);
                let unknown =
                    || self.fault(Fault::UnknownSpecial(format!("${name}")), from..self.at);
                Kind::Register(found.ok_or_else(unknown)?)
            }
        };
        Ok(self.node(from, kind))
    }

    /// The name of another recording, with `.event` behind it.
    fn node_meant(&mut self) -> Parsed<String> {
        let name = match self.take("[") {
            true => {
                self.space();
                if !self.rest().starts_with('"') {
                    return Err(self.expected("the name of a node, in double quotes"));
                }
                let Kind::Text(name) = self.text_literal()?.kind else {
                    return Err(self.expected("the name of a node, in double quotes"));
                };
                self.expect("]", "`]`")?;
                name
            }
            false => {
                self.expect(".", "`.` and the name of a node")?;
                let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '#');
                let rest = self.rest();
                let end = rest.find(|c| !joins(c)).unwrap_or(rest.len());
                let name = rest.get(..end).unwrap_or_default().to_owned();
                self.at += end;
                match name.is_empty() {
                    true => return Err(self.expected("the name of a node")),
                    false => name,
                }
            }
        };
        self.expect(".event", "`.event`")?;
        Ok(name)
    }

    fn memory(&mut self, from: usize, depth: usize) -> Parsed<Node> {
        let depth = self.deeper(depth)?;
        self.expect("[", "`[`, an address, `;`, a length and `]`")?;
        let address = self.whole(depth)?.into();
        let length = match self.take(";") {
            true => Some(self.whole(depth)?.into()),
            false => None,
        };
        self.expect("]", "`]`")?;
        Ok(self.node(from, Kind::Memory { address, length }))
    }
}
