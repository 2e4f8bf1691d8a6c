//! People and robots apart.

use super::format;
use super::reading::Reading;

/// How the answers to people and to robots differ in the cell that the page tells most about; `None` where no request is
/// marked as a robot's.
pub(super) fn words(reading: &Reading) -> Option<String> {
    let cell = reading.focus()?;
    let [people, robots] = &cell.parties[..] else { return None };
    let all = people.requests + robots.requests;
    let share = (all > 0).then(|| robots.requests as f64 / all as f64);
    Some(format!(
        "Robots make {} of the requests. With {}, fresh hits are {} of what people ask for and {} of what robots do.",
        format::percent(share),
        reading.name(cell),
        format::percent(people.fresh_hit),
        format::percent(robots.fresh_hit),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_two_are_told_apart_where_robots_are_marked() {
        let mut record = fixture::thumbnails();
        assert_eq!(words(&Reading::new(&record)), None);
        let parties = fixture::parties(900, 100);
        record.cells.iter_mut().for_each(|cell| cell.parties.clone_from(&parties));
        let words = words(&Reading::new(&record)).unwrap();
        assert!(words.starts_with("Robots make 10.0 % of the requests. With "), "{words}");
        assert!(words.contains("90.0 % of what people ask for and 2.0 % of what robots do"), "{words}");
    }
}
