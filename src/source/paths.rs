//! Paths as DWARF gives them, made whole: the directory of compilation, the
//! directory of the file, its name; without `.` and `..`.

/// Joins what the line table says about one file into one path. An absolute
/// part makes the ones before it void.
pub(super) fn join(parts: &[&str]) -> String {
    let start = parts.iter().rposition(|part| is_absolute(part));
    let parts = parts.get(start.unwrap_or(0)..).unwrap_or(parts);
    normalise(&parts.join("/"))
}

/// Removes `.`, empty and `..` components without asking any file system: the
/// path speaks of the machine that compiled the guest. Windows paths get forward
/// slashes, as compilers write both.
pub fn normalise(path: &str) -> String {
    let slashed;
    let path = match is_windows(path) {
        true => {
            slashed = path.replace('\\', "/");
            &slashed
        }
        false => path,
    };
    let mut kept: Vec<&str> = Vec::new();
    let rooted = path.starts_with('/');
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => match kept.last() {
                Some(&last) if last != ".." => {
                    kept.pop();
                }
                _ if rooted => {}
                _ => kept.push(".."),
            },
            name => kept.push(name),
        }
    }
    let joined = kept.join("/");
    if rooted { format!("/{joined}") } else { joined }
}

/// Whether a source is that of a standard library or of a package manager's, as far as
/// its path tells: code that who debugs has not written.
pub fn is_library(path: &str) -> bool {
    const MARKS: [&str; 15] = [
        "/rustc/",
        // Of cargo, wherever its home is.
        "/registry/src/",
        "/git/checkouts/",
        "/library/std/",
        "/library/core/",
        "/library/alloc/",
        "/wasi-libc",
        "libc-top-half/",
        "libc-bottom-half/",
        "/libcxx",
        "/libunwind/",
        "/compiler-rt/",
        "/dlmalloc/",
        "/node_modules/",
        "/lib/zig/",
    ];
    MARKS.iter().any(|mark| path.contains(mark))
        || path.starts_with("/usr/include/")
        || path.starts_with("~lib/")
}

/// Whether a path begins with a drive, or with the name of a machine.
pub fn is_windows(path: &str) -> bool {
    match path.as_bytes() {
        [b'\\', b'\\', ..] => true,
        [drive, b':', b'/' | b'\\', ..] | [drive, b':'] => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\']) || is_windows(path)
}
