//! Where a plan is written, and how its scenario has to name files from there.

use std::path::{Component, Path, PathBuf};

/// Where the scenario was read, and where the plan goes.
#[derive(Debug, Clone, Copy)]
pub struct Place<'p> {
    /// The scenario's file.
    pub from: &'p Path,
    /// The folder of the plan.
    pub to: &'p Path,
    /// The trace that was played instead of the one that the scenario names.
    pub trace: Option<&'p Path>,
}

impl Place<'_> {
    /// The trace that was played instead, as the plan's scenario has to name it.
    pub(super) fn trace(&self) -> Option<String> {
        self.trace.map(|path| self.seen(path, path))
    }

    /// A file that the scenario names, relative to its own folder, as the plan's scenario has to name it.
    pub(super) fn of(&self, written: &str) -> String {
        self.seen(&self.from.parent().unwrap_or(Path::new("")).join(written), Path::new(written))
    }

    /// The way from the folder of the plan; standard input, absolute paths and no path at all stay what is `written`.
    fn seen(&self, path: &Path, written: &Path) -> String {
        let as_written = || written.to_string_lossy().into_owned();
        if written.is_absolute() || written == Path::new("-") || written == Path::new("") {
            return as_written();
        }
        let (Some(folder), Some(path)) = (real(self.to), real(path)) else { return as_written() };
        let (folder, parts): (Vec<_>, Vec<_>) = (folder.components().collect(), path.components().collect());
        let shared = folder.iter().zip(&parts).take_while(|(one, other)| one == other).count();
        // Nothing but a root in common: both may be moved anywhere.
        if !parts[..shared].iter().any(|part| matches!(part, Component::Normal(_))) {
            return path.to_string_lossy().into_owned();
        }
        let up = folder[shared..].iter().map(|_| "..".to_owned());
        let down = parts[shared..].iter().map(|part| part.as_os_str().to_string_lossy().into_owned());
        up.chain(down).collect::<Vec<_>>().join("/")
    }
}

/// The absolute path without links as far as it exists; a folder that is yet to be made, or a pattern, follows as written.
fn real(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    let found = absolute.ancestors().find_map(|there| Some((there, there.canonicalize().ok()?)));
    let (there, real) = found?;
    let rest = absolute.strip_prefix(there).ok()?;
    let mut whole = real;
    for part in rest.components() {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            part => whole.push(part),
        }
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_seen_from_the_folder_of_the_plan() {
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        let at = |path: &str| root.path().join(path);
        std::fs::create_dir_all(at("site/logs")).expect("folders can be made");
        let (from, to) = (at("site/s.toml"), at("plans/a/b"));
        let place = Place { from: &from, to: &to, trace: None };
        for (written, seen) in [
            ("day.log", "../../../site/day.log"),
            ("logs/*.gz", "../../../site/logs/*.gz"),
            ("../other/day.log", "../../../other/day.log"),
            ("-", "-"),
            ("/var/log/day.log", "/var/log/day.log"),
        ] {
            assert_eq!(place.of(written), seen);
        }
        let inside = at("site");
        assert_eq!(Place { to: &inside, ..place }.of("logs/day.log"), "logs/day.log");
        let trace = at("site/logs/other.log");
        assert_eq!(
            Place { trace: Some(&trace), ..place }.trace(),
            Some(trace.to_string_lossy().into_owned())
        );
    }
}
