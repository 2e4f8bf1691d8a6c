//! What a search came to, for people and for servers: a page, a text, the winning scenario, the lines of `redis.conf`,
//! and a table of TTLs for the application.

mod conf;
mod page;
mod place;
mod text;
mod ttls;
mod words;

use std::collections::BTreeMap;

pub use conf::Line;
pub use place::Place;
pub use ttls::ClassTtl;

use super::PAGE;
use crate::scenario::vary::{KeyPath, Unvaried};
use crate::scenario::{Scenario, relocated};
use crate::tune::{Ended, Tuned};

/// A search with what follows from it.
#[derive(Debug, serde::Serialize)]
pub struct Plan {
    /// Version of this tool.
    pub version: &'static str,
    /// The command that gives the same result again.
    pub command: String,
    /// What the search came to.
    #[serde(flatten)]
    pub tuned: Tuned,
    /// What is advised, in a sentence.
    pub verdict: String,
    /// What a reader should know of it.
    pub notes: Vec<String>,
    /// Name of the strategy to use: the tuned one, or the baseline where nothing better was found.
    pub advised: String,
    /// The values to use by path; those of the scenario where it should be kept as it is. Nothing of a strategy that is not
    /// to be used.
    pub values: BTreeMap<String, toml::Value>,
    /// What they imply for Redis.
    pub redis_conf: Vec<Line>,
    /// What they imply for the application.
    pub ttls: Vec<ClassTtl>,
    /// The scenario to use.
    #[serde(skip)]
    scenario: String,
}

impl Plan {
    /// What follows from a search of `scenario`, which was read from `text`; `classes` are those of the trace, and the
    /// scenario to use names files as seen from its `place`.
    ///
    /// # Errors
    /// If the values of the winner cannot be written into the text.
    pub fn new(
        scenario: &Scenario,
        text: &str,
        tuned: Tuned,
        classes: &[String],
        place: &Place<'_>,
        command: String,
    ) -> Result<Self, Unvaried> {
        let tuning = scenario.tune.as_ref().expect("what was searched has [tune]");
        let paths: Vec<KeyPath> = tuning.vary.iter().map(|vary| vary.path.clone()).collect();
        let chosen = tuned.winner.filter(|_| matches!(tuned.ended, Ended::Better | Ended::Keeps));
        let mut changes: Vec<(KeyPath, toml::Value)> = match chosen {
            Some(winner) => {
                paths.iter().cloned().zip(tuned.finalists[winner].values.iter().cloned()).collect()
            }
            None => Vec::new(),
        };
        changes.sort_by_key(|(path, _)| path.depth());
        let of_cache = changes.iter().any(|(path, _)| path.section() != "strategy");
        let name = if chosen.is_some() { format!("{}-tuned", scenario.name) } else { scenario.name.clone() };
        let forget = |claimed: &str| chosen.is_some() && (of_cache || claimed == tuned.strategy);
        let written = scenario.rewritten(text, &changes, &name, forget)?;
        let written = relocated(&written, place.trace(), |path| place.of(path))?;
        let head = match chosen {
            Some(_) => format!("# Tuned by ttlab tune: {}.\n", words::looked_for(&tuned)),
            None => String::new(),
        };
        let varied = scenario.varied(&changes)?;
        // Nothing was found that is better: the baseline is what stays.
        let strategy = match chosen {
            Some(_) => tuning.strategy,
            None => varied.strategies.iter().position(|design| design.baseline).unwrap_or(tuning.strategy),
        };
        // All paths within strategies lead into the one that is tuned.
        let is_used = |path: &&KeyPath| path.section() != "strategy" || strategy == tuning.strategy;
        let value = |path: &KeyPath| Some((path.to_string(), path.find(&varied.effective)?.clone()));
        let values = paths.iter().filter(is_used).filter_map(value).collect();
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            command,
            verdict: words::verdict(&tuned),
            notes: words::notes(&tuned),
            advised: varied.strategies[strategy].name.clone(),
            values,
            redis_conf: conf::lines(&varied),
            ttls: ttls::table(&varied, &varied.strategies[strategy], classes),
            scenario: head + &written,
            tuned,
        })
    }

    /// The plan as text for a terminal of this width.
    pub fn text(&self, width: usize) -> String {
        text::text(self, width)
    }

    /// The plan as one JSON document.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data can be written as JSON")
    }

    /// The files of the plan with their names, the page last in meaning: it says that the others are there.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let of = format!("\"{}\"", self.advised);
        BTreeMap::from([
            ("tuning.json".to_owned(), (self.json() + "\n").into_bytes()),
            ("scenario.toml".to_owned(), self.scenario.clone().into_bytes()),
            ("redis.conf".to_owned(), conf::file(&self.redis_conf, &of).into_bytes()),
            ("ttls.csv".to_owned(), ttls::csv(&self.ttls)),
            (PAGE.to_owned(), page::page(self).into_bytes()),
        ])
    }
}
