//! From the text of a scenario to what it means: sections are read in turn, and mistakes of different
//! sections are reported together.

use std::path::Path;
use std::sync::Arc;

use toml::Spanned;

use super::remarks::{Remarks, World};
use super::{Need, OriginDesign, coherence};
use super::{
    Scenario, ScenarioError, Source, cache, combinations, drill, effective, growth, judgement, origin,
    recorded, sampled, strategies, tune, workload,
};
use crate::catalog::{Fault, Item, Section, nearest, one_of};
use crate::client::Client;
use crate::random::Seed;
use crate::strategy::{Design, Setup, Traffic};
use crate::trace::import::OTHER;
use crate::trace::{Keys, Objects, Trace};
use crate::units::{SimDuration, SimTime};

/// Version of the scenario format.
pub(super) const SCHEMA: i64 = 1;
/// A series of more buckets than this is no plot.
const BUCKETS_MAX: u64 = 100_000;

impl Scenario {
    /// Reads the `text` of a scenario; `file` is what messages call it, and tables that it names lie relative
    /// to the folder of that path.
    pub fn parse(text: &str, file: &str) -> Result<Self, ScenarioError> {
        let mut faults = Vec::new();
        match scenario(text, file, &mut faults) {
            Ok(scenario) if faults.is_empty() => return Ok(scenario),
            Ok(_) => {}
            Err(fault) => faults.push(fault),
        }
        faults.dedup();
        Err(ScenarioError::new(file, text, faults))
    }
}

/// Takes what was read, or notes the mistake and goes on.
fn noted<V>(result: Result<V, Fault>, faults: &mut Vec<Fault>) -> Option<V> {
    result.map_err(|fault| faults.push(fault)).ok()
}

fn scenario(text: &str, file: &str, faults: &mut Vec<Fault>) -> Result<Scenario, Fault> {
    let mut root = Section::parse(text)?;
    let head = noted(Head::read(&mut root), faults);
    let time = match root.section("time") {
        Ok(section) => noted(Time::read(section), faults),
        Err(fault) => noted(Err(fault), faults),
    };
    let client =
        noted(root.section("client").and_then(|section| origin::client(section, Client::default())), faults);
    let cache = noted(root.section("cache").and_then(cache::cache), faults);
    let written_origin = noted(root.section("origin").and_then(origin::origin), faults);
    let source = noted(SourceRead::read(&mut root, file), faults);
    let judged = noted(judgement::Judgement::read(&mut root), faults);
    let searched =
        noted(root.section("tune").and_then(|section| section.map(tune::tune).transpose()), faults);
    let growing =
        noted(root.section("growth").and_then(|section| section.map(growth::growth).transpose()), faults);
    let drilled =
        noted(root.section("drill").and_then(|section| section.map(drill::drills).transpose()), faults);
    let sections = root.sections("strategy", "[[strategy]]")?;
    if sections.is_empty() {
        faults.push(
            root.missing("strategy", "[[strategy]] with a name and a ttl, once for each strategy to compare"),
        );
    }
    let classes =
        source.as_ref().filter(|source| !source.more_classes).map(|source| source.classes.as_slice());
    let written = sections.len();
    // An origin that could not be read has its own fault; here it counts as one that serves something.
    let servers = written_origin.as_ref().map_or(Some(1), origin::servers);
    let setup = classes.map(|classes| Setup {
        classes: classes.to_vec(),
        objects: 0,
        servers,
        traffic: Traffic::default(),
        seed: Seed::new(0),
    });
    let strategies = strategies::strategies(sections, setup.as_ref(), client.unwrap_or_default(), faults);
    // Keys of a head that was not read to its end are not unknown.
    if head.is_some() {
        noted(root.finish(), faults);
    }

    let (Some(head), Some(time), Some(client), Some(cache), Some(origin), Some(source), Some(judged)) =
        (head, time, client, cache, written_origin, source, judged)
    else {
        return Err(faults.pop().expect("what could not be read has left a fault"));
    };
    // A strategy that could not be read may be the one that is meant.
    let all_read = strategies.len() == written;
    for (name, span) in judged.claimed.iter().filter(|_| all_read) {
        if !strategies.iter().any(|design| design.name == *name) {
            let fault =
                Fault::new(span.clone(), format!("[expect] names \"{name}\", but no strategy is called so"))
                    .rule(format!(
                        "there are: {}",
                        one_of(strategies.iter().map(|design| design.name.as_str()))
                    ));
            let meant = nearest(name, strategies.iter().map(|design| design.name.as_str()));
            faults.push(match meant {
                Some(meant) => fault.help(format!("did you mean \"{meant}\"?")),
                None => fault,
            });
        }
    }
    let class_changes = origin::changes(source.changes)?;
    let origin::Written { latency, capacity, faults: disturbances, changes } = origin;
    let origin = OriginDesign {
        latency,
        capacity,
        faults: disturbances,
        changes,
        class_changes,
        resized: source.resized,
    };
    check_origin(&origin)?;
    time.check_changes(&origin)?;
    origin.check_resized()?;
    let duration = source.duration;
    time.check(duration)?;
    if head.repeat.is_some() && duration.is_none() {
        let span = head.repeat_span.clone();
        return Err(Fault::new(span, "repeat is for synthetic traces; a recorded trace is played once")
            .rule("replications differ by the chance of the workload, and a recording has none")
            .help("leave repeat out"));
    }
    if let Source::Recorded(recorded) = &source.source {
        let models: Vec<&str> = origin.class_changes.iter().map(|(_, model)| model.name()).collect();
        noted(recorded.refuse_changes(&[models.as_slice(), &[origin.changes.name()]].concat()), faults);
    }
    if let Some(late) = duration.and_then(|duration| {
        let end = SimTime::ZERO + duration;
        cache.events.iter().find(|written| written.event.at >= end)
    }) {
        let what = "this event happens after the end of the workload";
        return Err(Fault::new(late.span.clone(), what)
            .rule(format!("the workload lasts for {}", duration.unwrap_or_default()))
            .help("write an earlier at, or a longer duration"));
    }
    if let Some(late) = origin
        .faults
        .iter()
        .find(|fault| fault.duration_of("at").zip(duration).is_some_and(|(at, duration)| at >= duration))
    {
        let what = format!("fault \"{}\" begins after the end of the workload", late.name());
        return Err(Fault::new(late.span_of("at"), what)
            .rule(format!("the workload lasts for {}", duration.unwrap_or_default()))
            .help("write an earlier at, or a longer duration"));
    }
    let world = World { cache: &cache, origin: &origin, source: &source.source, warmup: time.warmup };
    let Remarks { mut warnings, mut notes } = Remarks::of(&strategies, &world);
    notes.extend(source.notes);
    warnings.splice(0..0, cache.warnings.iter().cloned());
    if cache.evictions.iter().any(|policy| policy.name() == "belady") {
        // The oracle follows the trace request by request, and a process that polls reads once more.
        let polls = |design: &&Design| matches!(design.guard.name(), "lock" | "lock-stale" | "lease");
        if let Some(design) = strategies.iter().find(polls) {
            let (guard, place) = (design.guard.name(), design.guard.span());
            return Err(Fault::new(
                place,
                format!("guard \"{guard}\" cannot be combined with eviction \"belady\""),
            )
            .rule(
                "who waits for a lock reads again and again, and the oracle knows only the trace's requests",
            )
            .help("leave belady out, or use guard = \"single-flight\""));
        }
    }
    for design in &strategies {
        noted(coherence::refuse_with(design, &world), faults);
        noted(combinations::check_world(design, &origin, &source.source, cache.ttl_resolution), faults);
    }
    let repeat = head.repeat.unwrap_or(1);
    let mut scenario = Scenario {
        file: file.to_owned(),
        name: head.name,
        question: head.question,
        seed: head.seed,
        repeat,
        sample_span: head.sample.as_ref().map(Spanned::span),
        sample: head.sample.map(Spanned::into_inner),
        sample_chosen: None,
        warmup: time.warmup,
        bucket: time.bucket,
        bucket_span: time.bucket_span,
        freshness_bound: time.freshness_bound,
        need: source.need,
        source: source.source,
        classes: source.classes,
        origin,
        client,
        cache,
        strategies,
        judgement: judged,
        tune: None,
        growth: growing.flatten(),
        drill: drilled.flatten(),
        written: text.parse()?,
        effective: toml::Table::new(),
        warnings,
        notes,
    };
    if let Some(growth) = scenario.growth.as_mut().filter(|growth| growth.targets.is_empty()) {
        growth.targets.clone_from(&scenario.judgement.rules.gates);
    }
    if let Some(drills) = scenario.drill.as_ref().filter(|_| all_read) {
        noted(drills.check(&scenario), faults);
    }
    scenario.effective = effective::of(&scenario, source.effective);
    scenario.sample = scenario.sample.filter(|rate| *rate < 1.0);
    noted(scenario.check_sample(), faults);
    if let Some(searched) = searched.flatten().filter(|_| faults.is_empty()) {
        let tuning = searched.of(&scenario)?;
        scenario.effective.insert("tune".to_owned(), tuning.effective(&scenario).into());
        scenario.tune = Some(tuning);
    }
    Ok(scenario)
}

/// The keys above all sections.
struct Head {
    name: String,
    question: String,
    seed: u64,
    repeat: Option<u32>,
    repeat_span: std::ops::Range<usize>,
    sample: Option<Spanned<f64>>,
}

impl Head {
    fn read(root: &mut Section<'_>) -> Result<Self, Fault> {
        if let Some(schema) = root.located::<i64>("schema")?
            && *schema.get_ref() != SCHEMA
        {
            let what =
                format!("schema {} is not known; this version reads schema {SCHEMA}", schema.get_ref());
            return Err(Fault::new(schema.span(), what).help(format!("write schema = {SCHEMA}")));
        }
        let name = root.required::<String>("name", "name = \"thumbnails\"")?;
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.get_ref().is_empty() || !name.get_ref().chars().all(legal) || name.get_ref().starts_with('.')
        {
            let what = format!("\"{}\" cannot be a scenario's name", name.get_ref());
            return Err(Fault::new(name.span(), what)
                .rule("the name is also that of the output folder: letters, digits, '-', '_' and '.', not first")
                .help("write name = \"thumbnails\""));
        }
        let question = root.or("question", String::new())?;
        let seed = match root.located::<i64>("seed")? {
            None => 1,
            Some(seed) => u64::try_from(*seed.get_ref()).map_err(|_| {
                Fault::new(seed.span(), format!("seed must not be negative, but is {}", seed.get_ref()))
            })?,
        };
        let mut repeat_span = 0..0;
        let repeat = match root.located::<i64>("repeat")? {
            None => None,
            Some(repeat) => {
                repeat_span = repeat.span();
                let number =
                    u32::try_from(*repeat.get_ref()).ok().filter(|repeat| (1..=1_000).contains(repeat));
                Some(number.ok_or_else(|| {
                    let what = format!("repeat must lie between 1 and 1000, but is {}", repeat.get_ref());
                    Fault::new(repeat.span(), what)
                        .rule("repeat is the number of replications, each with its own chance")
                })?)
            }
        };
        let (name, question) = (name.into_inner(), question.trim().to_owned());
        Ok(Self { name, question, seed, repeat, repeat_span, sample: sampled::read(root)? })
    }
}

/// `[time]`.
struct Time {
    warmup: SimDuration,
    warmup_span: std::ops::Range<usize>,
    bucket: Option<SimDuration>,
    bucket_span: std::ops::Range<usize>,
    freshness_bound: Option<SimDuration>,
    freshness_span: std::ops::Range<usize>,
}

impl Time {
    fn read(section: Option<Section<'_>>) -> Result<Self, Fault> {
        let mut time = Self {
            warmup: SimDuration::ZERO,
            warmup_span: 0..0,
            bucket: None,
            bucket_span: 0..0,
            freshness_bound: None,
            freshness_span: 0..0,
        };
        let Some(mut section) = section else { return Ok(time) };
        if let Some(warmup) = section.located::<SimDuration>("warmup")? {
            time.warmup_span = warmup.span();
            time.warmup = warmup.into_inner();
        }
        if let Some(bucket) = section.located::<SimDuration>("bucket")? {
            if *bucket.get_ref() < SimDuration::from_millis(1) {
                return Err(Fault::new(
                    bucket.span(),
                    format!("bucket must be at least 1ms, but is {}", bucket.get_ref()),
                )
                .rule("a bucket is one point of every time series")
                .help("leave it out to have one chosen by the length of the trace"));
            }
            time.bucket_span = bucket.span();
            time.bucket = Some(bucket.into_inner());
        }
        if let Some(bound) = section.located::<SimDuration>("freshness_bound")? {
            time.freshness_span = bound.span();
            time.freshness_bound = Some(bound.into_inner());
        }
        section.finish()?;
        Ok(time)
    }

    /// Refuses a bound on freshness where nothing ever grows old.
    fn check_changes(&self, origin: &OriginDesign) -> Result<(), Fault> {
        let mut models = origin.class_changes.iter().map(|(_, model)| model).chain([&origin.changes]);
        let Some(bound) = self.freshness_bound.filter(|_| models.all(|model| model.name() == "never")) else {
            return Ok(());
        };
        let what = format!("freshness_bound is {bound}, but nothing ever changes at the origin");
        Err(Fault::new(self.freshness_span.clone(), what)
            .rule("it counts the answers whose object has changed longer ago than that")
            .help("write changes = { model = \"poisson\", mean = \"1d\" } under [origin], or leave it out"))
    }

    /// Compares with the length of a synthetic trace; that of a recorded one is known only once it is read.
    fn check(&self, duration: Option<SimDuration>) -> Result<(), Fault> {
        let Some(duration) = duration else { return Ok(()) };
        if self.warmup >= duration {
            let what =
                format!("warmup ({}) leaves nothing of the duration ({duration}) to score", self.warmup);
            return Err(Fault::new(self.warmup_span.clone(), what)
                .help("shorten the warmup or lengthen the duration"));
        }
        check_buckets(self.bucket, &self.bucket_span, duration)
    }
}

/// Refuses buckets so short that they cut a trace of this length into more than a series can have.
pub(super) fn check_buckets(
    bucket: Option<SimDuration>,
    span: &std::ops::Range<usize>,
    length: SimDuration,
) -> Result<(), Fault> {
    let Some(bucket) = bucket.filter(|bucket| length.as_nanos() / bucket.as_nanos() > BUCKETS_MAX) else {
        return Ok(());
    };
    let what = format!("buckets of {bucket} cut {length} into more than {BUCKETS_MAX} parts");
    let least = SimDuration::from_millis(length.as_nanos() / 1_000_000 / BUCKETS_MAX + 1);
    Err(Fault::new(span.clone(), what)
        .rule("a bucket is one point of every time series")
        .help(format!("choose longer buckets, of {least} at least, or leave bucket out")))
}

/// `[trace]` or `[workload]`.
struct SourceRead<'i> {
    source: Source,
    /// The classes that the scenario knows of.
    classes: Vec<String>,
    /// Whether the trace may bring more.
    more_classes: bool,
    /// What classes say of their own changes.
    changes: Vec<(String, Item<'i>)>,
    /// The classes whose sizes change, and where they say so.
    resized: Vec<(String, std::ops::Range<usize>)>,
    /// Length of a synthetic trace.
    duration: Option<SimDuration>,
    /// What decides how much memory a synthetic trace takes.
    need: Option<Need>,
    /// What the results depend on beside the scenario.
    notes: Vec<String>,
    /// The section's name and effective form.
    effective: (&'static str, toml::Table),
}

impl<'i> SourceRead<'i> {
    fn read(root: &mut Section<'i>, file: &str) -> Result<Self, Fault> {
        let second = root.span_of("workload");
        match (root.section("trace")?, root.section("workload")?) {
            (Some(_), Some(_)) => Err(Fault::new(
                second.unwrap_or_default(),
                "a scenario has either a [trace] or a [workload], but this one has both",
            )),
            (None, None) => Err(Fault::new(root.span(), "a scenario needs requests: a [trace] or a [workload]")
                .help("write [trace] with path = \"access.log\", or [workload] with duration, rate and [[workload.class]]")),
            (Some(section), None) => Self::recorded(section),
            (None, Some(section)) => {
                let folder = Path::new(file).parent().unwrap_or(Path::new(""));
                let spec = workload::read(section, folder)?;
                let classes: Vec<String> = spec.workload.classes.iter().map(|class| class.name.clone()).collect();
                let changes = classes.iter().cloned().zip(spec.changes);
                Ok(Self {
                    changes: changes.filter_map(|(class, item)| Some((class, item?))).collect(),
                    classes,
                    resized: spec.resized,
                    more_classes: false,
                    duration: Some(spec.workload.duration),
                    need: Some(spec.need),
                    notes: spec.notes,
                    effective: ("workload", spec.effective),
                    source: Source::Synthetic(Arc::new(spec.workload)),
                })
            }
        }
    }

    fn recorded(mut section: Section<'i>) -> Result<Self, Fault> {
        let (recorded, rest) = recorded::recorded(&mut section)?;
        section.finish()?;
        let mut changes: Vec<(String, Item<'i>)> = Vec::new();
        let mut classes: Vec<String> = Vec::new();
        for (class, mut section) in rest {
            if let Some(item) = section.take("changes") {
                if changes.iter().any(|(other, _)| *other == class) {
                    return Err(Fault::new(item.span(), format!("class \"{class}\" has changes twice"))
                        .rule("several rules may fill one class, which behaves in one way"));
                }
                changes.push((class.clone(), item));
            }
            section.finish()?;
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
        classes.push(OTHER.to_owned());
        // Logs carry no classes of their own; without a format the content decides.
        let more_classes = match &recorded.options.format {
            None => true,
            Some(format) => !format.make(&recorded.options.declared)?.is_log(),
        };
        let effective = ("trace", recorded::effective(&recorded));
        let source = Source::Recorded(Box::new(recorded));
        Ok(Self {
            source,
            classes,
            more_classes,
            changes,
            resized: Vec::new(),
            duration: None,
            need: None,
            notes: Vec::new(),
            effective,
        })
    }
}

/// Makes the origin's parts once for nothing, so that a parameter that cannot be is found while it has a place.
fn check_origin(origin: &OriginDesign) -> Result<(), Fault> {
    let objects = Objects::new(Vec::new(), Keys::Numbered, Vec::new());
    let trace = Arc::new(Trace::new(Vec::new(), Vec::new(), objects, SimDuration::ZERO));
    let setup = crate::origin::Setup { trace, seed: Seed::new(0) };
    origin.latency.make(&setup)?;
    origin.capacity.make(&setup)?;
    for fault in &origin.faults {
        fault.make(&setup)?;
    }
    origin.changes.make(&setup)?;
    for (_, change) in &origin.class_changes {
        change.make(&setup)?;
    }
    Ok(())
}
