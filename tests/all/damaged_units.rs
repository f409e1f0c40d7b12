//! Debug information of which one unit is damaged: it is told of, and takes nothing else
//! with it.

use crate::support::session::{start, symbols};
use crate::support::{fixture, module_with_dwarf, record};
use rr_dap::source::ModuleSource;
use serde_json::json;
use std::sync::Arc;
use wasmparser::{Parser, Payload};

/// The units of a module by name, with where in `.debug_info` the first entry below the
/// root of each is.
fn units(module: &Arc<[u8]>) -> Vec<(String, usize)> {
    let section = |id: gimli::SectionId| {
        let payloads = Parser::new(0).parse_all(module).map(Result::unwrap);
        let mut found = payloads.filter_map(|payload| match payload {
            Payload::CustomSection(custom) if custom.name() == id.name() => Some(custom.data()),
            _ => None,
        });
        let data = found.next().unwrap_or_default();
        Ok::<_, gimli::Error>(gimli::EndianSlice::new(data, gimli::LittleEndian))
    };
    let dwarf = gimli::Dwarf::load(section).unwrap();
    let mut headers = dwarf.units();
    let mut units = Vec::new();
    while let Some(header) = headers.next().unwrap() {
        let start = header.debug_info_offset().unwrap().0;
        let unit = dwarf.unit(header).unwrap();
        let mut entries = unit.entries_raw(None).unwrap();
        let root = entries.read_abbreviation().unwrap().unwrap();
        entries.skip_attributes(root.attributes()).unwrap();
        let name = unit.name.unwrap().to_string_lossy().into_owned();
        units.push((name, start + entries.next_offset().0));
    }
    units
}

/// The module with the first entry below a unit's root made nonsense: of a kind that no
/// table describes.
fn with_damaged_unit(bytes: &[u8], module: &Arc<[u8]>, entry: usize) -> Vec<u8> {
    let at = bytes.windows(module.len()).position(|w| *w == **module);
    let payloads = Parser::new(0).parse_all(module).map(Result::unwrap);
    let mut info = payloads.filter_map(|payload| match payload {
        Payload::CustomSection(custom) if custom.name() == ".debug_info" => {
            Some(custom.data_offset())
        }
        _ => None,
    });
    let entry = at.unwrap() + info.next().unwrap() + entry;
    let mut damaged = bytes.to_vec();
    damaged[entry..entry + 3].copy_from_slice(&[0xff, 0xff, 0x7f]);
    damaged
}

#[test]
fn a_damaged_unit_is_told_of_and_takes_no_other_with_it() {
    let bytes = std::fs::read(fixture("ledger.wasm")).unwrap();
    let module = module_with_dwarf(&bytes);
    let sound = ModuleSource::read(module.clone()).unwrap();
    assert_eq!(sound.damage(), []);
    let units = units(&module);
    assert!(units.len() > 3, "{units:?}");
    for (name, entry) in units.iter().take(3) {
        let damaged = with_damaged_unit(&bytes, &module, *entry);
        let source = ModuleSource::read(module_with_dwarf(&damaged)).unwrap();
        let damage = source.damage();
        let [one] = &damage[..] else {
            panic!("{damage:?}");
        };
        assert_eq!(one.part, format!("compilation unit {name}"));
        let left = source.functions().count();
        assert!(0 < left && left < sound.functions().count(), "{left}");
        // Its lines are not in what is damaged.
        assert_eq!(source.files().count(), sound.files().count());
    }
}

#[test]
fn a_session_tells_which_unit_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(fixture("ledger.wasm")).unwrap();
    let module = module_with_dwarf(&bytes);
    let units = units(&module);
    let (name, entry) = units
        .iter()
        .find(|(name, _)| name.contains("ledger"))
        .unwrap();
    let app = dir.path().join("app.wasm");
    std::fs::write(&app, with_damaged_unit(&bytes, &module, *entry)).unwrap();
    let trace = dir.path().join("app.rrtrace");
    let work = format!("--dir={}::/work", fixture("").display());
    record(&app, &[&work], &[], "", &trace);
    let mut client = start(json!({ "trace": trace, "stopOnEntry": true }), |_| {});
    let told = symbols(&mut client);
    let part = format!("partly damaged: compilation unit {name} (");
    assert!(told[0].contains(&part), "{told:?}");
}
