//! Requests one by one, for whoever needs no whole trace: memory for a few minutes of them, not for all.
//!
//! Servers write when a request ends, so lines are out of order. They are put into order within a
//! window, five minutes unless the settings say otherwise; what comes later than that is an error, for it could only be
//! dropped.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::class::OTHER;
use super::inputs::open_input;
use super::objects::ASSUMED_SIZE;
use super::sieve::{Sieve, is_absence};
use super::source::{Facts, Source, broken};
use super::verdicts::{self, Verdicts};
use super::{Digesting, Input, Options};
use crate::random::Seed;
use crate::trace::TraceError;
use crate::trace::format::{Op, RecordReader, lag_ns};
use crate::trace::shape::spread::spread;
use crate::units::SimDuration;

const SECOND_NS: i64 = 1_000_000_000;

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
    /// Whether it may lie anywhere inside the second that begins at its time: the recording has whole seconds.
    pub whole_second: bool,
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
/// Whole seconds stay whole, but for those of recordings that tell how long before its stamp a request began: such
/// requests are spread inside the second of their stamp as [`import`](super::import()) spreads them with this `seed`.
/// Inputs whose classes go by size or status are read twice where they are files; requests of the first reading that
/// memory does not hold go where the options say.
///
/// # Errors
/// Whatever makes an input unreadable; a line that is later than `reorder_window`; and the errors of `take`.
pub fn stream<E: From<TraceError>>(
    inputs: &[Input],
    options: &Options,
    seed: Seed,
    take: impl FnMut(&Item) -> Result<(), E>,
) -> Result<Streamed, E> {
    let undecided = verdicts::undecided(options);
    let mut verdicts = if undecided.is_empty() { None } else { Verdicts::of(inputs, options)? };
    let mut raws = Vec::new();
    for input in inputs {
        raws.push((input.to_string(), Digesting::new(open_input(input)?)));
    }
    // Of many inputs each would need a thread and its blocks.
    let is_alone = raws.len() == 1;
    let mut streamed = std::thread::scope(|scope| {
        let mut queues = Vec::new();
        let mut streamed = Streamed::default();
        for (place, (file, raw)) in (0..).zip(&mut raws) {
            let source = Source::open(raw, file, options)?;
            let told = Told { facts: source.facts, is_log: source.is_log, has_times: source.has_times() };
            streamed.is_timeless |= !told.has_times;
            let reader = if is_alone { source.reader_ahead(file, scope) } else { source.reader(file) };
            // Two logs of one second must not have their requests at the same places.
            let seed = if place == 0 { seed } else { seed.nth(place) };
            queues.push(Queue::open(reader?, told, file, options, seed)?);
        }
        merge(&mut queues, &mut verdicts, take)?;
        for queue in queues {
            queue.finish(&mut streamed)?;
        }
        Ok::<_, E>(streamed)
    })?;
    if !undecided.is_empty() {
        let names = undecided.join(", ");
        streamed.notes.push(match verdicts {
            Some(_) => format!("class {names} goes by all records of an object, so the trace was read twice"),
            None => format!(
                "class {names} goes by the size and status of each record here, because this cannot be read twice; a run \
                 goes by all records of an object"
            ),
        });
    }
    Ok(streamed)
}

/// What the format of an input tells before the first record.
#[derive(Clone, Copy)]
struct Told {
    facts: Facts,
    is_log: bool,
    has_times: bool,
}

/// Shows the items of all queues to `take`, the earliest first.
fn merge<E: From<TraceError>>(
    queues: &mut [Queue<'_>],
    verdicts: &mut Option<Verdicts>,
    mut take: impl FnMut(&Item) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let mut first: Option<(i64, usize)> = None;
        for (place, queue) in queues.iter_mut().enumerate() {
            if let Some(time) = queue.next_time(verdicts)?
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
    /// Records whose stamp is the second of the last one, in the order of the file.
    second: Vec<Ended>,
    seed: Seed,
    /// How late a line may be, in nanoseconds.
    window_ns: i64,
    latest: i64,
    emitted: i64,
    taken: u64,
    tells_modified: bool,
    has_times: bool,
    is_over: bool,
}

/// A record that is stamped by the second in which it ended.
struct Ended {
    item: Item,
    lag_ms: u32,
    line: u64,
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
        told: Told,
        file: &str,
        options: &'r Options,
        seed: Seed,
    ) -> Result<Self, TraceError> {
        let Told { facts, is_log, has_times } = told;
        let mut sieve = Sieve::new(options);
        sieve.begin(file, is_log)?;
        Ok(Self {
            reader,
            facts,
            sieve,
            options,
            waiting: BinaryHeap::new(),
            second: Vec::new(),
            seed,
            window_ns: i64::try_from(options.reorder_window.as_nanos()).unwrap_or(i64::MAX),
            latest: i64::MIN,
            emitted: i64::MIN,
            taken: 0,
            tells_modified: false,
            has_times,
            is_over: false,
        })
    }

    /// The time of the next item, once no earlier one can come.
    fn next_time(&mut self, verdicts: &mut Option<Verdicts>) -> Result<Option<i64>, TraceError> {
        loop {
            let next = self.waiting.peek().map(|waiting| waiting.item.time_ns);
            match next {
                None if self.is_over => return Ok(None),
                Some(time) if self.is_over || time <= self.latest.saturating_sub(self.window_ns) => {
                    return Ok(Some(time));
                }
                _ => self.read(verdicts)?,
            }
        }
    }

    fn pop(&mut self) -> Option<Item> {
        let mut item = self.waiting.pop()?.item;
        self.emitted = item.time_ns;
        // By now minutes of later lines have told what kind of file it is.
        item.whole_second &= self.sieve.order.has_seconds();
        Some(item)
    }

    /// Reads one row.
    fn read(&mut self, verdicts: &mut Option<Verdicts>) -> Result<(), TraceError> {
        let row = match self.reader.next_row() {
            None => {
                self.is_over = true;
                return self.end_second();
            }
            Some(Ok(row)) => row,
            Some(Err(error)) => {
                let lines = self.reader.lines_read();
                return Err(broken(error, &self.sieve.file, self.facts, lines));
            }
        };
        let (Some(passed), Ok(record)) = (self.sieve.sift(&row)?, &row.content) else { return Ok(()) };
        self.tells_modified |= record.last_modified_ns.is_some();
        let key = self.sieve.key(record.key).to_owned();
        let size = record.size.filter(|_| passed.shows_size).and_then(|size| u32::try_from(size).ok());
        // What was never there has a size, or whoever reads it again would assume one.
        let is_absent = self.options.negative
            && record.status.is_some_and(is_absence)
            && verdicts.as_mut().is_some_and(|verdicts| verdicts.is_empty(&key));
        let size = size.or(is_absent.then_some(ASSUMED_SIZE));
        // A size that is not known is neither small nor large.
        let ruled = self.options.classes.iter().find(|rule| {
            (size.is_some() || !rule.asks_for_size())
                && rule.holds(&key, size.unwrap_or(0))
                && rule.holds_status(record.status)
        });
        let recorded = || record.class.map(|class| String::from_utf8_lossy(class).into_owned());
        let class = match verdicts.as_mut().and_then(|verdicts| verdicts.class(&key)) {
            Some(class) => (class != OTHER).then(|| class.to_owned()),
            None => ruled.map(|rule| rule.name.clone()).or_else(recorded),
        };
        let (time_ns, op, line) = (record.time_ns, passed.op, row.line);
        let (ttl, origin_time, lag_ms) = (record.ttl, record.origin_time, record.lag_ms);
        let whole_second = lag_ms.is_none() && time_ns % SECOND_NS == 0 && self.has_times;
        let item = Item { time_ns, op, key, size, class, ttl, origin_time, whole_second };
        self.latest = self.latest.max(time_ns);
        if self.second.first().is_some_and(|first| first.item.time_ns != time_ns) {
            self.end_second()?;
        }
        match lag_ms {
            Some(lag_ms) => self.second.push(Ended { item, lag_ms, line }),
            None => self.wait(item, line)?,
        }
        Ok(())
    }

    /// Gives the records of one stamp their places inside its second, and the time when they began.
    fn end_second(&mut self) -> Result<(), TraceError> {
        let second = std::mem::take(&mut self.second);
        let mut times: Vec<i64> = second.iter().map(|ended| ended.item.time_ns).collect();
        spread(&mut times, self.options.spread, self.seed);
        for (Ended { item, lag_ms, line }, ended_ns) in second.into_iter().zip(times) {
            let time_ns = ended_ns.saturating_sub(lag_ns(lag_ms));
            self.wait(Item { time_ns, ..item }, line)?;
        }
        Ok(())
    }

    fn wait(&mut self, item: Item, line: u64) -> Result<(), TraceError> {
        if item.time_ns < self.emitted {
            return Err(TraceError::Late {
                file: self.sieve.file.clone(),
                line,
                seconds: item.time_ns.abs_diff(self.latest) / SECOND_NS.unsigned_abs(),
            });
        }
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
        if self.tells_modified {
            let file = &self.sieve.file;
            streamed.notes.push(format!(
                "{file} tells when objects were modified, which has no place in what is written"
            ));
        }
        Ok(())
    }
}
