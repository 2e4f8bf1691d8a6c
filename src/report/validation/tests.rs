use super::*;
use crate::live::Slowest;
use crate::live::validate::Row;

fn cell(judgement: Judgement) -> ValidatedCell {
    let row = Row {
        what: "fresh hits",
        kind: Kind::Share,
        predicted: Some(0.601),
        measured: Some(0.612),
        difference: Some(1.1),
        chance: Some(0.05),
        tolerance: Some(0.5),
        buffers_bytes: None,
        judgement,
        why: (judgement == Judgement::NotJudged).then_some("too few"),
    };
    let course = Course {
        what: "used_memory",
        kind: Kind::Bytes,
        bucket_s: 1.0,
        predicted: vec![Some(1_000.0), Some(2_000.0)],
        measured: vec![None, Some(1_900.0)],
    };
    ValidatedCell {
        strategy: "<b>|lock".to_owned(),
        capacity_bytes: Some(1 << 20),
        eviction: "allkeys-lru".to_owned(),
        server: "Redis 7.0.15".to_owned(),
        rows: vec![row],
        courses: vec![course],
        served: None,
        worked: Vec::new(),
        warnings: vec!["client-limited".to_owned()],
    }
}

fn report(cells: &[ValidatedCell]) -> ValidationReport<'_> {
    let command = "ttlab validate";
    ValidationReport { scenario: "s", question: "q?", command, seed: 7, speed: 2.0, cells }
}

#[test]
fn what_was_measured_is_told_everywhere() {
    let cells = [cell(Judgement::Inside), cell(Judgement::Inside)];
    let report = report(&cells);
    let told = "Measured on Redis 7.0.15; the trace of seed 7 was played 2 times faster, by ttlab ";
    for text in [report.page(), report.markdown(), report.terminal()] {
        assert!(text.contains(told), "{text}");
    }
    assert!(report.json().contains("\"seed\": 7") && report.json().contains("\"speed\": 2.0"));
    assert!(report.json().contains(concat!("\"version\": \"", env!("CARGO_PKG_VERSION"), "\"")));
    let slow = ValidationReport { speed: 1.0, ..report };
    assert!(slow.measured().contains("played at its own pace"));
}

#[test]
fn the_servers_own_time_is_told_everywhere_with_when_it_was_slowest() {
    let told = "the server itself worked 2 µs on a GET and 6 µs on a SET on average; at its slowest, from 1 s to 2 s, 3 µs on a GET \
                and 7 µs on a SET; at most 9 µs on 99 of 100 GETs since its start";
    let slowest = Slowest { from_s: 1.0, until_s: 2.0, get_mean_s: 3e-6, set_mean_s: Some(7e-6) };
    let served = Served {
        get_mean_s: Some(2e-6),
        set_mean_s: Some(6e-6),
        get_p99_s: Some(9e-6),
        slowest: Some(slowest),
    };
    let stretch = |from_s, micros| Worked {
        from_s,
        until_s: from_s + 1.0,
        get: Some(Calls { calls: 100, micros }),
        set: Some(Calls { calls: 50, micros }),
        get_p99_s: Some(9e-6),
    };
    let worked = vec![stretch(0.0, 150), stretch(1.0, 300)];
    // Where the server does not tell, there is no such strip.
    let cells = [cell(Judgement::Inside)];
    let silent = report(&cells);
    assert!(!silent.page().contains(">a GET<") && !silent.terminal().contains("itself worked"));
    let cells = [ValidatedCell { served: Some(served), worked, ..cell(Judgement::Inside) }];
    let report = report(&cells);
    for text in [report.page(), report.markdown(), report.terminal()] {
        assert!(text.contains(told), "{text}");
    }
    let page = report.page();
    let figure = page.split("<svg").nth(1).unwrap().split("</svg>").next().unwrap();
    for label in ["how long the server itself worked", ">a GET<", ">a SET<", ">0 µs<", ">6 µs<"] {
        assert!(figure.contains(label), "{label} is missing in {figure}");
    }
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    let cell = &json["cells"][0];
    assert_eq!(cell["served"]["slowest"]["until_s"], 2.0);
    assert_eq!(
        (&cell["worked"][1]["get"]["micros"], &cell["worked"][1]["from_s"]),
        (&300.into(), &1.0.into())
    );
}

#[test]
fn what_is_outside_is_said_first_and_everywhere() {
    let cells = [cell(Judgement::Outside)];
    let report = report(&cells);
    assert!(!report.is_as_predicted());
    assert!(report.sentences()[0].starts_with("Not as predicted: 1 of 1"));
    assert!(report.sentences()[1].contains("fresh hits differ by +1.10 ± 0.05 points"));
    assert!(report.markdown().contains("<b>\\|lock") && report.markdown().contains("| NO |"));
    assert!(report.terminal().contains("NO") && report.json().contains("\"as_predicted\": false"));
    let page = report.page();
    assert!(page.contains("client-limited") && page.contains("<svg") && page.contains("+1.10"));
    assert!(!page.contains("<b>|lock"), "names are escaped");
}

#[test]
fn many_that_are_outside_are_counted_rather_than_named() {
    let cells: Vec<ValidatedCell> = (0..13).map(|_| cell(Judgement::Outside)).collect();
    let report = report(&cells);
    let sentences = report.sentences();
    assert_eq!(sentences.iter().filter(|sentence| sentence.contains("differ by")).count(), 10);
    assert!(sentences.contains(&"3 more are in the table.".to_owned()), "{sentences:?}");
}

#[test]
fn what_chance_explains_is_told_apart_from_what_is_inside() {
    let cells = [cell(Judgement::Inside), cell(Judgement::WithinChance)];
    let report = report(&cells);
    assert!(report.is_as_predicted() && report.says_something());
    let first = &report.sentences()[0];
    assert!(
        first.contains("of 2 figures that are judged 1 are inside")
            && first.contains("and 1 beyond it no further than chance explains"),
        "{first}"
    );
    assert!(report.markdown().contains("| within chance |"));
    assert!(report.json().contains("\"within-chance\"") && report.json().contains("\"as_predicted\": true"));
}

#[test]
fn what_buffers_of_connections_take_is_told_where_it_makes_a_difference() {
    let memory = |difference: f64, buffers_bytes: Option<f64>, judgement| {
        let mut cell = cell(judgement);
        cell.rows[0] = Row {
            what: "used_memory, mean",
            kind: Kind::Bytes,
            predicted: Some(1e6),
            measured: Some(1e6 + 1e4 * difference),
            difference: Some(difference),
            tolerance: Some(1.0),
            buffers_bytes,
            ..cell.rows[0]
        };
        cell
    };
    let told = "of which 14.6 KiB are buffers of connections, which follow how replies bunch";
    let bytes = Some(14.6 * 1024.0);
    let cells = [memory(1.15, bytes, Judgement::Inside)];
    let inside = report(&cells);
    for text in [inside.terminal(), inside.markdown(), inside.page()] {
        assert!(text.contains(&format!("yes, {told}")), "{text}");
        assert!(text.contains("(mem_clients_normal)") || text == inside.markdown(), "{text}");
    }
    assert!(inside.markdown().contains("| 1 % and 14.6 KiB more |"), "{}", inside.markdown());
    assert!(inside.json().contains("\"buffers_bytes\": 14950.4"), "{}", inside.json());
    let cells = [memory(3.5, bytes, Judgement::Outside)];
    let outside = report(&cells);
    let named = outside.sentences().iter().any(|told_of| told_of.contains(told));
    assert!(named && outside.markdown().contains(&format!("NO, {told}")), "{:?}", outside.sentences());
    for (difference, buffers) in [(0.5, bytes), (0.5, None)] {
        let cells = [memory(difference, buffers, Judgement::Inside)];
        assert!(!report(&cells).terminal().contains("of which"), "nothing has to be explained");
    }
    let cells = [memory(1.15, None, Judgement::Outside)];
    assert!(!report(&cells).page().contains("mem_clients_normal"), "the server tells nothing");
}

#[test]
fn what_a_wait_may_differ_by_is_told() {
    let mut waits = cell(Judgement::Inside);
    waits.rows[0] = Row { kind: Kind::Millis, tolerance: Some(2.4567), ..waits.rows[0] };
    let cells = [waits];
    let told = report(&cells);
    assert!(told.markdown().contains("| 2.5 ms |"), "{}", told.markdown());
    for text in [told.terminal(), told.page()] {
        assert!(text.contains("A wait may differ by what harness and network add"), "{text}");
    }
    let cells = [cell(Judgement::Inside)];
    assert!(!report(&cells).page().contains("A wait may differ"));
}

#[test]
fn a_cell_that_is_not_judged_is_no_prediction_that_came_true() {
    let cells = [cell(Judgement::Inside), cell(Judgement::NotJudged)];
    let report = report(&cells);
    assert!(report.is_as_predicted() && !report.says_something(), "the second cell says nothing");
    assert!(report.sentences()[0].starts_with("Nothing can be said"), "{:?}", report.sentences());
    assert!(report.sentences()[1].contains("nothing is said of its hits: no share of hits"));
    assert!(report.json().contains("\"as_predicted\": false"));
    for text in [report.terminal(), report.markdown(), report.page()] {
        assert!(text.contains("not judged: too few"), "{text}");
    }
    assert!(report.json().contains("\"why\": \"too few\""));
}

#[test]
fn what_spoils_all_figures_of_a_cell_is_told_once_where_sentences_tell_it() {
    let why =
        "client-limited: the harness could not start requests in time, which says nothing of the server";
    let mut spoiled = cell(Judgement::NotJudged);
    spoiled.rows = vec![Row { why: Some(why), ..spoiled.rows[0] }; 3];
    assert_eq!(spoiled.spoiled(), Some(why));
    let cells = [spoiled];
    let report = report(&cells);
    for text in [report.terminal(), report.page()] {
        assert_eq!(text.matches("could not start requests in time").count(), 1, "{text}");
        assert_eq!(text.matches("not judged").count(), 3, "{text}");
    }
    assert_eq!(report.markdown().matches(why).count(), 3, "it has a table and no such sentences");
}
