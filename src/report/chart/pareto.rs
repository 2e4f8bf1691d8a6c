//! Memory against origin load: what a lighter origin costs.

use super::labels::{Labels, Placed};
use super::palette::{Ink, ink_of};
use super::panel::{LEFT, Panel};
use super::scale::Scale;
use super::svg::{ChartError, Hold, KEY, Sheet, Svg, TEXT, WIDTH, fitted, in_rows, text_width};
use crate::record::Cell;
use crate::report::format;
use crate::report::measure::{MEMORY, ORIGIN_RATE, STAMPEDES};
use crate::report::reading::{self, Reading};

const HEIGHT: f64 = 430.0;
const TOP: f64 = 26.0;
/// Labels drawn at most; every point has a tip and a row in the table.
const LABELS: usize = 14;

struct Point<'a> {
    cell: &'a Cell,
    at: (f64, f64),
    radius: f64,
    ink: Ink,
}

/// Whose marker each is, for where there are more points than labels. What has none of its own comes last.
fn key<'a>(reading: &Reading, cells: impl Iterator<Item = &'a Cell>) -> Vec<(Ink, String)> {
    let mut told: Vec<(Ink, String)> = Vec::new();
    let (mut others, mut bounds) = (false, false);
    for cell in cells {
        let ink = ink_of(reading, cell);
        others |= ink == Ink::Bound && !cell.oracle;
        bounds |= cell.oracle;
        if ink != Ink::Bound && !told.iter().any(|(known, _)| *known == ink) {
            let mark = if cell.baseline { " (baseline)" } else { "" };
            told.push((ink, fitted(&cell.strategy, 220.0) + &reading.names.policy(cell) + mark));
        }
    }
    let rest = match (others, bounds) {
        (true, true) => Some("other strategies, and bounds"),
        (true, false) => Some("other strategies"),
        (false, true) => Some("bounds"),
        (false, false) => None,
    };
    told.extend(rest.map(|rest| (Ink::Bound, rest.to_owned())));
    told
}

/// Draws the chart.
pub(crate) fn draw(reading: &Reading) -> Result<Svg, ChartError> {
    let cost = |cell: &Cell| MEMORY.of(cell).zip(ORIGIN_RATE.of(cell));
    let cells = || reading.ranked.iter().chain(&reading.bounds).copied();
    let costs: Vec<(&Cell, (f64, f64))> = cells().filter_map(|cell| Some((cell, cost(cell)?))).collect();
    if costs.is_empty() {
        return Err(ChartError::NoData("No cell has both memory and origin load to draw"));
    }
    let of = |pick: fn(&(f64, f64)) -> f64| costs.iter().map(move |(_, cost)| pick(cost));
    let most_memory = of(|cost| cost.0).fold(0.0, f64::max);
    let least_memory = of(|cost| cost.0).fold(f64::INFINITY, f64::min);
    let most_rate = of(|cost| cost.1).fold(0.0, f64::max);
    let spread = least_memory > 0.0 && most_memory / least_memory > 12.0;
    let x =
        if spread { Scale::bytes_by_logarithm(least_memory, most_memory) } else { Scale::bytes(most_memory) };
    let y = Scale::linear(most_rate, format::number);
    let key =
        if costs.len() > LABELS { key(reading, costs.iter().map(|(cell, _)| *cell)) } else { Vec::new() };
    let places = in_rows(key.iter().map(|(_, text)| text.as_str()));
    let sheet = Sheet::new(HEIGHT + places.last().map_or(0.0, |(_, y)| y + KEY));
    for ((ink, text), (x, y)) in key.iter().zip(&places) {
        let y = HEIGHT + y + KEY / 2.0 - 4.0;
        sheet.marker(x + 6.0, y, 5.0, *ink, 0.9)?;
        sheet.text(x + 17.0, y, text, Hold::Left)?;
    }
    sheet.text(0.0, 10.0, "origin fetches per second, mean", Hold::Left)?;
    let axis = if spread { "memory, mean over time (logarithmic)" } else { "memory, mean over time" };
    sheet.text(LEFT + (WIDTH - LEFT) / 2.0, HEIGHT - 12.0, axis, Hold::Middle)?;
    let area = sheet.part(0.0, TOP, WIDTH - 40.0, HEIGHT - TOP - 26.0);
    let panel = Panel::new(&area, &x, &y, true)?;
    let steps = front(&sheet, &panel, &costs)?;
    let most = costs.iter().filter_map(|(cell, _)| STAMPEDES.of(cell)).fold(0.0, f64::max);
    // Many points leave less room for each.
    let most_area = if costs.len() > 60 { 4.0 } else { 9.0 };
    let mut points: Vec<Point> = costs
        .iter()
        .map(|&(cell, (memory, rate))| Point {
            cell,
            at: panel.at(memory, rate),
            radius: radius(STAMPEDES.of(cell), most, most_area),
            ink: ink_of(reading, cell),
        })
        .collect();
    // Small markers lie on top of large ones, so that none is hidden.
    points.sort_by(|a, b| {
        let hued = |point: &Point| !point.ink.is_grey();
        hued(a).cmp(&hued(b)).then(b.radius.total_cmp(&a.radius))
    });
    for (index, point) in points.iter().enumerate() {
        mark(&sheet, reading, point, index < 30)?;
    }
    labels(&sheet, reading, &points, &steps)?;
    let on_front = costs.iter().filter(|(cell, _)| cell.on_pareto_front && !cell.oracle).count();
    let finding =
        format!("{} cells by memory and origin load; {on_front} of them on the front.", costs.len());
    Ok(sheet.finish("pareto", "Memory against origin load", finding))
}

/// Area grows with the number of stampedes.
fn radius(stampedes: Option<f64>, most: f64, most_area: f64) -> f64 {
    match stampedes {
        Some(count) if count > 0.0 && most > 0.0 => 5.0 + most_area * (count / most).sqrt(),
        _ => 5.0,
    }
}

/// The front as steps: between two of its cells, the cell with less memory is what one has.
///
/// Gives the corners of the line.
fn front(sheet: &Sheet, panel: &Panel, costs: &[(&Cell, (f64, f64))]) -> Result<Vec<(f64, f64)>, ChartError> {
    let contender = |cell: &Cell| cell.on_pareto_front && !cell.oracle;
    let mut front: Vec<(f64, f64)> =
        costs.iter().filter(|(cell, _)| contender(cell)).map(|(_, cost)| *cost).collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (memory, rate) in front {
        let (x, y) = panel.at(memory, rate);
        if let Some(&(_, before)) = steps.last() {
            steps.push((x, before));
        }
        steps.push((x, y));
    }
    if steps.len() > 1 {
        sheet.line(&steps, Ink::Axis, 1.2)?;
    }
    Ok(steps)
}

fn mark(sheet: &Sheet, reading: &Reading, point: &Point, linked: bool) -> Result<(), ChartError> {
    let cell = point.cell;
    let kept = cell.on_pareto_front || cell.baseline && !cell.oracle || reading.is_winner(cell);
    let alpha = if kept { 0.9 } else { 0.45 };
    let tip = format!(
        "{}: {} mean memory, {} origin fetches, {} stampedes per hour{}",
        reading.name(cell),
        MEMORY.text(cell),
        ORIGIN_RATE.text(cell),
        STAMPEDES.text(cell),
        if cell.on_pareto_front { "" } else { ", beaten in both" }
    );
    let (x, y) = point.at;
    let draw = |sheet: &Sheet| sheet.marker(x, y, point.radius, point.ink, alpha);
    if linked { sheet.linked(&reading::anchor(cell), &tip, draw) } else { sheet.with_tip(&tip, draw) }
}

/// What a point's label says of it. A bound of the baseline's strategy is nothing that a change is told against.
fn role(reading: &Reading, cell: &Cell) -> &'static str {
    match (reading.is_winner(cell), cell.baseline, cell.oracle) {
        (true, ..) => " ★",
        (.., true) => " (bound)",
        (_, true, _) => " (baseline)",
        _ => "",
    }
}

/// Labels the most telling points first, each where it covers nothing and no line to another label runs through it.
fn labels(
    sheet: &Sheet,
    reading: &Reading,
    points: &[Point],
    steps: &[(f64, f64)],
) -> Result<(), ChartError> {
    let mut order: Vec<&Point> = points.iter().collect();
    // Of the baseline's cells the one at the limit that is recommended tells most: all is told against it.
    let limit = reading.focus().and_then(|focus| focus.capacity);
    // Very many cells share a front, and there is room for those that have a hue.
    let grey = |point: &Point| reading.is_large() && point.ink.is_grey();
    order.sort_by_key(|point| {
        let cell = point.cell;
        let baseline = cell.baseline && !cell.oracle;
        let beside = baseline && cell.capacity == limit;
        (!reading.is_winner(cell), !beside, !cell.on_pareto_front, grey(point), !baseline)
    });
    let around = |point: &Point| {
        let ((x, y), r) = (point.at, point.radius);
        (x - r, y - r, x + r, y + r)
    };
    let along = |ends: &[(f64, f64)]| {
        let ((x1, y1), (x2, y2)) = (ends[0], ends[1]);
        (x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2))
    };
    let within = (LEFT, TOP - 8.0, WIDTH, HEIGHT - 50.0);
    let mut labels =
        Labels::new(within, points.iter().map(around).collect(), steps.windows(2).map(along).collect());
    let mut placed = 0;
    for point in order {
        if placed == LABELS {
            break;
        }
        let cell = point.cell;
        let role = role(reading, cell);
        let strategy = fitted(&cell.strategy, 170.0) + &reading.names.policy(cell);
        let text = format!("{strategy}{role}, {}", reading::capacity(cell.capacity));
        let Some(Placed { area, leader }) = labels.place(point.at, point.radius, text_width(&text, TEXT))
        else {
            continue;
        };
        placed += 1;
        if let Some(line) = leader {
            sheet.group(&[("class", "leader")], |sheet| sheet.line(&line, Ink::Axis, 0.8))?;
        }
        sheet.text(area.0, f64::midpoint(area.1, area.3), &text, Hold::Left)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn where_points_outnumber_labels_a_key_tells_whose_they_are() {
        let mut record = fixture::forty();
        let svg = draw(&Reading::new(&record)).unwrap().inline();
        assert!(svg.contains(">other strategies<") && svg.contains("(baseline)<"), "{svg}");
        record.cells[7].oracle = true;
        let reading = Reading::new(&record);
        let key = key(&reading, record.cells.iter());
        assert_eq!((key.len(), key[8].1.as_str()), (9, "other strategies, and bounds"));
        assert!(!draw(&Reading::new(&fixture::thumbnails())).unwrap().inline().contains(">other strategies"));
    }

    #[test]
    fn a_bound_is_never_the_baseline() {
        let mut record = fixture::thumbnails();
        record.scoring.winner = Some(5);
        (record.cells[3].oracle, record.cells[3].eviction) = (true, "belady".into());
        assert!(record.cells[0].baseline && record.cells[3].baseline);
        let reading = Reading::new(&record);
        let roles: Vec<&str> = record.cells.iter().map(|cell| role(&reading, cell)).collect();
        assert_eq!(roles, [" (baseline)", "", "", " (bound)", "", " ★"]);
    }
}
