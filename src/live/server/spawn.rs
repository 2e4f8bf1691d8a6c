//! A server of our own: from the PATH, on a free port of this machine, in a temporary folder, stopped with its owner, or
//! by a program that is told to end at once.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Names under which a server may be installed, the first that is there is taken.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long one may take to end that is told to.
const PARTING: Duration = Duration::from_secs(2);

/// All servers that were started and not yet stopped: few, as each cell has one.
static RUNNING: Mutex<Vec<Running>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<Running>> {
    // A list of processes is whole after every step.
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops every server that was started, for a program that ends now: who starts or stops one from then on waits for that
/// end.
pub fn stop_servers() {
    let mut running = running();
    running.clear();
    Box::leak(Box::new(running));
}

/// A process, and the folder that it works in.
#[derive(Debug)]
struct Running {
    process: Child,
    _folder: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server that was started; it is stopped when this is dropped.
#[derive(Debug)]
pub(in crate::live) struct Spawned {
    process: u32,
    port: u16,
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
        self.process
    }

    /// How it ended, if it has.
    fn has_ended(&self) -> Option<ExitStatus> {
        let mut running = running();
        let own = running.iter_mut().find(|server| server.process.id() == self.process)?;
        own.process.try_wait().ok().flatten()
    }

    /// One attempt; the inner error is worth another one, as when somebody took the port.
    fn attempt(settings: &[(&'static str, String)]) -> Result<Result<Self, String>, String> {
        let folder =
            tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
        let port = free_port().map_err(|error| format!("no port of this machine is free: {error}"))?;
        // Before it has its log, as where it does not know a setting, it writes to the standard error.
        let texts = ["log", "stderr"].map(|name| folder.path().join(name));
        let [log, stderr] = &texts;
        let errors = File::create(stderr).map_err(|error| {
            format!("the temporary folder {} takes no file: {error}", folder.path().display())
        })?;
        // None starts once the program is told to end, and none is forgotten then.
        let mut running = running();
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
                .arg(log)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(errors.try_clone().map_or_else(|_| Stdio::null(), Stdio::from));
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
        let process = process?;
        let server = Self { process: process.id(), port };
        running.push(Running { process, _folder: folder });
        drop(running);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = server.has_ended() {
                return Ok(Err(format!("it ended at once ({status}): {}", last_words(&texts))));
            }
            match process_at(port) {
                Some(process) if process == server.process => return Ok(Ok(server)),
                // It writes our log, so that what we started has started it. Who only took the port is somebody else's, and
                // ours ends by itself.
                Some(process) if has_written(log, process) => {
                    shut_down(port);
                    return Err(not_itself(server.process, process));
                }
                _ => {}
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Err(format!("it did not listen within {} s", PATIENCE.as_secs())))
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        running().retain(|server| server.process.id() != self.process);
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

/// The process of the server that listens there, if one does. Until ours does, somebody else may for a moment who looks for a
/// free port, or may have taken this one.
fn process_at(port: u16) -> Option<u32> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    // Nothing but INFO is asked: the first command of a kind takes a server a histogram, 25 KB.
    stream.write_all(b"INFO server\r\n").ok()?;
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    // Who listens and wants a password answers with an error, and nothing after it.
    let mut lines = lines.take_while(|line| !line.starts_with('-'));
    lines.find_map(|line| line.strip_prefix("process_id:")?.trim().parse().ok())
}

/// What is wrong where the program in the PATH starts the server instead of being it.
fn not_itself(started: u32, answers: u32) -> String {
    format!(
        "process {started} was started as {}, and process {answers} answers on its port: a script that starts a server is \
         none that can be stopped with it; let it end with exec, put the server itself first in the PATH, or start one and \
         name it with --redis",
        PROGRAMS.join(" or ")
    )
}

/// Whether a server of this process writes this log: each line begins with its number.
fn has_written(log: &Path, process: u32) -> bool {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().any(|line| line.split_once(':').is_some_and(|(number, _)| number == process.to_string()))
}

/// Ends a server that was started by one of ours, so that none is left.
fn shut_down(port: u16) {
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
        let _ = stream.write_all(b"SHUTDOWN NOSAVE\r\n");
        // It hangs up when it has ended.
        let _ = stream.set_read_timeout(Some(PARTING));
        let _ = stream.read(&mut [0; 1]);
    }
}

/// What a server wrote last: the last line of its log, or all that it said before it had one.
fn last_words(texts: &[PathBuf; 2]) -> String {
    let [log, stderr] = texts.each_ref().map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let last = log.lines().rfind(|line| !line.trim().is_empty());
    let words: Vec<&str> = stderr.split_whitespace().collect();
    match last {
        Some(last) => last.to_owned(),
        None if words.is_empty() => "it wrote nothing".to_owned(),
        None => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_names_the_process_that_writes_it() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let log = folder.path().join("log");
        assert!(!has_written(&log, 812), "there is none yet");
        let text = "812:C 01 Dec 2026 01:00:00.000 # Redis is starting\n812:M 01 Dec 2026 01:00:00.001 * Ready at 813: never\n";
        std::fs::write(&log, text).expect("the folder is our own");
        assert_eq!([81, 812, 813].map(|process| has_written(&log, process)), [false, true, false]);
    }

    #[test]
    fn a_listener_that_tells_no_process_is_no_server() {
        let told = |text: Option<&'static str>| {
            let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
            let port = listener.local_addr().expect("it is bound").port();
            let answers = std::thread::spawn(move || {
                let Some(text) = text else { return drop(listener) };
                let (mut stream, _) = listener.accept().expect("somebody connects");
                stream.write_all(text.as_bytes()).expect("it is still there");
                let mut asked = [0; 13];
                stream.read_exact(&mut asked).expect("it asks");
            });
            let process = process_at(port);
            answers.join().expect("it ends");
            process
        };
        assert_eq!(told(Some("$50\r\n# Server\r\nprocess_id:4242\r\n")), Some(4242));
        assert_eq!(told(Some("-NOAUTH Authentication required.\r\n")), None);
        assert_eq!(told(None), None, "somebody who looked for a free port");
    }
}
