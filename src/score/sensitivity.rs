//! How far the choice depends on the weights: which contender has the best score over which weights.
//!
//! The score is a weighted mean of parts, so while one objective's share of all weights goes from 0 to 1 and the
//! others keep their proportions, the score of every contender moves along a straight line. Whoever is best at a share
//! is on the upper envelope of these lines, whose corners are found exactly.

use std::collections::BTreeMap;

/// A stretch of an objective's share of all weights over which one contender has the best score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Where it begins, from 0.
    pub from: f64,
    /// Where it ends, up to 1.
    pub to: f64,
    /// Place of the contender in the list it was given in.
    pub best: usize,
}

/// The stretches of one objective's share from 0 to 1, in order; the first of equal contenders counts.
///
/// `parts` are the parts of each contender's score by objective, `weights` the weights by objective. Empty where the
/// objective is the only one with a weight, where it has none itself, or where no contender has all parts.
pub fn stretches(
    parts: &[&BTreeMap<String, f64>],
    weights: &BTreeMap<String, f64>,
    objective: &str,
) -> Vec<Stretch> {
    let weighed = || weights.iter().filter(|(_, weight)| weight.is_finite() && **weight > 0.0);
    if !weighed().any(|(name, _)| name == objective) {
        return Vec::new();
    }
    // Objectives without data in any cell are in no score.
    let known = |name: &str| parts.iter().any(|of_cell| of_cell.contains_key(name));
    let others: Vec<(&str, f64)> = weighed()
        .filter(|(name, _)| *name != objective && known(name))
        .map(|(name, weight)| (name.as_str(), *weight))
        .collect();
    let total: f64 = others.iter().map(|(_, weight)| weight).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let line = |of_cell: &BTreeMap<String, f64>| {
        let part = *of_cell.get(objective)?;
        let rest: Option<f64> =
            others.iter().map(|(name, weight)| of_cell.get(*name).map(|part| part * weight)).sum();
        let rest = rest? / total;
        (part.is_finite() && rest.is_finite()).then_some((rest, part))
    };
    envelope(&parts.iter().map(|of_cell| line(of_cell)).collect::<Vec<_>>())
}

/// The upper envelope over 0 to 1 of lines given by their values at both ends.
fn envelope(lines: &[Option<(f64, f64)>]) -> Vec<Stretch> {
    let known: Vec<(usize, f64, f64)> = lines
        .iter()
        .enumerate()
        .filter_map(|(place, line)| line.map(|(at_0, at_1)| (place, at_0, at_1 - at_0)))
        .collect();
    let ahead = |a: &&(usize, f64, f64), b: &&(usize, f64, f64)| {
        // The greater at the start, then the steeper, then the first.
        a.1.total_cmp(&b.1).then(a.2.total_cmp(&b.2)).then(b.0.cmp(&a.0))
    };
    let Some(mut best) = known.iter().max_by(ahead) else { return Vec::new() };
    let (mut from, mut stretches) = (0.0, Vec::new());
    loop {
        // The next line to come out on top is the steeper one that meets the best one first.
        let meeting = |other: &(usize, f64, f64)| (best.1 - other.1) / (other.2 - best.2);
        let next = known
            .iter()
            .filter(|other| other.2 > best.2)
            .map(|other| (meeting(other).max(from), other))
            .filter(|(at, _)| *at < 1.0)
            .min_by(|a, b| a.0.total_cmp(&b.0).then(b.1.2.total_cmp(&a.1.2)).then(a.1.0.cmp(&b.1.0)));
        let to = next.map_or(1.0, |(at, _)| at);
        if to > from || stretches.is_empty() && next.is_none() {
            stretches.push(Stretch { from, to, best: best.0 });
        }
        let Some((at, other)) = next else { return stretches };
        (from, best) = (at, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[(&str, f64)]) -> BTreeMap<String, f64> {
        values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn the_corner_lies_where_two_scores_are_equal() {
        // One hits more, the other holds less: 0.9 (1 - s) + 0.2 s = 0.6 (1 - s) + 0.8 s at s = 1/3.
        let (hits, small) = (map(&[("hit", 0.9), ("memory", 0.2)]), map(&[("hit", 0.6), ("memory", 0.8)]));
        let weights = map(&[("hit", 1.0), ("memory", 0.5)]);
        let found = stretches(&[&hits, &small], &weights, "memory");
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].best, found[1].best), (0, 1));
        assert!((found[0].to - 1.0 / 3.0).abs() < 1e-12 && found[1].to >= 1.0, "{found:?}");
    }

    #[test]
    fn everywhere_on_the_envelope_nobody_is_better() {
        // Oracle: the scores themselves, at many shares.
        let part = |seed: u32| f64::from(seed * 7919 % 101) / 100.0;
        let cells: Vec<_> = (0..12_u32)
            .map(|n| {
                map(&[("hit", part(n + 1)), ("memory", part(3 * n + 2)), ("stampedes", part(5 * n + 3))])
            })
            .collect();
        let weights = map(&[("hit", 1.0), ("memory", 0.5), ("stampedes", 0.25)]);
        let cells: Vec<&BTreeMap<String, f64>> = cells.iter().collect();
        for objective in ["hit", "memory", "stampedes"] {
            let found = stretches(&cells, &weights, objective);
            assert!((found[0].from, found[found.len() - 1].to) == (0.0, 1.0), "{found:?}");
            assert!(
                found
                    .windows(2)
                    .all(|pair| (pair[0].to - pair[1].from).abs() < 1e-12 && pair[0].best != pair[1].best)
            );
            for step in 0..=1_000 {
                let share = f64::from(step) / 1_000.0;
                let score = |cell: &BTreeMap<String, f64>| {
                    let others = weights.iter().filter(|(name, _)| *name != objective);
                    let total: f64 = others.clone().map(|(_, weight)| weight).sum();
                    let rest: f64 = others.map(|(name, weight)| cell[name] * weight / total).sum();
                    (1.0 - share) * rest + share * cell[objective]
                };
                let best = found.iter().find(|stretch| share <= stretch.to).unwrap().best;
                let most = cells.iter().map(|cell| score(cell)).fold(0.0, f64::max);
                assert!((score(cells[best]) - most).abs() < 1e-9, "{objective} at {share}");
            }
        }
    }

    #[test]
    fn a_single_objective_leaves_nothing_to_weigh() {
        let cell = map(&[("hit", 0.9)]);
        assert!(stretches(&[&cell], &map(&[("hit", 1.0)]), "hit").is_empty());
        assert!(stretches(&[&cell], &map(&[("hit", 1.0), ("memory", 0.0)]), "memory").is_empty());
        assert!(stretches(&[], &map(&[("hit", 1.0), ("memory", 1.0)]), "hit").is_empty());
        let equal = map(&[("hit", 0.5), ("memory", 0.5)]);
        let found = stretches(&[&equal, &equal], &map(&[("hit", 1.0), ("memory", 1.0)]), "hit");
        assert_eq!(found, [Stretch { from: 0.0, to: 1.0, best: 0 }], "the first of equals");
    }
}
