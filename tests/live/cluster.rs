//! Hash slots as a live server in cluster mode counts them, and live runs against a cluster of three.

#![expect(clippy::disallowed_methods, reason = "a cluster takes time to come about")]

use std::time::{Duration, Instant};

use ttlab::cache::cluster::slot;

use super::harness::{folder, keys, record, run, said, scenario};
use super::resp::Answer;
use super::server::Server;
use super::trouble::{in_the_middle, setting, signal, until};

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
fn three(more: &[&str]) -> Option<Vec<Server>> {
    let settings = [&["--cluster-enabled", "yes", "--cluster-node-timeout", "5000"][..], more].concat();
    let servers: Option<Vec<Server>> = (0..3).map(|_| Server::start(&settings)).collect();
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
    let Some(servers) = three(&[]) else { return };
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
fn a_part_of_the_capacity_that_no_node_has_room_for_is_not_set() {
    let Some(servers) = three(&[]) else { return };
    // A node of a cluster takes 1.6 MB before it holds a key, and a server by itself a little less than one.
    let folder =
        folder(&scenario("\"none\"", "").replace("\"3s\"", "\"500ms\"").replace("\"8MB\"", "\"4MB\""));
    let output = run(folder.path(), &["--redis", &servers[0].url(), "--cluster", "--configure"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let said = said(&output);
    let parts = [
        "--configure would limit the server 127.0.0.1:",
        " to 1333333 bytes",
        "no room for keys",
        "each of 3 servers",
    ];
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    for server in &servers {
        assert_eq!(setting(&mut server.client(), "maxmemory"), "0", "nothing was set");
    }
    assert_eq!(held(&servers), [0; 3]);
}

#[test]
fn a_cluster_is_told_from_a_server_and_a_server_from_a_cluster() {
    let Some(servers) = three(&[]) else { return };
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

#[test]
fn a_primary_that_hangs_is_in_nobodys_way_but_its_own() {
    // The others go on without it.
    let Some(servers) = three(&["--cluster-require-full-coverage", "no"]) else { return };
    let folder = folder(&scenario("\"none\"", "").replace("\"3s\"", "\"60s\""));
    // It is the one that is named, too.
    let [hung, others @ ..] = servers.as_slice() else { panic!("there are three") };
    let child =
        in_the_middle(folder.path(), hung, &["--cluster", "--configure"], |client| keys(client) >= 10);
    until("all of them hold keys", || held(others).iter().all(|keys| *keys >= 10));
    let process = u32::try_from(hung.client().info("process_id")).expect("a process has a number");
    assert!(signal(process, "-STOP"));
    let output = child.wait_with_output().expect("it ends");
    let left: Vec<(u64, [String; 2])> = others
        .iter()
        .map(|server| {
            let mut client = server.client();
            let settings = ["maxmemory", "maxmemory-policy"].map(|name| setting(&mut client, name));
            (keys(&mut client), settings)
        })
        .collect();
    assert!(signal(process, "-CONT"));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let as_before = (0, ["0".to_owned(), "noeviction".to_owned()]);
    assert!(left.iter().all(|left| *left == as_before), "{left:?}: {said}");
    let name = format!("the server 127.0.0.1:{}", hung.port());
    let told = said.lines().find(|line| line.contains("keys of this run may still be on "));
    assert!(told.is_some_and(|told| told.contains(&name)), "{said}");
    let told = said.lines().find(|line| line.contains("do it with CONFIG SET")).unwrap_or_default();
    assert!(told.contains(&format!("maxmemory 0 on {name}")), "{said}");
    let is_of_others = |server: &Server| told.contains(&format!("on the server 127.0.0.1:{}", server.port()));
    assert!(!others.iter().any(is_of_others), "{said}");
}
