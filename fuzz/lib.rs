//! What the targets share.

#[path = "../tests/fuzz/driver.rs"]
#[expect(dead_code, reason = "the seeded mutations of tests/fuzz.rs use more of it")]
mod driver;

use std::sync::OnceLock;

use driver::TARGETS;
use ttlab::trace::import::Options;

/// Reads an input as the format `name`.
pub fn read_as(name: &str, bytes: &[u8]) {
    static OPTIONS: OnceLock<Options> = OnceLock::new();
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target for each format");
    driver::check(target, OPTIONS.get_or_init(|| driver::options(target)), bytes);
}
