//! Analytic results: stampede sizes, the M/M/c queue, and hit ratios under capacity and TTL.

/// Mean size of an unguarded stampede if fetch times are exponential and `a` requests arrive in a mean
/// fetch time: `sum over n >= 1 of the product over k < n of a / (a + k)` (F7). The n-th request still
/// fetches if none of the fetches before it has completed.
pub(crate) fn exponential_stampede(a: f64) -> f64 {
    let (mut sum, mut survives, mut k) = (0.0, 1.0, 1.0);
    while survives > 1e-15 {
        sum += survives;
        survives *= a / (a + k);
        k += 1.0;
    }
    sum
}

/// Erlang C: the chance to wait and the mean wait in seconds, at `rate` arrivals a second for `servers`
/// servers with exponential times of mean `time` seconds (F12).
pub(crate) fn erlang_c(rate: f64, time: f64, servers: u32) -> (f64, f64) {
    let (load, c) = (rate * time, f64::from(servers));
    // The terms a^k / k!, from k = 0 up to k = c.
    let (mut term, mut sum) = (1.0, 0.0);
    for k in 0..servers {
        sum += term;
        term *= load / f64::from(k + 1);
    }
    let waiting = term / (1.0 - load / c);
    let chance = waiting / (sum + waiting);
    (chance, chance / (c / time - rate))
}

/// Request rates of `objects` objects by Zipf's law with exponent `alpha`, `rate` a second together.
pub(crate) fn zipf_rates(objects: u32, alpha: f64, rate: f64) -> Vec<f64> {
    let weights: Vec<f64> = (1..=objects).map(|rank| f64::from(rank).powf(-alpha)).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| rate * weight / sum).collect()
}

/// Characteristic time of LRU (Che 2002): within it, as many objects are asked for as fit (F9).
pub(crate) fn lru_time(rates: &[f64], capacity: f64) -> f64 {
    solve(|time| rates.iter().map(|rate| 1.0 - (-rate * time).exp()).sum(), capacity, 0.0)
}

/// Hit ratio of LRU by Che's approximation (F9).
pub(crate) fn lru(rates: &[f64], capacity: f64) -> f64 {
    let time = lru_time(rates, capacity);
    overall(rates, |rate| 1.0 - (-rate * time).exp())
}

/// Hit ratio of FIFO, and of random eviction: a TTL that as many objects outlive as fit (F9).
pub(crate) fn fifo(rates: &[f64], capacity: f64) -> f64 {
    let held = |rate: f64, time: f64| rate * time / (1.0 + rate * time);
    let time = solve(|time| rates.iter().map(|rate| held(*rate, time)).sum(), capacity, 0.0);
    overall(rates, |rate| held(rate, time))
}

/// Hit ratio of LRU with a fixed TTL, if dead entries free their place at once (F10).
pub(crate) fn lru_with_ttl_eager(rates: &[f64], capacity: f64, ttl: f64) -> f64 {
    let unbounded = |rate: f64| rate * ttl / (1.0 + rate * ttl);
    if rates.iter().map(|rate| unbounded(*rate)).sum::<f64>() <= capacity {
        return overall(rates, unbounded);
    }
    // Places that come back early are used by others, who then stay longer than under LRU alone.
    let held = |time| rates.iter().map(|rate| held_with_ttl(*rate, time, ttl)).sum();
    let time = solve(held, capacity, lru_time(rates, capacity));
    overall(rates, |rate| held_with_ttl(rate, time, ttl))
}

/// Hit ratio of LRU with a fixed TTL, if dead entries keep their place until they are looked up or
/// evicted: the characteristic time is that of LRU alone (F10L).
pub(crate) fn lru_with_ttl_lazy(rates: &[f64], capacity: f64, ttl: f64) -> f64 {
    let time = lru_time(rates, capacity);
    overall(rates, |rate| held_with_ttl(rate, time, ttl))
}

/// Hit ratio of one object under LRU with characteristic time `time` and a TTL: with `m` hits expected
/// between store and departure it is `m / (1 + m)`.
///
/// `A(a)`, the chance that an entry is still there at age `a`, is 1 below `time`, falls there by
/// `e^(-rate time)`, and then obeys `A'(a) = -rate e^(-rate time) A(a - time)`: who leaves at `a` was
/// last asked for at `a - time`, and not since.
fn held_with_ttl(rate: f64, time: f64, ttl: f64) -> f64 {
    const STEPS: usize = 100;
    let idle = (-rate * time).exp();
    let step = time / STEPS as f64;
    // The mean chance over each step, and the chance after the last.
    let mut present = vec![1.0; STEPS];
    let mut now = 1.0 - idle;
    let (mut held_for, mut age) = (ttl.min(time), time);
    while age < ttl {
        let loss = rate * idle * present[present.len() - STEPS] * step;
        let share = ((ttl - age) / step).min(1.0);
        held_for += step * share * (now - loss * share / 2.0);
        present.push(now - loss / 2.0);
        now -= loss;
        age += step;
    }
    let hits = rate * held_for;
    hits / (1.0 + hits)
}

/// The hit ratio over all objects, from that of an object by its rate.
fn overall(rates: &[f64], hit: impl Fn(f64) -> f64) -> f64 {
    rates.iter().map(|rate| rate * hit(*rate)).sum::<f64>() / rates.iter().sum::<f64>()
}

/// Where an increasing function of time takes a value, by bisection from a time before that.
fn solve(function: impl Fn(f64) -> f64, value: f64, from: f64) -> f64 {
    let (mut low, mut high) = (from, from + 1e-3);
    while function(high) < value {
        (low, high) = (high, high + 2.0 * (high - from));
        assert!(high < 1e6, "the capacity is less than the number of objects");
    }
    for _ in 0..30 {
        let middle = f64::midpoint(low, high);
        if function(middle) < value { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// Hit ratio under a sliding TTL (F2).
pub(crate) fn sliding(rates: &[f64], ttl: f64) -> f64 {
    overall(rates, |rate| 1.0 - (-rate * ttl).exp())
}

/// The sliding TTL that gives a hit ratio (F2, inverted).
pub(crate) fn sliding_time(rates: &[f64], hit: f64) -> f64 {
    solve(|ttl| sliding(rates, ttl), hit, 0.0)
}
