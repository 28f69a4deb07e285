//! A spreadsheet program that is not ours (LibreOffice), run without a window. No assertions but that it ran.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use calamine::{Data, Reader, Xlsx};

pub struct Office {
    program: &'static str,
}

impl Office {
    /// None, said aloud, where it is not installed; in CI that is a failure.
    pub fn find(test: &str) -> Option<Self> {
        let runs = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
        let program = ["soffice", "libreoffice"].into_iter().find(runs);
        if program.is_none() {
            assert!(std::env::var_os("ONHOOK_NO_SKIP").is_none(), "LibreOffice is not installed");
            eprintln!("SKIPPED {test}: LibreOffice is not installed");
        }
        program.map(|program| Self { program })
    }

    /// Converts `file` into `folder` by a filter of its own.
    pub fn convert(&self, file: &Path, to: &str, folder: &Path) {
        // A profile of its own, so that two at once do not meet.
        let profile = format!("-env:UserInstallation=file://{}", folder.join("profile").display());
        let ran = Command::new(self.program)
            .args([&profile, "--headless", "--convert-to", to, "--outdir"])
            .arg(folder)
            .arg(file)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }

    /// What every formula of the workbook comes to, by sheet and cell, when nothing but formulas and inputs is left of it:
    /// the results stored in it are taken out first.
    pub fn recalculated(&self, book: &[u8], folder: &Path) -> BTreeMap<(String, u32, u32), Data> {
        std::fs::create_dir_all(folder.join("done")).unwrap();
        let bare = folder.join("bare.xlsx");
        std::fs::write(&bare, without_results(book)).unwrap();
        self.convert(&bare, "xlsx:Calc MS Excel 2007 XML", &folder.join("done"));
        let formulas: Vec<(String, u32, u32)> = results(book).into_keys().collect();
        let mut done = open(std::fs::read(folder.join("done/bare.xlsx")).unwrap());
        let mut found = BTreeMap::new();
        for name in done.sheet_names() {
            let range = done.worksheet_range(&name).unwrap();
            for key in formulas.iter().filter(|(sheet, _, _)| *sheet == name) {
                found.insert(key.clone(), range.get_value((key.1, key.2)).cloned().unwrap_or(Data::Empty));
            }
        }
        found
    }
}

/// What the workbook says every formula comes to.
pub fn results(book: &[u8]) -> BTreeMap<(String, u32, u32), Data> {
    let mut book = open(book.to_vec());
    let mut found = BTreeMap::new();
    for name in book.sheet_names() {
        let (formulas, values) = (book.worksheet_formula(&name).unwrap(), book.worksheet_range(&name).unwrap());
        let (top, left) = formulas.start().unwrap_or_default();
        for (row, column, _) in formulas.used_cells() {
            let (row, column) = (top + row as u32, left + column as u32);
            let value = values.get_value((row, column)).cloned().unwrap_or(Data::Empty);
            found.insert((name.clone(), row, column), value);
        }
    }
    found
}

/// The workbook with another value for the input of this name.
pub fn with_input(book: &[u8], name: &str, value: &str) -> Vec<u8> {
    let place =
        open(book.to_vec()).defined_names().iter().find(|(known, _)| known == name).expect("the name").1.clone();
    // 'Assumptions'!$C$40, on the second sheet
    let cell = place.rsplit('!').next().unwrap().replace('$', "");
    rewritten(book, |file, text| {
        if file != "xl/worksheets/sheet2.xml" {
            return text;
        }
        let at = text.find(&format!("<c r=\"{cell}\"")).expect("the cell");
        let start = at + text[at..].find("<v>").expect("a value") + 3;
        let end = start + text[start..].find("</v>").unwrap();
        format!("{}{value}{}", &text[..start], &text[end..])
    })
}

fn without_results(book: &[u8]) -> Vec<u8> {
    rewritten(book, |file, text| {
        if !file.starts_with("xl/worksheets/sheet") {
            return text;
        }
        let mut parts = text.split("</f><v>");
        let mut bare = parts.next().unwrap_or_default().to_string();
        for part in parts {
            bare += "</f>";
            bare += part.split_once("</v>").expect("a result ends").1;
        }
        // A formula whose result was text says so in its cell.
        bare.replace(" t=\"str\"><f>", "><f>")
    })
}

fn rewritten(book: &[u8], change: impl Fn(&str, String) -> String) -> Vec<u8> {
    let mut old = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut new = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..old.len() {
        let mut file = old.by_index(at).unwrap();
        let (name, mut bytes) = (file.name().unwrap().to_string(), Vec::new());
        file.read_to_end(&mut bytes).unwrap();
        if name.ends_with(".xml") {
            bytes = change(&name, String::from_utf8(bytes).unwrap()).into_bytes();
        }
        new.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        new.write_all(&bytes).unwrap();
    }
    new.finish().unwrap().into_inner()
}

fn open(book: Vec<u8>) -> Xlsx<Cursor<Vec<u8>>> {
    Xlsx::new(Cursor::new(book)).unwrap()
}

/// Where a test keeps what the program made of it.
pub fn folder(work: &crate::workdir::Workdir, name: &str) -> PathBuf {
    let folder = work.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
