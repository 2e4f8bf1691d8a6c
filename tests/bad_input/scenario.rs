//! What is wrong with a scenario's own text.

use super::bench::{Bench, STRATEGY, WORKLOAD, scenario_refused, strategy_refused};

#[test]
fn a_missing_scenario_is_named() {
    Bench::new().refused(&["nowhere.toml"], &["nowhere.toml", "cannot be read"]);
}

#[test]
fn a_folder_is_no_scenario() {
    Bench::new().refused(&["."], &["is a folder"]);
}

#[test]
fn an_empty_scenario_is_told_what_it_needs() {
    let bench = Bench::new();
    bench.put("s.toml", "");
    bench.refused(&["s.toml"], &["needs \"name\"", "s.toml:1:1", "help: write name"]);
}

#[test]
fn binary_garbage_is_no_scenario() {
    let bench = Bench::new();
    bench.put("s.toml", [0xff, 0xfe, 0, 1]);
    bench.refused(&["s.toml"], &["s.toml is not a scenario", "UTF-8"]);
}

#[test]
fn broken_toml_shows_its_place() {
    scenario_refused("[origin\n", &["s.toml:8:8", "8 | [origin", "^"]);
}

#[test]
fn a_ttl_of_zero_is_refused() {
    strategy_refused(
        "{ rule = \"fixed\", ttl = \"0s\" }",
        &[
            "s.toml:11:31",
            "ttl must lie in its legal range (1ms to 365d), but is \"0s\"",
            "^^^^",
            "rule:",
            "help:",
        ],
    );
}

#[test]
fn a_negative_ttl_is_refused() {
    strategy_refused("{ rule = \"fixed\", ttl = \"-5s\" }", &["s.toml:11:31", "\"-5s\"", "never negative"]);
}

#[test]
fn a_ttl_without_a_unit_is_refused() {
    strategy_refused("{ rule = \"fixed\", ttl = \"60\" }", &["unit is missing", "ns, us, ms, s, m, h, d, w"]);
    strategy_refused("{ rule = \"fixed\", ttl = 60 }", &["expected a duration with its unit"]);
}

#[test]
fn a_misspelt_rule_finds_its_neighbours() {
    strategy_refused(
        "{ rule = \"fixd\", ttl = \"1h\" }",
        &["no ttl rule is called \"fixd\"", "there are: none, fixed, class-table", "did you mean \"fixed\"?"],
    );
}

#[test]
fn a_misspelt_parameter_finds_its_neighbours() {
    strategy_refused(
        "{ rule = \"sliding\", idel = \"1h\" }",
        &["ttl rule \"sliding\" has no \"idel\"", "idle", "did you mean \"idle\"?"],
    );
}

#[test]
fn a_key_of_a_part_says_which_part_it_belongs_to() {
    for (line, home) in [
        ("modifiers = []", "write them in the ttl: ttl = { …, modifiers = ["),
        ("addons = []", "write them in the refresh: refresh = { …, addons = ["),
        ("spread = 0.1", "there are: allow_two_controllers, baseline"),
        ("idle = \"1h\"", "write it in the ttl: ttl = { rule = \"sliding\", idle = … }"),
        ("lock_ttl = \"1s\"", "write it in the guard: guard = {"),
    ] {
        strategy_refused(
            &format!("{{ rule = \"fixed\", ttl = \"1h\" }}\n{line}"),
            &["[[strategy]] has no", home],
        );
    }
}

#[test]
fn not_a_number_is_no_spread() {
    strategy_refused(
        "{ rule = \"fixed\", modifiers = [{ modifier = \"jitter\", spread = nan }] }",
        &["spread must lie in its legal range", "but is nan"],
    );
}

#[test]
fn what_never_expires_is_never_stale() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"none\"\nrefresh = \"stale-while-revalidate\"\n"),
        &["stale-while-revalidate", "\"none\"", "never stale"],
    );
}

#[test]
fn a_sliding_ttl_without_end_is_never_renewed() {
    scenario_refused(
        &format!(
            "{STRATEGY}ttl = {{ rule = \"sliding\", max_age = \"unbounded\" }}\nrefresh = \"stale-while-revalidate\"\n"
        ),
        &["unbounded", "never be renewed", "max_age = \"24h\""],
    );
}

#[test]
fn a_table_names_classes_that_exist_and_all_of_them() {
    strategy_refused(
        "{ rule = \"class-table\", table = { thumbs = \"1h\" } }",
        &["no class \"thumbs\"", "there are: a"],
    );
    strategy_refused(
        "{ rule = \"class-table\", table = {} }",
        &["class \"a\" has no ttl", "default = \"1h\""],
    );
}

#[test]
fn weights_that_are_all_zero_judge_nothing() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[score]\nweights = {{ hit = 0.0, memory = 0.0 }}\n"),
        &["all weights are zero", "help:"],
    );
}

#[test]
fn two_strategies_of_one_name_cannot_be_told_apart() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[[strategy]]\nname = \"x\"\nttl = \"none\"\n"),
        &["two strategies called \"x\"", "s.toml:13:8"],
    );
}

#[test]
fn several_strategies_need_a_baseline() {
    scenario_refused(
        "[[strategy]]\nname = \"x\"\nttl = \"fixed\"\n[[strategy]]\nname = \"y\"\nttl = \"none\"\n",
        &["no strategy is the baseline", "add baseline = true"],
    );
}

#[test]
fn two_baselines_are_one_too_many() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[[strategy]]\nname = \"y\"\nbaseline = true\nttl = \"none\"\n"),
        &["there are 2 baselines: x, y", "keep baseline = true at one strategy"],
    );
}

#[test]
fn several_mistakes_are_shown_the_first_first() {
    let bench = Bench::new();
    bench.put("s.toml", format!("name = \"t\"\nsede = 4\n{WORKLOAD}{STRATEGY}ttl = \"fixd\"\n"));
    let message = String::from_utf8_lossy(&bench.ttlab(&["run", "s.toml"]).stderr).into_owned();
    assert!(message.starts_with("error: the scenario has no \"sede\"\n --> s.toml:2:1\n"), "{message}");
    assert!(message.contains("did you mean \"seed\"?") && message.contains("\"fixd\""), "{message}");
}

#[test]
fn recorded_origin_times_need_a_recording() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[origin]\nlatency = \"trace\"\n"),
        &["latency model \"trace\" needs a recorded [trace]", "help:"],
    );
}

#[test]
fn the_oracle_knows_no_requests_that_are_not_in_the_trace() {
    scenario_refused(
        &format!(
            "{STRATEGY}ttl = \"fixed\"\nguard = \"lock\"\n[cache]\ncapacity = \"1MiB\"\neviction = \"belady\"\n"
        ),
        &["guard \"lock\" cannot be combined with eviction \"belady\"", "help:"],
    );
}

#[test]
fn a_sweep_names_each_value_once() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[cache]\ncapacity = [\"64KiB\", \"65536B\"]\n"),
        &["stands twice in the sweep"],
    );
}

#[test]
fn a_duration_in_the_place_of_a_rule_is_helped() {
    strategy_refused("\"5s\"", &["is a duration, not a ttl rule", "{ rule = \"fixed\", ttl = \"5s\" }"]);
}

#[test]
fn a_warmup_that_leaves_nothing_is_refused() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[time]\nwarmup = \"1h\"\n"),
        &["warmup (1h) leaves nothing of the duration (1m)"],
    );
}

#[test]
fn a_model_that_is_not_there_is_refused() {
    scenario_refused(
        &format!("{STRATEGY}ttl = \"fixed\"\n[cache]\ncapacity = \"1MiB\"\neviction = \"magic\"\n"),
        &["no eviction policy is called \"magic\"", "lru"],
    );
}

#[test]
fn a_bound_on_freshness_needs_something_that_changes() {
    scenario_refused(
        &format!("[time]\nfreshness_bound = \"5m\"\n{STRATEGY}ttl = {{ rule = \"fixed\", ttl = \"1h\" }}\n"),
        &[
            "freshness_bound is 5m, but nothing ever changes at the origin",
            "s.toml:9:19",
            "= help: write changes =",
        ],
    );
}

/// A strategy that is refused is not missed as well by those who name it, who may stand above it.
#[test]
fn the_mistake_in_a_strategy_is_told_and_not_that_there_is_no_such_strategy() {
    let other = "[[strategy]]\nname = \"y\"\nttl = \"none\"\n";
    let wrong = "ttl = { rule = \"fixed\", ttl = \"0s\" }\n";
    let vary = "{ path = \"strategy.x.ttl.ttl\", from = \"1m\", to = \"1h\" }";
    for named in [
        "[expect]\nx.hit = [0.1, 0.9]\n".to_owned(),
        "[drill]\nexpect = { x = [\"flush\"] }\n".to_owned(),
        format!("[tune]\nstrategy = \"x\"\nmaximise = \"hit\"\nvary = [{vary}]\n"),
        "[drill]\nexpect = { x = [\"flush\"] }\n[expect]\nx.hit = [0.1, 0.9]\n".to_owned(),
    ] {
        let bench = Bench::new();
        bench.put("s.toml", format!("name = \"t\"\n{named}{WORKLOAD}{STRATEGY}{wrong}{other}"));
        let message = String::from_utf8_lossy(&bench.ttlab(&["run", "s.toml"]).stderr).into_owned();
        assert!(message.starts_with("error: ttl must lie in its legal range (1ms to 365d)"), "{message}");
        assert_eq!(message.matches("error:").count(), 1, "{message}");
        // Of a name that no strategy has, refused or not, it is told once the strategies can be read.
        let text = format!("name = \"t\"\n{named}{WORKLOAD}{STRATEGY}ttl = \"fixed\"\n{other}");
        bench.put("s.toml", text.replace("name = \"x\"", "name = \"z\""));
        let message = String::from_utf8_lossy(&bench.ttlab(&["run", "s.toml"]).stderr).into_owned();
        assert!(
            message.contains("no strategy is called") && message.contains("there are: z, y"),
            "{message}"
        );
    }
}

#[test]
fn a_name_never_speaks_to_the_terminal() {
    let bench = Bench::new();
    // Without a capacity this strategy is warned of, by its name.
    let name = format!("\\u001b]0;owned\\u0007\\u202e{}", "long ".repeat(2_000));
    bench.put("s.toml", format!("name = \"t\"\n{WORKLOAD}[[strategy]]\nname = \"{name}\"\nttl = \"none\"\n"));
    let output = bench.ttlab(&["run", "s.toml"]);
    let told = String::from_utf8([output.stdout, output.stderr].concat()).expect("it is text");
    assert!(output.status.success() && told.contains("warning: strategy"), "{told}");
    assert!(told.chars().all(|c| c == '\n' || !(c.is_control() || c == '\u{202e}')), "{told:?}");
    assert!(told.lines().all(|line| line.chars().count() < 1_000), "{told}");
}

#[test]
fn phases_have_a_line_at_their_start_and_one_at_their_end_where_there_is_no_terminal() {
    let bench = Bench::new();
    let strategy = format!("{STRATEGY}ttl = \"fixed\"\n");
    bench.put("s.toml", format!("name = \"t\"\n{WORKLOAD}{strategy}"));
    bench.put("log.toml", format!("name = \"l\"\n[trace]\npath = \"t.csv\"\ntime_unit = \"s\"\n{strategy}"));
    bench.put("t.csv", "time,key,size\n10,/a,5\n20,/a,5\n30,/b,5\n");
    let said = |arguments: &[&str]| {
        let output = bench.ttlab(&[&["run"], arguments].concat());
        String::from_utf8(output.stderr).expect("it is text")
    };
    let (made_up, read) = (said(&["s.toml"]), said(&["log.toml"]));
    for phase in ["simulating: 1 run, ", "simulating: done after "] {
        assert!(made_up.contains(phase) && read.contains(phase), "{phase}: {made_up} {read}");
    }
    for phase in ["reading t.csv\n", "reading t.csv: done after "] {
        assert!(read.contains(phase) && !made_up.contains("reading"), "{phase}: {read}");
    }
    assert_eq!(said(&["log.toml", "--quiet"]), "");
    // Standard output is one document all the same.
    let json = bench.ttlab(&["run", "log.toml", "--json"]).stdout;
    assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
}

#[test]
fn a_locale_without_unicode_gets_tables_that_it_can_show() {
    let bench = Bench::new();
    let second = "[[strategy]]\nname = \"y\"\nttl = { rule = \"fixed\", ttl = \"5s\" }\n";
    bench.put("s.toml", format!("name = \"t\"\nrepeat = 2\n{WORKLOAD}{STRATEGY}ttl = \"fixed\"\n{second}"));
    let told = |locale: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ttlab"));
        command
            .current_dir(bench.path(""))
            .args(["run", "s.toml"])
            .env("LC_ALL", locale)
            .env("COLUMNS", "160");
        let output = command.output().expect("ttlab can be started");
        String::from_utf8(output.stdout).expect("it is text")
    };
    let (unicode, ascii) = (told("C.UTF-8"), told("C"));
    assert!(!unicode.is_ascii() && ascii.is_ascii(), "{unicode}\n{ascii}");
    let widths = |text: &str| text.lines().map(|line| line.trim_end().chars().count()).collect::<Vec<_>>();
    assert_eq!(widths(&unicode), widths(&ascii), "{unicode}\n{ascii}");
    assert!(unicode.starts_with("t\ntrace synthetic, "), "{unicode}");
    assert!(unicode.contains("2 strategies x 2 seeds = 4 runs"), "{unicode}");
}
