//! Claim 4: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013.

use std::fmt::Write;

use ttlab::cache::Cause;
use ttlab::metrics::OutcomeKind;

use crate::ledger::Ledger;
use crate::support;

#[test]
fn claim_4_leases_cut_the_peak_rate_of_herd_prone_keys_tenfold() {
    let mut ledger = Ledger::new("claim 4");
    // A hundred keys in ten groups, two hundred requests a second for each; a group after the other is purged, each
    // again after 11 s.
    let mut text = "name = \"claim\"\nseed = 1\n[time]\nwarmup = \"15s\"\n\
                    [workload]\nduration = \"75s\"\nrate = \"20000/s\"\nevents = [\n"
        .to_owned();
    for purge in 0..50 {
        let (at, group) = (16.0 + 1.1 * f64::from(purge), purge % 10);
        writeln!(
            text,
            "{{ event = \"purge\", at = \"{at:.1}s\", class = \"group {group}\", mode = \"delete\" }},"
        )
        .expect("a String takes any text");
    }
    text.push_str("]\n");
    for group in 0..10 {
        write!(
            text,
            "[[workload.class]]\nname = \"group {group}\"\nobjects = 10\nshare = 0.1\npopularity = \"uniform\"\n"
        )
        .expect("a String takes any text");
    }
    text.push_str(
        "[origin]\nlatency = { model = \"constant\", value = \"100ms\" }\n\
         [[strategy]]\nname = \"none\"\nbaseline = true\nttl = { rule = \"fixed\", ttl = \"1h\" }\n\
         [[strategy]]\nname = \"lease\"\nguard = { policy = \"lease\", token_interval = \"10s\" }\n\
         ttl = { rule = \"fixed\", ttl = \"1h\" }\n",
    );
    let cells = support::run(&text);
    for cell in &cells {
        let purged = cell[0].totals.outcomes.of(OutcomeKind::Miss(Cause::Invalidated));
        assert!(purged >= 500, "every purge of ten keys is felt: {purged}");
    }
    let peaks: Vec<f64> = cells.iter().map(|cell| cell[0].origin.per_second.peak as f64).collect();
    let what = "most fetches in a second, without a guard over with leases (17 K/s over 1.3 K/s)";
    ledger.must_lie(what, "13", peaks[0] / peaks[1], 10.0..=f64::INFINITY);
    ledger.close();
}
