//! From all rows to a trace: order, places inside seconds, what is no request, objects that nobody asks for.

use std::collections::BTreeMap;

use super::Import;
use super::collect::{Collector, Kind, UNKNOWN};
use super::intern::Interner;
use super::objects::{self, Raw};
use super::provenance::Provenance;
use super::sizes::median;
use super::spill;
use crate::random::Seed;
use crate::trace::format::lag_ns;
use crate::trace::shape::spread::{Spread, spread};
use crate::trace::spool::Spool;
use crate::trace::{Event, Happening, ObjectId, Trace, TraceError, Ttls};
use crate::units::{SimDuration, SimTime};

/// The trace of all that was collected.
pub(super) fn finish(mut all: Collector, seed: Seed) -> Result<Import, TraceError> {
    all.sieve.judge(all.requests_of.iter().any(|requests| *requests > 0))?;
    let mut provenance = provenance(&mut all);
    let has_whole_seconds = all.sieve.fineness.has_seconds && !all.is_timeless;
    let how = if has_whole_seconds { all.options.spread } else { Spread::None };
    how.name().clone_into(&mut provenance.spread);
    let folder = all.options.spill.as_ref().map(|spill| spill.folder.clone());
    let (requests, events, first) = if let Some(folder) = folder.filter(|_| all.parts.is_some()) {
        let (spool, events, first) = spill::settle(&mut all, &folder, how, seed, &mut provenance)?;
        (Requests::Spooled(spool), events, first)
    } else {
        sort(&mut all);
        spread(&mut all.at, how, seed);
        let lags = std::mem::take(&mut all.lag_ms);
        // Where nothing moves all stay in order.
        let has_moved = how != Spread::None || !lags.is_empty();
        for (at, lag_ms) in all.at.iter_mut().zip(lags) {
            *at = at.saturating_sub(lag_ns(lag_ms));
        }
        if has_moved {
            sort(&mut all);
        }
        let events = take_events(&mut all);
        let first = all.at[0];
        let origin_times = origin_times(&mut all, &mut provenance);
        // Into the same memory: fresh pages cost more than the sum.
        let at = std::mem::take(&mut all.at).into_iter().map(|time| since(first, time)).collect();
        (Requests::InMemory { at, object: std::mem::take(&mut all.object), origin_times }, events, first)
    };
    provenance.first_unix_ns = first;
    // Before the first request nothing is held that an event could touch.
    let count = |what| events.iter().filter(|event| event.2 == what).count() as u64;
    (provenance.changes, provenance.deletions) = (count(Happening::Changed), count(Happening::Deleted));
    let since_first = |time: &i64| since(first, *time);
    let ttls = (!all.ttls.is_empty()).then(|| {
        let recorded = all.ttls.iter().map(|(object, time, ttl)| (*object, since_first(time), *ttl));
        Ttls::new(all.keys.len(), recorded.collect())
    });
    if let Some(ttls) = &ttls {
        provenance.objects_with_ttl = ttls.objects() as u64;
    }
    let objects = objects::describe(
        Raw {
            keys: all.keys,
            sizes: all.sizes,
            class_of: all.class_of,
            recorded_classes: all.recorded_classes,
            objects_with_several_classes: all.objects_with_several_classes.len() as u64,
            requests_of: all.requests_of,
            statuses: all.statuses,
            absent: all.absent,
        },
        &all.options.classes,
        &mut provenance,
    )
    .map_err(|_| TraceError::TooManyClasses { file: all.sieve.file.clone() })?;
    let mut trace = match requests {
        Requests::Spooled(spool) => Trace::spooled(spool, objects),
        Requests::InMemory { at, object, origin_times } => {
            let trace = Trace::new(at, object, objects, SimDuration::ZERO);
            match origin_times {
                Some(origin_times) => trace.with_origin_times(origin_times),
                None => trace,
            }
        }
    };
    let event =
        |(time, object, what, before): Between| Event { at: since_first(&time), object, what, before };
    trace = trace.with_events(events.into_iter().map(event).collect());
    if let Some(ttls) = ttls {
        trace = trace.with_ttls(ttls);
    }
    if all.is_timeless {
        provenance.notes.push(
            "the recording has no times: requests are a second apart, and only the ttl rule \"none\" makes sense"
                .to_owned(),
        );
        trace = trace.without_times();
    }
    let began = provenance.began();
    Ok(Import { trace: trace.beginning_at(began), provenance, local_hours: all.local_hours })
}

/// The requests of a trace, wherever they lie.
enum Requests {
    InMemory { at: Vec<SimTime>, object: Vec<ObjectId>, origin_times: Option<Vec<SimDuration>> },
    Spooled(Spool),
}

/// From the start of the trace to a time; zero for what lies before.
pub(super) fn since(first: i64, time: i64) -> SimTime {
    SimTime::from_nanos(u64::try_from(time.saturating_sub(first)).unwrap_or(0))
}

fn provenance(all: &mut Collector) -> Provenance {
    let sieve = &mut all.sieve;
    let mut provenance = Provenance {
        lines: sieve.tally.lines,
        bad: sieve.tally.bad,
        skipped: sieve.tally.skipped(),
        lines_with_extra_fields: sieve.lines_with_extra_fields,
        operations: sieve.tally.operations(),
        extensions: sieve.tally.extensions(),
        resolution_ns: sieve.fineness.resolution_ns().unsigned_abs(),
        offsets: sieve.tally.offsets(),
        backward_steps: sieve.order.backward_steps,
        max_lateness_ns: sieve.tally.max_lateness_ns,
        kept: all.requests,
        ignored_writes: all.ignored_writes,
        writes: all.writes,
        recorded_deletions: all.deletions,
        requests_with_ttl: all.requests_with_ttl,
        recorded_ttls: most_frequent(&all.ttl_records),
        modifications: all.modifications,
        size_changes: all.sizes.changes,
        has_origin_times: all.has_origin_times,
        notes: std::mem::take(&mut sieve.notes),
        ..Provenance::default()
    };
    if all.ignored_writes > 0 {
        provenance.notes.push(format!(
            "{} writes are taken as fills of the recorded cache: their sizes and TTLs count (set = \"change\" makes them changes)",
            all.ignored_writes
        ));
    }
    if all.absent_requests > 0 {
        provenance.notes.push(format!(
            "{} requests ask for what is not there (404, 410): a cache that remembers this holds a value of 1 byte, in \
             class \"absent\" where no rule says otherwise",
            all.absent_requests
        ));
    }
    provenance
}

/// The most frequent first; of equally frequent ones the shorter.
fn most_frequent(ttls: &BTreeMap<SimDuration, u64>) -> Vec<(SimDuration, u64)> {
    let mut ttls: Vec<_> = ttls.iter().map(|(ttl, records)| (*ttl, *records)).collect();
    ttls.sort_by_key(|(_, records)| std::cmp::Reverse(*records));
    ttls
}

/// Puts rows that were written late into their place; equal times keep the order of the file.
fn sort(all: &mut Collector) {
    if all.at.is_sorted() {
        return;
    }
    let mut order: Vec<usize> = (0..all.at.len()).collect();
    order.sort_by_key(|&index| all.at[index]);
    all.at = order.iter().map(|&index| all.at[index]).collect();
    all.object = order.iter().map(|&index| all.object[index]).collect();
    if !all.origin_time.is_empty() {
        all.origin_time.resize(order.len(), UNKNOWN);
        all.origin_time = order.iter().map(|&index| all.origin_time[index]).collect();
    }
    if !all.kind.is_empty() {
        all.kind = order.iter().map(|&index| all.kind[index]).collect();
    }
    if !all.lag_ms.is_empty() {
        all.lag_ms.resize(order.len(), 0);
        all.lag_ms = order.iter().map(|&index| all.lag_ms[index]).collect();
    }
}

/// An event: when, of what, what, and how many requests come before it.
pub(super) type Between = (i64, ObjectId, Happening, usize);

/// Takes out what is no request, and objects that nobody asks for.
fn take_events(all: &mut Collector) -> Vec<Between> {
    let mut events = Vec::new();
    if !all.kind.is_empty() {
        let mut requests = 0;
        for (index, kind) in std::mem::take(&mut all.kind).into_iter().enumerate() {
            let what = match kind {
                Kind::Request => {
                    all.at[requests] = all.at[index];
                    all.object[requests] = all.object[index];
                    if let Some(time) = all.origin_time.get(index).copied() {
                        all.origin_time[requests] = time;
                    } else if let Some(place) = all.origin_time.get_mut(requests) {
                        *place = UNKNOWN;
                    }
                    requests += 1;
                    continue;
                }
                Kind::Changed => Happening::Changed,
                Kind::Deleted => Happening::Deleted,
            };
            events.push((all.at[index], all.object[index], what, requests));
        }
        all.at.truncate(requests);
        all.object.truncate(requests);
        all.origin_time.truncate(requests);
    }
    if let Some(new_id) = forget_unasked(all) {
        let renumbered = |object: ObjectId| ObjectId::new(new_id[object.index()]);
        all.object.iter_mut().for_each(|object| *object = renumbered(*object));
        events.iter_mut().for_each(|event| event.1 = renumbered(event.1));
        events.retain(|event| event.1 != ObjectId::new(GONE));
    }
    events
}

/// The new number of an object that nobody asks for.
pub(super) const GONE: u32 = u32::MAX;

/// Numbers the objects anew where some were only written and never asked for: their new numbers by the old ones.
pub(super) fn forget_unasked(all: &mut Collector) -> Option<Vec<u32>> {
    if all.requests_of.iter().all(|requests| *requests > 0) {
        return None;
    }
    let mut next = 0;
    let mut number = |requests: &u64| {
        let is_asked = *requests > 0;
        next += u32::from(is_asked);
        if is_asked { next - 1 } else { GONE }
    };
    let new_id: Vec<u32> = all.requests_of.iter().map(&mut number).collect();
    let mut keys = Interner::with_limit(GONE);
    for (old, _) in (0..).zip(&new_id).filter(|(_, new)| **new != GONE) {
        keys.id(&all.keys.key(old));
    }
    all.keys = keys;
    let asked = |old: usize| new_id[old] != GONE;
    all.sizes.retain(asked);
    let mut old = 0;
    all.class_of.retain(|_| {
        old += 1;
        asked(old - 1)
    });
    all.requests_of.retain(|requests| *requests > 0);
    let renumbered = |(rule, old): (u32, u32)| (rule, new_id[old as usize]);
    all.statuses =
        std::mem::take(&mut all.statuses).into_iter().map(renumbered).filter(|(_, id)| *id != GONE).collect();
    let mut old = 0;
    all.absent.retain(|_| {
        old += 1;
        asked(old - 1)
    });
    all.ttls.retain(|ttl| asked(ttl.0.index()));
    all.ttls.iter_mut().for_each(|ttl| ttl.0 = ObjectId::new(new_id[ttl.0.index()]));
    Some(new_id)
}

/// The origin times, the unknown ones assumed to be the median of the others.
fn origin_times(all: &mut Collector, provenance: &mut Provenance) -> Option<Vec<SimDuration>> {
    if !all.has_origin_times {
        return None;
    }
    all.origin_time.resize(all.object.len(), UNKNOWN);
    let mut known: Vec<SimDuration> =
        all.origin_time.iter().copied().filter(|time| *time != UNKNOWN).collect();
    provenance.assumed_origin_times = (all.origin_time.len() - known.len()) as u64;
    let typical = median(&mut known)?;
    if provenance.assumed_origin_times > 0 {
        provenance.notes.push(format!(
            "{} of {} requests have no recorded origin time; the median of the others, {typical}, stands in",
            provenance.assumed_origin_times, provenance.kept
        ));
    }
    let times = std::mem::take(&mut all.origin_time);
    Some(times.into_iter().map(|time| if time == UNKNOWN { typical } else { time }).collect())
}
