//! Where traces are read from: files, patterns of files, standard input.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::trace::TraceError;

/// Something to read a trace from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl fmt::Display for Input {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => write!(out, "standard input"),
            Self::File(path) => write!(out, "{}", path.display()),
        }
    }
}

/// What `path` names: `-` is standard input, and a pattern (`logs/access.log.*`) all files that fit, by name.
///
/// # Errors
/// If no file fits a pattern, or the pattern is none.
pub fn inputs(path: &Path) -> Result<Vec<Input>, TraceError> {
    if path == Path::new("-") {
        return Ok(vec![Input::Stdin]);
    }
    let text = path.to_string_lossy();
    if !text.contains(['*', '?', '[']) || path.exists() {
        return Ok(vec![Input::File(path.to_owned())]);
    }
    let pattern = text.clone().into_owned();
    let found = glob::glob(&text).map_err(|error| TraceError::Settings {
        what: format!("{pattern} is no pattern of files: {error}"),
        help: Some("write * for any letters and ? for one".to_owned()),
    })?;
    let files = found.map(|entry| {
        entry.map_err(|error| TraceError::Unreadable {
            file: error.path().display().to_string(),
            source: error.into(),
        })
    });
    let mut files: Vec<PathBuf> = files.collect::<Result<_, _>>()?;
    files.retain(|file| !file.is_dir());
    if files.is_empty() {
        return Err(TraceError::NoMatch { pattern });
    }
    Ok(files.into_iter().map(Input::File).collect())
}

/// What all these paths name, as [`inputs`] says of each.
///
/// # Errors
/// As [`inputs`]; and if standard input is named twice, for it can be read only once.
pub fn all_inputs(paths: &[PathBuf]) -> Result<Vec<Input>, TraceError> {
    let all = paths.iter().map(|path| inputs(path)).collect::<Result<Vec<_>, _>>()?.concat();
    if all.iter().filter(|input| **input == Input::Stdin).count() > 1 {
        return Err(TraceError::Settings {
            what: "standard input (-) is named more than once, and it can be read only once".to_owned(),
            help: Some("name - once, and give the other traces as files".to_owned()),
        });
    }
    Ok(all)
}

/// Begins to read.
pub(super) fn open_input(input: &Input) -> Result<Box<dyn Read + Send>, TraceError> {
    let Input::File(path) = input else { return Ok(Box::new(io::stdin())) };
    let file = path.display().to_string();
    if path.is_dir() {
        return Err(TraceError::Directory { file });
    }
    match File::open(path) {
        Ok(open) => Ok(Box::new(open)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Err(TraceError::Missing { file }),
        Err(source) => Err(TraceError::Unreadable { file, source }),
    }
}
