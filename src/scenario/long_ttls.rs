//! TTLs that are long beside the run: what is scored tells too little of what expires.
//!
//! Strategies of which the same is to be said share a warning, whatever their TTLs are: a scenario with many of them would
//! else begin with a page of warnings that differ by a number.

use super::windows;
use crate::strategy::Design;
use crate::units::SimDuration;

/// Up to this share of what is scored may pass before the first entry is as old as its TTL.
const EARLY: f64 = 0.1;

/// What is wrong with a TTL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing expires in the run.
    Outlives,
    /// What is scored begins before anything can expire.
    Early,
    /// What is scored holds fewer than two TTLs.
    FewTurns,
}

/// The warnings of a made-up run of this length with this warm-up.
pub(super) fn of_workload(strategies: &[Design], warmup: SimDuration, duration: SimDuration) -> Vec<String> {
    let scored = SimDuration::from_nanos(duration.as_nanos().saturating_sub(warmup.as_nanos()));
    let fault = |ttl: SimDuration| {
        let early = SimDuration::from_nanos(ttl.as_nanos().saturating_sub(warmup.as_nanos()));
        if ttl > duration {
            Some(Fault::Outlives)
        } else if early.as_secs_f64() > EARLY * scored.as_secs_f64() {
            Some(Fault::Early)
        } else {
            (scored < ttl + ttl).then_some(Fault::FewTurns)
        }
    };
    let words = |fault: Fault, of: &str, ttl: SimDuration| match fault {
        Fault::Outlives => format!(
            "{of} is longer than the run ([workload] duration = {duration}), in which no such entry expires, so that its \
             fetches and the age of its answers come out too small; write a duration of several times the ttl and a warmup \
             as long as it, or a shorter ttl"
        ),
        Fault::Early => format!(
            "{of} is long for this run: of the {scored} that are scored the first {} pass before any entry is that old, so that \
             fetches and the age of answers come out too small, and what passes a gate here may fail it in a longer run; write \
             warmup = \"{ttl}\" in [time] and a [workload] duration of \"{}\" or more",
            SimDuration::from_nanos(ttl.as_nanos().saturating_sub(warmup.as_nanos())),
            ttl + ttl + ttl + ttl
        ),
        Fault::FewTurns => format!(
            "{of} is long for this run: the {scored} that are scored hold fewer than two of it, so that where they begin and \
             end decides how much expires in them; write a [workload] duration of \"{}\" or more",
            warmup + ttl + ttl + ttl
        ),
    };
    together(strategies, fault, words)
}

/// The warnings of a recording that lasts so long.
pub(super) fn of_recording(strategies: &[Design], span: SimDuration) -> Vec<String> {
    let second = SimDuration::from_secs(1).as_nanos();
    // Nobody needs the nanoseconds that spread requests inside their second.
    let whole = if span.as_nanos() < second {
        span
    } else {
        SimDuration::from_nanos(span.as_nanos() / second * second)
    };
    let fault = |ttl: SimDuration| (ttl > span && !span.is_zero()).then_some(Fault::Outlives);
    together(strategies, fault, |_, of, _| {
        format!(
            "{of} is longer than the recording, which lasts for {whole} and in which no such entry expires, so that its fetches \
             and the age of its answers come out too small; take a longer recording, or a shorter ttl"
        )
    })
}

/// One warning for each fault, with the names of all strategies that have it, and the words for the longest of their TTLs.
fn together(
    strategies: &[Design],
    fault: impl Fn(SimDuration) -> Option<Fault>,
    words: impl Fn(Fault, &str, SimDuration) -> String,
) -> Vec<String> {
    let mut found: Vec<(Fault, Vec<(&Design, SimDuration)>)> = Vec::new();
    for design in strategies {
        let Some(ttl) = windows::greatest_bent_ttl(design) else { continue };
        let Some(fault) = fault(ttl) else { continue };
        match found.iter_mut().find(|(same, _)| *same == fault) {
            Some((_, having)) => having.push((design, ttl)),
            None => found.push((fault, vec![(design, ttl)])),
        }
    }
    let told = |(fault, having): (Fault, Vec<(&Design, SimDuration)>)| {
        let longest = having.iter().map(|(_, ttl)| *ttl).max().unwrap_or(SimDuration::ZERO);
        let (first, ttl) = having[0];
        let is_alike = |(design, other): &(&Design, SimDuration)| {
            *other == ttl && design.rule.name() == first.rule.name()
        };
        let of = if having.iter().all(is_alike) {
            format!("the ttl of rule \"{}\" (up to {ttl})", first.rule.name())
        } else {
            format!("the ttl of each (up to {longest})")
        };
        let names: Vec<&str> = having.iter().map(|(design, _)| design.name.as_str()).collect();
        format!("{}: {}", called(&names), words(fault, &of, longest))
    };
    found.into_iter().map(told).collect()
}

/// `strategy "a"`, `strategies "a", "b", "c" and 4 more`.
fn called(names: &[&str]) -> String {
    const MOST: usize = 3;
    let quoted = |names: &[&str]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>();
    match names {
        [one] => format!("strategy \"{one}\""),
        [rest @ .., last] if names.len() <= MOST => {
            format!("strategies {} and \"{last}\"", quoted(rest).join(", "))
        }
        _ => format!("strategies {} and {} more", quoted(&names[..MOST]).join(", "), names.len() - MOST),
    }
}
