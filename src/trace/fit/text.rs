//! A fit as a scenario that can be run, shared and changed.

use std::fmt::Write;

use super::sizes::Sizes;
use super::{ClassFit, Fit};
use crate::units::SimDuration;

/// Bunches of less than this many requests are none.
const FEWEST_IN_BUNCH: f64 = 1.05;

impl Fit {
    /// The scenario; `name` is a scenario's name.
    pub fn scenario(&self, name: &str) -> String {
        let mut text = self.head();
        let _ = write!(
            text,
            "schema = 1\nname = \"{name}\"\nquestion = \"Which TTL and how much memory does this workload need?\"\nrepeat = 3\n\n"
        );
        self.workload(&mut text);
        for class in &self.classes {
            self.class(class, &mut text);
        }
        text += "\n# What no log tells: adapt these to your site.\n\
                 [origin]\nlatency = { model = \"lognormal\", median = \"120ms\", sigma = 0.8 }\n\n\
                 [[strategy]]\nname = \"one hour\"\nbaseline = true\nttl = { rule = \"fixed\", ttl = \"1h\" }\n\n\
                 [[strategy]]\nname = \"one day\"\nttl = { rule = \"fixed\", ttl = \"1d\" }\n";
        text
    }

    /// What was measured, and what is not in it.
    fn head(&self) -> String {
        let best = 1.0 - self.objects as f64 / self.requests as f64;
        let compared = self.comparison.requests;
        let compared = if compared as u64 == self.requests {
            "Over all requests".to_owned()
        } else {
            format!("Over the first {compared} requests")
        };
        format!(
            "# Fitted by ttlab trace fit: {} requests for {} objects in {}, best hit ratio {best:.4}.\n\
             # {compared}, LRU's hit ratio differs from that of the log by {:.4}, on average over\n\
             # sizes of the cache from one image to all (evenly in their logarithm), once the best hit ratio is the same.\n\
             # That was found without the pages and the rates over time that are written below.\n\
             # Not in it: which images a page asks for together, changes at the origin.\n\n",
            self.requests,
            self.objects,
            SimDuration::from_secs(self.seconds()),
            self.comparison.error
        )
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a span is not negative")]
    fn seconds(&self) -> u64 {
        (self.span_s.ceil() as u64).max(1)
    }

    fn workload(&self, text: &mut String) {
        let _ = write!(
            text,
            "[workload]\nduration = \"{}\"\n# To plan for more: grow = {{ traffic = 2.0, catalogue = 1.5 }}\n",
            SimDuration::from_secs(self.seconds())
        );
        let rates = &self.rates;
        let rows =
            (0_u64..).zip(&rates.per_second).map(|(row, rate)| (row as f64 * rates.step_s as f64, *rate));
        let table = table(rows);
        let _ = write!(
            text,
            "# Requests per second in steps of {}.\narrivals = {{ model = \"envelope\", repeat = false, table = {table} }}\n",
            SimDuration::from_secs(rates.step_s)
        );
        let bunch = rates.bunch();
        let _ = writeln!(
            text,
            "# Variance of the requests in a second over their mean: {:.2} (1 if independent).",
            rates.dispersion
        );
        if bunch >= FEWEST_IN_BUNCH {
            let _ = writeln!(text, "pages = {{ images = {}, within = \"300ms\" }}", number(bunch));
        }
        if let Some(repeats) = &self.repeats {
            let _ = writeln!(
                text,
                "repeats = {{ share = {}, within = {} }}",
                number(repeats.share),
                repeats.within
            );
        }
    }

    fn class(&self, class: &ClassFit, text: &mut String) {
        let ClassFit { measured, popularity, turnover, sizes } = class;
        let name = toml::Value::from(measured.name.clone());
        let _ = write!(
            text,
            "\n# {} requests for {} objects, {} of them asked for once.\n[[workload.class]]\nname = {name}\nobjects = {}\nshare = {}\n",
            measured.requests,
            measured.objects,
            measured.once,
            turnover.objects,
            measured.requests as f64 / self.requests as f64
        );
        if turnover.one_hit > 0.0 {
            let _ = writeln!(text, "one_hit = {}", number(turnover.one_hit));
        }
        if let Some(churn) = turnover.churn(measured.uploads, SimDuration::from_secs(self.seconds())) {
            let (uploads, per_day) = (measured.uploads, number(churn.new_per_day));
            let _ = write!(
                text,
                "# {uploads} objects came so late that they were uploaded meanwhile.\nchurn = {{ new_per_day = {per_day} }}\n"
            );
        }
        if let Some((alpha, error)) = popularity.alpha {
            let _ = writeln!(
                text,
                "# Of those asked for again: Zipf alpha {alpha:.3} with a standard error of {error:.3}; shares by rank differ from it by up to {:.3}.",
                popularity.deviation
            );
        }
        let law = match popularity.zipf() {
            Some(alpha) => format!("model = \"zipf\", alpha = {}", number(alpha)),
            None => format!("model = \"empirical\", table = {}", table(popularity.table.iter().copied())),
        };
        let _ = writeln!(text, "popularity = {{ {law} }}");
        match sizes {
            Sizes::Constant(bytes) => {
                let _ = writeln!(text, "size = {{ model = \"constant\", value = \"{bytes}B\" }}");
            }
            Sizes::Lognormal { median, sigma, distance } => {
                let _ = write!(
                    text,
                    "# Sizes differ from this law by up to {distance:.3} of the objects.\nsize = {{ model = \"lognormal\", median = \"{median:.0}B\", sigma = {} }}\n",
                    number(*sigma)
                );
            }
            Sizes::Bands { bands, once, means } => {
                let bands: Vec<String> = bands
                    .iter()
                    .map(|(objects, rows)| format!("[{}, {}]", number(*objects), table(rows.iter().copied())))
                    .collect();
                let once = if once.is_empty() {
                    String::new()
                } else {
                    format!(", once = {}", table(once.iter().copied()))
                };
                let _ = write!(
                    text,
                    "# Sizes by popularity, the most popular first: {:.0} bytes a request, {:.0} an object.\nsize = {{ model = \"by-popularity\", bands = [{}]{once} }}\n",
                    means.0,
                    means.1,
                    bands.join(", ")
                );
            }
        }
    }
}

/// Rows as TOML writes them.
fn table(rows: impl Iterator<Item = (f64, f64)>) -> String {
    let rows: Vec<String> = rows.map(|(a, b)| format!("[{}, {}]", number(a), number(b))).collect();
    format!("[{}]", rows.join(", "))
}

/// A number with five digits that count, whole ones in full.
fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value}");
    }
    let digits = (4.0 - value.abs().log10().floor()).clamp(0.0, 12.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 12")]
    let digits = digits as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_keep_what_counts() {
        for (value, text) in
            [(2_272.0, "2272"), (0.012_345_678, "0.012346"), (1_234.567_8, "1234.6"), (0.5, "0.50000")]
        {
            assert_eq!(number(value), text);
        }
    }
}
