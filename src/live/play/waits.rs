//! What a request waits for that found nothing to serve: a fetch, its next look, its turn among those who look again. Each
//! wait ends with the request's patience, or where an old copy is served rather than to wait on.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Landed, Player};
use crate::cache::Entry;
use crate::engine::attempt;
use crate::engine::flights::FlightId;
use crate::units::SimTime;

/// How long who is to look again waits where there is no room for its turn: a tick of the timer.
const TICK: Duration = Duration::from_millis(1);

/// A request that found nothing it could serve; its task knows what it waits for.
pub(super) type Waiter = attempt::Waiter<()>;

/// How a wait for a fetch ended.
pub(super) enum Waited {
    Landed(Landed),
    /// Its patience was over first.
    GaveUp(SimTime),
    /// It could serve an old value, and had waited long enough for a new one.
    ServedOld(SimTime, Entry),
}

/// How a pause before another look ended.
pub(super) enum Paused {
    /// It is over.
    Over,
    /// The patience of the request was over first.
    GaveUp(SimTime),
    /// It could serve an old value, and had waited long enough for a new one.
    ServedOld(SimTime, Entry),
}

impl Player {
    /// Waits for a fetch, as long as the patience of the request lasts.
    pub(super) async fn wait(
        &self,
        waiter: &Waiter,
        flight: FlightId,
        mut landed: oneshot::Receiver<Landed>,
    ) -> Waited {
        let patience = self.client.patience(waiter.since);
        let soft = self.soft_end(waiter);
        if let Some((end, entry)) = soft.filter(|(end, _)| patience.is_none_or(|patience| *end < patience)) {
            let in_time = tokio::time::timeout_at(self.clock.instant(end).into(), &mut landed).await;
            if let Ok(landed) = in_time {
                return Waited::Landed(landed.unwrap_or(Landed::Failed));
            }
            self.leave(flight);
            return Waited::ServedOld(end.max(self.now()), entry);
        }
        let Some(end) = patience else { return Waited::Landed(landed.await.unwrap_or(Landed::Failed)) };
        let in_time = tokio::time::timeout_at(self.clock.instant(end).into(), landed).await;
        if let Ok(landed) = in_time {
            return Waited::Landed(landed.unwrap_or(Landed::Failed));
        }
        self.leave(flight);
        // Whoever was kept from seeing that by a stall has waited for longer.
        Waited::GaveUp(end.max(self.now()))
    }

    /// Waits until an instant, and then for a turn among all that look again: no more of them do so in a second than the
    /// limit leaves beside what is planned.
    pub(super) async fn pause(&self, waiter: &Waiter, until: SimTime) -> Paused {
        let mut until = until;
        let mut begun = None;
        loop {
            let paused = self.sleep_in_patience(waiter, until).await;
            let Paused::Over = paused else { return paused };
            let now = Instant::now();
            let was_due = *begun.get_or_insert(now);
            let turn = self.turns.borrow_mut().take(now);
            let is_admitted = turn <= now && self.meter.borrow_mut().admits(now);
            if is_admitted {
                self.note_look(now.saturating_duration_since(was_due));
                return Paused::Over;
            }
            if turn > now {
                let paused = self.sleep_in_patience(waiter, self.clock.at(turn)).await;
                let Paused::Over = paused else { return paused };
                if self.meter.borrow_mut().admits(Instant::now()) {
                    self.note_look(was_due.elapsed());
                    return Paused::Over;
                }
            }
            until = self.clock.at(Instant::now() + TICK);
        }
    }

    /// Sleeps until an instant, or until the request waits no longer.
    async fn sleep_in_patience(&self, waiter: &Waiter, until: SimTime) -> Paused {
        let patience = self.client.patience(waiter.since).filter(|end| *end < until);
        let end = patience.unwrap_or(until);
        if let Some((soft, entry)) = self.soft_end(waiter).filter(|(soft, _)| *soft < end) {
            self.sleep_until(soft).await;
            return Paused::ServedOld(soft.max(self.now()), entry);
        }
        self.sleep_until(end).await;
        match patience {
            Some(end) => Paused::GaveUp(end.max(self.now())),
            None => Paused::Over,
        }
    }

    /// When the request has waited long enough for a new value, if it has an old one that may be served then.
    fn soft_end(&self, waiter: &Waiter) -> Option<(SimTime, Entry)> {
        let span = self.state().strategy.fail_safe.and_then(|safe| safe.soft_timeout)?;
        let entry = waiter.copy?;
        // Who found an old copy only while it waited may have waited long enough already.
        let end = (waiter.since + span).max(self.now());
        self.is_servable(&entry, end).then_some((end, entry))
    }

    /// A request no longer waits for a fetch.
    fn leave(&self, flight: FlightId) {
        let mut state = self.state();
        if state.flights.current(flight).is_some() {
            state.flights.leave(flight);
        }
    }
}
