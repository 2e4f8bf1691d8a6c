//! Pages beside the report itself: the comparison of two runs, the index over many, and what a search came to.

use askama::Template;

use super::grid::Table;
use super::policy::policy;
use super::{SCRIPT, style};

/// What every page has around its content.
struct Frame {
    title: String,
    policy: String,
    style: String,
    script: &'static str,
}

impl Frame {
    fn of(title: String) -> Self {
        let style = style();
        Self { title, policy: policy(&style, SCRIPT), style, script: SCRIPT }
    }
}

/// The comparison of two runs, ready to be filled in.
pub(in crate::report) struct ComparePage {
    pub(in crate::report) before: String,
    pub(in crate::report) after: String,
    pub(in crate::report) summary: Vec<String>,
    pub(in crate::report) verdicts: [(&'static str, String); 2],
    /// The chart's markup, or why there is none.
    pub(in crate::report) chart: Result<String, String>,
    pub(in crate::report) table: Table,
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
        let frame = Frame::of(format!("{} against {}", self.after, self.before));
        let page = CompareTemplate { frame, page: self };
        page.render().expect("filling in a template in memory does not fail")
    }
}

/// What a search came to, ready to be filled in.
pub(in crate::report) struct TunedPage {
    pub(in crate::report) title: String,
    pub(in crate::report) verdict: String,
    pub(in crate::report) question: String,
    /// Whether something better was found.
    pub(in crate::report) found: bool,
    pub(in crate::report) facts: Vec<(&'static str, String)>,
    pub(in crate::report) notes: Vec<String>,
    pub(in crate::report) finals: Table,
    pub(in crate::report) constraints: Option<Table>,
    pub(in crate::report) drills: Option<Table>,
    /// The chart's markup, or why there is none.
    pub(in crate::report) chart: Result<String, String>,
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
        page.render().expect("filling in a template in memory does not fail")
    }
}

/// A part of a plan: its anchor, its heading, a chart's name with its markup (or why there is none), and tables.
pub(in crate::report) struct Part {
    pub(in crate::report) id: &'static str,
    pub(in crate::report) heading: &'static str,
    pub(in crate::report) chart: Option<(&'static str, Result<String, String>)>,
    pub(in crate::report) tables: Vec<Table>,
}

/// A plan: what growth asks for, or what a bad day does; ready to be filled in.
pub(in crate::report) struct PlanPage {
    pub(in crate::report) title: String,
    pub(in crate::report) verdict: String,
    pub(in crate::report) question: String,
    /// Whether all is well.
    pub(in crate::report) passes: bool,
    pub(in crate::report) facts: Vec<(&'static str, String)>,
    pub(in crate::report) notes: Vec<String>,
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
        page.render().expect("filling in a template in memory does not fail")
    }
}

/// The surface of one strategy, ready to be filled in.
pub(in crate::report) struct SurfacePage {
    pub(in crate::report) title: String,
    pub(in crate::report) summary: Vec<String>,
    /// The charts' names and markup, or why there is none.
    pub(in crate::report) charts: Vec<(&'static str, Result<String, String>)>,
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
        page.render().expect("filling in a template in memory does not fail")
    }
}

/// Predicted beside measured, ready to be filled in.
pub(in crate::report) struct ValidationPage {
    pub(in crate::report) title: String,
    pub(in crate::report) question: String,
    pub(in crate::report) summary: Vec<String>,
    pub(in crate::report) warnings: Vec<String>,
    pub(in crate::report) table: Table,
    /// The charts' names and markup; empty markup for one without anything to show.
    pub(in crate::report) charts: Vec<(String, String)>,
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
        let page = ValidationTemplate { frame: Frame::of(self.title.clone()), page: self };
        page.render().expect("filling in a template in memory does not fail")
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
    pub(in crate::report) version: String,
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
    page.render().expect("filling in a template in memory does not fail")
}
