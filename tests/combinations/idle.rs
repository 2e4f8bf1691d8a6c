//! Rows of settings that lie beyond what there is, or that another one leaves no part to play.

use super::Row;
use super::Verdict::{Refused, Warned, WarnedOnTrace};

pub(crate) const IDLE: &[Row] = &[
    (
        6,
        "ttl = { rule = \"fixed\", ttl = \"1h\", modifiers = [{ modifier = \"clamp\", max = \"1h\", physical = true }, \"jitter\"] }",
        "",
        Refused,
        &["\"jitter\"", "\"fixed\" up to 1h6m", "\"clamp\"", "1h (max)", "write max = \"1h6m\""],
    ),
    (
        6,
        "ttl = { rule = \"fixed\", ttl = \"50m\", modifiers = [{ modifier = \"clamp\", max = \"1h\", physical = true }, \"jitter\"] }\n\
         refresh = { policy = \"stale-while-revalidate\", window = \"6m\" }",
        "",
        Refused,
        &["\"stale-while-revalidate\" (window)", "(up to 55m)", "1h (max)", "write max = \"1h1m\""],
    ),
    (
        4,
        "ttl = { rule = \"fixed\", ttl = \"10s\" }\nrefresh = { policy = \"race-ttl\", r = \"11s\" }",
        "",
        Warned,
        &["\"race-ttl\"", "11s (r)", "\"fixed\" (10s)", "write r = \"1s\""],
    ),
    (
        13,
        "ttl = \"fixed\"\nrefresh = { policy = \"timer\", period = \"30m\", scope = \"top-k\", top_k = 101 }",
        "",
        WarnedOnTrace,
        &["\"timer\"", "101 objects (top_k)", "there are 100", "write a smaller top_k"],
    ),
    (
        0,
        "ttl = \"fixed\"\nsweep = { policy = \"zset-sweep\", limit_bytes = \"0B\" }",
        "",
        Refused,
        &["limit_bytes must be above 0", "write limit_bytes = \"64MiB\""],
    ),
    (
        0,
        "ttl = { rule = \"fixed\", modifiers = [{ modifier = \"load-adaptive\", servers = 4, lo = 1, hi = 1.2 }] }",
        "",
        Refused,
        &["lo (1)", "signal \"utilisation\"", "at most 1", "signal = \"queue\""],
    ),
    (
        0,
        "ttl = { rule = \"fixed\", modifiers = [{ modifier = \"load-adaptive\", servers = 4, hi = 1.2 }] }",
        "",
        Warned,
        &["\"load-adaptive\"", "hi is 1.2", "\"utilisation\"", "write hi = 0.95"],
    ),
    // Settings that another one leaves no part to play.
    (
        0,
        "ttl = { rule = \"change-rate\", changes_every = \"1d\", min_polls = 9 }",
        "",
        Warned,
        &["min_polls", "\"change-rate\"", "mu \"declared\"", "leave min_polls out"],
    ),
    (
        0,
        "ttl = { rule = \"change-rate\", changes_every = \"1d\", prior = 2 }",
        "",
        Warned,
        &["prior", "\"change-rate\"", "mu \"declared\"", "leave prior out"],
    ),
    (
        0,
        "ttl = { rule = \"d-ttl\", target = 0.8, touch = false, max_age = \"48h\" }",
        "",
        Warned,
        &["max_age", "\"d-ttl\"", "touch is false", "leave max_age out"],
    ),
    (
        0,
        "ttl = \"fixed\"\nsweep = { policy = \"zset-sweep\", limit_entries = 9, atomic = true, round_trip = \"5ms\" }",
        "",
        Warned,
        &["round_trip", "atomic", "leave round_trip out"],
    ),
    (
        0,
        "ttl = \"fixed\"\nsweep = { policy = \"zset-sweep\", limit_entries = 9, batch = 5 }",
        "",
        Warned,
        &["batch", "limit_entries", "leave batch out"],
    ),
    (
        0,
        "ttl = \"fixed\"\nguard = { policy = \"lock-stale\", cold = \"fetch\", poll = \"9ms\" }",
        "[client]\ntimeout = \"3s\"",
        Warned,
        &["poll", "\"lock-stale\"", "cold \"fetch\"", "leave poll out"],
    ),
    (
        0,
        "ttl = \"fixed\"\nguard = { policy = \"lock-stale\", cold = \"fetch\", wait_timeout = \"9s\" }",
        "",
        Warned,
        &["wait_timeout", "\"lock-stale\"", "cold \"fetch\"", "leave wait_timeout out"],
    ),
    (
        0,
        "ttl = \"fixed\"",
        "[client]\nbackoff = \"9s\"",
        Warned,
        &["backoff of [client]", "retries is 0", "leave backoff out"],
    ),
    (
        0,
        "ttl = \"fixed\"",
        "[client]\nbackoff_cap = \"9s\"\nretry_budget = 0.5",
        Warned,
        &["backoff_cap and retry_budget of [client]", "retries is 0"],
    ),
    (
        0,
        "ttl = { rule = \"none\", modifiers = [\"jitter\"] }",
        "",
        Warned,
        &["\"jitter\" changes nothing", "\"none\"", "leave it out"],
    ),
    (
        0,
        "ttl = { rule = \"none\", modifiers = [{ modifier = \"schedule\", table = { \"00:00\" = 2 } }] }",
        "",
        Warned,
        &["\"schedule\" changes nothing", "\"none\"", "leave it out"],
    ),
    (
        0,
        "ttl = { rule = \"none\", modifiers = [\"activity\"] }",
        "",
        Warned,
        &["\"activity\" changes nothing", "\"none\"", "leave it out"],
    ),
    (
        0,
        "ttl = { rule = \"none\", modifiers = [{ modifier = \"schedule\", table = { \"00:00\" = 2 } }, { modifier = \"clamp\", max = \"1h\" }] }",
        "",
        Warned,
        &["\"schedule\" changes nothing", "\"none\""],
    ),
];
