//! The laws of what plans would do, for any text.
#![no_main]

#[path = "../../crates/shell/tests/law/mod.rs"]
mod law;

libfuzzer_sys::fuzz_target!(|text: &str| law::all_effects(text));
