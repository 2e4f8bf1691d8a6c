//! Pages beside the report itself: the comparison of two runs, the index over many, and what a search came to.

use askama::Template;

use super::grid::Table;
use super::policy::policy;
use super::{SCRIPT, finished, style};

/// What every page has around its content.
struct Frame {
    title: String,
    policy: String,
    style: String,
    script: &'static str,
}

impl Frame {
    fn of(title: String) -> Self {
        Self::with_table(title, None)
    }

    /// With a table that a phone shows one column below the other.
    fn with_table(title: String, stacked: Option<&Table>) -> Self {
        let style = style() + &stacked.map(Table::stacked_style).unwrap_or_default();
        Self { title, policy: policy(&style, SCRIPT), style, script: SCRIPT }
    }
}

/// What a page comes to: the band at its head.
pub(in crate::report) struct Band {
    pub(in crate::report) heading: &'static str,
    /// Whether all is well.
    pub(in crate::report) good: bool,
    /// The verdict.
    pub(in crate::report) sentence: String,
    /// The scenario's question; empty for none.
    pub(in crate::report) question: String,
    pub(in crate::report) facts: Vec<(&'static str, String)>,
    pub(in crate::report) notes: Vec<String>,
}

/// A chart with what is said below it.
pub(in crate::report) struct Figure {
    /// Its name, also the stem of ids.
    pub(in crate::report) name: &'static str,
    /// What it is called where it is read out.
    pub(in crate::report) label: &'static str,
    /// Its markup, or why there is none.
    pub(in crate::report) chart: Result<String, String>,
    /// What it shows and how to read it.
    pub(in crate::report) shows: &'static str,
    /// Where it misleads; empty for nowhere.
    pub(in crate::report) caveat: &'static str,
}

/// The comparison of two runs, ready to be filled in.
pub(in crate::report) struct ComparePage {
    pub(in crate::report) title: String,
    pub(in crate::report) summary: Vec<String>,
    /// Cells whose gates turned.
    pub(in crate::report) turned: Vec<String>,
    /// What may become worse by how much; empty where nothing was asked for.
    pub(in crate::report) limits: String,
    /// Where that was exceeded, or cannot be checked.
    pub(in crate::report) failures: Vec<String>,
    pub(in crate::report) doubts: Vec<String>,
    pub(in crate::report) verdicts: [(&'static str, String); 2],
    pub(in crate::report) figure: Figure,
    /// Cells that both runs have; `None` where there is none.
    pub(in crate::report) table: Option<Table>,
    pub(in crate::report) settings: Option<Table>,
    /// Cells that only one of the runs has.
    pub(in crate::report) only: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "compare.html", config = ".config/askama.toml")]
struct CompareTemplate {
    frame: Frame,
    page: ComparePage,
}

impl ComparePage {
    /// Renders the page.
    pub(in crate::report) fn finish(self) -> String {
        let frame = Frame::with_table(self.title.clone(), self.table.as_ref());
        let page = CompareTemplate { frame, page: self };
        finished(&page)
    }
}

/// What a search came to, ready to be filled in.
pub(in crate::report) struct TunedPage {
    pub(in crate::report) title: String,
    pub(in crate::report) band: Band,
    pub(in crate::report) finals: Table,
    pub(in crate::report) constraints: Option<Table>,
    pub(in crate::report) drills: Option<Table>,
    pub(in crate::report) figure: Figure,
    pub(in crate::report) front: Table,
    pub(in crate::report) flat: Table,
    pub(in crate::report) redis: Table,
    pub(in crate::report) ttls: Table,
}

#[derive(Template)]
#[template(path = "tuned.html", config = ".config/askama.toml")]
struct TunedTemplate {
    frame: Frame,
    page: TunedPage,
}

impl TunedPage {
    /// Renders the page.
    pub(in crate::report) fn finish(self) -> String {
        let frame = Frame::of(self.title.clone());
        let page = TunedTemplate { frame, page: self };
        finished(&page)
    }
}

/// A part of a plan: its anchor, its heading, a chart, and tables.
pub(in crate::report) struct Part {
    pub(in crate::report) id: &'static str,
    pub(in crate::report) heading: &'static str,
    pub(in crate::report) figure: Option<Figure>,
    pub(in crate::report) tables: Vec<Table>,
}

/// A plan: what growth asks for, or what a bad day does; ready to be filled in.
pub(in crate::report) struct PlanPage {
    pub(in crate::report) title: String,
    pub(in crate::report) band: Band,
    pub(in crate::report) parts: Vec<Part>,
}

#[derive(Template)]
#[template(path = "plan.html", config = ".config/askama.toml")]
struct PlanTemplate {
    frame: Frame,
    page: PlanPage,
}

impl PlanPage {
    /// Renders the page.
    pub(in crate::report) fn finish(self) -> String {
        let page = PlanTemplate { frame: Frame::of(self.title.clone()), page: self };
        finished(&page)
    }
}

/// The surface of one strategy, ready to be filled in.
pub(in crate::report) struct SurfacePage {
    pub(in crate::report) title: String,
    pub(in crate::report) summary: Vec<String>,
    pub(in crate::report) figures: Vec<Figure>,
    pub(in crate::report) table: Table,
}

#[derive(Template)]
#[template(path = "surface.html", config = ".config/askama.toml")]
struct SurfaceTemplate {
    frame: Frame,
    page: SurfacePage,
}

impl SurfacePage {
    /// Renders the page.
    pub(in crate::report) fn finish(self) -> String {
        let page = SurfaceTemplate { frame: Frame::of(self.title.clone()), page: self };
        finished(&page)
    }
}

/// Predicted beside measured, ready to be filled in.
pub(in crate::report) struct ValidationPage {
    pub(in crate::report) title: String,
    pub(in crate::report) question: String,
    pub(in crate::report) summary: Vec<String>,
    pub(in crate::report) warnings: Vec<String>,
    pub(in crate::report) table: Table,
    pub(in crate::report) figure: Figure,
    /// What the server's own work took in each cell.
    pub(in crate::report) work: Vec<String>,
    /// On which server, how and by which program it was measured.
    pub(in crate::report) measured: String,
    pub(in crate::report) command: String,
}

#[derive(Template)]
#[template(path = "validation.html", config = ".config/askama.toml")]
struct ValidationTemplate {
    frame: Frame,
    page: ValidationPage,
}

impl ValidationPage {
    /// Renders the page.
    pub(in crate::report) fn finish(self) -> String {
        let frame = Frame::with_table(self.title.clone(), Some(&self.table));
        let page = ValidationTemplate { frame, page: self };
        finished(&page)
    }
}

/// One run of an index.
pub(in crate::report) struct IndexRow {
    pub(in crate::report) name: String,
    /// Where its page is; empty where there is none.
    pub(in crate::report) link: String,
    pub(in crate::report) question: String,
    /// What came out, or why the record cannot be read.
    pub(in crate::report) run: Result<IndexRun, String>,
}

/// What an index says of a run.
pub(in crate::report) struct IndexRun {
    pub(in crate::report) verdict: String,
    pub(in crate::report) gates: String,
    pub(in crate::report) expectations: String,
    pub(in crate::report) cells: usize,
    pub(in crate::report) requests: u64,
    pub(in crate::report) requests_words: String,
    /// How the numbers came about, and by which version.
    pub(in crate::report) source: String,
}

#[derive(Template)]
#[template(path = "index.html", config = ".config/askama.toml")]
struct IndexTemplate {
    frame: Frame,
    rows: Vec<IndexRow>,
}

/// Renders an index over runs.
pub(in crate::report) fn index(rows: Vec<IndexRow>) -> String {
    let page = IndexTemplate { frame: Frame::of("Runs of ttlab".into()), rows };
    finished(&page)
}
