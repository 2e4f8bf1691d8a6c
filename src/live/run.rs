//! One cell after the other: the trace is played on a server that is ready, and the keys removed.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::clock::Clock;
use super::doubts::doubts;
use super::limits::{Beside, peak};
use super::link::{Fault, Holders};
use super::origin::Http;
use super::pace::Pacer;
use super::play::{Parts, Player};
use super::questions::Questions;
use super::ready::{Ready, Unready, ready};
use super::server::{Info, Look, Sections, Watch, Work, config, stalls};
use super::tidy::{gone, tidy};
use super::{Before, LiveCell, LiveError, MemoryCount, Options, OwnLimit, Pace, Target, owed};
use crate::cache::Capacity;
use crate::engine::Simulation;
use crate::metrics::{Measurements, Observer, Recorder, Setting};
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::tune::{self, CellPlan, Failure, Progress};
use crate::units::{SimDuration, SimTime, Window};

/// Time between making everything ready and the first request.
const PAUSE: Duration = Duration::from_millis(200);

/// Time between two looks at the server: the most, and the least where buckets of the series are short.
const LOOK: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(20)];

/// Time between two looks at whether the user wants to stop.
const TICK: Duration = Duration::from_millis(20);

/// How long nothing may end after the last instant of the run, and after the last end of a fetch that is planned, until no
/// more is waited for.
const DRAIN: Duration = Duration::from_secs(30);

/// How long answers are waited for when the run is stopped or broke off.
const SOON: Duration = Duration::from_secs(1);

/// How long a connection may take to do what was sent over it, and servers to tell what held them up, before keys are removed.
const SETTLE: Duration = Duration::from_secs(3);

/// More requests without an answer than this: it will not get better.
const UNDER_WAY: u64 = 50_000;

/// From here on the harness is too slow to say anything about the server.
pub(super) const LATE: Duration = Duration::from_millis(10);

/// Primaries of a cluster that there are at most, which share a limit.
const PARTS: u64 = 1_000;

/// Plays the cells.
pub(super) async fn cells(
    scenario: &Scenario,
    cells: &[CellPlan],
    trace: &Arc<Trace>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<LiveCell>, LiveError> {
    let mut played: Vec<LiveCell> = Vec::with_capacity(cells.len());
    for plan in cells {
        if played.last().is_some_and(|last| last.result.is_err()) || progress.stop() {
            played.push(LiveCell::not_played(*plan));
            continue;
        }
        let cell = match cell(scenario, plan, trace, options, progress).await {
            Ok(cell) => cell,
            // What was played before is worth as much as before.
            Err(error) if !played.is_empty() => {
                LiveCell { result: Err(Failure::Broken(error.to_string())), ..LiveCell::not_played(*plan) }
            }
            Err(error) => return Err(error),
        };
        played.push(cell);
        progress.run_done();
    }
    Ok(played)
}

impl LiveCell {
    fn not_played(plan: CellPlan) -> Self {
        Self {
            plan,
            result: Err(Failure::Stopped),
            pace: None,
            worked: Vec::new(),
            server: String::new(),
            own_limit: None,
            warnings: Vec::new(),
            is_tidy: true,
        }
    }
}

/// Plays one cell.
async fn cell(
    scenario: &Scenario,
    plan: &CellPlan,
    trace: &Arc<Trace>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<LiveCell, LiveError> {
    let seed = tune::replication_seed(scenario.seed, 0);
    let bucket = tune::bucket_of(scenario, trace);
    let Simulation { client, origin, mut strategy, window, freshness_bound, cache, .. } =
        tune::simulation(scenario, plan, trace, seed).map_err(LiveError::Scenario)?;
    let http = options.origin.clone().map(|template| Http::new(template, &options.tls)).transpose();
    let http = http.map_err(LiveError::Other)?;
    let counting = cache.counting();
    let connections = options.connections * client.nodes as usize;
    let beside = Beside::of(&strategy, &client);
    let ready =
        ready(scenario, plan, counting, connections, (trace.objects(), beside), options, progress).await;
    let Ready { spawned, link, holders, first, work, changed, mut warnings } = match ready {
        Ok(ready) => ready,
        Err(Unready::Stopped) => return Ok(LiveCell::not_played(*plan)),
        Err(Unready::Why(why)) => return Err(LiveError::Other(why)),
    };
    if let Some(counting) = counting.filter(|counting| counting.clients != connections) {
        warnings.push(format!(
            "the run has {connections} connections and the scenario's memory model counts {}; each takes up to 38 KB, and more after \
             large values: write memory = {{ model = \"redis\", clients = {connections} }}",
            counting.clients
        ));
    }
    let setting = Setting {
        window,
        bucket,
        classes: trace.objects().classes().len(),
        median_fetch_time: origin.median_time(),
        servers: origin.servers(),
        changes: origin.ever_changes() && http.is_none(),
        deadlines: strategy.deadlines,
        freshness_bound,
    };
    strategy.ttl.log(bucket, setting.classes);
    // What is in use at the beginning is told with the bytes of connections, which the server must have counted.
    let clock = Clock::beginning_in(PAUSE.max(counts_within(scenario, &first)), options.speed);
    let policy = scenario.cache.evictions[plan.eviction].name();
    let second = SimDuration::from_secs_f64(options.speed);
    let jobs = strategy.refresh.most_jobs(trace.objects().len(), second);
    let (fetch, patience) = (setting.median_fetch_time, client.timeout);
    let player = Player::new(Parts {
        trace: Arc::clone(trace),
        client,
        clock,
        window,
        link,
        prefix: options.prefix().to_owned(),
        rate: options.limits.rate,
        planned_rate: peak(trace, options.speed) + jobs as f64,
        strategy,
        origin,
        http,
        recorder: Recorder::new(&setting).of_parties(trace),
        seed,
    });
    let (before, sections) = work;
    let questions = Questions::of(window, bucket, clock, sections);
    let own_limit = if options.sets_the_limit() { None } else { own_limit(plan, policy, &first) };
    let memory_count = match first.counts_otherwise() {
        None => MemoryCount::AsModelled,
        Some(_) => MemoryCount::Otherwise,
    };
    let server = first.version;
    sleep_until(Instant::from_std(clock.began())).await;
    let mut watch = match look(&player, SimTime::ZERO, None).await {
        Ok(first) => Some(Watch::begin(window, bucket, first, before)),
        Err(what) => {
            player.give_up(what);
            None
        }
    };
    let stopped = match &mut watch {
        // What is still under way when the run is over ends with its tasks.
        Some(watch) => {
            LocalSet::new().run_until(play(&player, trace, clock, questions, watch, progress)).await
        }
        None => false,
    };
    let broken = player.broken();
    warnings.extend(watch.iter().flat_map(Watch::warnings).cloned());
    warnings.extend(player.remarks());
    warnings.extend(player.fills().remark());
    // A server that went away, or that nobody waits for any more, is not asked.
    if let Some(watch) = watch.as_ref().filter(|_| broken.is_none() && !stopped) {
        let stalls = stalls(player.link(), holders.nodes(), watch.began_us());
        warnings.extend(timeout(SETTLE, stalls).await.ok().flatten());
    }
    // What cannot be removed or put back is told, whatever else went wrong.
    let (left, gone) = match spawned {
        None => leave(&player, options, &holders, changed, first.keys).await,
        Some(_) => (Vec::new(), None),
    };
    owed::settled();
    let is_tidy = left.is_empty();
    warnings.extend(left.into_iter().chain(gone));
    let (late, gets) = player.pace();
    let pace = Pace {
        late_s: seconds(&late),
        get_s: seconds(&gets),
        p999_s: [&late, &gets].map(|nanos| nanos.value_at_quantile(0.999) as f64 / 1e9),
        overdue_s: [0.99, 0.999].map(|within| player.overdue_s(within)),
        most_under_way: player.most_under_way(),
        clock_phase_ms: watch.as_ref().map_or(0, Watch::clock_phase_ms),
        fills: player.fills(),
        lock_reads: player.lock_reads(),
        memory_count,
        served: watch.as_ref().and_then(Watch::served),
        shown: watch.as_ref().map(Watch::shown),
        look_s: watch.as_ref().map_or(0.0, |watch| watch.spacing().as_secs_f64()),
        clock_stepped: watch.as_ref().is_some_and(Watch::clock_stepped),
        counters_reset: watch.as_ref().is_some_and(Watch::counters_reset),
        real_origin: options.origin.is_some(),
        speed: options.speed,
        shortest: shortest([
            (options.origin.is_none().then_some(fetch), "the median time of a fetch"),
            (patience, "the timeout of [client]"),
            (player.short_ttl(), "the TTL that three of four values had at least"),
        ]),
        looked_again: player.looked_again(),
        before: watch.as_ref().and_then(Watch::before).map(|bytes| Before {
            bytes,
            keys: first.keys,
            kinds: before.kinds(),
            just_started: options.target == Target::Spawn,
        }),
    };
    let worked = watch.as_ref().map(Watch::worked).unwrap_or_default();
    let result = match (broken, watch) {
        (Some(what), _) => Err(Failure::Broken(what)),
        (None, Some(watch)) if !stopped => Ok(finished(player, &watch, window, &mut warnings)),
        (None, _) => Err(Failure::Stopped),
    };
    if let Ok(measured) = &result {
        warnings.extend(doubts(scenario, plan, measured, &pace, options.speed));
    }
    Ok(LiveCell { plan: *plan, result, pace: Some(pace), worked, server, own_limit, warnings, is_tidy })
}

/// How long to wait until the server has counted all of its connections, at the `hz` that it told or was given since.
fn counts_within(scenario: &Scenario, first: &Info) -> Duration {
    let given = u64::from(scenario.cache.server.unwrap_or_default().hz);
    first.counts_within(if first.hz > 0 { given.min(first.hz) } else { given })
}

/// The limit of a server that is left as it is, where it is not the one that the cell wants.
fn own_limit(plan: &CellPlan, wanted: &str, info: &Info) -> Option<OwnLimit> {
    let own = Some(info.maxmemory).filter(|limit| *limit > 0);
    let is_same = match (plan.capacity, own) {
        // In a cluster each has its part, less what does not divide.
        (Capacity::Bytes(limit), Some(own)) => {
            limit.abs_diff(own) < PARTS && (info.policy.is_empty() || info.policy == wanted)
        }
        (Capacity::Unbounded | Capacity::Objects(_), None) => true,
        _ => false,
    };
    (!is_same).then(|| OwnLimit { bytes: own, policy: info.policy.clone() })
}

/// What was measured in a run that came to its end, when nothing of it is under way any more.
fn finished(player: Rc<Player>, watch: &Watch, window: Window, warnings: &mut Vec<String>) -> Measurements {
    let unfinished = player.under_way();
    if unfinished > 0 {
        warnings.push(format!(
            "{unfinished} requests had no outcome when waiting for them was given up: no figure counts them, so waits look shorter \
             than they are"
        ));
    }
    let mut state = player.into_state();
    if state.ledger.strange() > 0 {
        warnings.push(format!(
            "{} values that came back were written by somebody else: the run was not alone under its prefix",
            state.ledger.strange()
        ));
    }
    let mut recorder = state.recorder;
    Observer::steered(&mut recorder, state.strategy.ttl.trajectories(window.until));
    recorder.finish(&watch.account())
}

/// Removes what the run has written and puts settings back, once nothing of it is under way; what is left, in sentences, and
/// another one where keys of others are gone, of which there were so many.
async fn leave(
    player: &Player,
    options: &Options,
    holders: &Holders,
    changed: config::Changed,
    others: u64,
) -> (Vec<String>, Option<String>) {
    let keys = player.written_keys();
    // A write that was sent must not come after the removal.
    let settled = player.link().settle(SETTLE).await;
    let own = settled.is_ok().then(|| player.link());
    let mut left = tidy(options, own, holders, &keys, changed).await;
    if left.is_empty()
        && let Err(fault) = settled
    {
        left.push(format!(
            "keys of this run may still come to be on the server ({fault}); remove those that begin with \"{}\"",
            options.prefix()
        ));
    }
    let gone = gone(options, own, holders, others, left.is_empty()).await;
    (left, gone)
}

/// Looks at the server at an instant of the run, and asks for these sections of its own work.
async fn look(player: &Player, at: SimTime, work: Option<Sections>) -> Result<Look, String> {
    let said = |fault: Fault| format!("{fault}, {:.1} s into the run", at.as_secs_f64());
    let asked = std::time::Instant::now();
    let (info, _) = Info::ask(player.link()).await.map_err(said)?;
    let (seen, took) = (std::time::Instant::now(), asked.elapsed());
    // Afterwards, so that no answer but its own lies on the server when it tells its memory.
    let work = match work {
        Some(sections) => match Work::ask(player.link(), sections).await {
            // What it tells no more is unknown, and no reason to end the run.
            Err(Fault::Refused(_) | Fault::Forbidden(_)) => None,
            told => Some(told.map_err(said)?),
        },
        None => None,
    };
    Ok(Look { at, seen, took, info, work })
}

/// Plays the trace to its end, with looks at the server; whether it was stopped before.
async fn play(
    player: &Rc<Player>,
    trace: &Arc<Trace>,
    clock: Clock,
    questions: Questions,
    watch: &mut Watch,
    progress: &dyn Progress,
) -> bool {
    let window = questions.window;
    let (pacer, mut due) = Pacer::start(Arc::clone(trace), clock, window.until);
    player.begin_jobs();
    let end = Instant::from_std(clock.instant(window.until));
    let every = (clock.real(watch.bucket()) / 4).clamp(LOOK[1], LOOK[0]);
    let looks = tokio::task::spawn_local(looks(Rc::clone(player), clock, questions, every));
    let mut stopped = false;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told = 0;
    loop {
        tokio::select! {
            biased;
            batch = due.recv() => match batch {
                Some(batch) => {
                    told += batch.len() as u64;
                    player.begin_all(batch);
                }
                None => break,
            },
            _ = tick.tick() => {
                progress.advanced(std::mem::take(&mut told));
                stopped = progress.stop();
            }
        }
        if player.under_way() > UNDER_WAY {
            player.give_up(overrun(seconds(&player.pace().0), player.unanswered()));
        }
        if stopped || player.broken().is_some() {
            break;
        }
    }
    progress.advanced(told);
    pacer.stop();
    while !stopped && player.broken().is_none() && Instant::now() < end {
        sleep_until(end.min(Instant::now() + TICK)).await;
        stopped = progress.stop();
    }
    if stopped || player.broken().is_some() {
        player.stop();
    }
    drain(player, clock, progress).await;
    // One that a server still owes to a run that nobody waits for any more is of no use.
    let patience = if player.is_stopped() { SOON } else { Duration::MAX };
    let seen = timeout(patience, looks).await.ok().and_then(Result::ok).unwrap_or_default();
    // Looks in their order; the last one is that of the end.
    for look in seen {
        if let Some(what) = watch.look(look) {
            player.give_up(what);
        }
    }
    stopped
}

/// Waits for requests that have no outcome yet, and for what is done behind their backs: as long as one thing ends after
/// the other, or will by the plan of the origin's model; after an interruption no longer than a moment.
async fn drain(player: &Rc<Player>, clock: Clock, progress: &dyn Progress) {
    // One holder is the runner, the others are its looks and what is under way.
    let left = || (player.under_way(), Rc::strong_count(player));
    let (mut last, mut changed, mut end) = (left(), Instant::now(), None);
    while last.0 > 0 || last.1 > 1 {
        let now = Instant::now();
        if player.is_stopped() || progress.stop() {
            end.get_or_insert(now + SOON);
        }
        let planned = Instant::from_std(clock.instant(player.planned()));
        if now > end.unwrap_or(changed.max(planned) + DRAIN) {
            return;
        }
        sleep(Duration::from_millis(2)).await;
        if left() != last {
            (last, changed) = (left(), Instant::now());
        }
    }
}

/// Looks at the server until the run is over: at regular times, where the scored part begins, and at the end.
async fn looks(player: Rc<Player>, clock: Clock, questions: Questions, every: Duration) -> Vec<Look> {
    let Questions { sections, window, .. } = questions;
    let mut seen = Vec::new();
    let mut asked = SimTime::ZERO;
    let step = clock.virtual_span(every);
    let mut next = SimTime::ZERO + step;
    loop {
        let border = [window.from, window.until].into_iter().find(|border| {
            seen.last().is_none_or(|look: &Look| look.at < *border)
                && *border <= next
                && *border > SimTime::ZERO
        });
        let at = border.unwrap_or(next);
        if at == next {
            next += step;
        }
        sleep_until(Instant::from_std(clock.instant(at))).await;
        if player.is_stopped() {
            return seen;
        }
        let is_due = questions.is_due(at, asked);
        match look(&player, at, is_due.then_some(sections)).await {
            Ok(look) => seen.push(look),
            Err(what) => {
                player.give_up(what);
                return seen;
            }
        }
        if is_due {
            asked = at;
        }
        if at >= window.until {
            return seen;
        }
        next = next.max(clock.now());
    }
}

/// The shortest of these that takes any time.
pub(super) fn shortest<const N: usize>(
    timed: [(Option<SimDuration>, &'static str); N],
) -> Option<(&'static str, SimDuration)> {
    let timed =
        timed.into_iter().filter_map(|(span, what)| Some((what, span.filter(|span| !span.is_zero())?)));
    timed.min_by_key(|(_, span)| *span)
}

/// Median, 99th percentile and the most, in seconds.
fn seconds(nanos: &Histogram<u64>) -> [f64; 3] {
    [nanos.value_at_quantile(0.5), nanos.value_at_quantile(0.99), nanos.max()].map(|nanos| nanos as f64 / 1e9)
}

/// Why more requests wait than can be waited for: by how late they were started, and how many wait for the server.
fn overrun([_, late, worst]: [f64; 3], unanswered: u64) -> String {
    if late > LATE.as_secs_f64() {
        return format!(
            "client-limited: the harness could not start requests in time (up to {:.0} ms late) and {UNDER_WAY} of them wait; play \
             the trace slower",
            worst * 1e3
        );
    }
    if unanswered < UNDER_WAY / 2 {
        return format!(
            "more than {UNDER_WAY} requests wait at once, and all but {unanswered} of them for the origin or for each other, not for \
             the server; play the trace slower, or give the origin more servers, a shorter queue or less latency"
        );
    }
    format!(
        "the server cannot keep up: more than {UNDER_WAY} requests wait for an answer; play the trace slower"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_not_the_scenarios_is_known() {
        let own = |capacity, maxmemory, policy: &str| {
            let plan = CellPlan { strategy: 0, eviction: 0, capacity };
            let info = Info { maxmemory, policy: policy.to_owned(), ..Info::default() };
            own_limit(&plan, "allkeys-lru", &info).map(|own| own.bytes)
        };
        let limited = Capacity::Bytes(8_000_000);
        assert_eq!(
            (own(limited, 8_000_000, "allkeys-lru"), own(limited, 7_999_998, "allkeys-lru")),
            (None, None)
        );
        assert_eq!(own(limited, 3_000_000, "allkeys-lru"), Some(Some(3_000_000)));
        assert_eq!(own(limited, 8_000_000, "noeviction"), Some(Some(8_000_000)));
        assert_eq!(own(limited, 0, "allkeys-lru"), Some(None), "it has none");
        assert_eq!(own(Capacity::Unbounded, 0, "noeviction"), None);
        assert_eq!(own(Capacity::Unbounded, 5, "noeviction"), Some(Some(5)));
    }

    #[test]
    fn who_is_to_blame_for_too_many_requests_is_told_apart() {
        let late = [0.001, 0.5, 0.9];
        assert!(overrun(late, UNDER_WAY).starts_with("client-limited"), "they wait for the harness");
        assert!(overrun([0.0; 3], UNDER_WAY).starts_with("the server cannot keep up"));
        let origin = overrun([0.0; 3], 12);
        assert!(
            origin.contains("all but 12 of them for the origin") && !origin.contains("cannot keep up"),
            "{origin}"
        );
    }
}
