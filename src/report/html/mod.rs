//! `index.html`: one file that needs no network and no script, filled in from a record.

mod policy;
pub(super) mod profile;
mod provenance;
mod sections;
mod table;
mod ttls;
mod words;

use askama::Template;

use self::sections::{Settings, comparison_words, tiles};
use self::table::{Table, Td};
use self::words::Caption;
use super::chart::{self, ChartError, Svg};
use super::format;
use super::reading::{self, Reading};
use super::verdict::Verdict;

/// The charts of a record, each drawn or with the reason why not.
#[derive(Debug)]
pub(super) struct Charts {
    pareto: Result<Svg, ChartError>,
    hit_ratio: Result<Svg, ChartError>,
    series: Result<(Svg, String), ChartError>,
    stampedes: Result<(Svg, String), ChartError>,
    latency: Result<Svg, ChartError>,
    ttl: Result<Svg, ChartError>,
}

impl Charts {
    /// Draws every chart.
    pub(super) fn draw(reading: &Reading) -> Self {
        Self {
            pareto: chart::pareto::draw(reading),
            hit_ratio: chart::hit_ratio::draw(reading),
            series: chart::series::draw(reading),
            stampedes: chart::stampedes::draw(reading),
            latency: chart::latency::draw(reading),
            ttl: chart::ttl::draw(reading),
        }
    }

    /// Those that could be drawn.
    pub(super) fn drawn(&self) -> Vec<&Svg> {
        let over_time = [&self.series, &self.stampedes].map(|chart| chart.as_ref().ok().map(|(svg, _)| svg));
        let others =
            [&self.pareto, &self.hit_ratio, &self.latency, &self.ttl].map(|chart| chart.as_ref().ok());
        over_time.into_iter().chain(others).flatten().collect()
    }
}

/// A chart with its explanation.
struct Figure {
    name: &'static str,
    label: &'static str,
    chart: Result<String, String>,
    shows: &'static str,
    read: &'static str,
    caveat: String,
}

#[derive(Template)]
#[template(path = "page.html", config = ".config/askama.toml")]
struct Page<'a> {
    policy: String,
    style: String,
    script: &'static str,
    tool: &'a str,
    name: &'a str,
    question: &'a str,
    contents: &'static [(&'static str, &'static str)],
    verdict: &'a Verdict,
    rule: &'a str,
    settings: String,
    settings_of: String,
    warnings: &'a [String],
    remarks: &'a [String],
    tiles: Vec<Td>,
    tiles_of: String,
    comparison: String,
    ranking: Table,
    claims: Option<Table>,
    pareto: Figure,
    hit_ratio: Figure,
    misses: Table,
    series: Figure,
    ttl: Option<(Figure, Table)>,
    stampedes: Figure,
    stampede_totals: Table,
    worst: Option<Table>,
    latency: Figure,
    waits: Table,
    memory: Table,
    classes: Option<Table>,
    provenance: Table,
    limits: &'a [String],
    notes: &'a [String],
    skipped: Option<Table>,
    effective: String,
    glossary: &'static [(&'static str, &'static str)],
}

/// Renders the page.
pub(super) fn page(reading: &Reading, verdict: &Verdict, charts: &Charts) -> String {
    let record = reading.record;
    let script = include_str!("page.js");
    let style = format!(":root{{{}}}\n{}", chart::palette::css(), include_str!("page.css"));
    let shown = reading.focus();
    let settings = shown.map(|cell| Settings::of(record, &cell.strategy)).unwrap_or_default();
    let page = Page {
        policy: policy::policy(&style, script),
        style,
        script,
        tool: &record.tool.name,
        name: &record.scenario.name,
        question: record.scenario.question.trim(),
        contents: &words::CONTENTS,
        verdict,
        rule: &record.scoring.rule,
        settings: settings.0,
        settings_of: shown.map(|cell| format::shortened(&cell.strategy, 80)).unwrap_or_default(),
        warnings: &record.provenance.warnings,
        remarks: &record.provenance.notes,
        tiles: shown.map(|cell| tiles(reading, cell)).unwrap_or_default(),
        tiles_of: shown.map(reading::name).unwrap_or_default(),
        comparison: comparison_words(reading),
        ranking: sections::ranking(reading),
        claims: sections::claims(reading),
        pareto: figure("pareto", "Chart: memory against origin load", plain(&charts.pareto), &words::PARETO),
        hit_ratio: figure("hit-ratio", "Chart: outcomes", plain(&charts.hit_ratio), &words::HIT_RATIO),
        misses: sections::misses(reading),
        series: figure("series", "Chart: the run over time", noted(&charts.series), &words::SERIES),
        ttl: ttls::table(reading)
            .map(|table| (figure("ttl", "Chart: TTLs over time", plain(&charts.ttl), &words::TTL), table)),
        stampedes: figure("stampedes", "Chart: stampedes", noted(&charts.stampedes), &words::STAMPEDES),
        stampede_totals: sections::stampedes(reading),
        worst: sections::worst_stampedes(reading),
        latency: figure("latency", "Chart: waiting times", plain(&charts.latency), &words::LATENCY),
        waits: sections::waits(reading),
        memory: sections::memory(reading),
        classes: sections::classes(reading),
        provenance: provenance::table(record),
        limits: &record.provenance.limits,
        notes: &record.trace.notes,
        skipped: provenance::skipped(record),
        effective: provenance::written_out(&record.scenario.effective),
        glossary: &words::GLOSSARY,
    };
    page.render().expect("filling in a template in memory does not fail")
}

/// A chart's markup and a note on how it was drawn, or why it was not.
type Drawn<'a> = Result<(&'a Svg, &'a str), String>;

fn plain(chart: &Result<Svg, ChartError>) -> Drawn<'_> {
    chart.as_ref().map(|svg| (svg, "")).map_err(ChartError::to_string)
}

fn noted(chart: &Result<(Svg, String), ChartError>) -> Drawn<'_> {
    chart.as_ref().map(|(svg, note)| (svg, note.as_str())).map_err(ChartError::to_string)
}

fn figure(name: &'static str, label: &'static str, drawn: Drawn, caption: &Caption) -> Figure {
    let note = drawn.as_ref().map(|(_, note)| *note).unwrap_or_default();
    let caveat = format!("{} {note}", caption.caveat).trim_end().to_owned();
    let chart = drawn.map(|(svg, _)| svg.inline());
    Figure { name, label, chart, shows: caption.shows, read: caption.read, caveat }
}
