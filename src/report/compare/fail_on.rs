//! `--fail-on`: how much worse a measure may become.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::{Comparison, MEASURES, Pair, Shift, Turned};
use crate::record::Cell;
use crate::report::format;
use crate::report::measure::{Measure, Unit};

/// How much worse one measure may become before the comparison fails: `fresh_hit:1pt`, `memory:10%`, `stampedes:5`; or
/// `gates`: whether a gate that a cell passed may fail now.
#[derive(Debug, Clone)]
pub struct FailOn {
    watched: Watched,
    pub(super) written: String,
}

#[derive(Debug, Clone, Copy)]
enum Watched {
    Measure(&'static Measure, Amount),
    Gates,
}

#[derive(Debug, Clone, Copy)]
enum Amount {
    /// In the measure's own unit: points as shares, bytes, per second, milliseconds.
    Absolute(f64),
    /// A share of what was.
    Relative(f64),
}

/// Why a limit could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FailOnError(String);

impl FromStr for FailOn {
    type Err = FailOnError;

    fn from_str(text: &str) -> Result<Self, FailOnError> {
        let wrong = |what: String| Err(FailOnError(what));
        if text == GATES {
            return Ok(Self { watched: Watched::Gates, written: text.to_owned() });
        }
        let Some((name, amount)) = text.split_once(':') else {
            return wrong(format!(
                "\"{text}\" names no limit; write METRIC:AMOUNT, as in fresh_hit:1pt or memory:10%, or {GATES}"
            ));
        };
        let Some(measure) = MEASURES.iter().copied().find(|measure| measure.key == name) else {
            let names: Vec<&str> = MEASURES.iter().map(|measure| measure.key).collect();
            return wrong(format!("no measure is called \"{name}\"; there are {}", names.join(", ")));
        };
        let (number, unit) = match amount.find(|c: char| !(c.is_ascii_digit() || c == '.')) {
            Some(at) => amount.split_at(at),
            None => (amount, ""),
        };
        let Some(number) = number.parse::<f64>().ok().filter(|number| number.is_finite()) else {
            return wrong(format!("\"{amount}\" is no amount; write one as in {name}:{}", example(measure)));
        };
        let amount = match (unit.trim(), measure.unit) {
            ("%", _) => Amount::Relative(number / 100.0),
            ("pt", Unit::Share) => Amount::Absolute(number / 100.0),
            ("", unit) if unit != Unit::Share => Amount::Absolute(number),
            ("ms", Unit::Millis) | ("/s", Unit::Rate) | ("s", Unit::Seconds) => Amount::Absolute(number),
            ("s", Unit::Millis) => Amount::Absolute(number * 1e3),
            ("min", Unit::Seconds) => Amount::Absolute(number * 60.0),
            ("KiB", Unit::Bytes) | ("KiB/s", Unit::ByteRate) => Amount::Absolute(number * 1024.0),
            ("MiB", Unit::Bytes) | ("MiB/s", Unit::ByteRate) => Amount::Absolute(number * 1_048_576.0),
            ("GiB", Unit::Bytes) | ("GiB/s", Unit::ByteRate) => Amount::Absolute(number * 1_073_741_824.0),
            (other, _) => {
                return wrong(format!(
                    "\"{other}\" is no unit of {name}; write it as in {name}:{}",
                    example(measure)
                ));
            }
        };
        Ok(Self { watched: Watched::Measure(measure, amount), written: text.to_owned() })
    }
}

/// The limit of cells whose gates are to hold as before.
const GATES: &str = "gates";

fn example(measure: &Measure) -> &'static str {
    match measure.unit {
        Unit::Share => "1pt or 5%",
        Unit::Bytes => "16MiB or 10%",
        Unit::ByteRate => "4MiB/s or 10%",
        Unit::Rate => "50/s or 10%",
        Unit::Millis => "20ms or 10%",
        Unit::Seconds => "60s or 10%",
        Unit::Number => "5 or 10%",
    }
}

impl FailOn {
    /// The measure that it limits; `None` where it is about gates.
    pub(super) fn measure(&self) -> Option<&'static Measure> {
        match self.watched {
            Watched::Measure(measure, _) => Some(measure),
            Watched::Gates => None,
        }
    }

    /// What it watches, in a word.
    fn label(&self) -> &'static str {
        self.measure().map_or(GATES, |measure| measure.label)
    }

    /// Whether a cell has what it watches.
    fn is_known_of(&self, cell: &Cell) -> bool {
        self.measure().map_or(!cell.gates.is_empty(), |measure| measure.of(cell).is_some())
    }

    /// Whether a measure became worse by more than this; whether chance may explain it, is another question.
    fn is_passed(&self, shift: &Shift) -> bool {
        let Watched::Measure(_, amount) = self.watched else { return false };
        let is_worse = shift.measure.better.is_some_and(|wanted| {
            shift.change.difference != 0.0 && shift.change.difference.total_cmp(&0.0) != wanted
        });
        is_worse
            && match amount {
                Amount::Absolute(most) => shift.change.difference.abs() > most,
                // From nothing to something is more than any share of nothing.
                Amount::Relative(most) => shift.change.relative.is_none_or(|relative| relative.abs() > most),
            }
    }

    /// The same, and not by chance as far as an interval can tell.
    pub(super) fn is_beyond(&self, shift: &Shift) -> bool {
        shift.is_better() == Some(false) && self.is_passed(shift)
    }
}

/// Where a limit was exceeded, or cannot be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The cell's id; `None` where it is not about one.
    cell: Option<String>,
    /// The measure; `None` where it is about all that are limited.
    metric: Option<&'static str>,
    /// The limit, or limits, as written.
    limit: String,
    /// What is wrong.
    pub(super) words: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.words)
    }
}

impl Failure {
    fn new(cell: Option<&Cell>, limits: &[FailOn], what: &str) -> Self {
        let limit = limits.iter().map(|limit| limit.written.as_str()).collect::<Vec<_>>().join(", ");
        let metric = if let [one] = limits { one.measure().map(|measure| measure.key) } else { None };
        let words = format!("{what} (limit {limit})");
        Self { cell: cell.map(|cell| cell.id.clone()), metric, limit, words }
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({"cell": self.cell, "metric": self.metric, "limit": self.limit, "what": self.words})
    }
}

impl Comparison<'_> {
    /// The same, failing where a measure became worse by more than a limit allows.
    #[must_use]
    pub fn failing_on(mut self, limits: &[FailOn]) -> Self {
        self.failures = self.check(limits);
        self.doubts = self.doubt(limits);
        self.limits = limits.iter().map(|limit| limit.written.clone()).collect();
        self
    }

    /// Every change for the worse that goes beyond a limit; and every limit that cannot be checked any more: a cell or a
    /// measure that the run before had and this one has not.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Every change for the worse that goes beyond a limit, but that chance may explain: no failure, and nothing to build on.
    pub fn doubts(&self) -> &[String] {
        &self.doubts
    }

    fn doubt(&self, limits: &[FailOn]) -> Vec<String> {
        let all = self.pairs.iter().flat_map(|pair| pair.shifts.iter().map(move |shift| (pair, shift)));
        let doubt = |(pair, shift): (&Pair, &Shift)| {
            let of_measure =
                |limit: &&FailOn| limit.measure().is_some_and(|measure| measure.key == shift.measure.key);
            let unsure = |limit: &&FailOn| limit.is_passed(shift) && !limit.is_beyond(shift);
            let limit = limits.iter().find(|limit| of_measure(limit) && unsure(limit))?;
            Some(format!(
                "{}: {} {}, worse than {} allows, but chance may explain it: no failure; more replications tell",
                self.name(pair.after),
                shift.measure.label,
                shift.amount(),
                limit.written,
            ))
        };
        all.filter_map(doubt).collect()
    }

    fn name(&self, cell: &Cell) -> String {
        format::shortened(&self.names.cell(cell), 2 * format::LONGEST_NAME)
    }

    fn check(&self, limits: &[FailOn]) -> Vec<Failure> {
        if limits.is_empty() {
            return Vec::new();
        }
        if self.pairs.is_empty() {
            let what = "the runs have no cell in common, so nothing can be checked; make the run before anew with the \
                        scenario of this one";
            return vec![Failure::new(None, limits, what)];
        }
        let of_pair = |pair: &Pair| -> Vec<Failure> {
            let beyond = |limit: &FailOn| {
                let shift = limit
                    .measure()
                    .and_then(|measure| pair.shifts.iter().find(|shift| shift.measure.key == measure.key));
                let what = match shift {
                    Some(shift) if limit.is_beyond(shift) => {
                        format!("{} {}", shift.measure.label, shift.words())
                    }
                    None if limit.is_known_of(pair.before) && !limit.is_known_of(pair.after) => {
                        format!("no data of {} any more", limit.label())
                    }
                    None if limit.measure().is_none() => {
                        let turned =
                            Turned::of(pair, self.names).filter(|turned| !turned.failed.is_empty())?;
                        return Some(Failure::new(
                            Some(pair.after),
                            std::slice::from_ref(limit),
                            &turned.words,
                        ));
                    }
                    _ => return None,
                };
                let what = format!("{}: {what}", self.name(pair.after));
                Some(Failure::new(Some(pair.after), std::slice::from_ref(limit), &what))
            };
            limits.iter().filter_map(beyond).collect()
        };
        let gone = self.only_before.iter().map(|cell| {
            let what =
                format!("{}: only the run before has this cell, so it cannot be checked", self.name(cell));
            Failure::new(Some(cell), limits, &what)
        });
        let idle = limits.iter().filter(|limit| {
            let known = |pair: &Pair| limit.is_known_of(pair.before);
            !self.pairs.iter().any(known)
        });
        let idle = idle.map(|limit| {
            let what = format!("no cell had data of {} before, so it cannot be checked", limit.label());
            Failure::new(None, std::slice::from_ref(limit), &what)
        });
        self.pairs.iter().flat_map(of_pair).chain(gone).chain(idle).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::runs;
    use super::*;
    use crate::record::Record;

    fn parsed(limits: &[&str]) -> Vec<FailOn> {
        limits.iter().map(|limit| limit.parse().unwrap()).collect()
    }

    fn failures(before: &Record, after: &Record, limits: &[&str]) -> Vec<String> {
        let comparison = Comparison::of(before, after).failing_on(&parsed(limits));
        comparison.failures().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn limits_are_read_or_refused_with_an_example() {
        for good in [
            "fresh_hit:1pt",
            "fresh_hit:0.5%",
            "memory:16MiB",
            "memory:10%",
            "p99:20ms",
            "origin_bytes_rate:4MiB/s",
            "origin_bytes_rate:5%",
            "stampedes:0",
        ] {
            assert_eq!(good.parse::<FailOn>().unwrap().written, good);
        }
        for (bad, says) in [
            ("fresh_hit", "names no limit"),
            ("hits:1pt", "there are fresh_hit, byte_hit"),
            ("fresh_hit:1", "is no unit of fresh_hit; write it as in fresh_hit:1pt"),
            ("memory:many", "is no amount; write one as in memory:16MiB"),
            ("p99:1pt", "is no unit of p99"),
        ] {
            let error = bad.parse::<FailOn>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn limits_fail_on_changes_for_the_worse_only() {
        let (before, after) = runs(|n| -0.02 + if n == 0 { 1e-4 } else { 0.0 });
        assert_eq!(failures(&before, &after, &["fresh_hit:1pt"]).len(), 6);
        assert!(failures(&before, &after, &["fresh_hit:1pt"])[0].contains("worse (limit fresh_hit:1pt)"));
        assert_eq!(failures(&before, &after, &["fresh_hit:3pt"]).len(), 0);
        assert_eq!(failures(&before, &after, &["memory:1%"]).len(), 0);
        assert!(failures(&after, &before, &["fresh_hit:0.1pt"]).is_empty());
    }

    #[test]
    fn what_is_beyond_a_limit_by_chance_perhaps_is_no_failure_and_is_told() {
        // Two of the replications lose much, the others nothing.
        let (before, after) = runs(|n| if n < 2 { -0.06 } else { 0.0 });
        let of = |limit| Comparison::of(&before, &after).failing_on(&parsed(&[limit]));
        let unsure = of("fresh_hit:1pt");
        assert_eq!((unsure.failures().len(), unsure.doubts().len()), (0, 6));
        let words = &unsure.doubts()[0];
        assert!(words.contains("worse than fresh_hit:1pt allows, but chance may explain it"), "{words}");
        assert!(unsure.markdown().contains(&format!("- **UNSURE** {}\n", words.replace('_', "\\_"))));
        assert!(unsure.html().contains(&format!("<strong>UNSURE</strong> {words}")));
        let json: Value = serde_json::from_str(&unsure.json()).unwrap();
        assert_eq!(json["doubts"].as_array().unwrap().len(), 6);
        assert!(of("fresh_hit:5pt").doubts().is_empty() && of("memory:1%").doubts().is_empty());
    }

    #[test]
    fn every_form_says_what_failed_and_against_which_limit() {
        let (before, after) = runs(|n| -0.02 + if n == 0 { 1e-4 } else { 0.0 });
        let of = |limits: &[&str]| Comparison::of(&before, &after).failing_on(&parsed(limits));
        let failed = of(&["fresh_hit:1pt", "memory:50%"]);
        let words = failed.failures()[0].to_string();
        assert!(words.starts_with("setex-3600 at 64 MiB: fresh hits ▼ -2.0 points, worse"), "{words}");
        assert!(failed.markdown().contains(&format!("- **FAIL** {}\n", words.replace('_', "\\_"))));
        assert!(failed.html().contains(&format!("<strong class=\"fail\">FAIL</strong> {words}")));
        assert!(failed.html().contains("<section id=\"verdict\" class=\"fails\">"));
        let json: Value = serde_json::from_str(&failed.json()).unwrap();
        assert_eq!(json["fail_on"], json!(["fresh_hit:1pt", "memory:50%"]));
        assert_eq!(json["failures"].as_array().unwrap().len(), 6);
        let first = json!({
            "cell": before.cells[0].id, "metric": "fresh_hit", "limit": "fresh_hit:1pt", "what": words,
        });
        assert_eq!(json["failures"][0], first);
        let kept = of(&["fresh_hit:3pt"]);
        let says = "nothing became worse by more than is allowed (fresh";
        assert!(kept.markdown().contains(&format!("**PASS**: {says}\\_hit:3pt).")), "{}", kept.markdown());
        assert!(kept.html().contains(&format!("<strong class=\"pass\">PASS</strong> {says}_hit:3pt)")));
        let silent = of(&[]);
        assert!(!silent.markdown().contains("PASS") && !silent.html().contains("PASS</strong>"));
    }

    #[test]
    fn gates_that_turn_fail_where_they_are_watched() {
        let (before, mut after) = runs(|_| 0.0);
        assert_eq!(failures(&before, &after, &["gates"]), Vec::<String>::new());
        let gate = after.cells[4].gates.get_mut("peak_origin_rate_max").unwrap();
        (gate.value, gate.pass) = (Some(412.0), false);
        let found = failures(&before, &after, &["gates", "memory:10%"]);
        assert_eq!(found.len(), 1, "{found:?}");
        let words =
            "single-flight at 256 MiB: now FAILS peak origin rate 412/s, limit 300/s, 37 % over; before";
        assert!(found[0].starts_with(words) && found[0].ends_with("(limit gates)"), "{found:?}");
        assert_eq!(failures(&after, &before, &["gates"]), Vec::<String>::new(), "passing is no failure");
        after.cells[4].gates.clear();
        let found = failures(&before, &after, &["gates"]);
        assert!(found.len() == 1 && found[0].contains("no data of gates any more"), "{found:?}");
        after.cells.iter_mut().for_each(|cell| cell.gates.clear());
        let found = failures(&after, &after, &["gates"]);
        assert!(found[0].starts_with("no cell had data of gates before"), "{found:?}");
    }

    #[test]
    fn a_limit_fails_where_what_it_watches_is_gone() {
        let (before, mut after) = runs(|_| 0.0);
        let failures = |before: &Record, after: &Record| failures(before, after, &["fresh_hit:0.1pt"]);
        assert_eq!(failures(&before, &after), Vec::<String>::new());
        after.cells[2].ratios.fresh_hit.mean = None;
        after.cells.remove(4);
        let found = failures(&before, &after);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("no data of fresh hits any more (limit fresh_hit:0.1pt)"), "{found:?}");
        assert!(found[1].starts_with("single-flight at 256 MiB: only the run before"), "{found:?}");
        // What is new has nothing to be measured by.
        assert_eq!(failures(&after, &before).len(), 0);
        for cell in &mut after.cells {
            cell.ratios.fresh_hit.mean = None;
        }
        assert!(failures(&after, &after)[0].starts_with("no cell had data of fresh hits before"));
        after.cells.clear();
        assert!(failures(&before, &after)[0].contains("no cell in common"));
    }
}
