//! From an expression to its value, in a scene.

use super::arithmetic;
use super::datum::Datum;
use super::error::{ExpressionError, Fault};
use super::evaluator::{Evaluated, Evaluator};
use super::inside::{listed, null, pointed, pointer_in};
use super::syntax::{Binary, Comparison, Kind, Node, Register, TimeName, Unary};
use crate::inspect::variable::place::Unavailable;
use crate::inspect::variable::scalar::Number;
use crate::inspect::variable::value::{Of, Value, View};
use crate::inspect::variable::variables::returned_value;

/// The most bytes that `$mem` shows.
const MOST_BYTES: i128 = 1 << 16;
/// The bytes that `$mem[address]` shows.
const SOME_BYTES: i128 = 16;

impl Evaluator<'_> {
    pub(super) fn value(&self, node: &Node) -> Evaluated<Datum> {
        Ok(match &node.kind {
            Kind::Whole(number) => Datum::Number(Number::Whole(*number)),
            Kind::Real(number) => Datum::Number(Number::Real(*number)),
            Kind::Truth(truth) => Datum::Truth(*truth),
            Kind::Character(character) => Datum::Text(character.to_string()),
            Kind::Text(text) => Datum::Text(text.clone()),
            Kind::Name(name) => self.named(node, name)?,
            Kind::Register(register) => self.register(node, *register)?,
            Kind::Moment(name) => self.moment(*name),
            Kind::Elsewhere(name) => self.elsewhere(node, name)?,
            Kind::Memory { address, length } => self.memory(node, address, length.as_deref())?,
            Kind::Argument(name) => self.argument(node, name)?,
            Kind::Result => self.result(node)?,
            Kind::Arrived => return Err(self.fault(node, Fault::ArrivedAlone)),
            Kind::Return => self.returned(node)?,
            Kind::Field { of, name, is_arrow } => {
                let value = self.known(of)?;
                self.field(node, value, name, *is_arrow)?
            }
            Kind::Call(of, method) => {
                let value = self.known(of)?;
                self.call(node, value, *method)?
            }
            Kind::Index(of, index) => {
                let value = self.known(of)?;
                match self.item(node, &value, index)? {
                    Some(item) => item,
                    None => self.element(node, &value, self.whole(index)?)?,
                }
            }
            Kind::Slice(of, from, to) => {
                let value = self.known(of)?;
                self.slice(node, &value, self.whole(from)?, self.whole(to)?)?
            }
            Kind::Unary(operator, operand) => self.unary(node, *operator, operand)?,
            Kind::Binary(operator, left, right) => self.binary(node, *operator, left, right)?,
            Kind::Cast(to, of) => self.cast(node, to, of)?,
            Kind::SizeOf(of) => self.size_of(of)?,
            Kind::SizeOfType(of) => self.size_of_type(node, of)?,
            Kind::Choice(condition, then, otherwise) => {
                let is_true = self.truth(condition, &self.known(condition)?)?;
                self.known(if is_true { then } else { otherwise })?
            }
        })
    }

    /// An argument of the hostcall whose frame this is, a variable, or no such thing.
    fn named(&self, node: &Node, name: &str) -> Evaluated<Datum> {
        if let Some(call) = self.scene.hostcall.filter(|_| self.scene.at_hostcall) {
            if let Some(value) = call.argument(name) {
                return Ok(Datum::Lifted(value.clone()));
            }
            if let ("result", Some(result)) = (name, &call.result) {
                return Ok(Datum::Lifted(result.clone()));
            }
        }
        match &self.variables {
            Ok(variables) => match variables.find(name) {
                Ok(Some(value)) => Ok(Datum::Typed(value)),
                Ok(None) => Ok(Datum::Unknown(name.to_owned())),
                Err(fault) => Err(self.fault(node, fault)),
            },
            Err(_) => Ok(Datum::Unknown(name.to_owned())),
        }
    }

    /// A name that is nothing is an error, but for comparisons.
    pub(super) fn known(&self, node: &Node) -> Evaluated<Datum> {
        match (self.value(node)?, &self.variables) {
            (Datum::Unknown(_), Err(fault)) => Err(self.fault(node, fault.clone())),
            (Datum::Unknown(name), Ok(variables)) => {
                let constant = variables.constant(&name);
                constant.ok_or_else(|| self.fault(node, Fault::Unknown(name)))
            }
            (known, _) => Ok(known),
        }
    }

    fn register(&self, node: &Node, register: Register) -> Evaluated<Datum> {
        if register == Register::Code {
            let pc = self.scene.pc.map(|pc| Number::Whole(pc.into()));
            return pc
                .map(Datum::Number)
                .ok_or_else(|| self.fault(node, Fault::NoFrame));
        }
        let registers = self.scene.registers;
        let registers = registers.ok_or_else(|| self.fault(node, Fault::NoFrame))?;
        let value = match register {
            Register::Local(index) => registers.local(index),
            Register::Operand(index) => registers.operand(index),
            Register::Global(index) => registers.global(index),
            Register::Code => None,
        };
        value
            .map(Datum::Core)
            .ok_or_else(|| self.fault(node, Fault::NoRegister))
    }

    fn returned(&self, node: &Node) -> Evaluated<Datum> {
        let frame = self.scene.frame;
        let value = frame.and_then(|frame| returned_value(frame.source, frame.state));
        let value = value.ok_or_else(|| self.fault(node, Fault::NothingReturned))?;
        Ok(Datum::Typed(value))
    }

    fn moment(&self, name: TimeName) -> Datum {
        let at = &self.scene.moment;
        match name {
            TimeName::Event => Datum::Number(Number::Whole(at.event.into())),
            TimeName::Tick => Datum::Number(Number::Whole(at.tick.0.into())),
            TimeName::Position => {
                let position = at.position.map(|position| position.to_string());
                Datum::Text(position.unwrap_or_default())
            }
        }
    }

    fn elsewhere(&self, node: &Node, name: &str) -> Evaluated<Datum> {
        let at = &self.scene.moment;
        let nodes = self.scene.elsewhere;
        let event = nodes.and_then(|nodes| nodes.event(name, at.event, at.in_call));
        let event = event.ok_or_else(|| {
            let names: Vec<&str> = nodes.iter().flat_map(|nodes| nodes.names()).collect();
            let name = name.to_owned();
            self.fault(
                node,
                match names.is_empty() {
                    true => Fault::Alone,
                    false => Fault::NoNode {
                        name,
                        known: names.join(", "),
                    },
                },
            )
        })?;
        Ok(Datum::Number(Number::Whole(event.into())))
    }

    fn memory(&self, node: &Node, address: &Node, length: Option<&Node>) -> Evaluated<Datum> {
        let start = self.whole(address)?;
        let length_at = length.unwrap_or(node);
        let length = length.map_or(Ok(SOME_BYTES), |length| self.whole(length))?;
        let registers = self.scene.registers;
        let registers = registers.ok_or_else(|| self.fault(node, Fault::NoFrame))?;
        let length = match usize::try_from(length) {
            Ok(bytes) if length <= MOST_BYTES => bytes,
            _ => return Err(self.fault(length_at, Fault::TooLarge)),
        };
        let start = u64::try_from(start).map_err(|_| self.fault(address, Fault::TooLarge))?;
        let bytes = registers.memory(start, length);
        let missing = || self.fault(node, Unavailable::Memory(start));
        Ok(Datum::Bytes {
            address: start,
            bytes: bytes.filter(|b| b.len() == length).ok_or_else(missing)?,
        })
    }

    fn argument(&self, node: &Node, name: &str) -> Evaluated<Datum> {
        let call = self.scene.hostcall;
        let call = call.ok_or_else(|| self.fault(node, Fault::NoHostcall))?;
        if let Some(value) = call.argument(name) {
            return Ok(Datum::Lifted(value.clone()));
        }
        let known = call.arguments.iter().map(|(name, _)| name.as_str());
        Err(self.fault(
            node,
            Fault::NoArgument {
                hostcall: call.name.clone(),
                name: name.to_owned(),
                known: listed(known),
            },
        ))
    }

    fn result(&self, node: &Node) -> Evaluated<Datum> {
        let call = self.scene.hostcall;
        let call = call.ok_or_else(|| self.fault(node, Fault::NoHostcall))?;
        match &call.result {
            Some(result) => Ok(Datum::Lifted(result.clone())),
            None => Err(self.fault(node, Fault::NoResult(call.name.clone()))),
        }
    }

    /// What a datum is, for messages: its type, else its value.
    pub(super) fn described(&self, datum: &Datum) -> String {
        match (datum, self.reading().0) {
            (Datum::Typed(value), Some(look)) => look.type_name(&value.of),
            (Datum::Address { of, .. }, Some(look)) => look.pointer_name(of),
            _ => self.reading().shown(datum).unwrap_or_default(),
        }
    }

    pub(super) fn number(&self, node: &Node) -> Evaluated<Number> {
        let value = self.known(node)?;
        self.number_of(node, &value)
    }

    /// The number that a part of the expression has come to.
    pub(super) fn number_of(&self, node: &Node, value: &Datum) -> Evaluated<Number> {
        let number = self.reading().number(value);
        let number = number.map_err(|why| self.fault(node, why))?;
        let text = || self.text.get(node.at.clone()).unwrap_or_default();
        number.ok_or_else(|| self.fault(node, Fault::NotANumber(format!("`{}`", text()))))
    }

    pub(super) fn whole(&self, node: &Node) -> Evaluated<i128> {
        let value = self.known(node)?;
        self.whole_of(node, &value)
    }

    pub(super) fn whole_of(&self, node: &Node, value: &Datum) -> Evaluated<i128> {
        match self.number_of(node, value)? {
            Number::Whole(number) => Ok(number),
            Number::Real(number) => {
                Err(self.fault(node, Fault::NotANumber(format!("{number} (an index)"))))
            }
        }
    }

    fn unary(&self, node: &Node, operator: Unary, operand: &Node) -> Evaluated<Datum> {
        let number = match operator {
            Unary::Target => {
                let pointer = self.known(operand)?;
                return self.target(node, operand, &pointer);
            }
            Unary::Address => {
                let value = self.known(operand)?;
                return self.address_of(node, value);
            }
            Unary::Not => {
                let value = self.known(operand)?;
                return Ok(Datum::Truth(!self.truth(operand, &value)?));
            }
            Unary::Minus => match self.number(operand)? {
                Number::Whole(number) => number.checked_neg().map(Number::Whole),
                Number::Real(number) => Some(Number::Real(-number)),
            },
            Unary::Complement => Some(Number::Whole(!self.whole(operand)?)),
        };
        let too_large = || self.fault(node, Fault::TooLarge);
        Ok(Datum::Number(number.ok_or_else(too_large)?))
    }

    pub(super) fn truth(&self, node: &Node, datum: &Datum) -> Evaluated<bool> {
        let truth = self.reading().truth(datum);
        truth.map_err(|why| self.fault(node, why))
    }

    fn target(&self, node: &Node, operand: &Node, pointer: &Datum) -> Evaluated<Datum> {
        match pointer {
            Datum::Address { address, of } => Ok(Datum::Typed(pointed(*address, of.clone()))),
            Datum::Function { .. } => Ok(pointer.clone()),
            Datum::Typed(value) => {
                let look = self.look(node)?;
                match look.view(value).map_err(|why| self.fault(node, why))? {
                    View::Pointer {
                        target: Some(target),
                        ..
                    } => Ok(Datum::Typed(target)),
                    View::Elements(elements) if elements.count > 0 => {
                        Ok(Datum::Typed(elements.at(0)))
                    }
                    _ if look.is_function_pointer(value) => Ok(pointer.clone()),
                    _ if look.is_optional(value) => self.held(node, pointer.clone()),
                    view => Err(match (null(look, value), view) {
                        (Some(fault), _) => self.fault(operand, fault),
                        (None, View::Pointer { .. }) => self.untyped(operand),
                        _ => self.fault(operand, Fault::NotIndexable(self.described(pointer))),
                    }),
                }
            }
            Datum::Number(_) | Datum::Core(_) => Err(self.untyped(operand)),
            other => Err(self.fault(operand, Fault::NotIndexable(self.described(other)))),
        }
    }

    /// An address does not tell what is there.
    fn untyped(&self, operand: &Node) -> ExpressionError {
        let text = self.text.get(operand.at.clone()).unwrap_or_default();
        self.fault(operand, Fault::Untyped(text.to_owned()))
    }

    fn address_of(&self, node: &Node, value: Datum) -> Evaluated<Datum> {
        match value {
            Datum::Typed(Value { of, place }) => match place.address() {
                Some(address) => Ok(Datum::Address { address, of }),
                None => Err(self.fault(node, Fault::NoAddress)),
            },
            Datum::Function { .. } => Ok(value),
            Datum::Bytes { address, .. } => Ok(Datum::Number(Number::Whole(address.into()))),
            _ => Err(self.fault(node, Fault::NoAddress)),
        }
    }

    fn binary(&self, node: &Node, operator: Binary, left: &Node, right: &Node) -> Evaluated<Datum> {
        match operator {
            Binary::And | Binary::Or => {
                let is_true = |side: &Node| self.truth(side, &self.known(side)?);
                let decides = operator == Binary::Or;
                let truth = if is_true(left)? == decides {
                    decides
                } else {
                    is_true(right)?
                };
                Ok(Datum::Truth(truth))
            }
            Binary::Compare(comparison) => self.comparison(node, comparison, left, right),
            Binary::Add | Binary::Subtract => {
                let (a, b) = (self.known(left)?, self.known(right)?);
                match self.moved_pointer(node, operator, &a, &b)? {
                    Some(moved) => Ok(moved),
                    // Evaluated once: in a chain, twice would be twice for each link.
                    None => {
                        let numbers = (self.number_of(left, &a)?, self.number_of(right, &b)?);
                        self.calculated(node, operator, numbers)
                    }
                }
            }
            Binary::Repeat => self.repeated(node, left, right),
            _ => {
                let numbers = (self.number(left)?, self.number(right)?);
                self.calculated(node, operator, numbers)
            }
        }
    }

    fn calculated(
        &self,
        node: &Node,
        operator: Binary,
        (a, b): (Number, Number),
    ) -> Evaluated<Datum> {
        let number = arithmetic::binary(operator, a, b);
        let number = number.map_err(|fault| self.fault(node, fault))?;
        Ok(Datum::Number(number))
    }

    fn comparison(
        &self,
        node: &Node,
        comparison: Comparison,
        left: &Node,
        right: &Node,
    ) -> Evaluated<Datum> {
        let (mut a, mut b) = (self.value(left)?, self.value(right)?);
        let compare = |a: &Datum, b: &Datum| {
            let compared = self.reading().compare(a, b);
            compared.map_err(|why| self.fault(node, why))
        };
        let mut compared = compare(&a, &b)?;
        if compared.is_none() {
            // One of the names is of something else than a case of the other, or a mistake.
            (a, b) = (self.known(left)?, self.known(right)?);
            compared = compare(&a, &b)?;
        }
        let holds = compared.and_then(|compared| compared.admits(comparison));
        let incomparable = || {
            let fault = Fault::Incomparable(self.described(&a), self.described(&b));
            self.fault(node, fault)
        };
        Ok(Datum::Truth(holds.ok_or_else(incomparable)?))
    }

    /// A pointer moved by elements, or the elements between two pointers.
    fn moved_pointer(
        &self,
        node: &Node,
        operator: Binary,
        left: &Datum,
        right: &Datum,
    ) -> Evaluated<Option<Datum>> {
        let pointer = |datum: &Datum| self.as_pointer(datum).map_err(|why| self.fault(node, why));
        let (Some((from, of)), to) = (pointer(left)?, pointer(right)?) else {
            return Ok(None);
        };
        let size = self.look(node)?.size(&of).max(1);
        if let Some((to, _)) = to {
            let bytes = i128::from(from) - i128::from(to);
            let is_distance = operator == Binary::Subtract;
            let elements = Number::Whole(bytes / i128::from(size));
            return Ok(is_distance.then_some(Datum::Number(elements)));
        }
        let by = self
            .reading()
            .number(right)
            .map_err(|why| self.fault(node, why))?;
        let Some(Number::Whole(by)) = by else {
            return Ok(None);
        };
        let by = by.saturating_mul(size.into());
        let by = if operator == Binary::Add { by } else { -by };
        let moved = i128::from(from).saturating_add(by);
        let address = u64::try_from(moved).map_err(|_| self.fault(node, Fault::TooLarge))?;
        Ok(Some(Datum::Address { address, of }))
    }

    pub(super) fn as_pointer(&self, datum: &Datum) -> Result<Option<(u64, Of)>, Unavailable> {
        let (value, look) = match (datum, self.reading().0) {
            (Datum::Address { address, of }, _) => return Ok(Some((*address, of.clone()))),
            (Datum::Typed(value), Some(look)) => (value, look),
            _ => return Ok(None),
        };
        pointer_in(look, value)
    }
}
