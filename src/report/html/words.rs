//! The page's fixed prose: what each chart shows, how to read it, where it misleads; the glossary.

use crate::record::RunSource;

/// Sections of the page: anchor and title.
pub(in crate::report) const CONTENTS: [(&str, &str); 15] = [
    ("verdict", "Verdict"),
    ("summary", "Comparison"),
    ("weights", "Weights"),
    ("pareto", "Memory against origin load"),
    ("capacity", "Capacity"),
    ("time", "Over time"),
    ("stampedes", "Stampedes"),
    ("heat", "Heat maps"),
    ("misses", "Misses"),
    ("latency", "Latency"),
    ("memory", "Memory"),
    ("segments", "Classes"),
    ("provenance", "Provenance"),
    ("glossary", "Glossary"),
    ("downloads", "Files"),
];

/// What is said below a chart: what it shows, how to read it, and a caveat.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caption {
    /// Name of the chart.
    pub(super) name: &'static str,
    /// What it is called where it is read out.
    pub(super) label: &'static str,
    pub(super) shows: &'static str,
    pub(super) read: &'static str,
    pub(super) caveat: &'static str,
}

/// Every chart of the page.
pub(super) const CAPTIONS: [Caption; 16] = [
    Caption {
        name: "pareto",
        label: "Chart: memory against origin load",
        shows: "Each point is one strategy at one memory limit: how much memory it holds, and how often it asks the origin.",
        read: "Lower and further left is better; the stepped line joins the cells that no other beats in both, the area of a \
               marker grows with stampedes per hour, and faded points are beaten; the baseline and the recommended cell keep their \
               colour even where they are.",
        caveat: "Mean load says nothing about peaks, which stand in the table; the line between two cells was not simulated.",
    },
    Caption {
        name: "capacity",
        label: "Chart: hits against capacity",
        shows: "Each curve is one strategy at every memory limit that was simulated; the ribbon around it is the 95 % interval over \
                replications, where there are several and the curve has a name.",
        read: "A curve that runs level says that memory is not what is missing. The ring marks the knee: from there on no doubling \
               of the limit adds a point on average between two simulated limits; memory that is never filled is no doubling.",
        caveat: "Points are simulated, the lines between them guide the eye; the limit's axis is logarithmic, and the vertical one \
                 may start above 0. Where one strategy has a thin line its cells are single points, and the knee is that of the \
                 line.",
    },
    Caption {
        name: "weights",
        label: "Chart: the choice by weights",
        shows: "For each objective, which cell has the best score while the objective's share of all weights goes from 0 to 100 % and \
                the others keep their proportions. The rule across the bar is where the scenario stands.",
        read: "A bar of one colour says that this weight decides nothing; a boundary close to the rule says that a slightly other \
               taste would choose otherwise.",
        caveat: "One weight at a time, by mean scores: cells that are indistinguishable may swap places by chance, and the least \
                 memory then decides.",
    },
    Caption {
        name: "series",
        label: "Chart: the run over time",
        shows: "The run from its first request on, at the memory limit of the cell that the verdict names; what never happened, \
                or is not known, has no panel.",
        read: "Lines are means over a column of time and, where there are several, over replications; bands reach up to the \
               busiest second and to the memory that expired entries still take. What is shaded is warm-up.",
        caveat: "What is shaded is simulated and not scored, so no table counts it; a stretch without requests, or below the start \
                 of an axis, is a gap.",
    },
    Caption {
        name: "ttl",
        label: "Chart: TTLs over time",
        shows: "How long values stay fresh, over time, in every cell at that limit whose TTL depends on time: what a controller \
                steers, or else the mean TTL of what was stored, by class.",
        read: "The axis is logarithmic, so that equal steps are equal factors. A controller that has settled runs level; one \
               that runs along its limit cannot reach its target. The cursor tells the mean of a column, or the latest before it.",
        caveat: "Of the first replication, any warm-up (shaded) included. A TTL works when the value expires, so its effect on the \
                 charts above comes about one TTL later.",
    },
    Caption {
        name: "stampedes",
        label: "Chart: stampedes over time",
        shows: "Fetches that started while another fetch of the same object was in flight, on one scale for all strips.",
        read: "A high bar is a wave of duplicates, often an expiry wave; an empty strip is a strategy that prevents them.",
        caveat: "What is shaded is warm-up and not scored. Many different objects fetched in the same second are no stampede: see \
                 the avalanche column of the table.",
    },
    Caption {
        name: "sizes",
        label: "Chart: sizes of stampedes",
        shows: "How many stampedes had so many fetches, over all replications, in what is scored.",
        read: "Bars to the left are pairs that hardly cost anything; bars to the right are what brings an origin down.",
        caveat: "Heights grow with the square root, so that a few large ones stay visible beside many small ones; the numbers are exact.",
    },
    Caption {
        name: "episodes",
        label: "Chart: the largest stampedes by length and size",
        shows: "The largest stampedes one by one, up to twenty of each cell: to the right those that lasted longer, above those \
                with more fetches. The axis of length is logarithmic, and all strips have the same two scales.",
        read: "Points high up are objects that many fetched at once; points far to the right are stampedes that a slow origin, or \
               retries, drew out.",
        caveat: "Of the first replication, in what is scored. The table of the largest stampedes names the object, the start and \
                 the cause of each.",
    },
    Caption {
        name: "herds",
        label: "Chart: one hot key against many keys",
        shows: "Two different dangers: on the left fetches of an object that was being fetched already, on the right the \
                fetches in the busiest second, whatever the objects, and how many times the mean they are.",
        read: "Long bars on the left ask for a lock or single-flight; long bars on the right ask for jitter or for TTLs that do not \
               end together, and no lock helps.",
        caveat: "How many times the mean it is says nothing of the danger: the busiest second of a quiet run is far above its mean by \
                 chance alone. A bar of full length on the left stands for \
                 10 % at least.",
    },
    Caption {
        name: "map",
        label: "Chart: TTL against capacity",
        shows: "One strategy with other TTLs at other limits: fresh hits above, mean origin fetches a second below.",
        read: "Go along a row for more memory, down a column for a longer TTL; where neighbours are alike, the setting hardly matters.",
        caveat: "These fields are no cells, and no gate was held against them; the ramp spans the least and the greatest of \
                 them, so small differences may look large: read the numbers.",
    },
    Caption {
        name: "heat",
        label: "Chart: TTL and strategy against capacity",
        shows: "Each field is one cell: fresh hits above, origin fetches in the busiest second below. Fixed TTLs stand in order.",
        read: "Go along a row for more memory, down a column for another TTL; where neighbours are alike, the setting hardly matters.",
        caveat: "The ramp spans the least and the greatest of these cells, so small differences may look large: read the numbers.",
    },
    Caption {
        name: "hours",
        label: "Chart: hits by hour and class",
        shows: "Fresh hits by class of images and hour, of the cell that the verdict names; any warm-up is not counted.",
        read: "A dark column is an hour in which something happened to all classes; a dark row is a class that hits less: its \
               TTL may be short, or right because its images change often.",
        caveat: "The ramp spans the least and the greatest of these fields, so small differences may look large: read the numbers. \
                 Hours are those of the recorder's clock where the trace has one, else they count from the first request; summer \
                 time is not modelled.",
    },
    Caption {
        name: "reuse",
        label: "Chart: age against reuse",
        shows: "A property of the trace, whatever the cache does: how long ago an image was last asked for when it is asked for again \
                (rows), and how old it is by then, counted from its first request (columns).",
        read: "A TTL that starts anew at every access catches the rows up to its length. Weight at the right edge is images that stay \
               wanted; weight on the diagonal is images that are asked for only twice or so, which no longer TTL makes pay.",
        caveat: "The whole trace is counted, any warm-up included, and what came before its first request is not known, so ages are too low.",
    },
    Caption {
        name: "hit-ratio",
        label: "Chart: outcomes of requests",
        shows: "Each bar splits the scored requests of one cell by how they ended; the number at its end is the share of fresh hits.",
        read: "Many expired misses say that the TTL is short, many evicted ones that memory is; cold ones are of objects that were never held before, as first requests are.",
        caveat: "A delayed hit waited for a fetch in flight and is not counted as a hit. A star marks the recommended cell.",
    },
    Caption {
        name: "latency",
        label: "Chart: waiting times",
        shows: "How long requests waited for their answer: half of them no longer than the first point of a line, 99.9 % no longer \
                than the last.",
        read: "Each further nine has the same room on the axis; a line that rises early makes many people wait.",
        caveat: "Waits of nothing lie on the line marked 0, below the logarithmic axis. Reading from the cache takes no time in this model, so hits wait for 0 s; only the points were measured, lines \
                 guide the eye.",
    },
    Caption {
        name: "entry",
        label: "Chart: bytes of one entry",
        shows: "What one image takes in Redis, averaged over the entries at the end: the image itself, and everything that comes on top.",
        read: "Everything right of the first bar is overhead; the smaller the images, the more of the limit it takes.",
        caveat: "A first bar with a gap is cut, so that the others can be seen. Connections and the empty server stand in the table.",
    },
];

/// What is said below a chart; of a live run, in which nothing was simulated, what holds for measurements.
pub(super) fn caption(name: &str, source: RunSource) -> Option<Caption> {
    let caption = CAPTIONS.into_iter().find(|caption| caption.name == name)?;
    Some(if source.is_simulation() { caption } else { measured(caption) })
}

fn measured(caption: Caption) -> Caption {
    match caption.name {
        "pareto" => Caption {
            caveat: "Mean load says nothing about peaks, which stand in the table; the line between two cells was not measured.",
            ..caption
        },
        "capacity" => Caption {
            shows: "Each curve is one strategy at every memory limit at which it was played, once and in real time, so no \
                    interval surrounds it.",
            read: "A curve that runs level says that memory is not what is missing. The ring marks the knee: from there on no \
                   doubling of the limit adds a point on average between two limits that were played; memory that is never filled is no \
                   doubling.",
            caveat: "Points are measured, the lines between them guide the eye; the limit's axis is logarithmic, and the vertical \
                     one may start above 0.",
            ..caption
        },
        "series" => Caption {
            read: "Lines are means over a column of time; bands reach up to the busiest second. What is shaded is warm-up.",
            caveat: "What is shaded is played and not scored, so no table counts it; a stretch without requests, or below the start \
                     of an axis, is a gap.",
            ..caption
        },
        "latency" => Caption {
            caveat: "Every wait is measured, that of a hit too: it counts from the instant at which the request was meant to start, \
                     and so holds the server, the network and the harness. Only the points were measured, lines guide the eye.",
            ..caption
        },
        _ => caption,
    }
}

/// Every term of the page with its meaning, in the words of a simulation or of a live run.
pub(super) fn glossary(source: RunSource) -> impl Iterator<Item = (&'static str, &'static str)> {
    GLOSSARY.into_iter().map(move |(term, meaning)| match term {
        _ if source.is_simulation() => (term, meaning),
        "Interval" => (
            term,
            "95 %, from replications of the same seeds in both cells, paired. A live run is measured once and has none: another \
             run differs, and nothing tells by how much.",
        ),
        "Knee" => (
            term,
            "The least memory limit from which on no doubling adds a point of fresh hits, on average between limits that were \
             played; memory that is never filled is no doubling, so that it is at most what the largest limit ever held.",
        ),
        _ => (term, meaning),
    })
}

/// What the record's limits are called.
pub(super) fn left_out(source: RunSource) -> &'static str {
    if source.is_simulation() { "What the model leaves out" } else { "What a live run leaves out" }
}

/// How it is known what the cache held.
pub(super) fn held(source: RunSource) -> &'static str {
    if source.is_simulation() {
        "What the cache held, by the memory model of the scenario. Expired but resident entries are past their TTL and not yet \
         reclaimed; they take room and answer nobody."
    } else {
        "What the server held, by its own account (used_memory). Entries past their TTL that it has not yet reclaimed are in it; \
         which bytes are theirs no server tells."
    }
}

/// Every term of the page.
const GLOSSARY: [(&str, &str); 23] = [
    ("Cell", "One strategy at one memory limit and one value of every other sweep axis."),
    (
        "Baseline",
        "The strategy that changes are told against; at the same memory limit as the cell beside it.",
    ),
    ("Fresh hit", "The value was there and within its TTL."),
    ("Stale hit", "The value was past its TTL and served on purpose, while a new one was fetched."),
    (
        "Delayed hit",
        "The request joined a fetch of the same object already in flight and waited for it. It is not counted as a hit.",
    ),
    (
        "Miss",
        "The request fetched from the origin itself: cold (never held before), expired (its TTL ran out), evicted (it made \
         room for others), invalidated (deleted or purged) or lost (flush, restart, failed node).",
    ),
    ("Stale on error, error", "The origin failed and an old value was served; or there was no answer."),
    ("Byte hit ratio", "Bytes of fresh and stale hits, of all bytes asked for."),
    (
        "Origin offload",
        "1 minus origin fetches per request, background fetches included. It differs from the hit ratio where fetches are \
         shared or made early.",
    ),
    (
        "Stampede",
        "A stretch of time in which at least two origin fetches of the same object overlap. Its size is the number of fetches \
         started in it.",
    ),
    (
        "Duplicate fetch",
        "A fetch beyond the first of its stretch: work that a lock or single-flight would have saved.",
    ),
    (
        "Avalanche",
        "Many different objects fetched in the same second. A lock helps against stampedes and not against avalanches.",
    ),
    ("Expired but resident", "Entries past their TTL whose memory has not been taken back yet."),
    (
        "Peak origin rate",
        "Most origin fetches in one second; averaged over replications where there are several.",
    ),
    (
        "Current answer, outdated answer",
        "An answer with the version that the origin had at that moment; its share is of all answers with a value. All \
         others are outdated; the gate stale_share limits their share.",
    ),
    (
        "Staleness",
        "Of an outdated answer: time since the first change at the origin that it had not seen. Its p95 is over outdated \
         answers alone, however few they are: read it beside the share of current answers.",
    ),
    (
        "Interval",
        "95 %, from replications of the same seeds in both cells, paired. A recorded trace is played once: its numbers are \
         exact for it and have no interval; another day may differ.",
    ),
    (
        "Indistinguishable",
        "The paired interval of the difference contains 0, so the run cannot tell the two apart.",
    ),
    ("Score", "A weighted mean of objectives from 0 to 1; the formula stands under provenance."),
    (
        "Knee",
        "The least memory limit from which on no doubling adds a point of fresh hits, on average between simulated limits; \
         memory that is never filled is no doubling, so that it is at most what the largest limit ever held.",
    ),
    (
        "Bound",
        "What no real cache reaches: it looks into the future or has no limit. It shows how far there is to go.",
    ),
    ("Pareto front", "The cells that no other beats in memory and in origin load at once."),
    ("Gate", "A limit that the scenario sets. A cell that misses one is never recommended."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_called_simulated_where_it_was_measured() {
        let captions = CAPTIONS.iter().filter_map(|of| caption(of.name, RunSource::Live));
        let mut texts: Vec<&str> = captions.flat_map(|of| [of.shows, of.read, of.caveat]).collect();
        assert_eq!(texts.len(), 3 * CAPTIONS.len());
        texts.extend(glossary(RunSource::Live).map(|(_, meaning)| meaning));
        texts.extend([left_out(RunSource::Live), held(RunSource::Live)]);
        for text in texts {
            for wrong in ["simulated", "in this model", "memory model", "the model leaves", "exact for it"] {
                assert!(!text.contains(wrong), "{text}");
            }
        }
    }

    #[test]
    fn a_simulation_is_told_as_one() {
        let caveat = caption("latency", RunSource::Simulation).unwrap().caveat;
        assert!(caveat.contains("in this model, so hits wait for 0 s"), "{caveat}");
        assert!(glossary(RunSource::Simulation).eq(GLOSSARY));
    }
}
