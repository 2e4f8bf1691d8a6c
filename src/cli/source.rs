//! Reads what a command is pointed at: scenario files and recorded traces.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use sha2::{Digest, Sha256};

use super::CliError;
use crate::scenario::Scenario;

/// A scenario with what is known of its file.
pub(super) struct ScenarioFile {
    /// As meant.
    pub(super) scenario: Scenario,
    /// As written.
    pub(super) text: String,
    /// Where it lies, as the user named it.
    pub(super) path: PathBuf,
}

impl ScenarioFile {
    /// SHA-256 of the text, hexadecimal.
    pub(super) fn sha256(&self) -> String {
        hex(&Sha256::digest(self.text.as_bytes()))
    }

    /// A path that the scenario names, relative to its own folder.
    pub(super) fn resolve(&self, written: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(written)
    }
}

/// Reads a scenario.
pub(super) fn read_scenario(path: &Path) -> Result<ScenarioFile, CliError> {
    let shown = path.display();
    if path.is_dir() {
        return Err(anyhow!("{shown} is a folder; name the scenario file in it").into());
    }
    let bytes = std::fs::read(path).with_context(|| format!("the scenario {shown} cannot be read"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow!("{shown} is not a scenario: it is not UTF-8 text (byte {at} is no character)")
    })?;
    let scenario = Scenario::parse(&text, &shown.to_string())?;
    Ok(ScenarioFile { scenario, text, path: path.to_owned() })
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
