//! Where each SMDR field stands: the vendor's four column tables, and the vote that finds a file's own. Says nothing
//! of what a field means, and reads no year.

/// A field's columns, from the first up to and without the last, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub usize, pub usize);

impl Span {
    pub fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.0..self.1).unwrap_or_default()
    }
}

/// Columns as the vendor's table prints them: counted from 1, both ends included.
const fn cols(from: usize, to: usize) -> Span {
    Span(from - 1, to)
}

/// The fields that are read, and the columns that must be blank (counted from 1, as in the vendor's table).
#[derive(Debug)]
pub(super) struct Columns {
    pub name: &'static str,
    pub width: usize,
    /// Start time has seconds.
    pub seconds: bool,
    /// Number Delivery and OLI are options of this layout, not part of it: lengths with neither, and with ANI alone.
    pub options: Option<(usize, usize)>,
    pub time: Span,
    pub pm: usize,
    pub duration: Span,
    pub calling: Span,
    /// Before `answer`. With the normal three-digit time to answer it is blank, and the attendant's column is the
    /// first one of `answer`.
    pub attendant: usize,
    pub answer: Span,
    pub digits: Span,
    pub completion: usize,
    pub forward: usize,
    pub called: Span,
    pub listed: Option<Span>,
    pub transfer: usize,
    pub third: Span,
    pub account: Span,
    pub system: Span,
    pub ani: Span,
    pub dnis: Span,
    pub call_id: Span,
    /// The call this one came from or went on as, by its identifier there.
    pub associated: Span,
    spacers: &'static [usize],
}

/// Number of columns that meter pulses take from the end of the digits.
pub(super) const METER: usize = 5;
/// Columns of the longest record.
pub(super) const WIDEST: usize = 207;

pub(super) static LAYOUTS: [Columns; 4] = [
    Columns {
        name: "standard",
        width: 131,
        seconds: false,
        options: Some((90, 112)),
        time: cols(8, 12),
        pm: 12,
        duration: cols(15, 22),
        calling: cols(24, 27),
        attendant: 27,
        answer: cols(29, 32),
        digits: cols(34, 59),
        completion: 59,
        forward: 60,
        called: cols(62, 65),
        listed: None,
        transfer: 65,
        third: cols(68, 71),
        account: cols(73, 84),
        system: cols(86, 88),
        ani: cols(92, 101),
        dnis: cols(103, 112),
        call_id: cols(114, 121),
        associated: cols(124, 131),
        spacers: &[7, 14, 23, 33, 67, 72, 89, 91, 102, 113, 123],
    },
    Columns {
        name: "extended",
        width: 139,
        seconds: false,
        options: Some((101, 120)),
        time: cols(8, 12),
        pm: 12,
        duration: cols(15, 24),
        calling: cols(26, 32),
        attendant: 32,
        answer: cols(34, 37),
        digits: cols(39, 64),
        completion: 64,
        forward: 65,
        called: cols(67, 73),
        listed: None,
        transfer: 73,
        third: cols(76, 82),
        account: cols(84, 95),
        system: cols(97, 99),
        ani: cols(103, 112),
        dnis: cols(114, 120),
        call_id: cols(122, 129),
        associated: cols(132, 139),
        spacers: &[7, 14, 25, 38, 75, 83, 100, 102, 113, 121, 131],
    },
    Columns {
        name: "level1",
        width: 169,
        seconds: false,
        options: None,
        time: cols(8, 12),
        pm: 12,
        duration: cols(15, 24),
        calling: cols(26, 32),
        attendant: 32,
        answer: cols(34, 37),
        digits: cols(39, 64),
        completion: 64,
        forward: 65,
        called: cols(67, 73),
        listed: Some(cols(75, 81)),
        transfer: 81,
        third: cols(84, 90),
        account: cols(92, 103),
        system: cols(105, 107),
        ani: cols(111, 130),
        dnis: cols(132, 141),
        call_id: cols(151, 158),
        associated: cols(162, 169),
        spacers: &[7, 14, 25, 38, 74, 83, 91, 108, 110, 131, 142, 150, 159, 161],
    },
    Columns {
        name: "level2",
        width: WIDEST,
        seconds: true,
        options: None,
        time: cols(8, 15),
        pm: 15,
        duration: cols(18, 27),
        calling: cols(29, 35),
        attendant: 35,
        answer: cols(37, 40),
        digits: cols(42, 67),
        completion: 67,
        forward: 68,
        called: cols(70, 76),
        listed: Some(cols(78, 84)),
        transfer: 84,
        third: cols(87, 93),
        account: cols(95, 106),
        system: cols(108, 110),
        ani: cols(114, 133),
        dnis: cols(135, 144),
        call_id: cols(154, 161),
        associated: cols(165, 172),
        spacers: &[7, 17, 28, 41, 77, 86, 94, 111, 113, 134, 145, 153, 162, 164, 173, 180, 188, 196, 202],
    },
];

impl Columns {
    /// Whether a line padded to [`WIDEST`] can be of this layout: blanks where they belong, colons where they belong.
    pub fn fits(&self, text: &[u8], used: usize) -> bool {
        used <= self.width
            && self.spacers.iter().all(|column| text.get(column - 1) == Some(&b' '))
            && text.get(self.pm).is_some_and(|pm| b" PpAa".contains(pm))
            && (text.get(12) == Some(&b':')) == self.seconds
            && self.duration_fits(text)
    }

    fn duration_fits(&self, text: &[u8]) -> bool {
        let duration = self.duration.of(text);
        let hours = duration.len().saturating_sub(6);
        blank(duration)
            || duration
                .iter()
                .enumerate()
                .all(|(at, b)| if at == hours || at == hours + 3 { *b == b':' } else { b.is_ascii_digit() })
    }

    /// How much a line that fits speaks for this layout against another one it fits as well.
    fn evidence(&self, text: &[u8]) -> i64 {
        let left = [self.calling, self.called, self.third, self.account, self.ani, self.dnis].map(|field| {
            let field = field.of(text);
            if blank(field) {
                0
            } else if field.first() == Some(&b' ') {
                -1
            } else {
                1
            }
        });
        i64::from(digits(self.system.of(text))) * 2 + left.iter().sum::<i64>()
    }
}

/// A file's layout: the columns, and the options that change what stands in them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub columns: &'static Columns,
    pub extended_answer: bool,
    pub meter: bool,
    pub twelve_hours: bool,
    pub ani: bool,
    pub oli: bool,
    pub network: bool,
}

impl Layout {
    pub fn fits(&self, text: &[u8], used: usize) -> bool {
        let gap = self.extended_answer || text.get(self.columns.attendant) == Some(&b' ');
        gap && self.columns.fits(text, used)
    }

    /// Seconds before answer, without the attendant's column.
    pub fn answer(&self) -> Span {
        let Span(from, to) = self.columns.answer;
        if self.extended_answer { Span(from, to) } else { Span(from + 1, to) }
    }

    pub fn digits(&self) -> Span {
        let Span(from, to) = self.columns.digits;
        if self.meter { Span(from, to - METER) } else { Span(from, to) }
    }
}

/// Votes of a whole file, kept for every layout at once because the winner is known only at the end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Vote([Tally; 4]);

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    fits: u64,
    evidence: i64,
    longest: usize,
    answer_extended: u64,
    answer_stars: u64,
    answer_normal: u64,
    meter: u64,
    no_meter: u64,
    pm: bool,
    ani: bool,
    oli: bool,
    network: bool,
}

impl Vote {
    /// Whether the line fits any layout. `text` is padded to [`WIDEST`]; `used` is its length without trailing
    /// blanks, `length` with them.
    pub fn count(&mut self, text: &[u8], used: usize, length: usize) -> bool {
        let mut fits = false;
        for (columns, tally) in LAYOUTS.iter().zip(&mut self.0) {
            if columns.fits(text, used) {
                tally.count(columns, text, length);
                fits = true;
            }
        }
        fits
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(tally, more)| tally.add(more));
    }

    /// The layout most lines fit; none if no line fits any.
    pub fn winner(&self) -> Option<Layout> {
        // Of equals the first: a file too short to tell extended digits from level 1 reads the same as either.
        let (columns, tally) = LAYOUTS.iter().zip(&self.0).rev().max_by_key(|(_, t)| (t.fits, t.evidence))?;
        let stars_only = tally.answer_normal == 0 && tally.answer_stars > 0;
        (tally.fits > 0).then_some(Layout {
            columns,
            extended_answer: columns.options.is_none() || tally.answer_extended > tally.answer_normal || stars_only,
            meter: tally.meter > tally.no_meter,
            twelve_hours: tally.pm,
            ani: tally.ani || columns.options.is_none_or(|(_, with_ani)| tally.longest == with_ani),
            oli: tally.oli || columns.options.is_none() || tally.longest == columns.width,
            network: tally.network,
        })
    }
}

impl Tally {
    fn add(&mut self, more: &Self) {
        self.fits += more.fits;
        self.evidence += more.evidence;
        self.longest = self.longest.max(more.longest);
        self.answer_extended += more.answer_extended;
        self.answer_stars += more.answer_stars;
        self.answer_normal += more.answer_normal;
        self.meter += more.meter;
        self.no_meter += more.no_meter;
        self.pm |= more.pm;
        self.ani |= more.ani;
        self.oli |= more.oli;
        self.network |= more.network;
    }

    fn count(&mut self, columns: &Columns, text: &[u8], length: usize) {
        self.fits += 1;
        self.evidence += columns.evidence(text);
        if length <= columns.width {
            self.longest = self.longest.max(length);
        }
        self.pm |= text.get(columns.pm).is_some_and(|pm| b"Pp".contains(pm));
        self.ani |= !blank(columns.ani.of(text)) || !blank(columns.dnis.of(text));
        self.oli |= !blank(columns.call_id.of(text));
        self.count_answer(columns.answer.of(text), text.get(columns.attendant).copied());
        self.count_digits(columns, text);
    }

    fn count_answer(&mut self, answer: &[u8], before: Option<u8>) {
        match answer {
            b"****" => self.answer_stars += 1,
            [b'0'..=b'9', ..] => self.answer_extended += 1,
            _ if before == Some(b'*') => self.answer_extended += 1,
            [b' ' | b'*', rest @ ..] if !blank(rest) => self.answer_normal += 1,
            _ => {}
        }
    }

    /// Pulses stand on outgoing records only, and apart from the number before them.
    fn count_digits(&mut self, columns: &Columns, text: &[u8]) {
        let field = columns.digits.of(text);
        let (number, pulses) = field.split_at(field.len().saturating_sub(METER));
        let mut groups = number.split(|b| *b == b' ').filter(|group| !group.is_empty());
        let first = groups.next().unwrap_or_default();
        self.network |= groups.next().is_some() || first.first() == Some(&b'T');
        let internal = text.get(columns.completion).is_some_and(|c| b"IODSU".contains(c));
        let outgoing =
            !trunk(columns.calling.of(text)) && !blank(columns.calling.of(text)) && blank(columns.answer.of(text));
        if outgoing && !internal && !first.is_empty() {
            match (digits(pulses), number.last()) {
                (true, Some(b' ')) => self.meter += 1,
                (true, _) => {}
                (false, _) => self.no_meter += 1,
            }
        }
    }
}

/// `Tnnn` (exchange line) or `Xnnn` (any other trunk); trailing blanks do not count.
pub(super) fn trunk(party: &[u8]) -> bool {
    matches!(party.trim_ascii_end(), [b'T' | b'X', rest @ ..] if digits(rest))
}

pub(super) fn blank(field: &[u8]) -> bool {
    field.iter().all(|b| *b == b' ')
}

pub(super) fn digits(field: &[u8]) -> bool {
    !field.is_empty() && field.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field of the vendor's table, 1-based and inclusive: standard, extended digits, level 1, level 1+2.
    const TABLE: [&str; 4] = [
        "1 2-6 8-12 13 15-22 24-27 28 29-32 34-59 60 61 62-65 66 68-71 73-84 85 86-88 90 92-101 103-112 114-121 122 \
         124-131",
        "1 2-6 8-12 13 15-24 26-32 33 34-37 39-64 65 66 67-73 74 76-82 84-95 96 97-99 101 103-112 114-120 122-129 130 \
         132-139",
        "1 2-6 8-12 13 15-24 26-32 33 34-37 39-64 65 66 67-73 75-81 82 84-90 92-103 104 105-107 109 111-130 132-141 \
         143-149 151-158 160 162-169",
        "1 2-6 8-15 16 18-27 29-35 36 37-40 42-67 68 69 70-76 78-84 85 87-93 95-106 107 108-110 112 114-133 135-144 \
         146-152 154-161 163 165-172 174-179 181-187 189-195 197-201 203-207",
    ];

    #[test]
    fn columns_are_the_vendors_and_the_rest_is_blank() {
        for (l, table) in LAYOUTS.iter().zip(TABLE) {
            let ends = |field: &str| {
                let (from, to) = field.split_once('-').unwrap_or((field, field));
                (from.parse().unwrap(), to.parse().unwrap())
            };
            let table: Vec<(usize, usize)> = table.split_ascii_whitespace().map(ends).collect();
            let free: Vec<usize> = (1..=l.width).filter(|c| !table.iter().any(|(a, b)| (a..=b).contains(&c))).collect();
            assert_eq!(l.spacers, free, "{}", l.name);
            let columns = [l.pm, l.attendant, l.completion, l.forward, l.transfer].map(|at| Span(at, at + 1));
            let fields = [
                [l.time, l.duration, l.calling, l.answer, l.digits, l.called],
                [l.third, l.account, l.system, l.ani, l.dnis, l.call_id],
            ];
            for Span(from, to) in columns.into_iter().chain(fields.into_iter().flatten()).chain(l.listed) {
                assert!(table.contains(&(from + 1, to)), "{} has no field {}-{to}", l.name, from + 1);
            }
        }
    }
}
