//! What a trace can tell and what it cannot, in plain sentences.

use super::{ClassProfile, TimeProfile};
use crate::trace::import::{Import, OTHER, Provenance};
use crate::units::SimDuration;

pub(super) fn sentences(import: &Import, time: &TimeProfile, classes: &[ClassProfile]) -> Vec<String> {
    let provenance = &import.provenance;
    let mut fit = Vec::new();
    if provenance.resolution_ns >= 1_000_000_000 {
        fit.push(format!(
            "times are whole seconds: figures about stampedes rest on how they are spread (here: {}); \"none\" and \
             \"even\" are the bounds",
            provenance.spread
        ));
    }
    if time.span_s > 0.0 {
        // A TTL must run out at least three times before anything can be said about it.
        let longest = rounded(time.span_s / 3.0);
        fit.push(format!(
            "the trace spans {}: nothing can be said about TTLs above about {longest}",
            rounded(time.span_s)
        ));
    } else {
        fit.push("all requests come at the same instant: nothing can be said about TTLs".to_owned());
    }
    fit.push(changes(provenance));
    if !provenance.has_origin_times {
        fit.push("no origin times are recorded: the latency of the origin has to be assumed".to_owned());
    }
    if let Some(share) = provenance.imputed_share().filter(|share| *share > 0.0) {
        fit.push(format!(
            "the size of {} objects is assumed; they receive {:.2} % of the requests",
            provenance.imputed_objects,
            share * 100.0
        ));
    }
    if time.days_present < time.days_covered {
        fit.push(format!(
            "{} of {} days have no requests: silences are replayed as they are",
            time.days_covered - time.days_present,
            time.days_covered
        ));
    }
    let unmatched = classes.iter().find(|class| class.name == OTHER && classes.len() > 1);
    if let Some(share) = unmatched.and_then(|class| class.share_of_requests) {
        fit.push(format!("{:.1} % of the requests belong to no class of their own", share * 100.0));
    }
    fit
}

/// What is known of changes.
fn changes(provenance: &Provenance) -> String {
    let Provenance { writes, recorded_deletions, modifications, size_changes, .. } = provenance;
    let mut told = Vec::new();
    if *modifications > 0 {
        told.push(format!(
            "{modifications} changes are recorded by when the images were last modified: [origin] changes = {{ \
             model = \"trace\" }} replays them"
        ));
    }
    if writes + recorded_deletions > 0 {
        told.push(format!(
            "{writes} writes and {recorded_deletions} deletions are recorded: set = \"change\" replays writes as changes"
        ));
    }
    if !told.is_empty() {
        return told.join("; ");
    }
    if *size_changes > 0 {
        return format!(
            "no changes of the images are recorded, but {size_changes} sizes that differ from the object's last one: aborted transfers or changes; freshness needs an assumed rate of change"
        );
    }
    "no changes of the images are recorded: freshness needs an assumed rate of change".to_owned()
}

/// A span of time for a sentence, with one unit: `14.9 h`.
fn rounded(seconds: f64) -> String {
    match seconds {
        s if s >= 172_800.0 => format!("{:.1} d", s / 86_400.0),
        s if s >= 7_200.0 => format!("{:.1} h", s / 3_600.0),
        s if s >= 120.0 => format!("{:.1} min", s / 60.0),
        s if s >= 1.0 => format!("{s:.1} s"),
        s => SimDuration::from_secs_f64(s).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::random::Seed;
    use crate::trace::import::{Options, import};
    use crate::trace::profile::{Profile, render};

    #[test]
    fn recorded_modifications_are_changes_and_are_told() {
        let profile = |text: &str| {
            Profile::of(
                &import(text.as_bytes(), "t", &Options::default(), Seed::new(1)).expect("it can be read"),
            )
        };
        let rows = "10,/a,5,1\n20,/a,5,1\n30,/a,5,25\n40,/a,5,1\n50,/b,5,2\n60,/a,5,55\n";
        let told = profile(&format!("time_s,key,size,last_modified\n{rows}"));
        assert_eq!((told.updates.modifications, told.input.changes), (2, 2));
        assert_eq!(told.updates.modifications_per_request, Some(2.0 / 6.0));
        let sentence = "2 changes are recorded by when the images were last modified: [origin] changes = { model = \"trace\" } \
                        replays them";
        assert!(told.fit.iter().any(|fit| fit == sentence), "{:?}", told.fit);
        assert!(render(&told).contains("2 that are later than the last one known (33.33 % of the requests)"));
        let silent = profile(&format!("time_s,key,size,ignored\n{rows}"));
        assert_eq!(silent.updates.modifications, 0);
        assert!(silent.fit.iter().any(|fit| fit.starts_with("no changes of the images are recorded:")));
    }
}
