//! What a program that is told to end at once leaves on a server that is not its own, so that its last line can say so.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::server::config::Changed;

/// What is to be removed and put back; nothing where no run is under way.
static OWED: Mutex<Option<Owed>> = Mutex::new(None);

#[derive(Debug)]
struct Owed {
    prefix: String,
    settings: Vec<String>,
}

fn all() -> MutexGuard<'static, Option<Owed>> {
    // It is whole after every step.
    OWED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on keys that begin so may be on the server, and these settings are not as they were.
pub(super) fn owe(prefix: &str, changed: &Changed) {
    *all() = Some(Owed { prefix: prefix.to_owned(), settings: changed.before().collect() });
}

/// All of it was removed and put back, or told.
pub(super) fn settled() {
    *all() = None;
}

/// What of a run stays on the server if the program ends now, in a sentence; `None` where nothing does.
pub fn owed() -> Option<String> {
    all().as_ref().map(Owed::told)
}

impl Owed {
    fn told(&self) -> String {
        let keys = format!(
            "ended at once: keys of this run may still be on the server; remove those that begin with \"{}\"",
            self.prefix
        );
        if self.settings.is_empty() {
            return keys;
        }
        format!("{keys}; settings are not put back, do it with CONFIG SET: {}", self.settings.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_told_with_what_to_do() {
        let owed = |settings: &[&str]| Owed {
            prefix: "t:".to_owned(),
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
        };
        assert!(owed(&[]).told().ends_with("begin with \"t:\""));
        let told = owed(&["hz 10 on the server", "maxmemory 0 on the server"]).told();
        assert!(told.ends_with("CONFIG SET: hz 10 on the server, maxmemory 0 on the server"), "{told}");
    }
}
