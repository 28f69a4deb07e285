//! What is kept of outside numbers, and how one of them is found again: keyed pseudonyms, truncation, the search for one
//! person's number, small counts left out of exports. Given keys and rows; reads no file and knows no table of the lake.

mod key;
mod mask;
mod sought;
mod spans;
mod suppress;

pub use key::{Keys, SECRET_BYTES};
pub use mask::{Mask, Masks, OPTION, Own, masks};
pub use sought::Sought;
pub use spans::spans;
pub use suppress::{Role, Suppressed, suppress};
