//! The sources of Rust's own library, where rustup has put them.
//!
//! Debug information names them `/rustc/COMMIT/library/…`, whoever compiled the program.
//! A toolchain of the same commit with the component `rust-src` has them; its manifest
//! tells the commit, so no compiler is asked.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const COMPILED_IN: &str = "/rustc/";
/// Hexadecimal digits of a whole commit.
const COMMIT: usize = 40;

/// A toolchain that has the library's sources.
#[derive(Debug)]
struct Toolchain {
    /// The commit that its compiler was built from, or the first digits of it.
    commit: String,
    /// What takes the place of `/rustc/COMMIT`.
    sources: String,
    /// The whole `/rustc/COMMIT`, once a path has told it.
    compiled_in: OnceLock<String>,
}

/// The toolchains of this machine.
#[derive(Debug, Default)]
pub(crate) struct Toolchains(Vec<Toolchain>);

impl Toolchains {
    /// Those that rustup has installed for who runs this; looked for once.
    pub(crate) fn installed() -> &'static Toolchains {
        static INSTALLED: OnceLock<Toolchains> = OnceLock::new();
        INSTALLED.get_or_init(|| {
            let home = env::var_os("RUSTUP_HOME").map(PathBuf::from);
            let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".rustup")));
            home.map_or_else(Toolchains::default, |home| Self::under(&home))
        })
    }

    fn under(rustup: &Path) -> Toolchains {
        let Ok(directories) = fs::read_dir(rustup.join("toolchains")) else {
            return Toolchains::default();
        };
        let directories = directories.flatten();
        let found = directories.filter_map(|directory| Toolchain::at(&directory.path()));
        Toolchains(found.collect())
    }

    /// Where a file of the library is on this machine, if it is.
    pub(crate) fn outward(&self, path: &str) -> Option<String> {
        let (commit, file) = path.strip_prefix(COMPILED_IN)?.split_once('/')?;
        // The same toolchain may be installed under several names.
        let of_commit = self.0.iter().filter(|toolchain| toolchain.is_of(commit));
        let mut here = of_commit.filter_map(|toolchain| {
            let compiled_in = || format!("{COMPILED_IN}{commit}");
            toolchain.compiled_in.get_or_init(compiled_in);
            let here = format!("{}/{file}", toolchain.sources);
            Path::new(&here).exists().then_some(here)
        });
        let first = here.next();
        // All of them learn the whole commit.
        here.for_each(drop);
        first
    }

    /// What the debug information calls a file of the library on this machine; before it,
    /// the directory of the toolchain's sources.
    pub(crate) fn inward(&self, path: &str) -> Option<(&str, String)> {
        let (toolchain, file) = self.holding(path)?;
        Some((
            &toolchain.sources,
            format!("{}/{file}", toolchain.compiled_in()?),
        ))
    }

    /// Whether a path is of the library, and what the debug information calls that is not
    /// known before a path out of it is seen.
    pub(crate) fn is_unknown(&self, path: &str) -> bool {
        self.holding(path)
            .is_some_and(|(toolchain, _)| toolchain.compiled_in().is_none())
    }

    fn holding<'p>(&self, path: &'p str) -> Option<(&Toolchain, &'p str)> {
        self.0.iter().find_map(|toolchain| {
            let file = path.strip_prefix(&toolchain.sources)?;
            Some((toolchain, file.strip_prefix('/')?))
        })
    }
}

impl Toolchain {
    fn at(directory: &Path) -> Option<Toolchain> {
        let rustlib = directory.join("lib/rustlib");
        let sources = rustlib.join("src/rust");
        if !sources.join("library").is_dir() {
            return None;
        }
        let manifest = fs::read_to_string(rustlib.join("multirust-channel-manifest.toml")).ok()?;
        Some(Toolchain {
            commit: commit(&manifest)?.to_owned(),
            sources: sources.to_str()?.to_owned(),
            compiled_in: OnceLock::new(),
        })
    }

    fn is_of(&self, commit: &str) -> bool {
        commit.len() == COMMIT && commit.starts_with(&self.commit)
    }

    fn compiled_in(&self) -> Option<String> {
        let told = self.compiled_in.get().cloned();
        told.or_else(|| {
            (self.commit.len() == COMMIT).then(|| format!("{COMPILED_IN}{}", self.commit))
        })
    }
}

/// The compiler's commit in a manifest of rustup: the whole of it, or what its version
/// says, as in `1.95.0 (59807616e 2026-04-14)`.
fn commit(manifest: &str) -> Option<&str> {
    let (_, package) = manifest.split_once("[pkg.rustc]\n")?;
    let about = package.split("\n[").next()?;
    let field = |name: &str| {
        let lines = about.lines();
        let mut values = lines.filter_map(|line| line.strip_prefix(name)?.trim().strip_prefix('='));
        values.next().map(|value| value.trim().trim_matches('"'))
    };
    let whole = field("git_commit_hash");
    let short = || field("version")?.split_once('(')?.1.split(' ').next();
    let is_commit =
        |text: &&str| text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    whole.or_else(short).filter(is_commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = "59807616e1fa2540724bfbac14d7976d7e4a3860";

    fn installed(about_rustc: &str) -> (tempfile::TempDir, Toolchains, String) {
        let home = tempfile::tempdir().unwrap();
        let rustlib = home.path().join("toolchains/stable/lib/rustlib");
        let core = rustlib.join("src/rust/library/core/src");
        fs::create_dir_all(&core).unwrap();
        fs::write(core.join("option.rs"), "").unwrap();
        let manifest = format!(
            "[pkg.cargo]\nversion = \"0.96.0 (f2d3ce0bd 2026-03-21)\"\n\n[pkg.rustc]\n{about_rustc}\n\n\
             [pkg.rustc.target.x]\navailable = true\n",
        );
        fs::write(rustlib.join("multirust-channel-manifest.toml"), manifest).unwrap();
        // No toolchain of rustup's, and one without sources.
        fs::create_dir_all(home.path().join("toolchains/linked/bin")).unwrap();
        let toolchains = Toolchains::under(home.path());
        let here = core.join("option.rs").to_str().unwrap().to_owned();
        (home, toolchains, here)
    }

    #[test]
    fn files_of_the_library_are_found_by_the_compiler_s_commit() {
        let (_home, toolchains, here) = installed("version = \"1.95.0 (59807616e 2026-04-14)\"");
        let there = format!("/rustc/{FULL}/library/core/src/option.rs");
        assert_eq!(
            toolchains.inward(&here),
            None,
            "the whole commit is not known yet"
        );
        assert!(toolchains.is_unknown(&here));
        assert_eq!(toolchains.outward(&there).as_deref(), Some(here.as_str()));
        assert_eq!(
            toolchains.inward(&here).map(|(_, path)| path),
            Some(there.clone())
        );
        for other in [
            format!("/rustc/{FULL}/library/core/src/gone.rs"),
            format!(
                "/rustc/{}/library/core/src/option.rs",
                FULL.replace('8', "9")
            ),
            "/rustc/59807616e/library/core/src/option.rs".to_owned(),
            "/home/me/library/core/src/option.rs".to_owned(),
            "/rustc/".to_owned(),
        ] {
            assert_eq!(toolchains.outward(&other), None, "{other}");
        }
        assert_eq!(toolchains.inward("/home/me/src/main.rs"), None);
    }

    #[test]
    fn a_manifest_with_the_whole_commit_tells_it_at_once() {
        let about =
            format!("version = \"1.95.0 (59807616e 2026-04-14)\"\ngit_commit_hash = \"{FULL}\"");
        let (_home, toolchains, here) = installed(&about);
        let there = format!("/rustc/{FULL}/library/core/src/option.rs");
        assert_eq!(toolchains.inward(&here).map(|(_, path)| path), Some(there));
    }

    #[test]
    fn a_manifest_that_tells_no_commit_finds_nothing() {
        for about in ["", "version = \"1.95.0\"", "version = \"1.95.0 (now)\""] {
            let (_home, toolchains, _) = installed(about);
            assert!(toolchains.0.is_empty(), "{about}");
        }
    }
}
