//! How much memory every strategy needs, as text, markdown and JSON.

use serde_json::{Value, json};

use super::measure::{label_of, unit_of};
use super::plain::Plain;
use super::{cost, format, planned};
use crate::cache::Capacity;
use crate::scenario::Scenario;
use crate::score::{Estimate, Gate, written};
use crate::tune::{Answer, Probe, Sized};

/// Longest name of a strategy in the table.
const NAME: usize = 34;

/// What a search for the smallest memory found, ready to be shown.
#[derive(Debug)]
pub struct SizingReport<'a> {
    /// The scenario that was asked about.
    pub scenario: &'a Scenario,
    /// What is to be met.
    pub targets: &'a [Gate],
    /// The answers, in the order of the scenario.
    pub answers: &'a [Sized],
}

impl SizingReport<'_> {
    /// Whether any strategy meets every target.
    pub fn is_met(&self) -> bool {
        self.answers.iter().any(|sized| enough(&sized.answer).is_some())
    }

    /// As text for a terminal that is `width` characters wide.
    pub fn terminal(&self, width: usize) -> String {
        self.plain().terminal(width)
    }

    /// As markdown, for a merge request or a ticket.
    pub fn markdown(&self) -> String {
        self.plain().markdown()
    }

    fn plain(&self) -> Plain {
        let title = format!("Smallest maxmemory for {}", self.wanted());
        Plain { title, tables: vec![self.rows()], sentences: self.sentences() }
    }

    /// As one JSON document.
    pub fn json(&self) -> String {
        let answers = self.answers.iter().map(|sized| self.answer(sized)).collect::<Vec<_>>();
        let best = self.best().map(|(sized, _)| self.name(sized));
        let document = json!({
            "scenario": self.scenario.name,
            "targets": self.targets.iter().map(written).collect::<Vec<_>>(),
            "best": best,
            "remark": planned::leaves_out(self.scenario),
            "strategies": answers,
        });
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }

    fn answer(&self, sized: &Sized) -> Value {
        let names = |places: &[usize]| {
            places.iter().map(|&place| self.targets[place].metric.name).collect::<Vec<_>>()
        };
        let seen = |probe: &Probe| {
            let held = probe.targets.iter().zip(self.targets);
            let targets: Vec<Value> = held
                .map(|(held, target)| {
                    json!({
                        "metric": target.metric.name, "limit": target.limit, "value": held.value, "met": held.met,
                        "low": held.interval.map(|interval| interval.low),
                        "high": held.interval.map(|interval| interval.high),
                    })
                })
                .collect();
            let total = probe.cost.as_ref().map(|cost| {
                let Estimate { mean, interval } = cost.total;
                json!({ "mean": mean, "low": interval.map(|i| i.low), "high": interval.map(|i| i.high) })
            });
            json!({ "hit": probe.hit, "origin_rate": probe.origin_rate, "monthly_cost": total, "targets": targets })
        };
        let mut value = json!({
            "strategy": self.scenario.strategies[sized.strategy].name,
            "eviction": self.scenario.cache.evictions[sized.eviction].name(),
            "limits_tried": sized.tried,
            "not_monotone": sized.not_monotone.map(|fall| json!({
                "metric": fall.metric, "smaller_bytes": fall.smaller, "larger_bytes": fall.larger,
                "at_smaller": fall.before, "at_larger": fall.after,
            })),
        });
        let more = match &sized.answer {
            Answer::NoCacheNeeded(probe) => json!({ "met": true, "maxmemory_bytes": 0, "at": seen(probe) }),
            Answer::Smallest { probe, interval: (low, high), binding } => json!({
                "met": true, "maxmemory_bytes": bytes_of(probe), "low_bytes": low, "high_bytes": high,
                "binding": names(binding), "at": seen(probe),
            }),
            Answer::Unmet { nearest, missed } => json!({
                "met": false, "missed": names(missed), "nearest_bytes": bytes_of(nearest), "at": seen(nearest),
            }),
            Answer::Failed(why) => json!({ "met": null, "failed": why }),
        };
        if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
            value.extend(more);
        }
        value
    }

    fn wanted(&self) -> String {
        self.targets.iter().map(written).collect::<Vec<_>>().join(", ")
    }

    fn name(&self, sized: &Sized) -> String {
        planned::name(self.scenario, sized.strategy, sized.eviction)
    }

    /// Heads and a row for each strategy.
    fn rows(&self) -> Vec<Vec<String>> {
        let priced =
            self.answers.iter().any(|sized| seen(&sized.answer).is_some_and(|probe| probe.cost.is_some()));
        let heads = ["strategy", "maxmemory", "95 % interval", "binds"].map(String::from).into_iter();
        let metrics = self.targets.iter().map(|target| target.metric.name.replace('_', " "));
        let month = priced.then(|| "a month".to_owned());
        let mut rows = vec![heads.chain(month).chain(metrics).collect::<Vec<_>>()];
        for sized in self.answers {
            let (limit, interval, binds) = self.found(&sized.answer);
            let mut row = vec![format::shortened(&self.name(sized), NAME), limit, interval, binds];
            let probe = seen(&sized.answer);
            if priced {
                let cost = probe.and_then(|probe| probe.cost.as_ref());
                let prices = self.scenario.judgement.rules.prices.as_ref();
                let text =
                    cost.zip(prices).map(|(cost, prices)| cost::amount(cost.total.mean, &prices.currency));
                row.push(text.unwrap_or_else(|| format::NONE.into()));
            }
            for (place, target) in self.targets.iter().enumerate() {
                let held = probe.map(|probe| probe.targets[place]);
                let text = unit_of(target.metric.name).print(held.and_then(|held| held.value));
                row.push(if held.is_some_and(|held| held.met) { text } else { format!("{text} !") });
            }
            rows.push(row);
        }
        rows
    }

    /// The limit, its interval and what binds, in words.
    fn found(&self, answer: &Answer) -> (String, String, String) {
        let names = |places: &[usize]| {
            let names = places.iter().map(|&place| self.targets[place].metric.name.replace('_', " "));
            names.collect::<Vec<_>>().join(", ")
        };
        match answer {
            Answer::NoCacheNeeded(_) => ("none needed".into(), String::new(), String::new()),
            Answer::Smallest { probe, interval: (low, high), binding } => {
                let interval = match high {
                    Some(high) if high == low => String::new(),
                    Some(high) => format!("{} to {}", bytes(*low), bytes(*high)),
                    None => format!("from {}", bytes(*low)),
                };
                (limit(probe), interval, names(binding))
            }
            Answer::Unmet { missed, .. } => ("not met".into(), String::new(), names(missed)),
            Answer::Failed(_) => ("failed".into(), String::new(), String::new()),
        }
    }

    /// The strategy to take: the cheapest where prices are known, else the one that needs least; the first among equals.
    fn best(&self) -> Option<(&Sized, &Probe)> {
        let enough = self.answers.iter().filter_map(|sized| Some((sized, enough(&sized.answer)?)));
        let by = |probe: &Probe| match &probe.cost {
            Some(cost) => cost.total.mean,
            None => bytes_of(probe).unwrap_or(0) as f64,
        };
        enough.reduce(|best, next| if by(next.1) < by(best.1) { next } else { best })
    }

    fn sentences(&self) -> Vec<String> {
        let mut all = Vec::new();
        match self.best() {
            Some((sized, probe)) => {
                let why = if probe.cost.is_some() { "costs least" } else { "needs least memory" };
                let name = self.name(sized);
                all.push(match sized.answer {
                    Answer::NoCacheNeeded(_) => {
                        format!("No cache is needed: {name} meets every target without one.")
                    }
                    _ => format!("Use {name} with {}: of what meets every target it {why}.", limit(probe)),
                });
            }
            None => all.push("No strategy meets every target with any memory.".into()),
        }
        for sized in self.answers {
            let name = self.name(sized);
            match &sized.answer {
                Answer::Unmet { nearest, missed } => all.push(format!(
                    "{name}: no limit is enough; {} comes nearest, with {}.",
                    limit(nearest),
                    self.misses(nearest, missed)
                )),
                Answer::Smallest { interval: (_, None), .. } => all.push(format!(
                    "{name}: over its replications no limit is certain to be enough; the limit holds on average."
                )),
                Answer::Failed(why) => all.push(format!("{name} could not be simulated: {why}")),
                _ => {}
            }
            if let Some(fall) = sized.not_monotone {
                let unit = unit_of(fall.metric);
                all.push(format!(
                    "{name}: more memory is not always better here. {}: {} with {}, {} with {}; so limits below the answer \
                     were searched one by one. Try the limit that you choose, and its neighbours.",
                    label_of(fall.metric),
                    unit.print(Some(fall.before)),
                    bytes(fall.smaller),
                    unit.print(Some(fall.after)),
                    bytes(fall.larger)
                ));
            }
        }
        if self.is_met() {
            all.extend(planned::leaves_out(self.scenario).map(format::sentence));
        }
        all
    }

    fn misses(&self, probe: &Probe, missed: &[usize]) -> String {
        let one = |&place: &usize| {
            let target = &self.targets[place];
            let unit = unit_of(target.metric.name);
            let value = unit.print(probe.targets[place].value);
            format!(
                "{} {value} where {} is wanted",
                label_of(target.metric.name),
                unit.print(Some(target.limit))
            )
        };
        missed.iter().map(one).collect::<Vec<_>>().join(" and ")
    }
}

/// What was seen at the limit that is enough.
fn enough(answer: &Answer) -> Option<&Probe> {
    match answer {
        Answer::NoCacheNeeded(probe) | Answer::Smallest { probe, .. } => Some(probe),
        Answer::Unmet { .. } | Answer::Failed(_) => None,
    }
}

/// What was seen at the limit that a strategy's row tells of.
fn seen(answer: &Answer) -> Option<&Probe> {
    match answer {
        Answer::Unmet { nearest, .. } => Some(nearest),
        other => enough(other),
    }
}

fn bytes_of(probe: &Probe) -> Option<u64> {
    match probe.capacity {
        Capacity::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn limit(probe: &Probe) -> String {
    match probe.capacity {
        Capacity::Bytes(1) => "no cache at all".into(),
        _ => bytes_of(probe).map_or_else(|| "no limit".into(), bytes),
    }
}

fn bytes(bytes: u64) -> String {
    format::bytes(bytes as f64)
}
