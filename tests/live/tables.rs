//! When the old table is freed while keys move: after as many commands as in the model, though hashes differ.
//!
//! Without `activerehashing` keys move with commands alone, one bucket with each look into a table, and `DEBUG HTSTATS`
//! tells whether there are two. How many buckets hold keys depends on the hashes, to about a hundredth here.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use ttlab::cache::command::{Connection, WallClock};
use ttlab::trace::Trace;
use ttlab::units::{SimDuration, SimTime};

use super::model;
use super::resp::{Answer, Client};
use super::server::Server;

/// Keys that fill a table, the next of which makes it grow.
const KEYS: usize = 4_096;
/// Bytes of that table.
const OLD: u64 = 8 * KEYS as u64;
/// A TTL that nothing outlives here.
const LONG: &str = "100000000";

/// Whether the keys have a TTL, and a command that is sent until the old tables are gone: of each `KEY` in turn, of a `NEW`
/// one, or of one that is never there. SET over a key with a TTL takes its old end out and puts the new one into the new
/// table, so that the old table is gone sooner than by looks alone.
const GROWTH: [(bool, &str); 18] = [
    (false, "GET absent"),
    (false, "GET KEY"),
    (true, "GET KEY"),
    (true, "TTL KEY"),
    (true, "EXISTS KEY"),
    (false, "SET NEW v"),
    (true, "SET NEW v PX 100000000"),
    (false, "SET KEY v"),
    (true, "SET KEY v"),
    (true, "SET KEY v PX 100000000"),
    (false, "SET NEW v KEEPTTL"),
    (false, "SET KEY v KEEPTTL"),
    (true, "SET KEY v KEEPTTL"),
    (true, "PEXPIRE KEY 100000000"),
    (true, "PERSIST KEY"),
    (true, "GETEX KEY PX 100000000"),
    (false, "DEL KEY"),
    (true, "DEL KEY"),
];

/// A server and a model to which the same is sent.
struct Both {
    client: Client,
    model: Connection,
    now: SimTime,
}

impl Both {
    fn new(server: &Server) -> Self {
        let mut client = server.client();
        client.must(&["FLUSHALL"]);
        client.must(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        let names = ["KEY", "NEW"].map(|word| (0..=KEYS).map(move |number| named(word, number)));
        let names: Vec<String> = names.into_iter().flatten().chain(["absent".to_owned()]).collect();
        let objects = model::objects(names.iter().map(|name| (name.as_str(), 1)));
        let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
        let cache = model::redis(&trace, "noeviction", 1 << 40, 0, 0);
        let model = Connection::new(cache, WallClock::starting_at(1_700_000_000_000));
        Self { client, model, now: SimTime::ZERO }
    }

    fn send(&mut self, words: &[&str]) {
        self.client.must(words);
        self.model.send(words, self.now);
    }

    /// Stores so many keys, and lets the tables come to rest.
    fn fill(&mut self, has_ttl: bool) {
        let set = fill(has_ttl);
        (0..KEYS).for_each(|number| self.send(&words(&set, number).each_str()));
        while self.moves().contains(&true) {
            self.client.must(&["GET", &named("KEY", 0)]);
        }
        (0..2).for_each(|_| self.tick());
    }

    /// A cron tick of the model: it ends all moves, those of the ends in a second one.
    fn tick(&mut self) {
        self.now += SimDuration::from_millis(100);
        self.model.cache_mut().bytes_at(self.now);
    }

    /// Whether keys of the server move in the table of all, and in that of those with a TTL.
    fn moves(&mut self) -> [bool; 2] {
        let Answer::Bulk(Some(told)) = self.client.must(&["DEBUG", "HTSTATS", "0"]) else {
            panic!("HTSTATS is a text")
        };
        let told = String::from_utf8(told).expect("it is text");
        let (dict, expires) = told.split_once("[Expires HT]").expect("there are two tables");
        [dict, expires].map(|table| table.contains("rehashing target"))
    }

    /// After how many commands each old table of the server is gone, and after how many the model has given one back.
    fn until_freed(&mut self, command: &str) -> [Vec<usize>; 2] {
        let (mut live, mut modelled) = (Vec::new(), Vec::new());
        let mut moving = self.moves();
        let tables = moving.iter().filter(|moves| **moves).count();
        for number in 0..KEYS {
            let words = words(command, number);
            let words = words.each_str();
            if live.len() < tables {
                self.client.must(&words);
                let now = self.moves();
                live.extend((0..2).filter(|table| moving[*table] && !now[*table]).map(|_| number + 1));
                moving = now;
            }
            if modelled.len() < tables {
                let before = self.model.cache().bytes();
                self.model.send(&words, self.now);
                // A command changes far fewer bytes beside.
                let less = before.saturating_sub(self.model.cache().bytes());
                modelled.extend((0..(less + OLD / 2) / OLD).map(|_| number + 1));
            }
        }
        [live, modelled]
    }
}

/// A command that stores a key.
fn fill(has_ttl: bool) -> String {
    if has_ttl { format!("SET KEY v PX {LONG}") } else { "SET KEY v".to_owned() }
}

fn named(word: &str, number: usize) -> String {
    format!("{word}{number}")
}

/// The words of a command, with the name of a key in the place of `KEY` or `NEW`.
fn words(command: &str, number: usize) -> Words {
    let written = |word| if matches!(word, "KEY" | "NEW") { named(word, number) } else { word.to_owned() };
    Words(command.split(' ').map(written).collect())
}

struct Words(Vec<String>);

impl Words {
    fn each_str(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

/// Numbers of commands that differ by no more than chance makes of the hashes.
fn are_near(live: &[usize], modelled: &[usize]) -> bool {
    let is_near =
        |(live, modelled): (&usize, &usize)| live.abs_diff(*modelled) <= 3 + live.max(modelled) / 20;
    live.len() == modelled.len() && live.iter().zip(modelled).all(is_near)
}

#[test]
fn a_table_that_has_grown_is_freed_after_as_many_commands_as_in_the_model() {
    let Some(server) = Server::start(&["--activerehashing", "no"]) else { return };
    for (has_ttl, command) in GROWTH {
        let mut both = Both::new(&server);
        both.fill(has_ttl);
        let last = words(&fill(has_ttl), KEYS);
        both.send(&last.each_str());
        assert_eq!(both.moves(), [true, has_ttl], "{command}");
        let [live, modelled] = both.until_freed(command);
        assert_eq!(live.len(), 1 + usize::from(has_ttl), "{command}");
        assert!(
            are_near(&live, &modelled),
            "{command}, TTL {has_ttl}: {live:?} live, {modelled:?} in the model"
        );
    }
}

/// The table of ends shrinks; that of all keys does too, and takes the tick of the model for itself.
fn shrinking(server: &Server, left: usize) -> Both {
    let mut both = Both::new(server);
    both.fill(true);
    // At once, so that no tick comes in between.
    let gone: Vec<String> = (left..KEYS).map(|number| named("KEY", number)).collect();
    let words: Vec<&str> = std::iter::once("DEL").chain(gone.iter().map(String::as_str)).collect();
    both.send(&words);
    while !both.moves()[1] {
        sleep(Duration::from_millis(10));
    }
    both.tick();
    both
}

#[test]
fn a_table_that_shrinks_is_freed_after_as_many_commands_as_in_the_model() {
    let Some(server) = Server::start(&["--activerehashing", "no"]) else { return };
    let mut both = shrinking(&server, 100);
    let before = both.model.cache().bytes();
    // Nine of ten looks pass ten empty buckets and end.
    let mut freed = [None; 2];
    for number in 1..KEYS {
        both.send(&["GET", &named("KEY", number % 100)]);
        let model = both.model.cache().bytes() + OLD / 2 < before;
        for (freed, is_free) in freed.iter_mut().zip([!both.moves()[1], model]) {
            *freed = freed.or(is_free.then_some(number));
        }
    }
    let [live, modelled] = freed.map(|freed| freed.expect("4095 looks end the move"));
    assert!(live > 300 && are_near(&[live], &[modelled]), "{live} live, {modelled} in the model");
}

/// Whoever is deleted last stands in the old table or has moved, as its hash has it, and only in the first case nobody is
/// left who would free the old table by a look. So one after the other is deleted last, until it stands there in both.
#[test]
fn the_old_table_is_freed_by_the_next_key_once_all_of_its_own_are_deleted() {
    let Some(server) = Server::start(&["--activerehashing", "no"]) else { return };
    for last in 0..40 {
        let mut both = shrinking(&server, 100);
        let before = both.model.cache().bytes();
        // Two looks for each: the cursor comes half way through the table.
        let others = (0..100).filter(|number| *number != last);
        others.chain([last]).for_each(|number| both.send(&["DEL", &named("KEY", number)]));
        // Nobody looks into a table without keys.
        (0..1_000).for_each(|number| both.send(&["GET", &named("KEY", number)]));
        let between = both.model.cache().bytes();
        if !both.moves()[1] || between + OLD <= before {
            continue;
        }
        both.send(&["SET", "KEY0", "v", "PX", LONG]);
        assert!(!both.moves()[1], "it is gone");
        let after = both.model.cache().bytes();
        assert!(after + OLD / 2 < between, "in the model too: {between} to {after} bytes");
        return;
    }
    panic!("the old table is freed too early, by the server or by the model");
}
