//! What is said of cells that were simulated without a clock.

use super::format;
use crate::record::Record;

/// Which cells were, in a sentence; `None` where every one had a clock.
pub fn clockless_words(record: &Record) -> Option<String> {
    let (without, all) = (&record.provenance.without_events, record.cells.len());
    let which = match without.len() {
        0 => return None,
        some if some == all => "every cell".to_owned(),
        some => {
            let names: Vec<String> = without.iter().map(|id| format::shortened(id, 64)).collect();
            format!("{some} of {all} cells ({})", names.join(", "))
        }
    };
    Some(format!(
        "{which} simulated without events, since fetches take no time there; every number is the one that the simulation by \
         events gives"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn cells_without_a_clock_are_told_by_name_unless_all_are() {
        let mut record = fixture::thumbnails();
        assert_eq!(clockless_words(&record), None);
        let ids: Vec<String> = record.cells.iter().map(|cell| cell.id.clone()).collect();
        record.provenance.without_events = ids[..1].to_vec();
        let words = clockless_words(&record).unwrap();
        assert!(words.starts_with(&format!("1 of {} cells ({}) simulated", ids.len(), ids[0])), "{words}");
        record.provenance.without_events = ids;
        assert!(clockless_words(&record).unwrap().starts_with("every cell simulated without events"));
    }
}
