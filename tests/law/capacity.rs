//! F9 and F10: a full cache, without and with a TTL. Approximations, good to .2 points.

use std::fmt::Write;

use crate::ledger::Ledger;
use crate::theory::{fifo, lru, lru_time, lru_with_ttl_eager, lru_with_ttl_lazy, zipf_rates};
use crate::{share, support};
use ttlab::metrics::Measurements;
use ttlab::metrics::OutcomeKind::FreshHit;

/// A catalogue of the law: objects, Zipf's exponent and capacity in objects, at 1000 requests a second.
struct Catalogue {
    objects: u32,
    alpha: f64,
    capacity: u32,
    lru: f64,
    fifo: f64,
}

const RATE: f64 = 1_000.0;

/// With the published hit ratios.
const CATALOGUES: [Catalogue; 4] = [
    Catalogue { objects: 2_000, alpha: 0.9, capacity: 200, lru: 0.50480, fifo: 0.45401 },
    Catalogue { objects: 2_000, alpha: 0.7, capacity: 200, lru: 0.30581, fifo: 0.27208 },
    Catalogue { objects: 2_000, alpha: 1.2, capacity: 200, lru: 0.79623, fifo: 0.75320 },
    Catalogue { objects: 10_000, alpha: 1.0, capacity: 500, lru: 0.58674, fifo: 0.53940 },
];

impl Catalogue {
    fn rates(&self) -> Vec<f64> {
        zipf_rates(self.objects, self.alpha, RATE)
    }

    /// Replications of each cell: strategies of these TTLs (or one without), or several policies.
    fn run(&self, eviction: &str, reclaim: &str, ttls: &[f64]) -> Vec<Vec<Measurements>> {
        let Self { objects, alpha, capacity, .. } = self;
        let mut text = format!(
            "name = \"law\"\nseed = 1\nrepeat = 16\n[time]\nwarmup = \"20s\"\n\
             [workload]\nduration = \"170s\"\nrate = \"{RATE}/s\"\n\
             [[workload.class]]\nname = \"image\"\nobjects = {objects}\n\
             popularity = {{ model = \"zipf\", alpha = {alpha:?} }}\n\
             [origin]\nlatency = {{ model = \"constant\", value = \"0s\" }}\n\
             [cache]\ncapacity = {{ objects = {capacity} }}\neviction = {eviction}\n\
             reclaim = \"{reclaim}\"\nttl_resolution = \"exact\"\n"
        );
        if ttls.is_empty() {
            text.push_str("[[strategy]]\nname = \"law\"\nttl = \"none\"\n");
        }
        for (index, ttl) in ttls.iter().enumerate() {
            let baseline = index == 0;
            write!(
                text,
                "[[strategy]]\nname = \"{index}\"\nbaseline = {baseline}\nttl = {{ rule = \"fixed\", ttl = \"{ttl:.9}s\" }}\n"
            )
            .expect("a String takes any text");
        }
        support::run(&text)
    }

    fn named(&self, law: &str) -> String {
        format!("{law} with {} of {} objects, α = {}", self.capacity, self.objects, self.alpha)
    }
}

#[test]
fn f9_lru_and_fifo_hit_as_their_characteristic_times_say() {
    let mut ledger = Ledger::new("F9");
    for catalogue in &CATALOGUES {
        let rates = catalogue.rates();
        let capacity = f64::from(catalogue.capacity);
        let cells = catalogue.run("[\"lru\", \"fifo\"]", "lazy", &[]);
        for (name, cell, law, published) in [
            ("LRU", &cells[0], lru(&rates, capacity), catalogue.lru),
            ("FIFO", &cells[1], fifo(&rates, capacity), catalogue.fifo),
        ] {
            let what = catalogue.named(&format!("F9 {name}"));
            assert!((law - published).abs() < 2e-5, "{what}: {law}, published {published}");
            share(cell, &[FreshHit]).must_be_near(&mut ledger, law, &what);
        }
    }
    ledger.close();
}

/// The server draws a bucket and then a key of it, so that keys with a bucket of their own go somewhat more often than
/// others: near the law of RANDOM, which is that of FIFO, and not on it.
#[test]
fn f9_random_eviction_of_a_server_hits_nearly_as_often_as_fifo() {
    let mut ledger = Ledger::new("F9, random");
    let catalogue = &CATALOGUES[0];
    let cells = catalogue.run("\"allkeys-random\"", "lazy", &[]);
    let law = fifo(&catalogue.rates(), f64::from(catalogue.capacity));
    let what = catalogue.named("F9 RANDOM, allkeys-random");
    share(&cells[0], &[FreshHit]).must_be_within(&mut ledger, law, 0.005, &what);
    ledger.close();
}

/// TTLs in seconds, or in characteristic times for the catalogues after the first; published hit ratios.
type Published = [(usize, f64, f64)];

const EAGER: &Published = &[
    (0, 0.2, 0.37718),
    (0, 0.5, 0.47005),
    (0, 1.0, 0.49103),
    (0, 3.0, 0.50178),
    (1, 1.5, 0.28324),
    (2, 1.5, 0.76343),
    (3, 1.5, 0.55331),
];

const LAZY: &Published = &[
    (0, 0.5, 0.46527),
    (0, 1.0, 0.48980),
    (0, 3.0, 0.50162),
    (1, 1.5, 0.27875),
    (2, 1.5, 0.75992),
    (3, 1.5, 0.55016),
];

fn check_with_ttl(law: &'static str, reclaim: &str, points: &Published, theory: fn(&[f64], f64, f64) -> f64) {
    let mut ledger = Ledger::new(law);
    for (number, catalogue) in CATALOGUES.iter().enumerate() {
        let rates = catalogue.rates();
        let capacity = f64::from(catalogue.capacity);
        let unit = if number == 0 { 1.0 } else { lru_time(&rates, capacity) };
        let here: Vec<(f64, f64)> =
            points.iter().filter(|point| point.0 == number).map(|point| (point.1 * unit, point.2)).collect();
        let ttls: Vec<f64> = here.iter().map(|point| point.0).collect();
        let cells = catalogue.run("\"lru\"", reclaim, &ttls);
        for (cell, (ttl, published)) in cells.iter().zip(here) {
            let what = format!("{}, T = {ttl:.3} s", catalogue.named(law));
            let hit = theory(&rates, capacity, ttl);
            assert!((hit - published).abs() < 1e-4, "{what}: {hit}, published {published}");
            share(cell, &[FreshHit]).must_be_near(&mut ledger, hit, &what);
        }
    }
    ledger.close();
}

#[test]
fn f10_lru_with_a_ttl_hits_as_the_chance_to_be_there_at_an_age_says() {
    check_with_ttl("F10", "eager", EAGER, lru_with_ttl_eager);
}

#[test]
fn f10l_under_lazy_reclaim_dead_entries_keep_the_characteristic_time_of_lru() {
    check_with_ttl("F10L", "lazy", LAZY, lru_with_ttl_lazy);
}
