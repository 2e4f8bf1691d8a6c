//! Keeps all that the engine tells, for a comparison one by one.

use crate::naive::{self, Kind, Totals};
use ttlab::cache::Stored;
use ttlab::metrics::{
    Asked, Cause, Command, Incident, Measurements, Observer, Outcome, OutcomeKind, Regeneration, Served,
};
use ttlab::units::{SimDuration, SimTime};

/// What the engine told.
#[derive(Default)]
pub(crate) struct Diary {
    /// Outcomes with the place of their request, in the order in which they were told.
    outcomes: Vec<(u32, naive::Outcome)>,
    pub(crate) regenerations: Vec<Regeneration>,
    /// Commands beside the GETs that requests begin with, and when they were sent.
    commands: Vec<(SimTime, u64)>,
    /// When fetches were asked for, taken up and over.
    served: Vec<[SimTime; 3]>,
    /// What can be summed up from what is told; the rest is the cache's to say.
    pub(crate) totals: Totals,
}

fn kind(kind: OutcomeKind) -> Kind {
    match kind {
        OutcomeKind::FreshHit => Kind::FreshHit,
        OutcomeKind::StaleHit => Kind::StaleHit,
        OutcomeKind::DelayedHit => Kind::DelayedHit,
        OutcomeKind::Miss(Cause::Cold) => Kind::Miss(naive::Cause::Cold),
        OutcomeKind::Miss(Cause::Expired) => Kind::Miss(naive::Cause::Expired),
        OutcomeKind::Miss(Cause::Evicted) => Kind::Miss(naive::Cause::Evicted),
        OutcomeKind::Miss(Cause::Invalidated) => Kind::Miss(naive::Cause::Invalidated),
        OutcomeKind::Miss(Cause::Lost) => Kind::Miss(naive::Cause::Lost),
        OutcomeKind::StaleOnError => Kind::StaleOnError,
        OutcomeKind::Error => Kind::Error,
    }
}

impl Observer for Diary {
    fn observe(&mut self, outcome: &Outcome) {
        let outdated = outcome.stale_for.map(SimDuration::as_nanos);
        let seen = naive::Outcome { kind: kind(outcome.kind), wait: outcome.wait.as_nanos(), outdated };
        self.outcomes.push((outcome.request, seen));
    }

    fn asked(&mut self, asked: &Asked) {
        self.totals.fetches += 1;
        self.totals.refreshes += u64::from(asked.background);
    }

    fn served(&mut self, served: &Served) {
        let fetch = served.fetch;
        self.served.push([fetch.asked, fetch.started, fetch.done]);
    }

    fn regenerated(&mut self, regeneration: &Regeneration) {
        self.regenerations.push(*regeneration);
    }

    fn stored(&mut self, _: u32, at: SimTime, stored: Stored) {
        if matches!(stored, Stored::Yes | Stored::OutOfMemory) {
            self.commands.push((at, 1));
        }
        self.totals.out_of_memory += u64::from(stored == Stored::OutOfMemory);
    }

    fn touched(&mut self, size: u32, at: SimTime) {
        self.commands.push((at, 1));
        self.totals.touches += 1;
        self.totals.moved_bytes += u64::from(size);
    }

    fn rewritten(&mut self, size: u32, at: SimTime) {
        self.commands.push((at, 1));
        self.totals.rewrites += 1;
        self.totals.moved_bytes += u64::from(size);
    }

    fn sent(&mut self, at: SimTime, command: Command, count: u64) {
        self.commands.push((at, count));
        let sum = match command {
            Command::Poll => &mut self.totals.polls,
            Command::Look => &mut self.totals.looks,
            Command::Lock | Command::Unlock => &mut self.totals.locks,
            Command::Expire => &mut self.totals.touches,
            Command::SetError => &mut self.totals.errors_stored,
            Command::Zadd => &mut self.totals.notes,
            Command::Sweep => &mut self.totals.sweeps,
            Command::Delete => &mut self.totals.deletes,
        };
        *sum += count;
    }

    fn incident(&mut self, _: SimTime, incident: Incident) {
        let sum = match incident {
            Incident::Shed => &mut self.totals.shed,
            Incident::TimedOut => &mut self.totals.timeouts,
            Incident::Retried => &mut self.totals.retries,
            Incident::NegativeServed => &mut self.totals.negative_served,
            Incident::Crashed => &mut self.totals.crashes,
            Incident::Cancelled => &mut self.totals.cancelled,
            Incident::Broken => &mut self.totals.broken,
        };
        *sum += 1;
    }
}

impl Diary {
    /// The outcomes in the order of their requests, each of which must have exactly one.
    pub(crate) fn in_order(&self) -> Vec<naive::Outcome> {
        let mut outcomes = self.outcomes.clone();
        outcomes.sort_by_key(|(request, _)| *request);
        assert!(outcomes.windows(2).all(|pair| pair[0].0 < pair[1].0), "a request has two outcomes");
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

/// What the recorder sums up is what the diary holds one by one.
pub(crate) fn check_recorder(
    measured: &Measurements,
    diary: &Diary,
    found: &Totals,
    end: SimTime,
    text: &str,
) {
    let outcomes = &measured.totals.outcomes;
    assert_eq!(outcomes.total(), diary.outcomes.len() as u64, "{text}");
    for of in OutcomeKind::ALL {
        let told = |(_, outcome): &&(u32, naive::Outcome)| outcome.kind == kind(of);
        assert_eq!(outcomes.of(of), diary.outcomes.iter().filter(told).count() as u64, "{of:?} {text}");
    }
    let buckets = &measured.series.buckets;
    assert_eq!(buckets.iter().map(|bucket| bucket.outcomes.total()).sum::<u64>(), outcomes.total());
    assert_eq!(buckets.iter().map(|bucket| bucket.evicted).sum::<u64>(), found.evicted, "{text}");
    assert_eq!(buckets.iter().map(|bucket| bucket.expired).sum::<u64>(), found.expired, "{text}");
    assert_eq!(buckets.iter().map(|bucket| bucket.peak_bytes).max(), Some(found.peak_bytes), "{text}");
    assert_eq!((measured.origin.fetches, measured.origin.refreshes), (found.fetches, found.refreshes));
    assert_eq!((measured.evicted, measured.expired), (found.evicted, found.expired), "{text}");
    assert_eq!(measured.out_of_memory, found.out_of_memory, "{text}");
    assert_eq!(measured.commands.deadline, found.deadlines, "commands of deadlines: {text}");
    assert_eq!(buckets.iter().map(|bucket| bucket.commands.deadline).sum::<u64>(), found.deadlines, "{text}");
    let inside = diary.regenerations.iter().filter(|one| one.start <= end);
    let (count, fetches) = inside.fold((0, 0), |(count, fetches), one| (count + 1, fetches + one.size));
    let stampedes = &measured.stampedes;
    assert_eq!(stampedes.regenerations, count, "{text}");
    assert_eq!(stampedes.regenerations + stampedes.duplicate_fetches, fetches, "{text}");
}

/// Commands and the origin's servers over time are what the diary holds, bucket by bucket.
pub(crate) fn check_buckets(
    measured: &Measurements,
    diary: &Diary,
    servers: Option<usize>,
    end: SimTime,
    text: &str,
) {
    let (length, last) = (measured.series.bucket, measured.series.buckets.len() - 1);
    for (place, bucket) in measured.series.buckets.iter().enumerate() {
        let from = SimTime::ZERO + SimDuration::from_nanos(length.as_nanos() * place as u64);
        let until = (from + length).min(end);
        let inside = |at: SimTime| from <= at && (at < until || (place == last && at == end));
        let told: u64 = diary.commands.iter().filter(|(at, _)| inside(*at)).map(|(_, count)| count).sum();
        let sent = bucket.commands;
        let more = sent.get + sent.set + sent.expire + sent.del + sent.lock + sent.zadd + sent.sweep;
        assert_eq!(more - bucket.outcomes.total(), told, "commands of bucket {place}: {text}");
        let within = |start: SimTime, end: SimTime| end.min(until).since(start.max(from)).as_nanos();
        let queued: u64 = diary.served.iter().map(|[asked, started, _]| within(*asked, *started)).sum();
        let busy: u64 = diary.served.iter().map(|[_, started, done]| within(*started, *done)).sum();
        let Some(servers) = servers else {
            assert_eq!((bucket.utilisation, queued), (None, 0), "{text}");
            continue;
        };
        let span = until.since(from).as_nanos() as f64;
        let told = if span > 0.0 { (busy as f64 / span, queued as f64 / span) } else { (0.0, 0.0) };
        let utilisation = bucket.utilisation.expect("there are servers") * servers as f64;
        assert!(
            (utilisation - told.0).abs() < 1e-9,
            "busy in bucket {place}: {utilisation}, {told:?}: {text}"
        );
        assert!((bucket.queue_mean - told.1).abs() < 1e-9, "queue of bucket {place}: {told:?}: {text}");
    }
}
