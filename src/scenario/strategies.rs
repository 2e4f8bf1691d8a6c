//! `[[strategy]]`: what is compared. Combinations that make no sense are refused by [`coherence`].

use toml::Spanned;
use toml::de::DeValue;

use super::{coherence, combinations, origin, windows};
use crate::catalog::{Catalog, Chosen, Fault, Item, Section};
use crate::client::Client;
use crate::strategy::guard::GUARDS;
use crate::strategy::refresh::REFRESHES;
use crate::strategy::refresh::addon::ADDONS;
use crate::strategy::sweep::SWEEPS;
use crate::strategy::ttl::modifier::MODIFIERS;
use crate::strategy::ttl::rule::RULES;
use crate::strategy::{Design, Setup, SoftExpiry, TtlResolution};
use crate::units::SimDuration;

/// Reads every `[[strategy]]`; mistakes of different strategies are independent.
///
/// Without a `setup` the trace decides which classes there are, and what depends on them is checked once it is read.
pub(super) fn strategies(
    sections: Vec<Section<'_>>,
    setup: Option<&Setup>,
    client: Client,
    faults: &mut Vec<Fault>,
) -> Vec<Design> {
    let mut read: Vec<(Spanned<String>, Design)> = Vec::new();
    let mut baselines: Vec<std::ops::Range<usize>> = Vec::new();
    for section in sections {
        match strategy(section, setup, client) {
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

/// Where a key is to be written that a strategy has not, but what it is made of.
fn home_of(key: &str) -> Option<String> {
    match key {
        "modifiers" => {
            return Some(
                "write them in the ttl: ttl = { …, modifiers = [{ modifier = \"jitter\", spread = 0.1 }] }"
                    .into(),
            );
        }
        "addons" => {
            return Some(
                "write them in the refresh: refresh = { …, addons = [{ addon = \"conditional\" }] }".into(),
            );
        }
        _ => {}
    }
    let parts = [
        ("ttl", RULES.listing()),
        ("refresh", REFRESHES.listing()),
        ("guard", GUARDS.listing()),
        ("sweep", SWEEPS.listing()),
    ];
    parts.iter().find_map(|(part, listing)| {
        let one = listing.entries.iter().find(|one| one.params.iter().any(|param| param.name == key))?;
        Some(format!("write it in the {part}: {part} = {{ {} = \"{}\", {key} = … }}", listing.tag, one.name))
    })
}

type Read = (Spanned<String>, Option<std::ops::Range<usize>>, Design);

fn strategy(mut section: Section<'_>, setup: Option<&Setup>, client: Client) -> Result<Read, Fault> {
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
    let (refresh, addons) = match section.take("refresh") {
        Some(item) => {
            let (item, addons) = with_list(item, "addons", "{ addon = \"conditional\" }", &ADDONS)?;
            (REFRESHES.choose(item)?, addons)
        }
        None => (REFRESHES.default_choice("on-demand"), Vec::new()),
    };
    let refresh = timed(refresh, &rule)?;
    let guard = section.plug("guard", &GUARDS, "none")?;
    let sweep = section.plug("sweep", &SWEEPS, "none")?;
    let client = origin::client(section.section("client")?, client)?;
    let written = section.located::<SoftExpiry>("soft_expiry")?;
    let soft_expiry = written.as_ref().map_or_else(SoftExpiry::default, |written| *written.get_ref());
    let allow_two_controllers = section.or("allow_two_controllers", false)?;
    section.finish_pointing(home_of)?;
    let design = Design {
        name: name.get_ref().clone(),
        baseline,
        rule,
        modifiers,
        refresh,
        addons,
        guard,
        sweep,
        client,
        soft_expiry,
        allow_two_controllers,
    };
    // The default changes nothing, and stands in every scenario that was written out.
    let chosen = written.filter(|written| *written.get_ref() != SoftExpiry::default());
    if let Some(written) = chosen.filter(|_| !windows::keeps_stale(&design)) {
        let what = format!(
            "soft_expiry says where a deadline before the key's own is kept, but refresh \"{}\" with guard \"{}\" keeps \
             nothing beyond its ttl",
            design.refresh.name(),
            design.guard.name()
        );
        return Err(Fault::new(written.span(), what)
            .help("leave it out, or keep stale values: refresh = { policy = \"stale-while-revalidate\", window = \"5m\" }"));
    }
    coherence::refuse(&design)?;
    combinations::check(&design)?;
    if let Some(setup) = setup {
        // Made once for nothing, so that a parameter that cannot be is found before anything runs.
        design.make(setup, TtlResolution::Exact)?;
    }
    Ok((name, baseline.then_some(baseline_span.unwrap_or_default()), design))
}

/// A timer without a period comes before a fixed TTL is over: at 0.8 of it.
fn timed(refresh: Refresh, rule: &Rule) -> Result<Refresh, Fault> {
    match rule.duration_of("ttl") {
        Some(ttl)
            if refresh.name() == "timer"
                && rule.name() == "fixed"
                && refresh.duration_of("period").is_none() =>
        {
            refresh.with("period", SimDuration::from_nanos(ttl.as_nanos() / 5 * 4).to_string())
        }
        _ => Ok(refresh),
    }
}

type Refresh = Chosen<dyn crate::strategy::refresh::RefreshPolicy, Setup>;
type Rule = Chosen<dyn crate::strategy::ttl::TtlRule, Setup>;
type Modifier = Chosen<dyn crate::strategy::ttl::TtlModifier, Setup>;

/// `{ rule = "fixed", ttl = "1h", modifiers = [{ modifier = "jitter" }] }`.
fn ttl_of(item: Item<'_>) -> Result<(Rule, Vec<Modifier>), Fault> {
    // A duration where a rule should stand is meant for the fixed rule.
    if let DeValue::String(text) = item.get_ref()
        && text.parse::<SimDuration>().is_ok()
    {
        return Err(Fault::new(item.span(), format!("\"{text}\" is a duration, not a ttl rule"))
            .help(format!("write ttl = {{ rule = \"fixed\", ttl = \"{text}\" }}")));
    }
    let example = "{ modifier = \"jitter\", spread = 0.1 }";
    let (item, modifiers) = with_list(item, "modifiers", example, &MODIFIERS)?;
    Ok((RULES.choose(item)?, modifiers))
}

/// Takes the list `key` out of a choice, with its entries chosen from `catalog`.
fn with_list<'i, T: ?Sized + 'static>(
    item: Item<'i>,
    key: &'static str,
    example: &str,
    catalog: &'static Catalog<T, Setup>,
) -> Result<(Item<'i>, Vec<Chosen<T, Setup>>), Fault> {
    let span = item.span();
    let mut chosen = Vec::new();
    let item = match item.into_inner() {
        DeValue::Table(mut table) => {
            if let Some(list) = table.remove(key) {
                let list_span = list.span();
                let DeValue::Array(items) = list.into_inner() else {
                    return Err(Fault::new(list_span, format!("{key} must be a list"))
                        .help(format!("write {key} = [{example}]")));
                };
                chosen = items.into_iter().map(|item| catalog.choose(item)).collect::<Result<_, _>>()?;
            }
            Spanned::new(span, DeValue::Table(table))
        }
        other => Spanned::new(span, other),
    };
    Ok((item, chosen))
}

/// The strategy as it could be written.
pub(super) fn effective(design: &Design, client: &Client) -> toml::Value {
    let mut ttl = design.rule.effective();
    if let (toml::Value::Table(ttl), false) = (&mut ttl, design.modifiers.is_empty()) {
        let modifiers = design.modifiers.iter().map(Chosen::effective).collect();
        ttl.insert("modifiers".to_owned(), toml::Value::Array(modifiers));
    }
    let mut table = toml::Table::new();
    table.insert("name".to_owned(), design.name.clone().into());
    table.insert("baseline".to_owned(), design.baseline.into());
    table.insert("ttl".to_owned(), ttl);
    let mut refresh = design.refresh.effective();
    if let (toml::Value::Table(refresh), false) = (&mut refresh, design.addons.is_empty()) {
        let addons = design.addons.iter().map(Chosen::effective).collect();
        refresh.insert("addons".to_owned(), toml::Value::Array(addons));
    }
    table.insert("refresh".to_owned(), refresh);
    table.insert("guard".to_owned(), design.guard.effective());
    table.insert("sweep".to_owned(), design.sweep.effective());
    if windows::keeps_stale(design) {
        let soft = toml::Value::try_from(design.soft_expiry).expect("it is a word");
        table.insert("soft_expiry".to_owned(), soft);
    }
    let (own, of_all) = (origin::effective_client(&design.client), origin::effective_client(client));
    let own: toml::Table = own.into_iter().filter(|(key, value)| of_all.get(key) != Some(value)).collect();
    if !own.is_empty() {
        table.insert("client".to_owned(), own.into());
    }
    if design.allow_two_controllers {
        table.insert("allow_two_controllers".to_owned(), true.into());
    }
    table.into()
}
