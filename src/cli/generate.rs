//! `ttlab trace generate`: the requests of a workload as a file.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;

use super::{CliError, reshape, source, terminal};
use crate::catalog::Fault;
use crate::random::Seed;
use crate::scenario::{Scenario, Source};
use crate::trace::export::{self, ExportError, Format, Writer};
use crate::trace::format::Op;
use crate::trace::import::Item;
use crate::trace::synth::{self, Block, Generator, Workload};
use crate::trace::{Event, Fact, Happening, ObjectId, Objects, write_number};
use crate::tune;
use crate::units::SimTime;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The scenario whose [workload] is made into requests
    scenario: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// The format to write: csv, tsv or oracle-general; by default what the name says, or else csv
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
    /// Use this seed instead of the scenario's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

pub(super) fn generate(args: &Args) -> Result<(), CliError> {
    let mut file = source::read_scenario(&args.scenario)?;
    if let Some(seed) = args.seed {
        file.scenario.reseed(seed);
    }
    let Source::Synthetic(workload) = &file.scenario.source else {
        let shown = args.scenario.display();
        return Err(anyhow!(
            "{shown} plays a recorded [trace], and only a [workload] makes requests; use ttlab trace convert, or ttlab trace fit"
        )
        .into());
    };
    let unwritten = |error: ExportError| CliError::from(anyhow!("{error}"));
    let asked = args.to.as_deref().map(reshape::writable).transpose()?;
    refuse_the_scenario(&args.out, &args.scenario)?;
    let (packing, format) = export::wanted(&args.out, asked).map_err(unwritten)?;
    let seed = tune::replication_seed(file.scenario.seed, 0);
    let Changed { all: changes, sizes } =
        changes(&file.scenario, workload, seed).map_err(|fault| file.mistake(fault))?;
    let writer = Writer::create(&args.out, format, packing, false).map_err(unwritten)?;
    let item = Item {
        time_ns: 0,
        op: Op::Get,
        key: String::new(),
        size: None,
        class: None,
        ttl: None,
        origin_time: None,
        whole_second: false,
    };
    let mut out = Out { workload, format, writer, item, asked: Vec::new(), changed: 0, marked: 0, sizes };
    let all = out.all(&changes, seed);
    let Out { writer, asked, changed, marked, .. } = out;
    let written = match all.and_then(|()| writer.finish()) {
        Err(error) if error.is_closed_pipe() => return Ok(()),
        other => other.map_err(unwritten)?,
    };
    let objects = asked.iter().filter(|is_asked| **is_asked).count();
    let mut text = format!("{}: {} records of {objects} objects", export::shown(&args.out), written.records);
    for note in notes(changed, marked, format).iter().chain(&written.notes) {
        let _ = write!(text, "\n  {note}");
    }
    terminal::note(&text);
    Ok(())
}

/// What is to be said of records that are no requests.
fn notes(changed: u64, marked: u64, format: Format) -> Vec<String> {
    let mut notes = Vec::new();
    if changed > 0 && format != Format::OracleGeneral {
        notes.push(format!(
            "{changed} changes at the origin are records with op set; to play them, write [trace] set = \"change\" and \
             [origin] changes = {{ model = \"trace\" }}"
        ));
    }
    if marked > 0 {
        notes.push(format!(
            "{marked} marks of a purge with mode = \"mark-stale\" have no record and are left out"
        ));
    }
    notes
}

/// What happens at the origin.
#[derive(Default)]
struct Changed {
    /// When objects change, in order.
    all: Vec<(SimTime, ObjectId)>,
    /// Where changes redraw sizes: how large every version is, and which version of each object is current (before the
    /// first of those changes).
    sizes: Option<(Arc<Objects>, Vec<u32>)>,
}

/// When the objects that are asked for change at the origin, in order. Memory for all requests is needed meanwhile,
/// but only where something changes.
fn changes(scenario: &Scenario, workload: &Workload, seed: Seed) -> Result<Changed, Fault> {
    if workload.classes.iter().all(|class| scenario.origin.changes_of(&class.name).name() == "never") {
        return Ok(Changed::default());
    }
    let trace = Arc::new(synth::generate(workload, seed));
    let mut changes = tune::changes(scenario, &trace, seed)?;
    let mut asked = vec![None; trace.objects().len()];
    for request in trace.requests() {
        asked[request.object.index()].get_or_insert((request.at, request.at)).1 = request.at;
    }
    let (mut all, mut versions) = (Vec::new(), vec![0; trace.objects().len()]);
    for (index, asked) in asked.into_iter().enumerate() {
        // What happens before the first request of an object and after the last one, nobody can see.
        let Some((first, last)) = asked else { continue };
        let object = ObjectId::from_index(index);
        versions[index] = changes.version(object, first).0;
        let mut next = changes.next(object, first);
        while let Some(at) = next.filter(|at| *at <= last) {
            all.push((at, object));
            next = changes.next(object, at);
        }
    }
    all.sort_unstable();
    let sizes = trace.objects().are_resized().then(|| (trace.shared_objects(), versions));
    Ok(Changed { all, sizes })
}

/// A file of requests that is being written.
struct Out<'w> {
    workload: &'w Workload,
    format: Format,
    writer: Writer,
    item: Item,
    /// Which objects are asked for.
    asked: Vec<bool>,
    changed: u64,
    marked: u64,
    sizes: Option<(Arc<Objects>, Vec<u32>)>,
}

impl Out<'_> {
    /// Writes every request, deletion and change.
    fn all(&mut self, changes: &[(SimTime, ObjectId)], seed: Seed) -> Result<(), ExportError> {
        let mut generator = Generator::new(self.workload, seed);
        let mut block = Block::default();
        let mut changes = changes.iter().copied().peekable();
        while generator.next(&mut block) {
            let facts = generator.facts();
            self.asked.resize(facts.len().max(self.asked.len()), false);
            let mut events = block.events.iter().peekable();
            for (place, (at, object)) in block.requests.at.iter().zip(&block.requests.object).enumerate() {
                while let Some(event) = events.next_if(|event| event.before <= place) {
                    self.changes(&mut changes, event.at, facts)?;
                    self.event(event, facts)?;
                }
                self.changes(&mut changes, *at, facts)?;
                self.asked[object.index()] = true;
                self.record(Op::Get, *at, *object, facts)?;
            }
            for event in events {
                self.changes(&mut changes, event.at, facts)?;
                self.event(event, facts)?;
            }
        }
        Ok(())
    }

    /// Writes the changes until `end`, which whoever asks then meets already.
    fn changes(
        &mut self,
        changes: &mut Peekable<impl Iterator<Item = (SimTime, ObjectId)>>,
        end: SimTime,
        facts: &[Fact],
    ) -> Result<(), ExportError> {
        while let Some((at, object)) = changes.next_if(|(at, _)| *at <= end) {
            self.changed += 1;
            if let Some((_, versions)) = &mut self.sizes {
                versions[object.index()] += 1;
            }
            self.record(Op::Set, at, object, facts)?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event, facts: &[Fact]) -> Result<(), ExportError> {
        match event.what {
            Happening::Deleted => self.record(Op::Delete, event.at, event.object, facts),
            Happening::Changed => self.record(Op::Set, event.at, event.object, facts),
            Happening::MarkedStale => {
                self.marked += 1;
                Ok(())
            }
        }
    }

    fn record(&mut self, op: Op, at: SimTime, object: ObjectId, facts: &[Fact]) -> Result<(), ExportError> {
        let fact = facts[object.index()];
        let fact = match &self.sizes {
            Some((objects, versions)) => {
                Fact { size: objects.size_of(object, versions[object.index()]), ..fact }
            }
            None => fact,
        };
        fill(&mut self.item, self.workload, fact, (op, at, object), self.format);
        self.writer.write(&self.item)
    }
}

/// Makes `item` a record of the object, in the memory that it has.
fn fill(
    item: &mut Item,
    workload: &Workload,
    fact: Fact,
    (op, at, object): (Op, SimTime, ObjectId),
    format: Format,
) {
    let class = &workload.classes[fact.class.index()].name;
    item.time_ns = i64::try_from(at.as_nanos()).unwrap_or(i64::MAX);
    item.op = op;
    item.key.clear();
    if format == Format::OracleGeneral {
        // Numbers are ids there, and need no hash.
        let _ = write!(item.key, "{}", object.as_u32());
    } else {
        write_number(class, object, &mut item.key);
    }
    item.size = (op == Op::Get).then_some(fact.size);
    let of_class = item.class.get_or_insert_default();
    of_class.clear();
    of_class.push_str(class);
}

fn refuse_the_scenario(out: &Path, scenario: &Path) -> Result<(), CliError> {
    let real = |path: &Path| path.canonicalize().ok();
    if real(out).is_some() && real(out) == real(scenario) {
        return Err(anyhow!("{} is the scenario itself; name another file", out.display()).into());
    }
    Ok(())
}
