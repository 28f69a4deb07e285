//! Where the commas of a line are, 64 bytes at a time: of 129 fields of four bytes most are thrown away, and asking for
//! each delimiter by itself would cost more than all the rest. Takes only lines that are plain and well quoted; leaves the
//! others to the slow way, which says what is wrong with them.

use wide::u8x16;

/// More columns than any version of CUCM writes.
pub const MOST: usize = 256;

/// The ends of a line's fields, the line's own end last.
pub struct Ends {
    /// Behind a first one that lies before the line: each field begins behind the end before it.
    at: [u32; 1 + MOST + 64],
    count: usize,
}

/// What stands in the place of the end before the first field.
const BEFORE: u32 = u32::MAX;

/// The fields of one line by their ends.
#[derive(Clone, Copy)]
pub struct Found<'e>(&'e [u32]);

impl Found<'_> {
    /// How many there are.
    pub fn len(self) -> usize {
        self.0.len() - 1
    }

    /// Where a field begins and ends; nowhere where there is none.
    #[inline]
    pub fn field(self, column: usize) -> (u32, u32) {
        match self.0.get(column..column + 2) {
            Some([before, end]) => (before.wrapping_add(1), *end),
            _ => (0, 0),
        }
    }
}

impl Default for Ends {
    fn default() -> Self {
        let mut at = [0; 1 + MOST + 64];
        at[0] = BEFORE;
        Self { at, count: 0 }
    }
}

impl Ends {
    /// The fields of a line without control characters, each quoted from end to end or not at all and no quote within.
    /// None where the line is not so, or has more than [`MOST`] fields.
    #[inline]
    pub fn of(&mut self, line: &[u8]) -> Option<Found<'_>> {
        self.count = 0;
        let mut odd = u8x16::splat(0);
        // All ones while in quotes; whether the byte before is one that a quote may open behind, or one that closed.
        let (mut quoted, mut may_open, mut closed) = (0u64, 1u64, 0u64);
        let mut at = 0;
        let mut chunks = line.chunks_exact(64);
        for chunk in &mut chunks {
            let marks = Marks::of(chunk.try_into().ok()?, &mut odd);
            self.take(marks, at, &mut quoted, &mut may_open, &mut closed)?;
            at += 64;
        }
        let rest = chunks.remainder();
        // Blanks behind the end change nothing but what may follow a quote: a comma may.
        let mut last = [b' '; 64];
        last[..rest.len()].copy_from_slice(rest);
        if let Some(end) = last.get_mut(rest.len()) {
            *end = b',';
        }
        self.take(Marks::of(&last, &mut odd), at, &mut quoted, &mut may_open, &mut closed)?;
        // A quote left open hides the comma that was put behind the end.
        let is_whole = self.count > 0 && self.at[self.count] as usize == line.len();
        (is_whole && odd.to_bitmask() == 0).then(|| Found(&self.at[..=self.count]))
    }

    #[inline]
    fn take(&mut self, marks: Marks, at: usize, quoted: &mut u64, may_open: &mut u64, closed: &mut u64) -> Option<()> {
        let Marks { commas, quotes } = marks;
        let mut ends = commas;
        if quotes != 0 || *quoted != 0 || *closed != 0 {
            let inside = up_to(quotes) ^ *quoted;
            *quoted = ((inside as i64) >> 63) as u64;
            ends = commas & !inside;
            let (opening, closing) = (quotes & inside, quotes & !inside);
            let bad_opening = opening & !(ends << 1 | *may_open);
            let bad_closing = (closing << 1 | *closed) & !ends;
            // The byte behind the last of the 64 is looked at with the next.
            if bad_opening | bad_closing != 0 {
                return None;
            }
            *closed = closing >> 63;
        }
        *may_open = ends >> 63;
        let found = ends.count_ones() as usize;
        if self.count + found > MOST {
            return None;
        }
        // Four at a time, whether there are as many or not: what is too much is written over.
        let mut to = self.count + 1;
        while ends != 0 {
            for slot in &mut self.at[to..to + 4] {
                *slot = at as u32 + ends.trailing_zeros();
                ends &= ends.wrapping_sub(1);
            }
            to += 4;
        }
        self.count += found;
        Some(())
    }
}

/// One bit a byte of 64.
#[derive(Clone, Copy)]
struct Marks {
    commas: u64,
    quotes: u64,
}

impl Marks {
    #[inline]
    /// `odd` takes a mark for each control character but the tab.
    fn of(bytes: &[u8; 64], odd: &mut u8x16) -> Self {
        let mut marks = Self { commas: 0, quotes: 0 };
        for (i, bytes) in bytes.chunks_exact(16).enumerate() {
            let Ok(bytes) = <[u8; 16]>::try_from(bytes) else { continue };
            let bytes = u8x16::new(bytes);
            let bits = |found: u8x16| u64::from(found.to_bitmask()) << (16 * i);
            marks.commas |= bits(bytes.simd_eq(u8x16::splat(b',')));
            marks.quotes |= bits(bytes.simd_eq(u8x16::splat(b'"')));
            let control = bytes.simd_lt(u8x16::splat(b' ')) | bytes.simd_eq(u8x16::splat(0x7f));
            *odd |= control & !bytes.simd_eq(u8x16::splat(b'\t'));
        }
        marks
    }
}

/// Each bit the parity of those up to it.
#[inline]
fn up_to(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each field begins behind the one before it.
    fn ends_of(line: &[u8]) -> Option<Vec<u32>> {
        let mut ends = Ends::default();
        let found = ends.of(line)?;
        let fields: Vec<(u32, u32)> = (0..found.len()).map(|column| found.field(column)).collect();
        assert_eq!(fields.first().map(|field| field.0), Some(0));
        assert!(fields.windows(2).all(|pair| pair[1].0 == pair[0].1 + 1));
        Some(fields.into_iter().map(|field| field.1).collect())
    }

    /// The same by walking along: none where the rules above are not kept.
    fn walked(line: &[u8]) -> Option<Vec<u32>> {
        let mut ends = Vec::new();
        let mut at = 0;
        loop {
            if line.get(at) == Some(&b'"') {
                at += 1 + line[at + 1..].iter().position(|b| *b == b'"')? + 1;
                if at < line.len() && line[at] != b',' {
                    return None;
                }
            } else {
                at += line[at..].iter().position(|b| *b == b',').unwrap_or(line.len() - at);
            }
            ends.push(at as u32);
            if at == line.len() {
                break;
            }
            at += 1;
        }
        let start = |n: usize| n.checked_sub(1).map_or(0, |n| ends[n] as usize + 1);
        let bare = |n: usize| line.get(start(n)) != Some(&b'"');
        let is_odd = line.iter().any(|b| b.is_ascii_control() && *b != b'\t');
        let stray = (0..ends.len()).any(|n| bare(n) && line[start(n)..ends[n] as usize].contains(&b'"'));
        (!is_odd && !stray && ends.len() <= MOST).then_some(ends)
    }

    proptest! {
        #[test]
        fn commas_are_where_a_walk_finds_them(line in "([a,]{0,70}|\"[a,]{0,70}\",?|\"|\\x01|\t|é){0,6}") {
            prop_assert_eq!(ends_of(line.as_bytes()), walked(line.as_bytes()));
        }

        #[test]
        fn quoted_lines_are_taken_at_any_length(cells in proptest::collection::vec("\"[a,]{0,9}\"|a{0,9}", 1..200)) {
            let line = cells.join(",");
            let ends = ends_of(line.as_bytes());
            prop_assert_eq!(ends.as_ref().map(Vec::len), Some(cells.len()));
            prop_assert_eq!(ends, walked(line.as_bytes()));
        }
    }

    #[test]
    fn too_many_fields_are_left_to_the_slow_way() {
        assert_eq!(ends_of(&[b','; MOST - 1]).map(|ends| ends.len()), Some(MOST));
        assert_eq!(ends_of(&[b','; MOST]), None);
    }
}
