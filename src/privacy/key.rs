//! The key file: one secret for what tells a record, one or more for pseudonyms, of which the last is in force. Its text
//! to keys and back; where the secrets come from and where the file lies is not known here.

use std::fmt;

/// Bytes of a secret.
pub const SECRET_BYTES: usize = blake3::KEY_LEN;

/// Between the part of a number that is kept and its pseudonym. No number has it, and `*` would say that nothing follows.
const MARK: char = 'p';
/// Digits of a pseudonym: of a million numbers, two get the same one in fewer than one of a million keys.
const DIGITS: u32 = 18;

type Secret = [u8; SECRET_BYTES];

/// The keys of a key file.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    records: Secret,
    /// In order of their making; never empty.
    numbers: Vec<Secret>,
}

/// The secrets are never shown.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} of numbers, {} in force)", self.numbers.len(), self.id())
    }
}

impl Keys {
    /// # Errors
    /// What is wrong with the text; nothing of it is repeated.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut records, mut numbers) = (None, Vec::new());
        for (n, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, secret) = line.split_once(' ').unwrap_or((line, ""));
            let secret = unhex(secret.trim()).ok_or_else(|| format!("line {n} is no key"))?;
            match word {
                "records" if records.is_none() => records = Some(secret),
                "numbers" => numbers.push(secret),
                _ => return Err(format!("line {n} is no key")),
            }
        }
        match records {
            Some(records) if !numbers.is_empty() => Ok(Self { records, numbers }),
            _ => Err("it does not hold a key of records and a key of numbers".into()),
        }
    }

    /// The text of a new key file.
    pub fn text_of(records: &Secret, number: &Secret) -> String {
        format!(
            "# onhook: the keys of pseudonyms. Whoever has this file and the lake can find numbers again: keep them apart.\n\
             # The last key of numbers is in force; those above find older pseudonyms. See docs/privacy.md.\n\
             records {}\nnumbers {}\n",
            hex(records),
            hex(number)
        )
    }

    /// The text of a key file with one key of numbers more, which is in force from then on.
    pub fn rotated(text: &str, number: &Secret) -> String {
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        format!("{text}{end}numbers {}\n", hex(number))
    }

    /// What tells the key in force from others, and nothing of it.
    pub fn id(&self) -> String {
        self.numbers.last().map(id).unwrap_or_default()
    }

    /// What tells the secret that records are known by from others, and nothing of it.
    pub fn records_id(&self) -> String {
        id(&self.records)
    }

    /// How many keys of numbers there are.
    pub fn count(&self) -> usize {
        self.numbers.len()
    }

    /// The pseudonym of a number under the key in force.
    pub fn pseudonym(&self, number: &str) -> String {
        self.numbers.last().map(|secret| pseudonym(secret, number)).unwrap_or_default()
    }

    /// Its pseudonyms under every key there is.
    pub fn pseudonyms(&self, number: &str) -> impl Iterator<Item = String> {
        self.numbers.iter().map(move |secret| pseudonym(secret, number))
    }

    /// What stands for a hash that could be guessed: a hash of a record's text tells the number in it to whoever tries all
    /// numbers. Never depends on which key of numbers is in force, so that a repeated record is known as one.
    pub fn hidden(&self, hash: i64) -> i64 {
        let keyed = blake3::keyed_hash(&self.records, &hash.to_le_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&keyed.as_bytes()[..8]);
        i64::from_le_bytes(bytes)
    }
}

fn pseudonym(secret: &Secret, number: &str) -> String {
    let hash = blake3::keyed_hash(secret, number.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    let digits = u128::from_le_bytes(bytes) % 10u128.pow(DIGITS);
    format!("{MARK}{digits:0width$}", width = DIGITS as usize)
}

fn id(secret: &Secret) -> String {
    // Under another name than any number has.
    hex(&blake3::keyed_hash(secret, b"id of the key").as_bytes()[..4])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Secret> {
    let hash = blake3::Hash::from_hex(text).ok()?;
    Some(*hash.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn keys(numbers: &[u8]) -> Keys {
        Keys { records: [7; 32], numbers: numbers.iter().map(|n| [*n; 32]).collect() }
    }

    #[test]
    fn a_key_file_reads_back_and_what_is_none_is_refused_without_a_word_of_it() {
        let text = Keys::text_of(&[7; 32], &[1; 32]);
        assert_eq!(Keys::parse(&text), Ok(keys(&[1])));
        assert_eq!(Keys::parse(&Keys::rotated(&text, &[2; 32])), Ok(keys(&[1, 2])));
        assert_eq!(Keys::parse(&Keys::rotated(text.trim_end(), &[2; 32])), Ok(keys(&[1, 2])));
        let secret = "ab".repeat(32);
        for bad in [
            String::new(),
            format!("records {secret}\n"),
            format!("numbers {secret}\n"),
            format!("records {secret}\nrecords {secret}\nnumbers {secret}\n"),
            format!("records {secret}\nnumbers {}\n", &secret[2..]),
            format!("records {secret}\nnumbers {secret}\n{secret}\n"),
        ] {
            let what = Keys::parse(&bad).unwrap_err();
            assert!(!what.contains("abab"), "{what}");
        }
        assert!(!format!("{:?}", keys(&[1])).contains("0101"), "secrets are not shown");
    }

    /// The published test vectors of BLAKE3: its keyed hash of nothing begins with the bytes 92b2b75604ed3c761f9d6f62392c8a92.
    #[test]
    fn a_pseudonym_is_the_keyed_hash_that_blake3_publishes() {
        let secret: Secret = *b"whats the Elvish word for friend";
        assert_eq!(pseudonym(&secret, ""), "p634798396108681874");
    }

    #[test]
    fn a_pseudonym_is_a_function_of_key_and_number() {
        let one = keys(&[1]).pseudonym("+447700900123");
        assert_eq!((one.len(), one.starts_with('p')), (19, true));
        assert!(one[1..].bytes().all(|b| b.is_ascii_digit()));
        assert_eq!(one, keys(&[2, 1]).pseudonym("+447700900123"), "the last key is in force");
        assert_ne!(one, keys(&[1, 2]).pseudonym("+447700900123"));
        assert_ne!(one, keys(&[1]).pseudonym("+447700900124"));
        let all: Vec<String> = keys(&[1, 2]).pseudonyms("+447700900123").collect();
        assert_eq!(all, [one, keys(&[2]).pseudonym("+447700900123")]);
        assert_ne!(keys(&[1]).id(), keys(&[2]).id());
    }

    #[test]
    fn no_two_of_a_million_numbers_share_a_pseudonym() {
        let keys = keys(&[1]);
        let all: HashSet<String> = (0..1_000_000).map(|n| keys.pseudonym(&format!("+44770{n:07}"))).collect();
        assert_eq!(all.len(), 1_000_000);
    }

    #[test]
    fn what_tells_a_record_outlasts_a_rotation_and_not_another_secret() {
        assert_eq!(keys(&[1]).hidden(42), keys(&[1, 2]).hidden(42));
        assert_ne!(keys(&[1]).hidden(42), keys(&[1]).hidden(43));
        let other = Keys { records: [8; 32], numbers: vec![[1; 32]] };
        assert_ne!(keys(&[1]).hidden(42), other.hidden(42));
        assert_ne!(keys(&[1]).hidden(42), 42);
    }
}
