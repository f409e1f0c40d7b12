//! What comes in front of a recorded body where something in it is random, behind the
//! recorder.

use super::prefix::{Added, OVERDRAWN, SEED};
use super::{Result, assemble, place_module};
use crate::instrument::record::{Seed, SeedFor};
use wasm_encoder as we;

/// The core instances that shims import.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Dialled {
    /// Of a body the indices of whose handles are shuffled.
    pub(super) shuffle: Option<u32>,
    /// Of a body that is given less than it asks for.
    pub(super) chaos: Option<u32>,
}

/// Puts what makes something random into a body.
pub(super) struct Placing<'a> {
    out: &'a mut we::Component,
    added: &'a mut Added,
    /// The core instance that is the recorder.
    recorder: u32,
    /// The core function that asks the host for a seed.
    asks: Option<u32>,
}

impl<'a> Placing<'a> {
    pub(super) fn into(
        out: &'a mut we::Component,
        added: &'a mut Added,
        recorder: u32,
    ) -> Placing<'a> {
        Placing {
            out,
            added,
            recorder,
            asks: None,
        }
    }

    /// A resource type that nothing else has, and what puts dummies of it into the
    /// instance's handle table.
    pub(super) fn shuffle(&mut self, seed: Seed) -> Result<u32> {
        let dummy = self.added.types;
        let mut types = we::ComponentTypeSection::new();
        types.resource(we::ValType::I32, None);
        self.out.section(&types);
        let new = self.added.core_functions;
        let mut functions = we::CanonicalFunctionSection::new();
        functions.resource_new(dummy);
        functions.resource_drop(dummy);
        self.out.section(&functions);
        self.added.types += 1;
        self.added.core_functions += 2;
        let dummies = [("new", new), ("drop", new + 1)];
        self.instance(
            include_str!("shuffle.wat"),
            SeedFor::Handles,
            seed,
            &dummies,
        )
    }

    /// What says how much less it is.
    pub(super) fn chaos(&mut self, seed: Seed) -> Result<u32> {
        let mut given = Vec::new();
        let (mut import, mut overdrawn) = ("", "");
        if seed == Seed::OfHost {
            let mut functions = we::CanonicalFunctionSection::new();
            functions.lower(OVERDRAWN, []);
            self.out.section(&functions);
            given.push(("overdrawn", self.added.core_functions));
            self.added.core_functions += 1;
            import = r#"(import "given" "overdrawn" (func $overdrawn (param i64 i64)))"#;
            overdrawn = "(call $overdrawn (local.get $length) (local.get $permitted))";
        }
        let text = include_str!("chaos.wat")
            .replace("IMPORTS", &format!("{import} IMPORTS"))
            .replace("OVERDRAWN", overdrawn);
        self.instance(&text, SeedFor::Chaos, seed, &given)
    }

    /// An instance of a module that has these functions, a seed and random numbers.
    fn instance(
        &mut self,
        text: &str,
        what: SeedFor,
        seed: Seed,
        given: &[(&str, u32)],
    ) -> Result<u32> {
        let mut given: Vec<_> = given
            .iter()
            .map(|(name, function)| (*name, we::ExportKind::Func, *function))
            .collect();
        let (import, seed) = match seed {
            Seed::OfHost => {
                given.push(("seed", we::ExportKind::Func, self.asks()));
                let import = r#"(import "given" "seed" (func $seed (param i32) (result i32)))"#;
                (import, format!("(call $seed (i32.const {}))", what as u32))
            }
            Seed::Is(seed) => ("", format!("(i32.const {})", seed.cast_signed())),
        };
        let random = include_str!("random.wat").replace("SEED", &seed);
        let text = text.replace("IMPORTS", import).replace("RANDOM", &random);
        place_module(self.out, &assemble(&text)?);
        let mut instances = we::InstanceSection::new();
        instances.export_items(given);
        instances.instantiate(
            self.added.modules,
            [
                ("given", we::ModuleArg::Instance(self.added.core_instances)),
                ("recorder", we::ModuleArg::Instance(self.recorder)),
            ],
        );
        self.out.section(&instances);
        self.added.modules += 1;
        self.added.core_instances += 2;
        Ok(self.added.core_instances - 1)
    }

    fn asks(&mut self) -> u32 {
        *self.asks.get_or_insert_with(|| {
            let mut functions = we::CanonicalFunctionSection::new();
            functions.lower(SEED, []);
            self.out.section(&functions);
            self.added.core_functions += 1;
            self.added.core_functions - 1
        })
    }
}
