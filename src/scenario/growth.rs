//! `[growth]`: by how much traffic and catalogue grow a month, and what must hold meanwhile.
//!
//! ```toml
//! [growth]
//! traffic = 0.08     # 8 % a month, compound
//! catalogue = 0.05
//! months = 12
//! targets = "hit >= 0.9, peak_origin_rate <= 40/s"
//! ```

use toml::Value;

use super::vary::{KeyPath, Unvaried};
use super::{Scenario, Source};
use crate::catalog::{Fault, Section};
use crate::score::{Gate, targets, written};

/// Months that a plan looks ahead where it does not say.
const MONTHS: u32 = 12;
/// The farthest that a plan may look.
const MONTHS_MAX: u32 = 120;

/// What `[growth]` says.
#[derive(Debug, Clone)]
pub struct Growth {
    /// By which share the rate of requests grows a month; 0.08 are 8 %, compound. Negative where it shrinks.
    pub traffic: f64,
    /// By which share the number of images grows a month.
    pub catalogue: f64,
    /// How many months are looked ahead, at least 1.
    pub months: u32,
    /// What must hold; those of `[gates]` where the section names none.
    pub targets: Vec<Gate>,
}

impl Default for Growth {
    fn default() -> Self {
        Self { traffic: 0.0, catalogue: 0.0, months: MONTHS, targets: Vec::new() }
    }
}

impl Growth {
    /// What is multiplied with the rate, and with the number of images, after so many months.
    pub fn factors(&self, month: u32) -> (f64, f64) {
        let months = i32::try_from(month).unwrap_or(i32::MAX);
        ((1.0 + self.traffic).powi(months), (1.0 + self.catalogue).powi(months))
    }

    /// Refuses a share that cannot be that of a month, in words.
    ///
    /// # Errors
    /// If it lies outside -0.9 to 9.
    pub fn check(name: &str, share: f64) -> Result<f64, String> {
        if (-0.9..=9.0).contains(&share) {
            return Ok(share);
        }
        Err(format!(
            "{name} must lie between -0.9 and 9, the share by which it grows a month, but is {share}"
        ))
    }

    /// The section as it could be written.
    pub(super) fn effective(&self) -> toml::Table {
        let mut table = toml::Table::new();
        table.insert("traffic".to_owned(), self.traffic.into());
        table.insert("catalogue".to_owned(), self.catalogue.into());
        table.insert("months".to_owned(), i64::from(self.months).into());
        if !self.targets.is_empty() {
            let all = self.targets.iter().map(written).collect::<Vec<_>>().join(", ");
            table.insert("targets".to_owned(), all.into());
        }
        table
    }
}

/// Reads `[growth]`; its targets stay empty where it names none.
pub(super) fn growth(mut section: Section<'_>) -> Result<Growth, Fault> {
    let span = section.span();
    let share = |section: &mut Section<'_>, key: &'static str| match section.located::<f64>(key)? {
        None => Ok(0.0),
        Some(share) => Growth::check(key, *share.get_ref()).map_err(|what| {
            Fault::new(share.span(), what)
                .rule("growth compounds: 0.08 are 8 % a month, two and a half times in a year")
                .help(format!("write {key} = 0.08"))
        }),
    };
    let traffic = share(&mut section, "traffic")?;
    let catalogue = share(&mut section, "catalogue")?;
    let months = match section.located::<i64>("months")? {
        None => MONTHS,
        Some(months) => {
            let number = u32::try_from(*months.get_ref()).ok().filter(|n| (1..=MONTHS_MAX).contains(n));
            number.ok_or_else(|| {
                let what = format!("months must lie between 1 and {MONTHS_MAX}, but is {}", months.get_ref());
                Fault::new(months.span(), what).help(format!("write months = {MONTHS}"))
            })?
        }
    };
    let wanted = match section.located::<String>("targets")? {
        None => Vec::new(),
        Some(text) => targets(text.get_ref()).map_err(|error| Fault::new(text.span(), error.to_string()))?,
    };
    section.finish()?;
    if traffic.abs() + catalogue.abs() <= 0.0 {
        return Err(Fault::new(span, "nothing grows, so every month is like today")
            .help("write traffic = 0.08 or catalogue = 0.05, shares by which they grow a month"));
    }
    Ok(Growth { traffic, catalogue, months, targets: wanted })
}

/// Why a scenario cannot be grown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ungrown {
    /// It plays a recording, which says nothing of requests that have not come yet.
    #[error("a recorded trace cannot be grown")]
    Recorded,
    /// What has grown makes no scenario.
    #[error("after {month} months: {why}")]
    Unvaried {
        /// After how many months.
        month: u32,
        /// The reason.
        why: Unvaried,
    },
}

impl Scenario {
    /// The scenario after so many months: `workload.grow`, times what has come on top of it.
    ///
    /// # Errors
    /// If it plays a recorded trace, or if there is more of it by then than can be simulated.
    pub fn grown(&self, growth: &Growth, month: u32) -> Result<Self, Ungrown> {
        let Source::Synthetic(_) = &self.source else { return Err(Ungrown::Recorded) };
        let today = self.written.get("workload").and_then(|workload| workload.get("grow"));
        let of_today = |key: &str| {
            let number = today.and_then(|grow| grow.get(key));
            let number = number
                .and_then(|value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64)));
            number.unwrap_or(1.0)
        };
        let (traffic, catalogue) = growth.factors(month);
        let mut grow = toml::Table::new();
        grow.insert("traffic".to_owned(), (of_today("traffic") * traffic).into());
        grow.insert("catalogue".to_owned(), (of_today("catalogue") * catalogue).into());
        let path: KeyPath = "workload.grow".parse().expect("it is a path");
        self.varied(&[(path, Value::Table(grow))]).map_err(|why| Ungrown::Unvaried { month, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = \"t\"\n[workload]\nduration = \"10m\"\nrate = \"10/s\"\ngrow = { traffic = 2, catalogue = 1.5 }\n\
                        class = [{ name = \"a\", objects = 100 }]\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n";

    fn scenario(more: &str) -> Result<Scenario, String> {
        Scenario::parse(&format!("{TEXT}{more}"), "t.toml").map_err(|error| error.to_string())
    }

    #[test]
    fn a_month_multiplies_what_is_written() {
        let scenario = scenario("[growth]\ntraffic = 0.1\ncatalogue = 0.5\n").unwrap();
        let growth = scenario.growth.clone().unwrap();
        assert_eq!((growth.months, growth.targets.len()), (12, 0));
        for (month, rate, objects) in [(0, 20.0, 150), (1, 22.0, 225), (2, 24.2, 338)] {
            let grown = scenario.grown(&growth, month).unwrap();
            let Source::Synthetic(workload) = &grown.source else { panic!("it is synthetic") };
            assert!((workload.rate.as_per_second() - rate).abs() < 1e-9, "{month}: {}", workload.rate);
            assert_eq!(workload.classes[0].objects, objects, "{month}");
        }
    }

    #[test]
    fn the_section_is_told_in_full_and_takes_the_gates_for_its_targets() {
        let scenario = scenario("[gates]\nhit_min = 0.9\n[growth]\ncatalogue = 0.05\nmonths = 3\n").unwrap();
        let told = scenario.effective["growth"].to_string();
        assert_eq!(told, "{ catalogue = 0.05, months = 3, targets = \"hit >= 0.9\", traffic = 0.0 }");
        let again = Scenario::parse(&toml::to_string(&scenario.effective).unwrap(), "again.toml").unwrap();
        assert_eq!(again.effective, scenario.effective);
    }

    #[test]
    fn what_cannot_grow_says_why_and_what_to_write() {
        for (section, what) in [
            ("", "nothing grows"),
            ("traffic = 0\n", "nothing grows"),
            ("traffic = 8.0e5\n", "must lie between -0.9 and 9"),
            ("traffic = -1.0\n", "must lie between -0.9 and 9"),
            ("traffic = nan\n", "must lie between -0.9 and 9"),
            ("traffic = 0.1\nmonths = 0\n", "months must lie between 1 and 120"),
            ("traffic = 0.1\ntargets = \"hti >= 0.9\"\n", "did you mean \"hit\"?"),
            ("trafic = 0.1\n", "did you mean \"traffic\"?"),
        ] {
            let error = scenario(&format!("[growth]\n{section}")).expect_err(section);
            assert!(error.contains(what), "{section}: {error}");
        }
        let scenario = scenario("").unwrap();
        let growth = Growth { traffic: 7.5, ..Growth::default() };
        let error = scenario.grown(&growth, 6).unwrap_err().to_string();
        assert!(error.contains("after 6 months") && error.contains("more than 4e9"), "{error}");
        let text = "name = \"t\"\n[trace]\npath = \"x\"\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n";
        let recorded = Scenario::parse(text, "t.toml").unwrap();
        assert_eq!(recorded.grown(&growth, 1).unwrap_err(), Ungrown::Recorded);
    }
}
