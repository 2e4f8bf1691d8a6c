//! What a sample of the keys cannot stand for.

use super::bench::{Bench, STRATEGY, WORKLOAD};

/// A scenario refused for what stands above its sections, with `body` behind the workload.
fn head_refused(head: &str, body: &str, parts: &[&str]) {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\n{head}\n{WORKLOAD}{body}"));
    bench.refused(&["s.toml"], parts);
}

#[test]
fn a_sample_is_a_share_of_the_keys() {
    let strategy = format!("{STRATEGY}ttl = \"none\"\n");
    for written in ["0", "-0.1", "nan", "1.5", "inf"] {
        let head = format!("sample = {written}");
        head_refused(
            &head,
            &strategy,
            &["sample must lie above 0 and not above 1", "s.toml:2:10", "^", "write sample = 0.01"],
        );
        let bench = Bench::new();
        bench.put("s.toml", format!("name = \"t\"\n{WORKLOAD}{strategy}"));
        bench.refused(
            &["s.toml", &format!("--sample={written}")],
            &["is no share of the keys", "above 0 and at most 1"],
        );
    }
    head_refused("sample = \"1 %\"", &strategy, &["s.toml:2:10", "^"]);
}

#[test]
fn what_a_sample_cannot_tell_is_refused_before_anything_runs() {
    let strategy = format!("{STRATEGY}ttl = \"none\"\n");
    let bounded = "[origin]\ncapacity = { model = \"servers\", servers = 400 }\n";
    let shedding = "[origin]\ncapacity = { model = \"servers\", servers = 400, queue = 1000 }\n";
    for (body, parts) in [
        (
            format!("{strategy}[gates]\npeak_origin_rate_max = \"9/s\"\n"),
            [
                "peak_origin_rate is not available from a sample",
                "peak_origin_rate_max",
                "all keys at once",
                "without sample",
            ],
        ),
        (
            format!("{strategy}[expect]\nx.max_latency = [1, 2]\n"),
            ["max_latency is not available from a sample", "max_latency", "waits longest", "leave it out"],
        ),
        (
            format!("{bounded}{strategy}[score]\nweights = {{ hit = 1, p99 = 1 }}\n"),
            ["p99 is not available from a sample", "weights", "Erlang C", "leave it out"],
        ),
        (
            format!("{shedding}{strategy}"),
            ["whose queue sheds", "nothing is stored", "^", "queue = \"unbounded\""],
        ),
        (
            format!("[client]\ntimeout = \"1s\"\n{bounded}{strategy}"),
            ["whose clients give up (\"x\": timeout 1s)", "Erlang C", "^", "play all keys"],
        ),
        (
            format!("{STRATEGY}ttl = {{ rule = \"d-ttl\", target = 0.5 }}\n"),
            [
                "cannot stand for ttl rule \"d-ttl\"",
                "steered by the requests of all keys",
                "^",
                "play all keys",
            ],
        ),
        (
            format!(
                "{STRATEGY}ttl = {{ rule = \"fixed\", ttl = \"1m\" }}\nsweep = {{ policy = \"zset-sweep\", limit_entries = 5 }}\n"
            ),
            ["cannot stand for sweep \"zset-sweep\"", "all keys together", "^", "play all keys"],
        ),
    ] {
        head_refused("sample = 0.1", &body, &parts);
    }
}

#[test]
fn a_sample_that_leaves_too_few_servers_or_no_cache_is_refused() {
    let strategy = format!("{STRATEGY}ttl = \"none\"\n");
    head_refused(
        "sample = 0.1",
        &format!("[origin]\ncapacity = {{ model = \"servers\", servers = 5 }}\n{strategy}"),
        &["leaves 0.5 of the origin's 5 servers, fewer than 25", "servers = 5", "play all keys"],
    );
    head_refused(
        "sample = 0.01",
        &format!("[origin]\ncapacity = {{ model = \"servers\", servers = 360 }}\n{strategy}"),
        &["leaves 3.6 of the origin's 360 servers", "rounding alone", "a sample of 0.07"],
    );
    head_refused(
        "sample = 0.1",
        &format!("[cache]\ncapacity = {{ objects = 50 }}\n{strategy}"),
        &["fewer than 10", "50 objects", "a sample of 0.2"],
    );
}

#[test]
fn commands_that_play_all_keys_refuse_a_sample() {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\nsample = 0.5\n{WORKLOAD}{STRATEGY}ttl = \"none\"\n"));
    for (command, more) in
        [("size", &["--target", "hit >= 0.5"][..]), ("drill", &[]), ("curve", &[]), ("tune", &[])]
    {
        let output = bench.ttlab(&[&[command, "s.toml"], more].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("sample = 0.5, which is for ttlab run"), "{message}");
    }
}
