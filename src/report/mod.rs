//! Pages from a record: the HTML report, the summary, tables and charts.
//!
//! Everything is a pure function of the record: the same record gives the same bytes today and
//! next year. Nothing is simulated here, and rounding happens in `format` alone.

mod beside;
mod chart;
mod clockless;
mod columns;
mod compare;
mod cost;
mod csv;
mod curves;
mod design;
mod drill;
mod entry;
#[cfg(test)]
mod fixture;
mod format;
mod further;
mod growth;
mod head;
mod hours;
mod html;
mod index;
mod markdown;
mod measure;
mod needed;
mod parties;
mod plain;
mod planned;
mod ranking;
mod reading;
mod reuse;
mod sampled;
mod sharding;
mod sizing;
mod surface;
pub mod tuned;
mod validation;
mod verdict;
#[cfg(test)]
mod walk;
mod weights;
mod work;
mod write;

use std::collections::BTreeMap;

pub use clockless::clockless_words;
pub use compare::{Comparison, FailOn, FailOnError, Failure};
pub use drill::DrillReport;
pub(crate) use format::{cleaned, sentence};
pub use growth::GrowthReport;
pub use head::head;
pub use index::{IndexError, Indexed, write_index};
pub use ranking::ranking;
pub use sampled::sample_words;
pub use sharding::ClusterReport;
pub use sizing::SizingReport;
pub use surface::Titled;
pub use validation::ValidationReport;
pub use write::{ReportError, check_folder, write, write_all, write_file};

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
    use super::walk::attribute;
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
    fn a_live_record_and_a_sample_are_read_back_as_they_were_written() {
        for record in [fixture::live(), fixture::sampled()] {
            let text = record.to_json();
            let again = Record::from_json(&text).unwrap();
            assert_eq!(again.source, record.source);
            assert!(again.to_json() == text, "a record of {:?} changes when it is read", record.source);
            assert_eq!(render(&again), render(&record));
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
    fn names_of_every_script_have_links_of_their_own() {
        let mut record = fixture::thumbnails();
        let names = ["größe", "gräße", "一小时", "一分钟"];
        for (cell, name) in record.cells.iter_mut().zip(names) {
            cell.strategy = name.into();
        }
        let sweep = "64MiB".to_owned();
        let ids = crate::record::ids(record.cells.iter().map(|cell| [&cell.strategy, &sweep].into_iter()));
        record.cells.iter_mut().zip(ids).for_each(|(cell, id)| cell.id = id);
        let page = text(&render(&record), PAGE);
        for name in names {
            let anchor = format!("cell-{name}-64mib");
            assert_eq!(page.matches(&format!("<tr id=\"{anchor}\"")).count(), 1, "{anchor}");
            assert!(page.contains(&format!("href=\"#{anchor}\"")), "{anchor}");
        }
    }

    #[test]
    fn cells_of_several_policies_are_told_apart_everywhere() {
        let files = render(&fixture::policies());
        let page = text(&files, PAGE);
        let policies = ["allkeys-lru", "allkeys-lfu"];
        let mut tables = 0;
        for table in page.split("<table ").skip(1).map(|rest| rest.split("</table>").next().unwrap()) {
            let heads = table.split("</thead>").next().unwrap();
            if !heads.contains(">strategy<") {
                continue;
            }
            tables += 1;
            for row in table.split("<tr").skip(2) {
                assert!(policies.iter().any(|policy| row.contains(policy)), "{row}");
            }
        }
        assert!(tables > 7, "{tables}");
        let summary = text(&files, "summary.md");
        for row in summary.lines().filter(|line| line.starts_with("| ")).skip(2) {
            assert!(policies.iter().any(|policy| row.contains(policy)), "{row}");
        }
        for chart in [
            "pareto",
            "capacity",
            "weights",
            "series",
            "ttl",
            "stampedes",
            "sizes",
            "episodes",
            "herds",
            "heat",
            "hit-ratio",
            "latency",
        ] {
            let svg = text(&files, &format!("plots/{chart}.svg"));
            let labels: Vec<&str> =
                svg.split("<text ").skip(1).map(|rest| rest.split("</text>").next().unwrap()).collect();
            // What has no room for a policy is cut, and has a tip.
            let named = |label: &&str| label.contains("one hour") && !label.ends_with('…');
            for label in labels.iter().copied().filter(|label| named(label)) {
                assert!(policies.iter().any(|policy| label.contains(policy)), "{chart}: {label}");
            }
            assert!(labels.iter().any(named), "{chart} has labels");
            let tips = svg.split("<title>").skip(1).map(|rest| rest.split('<').next().unwrap());
            for tip in tips.filter(|tip| tip.contains("one hour")) {
                assert!(policies.iter().any(|policy| tip.contains(policy)), "{chart}: {tip}");
            }
        }
    }

    #[test]
    fn numbers_of_charts_stand_in_tables_too() {
        let record = fixture::thumbnails();
        let page = text(&render(&record), PAGE);
        let tables: String =
            page.split("<table").skip(1).map(|part| part.split("</table>").next().unwrap()).collect();
        for cell in &record.cells {
            let stampedes = cell.stampedes.per_hour.unwrap_or_default();
            for value in [cell.memory.mean_bytes, cell.origin.mean_rate, stampedes] {
                assert!(tables.contains(&format!("value=\"{value}\"")), "{}: {value}", cell.id);
            }
        }
    }

    /// Whether a dash in a table of a page, under which head, lacks its reason below.
    fn unexplained_dashes(page: &str) -> Vec<String> {
        let mut found = Vec::new();
        for part in page.split("<table ").skip(1) {
            let (table, after) = part.split_once("</table>").unwrap();
            let notes = after.split("<table ").next().unwrap();
            let head = |place: usize| {
                let head = table.split("<th scope=\"col\"").nth(place + 1).unwrap();
                head.split_once('>').unwrap().1.split('<').next().unwrap().to_owned()
            };
            for row in table.split("<tr").skip(2) {
                let cells = row.split("</td>").flat_map(|part| part.split("</th>"));
                for (place, _) in cells.enumerate().filter(|(_, cell)| cell.ends_with(">—")) {
                    let head = head(place);
                    let told = notes.split("A dash under ").skip(1).any(|note| note.contains(&head));
                    if !told {
                        found.push(format!("{}: {head}", attribute(&format!(" {table}"), "id").unwrap()));
                    }
                }
            }
        }
        found.dedup();
        found
    }

    #[test]
    fn every_dash_in_a_table_has_its_reason() {
        for (name, record) in fixture::all() {
            if matches!(name, "huge" | "hostile") {
                // Numbers that are none, and names that are markup.
                continue;
            }
            let found = unexplained_dashes(&text(&render(&record), PAGE));
            assert!(found.is_empty(), "{name}: {found:?}");
        }
    }

    #[test]
    fn charts_look_as_they_did() {
        let record = fixture::complete();
        for (path, bytes) in render(&record) {
            if let Some(name) = path.strip_prefix("plots/") {
                // One element a line, so that a change can be read.
                let svg = String::from_utf8(bytes).unwrap().replace("><", ">\n<");
                insta::assert_snapshot!(format!("chart_{}", name.trim_end_matches(".svg")), svg);
            }
        }
    }

    #[test]
    fn the_whole_page_has_all_its_elements() {
        let page = text(&render(&fixture::complete()), PAGE);
        for (anchor, _) in html::CONTENTS {
            assert!(page.contains(&format!("<section id=\"{anchor}\"")), "{anchor}");
        }
        assert_eq!(page.matches("<figure").count(), 16);
        assert!(!page.contains("class=\"missing\""), "every chart is drawn");
        for events in
            ["flush at 2:30:00", "maxmemory at 2:31:00: maxmemory of everything", "restart at 3:53:20"]
        {
            assert!(page.contains(events), "{events}");
        }
    }

    #[test]
    fn names_of_any_length_and_direction_leave_the_page_readable() {
        let record = fixture::hostile();
        for (path, bytes) in render(&record) {
            let text = String::from_utf8(bytes).unwrap();
            if !matches!(path.as_str(), "cells.csv" | "series.csv") {
                assert!(!text.contains(format::turns_text), "{path} turns text around");
                assert!(!text.contains(&"name of 10 kB ".repeat(60)), "{path} writes a name of 10 kB out");
            }
        }
        assert!(text(&render(&record), PAGE).len() < 1_000_000);
    }

    #[test]
    fn a_typical_page_stays_small() {
        let page = render(&fixture::thumbnails())[PAGE].len();
        assert!(page < 500_000, "{page} bytes");
    }
}
