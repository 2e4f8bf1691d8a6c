//! `[tune]`: what a search may vary, what it looks for, what must be kept, and how long it may take.

#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::de::DeValue;
use toml::{Spanned, Value};

use super::Scenario;
use super::sampled::is_share;
use super::span::{Span, read_span};
use super::vary::KeyPath;
use crate::catalog::{Chosen, Fault, Item, Section, nearest, one_of, read};
use crate::score::{Better, Gate, METRICS, Metric, targets};
use crate::search::{Domain, SAMPLERS, Sampler, Setup};

/// What `[tune]` says.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Which of the scenario's strategies is tuned.
    pub strategy: usize,
    /// What may vary.
    pub vary: Vec<Vary>,
    /// What is looked for.
    pub objective: Objective,
    /// What must be kept; those of `[gates]` where the section names none.
    pub constraints: Vec<Gate>,
    /// How the search goes.
    pub sampler: Chosen<dyn Sampler, Setup>,
    /// The share of the keys that trials play; `None` is all of them. The finals always play all.
    pub sample: Option<f64>,
    /// What is played where the sampler asks for a part of the trace.
    pub part: Part,
    /// How many settings are played, counted as whole traces; one is played on every replication.
    pub runs: u32,
    /// How many settings are played again at the end.
    pub finalists: u32,
    /// On how many fresh seeds.
    pub fresh: u32,
    /// The search's own chance.
    pub seed: u64,
    /// Whether finalists must survive the drills of `[drill]`.
    pub drills: bool,
    /// The constraints as they were written.
    written: Option<String>,
}

/// A part of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Its beginning.
    #[default]
    Time,
    /// A sample of its keys.
    Keys,
}

/// Something that may vary.
#[derive(Debug, Clone)]
pub struct Vary {
    /// What.
    pub path: KeyPath,
    /// Its values.
    pub values: Values,
    /// Where the path stands in the text.
    pub place: Range<usize>,
}

/// The values that something may have.
#[derive(Debug, Clone)]
pub enum Values {
    /// All between two, in a scale.
    Range(Span),
    /// These alone.
    Choices(Vec<Value>),
}

impl Vary {
    /// The domain that a sampler sees.
    pub fn domain(&self) -> Domain {
        match &self.values {
            Values::Range(span) => Domain::Range { steps: span.steps },
            Values::Choices(choices) => {
                Domain::Choice { count: u32::try_from(choices.len()).unwrap_or(u32::MAX) }
            }
        }
    }

    /// The value at a coordinate of the domain.
    pub fn at(&self, coordinate: f64) -> Value {
        match &self.values {
            Values::Range(span) => span.at(coordinate),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the place of a choice"
            )]
            Values::Choices(choices) => choices[(coordinate as usize).min(choices.len() - 1)].clone(),
        }
    }

    fn effective(&self) -> Value {
        let mut table = toml::Table::new();
        table.insert("path".to_owned(), self.path.to_string().into());
        match &self.values {
            Values::Range(span) => table.extend(span.effective()),
            Values::Choices(choices) => {
                table.insert("choices".to_owned(), choices.clone().into());
            }
        }
        table.into()
    }
}

/// What a search looks for.
#[derive(Debug, Clone, Copy)]
pub enum Objective {
    /// The best composite score.
    Score,
    /// The least that a month costs, at the prices of `[cost]`.
    Cost,
    /// The most or the least of a metric.
    Metric(&'static Metric, Better),
}

impl Objective {
    /// What is looked for, as it is written: `score`, `hit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Cost => "cost",
            Self::Metric(metric, _) => metric.name,
        }
    }

    /// Which direction is better.
    pub fn better(self) -> Better {
        match self {
            Self::Score => Better::Higher,
            Self::Cost => Better::Lower,
            Self::Metric(_, better) => better,
        }
    }

    /// The word for its direction, as it is written.
    pub fn word(self) -> &'static str {
        if self.better() == Better::Higher { "maximise" } else { "minimise" }
    }
}

/// `[tune]` before the scenario is known that it belongs to.
#[derive(Debug)]
pub(super) struct Written {
    tuning: Tuning,
    strategy: Option<(String, Range<usize>)>,
    place: Range<usize>,
    /// Where a sample of the keys is asked for.
    samples: Option<Range<usize>>,
    /// Where the objective and the constraints are named.
    objective_place: Range<usize>,
    constraints_place: Range<usize>,
}

/// Reads `[tune]`.
pub(super) fn tune(mut section: Section<'_>) -> Result<Written, Fault> {
    let place = section.span();
    let strategy = section.located::<String>("strategy")?.map(|name| (name.get_ref().clone(), name.span()));
    let example = "vary = [{ path = \"cache.capacity\", from = \"64MiB\", to = \"1GiB\", scale = \"log\" }]";
    let Some(list) = section.take("vary") else { return Err(section.missing("vary", example)) };
    let list_place = list.span();
    let DeValue::Array(items) = list.into_inner() else {
        return Err(
            Fault::new(list_place, "vary must be a list of what may vary").help(format!("write {example}"))
        );
    };
    if items.is_empty() {
        return Err(Fault::new(list_place, "nothing may vary, so there is nothing to search")
            .help(format!("write {example}")));
    }
    let mut all: Vec<Vary> = Vec::new();
    for item in items {
        let next = vary(item)?;
        if let Some(same) = all.iter().find(|other| other.path == next.path) {
            return Err(Fault::new(next.place, format!("{} stands twice in vary", same.path)));
        }
        all.push(next);
    }
    let objective_place =
        section.span_of("maximise").or_else(|| section.span_of("minimise")).unwrap_or_else(|| place.clone());
    let objective = objective(&mut section)?;
    let written = section.located::<String>("constraints")?;
    let constraints = match &written {
        None => Vec::new(),
        Some(text) => targets(text.get_ref()).map_err(|error| Fault::new(text.span(), error.to_string()))?,
    };
    let sampler = section.plug("sampler", &SAMPLERS, "tpe")?;
    let number = |section: &mut Section<'_>, key, default: u32, least: u32, rule: &str| match section
        .located::<i64>(key)?
    {
        None => Ok(default),
        Some(number) => u32::try_from(*number.get_ref())
            .ok()
            .filter(|n| (least..=1_000_000).contains(n))
            .ok_or_else(|| {
                Fault::new(
                    number.span(),
                    format!("{key} must lie between {least} and 1000000, but is {}", number.get_ref()),
                )
                .rule(rule)
                .help(format!("write {key} = {default}"))
            }),
    };
    let runs = number(
        &mut section,
        "runs",
        60,
        1,
        "the budget must be enough for one setting, played on the whole trace",
    )?;
    let finalists =
        number(&mut section, "finalists", 4, 1, "the best settings are played again on fresh seeds")?;
    let fresh = number(&mut section, "fresh", 8, 2, "an interval needs at least two fresh seeds")?;
    let seed = match section.located::<i64>("seed")? {
        None => 1,
        Some(seed) => u64::try_from(*seed.get_ref()).map_err(|_| {
            Fault::new(seed.span(), format!("seed must not be negative, but is {}", seed.get_ref()))
        })?,
    };
    let drills = section.or("drills", false)?;
    let sample = section.located::<f64>("sample")?;
    if let Some(rate) = &sample {
        is_share(*rate.get_ref(), rate.span())?;
    }
    let part = section.located::<Part>("part")?;
    let keys = part.as_ref().filter(|part| *part.get_ref() == Part::Keys).map(Spanned::span);
    let sample = sample.filter(|rate| *rate.get_ref() < 1.0);
    let samples = sample.as_ref().map(Spanned::span).or(keys);
    let constraints_place = written.as_ref().map_or_else(|| place.clone(), Spanned::span);
    section.finish()?;
    let written = written.map(|text| text.get_ref().clone());
    let tuning = Tuning {
        strategy: 0,
        vary: all,
        objective,
        constraints,
        sampler,
        sample: sample.map(Spanned::into_inner),
        part: part.map(Spanned::into_inner).unwrap_or_default(),
        runs,
        finalists,
        fresh,
        seed,
        drills,
        written,
    };
    Ok(Written { tuning, strategy, place, samples, objective_place, constraints_place })
}

fn vary(item: Item<'_>) -> Result<Vary, Fault> {
    let mut section = Section::of(item, "an entry of vary")?;
    let written = section.required::<String>("path", "path = \"cache.capacity\"")?;
    let place = written.span();
    let path: KeyPath = written
        .get_ref()
        .parse()
        .map_err(|error: super::vary::PathError| Fault::new(place.clone(), error.to_string()))?;
    let values = match section.take("choices") {
        None => Values::Range(read_span(&mut section)?),
        Some(item) => {
            let span = item.span();
            let choices: Vec<Value> = read(item)?;
            if choices.len() < 2 {
                let what = format!("{path} has {} choices, so it does not vary", choices.len());
                return Err(Fault::new(span, what).help("write two choices or more, or leave the entry out"));
            }
            if let Some((nth, same)) =
                choices.iter().enumerate().find(|(nth, value)| choices[..*nth].contains(value))
            {
                return Err(Fault::new(
                    span,
                    format!("{same} stands twice in choices (again at place {nth})"),
                ));
            }
            Values::Choices(choices)
        }
    };
    section.finish()?;
    Ok(Vary { path, values, place })
}

fn objective(section: &mut Section<'_>) -> Result<Objective, Fault> {
    let most = section.located::<String>("maximise")?;
    let least = section.located::<String>("minimise")?;
    let (name, better) = match (most, least) {
        (None, None) => return Ok(Objective::Score),
        (Some(name), None) => (name, Better::Higher),
        (None, Some(name)) => (name, Better::Lower),
        (Some(_), Some(second)) => {
            return Err(Fault::new(second.span(), "a search has one objective, but this one has two")
                .rule("what is not the objective can be a constraint")
                .help("keep one, and write constraints = \"hit >= 0.95\""));
        }
    };
    let word = name.get_ref().as_str();
    if word == "score" {
        return match better {
            Better::Higher => Ok(Objective::Score),
            Better::Lower => {
                Err(Fault::new(name.span(), "the higher score is better").help("write maximise = \"score\""))
            }
        };
    }
    if word == "cost" {
        return match better {
            Better::Lower => Ok(Objective::Cost),
            Better::Higher => {
                Err(Fault::new(name.span(), "less cost is better").help("write minimise = \"cost\""))
            }
        };
    }
    let Some(metric) = Metric::named(word) else {
        let names = || ["score", "cost"].into_iter().chain(METRICS.iter().map(|metric| metric.name));
        let fault = Fault::new(name.span(), format!("no objective is called \"{word}\""))
            .rule(format!("there are: {}", one_of(names())));
        return Err(match nearest(word, names()) {
            Some(meant) => fault.help(format!("did you mean \"{meant}\"?")),
            None => fault,
        });
    };
    if metric.better.is_some_and(|known| known != better) {
        let (is, write) = if better == Better::Higher { ("less", "minimise") } else { ("more", "maximise") };
        return Err(Fault::new(name.span(), format!("{is} {} is better", metric.name))
            .help(format!("write {write} = \"{}\"", metric.name)));
    }
    Ok(Objective::Metric(metric, better))
}

impl Written {
    /// Holds the section against the scenario that it belongs to: every path leads somewhere, both ends of every range
    /// and every choice make a scenario, and one strategy is tuned in one cache.
    pub(super) fn of(self, scenario: &Scenario) -> Result<Tuning, Fault> {
        let Self { mut tuning, strategy, place, samples, objective_place, constraints_place } = self;
        if matches!(tuning.objective, Objective::Cost) && scenario.judgement.rules.prices.is_none() {
            return Err(Fault::new(place, "the objective is what a month costs, but there are no prices")
                .rule("prices stand in [cost]")
                .help(
                    "add [cost] with per_gib_hour = 0.02 and per_million_fetches = 0.5, at your own prices",
                ));
        }
        tuning.strategy = tuned(&tuning.vary, strategy, scenario)?;
        for vary in &tuning.vary {
            within_reach(vary)?;
            let ends = match &vary.values {
                Values::Range(span) => vec![span.at(0.0), span.at(1.0)],
                Values::Choices(choices) => choices.clone(),
            };
            for value in ends {
                scenario
                    .varied(&[(vary.path.clone(), value)])
                    .map_err(|error| error.at(vary.place.clone()))?;
            }
        }
        let first: Vec<(KeyPath, Value)> =
            tuning.vary.iter().map(|vary| (vary.path.clone(), vary.at(0.0))).collect();
        // Values that do not fit together are passed over by the search; whether one cache is left is known all the same.
        if let Ok(varied) = scenario.varied(&first) {
            one_cell(&varied, &place)?;
        }
        if tuning.written.is_none() {
            tuning.constraints.clone_from(&scenario.judgement.rules.gates);
        }
        let shortens = tuning.sampler.name() == "successive-halving";
        if let Some(part) = samples.clone().filter(|_| tuning.part == Part::Keys && !shortens) {
            let what = format!(
                "part says what a part of the trace is, and \"{}\" plays no parts",
                tuning.sampler.name()
            );
            return Err(Fault::new(part, what)
                .help("write sampler = \"successive-halving\", or sample = 0.02 for all trials"));
        }
        if samples.is_some() {
            for strategy in [tuning.strategy, baseline(scenario)] {
                scenario.refuse_unsampled(strategy)?;
            }
            if let Objective::Metric(metric, _) = tuning.objective {
                scenario.refuse_missing(metric, &objective_place)?;
            }
            if matches!(tuning.objective, Objective::Score) {
                for (metric, _) in scenario.judgement.rules.weights.iter() {
                    scenario.refuse_missing(metric, &objective_place)?;
                }
            }
            for gate in &tuning.constraints {
                scenario.refuse_missing(gate.metric, &constraints_place)?;
            }
        }
        if shortens && tuning.part == Part::Time && (scenario.cache.warm || !scenario.cache.events.is_empty())
        {
            let what = "successive halving plays the beginning of the trace, which cannot show what [[cache.event]] or a \
                        warm start does later";
            return Err(Fault::new(tuning.sampler.span(), what).help("write sampler = \"tpe\""));
        }
        tuning.sampler.make(&tuning.setup())?;
        Ok(tuning)
    }
}

/// The strategy that is tuned: the one that is named, the one that varies, or the baseline.
fn tuned(vary: &[Vary], named: Option<(String, Range<usize>)>, scenario: &Scenario) -> Result<usize, Fault> {
    let place_of = |name: &str| scenario.strategies.iter().position(|design| design.name == name);
    let mut found: Option<usize> = None;
    if let Some((name, place)) = named {
        let known = place_of(&name);
        if known.is_none() {
            let names = || scenario.strategies.iter().map(|design| design.name.as_str());
            let fault = Fault::new(place, format!("no strategy is called \"{name}\""))
                .rule(format!("there are: {}", one_of(names())));
            return Err(match nearest(&name, names()) {
                Some(meant) => fault.help(format!("did you mean \"{meant}\"?")),
                None => fault,
            });
        }
        found = known;
    }
    for vary in vary.iter().filter(|vary| vary.path.section() == "strategy") {
        // A path that leads to no strategy is told of where it is followed.
        let Some(own) = vary.path.entry_of(&scenario.effective) else { continue };
        if *found.get_or_insert(own) != own {
            let tuned = &scenario.strategies[found.unwrap_or(own)].name;
            return Err(Fault::new(
                vary.place.clone(),
                format!("{} is not of \"{tuned}\", which is tuned", vary.path),
            )
            .rule("a search tunes one strategy")
            .help("leave this entry out, or tune the other strategy in a scenario of its own"));
        }
    }
    Ok(found.unwrap_or_else(|| baseline(scenario)))
}

/// The baseline, or the first strategy.
fn baseline(scenario: &Scenario) -> usize {
    scenario.strategies.iter().position(|design| design.baseline).unwrap_or(0)
}

/// What is decided may vary; what is given may not.
fn within_reach(vary: &Vary) -> Result<(), Fault> {
    if matches!(vary.path.section(), "strategy" | "cache" | "client")
        && !matches!(vary.path.last(), "name" | "baseline")
    {
        return Ok(());
    }
    let known = ["strategy", "cache", "client"];
    let fault = Fault::new(vary.place.clone(), format!("{} cannot be tuned", vary.path)).rule(
        "what is decided may vary: the strategy, the cache and the client, not who asks and who answers",
    );
    Err(match nearest(vary.path.section(), known) {
        Some(meant) if !known.contains(&vary.path.section()) => {
            fault.help(format!("did you mean \"{meant}\"?"))
        }
        _ => fault,
    })
}

fn one_cell(varied: &Scenario, place: &Range<usize>) -> Result<(), Fault> {
    let (capacities, evictions) = (varied.cache.capacities.len(), varied.cache.evictions.len());
    for (count, key, example) in
        [(capacities, "capacity", "\"256MiB\""), (evictions, "eviction", "\"allkeys-lru\"")]
    {
        if count > 1 {
            return Err(Fault::new(place.clone(), format!("cache.{key} is a list of {count}, and a search tunes one cache"))
                .help(format!(
                    "write {key} = {example} in [cache], or let it vary: {{ path = \"cache.{key}\", choices = [ … ] }}"
                )));
        }
    }
    match varied.cache.evictions.iter().find(|policy| policy.about().oracle) {
        Some(oracle) => {
            let what =
                format!("eviction \"{}\" sees what no real cache could see, so it cannot win", oracle.name());
            Err(Fault::new(place.clone(), what).help("leave it out of what may vary"))
        }
        None => Ok(()),
    }
}

impl Tuning {
    /// What the sampler is told, with the budget of the scenario; before a trace is known, nothing of its warm-up.
    pub fn setup(&self) -> Setup {
        let domains = self.vary.iter().map(Vary::domain).collect();
        Setup {
            domains,
            runs: Some(self.runs),
            lead: 0.0,
            seed: crate::random::Seed::new(self.seed).of("tune"),
        }
    }

    /// The section with every default filled in, as it could be written.
    pub(super) fn effective(&self, scenario: &Scenario) -> toml::Table {
        let mut table = toml::Table::new();
        table.insert("strategy".to_owned(), scenario.strategies[self.strategy].name.clone().into());
        table.insert("vary".to_owned(), self.vary.iter().map(Vary::effective).collect::<Vec<_>>().into());
        table.insert(self.objective.word().to_owned(), self.objective.name().into());
        if let Some(written) = &self.written {
            table.insert("constraints".to_owned(), written.clone().into());
        }
        table.insert("sampler".to_owned(), self.sampler.effective());
        if let Some(sample) = self.sample {
            table.insert("sample".to_owned(), sample.into());
        }
        if self.part == Part::Keys {
            table.insert("part".to_owned(), "keys".into());
        }
        for (key, value) in [("runs", self.runs), ("finalists", self.finalists), ("fresh", self.fresh)] {
            table.insert(key.to_owned(), i64::from(value).into());
        }
        table.insert("drills".to_owned(), self.drills.into());
        table.insert("seed".to_owned(), i64::try_from(self.seed).unwrap_or(i64::MAX).into());
        table
    }
}
