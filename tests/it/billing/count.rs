//! A month of invented calls, and what each of them costs, counted in whole numbers as one would by hand: its own weekdays,
//! its own summer time, its own rounding. It knows the price list of its world and nothing of onhook.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{CISCO, Record, handset, toml};
use crate::workdir::Workdir;

/// Cost centre, class of number or fixed charge, band.
pub type Key = (String, String, String);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Calls, or extensions with a fixed charge.
    pub calls: i64,
    pub unrated: i64,
    pub billed_s: i64,
    pub micros: i64,
}

#[derive(Debug, Default)]
pub struct Expected {
    pub lines: BTreeMap<Key, Sums>,
    pub records: u64,
}

impl Expected {
    fn calls(&self) -> impl Iterator<Item = &Sums> {
        self.lines.iter().filter(|((_, item, _), _)| item != RENTAL).map(|(_, sums)| sums)
    }

    pub fn unrated(&self) -> i64 {
        self.calls().map(|sums| sums.unrated).sum()
    }

    pub fn rated(&self) -> i64 {
        self.calls().map(|sums| sums.calls - sums.unrated).sum()
    }

    pub fn call_micros(&self) -> i64 {
        self.calls().map(|sums| sums.micros).sum()
    }

    /// Each line to the penny, halves up, and then added.
    pub fn pence(&self) -> i64 {
        self.lines.values().map(|sums| (sums.micros + 5_000) / 10_000).sum()
    }

    pub fn cost_centres(&self) -> usize {
        self.lines.keys().map(|(centre, ..)| centre).collect::<BTreeSet<_>>().len()
    }
}

const RENTAL: &str = "line rental";

/// What [`price`] says in words of its own.
const TARIFFS: &str = "\
tariff,source,carrier,number_class,prefix,band,connection_pence,rate_pence_per_minute,first_increment_s,increment_s,\
minimum_pence,cap_pence,cap_minutes,rounding,round_to_pence,vat,effective_from,effective_to,price_source
T,,,geographic,,day,,1.5,1,1,3,,,,,exclusive,2024-01-01,,invented
T,,,geographic,,evening,,0.95,1,1,3,,,,,exclusive,2024-01-01,,invented
T,,,geographic,,weekend,,0.5,60,1,,,,,,exclusive,2024-01-01,,invented
T,,,mobile,,,2.5,7.125,60,60,,,,up,0.01,exclusive,2024-01-01,,invented
T,,,mobile,4477009001,,,5.55,1,1,,,,half_even,1,exclusive,2024-01-01,,invented
T,,,uk_wide,,,8,1.2,1,1,,10,60,,,exclusive,2024-03-08,,invented
T,,,freephone,,,,0,1,1,,,,,,exclusive,2024-01-01,,invented
T,,,premium,,,,150,60,60,,,,,,exclusive,2024-01-01,2024-03-14,invented
T,,,premium,,,,165.5,60,60,,,,,,exclusive,2024-03-15,,invented
T,,,international,,,5,20,30,6,,,,,,exclusive,2024-01-01,,invented
T,,,international,1,,,4.4321,30,6,,,,,,exclusive,2024-01-01,,invented
T,hq,,on_net,,,,0.75,1,1,1,,,,,exclusive,2024-01-01,,invented
";

/// Seconds charged for and millionths of a pound; none where the list has no price.
fn price(class: &str, digits: &str, day: i64, band: &str, talk: i64) -> Option<(i64, i64)> {
    let billed =
        |first: i64, step: i64| if talk <= first { first } else { first + (talk - first + step - 1) / step * step };
    // A price a minute in millionths, as a fraction of a sixtieth.
    Some(match class {
        "geographic" => {
            let (rate, first, least) = match band {
                "day" => (15_000, 1, 30_000),
                "evening" => (9_500, 1, 30_000),
                _ => (5_000, 60, 0),
            };
            let seconds = billed(first, 1);
            (seconds, half_up(rate * seconds, 60).max(least))
        }
        "mobile" if digits.starts_with("4477009001") => {
            let seconds = billed(1, 1);
            // To a whole penny, halves to the even one.
            let (pennies, rest) = (55_500 * seconds / 600_000, 55_500 * seconds % 600_000);
            let up = rest > 300_000 || rest == 300_000 && pennies % 2 == 1;
            (seconds, (pennies + i64::from(up)) * 10_000)
        }
        "mobile" => {
            let minutes = billed(60, 60) / 60;
            // To a hundredth of a penny, up: 2.5p and 7.125p a minute.
            (minutes * 60, (25_000 + 71_250 * minutes + 99) / 100 * 100)
        }
        "uk_wide" if day < 8 => return None,
        "uk_wide" => {
            let seconds = billed(1, 1);
            let (within, after) = (seconds.min(3_600), (seconds - 3_600).max(0));
            let within = (80_000 * 60 + 12_000 * within).min(100_000 * 60);
            (seconds, half_up(within + 12_000 * after, 60))
        }
        "freephone" => (billed(1, 1), 0),
        "premium" => {
            let minutes = billed(60, 60) / 60;
            (minutes * 60, minutes * if day <= 14 { 1_500_000 } else { 1_655_000 })
        }
        "international" => {
            let seconds = billed(30, 6);
            let (connection, rate) = if digits.starts_with('1') { (0, 44_321) } else { (50_000, 200_000) };
            (seconds, connection + half_up(rate * seconds, 60))
        }
        "on_net" => {
            let seconds = billed(1, 1);
            (seconds, half_up(7_500 * seconds, 60).max(10_000))
        }
        _ => return None,
    })
}

fn half_up(amount: i64, parts: i64) -> i64 {
    (2 * amount + parts) / (2 * parts)
}

/// Midnight of Friday, 1 March 2024, UTC and local.
const FIRST: i64 = 1_709_251_200;
/// 01:00 UTC on Sunday the 31st, when the clocks go to 02:00.
const SUMMER: i64 = FIRST + 30 * 86_400 + 3_600;

/// Day of March and band, by the clock on the wall.
fn when(started: i64) -> (i64, &'static str) {
    let local = started - FIRST + if started >= SUMMER { 3_600 } else { 0 };
    let (day, hour) = (local / 86_400, local % 86_400 / 3_600);
    let band = match (day + 4) % 7 {
        5 | 6 => "weekend",
        _ if (7..19).contains(&hour) => "day",
        _ => "evening",
    };
    (day + 1, band)
}

/// Numbers out of a seed, evenly.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

const EXTENSIONS: u64 = 500;
const CENTRES: u64 = 40;
/// Our own mobiles: the last fifty of the numbers called.
const OWN_MOBILES: std::ops::Range<u64> = 900..950;

fn cost_centre(extension: u64) -> String {
    // A few have none.
    if extension % 97 == 5 { String::new() } else { format!("CC{:02}", extension % CENTRES) }
}

/// A number as it is dialled behind the 9, as digits with country code, and its class.
fn number(dice: &mut Dice) -> (String, String, &'static str) {
    let n = dice.below(1_000);
    let (national, class) = match dice.below(100) {
        0..40 => (format!("01632960{n:03}"), "geographic"),
        40..55 => (format!("02079460{n:03}"), "geographic"),
        55..85 => {
            let n = n % 950;
            (format!("07700900{n:03}"), if OWN_MOBILES.contains(&n) { "on_net" } else { "mobile" })
        }
        85..90 => (format!("03069990{n:03}"), "uk_wide"),
        90..94 => (format!("08081570{n:03}"), "freephone"),
        94 => (format!("09098790{n:03}"), "premium"),
        // The numbers of films in North America, and those that France keeps for them.
        95..98 => (format!("001202555{:04}", 100 + n % 100), "international"),
        _ => (format!("003319900{n:04}"), "international"),
    };
    let digits = match national.strip_prefix("00") {
        Some(abroad) => abroad.to_string(),
        None => format!("44{}", &national[1..]),
    };
    (national, digits, class)
}

/// Writes the workspace: `calls` calls to be rated, others among them that cost nothing, and what it must all come to.
pub fn world(work: &Workdir, calls: usize) -> Expected {
    let mut dice = Dice(calls as u64);
    let mut expected = Expected::default();
    let mut rated = 0;
    let mut text = String::new();
    let mut files = 0;
    while rated < calls {
        let extension = dice.below(EXTENSIONS);
        let (dialled, digits, class) = number(&mut dice);
        let started = FIRST + dice.below(30 * 86_400 + 82_000) as i64;
        let long = if dice.below(50) == 0 { 5_000 } else { 400 };
        let talk = 1 + dice.below(long) as i64;
        let own = format!("60{extension:03}");
        let other = format!("60{:03}", dice.below(EXTENSIONS));
        let record = Record {
            started,
            ring: dice.below(30) as i64,
            talk,
            from: own.clone(),
            dialled: format!("9{dialled}"),
            to: format!("9{dialled}"),
            devices: [handset(&own), "SIP-PSTN-1".into()],
            redirect: (String::new(), 0),
            join: 0,
            legs: [0, 0],
        };
        let outside = "01632960999".to_string();
        let (record, is_charged) = match dice.below(100) {
            0..82 => (record, true),
            // Somebody outside called the extension, which had forwarded its calls: the extension pays.
            82..85 => {
                let devices = ["SIP-PSTN-1".to_string(), "SIP-PSTN-1".to_string()];
                (Record { from: outside, dialled: own.clone(), devices, redirect: (own, 15), ..record }, true)
            }
            // Nobody answered.
            85..90 => (Record { talk: 0, ..record }, false),
            90..95 => {
                let devices = [handset(&own), handset(&other)];
                (Record { dialled: other.clone(), to: other, devices, ..record }, false)
            }
            _ => {
                let devices = ["SIP-PSTN-1".to_string(), handset(&own)];
                (Record { from: outside, dialled: own.clone(), to: own, devices, ..record }, false)
            }
        };
        expected.records += 1;
        text += &record.line(expected.records);
        if is_charged {
            let (day, band) = when(started);
            let centre = Some(cost_centre(extension)).filter(|centre| !centre.is_empty()).unwrap_or("(none)".into());
            let line = expected.lines.entry((centre, class.into(), band.into())).or_default();
            line.calls += 1;
            match price(class, &digits, day, band, talk) {
                Some((billed_s, micros)) => {
                    line.billed_s += billed_s;
                    line.micros += micros;
                    rated += 1;
                }
                None => line.unrated += 1,
            }
        }
        if text.len() > 20_000_000 || rated == calls {
            files += 1;
            work.write(&format!("landing/hq/cdr_HQ_01_202404010000_{files}"), format!("{CISCO}\n{text}"));
            text.clear();
        }
    }
    estate(work, &mut expected);
    expected
}

fn estate(work: &Workdir, expected: &mut Expected) {
    let mut register = String::from("source,extension,ddi,device_name,device_kind,use,cost_centre\n");
    let mut line = |extension: String, ddi: String, kind: &str, centre: String| {
        writeln!(register, "hq,{extension},{ddi},{},{kind},personal,{centre}", handset(&extension)).unwrap();
        let centre = Some(centre).filter(|centre| !centre.is_empty()).unwrap_or("(none)".into());
        let rental = expected.lines.entry((centre, RENTAL.into(), String::new())).or_default();
        rental.calls += 1;
        rental.micros += 10_005_000;
    };
    for n in 0..EXTENSIONS {
        line(format!("60{n:03}"), String::new(), "desk_phone", cost_centre(n));
    }
    for n in OWN_MOBILES {
        line(format!("60{n}"), format!("+447700900{n}"), "mobile", "CC00".into());
    }
    work.write("estate/extensions.csv", register);
    let mut centres = String::from("cost_centre,name,directorate\n");
    (0..CENTRES).for_each(|n| writeln!(centres, "CC{n:02},Unit {n},Force").unwrap());
    work.write("estate/cost_centres.csv", centres);
    work.write(
        "estate/trunks.csv",
        "source,trunk,carrier,kind,party,circuits,peer_source\nhq,SIP-PSTN-1,Example Telecom,pstn,,30,\n",
    );
    work.write("estate/tariffs.csv", TARIFFS);
    let charges =
        "charge,source,platform,device_kind,use,pence_per_month,vat,effective_from,effective_to,price_source\n";
    work.write("estate/fixed_charges.csv", format!("{charges}{RENTAL},,,,,1000.5,exclusive,2024-01-01,,invented\n"));
    work.write("onhook.toml", toml("", "", ""));
}
