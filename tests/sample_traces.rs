//! The two sample logs beside the project: every figure that was computed on them by other means.
//!
//! They are no part of the project; without them the tests say so and pass, except on the machines
//! that check each change, where they must be there.

#[path = "support/sample.rs"]
mod sample;

use std::path::Path;

use ttlab::random::Seed;
use ttlab::trace::import::{Import, Options, open};
use ttlab::trace::profile::{Profile, Window, render};
use ttlab::trace::shape::spread::Spread;

fn read(path: &Path, options: &Options) -> Import {
    open(path, options, Seed::new(1)).expect("the sample traces can be read")
}

fn sample(name: &str) -> Option<(Import, Profile)> {
    let path = sample::sample(name)?;
    let options = Options { spread: Spread::None, ..Options::default() };
    let import = read(&path, &options);
    let profile = Profile::of(&import);
    Some((import, profile))
}

/// Equal after rounding to as many decimals as the figure is given with.
#[track_caller]
fn about(value: impl Into<Option<f64>>, figure: f64, decimals: i32) {
    let value = value.into().expect("there is a figure");
    let scale = 10_f64.powi(decimals);
    assert!(((value * scale).round() / scale - figure).abs() < 1e-9, "{value} is not {figure}");
}

fn lines(profile: &Profile, method: &str, status: Option<u16>) -> (u64, u64) {
    let of_kind = profile.input.operations.iter().filter(|operation| {
        operation.method.as_deref() == Some(method) && (status.is_none() || operation.status == status)
    });
    of_kind.fold((0, 0), |sum, o| (sum.0 + o.lines, sum.1 + o.kept_extension))
}

fn by_status(profile: &Profile, status: u16) -> u64 {
    profile.input.operations.iter().filter(|o| o.status == Some(status)).map(|o| o.lines).sum()
}

fn extensions(profile: &Profile) -> Vec<(&str, u64)> {
    profile.input.extensions.iter().map(|(name, lines)| (name.as_str(), *lines)).collect()
}

fn offsets(profile: &Profile) -> Vec<(&str, u64)> {
    profile.input.offsets.iter().map(|(offset, lines)| (offset.as_str(), *lines)).collect()
}

#[track_caller]
fn peak(window: &Window, count: u64, to_mean: f64) {
    assert_eq!(window.peak, count);
    about(window.peak_to_mean, to_mean, i32::from(to_mean < 100.0));
}

#[test]
fn a_busy_site_for_a_day() {
    let Some((import, profile)) = sample("nasa-1995-08-01.clf.xz") else { return };
    let input = &profile.input;
    assert_eq!((input.format.as_str(), input.compression.as_str()), ("clf", "xz"));
    assert!(input.format_was_guessed);
    assert_eq!((input.lines, input.bad, input.backward_steps), (33_996, 0, 0));
    assert_eq!(offsets(&profile), [("-0400", 33_996)]);
    assert_eq!(["GET", "HEAD", "POST"].map(|m| lines(&profile, m, None).0), [33_899, 95, 2]);
    assert_eq!([200, 304, 302, 404, 403].map(|s| by_status(&profile, s)), [30_745, 2_608, 399, 243, 1]);
    assert_eq!([200, 304, 404].map(|s| lines(&profile, "GET", Some(s)).1), [19_563, 2_005, 129]);
    assert_eq!(lines(&profile, "HEAD", None).1, 64);
    assert_eq!(
        extensions(&profile),
        [("GIF", 111), ("JPG", 16), ("gif", 20_850), ("jpeg", 19), ("jpg", 765)]
    );
    // The first image is asked for seven seconds after the log begins (at 00:00:01 -0400).
    assert_eq!(profile.time.first_unix_ns, 807_249_608_000_000_000);
    let objects = &profile.objects;
    assert_eq!((objects.requests, objects.objects, objects.one_hit_objects), (21_568, 799, 272));
    about(objects.best_hit_ratio, 0.9630, 4);
    about(objects.one_hit_share_of_objects, 0.340, 3);
    about(objects.top_1, 0.105, 3);
    about(objects.top_10, 0.614, 3);
    assert_eq!(profile.stampede_preview[0].key, "/images/NASA-logosmall.gif");
    let popularity = profile.popularity.unwrap();
    about(popularity.alpha_mle, 1.18, 2);
    about(popularity.alpha_least_squares, 1.32, 2);
    let sizes = &profile.sizes;
    assert_eq!((sizes.known_objects, sizes.known_bytes), (796, 63_599_161));
    assert_eq!((sizes.objects_with_several_sizes, sizes.imputed_objects, input.imputed_requests), (93, 3, 6));
    about(sizes.per_object.p50, 40_446.0, 0);
    about(sizes.per_object.mean, 79_898.0, 0);
    about(sizes.per_object.p99, 461_694.8, 1);
    about(sizes.per_object.max, 590_345.0, 0);
    let rates = &profile.rates;
    about(rates.per_hour.mean, 1_451.0, 0);
    peak(&rates.per_hour, 2_906, 2.0);
    peak(&rates.per_minute, 107, 4.4);
    assert_eq!((rates.per_second.peak, rates.per_second.busy), (15, 13_666));
    about(rates.per_second.dispersion, 1.8, 1);
    about(rates.per_minute.dispersion, 12.6, 1);
    about(rates.per_hour.dispersion, 473.0, 0);
    assert_eq!(rates.daily, None);
    assert_eq!((profile.reuse.shared_seconds, profile.reuse.most_in_a_second), (280, 3));
    about(profile.reuse.gaps_s.p10, 4.0, 0);
    about(profile.reuse.gaps_s.p50, 39.0, 0);
    about(profile.reuse.gaps_s.p90, 1_663.0, 0);
    about(profile.time.longest_gaps[0].seconds / 60.0, 6.7, 1);
    assert_eq!(import.trace.len(), 21_568);
}

#[test]
fn a_quiet_site_for_five_weeks_and_a_change_of_time() {
    let Some((_, profile)) = sample("airisdata-2016-images.combined.xz") else { return };
    let input = &profile.input;
    assert_eq!((input.format.as_str(), input.compression.as_str()), ("combined", "xz"));
    assert_eq!((input.lines, input.bad, input.backward_steps), (10_639, 0, 89));
    assert_eq!(input.max_lateness_ns, 1_000_000_000);
    assert_eq!(offsets(&profile), [("-0400", 4_411), ("-0500", 6_228)]);
    assert_eq!(["GET", "HEAD"].map(|m| lines(&profile, m, None)), [(10_281, 10_281), (358, 358)]);
    let statuses = [200, 404, 500, 301, 206, 304, 403];
    assert_eq!(statuses.map(|s| by_status(&profile, s)), [8_389, 1_976, 254, 12, 6, 1, 1]);
    assert_eq!(statuses.map(|s| lines(&profile, "GET", Some(s)).1), [8_036, 1_973, 254, 10, 6, 1, 1]);
    assert_eq!(
        extensions(&profile),
        [("gif", 797), ("jpeg", 158), ("jpg", 6_188), ("png", 3_474), ("svg", 22)]
    );
    let objects = &profile.objects;
    assert_eq!((objects.requests, objects.objects, objects.one_hit_objects), (8_043, 421, 158));
    about(objects.best_hit_ratio, 0.9477, 4);
    about(objects.one_hit_share_of_objects, 0.375, 3);
    about(objects.top_1, 0.089, 3);
    about(objects.top_10, 0.378, 3);
    let popularity = profile.popularity.unwrap();
    about(popularity.alpha_mle, 0.94, 2);
    about(popularity.alpha_least_squares, 1.21, 2);
    let sizes = &profile.sizes;
    assert_eq!((sizes.known_objects, sizes.known_bytes), (421, 111_481_676));
    assert_eq!((sizes.objects_with_several_sizes, sizes.imputed_objects), (1, 0));
    about(sizes.per_object.p50, 21_700.0, 0);
    about(sizes.per_object.mean, 264_802.0, 0);
    about(sizes.per_object.p99, 4_545_671.6, 1);
    about(sizes.per_object.max, 15_379_053.0, 0);
    let rates = &profile.rates;
    about(rates.per_hour.mean, 8.9, 1);
    peak(&rates.per_hour, 220, 24.7);
    peak(&rates.per_minute, 84, 565.0);
    assert_eq!((rates.per_second.peak, rates.per_second.busy), (46, 3_162));
    about(rates.per_second.dispersion, 9.3, 1);
    about(rates.per_minute.dispersion, 23.6, 1);
    about(rates.per_hour.dispersion, 33.0, 0);
    assert!(rates.daily.is_some());
    assert_eq!((profile.reuse.shared_seconds, profile.reuse.most_in_a_second), (30, 4));
    about(profile.reuse.gaps_s.p10, 1_150.0, 0);
    about(profile.reuse.gaps_s.p50, 17_980.0, 0);
    about(profile.reuse.gaps_s.p90, 178_081.0, 0);
    let hours: Vec<f64> = profile.time.longest_gaps.iter().map(|gap| gap.seconds / 3_600.0).collect();
    about(hours[0], 48.7, 1);
    about(hours[1], 24.6, 1);
    about(hours[2], 24.3, 1);
    assert_eq!((profile.time.days_present, profile.time.days_covered), (34, 38));
}

#[test]
fn spreading_moves_no_figure_but_those_that_rest_on_it() {
    let Some((plain, profile)) = sample("nasa-1995-08-01.clf.xz") else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/traces/nasa-1995-08-01.clf.xz");
    let spread = read(&path, &Options::default());
    let again = Profile::of(&spread);
    assert_ne!(spread.trace, plain.trace);
    assert_eq!((again.rates, again.reuse, again.sizes), (profile.rates, profile.reuse, profile.sizes));
    let text = render(&Profile::of(&spread));
    for part in [
        "21,568",
        "times are whole seconds",
        "guessed from the content",
        "Stampede preview",
        "-0400 on 33,996",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}
