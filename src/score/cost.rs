//! What a cell costs a month: memory that is rented, fetches that the origin serves, bytes that go out.
//!
//! Prices are the scenario's. A month has 730 hours, a twelfth of 365 days.

use super::cell::Replications;
use super::rates;
use super::stats::Estimate;
use crate::metrics::{Measurements, Sampled};

/// Hours of a month: 365 days of 24 hours over twelve.
pub const HOURS_PER_MONTH: f64 = 730.0;
/// Bytes of a GiB, by which memory is priced.
const GIB: f64 = 1_073_741_824.0;
/// Bytes of a GB, by which traffic is priced.
const GB: f64 = 1e9;

/// The prices of a scenario, all in one currency.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    /// What the amounts are called, such as `USD`.
    pub currency: String,
    /// How memory is rented.
    pub memory: MemoryPrice,
    /// Copies of every node beside the primary.
    pub replicas: u32,
    /// Share of the rented memory that is kept free, below 1.
    pub headroom: f64,
    /// What the process takes of the machine as a multiple of what Redis counts; `None` takes the memory model's own
    /// ratio, or 1 where it has none.
    pub rss_ratio: Option<f64>,
    /// A fetch from the origin.
    pub per_fetch: f64,
    /// A GB (10⁹ bytes) that the origin sends.
    pub per_gb_fetched: f64,
    /// A GB that clients ask for.
    pub per_gb_served: f64,
}

/// How memory is rented.
#[derive(Debug, Clone, PartialEq)]
pub enum MemoryPrice {
    /// By size alone: the price of a GiB for an hour.
    PerGibHour(f64),
    /// In nodes of these sizes; a cell takes as many of one size as it needs, of the size that is cheapest for it.
    Nodes(Vec<Node>),
}

/// A size of node that can be rented.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is called.
    pub name: String,
    /// Its memory in bytes.
    pub memory: u64,
    /// Its price for an hour.
    pub per_hour: f64,
}

/// Memory that is rented for a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Rented {
    /// Bytes that the primary needs: what Redis holds times the RSS ratio, over what headroom leaves.
    pub bytes: f64,
    /// Name of the nodes and how many, replicas included; `None` where memory is rented by size.
    pub nodes: Option<(String, u64)>,
    /// Price for a month, replicas included.
    pub monthly: f64,
}

/// What a cell costs a month.
#[derive(Debug, Clone, PartialEq)]
pub struct MonthlyCost {
    /// All of it, with its interval over replications.
    pub total: Estimate,
    /// Memory that is rented for the replication that needs most.
    pub rented: Rented,
    /// Memory, averaged over replications.
    pub memory: f64,
    /// Fetches and bytes from the origin.
    pub origin: f64,
    /// Bytes to clients.
    pub served: f64,
}

impl Prices {
    /// What to rent for a cache that holds `bytes`.
    pub fn rent(&self, bytes: f64, model_ratio: Option<f64>) -> Rented {
        let needed = bytes * self.rss_ratio.or(model_ratio).unwrap_or(1.0) / (1.0 - self.headroom);
        let copies = f64::from(self.replicas) + 1.0;
        match &self.memory {
            MemoryPrice::PerGibHour(price) => {
                let monthly = needed / GIB * price * copies * HOURS_PER_MONTH;
                Rented { bytes: needed, nodes: None, monthly }
            }
            MemoryPrice::Nodes(sizes) => {
                let priced = sizes.iter().map(|node| {
                    let count = (needed / node.memory as f64).ceil().max(1.0) * copies;
                    (count * node.per_hour * HOURS_PER_MONTH, count, node)
                });
                // The first of equally cheap ones.
                let cheapest = priced.reduce(|best, next| if next.0 < best.0 { next } else { best });
                let (monthly, count, node) = cheapest.expect("prices name at least one size of node");
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a whole number of nodes"
                )]
                Rented { bytes: needed, nodes: Some((node.name.clone(), count as u64)), monthly }
            }
        }
    }

    /// What a cell costs a month that holds at most `limit` bytes; without a limit, the most that it held. `None` where
    /// no time was scored, and where samples of the keys were played that do not tell the most.
    pub fn monthly(&self, limit: Option<u64>, runs: &Replications) -> Option<MonthlyCost> {
        let is_untold = |sampled: Sampled| sampled.shared.commands || sampled.shared.sweeps;
        if limit.is_none() && runs.iter().any(|run| run.sampled.is_some_and(is_untold)) {
            return None;
        }
        let held = |run: &Measurements| limit.unwrap_or(run.memory.peak_bytes) as f64;
        let memory = |run: &Measurements| Some(self.rent(held(run), run.memory.rss_ratio).monthly);
        let total = runs.estimate(|run| Some(memory(run)? + self.origin(run)? + self.served(run)?))?;
        let most = runs.iter().max_by(|a, b| held(a).total_cmp(&held(b)))?;
        Some(MonthlyCost {
            total,
            rented: self.rent(held(most), most.memory.rss_ratio),
            memory: runs.mean(memory)?,
            origin: runs.mean(|run| self.origin(run))?,
            served: runs.mean(|run| self.served(run))?,
        })
    }

    fn origin(&self, run: &Measurements) -> Option<f64> {
        let fetches = monthly(run, run.origin.fetches)? * self.per_fetch;
        Some(fetches + monthly(run, run.origin.bytes)? / GB * self.per_gb_fetched)
    }

    fn served(&self, run: &Measurements) -> Option<f64> {
        Some(monthly(run, run.totals.requested_bytes)? / GB * self.per_gb_served)
    }
}

/// A count of scored time, brought to a month.
fn monthly(run: &Measurements, count: u64) -> Option<f64> {
    rates::per_second(run, count).map(|rate| rate * 3_600.0 * HOURS_PER_MONTH)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::run_with;
    use super::*;
    use crate::units::SimDuration;

    fn prices(memory: MemoryPrice) -> Prices {
        Prices {
            currency: "EUR".into(),
            memory,
            replicas: 1,
            headroom: 0.2,
            rss_ratio: Some(1.2),
            per_fetch: 0.5e-6,
            per_gb_fetched: 0.02,
            per_gb_served: 0.05,
        }
    }

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() <= 1e-9 * expected.abs(), "{value} is not {expected}");
    }

    /// The worked example of docs/guide.md, `[cost]`: 8 GiB at 0.02 a GiB-hour, one replica, 20 % headroom, RSS 1.2.
    #[test]
    fn the_worked_example_comes_out() {
        let run = run_with(|run| {
            run.scored = SimDuration::from_secs(3_600);
            run.origin.fetches = 36_000;
            run.origin.bytes = 360_000_000;
            run.totals.requested_bytes = 7_200_000_000;
        });
        let runs: Replications = [(0, run)].into_iter().collect();
        let cost = prices(MemoryPrice::PerGibHour(0.02)).monthly(Some(8 << 30), &runs).unwrap();
        // 8 GiB · 1.2 / 0.8 = 12 GiB; · 0.02 · 2 · 730 = 350.40.
        close(cost.rented.bytes, 12.0 * GIB);
        close(cost.memory, 350.4);
        // 10 fetches a second are 26.28 million a month: 13.14; 0.1 MB/s are 262.8 GB: 5.256.
        close(cost.origin, 13.14 + 5.256);
        // 2 MB/s are 5256 GB a month: 262.80.
        close(cost.served, 262.8);
        close(cost.total.mean, 350.4 + 13.14 + 5.256 + 262.8);
    }

    #[test]
    fn nodes_are_whole_and_the_cheapest_size_is_taken() {
        let node = |name: &str, gib: u64, per_hour| Node { name: name.into(), memory: gib << 30, per_hour };
        let sizes = MemoryPrice::Nodes(vec![node("small", 4, 0.1), node("large", 16, 0.25)]);
        let prices = Prices { headroom: 0.0, rss_ratio: None, ..prices(sizes) };
        // Two small ones cost 0.2, one large one 0.25; three small ones 0.3.
        let rent = |gib: f64| prices.rent(gib * GIB, None);
        assert_eq!(rent(7.0).nodes, Some(("small".into(), 4)));
        close(rent(7.0).monthly, 2.0 * 2.0 * 0.1 * 730.0);
        assert_eq!(rent(9.0).nodes, Some(("large".into(), 2)));
        // An empty cache needs a node too; the model's own ratio counts where the prices name none.
        assert_eq!(rent(0.0).nodes, Some(("small".into(), 2)));
        close(prices.rent(GIB, Some(1.5)).bytes, 1.5 * GIB);
    }

    #[test]
    fn without_a_limit_the_peak_is_rented_and_without_time_nothing_is_known() {
        let runs: Replications = [4_u64, 6]
            .into_iter()
            .enumerate()
            .map(|(number, gib)| {
                let run = run_with(|run| {
                    run.scored = SimDuration::from_secs(1);
                    run.memory.peak_bytes = gib << 30;
                });
                (u32::try_from(number).unwrap(), run)
            })
            .collect();
        let cost = prices(MemoryPrice::PerGibHour(0.02)).monthly(None, &runs).unwrap();
        close(cost.rented.bytes, 9.0 * GIB);
        close(cost.memory, 5.0 * 1.5 * 0.02 * 2.0 * 730.0);
        assert!(cost.total.interval.unwrap().low < cost.total.mean);
        let nothing: Replications = [(0, Measurements::empty())].into_iter().collect();
        assert_eq!(prices(MemoryPrice::PerGibHour(0.02)).monthly(None, &nothing), None);
    }
}
