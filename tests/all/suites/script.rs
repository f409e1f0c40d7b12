//! What a `.wast` file has in it: components, the calls that follow each, and what must
//! be refused.

use std::collections::HashMap;
use wasmtime::component::Val;
use wast::component::WastVal;
use wast::parser::{ParseBuffer, parse};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, Wat};

/// One instance of a component, and what is done with it.
pub struct Run {
    /// Where the file has it, from 1.
    pub line: usize,
    pub component: Vec<u8>,
    pub calls: Vec<Call>,
}

/// A call of an export.
pub struct Call {
    pub name: String,
    pub arguments: Vec<Val>,
}

/// A component that the suite says must be refused.
pub struct Invalid {
    pub line: usize,
    pub component: Vec<u8>,
}

#[derive(Default)]
pub struct Script {
    pub runs: Vec<Run>,
    pub invalid: Vec<Invalid>,
}

impl Script {
    /// # Errors
    ///
    /// Says what this version of the text format does not know.
    pub fn parse(text: &str) -> Result<Script, wast::Error> {
        let buffer = ParseBuffer::new(text)?;
        let directives = parse::<Wast<'_>>(&buffer)?.directives;
        let mut reader = Reader {
            text,
            ..Reader::default()
        };
        for directive in directives {
            reader.directive(directive);
        }
        Ok(reader.script)
    }
}

#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    script: Script,
    definitions: HashMap<Option<String>, Vec<u8>>,
    /// Which run has the instance of this name; none is the last one.
    named: HashMap<String, usize>,
}

impl Reader<'_> {
    fn directive(&mut self, directive: WastDirective<'_>) {
        let line = directive.span().linecol_in(self.text).0 + 1;
        match directive {
            WastDirective::Module(component) => {
                let name = component.name().map(owned);
                if let Some(component) = encoded(component) {
                    self.run(line, name, component);
                }
            }
            WastDirective::ModuleDefinition(component) => {
                let name = component.name().map(owned);
                if let Some(component) = encoded(component) {
                    self.definitions.insert(name, component);
                }
            }
            WastDirective::ModuleInstance {
                instance, module, ..
            } => {
                if let Some(component) = self.definitions.get(&module.map(owned)) {
                    self.run(line, instance.map(owned), component.clone());
                }
            }
            WastDirective::Invoke(call) => self.call(call),
            WastDirective::AssertExhaustion { call, .. } => self.call(call),
            WastDirective::AssertReturn { exec, .. }
            | WastDirective::AssertTrap { exec, .. }
            | WastDirective::AssertException { exec, .. } => match exec {
                WastExecute::Invoke(call) => self.call(call),
                WastExecute::Wat(component) => {
                    if let Some(component) = encoded(QuoteWat::Wat(component)) {
                        self.run(line, None, component);
                    }
                }
                WastExecute::Get { .. } => {}
            },
            WastDirective::AssertUnlinkable { module, .. } => {
                if let Some(component) = encoded(QuoteWat::Wat(module)) {
                    self.run(line, None, component);
                }
            }
            WastDirective::AssertInvalid { module, .. }
            | WastDirective::AssertMalformed { module, .. } => {
                if let Some(component) = encoded(module) {
                    self.script.invalid.push(Invalid { line, component });
                }
            }
            _ => {}
        }
    }

    fn run(&mut self, line: usize, name: Option<String>, component: Vec<u8>) {
        if let Some(name) = name {
            self.named.insert(name, self.script.runs.len());
        }
        self.script.runs.push(Run {
            line,
            component,
            calls: Vec::new(),
        });
    }

    fn call(&mut self, call: WastInvoke<'_>) {
        let arguments = call.args.iter().map(|argument| match argument {
            WastArg::Component(value) => Some(read(value)),
            _ => None,
        });
        let Some(arguments) = arguments.collect() else {
            return;
        };
        let run = match call.module {
            Some(name) => self.named.get(name.name()).copied(),
            None => self.script.runs.len().checked_sub(1),
        };
        if let Some(run) = run.and_then(|run| self.script.runs.get_mut(run)) {
            run.calls.push(Call {
                name: call.name.to_owned(),
                arguments,
            });
        }
    }
}

fn owned(id: Id<'_>) -> String {
    id.name().to_owned()
}

/// The binary of a component; core modules are not for us, nor what has no binary.
fn encoded(mut wat: QuoteWat<'_>) -> Option<Vec<u8>> {
    match wat {
        QuoteWat::Wat(Wat::Component(_)) | QuoteWat::QuoteComponent(..) => wat.encode().ok(),
        QuoteWat::Wat(Wat::Module(_)) | QuoteWat::QuoteModule(..) => None,
    }
}

fn read(value: &WastVal<'_>) -> Val {
    let all = |values: &[WastVal<'_>]| values.iter().map(read).collect();
    let one = |value: &Option<Box<WastVal<'_>>>| value.as_deref().map(|v| Box::new(read(v)));
    match value {
        WastVal::Bool(v) => Val::Bool(*v),
        WastVal::U8(v) => Val::U8(*v),
        WastVal::S8(v) => Val::S8(*v),
        WastVal::U16(v) => Val::U16(*v),
        WastVal::S16(v) => Val::S16(*v),
        WastVal::U32(v) => Val::U32(*v),
        WastVal::S32(v) => Val::S32(*v),
        WastVal::U64(v) => Val::U64(*v),
        WastVal::S64(v) => Val::S64(*v),
        WastVal::F32(v) => Val::Float32(f32::from_bits(v.bits)),
        WastVal::F64(v) => Val::Float64(f64::from_bits(v.bits)),
        WastVal::Char(v) => Val::Char(*v),
        WastVal::String(v) => Val::String((*v).to_owned()),
        WastVal::List(v) => Val::List(all(v)),
        WastVal::Tuple(v) => Val::Tuple(all(v)),
        WastVal::Record(fields) => Val::Record(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), read(value)))
                .collect(),
        ),
        WastVal::Variant(case, payload) => Val::Variant((*case).to_owned(), one(payload)),
        WastVal::Enum(case) => Val::Enum((*case).to_owned()),
        WastVal::Option(payload) => Val::Option(one(payload)),
        WastVal::Result(Ok(payload)) => Val::Result(Ok(one(payload))),
        WastVal::Result(Err(payload)) => Val::Result(Err(one(payload))),
        WastVal::Flags(names) => Val::Flags(names.iter().map(|&n| n.to_owned()).collect()),
    }
}
