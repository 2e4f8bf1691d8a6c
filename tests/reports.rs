//! The finished reports in `reports/` are what their scenarios give today, byte for byte.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files in a folder and the folders within it, as paths from it.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).expect("it lies within").to_owned());
            }
        }
    }
    found
}

fn ttlab(arguments: &[&std::ffi::OsStr]) {
    let output = Command::new(env!("CARGO_BIN_EXE_ttlab"))
        .current_dir(root())
        .args(arguments)
        .output()
        .expect("ttlab can be started");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn finished_reports_are_not_stale() {
    for name in ["adaptive", "capacity", "stampede"] {
        let made = tempfile::tempdir().expect("a temporary folder can be made");
        let scenario = PathBuf::from("scenarios").join(format!("{name}.toml"));
        ttlab(&[
            "run".as_ref(),
            scenario.as_ref(),
            "--quiet".as_ref(),
            "--out".as_ref(),
            made.path().as_ref(),
        ]);
        let kept = root().join("reports").join(name);
        assert_eq!(files(&kept), files(made.path()), "{name}");
        for file in files(&kept) {
            let read = |folder: &Path| std::fs::read(folder.join(&file)).expect("it can be read");
            assert!(
                read(&kept) == read(made.path()),
                "reports/{name}/{} is stale; make it anew with: cargo run --release -- run scenarios/{name}.toml",
                file.display()
            );
        }
        // From the record alone the same pages come out.
        let again = tempfile::tempdir().expect("a temporary folder can be made");
        let record = kept.join("record.json");
        ttlab(&[
            "report".as_ref(),
            record.as_ref(),
            "--quiet".as_ref(),
            "--out".as_ref(),
            again.path().as_ref(),
        ]);
        assert_eq!(files(&kept), files(again.path()), "{name}, from its record alone");
        for file in files(&kept) {
            let read = |folder: &Path| std::fs::read(folder.join(&file)).expect("it can be read");
            assert!(read(&kept) == read(again.path()), "{name}/{}", file.display());
        }
    }
}

/// Pictures are not compared by the pixel: fonts differ. It was taken of the page that stands there, and of no older one.
#[test]
fn the_picture_in_the_readme_is_of_the_report_beside_it() {
    use sha2::{Digest, Sha256};
    let read = |path: &str| std::fs::read(root().join("reports").join(path)).expect("it can be read");
    let digest = Sha256::digest(read("stampede/index.html"));
    let hash = digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let noted = String::from_utf8(read("stampede.png.of")).expect("it is text");
    assert_eq!(
        noted,
        format!("{hash}  stampede/index.html\n"),
        "take reports/stampede.png anew (headless Chromium, 900 pixels wide), and then: cd reports && sha256sum stampede/index.html > stampede.png.of"
    );
}
