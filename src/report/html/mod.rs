//! `index.html`: one file that needs no network and no script, filled in from a record.

mod bare;
mod grid;
mod policy;
pub(super) mod profile;
mod provenance;
mod tables;
mod words;

use askama::Template;

pub(super) use self::bare::{
    Band, ComparePage, Figure, IndexRow, IndexRun, Part, PlanPage, SurfacePage, TunedPage, ValidationPage,
    index as index_page,
};
pub(super) use self::grid::{Table, Td};
use self::policy::policy;
use self::tables::{Settings, Tiles};
pub(super) use self::words::CONTENTS;
use super::chart::{self, ChartError, Svg};
use super::reading::Reading;
use super::sampled::sample_words;
use super::verdict::Verdict;
use super::weights;
use super::{beside, format, further};
use crate::record::RunSource;

/// The style of every page.
pub(super) fn style() -> String {
    format!(":root{{{}}}\n{}", chart::palette::css(), include_str!("page.css"))
}

/// The script of every page.
pub(super) const SCRIPT: &str = include_str!("page.js");

/// A chart, or why there is none; and a note on how it was drawn.
type Drawn = Result<(Svg, String), ChartError>;

/// The charts of a record by name, each drawn or with the reason why not.
#[derive(Debug)]
pub(super) struct Charts {
    drawn: Vec<(&'static str, Drawn)>,
    /// The command that tells more than the chart of the heat maps.
    surface: Option<String>,
    /// Whether limits and TTLs were looked for beside the cells.
    has_map: bool,
    /// What was played, in whose words charts are explained.
    source: RunSource,
}

impl Charts {
    /// Draws every chart.
    pub(super) fn draw(reading: &Reading) -> Self {
        let plain = |drawn: Result<Svg, ChartError>| drawn.map(|svg| (svg, String::new()));
        let drawn = vec![
            ("pareto", plain(chart::pareto::draw(reading))),
            ("capacity", chart::capacity::draw(reading)),
            ("weights", plain(chart::weights::draw(reading))),
            ("series", chart::series::draw(reading)),
            ("ttl", plain(chart::ttl::draw(reading))),
            ("stampedes", chart::stampedes::draw(reading)),
            ("sizes", plain(chart::sizes::draw(reading))),
            ("episodes", plain(chart::episodes::draw(reading))),
            ("herds", plain(chart::herds::draw(reading))),
            ("map", chart::heat_ttl::draw(reading)),
            ("heat", chart::heat_capacity::draw(reading)),
            ("hours", plain(chart::heat_hours::draw(reading))),
            ("reuse", plain(chart::heat_reuse::draw(reading))),
            ("hit-ratio", plain(chart::hit_ratio::draw(reading))),
            ("latency", plain(chart::latency::draw(reading))),
            ("entry", plain(chart::entry::draw(reading))),
        ];
        let ttls = chart::heat_capacity::fixed_ttls(reading);
        let has_map = reading.record.surface.as_ref().is_some_and(|surface| surface.map.is_some());
        Self {
            drawn,
            has_map,
            surface: further::surface_if_sparse(reading, ttls),
            source: reading.record.source,
        }
    }

    /// Those that could be drawn.
    pub(super) fn drawn(&self) -> impl Iterator<Item = &Svg> {
        self.drawn.iter().filter_map(|(_, drawn)| drawn.as_ref().ok().map(|(svg, _)| svg))
    }

    /// The chart below which the command stands that tells more.
    fn sparse(&self) -> &'static str {
        if self.has_map { "map" } else { "heat" }
    }

    /// Whether a chart is drawn.
    fn is_drawn(&self, name: &str) -> bool {
        self.drawn.iter().any(|(drawn, chart)| *drawn == name && chart.is_ok())
    }

    /// A chart with its explanation.
    fn figure(&self, name: &str) -> Captioned {
        let caption = words::caption(name, self.source).expect("every chart has a caption");
        let (_, drawn) = self.drawn.iter().find(|(drawn, _)| *drawn == name).expect("every chart is drawn");
        let note = drawn.as_ref().map(|(_, note)| note.as_str()).unwrap_or_default();
        Captioned {
            name: caption.name,
            label: caption.label,
            chart: drawn.as_ref().map(|(svg, _)| svg.inline()).map_err(ChartError::to_string),
            shows: caption.shows,
            read: caption.read,
            caveat: format!("{} {note}", caption.caveat).trim_end().to_owned(),
            surface: self.surface.clone().filter(|_| name == self.sparse()).unwrap_or_default(),
        }
    }
}

/// A chart of the report with its explanation.
struct Captioned {
    name: &'static str,
    label: &'static str,
    chart: Result<String, String>,
    shows: &'static str,
    read: &'static str,
    caveat: String,
    /// The command that tells hits over limits and TTLs, where this chart hardly does; else empty.
    surface: String,
}

#[derive(Template)]
#[template(path = "page.html", config = ".config/askama.toml")]
struct Page<'a> {
    policy: String,
    style: String,
    script: &'static str,
    tool: String,
    name: String,
    question: String,
    contents: &'static [(&'static str, &'static str)],
    verdict: &'a Verdict,
    firmness: Option<String>,
    rule: String,
    settings: String,
    settings_of: String,
    sample: Vec<String>,
    warnings: Vec<String>,
    remarks: Vec<String>,
    tiles: Vec<Tiles>,
    without_tiles: Option<String>,
    comparison: String,
    ranking: Table,
    claims: Option<Table>,
    costs: Option<Table>,
    charts: &'a Charts,
    weights: Option<Table>,
    capacity: Option<Table>,
    curve: Option<Table>,
    no_curve: Option<String>,
    ttls: Option<Table>,
    stampede_totals: Table,
    worst: Option<Table>,
    /// Why no stampede is listed, where none is.
    unlisted: String,
    maps: Vec<Table>,
    heat: Option<Table>,
    hours: Option<Table>,
    reuse: Option<Table>,
    misses: Table,
    waits: Table,
    work: Option<Table>,
    memory: Table,
    sweeps: Option<Table>,
    entry: Option<Table>,
    classes: Option<Table>,
    parties: Option<Table>,
    provenance: Table,
    left_out: &'static str,
    held: &'static str,
    limits: Vec<String>,
    notes: Vec<String>,
    skipped: Option<Table>,
    effective: String,
    glossary: Vec<(String, &'static str, &'static str)>,
}

/// Renders the page.
pub(super) fn page(reading: &Reading, verdict: &Verdict, charts: &Charts) -> String {
    let record = reading.record;
    let ranking = tables::ranking(reading);
    let claims = tables::claims(reading);
    let (memory, stampede_totals) = (tables::memory(reading), tables::stampedes(reading));
    let classes = tables::classes(reading);
    let by_weight = tables::weights(reading);
    let stacked = [&ranking, &memory, &stampede_totals].into_iter();
    let work = tables::server_work(reading);
    let stacked = stacked.chain(&claims).chain(&classes).chain(&by_weight).chain(&work);
    let style = stacked.fold(style(), |style, table| style + &table.stacked_style());
    let shown = reading.focus();
    let settings = shown.map(|cell| Settings::of(record, &cell.strategy)).unwrap_or_default();
    let page = Page {
        policy: policy(&style, SCRIPT),
        style,
        script: SCRIPT,
        tool: format::shortened(&record.tool.name, format::LONGEST_NAME),
        name: format::shortened(&record.scenario.name, format::LONGEST_NAME),
        question: format::sentence(&record.scenario.question),
        contents: &CONTENTS,
        verdict,
        firmness: weights::words(reading, &weights::objectives(reading)),
        rule: format::sentence(&record.scoring.rule),
        settings: settings.0,
        settings_of: shown.map(|cell| format::shortened(&cell.strategy, 80)).unwrap_or_default(),
        sample: sample_words(record),
        warnings: sentences(&record.provenance.warnings),
        remarks: sentences(&record.provenance.notes),
        tiles: tables::tiles(reading),
        without_tiles: tables::without_tiles(reading),
        comparison: tables::comparison_words(reading),
        ranking,
        claims,
        costs: tables::costs(reading),
        charts,
        weights: by_weight,
        capacity: tables::capacity(reading),
        curve: tables::curve(reading),
        no_curve: beside::no_curve(record),
        ttls: tables::ttls(reading),
        stampede_totals,
        worst: tables::worst_stampedes(reading),
        unlisted: unlisted(reading),
        maps: tables::maps(reading),
        heat: tables::heat(reading),
        hours: tables::hours(reading),
        reuse: tables::reuse(reading),
        misses: tables::misses(reading),
        waits: tables::waits(reading),
        work,
        memory,
        sweeps: tables::sweeps(reading),
        entry: tables::entry(reading),
        classes,
        parties: tables::parties(reading),
        provenance: provenance::table(record),
        left_out: words::left_out(record.source),
        held: words::held(record.source),
        limits: sentences(&record.provenance.limits),
        notes: sentences(&record.trace.notes),
        skipped: provenance::skipped(record),
        effective: provenance::written_out(&record.scenario.effective),
        glossary: words::glossary(record.source)
            .map(|(term, meaning)| (anchor_of(term), term, meaning))
            .collect(),
    };
    finished(&page)
}

/// Why no stampede is listed, as a sentence without its full stop.
fn unlisted(reading: &Reading) -> String {
    reading.untold_stampedes().unwrap_or_else(|| {
        "No stampede is listed: none occurred in the first replication of the cells compared here".into()
    })
}

/// A page with its template filled in. Whatever names it tells, none reaches a reader with characters that turn the text
/// around it, or that no text has.
fn finished(page: &impl Template) -> String {
    format::cleaned(&page.render().expect("filling in a template in memory does not fail"))
}

/// Texts of the record, each as one sentence.
fn sentences(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| format::sentence(text)).collect()
}

/// `term-fresh-hit` for "Fresh hit"; of several terms the first.
fn anchor_of(term: &str) -> String {
    let first = term.split(',').next().unwrap_or(term);
    format!("term-{}", first.to_lowercase().replace(' ', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Lattice, Record, Surface};
    use crate::report::{PAGE, fixture, render};

    #[test]
    fn every_chart_has_a_caption_and_every_caption_a_chart() {
        let record = fixture::thumbnails();
        let charts = Charts::draw(&Reading::new(&record));
        let drawn: Vec<&str> = charts.drawn.iter().map(|(name, _)| *name).collect();
        assert_eq!(drawn, words::CAPTIONS.map(|caption| caption.name));
        for (name, drawn) in &charts.drawn {
            assert!(drawn.as_ref().map_or(true, |(svg, _)| svg.name == *name), "{name}");
        }
    }

    fn page_of(record: &Record) -> String {
        String::from_utf8(render(record)[PAGE].clone()).unwrap()
    }

    #[test]
    fn what_a_sample_cannot_tell_is_not_said_to_be_none() {
        let mut record = fixture::sampled();
        let page = page_of(&record);
        for wrong in [
            "No stampede occurred",
            "nobody waited",
            "asked for nothing",
            "No stampede is listed",
            "Nobody waited",
        ] {
            assert!(!page.contains(wrong), "{wrong}");
        }
        let why = "fetches queue longer at few servers than at many with the same load (Erlang C).";
        let untold =
            ["stampedes", "the sizes of stampedes", "single stampedes", "fetches at once", "waiting times"];
        for what in untold {
            assert!(page.contains(&format!("A sample of the keys does not tell {what}: {why}")), "{what}");
        }
        assert_eq!(page.matches("does not tell single stampedes").count(), 2, "the chart and the list");
        // Where no queue forms a sample knows that there were none.
        record.cells.iter_mut().for_each(|cell| cell.stampedes.count = Some(0));
        record.sample.as_mut().unwrap().unavailable.remove("stampedes");
        let page = page_of(&record);
        assert!(page.contains("No stampede is listed") && !page.contains("not tell single stampedes"));
    }

    #[test]
    fn what_nobody_looked_for_beside_the_cells_is_left_out_and_what_was_not_found_says_why() {
        let page = page_of(&fixture::thumbnails());
        for wrong in ["map-figure", "No curve was drawn", "curve-table"] {
            assert!(!page.contains(wrong), "{wrong}");
        }
        let mut record = fixture::thumbnails();
        let absent = |why: &str| Lattice { absent: Some(why.into()), ..Lattice::default() };
        let curve = absent("5 limits (the engine, for each cell) would take too long beside the cells");
        record.surface =
            Some(Surface { curve, map: Some(absent("the trace is too short for a second TTL")) });
        let page = page_of(&record);
        for right in [
            "No curve was drawn between and beyond the limits of the cells: 5 limits (the engine, for each cell) would take",
            "Limits and TTLs were not computed: the trace is too short for a second TTL.",
        ] {
            assert!(page.contains(right), "{right}");
        }
        // Where one limit is compared the surface tells what no cells can.
        let mut record = fixture::one_cell();
        record.surface = fixture::complete().surface;
        let page = page_of(&record);
        assert!(page.contains("id=\"map-table\"") && page.contains("The thin line is"));
        assert!(!page.contains("compares no two memory limits") && !page.contains("at one limit only"));
    }

    #[test]
    fn a_live_page_tells_how_long_the_server_itself_worked_and_a_simulated_one_does_not() {
        let mut record = fixture::live();
        let page = page_of(&record);
        let table = page.split("id=\"work-table\"").nth(1).unwrap().split("</table>").next().unwrap();
        for told in [
            ">2.5 µs<",
            ">7 µs<",
            ">9 µs<",
            ">2.93 h<",
            ">3 h<",
            ">19 µs<",
            ">31 µs<",
            "/server_work/slowest/get_mean_ms",
        ] {
            assert!(table.contains(told), "{told} is missing in {table}");
        }
        assert!(page.contains("#work-table td:nth-child(9)::before{content:\"a SET then\"}"), "on a phone");
        for panel in ["on a GET, µs", "on a SET, µs"] {
            let told = format!("how long the server itself worked {panel}");
            assert!(page.contains(&told), "{told}");
        }
        assert!(page.contains("it was the client, the network, or something else that the server did"));
        // Where a server does not tell it of any cell, nothing is said of it.
        record.cells.iter_mut().for_each(|cell| cell.server_work = None);
        for silent in [page_of(&record), page_of(&fixture::recorded())] {
            assert!(!silent.contains("work-table") && !silent.contains("the server itself worked"));
        }
        // Of one that was asked only once in what is scored, there is no slowest stretch, and the page says why.
        let mut record = fixture::live();
        record.cells[0].server_work.as_mut().unwrap().slowest = None;
        assert!(page_of(&record).contains("it was asked only once in the scored part"));
    }

    #[test]
    fn a_live_page_tells_of_measurements_and_of_no_simulation() {
        let page = page_of(&fixture::live());
        let told = page.split("<script>").next().unwrap();
        for wrong in [
            "simulated",
            "In this model",
            "in this model",
            "the model leaves out",
            "memory model",
            "One recording",
            "exact for it",
            "One replication",
        ] {
            assert!(!told.contains(wrong), "{wrong}");
        }
        for right in [
            "Measured once, in real time; another run differs, and no interval tells by how much. How outdated",
            "no interval tells by how much. Which difference matters is left to the reader.",
            "recorded: played once, in real time",
            "What a live run leaves out stands",
            ">What a live run leaves out</h3>",
            "A server does not tell which of its bytes are values",
            "memory of the server (used_memory)",
        ] {
            assert!(told.contains(right), "{right}");
        }
        assert!(page_of(&fixture::recorded()).contains("One recording, exact for it, no interval"));
    }
}
