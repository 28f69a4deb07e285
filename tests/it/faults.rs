//! What may happen to a run: killed, cut off from power, out of disk, beside another, over files that change. Whatever it
//! was, the next run leaves the lake as one clean run leaves it, row for row.
//!
//! - `estate`: the files that are read, and all rows of a lake to compare
//! - `opening`: folders that are no lake, or a damaged one
//! - `cuts`: kill and power cut, and the soak of both
//! - `disk`: no space, no file handles, no right to write
//! - `moving`: files that change while they are read; readers and writers side by side

mod cuts;
mod disk;
mod estate;
mod moving;
mod opening;

use crate::workdir::skip;
