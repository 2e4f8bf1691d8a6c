//! The Pareto front: cells that no other beats in both memory and load on the origin.

/// Which points are on the front, where less is better in both coordinates.
///
/// A point is off the front where another is no worse in both and better in one; equal points stand
/// or fall together. A missing point is never on it and beats none.
pub(super) fn front(points: &[Option<(f64, f64)>]) -> Vec<bool> {
    let on = |point: &Option<(f64, f64)>| {
        point.is_some_and(|point| !points.iter().flatten().any(|&other| dominates(other, point)))
    };
    points.iter().map(on).collect()
}

fn dominates((x, y): (f64, f64), (other_x, other_y): (f64, f64)) -> bool {
    x <= other_x && y <= other_y && (x < other_x || y < other_y)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_point_worse_in_one_and_equal_in_the_other_is_off_and_ties_stay() {
        let points = [Some((1.0, 5.0)), Some((1.0, 5.0)), Some((1.0, 6.0)), Some((2.0, 1.0)), None];
        assert_eq!(front(&points), [true, true, false, true, false]);
        assert_eq!(front(&[]), [false; 0]);
    }

    /// Walks the points from left to right and keeps the lowest so far.
    fn by_sweeping(points: &[Option<(f64, f64)>]) -> Vec<bool> {
        let mut order: Vec<(f64, f64)> = points.iter().flatten().copied().collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut steps: Vec<(f64, f64)> = Vec::new();
        for point in order {
            if steps.last().is_none_or(|last| point.1 < last.1) {
                steps.push(point);
            }
        }
        points.iter().map(|point| point.is_some_and(|point| steps.contains(&point))).collect()
    }

    proptest! {
        #[test]
        fn the_front_is_the_lower_left_staircase(
            points in prop::collection::vec(prop::option::weighted(0.9, (0_u8..12, 0_u8..12)), 0..30),
        ) {
            let points: Vec<_> =
                points.iter().map(|point| point.map(|(x, y)| (f64::from(x), f64::from(y)))).collect();
            prop_assert_eq!(front(&points), by_sweeping(&points));
        }
    }
}
