//! Cache-tuning simulator for images cached in Redis with TTLs.
//!
//! A scenario says who asks (a recorded or a made-up trace), who answers (an origin that takes time),
//! what is remembered (a cache with a limit) and which strategies to compare. Every strategy at every
//! size of the cache is a cell; cells are simulated in parallel, measured, judged and written down.
//!
//! ```text
//! text ─▶ scenario ─▶ simulation( trace ▷ strategy ▷ cache ▷ origin ) ─▶ outcomes ─▶ measurements
//!                                                                                       │
//!                                                       pages ◀─ record ◀─ verdict ◀────┘
//! ```
//!
//! The modules below stand in the order in which data flows through them, and each imports only what
//! stands above it; a test holds that order. To add a strategy, a policy or a model, put one file
//! into the folder of its axis and one line into that folder's catalog: see [`mod@catalog`].
//!
//! # What is deliberately absent
//!
//! * **A clock.** From [`units`] to [`score`] nothing reads the time, the environment or an unseeded
//!   generator, prints, or starts a thread. A run depends on its scenario and its trace alone.
//! * **Threads**, but for [`tune`], where whole simulations run side by side. Their number changes no
//!   byte of the result.
//! * **Foresight.** Strategies see what an application could see. What looks at the future or at the
//!   origin's true version is marked as an oracle, and is a bound rather than a contender.
//! * **Counting in strategies.** The engine tells one [`Outcome`](metrics::Outcome) for each request;
//!   whoever counts, observes.
//! * **Simulating in the report, formatting in the engine.** Every page can be made again from its
//!   record, byte for byte.
//! * **A second expiry boundary.** A value is dead once `now` is past its time, not at it, as in Redis;
//!   this is written once.
//! * **Events for what has not been asked.** Arrivals come from the trace by a cursor and expiry is
//!   seen at the lookup; the queue holds only what is pending. Events of one instant leave it in the
//!   order in which they entered.
//! * **Settings without effect.** What is not modelled is refused when the scenario is read.
//!
//! # Example
//!
//! How many requests does a cache of an hour answer, and what does a fetch in flight spare the origin?
//!
//! ```
//! use std::sync::Arc;
//! use ttlab::scenario::{Scenario, Source};
//! use ttlab::score::rates;
//! use ttlab::tune::{self, Progress, Runs};
//!
//! struct Unwatched;
//! impl Progress for Unwatched {
//!     fn advanced(&self, _requests: u64) {}
//!     fn run_done(&self) {}
//!     fn stop(&self) -> bool {
//!         false
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = r#"
//!     name = "example"
//!     [workload]
//!     duration = "10m"
//!     rate = "50/s"
//!     class = [{ name = "thumbnail", objects = 200, popularity = { model = "zipf", alpha = 0.9 } }]
//!     [origin]
//!     latency = { model = "constant", value = "500ms" }
//!     [[strategy]]
//!     name = "one minute"
//!     baseline = true
//!     ttl = { rule = "fixed", ttl = "1m" }
//!     [[strategy]]
//!     name = "one minute, one fetch"
//!     ttl = { rule = "fixed", ttl = "1m" }
//!     guard = "single-flight"
//! "#;
//! let scenario = Scenario::parse(text, "example.toml")?;
//! let Source::Synthetic(workload) = &scenario.source else { unreachable!("it has a [workload]") };
//! let runs = Runs::Synthetic(Arc::clone(workload));
//! let played = tune::run(&scenario, &tune::grid(&scenario), &runs, &Unwatched).map_err(|fault| fault.what)?;
//!
//! let results: Vec<_> = played.cells.iter().map(|cell| cell.replications[0].as_ref().unwrap()).collect();
//! let hit = rates::fresh_hit(results[0]).ok_or("no requests")?;
//! assert!((0.8..0.95).contains(&hit), "most requests are hits: {hit}");
//! // Whoever comes while an image is fetched waits for it instead of fetching it again.
//! assert!(results[1].origin.fetches < results[0].origin.fetches);
//! assert_eq!(results[1].stampedes.count, 0);
//! # Ok(())
//! # }
//! ```

pub mod units;

pub mod random;

pub mod catalog;

pub mod trace;

pub mod client;

pub mod origin;

pub mod cache;

pub mod strategy;

pub mod metrics;

pub mod engine;

pub mod score;

pub mod search;

pub mod scenario;

pub mod tune;

pub mod live;

pub mod record;

pub mod report;

pub mod cli;
