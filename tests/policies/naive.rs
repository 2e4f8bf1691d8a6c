//! The policies as their papers tell them, over plain vectors: slow, and without a line of the crate.
//!
//! A vector holds its oldest or least recently used object first. Objects and weights are numbers.

use std::collections::BTreeMap;

/// A cache with a policy.
pub(crate) trait Naive {
    /// The objects that are held.
    fn held(&self) -> Vec<usize>;

    /// A request found `object`.
    fn hit(&mut self, object: usize);

    /// A request did not find `object`, which fits into the empty cache: makes room and stores it, or not.
    fn miss(&mut self, object: usize);

    /// A request asked for an `object` that does not fit into the empty cache.
    fn oversized(&mut self, _object: usize) {}

    /// `object` is gone for another reason than eviction.
    fn lose(&mut self, object: usize);
}

/// Whether each request is a hit, with values that are dead later than `ttl` after they were stored.
pub(crate) fn play(cache: &mut dyn Naive, requests: &[usize], room: &Room, ttl: Option<usize>) -> Vec<bool> {
    let mut stored = BTreeMap::new();
    let mut hits = Vec::new();
    for (now, object) in requests.iter().copied().enumerate() {
        let mut hit = cache.held().contains(&object);
        if hit && ttl.is_some_and(|ttl| now > stored[&object] + ttl) {
            cache.lose(object);
            hit = false;
        }
        if hit {
            cache.hit(object);
        } else {
            if room.weights[object] <= room.capacity {
                cache.miss(object);
            } else {
                cache.oversized(object);
            }
            stored.insert(object, now);
        }
        hits.push(hit);
        let weight: u64 = cache.held().iter().map(|object| room.weights[*object]).sum();
        assert!(weight <= room.capacity, "the naive cache keeps to its limit");
    }
    hits
}

/// Weights and capacity in one unit.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) weights: Vec<u64>,
    pub(crate) capacity: u64,
}

impl Room {
    fn of(&self, objects: &[usize]) -> u64 {
        objects.iter().map(|object| self.weights[*object]).sum()
    }

    /// Whether `object` does not fit beside the others.
    fn full(&self, held: &[usize], object: usize) -> bool {
        self.of(held) + self.weights[object] > self.capacity
    }
}

/// The naive form of the policy that a scenario calls `name`.
pub(crate) fn empty(name: &str, room: &Room, requests: &[usize]) -> Box<dyn Naive> {
    let room = room.clone();
    let (none, counts) = (Vec::new, BTreeMap::new());
    match name {
        "lfu" => Box::new(Lfu { room, recency: none(), counts }),
        "gdsf" => {
            let priorities = BTreeMap::new();
            Box::new(Gdsf { room, recency: none(), counts, priorities, inflation: 0.0 })
        }
        "sieve" => Box::new(Sieve { room, queue: none(), visited: none(), hand: None }),
        "s4lru" => Box::new(S4Lru { room, levels: Default::default() }),
        "s3-fifo" => Box::new(S3Fifo { room, small: none(), main: none(), ghost: none(), freq: counts }),
        "arc" => Box::new(Arc { room, t1: none(), t2: none(), b1: none(), b2: none(), p: 0.0 }),
        "w-tinylfu" => {
            let counts = vec![0; room.weights.len()];
            let (window, probation, protected) = (none(), none(), none());
            Box::new(WTinyLfu { room, window, probation, protected, counts, requests: 0, most_entries: 0 })
        }
        "belady" => Box::new(Belady { room, held: none(), requests: requests.to_vec(), now: 0 }),
        _ => panic!("{name} has no naive form"),
    }
}

fn drop_from(queue: &mut Vec<usize>, object: usize) {
    queue.retain(|other| *other != object);
}

/// In-cache counts, the least recently used of equals.
pub(crate) struct Lfu {
    pub(crate) room: Room,
    /// By last use.
    pub(crate) recency: Vec<usize>,
    pub(crate) counts: BTreeMap<usize, u32>,
}

impl Naive for Lfu {
    fn held(&self) -> Vec<usize> {
        self.recency.clone()
    }

    fn hit(&mut self, object: usize) {
        drop_from(&mut self.recency, object);
        self.recency.push(object);
        *self.counts.get_mut(&object).expect("it is held") += 1;
    }

    fn miss(&mut self, object: usize) {
        while self.room.full(&self.recency, object) {
            // The first of several minima, hence the least recently used.
            let victim = *self.recency.iter().min_by_key(|object| self.counts[object]).expect("it is held");
            drop_from(&mut self.recency, victim);
        }
        self.recency.push(object);
        self.counts.insert(object, 1);
    }

    fn lose(&mut self, object: usize) {
        drop_from(&mut self.recency, object);
    }
}

/// Priority: inflation plus requests by size.
pub(crate) struct Gdsf {
    pub(crate) room: Room,
    pub(crate) recency: Vec<usize>,
    pub(crate) counts: BTreeMap<usize, u32>,
    pub(crate) priorities: BTreeMap<usize, f64>,
    pub(crate) inflation: f64,
}

impl Gdsf {
    fn prioritise(&mut self, object: usize) {
        let size = self.room.weights[object] as f64;
        self.priorities.insert(object, self.inflation + f64::from(self.counts[&object]) / size);
        drop_from(&mut self.recency, object);
        self.recency.push(object);
    }
}

impl Naive for Gdsf {
    fn held(&self) -> Vec<usize> {
        self.recency.clone()
    }

    fn hit(&mut self, object: usize) {
        *self.counts.get_mut(&object).expect("it is held") += 1;
        self.prioritise(object);
    }

    fn miss(&mut self, object: usize) {
        while self.room.full(&self.recency, object) {
            let by_priority = |a: &&usize, b: &&usize| self.priorities[a].total_cmp(&self.priorities[b]);
            let victim = *self.recency.iter().min_by(by_priority).expect("it is held");
            self.inflation = self.priorities[&victim];
            drop_from(&mut self.recency, victim);
        }
        self.counts.insert(object, 1);
        self.prioritise(object);
    }

    fn lose(&mut self, object: usize) {
        drop_from(&mut self.recency, object);
    }
}

/// One queue and a hand, kept as the object at which it points.
pub(crate) struct Sieve {
    pub(crate) room: Room,
    pub(crate) queue: Vec<usize>,
    pub(crate) visited: Vec<usize>,
    pub(crate) hand: Option<usize>,
}

impl Sieve {
    fn newer(&self, object: usize) -> Option<usize> {
        let place = self.queue.iter().position(|other| *other == object).expect("it is held");
        self.queue.get(place + 1).copied()
    }
}

impl Naive for Sieve {
    fn held(&self) -> Vec<usize> {
        self.queue.clone()
    }

    fn hit(&mut self, object: usize) {
        self.visited.push(object);
    }

    fn miss(&mut self, object: usize) {
        while self.room.full(&self.queue, object) {
            let mut hand = self.hand.unwrap_or(self.queue[0]);
            while self.visited.contains(&hand) {
                drop_from(&mut self.visited, hand);
                hand = self.newer(hand).unwrap_or(self.queue[0]);
            }
            self.hand = self.newer(hand);
            drop_from(&mut self.queue, hand);
        }
        self.queue.push(object);
    }

    fn lose(&mut self, object: usize) {
        if self.hand == Some(object) {
            self.hand = self.newer(object);
        }
        drop_from(&mut self.queue, object);
        drop_from(&mut self.visited, object);
    }
}

/// Four queues; level 0 is the lowest.
pub(crate) struct S4Lru {
    pub(crate) room: Room,
    pub(crate) levels: [Vec<usize>; 4],
}

impl Naive for S4Lru {
    fn held(&self) -> Vec<usize> {
        self.levels.concat()
    }

    fn hit(&mut self, object: usize) {
        let level = self.levels.iter().position(|level| level.contains(&object)).expect("it is held");
        drop_from(&mut self.levels[level], object);
        self.levels[(level + 1).min(3)].push(object);
        for level in [3, 2, 1] {
            while self.room.of(&self.levels[level]) > self.room.capacity / 4 {
                let last = self.levels[level].remove(0);
                self.levels[level - 1].push(last);
            }
        }
    }

    fn miss(&mut self, object: usize) {
        while self.room.full(&self.held(), object) {
            self.levels.iter_mut().find(|level| !level.is_empty()).expect("it is held").remove(0);
        }
        self.levels[0].push(object);
    }

    fn lose(&mut self, object: usize) {
        self.levels.iter_mut().for_each(|level| drop_from(level, object));
    }
}

/// Small, main and ghost queue, oldest first.
pub(crate) struct S3Fifo {
    pub(crate) room: Room,
    pub(crate) small: Vec<usize>,
    pub(crate) main: Vec<usize>,
    pub(crate) ghost: Vec<usize>,
    pub(crate) freq: BTreeMap<usize, u32>,
}

impl S3Fifo {
    fn small_limit(&self) -> u64 {
        // A tenth, to the nearest.
        (self.room.capacity + 5) / 10
    }

    fn evict_small(&mut self) -> bool {
        while !self.small.is_empty() {
            let oldest = self.small.remove(0);
            if self.freq[&oldest] > 1 {
                self.freq.insert(oldest, 0);
                self.main.push(oldest);
            } else {
                self.ghost.push(oldest);
                while self.room.of(&self.ghost) > self.room.capacity - self.small_limit() {
                    self.ghost.remove(0);
                }
                return true;
            }
        }
        false
    }

    fn evict_main(&mut self) -> bool {
        while !self.main.is_empty() {
            let oldest = self.main.remove(0);
            if self.freq[&oldest] == 0 {
                return true;
            }
            *self.freq.get_mut(&oldest).expect("it is held") -= 1;
            self.main.push(oldest);
        }
        false
    }
}

impl Naive for S3Fifo {
    fn held(&self) -> Vec<usize> {
        [self.small.clone(), self.main.clone()].concat()
    }

    fn hit(&mut self, object: usize) {
        let freq = self.freq.get_mut(&object).expect("it is held");
        *freq = (*freq + 1).min(3);
    }

    fn miss(&mut self, object: usize) {
        while self.room.full(&self.held(), object) {
            let small_first = self.room.of(&self.small) >= self.small_limit();
            let gone = small_first && self.evict_small();
            // The small queue may give all it has to the main one, which then has somebody to evict.
            let gone = gone || self.evict_main() || self.evict_small() || self.evict_main();
            assert!(gone, "a full cache has somebody to evict");
        }
        if self.ghost.contains(&object) {
            drop_from(&mut self.ghost, object);
            self.main.push(object);
        } else {
            self.small.push(object);
        }
        self.freq.insert(object, 0);
    }

    fn lose(&mut self, object: usize) {
        drop_from(&mut self.small, object);
        drop_from(&mut self.main, object);
    }
}

/// The four lists of figure 4, cases I to IV in the paper's own order.
pub(crate) struct Arc {
    pub(crate) room: Room,
    pub(crate) t1: Vec<usize>,
    pub(crate) t2: Vec<usize>,
    pub(crate) b1: Vec<usize>,
    pub(crate) b2: Vec<usize>,
    pub(crate) p: f64,
}

impl Arc {
    fn replace(&mut self, object: usize, in_b2: bool) {
        while self.room.full(&self.held(), object) {
            let t1 = self.room.of(&self.t1) as f64;
            if !self.t1.is_empty() && ((in_b2 && t1 >= self.p) || t1 > self.p || self.t2.is_empty()) {
                let last = self.t1.remove(0);
                self.b1.push(last);
            } else {
                let last = self.t2.remove(0);
                self.b2.push(last);
            }
        }
    }

    fn come_back(&mut self, object: usize, in_b2: bool) {
        let (b1, b2) = (self.room.of(&self.b1) as f64, self.room.of(&self.b2) as f64);
        let weight = self.room.weights[object] as f64;
        self.p = if in_b2 {
            (self.p - weight * (b1 / b2).max(1.0)).max(0.0)
        } else {
            (self.p + weight * (b2 / b1).max(1.0)).min(self.room.capacity as f64)
        };
        drop_from(&mut self.b1, object);
        drop_from(&mut self.b2, object);
        self.replace(object, in_b2);
        self.t2.push(object);
    }
}

impl Naive for Arc {
    fn held(&self) -> Vec<usize> {
        [self.t1.clone(), self.t2.clone()].concat()
    }

    fn hit(&mut self, object: usize) {
        drop_from(&mut self.t1, object);
        drop_from(&mut self.t2, object);
        self.t2.push(object);
    }

    fn miss(&mut self, object: usize) {
        let (c, weight) = (self.room.capacity, self.room.weights[object]);
        if self.b1.contains(&object) {
            self.come_back(object, false);
        } else if self.b2.contains(&object) {
            self.come_back(object, true);
        } else if self.room.weights.iter().all(|weight| *weight == 1) {
            // Word for word.
            let l1 = self.t1.len() + self.b1.len();
            let all = l1 + self.t2.len() + self.b2.len();
            if l1 as u64 == c {
                if (self.t1.len() as u64) < c {
                    self.b1.remove(0);
                    self.replace(object, false);
                } else {
                    self.t1.remove(0);
                }
            } else if all as u64 >= c {
                if all as u64 == 2 * c {
                    self.b2.remove(0);
                }
                self.replace(object, false);
            }
            self.t1.push(object);
        } else {
            self.replace(object, false);
            while self.room.of(&self.t1) + self.room.of(&self.b1) + weight > c && !self.b1.is_empty() {
                self.b1.remove(0);
            }
            let lists = |arc: &Self| [&arc.t1, &arc.t2, &arc.b1, &arc.b2].map(|list| arc.room.of(list));
            while lists(self).iter().sum::<u64>() + weight > 2 * c && !self.b2.is_empty() {
                self.b2.remove(0);
            }
            self.t1.push(object);
        }
    }

    fn lose(&mut self, object: usize) {
        drop_from(&mut self.t1, object);
        drop_from(&mut self.t2, object);
    }
}

/// A window before a segmented LRU, with exact counts that are halved.
pub(crate) struct WTinyLfu {
    pub(crate) room: Room,
    pub(crate) window: Vec<usize>,
    pub(crate) probation: Vec<usize>,
    pub(crate) protected: Vec<usize>,
    pub(crate) counts: Vec<u32>,
    pub(crate) requests: usize,
    pub(crate) most_entries: usize,
}

impl WTinyLfu {
    fn window_limit(&self) -> u64 {
        ((self.room.capacity + 50) / 100).max(1)
    }

    fn count(&mut self, object: usize) {
        self.counts[object] = (self.counts[object] + 1).min(15);
        self.requests += 1;
        if self.requests >= 10 * self.most_entries.max(1) {
            self.requests /= 2;
            self.counts.iter_mut().for_each(|count| *count /= 2);
        }
    }

    /// Stores what is larger than the window if it beats everybody in its way.
    fn miss_of_large(&mut self, object: usize) {
        let order = [self.probation.clone(), self.protected.clone(), self.window.clone()].concat();
        let mut left = order.clone();
        while self.room.full(&left, object) {
            if self.counts[left[0]] >= self.counts[object] {
                return;
            }
            left.remove(0);
        }
        for queue in [&mut self.probation, &mut self.protected, &mut self.window] {
            queue.retain(|object| left.contains(object));
        }
        self.probation.push(object);
    }

    fn miss_of_small(&mut self, object: usize) {
        let mut candidates = Vec::new();
        while self.room.of(&self.window) + self.room.weights[object] > self.window_limit() {
            candidates.push(self.window.remove(0));
        }
        // While it is not decided, candidates stand aside.
        loop {
            let all = [self.held(), candidates.clone()].concat();
            if !self.room.full(&all, object) {
                break;
            }
            let main = [&mut self.probation, &mut self.protected].into_iter().find(|queue| !queue.is_empty());
            match (candidates.first().copied(), main) {
                (Some(candidate), Some(main)) if self.counts[candidate] > self.counts[main[0]] => {
                    main.remove(0);
                }
                (Some(_), _) => {
                    candidates.remove(0);
                }
                (None, Some(main)) => {
                    main.remove(0);
                }
                (None, None) => {
                    self.window.remove(0);
                }
            }
        }
        self.probation.extend(candidates);
        self.window.push(object);
    }
}

impl Naive for WTinyLfu {
    fn held(&self) -> Vec<usize> {
        [self.window.clone(), self.probation.clone(), self.protected.clone()].concat()
    }

    fn hit(&mut self, object: usize) {
        self.count(object);
        if self.window.contains(&object) {
            drop_from(&mut self.window, object);
            self.window.push(object);
            return;
        }
        drop_from(&mut self.probation, object);
        drop_from(&mut self.protected, object);
        self.protected.push(object);
        let main = self.room.capacity - self.window_limit();
        while self.room.of(&self.protected) > (4 * main).div_ceil(5) {
            let last = self.protected.remove(0);
            self.probation.push(last);
        }
    }

    fn miss(&mut self, object: usize) {
        self.count(object);
        if self.room.weights[object] > self.window_limit() {
            self.miss_of_large(object);
        } else {
            self.miss_of_small(object);
        }
        self.most_entries = self.most_entries.max(self.held().len());
    }

    fn oversized(&mut self, object: usize) {
        self.count(object);
    }

    fn lose(&mut self, object: usize) {
        for queue in [&mut self.window, &mut self.probation, &mut self.protected] {
            drop_from(queue, object);
        }
    }
}

/// The farthest next request leaves, and may be the new one's.
pub(crate) struct Belady {
    pub(crate) room: Room,
    pub(crate) held: Vec<usize>,
    pub(crate) requests: Vec<usize>,
    pub(crate) now: usize,
}

impl Belady {
    /// How many requests pass before the next one of `object`.
    fn distance(&self, object: usize) -> usize {
        let coming = &self.requests[self.now..];
        coming.iter().position(|other| *other == object).unwrap_or(usize::MAX)
    }
}

impl Naive for Belady {
    fn held(&self) -> Vec<usize> {
        self.held.clone()
    }

    fn hit(&mut self, _: usize) {
        self.now += 1;
    }

    fn miss(&mut self, object: usize) {
        self.now += 1;
        let mut left = self.held.clone();
        left.sort_by_key(|object| std::cmp::Reverse(self.distance(*object)));
        while self.room.full(&left, object) {
            if self.distance(left[0]) <= self.distance(object) {
                return;
            }
            left.remove(0);
        }
        left.push(object);
        self.held = left;
    }

    fn oversized(&mut self, _: usize) {
        self.now += 1;
    }

    fn lose(&mut self, object: usize) {
        drop_from(&mut self.held, object);
    }
}
