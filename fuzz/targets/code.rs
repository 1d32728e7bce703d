//! The laws of code in other languages; see `law::code` for the form of an input.
#![no_main]

#[path = "../../crates/shell/tests/law/mod.rs"]
mod law;

libfuzzer_sys::fuzz_target!(|text: &str| law::code::laws(text));
