//! Where the labels of points go: each beside its point or joined to it by a line, and none on anything else.

/// A box: left, top, right, bottom.
pub(super) type Area = (f64, f64, f64, f64);
/// A straight line between two points.
pub(super) type Segment = [(f64, f64); 2];

/// Half the height of a line of text, with some air.
const HALF: f64 = 8.0;

/// Where a label goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placed {
    /// The label's box.
    pub(super) area: Area,
    /// The line that joins it to its point, where it lies away from it.
    pub(super) leader: Option<Segment>,
}

/// What labels must keep away from; it grows with every label.
#[derive(Debug)]
pub(super) struct Labels {
    /// Labels stay within.
    within: Area,
    /// Markers: neither labels nor leaders touch them.
    markers: Vec<Area>,
    /// Lines of the drawing: labels do not touch them, leaders may cross them.
    lines: Vec<Area>,
    placed: Vec<Placed>,
}

impl Labels {
    /// A sheet with markers and lines (as the boxes around them) and no label yet.
    pub(super) fn new(within: Area, markers: Vec<Area>, lines: Vec<Area>) -> Self {
        Self { within, markers, lines, placed: Vec::new() }
    }

    /// Places the label of a point, so wide; `None` where there is no room for it.
    pub(super) fn place(&mut self, (x, y): (f64, f64), radius: f64, width: f64) -> Option<Placed> {
        let beside = radius + 4.0;
        let held = |x: f64, y: f64| (x, y - HALF, x + width, y + HALF);
        let middle = x - width / 2.0;
        let near = [
            held(x + beside, y),
            held(x - beside - width, y),
            held(middle, y - beside - HALF),
            held(middle, y + beside + HALF),
            held(x + beside, y - 14.0),
            held(x + beside, y + 14.0),
            held(x - beside - width, y - 14.0),
            held(x - beside - width, y + 14.0),
        ];
        let near = near.map(|area| Placed { area, leader: None });
        let far = [30.0, 50.0, 72.0, 96.0].into_iter().flat_map(|away| {
            let lefts =
                [middle, x + beside, x - beside - width, x + beside + 40.0, x - beside - width - 40.0];
            [-1.0, 1.0]
                .into_iter()
                .flat_map(move |side| lefts.map(|left| held(left, y + side * (beside + away))))
        });
        let far = far.map(|area| Placed { area, leader: Some(leader((x, y), radius, area)) });
        let found = near.into_iter().chain(far).find(|placed| self.is_free((x, y), placed))?;
        self.placed.push(found);
        Some(found)
    }

    fn is_free(&self, point: (f64, f64), new: &Placed) -> bool {
        let (area, within) = (new.area, self.within);
        let inside = area.0 >= within.0 && area.1 >= within.1 && area.2 <= within.2 && area.3 <= within.3;
        let covers = |other: &Area| overlap(area, *other);
        let crosses = |other: &Area| new.leader.is_some_and(|line| meets(line, *other));
        // The line begins at the edge of the point's own marker, and of those at the same place.
        let own = |marker: &Area| {
            let (x, y) = point;
            marker.0 <= x && x <= marker.2 && marker.1 <= y && y <= marker.3
        };
        inside
            && !self.markers.iter().any(covers)
            && !self.lines.iter().any(covers)
            && !self.markers.iter().any(|marker| !own(marker) && crosses(marker))
            && self.placed.iter().all(|old| {
                let led = old
                    .leader
                    .is_some_and(|line| meets(line, area) || new.leader.is_some_and(|new| cross(line, new)));
                !covers(&old.area) && !crosses(&old.area) && !led
            })
    }
}

/// From the edge of a marker to the nearer long side of a label, where it is nearest.
fn leader((x, y): (f64, f64), radius: f64, area: Area) -> Segment {
    let (left, top, right, bottom) = area;
    let end = (x.clamp(left + 4.0_f64.min((right - left) / 2.0), right), if top > y { top } else { bottom });
    let (across, down) = (end.0 - x, end.1 - y);
    let long = across.hypot(down).max(radius);
    [(x + across / long * radius, y + down / long * radius), end]
}

fn overlap(a: Area, b: Area) -> bool {
    a.0 <= b.2 && b.0 <= a.2 && a.1 <= b.3 && b.1 <= a.3
}

/// Whether a line touches a box: the method of Liang and Barsky (1984), which cuts it to the box.
pub(super) fn meets([from, to]: Segment, area: Area) -> bool {
    let (across, down) = (to.0 - from.0, to.1 - from.1);
    let (mut first, mut last) = (0.0_f64, 1.0_f64);
    for (step, room) in [
        (-across, from.0 - area.0),
        (across, area.2 - from.0),
        (-down, from.1 - area.1),
        (down, area.3 - from.1),
    ] {
        if step == 0.0 {
            if room < 0.0 {
                return false;
            }
        } else if step < 0.0 {
            first = first.max(room / step);
        } else {
            last = last.min(room / step);
        }
    }
    first <= last
}

/// Whether two lines cross: the ends of each lie on different sides of the other.
pub(super) fn cross(one: Segment, other: Segment) -> bool {
    let side = |[a, b]: Segment, p: (f64, f64)| (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0);
    side(one, other[0]) * side(one, other[1]) <= 0.0 && side(other, one[0]) * side(other, one[1]) <= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_meets_the_boxes_it_runs_through() {
        let area = (10.0, 10.0, 20.0, 20.0);
        for (line, met) in [
            ([(0.0, 15.0), (30.0, 15.0)], true),
            ([(0.0, 0.0), (30.0, 30.0)], true),
            ([(12.0, 12.0), (14.0, 13.0)], true),
            ([(0.0, 15.0), (9.0, 15.0)], false),
            ([(0.0, 25.0), (25.0, 0.0)], true),
            ([(0.0, 18.0), (18.0, 0.0)], false),
            ([(5.0, 0.0), (5.0, 30.0)], false),
        ] {
            assert_eq!(meets(line, area), met, "{line:?}");
        }
        assert!(cross([(0.0, 0.0), (10.0, 10.0)], [(0.0, 10.0), (10.0, 0.0)]));
        assert!(!cross([(0.0, 0.0), (4.0, 4.0)], [(0.0, 10.0), (10.0, 0.0)]));
    }

    /// In many crowded drawings: no label on a marker, a line, a label or a leader, and no leader through another.
    #[test]
    fn nothing_lies_on_anything_else() {
        let mut state = 7_u64;
        let mut random = |below: f64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1 << 24) * below
        };
        let (mut labels_placed, mut leaders) = (0, 0);
        for round in 0..200 {
            // Ever closer together.
            let span = 60.0 + f64::from(round % 10) * 60.0;
            let points: Vec<((f64, f64), f64)> =
                (0..14).map(|_| ((60.0 + random(span), 30.0 + random(340.0)), 5.0 + random(9.0))).collect();
            let around = |&((x, y), r): &((f64, f64), f64)| (x - r, y - r, x + r, y + r);
            let markers: Vec<Area> = points.iter().map(around).collect();
            let lines = vec![(60.0, 200.0, 300.0, 200.0)];
            let mut labels = Labels::new((50.0, 18.0, 720.0, 380.0), markers.clone(), lines.clone());
            let placed: Vec<(usize, Placed)> = (0..points.len())
                .filter_map(|at| {
                    let width = 40.0 + random(140.0);
                    Some((at, labels.place(points[at].0, points[at].1, width)?))
                })
                .collect();
            for (number, (at, one)) in placed.iter().enumerate() {
                assert!(!markers.iter().chain(&lines).any(|area| overlap(one.area, *area)));
                let others = || {
                    placed
                        .iter()
                        .enumerate()
                        .filter(|(other, _)| *other != number)
                        .map(|(_, (_, other))| other)
                };
                assert!(others().all(|other| !overlap(one.area, other.area)));
                if let Some(line) = one.leader {
                    leaders += 1;
                    assert!(others().all(|other| !meets(line, other.area)), "{line:?}");
                    assert!(others().filter_map(|other| other.leader).all(|other| !cross(line, other)));
                    let ((x, y), radius) = points[*at];
                    let from = (line[0].0 - x).hypot(line[0].1 - y);
                    assert!((from - radius).abs() < 1e-9, "it begins at the marker's edge");
                    // Both ends of a leader's label touch nothing but its own box.
                    assert!(meets(line, one.area));
                }
            }
            labels_placed += placed.len();
        }
        assert!(labels_placed > 1_500 && leaders > 100, "{labels_placed} labels, {leaders} with a leader");
    }
}
