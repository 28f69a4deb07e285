//! Any bytes as a mapped file.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| onhook_fuzz::accounts_for_every_line(
    &onhook_fuzz::read::mapped::MappedCsv,
    text
));
