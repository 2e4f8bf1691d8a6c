//! What `[tune]` may say, and what it is told where it may not.

use super::*;

const BASE: &str = r#"
name = "t"
[workload]
duration = "10m"
rate = "20/s"
class = [{ name = "photo", objects = 100 }]
[cache]
capacity = "1MiB"
[[strategy]]
name = "a"
baseline = true
ttl = { rule = "fixed", ttl = "1h" }
[[strategy]]
name = "b"
ttl = { rule = "fixed", ttl = "1h" }
[gates]
hit_min = 0.5
"#;

fn tuning(section: &str) -> Result<Scenario, String> {
    Scenario::parse(&format!("{BASE}[tune]\n{section}"), "t.toml").map_err(|error| error.to_string())
}

const TTL: &str = "{ path = \"strategy.b.ttl.ttl\", from = \"1m\", to = \"1h\", scale = \"log\" }";

#[test]
fn what_is_not_written_has_its_default() {
    let scenario = tuning(&format!("vary = [{TTL}]")).unwrap();
    let tuning = scenario.tune.as_ref().unwrap();
    assert_eq!((tuning.strategy, tuning.runs, tuning.finalists, tuning.fresh, tuning.seed), (1, 60, 4, 8, 1));
    assert_eq!((tuning.sampler.name(), tuning.objective.name()), ("tpe", "score"));
    assert_eq!(tuning.constraints.len(), 1, "those of [gates]");
    assert_eq!(tuning.vary[0].at(0.5), Value::from("7m45s"));
    let of_cache =
        self::tuning("vary = [{ path = \"cache.capacity\", choices = [\"1MiB\", \"2MiB\"] }]").unwrap();
    assert_eq!(of_cache.tune.unwrap().strategy, 0, "the baseline");
}

#[test]
fn the_section_reads_back_from_the_effective_scenario() {
    let scenario = tuning(&format!(
        "vary = [{TTL}, {{ path = \"strategy.b.guard\", choices = [\"none\", {{ policy = \"lock\", lock_ttl = \"5s\" }}] }}, \
         {{ path = \"cache.capacity\", from = \"64KiB\", to = \"1MiB\", steps = 5 }}]\n\
         minimise = \"origin_rate\"\nconstraints = \"hit >= 0.5, p99 <= 2s\"\n\
         sampler = {{ method = \"successive-halving\", eta = 2 }}\nruns = 20\nseed = 4"
    ))
    .unwrap_or_else(|error| panic!("{error}"));
    let text = toml::to_string(&scenario.effective).unwrap();
    let again = Scenario::parse(&text, "t.toml").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.effective, scenario.effective, "{text}");
    assert_eq!(again.tune.unwrap().constraints.len(), 2);
    assert!(!scenario.varied(&[]).unwrap().effective.contains_key("tune"), "what is played is not searched");
}

#[test]
fn bad_input_names_its_place_and_what_to_write() {
    let of = |more: &str| format!("vary = [{TTL}]\n{more}");
    let range = |range: &str| format!("vary = [{{ path = \"strategy.b.ttl.ttl\", {range} }}]");
    for (section, parts) in [
        (String::new(), vec!["[tune] needs \"vary\"", "write vary = ["]),
        ("vary = []".to_owned(), vec!["nothing may vary"]),
        (range("from = \"1h\", to = \"1m\""), vec!["the range is empty", "1h"]),
        (range("from = \"1h\", to = \"1h\""), vec!["the range is empty"]),
        (range("from = \"1h\""), vec!["needs \"to\""]),
        (range("from = \"1m\", to = \"1MiB\""), vec!["a duration", "a size"]),
        (range("from = \"0s\", to = \"1h\", scale = \"log\""), vec!["logarithm", "above 0"]),
        (range("from = \"1m\", to = \"1h\", scale = \"lgo\""), vec!["lgo"]),
        (range("from = \"1m\", to = \"1h\", steps = 1"), vec!["steps", "at least 2"]),
        (range("choices = [\"1m\"]"), vec!["1 choices", "does not vary"]),
        (range("choices = [\"1m\", \"1m\"]"), vec!["twice"]),
        (format!("vary = [{TTL}, {TTL}]"), vec!["stands twice in vary"]),
        (of("vary_ = 1"), vec!["has no \"vary_\"", "did you mean \"vary\"?"]),
        (
            "vary = [{ path = \"strategy.b.ttl.tll\", from = \"1m\", to = \"1h\" }]".to_owned(),
            vec!["has no \"tll\"", "did you mean \"ttl\"?"],
        ),
        (
            "vary = [{ path = \"strategy.bb.ttl.ttl\", from = \"1m\", to = \"1h\" }]".to_owned(),
            vec!["strategy has no \"bb\"", "did you mean strategy.b.ttl.ttl?"],
        ),
        (
            "vary = [{ path = \"workload.rate\", choices = [\"1/s\", \"2/s\"] }]".to_owned(),
            vec!["workload.rate cannot be tuned", "what is decided may vary"],
        ),
        ("vary = [{ path = \"cache\", choices = [1, 2] }]".to_owned(), vec!["with cache = 1"]),
        (
            format!(
                "vary = [{TTL}, {{ path = \"strategy.a.guard\", choices = [\"none\", \"single-flight\"] }}]"
            ),
            vec!["is not of \"b\", which is tuned"],
        ),
        (of("strategy = \"a\""), vec!["is not of \"a\""]),
        (of("strategy = \"c\""), vec!["no strategy is called \"c\""]),
        (of("maximise = \"hits\""), vec!["no objective is called \"hits\"", "did you mean \"hit\"?"]),
        (of("maximise = \"memory\""), vec!["less memory is better", "write minimise = \"memory\""]),
        (of("minimise = \"memory\"\nmaximise = \"hit\""), vec!["one objective"]),
        (of("maximise = \"cost\""), vec!["less cost is better", "write minimise = \"cost\""]),
        (of("minimise = \"cost\""), vec!["there are no prices", "[cost]"]),
        (of("minimise = \"score\""), vec!["write maximise = \"score\""]),
        (of("constraints = \"hit >= 0.9, hit <= 0.5\""), vec!["contradict each other"]),
        (of("constraints = \"hti >= 0.9\""), vec!["no metric is called \"hti\""]),
        (of("sampler = \"tep\""), vec!["no sampler is called \"tep\"", "did you mean \"tpe\"?"]),
        (of("sampler = { method = \"tpe\", gamma = 2 }"), vec!["gamma must lie in its legal range"]),
        (of("runs = 0"), vec!["runs must lie between 1", "enough for one setting"]),
        (of("fresh = 1"), vec!["fresh must lie between 2", "an interval needs"]),
        (
            of("sampler = { method = \"grid\", steps = 100 }\nruns = 50"),
            vec!["a grid of 100 points", "runs = 100"],
        ),
    ] {
        let error = tuning(&section).expect_err(&section);
        for part in &parts {
            assert!(error.contains(part), "{section}\n{error}\nlacks {part}");
        }
        assert!(error.contains("--> t.toml:"), "{error}");
    }
    let two = BASE.replace("capacity = \"1MiB\"", "capacity = [\"1MiB\", \"2MiB\"]");
    let error = Scenario::parse(&format!("{two}[tune]\nvary = [{TTL}]"), "t.toml").unwrap_err().to_string();
    assert!(error.contains("cache.capacity is a list of 2"), "{error}");
}
