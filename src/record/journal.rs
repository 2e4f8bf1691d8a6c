//! The runs of a sweep that are done, one line each, so that a sweep which was broken off can go on.
//!
//! The first line says what is simulated, and by which program: scenario, seed, trace and build of ttlab. Each line after it
//! is a run with all that it measured, written in one piece when the run ends. Whatever kills the program, the lines
//! before stay; a last line without its end is taken as never written, and a damaged one in the middle is left out. The
//! file is no record: it goes when that is written. A sweep that is begun anew moves it aside.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::metrics::Measurements;

/// The file in the output folder.
pub const JOURNAL: &str = "unfinished.jsonl";

/// Where the file goes while another sweep is begun in the same folder.
pub const ASIDE: &str = "unfinished-before.jsonl";

/// What is simulated: a sweep goes on only as the one that it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// The version of ttlab, for another one may measure otherwise.
    pub version: String,
    /// SHA-256 of the program's file, for another build may measure otherwise too; `None` where it cannot be read.
    #[serde(default)]
    pub program: Option<String>,
    /// SHA-256 of the scenario's text and of the tables that it reads.
    pub scenario_sha256: String,
    /// What the scenario means, by key, so that a change can be told: see [`settings`].
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// SHA-256 of each table that the scenario reads, by its path.
    #[serde(default)]
    pub tables: BTreeMap<String, String>,
    /// The seed that all chance comes from.
    pub seed: u64,
    /// The share of the keys that is played; `None` where all are.
    #[serde(default)]
    pub sample: Option<String>,
    /// SHA-256 of the recorded trace; `None` where the scenario makes its requests.
    pub trace_sha256: Option<String>,
    /// Requests of the recorded trace, which depend on how it is read.
    pub requests: Option<u64>,
    /// Cells, and how often each is repeated.
    pub cells: usize,
    /// Replications of each.
    pub repeat: usize,
}

impl Sweep {
    /// What differs from an `earlier` sweep, in words; `None` where nothing does.
    fn changes_since(&self, earlier: &Self) -> Option<String> {
        let scenario = (self.scenario_sha256 != earlier.scenario_sha256)
            .then(|| self.scenario_changes(earlier))
            .flatten();
        let changed = [
            (
                self.version != earlier.version,
                format!("ttlab {} began it, this is {}", earlier.version, self.version),
            ),
            (
                self.version == earlier.version && self.program != earlier.program,
                format!(
                    "another build of ttlab {} began it, which may measure otherwise; resume with that one",
                    self.version
                ),
            ),
            (scenario.is_some(), scenario.unwrap_or_default()),
            (self.seed != earlier.seed, format!("the seed was {} and is {}", earlier.seed, self.seed)),
            (
                self.sample != earlier.sample,
                format!("the sample of the keys was {} and is {}", share(earlier), share(self)),
            ),
            (
                self.trace_sha256 != earlier.trace_sha256 || self.requests != earlier.requests,
                "the trace changed, or what is read of it".to_owned(),
            ),
            (
                (self.cells, self.repeat) != (earlier.cells, earlier.repeat),
                format!("it had {} cells times {}", earlier.cells, earlier.repeat),
            ),
        ];
        let changed: Vec<String> =
            changed.into_iter().filter_map(|(has, what)| has.then_some(what)).collect();
        (!changed.is_empty()).then(|| changed.join("; "))
    }

    /// Which keys of the scenario, or which of its tables, differ from an `earlier` sweep's; `None` where it is only what
    /// is told anyway.
    fn scenario_changes(&self, earlier: &Self) -> Option<String> {
        // The seed and the sample have words of their own.
        let is_told = |key: &str| !matches!(key, "seed" | "sample");
        let keys: Vec<String> = differences(&self.settings, &earlier.settings)
            .filter(|(key, ..)| is_told(key))
            .map(|(key, now, then)| match (now, then) {
                (Some(now), Some(then)) => format!("{key} was {} and is {}", short(then), short(now)),
                (Some(now), None) => format!("{key} = {} is new", short(now)),
                (None, then) => format!("{key} = {} is gone", short(then.map_or("", String::as_str))),
            })
            .collect();
        let tables: Vec<&str> =
            differences(&self.tables, &earlier.tables).map(|(path, ..)| path.as_str()).collect();
        let mut told = Vec::new();
        if !keys.is_empty() {
            let more = keys.len().saturating_sub(FEW);
            let others = if more > 0 { format!(", and {more} more") } else { String::new() };
            told.push(format!("the scenario changed: {}{others}", keys[..keys.len() - more].join(", ")));
        }
        if !tables.is_empty() {
            told.push(format!("the content of {} changed", tables.join(", ")));
        }
        if told.is_empty() {
            let is_told = self.seed != earlier.seed || self.sample != earlier.sample;
            return (!is_told).then(|| "the text of the scenario changed, though no setting did".to_owned());
        }
        Some(told.join("; "))
    }
}

/// At most so many changed keys are named.
const FEW: usize = 4;

/// At most so many characters of a value are shown.
const SHORT: usize = 60;

/// A value as a message may show it.
fn short(value: &str) -> String {
    let mut letters = value.chars();
    let start: String = letters.by_ref().take(SHORT).collect();
    if letters.next().is_some() { start + "…" } else { start }
}

/// The keys whose values differ, with both values.
fn differences<'m>(
    now: &'m BTreeMap<String, String>,
    then: &'m BTreeMap<String, String>,
) -> impl Iterator<Item = (&'m String, Option<&'m String>, Option<&'m String>)> {
    let keys: BTreeSet<&String> = now.keys().chain(then.keys()).collect();
    let both = keys.into_iter().map(|key| (key, now.get(key), then.get(key)));
    both.filter(|(_, now, then)| now != then)
}

/// What a scenario means, key by key: `cache.capacity`, and where there are several of a kind by name, as
/// `strategy.minute.guard`, or else by number.
pub fn settings(effective: &toml::Table) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    effective.iter().for_each(|(key, value)| flatten(key.clone(), value, &mut found));
    found
}

fn flatten(path: String, value: &toml::Value, found: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            table.iter().for_each(|(key, value)| flatten(format!("{path}.{key}"), value, found));
        }
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            for (number, item) in (1..).zip(items) {
                let name = item.get("name").and_then(toml::Value::as_str);
                let name = name.map_or_else(|| number.to_string(), str::to_owned);
                flatten(format!("{path}.{name}"), item, found);
            }
        }
        value => {
            found.insert(path, value.to_string());
        }
    }
}

/// The share of the keys that a sweep plays, in words.
fn share(sweep: &Sweep) -> &str {
    sweep.sample.as_deref().unwrap_or("all of them")
}

/// Why a sweep cannot go on, or its runs cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be written or read.
    #[error("finished runs cannot be kept in {}: {reason}; make room or make it writable, or name another folder with --out", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// There is no sweep to go on with.
    #[error("there is nothing to resume: {} is not there; run without --resume", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The file is none of a sweep.
    #[error("{} does not say which sweep it is of ({what}); run without --resume", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The sweep that was broken off is another one.
    #[error("the sweep in {} cannot be resumed: {what}; run without --resume to begin anew", path.display())]
    Changed {
        /// Where it is.
        path: PathBuf,
        /// What changed.
        what: String,
    },
}

/// A run that is done.
#[derive(Serialize, Deserialize)]
struct Line<M> {
    cell: usize,
    replication: usize,
    measured: M,
}

/// Lines of a journal that are no runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged {
    /// How many.
    pub lines: u64,
    /// The number of the first, from 1.
    pub first: u64,
}

/// The finished runs of a sweep, and the file to which more are added.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// The first line, until it is written with the first run.
    head: Vec<u8>,
    file: Mutex<Option<File>>,
    /// Runs that were done before, until somebody takes them.
    known: Mutex<BTreeMap<(usize, usize), Measurements>>,
    /// How many these were.
    done: usize,
    damaged: Option<Damaged>,
    /// Finished runs of another sweep that lie where this one will.
    left: u64,
    /// Why a run could not be kept.
    failed: Mutex<Option<io::Error>>,
}

impl Journal {
    /// Begins a sweep in the folder `out`. Nothing is written before the first run is done; then finished runs that an earlier
    /// sweep left there are moved aside.
    pub fn begin(out: &Path, sweep: &Sweep) -> Self {
        let mut head = serde_json::to_vec(sweep).expect("plain words and numbers have a JSON form");
        head.push(b'\n');
        let path = out.join(JOURNAL);
        let left = runs_in(&path).unwrap_or(0);
        Self {
            path,
            head,
            file: Mutex::default(),
            known: Mutex::default(),
            done: 0,
            damaged: None,
            left,
            failed: Mutex::default(),
        }
    }

    /// Goes on with the sweep that was broken off in the folder `out`.
    ///
    /// # Errors
    /// If there is none, or it was another one: what changed.
    pub fn resume(out: &Path, sweep: &Sweep) -> Result<Self, JournalError> {
        let path = out.join(JOURNAL);
        let failed = |reason: io::Error| match reason.kind() {
            io::ErrorKind::NotFound => JournalError::Missing { path: path.clone() },
            _ => JournalError::File { path: path.clone(), reason },
        };
        let mut file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        let unreadable = |what: &str| JournalError::Unreadable { path: path.clone(), what: what.to_owned() };
        let mut lines = BufReader::new(&file);
        let mut line = Vec::new();
        let mut whole_line = |line: &mut Vec<u8>| -> io::Result<bool> {
            line.clear();
            lines.read_until(b'\n', line)?;
            Ok(line.ends_with(b"\n"))
        };
        if !whole_line(&mut line).map_err(failed)? {
            return Err(unreadable("its first line is not whole"));
        }
        let earlier: Sweep = serde_json::from_slice(&line).map_err(|error| unreadable(&error.to_string()))?;
        if let Some(what) = sweep.changes_since(&earlier) {
            return Err(JournalError::Changed { path, what });
        }
        let (mut known, mut kept, mut number) = (BTreeMap::new(), line.len() as u64, 1);
        let mut damaged: Option<Damaged> = None;
        while whole_line(&mut line).map_err(failed)? {
            (kept, number) = (kept + line.len() as u64, number + 1);
            let run = serde_json::from_slice::<Line<Measurements>>(&line).ok();
            match run.filter(|run| run.cell < sweep.cells && run.replication < sweep.repeat) {
                Some(run) => _ = known.insert((run.replication, run.cell), run.measured),
                // What follows it is as good as before.
                None => damaged.get_or_insert(Damaged { lines: 0, first: number }).lines += 1,
            }
        }
        file.set_len(kept).and_then(|()| file.seek(SeekFrom::Start(kept))).map_err(failed)?;
        Ok(Self {
            path,
            head: Vec::new(),
            file: Mutex::new(Some(file)),
            done: known.len(),
            known: Mutex::new(known),
            damaged,
            left: 0,
            failed: Mutex::default(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lines of it that are no runs, where there are any: such runs are made again.
    pub fn damaged(&self) -> Option<Damaged> {
        self.damaged
    }

    /// How many finished runs of an earlier sweep are moved aside once the first of this one is done.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// How many runs were done before.
    pub fn len(&self) -> usize {
        self.done
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.done == 0
    }

    /// What a run measured that was done before; whoever asks first takes it, so that it is in memory once.
    pub fn take(&self, cell: usize, replication: usize) -> Option<Measurements> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&(replication, cell))
    }

    /// Keeps a run; false where it cannot be kept, for which [`end`](Self::end) has the reason.
    pub fn keep(&self, cell: usize, replication: usize, measured: &Measurements) -> bool {
        let line = serde_json::to_vec(&Line { cell, replication, measured }).map_err(io::Error::other);
        let written = line.and_then(|mut line| {
            line.push(b'\n');
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(file) = &mut *file {
                return file.write_all(&line);
            }
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            if self.left > 0 {
                std::fs::rename(&self.path, self.path.with_file_name(ASIDE))?;
            }
            file.insert(File::create(&self.path)?).write_all(&[&self.head[..], &line].concat())
        });
        let is_kept = written.is_ok();
        if let Err(reason) = written {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
        }
        is_kept
    }

    /// Whether a run could not be kept.
    pub fn has_failed(&self) -> bool {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// No more runs will be kept.
    ///
    /// # Errors
    /// Why one could not be.
    pub fn end(self) -> Result<Ended, JournalError> {
        match self.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(reason) => Err(JournalError::File { path: self.path, reason }),
            None => Ok(Ended(self.path)),
        }
    }
}

/// A journal to which nothing is added any more.
#[derive(Debug)]
pub struct Ended(PathBuf);

impl Ended {
    /// Takes the file away: the record holds all that is in it.
    ///
    /// # Errors
    /// If it cannot go.
    pub fn remove(self) -> Result<(), JournalError> {
        let Self(path) = self;
        match std::fs::remove_file(&path) {
            Err(reason) if reason.kind() != io::ErrorKind::NotFound => {
                Err(JournalError::File { path, reason })
            }
            _ => Ok(()),
        }
    }
}

/// Finished runs in a file of an earlier sweep: whole lines after the first. A device has none.
fn runs_in(path: &Path) -> io::Result<u64> {
    if !std::fs::metadata(path)?.is_file() {
        return Ok(0);
    }
    let mut file = BufReader::new(File::open(path)?);
    let mut lines: u64 = 0;
    loop {
        let part = file.fill_buf()?;
        if part.is_empty() {
            return Ok(lines.saturating_sub(1));
        }
        lines += part.split(|byte| *byte == b'\n').count() as u64 - 1;
        let length = part.len();
        file.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep() -> Sweep {
        Sweep {
            version: "1".to_owned(),
            program: Some("aa".to_owned()),
            scenario_sha256: "ab".to_owned(),
            settings: BTreeMap::new(),
            tables: BTreeMap::new(),
            seed: 7,
            sample: None,
            trace_sha256: None,
            requests: None,
            cells: 3,
            repeat: 2,
        }
    }

    fn measured(evicted: u64) -> Measurements {
        let mut measured = Measurements { evicted, ..Measurements::empty() };
        measured.latencies.all.record(123_456_789, 4);
        measured.latencies.all.record(0, 9);
        measured.totals.age_sum_ns = u128::from(u64::MAX) * 3;
        measured.memory.mean_bytes = 0.1 + 0.2;
        measured.scored = crate::units::SimDuration::FOREVER;
        measured
    }

    #[test]
    fn runs_that_were_kept_are_known_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new");
        let journal = Journal::begin(&out, &sweep());
        assert!(!out.exists(), "nothing is done yet");
        assert!(journal.keep(2, 1, &measured(5)) && journal.keep(0, 0, &measured(6)));
        drop(journal);
        let path = out.join(JOURNAL);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], br#"{"cell":1,"replica"#].concat()).unwrap();
        let journal = Journal::resume(&out, &sweep()).unwrap();
        assert_eq!(journal.len(), 2);
        assert_eq!((journal.take(2, 1), journal.take(0, 0)), (Some(measured(5)), Some(measured(6))));
        assert_eq!([journal.take(1, 0), journal.take(2, 1)], [None, None], "never made, and taken already");
        assert_eq!((journal.len(), journal.damaged()), (2, None));
        // What was torn is written over.
        assert!(journal.keep(1, 0, &measured(7)));
        journal.end().unwrap();
        assert_eq!(Journal::resume(&out, &sweep()).unwrap().len(), 3);
        Journal::resume(&out, &sweep()).unwrap().end().unwrap().remove().unwrap();
        let gone = Journal::resume(&out, &sweep()).unwrap_err().to_string();
        assert!(gone.contains("nothing to resume"), "{gone}");
    }

    #[test]
    fn a_damaged_line_costs_its_own_run_alone() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::begin(folder.path(), &sweep());
        for (cell, replication) in [(0, 0), (1, 0), (2, 0), (0, 1)] {
            assert!(journal.keep(cell, replication, &measured(7)));
        }
        drop(journal);
        let path = folder.path().join(JOURNAL);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        // One is cut short, and of another sweep's more cells one is left.
        let (torn, foreign) = (&lines[2][..40].to_owned(), lines[3].replace("\"cell\":2", "\"cell\":9"));
        (lines[2], lines[3]) = (torn, &foreign);
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let journal = Journal::resume(folder.path(), &sweep()).unwrap();
        assert_eq!((journal.len(), journal.damaged()), (2, Some(Damaged { lines: 2, first: 3 })));
        assert_eq!([journal.take(0, 0), journal.take(0, 1)], [Some(measured(7)), Some(measured(7))]);
        assert!(journal.keep(1, 0, &measured(8)), "it goes on behind the last");
        drop(journal);
        let journal = Journal::resume(folder.path(), &sweep()).unwrap();
        assert_eq!((journal.len(), journal.take(1, 0)), (3, Some(measured(8))));
    }

    #[test]
    fn a_sweep_that_is_begun_anew_moves_finished_runs_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let first = Journal::begin(folder.path(), &sweep());
        assert_eq!(first.left(), 0);
        assert!(first.keep(0, 0, &measured(1)) && first.keep(1, 0, &measured(2)));
        drop(first);
        let before = std::fs::read(path(JOURNAL)).unwrap();
        let second = Journal::begin(folder.path(), &Sweep { seed: 8, ..sweep() });
        assert_eq!(second.left(), 2);
        assert!(std::fs::read(path(JOURNAL)).unwrap() == before, "nothing is done yet");
        assert!(second.keep(0, 0, &measured(3)));
        assert!(std::fs::read(path(ASIDE)).unwrap() == before);
        second.end().unwrap().remove().unwrap();
        // Put back, it goes on.
        std::fs::rename(path(ASIDE), path(JOURNAL)).unwrap();
        assert_eq!(Journal::resume(folder.path(), &sweep()).unwrap().len(), 2);
    }

    #[test]
    fn another_sweep_is_refused_with_what_changed() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Journal::begin(folder.path(), &sweep()).keep(0, 0, &measured(1)));
        for (changed, word) in [
            (Sweep { scenario_sha256: "cd".to_owned(), ..sweep() }, "the text of the scenario changed"),
            (
                Sweep { sample: Some("0.01".to_owned()), ..sweep() },
                "the sample of the keys was all of them and is 0.01",
            ),
            (Sweep { trace_sha256: Some("ef".to_owned()), ..sweep() }, "the trace changed"),
            (Sweep { seed: 8, ..sweep() }, "the seed was 7 and is 8"),
            (Sweep { version: "2".to_owned(), ..sweep() }, "ttlab 1 began it"),
            (Sweep { program: Some("bb".to_owned()), ..sweep() }, "another build of ttlab 1 began it"),
            (Sweep { cells: 4, ..sweep() }, "3 cells"),
        ] {
            let refused = Journal::resume(folder.path(), &changed).unwrap_err().to_string();
            assert!(refused.contains(word) && refused.contains("without --resume"), "{refused}");
        }
        std::fs::write(folder.path().join(JOURNAL), "no JSON\n").unwrap();
        let refused = Journal::resume(folder.path(), &sweep()).unwrap_err().to_string();
        assert!(refused.contains("which sweep"), "{refused}");
    }

    #[test]
    fn a_changed_scenario_is_told_key_by_key_and_a_changed_table_apart() {
        let meant = |text: &str, table: &str| Sweep {
            scenario_sha256: format!("{text}{table}"),
            settings: settings(&text.parse().unwrap()),
            tables: BTreeMap::from([("sizes.csv".to_owned(), table.to_owned())]),
            ..sweep()
        };
        let text = "seed = 1\ncache = { capacity = \"1GiB\" }\nfaults = [{ at = \"1m\" }]\nlist = [1, 2]\n\
                    [[strategy]]\nname = \"x\"\nttl = { rule = \"none\" }\n";
        let before = meant(text, "ab");
        let said = |text: &str, table: &str| meant(text, table).changes_since(&before);
        assert_eq!(said(text, "ab"), None);
        for (from, to, what) in [
            ("1GiB", "2GiB", "the scenario changed: cache.capacity was \"1GiB\" and is \"2GiB\""),
            ("[1, 2]", "[1, 3]", "the scenario changed: list was [1, 2] and is [1, 3]"),
            (
                "\"none\"",
                "\"d-ttl\"",
                "the scenario changed: strategy.x.ttl.rule was \"none\" and is \"d-ttl\"",
            ),
            ("at = \"1m\"", "at = \"2m\"", "the scenario changed: faults.1.at was \"1m\" and is \"2m\""),
            (", 2]\n", ", 2]\nwarm = true\n", "the scenario changed: warm = true is new"),
            ("list = [1, 2]\n", "", "the scenario changed: list = [1, 2] is gone"),
            (
                "\"x\"",
                "\"y\"",
                "the scenario changed: strategy.x.name = \"x\" is gone, strategy.x.ttl.rule = \"none\" is gone, \
                 strategy.y.name = \"y\" is new, strategy.y.ttl.rule = \"none\" is new",
            ),
            // The seed is told of by itself.
            ("seed = 1", "seed = 2", "the text of the scenario changed, though no setting did"),
            ("seed = 1", "seed  = 1", "the text of the scenario changed, though no setting did"),
        ] {
            assert_eq!(said(&text.replace(from, to), "ab").as_deref(), Some(what));
        }
        let reseeded = Sweep { seed: 8, ..meant(&text.replace("seed = 1", "seed = 8"), "ab") };
        assert_eq!(reseeded.changes_since(&before).as_deref(), Some("the seed was 7 and is 8"));
        assert_eq!(said(text, "cd").as_deref(), Some("the content of sizes.csv changed"));
        let both = said(&text.replace("1GiB", "2GiB"), "cd").unwrap();
        assert!(
            both.contains("cache.capacity was") && both.ends_with("; the content of sizes.csv changed"),
            "{both}"
        );
        let more = [0, 1, 2, 3, 4, 5].map(|nth| format!("k{nth} = \"{}\"\n", "x".repeat(90))).concat();
        let many = said(&(more + text), "ab").unwrap();
        assert!(many.ends_with("is new, and 2 more") && many.contains("xxx… is new"), "{many}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_told_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        // Everything that is written to this device fails as on a full disk.
        std::os::unix::fs::symlink("/dev/full", folder.path().join(JOURNAL)).unwrap();
        let journal = Journal::begin(folder.path(), &sweep());
        assert!(!journal.keep(0, 0, &measured(1)) && journal.has_failed());
        let refused = journal.end().unwrap_err().to_string();
        assert!(refused.contains(JOURNAL) && refused.contains("make room"), "{refused}");
    }
}
