//! Programs of others that tests speak to: where they are, and what is said where they are not. No assertions but that.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workdir::skip;

/// A Python that has these modules: `ONHOOK_PYTHON`, or `python3`.
pub fn python(test: &str, modules: &[&str]) -> Option<PathBuf> {
    let program = std::env::var_os("ONHOOK_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let imports: String = modules.iter().map(|module| format!("import {module};")).collect();
    let has_all = Command::new(&program).args(["-c", &imports]).output().is_ok_and(|out| out.status.success());
    if !has_all {
        skip(test, &format!("{} with {} is not installed", program.display(), modules.join(", ")));
    }
    has_all.then_some(program)
}

/// A program in PATH, or in one of these folders.
pub fn program(test: &str, name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).collect::<Vec<_>>();
    let found = all.iter().chain(folders).map(|folder: &PathBuf| folder.join(name)).find(|file| is_program(file));
    if found.is_none() {
        skip(test, &format!("{name} is not installed"));
    }
    found
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
