//! The page's fixed prose: what each chart shows, how to read it, where it misleads; the glossary.

/// Sections of the page: anchor and title.
pub(super) const CONTENTS: [(&str, &str); 12] = [
    ("verdict", "Verdict"),
    ("summary", "Comparison"),
    ("pareto", "Memory against origin load"),
    ("misses", "Hits and misses"),
    ("time", "Over time"),
    ("stampedes", "Stampedes"),
    ("latency", "Latency"),
    ("memory", "Memory"),
    ("segments", "Classes"),
    ("provenance", "Provenance"),
    ("glossary", "Glossary"),
    ("downloads", "Files"),
];

/// What is said below a chart: what it shows, how to read it, and a caveat.
pub(super) struct Caption {
    pub(super) shows: &'static str,
    pub(super) read: &'static str,
    pub(super) caveat: &'static str,
}

pub(super) const PARETO: Caption = Caption {
    shows: "Each point is one strategy at one memory limit: how much memory it holds, and how often it asks the origin.",
    read: "Lower and further left is better; the stepped line joins the cells that no other beats in both, the area of a \
           marker grows with stampedes per hour, and faded points are beaten.",
    caveat: "Mean load says nothing about peaks, which stand in the table; the line between two cells was not simulated.",
};

pub(super) const HIT_RATIO: Caption = Caption {
    shows: "Each bar splits the scored requests of one cell by how they ended; the number at its end is the share of fresh hits.",
    read: "Many expired misses say that the TTL is short, many evicted ones that memory is; cold misses no setting avoids.",
    caveat: "A delayed hit waited for a fetch in flight and is not counted as a hit. A star marks the recommended cell.",
};

pub(super) const SERIES: Caption = Caption {
    shows: "The run from its first request on, at the memory limit of the cell that the verdict names.",
    read: "Lines are means over a column of time and, where there are several, over replications; bands reach up to the \
           busiest second and to the memory that expired entries still take. The shaded stretch is the warm-up.",
    caveat: "The warm-up is simulated and not scored, so no table counts it; a stretch without requests, or below the start \
             of an axis, is a gap.",
};

pub(super) const TTL: Caption = Caption {
    shows: "How long values stay fresh, over time, in every cell at that limit whose TTL depends on time: what a controller \
            steers, or else the mean TTL of what was stored, by class.",
    read: "The axis is logarithmic, so that equal steps are equal factors. A controller that has settled runs level; one \
           that runs along its limit cannot reach its target.",
    caveat: "Of the first replication, warm-up (shaded) included. A TTL works when the value expires, so its effect on the \
             charts above comes about one TTL later.",
};

pub(super) const STAMPEDES: Caption = Caption {
    shows: "Fetches that started while another fetch of the same object was in flight, on one scale for all strips.",
    read: "A high bar is a wave of duplicates, often an expiry wave; an empty strip is a strategy that prevents them.",
    caveat: "The warm-up is shaded and not scored. Many different objects fetched in the same second are no stampede: see \
             the avalanche column of the table.",
};

pub(super) const LATENCY: Caption = Caption {
    shows: "How long requests waited for their answer: half of them no longer than the first point of a line, 99.9 % no longer \
            than the last.",
    read: "Each further nine has the same room on the axis; a line that rises early makes many people wait.",
    caveat: "Reading from the cache takes no time in this model, so hits wait for 0 s; only the points were measured, lines \
             guide the eye.",
};

/// Every term of the page.
pub(super) const GLOSSARY: [(&str, &str); 18] = [
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
    ("Staleness", "Time since the first change at the origin that an answer had not seen."),
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
];
