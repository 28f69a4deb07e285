//! Writes calls as Mitel MiVoice Business SMDR lines: extended digits, ANI/DNIS, 24-hour clock, 120 columns
//! (formats-mitel-avaya 1.2, second column of the table). It makes no calls up and opens no files.

use super::calendar;
use super::landing::Line;
use super::phones::{Forward, Platform};
use super::rng::mix;
use super::traffic::{Call, End, Party, Route, Shape};

pub const VOICEMAIL: &str = "7000";
const WIDTH: usize = 120;
const TIE: &str = "X999";

/// Adds the lines of one call; none where the platform writes none.
pub fn write(call: &Call<'_>, out: &mut Vec<Line>) {
    let (talk, answered) = match call.end {
        End::Answered(talk) => (talk, true),
        _ => (0, false),
    };
    let mut line = Columns::new(call.start);
    let asked = match (&call.via, &call.to, call.shape) {
        (Some((phone, _)), ..) => phone.extension.clone(),
        (None, Party::Phone(_), Shape::Hunt) => Platform::Mitel.pilot().to_string(),
        (None, to, _) => dialled(to),
    };
    line.left(39, 64, &asked);
    if call.via.is_some() {
        line.left(66, 66, "F");
    }
    let inbound = matches!(call.from, Party::Outside(..) | Party::Withheld);
    match (&call.from, &call.to) {
        (_, Party::Nobody) => return,
        (Party::Phone(phone), Party::Phone(_) | Party::Voicemail) => {
            if call.end == End::NoAnswer {
                return; // station to station and nobody answered: no record without extended reporting
            }
            line.left(26, 32, &phone.extension);
            line.left(65, 65, if answered { "I" } else { "O" });
        }
        (Party::Phone(phone), to) => {
            line.left(26, 32, &phone.extension);
            line.left(65, 65, if answered { "A" } else { "" });
            line.left(67, 73, &trunk(to, call.start));
        }
        (from, _) => {
            line.left(26, 32, &trunk(from, call.start));
            match call.end {
                End::Answered(_) => line.left(35, 37, &format!("{:03}", call.ring)),
                _ => line.left(35, 37, "***"),
            }
            line.left(65, 65, if call.end == End::Busy { "B" } else { "" });
            if let Party::Outside(number, route) = from {
                let shown = if *route == Route::Pstn { number.trim_start_matches('0') } else { number };
                line.left(103, 112, shown);
            }
            line.left(114, 120, &asked);
        }
    }
    match &call.to {
        Party::Phone(phone) => line.left(67, 73, &phone.extension),
        Party::Voicemail => line.left(67, 73, VOICEMAIL),
        Party::Outside(..) if inbound => line.left(67, 73, &second_trunk(call.start)),
        _ => {}
    }
    match call.shape {
        Shape::Transferred(third) => {
            line.left(74, 74, "T");
            line.left(76, 82, &third.extension);
        }
        Shape::Conference(third) => {
            line.left(74, 74, "C");
            line.left(76, 82, &third.extension);
        }
        _ => {}
    }
    // An unanswered call from outside lasts as long as it rang; any other has no duration.
    let seconds = if answered { Some(talk) } else { inbound.then_some(call.ring) };
    line.duration(seconds);
    let end = call.start + call.ring + talk;
    out.push(line.finish(end));
    if let (true, Party::Outside(..)) = (inbound && answered, &call.to) {
        // In by one trunk and out by another: a record for each.
        let mut second = Columns::new(call.start);
        second.left(26, 32, &trunk(&call.from, call.start));
        second.left(39, 64, &dialled(&call.to));
        second.left(65, 65, "A");
        second.left(67, 73, &second_trunk(call.start));
        if let Some((_, Forward::AllToMobile)) = call.via {
            second.left(66, 66, "F");
        }
        second.duration(Some(talk));
        out.push(second.finish(end));
    }
}

/// A line of blanks to be filled by column, counted from 1, ends included.
struct Columns {
    start: i64,
    bytes: [u8; WIDTH],
}

impl Columns {
    fn new(start: i64) -> Self {
        let mut line = Self { start, bytes: [b' '; WIDTH] };
        line.left(2, 12, &calendar::wall(start).format("%m/%d %H:%M").to_string());
        line.left(97, 99, "001");
        line
    }

    /// Writes text from the left; what does not fit is cut off on the left, as DNIS is.
    fn left(&mut self, first: usize, last: usize, text: &str) {
        let field = &mut self.bytes[first - 1..last];
        let text = &text.as_bytes()[text.len().saturating_sub(field.len())..];
        field[..text.len()].copy_from_slice(text);
    }

    fn duration(&mut self, seconds: Option<i64>) {
        let Some(seconds) = seconds else { return };
        let text = format!("{:04}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
        self.left(15, 24, &text);
        self.left(
            1,
            1,
            match seconds {
                0..300 => " ",
                300..600 => "-",
                600..1_800 => "%",
                _ => "+",
            },
        );
    }

    fn finish(self, end: i64) -> Line {
        let mut text: String = self.bytes.iter().map(|byte| char::from(*byte)).collect();
        text.push_str("\r\n");
        Line { start: self.start, end, node: 1, text }
    }
}

/// The keys pressed.
fn dialled(to: &Party<'_>) -> String {
    match to {
        Party::Phone(phone) => phone.extension.clone(),
        Party::Outside(number, Route::Tie) => number.clone(),
        Party::Outside(number, _) => format!("9{number}"),
        Party::Voicemail => VOICEMAIL.to_string(),
        Party::Withheld | Party::Nobody => String::new(),
    }
}

/// One of four trunks to the public network, or the tie line.
fn trunk(party: &Party<'_>, start: i64) -> String {
    match party {
        Party::Outside(_, Route::Tie) => TIE.to_string(),
        _ => format!("T{:03}", 1 + mix(start as u64) % 2),
    }
}

fn second_trunk(start: i64) -> String {
    format!("T{:03}", 3 + mix(start as u64) % 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(from: Party<'_>, to: Party<'_>, end: End) -> Vec<String> {
        let start = calendar::utc("2024-03-05".parse().unwrap(), 15 * 3_600 + 46 * 60 + 13);
        let call = Call { platform: Platform::Mitel, start, ring: 7, end, from, to, via: None, shape: Shape::Plain };
        let mut out = Vec::new();
        write(&call, &mut out);
        out.into_iter().map(|line| line.text).collect()
    }

    /// Counted by hand against the extended-digits columns of formats-mitel-avaya 1.2.
    #[test]
    fn an_inbound_and_a_tandem_call_stand_in_the_vendors_columns() {
        let outside = |number: &str| Party::Outside(number.to_string(), Route::Pstn);
        let [first, second] = &lines(outside("07700900123"), outside("01632960001"), End::Answered(421))[..] else {
            panic!("a trunk-to-trunk call is two lines")
        };
        assert_eq!(first.len(), 122);
        assert_eq!(&first[..25], "-03/05 15:46  0000:07:01 ");
        assert_eq!(&first[25..26], "T");
        assert_eq!(&first[34..37], "007");
        assert_eq!(&first[38..50], "901632960001");
        assert_eq!(&first[66..67], "T");
        assert_eq!(&first[96..99], "001");
        assert_eq!(&first[102..112], "7700900123");
        assert_eq!(&first[113..], "2960001\r\n");
        assert_eq!((&second[64..65], &second[34..37]), ("A", "   "));
        let missed = &lines(Party::Withheld, outside("01632960001"), End::NoAnswer)[0];
        assert_eq!((&missed[14..24], &missed[34..37], &missed[102..112]), ("0000:00:07", "***", "          "));
    }
}
