//! A server that is none: it answers like Redis, remembers nothing, and can be made to stall.

#![expect(clippy::disallowed_methods, reason = "a server has threads of its own")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A fake server.
pub(crate) struct Fake {
    port: u16,
}

/// What a fake does when it is asked.
#[derive(Clone)]
pub(crate) struct Script {
    /// It does not answer so long after the instant, for so long.
    pub(crate) began: Instant,
    pub(crate) stalls: (Duration, Duration),
    /// What it says of itself.
    pub(crate) info: String,
    /// It tells one section of that at a time.
    pub(crate) by_section: bool,
    /// It has no room.
    pub(crate) oom: bool,
    /// Every GET finds this; `None` is nothing.
    pub(crate) value: Option<&'static str>,
    /// Its first connection does not answer after so many GETs.
    pub(crate) deaf_after: Option<u64>,
    /// Its first connection is closed after so many GETs.
    pub(crate) gone_after: Option<u64>,
    /// It refuses to remove keys once some were written.
    pub(crate) keeps_keys: bool,
    /// It is a replica from so many SETs on, all connections together.
    pub(crate) read_only_after: Option<u64>,
    /// Its clock is set on so long after `began`, by so much.
    pub(crate) clock_set_on: (Duration, Duration),
    /// How many it was sent.
    pub(crate) sets: Arc<AtomicU64>,
}

impl Default for Script {
    /// Answers at once, and holds nothing.
    fn default() -> Self {
        Self {
            began: Instant::now(),
            stalls: (Duration::MAX, Duration::ZERO),
            info: String::new(),
            by_section: false,
            oom: false,
            value: None,
            deaf_after: None,
            gone_after: None,
            keeps_keys: false,
            read_only_after: None,
            clock_set_on: (Duration::MAX, Duration::ZERO),
            sets: Arc::default(),
        }
    }
}

impl Fake {
    /// A fake that stalls so long after `began` for so long, and says `info` of itself.
    pub(crate) fn start(began: Instant, stalls: (Duration, Duration), info: &str, oom: bool) -> Self {
        Self::playing(&Script { began, stalls, info: info.to_owned(), oom, ..Script::default() })
    }

    /// A fake that follows a script.
    pub(crate) fn playing(script: &Script) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there are free ports");
        let port = listener.local_addr().expect("it is bound").port();
        let info = format!("redis_version:7.0.0\r\nrun_id:fake\r\nused_memory:1000\r\n{}", script.info);
        let first = Arc::new(Script { info, ..script.clone() });
        let later = Arc::new(Script { deaf_after: None, gone_after: None, ..(*first).clone() });
        // Threads end with their connections, and the listener with the tests.
        thread::spawn(move || {
            for (nth, stream) in listener.incoming().flatten().enumerate() {
                let script = Arc::clone(if nth == 0 { &first } else { &later });
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
        let mut gets = 0;
        while let Some(words) = command(&mut input) {
            let (from, length) = self.stalls;
            let now = self.began.elapsed();
            if now >= from && now < from + length {
                thread::sleep((from + length).saturating_sub(now));
            }
            gets += u64::from(words[0].eq_ignore_ascii_case("GET"));
            if self.deaf_after.is_some_and(|most| gets > most) {
                // Until the other side hangs up.
                continue;
            }
            if self.gone_after.is_some_and(|most| gets > most) {
                return;
            }
            let is_set = words[0].eq_ignore_ascii_case("SET");
            let sets = self.sets.fetch_add(u64::from(is_set), Ordering::Relaxed);
            let answer = match words[0].to_ascii_uppercase().as_str() {
                "GET" => match self.value {
                    Some(value) => format!("${}\r\n{value}\r\n", value.len()),
                    None => "$-1\r\n".to_owned(),
                },
                "UNLINK" if self.keeps_keys && sets > 0 => "-NOPERM it may not\r\n".to_owned(),
                "SET" if self.read_only_after.is_some_and(|most| sets >= most) => {
                    "-READONLY You can't write against a read only replica.\r\n".to_owned()
                }
                "SET" if self.oom => {
                    "-OOM command not allowed when used memory > 'maxmemory'.\r\n".to_owned()
                }
                "INFO" if self.by_section && words.len() > 2 => "-ERR syntax error\r\n".to_owned(),
                "INFO" => format!("${}\r\n{}\r\n", self.info.len(), self.info),
                "CONFIG" => "*0\r\n".to_owned(),
                "TIME" => self.time(),
                "UNLINK" if words.len() > 500 => "-ERR too many keys for a fake\r\n".to_owned(),
                "UNLINK" | "EXISTS" => ":0\r\n".to_owned(),
                _ => "+OK\r\n".to_owned(),
            };
            if output.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    /// The time as a server tells it that says nothing of it in INFO.
    fn time(&self) -> String {
        let (after, by) = self.clock_set_on;
        let ahead = if self.began.elapsed() > after { by } else { Duration::ZERO };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970") + ahead;
        let bulk = |number: u64| format!("${}\r\n{number}\r\n", number.to_string().len());
        format!("*2\r\n{}{}", bulk(now.as_secs()), bulk(now.subsec_micros().into()))
    }
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
