//! An origin on this machine that speaks HTTP/1.1, as small as the tests allow.

#![expect(clippy::disallowed_methods, reason = "a server has threads of its own")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What an origin does when it is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script {
    /// How long it thinks.
    pub(crate) thinks: Duration,
    /// What it answers; 304 where the entity tag is the one that it has.
    pub(crate) status: u16,
    /// The entity tag of all objects.
    pub(crate) etag: Option<&'static str>,
}

impl Default for Script {
    fn default() -> Self {
        Self { thinks: Duration::ZERO, status: 200, etag: None }
    }
}

#[derive(Debug, Default)]
struct Seen {
    targets: Mutex<Vec<String>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// A running origin.
#[derive(Debug)]
pub(crate) struct Web {
    port: u16,
    seen: Arc<Seen>,
}

impl Web {
    pub(crate) fn start(script: Script) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there are free ports");
        let port = listener.local_addr().expect("it is bound").port();
        let seen = Arc::new(Seen::default());
        let watched = Arc::clone(&seen);
        // Threads end with their connections, and the listener with the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&watched);
                thread::spawn(move || script.serve(&stream, &seen));
            }
        });
        Self { port, seen }
    }

    /// A URL with these words after the host.
    pub(crate) fn url(&self, rest: &str) -> String {
        format!("http://127.0.0.1:{}{rest}", self.port)
    }

    /// What was asked for, in the order in which it came.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.seen.targets.lock().expect("no thread panics").clone()
    }

    /// Most requests that it had at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.seen.most_at_once.load(Ordering::Relaxed)
    }
}

impl Script {
    /// Answers one request after the other.
    fn serve(&self, stream: &TcpStream, seen: &Seen) {
        let mut input = BufReader::new(stream.try_clone().expect("a socket has two ends"));
        let mut output = stream;
        while let Some((target, tag)) = request(&mut input) {
            let now = seen.at_once.fetch_add(1, Ordering::Relaxed) + 1;
            seen.most_at_once.fetch_max(now, Ordering::Relaxed);
            seen.targets.lock().expect("no thread panics").push(target.clone());
            thread::sleep(self.thinks);
            let is_known = self.etag.is_some() && tag.as_deref() == self.etag;
            let status = if is_known { 304 } else { self.status };
            // As long as the target asks for, or a hundred bytes.
            let asked = target.split_once("w=").and_then(|(_, size)| size.parse().ok());
            let length: usize = if status == 200 { asked.unwrap_or(100) } else { 0 };
            let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n");
            if let Some(tag) = self.etag {
                write!(head, "etag: {tag}\r\n").expect("a String takes any text");
            }
            head += "\r\n";
            seen.at_once.fetch_sub(1, Ordering::Relaxed);
            if output.write_all(&[head.into_bytes(), vec![b'x'; length]].concat()).is_err() {
                return;
            }
        }
    }
}

/// The target of the next GET and its `If-None-Match`; `None` at the end.
fn request(input: &mut impl BufRead) -> Option<(String, Option<String>)> {
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    let target = line.strip_prefix("GET ")?.split(' ').next()?.to_owned();
    let mut tag = None;
    loop {
        line.clear();
        input.read_line(&mut line).ok()?;
        let header = line.trim_end();
        if header.is_empty() {
            return Some((target, tag));
        }
        let (name, value) = header.split_once(':')?;
        if name.eq_ignore_ascii_case("if-none-match") {
            tag = Some(value.trim().to_owned());
        }
    }
}
