//! Hash slots as a live server in cluster mode counts them, and live runs against a cluster of three.

#![expect(clippy::disallowed_methods, reason = "a cluster takes time to come about")]

use std::time::{Duration, Instant};

use ttlab::cache::cluster::slot;

use super::harness::{folder, keys, record, run, said, scenario};
use super::resp::Answer;
use super::server::Server;

#[test]
fn keys_lie_in_the_slots_of_a_live_server() {
    let Some(server) = Server::start(&["--cluster-enabled", "yes"]) else { return };
    let mut client = server.client();
    let tagged = [
        "{user1000}.following",
        "foo{}{bar}",
        "foo{{bar}}zap",
        "foo{bar}{zap}",
        "foo}bar{",
        "{",
        "}{",
        "ü{é}",
    ];
    let numbered = (0..2_000).map(|number| format!("/images/{}/{number}.webp", number * 7_919 % 311));
    let braced = (0..500).map(|number| format!("a{{{}}}b{number}}}c{{", number % 13));
    for key in tagged.map(String::from).into_iter().chain(numbered).chain(braced) {
        let told = client.ask(&["CLUSTER", "KEYSLOT", &key]);
        assert_eq!(told, Answer::Integer(i64::from(slot(key.as_bytes()))), "{key}");
    }
}

/// Three servers that make one cluster, each with a third of the slots.
fn three() -> Option<Vec<Server>> {
    let servers: Option<Vec<Server>> = (0..3)
        .map(|_| Server::start(&["--cluster-enabled", "yes", "--cluster-node-timeout", "5000"]))
        .collect();
    let servers = servers?;
    let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
    for (server, (from, until)) in servers.iter().zip(slots) {
        server.client().must(&["CLUSTER", "ADDSLOTSRANGE", from, until]);
    }
    let mut first = servers[0].client();
    for server in &servers[1..] {
        first.must(&["CLUSTER", "MEET", "127.0.0.1", &server.port().to_string()]);
    }
    let begun = Instant::now();
    let agrees = |server: &Server| {
        let Answer::Bulk(Some(told)) = server.client().ask(&["CLUSTER", "INFO"]) else { return false };
        let told = String::from_utf8_lossy(&told).into_owned();
        told.contains("cluster_state:ok") && told.contains("cluster_known_nodes:3")
    };
    while !servers.iter().all(agrees) {
        assert!(begun.elapsed() < Duration::from_secs(60), "the cluster does not come about");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(servers)
}

fn held(servers: &[Server]) -> Vec<u64> {
    servers.iter().map(|server| keys(&mut server.client())).collect()
}

#[test]
fn a_cluster_is_played_against_and_left_as_it_was() {
    let Some(servers) = three() else { return };
    for (guard, more) in [
        ("{ policy = \"lock\", lock_ttl = \"1s\", poll = \"5ms\" }", ""),
        ("\"none\"", "sweep = { policy = \"zset-sweep\", period = \"500ms\", limit_entries = 60 }"),
    ] {
        let folder = folder(&scenario(guard, more).replace("\"3s\"", "\"2s\""));
        let output = run(folder.path(), &["--redis", &servers[1].url(), "--cluster", "--configure"]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let record = record(folder.path());
        let notes = record["provenance"]["notes"].to_string();
        assert!(notes.contains("3 primaries of a cluster"), "{notes}");
        let hits = record.pointer("/cells/0/outcomes/fresh_hit").and_then(serde_json::Value::as_f64);
        assert!(hits > Some(100.0), "{hits:?} fresh hits");
        let memory = record.pointer("/cells/0/memory/peak_bytes").and_then(serde_json::Value::as_f64);
        assert!(memory > Some(3.0 * 900_000.0), "used_memory of three servers: {memory:?}");
        assert_eq!(held(&servers), [0; 3], "the keys of the run are removed from every node");
    }
    for server in &servers {
        assert!(server.client().info("keyspace_hits") > 0, "every node had its part");
        let limit = format!("{:?}", server.client().ask(&["CONFIG", "GET", "maxmemory"]));
        assert!(limit.contains(&format!("{:?}", b"0".to_vec())), "settings are put back: {limit}");
    }
}

#[test]
fn a_cluster_is_told_from_a_server_and_a_server_from_a_cluster() {
    let Some(servers) = three() else { return };
    let folder = folder(&scenario("\"none\"", "").replace("\"3s\"", "\"500ms\""));
    let output = run(folder.path(), &["--redis", &servers[0].url()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("say --cluster"), "{}", said(&output));
    // Several hosts are a cluster, and differences are told of every node.
    let hosts: Vec<String> = servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
    let output = run(folder.path(), &["--redis", &format!("redis://{}/?protocol=resp3", hosts.join(","))]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for host in &hosts {
        let told = format!("the server {host} has maxmemory 0 and the scenario's cache 2666666");
        assert!(said(&output).contains(&told), "{told}: {}", said(&output));
    }
    assert_eq!(held(&servers), [0; 3]);
    let Some(single) = Server::start(&[]) else { return };
    let output = run(folder.path(), &["--redis", &single.url(), "--cluster"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("leave out --cluster"), "{}", said(&output));
}
