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
/// path speaks of the machine that compiled the guest.
pub fn normalise(path: &str) -> String {
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

fn is_absolute(path: &str) -> bool {
    let bytes = path.as_bytes();
    match bytes {
        [b'/' | b'\\', ..] => true,
        [drive, b':', b'/' | b'\\', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    }
}
