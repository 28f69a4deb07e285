//! The header of a query file: what it asks, its grain, its parameters and columns. Parsed from the comments on top;
//! it is the only documentation a query has. Runs nothing.

/// A query file, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// File name without `.sql`.
    pub name: String,
    pub title: String,
    pub asks: String,
    pub grain: String,
    pub params: Vec<Param>,
    /// Which of the evidence settings the answer depends on; each may be given as a parameter.
    pub settings: Vec<String>,
    pub columns: Vec<Column>,
    /// The whole file.
    pub sql: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    pub name: String,
    pub kind: Kind,
    /// As written in the header; none where the parameter must be given.
    pub default: Option<String>,
    pub doc: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub kind: String,
    /// Blank where there is none.
    pub unit: String,
    pub doc: String,
}

/// Types of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Float,
    Date,
}

impl Kind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "int",
            Self::Float => "float",
            Self::Date => "date",
        }
    }

    /// How a value is written.
    pub const fn form(self) -> &'static str {
        match self {
            Self::Text => "write any text",
            Self::Int => "write a whole number like 30",
            Self::Float => "write a number like 0.5",
            Self::Date => "write dates like 2024-03-31",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Text, Self::Int, Self::Float, Self::Date].into_iter().find(|kind| kind.word() == word)
    }
}

impl Query {
    /// Reads the header. A file without one is a query without parameters.
    ///
    /// # Errors
    /// A header line that cannot be understood, with its line number.
    pub fn parse(name: &str, sql: &str) -> Result<Self, String> {
        let mut query = Self { name: name.to_string(), sql: sql.to_string(), ..Self::default() };
        for (i, line) in sql.lines().enumerate() {
            let Some(comment) = line.trim_start().strip_prefix("--") else {
                if line.trim().is_empty() {
                    continue;
                }
                break;
            };
            let Some((key, value)) = comment.trim().split_once(':') else { continue };
            let value = value.trim();
            let wrong = |what: &str| format!("line {}: {what}: {comment}", i + 1);
            match key {
                "title" => query.title = value.to_string(),
                "asks" => query.asks = value.to_string(),
                "grain" => query.grain = value.to_string(),
                "setting" => query.settings.push(value.split_whitespace().next().unwrap_or_default().to_string()),
                "param" => query
                    .params
                    .push(param(value).ok_or_else(|| wrong("a param is `name type [= default] [meaning]`"))?),
                "column" => {
                    query.columns.push(column(value).ok_or_else(|| wrong("a column is `name type unit meaning`"))?)
                }
                _ => {}
            }
        }
        Ok(query)
    }
}

fn param(text: &str) -> Option<Param> {
    let (name, rest) = word(text)?;
    let (kind, rest) = word(rest)?;
    let kind = Kind::of(kind)?;
    let (default, doc) = match rest.strip_prefix('=').map(str::trim_start) {
        None => (None, rest),
        Some(rest) => match rest.strip_prefix('\'') {
            Some(quoted) => {
                let end = quoted.find('\'')?;
                (Some(quoted[..end].to_string()), quoted[end + 1..].trim_start())
            }
            None => {
                let (default, doc) = word(rest)?;
                (Some(default.to_string()), doc)
            }
        },
    };
    Some(Param { name: name.to_string(), kind, default, doc: doc.to_string() })
}

fn column(text: &str) -> Option<Column> {
    let (name, rest) = word(text)?;
    let (kind, rest) = word(rest)?;
    let (unit, doc) = word(rest)?;
    let unit = if unit == "-" { "" } else { unit };
    Some(Column { name: name.to_string(), kind: kind.to_string(), unit: unit.to_string(), doc: doc.to_string() })
}

/// The first word and what follows it.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| (&text[..end], text[end..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_whole() {
        let query = Query::parse(
            "idle-lines",
            "-- title:  Idle lines\n-- asks:   Which?\n-- grain:  one row per line\n-- param:  site text = ''  only this site\n\
             -- param:  days int = 90\n-- param: from date first day\n-- setting: as_of\n-- column: n int days whole days\n\nselect 1 -- x: y",
        )
        .unwrap();
        assert_eq!((query.title.as_str(), query.grain.as_str()), ("Idle lines", "one row per line"));
        let params: Vec<_> =
            query.params.iter().map(|p| (p.name.as_str(), p.kind, p.default.as_deref(), p.doc.as_str())).collect();
        assert_eq!(
            params,
            [
                ("site", Kind::Text, Some(""), "only this site"),
                ("days", Kind::Int, Some("90"), ""),
                ("from", Kind::Date, None, "first day")
            ]
        );
        assert_eq!(query.columns[0].unit, "days");
        assert_eq!(query.settings, ["as_of"]);
    }

    #[test]
    fn a_line_that_means_nothing_is_named() {
        let why = Query::parse("x", "-- title: T\n-- param: days integer = 3\nselect 1").unwrap_err();
        assert!(why.starts_with("line 2: a param is"), "{why}");
    }
}
