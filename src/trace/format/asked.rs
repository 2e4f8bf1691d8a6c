//! Which fetch a write ended: the request before it of the same client for the same key.

use std::collections::BTreeMap;

use super::operation::Op;
use crate::units::SimDuration;

/// Of how many clients the last request is remembered; then all are forgotten.
const CLIENTS: usize = 1 << 16;

/// What each client asked for last.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The key and the time in nanoseconds, by client.
    last: BTreeMap<Vec<u8>, (Vec<u8>, i64)>,
}

impl Asked {
    /// Takes the next record of a client. A write tells how long the origin took, if the client asked for that key last:
    /// it missed, fetched and stored.
    pub(super) fn next(&mut self, client: &[u8], op: Op, key: &[u8], time_ns: i64) -> Option<SimDuration> {
        match op {
            Op::Get => {
                if self.last.len() >= CLIENTS && !self.last.contains_key(client) {
                    self.last.clear();
                }
                self.last.insert(client.to_vec(), (key.to_vec(), time_ns));
                None
            }
            Op::Set => {
                let (_, since) = self.last.get(client).filter(|(asked, _)| asked == key)?;
                let took = u64::try_from(time_ns.saturating_sub(*since)).ok();
                self.last.remove(client);
                took.map(SimDuration::from_nanos)
            }
            _ => None,
        }
    }
}
