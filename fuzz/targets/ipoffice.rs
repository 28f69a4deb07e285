//! Any bytes as an Avaya IP Office SMDR log.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| onhook_fuzz::accounts_for_every_line(
    &onhook_fuzz::read::ipoffice::IpOffice,
    text
));
