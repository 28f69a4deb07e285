//! Where the rows of a JSON document stand: brackets and strings only, so that one bad row does not spoil the others and
//! each has its line. What is between the brackets, serde reads.

use crate::read::teams::row::Report;

/// The rows of a document, and what it says of itself.
#[derive(Debug, Default)]
pub struct Document<'a> {
    /// The elements of the top-level `value`, or of the array that is the document.
    pub elements: Vec<Element<'a>>,
    pub has_rows: bool,
    /// What `@odata.context` names.
    pub context: Option<Report>,
    /// There is an `@odata.nextLink`.
    pub has_more_pages: bool,
    /// Names of the members at the top.
    pub keys: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// 1-based line on which it starts.
    pub line: u64,
    pub bytes: &'a [u8],
}

/// Why a document has no rows to be trusted.
#[derive(Debug, PartialEq, Eq)]
pub enum Trouble {
    CutShort { line: u64 },
    Broken { line: u64, what: &'static str },
}

/// Brackets within brackets, at most; serde takes no more.
const DEEPEST: usize = 120;

/// # Errors
/// The document ends before its last bracket, or its brackets do not fit each other.
pub fn scan(bytes: &[u8]) -> Result<Document<'_>, Trouble> {
    let mut scanner = Scanner { bytes, line: 1, ..Scanner::default() };
    let mut at = bytes.len() - super::super::without_mark(bytes).len();
    while let Some(byte) = bytes.get(at) {
        at = scanner.step(at, *byte)?;
    }
    match scanner.is_done {
        true => Ok(scanner.document),
        false => Err(Trouble::CutShort { line: scanner.line }),
    }
}

#[derive(Default)]
struct Scanner<'a> {
    bytes: &'a [u8],
    line: u64,
    /// The brackets that are open.
    open: Vec<u8>,
    /// How many are open where the rows stand; 0 elsewhere.
    rows_at: usize,
    /// Start and line of the row that is open.
    row: Option<(usize, u64)>,
    /// The member at the top whose value comes next.
    key: Option<String>,
    is_value: bool,
    is_done: bool,
    document: Document<'a>,
}

impl Scanner<'_> {
    /// Takes what begins at `at`; gives back where the next begins.
    fn step(&mut self, at: usize, byte: u8) -> Result<usize, Trouble> {
        if byte == b'\n' {
            self.line += 1;
            return Ok(at + 1);
        }
        if byte.is_ascii_whitespace() {
            return Ok(at + 1);
        }
        if self.is_done || (self.open.is_empty() && !matches!(byte, b'{' | b'[')) {
            return Err(self.broken("text after the end of the document"));
        }
        let is_among_rows = self.rows_at > 0 && self.open.len() == self.rows_at;
        if is_among_rows && !matches!(byte, b',' | b']' | b'}') && self.row.is_none() {
            self.row = Some((at, self.line));
        }
        match byte {
            b'"' => return self.string(at),
            b'{' | b'[' => self.enter(byte)?,
            b'}' | b']' => {
                if is_among_rows && byte == b']' && self.row.is_some() {
                    self.end_row(at);
                }
                self.leave(byte)?;
            }
            b',' if is_among_rows => self.end_row(at),
            b',' if self.open.len() == 1 => (self.key, self.is_value) = (None, false),
            b':' if self.open.len() == 1 => self.is_value = true,
            _ => {}
        }
        Ok(at + 1)
    }

    fn broken(&self, what: &'static str) -> Trouble {
        Trouble::Broken { line: self.line, what }
    }

    fn enter(&mut self, bracket: u8) -> Result<(), Trouble> {
        if self.open.len() >= DEEPEST {
            return Err(self.broken("brackets within brackets without end"));
        }
        let is_value = self.open.len() == 1 && self.is_value && self.key.as_deref() == Some("value");
        self.open.push(bracket);
        if bracket == b'[' && (self.open.len() == 1 || is_value) {
            self.rows_at = self.open.len();
            self.document.has_rows = true;
        }
        Ok(())
    }

    fn leave(&mut self, bracket: u8) -> Result<(), Trouble> {
        let fits = match bracket {
            b'}' => b'{',
            _ => b'[',
        };
        if self.open.pop() != Some(fits) {
            return Err(self.broken("a bracket is closed that is not open"));
        }
        if self.open.len() < self.rows_at {
            self.rows_at = 0;
        }
        self.is_done = self.open.is_empty();
        Ok(())
    }

    /// A comma without a row before it leaves an empty one, which is rejected.
    fn end_row(&mut self, end: usize) {
        let (start, line) = self.row.take().unwrap_or((end, self.line));
        let bytes = self.bytes.get(start..end).unwrap_or_default().trim_ascii_end();
        self.document.elements.push(Element { line, bytes });
    }

    /// A string never goes over a line end. One that does lacks its quote: it ends there, and spoils its own row only.
    fn string(&mut self, start: usize) -> Result<usize, Trouble> {
        let mut at = start + 1;
        loop {
            match self.bytes.get(at) {
                None => return Err(Trouble::CutShort { line: self.line }),
                Some(b'\n') => return Ok(at),
                Some(b'"') => break,
                Some(b'\\') if self.bytes.get(at + 1).is_some_and(|b| *b != b'\n') => at += 2,
                Some(_) => at += 1,
            }
        }
        if self.open.as_slice() == b"{"
            && let Some(Ok(text)) = self.bytes.get(start..=at).map(serde_json::from_slice::<String>)
        {
            self.member(text);
        }
        Ok(at + 1)
    }

    /// A name at the top, or the text that belongs to it.
    fn member(&mut self, text: String) {
        if !self.is_value {
            self.document.keys.push(text.clone());
            self.key = Some(text);
            return;
        }
        match self.key.as_deref() {
            Some("@odata.nextLink") => self.document.has_more_pages = !text.is_empty(),
            Some("@odata.context") if text.contains("pstnCallLogRow") => self.document.context = Some(Report::Pstn),
            Some("@odata.context") if text.contains("directRoutingLogRow") => {
                self.document.context = Some(Report::DirectRouting);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, String)> {
        let document = scan(text.as_bytes()).unwrap();
        document.elements.iter().map(|e| (e.line, String::from_utf8(e.bytes.to_vec()).unwrap())).collect()
    }

    fn lines(rows: &[(u64, &str)]) -> Vec<(u64, String)> {
        rows.iter().map(|(line, text)| (*line, text.to_string())).collect()
    }

    #[test]
    fn rows_stand_in_the_value_at_the_top_or_in_a_bare_array() {
        let text =
            "{\"a\": {\"value\": [9]},\n\"value\": [\n {\"b\": [1, 2], \"c\": \"],}\\\"[\"},\n {}\n], \"z\": [3]}\n";
        assert_eq!(rows(text), lines(&[(3, "{\"b\": [1, 2], \"c\": \"],}\\\"[\"}"), (4, "{}")]));
        assert_eq!(rows("\u{feff}[{},\n{\"a\":1}]"), lines(&[(1, "{}"), (2, "{\"a\":1}")]));
        assert_eq!(rows("{\"value\": []}"), []);
        assert_eq!(rows("[{} {}, , 5]"), lines(&[(1, "{} {}"), (1, ""), (1, "5")]));
    }

    #[test]
    fn the_context_and_the_next_page_may_stand_on_either_side() {
        for text in [
            r#"{"@odata.context": "…(microsoft.graph.callRecords.pstnCallLogRow)", "@odata.nextLink": "x", "value": []}"#,
            r#"{"value": [], "@odata.nextLink": "x", "@odata.context": "…(microsoft.graph.callRecords.pstnCallLogRow)"}"#,
        ] {
            let document = scan(text.as_bytes()).unwrap();
            assert_eq!((document.context, document.has_more_pages), (Some(Report::Pstn), true), "{text}");
        }
        let within = r#"{"value": [{"@odata.nextLink": "x"}]}"#;
        assert!(!scan(within.as_bytes()).unwrap().has_more_pages);
    }

    #[test]
    fn a_lost_quote_ends_with_its_line() {
        let text = "[{\"a\": \"x,\n\"b\": 1},\n{\"a\": \"y\"}]";
        assert_eq!(rows(text), lines(&[(1, "{\"a\": \"x,\n\"b\": 1}"), (3, "{\"a\": \"y\"}")]));
    }

    #[test]
    fn what_is_cut_or_broken_has_no_rows() {
        for text in ["", "{", "[{}", "{\"value\": [{}]", "[\n{\"a\": \"b", "[\"\\"] {
            assert!(matches!(scan(text.as_bytes()), Err(Trouble::CutShort { .. })), "{text}");
        }
        for (text, line) in [("[\n}", 2), ("{}\n{}", 2), ("[]]", 1), (&"[".repeat(1000) as &str, 1)] {
            assert!(matches!(scan(text.as_bytes()), Err(Trouble::Broken { line: l, .. }) if l == line), "{text}");
        }
    }
}
