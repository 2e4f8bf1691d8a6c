//! What a made trace promises, against the formulas of its laws.

use std::collections::BTreeMap;

use super::fit::{Bins, fits};
use super::generator::sources;
use super::*;
use crate::catalog::Catalog;
use crate::trace::{Happening, Request};

fn made<T: ?Sized>(catalog: &'static Catalog<T, Setup>, name: &'static str) -> Box<T> {
    catalog.default_choice(name).make(&Setup::default()).unwrap()
}

fn class(name: &str, objects: u32, share: f64) -> Class {
    let popularity = made(&popularity::POPULARITIES, "zipf");
    Class::steady(name, objects, share, popularity, made(&size::SIZES, "lognormal"))
}

fn workload(classes: Vec<Class>) -> Workload {
    Workload {
        duration: SimDuration::from_secs(300),
        rate: Rate::per_second(1_000.0),
        arrivals: made(&arrival::ARRIVALS, "poisson"),
        classes,
        pages: None,
        repeats: None,
        events: Vec::new(),
    }
}

/// The objects of each class by rank.
fn ranked(site: &Workload, seed: Seed) -> Vec<Vec<ObjectId>> {
    let seed = seed.of("workload");
    let mut catalogue = Catalogue::new(&site.classes, seed.of("size"));
    let sources = sources(site, &mut catalogue, seed);
    let of = |(source, class): (&source::Source, &Class)| {
        (0..class.objects).map(|rank| source.ranked(rank)).collect()
    };
    sources.iter().zip(&site.classes).map(of).collect()
}

fn three() -> Vec<Class> {
    vec![class("thumbnail", 6_000, 0.6), class("avatar", 900, 0.3), class("banner", 100, 0.1)]
}

#[test]
fn each_class_has_its_share_of_requests_and_its_objects() {
    let trace = generate(&workload(three()), Seed::new(1));
    let mut requests = [0; 3];
    for request in trace.requests() {
        requests[trace.objects().class(request.object).index()] += 1;
    }
    fits(&requests, &[0.6, 0.3, 0.1]);
    assert_eq!(trace.objects().classes(), ["thumbnail", "avatar", "banner"]);
    let mut objects = [0; 3];
    for fact in trace.objects().facts() {
        objects[fact.class.index()] += 1;
    }
    assert_eq!(objects, [6_000, 900, 100]);
    assert_eq!(trace.objects().key(ObjectId::new(6_899)), "avatar/6899");
    assert_eq!(trace.span(), SimDuration::from_secs(300));
}

#[test]
fn the_objects_of_a_class_follow_its_popularity() {
    // By the sampler's own ranks: sorting the counts would bias them towards a steeper law.
    let (site, seed) = (workload(vec![class("photo", 5_000, 1.0)]), Seed::new(2));
    let trace = generate(&site, seed);
    let mut rank = vec![0; 5_000];
    for (place, object) in ranked(&site, seed)[0].iter().enumerate() {
        rank[object.index()] = place;
    }
    let bins = Bins::ranks(5_000);
    let mut counts = vec![0; bins.len()];
    for request in trace.requests() {
        counts[bins.of(rank[request.object.index()])] += 1;
    }
    let weights: Vec<f64> = (1..=5_000_u32).map(|rank| f64::from(rank).powf(-0.9)).collect();
    fits(&counts, &bins.shares(&weights));
}

#[test]
fn a_rank_says_nothing_about_the_number_or_the_size_of_its_object() {
    let n = 50_000_u32;
    let (site, seed) = (workload(vec![class("photo", n, 1.0)]), Seed::new(3));
    let by_rank = &ranked(&site, seed)[0];
    let generator = Generator::new(&site, seed);
    let size = |object: ObjectId| f64::from(generator.facts()[object.index()].size);
    let mut sorted = by_rank.clone();
    sorted.sort_unstable();
    assert!(sorted.iter().zip(0..).all(|(object, id)| object.as_u32() == id), "every object has one rank");
    let correlation = |value: &dyn Fn(ObjectId) -> f64| {
        let values: Vec<f64> = by_rank.iter().map(|object| value(*object)).collect();
        let count = f64::from(n);
        let mean = values.iter().sum::<f64>() / count;
        let middle = (count - 1.0) / 2.0;
        let (mut both, mut ranks, mut spread) = (0.0, 0.0, 0.0);
        for (rank, value) in (0..n).zip(&values) {
            let (r, v) = (f64::from(rank) - middle, value - mean);
            (both, ranks, spread) = (both + r * v, ranks + r * r, spread + v * v);
        }
        both / (ranks * spread).sqrt()
    };
    // A correlation of independent columns has a standard deviation of 1 / sqrt(n).
    let limit = 4.0 / f64::from(n).sqrt();
    assert!(correlation(&|object| f64::from(object.as_u32())).abs() < limit);
    assert!(correlation(&|object| size(object).ln()).abs() < limit);
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let once = generate(&workload(three()), Seed::new(1));
    assert_eq!(once, generate(&workload(three()), Seed::new(1)));
    let other = generate(&workload(three()), Seed::new(2));
    assert_ne!(once.times(), other.times());
    assert_ne!(once.objects(), other.objects());
}

#[test]
fn a_class_that_is_added_leaves_the_sizes_and_ranks_of_the_others() {
    let (few, seed) = (workload(three()), Seed::new(1));
    let mut more = workload(three());
    more.classes.push(class("icon", 10, 0.0));
    assert_eq!(Generator::new(&few, seed).facts(), &Generator::new(&more, seed).facts()[..7_000]);
    assert_eq!(ranked(&few, seed)[1], ranked(&more, seed)[1]);
    // A class that nobody asks for changes no request either.
    let with_it = generate(&more, seed);
    assert_eq!(generate(&few, seed).times(), with_it.times());
    assert!(with_it.object_ids().iter().all(|object| object.index() < 7_000));
}

#[test]
fn a_trace_of_no_time_is_empty_and_one_object_is_enough() {
    let mut empty = workload(vec![class("photo", 1, 1.0)]);
    empty.duration = SimDuration::ZERO;
    assert!(generate(&empty, Seed::new(1)).is_empty());
    let one = generate(&workload(vec![class("photo", 1, 1.0)]), Seed::new(1));
    assert!(one.len() > 290_000 && one.object_ids().iter().all(|object| object.index() == 0));
}

#[test]
fn the_values_of_a_trace_have_not_changed() {
    // An upgrade that changes these changes every synthetic result, and must be announced.
    let trace = generate(&workload(three()), Seed::new(42));
    let ids: Vec<u32> = trace.object_ids()[..6].iter().map(|object| object.as_u32()).collect();
    assert_eq!(trace.len(), 299_920);
    assert_eq!(ids, [4_944, 6_982, 4_013, 2_581, 1_584, 6_741]);
}

#[test]
fn many_draws_at_once_are_as_many_draws_one_by_one() {
    let mut classes = three();
    let rendition = |share, scale| Rendition { share, scale };
    classes[0].renditions = vec![rendition(0.7, 1.0), rendition(0.3, 0.2)];
    classes[0].one_hit = 0.3;
    let young = SimDuration::from_secs(60);
    let churn = Churn { new_per_day: 20.0, retire: Retire::Oldest, decay: 0.7, young };
    (classes[1].churn, classes[1].one_hit) = (Some(churn), 0.1);
    classes[2].churn = Some(Churn { decay: 0.0, retire: Retire::None, ..churn });
    // More objects than a table of popularity has, and one whose draws have no exception.
    classes.extend([class("many", 200_001, 0.0), class("few", 10, 0.0)]);
    let site = workload(classes);
    let begin = || {
        let mut catalogue = Catalogue::new(&site.classes, Seed::new(1));
        let sources = sources(&site, &mut catalogue, Seed::new(1));
        (catalogue, sources)
    };
    let ((mut catalogue, singly), (mut same, at_once)) = (begin(), begin());
    let times: Vec<SimTime> = (0..6_000).map(|nth| SimTime::from_nanos(nth * 50_000_000)).collect();
    let mut drawn = source::Drawn::default();
    for (mut singly, mut at_once) in singly.into_iter().zip(at_once) {
        for part in times.chunks(777) {
            drawn.clear();
            drawn.times.extend_from_slice(part);
            at_once.draw_many(&mut drawn);
            let want: Vec<ObjectId> = part.iter().map(|at| singly.draw(*at, &mut catalogue).0).collect();
            let class = at_once.class();
            let have: Vec<ObjectId> = part.iter().map(|_| drawn.take(class, &mut same)).collect();
            assert_eq!(have, want, "class {class}");
        }
    }
    assert_eq!(same.facts(), catalogue.facts());
}

/// Requests by object.
fn counts(trace: &Trace) -> Vec<u32> {
    let mut counts = vec![0; trace.objects().len()];
    trace.object_ids().iter().for_each(|object| counts[object.index()] += 1);
    counts
}

#[test]
fn one_hit_objects_have_their_share_and_are_asked_for_once() {
    let mut site = workload(vec![Class { one_hit: 0.25, ..class("photo", 1_000, 1.0) }]);
    site.rate = Rate::per_second(200.0);
    let trace = generate(&site, Seed::new(1));
    let new = trace.objects().len() - 1_000;
    assert!(counts(&trace)[1_000..].iter().all(|count| *count == 1));
    let n = trace.len() as f64;
    // 4 standard deviations of a binomial count.
    assert!((new as f64 - 0.25 * n).abs() < 4.0 * (0.1875 * n).sqrt(), "{new} of {n}");
    assert!(!site.is_independent());
    let expected = site.expected_objects() as f64;
    assert!((trace.objects().len() as f64 - expected).abs() < 5.0 * expected.sqrt(), "{expected}");
}

fn item(text: &'static str) -> crate::catalog::Item<'static> {
    toml::de::DeValue::parse(text).unwrap()
}

#[test]
fn renditions_have_their_shares_and_the_sizes_of_their_original() {
    let renditions = vec![Rendition { share: 0.7, scale: 0.1 }, Rendition { share: 0.3, scale: 1.0 }];
    let trace = generate(&workload(vec![Class { renditions, ..class("photo", 2_000, 1.0) }]), Seed::new(1));
    let facts = trace.objects().facts();
    assert_eq!(facts.len(), 4_000);
    for family in facts.chunks(2) {
        let expected = f64::from(family[1].size) * 0.1;
        assert!((f64::from(family[0].size) - expected).abs() <= 0.5, "{family:?}");
    }
    let families = trace.objects().families().unwrap();
    assert!((0..4_000_u32).all(|object| families[object as usize].original.as_u32() == object / 2 * 2));
    assert!(
        (0..4_000_u32).all(|object| u32::from(families[object as usize].rank) == object % 2),
        "0.7 first"
    );
    let small = trace.object_ids().iter().filter(|object| object.as_u32() % 2 == 0).count() as u64;
    fits(&[small, trace.len() as u64 - small], &[0.7, 0.3]);
    // The original, not the rendition, has the popularity.
    let (by_rank, counts) = (
        &ranked(
            &workload(vec![Class {
                renditions: vec![Rendition { share: 0.7, scale: 0.1 }, Rendition { share: 0.3, scale: 1.0 }],
                ..class("photo", 2_000, 1.0)
            }]),
            Seed::new(1),
        )[0],
        counts(&trace),
    );
    let bins = Bins::ranks(2_000);
    let mut binned = vec![0; bins.len()];
    for (rank, object) in by_rank.iter().enumerate() {
        binned[bins.of(rank)] += u64::from(counts[object.index()] + counts[object.index() + 1]);
    }
    let weights: Vec<f64> = (1..=2_000_u32).map(|rank| f64::from(rank).powf(-0.9)).collect();
    fits(&binned, &bins.shares(&weights));
}

#[test]
fn a_page_asks_for_its_images_at_once_and_the_rate_stays() {
    let mut site = workload(three());
    site.pages = Some(Pages { images: 6.0, varies: true, within: SimDuration::from_millis(1) });
    let trace = generate(&site, Seed::new(4));
    // 50,000 pages of 6 images; the variance of a geometric sum is mean pages * E[k^2] = 50,000 * 66.
    assert!((trace.len() as f64 - 300_000.0).abs() < 4.0 * (50_000.0_f64 * 66.0).sqrt(), "{}", trace.len());
    // Counts of 100 ms: variance over mean is E[k^2] / E[k] = 11 where a page is short beside a window.
    let mut windows = vec![0.0_f64; 3_000];
    trace.times().iter().for_each(|at| windows[at.bucket(SimDuration::from_millis(100))] += 1.0);
    let mean = windows.iter().sum::<f64>() / 3_000.0;
    let variance = windows.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 2_999.0;
    assert!((variance / mean - 11.0).abs() < 1.5, "{variance} of {mean}");
    site.pages = Some(Pages { images: 4.0, varies: false, within: SimDuration::ZERO });
    let trace = generate(&site, Seed::new(4));
    assert!(trace.times().chunk_by(|a, b| a == b).all(|page| page.len() % 4 == 0));
}

#[test]
fn repeats_bring_requests_for_one_object_together_and_leave_popularity_alone() {
    let near = |repeats: Option<Repeats>| {
        let mut site = workload(vec![class("photo", 5_000, 1.0)]);
        site.repeats = repeats;
        let trace = generate(&site, Seed::new(4));
        let ids = trace.object_ids();
        let close = (8..ids.len()).filter(|&i| ids[i - 8..i].contains(&ids[i])).count() as f64;
        (close / ids.len() as f64, trace)
    };
    let (alone, _) = near(None);
    let (repeated, trace) = near(Some(Repeats { share: 0.3, within: 1_000 }));
    // Of 0.3, the share that reaches no further back than 8: ln 9 / ln 1000.
    let expected = alone + 0.3 * 9.0_f64.ln() / 1_000.0_f64.ln() * (1.0 - alone);
    assert!((repeated - expected).abs() < 0.02, "{repeated} for {expected}, {alone} without");
    // Copies are no independent draws; the head's share has a larger error than a binomial one.
    let site = workload(vec![class("photo", 5_000, 1.0)]);
    let (first, counts) = (ranked(&site, Seed::new(4))[0][0], counts(&trace));
    let share = f64::from(counts[first.index()]) / trace.len() as f64;
    let law = 1.0 / (1..=5_000_u32).map(|rank| f64::from(rank).powf(-0.9)).sum::<f64>();
    assert!((share / law - 1.0).abs() < 0.05, "{share} for {law}");
}

#[test]
fn a_class_may_have_arrivals_of_its_own() {
    let mut classes = three();
    classes[2].arrivals = Some(made(&arrival::ARRIVALS, "deterministic"));
    let trace = generate(&workload(classes), Seed::new(1));
    let banner: Vec<u64> = trace
        .requests()
        .filter(|request| trace.objects().class(request.object).index() == 2)
        .map(|request| request.at.as_nanos())
        .collect();
    assert_eq!(banner.len(), 30_000);
    assert!(banner.iter().zip(0..).all(|(at, index)| *at == index * 10_000_000));
    let mut requests = [0; 3];
    trace.object_ids().iter().for_each(|object| requests[trace.objects().class(*object).index()] += 1);
    fits(&requests[..2], &[2.0 / 3.0, 1.0 / 3.0]);
}

fn with_event(classes: Vec<Class>, event: &'static str) -> Workload {
    let setup = Setup {
        classes: classes.iter().map(|class| class.name.clone()).collect(),
        duration: SimDuration::from_secs(300),
        ..Setup::default()
    };
    let event = event::EVENTS.choose(item(event)).unwrap().make(&setup).unwrap();
    Workload { events: vec![event], ..workload(classes) }
}

#[test]
fn a_crowd_adds_its_trapezoid_to_what_its_image_has_anyway() {
    let crowd =
        r#"{ event = "flash-crowd", at = "100s", rank = 3, factor = 21, ramp = "20s", lasts = "60s" }"#;
    let site = with_event(vec![class("photo", 5_000, 1.0)], crowd);
    let (trace, before) =
        (generate(&site, Seed::new(1)), generate(&workload(vec![class("photo", 5_000, 1.0)]), Seed::new(1)));
    let third = ranked(&site, Seed::new(1))[0][2];
    let usual =
        1_000.0 * 3.0_f64.powf(-0.9) / (1..=5_000_u32).map(|rank| f64::from(rank).powf(-0.9)).sum::<f64>();
    let (mut added, mut rest) = (vec![0_u64; 10], 0);
    for request in trace.requests().filter(|request| request.object == third) {
        match request.at.bucket(SimDuration::from_secs(10)) {
            decade @ 10..20 => added[decade - 10] += 1,
            _ => rest += 1,
        }
    }
    // In units of the usual rate: 20 at the height, rising and falling linearly, and 1 for the usual requests.
    let shape = [6.0, 16.0, 21.0, 21.0, 21.0, 21.0, 21.0, 21.0, 16.0, 6.0];
    let whole: f64 = shape.iter().sum();
    fits(&added, &shape.map(|part| part / whole));
    let expected = usual * 10.0 * whole;
    assert!(
        (added.iter().sum::<u64>() as f64 - expected).abs() < 4.5 * expected.sqrt(),
        "{added:?} {expected}"
    );
    assert!((f64::from(rest) - usual * 200.0).abs() < 4.5 * (usual * 200.0).sqrt());
    // Nobody else's requests have moved.
    let others = |trace: &Trace| trace.requests().filter(|r| r.object != third).collect::<Vec<_>>();
    assert_eq!(others(&trace), others(&before));
    assert!((site.expected_requests() as f64 - 300_000.0 - usual * 20.0 * 80.0).abs() < 1.0);
}

#[test]
fn a_crowd_for_new_images_asks_for_objects_that_nobody_else_asks_for() {
    let crowd = r#"{ event = "flash-crowd", at = "100s", on = "new", keys = 2, factor = 10, ramp = "0s", lasts = "60s" }"#;
    let trace = generate(&with_event(three(), crowd), Seed::new(1));
    assert_eq!(trace.objects().len(), 7_002);
    let new: Vec<_> = trace.requests().filter(|request| request.object.index() >= 7_000).collect();
    assert!(new.len() > 1_000);
    assert!(new.iter().all(|request| (100.0..161.0).contains(&request.at.as_secs_f64())));
}

#[test]
fn a_crawler_asks_for_everything_once_at_equal_gaps() {
    let crawl = r#"{ event = "crawler", at = "10s", rate = "100/s", order = "random" }"#;
    let site = with_event(three(), crawl);
    let (trace, before) = (generate(&site, Seed::new(1)), generate(&workload(three()), Seed::new(1)));
    assert_eq!(trace.len(), before.len() + 7_000);
    let more: Vec<u32> =
        counts(&trace).iter().zip(counts(&before)).map(|(with, without)| with - without).collect();
    assert!(more.iter().all(|count| *count == 1));
    // The robot's requests are marked, and without them the trace is what it is without a robot.
    let robots = trace.robots().expect("there are some");
    let place_and = |(place, request): (usize, Request)| (robots.contains(place), request);
    let (own, others): (Vec<_>, Vec<_>) =
        trace.requests().enumerate().map(place_and).partition(|(is_robot, _)| *is_robot);
    assert!(
        own.iter().zip(0..).all(|((_, own), nth)| own.at.as_nanos() == 10_000_000_000 + nth * 10_000_000)
    );
    assert_eq!((own.len(), robots.len(), before.robots()), (7_000, 7_000, None));
    assert!(others.into_iter().map(|(_, request)| request).eq(before.requests()));
    assert_eq!(site.expected_requests(), 307_000);
    let part = with_event(three(), r#"{ event = "crawler", at = "290s", rate = "10/s", class = "banner" }"#);
    assert_eq!(generate(&part, Seed::new(1)).len(), before.len() + 100);
}

#[test]
fn a_purge_deletes_what_was_asked_for_or_brings_new_objects() {
    let delete =
        with_event(three(), r#"{ event = "purge", at = "100s", class = "banner", mode = "delete" }"#);
    let (trace, before) = (generate(&delete, Seed::new(1)), generate(&workload(three()), Seed::new(1)));
    assert_eq!(trace.object_ids(), before.object_ids());
    assert_eq!(trace.events().len(), 100, "all banners have been asked for by then");
    let asked_before = trace.times().partition_point(|at| at.as_secs_f64() < 100.0);
    assert!(trace.events().iter().all(|event| event.before == asked_before && event.object.index() >= 6_900));
    let mark =
        with_event(three(), r#"{ event = "purge", at = "100s", class = "banner", mode = "mark-stale" }"#);
    let marked = generate(&mark, Seed::new(1));
    let as_marks = trace.events().iter().map(|event| Event { what: Happening::MarkedStale, ..*event });
    assert!(marked.events().iter().copied().eq(as_marks), "the same keys, marked");
    let version =
        with_event(three(), r#"{ event = "purge", at = "100s", class = "avatar", mode = "version" }"#);
    let trace = generate(&version, Seed::new(1));
    assert_eq!((trace.len(), trace.objects().len()), (before.len(), 7_900));
    for (request, old) in trace.requests().zip(before.requests()) {
        let moved = request.at.as_secs_f64() >= 100.0 && (6_000..6_900).contains(&old.object.index());
        let expected = if moved { old.object.as_u32() - 6_000 + 7_000 } else { old.object.as_u32() };
        assert_eq!(request.object.as_u32(), expected);
    }
}

#[test]
fn a_purge_by_prefix_takes_the_keys_that_begin_so() {
    let classes = || vec![class("img/thumb", 600, 0.6), class("img/full", 300, 0.3), class("icon", 100, 0.1)];
    let site = |event| with_event(classes(), event);
    let keys = |event| {
        let trace = generate(&site(event), Seed::new(1));
        let keys = trace.events().iter().map(|event| trace.objects().key(event.object));
        keys.collect::<std::collections::BTreeSet<_>>()
    };
    let all = keys(r#"{ event = "purge", at = "100s" }"#);
    assert!(all.len() > 990, "nearly all have been asked for: {}", all.len());
    let with = |prefix: &str| all.iter().filter(|key| key.starts_with(prefix)).cloned().collect();
    assert_eq!(keys(r#"{ event = "purge", at = "100s", prefix = "img/" }"#), with("img/"));
    assert_eq!(keys(r#"{ event = "purge", at = "100s", prefix = "i" }"#), all);
    let some = keys(r#"{ event = "purge", at = "100s", prefix = "img/full/7", mode = "mark-stale" }"#);
    // Of the objects 600 to 899.
    assert_eq!((some.len(), &some), (100, &with("img/full/7")));
    let version = |event| generate(&site(event), Seed::new(1)).requests().collect::<Vec<_>>();
    assert_eq!(
        version(r#"{ event = "purge", at = "100s", prefix = "img/full", mode = "version" }"#),
        version(r#"{ event = "purge", at = "100s", class = "img/full", mode = "version" }"#)
    );
}

/// When each object came that was not there from the start.
fn site_uploads(trace: &Trace) -> BTreeMap<ObjectId, SimTime> {
    trace.objects().uploads().iter().map(|(at, object)| (*object, *at)).collect()
}

#[test]
fn a_catalogue_with_churn_has_uploads_and_every_object_a_size() {
    let churn =
        Churn { new_per_day: 20.0, retire: Retire::Oldest, decay: 0.8, young: SimDuration::from_secs(60) };
    let renditions = vec![Rendition { share: 0.5, scale: 0.5 }, Rendition { share: 0.5, scale: 1.0 }];
    let site = workload(vec![Class { churn: Some(churn), renditions, ..class("photo", 10_000, 1.0) }]);
    let trace = generate(&site, Seed::new(1));
    // What is asked for and was not there from the start has been uploaded before.
    let uploads = site_uploads(&trace);
    assert!((600..=790).contains(&(uploads.len() / 2)), "{}", uploads.len());
    for request in trace.requests().filter(|request| request.object.index() >= 20_000) {
        let uploaded = uploads.get(&request.object).expect("it was uploaded");
        assert!(*uploaded <= request.at, "{request:?} before {uploaded:?}");
    }
    // 20 times 10,000 a day are 694 in five minutes, each with two renditions.
    let new = (trace.objects().len() - 20_000) / 2;
    assert!((new as f64 - 694.0).abs() < 4.0 * 694_f64.sqrt(), "{new}");
    assert!(counts(&trace)[20_000..].iter().sum::<u32>() > 0, "new ones are asked for");
    assert!(trace.objects().facts().iter().all(|fact| fact.size > 0));
    assert_eq!(trace, generate(&site, Seed::new(1)));
}
