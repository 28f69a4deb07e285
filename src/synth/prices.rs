//! What calls and lines cost in the invented estate. Every price is invented, and says so; they are near what such things
//! cost, and nobody's. It prices nothing itself.

/// `estate/tariffs.csv`: a class each, by the minute or the second, with a minimum, a cap and bands where such prices have them.
pub const TARIFFS: [[&str; 19]; 18] = [
    [
        "tariff",
        "source",
        "carrier",
        "number_class",
        "prefix",
        "band",
        "connection_pence",
        "rate_pence_per_minute",
        "first_increment_s",
        "increment_s",
        "minimum_pence",
        "cap_pence",
        "cap_minutes",
        "rounding",
        "round_to_pence",
        "vat",
        "effective_from",
        "effective_to",
        "price_source",
    ],
    line("geographic", "day", "", "1.5", "1", "1", "3", "", "", "2022-01-01", ""),
    line("geographic", "evening", "", "0.9", "1", "1", "3", "", "", "2022-01-01", ""),
    line("geographic", "weekend", "", "0.9", "1", "1", "3", "", "", "2022-01-01", ""),
    line("uk_wide", "", "8", "1.5", "1", "1", "", "12", "60", "2022-01-01", ""),
    line("mobile", "", "", "7.25", "60", "1", "", "", "", "2022-01-01", "2023-12-31"),
    line("mobile", "", "", "7.75", "60", "1", "", "", "", "2024-01-01", ""),
    line("on_net", "", "", "2", "1", "1", "", "", "", "2022-01-01", ""),
    line("freephone", "", "", "0", "1", "1", "", "", "", "2022-01-01", ""),
    line("emergency", "", "", "0", "1", "1", "", "", "", "2022-01-01", ""),
    line("short_code", "", "15", "0", "1", "1", "", "", "", "2022-01-01", ""),
    line("service", "", "", "11.5", "60", "60", "", "", "", "2022-01-01", ""),
    line("premium", "", "", "150", "60", "60", "", "", "", "2022-01-01", ""),
    line("directory", "", "300", "160", "60", "60", "", "", "", "2022-01-01", ""),
    line("personal", "", "", "9", "60", "1", "", "", "", "2022-01-01", ""),
    line("voip", "", "", "3", "60", "1", "", "", "", "2022-01-01", ""),
    // Forwarded outside, and the record does not say where to: as to a mobile.
    line("unknown", "", "", "7.75", "60", "1", "", "", "", "2022-01-01", ""),
    line("international", "", "5", "25", "30", "6", "", "", "", "2022-01-01", ""),
];

#[expect(clippy::too_many_arguments, reason = "the columns that differ, in the order of the file")]
const fn line(
    class: &'static str,
    band: &'static str,
    connection: &'static str,
    rate: &'static str,
    first: &'static str,
    step: &'static str,
    minimum: &'static str,
    cap: &'static str,
    cap_minutes: &'static str,
    from: &'static str,
    to: &'static str,
) -> [&'static str; 19] {
    [
        "Example Telecom 2022",
        "",
        "",
        class,
        "",
        band,
        connection,
        rate,
        first,
        step,
        minimum,
        cap,
        cap_minutes,
        "",
        "",
        "exclusive",
        from,
        to,
        "invented",
    ]
}

/// `estate/fixed_charges.csv`.
pub const FIXED_CHARGES: [[&str; 10]; 6] = [
    [
        "charge",
        "source",
        "platform",
        "device_kind",
        "use",
        "pence_per_month",
        "vat",
        "effective_from",
        "effective_to",
        "price_source",
    ],
    ["line and support", "", "", "", "", "425", "exclusive", "2022-01-01", "", "invented"],
    ["line and support", "north-mitel", "", "", "", "512.5", "exclusive", "2022-01-01", "", "invented"],
    ["line and support", "", "", "", "contact_centre", "1840", "exclusive", "2022-01-01", "", "invented"],
    ["handset", "", "", "desk_phone", "", "118.75", "exclusive", "2022-01-01", "", "invented"],
    ["handset", "", "", "conference_phone", "", "310", "exclusive", "2022-01-01", "", "invented"],
];
