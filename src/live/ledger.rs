//! What the application has written: the deadlines and versions of the copies that a server may hold.
//!
//! An application would keep them inside its values, or ask for them; the harness keeps them here, and its
//! values carry the number of their fill, by which a copy that comes back is known again.

use std::collections::BTreeMap;

use crate::cache::{Cause, Entry};
use crate::trace::ObjectId;
use crate::units::SimTime;

/// A copy that was written.
#[derive(Debug, Clone, Copy)]
struct Copy {
    fill: u64,
    entry: Entry,
}

/// What is known of one object.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    /// The copy that the server acknowledged last, and the one before: of two writes on their way, the
    /// server's order is not known.
    copies: [Option<Copy>; 2],
    /// Why a copy that was there is gone, if the application knows.
    removed: Option<Cause>,
    /// Whether a write was ever sent: an answer may be lost on its way.
    was_written: bool,
}

/// All objects.
#[derive(Debug)]
pub(super) struct Ledger {
    rows: Vec<Row>,
    fills: u64,
    /// Fills that were sent and whose answer has not come: a read on another connection may see them first.
    under_way: BTreeMap<u64, (ObjectId, Entry)>,
    strange: u64,
}

impl Ledger {
    /// Nothing was written yet.
    pub(super) fn new(objects: usize) -> Self {
        Self { rows: vec![Row::default(); objects], fills: 0, under_way: BTreeMap::new(), strange: 0 }
    }

    /// The number of the next fill.
    pub(super) fn next_fill(&mut self) -> u64 {
        self.fills += 1;
        self.fills
    }

    /// A write is about to be sent.
    pub(super) fn sending(&mut self, object: ObjectId, fill: u64, entry: Entry) {
        self.under_way.insert(fill, (object, entry));
        self.rows[object.index()].was_written = true;
    }

    /// A write was answered: acknowledged, or refused.
    pub(super) fn answered(&mut self, fill: u64, is_stored: bool) {
        let Some((object, entry)) = self.under_way.remove(&fill) else { return };
        if is_stored {
            let row = &mut self.rows[object.index()];
            *row =
                Row { copies: [Some(Copy { fill, entry }), row.copies[0]], removed: None, was_written: true };
        }
    }

    /// The latest copy has new deadlines.
    pub(super) fn expire(&mut self, object: ObjectId, fresh_until: SimTime, expires_at: SimTime) {
        if let Some(copy) = &mut self.rows[object.index()].copies[0] {
            (copy.entry.fresh_until, copy.entry.expires_at) = (fresh_until, expires_at);
        }
    }

    /// The application deleted the key.
    pub(super) fn removed(&mut self, object: ObjectId, cause: Cause) {
        self.rows[object.index()].removed = Some(cause);
    }

    /// The copy that came back: the fill that it tells, or the latest one where it is too short to tell.
    /// `None` for a value that nobody here wrote.
    pub(super) fn copy(&mut self, object: ObjectId, fill: Option<u64>) -> Option<Entry> {
        let mut copies = self.rows[object.index()].copies.iter().flatten();
        let acknowledged = match fill {
            None => copies.next(),
            Some(fill) => copies.find(|copy| copy.fill == fill),
        };
        let found = acknowledged.map(|copy| copy.entry).or_else(|| {
            let mut sent =
                self.under_way.iter().filter(|(number, _)| fill.is_none_or(|fill| fill == **number));
            sent.find(|(_, (of, _))| *of == object).map(|(_, (_, entry))| *entry)
        });
        self.strange += u64::from(found.is_none());
        found
    }

    /// The latest copy, if it should still be there.
    pub(super) fn latest(&self, object: ObjectId, now: SimTime) -> Option<Entry> {
        let row = &self.rows[object.index()];
        let latest = row.copies[0].filter(|_| row.removed.is_none())?;
        Some(latest.entry).filter(|entry| now <= entry.expires_at)
    }

    /// Why a key is not there.
    pub(super) fn cause(&self, object: ObjectId, now: SimTime) -> Cause {
        let row = &self.rows[object.index()];
        match (row.removed, row.copies[0]) {
            (Some(cause), _) => cause,
            (None, Some(copy)) if now >= copy.entry.expires_at => Cause::Expired,
            (None, Some(_)) => Cause::Evicted,
            (None, None) => Cause::Cold,
        }
    }

    /// The objects that were ever written, answered or not.
    pub(super) fn written(&self) -> impl Iterator<Item = ObjectId> + '_ {
        let rows = self.rows.iter().enumerate();
        rows.filter(|(_, row)| row.was_written).map(|(index, _)| ObjectId::from_index(index))
    }

    /// Something came back that nobody here wrote.
    pub(super) fn note_strange(&mut self) {
        self.strange += 1;
    }

    /// Values that came back and were written by somebody else.
    pub(super) fn strange(&self) -> u64 {
        self.strange
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Version;

    fn entry(stored: u64, until: u64) -> Entry {
        let (stored_at, until) = (SimTime::from_nanos(stored), SimTime::from_nanos(until));
        Entry { stored_at, fresh_until: until, expires_at: until, version: Version(0) }
    }

    #[test]
    fn a_copy_is_known_by_its_fill_and_a_missing_one_by_what_was_last_done() {
        let (mut ledger, object) = (Ledger::new(1), ObjectId::new(0));
        let cause = |ledger: &Ledger, at| ledger.cause(object, SimTime::from_nanos(at));
        assert_eq!(cause(&ledger, 5), Cause::Cold);
        let (first, second) = (ledger.next_fill(), ledger.next_fill());
        ledger.sending(object, first, entry(0, 100));
        assert_eq!(ledger.copy(object, Some(first)), Some(entry(0, 100)), "seen before its answer came");
        assert_eq!(ledger.copy(object, None), Some(entry(0, 100)));
        assert_eq!((ledger.written().count(), ledger.latest(object, SimTime::ZERO)), (1, None));
        ledger.sending(object, second, entry(1, 101));
        ledger.answered(first, true);
        ledger.answered(second, true);
        let refused = ledger.next_fill();
        ledger.sending(object, refused, entry(2, 102));
        ledger.answered(refused, false);
        assert_eq!(ledger.copy(object, Some(first)), Some(entry(0, 100)));
        assert_eq!(ledger.copy(object, None), Some(entry(1, 101)));
        assert_eq!((ledger.copy(object, Some(99)), ledger.strange()), (None, 1));
        assert_eq!((cause(&ledger, 50), cause(&ledger, 101)), (Cause::Evicted, Cause::Expired));
        ledger.removed(object, Cause::Invalidated);
        assert_eq!((cause(&ledger, 50), ledger.latest(object, SimTime::ZERO)), (Cause::Invalidated, None));
        assert_eq!(ledger.written().count(), 1);
    }
}
