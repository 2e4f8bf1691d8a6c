//! The origin has a fixed number of servers and a queue before them; what the queue cannot take is shed.
//!
//! With exponential times, Poisson fetches and an unbounded queue this is M/M/c (Erlang C): the wait
//! grows without bound as the load nears `servers / mean time`. A bounded queue is admission
//! control, the one guard that helps when many keys are fetched at once: `queue` fetches wait, and
//! `shed` says who goes when there are more (the `newest`, the `oldest`, or at the server's door
//! those whose client has given up, and the newest where the queue is full). `order` is `fifo` or
//! `lifo`; under overload the latter answers some in time where the former answers all too late.
//! Who is shed gets an error at once.
//!
//! ```toml
//! capacity = { model = "servers", servers = 32, queue = 1024, order = "fifo", shed = "newest" }
//! ```

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Admission, CapacityModel, Job, Setup, Ticket};
use crate::catalog::{Invalid, Kind, Param, Plugin};
use crate::units::SimTime;

/// Parameters of [`Servers`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    servers: u32,
    queue: Room,
    order: Order,
    shed: Shed,
}

/// How many may wait, as written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Room {
    Places(u32),
    Word(String),
}

/// Who is taken up next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Order {
    Fifo,
    Lifo,
}

/// Who goes when the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shed {
    Newest,
    Oldest,
    Deadline,
}

/// A fixed number of servers behind a queue.
#[derive(Debug)]
pub struct Servers {
    count: u32,
    busy: u32,
    /// Most that may wait; `None` is any number.
    room: Option<usize>,
    order: Order,
    shed: Shed,
    /// Who waits, in the order of arrival.
    queue: VecDeque<Job>,
}

impl Plugin for Servers {
    const NAME: &'static str = "servers";
    const SUMMARY: &'static str =
        "A fixed number of servers behind one queue, which may be bounded and shed what it cannot take.";
    const PARAMS: &'static [Param] = &[
        Param::integer("servers", "fetches served at once").default("32").from("1").to("100_000"),
        Param::new("queue", Kind::Text, "fetches that may wait: a whole number, 0 for none, or \"unbounded\"")
            .default("unbounded"),
        Param::new("order", Kind::Choice(&["fifo", "lifo"]), "which of those that wait is taken up next")
            .default("fifo"),
        Param::new(
            "shed",
            Kind::Choice(&["newest", "oldest", "deadline"]),
            "who goes: when the queue is full the newest or the oldest; or already before, whose client has given up",
        )
        .default("newest"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let room = match &params.queue {
            Room::Places(places) => Some(*places as usize),
            Room::Word(word) if word == "unbounded" => None,
            Room::Word(word) => {
                let what = format!("queue must be a whole number or \"unbounded\", but is \"{word}\"");
                return Err(Invalid::param("queue", what).help("write queue = 1024"));
            }
        };
        let Params { servers, order, shed, .. } = *params;
        Ok(Self { count: servers, busy: 0, room, order, shed, queue: VecDeque::new() })
    }
}

impl CapacityModel for Servers {
    fn arrive(&mut self, job: Job) -> Admission {
        if self.busy < self.count {
            self.busy += 1;
            return Admission::Start;
        }
        let full = self.room.is_some_and(|room| self.queue.len() >= room);
        if full && (self.shed != Shed::Oldest || self.queue.is_empty()) {
            return Admission::Refuse;
        }
        let displaced = if full { self.queue.pop_front() } else { None };
        self.queue.push_back(job);
        Admission::Queue { displaced }
    }

    fn release(&mut self, now: SimTime, shed: &mut Vec<Job>) -> Option<Job> {
        loop {
            let next = match self.order {
                Order::Fifo => self.queue.pop_front(),
                Order::Lifo => self.queue.pop_back(),
            };
            match next {
                Some(job) if self.shed == Shed::Deadline && job.ask.patience.is_some_and(|end| now > end) => {
                    shed.push(job);
                }
                Some(job) => return Some(job),
                None => {
                    self.busy -= 1;
                    return None;
                }
            }
        }
    }

    fn withdraw(&mut self, ticket: Ticket) -> bool {
        // Clients give up in about the order in which they came, so the search is short.
        let Some(place) = self.queue.iter().position(|job| job.ticket == ticket) else { return false };
        self.queue.remove(place);
        true
    }

    fn servers(&self) -> Option<u32> {
        Some(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Ask;
    use crate::trace::ObjectId;

    fn servers(servers: u32, room: Option<usize>, order: Order, shed: Shed) -> Servers {
        Servers { count: servers, busy: 0, room, order, shed, queue: VecDeque::new() }
    }

    fn job(ticket: u64, patience: u64) -> Job {
        let patience = Some(SimTime::from_nanos(patience));
        let ask = Ask { object: ObjectId::new(0), at: SimTime::ZERO, request: 0, patience, validates: None };
        Job { ticket: Ticket(ticket), ask, nth: 0 }
    }

    /// The tickets that servers take up at the instant 10, one after the other.
    fn taken(model: &mut Servers, shed: &mut Vec<Job>) -> Vec<u64> {
        let now = SimTime::from_nanos(10);
        std::iter::from_fn(|| model.release(now, shed)).map(|job| job.ticket.0).collect()
    }

    #[test]
    fn the_queue_is_served_in_its_order() {
        for (order, expected) in [(Order::Fifo, [1, 2, 3]), (Order::Lifo, [3, 2, 1])] {
            let mut one = servers(1, None, order, Shed::Newest);
            assert_eq!(one.arrive(job(0, 99)), Admission::Start);
            (1..4).for_each(|n| assert_eq!(one.arrive(job(n, 99)), Admission::Queue { displaced: None }));
            assert_eq!(taken(&mut one, &mut Vec::new()), expected);
            assert_eq!(one.arrive(job(9, 99)), Admission::Start);
        }
    }

    #[test]
    fn a_full_queue_refuses_the_newest_or_displaces_the_oldest() {
        let mut newest = servers(1, Some(1), Order::Fifo, Shed::Newest);
        (0..2).for_each(|n| _ = newest.arrive(job(n, 99)));
        assert_eq!(newest.arrive(job(2, 99)), Admission::Refuse);
        let mut oldest = servers(1, Some(1), Order::Fifo, Shed::Oldest);
        (0..2).for_each(|n| _ = oldest.arrive(job(n, 99)));
        assert_eq!(oldest.arrive(job(2, 99)), Admission::Queue { displaced: Some(job(1, 99)) });
        let mut none = servers(1, Some(0), Order::Fifo, Shed::Oldest);
        none.arrive(job(0, 99));
        assert_eq!(none.arrive(job(1, 99)), Admission::Refuse);
    }

    #[test]
    fn who_waited_in_vain_is_shed_at_the_door() {
        let mut one = servers(1, None, Order::Fifo, Shed::Deadline);
        [(0, 99), (1, 9), (2, 10)].into_iter().for_each(|(n, end)| _ = one.arrive(job(n, end)));
        let mut shed = Vec::new();
        assert_eq!(taken(&mut one, &mut shed), [2]);
        assert_eq!(shed, [job(1, 9)]);
    }

    #[test]
    fn a_withdrawn_fetch_is_never_served() {
        let mut one = servers(1, None, Order::Fifo, Shed::Newest);
        (0..3).for_each(|n| _ = one.arrive(job(n, 99)));
        assert!(one.withdraw(Ticket(1)));
        assert!(!one.withdraw(Ticket(0)), "it is being served");
        assert_eq!(taken(&mut one, &mut Vec::new()), [2]);
    }
}
