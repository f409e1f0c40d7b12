//! Functions that generators write, between the component model's ABI and what people write.

/// Whether a function is glue that a generator has put among somebody's own sources, as far
/// as its readable name and the path of its source tell: nobody wants to begin there.
pub fn is_glue(name: &str, path: &str) -> bool {
    const BEGINNINGS: [&str; 8] = [
        // wit-bindgen for C, and for Rust.
        "__wasm_export_",
        "_export_",
        "__export_",
        "export_cabi",
        "__post_return",
        "cabi_",
        // Constructors of C++.
        "_GLOBAL__sub_I_",
        "__cxx_global_",
    ];
    const PARTS: [&str; 4] = [
        "__export_world_",
        "__wit_bindgen",
        "wit_bindgen::",
        "::bindings::",
    ];
    let last = name.rsplit("::").find(|part| !part.starts_with('{'));
    let last = last.unwrap_or(name);
    BEGINNINGS.iter().any(|mark| last.starts_with(mark))
        || PARTS.iter().any(|mark| name.contains(mark))
        || path.ends_with("/bindings.rs")
}
