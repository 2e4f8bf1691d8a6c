//! Every metric, once, in the order in which people are shown them.

use super::Source::{Max, Mean, Sum, Wait};
use super::{Better, Metric, Source, Unit};
use crate::metrics::{Cause, Measurements, OutcomeKind, Waits};
use crate::score::rates;

/// Every metric that a scenario can name.
pub static METRICS: &[Metric] = &[
    higher("fresh_hit", Unit::Share, Mean(rates::fresh_hit), "Fresh hits, of requests."),
    higher("hit", Unit::Share, Mean(rates::hit), "Fresh and stale hits, of requests."),
    higher(
        "hit_or_joined",
        Unit::Share,
        Mean(rates::hit_or_joined),
        "Fresh, stale and delayed hits, of requests.",
    ),
    higher(
        "byte_hit",
        Unit::Share,
        Mean(rates::byte_hit),
        "Bytes of fresh and stale hits, of bytes asked for.",
    ),
    higher(
        "origin_offload",
        Unit::Share,
        Mean(rates::origin_offload),
        "1 - origin fetches per request, background fetches included.",
    ),
    neutral(
        "stale_hit",
        Unit::Share,
        Mean(|run| rates::share(run, OutcomeKind::StaleHit)),
        "Stale hits, of requests.",
    ),
    neutral(
        "delayed_hit",
        Unit::Share,
        Mean(|run| rates::share(run, OutcomeKind::DelayedHit)),
        "Delayed hits, of requests.",
    ),
    lower("miss", Unit::Share, Mean(rates::miss), "Misses of any cause, of requests."),
    lower(
        "miss_cold",
        Unit::Share,
        Mean(|run| rates::share(run, OutcomeKind::Miss(Cause::Cold))),
        "Misses of objects never held before, of requests.",
    ),
    lower(
        "miss_expired",
        Unit::Share,
        Mean(|run| rates::share(run, OutcomeKind::Miss(Cause::Expired))),
        "Misses because a TTL ran out, of requests.",
    ),
    lower(
        "miss_evicted",
        Unit::Share,
        Mean(|run| rates::share(run, OutcomeKind::Miss(Cause::Evicted))),
        "Misses because of an eviction, of requests.",
    ),
    lower(
        "miss_invalidated",
        Unit::Share,
        Mean(|run| rates::share(run, OutcomeKind::Miss(Cause::Invalidated))),
        "Misses because of a deletion or purge, of requests.",
    ),
    lower(
        "miss_lost",
        Unit::Share,
        Mean(|run| rates::share(run, OutcomeKind::Miss(Cause::Lost))),
        "Misses because of a flush, a restart or a failed node, of requests.",
    ),
    neutral(
        "stale_on_error",
        Unit::Share,
        Mean(|run| rates::share(run, OutcomeKind::StaleOnError)),
        "Old values served because the origin failed, of requests.",
    ),
    lower(
        "error",
        Unit::Share,
        Mean(|run| rates::share(run, OutcomeKind::Error)),
        "Requests without an answer, of requests.",
    )
    .also("errors"),
    lower(
        "memory",
        Unit::Bytes,
        Mean(|run| Some(run.memory.mean_bytes)),
        "Bytes resident, averaged over time.",
    )
    .also("mean_memory"),
    lower("peak_memory", Unit::Bytes, Max(|run| run.memory.peak_bytes), "Most bytes resident at once."),
    lower(
        "expired_resident",
        Unit::Bytes,
        Mean(|run| Some(run.memory.expired_resident_mean_bytes)),
        "Bytes of entries past their TTL that nothing had removed yet, averaged over time.",
    ),
    neutral(
        "entries",
        Unit::Count,
        Mean(|run| Some(run.memory.mean_entries)),
        "Entries resident, averaged over time.",
    ),
    neutral(
        "peak_entries",
        Unit::Count,
        Max(|run| run.memory.peak_entries),
        "Most entries resident at once.",
    ),
    lower("origin_rate", Unit::PerSecond, Mean(rates::origin_rate), "Origin fetches per second."),
    lower(
        "origin_bytes_rate",
        Unit::BytesPerSecond,
        Mean(rates::origin_bytes_rate),
        "Bytes fetched from the origin per second.",
    ),
    lower(
        "peak_origin_rate",
        Unit::PerSecond,
        Mean(|run| Some(run.origin.per_second.peak as f64)),
        "Most origin fetches in one second.",
    ),
    neutral(
        "fetches",
        Unit::Count,
        Sum(|run| run.origin.fetches),
        "Origin fetches, in the foreground and in the background, of all replications.",
    ),
    neutral(
        "refreshes",
        Unit::Count,
        Sum(|run| run.origin.refreshes),
        "Origin fetches in the background, of all replications.",
    ),
    lower(
        "utilisation",
        Unit::Share,
        Mean(|run| run.origin.utilisation),
        "Share of the origin servers' time spent on fetches.",
    ),
    lower("stampedes", Unit::PerHour, Mean(rates::stampedes_per_hour), "Stampedes per hour of scored time.")
        .also("stampedes_per_hour")
        .usual_at_least(few_stampedes),
    neutral("stampede_count", Unit::Count, Sum(|run| run.stampedes.count), "Stampedes of all replications."),
    neutral(
        "mean_stampede_size",
        Unit::Count,
        Mean(rates::mean_stampede_size),
        "Fetches in a stampede, on average; no data without stampedes.",
    ),
    lower(
        "max_stampede_size",
        Unit::Count,
        Max(|run| run.stampedes.max_size),
        "Most fetches in one stampede.",
    )
    .usual_at_least(few),
    neutral(
        "regenerations",
        Unit::Count,
        Sum(|run| run.stampedes.regenerations),
        "Stretches with at least one fetch of an object in flight, of all replications.",
    ),
    lower(
        "duplicate_fetches",
        Unit::Count,
        Sum(|run| run.stampedes.duplicate_fetches),
        "Fetches beyond the first of their regeneration, of all replications.",
    )
    .usual_at_least(few),
    neutral(
        "duplicate_ratio",
        Unit::Share,
        Mean(rates::duplicate_ratio),
        "Duplicate fetches, of all fetches; no data without fetches.",
    ),
    lower(
        "peak_waiters",
        Unit::Count,
        Max(|run| run.stampedes.peak_waiters),
        "Most requests that waited at once for the same object.",
    )
    .usual_at_least(few),
    lower(
        "mean_latency",
        Unit::Milliseconds,
        Wait(|waits| waits.mean() / 1e6),
        "Waiting time of a request, on average.",
    ),
    lower(
        "p50",
        Unit::Milliseconds,
        Wait(|waits| quantile(waits, 0.5)),
        "Waiting time that half of the requests stay within.",
    ),
    lower(
        "p90",
        Unit::Milliseconds,
        Wait(|waits| quantile(waits, 0.9)),
        "Waiting time that 90 % of the requests stay within.",
    ),
    lower(
        "p99",
        Unit::Milliseconds,
        Wait(|waits| quantile(waits, 0.99)),
        "Waiting time that 99 % of the requests stay within.",
    ),
    lower(
        "p999",
        Unit::Milliseconds,
        Wait(|waits| quantile(waits, 0.999)),
        "Waiting time that 99.9 % of the requests stay within.",
    ),
    lower(
        "max_latency",
        Unit::Milliseconds,
        Wait(|waits| waits.max() as f64 / 1e6),
        "Longest waiting time of a request.",
    ),
    higher(
        "fresh_share",
        Unit::Share,
        Mean(rates::fresh_share),
        "Answers with the version that was current at the origin, of all answers with a value.",
    ),
    higher(
        "fresh_share_of_hits",
        Unit::Share,
        Mean(rates::fresh_share_of_hits),
        "Hits with the version that was current at the origin, of all hits.",
    ),
    lower(
        "stale_share",
        Unit::Share,
        Mean(|run| rates::fresh_share(run).map(|fresh| 1.0 - fresh)),
        "Answers with a version that was no longer current at the origin, of all answers with a value.",
    ),
    lower(
        "mean_age_s",
        Unit::Seconds,
        Mean(rates::mean_age_s),
        "Seconds since the first change an answer had not seen, averaged over all answers.",
    ),
    neutral(
        "p95_age_s",
        Unit::Seconds,
        Mean(rates::p95_age_s),
        "The 95th percentile of that time over answers that were not current; no data where all were.",
    ),
    lower(
        "over_bound_share",
        Unit::Share,
        Mean(rates::over_bound_share),
        "Answers older than `freshness_bound`, of all answers with a value; no data without a bound.",
    ),
    neutral(
        "requests",
        Unit::Count,
        Sum(|run| run.totals.outcomes.total()),
        "Scored requests of all replications.",
    ),
    neutral(
        "evicted",
        Unit::Count,
        Sum(|run| run.evicted),
        "Entries evicted to make room, of all replications.",
    ),
    neutral(
        "expired",
        Unit::Count,
        Sum(|run| run.expired),
        "Entries removed because their TTL had run out, of all replications.",
    ),
    lower(
        "out_of_memory",
        Unit::Count,
        Sum(|run| run.out_of_memory),
        "Fills refused because nothing could be evicted, of all replications.",
    )
    .usual_at_least(few),
    neutral(
        "too_large",
        Unit::Count,
        Sum(|run| run.too_large),
        "Fills not stored because the object is larger than the cache, of all replications.",
    ),
    lower(
        "commands_per_request",
        Unit::Count,
        Mean(rates::commands_per_request),
        "Commands sent to the cache per request.",
    ),
    lower(
        "round_trips_per_request",
        Unit::Count,
        Mean(rates::round_trips_per_request),
        "Times that the application waited for the cache, per request; commands sent together are one.",
    ),
];

const fn higher(name: &'static str, unit: Unit, source: Source, about: &'static str) -> Metric {
    Metric { better: Some(Better::Higher), ..neutral(name, unit, source, about) }
}

const fn lower(name: &'static str, unit: Unit, source: Source, about: &'static str) -> Metric {
    Metric { better: Some(Better::Lower), ..neutral(name, unit, source, about) }
}

const fn neutral(name: &'static str, unit: Unit, source: Source, about: &'static str) -> Metric {
    Metric { name, alias: None, about, unit, better: None, source, usual_min: |_| 0.0 }
}

impl Metric {
    const fn also(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    const fn usual_at_least(mut self, usual_min: fn(&Measurements) -> f64) -> Self {
        self.usual_min = usual_min;
        self
    }
}

/// So many events in a replication are no pattern: one of them must not decide a score.
const FEW: f64 = 10.0;

fn few(_: &Measurements) -> f64 {
    FEW
}

/// So many stampedes an hour are few: ten in all, or one in a thousand regenerations where that is more.
fn few_stampedes(run: &Measurements) -> f64 {
    let hours = run.scored.as_secs_f64() / 3_600.0;
    if hours > 0.0 { FEW.max(run.stampedes.regenerations as f64 / 1_000.0) / hours } else { 0.0 }
}

/// The wait in milliseconds that a share `within` of the requests stay within.
fn quantile(waits: &Waits, within: f64) -> f64 {
    waits.quantile(within) as f64 / 1e6
}
