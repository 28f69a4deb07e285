//! The screen of a person: what is longer or wider than it goes through a pager.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::commands::Talk;
use crate::error::Result;

/// Shows what fits as it is, cuts no line in two, and leaves on the screen what was looked at.
const USUAL_PAGER: &str = "less -SFX";

pub struct Screen {
    /// Columns and rows; they change when the window does.
    pub size: (usize, usize),
    pub pages: bool,
}

impl Screen {
    /// As large as terminals once were, until somebody says how large it is.
    pub fn new() -> Self {
        Self { size: (80, 24), pages: true }
    }

    pub fn show(&self, bytes: &[u8], talk: &mut Talk) -> Result<()> {
        if self.pages && !self.fits(bytes) && paged(bytes) {
            return Ok(());
        }
        talk.data(bytes)
    }

    /// Whether it can be seen at once, with the line that follows it and the prompt.
    fn fits(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        let (columns, rows) = self.size;
        text.lines().count() + 2 <= rows && text.lines().all(|line| line.chars().count() <= columns)
    }
}

/// Whether a pager took it. It goes away when the person has seen enough, which is no error.
fn paged(bytes: &[u8]) -> bool {
    let pager = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
    let pager = pager.unwrap_or_else(|| USUAL_PAGER.to_string());
    // PAGER holds a command with its flags, which a shell reads.
    let child = Command::new("sh").args(["-c", &pager]).stdin(Stdio::piped()).spawn();
    let Ok(mut child) = child else { return false };
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(bytes);
    }
    // 127: the shell found no such program, and nothing was shown.
    child.wait().is_ok_and(|status| status.code() != Some(127))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_or_wider_than_the_screen_is_paged() {
        let screen = Screen { size: (5, 4), pages: true };
        assert!(screen.fits(b"12345\n12345\n"));
        assert!(screen.fits("éééé€\n".as_bytes()), "letters, not bytes");
        assert!(!screen.fits(b"1\n2\n3\n"));
        assert!(!screen.fits(b"123456\n"));
    }
}
