//! Who stops asking an origin that fails.

use std::collections::BTreeMap;

/// After so many failures within a time nothing is fetched for another time; then one fetch is a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Breaker {
    pub(crate) errors: usize,
    pub(crate) within: u64,
    pub(crate) open_for: u64,
}

/// The breakers of all nodes.
pub(super) struct Breakers {
    breaker: Option<Breaker>,
    nodes: BTreeMap<usize, Node>,
}

#[derive(Default)]
struct Node {
    /// All failures since it was closed.
    failures: Vec<u64>,
    /// Open until that instant, and half-open after it.
    open_until: Option<u64>,
    on_trial: bool,
}

impl Breakers {
    pub(super) fn new(breaker: Option<Breaker>) -> Self {
        Self { breaker, nodes: BTreeMap::new() }
    }

    /// Whether a node may fetch.
    pub(super) fn lets(&self, node: usize, now: u64) -> bool {
        let Some(Node { open_until: Some(until), on_trial, .. }) = self.nodes.get(&node) else { return true };
        now > *until && !on_trial
    }

    /// A node fetches.
    pub(super) fn fetches(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(&node) {
            node.on_trial = node.open_until.is_some();
        }
    }

    /// A node has its answer. What was asked before the breaker opened does not close it.
    pub(super) fn succeeded(&mut self, node: usize) {
        if self.nodes.get(&node).is_some_and(|node| node.open_until.is_none() || node.on_trial) {
            self.nodes.remove(&node);
        }
    }

    pub(super) fn failed(&mut self, node: usize, now: u64) {
        let Some(Breaker { errors, within, open_for }) = self.breaker else { return };
        let node = self.nodes.entry(node).or_default();
        if node.open_until.is_none() {
            node.failures.push(now);
            let recent = node.failures.iter().filter(|at| now.saturating_sub(**at) <= within).count();
            if recent >= errors {
                (node.open_until, node.failures) = (Some(now + open_for), Vec::new());
            }
        } else if node.on_trial {
            (node.open_until, node.on_trial) = (Some(now + open_for), false);
        }
    }
}
