//! Tables of the page, ready for the template: text for people, and the full value beside it.

use crate::record::Cell;
use crate::report::format;
use crate::report::measure::{Measure, Unit};
use crate::report::reading::{self, Reading};

/// A table.
#[derive(Debug, Default)]
pub(in crate::report) struct Table {
    pub(in crate::report) id: &'static str,
    pub(in crate::report) caption: String,
    pub(in crate::report) sortable: bool,
    pub(in crate::report) heads: Vec<Head>,
    pub(in crate::report) rows: Vec<Row>,
    pub(in crate::report) notes: Vec<String>,
    /// Columns that a phone shows, one below the other under the row's name; empty for a table that scrolls there.
    pub(in crate::report) stacked: &'static [&'static str],
}

/// The head of a column.
#[derive(Debug, Default)]
pub(in crate::report) struct Head {
    pub(in crate::report) text: String,
    pub(in crate::report) numeric: bool,
    /// Where the record has the column's values, from the row's place on: a JSON pointer, or two with a colon for the
    /// first as a share of the second. Empty where they are worked out otherwise.
    pub(in crate::report) of: String,
}

/// A row.
#[derive(Debug, Default)]
pub(in crate::report) struct Row {
    /// For links; empty for none.
    pub(in crate::report) id: String,
    /// Where the record has what the row tells, as a JSON pointer; empty where it is worked out.
    pub(in crate::report) at: String,
    /// Whether it is that of the recommended cell.
    pub(in crate::report) chosen: bool,
    pub(in crate::report) cells: Vec<Td>,
}

/// A cell of a table, or a tile.
#[derive(Debug, Default)]
pub(in crate::report) struct Td {
    /// For people.
    pub(in crate::report) text: String,
    /// In full, for programs; empty where it is not known or no number.
    pub(in crate::report) value: String,
    /// A second line; empty for none.
    pub(in crate::report) more: String,
    /// The difference to the baseline that the second line begins with, where the record has it: for people, and in full.
    pub(in crate::report) change: Option<(String, f64)>,
    /// `better`, `worse` or empty.
    pub(in crate::report) tone: &'static str,
    pub(in crate::report) numeric: bool,
    /// Whether it names its row.
    pub(in crate::report) heading: bool,
    /// Where the record has the value, as a JSON pointer, where row and column do not say it.
    pub(in crate::report) of: String,
    /// Why there is a dash instead of a value; empty where there is none, or nobody needs to be told.
    pub(in crate::report) why: String,
}

impl Table {
    /// A table with columns. A `#` after a name says that the column holds numbers; after it stands where the record
    /// has them: `requests#/requests`.
    pub(in crate::report) fn new<'c>(
        id: &'static str,
        caption: impl Into<String>,
        columns: impl IntoIterator<Item = &'c (impl AsRef<str> + 'c)>,
    ) -> Self {
        let head = |column: &str| match column.split_once('#').filter(|(name, _)| !name.is_empty()) {
            Some((name, of)) => Head { text: name.into(), numeric: true, of: of.into() },
            None => Head { text: column.into(), numeric: false, of: String::new() },
        };
        let heads = columns.into_iter().map(|column| head(column.as_ref())).collect();
        Self { id, caption: caption.into(), sortable: true, heads, ..Self::default() }
    }

    /// Why there are dashes, a sentence for each reason with the columns it holds for.
    pub(in crate::report) fn dashes(&self) -> Vec<String> {
        let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
        for (place, head) in self.heads.iter().enumerate() {
            for td in self.rows.iter().filter_map(|row| row.cells.get(place)) {
                if td.text != format::NONE || td.why.is_empty() {
                    continue;
                }
                match found.iter_mut().find(|(why, _)| *why == td.why) {
                    Some((_, heads)) if heads.contains(&head.text.as_str()) => {}
                    Some((_, heads)) => heads.push(&head.text),
                    None => found.push((&td.why, vec![&head.text])),
                }
            }
        }
        found.iter().map(|(why, heads)| format!("A dash under {}: {why}.", heads.join(", "))).collect()
    }

    /// The style that names or hides the columns of a stacked table on a phone, where its head is not shown, and
    /// hides the same ones on paper, which cannot be scrolled.
    pub(in crate::report) fn stacked_style(&self) -> String {
        let (mut phone, mut paper) = (String::new(), Vec::new());
        for (column, head) in (1..).zip(&self.heads).skip(1) {
            let (id, name) = (self.id, &head.text);
            let rule = if self.stacked.contains(&name.as_str()) {
                format!("#{id} td:nth-child({column})::before{{content:\"{name}\"}}\n")
            } else {
                paper.push(format!("#{id} tr>:nth-child({column})"));
                format!("#{id} td:nth-child({column}){{display:none}}\n")
            };
            phone.push_str(&rule);
        }
        if paper.is_empty() {
            return format!("@media (max-width:480px){{{}}}\n", phone.trim_end());
        }
        let paper = paper.join(",\n");
        let more = |place: &str| {
            let id = self.id;
            format!(".scroll:has(>#{id})::after{{content:\"More measures: {place}, and in cells.csv.\"}}")
        };
        format!(
            "@media (max-width:480px){{{phone}{}}}\n@media print{{{paper}{{display:none}}\n{}}}\n",
            more("on a wider screen"),
            more("on the page")
        )
    }

    /// A row for each of these cells, which begin with their name and limit.
    pub(in crate::report) fn each<'c>(
        &mut self,
        reading: &Reading,
        cells: impl IntoIterator<Item = &'c Cell>,
        mut rest: impl FnMut(&Cell) -> Vec<Td>,
    ) {
        for cell in cells {
            let named = [Td::name(reading, cell), Td::limit(cell)];
            let cells: Vec<Td> = named.into_iter().chain(rest(cell)).collect();
            let (at, chosen) = (reading.pointer(cell), reading.is_winner(cell));
            self.rows.push(Row { cells, at, chosen, id: String::new() });
        }
    }

    /// Appends a row.
    pub(in crate::report) fn row(&mut self, cells: Vec<Td>) {
        self.rows.push(Row { cells, ..Row::default() });
    }
}

impl Td {
    /// Text.
    pub(in crate::report) fn text(text: impl Into<String>) -> Self {
        Self { text: format::shortened(&text.into(), format::LONGEST_SENTENCE), ..Self::default() }
    }

    /// The name of a row.
    pub(in crate::report) fn heading(text: impl Into<String>) -> Self {
        Self { heading: true, ..Self::text(text) }
    }

    /// A number in a unit.
    pub(in crate::report) fn number(value: impl Into<Option<f64>>, unit: Unit) -> Self {
        let value = value.into().filter(|value| value.is_finite());
        Self {
            text: unit.print(value),
            value: value.map(|value| value.to_string()).unwrap_or_default(),
            numeric: true,
            ..Self::default()
        }
    }

    /// A count.
    pub(in crate::report) fn count(value: u64) -> Self {
        Self { text: format::count(value), value: value.to_string(), numeric: true, ..Self::default() }
    }

    /// A count, or a dash where it is not known.
    pub(in crate::report) fn count_if(value: Option<u64>) -> Self {
        value.map_or_else(|| Self::number(None, Unit::Number), Self::count)
    }

    /// Says why, where this is a dash.
    pub(in crate::report) fn or(self, why: impl Into<String>) -> Self {
        if self.text == format::NONE { Self { why: why.into(), ..self } } else { self }
    }

    /// A count and its share of a whole.
    pub(in crate::report) fn share(count: u64, whole: u64) -> Self {
        let share = (whole > 0).then(|| count as f64 / whole as f64);
        Self { more: format::count(count), ..Self::number(share, Unit::Share) }
    }

    /// A measure of a cell and its change against the baseline.
    pub(in crate::report) fn measured(reading: &Reading, cell: &Cell, measure: &Measure) -> Self {
        let why = reading.why_unknown(cell, measure).unwrap_or_default();
        let mut td = Self::number(measure.of(cell), measure.unit).or(why);
        if let Some(change) = reading.change(cell, measure) {
            let text = change.text(measure);
            // What rounds to nothing is for neither, however certain it is.
            let (tone, word) = match change.is_better(measure).filter(|_| !text.starts_with('±')) {
                Some(true) => ("better", ", better"),
                Some(false) => ("worse", ", worse"),
                None => ("", ""),
            };
            // Neither has an interval that rounds to nothing; what belongs together stays on a line.
            let is_told = change.indistinguishable == Some(false) && !text.starts_with('±');
            let within = change.within(measure).filter(|within| is_told && !within.starts_with("0 "));
            let word = within.map_or_else(
                || word.to_owned(),
                |within| format!(" {}", format!("± {within}{word}").replace(' ', "\u{a0}")),
            );
            // Without a pair the difference is that of the two values, and the record has none.
            match cell.paired.get(measure.key) {
                Some(paired) => (td.change, td.more) = (Some((text, paired.mean)), word),
                None => td.more = text + &word,
            }
            td.tone = tone;
        }
        td
    }

    /// The cell's name, marked as baseline, recommended or bound.
    pub(in crate::report) fn name(reading: &Reading, cell: &Cell) -> Self {
        let marks = [
            (reading.is_recommended(cell), "★ recommended"),
            (cell.baseline && !cell.oracle, "baseline"),
            (cell.oracle, "bound, no contender"),
            (reading.is_near_winner(cell), "≈ recommended"),
        ];
        let marks: Vec<&str> = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect();
        let mut more = marks.join(", ");
        if let Some(why) = &cell.failed {
            let why = format::sentence(why);
            more = format!("{more}{}failed: {why}", if more.is_empty() { "" } else { "; " });
        }
        Self { more, ..Self::heading(reading.strategy(cell)) }
    }

    /// The cell's memory limit.
    pub(in crate::report) fn limit(cell: &Cell) -> Self {
        use crate::record::Capacity::{Bytes, Objects};
        let value = match cell.capacity {
            Some(Bytes(limit) | Objects(limit)) => limit.to_string(),
            None => String::new(),
        };
        Self { value, numeric: true, ..Self::text(reading::capacity(cell.capacity)) }
    }
}
