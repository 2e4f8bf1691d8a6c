//! What the cells cost a month, and which is the cheapest of those that pass every gate.

use super::format;
use super::reading::{self, Reading};
use crate::record::{Cell, Cost};

/// The contender that costs least of those that pass every gate; the first among equals. `None` where nothing is priced.
pub(super) fn cheapest<'a>(reading: &Reading<'a>) -> Option<(&'a Cell, &'a Cost)> {
    let passing =
        reading.ranked.iter().copied().filter(|cell| reading::passes(cell) && cell.failed.is_none());
    let priced = passing.filter_map(|cell| Some((cell, cell.cost.as_ref()?)));
    let priced = priced.filter_map(|(cell, cost)| Some((cell, cost, cost.total.mean?)));
    let least = priced.reduce(|best, next| if next.2 < best.2 { next } else { best });
    least.map(|(cell, cost, _)| (cell, cost))
}

/// An amount with its currency: to the hundredth, from a thousand on to the whole.
pub(crate) fn amount(value: f64, currency: &str) -> String {
    if value < 1_000.0 {
        return format!("{value:.2} {currency}");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and no one pays 2⁶⁴"
    )]
    let whole = value.round() as u64;
    format!("{} {currency}", format::count(whole))
}

/// The sentence that names the cheapest cell; `None` where nothing is priced, or where no cell passes every gate.
pub(super) fn words(reading: &Reading) -> Option<String> {
    let (cell, cost) = cheapest(reading)?;
    let total = cost.total.mean?;
    let money = |value| amount(value, &cost.currency);
    let parts = format!(
        "memory {}, origin {}, traffic to clients {}",
        money(cost.memory),
        money(cost.origin),
        money(cost.served)
    );
    let among = if cell.gates.is_empty() { "Cheapest" } else { "Cheapest that passes every gate" };
    Some(format!("{among}: {}, {} a month ({parts}).", reading.name(cell), money(total)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Estimate;
    use crate::report::fixture;

    #[test]
    fn the_cheapest_that_passes_is_named_with_its_parts() {
        let mut record = fixture::thumbnails();
        assert_eq!(words(&Reading::new(&record)), None);
        for (place, cell) in record.cells.iter_mut().enumerate() {
            // Later cells are dearer.
            let memory = 1_000.0 + 100.0 * place as f64;
            cell.cost = Some(Cost {
                currency: "EUR".into(),
                total: Estimate { mean: Some(memory + 5.5), low: None, high: None },
                memory,
                origin: 4.0,
                served: 1.5,
                rented_bytes: 1e9,
                node: None,
                nodes: None,
            });
        }
        let reading = Reading::new(&record);
        let (cell, cost) = cheapest(&reading).unwrap();
        assert!(reading::passes(cell) && !cell.oracle);
        let cheaper = record.cells.iter().filter(|other| other.cost.as_ref().unwrap().memory < cost.memory);
        assert!(cheaper.clone().count() > 0, "a cheaper one fails its gates");
        assert!(cheaper.into_iter().all(|other| !reading::passes(other) || other.oracle));
        let words = words(&reading).unwrap();
        assert!(words.starts_with("Cheapest that passes every gate: "), "{words}");
        assert!(words.contains("origin 4.00 EUR, traffic to clients 1.50 EUR"), "{words}");
    }
}
