//! `ttlab trace generate`: the requests of a workload as a file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::{CliError, reshape, source, terminal};
use crate::random::Seed;
use crate::scenario::Source;
use crate::trace::export::{self, ExportError, Format, Writer};
use crate::trace::format::Op;
use crate::trace::import::Item;
use crate::trace::synth::{Block, Generator, Workload};
use crate::trace::{Fact, ObjectId, write_number};
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
    let (packing, named) = export::by_name(&args.out);
    let format = match &args.to {
        None => named.unwrap_or(Format::Csv),
        Some(name) => reshape::writable(name)?,
    };
    refuse_the_scenario(&args.out, &args.scenario)?;
    let unwritten = |error: ExportError| CliError::from(anyhow!("{error}"));
    let mut writer = Writer::create(&args.out, format, packing, false).map_err(unwritten)?;
    let seed = tune::replication_seed(file.scenario.seed, 0);
    let objects = write(workload, seed, format, &mut writer).map_err(unwritten)?;
    let written = writer.finish().map_err(unwritten)?;
    let mut text = format!("{}: {} records of {objects} objects", args.out.display(), written.records);
    for note in &written.notes {
        let _ = write!(text, "\n  {note}");
    }
    terminal::note(&text);
    Ok(())
}

/// Writes every request and deletion; how many objects there were.
fn write(workload: &Workload, seed: Seed, format: Format, writer: &mut Writer) -> Result<usize, ExportError> {
    let mut generator = Generator::new(workload, seed);
    let mut block = Block::default();
    let mut item = Item {
        time_ns: 0,
        op: Op::Get,
        key: String::new(),
        size: None,
        class: None,
        ttl: None,
        origin_time: None,
    };
    while generator.next(&mut block) {
        let facts = generator.facts();
        let mut deleted = block.deleted.iter().peekable();
        for (place, (at, object)) in block.requests.at.iter().zip(&block.requests.object).enumerate() {
            while let Some((at, object, _)) = deleted.next_if(|(.., before)| *before <= place) {
                fill(&mut item, workload, facts, (Op::Delete, *at, *object), format);
                writer.write(&item)?;
            }
            fill(&mut item, workload, facts, (Op::Get, *at, *object), format);
            writer.write(&item)?;
        }
        for (at, object, _) in deleted {
            fill(&mut item, workload, facts, (Op::Delete, *at, *object), format);
            writer.write(&item)?;
        }
    }
    Ok(generator.facts().len())
}

/// Makes `item` a record of the object, in the memory that it has.
fn fill(
    item: &mut Item,
    workload: &Workload,
    facts: &[Fact],
    (op, at, object): (Op, SimTime, ObjectId),
    format: Format,
) {
    let fact = facts[object.index()];
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
