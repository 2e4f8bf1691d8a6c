//! Takes rows of time, number and size by the batch: what [`Collector::take`] does with each, without spelling keys
//! and without waiting for one object's place in memory before the next is asked for.

use super::collect::{Collector, Kind, MAX_OBJECTS, hour_of};
use super::numbers::{BATCH, Shown};
use crate::trace::format::Plain;
use crate::trace::{ObjectId, TraceError};

/// Nanoseconds of an hour.
const HOUR_NS: i64 = 3_600_000_000_000;

impl Collector {
    /// Whether such rows can be taken now: nothing else is remembered of them, and all keys so far are numbers.
    pub(super) fn takes_plain(&mut self) -> bool {
        self.keys.numbers().is_some() && self.sieve.takes_plain()
    }

    /// Takes rows that stand in lines from `first_line` on.
    ///
    /// # Panics
    /// If such rows cannot be taken now.
    pub(super) fn take_plain(&mut self, first_line: u64, rows: &[Plain]) -> Result<(), TraceError> {
        let mut line = first_line;
        self.ask_for(&rows[..rows.len().min(BATCH)]);
        for (nth, batch) in rows.chunks(BATCH).enumerate() {
            let next = rows.len().min((nth + 1) * BATCH);
            self.ask_for(&rows[next..rows.len().min(next + BATCH)]);
            self.take_batch(line, batch)?;
            line += batch.len() as u64;
            self.stay_in_room(line - 1)?;
        }
        Ok(())
    }

    fn ask_for(&mut self, rows: &[Plain]) {
        if let Some((numbers, _)) = self.keys.numbers() {
            numbers.ask_for(rows.iter().map(|row| row.number));
        }
    }

    fn take_batch(&mut self, first_line: u64, rows: &[Plain]) -> Result<(), TraceError> {
        let mut ids = [0; BATCH];
        let Self { keys, sizes, requests, requests_of, last_ttl, requests_with_ttl, .. } = self;
        let (numbers, limit) = keys.numbers().expect("the caller asked before");
        let shown = rows.iter().map(|row| Shown { number: row.number, size: row.size });
        // A row that tells nothing new of its object touches nothing of it but its id.
        let found = numbers.batch(shown, limit, &mut ids, |id, size| {
            let objects = id as usize + 1;
            if requests_of.len() < objects {
                requests_of.resize(objects, 0);
            }
            sizes.know_all(objects);
            requests_of[id as usize] += 1;
            if size > 0 {
                sizes.record(id, size);
            }
        });
        if let Err(nth) = found {
            let (file, line) = (self.sieve.file.clone(), first_line + nth as u64);
            return Err(TraceError::TooManyObjects { file, line, limit: MAX_OBJECTS });
        }
        *requests += rows.len() as u64;
        let ids = &ids[..rows.len()];
        if !last_ttl.is_empty() {
            let has_ttl = |id: &&u32| last_ttl.get(**id as usize).is_some_and(|ttl| !ttl.is_zero());
            *requests_with_ttl += ids.iter().filter(has_ttl).count() as u64;
        }
        self.object.extend(ids.iter().map(|id| ObjectId::new(*id)));
        self.at.extend(rows.iter().map(|row| row.time_ns));
        if !self.kind.is_empty() {
            self.kind.resize(self.at.len(), Kind::Request);
        }
        self.sieve.pass_plain(first_line, rows.len() as u64);
        let mut line = first_line;
        for same in rows.chunk_by(|a, b| a.time_ns == b.time_ns) {
            self.sieve.order.take(same[0].time_ns, line);
            line += same.len() as u64;
        }
        let mut rest = rows;
        while let Some(first) = rest.first() {
            let from = hour_of(first.time_ns, 0).saturating_mul(HOUR_NS);
            let hour = from..from.saturating_add(HOUR_NS);
            let alike = rest.iter().skip(1).take_while(|row| hour.contains(&row.time_ns)).count() + 1;
            self.count_hour(first.time_ns, 0, alike as u64);
            rest = &rest[alike..];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Seed;
    use crate::trace::format::{Record, Row};
    use crate::trace::import::{Import, Options, Spill};

    /// What becomes of rows that are taken in batches where `batched` says so, and one by one elsewhere.
    fn import(rows: &[Plain], options: &Options, mut batched: impl FnMut(usize) -> bool) -> Import {
        let mut collector = Collector::new(options);
        collector.begin("f", false, true).unwrap();
        let (mut line, mut rest) = (1, rows);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(100));
            if batched(rest.len()) {
                assert!(collector.takes_plain());
                collector.take_plain(line, now).unwrap();
            } else {
                for (row, line) in now.iter().zip(line..) {
                    let key = row.number.to_string();
                    let (key, size) = (key.as_bytes(), Some(u64::from(row.size)));
                    let record = Record { time_ns: row.time_ns, key, size, ..Record::default() };
                    collector.take(&Row { line, lines: 1, content: Ok(record) }).unwrap();
                }
            }
            line += now.len() as u64;
            rest = later;
        }
        collector.finish(Seed::new(3)).unwrap()
    }

    /// A TTL that a row one by one has set holds for the rows by the block after it.
    #[test]
    fn requests_with_a_ttl_are_counted_however_they_are_taken() {
        let with_ttl = |by_block: bool| {
            let mut collector = Collector::new(&Options::default());
            collector.begin("f", false, true).unwrap();
            let ttl = Some(crate::units::SimDuration::from_secs(60));
            let first = Record { time_ns: 1, key: b"7", size: Some(5), ttl, ..Record::default() };
            collector.take(&Row { line: 1, lines: 1, content: Ok(first) }).unwrap();
            for (line, number) in (2..).zip([7, 8, 7]) {
                let row = Plain { time_ns: line, number, size: 5 };
                let line = line.unsigned_abs();
                if by_block {
                    collector.take_plain(line, &[row]).unwrap();
                } else {
                    let key = number.to_string();
                    let (key, time_ns) = (key.as_bytes(), row.time_ns);
                    let record = Record { time_ns, key, size: Some(5), ..Record::default() };
                    collector.take(&Row { line, lines: 1, content: Ok(record) }).unwrap();
                }
            }
            collector.requests_with_ttl
        };
        assert_eq!((with_ttl(true), with_ttl(false)), (3, 3), "all but that of number 8");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn rows_in_batches_are_rows_one_by_one(
            rows in prop::collection::vec((0_i64..40, 0_u64..60, 0_u32..3), 1..900),
            scale in prop::sample::select(vec![1_000_000_000_i64, 250_000_000, 7]),
            spilled in prop::option::of(20_usize..300),
            pattern: u64,
        ) {
            let row = |(time, number, size): &(i64, u64, u32)| Plain {
                time_ns: time * scale,
                number: number << 40,
                size: *size,
            };
            let rows: Vec<Plain> = rows.iter().map(row).collect();
            let spill = spilled.map(|rows| Spill { folder: std::env::temp_dir(), rows });
            let options = Options { spill, ..Options::default() };
            let want = import(&rows, &options, |_| false);
            for got in [
                import(&rows, &options, |_| true),
                import(&rows, &options, |left| pattern >> (left / 100 % 64) & 1 == 1),
            ] {
                prop_assert_eq!(&got.trace, &want.trace);
                prop_assert_eq!(&got.provenance, &want.provenance);
                prop_assert_eq!(&got.local_hours, &want.local_hours);
            }
        }
    }
}
