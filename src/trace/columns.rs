//! The requests of a trace as columns: in memory, or in a file where there are more than memory holds.
//!
//! Whoever plays or describes a trace takes it block by block and never asks where it lies.

use std::io;
use std::sync::Arc;

use super::ObjectId;
use super::spool::Spool;
use crate::units::SimTime;

/// Requests in a block: 12 bytes each, so that a block stays in the caches nearest to the core.
pub(super) const BLOCK: usize = 1 << 16;

/// Where the columns lie.
#[derive(Debug, Clone)]
pub(super) enum Columns {
    /// In memory: 12 bytes a request.
    Memory { at: Vec<SimTime>, object: Vec<ObjectId> },
    /// In a file: a block at a time is in memory.
    Spooled(Arc<Spool>),
}

impl Columns {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Memory { at, .. } => at.len(),
            Self::Spooled(spool) => spool.len(),
        }
    }

    pub(super) fn last(&self) -> SimTime {
        match self {
            Self::Memory { at, .. } => at.last().copied().unwrap_or_default(),
            Self::Spooled(spool) => spool.last(),
        }
    }
}

/// Two traces are the same if their requests are, wherever they lie.
impl PartialEq for Columns {
    fn eq(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (Blocks::of(self), Blocks::of(other));
        self.len() == other.len()
            && loop {
                match (ours.next_block(), theirs.next_block()) {
                    (Ok(None), Ok(None)) => break true,
                    (Ok(Some(a)), Ok(Some(b))) if a == b => {}
                    _ => break false,
                }
            }
    }
}

impl Eq for Columns {}

/// Requests that follow each other, in columns of the same length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'b> {
    /// When, never decreasing.
    pub times: &'b [SimTime],
    /// For what.
    pub objects: &'b [ObjectId],
}

/// The blocks of a trace, from its first request to its last.
#[derive(Debug)]
pub struct Blocks<'t> {
    columns: &'t Columns,
    next: usize,
    times: Vec<SimTime>,
    objects: Vec<ObjectId>,
}

impl<'t> Blocks<'t> {
    pub(super) fn of(columns: &'t Columns) -> Self {
        Self { columns, next: 0, times: Vec::new(), objects: Vec::new() }
    }

    /// The next block, of 65,536 requests or, at the end, fewer; `None` after the last.
    ///
    /// # Errors
    /// If the file of a spooled trace cannot be read.
    pub fn next_block(&mut self) -> io::Result<Option<Block<'_>>> {
        let from = self.next;
        let to = (from + BLOCK).min(self.columns.len());
        if from == to {
            return Ok(None);
        }
        self.next = to;
        match self.columns {
            Columns::Memory { at, object } => {
                Ok(Some(Block { times: &at[from..to], objects: &object[from..to] }))
            }
            Columns::Spooled(spool) => {
                spool.read(from / BLOCK, &mut self.times, &mut self.objects)?;
                Ok(Some(Block { times: &self.times, objects: &self.objects }))
            }
        }
    }
}
