//! A client of the Redis protocol (RESP2), as small as the tests allow.
//!
//! A crate would sort errors into kinds of its own; these tests compare every byte of a reply, and send
//! several commands in one write so that no turn of the server's loop comes between them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A status, such as `OK`.
    Status(String),
    /// An error, code and text.
    Error(String),
    /// A number.
    Integer(i64),
    /// A value; none where it is nil.
    Bulk(Option<Vec<u8>>),
    /// Several answers.
    Array(Vec<Answer>),
}

/// The text of INFO.
#[derive(Debug)]
pub(crate) struct Info(String);

impl Info {
    /// A field that is a whole number.
    pub(crate) fn number(&self, field: &str) -> u64 {
        let value = self.0.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let value = value.unwrap_or_else(|| panic!("INFO has no {field}"));
        value.trim().parse().unwrap_or_else(|_| panic!("{field} is {value}"))
    }
}

/// A connection to a server on this machine.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    out: Vec<u8>,
}

impl Client {
    /// Connects; an answer that takes longer than half a minute is an error.
    pub(crate) fn connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::with_capacity(1 << 16, stream), out: Vec::new() })
    }

    /// Puts a command into the next write.
    pub(crate) fn queue<W: AsRef<[u8]>>(&mut self, words: &[W]) {
        self.out.extend(format!("*{}\r\n", words.len()).into_bytes());
        for word in words {
            let word = word.as_ref();
            self.out.extend(format!("${}\r\n", word.len()).into_bytes());
            self.out.extend_from_slice(word);
            self.out.extend_from_slice(b"\r\n");
        }
    }

    /// Sends what is queued, in one write.
    pub(crate) fn flush(&mut self) {
        self.stream.get_mut().write_all(&self.out).expect("the server takes commands");
        self.out.clear();
    }

    /// Reads the next answer.
    pub(crate) fn read(&mut self) -> Answer {
        let line = self.line();
        let (kind, rest) = line.split_at(1);
        let number = || rest.parse::<i64>().expect("the server sends numbers where it must");
        match kind {
            "+" => Answer::Status(rest.to_owned()),
            "-" => Answer::Error(rest.to_owned()),
            ":" => Answer::Integer(number()),
            "$" => Answer::Bulk(usize::try_from(number()).ok().map(|length| self.bytes(length))),
            "*" => Answer::Array((0..number()).map(|_| self.read()).collect()),
            _ => panic!("not the protocol: {line}"),
        }
    }

    /// Sends a command and reads its answer.
    pub(crate) fn ask<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Answer {
        self.queue(words);
        self.flush();
        self.read()
    }

    /// Sends a command whose answer must not be an error.
    pub(crate) fn must<W: AsRef<[u8]> + std::fmt::Debug>(&mut self, words: &[W]) -> Answer {
        match self.ask(words) {
            Answer::Error(error) => panic!("{words:?}: {error}"),
            answer => answer,
        }
    }

    /// A field of INFO that is a whole number.
    pub(crate) fn info(&mut self, field: &str) -> u64 {
        self.counts().0.number(field)
    }

    /// A section of INFO.
    pub(crate) fn section(&mut self, name: &str) -> Info {
        self.queue(&["INFO", name]);
        self.flush();
        self.read_section()
    }

    /// Reads the answer to INFO.
    pub(crate) fn read_section(&mut self) -> Info {
        match self.read() {
            Answer::Bulk(Some(info)) => Info(String::from_utf8(info).expect("INFO is text")),
            other => panic!("INFO is a text: {other:?}"),
        }
    }

    /// INFO and DBSIZE, nothing happening in between: they are asked for at once, and DBSIZE first. The reply to INFO is long
    /// and counts for the limit, so that a command after it may evict.
    pub(crate) fn counts(&mut self) -> (Info, u64) {
        self.queue_counts();
        self.flush();
        self.read_counts()
    }

    /// Puts DBSIZE and INFO into the next write.
    pub(crate) fn queue_counts(&mut self) {
        self.queue(&["DBSIZE"]);
        self.queue(&["INFO"]);
    }

    /// Reads their answers.
    pub(crate) fn read_counts(&mut self) -> (Info, u64) {
        let (Answer::Integer(size), Answer::Bulk(Some(info))) = (self.read(), self.read()) else {
            panic!("INFO is a text and DBSIZE a number")
        };
        let info = Info(String::from_utf8(info).expect("INFO is text"));
        (info, u64::try_from(size).expect("sizes are not negative"))
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).expect("the server answers");
        let line = line.strip_suffix(b"\r\n").expect("a line ends with CR and LF");
        String::from_utf8(line.to_vec()).expect("lines are text")
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).expect("the server answers");
        bytes.truncate(length);
        bytes
    }
}
