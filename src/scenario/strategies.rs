//! `[[strategy]]`: what is compared. Combinations that make no sense are refused here.

use toml::Spanned;

use crate::catalog::{Fault, Section};
use crate::random::Seed;
use crate::strategy::guard::GUARDS;
use crate::strategy::refresh::REFRESHES;
use crate::strategy::ttl::modifier::MODIFIERS;
use crate::strategy::ttl::rule::RULES;
use crate::strategy::{Design, Setup, TtlResolution};
use crate::units::SimDuration;

/// Reads every `[[strategy]]`; mistakes of different strategies are independent.
///
/// Without `classes` the trace decides which there are, and what depends on them is checked once it is read.
pub(super) fn strategies(
    sections: Vec<Section<'_>>,
    classes: Option<&[String]>,
    faults: &mut Vec<Fault>,
) -> Vec<Design> {
    let mut read: Vec<(Spanned<String>, Design)> = Vec::new();
    let mut baselines: Vec<std::ops::Range<usize>> = Vec::new();
    for section in sections {
        match strategy(section, classes) {
            Ok((name, baseline, design)) => {
                if let Some((first, _)) = read.iter().find(|(other, _)| other.get_ref() == name.get_ref()) {
                    faults.push(two_of_one_name(&name, first));
                }
                baselines.extend(baseline);
                read.push((name, design));
            }
            Err(fault) => faults.push(fault),
        }
    }
    if let Some(second) = baselines.get(1) {
        let names: Vec<&str> =
            read.iter().filter(|(_, d)| d.baseline).map(|(_, d)| d.name.as_str()).collect();
        faults.push(
            Fault::new(second.clone(), format!("there are {} baselines: {}", names.len(), names.join(", ")))
                .rule("every difference is a difference to one strategy, the baseline")
                .help("keep baseline = true at one strategy"),
        );
    }
    if baselines.is_empty() && faults.is_empty() {
        match read.as_mut_slice() {
            [] => {}
            [(_, only)] => only.baseline = true,
            [(first, _), ..] => faults.push(
                Fault::new(first.span(), "no strategy is the baseline")
                    .rule("every difference is a difference to one strategy, the baseline")
                    .help(format!("add baseline = true, for example below name = \"{}\"", first.get_ref())),
            ),
        }
    }
    read.into_iter().map(|(_, design)| design).collect()
}

fn two_of_one_name(second: &Spanned<String>, first: &Spanned<String>) -> Fault {
    Fault::new(second.span(), format!("there are two strategies called \"{}\"", first.get_ref()))
        .rule("results are reported by the name of the strategy")
        .help("give each its own name")
}

type Read = (Spanned<String>, Option<std::ops::Range<usize>>, Design);

fn strategy(mut section: Section<'_>, classes: Option<&[String]>) -> Result<Read, Fault> {
    let name = section.required::<String>("name", "name = \"setex-3600\"")?;
    if name.get_ref().trim().is_empty() {
        return Err(Fault::new(name.span(), "a strategy needs a name that is not empty"));
    }
    let baseline_span = section.span_of("baseline");
    let baseline = section.or("baseline", false)?;
    let Some(ttl) = section.take("ttl") else {
        return Err(section.missing("ttl", "ttl = { rule = \"fixed\", ttl = \"1h\" }"));
    };
    let (rule, modifiers) = ttl_of(ttl)?;
    let refresh = section.plug("refresh", &REFRESHES, "on-demand")?;
    let guard = section.plug("guard", &GUARDS, "none")?;
    section.finish()?;
    let design = Design { name: name.get_ref().clone(), baseline, rule, modifiers, refresh, guard };
    coherent(&design)?;
    if let Some(classes) = classes {
        // Made once for nothing, so that a parameter that cannot be is found before anything runs.
        let setup = Setup { classes: classes.to_vec(), seed: Seed::new(0) };
        design.make(&setup, TtlResolution::Exact)?;
    }
    Ok((name, baseline.then_some(baseline_span.unwrap_or_default()), design))
}

type Rule = crate::catalog::Chosen<dyn crate::strategy::ttl::TtlRule, Setup>;
type Modifier = crate::catalog::Chosen<dyn crate::strategy::ttl::TtlModifier, Setup>;

/// `{ rule = "fixed", ttl = "1h", modifiers = [{ modifier = "jitter" }] }`.
fn ttl_of(item: crate::catalog::Item<'_>) -> Result<(Rule, Vec<Modifier>), Fault> {
    use toml::de::DeValue;
    let span = item.span();
    let mut modifiers = Vec::new();
    let item = match item.into_inner() {
        DeValue::Table(mut table) => {
            if let Some(list) = table.remove("modifiers") {
                let list_span = list.span();
                let DeValue::Array(items) = list.into_inner() else {
                    return Err(Fault::new(list_span, "modifiers must be a list")
                        .help("write modifiers = [{ modifier = \"jitter\", spread = 0.1 }]"));
                };
                modifiers = items.into_iter().map(|item| MODIFIERS.choose(item)).collect::<Result<_, _>>()?;
            }
            Spanned::new(span, DeValue::Table(table))
        }
        // A duration where a rule should stand is meant for the fixed rule.
        DeValue::String(text) if text.parse::<SimDuration>().is_ok() => {
            return Err(Fault::new(span, format!("\"{text}\" is a duration, not a ttl rule"))
                .help(format!("write ttl = {{ rule = \"fixed\", ttl = \"{text}\" }}")));
        }
        other => Spanned::new(span, other),
    };
    Ok((RULES.choose(item)?, modifiers))
}

/// Refuses combinations that mean nothing; each message names both settings.
fn coherent(design: &Design) -> Result<(), Fault> {
    let (rule, refresh) = (design.rule.name(), design.refresh.name());
    if refresh == "stale-while-revalidate" && rule == "none" {
        return Err(Fault::new(
            design.refresh.span(),
            "refresh \"stale-while-revalidate\" needs a ttl, but the ttl rule is \"none\"",
        )
        .rule("a value that never expires is never stale")
        .help("choose a ttl rule that expires, such as \"fixed\", or refresh = { policy = \"on-demand\" }"));
    }
    let max_age = design.rule.effective();
    let unbounded = max_age.get("max_age").and_then(toml::Value::as_str) == Some("unbounded");
    if refresh == "stale-while-revalidate" && rule == "sliding" && unbounded {
        return Err(Fault::new(
            design.rule.span_of("max_age"),
            "ttl rule \"sliding\" with max_age = \"unbounded\" cannot be combined with refresh \"stale-while-revalidate\"",
        )
        .rule("a hot key would never become stale, so it would never be renewed")
        .help("write max_age = \"24h\""));
    }
    Ok(())
}

/// The strategy as it could be written.
pub(super) fn effective(design: &Design) -> toml::Value {
    let mut ttl = design.rule.effective();
    if let (toml::Value::Table(ttl), false) = (&mut ttl, design.modifiers.is_empty()) {
        let modifiers = design.modifiers.iter().map(crate::catalog::Chosen::effective).collect();
        ttl.insert("modifiers".to_owned(), toml::Value::Array(modifiers));
    }
    let mut table = toml::Table::new();
    table.insert("name".to_owned(), design.name.clone().into());
    table.insert("baseline".to_owned(), design.baseline.into());
    table.insert("ttl".to_owned(), ttl);
    table.insert("refresh".to_owned(), design.refresh.effective());
    table.insert("guard".to_owned(), design.guard.effective());
    table.into()
}
