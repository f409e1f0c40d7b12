//! A second reader of traces, made after `docs/trace-format.md` alone: crossings out of
//! the component binary, events out of sections. It trusts what it reads.

use std::collections::{HashMap, HashSet};
use wasmparser as wp;

/// The core function type of a crossing, `i32` as `i` and so on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signature {
    params: Vec<wp::ValType>,
    results: Vec<wp::ValType>,
    /// The size of its return area: of a lowered function's result, if that is not
    /// returned flat.
    area: Option<usize>,
}

/// A type in the canonical ABI.
struct Abi {
    size: usize,
    align: usize,
    /// How many core values it is, flat.
    flat: usize,
}

impl Abi {
    fn new(size: usize, flat: usize) -> Abi {
        Abi {
            size,
            align: size,
            flat,
        }
    }

    fn record(fields: impl Iterator<Item = Abi>) -> Abi {
        let mut all = Abi::new(0, 0);
        all.align = 1;
        for field in fields {
            all.size = all.size.next_multiple_of(field.align) + field.size;
            all.align = all.align.max(field.align);
            all.flat += field.flat;
        }
        all.size = all.size.next_multiple_of(all.align);
        all
    }

    fn variant(cases: usize, payloads: impl Iterator<Item = Abi>) -> Abi {
        let tag = match cases {
            0..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            _ => 4,
        };
        let payload = payloads.fold(
            Abi {
                size: 0,
                align: 1,
                flat: 0,
            },
            |a, b| Abi {
                size: a.size.max(b.size),
                align: a.align.max(b.align),
                flat: a.flat.max(b.flat),
            },
        );
        let align = payload.align.max(tag);
        Abi {
            size: (tag.next_multiple_of(payload.align) + payload.size).next_multiple_of(align),
            align,
            flat: 1 + payload.flat,
        }
    }
}

fn canonical_abi(
    types: &wp::types::TypesRef<'_>,
    ty: wp::component_types::ComponentValType,
) -> Abi {
    use wp::PrimitiveValType as P;
    use wp::component_types::{ComponentDefinedType as D, ComponentValType as V};
    let of = |ty: &V| canonical_abi(types, *ty);
    let primitive = |ty: P| match ty {
        P::Bool | P::S8 | P::U8 => Abi::new(1, 1),
        P::S16 | P::U16 => Abi::new(2, 1),
        P::S64 | P::U64 | P::F64 => Abi::new(8, 1),
        P::String => Abi {
            size: 8,
            align: 4,
            flat: 2,
        },
        _ => Abi::new(4, 1),
    };
    let id = match ty {
        V::Primitive(ty) => return primitive(ty),
        V::Type(id) => id,
    };
    match &types[id] {
        D::Primitive(ty) => primitive(*ty),
        D::Record(record) => Abi::record(record.fields.values().map(of)),
        D::Tuple(tuple) => Abi::record(tuple.types.iter().map(of)),
        D::Variant(variant) => {
            let payloads = variant.cases.values().filter_map(|case| case.ty);
            Abi::variant(variant.cases.len(), payloads.map(|ty| of(&ty)))
        }
        D::Option { ty, .. } => Abi::variant(2, [of(ty)].into_iter()),
        D::Result { ok, err, .. } => Abi::variant(2, ok.iter().chain(err).map(of)),
        D::Enum(labels) => Abi::variant(labels.len(), std::iter::empty()),
        D::Flags(labels) => match labels.len() {
            0..=8 => Abi::new(1, 1),
            9..=16 => Abi::new(2, 1),
            _ => Abi::new(4, 1),
        },
        D::List { .. } => Abi {
            size: 8,
            align: 4,
            flat: 2,
        },
        _ => Abi::new(4, 1),
    }
}

/// *Crossings*: numbered as the binary defines them.
pub fn crossings(component: &[u8]) -> Vec<Signature> {
    let mut validator = wp::Validator::new_with_features(wp::WasmFeatures::all());
    let mut found = Vec::new();
    // For each open component, the reallocs that have been seen.
    let mut reallocs: Vec<HashSet<(u32, Option<u32>)>> = Vec::new();
    let mut functions: Vec<u32> = Vec::new();
    let mut modules = 0;
    for payload in wp::Parser::new(0).parse_all(component) {
        let payload = payload.unwrap();
        match &payload {
            wp::Payload::Version { encoding, .. } if *encoding == wp::Encoding::Module => {
                modules += 1;
            }
            wp::Payload::Version { .. } => {
                reallocs.push(HashSet::new());
                functions.push(0);
            }
            wp::Payload::End(_) if modules > 0 => modules -= 1,
            wp::Payload::End(_) => {
                reallocs.pop();
                functions.pop();
            }
            _ => {}
        }
        validator.payload(&payload).unwrap();
        let Some(types) = validator.types(0) else {
            continue;
        };
        let signature = |function: u32| {
            let ty = types[types.core_function_at(function)].unwrap_func();
            Signature {
                params: ty.params().to_vec(),
                results: ty.results().to_vec(),
                area: None,
            }
        };
        match payload {
            wp::Payload::ComponentAliasSection(section) => {
                for alias in section {
                    if let wp::ComponentAlias::CoreInstanceExport {
                        kind: wp::ExternalKind::Func,
                        ..
                    } = alias.unwrap()
                    {
                        *functions.last_mut().unwrap() += 1;
                    }
                }
            }
            wp::Payload::ComponentTypeSection(section) => {
                for ty in section {
                    if let wp::ComponentType::Resource {
                        dtor: Some(function),
                        ..
                    } = ty.unwrap()
                    {
                        found.push(signature(function));
                    }
                }
            }
            wp::Payload::ComponentCanonicalSection(section) => {
                for canonical in section {
                    let canonical = canonical.unwrap();
                    let options = match &canonical {
                        wp::CanonicalFunction::Lift { options, .. }
                        | wp::CanonicalFunction::Lower { options, .. } => &options[..],
                        _ => &[],
                    };
                    let option = |wanted: fn(&wp::CanonicalOption) -> Option<u32>| {
                        options.iter().find_map(wanted)
                    };
                    let memory = option(|o| match o {
                        wp::CanonicalOption::Memory(memory) => Some(*memory),
                        _ => None,
                    });
                    let realloc = option(|o| match o {
                        wp::CanonicalOption::Realloc(realloc) => Some(*realloc),
                        _ => None,
                    });
                    let post_return = option(|o| match o {
                        wp::CanonicalOption::PostReturn(post) => Some(*post),
                        _ => None,
                    });
                    if let Some(realloc) = realloc
                        && reallocs.last_mut().unwrap().insert((realloc, memory))
                    {
                        found.push(signature(realloc));
                    }
                    if let wp::CanonicalFunction::Lift {
                        core_func_index, ..
                    } = canonical
                    {
                        found.extend(post_return.map(signature));
                        found.push(signature(core_func_index));
                    } else {
                        if let wp::CanonicalFunction::ThreadNewIndirect { .. } = canonical {
                            found.push(Signature {
                                params: vec![wp::ValType::I32; 2],
                                results: Vec::new(),
                                area: None,
                            });
                        }
                        let function = functions.last_mut().unwrap();
                        let mut crossing = signature(*function);
                        *function += 1;
                        if let wp::CanonicalFunction::Lower { func_index, .. } = canonical {
                            let ty = &types[types.component_function_at(func_index)];
                            let area = ty.result.map(|ty| canonical_abi(&types, ty));
                            crossing.area = area.filter(|a| a.flat > 1).map(|a| a.size);
                        }
                        found.push(crossing);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// An event as this reader reads it; floats as their bits.
#[derive(Debug, PartialEq)]
pub struct Read {
    pub instance: u32,
    pub crossing: usize,
    pub what: What,
}

#[derive(Debug, PartialEq)]
pub enum What {
    Call(Vec<u64>),
    Return(Vec<u64>),
    Enter(Vec<u64>),
    Leave(Vec<u64>),
    Write(u64, Vec<u8>),
    Hash(u64),
    Resume(u64),
}

pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    fn take(&mut self, length: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken.to_vec()
    }

    fn fixed(&mut self, length: usize) -> u64 {
        let bytes = self.take(length);
        bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
    }

    pub fn varint(&mut self) -> u64 {
        let byte = self.fixed(1);
        match byte {
            0..0x80 => byte,
            _ => (byte & 0x7f) | self.varint() << 7,
        }
    }

    fn signed(&mut self) -> u64 {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let byte = self.fixed(1);
            value |= (byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                let extend = byte & 0x40 != 0 && shift < 64;
                return if extend { value | !0 << shift } else { value };
            }
        }
    }
}

/// *Events*: an events section.
pub fn read_events(section: &[u8], crossings: &[Signature]) -> Vec<Read> {
    let mut bytes = Bytes(section);
    let mut instance = 0;
    // The last integer in each place.
    let mut params: HashMap<(usize, usize), u64> = HashMap::new();
    let mut results = HashMap::new();
    let mut addresses: HashMap<usize, u64> = HashMap::new();
    // What is in progress: instance, crossing, last argument.
    let mut open: Vec<(u32, usize, u64)> = Vec::new();
    let mut events = Vec::new();
    while !bytes.0.is_empty() {
        let head = bytes.varint();
        match head {
            // A time, and that the wall clock was set: neither is an event.
            7 => {
                bytes.varint();
                continue;
            }
            8 => {
                bytes.signed();
                continue;
            }
            _ => {}
        }
        let mut crossing = (head >> 6) as usize;
        if head & 16 == 0 {
            (instance, crossing, _) = *open.last().unwrap();
        } else if head & 32 != 0 {
            instance = bytes.varint() as u32;
        }
        let signature = &crossings[crossing];
        let mut values = |of: &[wp::ValType], places: &mut HashMap<(usize, usize), u64>| {
            let of = of.iter().enumerate();
            of.map(|(i, ty)| {
                let last = places.entry((crossing, i)).or_default();
                match ty {
                    wp::ValType::F32 => return bytes.fixed(4),
                    wp::ValType::F64 => return bytes.fixed(8),
                    wp::ValType::I32 => *last = last.wrapping_add(bytes.signed()) & 0xffff_ffff,
                    _ => *last = last.wrapping_add(bytes.signed()),
                }
                *last
            })
            .collect()
        };
        let what = match head & 15 {
            0 => What::Call(values(&signature.params, &mut params)),
            1 => What::Return(values(&signature.results, &mut results)),
            2 => What::Enter(values(&signature.params, &mut params)),
            3 => What::Leave(values(&signature.results, &mut results)),
            6 => {
                let (_, _, address) = *open.last().unwrap();
                What::Write(address, bytes.take(signature.area.unwrap()))
            }
            4 => {
                let address = addresses.entry(crossing).or_default();
                *address = address.wrapping_add(bytes.signed());
                let length = bytes.varint() as usize;
                What::Write(*address, bytes.take(length))
            }
            5 => What::Hash(bytes.fixed(8)),
            9 => What::Resume(bytes.varint()),
            other => panic!("kind {other}"),
        };
        match &what {
            What::Call(values) | What::Enter(values) => {
                open.push((instance, crossing, values.last().copied().unwrap_or(0)));
            }
            What::Return(_) | What::Leave(_) => drop(open.pop()),
            _ => {}
        }
        events.push(Read {
            instance,
            crossing,
            what,
        });
    }
    events
}

/// *Records*: a records section.
pub fn read_records(section: &[u8], crossings: &[Signature]) -> Vec<Read> {
    let mut bytes = Bytes(section);
    let instance = bytes.fixed(4) as u32;
    let mut events = Vec::new();
    while !bytes.0.is_empty() {
        let header = bytes.fixed(4);
        if header & 7 == 6 {
            bytes.take(16);
            continue;
        }
        let crossing = (header >> 3) as usize;
        let signature = &crossings[crossing];
        let mut values = |of: &[wp::ValType]| -> Vec<u64> {
            let size = |ty: &wp::ValType| match ty {
                wp::ValType::I32 | wp::ValType::F32 => 4,
                _ => 8,
            };
            of.iter().map(|ty| bytes.fixed(size(ty))).collect()
        };
        let what = match header & 7 {
            0 => What::Call(values(&signature.params)),
            1 => What::Return(values(&signature.results)),
            2 => What::Enter(values(&signature.params)),
            3 => What::Leave(values(&signature.results)),
            4 => {
                let address = bytes.fixed(8);
                let length = bytes.fixed(4) as usize;
                What::Write(address, bytes.take(length))
            }
            5 => What::Hash(bytes.fixed(8)),
            7 => What::Resume(bytes.fixed(4)),
            other => panic!("kind {other}"),
        };
        events.push(Read {
            instance,
            crossing,
            what,
        });
    }
    events
}
