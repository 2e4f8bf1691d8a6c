//! Threads for runs side by side: as many as wanted, and no more than memory allows.

use anyhow::{Context, anyhow};
use rayon::ThreadPool;

use super::source::ScenarioFile;
use super::{CliError, memory, terminal};
use crate::scenario::{Load, Need, RecordedNeed};
use crate::tune::Runs;
use crate::units::ByteSize;

/// What is to run side by side.
pub(super) struct Side<'a> {
    /// The scenario, which mistakes are shown in.
    pub(super) file: &'a ScenarioFile,
    /// What decides how much memory a made-up trace takes; that of the scenario, or of what it grows to.
    pub(super) need: Option<&'a Need>,
    /// The requests.
    pub(super) runs: &'a Runs,
    /// How many made-up traces are in memory at once.
    pub(super) traces: u32,
    /// No more runs than this are ever there.
    pub(super) most: u64,
    /// Threads as the command line wants them.
    pub(super) threads: Option<u16>,
    /// The memory that the command line allows; otherwise what is free.
    pub(super) limit: Option<ByteSize>,
    /// Whether nothing is said of it.
    pub(super) silent: bool,
}

impl Side<'_> {
    /// The threads.
    ///
    /// # Errors
    /// If not even one run fits into memory, with what takes so much.
    pub(super) fn pool(&self) -> Result<ThreadPool, CliError> {
        self.pool_with(0, 0.0)
    }

    /// The same for runs that take no less than this for each object, beside samples that are kept of shares that sum up to
    /// `kept`.
    ///
    /// # Errors
    /// As those of [`Self::pool`].
    pub(super) fn pool_with(&self, per_object: u64, kept: f64) -> Result<ThreadPool, CliError> {
        let pool = |threads: usize| {
            let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
            builder.build().context("the threads cannot be started")
        };
        let all = pool(self.threads.map_or(0, usize::from))?;
        let most = self.most.clamp(1, all.current_num_threads() as u64);
        let at_once = self.at_once(most, per_object, kept)?;
        if at_once >= most {
            return Ok(all);
        }
        if !self.silent {
            terminal::note(&format!("memory: {at_once} of {most} runs at once, for more do not fit"));
        }
        Ok(pool(usize::try_from(at_once).unwrap_or(1))?)
    }

    /// How many of `most` runs fit into memory side by side.
    fn at_once(&self, most: u64, per_object: u64, kept: f64) -> Result<u64, CliError> {
        let limit = self.limit.map(ByteSize::as_bytes);
        let scenario = &self.file.scenario;
        let load = Load {
            traces: self.traces,
            share: scenario.sample.unwrap_or(1.0),
            run_per_object: scenario.run_per_object().max(per_object),
            kept,
        };
        let free = memory::available();
        match (self.runs, self.need) {
            (Runs::Synthetic(_), Some(need)) => {
                let Some(available) = free.into_iter().chain(limit).min() else {
                    return Ok(most);
                };
                let fits = need.at_once(load, most, available);
                Ok(fits.map_err(|fault| self.file.mistake(fault))?)
            }
            (Runs::Recorded(trace), _) => {
                let recorded = RecordedNeed {
                    objects: trace.objects().len() as u64,
                    requests: trace.len() as u64,
                    is_spooled: trace.is_spooled(),
                };
                // The trace is in memory already, so only the limit counts what it takes.
                recorded.at_once(load, most, limit, free).map_err(|what| {
                    anyhow!("{what}; allow or free more, or play a part: ttlab trace sample").into()
                })
            }
            (Runs::Synthetic(_), None) => Ok(most),
        }
    }
}
