//! Which class an object is of, whatever the pointer to it says: the object leads to the
//! table of its virtual functions, and that, by the Itanium C++ ABI (section 2.9.2,
//! `std::type_info`), to the name of its class. Without run-time type information, the
//! destructor in the table has the name.

use crate::inspect::variable::place::Place;
use crate::inspect::variable::scalar;
use crate::inspect::variable::value::{Look, Of, Value};
use crate::source::{Composite, EntryId, Type};

/// How deep classes have the pointer to their table in base classes.
const DEEPEST: usize = 8;
/// The longest name of a class, in bytes.
const LONGEST_NAME: usize = 4096;

/// Whether a member is the pointer to the table, by the names that compilers give it.
pub(in crate::inspect) fn is_table(name: Option<&str>) -> bool {
    name.is_some_and(|name| name.starts_with("_vptr"))
}

impl Look<'_> {
    /// The whole object that a value of a class with virtual functions is a part of;
    /// `None` if it is the whole, or where that cannot be known: without run-time type
    /// information, in memory that holds no object.
    pub(in crate::inspect) fn whole_object(&self, part: &Value) -> Option<Value> {
        let Of::Type(id) = part.of else {
            return None;
        };
        let composite = self.composite(part).ok()??;
        let table = self.table(&composite, &part.place, DEEPEST)?;
        let size = self.size(&table.of);
        let start = table.place.read_number(size, self.state).ok()?;
        let before = |words: u64| Place::Memory(start.wrapping_sub(words.wrapping_mul(size)));
        let to_top = before(2).read(size, self.state).ok()?;
        let info = before(1).read_number(size, self.state).ok()?;
        let class = match self.class_name(info, size) {
            Some(name) => self.source.class_mangled(&name),
            None => self.destroyed(start, size),
        }?;
        let to_top = i64::try_from(scalar::signed(&to_top)).ok()?;
        let place = table.place.after(to_top.cast_unsigned());
        let is_whole = place.address() == part.place.address()
            && self.source.resolved(id).is_ok_and(|(id, _)| id == class);
        (!is_whole).then_some(Value {
            of: Of::Type(class),
            place,
        })
    }

    /// The class whose destructor is in a table. Of the two in a row, the second is always
    /// the class's own: it frees the whole object.
    fn destroyed(&self, table: u64, pointer_size: u64) -> Option<EntryId> {
        // Destructors come where the first class declares them.
        const LONGEST_TABLE: u64 = 32;
        let class_at = |slot: u64| {
            let at = Place::Memory(table.wrapping_add(slot.wrapping_mul(pointer_size)));
            let index = at.read_number(pointer_size, self.state).ok()?;
            let name = self.source.function_in_table(u32::try_from(index).ok()?)?;
            let class = name.rsplit_once("::~").map(|(class, _)| class);
            // In the table of a base class that is not the first, it goes through a thunk.
            let bare = |class: &str| class.rsplit("}, ").next().map(str::to_owned);
            Some(class.and_then(bare))
        };
        for slot in 0..LONGEST_TABLE {
            if class_at(slot)?.is_some() {
                return self.source.type_named(&class_at(slot + 1)??);
            }
        }
        None
    }

    /// The mangled name that a `std::type_info` has, behind its own table.
    pub(in crate::inspect) fn class_name(&self, info: u64, pointer_size: u64) -> Option<String> {
        if info == 0 {
            return None;
        }
        let name = Place::Memory(info.wrapping_add(pointer_size));
        let name = name.read_number(pointer_size, self.state).ok()?;
        self.c_string(name, LONGEST_NAME)
    }

    /// Where a base class is in a class, in bytes, however far up.
    pub(in crate::inspect) fn base_offset(&self, class: EntryId, base: EntryId) -> Option<u64> {
        let name = |id| match self.source.resolved(id).ok()?.1 {
            Type::Composite(of) if !of.is_rust => of.name,
            _ => None,
        };
        self.offset_within(class, &name(base)?, DEEPEST)
    }

    fn offset_within(&self, class: EntryId, base: &str, depth: usize) -> Option<u64> {
        let deeper = depth.checked_sub(1)?;
        self.spend(1).ok()?;
        let Type::Composite(of) = self.source.resolved(class).ok()?.1 else {
            return None;
        };
        // Several units describe the same class: it is known by its name.
        if of.name.as_deref() == Some(base) {
            return Some(0);
        }
        let mut bases = of.members.iter().filter(|m| m.is_base_class);
        bases.find_map(|member| {
            let inner = self.offset_within(member.type_id?, base, deeper)?;
            Some(member.offset.wrapping_add(inner))
        })
    }

    /// Whether a class has virtual functions.
    pub(in crate::inspect) fn has_table(&self, composite: &Composite) -> bool {
        !composite.is_rust && self.table(composite, &Place::Memory(0), DEEPEST).is_some()
    }

    /// The pointer to the table: the class's own, or that of a base class.
    fn table(&self, composite: &Composite, place: &Place, depth: usize) -> Option<Value> {
        let deeper = depth.checked_sub(1)?;
        self.spend(1).ok()?;
        let own = composite
            .members
            .iter()
            .find(|m| is_table(m.name.as_deref()));
        if let Some(member) = own {
            return Some(Value {
                of: Of::Type(member.type_id?),
                place: place.after(member.offset),
            });
        }
        let mut bases = composite.members.iter().filter(|m| m.is_base_class);
        bases.find_map(|base| {
            let base = Value {
                of: Of::Type(base.type_id?),
                place: place.after(base.offset),
            };
            let body = self.composite(&base).ok()??;
            self.table(&body, &base.place, deeper)
        })
    }

    /// What a pointer's target is: the whole object, where the target is a part of it.
    pub(in crate::inspect) fn object(&self, target: Value) -> Value {
        self.whole_object(&target).unwrap_or(target)
    }
}
