//! Any text as dialled digits, under the rules of several sites.
#![no_main]

use onhook_fuzz::number::{Class, Rules, classify, outside};

libfuzzer_sys::fuzz_target!(|digits: &str| {
    let _ = classify(digits);
    let (mut scratch, mut fresh) = ("left from the call before".to_string(), String::new());
    for (outside_prefix, area_code) in [("", ""), ("9", ""), ("9", "020"), ("0", "01632"), ("81", "0161")] {
        for by_trunk in [false, true] {
            let rules = Rules { outside_prefix, area_code, by_trunk };
            let Some(found) = outside(digits, &rules, &mut scratch) else { continue };
            assert!(!found.number.is_empty());
            // What was left in the scratch text has no say.
            fresh.clear();
            assert_eq!(outside(digits, &rules, &mut fresh), Some(found));
            // A number made whole is what it says it is.
            if found.class != Class::Unknown {
                assert_eq!(classify(found.number), found.class, "{}", found.number);
            }
        }
    }
});
