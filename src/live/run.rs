//! One cell after the other: the server is found or started, the trace played, the keys removed.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::{Instant, sleep, sleep_until};

use super::clock::Clock;
use super::link::{Address, Link};
use super::origin::Http;
use super::pace::Pacer;
use super::play::{Parts, Player};
use super::server::{Info, Look, Spawned, Watch, Work, config};
use super::{LiveCell, LiveError, Options, Pace, Target};
use crate::cache::Capacity;
use crate::cache::memory::Counting;
use crate::engine::Simulation;
use crate::metrics::{Recorder, Setting};
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::tune::{self, CellPlan, Failure, Progress};
use crate::units::{SimTime, Window};

/// Time between making everything ready and the first request.
const PAUSE: Duration = Duration::from_millis(200);

/// Time between two looks at the server.
const LOOK: Duration = Duration::from_millis(200);

/// Time between two looks at whether the user wants to stop.
const TICK: Duration = Duration::from_millis(20);

/// How long requests may take to end after the last instant of the run.
const DRAIN: Duration = Duration::from_secs(30);

/// More requests without an answer than this: it will not get better.
const UNDER_WAY: u64 = 50_000;

/// From here on the harness is too slow to say anything about the server.
const LATE: Duration = Duration::from_millis(10);

/// Keys in one UNLINK.
const CHUNK: usize = 500;

/// A server that is ready, and what was done to it.
struct Ready {
    /// Stopped when it is dropped.
    spawned: Option<Spawned>,
    link: Link,
    first: Info,
    /// What it has worked before.
    work: Work,
    changed: config::Changed,
    warnings: Vec<String>,
}

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
        played.push(cell(scenario, plan, trace, options, progress).await?);
        progress.run_done();
    }
    Ok(played)
}

impl LiveCell {
    fn not_played(plan: CellPlan) -> Self {
        Self { plan, result: Err(Failure::Stopped), pace: None, server: String::new(), warnings: Vec::new() }
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
    let Ready { spawned, link, first, work, changed, mut warnings } =
        ready(scenario, plan, counting, connections, options).await.map_err(LiveError::Other)?;
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
    let clock = Clock::beginning_in(PAUSE, options.speed);
    let player = Player::new(Parts {
        trace: Arc::clone(trace),
        client,
        clock,
        until: window.until,
        link,
        prefix: options.prefix().to_owned(),
        strategy,
        origin,
        http,
        recorder: Recorder::new(&setting).of_parties(trace),
        seed,
    });
    let server = first.version.clone();
    sleep_until(Instant::from_std(clock.began())).await;
    let asked = std::time::Instant::now();
    let first = look(&player).await.map_err(LiveError::Other)?;
    let phase_us = first.clock_us % 60_000_000;
    let first =
        Look { at: SimTime::ZERO, seen: std::time::Instant::now(), took: asked.elapsed(), info: first };
    let mut watch = Watch::begin(window, bucket, first);
    let stopped = play(&player, trace, clock, window, &mut watch, progress).await;
    let broken = player.broken();
    warnings.extend(watch.warnings().iter().cloned());
    warnings.extend(player.remarks());
    // A server that went away, or that nobody waits for any more, is not asked.
    let served = if broken.is_some() || stopped {
        None
    } else {
        Work::ask(player.link()).await.ok().map(|now| now.since(&work))
    };
    // What cannot be removed or put back is told, whatever else went wrong.
    if spawned.is_none() {
        warnings.extend(clean_up(&player, broken.is_some()).await.err());
        warnings.extend(changed.restore(player.link()).await.err().map(|fault| {
            format!("the server's settings could not be put back: {fault}; look at CONFIG GET maxmemory*")
        }));
    }
    let (late, gets) = player.pace();
    let pace = Pace {
        late_s: seconds(&late),
        get_s: seconds(&gets),
        most_under_way: player.most_under_way(),
        clock_phase_ms: u32::try_from(phase_us / 1_000).unwrap_or(0),
        written_bytes: player.sent_bytes(),
        served,
    };
    let result = match (broken, stopped) {
        (Some(what), _) => Err(Failure::Broken(what)),
        (None, true) => Err(Failure::Stopped),
        (None, false) => match player.into_state() {
            None => Err(Failure::Broken("some requests never ended".to_owned())),
            Some(mut state) => {
                if state.ledger.strange() > 0 {
                    warnings.push(format!(
                        "{} values that came back were written by somebody else: the run was not alone under its prefix",
                        state.ledger.strange()
                    ));
                }
                let mut recorder = state.recorder;
                crate::metrics::Observer::steered(
                    &mut recorder,
                    state.strategy.ttl.trajectories(window.until),
                );
                Ok(recorder.finish(&watch.account()))
            }
        },
    };
    if let Ok(measured) = &result {
        warnings.extend(doubts(scenario, plan, measured, &pace, options.speed));
    }
    Ok(LiveCell { plan: *plan, result, pace: Some(pace), server, warnings })
}

/// Finds or starts the server, and looks whether it may be used.
async fn ready(
    scenario: &Scenario,
    plan: &CellPlan,
    counting: Option<Counting>,
    connections: usize,
    options: &Options,
) -> Result<Ready, String> {
    let said = |fault: super::link::Fault| fault.to_string();
    let wanted = |servers| config::wanted(scenario, plan, counting, servers);
    let spawned = match &options.target {
        Target::Spawn => Some(Spawned::start(&wanted(1))?),
        Target::Url(_) | Target::Cluster(_) => None,
    };
    let link = open(spawned.as_ref(), options, connections).await?;
    let (first, nodes) = Info::ask(&link).await.map_err(said)?;
    if let Some(server) = &spawned
        && first.process != u64::from(server.process())
    {
        return Err("somebody else answers at the port of the server that was started; try again".to_owned());
    }
    usable(&first, options)?;
    // Before anything is changed, which a failure would leave so.
    let work = Work::ask(&link).await.map_err(said)?;
    let (mut changed, mut warnings) = (config::Changed::default(), Vec::new());
    if spawned.is_none() {
        let wanted = wanted(nodes.len() as u64);
        if options.configure {
            changed = config::Changed::set(&link, &nodes, &wanted).await.map_err(said)?;
        } else {
            warnings = config::differences(&link, &nodes, &wanted).await.map_err(said)?;
        }
        if first.keys > 0 {
            warnings
                .push(format!("the server held {} keys of others, whose memory is counted too", first.keys));
        }
    }
    Ok(Ready { spawned, link, first, work, changed, warnings })
}

/// Opens connections to the server that was started, or to the one that is named.
pub(super) async fn open(
    spawned: Option<&Spawned>,
    options: &Options,
    connections: usize,
) -> Result<Link, String> {
    let own = spawned.map(Spawned::url).unwrap_or_default();
    let address = match &options.target {
        Target::Spawn => Address { url: &own, is_cluster: false },
        Target::Url(url) => Address { url, is_cluster: false },
        Target::Cluster(url) => Address { url, is_cluster: true },
    };
    Link::open(address, &options.tls, connections).await.map_err(|fault| fault.to_string())
}

/// Whether a server may be written to.
pub(super) fn usable(first: &Info, options: &Options) -> Result<(), String> {
    if first.is_replica {
        return Err("the server is a replica and takes no writes; name its primary instead".to_owned());
    }
    if first.is_cluster && !matches!(options.target, Target::Cluster(_)) {
        return Err(
            "the server is a node of a cluster; say --cluster, or name a server of its own".to_owned()
        );
    }
    if first.keys > 0 && !options.allow_nonempty {
        return Err(format!(
            "the server holds {} keys; name an empty one, or say --allow-nonempty: keys of the run begin with \"{}\", but what it \
             writes may push others out",
            first.keys, options.prefix
        ));
    }
    Ok(())
}

async fn look(player: &Player) -> Result<Info, String> {
    Info::ask(player.link()).await.map(|(info, _)| info).map_err(|fault| fault.to_string())
}

/// Plays the trace to its end, with looks at the server; whether it was stopped before.
async fn play(
    player: &Rc<Player>,
    trace: &Arc<Trace>,
    clock: Clock,
    window: Window,
    watch: &mut Watch,
    progress: &dyn Progress,
) -> bool {
    let (pacer, mut due) = Pacer::start(Arc::clone(trace), clock, window.until);
    player.begin_jobs();
    let end = Instant::from_std(clock.instant(window.until));
    let looks = tokio::task::spawn_local(looks(Rc::clone(player), clock, window));
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
            player.give_up(overrun(seconds(&player.pace().0)));
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
    drain(player, stopped).await;
    // Looks in their order; the last one is that of the end.
    for look in looks.await.unwrap_or_default() {
        if let Some(what) = watch.look(look) {
            player.give_up(what);
        }
    }
    stopped
}

/// Waits for requests that have no outcome yet, and for what is done behind their backs.
async fn drain(player: &Rc<Player>, stopped: bool) {
    let patience = if stopped || player.broken().is_some() { Duration::from_secs(1) } else { DRAIN };
    let end = Instant::now() + patience;
    // One holder is the runner, the other one its looks.
    while (player.under_way() > 0 || Rc::strong_count(player) > 1) && Instant::now() < end {
        sleep(Duration::from_millis(2)).await;
    }
}

/// Looks at the server until the run is over: at regular times, where the scored part begins, and at the end.
async fn looks(player: Rc<Player>, clock: Clock, window: Window) -> Vec<Look> {
    let mut seen = Vec::new();
    let step = clock.virtual_span(LOOK);
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
        let asked = std::time::Instant::now();
        match look(&player).await {
            Ok(info) => {
                seen.push(Look { at, seen: std::time::Instant::now(), took: asked.elapsed(), info });
            }
            Err(what) => {
                player.give_up(what);
                return seen;
            }
        }
        if at >= window.until {
            return seen;
        }
        next = next.max(clock.now());
    }
}

/// Removes every key of the run. What is left, if something is, in a sentence.
async fn clean_up(player: &Player, is_broken: bool) -> Result<(), String> {
    let keys = player.written_keys();
    for chunk in keys.chunks(CHUNK) {
        if let Err(fault) = player.link().unlink(chunk).await {
            let prefix = player.prefix();
            let why = if is_broken { String::new() } else { format!(" ({fault})") };
            return Err(format!(
                "keys of this run may still be on the server{why}; remove those that begin with \"{prefix}\""
            ));
        }
    }
    Ok(())
}

/// Median, 99th percentile and the most, in seconds.
fn seconds(nanos: &Histogram<u64>) -> [f64; 3] {
    [nanos.value_at_quantile(0.5), nanos.value_at_quantile(0.99), nanos.max()].map(|nanos| nanos as f64 / 1e9)
}

/// Why more requests wait than can be waited for, by how late they were started.
fn overrun([_, late, worst]: [f64; 3]) -> String {
    if late > LATE.as_secs_f64() {
        return format!(
            "client-limited: the harness could not start requests in time (up to {:.0} ms late) and {UNDER_WAY} of them wait; play \
             the trace slower",
            worst * 1e3
        );
    }
    format!(
        "the server cannot keep up: more than {UNDER_WAY} requests wait for an answer; play the trace slower"
    )
}

/// What makes the figures of a run worth less than they look.
fn doubts(
    scenario: &Scenario,
    plan: &CellPlan,
    measured: &crate::metrics::Measurements,
    pace: &Pace,
    speed: f64,
) -> Vec<String> {
    let mut doubts = Vec::new();
    let [_, late, worst] = pace.late_s;
    if late > LATE.as_secs_f64() {
        doubts.push(format!(
            "client-limited: one request in a hundred was started more than {:.0} ms late (the worst {:.0} ms), because the harness \
             could not keep up; waits say how fast it is, not the server. Play it slower, or on a quieter machine",
            late * 1e3,
            worst * 1e3
        ));
    }
    let policy = scenario.cache.evictions[plan.eviction].name();
    let seconds = measured.scored.as_secs_f64() / speed;
    if policy.ends_with("-lru") && plan.capacity != Capacity::Unbounded && measured.evicted > 0 {
        let stay = measured.memory.mean_entries * seconds / measured.evicted as f64;
        if stay < 10.0 {
            doubts.push(format!(
                "keys stayed for {stay:.1} s on average before they were evicted, and the server's LRU clock has steps of 1 s: what \
                 it evicts is closer to random than in production. {}",
                if speed > 1.0 { "Play it with a lower --speed" } else { "Give it more memory, or a longer trace" }
            ));
        }
    }
    if speed > 1.0 {
        doubts.push(format!(
            "played {speed} times faster than recorded: TTLs, fetches and patience are as much shorter, but the server's own clocks \
             (1 s of LRU, 1 min of LFU, hz) are not, and waits are told in the trace's time, {speed} times the real ones"
        ));
    }
    doubts
}
