//! What `[workload]` means, and what it says about mistakes.

use super::*;
use crate::random::Seed;
use crate::trace::synth::generate;

const TWO: &str = r#"
duration = "1m"
rate = "100/s"
[[class]]
name = "a"
objects = 10
share = 0.25
[[class]]
name = "b"
objects = 20
share = 0.75
"#;

fn read_text(text: &str) -> Result<WorkloadSpec<'_>, Fault> {
    read(Section::parse(text)?, Path::new(""))
}

/// What the error says, and the text it points at.
fn refused(text: &str) -> (String, &str) {
    let fault = read_text(text).expect_err(text);
    (fault.what, &text[fault.span])
}

#[test]
fn what_is_written_is_read() {
    let WorkloadSpec { workload, changes, .. } = read_text(TWO).unwrap();
    assert_eq!(workload.duration, SimDuration::from_secs(60));
    assert_eq!(workload.rate, Rate::per_second(100.0));
    let classes: Vec<_> = workload.classes.iter().map(|c| (c.name.as_str(), c.objects, c.share)).collect();
    assert_eq!(classes, [("a", 10, 0.25), ("b", 20, 0.75)]);
    assert!(changes.iter().all(Option::is_none) && changes.len() == 2);
}

#[test]
fn the_effective_form_shows_every_default_and_reads_back_as_itself() {
    for text in ["duration = \"1h\"", TWO] {
        let effective = read_text(text).unwrap().effective;
        let again = effective.to_string();
        assert_eq!(read_text(&again).unwrap().effective, effective, "{again}");
    }
    let effective = read_text(TWO).unwrap().effective.to_string();
    for part in ["alpha = 0.9", "median = \"10000B\"", "sigma = 1.2", "model = \"poisson\""] {
        assert!(effective.contains(part), "{part} in {effective}");
    }
}

#[test]
fn without_classes_the_catalogue_is_the_usual_one() {
    let workload = read_text("duration = \"1h\"").unwrap().workload;
    assert_eq!(workload.rate, Rate::per_second(1_000.0));
    assert_eq!(workload.classes.iter().map(|class| class.objects).sum::<u32>(), 100_000);
    assert_eq!(workload.classes[0].name, "thumbnail");
}

#[test]
fn classes_without_shares_are_asked_for_equally() {
    let text = TWO.replace("share = 0.25\n", "").replace("share = 0.75\n", "");
    let shares: Vec<f64> = read_text(&text).unwrap().workload.classes.iter().map(|c| c.share).collect();
    assert_eq!(shares, [0.5, 0.5]);
}

#[test]
fn sizes_that_change_are_told_and_a_word_for_them_is_refused() {
    let text = TWO.replace("share = 0.25", "share = 0.25\nresize = true");
    let spec = read_text(&text).unwrap();
    let resized = spec.workload.classes.iter().map(|class| class.resize).collect::<Vec<_>>();
    assert_eq!((resized, spec.resized.len()), (vec![true, false], 1));
    assert_eq!(&text[spec.resized[0].1.clone()], "true");
    assert!(read_text(&spec.effective.to_string()).unwrap().workload.classes[0].resize);
    let text = TWO.replace("share = 0.25", "share = 0.25\nresize = \"yes\"");
    let (said, at) = refused(&text);
    assert!(said.contains("boolean") && at == "\"yes\"", "{said} at {at}");
}

#[test]
fn changes_are_handed_on_unread() {
    let text = TWO.replace("share = 0.25", "share = 0.25\nchanges = { model = \"anything\" }");
    let spec = read_text(&text).unwrap();
    assert!(spec.changes[0].is_some() && spec.changes[1].is_none());
}

#[test]
fn a_mistake_is_named_at_its_place() {
    for (find, write, what, place) in [
        ("share = 0.75", "share = 0.5", "sum to 0.75, not to 1", "0.5"),
        ("share = 0.75", "share = 1.5", "not a fraction", "1.5"),
        ("share = 0.75", "", "\"b\" has no share", "[[class]]"),
        ("name = \"b\"", "name = \"a\"", "two classes called \"a\"", "\"a\""),
        ("name = \"b\"", "name = \"\"", "not empty", "\"\""),
        ("objects = 20", "objects = 0", "from 1 to 4294967294 objects, but has 0", "0"),
        ("objects = 20", "objects = -3", "but has -3", "-3"),
        ("objects = 20", "objects = 4_294_967_295", "but has 4294967295", "4_294_967_295"),
        ("objects = 20", "objects = 4_294_967_290", "there are 4294967300 objects", "4_294_967_290"),
        ("objects = 20", "", "needs \"objects\"", "[[class]]"),
        ("objects = 20", "object = 20", "needs \"objects\"", "[[class]]"),
        ("objects = 20", "objects = 20\nsizes = 1", "has no \"sizes\"", "sizes"),
        ("rate = \"100/s\"", "rate = \"0/s\"", "above 0/s", "\"0/s\""),
        ("rate = \"100/s\"", "rate = \"1e9/s\"", "6.00e10 requests, more than 4e9", "\"1e9/s\""),
        ("rate = \"100/s\"", "rates = 1", "no \"rates\"", "rates"),
        ("duration = \"1m\"", "duration = \"0s\"", "above 0s", "\"0s\""),
        ("duration = \"1m\"", "duration = \"7000w\"", "requests, more than", "\"100/s\""),
        ("rate = \"100/s\"", "arrivals = \"poison\"", "no arrival model is called", "\"poison\""),
        (
            "objects = 20",
            "objects = 20\npopularity = { model = \"zipf\", alpha = -1 }",
            "alpha must lie in its legal range (0 to 20)",
            "-1",
        ),
        ("objects = 20", "objects = 20\nsize = \"constant\"", "needs \"value\"", "\"constant\""),
    ] {
        assert!(TWO.contains(find), "{find}");
        let text = TWO.replace(find, write);
        let (said, at) = refused(&text);
        assert!(said.contains(what), "{write:?}: {said}");
        assert_eq!(at, place, "{write:?}: {said}");
    }
    assert!(refused("rate = \"1/s\"").0.contains("needs \"duration\""));
}

#[test]
fn what_a_workload_can_have_beside_the_usual_is_read_and_told() {
    let text = r#"
duration = "1h"
rate = "100/s"
arrivals = { model = "diurnal", peak_hour = 12 }
pages = { images = 6.5 }
repeats = { share = 0.2, within = 500 }
events = [{ event = "flash-crowd", at = "10m" }, { event = "purge", at = "20m", class = "b" }]
[[class]]
name = "a"
objects = 10
one_hit = 0.25
renditions = [{ share = 0.75, scale = 0.1 }, { share = 0.25 }]
[[class]]
name = "b"
objects = 20
arrivals = { model = "on-off" }
churn = { decay = 0.8 }
"#;
    let spec = read_text(text).unwrap();
    let again = spec.effective.to_string();
    assert_eq!(read_text(&again).unwrap().effective, spec.effective, "{again}");
    for part in [
        "varies = true",
        "within = \"300ms\"",
        "factor = 50",
        "class = \"b\"",
        "new_per_day = 0.01",
        "retire = \"oldest\"",
        "young = \"1h\"",
        "scale = 1.0",
    ] {
        assert!(again.contains(part), "{part} in {again}");
    }
    let workload = spec.workload;
    assert_eq!((workload.events.len(), workload.classes[0].total()), (2, 20));
    assert_eq!(workload.pages.unwrap().images.to_bits(), 6.5_f64.to_bits());
    assert!(workload.classes[1].arrivals.is_some());
}

#[test]
fn growth_multiplies_traffic_and_catalogue() {
    let text = format!("grow = {{ traffic = 2.0, catalogue = 1.5 }}{TWO}");
    let spec = read_text(&text).unwrap();
    assert_eq!(spec.workload.rate, Rate::per_second(200.0));
    let objects: Vec<u32> = spec.workload.classes.iter().map(|class| class.objects).collect();
    assert_eq!(objects, [15, 30]);
    // The effective form is what came out, and must not grow again.
    assert!(!spec.effective.contains_key("grow"));
}

#[test]
fn the_rate_of_an_envelope_holds_where_none_is_written() {
    let arrivals = "duration = \"1m\"\narrivals = { model = \"envelope\", table = [[0, 10], [30, 50]] }";
    assert_eq!(read_text(arrivals).unwrap().workload.rate, Rate::per_second(30.0));
    let scaled = format!("rate = \"300/s\"\n{arrivals}");
    assert_eq!(read_text(&scaled).unwrap().workload.rate, Rate::per_second(300.0));
}

#[test]
fn the_preset_of_a_cdn_has_objects_in_proportion_to_its_requests() {
    let text = "duration = \"1000s\"\nrate = \"1000/s\"\npreset = \"cdn-image\"";
    let workload = read_text(text).unwrap().workload;
    assert_eq!((workload.classes[0].objects, workload.classes.len()), (170_000, 1));
    let both = format!("preset = \"cdn-image\"{TWO}");
    assert!(refused(&both).0.contains("both a preset and classes"));
}

#[test]
fn the_preset_of_a_cdn_reaches_the_published_figures() {
    // 77 % of the objects asked for once, infinite-cache hit ratio 0.59 to 0.60: within 0.01 of both, at
    // a million requests. Of the sizes p50 10 kB, p90 50 kB, p99 150 kB: within a tenth.
    let text = "duration = \"1000s\"\nrate = \"1000/s\"\npreset = \"cdn-image\"";
    let trace = generate(&read_text(text).unwrap().workload, Seed::new(1));
    let mut counts = vec![0_u32; trace.objects().len()];
    trace.object_ids().iter().for_each(|object| counts[object.index()] += 1);
    let asked = counts.iter().filter(|count| **count > 0).count() as f64;
    let once = counts.iter().filter(|count| **count == 1).count() as f64 / asked;
    let hit = 1.0 - asked / trace.len() as f64;
    assert!((once - 0.77).abs() < 0.01, "{once}");
    assert!((hit - 0.595).abs() < 0.01, "{hit}");
    let facts = trace.objects().facts();
    let mut sizes: Vec<u32> =
        facts.iter().zip(&counts).filter(|(_, count)| **count > 0).map(|(fact, _)| fact.size).collect();
    sizes.sort_unstable();
    for (p, size) in [(50, 10_000.0), (90, 50_000.0), (99, 150_000.0)] {
        let got = f64::from(sizes[sizes.len() * p / 100]);
        assert!((got / size - 1.0).abs() < 0.1, "p{p}: {got} for {size}");
    }
}

#[test]
fn tables_lie_beside_the_scenario_and_are_told_with_their_digest() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w.csv"), "weight\n3\n1\n").unwrap();
    let text = "duration = \"1m\"\n[[class]]\nname = \"a\"\nobjects = 2\n\
                    popularity = { model = \"empirical\", path = \"w.csv\" }";
    let spec = read(Section::parse(text).unwrap(), folder.path()).unwrap();
    assert!(
        spec.notes[0].starts_with("table w.csv: sha256 ") && spec.notes[0].len() == 84,
        "{:?}",
        spec.notes
    );
    assert_eq!(spec.workload.classes[0].popularity.weights(2), [3.0, 1.0]);
    std::fs::write(folder.path().join("w.csv"), "weight\n3\nmany\n").unwrap();
    let fault = read(Section::parse(text).unwrap(), folder.path()).unwrap_err();
    assert!(fault.what.contains("w.csv:3: the weight must be a number"), "{}", fault.what);
    assert_eq!(&text[fault.span], "\"w.csv\"");
}

#[test]
fn a_mistake_in_what_is_beside_the_usual_is_named_at_its_place() {
    for (find, write, what, place) in [
        ("rate = \"100/s\"", "pages = { images = 0.5 }", "between 1 and 10000, but is 0.5", "0.5"),
        ("rate = \"100/s\"", "pages = { images = 2.5, varies = false }", "whole number", "2.5"),
        ("rate = \"100/s\"", "pages = { within = \"1s\" }", "needs \"images\"", "{ within = \"1s\" }"),
        ("rate = \"100/s\"", "pages = { images = 2, pause = 1 }", "has no \"pause\"", "pause"),
        ("rate = \"100/s\"", "repeats = { share = 1, within = 5 }", "below 1", "1"),
        ("rate = \"100/s\"", "repeats = { share = 0.5, within = 0 }", "between 1 and 100000000", "0"),
        ("rate = \"100/s\"", "events = \"purge\"", "must be a list", "\"purge\""),
        (
            "rate = \"100/s\"",
            "events = [{ event = \"crowler\", at = \"1s\" }]",
            "no traffic event is called",
            "\"crowler\"",
        ),
        ("rate = \"100/s\"", "events = [{ event = \"crawler\", at = \"1m\" }]", "lasts for 1m", "\"1m\""),
        (
            "rate = \"100/s\"",
            "events = [{ event = \"purge\", at = \"1s\", class = \"c\" }]",
            "no class is called \"c\"",
            "\"c\"",
        ),
        (
            "rate = \"100/s\"",
            "events = [{ event = \"purge\", at = \"1s\", prefix = \"c/\" }]",
            "no key begins with \"c/\"",
            "\"c/\"",
        ),
        (
            "rate = \"100/s\"",
            "events = [{ event = \"purge\", at = \"1s\", prefix = \"a/01\" }]",
            "no key begins with \"a/01\"",
            "\"a/01\"",
        ),
        (
            "rate = \"100/s\"",
            "events = [{ event = \"purge\", at = \"1s\", prefix = \"a/1\", class = \"b\" }]",
            "both class = \"b\" and prefix",
            "\"a/1\"",
        ),
        (
            "rate = \"100/s\"",
            "events = [{ event = \"purge\", at = \"1s\", prefix = \"a/1\", mode = \"version\" }]",
            "a part of class \"a\"",
            "\"a/1\"",
        ),
        ("rate = \"100/s\"", "grow = { traffic = 0 }", "traffic must lie above 0", "0"),
        ("rate = \"100/s\"", "grow = { catalogue = -1.5 }", "catalogue must lie above 0", "-1.5"),
        ("rate = \"100/s\"", "grow = { objects = 2 }", "has no \"objects\"", "objects"),
        ("rate = \"100/s\"", "preset = \"shop\"", "unknown variant", "\"shop\""),
        ("rate = \"100/s\"", "grow = { catalogue = 1e6 }\nrate = \"1/s\"", "", ""),
        ("objects = 20", "objects = 20\none_hit = 1.5", "not a fraction", "1.5"),
        ("objects = 20", "objects = 20\nchurn = { new_per_day = 0 }", "new_per_day must lie above 0", "0"),
        ("objects = 20", "objects = 20\nchurn = { decay = -1 }", "decay must lie between 0 and 10", "-1"),
        ("objects = 20", "objects = 20\nchurn = { young = \"1ms\" }", "young must be at least 1s", "\"1ms\""),
        ("objects = 20", "objects = 20\nchurn = { retire = \"newest\" }", "unknown variant", "\"newest\""),
        ("objects = 20", "objects = 20\nrenditions = []", "from 1 to 100 renditions", "[]"),
        ("objects = 20", "objects = 20\nrenditions = [{ scale = 2 }]", "needs \"share\"", "{ scale = 2 }"),
        (
            "objects = 20",
            "objects = 20\nrenditions = [{ share = 0.5 }]",
            "sum to 0.5, not to 1",
            "[{ share = 0.5 }]",
        ),
        (
            "objects = 20",
            "objects = 20\nrenditions = [{ share = 1, scale = 0 }]",
            "scale must lie above 0",
            "0",
        ),
        ("objects = 20", "objects = 20\narrivals = \"tidal\"", "no arrival model is called", "\"tidal\""),
        (
            "objects = 20",
            "objects = 20\npopularity = { model = \"empirical\", table = [[0, 1]] }",
            "at least one weight must be above 0",
            "[[0, 1]]",
        ),
        (
            "objects = 20",
            "objects = 20\nsize = { model = \"pareto\", min = \"1MiB\", max = \"1kB\" }",
            "max must be above min",
            "\"1kB\"",
        ),
        (
            "objects = 20",
            "objects = 20\nsize = { model = \"empirical\", path = \"nowhere.csv\" }",
            "nowhere.csv cannot be read",
            "\"nowhere.csv\"",
        ),
        (
            "objects = 20",
            "objects = 4_000_000_000\nrenditions = [{ share = 0.5 }, { share = 0.5 }]",
            "there are 8000000010 objects",
            "4_000_000_000",
        ),
    ] {
        let text = TWO.replacen(find, write, 1);
        if what.is_empty() {
            assert!(read_text(&text).is_ok(), "{text}");
            continue;
        }
        let (said, at) = refused(&text);
        assert!(said.contains(what), "{write:?}: {said}");
        assert_eq!(at, place, "{write:?}: {said}");
    }
}
