#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    rr_dap_fuzz::source(bytes);
});
