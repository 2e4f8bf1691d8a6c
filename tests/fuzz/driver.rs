//! What every fuzzer of readers does with an input, whoever makes it up: the seeded mutations of the stable driver
//! (`tests/fuzz.rs`), or libFuzzer led by coverage (`fuzz/`).

use ttlab::random::Seed;
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::import::{Options, head, import};

/// A reader, as `[trace] format` writes it, and sound input that mutations begin with.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) format: &'static str,
    pub(crate) sound: &'static [u8],
}

/// One for each format.
pub(crate) const TARGETS: [Target; 15] = [
    Target { name: "clf", format: "\"clf\"", sound: include_bytes!("seeds/clf/sound") },
    Target { name: "combined", format: "\"combined\"", sound: include_bytes!("seeds/combined/sound") },
    Target {
        name: "nginx",
        format: "{ format = \"nginx\", log_format = '$host [$time_local] \"$request\" $status $body_bytes_sent $upstream_response_time $request_time' }",
        sound: include_bytes!("seeds/nginx/sound"),
    },
    Target { name: "json-lines", format: "\"json-lines\"", sound: include_bytes!("seeds/json-lines/sound") },
    Target { name: "csv", format: "\"csv\"", sound: include_bytes!("seeds/csv/sound") },
    Target { name: "tsv", format: "\"tsv\"", sound: include_bytes!("seeds/tsv/sound") },
    Target {
        name: "oracle-general",
        format: "\"oracle-general\"",
        sound: include_bytes!("seeds/oracle-general/sound"),
    },
    Target { name: "twitter", format: "\"twitter\"", sound: include_bytes!("seeds/twitter/sound") },
    Target {
        name: "wikimedia-upload",
        format: "\"wikimedia-upload\"",
        sound: include_bytes!("seeds/wikimedia-upload/sound"),
    },
    Target {
        name: "redis-monitor",
        format: "\"redis-monitor\"",
        sound: include_bytes!("seeds/redis-monitor/sound"),
    },
    Target {
        name: "valkey-trace",
        format: "\"valkey-trace\"",
        sound: include_bytes!("seeds/valkey-trace/sound"),
    },
    Target {
        name: "webcachesim",
        format: "\"webcachesim\"",
        sound: include_bytes!("seeds/webcachesim/sound"),
    },
    Target {
        name: "lirs",
        format: "{ format = \"lirs\", rate = \"100/s\" }",
        sound: include_bytes!("seeds/lirs/sound"),
    },
    Target {
        name: "tencent-photo",
        format: "\"tencent-photo\"",
        sound: include_bytes!("seeds/tencent-photo/sound"),
    },
    Target { name: "meta-cdn", format: "\"meta-cdn\"", sound: include_bytes!("seeds/meta-cdn/sound") },
];

/// How an input of the target is read: everything that a setting can let in is let in.
pub(crate) fn options(target: &Target) -> Options {
    let text = format!(
        "name = \"fuzz\"\n[trace]\nformat = {}\nmax_bad = 1.0\nextensions = []\nset = \"invalidate\"\n\
         [origin]\nchanges = {{ model = \"trace\" }}\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n",
        target.format
    );
    let scenario = Scenario::parse(&text, "fuzz.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Recorded(recorded) = &scenario.source else { panic!("it has a [trace]") };
    recorded.options.clone()
}

/// Reads an input; whether it was read, rather than refused.
///
/// # Panics
/// If a reader breaks its word: it holds more than the input can, or refuses without saying why and what to do.
pub(crate) fn check(target: &Target, options: &Options, bytes: &[u8]) -> bool {
    // What `ttlab trace head` shows, and how it refuses.
    if let Err(error) = head(bytes, "fuzz", options, 3) {
        assert!(!error.to_string().is_empty() && !error.help().is_empty(), "{}: {error}", target.name);
    }
    match import(bytes, "fuzz", options, Seed::new(1)) {
        Ok(import) => {
            let held = import.trace.len() + import.trace.objects().len() + import.trace.events().len();
            assert!(held <= 4 * bytes.len(), "{}: {held} things in {} bytes", target.name, bytes.len());
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.help().is_empty(), "{}: {error}", target.name);
            false
        }
    }
}
