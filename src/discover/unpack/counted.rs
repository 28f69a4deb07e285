//! Bytes on their way out of an archive: no more than its budget, no fewer than it promised. Knows no archive.

use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

/// What comes out, against the budget.
pub struct Counted<R> {
    pub inner: R,
    pub unpacked: Rc<Cell<u64>>,
    pub budget: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.unpacked.set(self.unpacked.get() + read as u64);
        if self.unpacked.get() > self.budget { Err(std::io::Error::other(OverBudget)) } else { Ok(read) }
    }
}

/// An entry of a tar, which ends in silence where the archive was cut.
pub struct Exactly<R> {
    pub inner: R,
    pub left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("more than the limit comes out of it")]
pub struct OverBudget;
