//! The two recorded sample logs, which lie beside the project and are never part of it.

use std::path::{Path, PathBuf};

/// Where the sample log `name` lies; `None`, with a message, where it does not (under `CI=true` that is a failure).
#[expect(clippy::print_stderr, reason = "who runs the tests must see that these were skipped")]
pub(crate) fn sample(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/traces").join(name);
    if path.exists() {
        return Some(path);
    }
    #[expect(clippy::disallowed_methods, reason = "whether this is a checking machine is no part of a run")]
    let must_exist = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!must_exist, "the sample trace {name} is missing");
    eprintln!("skipped: the sample trace {name} is not here");
    None
}
