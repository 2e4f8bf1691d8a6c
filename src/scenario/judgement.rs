//! `[score]`, `[gates]`, `[cost]` and `[expect]`: by what the cells are judged, and what the author claims.

use std::ops::Range;

use toml::de::DeValue;

use super::cost;
use crate::catalog::{Fault, Item, Section, nearest, one_of, read};
use crate::score::{Bound, Expectation, Gate, METRICS, Metric, Rules, Weights, Written};

/// What these sections say.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// The rules.
    pub rules: Rules,
    /// The strategies that `[expect]` names, with their places; whether they exist is not known here.
    pub claimed: Vec<(String, Range<usize>)>,
    /// The metrics that these sections name, with their places.
    pub named: Vec<(&'static Metric, Range<usize>)>,
}

impl Judgement {
    /// Reads and removes `[score]`, `[gates]`, `[cost]` and `[expect]` from the scenario.
    pub fn read(scenario: &mut Section<'_>) -> Result<Self, Fault> {
        let mut named = Vec::new();
        let weights = scenario
            .section("score")?
            .map_or_else(|| Ok(Weights::default()), |section| weights(section, &mut named))?;
        let gates = scenario
            .section("gates")?
            .map_or_else(|| Ok(Vec::new()), |section| gates(section, &mut named))?;
        let prices = scenario.section("cost")?.map(cost::cost).transpose()?;
        let rules = Rules { weights, gates, prices, ..Rules::default() };
        let mut judgement = Self { rules, claimed: Vec::new(), named };
        if let Some(section) = scenario.section("expect")? {
            judgement.expect(section)?;
        }
        Ok(judgement)
    }

    /// These sections with every default filled in, as they could be written in a scenario.
    pub fn effective(&self) -> toml::Table {
        let mut weights = toml::Table::new();
        for (metric, weight) in self.rules.weights.iter() {
            weights.insert(metric.name.to_owned(), weight.into());
        }
        let mut score = toml::Table::new();
        score.insert("weights".to_owned(), weights.into());
        let mut all = toml::Table::new();
        all.insert("score".to_owned(), score.into());
        let gates = self.rules.gates.iter();
        let gates: toml::Table =
            gates.map(|gate| (gate.name.clone(), value(gate.metric, gate.limit))).collect();
        if !gates.is_empty() {
            all.insert("gates".to_owned(), gates.into());
        }
        if let Some(prices) = &self.rules.prices {
            all.insert("cost".to_owned(), cost::effective(prices).into());
        }
        let mut expect = toml::Table::new();
        for claim in &self.rules.expectations {
            let strategy = expect.entry(claim.strategy.clone()).or_insert_with(|| toml::Table::new().into());
            if let Some(strategy) = strategy.as_table_mut() {
                let pair = vec![value(claim.metric, claim.low), value(claim.metric, claim.high)];
                strategy.insert(claim.metric.name.to_owned(), pair.into());
            }
        }
        if !expect.is_empty() {
            all.insert("expect".to_owned(), expect.into());
        }
        all
    }

    fn expect(&mut self, mut section: Section<'_>) -> Result<(), Fault> {
        for (strategy, span) in in_order(&section) {
            let Some(item) = section.take_named(&strategy) else { continue };
            let mut claims = Section::of(item, format!("[expect] \"{strategy}\""))
                .map_err(|fault| fault.help("write \"strategy\".fresh_hit = [0.85, 0.9]"))?;
            for (name, place) in in_order(&claims) {
                let metric = metric(&name, place.clone(), |_| true)?;
                self.named.push((metric, place));
                let Some(item) = claims.take_named(&name) else { continue };
                let (low, high) = pair(metric, item)?;
                let strategy = strategy.clone();
                self.rules.expectations.push(Expectation { strategy, metric, low, high });
            }
            self.claimed.push((strategy, span));
        }
        Ok(())
    }
}

/// Metrics with their places.
type Named = Vec<(&'static Metric, Range<usize>)>;

fn weights(mut section: Section<'_>, named: &mut Named) -> Result<Weights, Fault> {
    let span = section.span();
    let Some(mut written) = section.section("weights")? else {
        section.finish()?;
        return Ok(Weights::default());
    };
    let span = if written.span().is_empty() { span } else { written.span() };
    let mut weights = Vec::new();
    for (name, place) in in_order(&written) {
        let metric = metric(&name, place.clone(), |metric| metric.better.is_some())?;
        named.push((metric, place));
        let Some(item) = written.take_named(&name) else { continue };
        let place = item.span();
        let weight: f64 = read(item)?;
        if !weight.is_finite() || weight < 0.0 {
            let what = format!("the weight of {name} must be a number of at least 0, but is {weight}");
            let rule = "a weight says how much an objective counts; which direction is better is known";
            return Err(Fault::new(place, what).rule(rule).help(format!("write {name} = 1.0")));
        }
        if weights.iter().any(|(other, _): &(&Metric, f64)| std::ptr::eq(*other, metric)) {
            return Err(Fault::new(place, format!("{name} is weighed twice: it is {}", metric.name)));
        }
        weights.push((metric, weight));
    }
    section.finish()?;
    Weights::new(weights).ok_or_else(|| {
        Fault::new(span, "all weights are zero, so every cell would score the same")
            .rule("the score is the weighted mean of the objectives")
            .help("write weights = { hit = 1.0, memory = 0.5 }, or leave [score] out for the default")
    })
}

fn gates(mut section: Section<'_>, named: &mut Named) -> Result<Vec<Gate>, Fault> {
    let mut gates: Vec<Gate> = Vec::new();
    for (name, place) in in_order(&section) {
        let Some(item) = section.take_named(&name) else { continue };
        let split = name.rsplit_once('_');
        let (of, bound) = match split {
            Some((of, "min")) => (of, Bound::Min),
            Some((of, "max")) => (of, Bound::Max),
            _ => return Err(unbounded(&name, place)),
        };
        let metric = metric(of, place.clone(), |_| true).map_err(|fault| suggest_gate(fault, &name))?;
        named.push((metric, place.clone()));
        if gates.iter().any(|gate| std::ptr::eq(gate.metric, metric) && gate.bound == bound) {
            return Err(Fault::new(place, format!("there is another gate for the same as {name}")));
        }
        let limit = limit(metric, item, UnitRule::Strict)?;
        gates.push(Gate { name, metric, bound, limit });
    }
    Ok(gates)
}

/// The error for a gate that says neither `_min` nor `_max`.
fn unbounded(name: &str, span: Range<usize>) -> Fault {
    let fault = Fault::new(span, format!("gate \"{name}\" is no metric with _min or _max"))
        .rule(format!("metrics are: {}", one_of(METRICS.iter().map(|metric| metric.name))));
    if let Some(metric) = Metric::named(name) {
        return fault
            .help(format!("write {name}_min or {name}_max, such as {name}_max = {}", metric.unit.example()));
    }
    suggest_gate(fault, name)
}

fn suggest_gate(mut fault: Fault, name: &str) -> Fault {
    let gates: Vec<String> =
        Metric::names().flat_map(|name| [format!("{name}_min"), format!("{name}_max")]).collect();
    fault.help =
        nearest(name, gates.iter().map(String::as_str)).map(|gate| format!("did you mean \"{gate}\"?"));
    fault
}

/// The metric that is called `name`, among those that `fit`.
fn metric(name: &str, span: Range<usize>, fit: fn(&Metric) -> bool) -> Result<&'static Metric, Fault> {
    let known = Metric::named(name);
    if let Some(metric) = known.filter(|metric| fit(metric)) {
        return Ok(metric);
    }
    let what = match known {
        Some(_) => format!("{name} cannot be weighed: neither more nor less of it is better in itself"),
        None => format!("no metric is called \"{name}\""),
    };
    let names = || METRICS.iter().filter(|metric| fit(metric)).map(|metric| metric.name);
    let fault = Fault::new(span, what).rule(format!("there are: {}", one_of(names())));
    match nearest(name, names()).filter(|_| known.is_none()) {
        Some(meant) => Err(fault.help(format!("did you mean \"{meant}\"?"))),
        None => Err(fault),
    }
}

/// Whether a quantity may be written as a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnitRule {
    /// Only where no doubt is left.
    Strict,
    /// Always: the number is then meant as it stands in the record.
    AsInRecord,
}

fn limit(metric: &Metric, item: Item<'_>, rule: UnitRule) -> Result<f64, Fault> {
    let span = item.span();
    let example = metric.unit.example();
    let fault = |what: String| Fault::new(span.clone(), what).help(format!("write {example}"));
    if let DeValue::String(text) = item.get_ref() {
        return match metric.unit.read(text) {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(fault(format!("{}: {error}", metric.name))),
            None => Err(fault(format!("{} is a plain number, but is written as \"{text}\"", metric.name))),
        };
    }
    let value: f64 = read(item)?;
    if !value.is_finite() {
        return Err(fault(format!("{} must be a finite number, but is {value}", metric.name)));
    }
    if rule == UnitRule::Strict && !metric.unit.needs_no_unit() {
        return Err(fault(format!("{} needs a unit, but is {value}", metric.name)));
    }
    Ok(value)
}

/// Reads `[low, high]`.
fn pair(metric: &'static Metric, item: Item<'_>) -> Result<(f64, f64), Fault> {
    let span = item.span();
    let example = metric.unit.example();
    let fault = |what: String| {
        Fault::new(span.clone(), what)
            .rule("an expectation is a range: the least and the greatest value, both included")
            .help(format!("write {} = [{example}, {example}] with the values you expect", metric.name))
    };
    let items = match item.into_inner() {
        DeValue::Array(items) => items,
        other => {
            return Err(fault(format!(
                "{} must be a pair, but is of type {}",
                metric.name,
                other.type_str()
            )));
        }
    };
    let ends: Vec<f64> =
        items.into_iter().map(|end| limit(metric, end, UnitRule::AsInRecord)).collect::<Result<_, _>>()?;
    match *ends.as_slice() {
        [low, high] if low <= high => Ok((low, high)),
        [low, high] => {
            Err(fault(format!("{}: the range is empty, since {low} is above {high}", metric.name)))
        }
        _ => Err(fault(format!("{} must be a pair, but has {} values", metric.name, ends.len()))),
    }
}

fn value(metric: &Metric, limit: f64) -> toml::Value {
    match metric.unit.write(limit) {
        Written::Number(number) => number.into(),
        Written::Text(text) => text.into(),
    }
}

/// Keys in the order in which they were written, so that the first mistake is reported first.
fn in_order(section: &Section<'_>) -> Vec<(String, Range<usize>)> {
    let mut keys = section.keys();
    keys.sort_by_key(|(_, span)| span.start);
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgement(text: &str) -> Result<Judgement, Fault> {
        let mut scenario = Section::parse(text).unwrap();
        let judgement = Judgement::read(&mut scenario)?;
        scenario.finish()?;
        Ok(judgement)
    }

    const ALL: &str = r#"
[score]
weights = { hit = 1.0, memory = 0.5, stampedes = 1 }
[gates]
hit_min = 0.9
peak_origin_rate_max = "300/s"
stampedes_per_hour_max = 1
memory_max = "64MiB"
p99_max = "1.5s"
[expect]
"setex-3600".fresh_hit = [0.85, 0.90]
"setex-3600".evicted = [0, 10]
"other one".memory = ["1MiB", 2_000_000]
"#;

    #[test]
    fn all_three_sections_are_read_in_the_units_of_the_record() {
        let Judgement { rules, claimed, .. } = judgement(ALL).unwrap();
        let weights: Vec<_> = rules.weights.iter().map(|(metric, weight)| (metric.name, weight)).collect();
        assert_eq!(weights, [("hit", 1.0), ("memory", 0.5), ("stampedes", 1.0)]);
        let gates: Vec<_> =
            rules.gates.iter().map(|gate| (gate.metric.name, gate.bound, gate.limit)).collect();
        assert_eq!(
            gates,
            [
                ("hit", Bound::Min, 0.9),
                ("peak_origin_rate", Bound::Max, 300.0),
                ("stampedes", Bound::Max, 1.0),
                ("memory", Bound::Max, 67_108_864.0),
                ("p99", Bound::Max, 1_500.0),
            ]
        );
        let claims: Vec<_> = rules.expectations.iter().map(|c| (c.metric.name, c.low, c.high)).collect();
        assert_eq!(
            claims,
            [("fresh_hit", 0.85, 0.9), ("evicted", 0.0, 10.0), ("memory", 1_048_576.0, 2_000_000.0)]
        );
        assert_eq!(claimed.len(), 2);
        assert_eq!(&ALL[claimed[1].1.clone()], "\"other one\"");
    }

    #[test]
    fn what_is_not_written_has_its_default() {
        let nothing = judgement("").unwrap();
        let weights: Vec<_> = nothing.rules.weights.iter().map(|(metric, _)| metric.name).collect();
        assert_eq!(weights, ["hit", "memory", "origin_rate", "stampedes"]);
        assert!(nothing.rules.gates.is_empty() && nothing.claimed.is_empty());
        assert!(judgement("[score]").is_ok());
    }

    #[test]
    fn the_effective_sections_read_back_as_the_same() {
        let once = judgement(ALL).unwrap();
        let text = once.effective().to_string();
        let twice = judgement(&text).unwrap();
        assert_eq!(twice.effective(), once.effective(), "{text}");
        assert_eq!(twice.rules.gates.len(), 5);
    }

    #[test]
    fn a_mistake_is_shown_at_its_place_with_the_rule_and_what_to_write() {
        for (text, at, what, help) in [
            ("[score]\nweights = { hti = 1 }", "hti", "no metric is called \"hti\"", "did you mean \"hit\"?"),
            ("[score]\nweights = { evicted = 1 }", "evicted", "cannot be weighed", ""),
            ("[score]\nweights = { hit = -1 }", "-1", "at least 0, but is -1", "write hit = 1.0"),
            ("[score]\nweights = { hit = nan }", "nan", "at least 0, but is NaN", "write hit = 1.0"),
            ("[score]\nweights = { hit = 0 }", "{ hit = 0 }", "all weights are zero", "memory = 0.5"),
            ("[score]\nweights = {}", "{}", "all weights are zero", "memory = 0.5"),
            ("[score]\nwieghts = { hit = 1 }", "wieghts", "has no \"wieghts\"", "did you mean \"weights\"?"),
            ("[score]\nweights = { error = 1, errors = 1 }", "1", "weighed twice", ""),
            ("[gates]\nhit = 0.9", "hit", "_min or _max", "write hit_min or hit_max"),
            ("[gates]\nhti_min = 0.9", "hti_min", "no metric is called \"hti\"", "did you mean \"hit_min\"?"),
            ("[gates]\nhit_mni = 0.9", "hit_mni", "_min or _max", "did you mean \"hit_min\"?"),
            ("[gates]\nhit_min = \"90%\"", "\"90%\"", "plain number", "write 0.9"),
            ("[gates]\nhit_min = inf", "inf", "finite", "write 0.9"),
            ("[gates]\np99_max = 250", "250", "needs a unit", "write \"250ms\""),
            ("[gates]\npeak_origin_rate_max = \"300\"", "\"300\"", "is not a rate", "write \"300/s\""),
            (
                "[gates]\norigin_bytes_rate_max = \"4MiB\"",
                "\"4MiB\"",
                "is not a rate of bytes",
                "write \"4MiB/s\"",
            ),
            (
                "[gates]\nstampedes_max = 1\nstampedes_per_hour_max = 2",
                "stampedes_per_hour_max",
                "another",
                "",
            ),
            ("[expect]\na.hit = [0.9, 0.8]", "[0.9, 0.8]", "0.9 is above 0.8", "write hit = ["),
            ("[expect]\na.hit = 0.9", "0.9", "must be a pair", "write hit = ["),
            ("[expect]\na.hit = [0.9]", "[0.9]", "has 1 values", "write hit = ["),
            ("[expect]\na.hits = [0, 1]", "hits", "no metric is called \"hits\"", "did you mean \"hit\"?"),
            ("[expect]\na = 1", "1", "must be a table", "fresh_hit = ["),
        ] {
            let fault = judgement(text).unwrap_err();
            assert!(fault.what.contains(what), "{text}: {}", fault.what);
            assert!(fault.help.unwrap_or_default().contains(help), "{text}");
            assert_eq!(&text[fault.span], at, "{text}");
        }
    }
}
