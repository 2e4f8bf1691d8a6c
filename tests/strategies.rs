//! What strategies cost and do, on traces small enough to be counted by hand.

use std::sync::Arc;

use ttlab::metrics::{Measurements, OutcomeKind};
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::{ClassId, Event, Fact, Happening, Keys, ObjectId, Objects, Trace};
use ttlab::tune::{self, Runs};
use ttlab::units::{SimDuration, SimTime};

/// A scenario of one strategy; the workload is there for its class alone where a trace is given.
fn scenario(strategy: &str, sections: &str) -> Scenario {
    let text = format!(
        "name = \"small\"\n[workload]\nduration = \"20m\"\nrate = \"20/s\"\n[[workload.class]]\nname = \"all\"\n\
         objects = 40\nsize = {{ model = \"constant\", value = \"1010B\" }}\n[[strategy]]\nname = \"s\"\n{strategy}\n{sections}\n"
    );
    Scenario::parse(&text, "small.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn play(scenario: &Scenario, runs: &Runs) -> Measurements {
    let played = tune::run(scenario, &tune::grid(scenario), runs, &())
        .unwrap_or_else(|fault| panic!("{}", fault.what));
    played.cells.into_iter().next().expect("a cell").replications.remove(0).expect("it runs")
}

/// Plays the scenario's own workload.
fn played(strategy: &str, sections: &str) -> Measurements {
    let scenario = scenario(strategy, sections);
    let Source::Synthetic(workload) = &scenario.source else { unreachable!("it has a [workload]") };
    play(&scenario, &Runs::Synthetic(Arc::clone(workload)))
}

const CONSTANT: &str = "[origin]\nlatency = { model = \"constant\", value = \"100ms\" }";

/// One object, asked for at these milliseconds of so many seconds.
fn asked_at(millis: &[u64], span: u64, scenario: &Scenario) -> Measurements {
    let at = |millis: &u64| SimTime::ZERO + SimDuration::from_millis(*millis);
    let fact = Fact { size: 1_000, class: ClassId::new(0), size_is_imputed: false };
    let objects = Objects::new(vec![fact], Keys::Numbered, vec!["all".to_owned()]);
    let ids = vec![ObjectId::new(0); millis.len()];
    let trace = Trace::new(millis.iter().map(at).collect(), ids, objects, SimDuration::from_secs(span));
    play(scenario, &Runs::Recorded(Arc::new(trace)))
}

/// Commands and round trips of a miss and of the hit after it, for one object.
fn costs(strategy: &str) -> [(u64, u64); 2] {
    let of = |seconds: &[u64]| {
        let millis: Vec<u64> = seconds.iter().map(|second| 1_000 * second).collect();
        let run = asked_at(&millis, 5, &scenario(strategy, CONSTANT));
        let sent = run.commands;
        let commands =
            sent.get + sent.set + sent.expire + sent.del + sent.lock + sent.zadd + sent.sweep + sent.deadline;
        (commands, sent.round_trips)
    };
    let (miss, both) = (of(&[1]), of(&[1, 3]));
    [miss, (both.0 - miss.0, both.1 - miss.1)]
}

#[test]
fn every_strategy_sends_the_commands_of_its_recipe() {
    let ttl = "ttl = { rule = \"fixed\", ttl = \"1h\" }\n";
    let stale = |how: &str| {
        format!(
            "{ttl}refresh = {{ policy = \"stale-while-revalidate\", window = \"5m\" }}\nsoft_expiry = \"{how}\""
        )
    };
    let with = |more: &str| format!("{ttl}{more}");
    for (name, strategy, miss, hit) in [
        ("GET; GET and SETEX", with(""), (2, 2), (1, 1)),
        ("GET and EXPIRE", "ttl = { rule = \"sliding\", idle = \"1h\" }".to_owned(), (2, 2), (2, 2)),
        ("the deadline in the value", stale("envelope"), (2, 2), (1, 1)),
        ("GET with PTTL", stale("pttl"), (3, 2), (2, 1)),
        ("a second key", stale("sidecar"), (4, 2), (2, 1)),
        ("SET NX PX and compare-and-delete", with("guard = \"lock\""), (4, 4), (1, 1)),
        ("a token", with("guard = \"lease\""), (3, 3), (1, 1)),
        (
            "ZADD and EXPIRE at every access",
            with("sweep = { policy = \"zset-sweep\", limit_entries = 10 }"),
            (4, 3),
            (3, 2),
        ),
        (
            "no EXPIRE after SETEX",
            with("sweep = { policy = \"zset-sweep\", limit_entries = 10, lean = true }"),
            (3, 3),
            (3, 2),
        ),
    ] {
        assert_eq!(costs(&strategy), [miss, hit], "{name}: miss, hit (commands, round trips)");
    }
}

#[test]
fn a_deadline_in_the_value_takes_room_where_more_than_images_is_counted() {
    // Without the histogram that a server keeps of each kind of command, PTTL among them.
    let redis = "{ model = \"redis\", latency_tracking = false }";
    let held = |how: &str, memory: &str| {
        let memory = if memory == "redis" { redis.to_owned() } else { format!("\"{memory}\"") };
        let strategy = format!(
            "ttl = {{ rule = \"fixed\", ttl = \"1h\" }}\nrefresh = \"stale-while-revalidate\"\nsoft_expiry = \"{how}\""
        );
        played(&strategy, &format!("{CONSTANT}\n[cache]\nmemory = {memory}")).memory.final_bytes
    };
    assert_eq!(held("envelope", "payload"), held("pttl", "payload"), "images alone");
    // 16 bytes lead each of the 40 values of 1010 bytes past 1024, to the allocator's next class.
    let more = held("envelope", "redis").saturating_sub(held("pttl", "redis"));
    assert!(more >= 40 * 16, "{more}");
    // A second key takes a header, a place in both hash tables, its name and 8 bytes, each rounded up.
    let more = held("sidecar", "redis").saturating_sub(held("pttl", "redis"));
    assert!((40 * 100..=40 * 200).contains(&more), "{more}");
    assert_eq!(held("sidecar", "payload"), held("pttl", "payload"), "images alone");
}

#[test]
fn a_refresh_that_the_guard_refuses_is_asked_for_again() {
    // A token is given at 1 s, and the next one after 8 s; half of the TTL is over at 6.1 s.
    let lease = "ttl = { rule = \"fixed\", ttl = \"10s\" }\nrefresh = { policy = \"refresh-ahead\", f = 0.5 }\n\
                 guard = { policy = \"lease\", token_interval = \"7s\" }";
    let run = |millis: &[u64]| asked_at(millis, 20, &scenario(lease, CONSTANT)).origin.refreshes;
    assert_eq!(run(&[1_000, 7_000]), 0, "there is no token yet");
    assert_eq!(run(&[1_000, 7_000, 9_000, 10_000]), 1, "the next reads ask again, and one of them gets it");
}

#[test]
fn the_set_of_a_sweep_is_memory_of_the_server_and_counts_against_its_limit() {
    let run = |sweep: &str, cache: &str| {
        let text = format!(
            "name = \"small\"\n[workload]\nduration = \"5m\"\nrate = \"200/s\"\n[[workload.class]]\nname = \"all\"\n\
             objects = 2000\nsize = {{ model = \"constant\", value = \"100B\" }}\n[[strategy]]\nname = \"s\"\n\
             ttl = {{ rule = \"fixed\", ttl = \"1h\" }}\n{sweep}\n{CONSTANT}\n[cache]\n{cache}\n"
        );
        let scenario = Scenario::parse(&text, "small.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { unreachable!("it has a [workload]") };
        play(&scenario, &Runs::Synthetic(Arc::clone(workload)))
    };
    let sweep = "sweep = { policy = \"zset-sweep\", limit_entries = 5_000, period = \"10s\" }";
    // Without the histograms of ZADD and EXPIRE.
    let free = "memory = { model = \"redis\", latency_tracking = false }";
    let (without, with) = (run("", free), run(sweep, free));
    let set = with.memory.breakdown.expect("the model tells the parts").sorted_set;
    // 1000 and more members of some hundred bytes each.
    assert!((100_000..400_000).contains(&set), "{set}");
    assert_eq!(with.memory.final_bytes, without.memory.final_bytes + set);
    assert!(with.memory.peak_bytes >= without.memory.peak_bytes + set * 9 / 10);
    assert!(with.memory.mean_bytes > without.memory.mean_bytes + set as f64 / 2.0);
    let last = |run: &Measurements| run.series.buckets.last().expect("it has a series").live_mean_bytes;
    assert!(last(&with) > last(&without) + set as f64 * 0.9);
    // Room for the images, but not for the set as well.
    let limited = format!(
        "{free}\neviction = \"allkeys-lru\"\ncapacity = \"{}B\"",
        without.memory.peak_bytes + set / 4
    );
    assert_eq!(run("", &limited).evicted, 0);
    assert!(run(sweep, &limited).evicted > 0);
    // Where images alone are counted, the set is told beside them.
    let (without, with) = (run("", ""), run(sweep, ""));
    assert_eq!(with.memory.final_bytes, without.memory.final_bytes);
    assert!(with.sweeps.expect("it swept").peak_set_bytes > 0);
}

#[test]
fn uploads_that_warm_the_cache_leave_nothing_old_in_it() {
    let changes = format!("{CONSTANT}\nchanges = {{ model = \"poisson\", mean = \"2m\" }}");
    let run = |addons: &str| {
        played(
            &format!(
                "ttl = {{ rule = \"fixed\", ttl = \"1h\" }}\nrefresh = {{ policy = \"on-demand\", addons = [{addons}] }}"
            ),
            &changes,
        )
    };
    let current = |run: &Measurements| {
        let freshness = run.freshness.expect("images change");
        freshness.current as f64 / freshness.responses as f64
    };
    let (without, held, all) = (
        run(""),
        run("{ addon = \"warm-on-upload\", cover = \"held\" }"),
        run("{ addon = \"warm-on-upload\", cover = \"all\" }"),
    );
    // Without, the first version of an hour is served; with, the old one for the 100 ms of a fetch.
    assert!(current(&without) < 0.4 && current(&held) > 0.998, "{} {}", current(&without), current(&held));
    // 40 images change every two minutes for twenty: 400 uploads.
    assert!((320..=480).contains(&held.origin.refreshes), "{}", held.origin.refreshes);
    assert!(
        all.origin.refreshes >= held.origin.refreshes,
        "{} {}",
        all.origin.refreshes,
        held.origin.refreshes
    );
    assert!(
        all.totals.outcomes.of(OutcomeKind::Miss(ttlab::cache::Cause::Cold))
            <= held.totals.outcomes.of(OutcomeKind::Miss(ttlab::cache::Cause::Cold))
    );
}

#[test]
fn a_breaker_spares_an_origin_that_fails_and_finds_out_when_it_is_back() {
    let outage = format!("{CONSTANT}\nfaults = [{{ fault = \"outage\", at = \"5m\", lasts = \"5m\" }}]");
    let ttl = "ttl = { rule = \"fixed\", ttl = \"10s\" }\n";
    let (without, with) = (
        played(ttl, &outage),
        played(
            &format!("{ttl}client = {{ breaker = {{ errors = 5, within = \"10s\", open_for = \"10s\" }} }}"),
            &outage,
        ),
    );
    assert!(with.incidents.broken > 1_000 && without.incidents.broken == 0, "{:?}", with.incidents);
    // Five errors open it, and then one fetch is tried every ten seconds: 30 in five minutes.
    assert!(without.origin.failures > 1_000, "{}", without.origin.failures);
    assert!((30..=45).contains(&with.origin.failures), "{}", with.origin.failures);
    // The last bucket, long after the outage, has no error.
    let last = with.series.buckets.last().expect("a bucket");
    assert_eq!(last.outcomes.of(OutcomeKind::Error), 0);
}

#[test]
fn a_strategy_may_ask_in_its_own_way_and_the_effective_scenario_says_so() {
    let scenario =
        scenario("ttl = \"fixed\"\nclient = { retries = 2, timeout = \"2s\" }", "[client]\nnodes = 3");
    let design = &scenario.strategies[0];
    assert_eq!((design.client.nodes, design.client.retries), (3, 2));
    assert_eq!(scenario.client.retries, 0);
    let written = scenario.effective["strategy"][0]["client"].to_string();
    assert!(
        written.contains("retries = 2") && written.contains("2s") && !written.contains("nodes"),
        "{written}"
    );
}

#[test]
fn what_was_in_a_warm_cache_from_the_beginning_is_not_fetched_early() {
    let warm = format!("{CONSTANT}\n[cache]\nstart = \"warm\"");
    let run = played(
        "ttl = { rule = \"fixed\", ttl = \"1d\" }\nrefresh = { policy = \"xfetch\", beta = 10 }",
        &warm,
    );
    assert_eq!(run.origin.refreshes, 0, "nobody knows how long their fetches take");
}

/// The first request fetches until 2 s; the second is told to come back at 4.5 s, and finds a value that expired at 3 s.
/// A fetch that brings an image takes a second, and one that confirms it a tenth of that.
const CONFIRMED: &str = "[origin]\nlatency = { model = \"constant\", value = \"1s\" }\n\
                         changes = { model = \"poisson\", mean = \"3650d\" }";

#[test]
fn a_304_does_not_tell_how_long_an_image_takes_to_make() {
    let addon = "addons = [{ addon = \"conditional\", keep = \"1h\" }]";
    let learns = format!(
        "ttl = {{ rule = \"cost-proportional\", k = 10, min = \"1s\" }}\nrefresh = {{ policy = \"on-demand\", {addon} }}"
    );
    let hits = |millis: &[u64], strategy: &str| {
        let run = asked_at(millis, 5_000, &scenario(strategy, CONFIRMED));
        (run.totals.outcomes.of(OutcomeKind::FreshHit), run.origin.refreshes)
    };
    // Stored at 1 s for ten seconds, and confirmed at 12.1 s for as many.
    assert_eq!(hits(&[0, 12_000, 22_100], &learns), (1, 0));
    assert_eq!(hits(&[0, 12_000, 22_101], &learns), (0, 0));
    // Five seconds before each expiry a read fetches early with chance e^(-5 / 10), and e^(-5) by a tenth of a second.
    let early = format!(
        "ttl = {{ rule = \"fixed\", ttl = \"10s\" }}\nrefresh = {{ policy = \"xfetch\", beta = 10, {addon} }}"
    );
    let rounds = (1..=200).flat_map(|round: u64| [20_000 * round, 20_000 * round + 5_100]);
    let millis: Vec<u64> = std::iter::once(0).chain(rounds).collect();
    let (_, refreshes) = hits(&millis, &early);
    assert!((93..=149).contains(&refreshes), "121.3 are expected, with a deviation of 6.9: {refreshes}");
}

#[test]
fn who_finds_an_old_value_after_its_soft_timeout_is_served_then_and_not_before() {
    let strategy = "ttl = { rule = \"fixed\", ttl = \"1s\" }\n\
        guard = { policy = \"lease\", token_interval = \"1s\", wait = \"4s\" }\n\
        refresh = { policy = \"on-demand\", addons = [{ addon = \"stale-if-error\", window = \"10s\", soft_timeout = \"1s\" }] }";
    for patience in ["", "timeout = \"20s\""] {
        let origin =
            format!("[origin]\nlatency = {{ model = \"constant\", value = \"2s\" }}\n[client]\n{patience}");
        let run = asked_at(&[0, 500], 20, &scenario(strategy, &origin));
        assert_eq!(run.totals.outcomes.of(OutcomeKind::StaleHit), 1, "{patience}");
        let longest = run.latencies.all.max() as f64 / 1e9;
        assert!((longest - 4.0).abs() < 0.01, "{patience}: it waited {longest} s");
    }
}

#[test]
fn a_purge_voids_the_token_of_a_lease_and_no_other_guard_knows_of_it() {
    // The fetch lasts from 0 to 2 s; the key is purged at 1 s, and asked for again at 3 s.
    let kinds = |guard: &str| {
        let slow = "[origin]\nlatency = { model = \"constant\", value = \"2s\" }";
        let strategy = format!("ttl = {{ rule = \"fixed\", ttl = \"1h\" }}\nguard = {guard}");
        let fact = Fact { size: 1_000, class: ClassId::new(0), size_is_imputed: false };
        let objects = Objects::new(vec![fact], Keys::Numbered, vec!["all".to_owned()]);
        let at = [0, 3].map(|second| SimTime::ZERO + SimDuration::from_secs(second)).to_vec();
        let purge = Event {
            at: SimTime::ZERO + SimDuration::from_secs(1),
            object: ObjectId::new(0),
            what: Happening::Deleted,
            before: 1,
        };
        let trace = Trace::new(at, vec![ObjectId::new(0); 2], objects, SimDuration::from_secs(60))
            .with_events(vec![purge]);
        let run = play(&scenario(&strategy, slow), &Runs::Recorded(Arc::new(trace)));
        (run.totals.outcomes.of(OutcomeKind::FreshHit), run.origin.fetches)
    };
    assert_eq!(kinds("\"none\""), (1, 1), "SETEX comes after the DEL, and the value stays");
    assert_eq!(kinds("\"lock\""), (1, 1));
    assert_eq!(kinds("{ policy = \"lease\", token_interval = \"2s\" }"), (0, 2), "the value was not stored");
}

#[test]
fn a_timer_comes_at_eight_tenths_of_a_fixed_ttl_unless_told_otherwise() {
    let period = |refresh: &str| {
        let text = format!("ttl = {{ rule = \"fixed\", ttl = \"10m\" }}\nrefresh = {refresh}");
        scenario(&text, CONSTANT).strategies[0].refresh.duration_of("period")
    };
    assert_eq!(period("\"timer\""), Some(SimDuration::from_secs(480)));
    assert_eq!(period("{ policy = \"timer\", period = \"7m\" }"), Some(SimDuration::from_secs(420)));
    // 40 objects that are asked for all the time, each at its own place in the period: 20 minutes hold two and a half.
    let run = played("ttl = { rule = \"fixed\", ttl = \"10m\" }\nrefresh = \"timer\"", CONSTANT);
    assert!((88..=112).contains(&run.origin.refreshes), "{}", run.origin.refreshes);
}

/// Two sizes of one picture, the second asked for more often, uploaded after a minute.
#[test]
fn new_images_are_warmed_in_the_sizes_asked_for_most() {
    let fetched = |cover: &str, renditions: u8| {
        let strategy = format!(
            "ttl = {{ rule = \"fixed\", ttl = \"1h\" }}\nrefresh = {{ policy = \"on-demand\", \
             addons = [{{ addon = \"warm-on-upload\", cover = \"{cover}\", renditions = {renditions} }}] }}"
        );
        let text = format!(
            "name = \"small\"\n[workload]\nduration = \"1d\"\nrate = \"0.1/s\"\n[[workload.class]]\nname = \"all\"\n\
             objects = 100\nchurn = {{ new_per_day = 1 }}\nrenditions = [{{ share = 0.2 }}, {{ share = 0.7 }}, {{ share = 0.1 }}]\n\
             {CONSTANT}\nchanges = {{ model = \"poisson\", mean = \"1000d\" }}\n[[strategy]]\nname = \"s\"\n{strategy}\n"
        );
        let scenario = Scenario::parse(&text, "small.toml").unwrap_or_else(|error| panic!("{error}"));
        let Source::Synthetic(workload) = &scenario.source else { unreachable!("it has a [workload]") };
        let trace =
            Arc::new(ttlab::trace::synth::generate(workload, ttlab::random::Seed::new(scenario.seed).nth(0)));
        let new = trace.objects().uploads().len() as u64;
        assert!((180..=420).contains(&new), "a hundred pictures in three sizes: {new}");
        let run = play(&scenario, &Runs::Recorded(trace));
        (run.origin.refreshes, new / 3)
    };
    let (one, new) = fetched("new", 1);
    assert_eq!(one, new, "one size of each");
    let (two, new) = fetched("new", 2);
    assert_eq!(two, 2 * new);
    let (held, new) = fetched("held", 3);
    assert!(held < new / 4, "hardly anything changes: {held}");
}

#[test]
fn who_asks_for_what_is_fetched_after_its_upload_joins_that_fetch() {
    // Uploaded at 1 s and fetched then for 100 ms, although nobody has asked for it; asked for after half of that.
    let fact = Fact { size: 1_000, class: ClassId::new(0), size_is_imputed: false };
    let objects = Objects::new(vec![fact], Keys::Numbered, vec!["all".to_owned()]);
    let at = |millis| SimTime::ZERO + SimDuration::from_millis(millis);
    let upload = Event { at: at(1_000), object: ObjectId::new(0), what: Happening::Changed, before: 0 };
    let trace = Trace::new(vec![at(1_050)], vec![ObjectId::new(0)], objects, SimDuration::from_secs(5))
        .with_events(vec![upload]);
    let strategy = "ttl = { rule = \"fixed\", ttl = \"1h\" }\nguard = \"single-flight\"\n\
                    refresh = { policy = \"on-demand\", addons = [{ addon = \"warm-on-upload\", cover = \"all\" }] }";
    let changes = format!("{CONSTANT}\nchanges = {{ model = \"trace\" }}");
    let run = play(&scenario(strategy, &changes), &Runs::Recorded(Arc::new(trace)));
    assert_eq!(run.totals.outcomes.of(OutcomeKind::DelayedHit), 1);
    assert_eq!((run.origin.fetches, run.origin.refreshes), (1, 1));
}

/// Fetched at 0 s and confirmed from 13 s to 23 s; changed at 14 s, and the new version fetched from 15 s to 17 s.
#[test]
fn a_late_304_writes_its_own_body_where_the_deadline_is_inside_and_only_moves_the_deadline_elsewhere() {
    let at = |secs| SimTime::ZERO + SimDuration::from_secs(secs);
    let run = |strategy: &str, client: &str| {
        let fact = Fact { size: 1_000, class: ClassId::new(0), size_is_imputed: false };
        let objects = Objects::new(vec![fact], Keys::Numbered, vec!["all".to_owned()]);
        let change = Event { at: at(14), object: ObjectId::new(0), what: Happening::Changed, before: 2 };
        let trace = Trace::new(
            [0, 13, 15, 30].map(at).to_vec(),
            vec![ObjectId::new(0); 4],
            objects,
            SimDuration::from_secs(40),
        )
        .with_events(vec![change]);
        let strategy = format!(
            "ttl = {{ rule = \"fixed\", ttl = \"10s\" }}\n\
             refresh = {{ policy = \"on-demand\", addons = [{{ addon = \"conditional\", cost_304 = 1.0, keep = \"1h\" }}] }}\n{strategy}"
        );
        let sections = format!(
            "[origin]\nlatency = {{ model = \"constant\", value = \"2s\" }}\nchanges = {{ model = \"trace\" }}\n\
             faults = [{{ fault = \"slowdown\", at = \"12500ms\", lasts = \"1s\", factor = 5 }}]\n{client}"
        );
        let run = play(&scenario(&strategy, &sections), &Runs::Recorded(Arc::new(trace)));
        let hits = run.totals.outcomes.of(OutcomeKind::FreshHit);
        (hits, run.freshness.expect("the image changes").current, run.commands.set, run.commands.expire)
    };
    // The request at 30 s finds what was written or confirmed at 23 s; what was stored at 17 s alone is stale by then, and is
    // confirmed once more. The answer to the second request is old in any case.
    assert_eq!(run("", ""), (1, 2, 3, 0), "the old body, with the deadline in it");
    assert_eq!(run("soft_expiry = \"pttl\"", ""), (1, 3, 2, 1), "EXPIRE brings no version back");
    assert_eq!(run("soft_expiry = \"sidecar\"", "").1, 3);
    let newest = "[client]\nduplicate_fill = \"newest-version\"";
    assert_eq!(run("", newest), (0, 3, 3, 0), "an older body is not written");
}
