//! Any bytes as a Microsoft Teams report of public-network calls.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| onhook_fuzz::accounts_for_every_line(
    &onhook_fuzz::read::teams::TeamsPstn,
    text
));
