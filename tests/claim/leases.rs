//! Claim 4: Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013.

use crate::ledger::Ledger;
use crate::support;

#[test]
fn claim_4_leases_cut_the_peak_rate_of_herd_prone_keys_tenfold() {
    let mut ledger = Ledger::new("claim 4");
    // A hundred keys, two hundred requests a second each; expiries stand for the purges of the paper.
    let text = "name = \"claim\"\nseed = 1\n[time]\nwarmup = \"15s\"\n[workload]\nduration = \"75s\"\nrate = \"20000/s\"\n\
                [[workload.class]]\nname = \"image\"\nobjects = 100\npopularity = \"uniform\"\n\
                [origin]\nlatency = { model = \"constant\", value = \"100ms\" }\n\
                [[strategy]]\nname = \"none\"\nbaseline = true\n\
                ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [{ modifier = \"jitter\", spread = 0.5 }] }\n\
                [[strategy]]\nname = \"lease\"\nguard = { policy = \"lease\", token_interval = \"10s\" }\n\
                ttl = { rule = \"fixed\", ttl = \"20s\", modifiers = [{ modifier = \"jitter\", spread = 0.5 }] }\n";
    let peaks: Vec<f64> =
        support::run(text).iter().map(|cell| cell[0].origin.per_second.peak as f64).collect();
    let what = "most fetches in a second, without a guard over with leases (17 K/s over 1.3 K/s)";
    ledger.must_lie(what, "13", peaks[0] / peaks[1], 10.0..=f64::INFINITY);
    ledger.close();
}
