//! Why a trace cannot be read: the file, the place, what is wrong and what to do about it.

use std::fmt::Write;
use std::io;

use crate::units::ByteSize;

/// A trace that cannot be read. The first line is complete by itself; [`TraceError::help`] adds what to do.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The path leads nowhere.
    #[error("there is no file {file}")]
    Missing {
        /// As the user wrote it.
        file: String,
    },
    /// The path leads to a directory.
    #[error("{file} is a directory, not a trace")]
    Directory {
        /// As the user wrote it.
        file: String,
    },
    /// The operating system refuses.
    #[error("{file} cannot be read: {source}")]
    Unreadable {
        /// As the user wrote it.
        file: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// Rows that do not fit into memory could not be put on disk.
    #[error("requests cannot be put on disk in {folder}: {source}")]
    Spill {
        /// Where files without names are made.
        folder: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// Not a single byte, or a compressed stream of nothing.
    #[error("{file} is empty")]
    Empty {
        /// As the user wrote it.
        file: String,
    },
    /// Something else than lines of text.
    #[error("{file} is not a text of requests: it looks like {looks}")]
    Binary {
        /// As the user wrote it.
        file: String,
        /// What it seems to be.
        looks: &'static str,
    },
    /// A compressed stream ends before its end.
    #[error("{file}:{line}: the {compression} stream is cut off; {}", last_whole(*line))]
    Truncated {
        /// As the user wrote it.
        file: String,
        /// The compression.
        compression: &'static str,
        /// The last line that could be read whole; 0 if none.
        line: u64,
    },
    /// A compressed stream that does not decompress.
    #[error("{file}:{line}: the {compression} stream is damaged after line {line}: {source}")]
    Damaged {
        /// As the user wrote it.
        file: String,
        /// The compression.
        compression: &'static str,
        /// The last line that could be read whole; 0 if none.
        line: u64,
        /// What the decompressor says.
        source: io::Error,
    },
    /// The last of the binary records is not whole.
    #[error("{file}: after record {record}, the last that is whole, a part of one is left")]
    PartialRecord {
        /// As the user wrote it.
        file: String,
        /// The last whole record, from 1.
        record: u64,
    },
    /// A compressed file that unpacks to far more than logs do.
    #[error("{file}:{line}: the {compression} stream unpacks to more than {limit} times its own size")]
    Expands {
        /// As the user wrote it.
        file: String,
        /// The compression.
        compression: &'static str,
        /// The last line that was read whole.
        line: u64,
        /// The tolerated factor.
        limit: u32,
    },
    /// A pattern that fits no file.
    #[error("no file is called like {pattern}")]
    NoMatch {
        /// As the user wrote it.
        pattern: String,
    },
    /// The content fits no format.
    #[error("{file}:1: the format cannot be told from the content, which begins \"{start}\"")]
    UnknownFormat {
        /// As the user wrote it.
        file: String,
        /// The first line, shortened.
        start: String,
        /// The formats that exist.
        formats: String,
    },
    /// A declared column that the header does not have.
    #[error("{file}:1: no column is called \"{column}\" (declared as {field}; there are: {existing})")]
    UnknownColumn {
        /// As the user wrote it.
        file: String,
        /// The column as declared.
        column: String,
        /// What it was to hold, such as `key`.
        field: &'static str,
        /// The columns of the header.
        existing: String,
        /// The column most like it.
        meant: Option<String>,
    },
    /// A column that must be declared and is not.
    #[error("{file}:1: it is not said which column holds the {field} (there are: {existing})")]
    UndeclaredColumn {
        /// As the user wrote it.
        file: String,
        /// What is missing, `time` or `key`.
        field: &'static str,
        /// The columns of the header.
        existing: String,
    },
    /// A line that cannot be understood, where that is not tolerated.
    #[error("{}", bad_line(file, *line, *column, reason, value, field.as_deref()))]
    BadLine {
        /// As the user wrote it.
        file: String,
        /// From 1.
        line: u64,
        /// Character of a log line or field of a table, from 1.
        column: Option<u64>,
        /// The broken rule.
        reason: String,
        /// What stands there, shortened and escaped.
        value: String,
        /// The name of the column in a table.
        field: Option<String>,
    },
    /// More bad lines than are tolerated.
    #[error(
        "{file}: {bad} of {lines} lines are bad ({:.2} %, tolerated are {:.2} %); mostly: {worst}",
        percent(*bad, *lines),
        limit * 100.0
    )]
    TooManyBad {
        /// As the user wrote it.
        file: String,
        /// Lines that cannot be understood.
        bad: u64,
        /// All lines.
        lines: u64,
        /// The tolerated share.
        limit: f64,
        /// The most frequent reason with its first example.
        worst: String,
        /// What to do.
        help: String,
    },
    /// A line that is too late to be put into its place while the file streams by.
    #[error("{file}:{line}: the line is {seconds} s earlier than one before it, too much for a stream")]
    Late {
        /// As the user wrote it.
        file: String,
        /// The line.
        line: u64,
        /// By how much.
        seconds: u64,
    },
    /// Every line was filtered away.
    #[error("{file}: none of its {lines} lines is a request to replay ({why})")]
    NothingLeft {
        /// As the user wrote it.
        file: String,
        /// All lines.
        lines: u64,
        /// What was dropped, by reason.
        why: String,
    },
    /// Ids are 32 bits wide.
    #[error("{file}:{line}: there are more than {limit} different keys")]
    TooManyObjects {
        /// As the user wrote it.
        file: String,
        /// Where the limit was passed.
        line: u64,
        /// How many objects fit.
        limit: u32,
    },
    /// Requests that must all be in memory take more of it than they may.
    #[error(
        "{file}:{line}: the requests up to here take {} of memory, but {} are {bound}",
        need.about(),
        have.about()
    )]
    TooLarge {
        /// As the user wrote it.
        file: String,
        /// Where the limit was passed.
        line: u64,
        /// What they take.
        need: ByteSize,
        /// What they may take.
        have: ByteSize,
        /// What sets that bound, such as `free`.
        bound: &'static str,
    },
    /// Class ids are 16 bits wide.
    #[error("{file}: there are more than 65535 different classes")]
    TooManyClasses {
        /// As the user wrote it.
        file: String,
    },
    /// Settings that no reader can follow.
    #[error("{what}")]
    Settings {
        /// What is wrong.
        what: String,
        /// What to write instead.
        help: Option<String>,
    },
}

/// Which line of a stream that is cut off is the last that is whole.
fn last_whole(line: u64) -> String {
    if line == 0 {
        "no line of it is whole".to_owned()
    } else {
        format!("line {line} is the last that is whole")
    }
}

impl TraceError {
    /// The line at fault, from 1, where one is known.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Truncated { line, .. }
            | Self::Damaged { line, .. }
            | Self::Expands { line, .. }
            | Self::BadLine { line, .. }
            | Self::Late { line, .. }
            | Self::TooLarge { line, .. }
            | Self::TooManyObjects { line, .. } => Some(*line),
            Self::UnknownFormat { .. } | Self::UnknownColumn { .. } | Self::UndeclaredColumn { .. } => {
                Some(1)
            }
            _ => None,
        }
    }

    /// The character of a log line or the field of a table, from 1, where one is known.
    pub fn column(&self) -> Option<u64> {
        match self {
            Self::BadLine { column, .. } => *column,
            _ => None,
        }
    }

    /// The file at fault.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Missing { file }
            | Self::Directory { file }
            | Self::Unreadable { file, .. }
            | Self::Empty { file }
            | Self::Binary { file, .. }
            | Self::Truncated { file, .. }
            | Self::Damaged { file, .. }
            | Self::PartialRecord { file, .. }
            | Self::Expands { file, .. }
            | Self::UnknownFormat { file, .. }
            | Self::UnknownColumn { file, .. }
            | Self::UndeclaredColumn { file, .. }
            | Self::BadLine { file, .. }
            | Self::TooManyBad { file, .. }
            | Self::Late { file, .. }
            | Self::NothingLeft { file, .. }
            | Self::TooLarge { file, .. }
            | Self::TooManyObjects { file, .. }
            | Self::TooManyClasses { file } => Some(file),
            Self::NoMatch { .. } | Self::Settings { .. } | Self::Spill { .. } => None,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Missing { .. } => {
                "check the spelling; a path in a scenario is relative to the scenario's file".to_owned()
            }
            Self::Directory { .. } => "name a file in it".to_owned(),
            Self::Unreadable { .. } => "check who may read it".to_owned(),
            Self::Spill { .. } => {
                "make room, 25 bytes for each request, or name another folder with TMPDIR=/folder".to_owned()
            }
            Self::Empty { .. } => "name a log or table with at least one request".to_owned(),
            Self::Binary { .. } => {
                "name an access log or a table, plain or compressed with gzip, zstd or xz".to_owned()
            }
            Self::Truncated { .. } | Self::Damaged { .. } => {
                "copy the file again; to use what can be read, decompress it yourself and name the result"
                    .to_owned()
            }
            Self::PartialRecord { .. } => {
                "copy the file again; it must be a whole number of records of 24 bytes".to_owned()
            }
            Self::Expands { limit, .. } => {
                format!("if it is a log all the same, raise max_expansion above {limit}")
            }
            Self::NoMatch { .. } => {
                "check the pattern; quote it where the shell should leave it alone".to_owned()
            }
            Self::UnknownFormat { formats, .. } => {
                format!("say which it is with format = \"…\" (there are: {formats})")
            }
            Self::UnknownColumn { meant: Some(meant), .. } => format!("did you mean \"{meant}\"?"),
            Self::UnknownColumn { field, .. } => {
                format!("declare an existing one: columns = {{ {field} = \"…\" }}")
            }
            Self::UndeclaredColumn { .. } => {
                "declare the columns: columns = { time = \"…\", key = \"…\" }, or count them from 1 where \
                 the file has no header"
                    .to_owned()
            }
            Self::BadLine { .. } => {
                "mend the line, or leave strict out to count such lines and go on".to_owned()
            }
            Self::TooManyBad { help, .. } => help.clone(),
            Self::Late { .. } => {
                "sort the file by time, or raise reorder_window; if the clock was set back there, cut it into two files".to_owned()
            }
            Self::NothingLeft { .. } => {
                "choose other methods, status or extensions; an empty list keeps everything".to_owned()
            }
            Self::TooManyObjects { .. } => "cut the trace into parts".to_owned(),
            Self::TooLarge { .. } => {
                "allow or free more memory, or play a part of the trace: ttlab trace sample".to_owned()
            }
            Self::TooManyClasses { .. } => "name a column with fewer values as the class".to_owned(),
            Self::Settings { help, .. } => help.clone().unwrap_or_default(),
        }
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}

fn bad_line(
    file: &str,
    line: u64,
    column: Option<u64>,
    reason: &str,
    value: &str,
    field: Option<&str>,
) -> String {
    let mut text = format!("{file}:{line}:");
    if let Some(column) = column {
        let _ = write!(text, "{column}:");
    }
    let _ = write!(text, " {reason}, but is \"{value}\"");
    if let Some(field) = field {
        let _ = write!(text, " (column \"{field}\")");
    }
    text
}

/// Text from a trace as a message may show it: control characters and foreign bytes escaped, 80 characters at most.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    const LONGEST: usize = 80;
    let mut text = String::new();
    // Four bytes at most make one character, so this much is always enough to fill the line.
    for chunk in bytes[..bytes.len().min(LONGEST * 4)].utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() {
                text.extend(letter.escape_default());
            } else {
                text.push(letter);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    match text.char_indices().nth(LONGEST - 1) {
        Some((cut, _)) if text.chars().count() > LONGEST => {
            text.truncate(cut);
            text.push('…');
            text
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_short_and_printable() {
        assert_eq!(quoted(b"a\tb\0\xff"), "a\\tb\\u{0}\\xFF");
        let long = quoted(&[b'x'; 500]);
        assert_eq!(long.chars().count(), 80);
        assert!(long.ends_with('…'));
        assert_eq!(quoted("é".repeat(80).as_bytes()).chars().count(), 80);
    }
}
