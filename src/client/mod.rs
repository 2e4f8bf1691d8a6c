//! How requests are asked: by which of the application's processes, with how much patience, and what
//! happens when an answer does not come.

use std::collections::VecDeque;

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

/// After so many failures in a row of seconds a process stops asking the origin for a while.
///
/// Each process counts its own fetches that failed, were shed or outlived its patience. While the
/// breaker is open nothing is fetched, and requests fall back at once. After `open_for` one fetch
/// is let through (half-open): if it succeeds the breaker closes, if it fails it stays open as long again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// Failures that open it; 20 where not written.
    #[serde(default = "Breaker::errors")]
    pub errors: u32,
    /// Within which time they count; 10 s.
    #[serde(default = "Breaker::within")]
    pub within: SimDuration,
    /// How long it stays open before one fetch is let through; 5 s.
    #[serde(default = "Breaker::open_for")]
    pub open_for: SimDuration,
}

impl Breaker {
    fn errors() -> u32 {
        20
    }

    fn within() -> SimDuration {
        SimDuration::from_secs(10)
    }

    fn open_for() -> SimDuration {
        SimDuration::from_secs(5)
    }
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
    /// When a process stops asking an origin that fails; `None` is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
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
            breaker: None,
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

/// The breakers of all processes at work.
#[derive(Debug, Clone)]
pub struct Breakers {
    rule: Option<Breaker>,
    /// By process.
    states: Vec<BreakerState>,
}

#[derive(Debug, Clone, Default)]
struct BreakerState {
    /// When the latest failures were, oldest first; at most as many as open it.
    failures: VecDeque<SimTime>,
    /// Until when nothing is fetched; none while it is closed.
    open_until: Option<SimTime>,
    /// Whether the one fetch of a half-open breaker is under way.
    probing: bool,
}

impl Breakers {
    /// Closed breakers for the processes of `client`.
    pub fn new(client: &Client) -> Self {
        let processes = client.breaker.map_or(0, |_| client.nodes as usize);
        Self { rule: client.breaker, states: vec![BreakerState::default(); processes] }
    }

    /// Whether a process may fetch now.
    pub fn lets_through(&self, node: u32, now: SimTime) -> bool {
        let Some(state) = self.states.get(node as usize) else { return true };
        state.open_until.is_none_or(|until| now > until && !state.probing)
    }

    /// A process that was let through fetches; if its breaker is half-open, nobody else does until it is over.
    pub fn fetches(&mut self, node: u32) {
        if let Some(state) = self.states.get_mut(node as usize) {
            state.probing = state.open_until.is_some();
        }
    }

    /// A process has got an answer.
    pub fn succeeded(&mut self, node: u32) {
        if let Some(state) = self.states.get_mut(node as usize) {
            // What was asked before it opened says nothing of now.
            if state.open_until.is_none() || state.probing {
                *state = BreakerState::default();
            }
        }
    }

    /// A fetch of a process has failed; whether its breaker opens.
    pub fn failed(&mut self, node: u32, now: SimTime) -> bool {
        let (Some(rule), Some(state)) = (self.rule, self.states.get_mut(node as usize)) else { return false };
        if state.open_until.is_some() {
            if state.probing {
                (state.open_until, state.probing) = (Some(now + rule.open_for), false);
                return true;
            }
            return false;
        }
        state.failures.push_back(now);
        while state.failures.front().is_some_and(|first| now.since(*first) > rule.within) {
            state.failures.pop_front();
        }
        if state.failures.len() < rule.errors as usize {
            return false;
        }
        state.failures.clear();
        state.open_until = Some(now + rule.open_for);
        true
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
    fn a_breaker_opens_after_its_failures_and_closes_after_one_success() {
        let nanos = SimDuration::from_nanos;
        let rule = Breaker { errors: 3, within: nanos(10), open_for: nanos(100) };
        let mut breakers = Breakers::new(&Client { breaker: Some(rule), nodes: 2, ..Client::default() });
        let at = SimTime::from_nanos;
        assert!(!breakers.failed(0, at(0)) && !breakers.failed(0, at(5)));
        assert!(!breakers.failed(0, at(12)), "the first is too old to count");
        assert!(breakers.failed(0, at(13)));
        assert!(!breakers.lets_through(0, at(113)) && breakers.lets_through(1, at(113)));
        assert!(breakers.lets_through(0, at(114)), "half-open");
        breakers.fetches(0);
        assert!(!breakers.lets_through(0, at(115)), "for one fetch");
        assert!(breakers.failed(0, at(120)), "open again");
        assert!(!breakers.lets_through(0, at(220)) && breakers.lets_through(0, at(221)));
        breakers.fetches(0);
        breakers.succeeded(0);
        assert!(breakers.lets_through(0, at(222)) && breakers.lets_through(0, at(222)));
    }

    #[test]
    fn backing_off_doubles_up_to_the_cap() {
        let client = Client::default();
        let millis = |nth| client.backs_off(nth, 0.5).as_nanos() / 1_000_000;
        assert_eq!([0, 1, 2, 5, 200].map(millis), [50, 100, 200, 1_000, 1_000]);
    }
}
