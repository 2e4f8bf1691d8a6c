//! How a plan is written: as text, markdown, JSON or a page, to standard output or a file.

use std::path::Path;

use super::terminal;
use super::{CliError, Output};
use crate::report::write_file;

/// Width of a text in a file.
const WIDTH: usize = 100;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    Text,
    Markdown,
    Json,
    Html,
}

/// Writes what `render` makes of a form and a width.
pub(super) fn deliver(
    form: Form,
    out: Option<&Path>,
    output: Output,
    render: impl FnOnce(Form, usize) -> String,
) -> Result<(), CliError> {
    let form = if output.json { Form::Json } else { form };
    let text = render(form, if out.is_some() { WIDTH } else { terminal::width() });
    match out {
        Some(path) => write_file(path, text.as_bytes()).map_err(anyhow::Error::from)?,
        None if output.quiet && !output.json => {}
        None if form == Form::Text => terminal::table(&text),
        None => terminal::result(&text),
    }
    Ok(())
}
