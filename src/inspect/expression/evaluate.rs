//! From an expression to its value, in a scene.

use super::super::lift::Lifted;
use super::super::place::{Locator, Place, Unavailable};
use super::super::scalar::Number;
use super::super::value::{Elements, Look, Of, Value, View};
use super::super::variables::{Inside, inside, locate, visible};
use super::super::walk::{Items, Kind as ItemsKind};
use super::arithmetic;
use super::datum::{Datum, Reading};
use super::error::{ExpressionError, Fault};
use super::syntax::{Binary, Comparison, Kind, Moment, Node, Register, TypeName, Unary};
use super::types::{self, Scalar};
use super::{Scene, SourceFrame};
use crate::source::Scopes;

/// The most bytes that `$mem` shows.
const MOST_BYTES: i128 = 1 << 16;
/// The most keys of a map that are compared, and how many at once.
const MOST_KEYS: u64 = 100_000;
const KEYS_AT_ONCE: u64 = 256;
/// The bytes that `$mem[address]` shows.
const SOME_BYTES: i128 = 16;

type Evaluated<T> = Result<T, ExpressionError>;

/// The frame whose variables an expression sees.
pub(super) struct Variables<'a> {
    frame: SourceFrame<'a>,
    pub(super) look: Look<'a>,
    locator: Locator<'a>,
    scopes: Scopes,
}

impl<'a> Variables<'a> {
    pub(super) fn of(frame: SourceFrame<'a>) -> Result<Variables<'a>, Fault> {
        let scopes = frame.source.scopes_at(frame.site.pc)?;
        Ok(Variables {
            look: Look::new(frame.source, frame.state),
            locator: Locator::new(frame.source, frame.state, &scopes),
            scopes,
            frame,
        })
    }

    /// A variable of the frame, or else one outside functions; at last, in a method of
    /// C++, a field of its object.
    fn find(&self, name: &str) -> Result<Option<Value>, Fault> {
        let visible = visible(&self.scopes, self.frame.site.inlined);
        let declared = |name: &str| visible.iter().find(|declared| declared.name == name);
        if let Some(declared) = declared(name) {
            return Ok(Some(locate(&self.look, &self.locator, declared)?));
        }
        let source = self.frame.source;
        if let Some(declared) = source.static_named(self.frame.site.pc, name) {
            return Ok(Some(locate(&self.look, &self.locator, &declared)?));
        }
        let Some(this) = declared("this") else {
            return Ok(None);
        };
        let this = locate(&self.look, &self.locator, this)?;
        Ok(field_of(&self.look, &this, name)?.ok())
    }
}

pub(super) struct Evaluator<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) variables: Result<&'a Variables<'a>, Fault>,
    pub(super) text: &'a str,
}

impl Evaluator<'_> {
    fn fault(&self, node: &Node, fault: impl Into<Fault>) -> ExpressionError {
        ExpressionError {
            fault: Box::new(fault.into()),
            at: node.at.clone(),
            text: self.text.to_owned(),
        }
    }

    pub(super) fn reading(&self) -> Reading<'_> {
        Reading(
            self.variables
                .as_ref()
                .ok()
                .map(|variables| &variables.look),
        )
    }

    fn look(&self, node: &Node) -> Evaluated<&Look<'_>> {
        match &self.variables {
            Ok(variables) => Ok(&variables.look),
            Err(fault) => Err(self.fault(node, fault.clone())),
        }
    }

    pub(super) fn value(&self, node: &Node) -> Evaluated<Datum> {
        Ok(match &node.kind {
            Kind::Whole(number) => Datum::Number(Number::Whole(*number)),
            Kind::Real(number) => Datum::Number(Number::Real(*number)),
            Kind::Truth(truth) => Datum::Truth(*truth),
            Kind::Character(character) => Datum::Text(character.to_string()),
            Kind::Text(text) => Datum::Text(text.clone()),
            Kind::Name(name) => self.named(node, name)?,
            Kind::Register(register) => self.register(node, *register)?,
            Kind::Moment(moment) => self.moment(*moment),
            Kind::Memory { address, length } => self.memory(node, address, length.as_deref())?,
            Kind::Argument(name) => self.argument(node, name)?,
            Kind::Result => self.result(node)?,
            Kind::Field { of, name, is_arrow } => {
                let value = self.value(of)?;
                self.field(node, value, name, *is_arrow)?
            }
            Kind::Index(of, index) => {
                let value = self.value(of)?;
                match self.item(node, &value, index)? {
                    Some(item) => item,
                    None => self.element(node, &value, self.whole(index)?)?,
                }
            }
            Kind::Slice(of, from, to) => {
                let value = self.value(of)?;
                self.slice(node, &value, self.whole(from)?, self.whole(to)?)?
            }
            Kind::Unary(operator, operand) => self.unary(node, *operator, operand)?,
            Kind::Binary(operator, left, right) => self.binary(node, *operator, left, right)?,
            Kind::Cast(to, of) => self.cast(node, to, of)?,
            Kind::SizeOf(of) => self.size_of(of)?,
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
            (Datum::Unknown(name), Ok(_)) => Err(self.fault(node, Fault::Unknown(name))),
            (known, _) => Ok(known),
        }
    }

    fn register(&self, node: &Node, register: Register) -> Evaluated<Datum> {
        let registers = self.scene.registers;
        let registers = registers.ok_or_else(|| self.fault(node, Fault::NoFrame))?;
        let value = match register {
            Register::Local(index) => registers.local(index),
            Register::Operand(index) => registers.operand(index),
            Register::Global(index) => registers.global(index),
        };
        value
            .map(Datum::Core)
            .ok_or_else(|| self.fault(node, Fault::NoRegister))
    }

    fn moment(&self, moment: Moment) -> Datum {
        let at = &self.scene.moment;
        match moment {
            Moment::Event => Datum::Number(Number::Whole(at.event.into())),
            Moment::Tick => Datum::Number(Number::Whole(at.position.tick.0.into())),
            Moment::Position => Datum::Text(at.position.to_string()),
        }
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

    fn field(&self, node: &Node, of: Datum, name: &str, is_arrow: bool) -> Evaluated<Datum> {
        let (look, mut value) = match of {
            Datum::Lifted(lifted) => return self.lifted_field(node, &lifted, name),
            Datum::Typed(value) => (self.look(node)?, value),
            Datum::Address { address, of } => (self.look(node)?, pointed(address, of)),
            other => return Err(self.no_field(node, &other, name)),
        };
        if is_arrow {
            // In front of `->`, an array is a pointer to its first element.
            let view = look.view(&value).map_err(|why| self.fault(node, why))?;
            if let View::Elements(elements) = view {
                value = within(&elements, 0).map_err(|fault| self.fault(node, fault))?;
            }
        }
        match field_of(look, &value, name) {
            Ok(Ok(found)) => Ok(Datum::Typed(found)),
            Ok(Err(reached)) => Err(self.no_field(node, &Datum::Typed(reached), name)),
            Err(why) => Err(self.fault(node, why)),
        }
    }

    fn lifted_field(&self, node: &Node, of: &Lifted, name: &str) -> Evaluated<Datum> {
        let children = of.children();
        let found = children.iter().find(|(known, _)| known == name);
        match found {
            Some((_, value)) => Ok(Datum::Lifted((*value).clone())),
            None => Err(self.no_field(node, &Datum::Lifted(of.clone()), name)),
        }
    }

    fn no_field(&self, node: &Node, of: &Datum, name: &str) -> ExpressionError {
        let known = match of {
            Datum::Lifted(lifted) => {
                let children = lifted.children();
                listed(children.iter().map(|(name, _)| name.as_str()))
            }
            Datum::Typed(value) => self.field_names(value),
            _ => "none".to_owned(),
        };
        let fault = Fault::NoField {
            of: self.described(of),
            name: name.to_owned(),
            known,
        };
        self.fault(node, fault)
    }

    fn field_names(&self, of: &Value) -> String {
        let Some(look) = self.reading().0 else {
            return "none".to_owned();
        };
        match look.view(of).and_then(|view| inside(look, &view)) {
            Ok(Inside::Fields(fields)) => listed(fields.iter().map(|field| field.name.as_str())),
            _ => "none".to_owned(),
        }
    }

    /// What a datum is, for messages: its type, else its value.
    fn described(&self, datum: &Datum) -> String {
        match (datum, self.reading().0) {
            (Datum::Typed(value), Some(look)) => look.type_name(&value.of),
            (Datum::Address { of, .. }, Some(look)) => format!("{} *", look.type_name(of)),
            _ => self.reading().shown(datum).unwrap_or_default(),
        }
    }

    fn number(&self, node: &Node) -> Evaluated<Number> {
        let value = self.known(node)?;
        let number = self.reading().number(&value);
        let number = number.map_err(|why| self.fault(node, why))?;
        let text = || self.text.get(node.at.clone()).unwrap_or_default();
        number.ok_or_else(|| self.fault(node, Fault::NotANumber(format!("`{}`", text()))))
    }

    fn whole(&self, node: &Node) -> Evaluated<i128> {
        match self.number(node)? {
            Number::Whole(number) => Ok(number),
            Number::Real(number) => {
                Err(self.fault(node, Fault::NotANumber(format!("{number} (an index)"))))
            }
        }
    }

    fn element(&self, node: &Node, of: &Datum, index: i128) -> Evaluated<Datum> {
        let found = match of {
            Datum::Lifted(lifted) => self.lifted_element(lifted, index),
            Datum::Bytes { bytes, .. } => byte_at(bytes, index),
            Datum::Address { address, of } => {
                let look = self.look(node)?;
                element_behind(look, &pointed(*address, of.clone()), index).map(Datum::Typed)
            }
            Datum::Typed(value) => element_of(self.look(node)?, value, index).map(Datum::Typed),
            other => Err(Fault::NotIndexable(self.described(other))),
        };
        found.map_err(|fault| self.fault(node, fault))
    }

    /// A value of a container that keeps them apart from each other: by its key in a map,
    /// by its number elsewhere. `None` if it is no such container.
    fn item(&self, node: &Node, of: &Datum, index: &Node) -> Evaluated<Option<Datum>> {
        let (Datum::Typed(value), Some(look)) = (of, self.reading().0) else {
            return Ok(None);
        };
        let items = items_of(look, value).map_err(|why| self.fault(node, why))?;
        let Some(items) = items else {
            return Ok(None);
        };
        if items.kind == ItemsKind::Map {
            return self.by_key(index, &items).map(Some);
        }
        let number = self.whole(index)?;
        let at = u64::try_from(number).unwrap_or(u64::MAX);
        let found = items
            .page(look, at..at.saturating_add(1))
            .into_iter()
            .next();
        let count = items.count;
        let outside = Fault::OutOfRange {
            index: number,
            count,
        };
        let found = found.ok_or_else(|| self.fault(node, outside))?;
        Ok(Some(Datum::Typed(found.value)))
    }

    fn by_key(&self, index: &Node, items: &Items) -> Evaluated<Datum> {
        let look = self.look(index)?;
        let wanted = self.known(index)?;
        let mut at = 0;
        while at < items.count.min(MOST_KEYS) {
            let page = items.page(look, at..at + KEYS_AT_ONCE);
            if page.is_empty() {
                break;
            }
            at += page.len() as u64;
            for item in page {
                let Some(key) = item.key.map(Datum::Typed) else {
                    // What stopped the walk takes the place of a value.
                    return Ok(Datum::Typed(item.value));
                };
                let compared = self.reading().compare(&key, &wanted);
                let compared = compared.map_err(|why| self.fault(index, why))?;
                if compared.and_then(|c| c.admits(Comparison::Equal)) == Some(true) {
                    return Ok(Datum::Typed(item.value));
                }
            }
        }
        Err(self.fault(index, Fault::NoKey(items.count)))
    }

    fn lifted_element(&self, of: &Lifted, index: i128) -> Result<Datum, Fault> {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let (found, count) = match of {
            Lifted::List(list) => (list.head.get(at).cloned(), list.length),
            Lifted::Tuple(values) => (values.get(at).cloned(), values.len() as u64),
            Lifted::Bytes(bytes) => {
                let byte = bytes
                    .head
                    .get(at)
                    .map(|byte| Lifted::Unsigned((*byte).into()));
                (byte, bytes.length)
            }
            other => {
                let shown = self.described(&Datum::Lifted(other.clone()));
                return Err(Fault::NotIndexable(shown));
            }
        };
        found.map(Datum::Lifted).ok_or(match at as u64 >= count {
            true => Fault::OutOfRange { index, count },
            false => Fault::NotLifted,
        })
    }

    /// Elements of an array or slice; behind a pointer, as many as are asked for.
    fn slice(&self, node: &Node, of: &Datum, from: i128, to: i128) -> Evaluated<Datum> {
        let count = u64::try_from(to.saturating_sub(from));
        let count = count.map_err(|_| {
            self.fault(
                node,
                Fault::OutOfRange {
                    index: to,
                    count: 0,
                },
            )
        })?;
        let Datum::Typed(first) = self.element(node, of, from)? else {
            return Err(self.fault(node, Fault::NotIndexable(self.described(of))));
        };
        if count > 1 && !matches!(of, Datum::Address { .. }) {
            self.element(node, of, to - 1)?;
        }
        let of = match first.of {
            Of::Type(element) => Of::Array {
                element,
                counts: vec![count],
            },
            Of::Array {
                element,
                mut counts,
            } => {
                counts.insert(0, count);
                Of::Array { element, counts }
            }
            Of::Said(_) | Of::Lost(_) => {
                return Err(self.fault(node, Fault::NotIndexable(self.described(of))));
            }
        };
        Ok(Datum::Typed(Value {
            of,
            place: first.place,
        }))
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
                    _ => Err(self.fault(operand, Fault::NotIndexable(self.described(pointer)))),
                }
            }
            Datum::Number(_) | Datum::Core(_) => {
                let text = self.text.get(operand.at.clone()).unwrap_or_default();
                Err(self.fault(operand, Fault::Untyped(text.to_owned())))
            }
            other => Err(self.fault(operand, Fault::NotIndexable(self.described(other)))),
        }
    }

    fn address_of(&self, node: &Node, value: Datum) -> Evaluated<Datum> {
        match value {
            Datum::Typed(Value { of, place }) => match place.address() {
                Some(address) => Ok(Datum::Address { address, of }),
                None => Err(self.fault(node, Fault::NoAddress)),
            },
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
                    None => self.calculated(node, operator, left, right),
                }
            }
            _ => self.calculated(node, operator, left, right),
        }
    }

    fn calculated(
        &self,
        node: &Node,
        operator: Binary,
        left: &Node,
        right: &Node,
    ) -> Evaluated<Datum> {
        let (a, b) = (self.number(left)?, self.number(right)?);
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
        let (a, b) = (self.value(left)?, self.value(right)?);
        let compared = self.reading().compare(&a, &b);
        let compared = compared.map_err(|why| self.fault(node, why))?;
        if compared.is_none() {
            // One of the names is a mistake.
            self.known(left)?;
            self.known(right)?;
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

    fn as_pointer(&self, datum: &Datum) -> Result<Option<(u64, Of)>, Unavailable> {
        let (value, look) = match (datum, self.reading().0) {
            (Datum::Address { address, of }, _) => return Ok(Some((*address, of.clone()))),
            (Datum::Typed(value), Some(look)) => (value, look),
            _ => return Ok(None),
        };
        if let Some((address, target)) = look.pointer(value)? {
            return Ok(Some((address, Of::Type(target))));
        }
        Ok(match look.view(value)? {
            View::Elements(elements) => {
                let address = elements.first.address();
                address.map(|address| (address, elements.of))
            }
            _ => None,
        })
    }

    fn cast(&self, node: &Node, to: &TypeName, of: &Node) -> Evaluated<Datum> {
        let value = self.known(of)?;
        let unknown = || self.fault(node, Fault::UnknownType(to.name.clone()));
        if to.pointers > 1 {
            return Err(self.fault(node, Fault::PointerToPointer(to.name.clone())));
        }
        let Some(look) = self.reading().0 else {
            let scalar = types::scalar(&to.name).filter(|_| to.pointers == 0);
            let number = scalar.ok_or_else(unknown)?.of(self.number(of)?);
            return Ok(Datum::Number(number));
        };
        let found = types::find(look, &to.name);
        if to.pointers == 1 {
            let address = self.address_in(of, &value)?;
            let of = Of::Type(found.ok_or_else(unknown)?);
            return Ok(Datum::Address { address, of });
        }
        let Some(found) = found else {
            let scalar = types::scalar(&to.name).ok_or_else(unknown)?;
            return Ok(Datum::Number(scalar.of(self.number(of)?)));
        };
        let resolved = look.source.resolved(found);
        let (_, resolved) = resolved.map_err(|why| self.fault(node, why))?;
        if let Some(scalar) = Scalar::of_type(&resolved) {
            let place = Place::copied(scalar.bytes(self.number(of)?));
            let of = Of::Type(found);
            return Ok(Datum::Typed(Value { of, place }));
        }
        // The same bytes, seen as something else.
        match value {
            Datum::Typed(value) => Ok(Datum::Typed(Value {
                of: Of::Type(found),
                place: value.place,
            })),
            other => Err(self.fault(of, Fault::NotIndexable(self.described(&other)))),
        }
    }

    /// The address that a pointer, an array or a number is.
    fn address_in(&self, node: &Node, value: &Datum) -> Evaluated<u64> {
        let pointer = self
            .as_pointer(value)
            .map_err(|why| self.fault(node, why))?;
        if let Some((address, _)) = pointer {
            return Ok(address);
        }
        let address = self.whole(node)?;
        // A negative `i32` is an address in the upper half.
        let address = match i32::try_from(address) {
            Ok(negative) if negative < 0 => i128::from(negative.cast_unsigned()),
            _ => address,
        };
        u64::try_from(address).map_err(|_| self.fault(node, Fault::TooLarge))
    }

    /// The size of a value, or of the type with a name.
    fn size_of(&self, of: &Node) -> Evaluated<Datum> {
        let look = self.look(of)?;
        let size = match self.value(of)? {
            Datum::Typed(value) => look.size(&value.of),
            Datum::Bytes { bytes, .. } => bytes.len() as u64,
            Datum::Address { .. } => 4,
            Datum::Unknown(name) => {
                let found = types::find(look, &name);
                let found = found.ok_or_else(|| self.fault(of, Fault::UnknownType(name)))?;
                look.size(&Of::Type(found))
            }
            other => {
                let described = self.described(&other);
                return Err(self.fault(of, Fault::NotIndexable(described)));
            }
        };
        Ok(Datum::Number(Number::Whole(size.into())))
    }
}

/// The container that a value is, or points to.
fn items_of(look: &Look<'_>, value: &Value) -> Result<Option<Items>, Unavailable> {
    let mut value = value.clone();
    for _ in 0..4 {
        match look.view(&value)? {
            View::Items(items) => return Ok(Some(items)),
            View::Pointer {
                target: Some(target),
                is_transparent: true,
                ..
            } => value = target,
            _ => break,
        }
    }
    Ok(None)
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.take(20).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

pub(super) fn pointed(address: u64, of: Of) -> Value {
    Value {
        of,
        place: Place::Memory(address),
    }
}

fn byte_at(bytes: &[u8], index: i128) -> Result<Datum, Fault> {
    let at = usize::try_from(index).ok();
    let byte = at.and_then(|at| bytes.get(at));
    let count = bytes.len() as u64;
    let byte = byte.ok_or(Fault::OutOfRange { index, count })?;
    Ok(Datum::Number(Number::Whole((*byte).into())))
}

/// A field by name, through pointers, in anonymous members and base classes; else the
/// value that has no such field.
fn field_of(look: &Look<'_>, of: &Value, name: &str) -> Result<Result<Value, Value>, Unavailable> {
    let mut value = of.clone();
    // References to references to a pointer: no more than this.
    for _ in 0..4 {
        match look.view(&value)? {
            View::Pointer {
                target: Some(target),
                ..
            } => value = target,
            View::Fields { fields, .. } => {
                let found = fields.into_iter().find(|field| field.name == name);
                if let Some(found) = found {
                    return Ok(Ok(found.value));
                }
                break;
            }
            _ => break,
        }
    }
    Ok(look.find_inside(&value, name).ok_or(value))
}

fn element_of(look: &Look<'_>, of: &Value, index: i128) -> Result<Value, Fault> {
    match look.view(of)? {
        View::Elements(elements) | View::Text(_, elements) => within(&elements, index),
        View::Pointer {
            target: Some(target),
            ..
        } => element_behind(look, &target, index),
        _ => Err(Fault::NotIndexable(format!("`{}`", look.type_name(&of.of)))),
    }
}

/// An element of a reference's slice or array; for any other pointer, the value so
/// many further on, as in C.
fn element_behind(look: &Look<'_>, target: &Value, index: i128) -> Result<Value, Fault> {
    if let Ok(View::Elements(elements)) = look.view(target) {
        return within(&elements, index);
    }
    let stride = i128::from(look.size(&target.of));
    let offset = index.checked_mul(stride);
    let offset = offset.and_then(|offset| i64::try_from(offset).ok());
    let offset = offset.ok_or(Fault::OutOfRange { index, count: 0 })?;
    Ok(Value {
        of: target.of.clone(),
        place: target.place.after(offset.cast_unsigned()),
    })
}

fn within(elements: &Elements, index: i128) -> Result<Value, Fault> {
    let count = elements.count;
    match u64::try_from(index) {
        Ok(at) if at < count => Ok(elements.at(at)),
        _ => Err(Fault::OutOfRange { index, count }),
    }
}
