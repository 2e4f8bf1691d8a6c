//! Walks every catalog: whatever can be written in a scenario is documented, checked and runs.
//!
//! A new entry is covered without a line of test. Only an example under a key that no entry has used
//! so far needs a line in [`probe::put`], which says where that key stands in a scenario.

#[path = "catalogs/probe.rs"]
mod probe;
#[path = "support/sources.rs"]
mod sources;

use std::collections::{BTreeMap, BTreeSet};

use probe::Probe;
use sources::sources;
use ttlab::catalog::{Kind, Listed, Listing, Param};
use ttlab::scenario::{Mistake, ScenarioError, axes};

/// Calls `check` for every entry of every axis.
fn each(check: impl Fn(&Listing, &Listed)) {
    for listing in axes() {
        for entry in &listing.entries {
            check(&listing, entry);
        }
    }
}

fn probes(check: impl Fn(&Probe)) {
    each(|listing, entry| check(&Probe::of(listing, entry)));
}

#[test]
fn names_are_kebab_case_and_that_of_their_file() {
    each(|listing, entry| {
        let parts: Vec<&str> = entry.name.split('-').collect();
        let legal = |part: &&str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        assert!(parts.iter().all(legal), "{} \"{}\" is not kebab-case", listing.axis, entry.name);
        assert_eq!(
            entry.module.replace('_', "-"),
            entry.name,
            "{}: the file is called as the entry",
            listing.axis
        );
    });
    for listing in axes() {
        let names: BTreeSet<&str> = listing.entries.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), listing.entries.len(), "two entries of {} share a name", listing.axis);
    }
    let axes: Vec<&str> = axes().iter().map(|listing| listing.axis).collect();
    assert_eq!(axes.iter().collect::<BTreeSet<_>>().len(), axes.len(), "two axes share a name: {axes:?}");
}

#[test]
fn summaries_are_one_sentence() {
    let sentence =
        |text: &str| !text.is_empty() && !text.contains('\n') && !text.trim_end_matches('.').contains(". ");
    each(|listing, entry| {
        let place = format!("{} \"{}\"", listing.axis, entry.name);
        assert!(sentence(entry.summary), "{place}: the summary is one sentence: {}", entry.summary);
        for param in entry.params {
            assert!(!param.about.is_empty(), "{place}: {} says nothing of itself", param.name);
            assert!(!(param.required && param.default.is_some()), "{place}: {} needs no default", param.name);
        }
    });
}

#[test]
fn every_page_has_an_example_that_names_its_entry_and_runs() {
    probes(|probe| {
        let first = probe.record(&probe.scenario);
        assert_eq!(first, probe.record(&probe.scenario), "{probe}: the same seed gives the same run");
    });
}

#[test]
fn nothing_breaks_on_traces_of_nothing_one_request_one_object_and_one_instant() {
    probes(|probe| {
        for trace in probe::edge_cases(&probe.scenario) {
            probe.play(&probe.scenario, trace);
        }
    });
}

#[test]
fn a_misspelt_name_is_shown_with_its_place_and_what_exists() {
    probes(|probe| {
        let misspelt = format!("{}x", probe.entry.name);
        let text = probe.with(|table, tag| {
            table.insert(tag.to_owned(), misspelt.clone().into());
        });
        let mistake = probe.refused(&text);
        let quoted = format!("\"{misspelt}\"");
        assert_eq!(mistake.value, quoted, "{probe}: {mistake}");
        assert_eq!(probe::at(&text, &mistake, quoted.len()), quoted, "{probe}: the place");
        let rule = mistake.rule.as_deref().unwrap_or_default();
        for other in &probe.listing.entries {
            assert!(rule.contains(other.name), "{probe}: {rule} leaves out {}", other.name);
        }
        let help = mistake.help.as_deref().unwrap_or_default();
        assert!(help.contains(&format!("did you mean \"{}\"?", probe.entry.name)), "{probe}: {mistake}");
    });
}

#[test]
fn an_unknown_parameter_is_shown_with_its_place_and_what_exists() {
    probes(|probe| {
        let text = probe.with(|table, _| {
            table.insert("no_such_parameter".to_owned(), 1.into());
        });
        let mistake = probe.refused(&text);
        assert_eq!(probe::at(&text, &mistake, 17), "no_such_parameter", "{probe}: the place");
        assert!(mistake.what.ends_with("has no \"no_such_parameter\""), "{probe}: {mistake}");
        let rule = mistake.rule.as_deref().unwrap_or_default();
        if probe.entry.params.is_empty() {
            assert_eq!(rule, "it takes no parameters", "{probe}");
        }
        for param in probe.entry.params {
            assert!(rule.contains(param.name), "{probe}: {rule} leaves out {}", param.name);
        }
    });
}

/// Calls `check` for every parameter that has a size, with its name for messages.
fn sized(check: impl Fn(&Probe, &Param, &str)) {
    probes(|probe| {
        for param in probe.entry.params {
            if matches!(param.kind, Kind::Duration | Kind::Size | Kind::Rate | Kind::Number | Kind::Integer) {
                check(probe, param, &format!("{probe}: {}", param.name));
            }
        }
    });
}

/// The scenario with the parameter at `value`, refused or not.
fn attempt(probe: &Probe, param: &Param, value: &toml::Value) -> Result<(), Box<Mistake>> {
    let text = probe.with(|table, _| {
        table.insert(param.name.to_owned(), value.clone());
    });
    let first =
        |error: ScenarioError| Box::new(error.mistakes.into_iter().next().expect("an error has a mistake"));
    Probe::parse(&text).map(drop).map_err(first)
}

/// What is said of a mistake. The line of the scenario that is shown is left out: all that stands in it is named there.
fn said(mistake: &Mistake) -> String {
    let parts = [Some(&mistake.what), mistake.rule.as_ref(), mistake.help.as_ref()];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<&str>>().join("; ")
}

/// Whether a message has a name as a word of its own: `ttl` is none of `lock_ttl`.
fn names(message: &str, name: &str) -> bool {
    message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == name)
}

#[test]
fn a_name_is_a_whole_word() {
    let message = "max (1h) is below lock_ttl, so \"min\" is, too";
    assert!(["max", "lock_ttl", "min"].into_iter().all(|name| names(message, name)));
    assert!(!["ttl", "lock", "lo"].into_iter().any(|name| names(message, name)));
}

#[test]
fn values_outside_the_legal_range_are_refused() {
    sized(|probe, param, place| {
        let refuses = |value: &toml::Value, why: &str| {
            let place = format!("{place}: {value}, {why}");
            let Err(mistake) = attempt(probe, param, value) else { panic!("{place}, was taken") };
            // What is no value of its kind at all is shown itself.
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let is_shown = param.magnitude(&text).is_none() && mistake.value == value.to_string();
            assert!(is_shown || names(&said(&mistake), param.name), "{place}, is not named: {mistake}");
        };
        for (bound, legal, outwards) in
            [(param.min, param.min_is_legal, -1.0), (param.max, param.max_is_legal, 1.0)]
        {
            let Some(bound) = bound else { continue };
            let outside = probe::beyond(param, bound, outwards);
            refuses(&outside, &format!("beyond {bound}"));
            if !legal {
                refuses(&probe::value(param, bound), "which itself is not legal");
            }
        }
        if param.kind == Kind::Number {
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                refuses(&value.into(), "no number");
            }
        }
        refuses(&toml::Value::Array(Vec::new()), "a list");
    });
}

#[test]
fn values_at_the_bounds_of_the_legal_range_are_taken() {
    sized(|probe, param, place| {
        for (bound, legal) in [(param.min, param.min_is_legal), (param.max, param.max_is_legal)] {
            let Some(bound) = bound.filter(|_| legal) else { continue };
            if let Err(mistake) = attempt(probe, param, &probe::value(param, bound)) {
                let message = said(&mistake);
                // Two parameters may rule each other out, and so may another axis; the range of one alone may not.
                let others = probe.entry.params.iter().filter(|other| other.name != param.name);
                let beside = message.contains("under refresh");
                let together = beside || others.into_iter().any(|other| names(&message, other.name));
                assert!(together && !message.contains("legal range"), "{place} = {bound}: {message}");
            }
        }
    });
}

#[test]
fn documented_defaults_are_the_effective_ones() {
    probes(|probe| {
        // Only what must be written is written, and what else the example needs to make sense stays.
        for param in probe.entry.params {
            let Some(default) = param.default else { continue };
            let text = probe.with(|table, _| {
                table.remove(param.name);
            });
            let Ok(scenario) = Probe::parse(&text) else {
                continue; // The example's other values rule the default out; some other entry's do not.
            };
            let effective = probe.find(&scenario.effective);
            let effective =
                effective.get(param.name).unwrap_or_else(|| panic!("{probe}: {} is gone", param.name));
            let same = match (effective, param.magnitude(default)) {
                (toml::Value::String(text), Some(size)) => {
                    param.magnitude(text).map(f64::to_bits) == Some(size.to_bits())
                }
                (toml::Value::String(text), None) => text == default,
                (toml::Value::Integer(number), _) => {
                    param.magnitude(&number.to_string()) == param.magnitude(default)
                }
                (toml::Value::Float(number), Some(size)) => number.to_bits() == size.to_bits(),
                (other, _) => other.to_string() == default,
            };
            assert!(same, "{probe}: {} is {effective} by default, but {default} is documented", param.name);
        }
    });
}

#[test]
fn every_plugin_is_in_the_catalog_of_its_folder() {
    let mut listed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for listing in axes() {
        let modules = listing.entries.iter().map(|entry| entry.module.to_owned()).collect();
        listed.insert(listing.axis.to_owned(), modules);
    }
    let sources = sources();
    let mut seen = BTreeSet::new();
    for folder in sources.iter().filter(|source| source.path.ends_with("mod.rs")) {
        let Some(declared) = folder.text.split_once("catalog! {").map(|(_, rest)| rest) else { continue };
        let parents = folder.module();
        if parents == ["catalog"] {
            continue;
        }
        let axis = declared.split('"').nth(1).expect("a catalog names its axis");
        let entries =
            listed.get(axis).unwrap_or_else(|| panic!("scenario::axes() leaves out the axis {axis}"));
        seen.insert(axis.to_owned());
        for source in &sources {
            let module = source.module();
            let [inside @ .., own] = module.as_slice() else { continue };
            if inside == parents && source.text.contains("impl Plugin for ") {
                let path = source.path.display();
                assert!(entries.contains(own), "{path}: no catalog lists this entry, so nobody can use it");
            }
        }
    }
    assert_eq!(seen, listed.into_keys().collect(), "every axis has a folder with its catalog");
}

#[test]
fn every_file_is_declared_by_its_parent() {
    let sources = sources();
    for source in &sources {
        let module = source.module();
        let [parents @ .., own] = module.as_slice() else { continue };
        let parent =
            sources.iter().find(|other| other.module() == parents && !other.path.ends_with("main.rs"));
        let parent = parent.unwrap_or_else(|| panic!("{}: there is no parent module", source.path.display()));
        let declared = parent.text.lines().any(|line| {
            let line = line.trim();
            line.ends_with(&format!("mod {own};")) && !line.starts_with("//")
        });
        assert!(declared, "{}: no `mod {own};` in {}", source.path.display(), parent.path.display());
    }
}
