//! A server that is none: it answers like Redis, remembers nothing, and can be made to stall.

#![expect(clippy::disallowed_methods, reason = "a server has threads of its own")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A fake server that does not answer from an instant on, for a while; every GET finds nothing.
pub(crate) struct Fake {
    port: u16,
}

/// What a fake does when it is asked.
#[derive(Clone)]
struct Script {
    began: Instant,
    stalls: (Duration, Duration),
    info: String,
    oom: bool,
}

impl Fake {
    /// A fake that stalls so long after `began` for so long, and says `info` of itself.
    pub(crate) fn start(began: Instant, stalls: (Duration, Duration), info: &str, oom: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there are free ports");
        let port = listener.local_addr().expect("it is bound").port();
        let info = format!("redis_version:7.0.0\r\nrun_id:fake\r\nused_memory:1000\r\n{info}");
        let script = Arc::new(Script { began, stalls, info, oom });
        // Threads end with their connections, and the listener with the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = Arc::clone(&script);
                thread::spawn(move || script.serve(&stream));
            }
        });
        Self { port }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

impl Script {
    fn serve(&self, stream: &TcpStream) {
        let mut input = BufReader::new(stream.try_clone().expect("a socket has two ends"));
        let mut output = stream;
        while let Some(words) = command(&mut input) {
            let (from, length) = self.stalls;
            let now = self.began.elapsed();
            if now >= from && now < from + length {
                thread::sleep((from + length).saturating_sub(now));
            }
            let answer = match words[0].to_ascii_uppercase().as_str() {
                "GET" => "$-1\r\n".to_owned(),
                "SET" if self.oom => {
                    "-OOM command not allowed when used memory > 'maxmemory'.\r\n".to_owned()
                }
                "INFO" => format!("${}\r\n{}\r\n", self.info.len(), self.info),
                "CONFIG" => "*0\r\n".to_owned(),
                "TIME" => time(),
                "UNLINK" if words.len() > 500 => "-ERR too many keys for a fake\r\n".to_owned(),
                "UNLINK" | "EXISTS" => ":0\r\n".to_owned(),
                _ => "+OK\r\n".to_owned(),
            };
            if output.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// The time as a server tells it that says nothing of it in INFO.
fn time() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    let bulk = |number: u64| format!("${}\r\n{number}\r\n", number.to_string().len());
    format!("*2\r\n{}{}", bulk(now.as_secs()), bulk(now.subsec_micros().into()))
}

/// The words of the next command; `None` at the end.
fn command(input: &mut impl BufRead) -> Option<Vec<String>> {
    let count = number(input, '*')?;
    (0..count)
        .map(|_| {
            let mut word = vec![0; number(input, '$')? + 2];
            input.read_exact(&mut word).ok()?;
            word.truncate(word.len() - 2);
            Some(String::from_utf8_lossy(&word).into_owned())
        })
        .collect()
}

fn number(input: &mut impl BufRead, mark: char) -> Option<usize> {
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    line.trim().strip_prefix(mark)?.parse().ok()
}
