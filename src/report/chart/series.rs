//! The run over time, in panels above one time axis: hits, memory, load on the origin, evictions and expirations.

use super::palette::{Ink, ink_of};
use super::panel::{BELOW, EndLabel, LEFT, Panel, Shown, end_labels, told};
use super::sample::{Line, Sampling};
use super::scale::Scale;
use super::svg::{ChartError, Hold, Sheet, Svg, TEXT, WIDTH, text_width};
use crate::record::{Capacity, Cell, Series, ServerEvent, WorkSeries};
use crate::report::format;
use crate::report::reading::Reading;
use crate::report::work::by_bucket;

const PANEL: f64 = 130.0;
const GAP: f64 = 40.0;
const RIGHT: f64 = 176.0;
/// Lines drawn at most.
const MOST: usize = 6;
/// Markers on a line.
const MARKERS: u32 = 3;
/// Room for the names of events above the first panel.
const EVENTS: f64 = 18.0;

/// A panel's lines, one for each cell.
struct Rows {
    title: String,
    unit: &'static str,
    scale: Scale,
    lines: Vec<Line>,
    /// What bands above the lines reach up to, and their upper edges, one for each cell.
    bands: Option<(&'static str, Vec<Line>)>,
    /// A limit drawn across the panel.
    limit: Option<f64>,
}

/// What all panels share.
struct Shared<'a> {
    reading: &'a Reading<'a>,
    cells: Vec<&'a Cell>,
    sampling: Sampling,
    time: Scale,
    warmup: f64,
    /// Whether a cell is the one the verdict names, or the baseline.
    emphasised: Vec<bool>,
}

/// Draws the chart; the second text says how buckets were gathered and where axes start.
pub(crate) fn draw(reading: &Reading) -> Result<(Svg, String), ChartError> {
    let most = reading.lines(MOST);
    let cells: Vec<&Cell> =
        reading.side_by_side(most).into_iter().filter(|cell| !cell.series.requests.is_empty()).collect();
    let Some(first) = cells.first() else {
        return Err(ChartError::NoData("The record holds no series, so there is nothing to draw over time"));
    };
    let buckets = cells.iter().map(|cell| cell.series.requests.len()).max().unwrap_or(0);
    let sampling = Sampling::of(buckets, first.series.bucket_s);
    let span = buckets as f64 * first.series.bucket_s;
    if !(span.is_finite() && span > 0.0) {
        return Err(ChartError::NoData("The series have no length in time"));
    }
    let focus = reading.focus().map(|cell| &cell.id);
    let emphasised = cells.iter().map(|cell| Some(&cell.id) == focus || cell.baseline).collect();
    let (time, unit) = Scale::time(span);
    let warmup = reading.record.provenance.warmup_s.clamp(0.0, span);
    let shared = Shared { reading, cells, sampling, time, warmup, emphasised };
    let panels = shared.panels();
    let events: Vec<&ServerEvent> =
        reading.record.events.iter().filter(|event| (0.0..=span).contains(&event.at_s)).collect();
    let above = if events.is_empty() { 0.0 } else { EVENTS };
    let height = above + panels.len() as f64 * (PANEL + GAP) + BELOW + 12.0;
    let sheet = Sheet::new(height);
    for (index, rows) in panels.iter().enumerate() {
        let top = above + index as f64 * (PANEL + GAP);
        let last = index + 1 == panels.len();
        sheet.text(0.0, top + 10.0, &rows.title, Hold::Left)?;
        shared.draw(&sheet, rows, &events, top + 25.0, last)?;
    }
    let across = WIDTH - LEFT - RIGHT;
    name_events(&sheet, &events, |at| LEFT + across * shared.time.share(at))?;
    let middle = LEFT + across / 2.0;
    sheet.text(middle, height - 12.0, &format!("time since the first request, {unit}"), Hold::Middle)?;
    let words = sampling.words(buckets);
    let finding = format!("{} cells over {}, {words}", shared.cells.len(), format::duration(span));
    let start = format::percent(panels[0].scale.low);
    let cursor = sampling
        .cursor_words("a column's mean (of bands and of fetches in flight the greatest of its buckets)");
    let markers = if shared.cells.len() > 1 { " Markers only tell lines apart." } else { "" };
    let mut note = format!("{words} {cursor} The hit ratio's axis starts at {start}.{markers}");
    for event in &events {
        let what = format::shortened(&event.what, format::LONGEST_NAME);
        note = format!("{note} Event: {} at {}: {what}.", event.kind, format::instant(event.at_s));
    }
    let left_out = reading.side_by_side(usize::MAX).len() - shared.cells.len();
    if left_out > 0 {
        note = format!("{note} {left_out} more cells at this limit are in series.csv.");
    }
    Ok((sheet.finish("series", "The run over time", finding), note))
}

/// Names events in one line above all panels, as far as there is room; each is told in full when pointed at.
fn name_events(sheet: &Sheet, events: &[&ServerEvent], place: impl Fn(f64) -> f64) -> Result<(), ChartError> {
    let mut free = 0.0;
    for event in events {
        let words = format!("{} at {}", event.kind, format::instant(event.at_s));
        let (width, x) = (text_width(&words, TEXT), place(event.at_s));
        let left = (x - width / 2.0).max(0.0).min(WIDTH - width);
        if left >= free {
            let (what, held) = (event.what.as_str(), left);
            sheet.with_tip(what, |sheet| sheet.text(held, 9.0, &words, Hold::Left))?;
            free = left + width + 10.0;
        }
    }
    Ok(())
}

impl Shared<'_> {
    fn panels(&self) -> Vec<Rows> {
        let per_second = |pick: fn(&Series) -> &[f64]| {
            self.lines(|cell, sampling| {
                let column = sampling.means(pick(&cell.series));
                column.into_iter().map(|(at, count)| (at, count.map(|n| n / cell.series.bucket_s))).collect()
            })
        };
        let plain = |title: &str, lines: Vec<Line>| {
            let scale = Scale::linear(most(&lines).max(1e-3), format::number);
            Rows { title: title.into(), unit: "number", scale, lines, bands: None, limit: None }
        };
        let mut panels = vec![
            self.hit_ratio(),
            self.memory(),
            self.origin(per_second(|series| &series.fetches)),
            plain(
                "origin fetches in flight, most at once",
                self.lines(|cell, sampling| sampling.peaks(&cell.series.peak_in_flight)),
            ),
            self.busy_servers(),
            plain(
                "fetches waiting for a server of the origin, on average",
                self.lines(|cell, sampling| sampling.means(&cell.series.queue_mean)),
            ),
            plain("commands to the cache per second", self.commands()),
            plain("entries whose TTL ran out, per second", per_second(|series| &series.expired)),
            plain("entries evicted, per second", per_second(|series| &series.evicted)),
            plain(
                "how long the server itself worked on a GET, µs",
                self.own_time(|series| &series.get_mean_ms),
            ),
            plain(
                "how long the server itself worked on a SET, µs",
                self.own_time(|series| &series.set_mean_ms),
            ),
        ];
        // What never happened needs no empty panel; the caption's tables say that it did not.
        let occurs = |rows: &Rows| most(&rows.lines) > 0.0;
        let (always, rest) = (panels.drain(..3).collect::<Vec<_>>(), panels);
        always.into_iter().chain(rest.into_iter().filter(occurs)).collect()
    }

    fn lines(&self, line: impl Fn(&Cell, Sampling) -> Line) -> Vec<Line> {
        self.cells.iter().map(|cell| line(cell, self.sampling)).collect()
    }

    fn busy_servers(&self) -> Rows {
        let lines = self.lines(|cell, sampling| sampling.means(&cell.series.utilisation));
        let title = "servers of the origin that were busy, % of their time".into();
        Rows { title, unit: "share", scale: Scale::shares(0.0), lines, bands: None, limit: None }
    }

    /// Commands per second where some cell sends more than the GET of each request and the SET of each fill, which the
    /// panels of hits and fetches show already; else nothing.
    fn commands(&self) -> Vec<Line> {
        let sends_more = |cell: &Cell| {
            let polls =
                cell.series.commands.get.iter().sum::<f64>() > cell.series.requests.iter().sum::<f64>();
            polls || cell.series.commands.kinds().iter().skip(2).any(|(_, column)| !column.is_empty())
        };
        if !self.cells.iter().copied().any(sends_more) {
            return Vec::new();
        }
        self.lines(|cell, sampling| {
            let kinds = cell.series.commands.kinds();
            let sent = |bucket: usize| -> f64 {
                kinds.iter().filter_map(|(_, column)| column.get(bucket)).sum::<f64>() / cell.series.bucket_s
            };
            let all: Vec<f64> = (0..cell.series.commands.get.len()).map(sent).collect();
            sampling.means(&all)
        })
    }

    /// How long the server of a live run itself worked, in microseconds.
    fn own_time(&self, pick: fn(&WorkSeries) -> &[Option<f64>]) -> Vec<Line> {
        self.lines(|cell, sampling| {
            let Some(work) = &cell.server_work else { return Line::new() };
            let stretches = work.series.until_s.iter().copied().zip(pick(&work.series).iter().copied());
            let buckets = by_bucket(stretches, cell.series.bucket_s, cell.series.requests.len());
            let micros = |mean_ms: Option<f64>| mean_ms.map_or(f64::NAN, |mean_ms| mean_ms * 1e3);
            sampling.means(&buckets.into_iter().map(micros).collect::<Vec<_>>())
        })
    }

    fn hit_ratio(&self) -> Rows {
        let lines =
            self.lines(|cell, sampling| sampling.ratios(&cell.series.fresh_hit, &cell.series.requests));
        let scored =
            lines.iter().flatten().filter(|(at, _)| *at > self.warmup).filter_map(|(_, ratio)| *ratio);
        let least = scored.fold(1.0, f64::min);
        let low = if least >= 0.3 { ((least * 10.0 - 0.2).floor() / 10.0).max(0.0) } else { 0.0 };
        let title = "fresh hits, % of requests".into();
        Rows { title, unit: "share", scale: Scale::shares(low), lines, bands: None, limit: None }
    }

    fn memory(&self) -> Rows {
        let live = self.lines(|cell, sampling| sampling.means(&cell.series.live_bytes));
        let expired = self.lines(|cell, sampling| sampling.means(&cell.series.expired_bytes));
        let both = |(live, expired): (&Line, &Line)| -> Line {
            let columns = live.iter().zip(expired);
            columns.map(|(live, expired)| (live.0, live.1.zip(expired.1).map(|(a, b)| a + b))).collect()
        };
        let all: Vec<Line> = live.iter().zip(&expired).map(both).collect();
        // A limit far above what is held would press the lines to the ground.
        let limit = match self.cells.first().and_then(|cell| cell.capacity) {
            Some(Capacity::Bytes(bytes)) => Some(bytes as f64).filter(|limit| *limit < most(&all) * 2.0),
            _ => None,
        };
        let scale = Scale::bytes(most(&all).max(limit.unwrap_or(0.0)));
        let bands = Some(("with expired entries", all));
        // No server tells which of its bytes are of expired entries.
        let mut title = if self.reading.record.source.is_simulation() {
            "memory of live entries; the band above is expired but resident".to_owned()
        } else {
            "memory of the server (used_memory)".to_owned()
        };
        if limit.is_some() {
            title.push_str("; rule: the limit");
        }
        Rows { title, unit: "bytes", scale, lines: live, bands, limit }
    }

    fn origin(&self, lines: Vec<Line>) -> Rows {
        let peaks = self.lines(|cell, sampling| sampling.peaks(&cell.series.peak_fetch_rate));
        let highest = most(&lines).max(most(&peaks));
        let title = "origin fetches per second: mean, and band up to the busiest second".into();
        let (scale, bands) = (Scale::linear(highest, format::number), Some(("busiest second", peaks)));
        Rows { title, unit: "rate", scale, lines, bands, limit: None }
    }

    /// Markers on top of all lines, so that on paper too they are told apart where they cross.
    fn mark(&self, sheet: &Sheet, panel: &Panel, rows: &Rows) -> Result<(), ChartError> {
        if self.cells.len() < 2 {
            return Ok(());
        }
        for (place, cell) in self.cells.iter().enumerate() {
            let (ink, name) = (ink_of(self.reading, cell), self.reading.strategy(cell));
            let line = drawn(&rows.lines[place], rows.scale.low);
            sheet.group(&[("data-k", &name)], |sheet| {
                for column in marked(line.len(), place, self.cells.len()) {
                    let Some((at, Some(value))) = line.get(column).copied() else { continue };
                    let (x, y) = panel.at(at, value);
                    sheet.marker(x, y, 3.2, ink, 1.0)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn draw(
        &self,
        sheet: &Sheet,
        rows: &Rows,
        events: &[&ServerEvent],
        top: f64,
        last: bool,
    ) -> Result<(), ChartError> {
        let below = if last { BELOW } else { 4.0 };
        let area = sheet.part(0.0, top, WIDTH - RIGHT, PANEL + below);
        let mut panel = Panel::new(&area, &self.time, &rows.scale, last)?;
        let band = rows.bands.as_ref().map(|(band, _)| *band);
        let shown = Shown { title: &rows.title, unit: rows.unit, band };
        panel.frame(sheet, self.sampling.column_s(), &shown)?;
        if self.warmup > 0.0 {
            panel.shade(0.0, self.warmup)?;
            let ((from, _), (to, _)) = (panel.at(0.0, 0.0), panel.at(self.warmup, 0.0));
            if last && to - from > 60.0 {
                sheet.text(f64::midpoint(from, to), top + 18.0, "warm-up", Hold::Middle)?;
            }
        }
        for event in events {
            panel.rule(event.at_s, Ink::Axis)?;
        }
        if let Some(limit) = rows.limit {
            panel.level(limit, Ink::Axis)?;
        }
        // The recommended cell and the baseline come last, on top of the others.
        for (place, cell) in self.cells.iter().enumerate().rev() {
            let (ink, name) = (ink_of(self.reading, cell), self.reading.strategy(cell));
            let (line, high) = (&rows.lines[place], rows.bands.as_ref().map(|(_, edges)| &edges[place]));
            let (values, edge) = (told(line), high.map(|high| told(high)));
            let mut attributes = vec![("data-k", name.as_str()), ("data-v", &values)];
            attributes.extend(edge.as_deref().map(|edge| ("data-w", edge)));
            sheet.group(&attributes, |_| {
                if let Some(high) = high.filter(|_| self.emphasised[place]) {
                    panel.band(line, high, ink, 0.25)?;
                }
                panel.line(&drawn(line, rows.scale.low), ink, if ink == Ink::S1 { 2.2 } else { 1.6 })
            })?;
        }
        self.mark(sheet, &panel, rows)?;
        let label = |(cell, line): (&&Cell, &Line)| {
            let line = drawn(line, rows.scale.low);
            let (x, y) = line.iter().rev().find_map(|(x, y)| Some((*x, (*y)?)))?;
            let at = (panel.at(self.time.high, 0.0).0, panel.at(x, y).1);
            let text = self.reading.strategy(cell);
            Some(EndLabel { at, text, ink: ink_of(self.reading, cell) })
        };
        let labels: Vec<EndLabel> = self.cells.iter().zip(&rows.lines).filter_map(label).collect();
        end_labels(sheet, labels, (top + 4.0, top + PANEL - 2.0), RIGHT)
    }
}

/// The few columns of a line that bear its marker: other ones than those of other lines, which may lie on top of it.
fn marked(columns: usize, place: usize, lines: usize) -> impl Iterator<Item = usize> {
    let share = (place as f64 + 0.5) / lines.max(1) as f64;
    (0..MARKERS).map(move |nth| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place among the columns"
        )]
        let column = ((f64::from(nth) + share) / f64::from(MARKERS) * columns as f64) as usize;
        column
    })
}

/// A line without what lies below the start of the axis.
fn drawn(line: &Line, low: f64) -> Line {
    line.iter().map(|(at, value)| (*at, value.filter(|value| *value >= low))).collect()
}

fn most(lines: &[Line]) -> f64 {
    let known = lines.iter().flatten().filter_map(|(_, value)| *value);
    known.filter(|value| value.is_finite()).fold(0.0, f64::max)
}
