//! What papers claim, and what the simulator finds: the table of claims in `docs/validation.md`.
//!
//! The measured figures of a paper come from its own traces, which are not public. Where a claim is about such
//! a trace, a synthetic one stands for it that is made here, and the document says what it is made of.

#[expect(dead_code, reason = "shared with the laws, which need more of it")]
#[path = "support/by_hand.rs"]
mod by_hand;
#[path = "support/ledger.rs"]
mod ledger;
#[expect(dead_code, reason = "shared with the laws, which need more of it")]
#[path = "support/statistics.rs"]
mod statistics;
mod support;

mod claim {
    //! One file per group of claims.

    mod controllers;
    mod leases;
    mod photos;
    mod sampling;
    mod ttls;
    mod uploads;
    mod xfetch;
}

use ttlab::metrics::{Measurements, OutcomeKind};

/// Fresh hits, of all requests.
fn hit(run: &Measurements) -> f64 {
    run.totals.outcomes.of(OutcomeKind::FreshHit) as f64 / run.totals.outcomes.total() as f64
}
