//! The origin has a fixed number of servers and one queue, first come first served.
//!
//! With exponential times and Poisson fetches this is M/M/c (Erlang C): the wait grows without
//! bound as the load nears `servers / mean time`.
//!
//! ```toml
//! capacity = { model = "servers", servers = 32 }
//! ```

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use super::{CapacityModel, Setup};
use crate::catalog::{Invalid, Param, Plugin};
use crate::units::{SimDuration, SimTime};

/// Parameters of [`Servers`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    servers: u32,
}

/// A fixed number of servers.
#[derive(Debug)]
pub struct Servers {
    servers: u32,
    /// When each server is done with what it was given, earliest first.
    free_at: BinaryHeap<Reverse<SimTime>>,
}

impl Plugin for Servers {
    const NAME: &'static str = "servers";
    const SUMMARY: &'static str = "A fixed number of servers with one first-come-first-served queue.";
    const PARAMS: &'static [Param] =
        &[Param::integer("servers", "fetches served at once").default("32").from("1").to("100_000")];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        Ok(Self::with(params.servers))
    }
}

impl Servers {
    fn with(servers: u32) -> Self {
        Self { servers, free_at: (0..servers).map(|_| Reverse(SimTime::ZERO)).collect() }
    }
}

impl CapacityModel for Servers {
    fn start(&mut self, at: SimTime, time: SimDuration) -> SimTime {
        let mut earliest = self.free_at.peek_mut().expect("there is at least one server");
        let start = earliest.0.max(at);
        *earliest = Reverse(start + time);
        start
    }

    fn servers(&self) -> Option<u32> {
        Some(self.servers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_fetch_of_two_servers_waits_for_the_first_to_finish() {
        let mut two = Servers::with(2);
        let at = SimTime::from_nanos;
        let ten = SimDuration::from_nanos(10);
        assert_eq!(two.start(at(0), ten), at(0));
        assert_eq!(two.start(at(1), ten), at(1));
        assert_eq!(two.start(at(2), ten), at(10));
        assert_eq!(two.start(at(30), ten), at(30));
    }
}
