//! `redis-monitor`: what `redis-cli MONITOR` prints.
//!
//! ```text
//! 1339518083.107412 [0 127.0.0.1:60866] "SETEX" "thumb:7" "3600" "…"
//! ```
//!
//! Times have microseconds. `GET`, `GETEX` and `MGET` are requests; `SET`, `SETEX`, `PSETEX`, `SETNX` and
//! `MSET` are writes, `DEL` and `UNLINK` delete, `EXPIRE` and its kin set TTLs, or delete where the time is over already (and
//! count as `DEL`); other commands are counted.
//! The size of an object is the length of its value. Keys of another database than 0 are spelt `db:key`.
//!
//! Replies are not shown. A `GET` that is the last of its client before a write of the same key was a
//! miss, and the time between them is an observation of the origin time, for `latency = "trace"`. As
//! writes are mostly such fills, `[trace] set = "ignore"` (the default) takes up their TTLs and sizes and
//! nothing else. `MONITOR` slows a server down and shows values: record for minutes.
//!
//! ```toml
//! [trace]
//! path = "monitor.txt.gz"
//! format = "redis-monitor"
//! ```

use std::io::{self, BufRead};

use super::asked::Asked;
use super::line_reader::placed;
use super::lines::Lines;
use super::operation::Op;
use super::redis_command::{Effect, effect};
use super::timestamp::TimeUnit;
use super::{Declared, NoParams, Record, RecordReader, Row, Skip, TraceFormat};
use crate::catalog::{Invalid, Param, Plugin};
use crate::trace::TraceError;

/// Values stand in the lines, so these may be long; each byte takes four at most.
const LONGEST: u64 = 64 << 20;

/// What `MONITOR` prints.
#[derive(Debug, Clone, Copy)]
pub(super) struct RedisMonitor;

impl Plugin for RedisMonitor {
    const NAME: &'static str = "redis-monitor";
    const SUMMARY: &'static str = "what redis-cli MONITOR prints: every command with microseconds";
    const PARAMS: &'static [Param] = &[];
    type Params = NoParams;
    type Setup = Declared;

    fn new(_: &NoParams, declared: &Declared) -> Result<Self, Invalid> {
        declared.only(Self::NAME, &[])?;
        Ok(Self)
    }
}

impl TraceFormat for RedisMonitor {
    fn open<'r>(
        &self,
        input: Box<dyn BufRead + Send + 'r>,
        _: &str,
    ) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
        let lines = Lines::with_longest(input, LONGEST);
        let told = Told { command: Command::default(), next_key: None, asked: Asked::default() };
        Ok(Box::new(Reader { lines, number: 0, told }))
    }

    fn is_log(&self) -> bool {
        false
    }
}

struct Reader<R> {
    lines: Lines<R>,
    /// The line that the command stands in.
    number: u64,
    told: Told,
}

/// The command that is being told, key by key.
struct Told {
    command: Command,
    /// The argument that is the command's next key.
    next_key: Option<usize>,
    asked: Asked,
}

/// A command as it was printed.
#[derive(Default)]
struct Command {
    time_ns: i64,
    client: Vec<u8>,
    db: Vec<u8>,
    words: Vec<Vec<u8>>,
    effect: Option<Effect>,
    key: Vec<u8>,
}

impl<R: BufRead + Send> RecordReader for Reader<R> {
    fn next_row(&mut self) -> Option<io::Result<Row<'_>>> {
        if let Some(key) = self.told.next_key {
            let (line, content) = (self.number, Ok(self.told.record(key)));
            return Some(Ok(Row { line, lines: 0, content }));
        }
        let line = match self.lines.next()? {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        self.number = line.number;
        let failed = if line.is_cut {
            Some(Skip::bad("a line must be shorter than 64 MiB", line.text))
        } else {
            self.told.command.read(line.text).err()
        };
        if let Some(skip) = failed {
            let content = Err(placed(skip, line.text));
            return Some(Ok(Row { line: line.number, lines: 1, content }));
        }
        let Some(effect) = self.told.command.effect else {
            let name = self.told.command.words.first().map_or(&b""[..], Vec::as_slice);
            let content = Err(Skip::idle("a command that is no matter of a cache of values", name));
            return Some(Ok(Row { line: self.number, lines: 1, content }));
        };
        let (number, content) = (self.number, Ok(self.told.record(1 + effect.keys.0)));
        Some(Ok(Row { line: number, lines: 1, content }))
    }

    fn lines_read(&self) -> u64 {
        self.lines.read()
    }
}

impl Told {
    /// The command's record for the key that is word `at`.
    fn record(&mut self, at: usize) -> Record<'_> {
        let command = &mut self.command;
        let effect = command.effect.expect("a command with keys has an effect");
        let step = effect.keys.1;
        let next = at + step.max(1);
        self.next_key = (step > 0 && next + effect.value.unwrap_or(0) < command.words.len()).then_some(next);
        command.key.clear();
        if command.db != b"0" {
            command.key.extend_from_slice(&command.db);
            command.key.push(b':');
        }
        command.key.extend_from_slice(&command.words[at]);
        let origin_time = self.asked.next(&command.client, effect.op, &command.key, command.time_ns);
        let size = effect.value.map(|value| command.words[at + value].len() as u64);
        // Of an EXPIRE that deletes, its name tells something else.
        let method = match &command.words[0] {
            name if effect.op == Op::Delete && Op::of(name) != Op::Delete => &b"DEL"[..],
            name => name.as_slice(),
        };
        Record {
            time_ns: command.time_ns,
            method: Some(method),
            key: &command.key,
            size,
            origin_time,
            ttl: effect.ttl,
            ..Record::default()
        }
    }
}

impl Command {
    /// Takes a line apart.
    fn read<'l>(&mut self, line: &'l [u8]) -> Result<(), Skip<'l>> {
        self.effect = None;
        let text = line.strip_prefix(b"+").unwrap_or(line).trim_ascii();
        if text.is_empty() {
            return Err(Skip::idle("empty line", line));
        }
        if text == b"OK" {
            return Err(Skip::idle("the answer to MONITOR", line));
        }
        let shape = || Skip::bad("a line must be a time, [db client] and a command in quotes", line);
        let blank = text.iter().position(|byte| *byte == b' ').ok_or_else(shape)?;
        let (stamp, rest) = (&text[..blank], &text[blank + 1..]);
        let stamped = TimeUnit::S.parse(stamp).ok_or_else(|| {
            Skip::bad("the time must be a number of seconds within 292 years of 1970", stamp)
        })?;
        self.time_ns = stamped.0;
        let rest = rest.strip_prefix(b"[").ok_or_else(shape)?;
        // The path of a Unix socket may hold brackets.
        let close = rest.windows(3).position(|three| three == b"] \"").ok_or_else(shape)?;
        let source = &rest[..close];
        let space = source.iter().position(|byte| *byte == b' ').ok_or_else(shape)?;
        self.db.clear();
        self.db.extend_from_slice(&source[..space]);
        self.client.clear();
        self.client.extend_from_slice(&source[space + 1..]);
        self.split(&rest[close + 2..])?;
        self.effect = effect(&self.words, self.time_ns);
        Ok(())
    }

    /// Splits `"a" "b"` into words without their quotes and escapes.
    fn split<'l>(&mut self, mut text: &'l [u8]) -> Result<(), Skip<'l>> {
        let mut count = 0;
        while !text.is_empty() {
            let broken = || Skip::bad("arguments must stand in quotes (the line may be cut off)", text);
            let mut rest = text.strip_prefix(b"\"").ok_or_else(broken)?;
            if self.words.len() == count {
                self.words.push(Vec::new());
            }
            let word = &mut self.words[count];
            word.clear();
            loop {
                let special = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).ok_or_else(broken)?;
                word.extend_from_slice(&rest[..special]);
                let is_end = rest[special] == b'"';
                rest = &rest[special + 1..];
                if is_end {
                    break;
                }
                let (byte, length) = unescape(rest).ok_or_else(broken)?;
                word.push(byte);
                rest = &rest[length..];
            }
            count += 1;
            text = rest.strip_prefix(b" ").unwrap_or(rest);
        }
        self.words.truncate(count);
        Ok(())
    }
}

/// The byte that an escape stands for, and how long it is behind its backslash.
fn unescape(text: &[u8]) -> Option<(u8, usize)> {
    Some(match text.first()? {
        b'n' => (b'\n', 1),
        b'r' => (b'\r', 1),
        b't' => (b'\t', 1),
        b'a' => (7, 1),
        b'b' => (8, 1),
        b'x' => {
            let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
            (u8::try_from(digit(1)? * 16 + digit(2)?).ok()?, 3)
        }
        other => (*other, 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

    /// Method, key, size, TTL in seconds and origin time in microseconds of each row, or why it is none.
    type Read = Result<(String, Vec<u8>, Option<u64>, Option<u64>, Option<u64>), &'static str>;

    fn read(text: &[u8]) -> Vec<Read> {
        let mut reader = RedisMonitor.open(Box::new(text), "f").unwrap();
        let mut rows = Vec::new();
        while let Some(row) = reader.next_row() {
            rows.push(row.unwrap().content.map_err(|skip| skip.reason).map(|record| {
                let span = |span: Option<SimDuration>, unit: u64| span.map(|span| span.as_nanos() / unit);
                let method = String::from_utf8_lossy(record.method.unwrap()).into_owned();
                let (ttl, took) = (span(record.ttl, 1_000_000_000), span(record.origin_time, 1_000));
                (method, record.key.to_vec(), record.size, ttl, took)
            }));
        }
        rows
    }

    #[test]
    fn a_get_and_the_write_of_its_client_measure_the_origin() {
        let text = br#"OK
+1.000000 [0 10.0.0.1:5] "GET" "a"
1.000100 [0 10.0.0.1:6] "GET" "a"
1.250000 [0 10.0.0.1:5] "SETEX" "a" "3600" "\x00\xff\"\\\n."
1.300000 [0 10.0.0.1:5] "SETEX" "a" "3600" "x"
"#;
        let row = |method: &str, size, ttl, took| Ok((method.to_owned(), b"a".to_vec(), size, ttl, took));
        let want = [
            Err("the answer to MONITOR"),
            row("GET", None, None, None),
            row("GET", None, None, None),
            row("SETEX", Some(6), Some(3600), Some(250_000)),
            row("SETEX", Some(1), Some(3600), None),
        ];
        assert_eq!(read(text), want);
    }

    #[test]
    fn commands_of_several_keys_are_several_records_of_one_line() {
        let text = br#"1.0 [3 unix:/run/a] b.sock] "mget" "a b" "c"
1.0 [0 lua] "DEL" "a" "b"
1.0 [0 10.0.0.1:5] "MSET" "a" "xy" "b" "" "odd"
1.0 [0 10.0.0.1:5] "ZADD" "z" "1" "m"
"#;
        let row = |method: &str, key: &str, size, ttl| {
            Ok((method.to_owned(), key.as_bytes().to_vec(), size, ttl, None))
        };
        let forever = Some(SimDuration::FOREVER.as_nanos() / 1_000_000_000);
        let want = [
            row("mget", "3:a b", None, None),
            row("mget", "3:c", None, None),
            row("DEL", "a", None, None),
            row("DEL", "b", None, None),
            row("MSET", "a", Some(2), forever),
            row("MSET", "b", Some(0), forever),
            Err("a command that is no matter of a cache of values"),
        ];
        assert_eq!(read(text), want);
    }

    #[test]
    fn broken_lines_say_why() {
        for (line, why) in [
            ("nonsense", "a line must be a time, [db client] and a command in quotes"),
            ("x [0 a] \"GET\" \"k\"", "the time must be a number of seconds within 292 years of 1970"),
            ("1.0 [0 a] \"GET\" \"k", "arguments must stand in quotes (the line may be cut off)"),
            ("1.0 [0 a] \"GET\" \"k\\x0", "arguments must stand in quotes (the line may be cut off)"),
            ("1.0 [0] \"GET\" \"k\"", "a line must be a time, [db client] and a command in quotes"),
        ] {
            assert_eq!(read(line.as_bytes()), [Err(why)], "{line}");
        }
    }
}
