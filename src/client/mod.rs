//! How requests are asked: by which of the application's processes, and with how much patience.

use serde::{Deserialize, Serialize};

use crate::random::Seed;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime};

/// Which process of the application a request reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Routing {
    /// Any, with equal chances: the usual load balancer.
    #[default]
    Uniform,
    /// Always the same for one key, as with consistent hashing.
    ByKey,
}

/// What becomes of a fetch that took longer than its client waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateFill {
    /// Its value is stored all the same.
    #[default]
    Keep,
    /// Its value is thrown away.
    Discard,
}

/// The application's side of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Client {
    /// Processes among which requests are spread; per-process guards hold one state each.
    pub nodes: u32,
    /// Which process a request reaches.
    pub routing: Routing,
    /// How long a client waits for its answer; `None` is for ever.
    pub timeout: Option<SimDuration>,
    /// What becomes of a fetch that its client no longer waits for.
    pub late_fill: LateFill,
}

impl Default for Client {
    /// One process that waits as long as it takes.
    fn default() -> Self {
        Self { nodes: 1, routing: Routing::Uniform, timeout: None, late_fill: LateFill::Keep }
    }
}

impl Client {
    /// The process that the `index`-th request of the trace reaches.
    pub fn node(&self, seed: Seed, index: usize, object: ObjectId) -> u32 {
        if self.nodes == 1 {
            return 0;
        }
        let bits = match self.routing {
            Routing::Uniform => seed.bits(index as u64, 0),
            Routing::ByKey => seed.bits(u64::from(object.as_u32()), 1),
        };
        // The high half of a product is uniform below `nodes` up to 2^-32.
        u32::try_from(((bits >> 32) * u64::from(self.nodes)) >> 32).expect("below the number of nodes")
    }

    /// Whether an answer at `done` comes too late for a client that asked at `asked`.
    pub fn gives_up(&self, asked: SimTime, done: SimTime) -> bool {
        self.timeout.is_some_and(|timeout| done.since(asked) > timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_spread_over_nodes_and_a_key_keeps_its_node() {
        let seed = Seed::new(3);
        let uniform = Client { nodes: 4, ..Client::default() };
        let mut counts = [0_u32; 4];
        for index in 0..40_000 {
            counts[uniform.node(seed, index, ObjectId::new(7)) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
        let by_key = Client { routing: Routing::ByKey, ..uniform };
        let home = by_key.node(seed, 0, ObjectId::new(7));
        assert!((0..100).all(|index| by_key.node(seed, index, ObjectId::new(7)) == home));
    }

    #[test]
    fn an_answer_at_the_instant_of_the_timeout_is_in_time() {
        let client = Client { timeout: Some(SimDuration::from_secs(3)), ..Client::default() };
        let asked = SimTime::from_nanos(5);
        let limit = asked + SimDuration::from_secs(3);
        assert!(!client.gives_up(asked, limit));
        assert!(client.gives_up(asked, limit + SimDuration::from_nanos(1)));
    }
}
