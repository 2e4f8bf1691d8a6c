//! One page about a trace: what `ttlab trace stat --html` writes. One file, no network, no script.

mod time;

use askama::Template;

use super::finished;
use super::grid::{Table, Td};
use super::policy::policy;
use crate::report::chart::{self, ChartError, Svg, profile as charts};
use crate::report::format;
use crate::report::measure::Unit;
use crate::trace::profile::{Profile, Quantiles};

/// A chart with its explanation.
struct Figure {
    label: &'static str,
    chart: Result<String, String>,
    shows: &'static str,
    caveat: String,
}

/// A section.
struct Part {
    id: &'static str,
    title: &'static str,
    figures: Vec<Figure>,
    tables: Vec<Table>,
}

#[derive(Template)]
#[template(path = "profile.html", config = ".config/askama.toml")]
struct Page<'a> {
    policy: String,
    style: String,
    name: String,
    tiles: Vec<(&'static str, Td)>,
    fit: Vec<&'a str>,
    parts: Vec<Part>,
}

/// Renders the page. Files are named without their folders: a page tells no one's folders.
pub(in crate::report) fn page(profile: &Profile) -> String {
    let style = format!(":root{{{}}}\n{}", chart::palette::css(), include_str!("../page.css"));
    let page = Page {
        policy: policy(&style, ""),
        style,
        name: format::shortened(&names(&profile.input.file), 120),
        tiles: tiles(profile),
        fit: profile.fit.iter().chain(&profile.input.notes).map(String::as_str).collect(),
        parts: parts(profile),
    };
    finished(&page)
}

fn names(files: &str) -> String {
    let last = |file: &str| file.rsplit(['/', '\\']).next().unwrap_or(file).to_owned();
    files.split(", ").map(last).collect::<Vec<_>>().join(", ")
}

fn parts(profile: &Profile) -> Vec<Part> {
    vec![
        Part {
            id: "popularity-part",
            title: "Popularity",
            figures: vec![figure(
                "popularity",
                charts::popularity(profile).map(|svg| (svg, String::new())),
                "Requests for each object by its rank. A Zipf law is a straight line here; the dashed line is the one \
                 that is most likely.",
            )],
            tables: vec![popularity(profile), hottest(profile)],
        },
        Part {
            id: "sizes-part",
            title: "Sizes",
            figures: vec![figure(
                "sizes",
                charts::sizes(profile).map(|svg| (svg, String::new())),
                "How many objects, and how many requests, are for objects up to a size. Where the line of requests \
                 lies further left, small objects are more popular.",
            )],
            tables: vec![sizes(profile)],
        },
        Part {
            id: "reuse-part",
            title: "Inter-arrival and reuse",
            figures: vec![figure(
                "time between requests",
                charts::gaps(profile).map(|svg| (svg, String::new())),
                "The time from one request to the next, and to the next for the same object. A sliding TTL answers \
                 the share of repeats that lies left of it.",
            )],
            tables: vec![gaps(profile), ttl_preview(profile)],
        },
        Part {
            id: "time-part",
            title: "Over time",
            figures: vec![
                figure(
                    "rate over time",
                    charts::rate(profile),
                    "Requests per minute from the first request to the last.",
                ),
                figure(
                    "working set over time",
                    charts::working_set(profile),
                    "Different objects within each window, and all that have been asked for so far. What rises to \
                     the end is never held whole by any cache that began empty.",
                ),
            ],
            tables: vec![time::rates(profile), time::instants(profile), time::busiest(profile)],
        },
        Part { id: "classes-part", title: "Classes", figures: Vec::new(), tables: vec![classes(profile)] },
        Part {
            id: "changes-part",
            title: "Changes and TTLs",
            figures: Vec::new(),
            tables: [Some(updates(profile)), ttls(profile)].into_iter().flatten().collect(),
        },
        Part {
            id: "input-part",
            title: "Input",
            figures: Vec::new(),
            tables: [Some(input(profile)), operations(profile), skipped(profile)]
                .into_iter()
                .flatten()
                .collect(),
        },
    ]
}

fn figure(label: &'static str, drawn: Result<(Svg, String), ChartError>, shows: &'static str) -> Figure {
    let caveat = drawn.as_ref().map(|(_, caveat)| caveat.clone()).unwrap_or_default();
    let chart = drawn.map(|(svg, _)| svg.inline()).map_err(|error| error.to_string());
    Figure { label, chart, shows, caveat }
}

fn tiles(profile: &Profile) -> Vec<(&'static str, Td)> {
    let (objects, time) = (&profile.objects, &profile.time);
    vec![
        ("requests", Td::count(objects.requests)),
        ("objects", Td::count(objects.objects)),
        ("span", Td::number(time.span_s, Unit::Seconds)),
        ("compulsory miss ratio", Td::number(objects.compulsory_miss_ratio, Unit::Share)),
        ("best hit ratio", Td::number(objects.best_hit_ratio, Unit::Share)),
        (
            "asked for once",
            Td {
                more: format!("{} objects", format::count(objects.one_hit_objects)),
                ..Td::share(objects.one_hit_objects, objects.objects)
            },
        ),
        ("all objects", Td::number(profile.sizes.unique_bytes as f64, Unit::Bytes)),
        ("mean rate", rate(profile.rates.mean_per_s, period(profile.rates.mean_per_s.unwrap_or(0.0)))),
    ]
}

/// A unit of time, and its length in seconds.
type Period = (&'static str, f64);

/// The shortest unit of time in which a rate is at least one.
fn period(per_second: f64) -> Period {
    const PERIODS: [Period; 4] = [("s", 1.0), ("min", 60.0), ("h", 3_600.0), ("d", 86_400.0)];
    PERIODS.into_iter().find(|(_, length)| per_second * length >= 1.0).unwrap_or(PERIODS[3])
}

/// A rate that people can picture: `19.1/d` rather than `0.000221/s`. The value beside it is per second.
fn rate(per_second: impl Into<Option<f64>>, (name, length): Period) -> Td {
    let per_second = per_second.into();
    let td = Td::number(per_second, Unit::Rate);
    let text = per_second.map(|rate| format!("{}/{name}", format::number(rate * length)));
    Td { text: text.unwrap_or_else(|| td.text.clone()), ..td }
}

fn popularity(profile: &Profile) -> Table {
    let objects = &profile.objects;
    let mut table = Table::new("popularity-table", "Concentration", &["figure", "value#"]);
    let alpha =
        |of: fn(&crate::trace::profile::Popularity) -> Option<f64>| profile.popularity.as_ref().and_then(of);
    for (name, value, unit) in [
        ("Zipf exponent by maximum likelihood", alpha(|p| Some(p.alpha_mle)), Unit::Number),
        (
            "Zipf exponent by least squares, objects with 2 or more requests",
            alpha(|p| p.alpha_least_squares),
            Unit::Number,
        ),
        ("requests for the most popular object", objects.top_1, Unit::Share),
        ("requests for the 10 most popular objects", objects.top_10, Unit::Share),
        ("requests for the most popular 1 % of objects", objects.top_1_percent, Unit::Share),
        ("requests for the most popular 10 % of objects", objects.top_10_percent, Unit::Share),
        ("objects asked for once, of all objects", objects.one_hit_share_of_objects, Unit::Share),
        ("requests for these, of all requests", objects.one_hit_share_of_requests, Unit::Share),
    ] {
        table.row(vec![Td::heading(name), Td::number(value, unit)]);
    }
    table
}

fn hottest(profile: &Profile) -> Table {
    let caption = "The most popular keys, and how many requests one expiry of theirs meets";
    let mut table =
        Table::new("hottest", caption, &["key", "rate#", "origin takes 100 ms#", "origin takes 1 s#"]);
    // One unit for all, so that they can be compared: that of the most popular.
    let most = profile.stampede_preview.iter().map(|hot| hot.rate_per_s).fold(0.0, f64::max);
    for hot in &profile.stampede_preview {
        table.row(vec![
            Td::heading(hot.key.clone()),
            rate(hot.rate_per_s, period(most)),
            Td::number(hot.crowd_at_100ms, Unit::Number),
            Td::number(hot.crowd_at_1s, Unit::Number),
        ]);
    }
    table
}

const PERCENTILES: [&str; 9] = ["figure", "p10#", "p25#", "p50#", "p75#", "p90#", "p99#", "max#", "mean#"];

fn quantiles(name: &str, spread: &Quantiles, unit: Unit) -> Vec<Td> {
    let Quantiles { p10, p25, p50, p75, p90, p99, max, mean } = *spread;
    let values = [p10, p25, p50, p75, p90, p99, max, mean];
    std::iter::once(Td::heading(name)).chain(values.map(|value| Td::number(value, unit))).collect()
}

fn sizes(profile: &Profile) -> Table {
    let sizes = &profile.sizes;
    let mut table = Table::new("sizes-table", "Sizes", &PERCENTILES);
    table.row(quantiles("of objects", &sizes.per_object, Unit::Bytes));
    table.row(quantiles("of requests", &sizes.per_request, Unit::Bytes));
    let mut note = format!(
        "All objects together have {}; all requests ask for {}.",
        format::bytes(sizes.unique_bytes as f64),
        format::bytes(sizes.requested_bytes as f64)
    );
    for (count, what) in [
        (sizes.imputed_objects, "Objects whose size is assumed"),
        (sizes.objects_with_several_sizes, "Objects with several recorded sizes"),
    ] {
        if count > 0 {
            note = format!("{note} {what}: {}.", format::count(count));
        }
    }
    table.notes.push(note);
    table
}

fn gaps(profile: &Profile) -> Table {
    let mut table = Table::new("gaps-table", "Time between requests", &PERCENTILES);
    table.row(quantiles("any object", &profile.rates.gaps_s, Unit::Seconds));
    table.row(quantiles("same object", &profile.reuse.gaps_s, Unit::Seconds));
    table.notes.push(format!(
        "{} of the repeats come at the same instant as the one before; {} times there are several requests for one \
         object within a second, at most {}.",
        format::percent(profile.reuse.zero_share),
        format::count(profile.reuse.shared_seconds),
        format::count(profile.reuse.most_in_a_second)
    ));
    table
}

fn ttl_preview(profile: &Profile) -> Table {
    let caption = "Hit ratio by TTL, with unlimited capacity and an origin without latency";
    let mut table =
        Table::new("ttl-preview", caption, &["TTL", "fixed#", "if Poisson#", "sliding#", "if Poisson#"]);
    for preview in &profile.ttl_preview {
        table.row(vec![
            Td::heading(format::duration(preview.ttl.as_secs_f64())),
            Td::number(preview.fixed, Unit::Share),
            Td::number(preview.fixed_if_poisson, Unit::Share),
            Td::number(preview.sliding, Unit::Share),
            Td::number(preview.sliding_if_poisson, Unit::Share),
        ]);
    }
    table.notes.push("What lies between a column and the one beside it is burstiness.".to_owned());
    table
}

fn classes(profile: &Profile) -> Table {
    let heads = ["class", "objects#", "requests#", "bytes#", "size p50#", "size p99#", "best hit ratio#"];
    let mut table = Table::new("classes-table", "Classes", &heads);
    for class in &profile.classes {
        table.row(vec![
            Td::heading(class.name.clone()),
            Td::count(class.objects),
            Td::share(class.requests, profile.objects.requests),
            Td::number(class.bytes as f64, Unit::Bytes),
            Td::number(class.sizes.p50, Unit::Bytes),
            Td::number(class.sizes.p99, Unit::Bytes),
            Td::number(class.best_hit_ratio, Unit::Share),
        ]);
    }
    table
}

fn updates(profile: &Profile) -> Table {
    let updates = &profile.updates;
    let mut table = Table::new("updates", "Evidence of changes", &["figure", "value#"]);
    let mut row = |name: &str, td: Td| table.row(vec![Td::heading(name), td]);
    row("recorded writes", Td::count(updates.writes));
    row("recorded deletions", Td::count(updates.deletions));
    row("writes and deletions per hour", Td::number(updates.updates_per_hour, Unit::Number));
    row("writes and deletions per request", Td::number(updates.updates_per_request, Unit::Number));
    row("last modifications later than the last one known", Td::count(updates.modifications));
    row("the same per request", Td::number(updates.modifications_per_request, Unit::Number));
    row("responses whose size differs from the last", Td::count(updates.size_changes));
    row("objects with several sizes", Td::count(updates.objects_with_several_sizes));
    table.notes.push(
        "But for last modifications this is no proof: a write may put back what was there, and a smaller size may be an \
         aborted transfer."
            .to_owned(),
    );
    table
}

fn ttls(profile: &Profile) -> Option<Table> {
    let ttls = profile.ttls.as_ref()?;
    let mut table = Table::new("ttls-table", "Recorded TTLs", &["TTL", "records#", "share#"]);
    for common in &ttls.common {
        let ttl = if common.ttl == crate::units::SimDuration::FOREVER {
            "none".to_owned()
        } else {
            format::duration(common.ttl.as_secs_f64())
        };
        table.row(vec![Td::heading(ttl), Td::count(common.records), Td::number(common.share, Unit::Share)]);
    }
    table.notes.push(format!(
        "{} objects have one; {} of the requests come before any was recorded for their object.",
        format::count(ttls.objects),
        format::percent(ttls.share_of_requests_without)
    ));
    Some(table)
}

fn input(profile: &Profile) -> Table {
    let input = &profile.input;
    let mut table = Table::new("input-table", "How it was read", &["figure", "value"]);
    let mut row = |name: &str, value: String| table.row(vec![Td::heading(name), Td::text(value)]);
    let guessed = if input.format_was_guessed { " (guessed from the content)" } else { "" };
    row("file", names(&input.file));
    row("format", format!("{}{guessed}", input.format));
    row("compression", input.compression.clone());
    row("bytes as it lies there", format::count(input.bytes));
    row("SHA-256", input.sha256.clone());
    row("lines", format::count(input.lines));
    row("requests kept", format::count(input.kept));
    row("bad lines", format::count(input.bad));
    row("spread of whole seconds", input.spread.clone());
    table
}

fn operations(profile: &Profile) -> Option<Table> {
    let input = &profile.input;
    let named = input.operations.iter().filter(|o| o.method.is_some() || o.status.is_some());
    let mut table = Table::new(
        "operations",
        "Lines by method and status",
        &["method", "status#", "lines#", "with an extension that is kept#"],
    );
    for operation in named {
        let status = operation.status.map(|status| status.to_string()).unwrap_or_default();
        table.row(vec![
            Td::heading(operation.method.clone().unwrap_or_default()),
            Td { numeric: true, ..Td::text(status) },
            Td::share(operation.lines, input.lines),
            Td::count(operation.kept_extension),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}

fn skipped(profile: &Profile) -> Option<Table> {
    let heads = ["reason", "lines#", "first line#", "example"];
    let mut table = Table::new("skipped", "Lines that were left out", &heads);
    for (reason, skipped) in &profile.input.skipped {
        let kind = if skipped.is_bad { " (bad)" } else { "" };
        table.row(vec![
            Td::heading(format!("{reason}{kind}")),
            Td::count(skipped.count),
            Td::count(skipped.first_line),
            Td::text(skipped.example.clone()),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::trace::import::{Options, import};

    fn page_of(text: &str) -> String {
        let options = Options { extensions: Some(Vec::new()), ..Options::default() };
        let import = import(text.as_bytes(), "/logs/x/a<b>.csv", &options, Seed::new(1)).unwrap();
        page(&Profile::of(&import))
    }

    fn busy() -> String {
        let line = |i: u32| {
            format!("{},/p/{}?<script>,{},set{},{}\n", i * 7, i % 40 * (i % 3), 100 + i % 9, "", 60 + i % 2)
        };
        let rows: String = (0..900).map(line).collect();
        format!("time_s,key,size,class,ttl\n{rows}")
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere_and_keeps_names_text() {
        let page = page_of(&busy());
        for wrong in
            ["<script", " style=", "src=", "@import", "url(", "https://", "NaN", "None", "/logs/x", "<b>"]
        {
            assert!(!page.contains(wrong), "{wrong}");
        }
        assert!(page.find("Content-Security-Policy").unwrap() < page.find("<style").unwrap());
        assert_eq!(page.matches("<svg ").count(), 5, "every chart is drawn");
        for part in ["a&#60;b&#62;.csv", "Recorded TTLs", "compulsory miss ratio", "Classes"] {
            assert!(page.contains(part), "{part}");
        }
    }

    #[test]
    fn awkward_traces_have_a_page_that_says_what_is_missing() {
        for (text, said) in [
            ("time_s,key,size\n5,/a,9\n", "The trace has one object"),
            ("time_s,key,size\n5,/a,9\n5,/b,9\n5,/a,9\n", "The trace is too short"),
            ("time_s,key\n5,/a\n900000000,/b\n", "No sizes are recorded"),
        ] {
            let page = page_of(text);
            assert!(page.contains(said), "{said}");
            assert!(!page.contains("NaN") && !page.contains(">inf"), "{said}");
        }
    }

    #[test]
    fn ids_are_unique_and_links_lead_somewhere() {
        let page = page_of(&busy());
        let named = |key: &str| -> Vec<String> {
            page.split(key).skip(1).map(|part| part.split('"').next().unwrap().to_owned()).collect()
        };
        let mut ids = named(" id=\"");
        assert!(named("href=\"#").iter().all(|link| ids.contains(link)));
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
