//! Names of functions as their programmers wrote them.

/// The readable form of a linkage name: without hash in Rust, without parameters
/// in C++; any other name as it is.
pub fn demangle(name: &str) -> String {
    // Demanglers recurse and expand back-references: what is longer than any
    // compiler writes is shown as it is.
    const LONGEST: usize = 16 * 1024;
    if name.len() > LONGEST {
        return name.to_owned();
    }
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        let mut text = Bounded(String::new());
        return match std::fmt::Write::write_fmt(&mut text, format_args!("{rust:#}")) {
            Ok(()) => text.0,
            Err(_) => name.to_owned(),
        };
    }
    if !name.starts_with("_Z") && !name.starts_with("__Z") {
        return name.to_owned();
    }
    demangle_cpp(name).unwrap_or_else(|| name.to_owned())
}

/// The readable form of a linkage name of C++ with the types of its parameters.
pub(super) fn signature(name: &str) -> Option<String> {
    const LONGEST: usize = 16 * 1024;
    let is_mangled = name.starts_with("_Z") || name.starts_with("__Z");
    if !is_mangled || name.len() > LONGEST || rustc_demangle::try_demangle(name).is_ok() {
        return None;
    }
    let options = cpp_demangle::DemangleOptions::new()
        .no_return_type()
        .recursion_limit(96);
    demangle_with(name, &options)
}

fn demangle_cpp(name: &str) -> Option<String> {
    let options = cpp_demangle::DemangleOptions::new()
        .no_params()
        .no_return_type()
        .recursion_limit(96);
    demangle_with(name, &options)
}

fn demangle_with(name: &str, options: &cpp_demangle::DemangleOptions) -> Option<String> {
    let parse = cpp_demangle::ParseOptions::default().recursion_limit(96);
    let symbol = cpp_demangle::Symbol::new_with_options(name, &parse).ok()?;
    let mut text = Bounded(String::new());
    symbol.structured_demangle(&mut text, options).ok()?;
    Some(text.0)
}

/// Text with a bound on its length: back-references make it grow exponentially
/// with the length of a hostile name.
struct Bounded(String);

impl std::fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        const LONGEST: usize = 64 * 1024;
        if self.0.len() + text.len() > LONGEST {
            return Err(std::fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}
