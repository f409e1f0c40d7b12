//! Split DWARF: units whose entries are in files of their own (`.dwo`), or in a
//! package of them (`.dwp`). What stays in the module is a skeleton with the lines.

use super::damage::Damage;
use super::sections::{DebugSections, Reader};
use gimli::{Dwarf, DwarfPackage, DwoId, SectionId, UnitHeader};
use std::collections::HashMap;
use std::sync::Arc;

/// The entries of one split unit, and the sections that they are in.
pub(super) struct SplitUnit {
    pub(super) unit: gimli::Unit<Reader>,
    pub(super) sections: Arc<Dwarf<Reader>>,
}

/// All split files that a module was given.
#[derive(Default)]
pub(super) struct SplitFiles {
    packages: Vec<DwarfPackage<Reader>>,
    units: HashMap<u64, (Arc<Dwarf<Reader>>, UnitHeader<Reader>)>,
    damage: Vec<Damage>,
}

impl SplitFiles {
    /// Reads the files; what is damaged in one is left out.
    pub(super) fn read(files: &[DebugSections], parent: &Dwarf<Reader>) -> SplitFiles {
        let mut split = SplitFiles::default();
        for file in files {
            if file.is_package() {
                let load = |id: SectionId| Ok::<_, gimli::Error>(file.section(split_name(id)));
                match DwarfPackage::load(load, file.section("")) {
                    Ok(package) => split.packages.push(package),
                    Err(error) => split
                        .damage
                        .push(Damage::new("a package of split units", error)),
                }
            } else if let Err(error) = split.add_units(file, parent) {
                split
                    .damage
                    .push(Damage::new("a file of split units", error));
            }
        }
        split
    }

    /// What could not be read.
    pub(super) fn damage(&self) -> impl Iterator<Item = &Damage> {
        self.damage.iter()
    }

    fn add_units(
        &mut self,
        file: &DebugSections,
        parent: &Dwarf<Reader>,
    ) -> Result<(), gimli::Error> {
        let mut dwarf = Dwarf::load(|id| Ok::<_, gimli::Error>(file.section(split_name(id))))?;
        dwarf.make_dwo(parent);
        let dwarf = Arc::new(dwarf);
        let mut headers = dwarf.units();
        while let Some(header) = headers.next()? {
            let unit = dwarf.unit(header.clone())?;
            if let Some(id) = unit.dwo_id {
                self.units.insert(id.0, (dwarf.clone(), header));
            }
        }
        Ok(())
    }

    /// The unit that a skeleton stands for.
    pub(super) fn unit_of(
        &self,
        skeleton: &gimli::Unit<Reader>,
        parent: &Dwarf<Reader>,
    ) -> Option<SplitUnit> {
        let id = skeleton.dwo_id?;
        let (sections, header) = match self.units.get(&id.0) {
            Some(known) => known.clone(),
            None => self.packaged(id, parent)?,
        };
        let mut unit = sections.unit(header).ok()?;
        unit.copy_relocated_attributes(skeleton);
        Some(SplitUnit { unit, sections })
    }

    fn packaged(
        &self,
        id: DwoId,
        parent: &Dwarf<Reader>,
    ) -> Option<(Arc<Dwarf<Reader>>, UnitHeader<Reader>)> {
        self.packages.iter().find_map(|package| {
            let dwarf = package.find_cu(id, parent).ok()??;
            let header = dwarf.units().next().ok()??;
            Some((Arc::new(dwarf), header))
        })
    }

    /// Whether any file has the unit with this number.
    pub(super) fn has(&self, id: DwoId, parent: &Dwarf<Reader>) -> bool {
        self.units.contains_key(&id.0) || self.packaged(id, parent).is_some()
    }
}

fn split_name(id: SectionId) -> &'static str {
    id.dwo_name().unwrap_or("")
}
