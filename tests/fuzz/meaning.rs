//! libFuzzer's way into the target of this name.

#![no_main]

#[path = "targets/meaning/mod.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::check(bytes));
