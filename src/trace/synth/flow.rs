//! A flow of requests: the viewers of the site, a crowd, a crawler. A trace is one or several, merged.

use super::catalogue::Catalogue;
use crate::trace::ObjectId;
use crate::units::SimTime;

/// Requests as columns.
#[derive(Debug, Default)]
pub struct Requests {
    /// When.
    pub at: Vec<SimTime>,
    /// For what.
    pub object: Vec<ObjectId>,
}

impl Requests {
    /// Adds a request.
    #[inline]
    pub fn push(&mut self, at: SimTime, object: ObjectId) {
        self.at.push(at);
        self.object.push(object);
    }

    /// Forgets all requests and keeps the memory.
    pub fn clear(&mut self) {
        self.at.clear();
        self.object.clear();
    }

    /// Number of requests.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }
}

/// Somebody who asks.
pub trait Flow: Send {
    /// Whether it is a robot, whose requests are marked.
    fn is_robot(&self) -> bool {
        false
    }

    /// Adds the next requests, never decreasing in time; once it adds none there are no more.
    fn next(&mut self, catalogue: &mut Catalogue<'_>, out: &mut Requests);
}
