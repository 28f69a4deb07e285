//! A line cut into its columns, at delimiters or by widths. It knows no names and gives no column a meaning.

use crate::read::Reject;
use crate::read::field::{Fields, Refusal};

/// How a line falls into columns.
pub enum Shape {
    Delimited {
        delimiter: u8,
        columns: usize,
    },
    /// First character of each column, and the one behind its last.
    Fixed(Vec<(usize, usize)>),
}

/// Room for the fields of one delimited line; used again for the next.
pub type Cells = Fields;

/// One line, its columns numbered from 0.
#[derive(Clone, Copy)]
pub enum Cut<'a> {
    Delimited(&'a Fields),
    Fixed { line: &'a str, columns: &'a [(usize, usize)] },
}

impl Shape {
    pub fn columns(&self) -> usize {
        match self {
            Self::Delimited { columns, .. } => *columns,
            Self::Fixed(columns) => columns.len(),
        }
    }

    /// # Errors
    /// The line has more or fewer columns; blank ones too many at the end do no harm, nor does a fixed line whose end is
    /// missing, since trailing blanks are easily lost.
    pub fn cut<'a>(&'a self, line: &'a str, cells: &'a mut Cells) -> Result<Cut<'a>, Refusal> {
        match self {
            Self::Delimited { delimiter, columns } => {
                cells.split(line, *delimiter)?;
                if cells.len() < *columns {
                    return Err((Reject::WrongShape, "fewer columns than are named"));
                }
                if (*columns..cells.len()).any(|at| !cells.get(at).is_empty()) {
                    return Err((Reject::WrongShape, "more columns than are named"));
                }
                Ok(Cut::Delimited(cells))
            }
            Self::Fixed(columns) => {
                let end = columns.last().map_or(0, |(_, end)| *end);
                if line.trim_end().chars().nth(end).is_some() {
                    return Err((Reject::WrongShape, "longer than the widths of the layout"));
                }
                Ok(Cut::Fixed { line, columns })
            }
        }
    }
}

impl<'a> Cut<'a> {
    /// The text of a column without blanks around it.
    pub fn get(&self, at: usize) -> &'a str {
        match *self {
            Self::Delimited(fields) => fields.get(at),
            Self::Fixed { line, columns } => {
                let Some(&(start, end)) = columns.get(at) else { return "" };
                let byte = |character: usize| match line.is_ascii() {
                    true => character.min(line.len()),
                    false => line.char_indices().nth(character).map_or(line.len(), |(byte, _)| byte),
                };
                line.get(byte(start)..byte(end)).unwrap_or("").trim()
            }
        }
    }
}
