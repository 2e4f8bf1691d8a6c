//! `[trace]` without a scenario around it, for commands that read a trace and play nothing.

use super::ScenarioError;
use super::recorded::{Recorded, recorded};
use crate::catalog::{Fault, Section};

/// Reads the keys of `[trace]`, one in each line, as `text` has them; `file` is what messages call it.
///
/// # Errors
/// As for `[trace]` in a scenario. `path` has no place here: the command names its traces itself.
pub fn trace_settings(text: &str, file: &str) -> Result<Recorded, ScenarioError> {
    read(text).map_err(|fault| ScenarioError::new(file, text, vec![fault]))
}

fn read(text: &str) -> Result<Recorded, Fault> {
    let mut section = Section::parse(text)?;
    let (recorded, classes) = recorded(&mut section)?;
    if let Some(path) = &recorded.path {
        return Err(Fault::new(path.span(), "path has no use here: the command line names the traces")
            .help("leave it out"));
    }
    section.finish()?;
    for (_, class) in classes {
        class.finish()?;
    }
    Ok(recorded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_need_no_scenario_and_are_as_strict_as_in_one() {
        let read =
            trace_settings("format = \"json-lines\"\ncolumns = { time = \"ts\", key = \"url\" }", "--set")
                .unwrap();
        assert_eq!(read.options.format.unwrap().name(), "json-lines");
        assert!(!read.options.declared.columns.is_empty());
        for (text, part) in [
            ("format = \"jsonl\"", "no trace format is called \"jsonl\""),
            ("spred = false", "has no \"spred\""),
            ("path = \"a.log\"", "path has no use here"),
            ("class = [{ name = \"a\", changes = \"never\" }]", "has no \"changes\""),
        ] {
            let said = trace_settings(text, "--set").unwrap_err().to_string();
            assert!(said.contains(part) && said.contains("--set:1"), "{said}");
        }
    }
}
