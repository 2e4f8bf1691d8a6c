//! `sample`: which scenarios a share of the keys can stand for.

use std::ops::Range;

use toml::Spanned;

use super::Scenario;
use crate::catalog::{Fault, Section};
use crate::metrics::Shared;
use crate::score::Metric;
use crate::strategy::Design;

/// Reads `sample` from the head of a scenario.
pub(super) fn read(root: &mut Section<'_>) -> Result<Option<Spanned<f64>>, Fault> {
    let Some(rate) = root.located::<f64>("sample")? else { return Ok(None) };
    is_share(*rate.get_ref(), rate.span())?;
    Ok(Some(rate))
}

/// Refuses what is no share.
pub(super) fn is_share(rate: f64, span: Range<usize>) -> Result<(), Fault> {
    if rate > 0.0 && rate <= 1.0 {
        return Ok(());
    }
    Err(Fault::new(span, format!("sample must lie above 0 and not above 1, but is {rate}"))
        .rule("it is the share of the keys that are played, chosen by their hash (SHARDS)")
        .help("write sample = 0.01 for one key in a hundred, or leave it out for all"))
}

impl Scenario {
    /// Plays a share `rate` of the keys, as the command line may ask; 1 is all of them.
    ///
    /// # Errors
    /// If it is no share, or the scenario asks for something that a sample cannot tell.
    pub fn sample_keys(&mut self, rate: f64) -> Result<(), Fault> {
        is_share(rate, 0..0)?;
        (self.sample, self.sample_span) = (Some(rate).filter(|rate| *rate < 1.0), None);
        for table in [&mut self.written, &mut self.effective] {
            table.insert("sample".to_owned(), rate.into());
        }
        self.check_sample()
    }

    /// Plays all keys, whatever was asked before.
    pub fn play_all_keys(&mut self) {
        (self.sample, self.sample_span, self.sample_chosen) = (None, None, None);
        for table in [&mut self.written, &mut self.effective] {
            table.remove("sample");
        }
    }

    /// What does not shrink with the keys.
    pub fn shared(&self) -> Shared {
        Shared {
            queues: self.origin.capacity.name() != "unlimited",
            sweeps: self.cache.reclaim.name() == "active",
            commands: self.cache.memory.name() == "redis",
        }
    }

    /// Refuses what a sample of the keys cannot stand for, where one is to be played.
    ///
    /// # Errors
    /// If a strategy looks at the load of all keys or shares something among them, fetches that queue can get lost, or a gate, an expectation or a weight names a metric that a sample
    /// does not tell.
    pub fn check_sample(&self) -> Result<(), Fault> {
        if self.sample.is_none() {
            return Ok(());
        }
        self.origin.refuse_resized()?;
        for design in &self.strategies {
            refuse_shared(design)?;
            self.refuse_lost_fetches(design)?;
        }
        self.judgement.named.iter().try_for_each(|(metric, place)| self.refuse_missing(metric, place))
    }

    /// Refuses a metric that a sample of the keys does not tell; `place` is where it is named.
    pub(super) fn refuse_missing(&self, metric: &Metric, place: &Range<usize>) -> Result<(), Fault> {
        let Some(why) = metric.missing(self.shared()) else { return Ok(()) };
        let what = format!("{} is not available from a sample of the keys", metric.name);
        Err(Fault::new(place.clone(), what).rule(why).help("leave it out, or play all keys, without sample"))
    }

    /// Refuses a strategy that a sample of the keys cannot stand for.
    ///
    /// # Errors
    /// If it looks at the load of all keys, or shares a budget of retries among them, or fetches that queue can get lost, or
    /// sizes change.
    pub fn refuse_unsampled(&self, strategy: usize) -> Result<(), Fault> {
        self.origin.refuse_resized()?;
        refuse_shared(&self.strategies[strategy])?;
        self.refuse_lost_fetches(&self.strategies[strategy])
    }

    /// Refuses an origin with a limit whose queue sheds fetches, or whose clients give up: how many values come to be stored
    /// depends on how long fetches queue, which no sample tells.
    fn refuse_lost_fetches(&self, design: &Design) -> Result<(), Fault> {
        const WHY: &str = "few servers queue longer than many at the same load (Erlang C), and of what is lost that way nothing is \
                           stored: hits and load would be those of another origin";
        let capacity = &self.origin.capacity;
        if capacity.name() == "unlimited" {
            return Ok(());
        }
        let cannot = |what: String, help: &str| {
            let what = format!("a sample of the keys cannot stand for an origin with a limit {what}");
            Err(Fault::new(capacity.span(), what).rule(WHY).help(help))
        };
        if let Some(timeout) = design.client.timeout {
            let what = format!("whose clients give up (\"{}\": timeout {timeout})", design.name);
            return cannot(what, "play all keys, without sample");
        }
        if capacity.word_of("queue") != "unbounded" {
            let help = "play all keys, without sample, or write queue = \"unbounded\"";
            return cannot("whose queue sheds what it has no place for".to_owned(), help);
        }
        Ok(())
    }
}

/// Refuses a strategy that looks at all keys together.
fn refuse_shared(design: &Design) -> Result<(), Fault> {
    const STEERED: &str =
        "it is steered by the requests of all keys, and a sample would steer it more slowly";
    const LOAD: &str = "it follows the load that all keys make together";
    const JOB: &str = "its job takes its time from all keys together";
    let parts = [
        ("ttl rule", design.rule.name(), design.rule.span(), &["d-ttl", "f-ttl", "elastic"][..], STEERED),
        ("refresh policy", design.refresh.name(), design.refresh.span(), &["timer"], JOB),
        ("sweep", design.sweep.name(), design.sweep.span(), &["zset-sweep"], JOB),
    ];
    let modifiers = design
        .modifiers
        .iter()
        .map(|modifier| ("ttl modifier", modifier.name(), modifier.span(), &["load-adaptive"][..], LOAD));
    for (axis, name, span, refused, why) in parts.into_iter().chain(modifiers) {
        if refused.contains(&name) {
            let what = format!("a sample of the keys cannot stand for {axis} \"{name}\"");
            return Err(Fault::new(span, what).rule(why).help("play all keys, without sample"));
        }
    }
    if design.client.breaker.is_some() {
        let what = format!("a sample of the keys cannot stand for the breaker of \"{}\"", design.name);
        return Err(Fault::new(design.rule.span(), what)
            .rule("it counts the failures of all keys together")
            .help("play all keys, without sample"));
    }
    if design.client.retries > 0 && design.client.retry_budget.is_some() {
        let what = format!("a sample of the keys cannot stand for the retry budget of \"{}\"", design.name);
        return Err(Fault::new(design.rule.span(), what)
            .rule("a process saves up to ten retries, which the requests of all keys share: a sample would spend as many on fewer")
            .help("play all keys, without sample, or write retry_budget = \"none\""));
    }
    Ok(())
}
