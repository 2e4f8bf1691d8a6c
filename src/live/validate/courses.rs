//! Quantities over time, predicted and measured.

use super::figures::memory_in;
use super::{Course, Kind};
use crate::metrics::{Bucket, Measurements, OutcomeKind};

pub(super) fn courses(predicted: &[Measurements], measured: &Measurements) -> Vec<Course> {
    type Point = fn(&Bucket) -> Option<f64>;
    let points: [(&'static str, Kind, Point); 3] = [
        ("used_memory", Kind::Bytes, |bucket| Some(memory_in(bucket))),
        ("fresh hits", Kind::Share, |bucket| {
            let all = bucket.outcomes.total();
            (all > 0).then(|| bucket.outcomes.of(OutcomeKind::FreshHit) as f64 / all as f64)
        }),
        ("origin fetches in a bucket", Kind::Count, |bucket| Some(bucket.fetches as f64)),
    ];
    let bucket_s = measured.series.bucket.as_secs_f64();
    let course = |(what, kind, point): (&'static str, Kind, Point)| {
        let mean = |place: usize| {
            let own: Option<Vec<f64>> =
                predicted.iter().map(|run| run.series.buckets.get(place).and_then(point)).collect();
            own.map(|own| own.iter().sum::<f64>() / own.len() as f64)
        };
        Course {
            what,
            kind,
            bucket_s,
            predicted: (0..measured.series.buckets.len()).map(mean).collect(),
            measured: measured.series.buckets.iter().map(point).collect(),
        }
    };
    points.into_iter().map(course).collect()
}
