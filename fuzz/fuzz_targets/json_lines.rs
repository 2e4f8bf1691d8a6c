#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ttlab_fuzz::read_as("json-lines", bytes));
