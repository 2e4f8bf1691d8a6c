//! Paths lead where they say, and what is changed is checked like what is written.

use proptest::prelude::*;

use super::*;
use crate::cache::Capacity;
use crate::scenario::Source;

const TEXT: &str = r#"
        name = "t"
        seed = 7
        [workload]
        duration = "10m"
        rate = "100/s"
        [[workload.class]]
        name = "photo"
        objects = 300
        [cache]
        capacity = ["1MiB", "2MiB"]
        [[strategy]]
        name = "setex-3600"
        ttl = { rule = "fixed", ttl = "1h", modifiers = [{ modifier = "jitter", spread = 0.1 }] }
        baseline = true
        [[strategy]]
        name = "stale + one"
        ttl = { rule = "fixed", ttl = "1h" }
        guard = "single-flight"
        [expect]
        "setex-3600".hit = [0, 1]
    "#;

fn scenario() -> Scenario {
    Scenario::parse(TEXT, "t.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn table(text: &str) -> Value {
    Value::Table(text.parse().unwrap())
}

fn varied(path: &str, value: impl Into<Value>) -> Result<Scenario, Unvaried> {
    scenario().varied(&[(path.parse().unwrap(), value.into())])
}

#[test]
fn a_scenario_that_is_not_changed_stays_the_same() {
    let scenario = scenario();
    assert_eq!(scenario.varied(&[]).unwrap().effective, scenario.effective);
}

#[test]
fn a_value_is_changed_where_the_path_leads_and_nowhere_else() {
    for (path, value) in [
        ("strategy.\"setex-3600\".ttl.ttl", Value::from("5m")),
        ("strategy.setex-3600.ttl.modifiers[0].spread", 0.25.into()),
        ("strategy.'stale + one'.ttl.ttl", "2m".into()),
        ("strategy[1].guard.policy", "none".into()),
        ("workload.class.photo.objects", 20.into()),
        ("workload.class[0].size", table("model = \"constant\"\nvalue = \"8KiB\"")),
        ("cache.capacity", "5MiB".into()),
        ("cache.eviction.policy", "fifo".into()),
        ("origin.latency.median", "30ms".into()),
        ("seed", 9.into()),
    ] {
        let path: KeyPath = path.parse().unwrap();
        let before = scenario();
        let after = before.varied(&[(path.clone(), value.clone())]).unwrap_or_else(|error| panic!("{error}"));
        let mut expected = Value::Table(before.effective.clone());
        path.put(&mut expected, &before.effective, value).unwrap();
        assert_ne!(after.effective, before.effective, "{path}");
        let read = Scenario::parse(&toml::to_string(&expected).unwrap(), "t.toml").unwrap();
        assert_eq!(after.effective, read.effective, "{path}");
    }
}

#[test]
fn what_is_changed_is_what_is_played() {
    let after = varied("cache.capacity", "5MiB").unwrap();
    assert_eq!(after.cache.capacities, [Capacity::Bytes(5 << 20)]);
    let after = varied("strategy.\"stale + one\".ttl.ttl", "90s").unwrap();
    assert_eq!(after.strategies[1].rule.duration_of("ttl"), Some("90s".parse().unwrap()));
    assert_eq!(after.strategies[0].rule.duration_of("ttl"), Some("1h".parse().unwrap()));
    let Source::Synthetic(workload) = varied("workload.class.photo.objects", 20).unwrap().source else {
        panic!("it is synthetic")
    };
    assert_eq!(workload.classes[0].objects, 20);
}

#[test]
fn defaults_that_depend_on_what_is_changed_follow_it() {
    let text = TEXT.replace(
        "guard = \"single-flight\"",
        "refresh = { policy = \"stale-while-revalidate\", window = \"1m\" }",
    );
    let before = Scenario::parse(&text, "t.toml").unwrap();
    // `explain` shows where the deadline is kept, which means nothing without a stale window.
    let soft: KeyPath = "strategy[1].soft_expiry".parse().unwrap();
    assert!(soft.find(&before.effective).is_some());
    let after = before.varied(&[("strategy[1].refresh".parse().unwrap(), "on-demand".into())]);
    assert!(soft.find(&after.unwrap_or_else(|error| panic!("{error}")).effective).is_none());
}

#[test]
fn a_whole_table_comes_first_and_what_is_in_it_after() {
    let guard = table("policy = \"lock\"");
    let changes = [("strategy[0].guard", guard), ("strategy[0].guard.lock_ttl", "3s".into())];
    let changes = changes.map(|(path, value)| (path.parse().unwrap(), value));
    let after = scenario().varied(&changes).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(after.strategies[0].guard.name(), "lock");
    assert_eq!(after.strategies[0].guard.duration_of("lock_ttl"), Some("3s".parse().unwrap()));
}

#[test]
fn a_path_that_leads_nowhere_says_what_there_is_and_what_was_meant() {
    for (path, what, rule, help) in [
        (
            "strategi.x.ttl",
            "the scenario has no \"strategi\"",
            "strategy",
            Some("did you mean strategy.x.ttl?"),
        ),
        (
            "strategy.setex-360.ttl.ttl",
            "strategy has no \"setex-360\"",
            "there are: setex-3600, stale + one",
            Some("did you mean strategy.setex-3600.ttl.ttl?"),
        ),
        (
            "strategy.setex-3600.tll.ttl",
            "strategy.setex-3600 has no \"tll\"",
            "ttl",
            Some("did you mean strategy.setex-3600.ttl.ttl?"),
        ),
        (
            "strategy.setex-3600.ttl.modifiers[3].spread",
            "strategy.setex-3600.ttl.modifiers has no \"[3]\"",
            "[0]",
            None,
        ),
    ] {
        let error = varied(path, 1).unwrap_err();
        assert_eq!((error.what.as_str(), error.help.as_deref()), (what, help), "{path}");
        assert!(error.rule.as_deref().unwrap().contains(rule), "{error}");
        assert_eq!(error.path, Some(path.parse().unwrap()));
    }
    let error = varied("seed.x", 1).unwrap_err();
    assert_eq!(error.to_string(), "seed.x: seed is of type integer and has nothing in it");
}

#[test]
fn a_key_or_value_that_cannot_be_is_refused_as_in_a_file() {
    for (path, value, what, help) in [
        (
            "strategy.setex-3600.ttl.tl",
            Value::from("5m"),
            "ttl rule \"fixed\" has no \"tl\"",
            Some("did you mean \"ttl\"?"),
        ),
        ("cache.capcity", "5MiB".into(), "[cache] has no \"capcity\"", Some("did you mean \"capacity\"?")),
        (
            "strategy[0].guard.policy",
            "singleflight".into(),
            "no guard is called",
            Some("did you mean \"single-flight\"?"),
        ),
        ("strategy[0].ttl.ttl", 60.into(), "duration", None),
        ("strategy[0].ttl.modifiers[0].spread", 1.5.into(), "spread must lie in its legal range", None),
    ] {
        let error = varied(path, value.clone()).unwrap_err();
        assert!(error.what.starts_with(&format!("with {}", path.parse::<KeyPath>().unwrap())), "{error}");
        assert!(error.what.contains(what), "{error}");
        assert!(help.is_none() || error.help.as_deref() == help, "{error}");
        assert_eq!(error.path, None);
    }
}

#[test]
fn a_text_that_is_no_path_is_refused_with_what_is_wrong() {
    for (text, what) in [
        ("", "a key is empty"),
        ("a..b", "a key is empty"),
        ("a.", "a key is empty"),
        ("a[x]", "a place, from 0"),
        ("a[1", "a bracket stays open"),
        ("a.\"b", "a quote stays open"),
        ("a[0]b", "separated by points"),
    ] {
        let error = text.parse::<KeyPath>().unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("cache.capacity"), "{error}");
    }
}

#[test]
fn every_value_of_a_scenario_can_be_found_where_it_was_put() {
    let after = varied("strategy.\"stale + one\".ttl.ttl", "7m").unwrap();
    let path: KeyPath = "strategy.\"stale + one\".ttl.ttl".parse().unwrap();
    assert_eq!(path.find(&after.effective), Some(&"7m".into()));
    assert_eq!((path.section(), path.key(1), path.last()), ("strategy", Some("stale + one"), "ttl"));
    assert_eq!("strategy.nobody.ttl".parse::<KeyPath>().unwrap().find(&after.effective), None);
}

proptest! {
    #[test]
    fn a_path_reads_back_as_it_is_shown(
        first in "[a-z\"'\\\\.\\[ é-]{1,6}",
        rest in prop::collection::vec(prop_oneof![
            "[a-zA-Z0-9_\"'\\\\.\\[\\] ]{1,6}".prop_map(Step::Key),
            (0_usize..20).prop_map(Step::Place),
        ], 0..5),
    ) {
        let path = KeyPath([vec![Step::Key(first)], rest].concat());
        prop_assert_eq!(path.to_string().parse::<KeyPath>().unwrap(), path);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,20}") {
        let _ = text.parse::<KeyPath>();
    }
}
