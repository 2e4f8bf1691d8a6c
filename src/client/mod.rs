//! How requests are asked: by which of the application's processes, with how much patience, and what
//! happens when an answer does not come.

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

/// What becomes of a fetch when its client gives up and nobody else waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnTimeout {
    /// It runs on.
    #[default]
    Abandon,
    /// It is withdrawn if no server has taken it up.
    CancelQueued,
    /// It is called off, and its server is free at once.
    Cancel,
}

/// What becomes of a value that was fetched while another fetch of the same object stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DuplicateFill {
    /// It is stored, and sets the TTL anew: what SETEX does.
    #[default]
    Overwrite,
    /// It is thrown away: the first to store wins, as with SET NX after a miss.
    KeepFirst,
    /// It is stored unless an older version would replace a newer one.
    NewestVersion,
}

/// The application's side of every request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Client {
    /// Processes among which requests are spread; per-process guards hold one state each.
    pub nodes: u32,
    /// Which process a request reaches.
    pub routing: Routing,
    /// How long an attempt waits for its answer; `None` is for ever.
    pub timeout: Option<SimDuration>,
    /// What becomes of a fetch that nobody waits for any more.
    pub on_timeout: OnTimeout,
    /// What becomes of the value of a fetch that its client no longer waits for.
    pub late_fill: LateFill,
    /// What becomes of a value that another fetch has stored meanwhile.
    pub duplicate_fill: DuplicateFill,
    /// Further attempts after one that failed or timed out.
    pub retries: u32,
    /// Scale of the wait before the first retry; it doubles with each.
    pub backoff: SimDuration,
    /// Most that the scale grows to.
    pub backoff_cap: SimDuration,
    /// Retries that one first attempt pays for, on average; `None` is without limit.
    pub retry_budget: Option<f64>,
    /// Whether those who joined a fetch get its error, or try again themselves.
    pub share_errors: bool,
    /// How long an error is remembered in the cache and answered from there; zero is not at all.
    pub negative_ttl: SimDuration,
    /// Chance that a process dies during a fetch: nothing is stored, no lock is given back.
    pub crash: f64,
}

impl Default for Client {
    /// One process that waits as long as it takes and tries once.
    fn default() -> Self {
        Self {
            nodes: 1,
            routing: Routing::Uniform,
            timeout: None,
            on_timeout: OnTimeout::Abandon,
            late_fill: LateFill::Keep,
            duplicate_fill: DuplicateFill::Overwrite,
            retries: 0,
            backoff: SimDuration::from_millis(100),
            backoff_cap: SimDuration::from_secs(2),
            retry_budget: Some(0.1),
            share_errors: true,
            negative_ttl: SimDuration::ZERO,
            crash: 0.0,
        }
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

    /// The last instant at which an answer to an attempt that began at `asked` is in time.
    pub fn patience(&self, asked: SimTime) -> Option<SimTime> {
        self.timeout.map(|timeout| asked + timeout)
    }

    /// How long the `nth` retry (from 0) waits: anything up to `backoff 2^nth`, at most `backoff_cap`
    /// ("full jitter"), by a `draw` from [0, 1).
    pub fn backs_off(&self, nth: u32, draw: f64) -> SimDuration {
        let scale = self.backoff.as_nanos().saturating_mul(1_u64.checked_shl(nth).unwrap_or(u64::MAX));
        SimDuration::from_nanos(scale).min(self.backoff_cap).scaled(draw)
    }

    /// Whether an answer at `done` comes too late for a client that asked at `asked`.
    pub fn gives_up(&self, asked: SimTime, done: SimTime) -> bool {
        self.timeout.is_some_and(|timeout| done.since(asked) > timeout)
    }
}

/// What retries may be spent: every first attempt earns a part of a retry, every retry costs a whole one.
///
/// Without it, retries multiply the load of an origin that is already in trouble.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    earned: Option<f64>,
    /// By process.
    saved: Vec<f64>,
}

impl RetryBudget {
    /// Most that a process saves, so that a long quiet time does not pay for a storm.
    const SAVED_MAX: f64 = 10.0;

    /// An empty budget for each process of `client`.
    pub fn new(client: &Client) -> Self {
        Self { earned: client.retry_budget, saved: vec![0.0; client.nodes as usize] }
    }

    /// A first attempt was made.
    pub fn earn(&mut self, node: u32) {
        if let Some(earned) = self.earned {
            let saved = &mut self.saved[node as usize];
            *saved = (*saved + earned).min(Self::SAVED_MAX);
        }
    }

    /// Whether a retry can be paid for; if so, it is.
    pub fn spend(&mut self, node: u32) -> bool {
        if self.earned.is_none() {
            return true;
        }
        let saved = &mut self.saved[node as usize];
        let enough = *saved >= 1.0;
        *saved -= f64::from(enough);
        enough
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

    #[test]
    fn a_budget_of_a_tenth_pays_for_one_retry_in_ten_attempts() {
        let client = Client { retry_budget: Some(0.1), ..Client::default() };
        let mut budget = RetryBudget::new(&client);
        let mut paid = 0;
        for _ in 0..1_000 {
            budget.earn(0);
            paid += u32::from(budget.spend(0));
        }
        assert!((99..=100).contains(&paid), "{paid}");
        let mut unlimited = RetryBudget::new(&Client { retry_budget: None, ..client });
        assert!(unlimited.spend(0));
    }

    #[test]
    fn backing_off_doubles_up_to_the_cap() {
        let client = Client::default();
        let millis = |nth| client.backs_off(nth, 0.5).as_nanos() / 1_000_000;
        assert_eq!([0, 1, 2, 5, 200].map(millis), [50, 100, 200, 1_000, 1_000]);
    }
}
