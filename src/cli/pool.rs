//! Threads for runs side by side: as many as wanted, and no more than memory allows.

use anyhow::{Context, anyhow};
use rayon::ThreadPool;

use super::source::ScenarioFile;
use super::{CliError, memory, source, terminal};
use crate::engine::exact::recorded::SPARE_PER_OBJECT;
use crate::scenario::{Load, Need, RecordedNeed, Results, Scenario, Traces};
use crate::tune::{self, CellPlan, Runs};
use crate::units::ByteSize;

/// What is to run side by side.
pub(super) struct Side<'a> {
    /// The scenario, which mistakes are shown in.
    pub(super) file: &'a ScenarioFile,
    /// What decides how much memory a made-up trace takes; that of the scenario, or of what it grows to.
    pub(super) need: Option<&'a Need>,
    /// The requests.
    pub(super) runs: &'a Runs,
    /// Which made-up traces are in memory at once.
    pub(super) traces: Traces,
    /// No more runs than this are ever there.
    pub(super) most: u64,
    /// Threads as the command line wants them.
    pub(super) threads: Option<u16>,
    /// The memory that the command line allows; otherwise what is free.
    pub(super) limit: Option<ByteSize>,
    /// Whether nothing is said of it.
    pub(super) silent: bool,
}

/// What is needed beside what runs of the scenario take, or instead.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside {
    /// Bytes that each run takes for an object, where it is none that makes a record.
    pub(super) per_object: Option<u64>,
    /// Bytes that all runs share for each request.
    pub(super) shared_per_request: u64,
    /// The sum of the shares of samples that are kept.
    pub(super) kept: f64,
    /// Results that wait for the last of the runs.
    pub(super) results: Results,
    /// Whether the command can leave recorded requests on disk.
    pub(super) streams: bool,
    /// Whether all keys are played, where the scenario plays a sample of them.
    pub(super) all_keys: bool,
}

impl Side<'_> {
    /// The threads.
    ///
    /// # Errors
    /// If not even one run fits into memory, with what takes so much.
    pub(super) fn pool(&self) -> Result<ThreadPool, CliError> {
        self.pool_with(Beside::default())
    }

    /// The same for runs that need something else than those of the scenario do.
    ///
    /// # Errors
    /// As those of [`Self::pool`].
    pub(super) fn pool_with(&self, beside: Beside) -> Result<ThreadPool, CliError> {
        let pool = |threads: usize| {
            let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
            builder.build().context("the threads cannot be started")
        };
        let all = pool(self.threads.map_or(0, usize::from))?;
        let most = self.most.clamp(1, all.current_num_threads() as u64);
        let at_once = self.at_once(most, beside)?;
        if at_once >= most {
            return Ok(all);
        }
        if !self.silent {
            terminal::note(&format!("memory: {at_once} of {most} runs at once, for more do not fit"));
        }
        Ok(pool(usize::try_from(at_once).unwrap_or(1))?)
    }

    /// How many of `most` runs fit into memory side by side.
    fn at_once(&self, most: u64, beside: Beside) -> Result<u64, CliError> {
        let scenario = &self.file.scenario;
        let load = Load {
            traces: self.traces,
            share: scenario.sample.filter(|_| !beside.all_keys).unwrap_or(1.0),
            run_per_object: beside.per_object.unwrap_or_else(|| per_object(scenario)),
            run_bits_per_request: scenario.run_bits_per_request(),
            shared_per_request: beside.shared_per_request,
            kept: beside.kept,
            results: beside.results,
        };
        let free = memory::available();
        match (self.runs, self.need) {
            (Runs::Synthetic(_), Some(need)) => {
                let Some(room) = source::room(self.limit, free) else {
                    return Ok(most);
                };
                let fits = need.at_once(load, most, room);
                Ok(fits.map_err(|fault| self.file.mistake(fault))?)
            }
            (Runs::Recorded(trace), _) => {
                let recorded = RecordedNeed {
                    objects: trace.objects().len() as u64,
                    requests: trace.len() as u64,
                    is_spooled: trace.is_spooled(),
                    can_spool: beside.streams && source::can_stream(scenario, trace.len()),
                    beside: trace.bytes_beside() + trace.objects().key_bytes(),
                };
                // The trace is in memory already, so only the limit counts what it takes.
                let limit = self.limit.map(ByteSize::as_bytes);
                recorded.at_once(load, most, limit, free).map_err(|what| anyhow!("{what}").into())
            }
            (Runs::Synthetic(_), None) => Ok(most),
        }
    }
}

/// Bytes that a run takes for each object: those of the scenario, and what a play without events has needed and is kept
/// for the next one while that is made ready.
fn per_object(scenario: &Scenario) -> u64 {
    let needs_events = |plan: &CellPlan| tune::needs_events(scenario, plan.strategy, plan.eviction);
    let spare = if tune::grid(scenario).iter().all(needs_events) { 0 } else { SPARE_PER_OBJECT };
    scenario.run_per_object() + spare
}
