//! What goes wrong at the origin over a window of virtual time: outages, slowness, errors.

pub mod errors;
pub mod outage;
pub mod slowdown;

use super::Setup;
use crate::trace::ObjectId;
use crate::units::{SimDuration, SimTime, Window};

/// A fetch at the instant a server takes it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// Of what.
    pub object: ObjectId,
    /// How many fetches of the object were asked for before; chance belongs to the object and this number.
    pub nth: u32,
    /// When it is taken up.
    pub started: SimTime,
    /// How long it takes.
    pub time: SimDuration,
    /// Whether it ends in an error.
    pub fails: bool,
}

/// Something that goes wrong.
pub trait FaultModel: Send {
    /// Does to a fetch what it does. A fetch taken up before the fault is left alone.
    fn strike(&mut self, service: &mut Service);
}

/// The stretch that begins `at` after the trace's begin and lasts for `lasts`; its end is over.
fn window(at: SimDuration, lasts: SimDuration) -> Window {
    let from = SimTime::ZERO + at;
    Window { from, until: from + lasts }
}

/// Whether an instant lies in the stretch; at the end the fault is over.
fn during(window: Window, at: SimTime) -> bool {
    window.from <= at && at < window.until
}

crate::catalog! {
    /// All faults.
    pub static FAULTS: Catalog<dyn FaultModel, Setup> = "origin fault", tag "fault";
    outage::Outage,
    slowdown::Slowdown,
    errors::Errors,
}
