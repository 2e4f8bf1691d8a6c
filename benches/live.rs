//! How fast the harness reads from a local server, beside `redis-benchmark` with as many connections, in one run.
//!
//! `cargo bench --bench live` starts a `redis-server`, lets `redis-benchmark` write 100-byte values and read them over 50
//! connections (no pipelining), and then holds the lower of 60 000 reads a second and what that reached, in an open loop
//! from one thread. It prints both and fails if less than 98 of 100 reads are answered in time. Beside these bare reads it
//! tells how many requests a second `ttlab live` replays before it is late itself: a strategy decides about each of them,
//! and each is counted.
//!
//! Where there is a `taskset`, the server has the first core to itself and whoever asks it, the peer and then the harness,
//! runs on the second: otherwise the scheduler moves all three about, and whoever is moved is late.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use ttlab::live::load::{Load, benchmark};
use ttlab::live::{self, Limits, Options, Target, Tls};
use ttlab::random::Seed;
use ttlab::scenario::Scenario;
use ttlab::trace::{ClassId, Fact, Keys, ObjectId, Objects, Trace};
use ttlab::tune;
use ttlab::units::{ByteSize, Rate, SimDuration, SimTime};

const CONNECTIONS: usize = 50;

const OBJECTS: u64 = 10_000;

/// Ten thousand objects of 100 bytes, asked for in a random order, so many times and a thousand times a second.
fn trace(requests: u64) -> Arc<Trace> {
    let fact = Fact { size: 100, class: ClassId::default(), size_is_imputed: false };
    let objects = Objects::new(vec![fact; 10_000], Keys::Numbered, vec!["image".to_owned()]);
    let order = Seed::new(1);
    let asked = (0..requests).map(|nth| {
        ObjectId::new(u32::try_from(order.hash(&nth.to_le_bytes()) % OBJECTS).expect("there are few"))
    });
    let at = (0..requests).map(|nth| SimTime::from_nanos(nth * 1_000_000));
    Arc::new(Trace::new(at.collect(), asked.collect(), objects, SimDuration::from_millis(requests)))
}

/// Moves this process to a core; whether that could be done.
fn is_moved_to(core: u32) -> bool {
    let mut taskset = Command::new("taskset");
    taskset.args(["-a", "-c", "-p", &core.to_string(), &std::process::id().to_string()]);
    taskset.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A program that runs on a core, where that can be said.
fn on(core: u32, program: &str) -> Command {
    let says = Command::new("taskset").args(["-c", &core.to_string(), "true"]).status();
    if !says.is_ok_and(|status| status.success()) {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

/// A server of its own, stopped when it is dropped.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start() -> std::io::Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let words = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        let mut command = on(0, "redis-server");
        command.args(["--port", &port.to_string()]).args(words).stdout(Stdio::null());
        let server = Self { process: command.spawn()?, port };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// GETs a second by `redis-benchmark`, of values that it has written before.
fn peer(server: &Server) -> Option<f64> {
    let output = on(1, "redis-benchmark")
        .args(["-p", &server.port.to_string(), "-c", &CONNECTIONS.to_string(), "-d", "100", "-r", "10000"])
        .args(["-n", "300000", "-t", "set,get", "--csv"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("\"GET\""))?;
    line.split(',').nth(1)?.trim_matches('"').parse().ok()
}

/// What is replayed: one process, a TTL that ends no value, an origin that answers at once.
const SCENARIO: &str = r#"
    name = "bench"
    [workload]
    duration = "1s"
    [origin]
    latency = { model = "constant", value = "0s" }
    [[strategy]]
    name = "fixed"
    ttl = { rule = "fixed", ttl = "365d" }
"#;

/// Replays so many requests a second for five seconds, and tells how; whether the harness kept up.
fn replayed(rate: u32, options: &Options) -> bool {
    let scenario = Scenario::parse(SCENARIO, "bench.toml").expect("it is a scenario");
    let options = Options {
        speed: f64::from(rate) / 1_000.0,
        limits: Limits { rate: Rate::per_second(1e9), ..options.limits },
        ..options.clone()
    };
    let cells = tune::grid(&scenario);
    let mut played = live::run(&scenario, &cells, &trace(5 * u64::from(rate)), &options, &())
        .expect("the server can be used");
    let cell = played.remove(0);
    let (Ok(_), Some(pace)) = (&cell.result, cell.pace) else {
        println!(
            "ttlab live, the same connections: {rate} requests/s are too many for it: {:?}",
            cell.result.err()
        );
        return false;
    };
    let kept = pace.late_s[1] < 0.01;
    println!(
        "ttlab live, the same connections: {rate} requests/s replayed, late by {:.2} ms (p99), a GET {:.2} ms (p99){}",
        pace.late_s[1] * 1e3,
        pace.get_s[1] * 1e3,
        if kept { "" } else { ": client-limited" }
    );
    kept
}

fn main() -> ExitCode {
    let Ok(server) = Server::start() else {
        println!("skipped: there is no redis-server here");
        return ExitCode::SUCCESS;
    };
    let Some(peer) = peer(&server) else {
        println!("skipped: there is no redis-benchmark here");
        return ExitCode::SUCCESS;
    };
    let wanted = peer.min(60_000.0);
    let pinned = if is_moved_to(1) { "a core for the server and one for its clients" } else { "any core" };
    let options = Options {
        target: Target::Url(format!("redis://127.0.0.1:{}/", server.port)),
        speed: 1.0,
        prefix: String::new(),
        connections: CONNECTIONS,
        configure: false,
        allow_nonempty: true,
        limits: Limits { rate: Rate::per_second(wanted), bytes: ByteSize::from_bytes(1 << 30) },
        origin: None,
        tls: Tls::default(),
    };
    let load = Load { p99: SimDuration::from_millis(50), step: SimDuration::from_secs(5), first: wanted };
    let steps = benchmark(&trace(OBJECTS), &options, &load, &()).expect("the server can be used").steps;
    println!("redis-benchmark, {CONNECTIONS} connections, {pinned}: {peer:.0} reads/s");
    for step in &steps {
        println!(
            "ttlab, {CONNECTIONS} connections, one thread: {:.0} reads/s offered, {:.0} answered, p50 {:.2} ms, p99 {:.2} ms, late \
             by {:.2} ms (p99): {:?}",
            step.offered,
            step.answered,
            step.p50_s * 1e3,
            step.p99_s * 1e3,
            step.late_p99_s * 1e3,
            step.kept
        );
    }
    for rate in [60_000, 40_000, 30_000, 20_000, 10_000] {
        if replayed(rate, &options) {
            break;
        }
    }
    let first = &steps[0];
    if first.kept == live::load::Kept::Yes && first.answered >= 0.98 * wanted {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
