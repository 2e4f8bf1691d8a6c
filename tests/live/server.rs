//! A `redis-server` of our own: started on a free port with a temporary folder, and stopped with its owner.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use super::resp::Client;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    port: u16,
    settings: Vec<String>,
    folder: TempDir,
}

impl Server {
    /// Starts a server that saves nothing, with more `settings` as on its command line, such as
    /// `["--hz", "100"]`. `None`, with a message, where no server of version 7.0 is installed; under
    /// `CI=true` that is a failure.
    pub(crate) fn start(settings: &[&str]) -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let settings: Vec<String> = settings.iter().map(|word| (*word).to_owned()).collect();
        let (process, port) = started(&settings, &folder);
        Some(Self { process, port, settings, folder })
    }

    /// A new connection.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.port).expect("the server accepts connections")
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Lets the server end, with a snapshot of its keys if `save`, and starts it again in the same folder
    /// once so much time has passed.
    pub(crate) fn restart(&mut self, save: bool, pause: Duration) {
        let mut client = self.client();
        client.queue(&["SHUTDOWN", if save { "SAVE" } else { "NOSAVE" }]);
        client.flush();
        self.process.wait().expect("the server ends");
        sleep(pause);
        (self.process, self.port) = started(&self.settings, &self.folder);
    }

    /// Stops the server by its process, without asking it to save.
    fn stop(&mut self) {
        self.process.kill().expect("the server is our own");
        self.process.wait().expect("the server ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A server on some free port, in this folder.
fn started(settings: &[String], folder: &TempDir) -> (Child, u16) {
    (0..10)
        .find_map(|_| spawn(settings, folder, free_port()))
        .expect("a server starts on one of ten free ports")
}

/// A port that nobody listened on a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there are free ports");
    listener.local_addr().expect("it is bound").port()
}

/// Starts a server and waits until it answers; `None` if it ends instead, as when somebody took its port.
fn spawn(settings: &[String], folder: &TempDir, port: u16) -> Option<(Child, u16)> {
    let mut process = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--enable-debug-command", "local", "--daemonize", "no"])
        .arg("--dir")
        .arg(folder.path())
        .args(settings)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server can be started");
    // Up to half a minute on a busy machine.
    for _ in 0..3_000 {
        if process.try_wait().expect("the server is our own").is_some() {
            return None;
        }
        if process_at(port) == Some(process.id()) {
            return Some((process, port));
        }
        sleep(Duration::from_millis(10));
    }
    process.kill().expect("the server is our own");
    process.wait().expect("the server ends");
    None
}

/// The process of the server that listens there and has loaded what it has kept: until it has, it answers INFO, and errors
/// to all else. Before ours listens, somebody else may for a moment who looks for a free port, and resets the connection.
fn process_at(port: u16) -> Option<u32> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(b"INFO server persistence\r\n").ok()?;
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let mut lines = lines.take_while(|line| !line.starts_with('-'));
    let mut number = |name: &str| lines.find_map(|line| line.strip_prefix(name)?.trim().parse::<u32>().ok());
    let process = number("process_id:")?;
    (number("loading:")? == 0).then_some(process)
}

/// Whether the server that the model is of is installed.
#[expect(clippy::print_stderr, reason = "who runs the tests must see that these were skipped")]
fn is_installed() -> bool {
    let told = Command::new("redis-server").arg("--version").output();
    let version = told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned()).unwrap_or_default();
    if version.contains("v=7.0.") {
        return true;
    }
    let must_exist = is_checking();
    let found = if version.is_empty() { "none" } else { version.trim() };
    assert!(!must_exist, "redis-server 7.0 is missing; found: {found}");
    eprintln!("skipped: the model is of redis-server 7.0, and here is {found}");
    false
}

/// Whether this is a machine on which nothing may be skipped.
#[expect(clippy::disallowed_methods, reason = "whether this is a checking machine is no part of a run")]
pub(crate) fn is_checking() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
