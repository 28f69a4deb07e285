//! Any bytes as an Asterisk Master.csv.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| onhook_fuzz::accounts_for_every_line(
    &onhook_fuzz::read::asterisk::AsteriskCsv,
    text
));
