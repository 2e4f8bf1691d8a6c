//! Every number of a page is held against the record that it was made from: values, the text beside them, and what the
//! cursor tells.

use std::collections::BTreeSet;

use serde_json::Value;

use super::measure::{Measure, Unit, unit_of};
use super::{PAGE, fixture, format, render};
use crate::record::{Cell, Record, Series};

/// The text of an attribute of a tag.
pub(super) fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.split_once(&format!(" {name}=\"")).map(|(_, rest)| rest.split('"').next().unwrap())
}

/// Text as a page has it, without its escapes.
fn plain(text: &str) -> String {
    let escapes =
        [("&#60;", "<"), ("&#62;", ">"), ("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&quot;", "\"")];
    escapes
        .iter()
        .fold(text.to_owned(), |text, (escape, c)| text.replace(escape, c))
        .replace("&amp;", "&")
        .replace('\u{a0}', " ")
}

/// The number that the record has at a pointer.
fn at(record: &Value, pointer: &str) -> Option<f64> {
    record.pointer(pointer)?.as_f64()
}

/// The number that a row or a tile tells, from what the record has of it: one value, a part of a whole with `:`, and that
/// times a third with `*`.
fn worked_out(record: &Value, place: &str, of: &str) -> Option<f64> {
    let of_place = |of: &str| at(record, &format!("{place}{of}"));
    let (share, times) = of.split_once('*').map_or((of, None), |(share, times)| (share, Some(times)));
    let value = match share.split_once(':') {
        None => of_place(share)?,
        // Nothing of nothing.
        Some((part, whole)) if times.is_some() && of_place(whole)? == 0.0 => of_place(part)?,
        Some((part, whole)) => of_place(part)? / of_place(whole)?,
    };
    Some(times.map_or(Some(1.0), of_place)? * value)
}

/// The numbers of a page that were held against the record, and those that could not be: table and column.
#[derive(Debug, Default)]
struct Walk {
    values: usize,
    texts: usize,
    /// Differences to a baseline.
    changes: usize,
    /// Intervals beside values and differences.
    intervals: usize,
    others: Vec<(String, String)>,
}

/// How a value is written that the record has at `of`: one pointer, or two for a part and its whole.
fn printed(json: &Value, of: &str, value: f64) -> String {
    let (first, second) = of.split_once(':').map_or((of, None), |(first, second)| (first, Some(second)));
    if first.contains("/paired/") {
        return change(json, first, value);
    }
    if of.contains('*') {
        return Unit::ByteRate.print(Some(value));
    }
    let mut fields = first.rsplit('/');
    let field = fields.next().unwrap();
    // A place in a column.
    let field = if field.parse::<usize>().is_ok() { fields.next().unwrap() } else { field };
    let ends = |ends: &[&str]| ends.iter().any(|end| field.ends_with(end));
    let unit = match field {
        // Scores stand below each other, all with as many decimals.
        "score" => return format!("{value:.3}"),
        // In seconds from the first request on.
        "start_s" => return format::instant(value),
        "value" => {
            let metric = json.pointer(&first.replace("/value", "/metric")).and_then(Value::as_str);
            unit_of(metric.unwrap())
        }
        "count" => Unit::Number,
        "fresh_hit_error" => return format::half_points(value),
        "origin_rate" => Unit::Rate,
        _ if ends(&["_per_s"]) => Unit::Number,
        "mean" if first.contains("/ratios/") => Unit::Share,
        _ if first.contains("/latency") => Unit::Millis,
        _ if first.contains("/breakdown/") || ends(&["_bytes", "bytes"]) => Unit::Bytes,
        _ if first.contains("/capacity/") => return format!("{} objects", format::number(value)),
        _ if first.contains("/origin/") && ends(&["_rate"]) => Unit::Rate,
        _ if first.contains("/commands/") => Unit::Number,
        _ if second.is_some() || ends(&["_hit", "hit", "_share", "_ratio"]) => Unit::Share,
        _ if ends(&["_s"]) => Unit::Seconds,
        _ => Unit::Number,
    };
    unit.print(Some(value))
}

/// How a difference to the baseline is written that the record has at `/cells/5/paired/fresh_hit/mean`.
fn change(json: &Value, of: &str, value: f64) -> String {
    let difference = of.strip_suffix("/mean").unwrap();
    if json.pointer(&format!("{difference}/indistinguishable")) == Some(&Value::Bool(true)) {
        return "indistinguishable".to_owned();
    }
    let amount = match of_baseline(json, difference) {
        None => format::points(value),
        Some(base) => format::relative(value / base),
    };
    let arrow = if amount.starts_with('±') { "" } else { format::arrow(value) };
    format!("{arrow}{amount}")
}

/// What the baseline has of the measure of a difference; `None` of a share, whose differences are told in points.
fn of_baseline(json: &Value, difference: &str) -> Option<f64> {
    let (cell, key) = difference.split_once("/paired/").unwrap();
    let path = match key {
        _ if unit_of(key) == Unit::Share => return None,
        "memory" => "memory/mean_bytes",
        "origin_bytes_rate" => "origin/bytes:/origin/fetches*/origin/mean_rate",
        "peak_origin_rate" => "origin/peak_rate",
        "stampedes" => "stampedes/per_hour",
        "p99" => "latency_ms/p99",
        _ => panic!("it is not known where the baseline has {key}"),
    };
    let beside = json.pointer(cell).unwrap();
    let is_base = |one: &&Value| one["baseline"] == true && one["capacity"] == beside["capacity"];
    let base = json["cells"].as_array().unwrap().iter().find(is_base).unwrap();
    worked_out(base, "", &format!("/{path}"))
}

/// How half the width of the interval is written around the mean that the record has at `of`.
fn half_of(json: &Value, of: &str, mean: f64) -> String {
    let end = |end: &str| at(json, &of.replace("/mean", end)).unwrap();
    let base =
        of.strip_suffix("/mean").filter(|of| of.contains("/paired/")).and_then(|of| of_baseline(json, of));
    match base {
        Some(base) => format::relative((end("/high") - end("/low")) / 2.0 / base).replace('+', ""),
        None => format::half_points((mean - end("/low")).max(end("/high") - mean)),
    }
}

/// The difference to the baseline below the value that a cell of the record has at `path`, and where the record has it.
fn below<'t>(text: &'t str, cell: &str, path: &str) -> Option<(&'t str, String)> {
    let (_, small) = text.split_once("<small")?;
    let (_, data) = small.split_once("<data ")?;
    let measure = Measure::at(path).unwrap_or_else(|| panic!("{path} is that of no measure"));
    Some((data, format!("{cell}/paired/{}/mean", measure.key)))
}

/// Walks every number of a page that says where the record has it.
fn walk(name: &str, record: &Record, page: &str) -> Walk {
    let json: Value = serde_json::from_str(&record.to_json()).unwrap();
    let mut walk = Walk::default();
    let mut same = |data: &str, of: &str, expected: Option<f64>| {
        let (tag, rest) = data.split_once('>').unwrap();
        let shown = attribute(&format!(" {tag}"), "value").unwrap().parse::<f64>().ok();
        assert_eq!(shown, expected, "{name}: {of}");
        walk.values += 1;
        let text = plain(rest.split("</data>").next().unwrap());
        let value = expected.unwrap();
        let (told, beside) =
            text.split_once(" ± ").map_or((text.as_str(), None), |(told, rest)| (told, Some(rest)));
        assert_eq!(told, printed(&json, of, value), "{name}: the text of {of}, which is {value}");
        walk.texts += 1;
        // That of a difference stands behind its number, before the word for it.
        let behind = rest.split("</data>").nth(1).and_then(|rest| rest.split('<').next()).map(plain);
        let behind = behind.filter(|_| of.contains("/paired/"));
        let behind = behind.as_deref().and_then(|rest| rest.strip_prefix(" ± ")?.split(", ").next());
        if let Some(within) = beside.or(behind) {
            assert_eq!(within, half_of(&json, of, value), "{name}: the interval of {of}");
            walk.intervals += 1;
        }
    };
    for data in page.split("<data ").skip(1) {
        if let Some(of) = attribute(&format!(" {}", data.split('>').next().unwrap()), "data-of") {
            // A tile of what is worked out of several values of its cell.
            let place =
                of.match_indices('/').nth(2).filter(|_| of.contains(':')).map_or(0, |(place, _)| place);
            same(data, of, worked_out(&json, &of[..place], &of[place..]));
        }
    }
    // Below a value stands its difference to the baseline's: in a tile, whose value says where it is from, and in a table,
    // whose row and column do.
    for tile in page.split("<dd>").skip(1).map(|rest| rest.split("</dd>").next().unwrap()) {
        let Some(of) = attribute(tile, "data-of") else { continue };
        let path = of.match_indices('/').nth(2).unwrap().0;
        if let Some((data, of)) = below(tile, &of[..path], &of[path..]) {
            same(data, &of, at(&json, &of));
            walk.changes += 1;
        }
    }
    let mut others = Vec::new();
    for table in page.split("<table ").skip(1).map(|rest| rest.split("</table>").next().unwrap()) {
        let tag = format!(" {table}");
        let id = attribute(&tag, "id").unwrap();
        let heads: Vec<(Option<&str>, String)> = table
            .split("<th scope=\"col\"")
            .skip(1)
            .map(|rest| rest.split_once('>').unwrap())
            .map(|(tag, rest)| (attribute(tag, "data-of"), plain(rest.split("</th>").next().unwrap())))
            .collect();
        for row in table.split("<tr").skip(2) {
            let place = attribute(row.split('>').next().unwrap(), "data-at");
            let cells = row.split("</td>").flat_map(|part| part.split("</th>"));
            for (cell, (of, head)) in cells.zip(&heads) {
                let Some((_, data)) = cell.split_once("<data ") else { continue };
                if attribute(&format!(" {}", data.split('>').next().unwrap()), "data-of").is_some() {
                    continue;
                }
                if let Some((data, of)) = place.zip(*of).and_then(|(place, of)| below(cell, place, of)) {
                    same(data, &of, at(&json, &of));
                    walk.changes += 1;
                }
                match (place, of) {
                    (Some(place), Some(of)) => {
                        same(data, &format!("{place}{of}"), worked_out(&json, place, of));
                    }
                    (Some(place), None) if head == "memory limit" => {
                        // A class or a party stands below its cell.
                        let cell: Vec<&str> = place.split('/').take(3).collect();
                        let limit = json.pointer(&format!("{}/capacity", cell.join("/"))).unwrap();
                        let (unit, limit) = limit.as_object().unwrap().iter().next().unwrap();
                        same(data, &format!("{}/capacity/{unit}", cell.join("/")), limit.as_f64());
                    }
                    _ => others.push((id.to_owned(), head.clone())),
                }
            }
        }
    }
    others.sort();
    others.dedup();
    walk.others = others;
    walk
}

#[test]
fn every_number_on_the_page_is_the_record_s() {
    // Tables, and how the heads of their columns begin whose numbers are worked out from the record: ranks, room, shares
    // of hours, weights and requests, the first and the last of a series, and counts by reason.
    const WORKED_OUT: [(&str, &str); 16] = [
        ("ranking", "rank"),
        ("memory-table", "room below the limit"),
        ("entry-table", "per entry"),
        ("weights-table", "its share now"),
        ("weights-table", "from"),
        ("weights-table", "to"),
        ("ttl-table", "memory limit"),
        ("ttl-table", "at first"),
        ("ttl-table", "at the end"),
        ("ttl-table", "least"),
        ("ttl-table", "greatest"),
        ("ttl-table", "at a limit"),
        ("hours-table", ""),
        ("reuse-table", "so soon or sooner"),
        ("reuse-table", "a"),
        ("skipped", "lines"),
    ];
    let mut used = BTreeSet::new();
    for (name, record) in [("complete", fixture::complete()), ("thumbnails", fixture::thumbnails())] {
        let page = String::from_utf8(render(&record)[PAGE].clone()).unwrap();
        let walk = walk(name, &record, &page);
        assert!(walk.values > 400 && walk.texts == walk.values, "{name}: only {} numbers", walk.values);
        // Of four cells beside a baseline, in as many measures at least.
        assert!(walk.changes >= 16, "{name}: only {} differences to the baseline", walk.changes);
        assert!(walk.intervals > 0, "{name}: no interval");
        for (id, head) in &walk.others {
            let known = WORKED_OUT.iter().position(|(table, column)| table == id && head.starts_with(column));
            let known = known.unwrap_or_else(|| panic!("{name}: {id}, {head} does not say where it is from"));
            used.insert(known);
        }
    }
    assert_eq!(used.len(), WORKED_OUT.len(), "each is needed: {used:?}");
}

#[test]
fn the_walk_finds_a_number_or_a_text_that_was_changed() {
    let record = fixture::complete();
    let page = String::from_utf8(render(&record)[PAGE].clone()).unwrap();
    let mean = record.cells[0].memory.mean_bytes;
    let value = format!("value=\"{mean}\"");
    let text = format!(">{}</data>", Unit::Bytes.print(Some(mean)));
    let (change, other) = (">▲ +3.0 points</data>", ">▲ +2.0 points</data>");
    let (within, wider) =
        ("</data> ±\u{a0}0.20\u{a0}pt,\u{a0}better", "</data> ±\u{a0}0.90\u{a0}pt,\u{a0}better");
    let wrongs =
        [(value.as_str(), "value=\"1\""), (text.as_str(), ">1 B</data>"), (change, other), (within, wider)];
    for (right, wrong) in wrongs {
        let changed = page.replacen(right, wrong, 1);
        assert_ne!(page, changed, "{right} is there");
        assert!(std::panic::catch_unwind(|| walk("changed", &record, &changed)).is_err(), "{right}");
    }
}

/// What the cursor tells of a line: the title of its panel, its name, its values, and those of the edge of its band.
type Told = (String, String, Vec<Option<f64>>, Option<Vec<Option<f64>>>);

/// All that the cursor tells on a page.
fn cursor(page: &str) -> Vec<Told> {
    let (mut title, mut told) = (String::new(), Vec::new());
    for tag in page.split("<g").skip(1).map(|rest| rest.split('>').next().unwrap()) {
        if let Some(of) = attribute(tag, "data-title") {
            title = plain(of);
        }
        let list = |name| {
            let values = attribute(tag, name)?.split(',');
            Some(values.map(|value| value.parse().ok()).collect::<Vec<Option<f64>>>())
        };
        if let Some(values) = list("data-v") {
            told.push((title.clone(), plain(attribute(tag, "data-k").unwrap()), values, list("data-w")));
        }
    }
    told
}

/// What the record says of a panel's line in columns of `group` buckets: its values and the edge of its band.
fn recorded(cell: &Cell, title: &str, group: usize) -> (Vec<Option<f64>>, Option<Vec<Option<f64>>>) {
    let series: &Series = &cell.series;
    let sum = |values: &[f64]| values.iter().sum::<f64>();
    let sums = |values: &[f64]| values.chunks(group).map(sum).collect::<Vec<f64>>();
    let means = |values: &[f64]| -> Vec<Option<f64>> {
        values.chunks(group).map(|part| Some(sum(part) / part.len() as f64)).collect()
    };
    let rates = |values: &[f64]| {
        means(values).into_iter().map(|mean| mean.map(|mean| mean / series.bucket_s)).collect::<Vec<_>>()
    };
    let most = |values: &[u64]| -> Vec<Option<f64>> {
        values.chunks(group).map(|part| part.iter().max().map(|most| *most as f64)).collect()
    };
    let of = |start: &str| title.starts_with(start);
    if of("fresh hits") {
        let all = sums(&series.requests);
        let shares = sums(&series.fresh_hit).into_iter().zip(all);
        return (shares.map(|(hits, all)| (all > 0.0).then(|| hits / all)).collect(), None);
    }
    if of("memory of live entries") {
        let all: Vec<f64> = series
            .live_bytes
            .iter()
            .zip(&series.expired_bytes)
            .map(|(live, expired)| live + expired)
            .collect();
        return (means(&series.live_bytes), Some(means(&all)));
    }
    if of("origin fetches per second") {
        return (rates(&series.fetches), Some(most(&series.peak_fetch_rate)));
    }
    let values = match title {
        _ if of("origin fetches in flight") => most(&series.peak_in_flight),
        _ if of("servers of the origin") => means(&series.utilisation),
        _ if of("fetches waiting") => means(&series.queue_mean),
        _ if of("entries whose TTL ran out") => rates(&series.expired),
        _ if of("entries evicted") => rates(&series.evicted),
        _ if of("duplicates, ") => sums(&series.duplicate_fetches).into_iter().map(Some).collect(),
        _ if of("commands") => {
            let kinds = series.commands.kinds();
            let sent = |bucket: usize| kinds.iter().filter_map(|(_, column)| column.get(bucket)).sum::<f64>();
            rates(&(0..series.requests.len()).map(sent).collect::<Vec<f64>>())
        }
        _ => panic!("{title} is a panel that nothing is compared with"),
    };
    (values, None)
}

/// The TTLs of one trajectory by columns of equal length: means, or the latest before.
fn steered(cell: &Cell, line: &str, span: f64, columns: usize) -> Vec<Option<f64>> {
    let named = |of: &&crate::record::Trajectory| {
        of.class.as_deref() == Some(line) || (of.class.is_none() && (of.name == line || line == "all"))
    };
    let steers = cell.trajectories.iter().any(|of| of.pinned_share.is_some());
    let kind = |of: &&crate::record::Trajectory| of.pinned_share.is_some() == steers;
    let trajectory =
        cell.trajectories.iter().filter(kind).find(named).unwrap_or_else(|| panic!("nothing steers {line}"));
    let of = |column: usize| {
        let within = |at: f64| (0..columns).find(|nth| at < (nth + 1) as f64 * (span / columns as f64));
        let points = || trajectory.times_s.iter().zip(&trajectory.ttl_s).map(|(at, ttl)| (within(*at), *ttl));
        let last = points().filter_map(|(place, _)| place.filter(|place| *place <= column)).max()?;
        let here: Vec<f64> = points().filter(|(place, _)| *place == Some(last)).map(|(_, ttl)| ttl).collect();
        Some(here.iter().sum::<f64>() / here.len() as f64).filter(|mean| mean.is_finite())
    };
    (0..columns).map(of).collect()
}

#[test]
fn every_value_that_the_cursor_tells_is_the_record_s() {
    for (name, record) in [("complete", fixture::complete()), ("thumbnails", fixture::thumbnails())] {
        let page = String::from_utf8(render(&record)[PAGE].clone()).unwrap();
        let winner = &record.cells[record.scoring.winner.unwrap()];
        let group = winner.series.requests.len().div_ceil(240);
        let all = cursor(&page);
        let told = |title: &str| all.iter().filter(|line| line.0.starts_with(title)).count();
        assert_eq!((told("fresh hits"), told("duplicates, ")), (3, 3), "{name}");
        let mut compared = 0;
        for (title, line, values, edge) in all {
            // Strips of TTLs are of one strategy each, with a line for whatever is steered.
            let strip =
                title.split_once(": ").filter(|(_, what)| what.contains(" TTL ") || what.contains("steers"));
            let of = strip.map_or(line.as_str(), |(strategy, _)| strategy);
            let beside = |cell: &&Cell| cell.capacity == winner.capacity && cell.strategy == of;
            let cell = record.cells.iter().find(beside).unwrap_or_else(|| panic!("{name}: no cell of {of}"));
            let (expected, expected_edge) = match strip {
                Some(_) => (steered(cell, &line, record.trace.span_s, values.len()), None),
                None => recorded(cell, &title, group),
            };
            let lists = [(Some(values), Some(expected)), (edge, expected_edge)];
            for (told, expected) in lists {
                assert_eq!(told.as_ref().map(Vec::len), expected.as_ref().map(Vec::len), "{name}: {title}");
                for (told, expected) in told.into_iter().flatten().zip(expected.into_iter().flatten()) {
                    let near = |told: f64, expected: f64| (told - expected).abs() <= expected.abs() * 5.1e-9;
                    let same = match (told, expected) {
                        (Some(told), Some(expected)) => near(told, expected),
                        (told, expected) => told == expected,
                    };
                    assert!(same, "{name}: {title} of {line}: {told:?}, not {expected:?}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 800, "{name}: only {compared}");
    }
}
