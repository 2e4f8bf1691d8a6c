//! One figure: draws of the model beside the one of the server, and what its rule says of the difference.

use super::figures::STAMPEDED;
use super::judging::Rule;
use super::{BUSY, CHANCE, EVENTS, Judgement, Kind, Row, STAMPEDES};

/// Where a standard deviation of chance is more than so many tolerances, a figure says too little to be judged.
const NOISY: f64 = 3.0;

/// Compares draws of the model with the one of the server.
pub(super) fn compare(
    what: &'static str,
    kind: Kind,
    rule: Rule,
    draws: &[f64],
    measured: Option<f64>,
) -> Row {
    let n = draws.len() as f64;
    let mean = (!draws.is_empty()).then(|| draws.iter().sum::<f64>() / n);
    let unit = match (kind, mean) {
        (Kind::Share, _) => Some(0.01),
        (Kind::Millis, _) => Some(1.0),
        (_, Some(mean)) if mean > 0.0 => Some(mean / 100.0),
        _ => None,
    };
    let difference = mean.zip(measured).zip(unit).map(|((mean, measured), unit)| (measured - mean) / unit);
    let chance = mean.zip(unit).filter(|_| draws.len() > 1).map(|(mean, unit)| {
        let squares: f64 = draws.iter().map(|draw| (draw - mean).powi(2)).sum();
        // The live run is one draw, the mean one of as many as there are seeds.
        (squares / (n - 1.0) * (1.0 + 1.0 / n)).sqrt() / unit
    });
    let row = Row {
        what,
        kind,
        predicted: mean,
        measured,
        difference,
        chance,
        tolerance: None,
        buffers_bytes: None,
        judgement: Judgement::NotJudged,
        why: None,
    };
    judged(row, rule)
}

/// The row with what its rule says of it.
pub(super) fn judged(row: Row, rule: Rule) -> Row {
    let most = [row.predicted, row.measured].into_iter().flatten().fold(0.0, f64::max);
    let (tolerance, inside) = match rule {
        Rule::Shown(why) => (None, Err(why)),
        Rule::Within(tolerance) | Rule::Memory(tolerance) => {
            let within = |size: f64| {
                let chance = CHANCE * row.chance.unwrap_or(0.0);
                match size {
                    size if size <= tolerance => Judgement::Inside,
                    size if size <= tolerance + chance => Judgement::WithinChance,
                    _ => Judgement::Outside,
                }
            };
            let enough = if row.what == STAMPEDED { STAMPEDES } else { EVENTS };
            let inside = match row.size() {
                _ if row.kind == Kind::Share && most <= 0.0 => Err("neither side has any"),
                _ if row.what == STAMPEDED && most < STAMPEDES => Err("fewer than 100 on both sides"),
                _ if row.kind == Kind::Count && most < enough => Err("fewer than 1000 on both sides"),
                _ if row.kind == Kind::Rate && most < BUSY => Err("fewer than 100 a second on both sides"),
                // What twice as much chance does not explain is outside, however much that is.
                Some(size)
                    if row.chance.is_some_and(|chance| {
                        chance > NOISY * tolerance && size <= tolerance + 2.0 * CHANCE * chance
                    }) =>
                {
                    Err("chance alone is far larger than the tolerance: play it longer")
                }
                Some(size) => Ok(within(size)),
                // Where the model sees nothing at all, many are too many.
                None if most >= enough && row.predicted.is_some() => Ok(Judgement::Outside),
                None => Err("one side has none"),
            };
            (Some(tolerance), inside)
        }
    };
    let (judgement, why) = match inside {
        Ok(judgement) => (judgement, None),
        Err(why) => (Judgement::NotJudged, Some(why)),
    };
    Row { tolerance, judgement, why, ..row }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgement(kind: Kind, tolerance: f64, draws: &[f64], measured: f64) -> Judgement {
        compare("x", kind, Rule::Within(tolerance), draws, Some(measured)).judgement
    }

    #[test]
    fn a_difference_is_inside_its_tolerance_or_within_four_deviations_of_chance() {
        let certain = [0.6; 4];
        assert_eq!(judgement(Kind::Share, 0.5, &certain, 0.6049), Judgement::Inside);
        assert_eq!(judgement(Kind::Share, 0.5, &certain, 0.6051), Judgement::Outside);
        // Draws with a deviation of 0.1 points widen it by 0.4 points and a little.
        let spread = [0.599, 0.600, 0.601];
        assert_eq!(judgement(Kind::Share, 0.5, &spread, 0.6049), Judgement::Inside);
        assert_eq!(judgement(Kind::Share, 0.5, &spread, 0.6091), Judgement::WithinChance);
        assert_eq!(judgement(Kind::Share, 0.5, &spread, 0.6110), Judgement::Outside);
    }

    #[test]
    fn what_chance_alone_brings_beyond_the_tolerance_is_not_judged() {
        let row = |spread: f64| {
            let draws = [0.6 - spread, 0.6, 0.6 + spread];
            compare("x", Kind::Share, Rule::Within(0.5), &draws, Some(0.6))
        };
        assert_eq!(row(0.012).judgement, Judgement::Inside);
        let noisy = row(0.016);
        assert_eq!(noisy.judgement, Judgement::NotJudged, "{:?}", noisy.chance);
        assert!(noisy.why.unwrap().contains("chance"));
        let far = |measured| {
            compare("x", Kind::Share, Rule::Within(0.5), &[0.584, 0.6, 0.616], Some(measured)).judgement
        };
        assert_eq!(
            (far(0.72), far(0.76)),
            (Judgement::NotJudged, Judgement::Outside),
            "eight deviations are 14.8 points"
        );
    }

    #[test]
    fn shares_of_which_neither_side_has_any_are_no_figures_that_came_true() {
        let share = |draws: &[f64], measured| compare("x", Kind::Share, Rule::Within(0.5), draws, measured);
        let none = share(&[0.0; 3], Some(0.0));
        assert_eq!((none.judgement, none.why), (Judgement::NotJudged, Some("neither side has any")));
        assert_eq!(share(&[], None).why, Some("neither side has any"), "there were no requests");
        assert_eq!(share(&[0.0; 3], Some(0.001)).judgement, Judgement::Inside, "0.1 points of a few");
        assert_eq!(share(&[0.02; 3], Some(0.0)).judgement, Judgement::Outside);
    }

    #[test]
    fn buffers_of_connections_explain_as_much_memory_as_they_take_and_no_more() {
        // 15 KB of a megabyte are 1.5 %, beside which entries may differ by 1 %.
        let judged = |buffers: Option<f64>, percent: f64| {
            let row = compare("x", Kind::Bytes, Rule::Within(1.0), &[1e6; 3], Some(1e6 + 1e4 * percent));
            judged(Row { buffers_bytes: buffers, ..row }, Rule::Within(1.0))
        };
        let judgement = |buffers, percent| judged(buffers, percent).judgement;
        assert_eq!(judgement(None, 1.15), Judgement::Outside, "where nobody tells them nothing is explained");
        assert_eq!(judgement(Some(15_000.0), 1.15), Judgement::Inside);
        assert_eq!(judgement(Some(15_000.0), 2.45), Judgement::Inside);
        assert_eq!(
            judgement(Some(15_000.0), 2.55),
            Judgement::Outside,
            "entries of 1.05 % are not explained"
        );
        assert_eq!(judgement(Some(15_000.0), 1.5 + 2.0), Judgement::Outside, "nor are those of 2 %");
        assert_eq!(judgement(Some(15_000.0), -1.05), Judgement::Outside, "more buffers do not make it less");
        assert_eq!(judgement(Some(-15_000.0), -2.0), Judgement::Inside);
        assert_eq!(judgement(Some(-15_000.0), 2.0), Judgement::Outside);
        assert_eq!(judged(Some(15_000.0), 1.15).of_buffers(), Some(15_000.0));
        assert_eq!(judged(Some(15_000.0), 0.9).of_buffers(), None, "nothing has to be explained");
        assert_eq!(judged(Some(15_000.0), -1.05).of_buffers(), None);
        assert_eq!(judged(Some(15_000.0), 1.15).tolerance, Some(1.0), "that of entries is what it was");
    }

    #[test]
    fn counts_are_judged_from_a_thousand_events_on() {
        let count = |predicted, measured| judgement(Kind::Count, 3.0, &[predicted; 3], measured);
        assert_eq!(count(2_000.0, 2_059.0), Judgement::Inside);
        assert_eq!(count(2_000.0, 1_939.0), Judgement::Outside);
        assert_eq!(count(900.0, 100.0), Judgement::NotJudged);
        assert_eq!(count(10.0, 100_000.0), Judgement::Outside, "a thousand on one side are enough");
        assert_eq!(count(0.0, 5_000.0), Judgement::Outside);
        assert_eq!(count(0.0, 5.0), Judgement::NotJudged);
        let busiest = |predicted, measured| judgement(Kind::Rate, 10.0, &[predicted; 3], measured);
        assert_eq!((busiest(30.0, 90.0), busiest(30.0, 100.0)), (Judgement::NotJudged, Judgement::Outside));
        assert_eq!(busiest(400.0, 430.0), Judgement::Inside);
        let few = compare("x", Kind::Count, Rule::Within(3.0), &[900.0], Some(100.0));
        assert_eq!(few.why, Some("fewer than 1000 on both sides"));
        let shown = compare("x", Kind::Bytes, Rule::Shown("it is not"), &[5.0; 3], Some(50.0));
        assert_eq!(
            (shown.judgement, shown.tolerance, shown.why),
            (Judgement::NotJudged, None, Some("it is not"))
        );
    }
}
