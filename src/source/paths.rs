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

/// Whether a source is that of a standard library or of a package manager's, or glue that a
/// tool has made, as far as its path tells: code that who debugs has not written.
pub fn is_library(path: &str) -> bool {
    const MARKS: [&str; 39] = [
        // Rust: as released, built with `-Zbuild-std`, and crates of others, wherever the
        // home of cargo is.
        "/rustc/",
        "/rustlib/src/rust/",
        "/.rustup/toolchains/",
        "/registry/src/",
        "/index.crates.io-",
        "/git/checkouts/",
        "/library/std/src/",
        "/library/core/src/",
        "/library/alloc/src/",
        "/library/panic_abort/src/",
        "/library/panic_unwind/src/",
        "/library/unwind/src/",
        "/library/backtrace/src/",
        "/library/stdarch/",
        "/library/compiler-builtins/",
        "/dlmalloc/",
        // C and C++.
        "/wasi-libc",
        "/wasi-sysroot/",
        "/wasi-sdk",
        "/libc-top-half/",
        "/libc-bottom-half/",
        "/libcxx",
        "/include/c++/",
        "/libunwind/",
        "/compiler-rt/",
        "/emscripten/system/",
        "/emscripten/cache/",
        "/system/lib/libc/",
        // Zig, Go and TinyGo, others.
        "/lib/zig/",
        "/zig/lib/",
        "/go/pkg/mod/",
        "/usr/local/go/src/",
        "/usr/lib/go",
        "/golang.org/toolchain",
        "/tinygo/src/",
        "/node_modules/",
        // Glue between a program and its WIT world.
        "/wit-bindgen",
        "/wit_bindgen",
        "/src/bindings.rs",
    ];
    let whole;
    let path = match path.starts_with('/') {
        true => path,
        false => {
            whole = format!("/{path}");
            &whole
        }
    };
    MARKS.iter().any(|mark| path.contains(mark))
        || path.starts_with("/usr/include/")
        || path.starts_with("/usr/lib/")
        || path.starts_with("/~lib/")
        || is_of_zig(path)
}

/// Zig's own library in a folder as it is handed out: `zig-linux-x86_64-0.13.0/lib/std/`.
fn is_of_zig(path: &str) -> bool {
    let folders = [
        "/lib/std/",
        "/lib/compiler/",
        "/lib/compiler_rt/",
        "/lib/libc/",
    ];
    folders.iter().any(|folder| {
        let before = path.split_once(folder).map(|(before, _)| before);
        let last = before.and_then(|before| before.rsplit('/').next());
        last.is_some_and(|last| last.starts_with("zig"))
    })
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

#[cfg(test)]
mod tests {
    use super::is_library;

    #[test]
    fn libraries_are_told_by_their_paths() {
        for (path, is) in [
            ("/rustc/59807616e/library/core/src/option.rs", true),
            (
                "/home/me/.rustup/toolchains/stable/lib/rustlib/src/rust/library/std/src/io.rs",
                true,
            ),
            (
                "/rust/lib/rustlib/src/rust/library/panic_abort/src/lib.rs",
                true,
            ),
            ("/rust/src/library/panic_abort/src/lib.rs", true),
            ("/home/me/.cargo/git/checkouts/serde-1/abc/src/lib.rs", true),
            (
                "/home/me/.cargo/registry/src/index.crates.io-1/serde-1.0.0/src/lib.rs",
                true,
            ),
            (
                "/opt/wasi-sdk-24.0/share/wasi-sysroot/include/wasm32-wasip2/stdio.h",
                true,
            ),
            ("/usr/share/wasi-sysroot/include/c++/v1/vector", true),
            ("libc-top-half/musl/src/stdio/printf.c", true),
            (
                "/emsdk/upstream/emscripten/system/lib/libc/musl/src/exit/abort.c",
                true,
            ),
            ("/opt/zig-linux-x86_64-0.13.0/lib/std/debug.zig", true),
            ("/usr/lib/zig/std/fmt.zig", true),
            ("/usr/local/lib/tinygo/src/runtime/panic.go", true),
            ("/root/go/pkg/mod/golang.org/x/text@v0.3.0/doc.go", true),
            ("/work/app/target/src/bindings.rs", true),
            ("~lib/rt/itcms.ts", true),
            ("/home/me/library/src/main.rs", false),
            ("/home/me/shop/src/main.rs", false),
            ("/home/me/go/src/app/main.go", false),
            ("/home/me/zig/app/src/main.zig", false),
            ("/home/me/std/lib/std/x.c", false),
            ("main.c", false),
        ] {
            assert_eq!(is_library(path), is, "{path}");
        }
    }
}
