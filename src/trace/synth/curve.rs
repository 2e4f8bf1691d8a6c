//! Arrivals at a rate that changes: the cumulative rate of piecewise linear curves, inverted exactly.
//!
//! If `s` are the arrivals of a Poisson process of rate 1 and `A` the integral of a rate, `A^-1(s)` are
//! the arrivals of a Poisson process of that rate (Cinlar 1975, "Introduction to stochastic processes",
//! section 4.7). Nothing is drawn per bin and nothing is placed at the begin of one.

use rand_distr::{Distribution, Exp1};

use super::arrival::{Arrivals, BLOCK};
use crate::random::Stream;
use crate::units::{SimDuration, SimTime};

/// A stretch of time in which the rate changes linearly, or not at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    /// Seconds.
    pub(super) length: f64,
    /// Rate per second where it begins.
    pub(super) from: f64,
    /// Rate where it ends.
    pub(super) to: f64,
}

impl Piece {
    /// How many arrivals are expected in it.
    pub(super) fn area(&self) -> f64 {
        self.length * f64::midpoint(self.from, self.to)
    }

    /// How many arrivals are expected in its first `seconds`.
    pub(super) fn area_until(&self, seconds: f64) -> f64 {
        let part = seconds.clamp(0.0, self.length);
        let rate = self.from + (self.to - self.from) * part / self.length;
        part * f64::midpoint(self.from, rate)
    }

    /// After how many seconds `area` arrivals are expected.
    fn after(&self, area: f64) -> f64 {
        let slope = (self.to - self.from) / self.length;
        // The stable form of the root: exact where the slope is 0.
        let root = (self.from * self.from + 2.0 * slope * area).max(0.0).sqrt();
        if area <= 0.0 { 0.0 } else { (2.0 * area / (self.from + root)).min(self.length) }
    }
}

/// The cumulative rate of pieces one after the other, inverted for areas that never decrease.
pub(super) struct Curve<P> {
    pieces: P,
    piece: Option<Piece>,
    /// Where the piece begins, and the area up to there.
    start: f64,
    before: f64,
}

impl<P: Iterator<Item = Piece>> Curve<P> {
    pub(super) fn new(mut pieces: P) -> Self {
        let piece = pieces.next();
        Self { pieces, piece, start: 0.0, before: 0.0 }
    }

    /// When `area` arrivals are expected to have come, in seconds; `None` beyond the last piece or `end`.
    fn at(&mut self, area: f64, end: f64) -> Option<f64> {
        loop {
            let piece = self.piece?;
            let whole = piece.area();
            if area < self.before + whole {
                return Some(self.start + piece.after(area - self.before));
            }
            self.before += whole;
            self.start += piece.length;
            if self.start >= end {
                return None;
            }
            self.piece = self.pieces.next();
        }
    }
}

/// A Poisson process whose rate follows a curve.
pub(super) struct Following<P> {
    curve: Curve<P>,
    stream: Stream,
    area: f64,
    end: f64,
    begin_ns: u64,
}

impl<P: Iterator<Item = Piece>> Following<P> {
    /// From `begin` on, for `duration` at most.
    pub(super) fn new(pieces: P, stream: Stream, begin: SimTime, duration: SimDuration) -> Self {
        let end = duration.as_secs_f64();
        Self { curve: Curve::new(pieces), stream, area: 0.0, end, begin_ns: begin.as_nanos() }
    }
}

impl<P: Iterator<Item = Piece> + Send> Arrivals for Following<P> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "times are at least 0 and before an end that is a u64"
    )]
    fn next(&mut self, times: &mut Vec<SimTime>) {
        for _ in 0..BLOCK {
            let gap: f64 = Exp1.sample(&mut self.stream);
            self.area += gap;
            match self.curve.at(self.area, self.end) {
                Some(at) if at < self.end => {
                    times.push(SimTime::from_nanos(self.begin_ns + (at * 1e9) as u64));
                }
                // Nothing comes later either: areas only grow.
                _ => {
                    self.area = f64::INFINITY;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> Curve<std::vec::IntoIter<Piece>> {
        let piece = |length, from, to| Piece { length, from, to };
        Curve::new(vec![piece(10.0, 0.0, 2.0), piece(5.0, 0.0, 0.0), piece(4.0, 3.0, 1.0)].into_iter())
    }

    #[test]
    fn the_inverse_of_the_cumulative_rate_is_exact() {
        // A = t^2/10 up to 10 at t = 10; nothing until 15; then 10 + 3u - u^2/4 up to 18 at 19.
        for (area, at) in
            [(0.0, 0.0), (2.5, 5.0), (9.999_999, 9.999_999_5), (10.0, 15.0), (12.75, 16.0), (15.0, 17.0)]
        {
            let got = curve().at(area, 100.0).unwrap();
            assert!((got - at).abs() < 1e-9, "{area}: {got} for {at}");
        }
        assert_eq!(curve().at(18.1, 100.0), None);
        assert_eq!(curve().at(15.0, 12.0), None, "beyond the end");
    }
}
