//! Whatever the bytes, no reader breaks: seeded mutations of sound input, in every format, by the million.
//!
//! A mutated input must be read or refused with an error, hold no more requests than it has bytes, and
//! give the same again. What cargo-fuzz would do with coverage needs a nightly compiler; this driver
//! runs on the stable one. `cargo test --release --test fuzz -- --ignored --nocapture` runs millions.

use std::io::Write;

use ttlab::random::{Seed, Stream};
use ttlab::scenario::{Scenario, Source};
use ttlab::trace::format::write_record;
use ttlab::trace::import::{Options, import};

/// Sound input of each format, which mutations begin with; `\0` stands for binary records.
const SEEDS: [(&str, &str); 15] = [
    (
        "\"clf\"",
        "h - u [01/Aug/1995:00:00:01 -0400] \"GET /a.gif HTTP/1.0\" 200 1839\nh - - [01/Aug/1995:00:00:02 -0400] \"GET /%61?x=\\\"1\" 304 -\n",
    ),
    (
        "\"combined\"",
        "h - - [01/Aug/1995:00:00:01 -0400] \"GET http://h/a.gif HTTP/1.0\" 200 9 \"-\" \"b \\\" c\" 0.1\n",
    ),
    (
        "{ format = \"nginx\", log_format = '$host [$time_local] \"$request\" $status $body_bytes_sent $upstream_response_time $request_time' }",
        "h [01/Aug/1995:00:00:01 -0400] \"GET /a.gif HTTP/1.0\" 200 9 0.1, 0.2 : - 0.5\nh [01/Aug/1995:00:00:01 -0400] \"-\" 400 0 - 0.0\n",
    ),
    (
        "\"json-lines\"",
        "{\"ts\": 1.5, \"key\": \"/a\\u00e9\", \"size\": 9, \"ttl\": 60}\n{\"ts\": \"2\", \"key\": \"/b\"}\n",
    ),
    (
        "\"csv\"",
        "time_us,op,key,size,class,ttl_ms\n1,get,\"/a,\"\"b\",9,x,60\n2,set,/b,,,never\n3,delete,/b,,,\n",
    ),
    ("\"tsv\"", "ts\tkey\tsize\tclass\n1.5\t/a\t9\tx\n1e3\t/b\t\t\n"),
    ("\"oracle-general\"", "\0"),
    ("\"twitter\"", "0,a,1,9,7,set,60\n1,a,b,1,0,7,get,0\n2,a,1,0,7,incr,0\n3,a,1,0,7,delete,0\n"),
    ("\"wikimedia-upload\"", "7\t-123\tsvg+xml\t900\t0.0625\n8\t44\tjpeg\t1\t-\n"),
    (
        "\"redis-monitor\"",
        "OK\n1.5 [0 10.0.0.1:5] \"GET\" \"a\"\n1.6 [0 10.0.0.1:5] \"SETEX\" \"a\" \"60\" \"\\x00\\n\\\"\"\n2.0 [3 lua] \"MSET\" \"a\" \"b\" \"c\" \"d\"\n2.1 [0 unix:/a] \"MGET\" \"a\" \"b\"\n",
    ),
    ("\"valkey-trace\"", "ts_us,seq,db,cmd,key,access\n1,1,0,get,k,r\n2,2,0,set,\"k,\",w\n"),
    ("\"webcachesim\"", "1 2 3 4 5\n9 18446744073709551615 7\n"),
    ("{ format = \"lirs\", rate = \"100/s\" }", "1\n*\n\n4\n1\n"),
    ("\"tencent-photo\"", "20160201120001 00ff 5 l 1234 0 0 37\n20160201120002 0a 0 m 9 1 1 2\n"),
    ("\"meta-cdn\"", "1,k,1,100,100,9,-1,-1,60,0.1,1,,h,2,3\n2,l,1,7,7,9,0,5,0,0.1,0,,h,2,3\n"),
];

/// Pieces that mean something somewhere.
const TOKENS: [&[u8]; 24] = [
    b"\n",
    b"\r\n",
    b"\"",
    b"\\",
    b"\\x",
    b"%",
    b"%2",
    b"?",
    b"#",
    b",",
    b"\t",
    b" ",
    b"[",
    b"] \"",
    b"-",
    b"-1",
    b"99999999999999999999",
    b"1e308",
    b"NaN",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"{",
    b"0.000000000000000000001",
];

fn below(random: &mut Stream, limit: usize) -> usize {
    use rand::RngExt;
    random.random_range(0..limit.max(1))
}

fn mutated(sound: &[u8], random: &mut Stream) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..=below(random, 6) {
        let at = below(random, bytes.len() + 1);
        match below(random, 7) {
            0 if at < bytes.len() => bytes[at] = u8::try_from(below(random, 256)).expect("a byte"),
            1 if at < bytes.len() => bytes[at] ^= 1 << below(random, 8),
            2 => bytes.truncate(at),
            3 => {
                let token = TOKENS[below(random, TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            4 if at < bytes.len() => {
                let end = at + below(random, bytes.len() - at);
                bytes.drain(at..end);
            }
            5 if at < bytes.len() => {
                let end = at + below(random, (bytes.len() - at).min(40));
                let copy = bytes[at..end].to_vec();
                let to = below(random, bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            _ => bytes.insert(at, u8::try_from(below(random, 256)).expect("a byte")),
        }
    }
    bytes
}

fn options(format: &str) -> Options {
    let text = format!(
        "name = \"fuzz\"\n[trace]\nformat = {format}\nmax_bad = 1.0\nextensions = []\nset = \"invalidate\"\n\
         [origin]\nchanges = {{ model = \"trace\" }}\n[[strategy]]\nname = \"s\"\nttl = \"none\"\n"
    );
    let scenario = Scenario::parse(&text, "fuzz.toml").unwrap_or_else(|error| panic!("{error}"));
    let Source::Recorded(recorded) = &scenario.source else { panic!("it has a [trace]") };
    recorded.options.clone()
}

/// Reads `inputs` mutations in each format; how many were read, and how many refused.
fn drive(inputs: u64) -> Vec<(&'static str, u64, u64)> {
    let mut results = Vec::new();
    for (format, sound) in SEEDS {
        let options = options(format);
        let guessed = Options { format: None, ..options.clone() };
        let sound = if sound == "\0" {
            let mut records = Vec::new();
            for (time, id) in [(1, 7), (2, u64::MAX), (2, 7)] {
                write_record(&mut records, time, id, 100, Some(3)).expect("a Vec takes everything");
            }
            records
        } else {
            sound.as_bytes().to_vec()
        };
        let (mut read, mut refused) = (0, 0);
        for nth in 0..inputs {
            let mut random = Seed::new(1).of(format).keyed(nth, 0);
            let bytes = mutated(&sound, &mut random);
            let result = import(bytes.as_slice(), "fuzz", &options, Seed::new(1));
            if nth % 16 == 0 {
                let again = import(bytes.as_slice(), "fuzz", &options, Seed::new(1));
                assert_eq!(result.as_ref().ok().map(|i| &i.trace), again.as_ref().ok().map(|i| &i.trace));
                let _ = import(bytes.as_slice(), "fuzz", &guessed, Seed::new(1));
            }
            match result {
                Ok(import) => {
                    read += 1;
                    let held =
                        import.trace.len() + import.trace.objects().len() + import.trace.events().len();
                    assert!(held <= 4 * bytes.len(), "{format}: {held} things in {} bytes", bytes.len());
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty() && !error.help().is_empty(), "{format}: {error}");
                }
            }
        }
        results.push((format, read, refused));
    }
    results
}

#[test]
fn no_mutation_breaks_a_reader() {
    for (format, read, refused) in drive(1_500) {
        assert!(read > 0 && refused > 0, "{format}: {read} read, {refused} refused");
    }
}

#[test]
#[ignore = "millions of inputs: run it in release, by hand"]
fn no_mutation_of_millions_breaks_a_reader() {
    let mut out = std::io::stdout();
    for (format, read, refused) in drive(300_000) {
        writeln!(out, "{format}: {read} read, {refused} refused").expect("standard output is there");
    }
}
