//! What a server had in use before a run, from which a prediction begins.

use ttlab::live::{Options, Target};

use super::harness::{options, played_with, scenario};
use super::server::Server;

/// Bytes in use but for those of connections when a run of a second begins on a server of its own.
fn before(hz: u32, connections: usize) -> u64 {
    let text = scenario("\"none\"", "")
        .replace("\"3s\"", "\"1s\"")
        .replace("memory = \"redis\"", &format!("memory = \"redis\"\nhz = {hz}"));
    let options = Options { target: Target::Spawn, connections, ..options("", 1.0) };
    let pace = played_with(&text, &options).pace.expect("it came to its end");
    pace.before.expect("the server counts its connections").bytes
}

#[test]
fn what_was_in_use_before_a_run_is_without_the_bytes_of_its_connections() {
    let Some(_) = Server::start(&[]) else { return };
    let one = before(10, 1);
    // A tick at `hz 1` is a second away, and the six ticks that come by thirty connections are longer than the pause
    // before a run.
    for (hz, connections) in [(1, 8), (10, 30)] {
        let more = before(hz, connections).saturating_sub(one);
        // A new one takes 37 632 bytes, and half a kilobyte that no server counts as its own.
        assert!(
            more < 1_000 * connections as u64,
            "hz {hz}, {connections} connections: {more} bytes more than with one at hz 10"
        );
    }
}
