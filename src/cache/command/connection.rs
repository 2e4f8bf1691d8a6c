//! Words to commands and versions to texts: a cache that can be talked to.

use std::collections::BTreeMap;

use super::{Command, CommandError, Reply, WallClock};
use crate::cache::Cache;
use crate::origin::Version;
use crate::trace::{ObjectId, Objects};
use crate::units::SimTime;

/// What keys and values are called.
#[derive(Debug, Clone)]
pub struct Names {
    keys: BTreeMap<String, ObjectId>,
    /// Texts of values, each stored once; a version is a place in here.
    values: Vec<String>,
    versions: BTreeMap<String, Version>,
}

impl Names {
    /// The keys of these objects, and no value yet.
    pub fn of(objects: &Objects) -> Self {
        let keys = (0..objects.len()).map(ObjectId::from_index).map(|object| (objects.key(object), object));
        Self { keys: keys.collect(), values: Vec::new(), versions: BTreeMap::new() }
    }

    /// The object with this key.
    pub fn object(&self, key: &str) -> Result<ObjectId, CommandError> {
        self.keys.get(key).copied().ok_or_else(|| CommandError::NoSuchObject(key.to_owned()))
    }

    /// The version that stands for a value; the same for the same text.
    ///
    /// # Panics
    /// At 2^32 different values.
    pub fn version(&mut self, value: &str) -> Version {
        if let Some(version) = self.versions.get(value) {
            return *version;
        }
        let version = Version(u32::try_from(self.values.len()).expect("fewer than 2^32 values are sent"));
        self.values.push(value.to_owned());
        self.versions.insert(value.to_owned(), version);
        version
    }

    /// The text of a value; the number of a version that was never sent as a text.
    pub fn value(&self, version: Version) -> String {
        self.values.get(version.0 as usize).cloned().unwrap_or_else(|| version.0.to_string())
    }
}

/// A cache with names and a wall clock, to which commands can be sent as words.
pub struct Connection {
    cache: Cache,
    clock: WallClock,
    names: Names,
}

impl Connection {
    /// Talks to `cache`, whose run begins when `clock` says.
    pub fn new(cache: Cache, clock: WallClock) -> Self {
        let names = Names::of(cache.objects());
        Self { cache, clock, names }
    }

    /// Sends one command at an instant, which must not lie before that of an earlier command.
    pub fn send(&mut self, words: &[&str], at: SimTime) -> Reply<String> {
        match Command::parse(words, &mut self.names) {
            Ok(command) => {
                self.cache.execute(&command, self.clock, at).map(|version| self.names.value(version))
            }
            Err(error) => Reply::Error(self.refusal(words, error, at)),
        }
    }

    /// Why a command is refused that cannot be read: the server makes room before it reads options, and a write that there
    /// is no room for is refused before.
    fn refusal(&mut self, words: &[&str], error: CommandError, at: SimTime) -> CommandError {
        if self.cache.is_down(at) {
            return CommandError::Down;
        }
        let key = words.get(1).and_then(|key| self.names.object(key).ok());
        match (Command::kind_of(words), key) {
            (Some(kind), Some(key)) if self.cache.refuses(kind, key, words, at) => CommandError::OutOfMemory,
            _ => error,
        }
    }

    /// The cache behind it.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The cache behind it, to let events of the server happen.
    pub fn cache_mut(&mut self) -> &mut Cache {
        &mut self.cache
    }

    /// The clock by which it reads and tells times.
    pub fn clock(&self) -> WallClock {
        self.clock
    }
}
