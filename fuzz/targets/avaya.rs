//! Any bytes as Avaya CDR records.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| onhook_fuzz::accounts_for_every_line(
    &onhook_fuzz::read::avaya::AvayaCm,
    text
));
