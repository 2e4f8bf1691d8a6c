//! A chained table and how keys are drawn from it: plain vectors, written down from the specification, for the naive
//! server and for the ablation.

use rand::Rng;
use ttlab::random::Stream;

/// A chained table: keys of each bucket newest first; while keys move, the old table and the new one.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) old: Vec<Vec<usize>>,
    pub(crate) new: Option<Vec<Vec<usize>>>,
    pub(crate) at: usize,
}

impl Table {
    pub(crate) fn keys(&self) -> usize {
        self.both().iter().map(|table| table.iter().map(Vec::len).sum::<usize>()).sum()
    }

    pub(crate) fn both(&self) -> Vec<&Vec<Vec<usize>>> {
        std::iter::once(&self.old).chain(&self.new).collect()
    }

    pub(crate) fn holds(&self, key: usize) -> bool {
        self.both().iter().any(|table| table.iter().flatten().any(|other| *other == key))
    }

    /// Moves the next bucket that holds keys, unless ten empty ones come first; the move is over when the old table holds
    /// no key any more.
    fn move_on(&mut self, hashes: &[usize]) {
        let Some(new) = &mut self.new else { return };
        if self.old.iter().any(|bucket| !bucket.is_empty()) {
            let mut empty = 0;
            while self.old[self.at].is_empty() {
                self.at += 1;
                empty += 1;
                if empty == 10 {
                    return;
                }
            }
            for key in std::mem::take(&mut self.old[self.at]) {
                let bucket = hashes[key] % new.len();
                new[bucket].insert(0, key);
            }
            self.at += 1;
        }
        if self.old.iter().all(Vec::is_empty) {
            self.old = self.new.take().unwrap_or_default();
            self.at = 0;
        }
    }

    /// A look in the table: an empty one is not looked into.
    pub(crate) fn step(&mut self, hashes: &[usize]) {
        if self.keys() > 0 {
            self.move_on(hashes);
        }
    }

    pub(crate) fn resize(&mut self, keys: usize) {
        let size = keys.next_power_of_two().max(4);
        if self.old.is_empty() {
            self.old = vec![Vec::new(); size];
        } else {
            self.new = Some(vec![Vec::new(); size]);
            self.at = 0;
        }
    }

    pub(crate) fn insert(&mut self, key: usize, hashes: &[usize]) {
        self.move_on(hashes);
        if self.new.is_none() && self.keys() >= self.old.len() {
            self.resize(self.keys() + 1);
        }
        let table = self.new.as_mut().unwrap_or(&mut self.old);
        let bucket = hashes[key] % table.len();
        table[bucket].insert(0, key);
    }

    pub(crate) fn remove(&mut self, key: usize, hashes: &[usize]) {
        self.step(hashes);
        for table in std::iter::once(&mut self.old).chain(&mut self.new) {
            table.iter_mut().for_each(|bucket| bucket.retain(|other| *other != key));
        }
    }

    pub(crate) fn tick(&mut self) {
        let size = self.old.len();
        if self.new.is_none() && size > 4 && self.keys() * 100 / size < 10 {
            self.resize(self.keys());
        }
    }

    pub(crate) fn settle(&mut self, hashes: &[usize]) {
        while self.new.is_some() {
            self.move_on(hashes);
        }
    }
}

pub(crate) fn below(random: &mut impl Rng, bound: usize) -> usize {
    usize::try_from((u128::from(random.next_u64()) * bound as u128) >> 64).expect("below the bound")
}

/// A key of a bucket drawn until one holds any.
pub(crate) fn from_any_bucket(buckets: &[&Vec<usize>], random: &mut impl Rng) -> usize {
    loop {
        let bucket = buckets[below(random, buckets.len())];
        if !bucket.is_empty() {
            return bucket[below(random, bucket.len())];
        }
    }
}

/// Up to `want` keys of consecutive buckets of one table, or of an old one emptied up to `at` and the new one.
pub(crate) fn walk(halves: &[&[Vec<usize>]], at: usize, want: usize, random: &mut impl Rng) -> Vec<usize> {
    let larger = halves.iter().map(|half| half.len()).max().unwrap_or(0);
    let mut bucket = below(random, larger);
    let (mut gap, mut seen, mut out) = (0, 0, Vec::new());
    for _ in 0..10 * want {
        for (place, half) in halves.iter().enumerate() {
            let emptied = place == 0 && halves.len() > 1 && bucket < at;
            let Some(chain) = half.get(bucket).filter(|_| !emptied) else { continue };
            if chain.is_empty() {
                gap += 1;
                if gap >= 5 && gap > want {
                    bucket = below(random, larger);
                    gap = 0;
                }
                continue;
            }
            gap = 0;
            for key in chain {
                if seen < want {
                    out.push(*key);
                } else {
                    let slot = below(random, seen + 1);
                    if slot < want {
                        out[slot] = *key;
                    }
                }
                seen += 1;
            }
            if seen >= want {
                return out;
            }
        }
        bucket = (bucket + 1) % larger;
    }
    out
}

pub(crate) fn random_key(table: &mut Table, random: &mut Stream, hashes: &[usize]) -> Option<usize> {
    if table.keys() == 0 {
        return None;
    }
    table.step(hashes);
    let buckets: Vec<&Vec<usize>> = table.old[table.at..].iter().chain(table.new.iter().flatten()).collect();
    Some(from_any_bucket(&buckets, random))
}

pub(crate) fn sample(table: &mut Table, want: usize, random: &mut Stream, hashes: &[usize]) -> Vec<usize> {
    let want = want.min(table.keys());
    if want == 0 {
        return Vec::new();
    }
    (0..want).for_each(|_| table.step(hashes));
    let halves: Vec<&[Vec<usize>]> = table.both().into_iter().map(Vec::as_slice).collect();
    walk(&halves, table.at, want, random)
}
