//! Requests one by one, for whoever needs no whole trace: memory for a few minutes of them, not for all.
//!
//! Servers write when a request ends, so lines are out of order. They are put into order within a
//! window, five minutes unless the settings say otherwise; what comes later than that is an error, for it could only be
//! dropped.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::inputs::open_input;
use super::sieve::Sieve;
use super::source::{Facts, Source, broken};
use super::{Digesting, Input, Options};
use crate::trace::TraceError;
use crate::trace::format::{Op, RecordReader};
use crate::units::SimDuration;

/// A record that passed all filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Nanoseconds since 1970 UTC, or since whenever the recording counts from.
    pub time_ns: i64,
    /// What it does.
    pub op: Op,
    /// The key, spelt as the settings say.
    pub key: String,
    /// Bytes of the whole object, where the record tells.
    pub size: Option<u32>,
    /// The class by the rules, or as recorded.
    pub class: Option<String>,
    /// The TTL from now on, [`SimDuration::FOREVER`] for none, where recorded.
    pub ttl: Option<SimDuration>,
    /// How long the origin took, where recorded.
    pub origin_time: Option<SimDuration>,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Streamed {
    /// Lines of all inputs.
    pub lines: u64,
    /// Lines that cannot be understood.
    pub bad: u64,
    /// Why lines were left out, in one line; empty where none was.
    pub left_out: String,
    /// What was assumed or looks odd.
    pub notes: Vec<String>,
    /// Whether the recording has an order and no times.
    pub is_timeless: bool,
}

/// Shows every record that passes the filters to `take`, ordered by time over all inputs.
///
/// # Errors
/// Whatever makes an input unreadable; a line that is later than `reorder_window`; and the errors of `take`.
pub fn stream<E: From<TraceError>>(
    inputs: &[Input],
    options: &Options,
    take: impl FnMut(&Item) -> Result<(), E>,
) -> Result<Streamed, E> {
    let mut raws = Vec::new();
    for input in inputs {
        raws.push((input.to_string(), Digesting::new(open_input(input)?)));
    }
    // Of many inputs each would need a thread and its blocks.
    let is_alone = raws.len() == 1;
    std::thread::scope(|scope| {
        let mut queues = Vec::new();
        let mut streamed = Streamed::default();
        for (file, raw) in &mut raws {
            let source = Source::open(raw, file, options)?;
            streamed.is_timeless |= !source.has_times();
            let (facts, is_log) = (source.facts, source.is_log);
            let reader = if is_alone { source.reader_ahead(file, scope) } else { source.reader(file) };
            queues.push(Queue::open(reader?, facts, is_log, file, options)?);
        }
        merge(&mut queues, take)?;
        for queue in queues {
            queue.finish(&mut streamed)?;
        }
        Ok(streamed)
    })
}

/// Shows the items of all queues to `take`, the earliest first.
fn merge<E: From<TraceError>>(
    queues: &mut [Queue<'_>],
    mut take: impl FnMut(&Item) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let mut first: Option<(i64, usize)> = None;
        for (place, queue) in queues.iter_mut().enumerate() {
            if let Some(time) = queue.next_time()?
                && first.is_none_or(|(earliest, _)| time < earliest)
            {
                first = Some((time, place));
            }
        }
        let Some(item) = first.and_then(|(_, place)| queues[place].pop()) else { return Ok(()) };
        take(&item)?;
    }
}

/// The records of one input, in order.
struct Queue<'r> {
    reader: Box<dyn RecordReader + 'r>,
    facts: Facts,
    sieve: Sieve,
    options: &'r Options,
    waiting: BinaryHeap<Waiting>,
    /// How late a line may be, in nanoseconds.
    window_ns: i64,
    latest: i64,
    emitted: i64,
    taken: u64,
    tells_modified: bool,
    is_over: bool,
}

/// An item that waits for earlier ones; the earliest of these is the greatest.
struct Waiting {
    nth: u64,
    item: Item,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.item.time_ns, other.nth).cmp(&(self.item.time_ns, self.nth))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

impl<'r> Queue<'r> {
    fn open(
        reader: Box<dyn RecordReader + 'r>,
        facts: Facts,
        is_log: bool,
        file: &str,
        options: &'r Options,
    ) -> Result<Self, TraceError> {
        let mut sieve = Sieve::new(options);
        sieve.begin(file, is_log)?;
        Ok(Self {
            reader,
            facts,
            sieve,
            options,
            waiting: BinaryHeap::new(),
            window_ns: i64::try_from(options.reorder_window.as_nanos()).unwrap_or(i64::MAX),
            latest: i64::MIN,
            emitted: i64::MIN,
            taken: 0,
            tells_modified: false,
            is_over: false,
        })
    }

    /// The time of the next item, once no earlier one can come.
    fn next_time(&mut self) -> Result<Option<i64>, TraceError> {
        loop {
            let next = self.waiting.peek().map(|waiting| waiting.item.time_ns);
            match next {
                None if self.is_over => return Ok(None),
                Some(time) if self.is_over || time <= self.latest.saturating_sub(self.window_ns) => {
                    return Ok(Some(time));
                }
                _ => self.read()?,
            }
        }
    }

    fn pop(&mut self) -> Option<Item> {
        let item = self.waiting.pop()?.item;
        self.emitted = item.time_ns;
        Some(item)
    }

    /// Reads one row.
    fn read(&mut self) -> Result<(), TraceError> {
        let row = match self.reader.next_row() {
            None => {
                self.is_over = true;
                return Ok(());
            }
            Some(Ok(row)) => row,
            Some(Err(error)) => {
                let lines = self.reader.lines_read();
                return Err(broken(error, &self.sieve.file, self.facts, lines));
            }
        };
        let (Some(passed), Ok(record)) = (self.sieve.sift(&row)?, &row.content) else { return Ok(()) };
        if record.time_ns < self.emitted {
            return Err(TraceError::Late {
                file: self.sieve.file.clone(),
                line: row.line,
                seconds: record.time_ns.abs_diff(self.latest) / 1_000_000_000,
            });
        }
        self.tells_modified |= record.last_modified_ns.is_some();
        let key = self.sieve.key(record.key).to_owned();
        let size = record.size.filter(|_| passed.shows_size).and_then(|size| u32::try_from(size).ok());
        let ruled = self
            .options
            .classes
            .iter()
            .find(|rule| rule.holds(&key, size.unwrap_or(0)) && rule.holds_status(record.status));
        let recorded = || record.class.map(|class| String::from_utf8_lossy(class).into_owned());
        let class = ruled.map(|rule| rule.name.clone()).or_else(recorded);
        let (time_ns, op) = (record.time_ns, passed.op);
        let item = Item { time_ns, op, key, size, class, ttl: record.ttl, origin_time: record.origin_time };
        self.latest = self.latest.max(time_ns);
        self.waiting.push(Waiting { nth: self.taken, item });
        self.taken += 1;
        Ok(())
    }

    /// Judges the input and adds what is to be told of it.
    fn finish(mut self, streamed: &mut Streamed) -> Result<(), TraceError> {
        self.sieve.end();
        self.sieve.judge(self.taken > 0)?;
        streamed.lines += self.sieve.tally.lines;
        streamed.bad += self.sieve.tally.bad;
        if self.sieve.tally.has_skipped() {
            if !streamed.left_out.is_empty() {
                streamed.left_out.push_str("; ");
            }
            streamed.left_out.push_str(&self.sieve.tally.summary());
        }
        streamed.notes.extend(self.reader.notes());
        streamed.notes.append(&mut self.sieve.notes);
        let by_status: Vec<&str> = self
            .options
            .classes
            .iter()
            .filter(|rule| !rule.status.is_empty())
            .map(|rule| rule.name.as_str())
            .collect();
        if !by_status.is_empty() {
            streamed.notes.push(format!(
                "class {} goes by the status of each request here; a run gives it to all requests of an object that had \
                 such a status once",
                by_status.join(", ")
            ));
        }
        if self.tells_modified {
            let file = &self.sieve.file;
            streamed.notes.push(format!(
                "{file} tells when objects were modified, which has no place in what is written"
            ));
        }
        Ok(())
    }
}
