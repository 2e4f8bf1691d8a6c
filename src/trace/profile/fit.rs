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
    let Provenance { writes, recorded_deletions, size_changes, .. } = provenance;
    if writes + recorded_deletions > 0 {
        return format!(
            "{writes} writes and {recorded_deletions} deletions are recorded: set = \"change\" replays writes as changes"
        );
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
