//! How a command can end: exit statuses, and errors that know theirs.

use std::process::ExitCode;

use crate::scenario::ScenarioError;

/// How a command ended, as its exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Everything asked for was done.
    Done,
    /// A gate or an expectation failed; results are written.
    GateFailed,
    /// Part of the cells failed, or keys or settings of a live run stayed behind on a server; what was finished is written
    /// and marked.
    CellsFailed,
    /// The user interrupted; what was finished is written and marked.
    Interrupted,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::GateFailed => 1,
            Status::CellsFailed => 3,
            Status::Interrupted => 130,
        })
    }
}

/// Why a command did nothing: the input was wrong. Exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A scenario with mistakes.
    #[error("{0}")]
    Scenario(#[from] ScenarioError),
    /// Anything else, as a sentence that names what was wrong and what to do.
    #[error("error: {0:#}")]
    Other(#[from] anyhow::Error),
}
