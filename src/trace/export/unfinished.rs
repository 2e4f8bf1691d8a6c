//! Files that are being written under a name of their own, for a program that is told to end at once.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

static FILES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn files() -> MutexGuard<'static, Vec<PathBuf>> {
    // A list of names is whole after every step.
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins a file.
///
/// # Errors
/// If it cannot be created.
pub fn create(part: &Path) -> io::Result<File> {
    let mut files = files();
    let file = File::create(part)?;
    files.push(part.to_owned());
    Ok(file)
}

/// Gives a file that is whole its own name.
///
/// # Errors
/// If it cannot be renamed; then it stays under the name that it has.
pub fn rename(part: &Path, path: &Path) -> io::Result<()> {
    let mut files = files();
    fs::rename(part, path)?;
    files.retain(|name| name != part);
    Ok(())
}

/// Removes a file, unless it has its own name already.
pub fn remove(part: &Path) {
    let mut files = files();
    if files.iter().any(|name| name == part) {
        files.retain(|name| name != part);
        // Whoever drops it has an error to tell already.
        let _ = fs::remove_file(part);
    }
}

/// Removes all files that are not whole, for a program that ends now: who begins or finishes a file from then on waits
/// for that end.
pub fn remove_all() {
    let files = files();
    for part in files.iter() {
        // There is nobody left to tell.
        let _ = fs::remove_file(part);
    }
    Box::leak(Box::new(files));
}
