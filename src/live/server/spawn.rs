//! A server of our own: from the PATH, on a free port of this machine, in a temporary folder, stopped with its owner.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Names under which a server may be installed, the first that is there is taken.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(15);

/// A running server.
#[derive(Debug)]
pub(in crate::live) struct Spawned {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Spawned {
    /// Starts a server that saves nothing, with these settings.
    pub(in crate::live) fn start(settings: &[(&'static str, String)]) -> Result<Self, String> {
        let mut last = String::new();
        for _ in 0..5 {
            match Self::attempt(settings)? {
                Ok(server) => return Ok(server),
                Err(why) => last = why,
            }
        }
        Err(format!("five servers in a row did not start; the last one said: {last}"))
    }

    /// Its address.
    pub(in crate::live) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// The number of its process.
    pub(in crate::live) fn process(&self) -> u32 {
        self.process.id()
    }

    /// One attempt; the inner error is worth another one, as when somebody took the port.
    fn attempt(settings: &[(&'static str, String)]) -> Result<Result<Self, String>, String> {
        let folder =
            tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
        let port = free_port().map_err(|error| format!("no port of this machine is free: {error}"))?;
        let log = folder.path().join("log");
        let started = PROGRAMS.iter().find_map(|program| {
            let mut command = Command::new(program);
            command
                .args([
                    "--port",
                    &port.to_string(),
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                ])
                .args(["--daemonize", "no"])
                .arg("--dir")
                .arg(folder.path())
                .arg("--logfile")
                .arg(&log)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            settings.iter().for_each(|(name, value)| {
                command.arg(format!("--{name}")).arg(value);
            });
            apart_from_the_terminal(&mut command);
            match command.spawn() {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                outcome => Some(outcome.map_err(|error| format!("{program} cannot be started: {error}"))),
            }
        });
        let Some(process) = started else {
            return Err(format!(
                "--spawn finds no {} in the PATH; install one, or name a server with --redis",
                PROGRAMS.join(" and no ")
            ));
        };
        let mut server = Self { process: process?, port, _folder: folder };
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Ok(Some(status)) = server.process.try_wait() {
                return Ok(Err(format!("it ended at once ({status}): {}", last_line(&log))));
            }
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Ok(server));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Err(format!("it did not listen within {} s", PATIENCE.as_secs())))
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ctrl-C at a terminal goes to every process of its foreground: the server is to outlive the keys' removal.
#[cfg(unix)]
fn apart_from_the_terminal(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn apart_from_the_terminal(_: &mut Command) {}

/// A port that nobody listened on a moment ago.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// What a server wrote last.
fn last_line(log: &std::path::Path) -> String {
    let mut text = String::new();
    let read = std::fs::File::open(log).and_then(|mut file| file.read_to_string(&mut text));
    let last = read.ok().and_then(|_| text.lines().rfind(|line| !line.trim().is_empty()));
    last.unwrap_or("it wrote nothing").to_owned()
}
