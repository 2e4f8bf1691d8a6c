//! What only the whole recording tells, for whoever reads it as a stream: an object's size is the largest of all its
//! responses, one request with a status puts all requests of the object into a class, and one that finds it says that it
//! was there.

use std::path::Path;

use super::class::ABSENT;
use super::intern::Interner;
use super::objects::ASSUMED_SIZE;
use super::{Digest, Input, Options, open_all};
use crate::random::Seed;
use crate::trace::TraceError;

/// The class of each key, and whether it holds next to nothing.
pub(super) struct Verdicts {
    keys: Interner,
    class_of: Vec<usize>,
    is_empty: Vec<bool>,
    names: Vec<String>,
}

impl Verdicts {
    /// Reads all of `inputs` once; `None` where they cannot be read twice, or hold no request.
    pub(super) fn of(inputs: &[Input], options: &Options) -> Result<Option<Self>, TraceError> {
        let is_kept = |path: &Path| path.metadata().is_ok_and(|about| about.is_file());
        if !inputs.iter().all(|input| matches!(input, Input::File(path) if is_kept(path))) {
            return Ok(None);
        }
        let options = Options { digest: Digest::LeftOut, ..options.clone() };
        // Where requests lie inside their second changes no class.
        let import = match open_all(inputs, &options, Seed::new(0)) {
            Err(TraceError::NothingLeft { .. }) => return Ok(None),
            other => other?,
        };
        let objects = import.trace.objects();
        let count = u32::try_from(objects.len()).unwrap_or(u32::MAX);
        let mut verdicts = Self {
            keys: Interner::with_limit(count),
            class_of: Vec::new(),
            is_empty: Vec::new(),
            names: objects.classes().to_vec(),
        };
        for object in (0..count).map(crate::trace::ObjectId::new) {
            verdicts.keys.id(&objects.key(object));
            let fact = objects.facts()[object.index()];
            verdicts.class_of.push(fact.class.index());
            verdicts.is_empty.push(fact.size == ASSUMED_SIZE && !fact.size_is_imputed);
        }
        Ok(Some(verdicts))
    }

    /// The class of the object with this key, which may be [`OTHER`](super::class::OTHER); `None` for a key that nobody asks for.
    pub(super) fn class(&mut self, key: &str) -> Option<&str> {
        // Full of what is known, the table gives no number to what is not.
        let id = self.keys.id(key)?;
        Some(&self.names[*self.class_of.get(id as usize)?])
    }

    /// Whether the object with this key is as small as what was never there.
    pub(super) fn is_empty(&mut self, key: &str) -> bool {
        let id = self.keys.id(key);
        id.and_then(|id| self.is_empty.get(id as usize)).is_some_and(|is_empty| *is_empty)
    }
}

/// The rules that one record alone cannot decide.
pub(super) fn undecided(options: &Options) -> Vec<&str> {
    let rules = options.classes.iter().filter(|rule| rule.asks_for_size() || !rule.status.is_empty());
    // What was never there only all requests tell.
    let absent = options.negative.then_some(ABSENT);
    rules.map(|rule| rule.name.as_str()).chain(absent).collect()
}
