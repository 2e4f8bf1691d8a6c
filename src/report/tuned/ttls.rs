//! The TTL that the application should give to each class of keys.

use crate::scenario::Scenario;
use crate::strategy::Design;

/// A class with its TTL.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ClassTtl {
    /// The class.
    pub class: String,
    /// What to pass to `SET … EX`, or the rule that decides.
    pub ttl: String,
    /// What bends it, and for how long a value past it is kept.
    pub more: String,
}

/// The table of a strategy for these classes.
pub(super) fn table(scenario: &Scenario, design: &Design, classes: &[String]) -> Vec<ClassTtl> {
    let effective = design.rule.effective();
    let of = |class: &str| -> String {
        let text = |value: &toml::Value| value.as_str().map(str::to_owned);
        let fixed = match design.rule.name() {
            "none" => Some("no TTL".to_owned()),
            "fixed" => effective.get("ttl").and_then(text),
            "class-table" => {
                let own = effective.get("table").and_then(|table| table.get(class)).and_then(text);
                own.or_else(|| effective.get("default").and_then(text))
            }
            _ => None,
        };
        fixed.unwrap_or_else(|| format!("decided by the rule: {effective}"))
    };
    let mut more: Vec<String> =
        design.modifiers.iter().map(|modifier| modifier.effective().to_string()).collect();
    if design.refresh.name() != "on-demand" {
        more.push(design.refresh.effective().to_string());
    }
    if scenario
        .cache
        .ttl_resolution
        .step()
        .is_some_and(|step| step >= crate::units::SimDuration::from_secs(1))
    {
        more.push("whole seconds".to_owned());
    }
    let row = |class: &String| ClassTtl { class: class.clone(), ttl: of(class), more: more.join("; ") };
    classes.iter().map(row).collect()
}

/// The table as CSV.
pub(super) fn csv(table: &[ClassTtl]) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let rows = [["class", "ttl", "more"].map(str::to_owned)].into_iter();
    let rows = rows.chain(table.iter().map(|row| [row.class.clone(), row.ttl.clone(), row.more.clone()]));
    for row in rows {
        out.write_record(row).expect("writing to memory does not fail");
    }
    out.into_inner().expect("writing to memory does not fail")
}
