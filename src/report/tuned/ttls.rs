//! The TTL that the application should give to each class of keys.

use crate::random::Seed;
use crate::scenario::Scenario;
use crate::strategy::{self, Design};
use crate::units::{SimDuration, SimTime};

/// A class with its TTL.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ClassTtl {
    /// The class.
    pub class: String,
    /// For how long a value is fresh, or the rule that decides.
    pub ttl: String,
    /// What to pass to `SET … EX`: the same, and the time for which a value past it is kept.
    pub expire: String,
    /// What bends it, and what is done with a value past it.
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
        let is_endless = |text: &String| matches!(text.as_str(), "no TTL" | "none");
        let capped = fixed.as_ref().filter(|text| is_endless(text)).and_then(|_| design.end_of_endless());
        let fixed = capped.map(|end| end.to_string()).or(fixed);
        fixed.unwrap_or_else(|| format!("decided by the rule: {effective}"))
    };
    let expire = |ttl: &str| match ttl.parse::<SimDuration>() {
        Ok(fresh) => {
            kept(scenario, design, classes, fresh).map_or_else(|| ttl.to_owned(), |kept| kept.to_string())
        }
        Err(_) if matches!(ttl, "no TTL" | "none") => ttl.to_owned(),
        Err(_) => match kept(scenario, design, classes, SimDuration::ZERO) {
            Some(longer) if !longer.is_zero() => format!("what the rule decides and {longer}"),
            _ => "what the rule decides".to_owned(),
        },
    };
    let mut more: Vec<String> =
        design.modifiers.iter().map(|modifier| modifier.effective().to_string()).collect();
    if design.refresh.name() != "on-demand" {
        more.push(design.refresh.effective().to_string());
    }
    if scenario.cache.ttl_resolution.step().is_some_and(|step| step >= SimDuration::from_secs(1)) {
        more.push("whole seconds".to_owned());
    }
    let row = |class: &String| {
        let ttl = of(class);
        ClassTtl { class: class.clone(), expire: expire(&ttl), ttl, more: more.join("; ") }
    };
    classes.iter().map(row).collect()
}

/// For how long the cache keeps a value that is fresh for so long; `None` where the strategy cannot say without traffic.
fn kept(scenario: &Scenario, design: &Design, classes: &[String], fresh: SimDuration) -> Option<SimDuration> {
    let setup = strategy::Setup {
        classes: classes.to_vec(),
        objects: 0,
        servers: None,
        traffic: strategy::Traffic::default(),
        seed: Seed::new(0),
    };
    let made = design.make(&setup, scenario.cache.ttl_resolution).ok()?;
    Some(made.keep_until(SimTime::ZERO, SimTime::ZERO + fresh).since(SimTime::ZERO))
}

/// The table as CSV.
pub(super) fn csv(table: &[ClassTtl]) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let rows = [["class", "ttl", "expire", "more"].map(str::to_owned)].into_iter();
    let row = |row: &ClassTtl| [&row.class, &row.ttl, &row.expire, &row.more].map(String::clone);
    let rows = rows.chain(table.iter().map(row));
    for row in rows {
        out.write_record(row).expect("writing to memory does not fail");
    }
    out.into_inner().expect("writing to memory does not fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_is_told_includes_the_time_for_which_stale_values_are_kept() {
        for (strategy, ttl, expire) in [
            ("ttl = { rule = \"fixed\", ttl = \"5m\" }", "5m", "5m"),
            (
                "ttl = { rule = \"fixed\", ttl = \"5m\" }\nrefresh = { policy = \"stale-while-revalidate\", window = \"30s\" }",
                "5m",
                "5m30s",
            ),
            (
                "ttl = { rule = \"class-table\", table = { a = \"2h\" } }\nguard = { policy = \"lock-stale\", window = \"1h\" }",
                "2h",
                "3h",
            ),
            ("ttl = { rule = \"class-table\", table = { a = \"none\" } }", "none", "none"),
            ("ttl = \"none\"", "no TTL", "no TTL"),
            ("ttl = { rule = \"none\", modifiers = [{ modifier = \"clamp\", max = \"6h\" }] }", "6h", "6h"),
        ] {
            let text = format!(
                "name = \"t\"\n[workload]\nduration = \"1h\"\nrate = \"9/s\"\nclass = [{{ name = \"a\", objects = 9 }}]\n\
                 [[strategy]]\nname = \"s\"\n{strategy}\n"
            );
            let scenario = Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{error}"));
            let rows = table(&scenario, &scenario.strategies[0], &["a".to_owned()]);
            assert_eq!((rows[0].ttl.as_str(), rows[0].expire.as_str()), (ttl, expire), "{strategy}");
            let csv = String::from_utf8(csv(&rows)).unwrap();
            assert!(csv.starts_with(&format!("class,ttl,expire,more\na,{ttl},{expire},")), "{csv}");
        }
    }
}
