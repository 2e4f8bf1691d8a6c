//! The pool of candidates, written down from the specification: for the naive server and for the ablation.

const PLACES: usize = 16;

/// Scores and keys, the best victim last.
#[derive(Default)]
pub(crate) struct Pool(Vec<(u64, usize)>);

impl Pool {
    /// A key was drawn that has this score.
    pub(crate) fn offer(&mut self, score: u64, key: usize) {
        // The first place whose score is not lower; worse than all of a full pool is nowhere.
        let place = self.0.partition_point(|entry| entry.0 < score);
        if self.0.len() < PLACES {
            self.0.insert(place, (score, key));
        } else if place > 0 {
            self.0.insert(place, (score, key));
            self.0.remove(0);
        }
    }

    /// The best candidate that is still there; those before it are gone.
    pub(crate) fn take(&mut self, mut is_there: impl FnMut(usize) -> bool) -> Option<usize> {
        while let Some((_, key)) = self.0.pop() {
            if is_there(key) {
                return Some(key);
            }
        }
        None
    }
}
