//! Where files with debug information may be.

use super::urls::percent_decoded;
use crate::source::host_file::Within;
use std::path::{Path, PathBuf};

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The program's name, for messages.
    pub program: String,
    /// Where the component's file is, or may be. Files that nobody has named are read only
    /// in the folders of these, and beneath.
    pub beside: Vec<PathBuf>,
    /// Files that the person has named.
    pub given: Vec<PathBuf>,
}

impl Search {
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let folders = self.beside.iter().filter_map(|file| file.parent());
        folders.map(Path::to_owned).collect()
    }
}

/// What debug builds of a component are called.
pub(super) fn debug_names(component: &Path) -> [PathBuf; 2] {
    [
        component.with_extension("debug.wasm"),
        with_suffix(component, ".debug.wasm"),
    ]
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Where a file may be that was at `path` when the guest was built.
pub(super) fn candidates(path: &str, search: &Search) -> Vec<PathBuf> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let folders = search.folders();
    let relative = folders.iter().map(|folder| folder.join(path));
    let beside = folders.iter().map(|folder| folder.join(name));
    relative.chain(beside).collect()
}

/// The file that a URL in a module names.
pub(super) fn locate(url: &str, search: &Search) -> Result<PathBuf, String> {
    let path = match url.split_once("://") {
        Some(("file", path)) => percent_decoded(path),
        Some(_) => {
            return Err(format!(
                "its debug information is at {url}, which is not fetched: download it, and name \
                 the file with `debugFiles` or --debug-file"
            ));
        }
        None => url.to_owned(),
    };
    let candidates = candidates(&path, search);
    there(&candidates, Within::Folders(&search.folders())).map_err(|outside| match outside {
        true => format!(
            "it says that its debug information is in {url}, which is outside of the folders of \
             the recording and of the component: if that is to be read, name the file with \
             `debugFiles` or --debug-file"
        ),
        false => format!(
            "it says that its debug information is in {url}, which is not there: name the file \
             with `debugFiles` or --debug-file"
        ),
    })
}

/// The first of some files that is there, where it may be; if there is none, whether one is
/// where it may not be.
pub(super) fn there(candidates: &[PathBuf], within: Within<'_>) -> Result<PathBuf, bool> {
    let are_there = || candidates.iter().filter(|path| path.is_file());
    let found = are_there().find(|path| within.holds(path));
    found.cloned().ok_or_else(|| are_there().next().is_some())
}
