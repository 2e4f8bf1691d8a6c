//! Uploads, of which the application knows at once.

use super::fetch::Purpose;
use super::world::{Event, World};

/// Which uploads set off a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Warming {
    pub(crate) cover: Cover,
    /// So many sizes of a picture, those asked for most.
    pub(crate) renditions: usize,
}

/// What is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cover {
    /// New versions of what the cache holds.
    Held,
    /// Objects that are added.
    New,
    /// Both, and new versions of everything else.
    All,
}

impl World<'_> {
    pub(super) fn schedule_uploads(&mut self) {
        let Some(Warming { cover, renditions }) = self.config.warming else { return };
        if cover != Cover::New {
            let asked_for = |object: &usize| self.images.ranks[*object] < renditions;
            let objects: Vec<usize> = (0..self.images.sizes.len()).filter(asked_for).collect();
            objects.into_iter().for_each(|object| self.schedule_upload(object, 0));
        }
        if cover != Cover::Held {
            self.schedule_addition(0);
        }
    }

    /// The next upload of an object after `now`.
    fn schedule_upload(&mut self, object: usize, now: u64) {
        let next = self.config.fate.changes(object).iter().find(|change| **change > now);
        if let Some(next) = next {
            self.schedule(*next, Event::Upload(object));
        }
    }

    fn schedule_addition(&mut self, place: usize) {
        if let Some((at, _)) = self.images.added.get(place) {
            self.schedule(*at, Event::Addition(place));
        }
    }

    pub(super) fn uploaded(&mut self, object: usize, now: u64) {
        self.schedule_upload(object, now);
        let covers_all = self.config.warming.is_some_and(|warming| warming.cover == Cover::All);
        if covers_all || self.store.peek(object, now).is_some() {
            self.warm(object, now);
        }
    }

    pub(super) fn added(&mut self, place: usize, now: u64) {
        self.schedule_addition(place + 1);
        let (_, object) = self.images.added[place];
        if self.config.warming.is_some_and(|warming| self.images.ranks[object] < warming.renditions) {
            self.warm(object, now);
        }
    }

    fn warm(&mut self, object: usize, now: u64) {
        let node = self.config.fate.node(self.latest, object);
        let known = self.store.peek(object, now).map(|held| held.version);
        self.fetch_behind(object, node, now, Purpose::Refresh, known);
    }
}
