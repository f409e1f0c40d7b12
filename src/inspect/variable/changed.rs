//! What has changed in a value whose bytes are known before and after: the parts that differ,
//! each as it would be written.

use super::place::{FrameState, Place};
use super::summary::of_value;
use super::value::{Look, Of, Value};
use crate::source::{Composite, Member, ModuleSource, Type};

/// Parts that are told; of more, how many there are.
const SHOWN: usize = 4;
/// Parts that are counted.
const MOST: usize = 1000;
/// How deep parts of parts are looked for.
const DEEPEST: usize = 12;
/// The most characters of one value that are told.
const LONGEST: usize = 60;

/// The type of a value, to be asked for when its bytes are at hand.
#[derive(Debug, Clone)]
pub struct ValueType(pub(in crate::inspect) Of);

impl ValueType {
    /// `items[2].price: 300 -> 350, items[2].count: 1 -> 2`, with `name` for the value; `None`
    /// of what has no parts.
    pub fn changes(
        &self,
        (source, state): (&ModuleSource, &dyn FrameState),
        name: &str,
        (old, new): (&[u8], &[u8]),
    ) -> Option<String> {
        let look = Look::new(source, state);
        let mut found = Changes {
            look: &look,
            bytes: (old, new),
            places: (Place::copied(old.to_vec()), Place::copied(new.to_vec())),
            told: Vec::new(),
            count: 0,
        };
        if !found.has_parts(&self.0) {
            return None;
        }
        found.inside(&self.0, 0, &whole(name), DEEPEST);
        let more = match found.count.saturating_sub(found.told.len()) {
            0 => String::new(),
            _ if found.count >= MOST => ", and many more".to_owned(),
            more => format!(", and {more} more"),
        };
        // Padding between the members may change as well.
        (found.count > 0).then(|| found.told.join(", ") + &more)
    }
}

/// What `.member` can be written behind.
enum Name {
    /// A pointer, by its name: `transfer->amount`.
    Pointed(String),
    Whole(String),
}

fn whole(name: &str) -> Name {
    let is_path = |name: &str| {
        name.chars()
            .all(|c| c.is_alphanumeric() || "_.:[]".contains(c))
            || name.strip_suffix(')').is_some()
    };
    match name.strip_prefix('*') {
        Some(pointer) if is_path(pointer) => Name::Pointed(pointer.to_owned()),
        _ if is_path(name) || name.contains("->") && !name.contains(' ') => {
            Name::Whole(name.to_owned())
        }
        _ => Name::Whole(format!("({name})")),
    }
}

impl Name {
    fn member(&self, member: &str) -> Name {
        // Rust's tuples.
        let member = member
            .strip_prefix("__")
            .filter(|number| number.bytes().all(|b| b.is_ascii_digit()) && !number.is_empty())
            .unwrap_or(member);
        Name::Whole(match self {
            Name::Pointed(pointer) => format!("{pointer}->{member}"),
            Name::Whole(whole) => format!("{whole}.{member}"),
        })
    }

    fn element(&self, index: u64) -> Name {
        Name::Whole(match self {
            Name::Pointed(pointer) => format!("(*{pointer})[{index}]"),
            Name::Whole(whole) => format!("{whole}[{index}]"),
        })
    }

    fn written(&self) -> String {
        match self {
            Name::Pointed(pointer) => format!("*{pointer}"),
            Name::Whole(whole) => whole.clone(),
        }
    }
}

struct Changes<'a> {
    look: &'a Look<'a>,
    /// Before and after.
    bytes: (&'a [u8], &'a [u8]),
    places: (Place, Place),
    told: Vec<String>,
    count: usize,
}

/// What a value is made of, as far as its parts can be told one by one.
enum Parts {
    Members(Composite),
    Elements { of: Of, count: u64 },
}

impl Changes<'_> {
    fn parts(&self, of: &Of) -> Option<Parts> {
        match of {
            Of::Array { element, counts } => elements(*element, counts),
            Of::Type(id) => match self.look.source.resolved(*id).ok()?.1 {
                Type::Composite(body) => {
                    let is_plain =
                        !body.is_union && body.variants.is_none() && !body.members.is_empty();
                    is_plain.then_some(Parts::Members(body))
                }
                Type::Array {
                    element: Some(element),
                    counts,
                    ..
                } => {
                    // Text is one value.
                    if self.look.units_of(element).ok().flatten().is_some() {
                        return None;
                    }
                    let counts: Option<Vec<u64>> = counts.iter().map(|c| c.known()).collect();
                    elements(element, &counts?)
                }
                _ => None,
            },
            Of::Said(_) | Of::Lost(_) => None,
        }
    }

    /// Whether there is more to say than a number: of text, enumerators and the like, too.
    fn has_parts(&self, of: &Of) -> bool {
        match of {
            Of::Array { .. } => true,
            Of::Type(id) => matches!(
                self.look.source.resolved(*id),
                Ok((
                    _,
                    Type::Composite(_) | Type::Array { .. } | Type::Enumeration { .. }
                ))
            ),
            Of::Said(_) | Of::Lost(_) => false,
        }
    }

    fn inside(&mut self, of: &Of, at: u64, name: &Name, depth: usize) {
        if self.count >= MOST || self.is_same(at, self.look.size(of)) {
            return;
        }
        let parts = self.parts(of).zip(depth.checked_sub(1));
        match parts {
            Some((Parts::Members(body), deeper)) => {
                for member in &body.members {
                    self.member(member, at, name, deeper);
                }
            }
            Some((Parts::Elements { of, count }, deeper)) => {
                let stride = self.look.size(&of);
                for index in 0..count {
                    let at = at.saturating_add(index.saturating_mul(stride));
                    if self.count >= MOST || stride == 0 || at > self.bytes.0.len() as u64 {
                        return;
                    }
                    self.inside(&of, at, &name.element(index), deeper);
                }
            }
            None => {
                let value = |place: &Place| Value {
                    of: of.clone(),
                    place: place.after(at),
                };
                let values = (value(&self.places.0), value(&self.places.1));
                self.differ(&values, name);
            }
        }
    }

    fn member(&mut self, member: &Member, at: u64, name: &Name, depth: usize) {
        let Some(id) = member.type_id else {
            return;
        };
        let of = Of::Type(id);
        let at_member = at.saturating_add(member.offset);
        // What has no name is seen through: base classes, anonymous structs.
        let inner = match member.name.as_deref().filter(|_| !member.is_base_class) {
            Some(member) => &name.member(member),
            None => name,
        };
        if member.bits.is_none() {
            return self.inside(&of, at_member, inner, depth);
        }
        let value = |place: &Place| {
            let place = self.look.member_place(member, &place.after(at))?;
            let of = of.clone();
            Some(Value { of, place })
        };
        if let Some(values) = value(&self.places.0).zip(value(&self.places.1)) {
            self.differ(&values, inner);
        }
    }

    fn is_same(&self, at: u64, size: u64) -> bool {
        let range = usize::try_from(at)
            .ok()
            .zip(usize::try_from(at.saturating_add(size)).ok());
        let (old, new) = self.bytes;
        range.is_none_or(|(from, to)| {
            let part = |bytes: &[u8]| bytes.get(from..to.min(bytes.len())).map(<[u8]>::to_vec);
            part(old) == part(new)
        })
    }

    fn differ(&mut self, (old, new): &(Value, Value), name: &Name) {
        let shown = |value: &Value| {
            let text = of_value(self.look, value);
            match text.char_indices().nth(LONGEST) {
                Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
                None => text,
            }
        };
        let (old, new) = (shown(old), shown(new));
        // What lies beside bit fields may have changed alone.
        if old == new && !old.ends_with('…') {
            return;
        }
        self.count += 1;
        if self.told.len() < SHOWN {
            self.told
                .push(format!("{}: {old} -> {new}", name.written()));
        }
    }
}

fn elements(element: crate::source::EntryId, counts: &[u64]) -> Option<Parts> {
    let (first, others) = counts.split_first()?;
    let of = match others {
        [] => Of::Type(element),
        others => Of::Array {
            element,
            counts: others.to_vec(),
        },
    };
    Some(Parts::Elements { of, count: *first })
}
