//! Counts per input that must balance: read = kept + repeated + skipped + rejected. No record goes uncounted.

use serde::Serialize;

/// What became of the records of one input, or of a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    pub read: u64,
    /// New rows of `legs`.
    pub kept: u64,
    /// Records whose (source, leg_key, started_at) the lake already has.
    pub repeated: u64,
    /// Lines that are no call by design: headers, blanks, media records.
    pub skipped: u64,
    /// Lines that should have been a call and are a row of `rejects` instead.
    pub rejected: u64,
}

impl Ledger {
    pub fn balances(&self) -> bool {
        self.read == self.kept + self.repeated + self.skipped + self.rejected
    }
}

impl std::ops::AddAssign for Ledger {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.kept += other.kept;
        self.repeated += other.repeated;
        self.skipped += other.skipped;
        self.rejected += other.rejected;
    }
}
