//! From a scenario and its cells that were played live to a record, and what such a run says of itself.

use std::fmt::Write;

use super::assemble::{About, UNKNOWN_CHANGES, sweep};
use super::wire::{self, Record};
use super::work::server_work;
use crate::cache::Capacity;
use crate::live::{Fills, LiveCell, OwnLimit, Pace, Shown};
use crate::metrics::{Measurements, OutcomeKind};
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::tune::{CellPlan, CellRun};
use crate::units::ByteSize;

impl Record {
    /// Writes down what became of cells that were played live; `trace` is the one that was played.
    pub fn of_live(scenario: &Scenario, trace: &Trace, cells: Vec<LiveCell>, about: About) -> Self {
        let (mut warnings, mut notes, mut fills) = (Vec::new(), Vec::new(), Vec::new());
        for cell in &cells {
            let name = name(scenario, &cell.plan);
            warnings.extend(cell.warnings.iter().map(|warning| format!("{name}: {warning}")));
            let evicted = cell.result.as_ref().map_or(0, |run| run.evicted);
            if evicted > 0 {
                notes.push(format!(
                    "{name}: the server evicted {evicted} keys, and tells of none why it is gone: a miss of a key that was evicted and asked \
                     for after its TTL counts as expired, so miss_expired is an upper bound and miss_evicted a lower one"
                ));
            }
            notes.extend(cell.pace.map(|pace| {
                let hits = cell.result.as_ref().ok().and_then(hits);
                format!("{name}: {}", told(&pace, &cell.server, hits))
            }));
            fills.push((name, cell.pace.map(|pace| pace.fills).unwrap_or_default()));
        }
        let own_limits: Vec<Option<OwnLimit>> = cells.iter().map(|cell| cell.own_limit.clone()).collect();
        let works: Vec<_> = cells.iter().map(server_work).collect();
        let dead_origin = cells.iter().find_map(without_origin);
        let runs = cells
            .into_iter()
            .map(|LiveCell { plan, result, .. }| CellRun { plan, replications: vec![result] });
        let mut record = Self::of_run(scenario, trace, runs.collect(), about);
        record.source = wire::RunSource::Live;
        record.keep_to(&own_limits);
        if let Some(why) = dead_origin {
            record.withhold(why);
        }
        record.refuse_full(&fills);
        record.provenance.warnings.extend(warnings);
        record.provenance.notes.extend(notes);
        // Unlike what the model leaves out, this holds of a live run as well.
        record.provenance.limits.retain(|limit| limit == UNKNOWN_CHANGES);
        record.provenance.limits.splice(..0, limits_of_a_live_run());
        for (cell, work) in record.cells.iter_mut().zip(works) {
            cell.server_work = work;
            cell.memory.expired_resident_mean_bytes = None;
            cell.paired.remove("expired_resident");
            cell.by_replication.remove("expired_resident");
        }
        record
    }
}

/// A cell in what is said of it: its strategy, its limit, and the eviction policy where several are compared.
fn name(scenario: &Scenario, plan: &CellPlan) -> String {
    let mut words = sweep(scenario, plan);
    if let Capacity::Bytes(bytes) = plan.capacity {
        words[0] = ByteSize::from_bytes(bytes).about();
    }
    words.insert(0, scenario.strategies[plan.strategy].name.clone());
    words.join(", ")
}

/// What a live run leaves out, and which way that would move a number.
fn limits_of_a_live_run() -> Vec<String> {
    [
        "One run is one draw of chance: what the server evicts, and when it sweeps, differs from run to run.",
        "Memory is used_memory as INFO told it five times a second, the connections of the run included; what lies between two looks is \
         interpolated. Which of its bytes are of expired keys no server tells.",
        "A miss counts as expired if the copy's TTL was over when it was asked for, and as evicted before that: a key that was evicted \
         and asked for after its TTL counts as expired.",
        "Expirations in a second are keys that the server removed because their TTL was over (expired_keys), not TTLs that ran out.",
        "Deadlines and versions of copies are kept by the harness; the numbers of their fills lie inside the values.",
        "Waits count from the instant at which a request was meant to start, and so hold the server, the network and the harness. \
         Of how long it itself worked on a GET or a SET the server tells sums (commandstats), so that a stretch of time has a mean \
         and no percentiles.",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect()
}

impl Record {
    /// Cells of servers that kept to limits of their own are told with those, and none of them is recommended at one that it
    /// was not played with.
    fn keep_to(&mut self, own_limits: &[Option<OwnLimit>]) {
        let mut told = Vec::new();
        for (cell, own) in self.cells.iter_mut().zip(own_limits) {
            let Some(OwnLimit { bytes, policy }) = own else { continue };
            cell.capacity = bytes.map(wire::Capacity::Bytes);
            let words = match bytes {
                Some(bytes) => format!("{policy} at {}", ByteSize::from_bytes(*bytes).about()),
                None => "no limit".to_owned(),
            };
            if bytes.is_some() && !policy.is_empty() {
                cell.eviction.clone_from(policy);
            }
            if !told.contains(&words) {
                told.push(words);
            }
        }
        if !told.is_empty() {
            self.withhold(format!(
                "Nothing is recommended: the server kept to a limit of its own ({}) and not to that of the scenario, so its figures \
                 are those of that limit; set the scenario's with --configure or --spawn.",
                told.join(", ")
            ));
        }
    }

    /// A cell whose server refused most of its fills is not recommended, however little memory it took. Others are: that a
    /// limit is too small for one of them says nothing against the rest.
    fn refuse_full(&mut self, fills: &[(String, Fills)]) {
        let winner = self.scoring.winner.and_then(|winner| fills.get(winner));
        let Some((name, Fills { sent, refused, .. })) =
            winner.filter(|(_, fills)| fills.are_mostly_refused())
        else {
            return;
        };
        self.withhold(format!(
            "Nothing is recommended: of what comes out ahead ({name}) the server refused {refused} of {sent} fills, as it had no room \
             (OOM), so its figures are those of a cache that holds next to nothing; give it more memory."
        ));
    }

    /// Recommends nothing, for the first of all reasons that there are.
    fn withhold(&mut self, why: String) {
        (self.scoring.winner, self.scoring.indistinguishable) = (None, Vec::new());
        self.scoring.withheld.get_or_insert(why);
    }
}

/// That most fetches of a cell failed at an HTTP origin, in a sentence: then figures are those of its errors, and cells that
/// met it at other times are not comparable either.
fn without_origin(cell: &LiveCell) -> Option<String> {
    let (run, pace) = cell.result.as_ref().ok().zip(cell.pace)?;
    let (failures, fetches) = (run.origin.failures, run.origin.fetches);
    (pace.real_origin && 2 * failures > fetches).then(|| {
        format!(
            "Nothing is recommended: {failures} of {fetches} fetches failed at the origin that was asked (--origin), so the figures \
             are those of its errors; see why in the warnings, and play it again when it answers."
        )
    })
}

/// The share of requests that found a value in the cache, fresh or not, when they asked for it first.
fn hits(run: &Measurements) -> Option<f64> {
    use OutcomeKind::{FreshHit, StaleHit, StaleOnError};
    let all = run.totals.outcomes.total();
    let found =
        [FreshHit, StaleHit, StaleOnError].map(|kind| run.totals.outcomes.of(kind)).iter().sum::<u64>();
    (all > 0).then(|| found as f64 / all as f64)
}

/// How a live run kept its pace, in a sentence; `hits` of its requests were such.
fn told(pace: &Pace, server: &str, hits: Option<f64>) -> String {
    let Pace { late_s, get_s, most_under_way, clock_phase_ms, fills, lock_reads, served, shown, .. } = pace;
    let millis = |seconds: [f64; 3]| seconds.map(|seconds| format!("{:.2}", seconds * 1e3)).join(" / ");
    format!(
        "{server}; requests were started late by {} ms and GETs took {} ms (median / p99 / most){}; at most {most_under_way} requests \
         waited at once; {}; the run began {clock_phase_ms} ms into a minute of the server's clock{}",
        millis(*late_s),
        millis(*get_s),
        served.and_then(|served| served.words()).map(|words| format!("; {words}")).unwrap_or_default(),
        sent(fills),
        shown.map(|shown| own_counts(&shown, *lock_reads, hits)).unwrap_or_default()
    )
}

/// What was sent to the server.
fn sent(fills: &Fills) -> String {
    let [all, refused] =
        [fills.sent_bytes, fills.refused_bytes].map(|bytes| ByteSize::from_bytes(bytes).about());
    if fills.refused == 0 {
        return format!("{all} of values were sent");
    }
    format!("{all} of values were sent, of which {refused} were refused (OOM)")
}

/// What the server counted, beside what was counted here: a script that gives a lock back reads it, and that says nothing of
/// the images.
fn own_counts(shown: &Shown, [held, lost]: [u64; 2], hits: Option<f64>) -> String {
    let Shown { reads: [found, missed], peak_bytes, rss_ratio } = *shown;
    let locks = held + lost;
    let (found, missed) = (found.saturating_sub(held), missed.saturating_sub(lost));
    let all = found + missed;
    let share = (all > 0).then(|| 100.0 * found as f64 / all as f64);
    let mut text = String::new();
    if let Some((share, hits)) = share.zip(hits) {
        let beside =
            if locks > 0 { format!(" beside the {locks} that gave locks back") } else { String::new() };
        let _ = write!(
            text,
            "; in the scored part it counted {all} reads{beside}, polls and second keys among them, of which {share:.1} % found a key \
             (keyspace_hits), and of the requests {:.1} % were served from the cache",
            hits * 100.0
        );
    }
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        "; its process took {rss_ratio:.2} times what was in use (used_memory_rss), which was never more than {} since its start \
         (used_memory_peak)",
        ByteSize::from_bytes(peak_bytes).about()
    );
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::assemble::synthetic;
    use super::*;
    use crate::random::Seed;
    use crate::scenario::Source;
    use crate::trace::synth::generate;
    use crate::tune;

    const SMALL: &str = "name = \"x\"\n[workload]\nduration = \"10s\"\nrate = \"10/s\"\n[[workload.class]]\nname = \"a\"\nobjects = 9\n\
                         [cache]\ncapacity = \"1MiB\"\n[[strategy]]\nname = \"short\"\nbaseline = true\nttl = { rule = \"fixed\", ttl = \"2ms\" }\n\
                         [[strategy]]\nname = \"long\"\nttl = { rule = \"fixed\", ttl = \"1h\" }\n";

    /// The record of a run of two strategies, of which the longer TTL has more hits, that were played like this.
    fn played(live: impl Fn(&mut LiveCell)) -> Record {
        let scenario = Scenario::parse(SMALL, "x.toml").expect("it is a scenario");
        let Source::Synthetic(workload) = &scenario.source else { panic!("it is synthetic") };
        let trace = Arc::new(generate(workload, Seed::new(1)));
        let cell = |plan: &CellPlan| {
            let simulation =
                tune::simulation(&scenario, plan, &trace, Seed::new(1)).expect("it can be set up");
            let measured = simulation.run(tune::bucket_for(trace.span()), &()).expect("nobody stops it");
            let mut cell = LiveCell {
                plan: *plan,
                result: Ok(measured),
                pace: Some(Pace::default()),
                server: String::new(),
                own_limit: None,
                worked: Vec::new(),
                warnings: Vec::new(),
                is_tidy: true,
            };
            live(&mut cell);
            cell
        };
        let cells = tune::grid(&scenario).iter().map(cell).collect();
        let about =
            About { scenario_sha256: String::new(), command: String::new(), trace: synthetic(&trace) };
        Record::of_live(&scenario, &trace, cells, about)
    }

    fn fills(cell: &mut LiveCell, sent: u64, refused: u64) {
        let pace = cell.pace.as_mut().expect("it was played");
        pace.fills = Fills { sent, refused, sent_bytes: 1_000 * sent, refused_bytes: 1_000 * refused };
    }

    #[test]
    fn a_cell_most_of_whose_fills_were_refused_is_not_recommended() {
        let record = played(|cell| fills(cell, 100, 50));
        assert_eq!(
            (record.scoring.winner, record.scoring.withheld),
            (Some(1), None),
            "half of them is not most"
        );
        let notes = record.provenance.notes.join(" ");
        assert!(
            notes.contains("97.7 KiB of values were sent, of which 48.8 KiB were refused (OOM)"),
            "{notes}"
        );
        let record = played(|cell| fills(cell, 100, if cell.plan.strategy == 0 { 99 } else { 0 }));
        assert_eq!((record.scoring.winner, record.scoring.withheld), (Some(1), None), "the other one is");
        let record = played(|cell| fills(cell, 100, if cell.plan.strategy == 1 { 51 } else { 0 }));
        assert_eq!(record.scoring.winner, None);
        let why = record.scoring.withheld.unwrap();
        assert!(why.contains("(long, 1 MiB) the server refused 51 of 100 fills"), "{why}");
    }

    #[test]
    fn where_the_origin_that_was_asked_was_not_there_nothing_is_recommended() {
        let failed = |is_real, share: u64| {
            let record = played(|cell| {
                cell.pace.as_mut().expect("it was played").real_origin = is_real;
                let run = cell.result.as_mut().expect("it came to its end");
                if cell.plan.strategy == 0 {
                    run.origin.failures = run.origin.fetches * share / 100;
                }
            });
            (record.scoring.winner, record.scoring.withheld.unwrap_or_default())
        };
        assert_eq!(failed(true, 40), (Some(1), String::new()));
        assert_eq!(failed(false, 100), (Some(1), String::new()), "the scenario's own faults are meant");
        let (winner, why) = failed(true, 100);
        assert!(winner.is_none() && why.contains("fetches failed at the origin that was asked"), "{why}");
    }

    #[test]
    fn reads_that_give_locks_back_are_no_hits_of_images() {
        let shown = Shown { reads: [473, 1_367], peak_bytes: 1, rss_ratio: 1.0 };
        let told = own_counts(&shown, [473, 0], Some(0.0));
        let words = "it counted 1367 reads beside the 473 that gave locks back, polls and second keys among them, of which 0.0 % found a key";
        assert!(told.contains(words), "{told}");
        let lost = own_counts(&shown, [3, 1], Some(0.25));
        assert!(
            lost.contains("1836 reads beside the 4 that") && lost.contains("which 25.6 % found"),
            "{lost}"
        );
        let none = own_counts(&shown, [0, 0], Some(0.25));
        assert!(
            none.contains("it counted 1840 reads, polls") && none.contains("which 25.7 % found"),
            "{none}"
        );
    }
}
