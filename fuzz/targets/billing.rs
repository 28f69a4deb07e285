//! Any bytes as a UK carrier's bill.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| onhook_fuzz::accounts_for_every_line(
    &onhook_fuzz::read::billing::FcsUk,
    text
));
