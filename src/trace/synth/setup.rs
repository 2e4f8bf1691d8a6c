//! What the parts of a workload may know of the scenario they stand in.

use std::path::PathBuf;

use crate::units::SimDuration;

/// The surroundings of a part of the workload.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The folder of the scenario; tables that it names lie relative to it.
    pub folder: PathBuf,
    /// The names of the classes, in order.
    pub classes: Vec<String>,
    /// How long the workload lasts.
    pub duration: SimDuration,
}
