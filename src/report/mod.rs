//! Pages from a record: the HTML report, the summary, tables and charts.
//!
//! Everything is a pure function of the record: the same record gives the same bytes today and
//! next year. Nothing is simulated here, and rounding happens in `format` alone.

mod chart;
mod csv;
mod curves;
mod entry;
#[cfg(test)]
mod fixture;
mod format;
mod hours;
mod html;
mod markdown;
mod measure;
mod ranking;
mod reading;
mod verdict;
mod weights;
mod write;

use std::collections::BTreeMap;

pub use ranking::ranking;
pub use write::{ReportError, check_folder, write};

use crate::record::Record;
use crate::trace::profile::Profile;
use html::Charts;
use reading::Reading;

/// The page that says that everything beside it is there; written last.
pub const PAGE: &str = "index.html";

/// Renders every file that is made from a record: their paths within the output folder (with `/`),
/// and their bytes. `record.json` itself is not among them.
pub fn render(record: &Record) -> BTreeMap<String, Vec<u8>> {
    let reading = Reading::new(record);
    let verdict = verdict::verdict(&reading);
    let charts = Charts::draw(&reading);
    let mut files = BTreeMap::from([
        (PAGE.to_owned(), html::page(&reading, &verdict, &charts).into_bytes()),
        ("summary.md".to_owned(), markdown::summary(&reading, &verdict).into_bytes()),
        ("cells.csv".to_owned(), csv::cells(record)),
        ("series.csv".to_owned(), csv::series(record)),
    ]);
    for svg in charts.drawn() {
        files.insert(format!("plots/{}.svg", svg.name), svg.file().into_bytes());
    }
    files
}

/// One page about a trace, before it is played: one file that needs no network and no script.
pub fn profile_page(profile: &Profile) -> String {
    html::profile::page(profile)
}

/// One JSON document that says what the terminal's table says: the record without its series.
pub fn brief_json(record: &Record) -> String {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    let cells = value.get_mut("cells").and_then(serde_json::Value::as_array_mut);
    for cell in cells.into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
        cell.remove("series");
    }
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

/// The verdict in one sentence, as the page and the summary say it.
pub fn verdict_sentence(record: &Record) -> String {
    verdict::verdict(&Reading::new(record)).sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
        String::from_utf8(files[name].clone()).unwrap()
    }

    /// Checks that tags are closed in order and attributes quoted; void elements of HTML are known.
    fn check_markup(name: &str, markup: &str) {
        const VOID: [&str; 3] = ["meta", "link", "input"];
        let mut open: Vec<&str> = Vec::new();
        let mut rest = markup;
        while let Some(start) = rest.find('<') {
            rest = &rest[start + 1..];
            let end = rest.find('>').unwrap_or_else(|| panic!("{name}: a tag does not end"));
            let tag = &rest[..end];
            assert!(!tag.contains('<'), "{name}: < within <{tag}>");
            assert!(tag.matches('"').count().is_multiple_of(2), "{name}: quotes in <{tag}>");
            rest = &rest[end + 1..];
            let word = tag.split([' ', '\n', '/']).next().unwrap();
            match tag.strip_prefix('/') {
                Some(closing) => assert_eq!(open.pop(), Some(closing), "{name}: </{closing}>"),
                None if tag.starts_with('!') || tag.ends_with('/') || VOID.contains(&word) => {}
                None => open.push(word),
            }
            if word == "script" || word == "style" {
                let close = rest.find(&format!("</{word}>")).unwrap();
                rest = &rest[close..];
            }
        }
        assert!(open.is_empty(), "{name}: {open:?} stay open");
    }

    #[test]
    fn the_same_record_gives_the_same_bytes() {
        for (name, record) in fixture::all() {
            assert_eq!(render(&record), render(&record.clone()), "{name}");
        }
    }

    #[test]
    fn every_awkward_record_gives_sound_pages_and_charts() {
        for (name, record) in fixture::all() {
            for (path, bytes) in render(&record) {
                let text = String::from_utf8(bytes).unwrap();
                for wrong in ["NaN", ">inf", " inf ", "None", "Some(", "-0 "] {
                    let in_script = path == PAGE && wrong == "NaN";
                    let visible = if in_script { text.split("<script>").next().unwrap() } else { &text };
                    assert!(!visible.contains(wrong), "{name}/{path} says {wrong}");
                }
                if path == PAGE || path.starts_with("plots/") {
                    check_markup(&format!("{name}/{path}"), &text);
                }
            }
        }
    }

    #[test]
    fn names_of_others_stay_text() {
        let files = render(&fixture::hostile());
        for (path, bytes) in &files {
            let text = String::from_utf8(bytes.clone()).unwrap();
            for wrong in ["<script>alert", "<img", "<svg onload", "</td><script", "<b>reason"] {
                assert!(
                    matches!(path.as_str(), "cells.csv" | "series.csv") || !text.contains(wrong),
                    "{path} holds {wrong}"
                );
            }
        }
        let page = text(&files, PAGE);
        assert_eq!((page.matches("<script").count(), page.matches("<style").count()), (1, 1));
    }

    #[test]
    fn the_page_asks_for_nothing_and_runs_nothing_but_its_own() {
        let page = text(&render(&fixture::thumbnails()), PAGE);
        let policy = page.find("Content-Security-Policy").unwrap();
        assert!(policy < page.find("<style").unwrap());
        for wrong in [" style=", " onclick=", " onload=", "src=", "@import", "url(", "https://"] {
            assert!(!page.contains(wrong), "{wrong}");
        }
        let addresses = page.matches("http://").count();
        assert_eq!(addresses, page.matches("http://www.w3.org/2000/svg").count());
    }

    #[test]
    fn every_link_within_the_page_leads_somewhere_and_ids_are_unique() {
        for (name, record) in fixture::all() {
            let page = text(&render(&record), PAGE);
            let named = |key: &str| -> Vec<String> {
                let parts = page.split(key).skip(1);
                parts.map(|part| part.split('"').next().unwrap().to_owned()).collect()
            };
            let mut ids = named(" id=\"");
            for link in named("href=\"#") {
                assert!(ids.contains(&link), "{name}: #{link}");
            }
            let all = ids.len();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), all, "{name}: ids occur twice");
        }
    }

    #[test]
    fn numbers_of_charts_stand_in_tables_too() {
        let record = fixture::thumbnails();
        let page = text(&render(&record), PAGE);
        let tables: String =
            page.split("<table").skip(1).map(|part| part.split("</table>").next().unwrap()).collect();
        for cell in &record.cells {
            for value in [cell.memory.mean_bytes, cell.origin.mean_rate, cell.stampedes.per_hour] {
                assert!(tables.contains(&format!("value=\"{value}\"")), "{}: {value}", cell.id);
            }
        }
    }

    #[test]
    fn a_typical_page_stays_small() {
        let page = render(&fixture::thumbnails())[PAGE].len();
        assert!(page < 400_000, "{page} bytes");
    }
}
