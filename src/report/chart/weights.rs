//! How far the choice depends on the weights: for each objective, who has the best score over which share of it.

use plotters::style::{Color, RGBAColor};

use super::palette::{Ink, ink_of};
use super::svg::{ChartError, Hold, KEY, Sheet, Svg, TEXT, WIDTH, fitted, in_rows, text_width};
use crate::record::Cell;
use crate::report::format;
use crate::report::measure::label_of;
use crate::report::reading::{self, Reading};
use crate::report::weights::{Objective, now, objectives};

const NAMES: f64 = 180.0;
const ROW: f64 = 44.0;
/// Below the title, above the key.
const TOP: f64 = 20.0;
/// Cells in the key at most; the others stand in the table.
const KEYS: usize = 16;
/// How strong a colour is for each of the cells that share it.
const STRENGTHS: [f64; 4] = [1.0, 0.7, 0.45, 0.25];
/// What a name needs beside its limit to be one.
const SHORTEST_NAME: f64 = 30.0;

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let objectives = objectives(reading);
    if objectives.is_empty() {
        return Err(ChartError::NoData(
            "Fewer than two cells may win or fewer than two objectives have a weight, so no weight decides",
        ));
    }
    let shades = Shades::of(reading, &objectives);
    let key = shades.key(reading);
    let places = in_rows(key.iter().map(|(_, text)| text.as_str()));
    let top = TOP + places.last().map_or(0.0, |(_, y)| *y) + KEY + 4.0;
    let bottom = top + objectives.len() as f64 * ROW;
    let sheet = Sheet::new(bottom + 44.0);
    let across = WIDTH - NAMES - 24.0;
    let place = |share: f64| NAMES + across * share;
    sheet.text(
        0.0,
        9.0,
        "who has the best score, by the share of one weight; the rule is the scenario's",
        Hold::Left,
    )?;
    for ((cell, text), (x, y)) in key.iter().zip(&places) {
        if let Some(cell) = cell {
            sheet.bar(*x, TOP + y + 4.0, 12.0, 12.0, shades.fill(reading, cell))?;
        }
        sheet.text(x + 17.0, TOP + y + 10.0, text, Hold::Left)?;
    }
    for step in 0..=4 {
        let x = place(f64::from(step) / 4.0);
        sheet.line(&[(x, top), (x, bottom)], Ink::Grid, 1.0)?;
        sheet.text(x, bottom + 12.0, &format!("{} %", step * 25), Hold::Middle)?;
    }
    sheet.text(
        place(0.5),
        bottom + 32.0,
        "share of this objective in all weights, the others in proportion",
        Hold::Middle,
    )?;
    for (index, one) in objectives.iter().enumerate() {
        let y = top + index as f64 * ROW;
        sheet.label(0.0, y + ROW / 2.0, &label_of(one.name), NAMES - 10.0, Hold::Left)?;
        for (from, to, cell) in &one.stretches {
            let (left, right) = (place(*from), place(*to));
            let name = reading.name(cell);
            let tip = format!("{name}: best from {} to {}", format::percent(*from), format::percent(*to));
            let width = (right - left - 1.0).max(0.6);
            sheet.linked(&reading::anchor(cell), &tip, |sheet| {
                sheet.bar(left, y + 22.0, width, 14.0, shades.fill(reading, cell))
            })?;
            // Beside the link, whose name is the tip: a cut name would be no part of it.
            let Some(short) = shades.short(reading, cell, right - left - 4.0) else { continue };
            let write = |sheet: &Sheet| sheet.text(left + 1.0, y + 12.0, &short, Hold::Left);
            if short == shades.name(reading, cell) { write(&sheet)? } else { sheet.with_tip(&name, write)? }
        }
        let scenario = place(one.now);
        sheet.line(&[(scenario, y + 20.0), (scenario, y + 40.0)], Ink::Page, 4.0)?;
        sheet.line(&[(scenario, y + 20.0), (scenario, y + 40.0)], Ink::Text, 2.0)?;
    }
    let finding = crate::report::weights::words(reading, &objectives).unwrap_or_default();
    Ok(sheet.finish("weights", "The best score by weights", finding))
}

/// The cells of all bars, and how each looks in every one of them.
struct Shades<'a> {
    /// Those that are best with the scenario's weights first.
    cells: Vec<&'a Cell>,
    /// Whether they differ in their limit, which then tells them apart.
    limits: bool,
}

impl<'a> Shades<'a> {
    fn of(reading: &Reading, objectives: &[Objective<'a>]) -> Self {
        let mut cells: Vec<&Cell> = Vec::new();
        let chosen = objectives.iter().filter_map(now);
        for (.., cell) in chosen.chain(objectives.iter().flat_map(|one| &one.stretches)) {
            if !cells.iter().any(|other| std::ptr::eq(*other, *cell)) {
                cells.push(cell);
            }
        }
        let limits = reading.ranked.windows(2).any(|two| two[0].capacity != two[1].capacity);
        Self { cells, limits }
    }

    /// Cells of one colour, such as a strategy at two limits, are told apart by its strength.
    fn fill(&self, reading: &Reading, cell: &Cell) -> RGBAColor {
        let ink = ink_of(reading, cell);
        let alike = self.cells.iter().filter(|other| ink_of(reading, other).variable() == ink.variable());
        let before = alike.take_while(|other| !std::ptr::eq(**other, cell)).count();
        ink.color().mix(STRENGTHS[before % STRENGTHS.len()])
    }

    /// A cell's name, without a limit that all share.
    fn name(&self, reading: &Reading, cell: &Cell) -> String {
        if self.limits { reading.name(cell) } else { reading.strategy(cell) }
    }

    /// A cell's name in so much room: the strategy's gives way before policy and limit, which may be all that tells two
    /// cells apart. `None` where there is no room for all: the key then tells what the stretch is.
    fn short(&self, reading: &Reading, cell: &Cell, room: f64) -> Option<String> {
        let limit = if self.limits { format!(" {}", reading::at(cell)) } else { String::new() };
        let whole = reading.strategy(cell) + &limit;
        if text_width(&whole, TEXT) <= room {
            return Some(whole);
        }
        let kept = reading.names.policy(cell) + &limit;
        let left = room - text_width(&kept, TEXT);
        (left >= SHORTEST_NAME).then(|| fitted(&cell.strategy, left) + &kept)
    }

    /// Every cell with its name; last, without one, words on those that have no room here.
    fn key(&self, reading: &Reading) -> Vec<(Option<&'a Cell>, String)> {
        let name = |cell: &&'a Cell| (Some(*cell), fitted(&self.name(reading, cell), WIDTH - 17.0));
        let others = self.cells.len().saturating_sub(KEYS);
        let rest = (others > 0).then(|| (None, format!("and {others} more, in the table below")));
        self.cells.iter().take(KEYS).map(name).chain(rest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_name_gives_way_before_its_limit() {
        let record = fixture::complete();
        let reading = Reading::new(&record);
        let shades = Shades::of(&reading, &objectives(&reading));
        let cell = &record.cells[5];
        assert_eq!(shades.short(&reading, cell, 400.0).unwrap(), "jitter + single-flight at 256 MiB");
        let short = shades.short(&reading, cell, 130.0).unwrap();
        assert!(short.starts_with("jit") && short.ends_with("\u{2026} at 256 MiB"), "{short}");
        assert_eq!(shades.short(&reading, cell, 90.0), None, "a limit alone names nothing");
    }

    #[test]
    fn the_key_names_every_cell_of_the_bars_and_no_two_look_alike() {
        let record = fixture::complete();
        let reading = Reading::new(&record);
        let shades = Shades::of(&reading, &objectives(&reading));
        let names: Vec<String> = shades.key(&reading).into_iter().map(|(_, text)| text).collect();
        let looks: Vec<String> =
            shades.cells.iter().map(|cell| format!("{:?}", shades.fill(&reading, cell))).collect();
        assert_eq!(names, shades.cells.iter().map(|cell| reading.name(cell)).collect::<Vec<_>>());
        for (place, look) in looks.iter().enumerate() {
            assert!(!looks[..place].contains(look), "{look} of {}", names[place]);
        }
        let svg = draw(&reading).unwrap().inline();
        assert!(names.iter().all(|name| svg.contains(&format!(">{name}<"))), "{svg}");
    }
}
