//! Whole cases against figures from elsewhere: the published case, the Treasury's oracles, sums done by hand.

mod figures;
mod hand;
mod judged;
mod moved;

use std::path::Path;

use super::*;
use crate::units::{Millionths, Pence};

const BOOK: &str = "id,title,value,low,high,unit,price_base,vat,source,owner,date,confidence,shape\n";

/// A case from its texts: `rows` of the book as `id,value,unit`, or whole rows.
fn load_case(text: &str, rows: &[&str]) -> Result<CaseFile, Vec<crate::error::Error>> {
    let whole = |row: &&str| -> String {
        match row.split(',').collect::<Vec<_>>().as_slice() {
            [id, value, unit] => format!("{id},,{value},,,{unit},2022-23,,s,o,,,\n"),
            [id, value, unit, low, high] => format!("{id},,{value},{low},{high},{unit},2022-23,,s,o,,,\n"),
            _ => format!("{row}\n"),
        }
    };
    let book: String = std::iter::once(BOOK.to_string()).chain(rows.iter().map(whole)).collect();
    let deflators = "year,index,source\n2021-22,90,x\n2022-23,100,x\n2023-24,105,x\n2024-25,110.25,x\n";
    load(Path::new("case.toml"), text, &|name| Ok(if name == "d.csv" { deflators.to_string() } else { book.clone() }))
}

fn case_of(text: &str, rows: &[&str]) -> Case {
    let file = load_case(text, rows).unwrap_or_else(|errors| panic!("{errors:?}"));
    Case::new(file, Evidence::default()).unwrap()
}

/// Three years from 2022-23 against a baseline that costs `stay` a year, if anything.
fn head(more: &str) -> String {
    format!(
        "title = \"T\"\nassumptions = \"a.csv\"\nfirst_year = \"2022-23\"\nhorizon_years = 3\nbaseline = \"stay\"\n\
         price_note = \"n\"\n{more}\n"
    )
}

/// Pence by year of the line with this title.
fn by_year(case: &Case, option: usize, title: &str) -> Vec<i64> {
    let appraisal = case.appraisal();
    let line = appraisal.options[option].lines.iter().find(|line| line.title == title).expect("the line");
    line.by_year.iter().map(|amount| amount.0).collect()
}
