//! The figures of `docs/validation.md`: written by the tests that check them, and compared by every later run.
//!
//! Each test owns one table of the document, between `<!-- NAME -->` and `<!-- end of NAME -->`. A run
//! compares what it finds with what stands there, and with `VALIDATION=write` in the environment puts
//! its own table in that place. What is predicted must stand there to the letter; what was measured may
//! differ as far as the standard errors of both allow, so that other random numbers are no change.

use std::fmt::Write;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::statistics::Estimate;

/// Tests run side by side, and all of them write into one file.
static FILE: Mutex<()> = Mutex::new(());

/// How to bring the document up to date.
const COMMAND: &str = "VALIDATION=write cargo test --test laws --test claims --test tune";

/// The lines of one table.
#[must_use = "a table that is not closed is not compared"]
pub(crate) struct Ledger {
    name: &'static str,
    rows: Vec<Row>,
}

/// What was checked, what was expected, what was seen, and what would have been accepted.
struct Row {
    what: String,
    expected: String,
    seen: Seen,
    accepted: String,
}

/// What was seen.
enum Seen {
    /// A mean over replications.
    Measured(Estimate),
    /// A figure, and how far another run may be from it.
    Figure(f64, f64),
}

impl Ledger {
    /// The table that is called `name`.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, rows: Vec::new() }
    }

    /// A quantity with its expected value.
    pub(crate) fn measured(&mut self, what: &str, expected: f64, seen: Estimate, accepted: String) {
        let expected = format!("{expected:.*}", seen.decimals());
        self.rows.push(Row { what: what.to_owned(), expected, seen: Seen::Measured(seen), accepted });
    }

    /// Holds a figure to a range.
    pub(crate) fn must_lie(&mut self, what: &str, expected: &str, seen: f64, accepted: RangeInclusive<f64>) {
        assert!(accepted.contains(&seen), "{what}: expected {expected}, seen {seen}, accepted {accepted:?}");
        let (low, high) = (*accepted.start(), *accepted.end());
        let slack = if (high - low).is_finite() { (high - low) / 2.0 } else { seen.abs() / 2.0 };
        let (accepted, expected) = (shown(low, high), expected.to_owned());
        self.rows.push(Row { what: what.to_owned(), expected, seen: Seen::Figure(seen, slack), accepted });
    }

    /// Compares the table with the document, or writes it there.
    pub(crate) fn close(self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/validation.md");
        let _alone = FILE.lock().unwrap_or_else(PoisonError::into_inner);
        let text = std::fs::read_to_string(&path).expect("docs/validation.md can be read");
        let (begin, end) = (format!("<!-- {} -->\n", self.name), format!("<!-- end of {} -->", self.name));
        let place = text.find(&begin).map(|at| at + begin.len());
        let table = place.and_then(|from| Some(from..from + text[from..].find(&end)?));
        let table = table.unwrap_or_else(|| panic!("docs/validation.md has no table {}", self.name));
        #[expect(clippy::disallowed_methods, reason = "whether to write the document is no part of a run")]
        let writes = std::env::var("VALIDATION").is_ok_and(|value| value == "write");
        if writes {
            let mut new = text.clone();
            new.replace_range(table, &self.table());
            std::fs::write(&path, new).expect("docs/validation.md can be written");
        } else if let Err(difference) = self.compare(&text[table]) {
            panic!(
                "docs/validation.md, table {}: {difference}; bring it up to date with: {COMMAND}",
                self.name
            );
        }
    }

    fn table(&self) -> String {
        let mut table = "| what | expected | seen | accepted |\n| --- | --- | --- | --- |\n".to_owned();
        for row in &self.rows {
            let Row { what, expected, seen, accepted } = row;
            writeln!(table, "| {what} | {expected} | {} | {accepted} |", seen.text())
                .expect("a String takes any text");
        }
        table
    }

    /// What the document says otherwise.
    fn compare(&self, table: &str) -> Result<(), String> {
        let lines: Vec<&str> = table.lines().skip(2).collect();
        if lines.len() != self.rows.len() {
            return Err(format!("it has {} lines, this run {}", lines.len(), self.rows.len()));
        }
        for (line, row) in lines.into_iter().zip(&self.rows) {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let same = matches!(cells[..], ["", what, expected, seen, accepted, ""]
                if what == row.what && expected == row.expected && accepted == row.accepted && row.seen.is_as(seen));
            if !same {
                let Row { what, expected, seen, accepted } = row;
                return Err(format!(
                    "it says\n{line}\nand this run\n| {what} | {expected} | {} | {accepted} |\n",
                    seen.text()
                ));
            }
        }
        Ok(())
    }
}

impl Seen {
    fn text(&self) -> String {
        match self {
            Self::Figure(figure, _) => four_digits(*figure),
            Self::Measured(seen) => {
                let decimals = seen.decimals();
                format!("{:.decimals$} ± {:.decimals$}", seen.mean(), seen.standard_error())
            }
        }
    }

    /// Whether `text` says the same, as far as chance allows.
    fn is_as(&self, text: &str) -> bool {
        if let Self::Figure(figure, slack) = self {
            return text.parse::<f64>().is_ok_and(|before| (before - figure).abs() <= *slack);
        }
        let Self::Measured(seen) = self else { return text == self.text() };
        let Some((mean, error)) = text.split_once(" ± ") else { return false };
        let (Ok(mean), Ok(error)) = (mean.parse::<f64>(), error.parse::<f64>()) else { return false };
        let rounding = 10.0_f64.powi(-i32::try_from(seen.decimals()).expect("few decimals"));
        (mean - seen.mean()).abs() <= 4.0 * error.hypot(seen.standard_error()) + rounding
    }
}

/// A range as it is accepted.
fn shown(low: f64, high: f64) -> String {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("{} … {}", four_digits(low), four_digits(high)),
        (true, false) => format!("≥ {}", four_digits(low)),
        _ => format!("≤ {}", four_digits(high)),
    }
}

/// A figure with four significant digits, and whole above.
fn four_digits(figure: f64) -> String {
    let decimals = (0..6).find(|decimals| figure.abs() * 10.0_f64.powi(*decimals) >= 999.5).unwrap_or(6);
    let text = format!("{figure:.*}", usize::try_from(decimals).expect("few decimals"));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
