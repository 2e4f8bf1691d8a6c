//! The largest stampedes one by one: how long each lasted and how many fetches it had, a strip for each cell.

use super::palette::ink_of;
use super::panel::{BELOW, LEFT, Panel};
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, WIDTH};
use crate::record::{Cell, WorstStampede};
use crate::report::format;
use crate::report::reading::Reading;

const STRIP: f64 = 74.0;
const GAP: f64 = 30.0;
/// Strips drawn at most.
const MOST: usize = 6;
/// Room for the right half of the label at the end of the axis.
const RIGHT: f64 = 28.0;
/// Below a thousandth of a millisecond lengths are alike.
const LEAST_MS: f64 = 0.001;

/// Length in milliseconds, as drawn.
fn length_ms(one: &WorstStampede) -> f64 {
    (one.length_s * 1e3).max(LEAST_MS)
}

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let cells: Vec<&Cell> = reading.side_by_side(MOST);
    let all = || cells.iter().flat_map(|cell| &cell.stampedes.worst);
    let Some(largest) = all().max_by_key(|one| one.size) else {
        if let Some(why) = reading.untold_stampedes() {
            return Err(ChartError::Untold(why));
        }
        return Err(ChartError::NoData(
            "No stampede occurred in the first replication of the cells compared here",
        ));
    };
    let (shortest, longest) =
        all().map(length_ms).fold((f64::MAX, LEAST_MS), |(shortest, longest), length| {
            (shortest.min(length), longest.max(length))
        });
    let lengths = Scale::waits_by_logarithm(shortest, longest);
    let mut sizes = Scale::linear(largest.size as f64, format::number);
    sizes.ticks = vec![(0.0, "0".into()), (sizes.high, format::number(sizes.high))];
    let height = 24.0 + cells.len() as f64 * (STRIP + GAP) + BELOW + 8.0;
    let sheet = Sheet::new(height);
    sheet.text(0.0, 10.0, "origin fetches of one stampede", Hold::Left)?;
    for (index, cell) in cells.iter().enumerate() {
        let top = 24.0 + index as f64 * (STRIP + GAP);
        let last = index + 1 == cells.len();
        let name = reading.strategy(cell);
        let name = if cell.baseline { format!("{name} (baseline)") } else { name };
        sheet.label(LEFT, top + 9.0, &name, WIDTH - LEFT - 120.0, Hold::Left)?;
        let drawn = &cell.stampedes.worst;
        let told = if drawn.is_empty() { "none".to_owned() } else { format!("{} drawn", drawn.len()) };
        sheet.text(WIDTH - 8.0, top + 9.0, &told, Hold::Right)?;
        let area = sheet.part(0.0, top + 16.0, WIDTH - RIGHT, STRIP + if last { BELOW } else { 4.0 });
        let panel = Panel::new(&area, &lengths, &sizes, last)?;
        for one in drawn {
            let tip = format!(
                "{}: {} fetches in {}, from {} on",
                format::shortened(&one.object, format::LONGEST_NAME),
                format::count(one.size),
                format::millis(one.length_s * 1e3),
                format::instant(one.start_s)
            );
            let (x, y) = panel.at(length_ms(one), one.size as f64);
            sheet.with_tip(&tip, |sheet| sheet.marker(x, y, 5.0, ink_of(reading, cell), 0.6))?;
        }
    }
    let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
    sheet.text(
        middle,
        height - 12.0,
        "from the first fetch of a stampede to its last one's end",
        Hold::Middle,
    )?;
    let finding = format!(
        "Length and fetches of the largest stampedes of {} cells; the largest of all had {} fetches in {}, for {}.",
        cells.len(),
        format::count(largest.size),
        format::millis(largest.length_s * 1e3),
        reading.name(
            cells.iter().find(|cell| cell.stampedes.worst.contains(largest)).expect("it is one of theirs")
        )
    );
    Ok(sheet.finish("episodes", "The largest stampedes by length and size", finding))
}
