//! What the next evictions will need, asked for ahead: it is known from the random numbers.
//!
//! After an eviction the samples of the next two are known. Of the one behind them the places are asked for, of the second
//! what is kept of its keys. What is kept of those of the first has come meanwhile, so that their scores and the pool tell
//! who will probably leave next, and that victim is asked for. A wrong guess costs nothing but the guess.

use super::Server;
use crate::cache::Cache;
use crate::cache::eviction::sampled::Rank;
use crate::trace::ObjectId;
use crate::trace::prefetch::prefetch;
use crate::units::SimTime;

impl Server {
    /// Asks for the samples of the next evictions, and tells who will probably leave with the first.
    fn foresee(&mut self, now: SimTime) -> Option<ObjectId> {
        let (mut best, mut likely) = self.pool.best()?;
        let sampled = self.needs.sampled?;
        // Under LFU every hit draws too, and a sample that was drawn before is another one.
        if !sampled.volatile && sampled.rank == Rank::Lru {
            let Self { dict, ahead, random, keys, .. } = self;
            let ask = |key: ObjectId| keys.prefetch(key.index());
            dict.rows_mut()?.draw_ahead(self.settings.samples as usize, ahead, random, ask);
            for key in self.ahead.keys() {
                let score = self.score_kept(*key, sampled.rank, now);
                (best, likely) = if score > best { (score, *key) } else { (best, likely) };
            }
        }
        self.ask_for_place(self.keys.hash(likely));
        Some(self.whose(likely).0)
    }
}

impl Cache {
    /// After an eviction: asks for what the next ones will probably look at.
    pub(super) fn foresee(&mut self, now: SimTime) {
        if let Some(likely) = self.server.as_mut().and_then(|server| server.foresee(now)) {
            prefetch(&self.slots, likely.index());
            self.objects.prefetch(likely);
        }
    }
}
