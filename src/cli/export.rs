//! What was typed after `onhook export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Format, parameter};

#[derive(Debug, Args)]
pub struct Export {
    /// A report's name, or a file ending in .sql.
    pub name: String,
    /// A parameter, as name=value.
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub params: Vec<(String, String)>,
    /// What it becomes: a file of that form, or a table in a PostgreSQL database.
    #[arg(long, value_enum)]
    pub to: To,
    /// The file.
    #[arg(required_if_eq_any = [("to", "csv"), ("to", "xlsx"), ("to", "parquet")], conflicts_with_all = ["table", "replace", "url"])]
    pub file: Option<PathBuf>,
    /// The table, as name or schema.name. It must not be there yet.
    #[arg(long, required_if_eq("to", "postgres"))]
    pub table: Option<String>,
    /// Put it in the place of a table that an earlier export made; of no other.
    #[arg(long)]
    pub replace: bool,
    /// Leave out counts of 1 to N-1, and what would give them away; 0 leaves out none. [privacy] suppress_below where absent.
    #[arg(long, value_name = "N")]
    pub suppress: Option<u32>,
    /// The database, as postgresql://user@host:port/name, where PGHOST, PGPORT, PGDATABASE and PGUSER do not say it. The
    /// password is never written here: PGPASSWORD or the file PGPASSFILE has it.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum To {
    Csv,
    Xlsx,
    Parquet,
    Postgres,
}

impl To {
    /// The form of a file; none where it is no file.
    pub const fn form(self) -> Option<Format> {
        match self {
            Self::Csv => Some(Format::Csv),
            Self::Xlsx => Some(Format::Xlsx),
            Self::Parquet => Some(Format::Parquet),
            Self::Postgres => None,
        }
    }
}
