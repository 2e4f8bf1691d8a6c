//! Open loop: every request starts when the trace says, whatever became of those before it.
//!
//! A thread of its own sleeps until the next request is due and hands over all that are; it never waits for an
//! answer, so a server that stalls delays nobody's start, and every latency counts from the intended instant
//! (no coordinated omission).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::clock::Clock;
use crate::trace::{Event, ObjectId, Trace};
use crate::units::SimTime;

/// Something whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// A request of the trace.
    Request {
        /// Its place.
        index: usize,
        /// When it is meant to start.
        at: SimTime,
        /// What it asks for.
        object: ObjectId,
    },
    /// Something that was recorded beside the requests.
    Recorded(Event),
}

/// The thread that keeps time.
pub(super) struct Pacer {
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Pacer {
    /// Begins to hand over the requests of `trace` that come before `until`.
    pub(super) fn start(
        trace: Arc<Trace>,
        clock: Clock,
        until: SimTime,
    ) -> (Self, UnboundedReceiver<Vec<Due>>) {
        let (sender, receiver) = unbounded_channel();
        let stop = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&stop);
        let thread = std::thread::spawn(move || pace(&trace, &clock, until, &sender, &watched));
        (Self { thread: Some(thread), stop }, receiver)
    }

    /// Nothing more is handed over.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Most things in one batch: a trace with many requests at one instant must not pile them up for ever.
const BATCH: usize = 1_024;

/// Hands over everything in time.
fn pace(trace: &Trace, clock: &Clock, until: SimTime, to: &UnboundedSender<Vec<Due>>, stop: &AtomicBool) {
    let mut hand = Hand { clock, to, stop, due: Vec::new() };
    let (mut index, mut events) = (0, trace.events().iter().peekable());
    let mut blocks = trace.blocks();
    while let Some(block) = blocks.next_block().expect("the file of a spooled trace can be read") {
        for (at, object) in block.times.iter().zip(block.objects) {
            if *at > until {
                break;
            }
            while let Some(event) = events.next_if(|event| event.before <= index && event.at <= *at) {
                if !hand.take(event.at, Due::Recorded(*event)) {
                    return;
                }
            }
            if !hand.take(*at, Due::Request { index, at: *at, object: *object }) {
                return;
            }
            index += 1;
        }
    }
    for event in events.filter(|event| event.at <= until) {
        if !hand.take(event.at, Due::Recorded(*event)) {
            return;
        }
    }
    hand.over();
}

/// What is due and not yet handed over.
struct Hand<'p> {
    clock: &'p Clock,
    to: &'p UnboundedSender<Vec<Due>>,
    stop: &'p AtomicBool,
    due: Vec<Due>,
}

impl Hand<'_> {
    /// Takes one more when its time has come, each at its own; false if nobody wants more.
    fn take(&mut self, at: SimTime, what: Due) -> bool {
        let instant = self.clock.instant(at);
        if instant <= Instant::now() {
            self.due.push(what);
            return self.due.len() < BATCH || self.over();
        }
        // What was due goes first, and does not wait for this one.
        if !self.over() || !sleep_until(instant, self.stop) {
            return false;
        }
        self.due.push(what);
        self.over()
    }

    /// Hands over all of it; false if nobody wants more.
    fn over(&mut self) -> bool {
        let is_wanted = self.due.is_empty() || self.to.send(std::mem::take(&mut self.due)).is_ok();
        is_wanted && !self.stop.load(Ordering::Relaxed)
    }
}

/// Sleeps, with a look at `stop` from time to time; false if that is set.
fn sleep_until(instant: Instant, stop: &AtomicBool) -> bool {
    loop {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let left = instant.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{ClassId, Fact, Happening, Keys, Objects};
    use crate::units::SimDuration;

    fn trace(millis: &[u64]) -> Arc<Trace> {
        let fact = Fact { size: 1, class: ClassId::default(), size_is_imputed: false };
        let objects = Objects::new(vec![fact], Keys::Numbered, vec!["all".to_owned()]);
        let at = millis.iter().map(|ms| SimTime::ZERO + SimDuration::from_millis(*ms)).collect();
        Arc::new(Trace::new(at, vec![ObjectId::new(0); millis.len()], objects, SimDuration::from_secs(1)))
    }

    #[test]
    fn every_request_is_handed_over_once_in_order_and_not_before_its_time() {
        let clock = Clock::beginning_in(Duration::from_millis(5), 1.0);
        let until = SimTime::ZERO + SimDuration::from_millis(60);
        let (pacer, mut due) = Pacer::start(trace(&[0, 0, 1, 20, 21, 40, 90]), clock, until);
        let mut seen = Vec::new();
        while let Some(batch) = due.blocking_recv() {
            let now = clock.now();
            for one in batch {
                let Due::Request { index, at, .. } = one else { panic!("nothing else was recorded") };
                assert!(now >= at, "request {index} came early");
                seen.push(index);
            }
        }
        drop(pacer);
        assert_eq!(seen, [0, 1, 2, 3, 4, 5], "the last one comes after the end");
    }

    #[test]
    fn what_was_recorded_beside_requests_comes_at_its_own_instant() {
        let at = |millis| SimTime::ZERO + SimDuration::from_millis(millis);
        let deleted = |before, millis| Event {
            before,
            at: at(millis),
            object: ObjectId::new(0),
            what: Happening::Deleted,
        };
        // Between two requests that are far from each other, and after the last.
        let trace = Arc::unwrap_or_clone(trace(&[0, 60, 61])).with_events(vec![
            deleted(1, 20),
            deleted(1, 30),
            deleted(3, 90),
        ]);
        let clock = Clock::beginning_in(Duration::from_millis(5), 1.0);
        let (pacer, mut due) = Pacer::start(Arc::new(trace), clock, at(100));
        let mut seen = Vec::new();
        while let Some(batch) = due.blocking_recv() {
            let now = clock.now();
            for one in batch {
                let meant = match one {
                    Due::Request { at, .. } => at,
                    Due::Recorded(event) => event.at,
                };
                assert!(now >= meant, "{one:?} came at {now:?}");
                seen.push(meant);
            }
        }
        drop(pacer);
        assert_eq!(seen, [0, 20, 30, 60, 61, 90].map(at));
    }

    #[test]
    fn a_pacer_that_is_stopped_ends_at_once() {
        let clock = Clock::beginning_in(Duration::ZERO, 1.0);
        let (pacer, mut due) = Pacer::start(trace(&[0, 60_000]), clock, SimTime::NEVER);
        assert!(due.blocking_recv().is_some());
        pacer.stop();
        assert!(due.blocking_recv().is_none());
    }
}
