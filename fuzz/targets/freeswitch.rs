//! Any bytes as a FreeSWITCH mod_cdr_csv file.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| onhook_fuzz::accounts_for_every_line(
    &onhook_fuzz::read::freeswitch::FreeSwitchCsv,
    text
));
