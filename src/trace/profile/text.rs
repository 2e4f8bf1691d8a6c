//! The figures of a trace as text for a terminal.

use std::fmt::Write;

use super::quantile::Spread;
use super::{Profile, Window, clock_text};

/// What `ttlab trace stat` prints.
pub fn render(profile: &Profile) -> String {
    let mut page = Page::default();
    input(&mut page, profile);
    time(&mut page, profile);
    operations(&mut page, profile);
    objects(&mut page, profile);
    rates(&mut page, profile);
    updates(&mut page, profile);
    previews(&mut page, profile);
    classes(&mut page, profile);
    page.title("Fit for purpose");
    for sentence in profile.fit.iter().chain(&profile.input.notes) {
        page.line(format!("- {sentence}"));
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn title(&mut self, title: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.text, "{gap}{title}");
    }

    fn row(&mut self, name: &str, value: impl AsRef<str>) {
        let _ = writeln!(self.text, "  {name:<24}{}", value.as_ref());
    }

    fn line(&mut self, line: impl AsRef<str>) {
        let _ = writeln!(self.text, "  {}", line.as_ref());
    }
}

fn input(page: &mut Page, profile: &Profile) {
    let input = &profile.input;
    page.title("Input");
    page.row("file", format!("{} ({} bytes, {})", input.file, thousands(input.bytes), input.compression));
    page.row("sha256", &input.sha256);
    let guessed = if input.format_was_guessed { " (guessed from the content)" } else { "" };
    page.row("format", format!("{}{guessed}", input.format));
    page.row("lines", thousands(input.lines));
    page.row(
        "requests kept",
        format!("{} ({} of the lines)", thousands(input.kept), percent_of(input.kept, input.lines)),
    );
    page.row("bad lines", format!("{} ({})", thousands(input.bad), percent_of(input.bad, input.lines)));
    if input.lines_with_extra_fields > 0 {
        page.row("lines with more fields", thousands(input.lines_with_extra_fields));
    }
    for (reason, skipped) in &input.skipped {
        let kind = if skipped.is_bad { "bad" } else { "dropped" };
        let count = thousands(skipped.count);
        let line = thousands(skipped.first_line);
        page.line(format!("{kind} {count}: {reason} (first in line {line}: \"{}\")", skipped.example));
    }
}

fn time(page: &mut Page, profile: &Profile) {
    let (time, input) = (&profile.time, &profile.input);
    page.title("Time");
    page.row("first", clock_text(time.first_unix_ns, 0));
    page.row("last", clock_text(time.last_unix_ns, 0));
    page.row("span", duration(time.span_s));
    page.row("resolution", duration(input.resolution_ns as f64 / 1e9));
    page.row("spread", &input.spread);
    for (offset, lines) in &input.offsets {
        page.row("offset from UTC", format!("{offset} on {} lines", thousands(*lines)));
    }
    let lateness = duration(input.max_lateness_ns as f64 / 1e9);
    page.row("backward steps", format!("{}, at most {lateness} late", thousands(input.backward_steps)));
    for gap in time.longest_gaps.iter().take(3) {
        page.row("silence", format!("{} from {}", duration(gap.seconds), clock_text(gap.from_unix_ns, 0)));
    }
    page.row(
        "silences above 1 h",
        format!("{} (and above 10 times the mean gap)", thousands(time.long_gaps)),
    );
    page.row("days with requests", format!("{} of {}", time.days_present, time.days_covered));
}

fn operations(page: &mut Page, profile: &Profile) {
    let input = &profile.input;
    if input.operations.iter().all(|o| o.method.is_none() && o.status.is_none()) {
        return;
    }
    page.title("Operations (lines and their share of all; of which with an extension that is kept)");
    for operation in &input.operations {
        let method = operation.method.as_deref().unwrap_or("");
        let status = operation.status.map(|status| status.to_string()).unwrap_or_default();
        let name = format!("{method} {status}");
        let lines = thousands(operation.lines);
        let share = percent_of(operation.lines, input.lines);
        page.row(name.trim(), format!("{lines:>12} {share:>9} {:>12}", thousands(operation.kept_extension)));
    }
    let extensions: Vec<String> =
        input.extensions.iter().map(|(name, lines)| format!("{name} {}", thousands(*lines))).collect();
    if !extensions.is_empty() {
        page.row("extensions", extensions.join(", "));
    }
}

fn objects(page: &mut Page, profile: &Profile) {
    let (objects, sizes) = (&profile.objects, &profile.sizes);
    page.title("Objects");
    page.row("requests", thousands(objects.requests));
    page.row("objects", thousands(objects.objects));
    page.row("best hit ratio", format!("{} (the cache begins empty)", percent(objects.best_hit_ratio)));
    page.row(
        "compulsory misses",
        format!("{} of the requests are the first for their object", percent(objects.compulsory_miss_ratio)),
    );
    page.row(
        "asked for once",
        format!(
            "{} ({} of the objects, {} of the requests)",
            thousands(objects.one_hit_objects),
            percent(objects.one_hit_share_of_objects),
            percent(objects.one_hit_share_of_requests)
        ),
    );
    page.row(
        "top 1, top 10",
        format!("{}, {} of the requests", percent(objects.top_1), percent(objects.top_10)),
    );
    page.row(
        "top 1 %, top 10 %",
        format!("{}, {} of the requests", percent(objects.top_1_percent), percent(objects.top_10_percent)),
    );
    match &profile.popularity {
        Some(popularity) => page.row(
            "Zipf exponent",
            format!(
                "{:.2} by maximum likelihood, {} by least squares over objects with 2 or more requests",
                popularity.alpha_mle,
                number(popularity.alpha_least_squares)
            ),
        ),
        None => page.row("Zipf exponent", "— (fewer than 20 objects)"),
    }
    page.title("Sizes in bytes");
    page.row("", "         p10          p50         mean          p90          p99          max");
    page.row("per object", columns(&sizes.per_object));
    page.row("per request", columns(&sizes.per_request));
    page.row("all objects", format!("{} bytes", thousands(sizes.unique_bytes)));
    page.row("all requests", format!("{} bytes", thousands(sizes.requested_bytes)));
    page.row("several sizes", format!("{} objects", thousands(sizes.objects_with_several_sizes)));
    page.row(
        "assumed sizes",
        format!(
            "{} objects, {} of the requests",
            thousands(sizes.imputed_objects),
            percent(sizes.imputed_share_of_requests)
        ),
    );
}

fn columns(spread: &Spread) -> String {
    let values = [spread.p10, spread.p50, spread.mean, spread.p90, spread.p99, spread.max];
    values.map(|value| format!("{:>12}", whole(value))).join(" ")
}

fn rates(page: &mut Page, profile: &Profile) {
    let rates = &profile.rates;
    page.title("Rates");
    for (name, window) in
        [("per second", &rates.per_second), ("per minute", &rates.per_minute), ("per hour", &rates.per_hour)]
    {
        page.row(name, window_text(window));
    }
    match &rates.daily {
        Some(daily) => {
            let ratio = number(daily.peak_to_trough);
            page.row("over the day", format!("amplitude {:.2}, peak to trough {ratio}", daily.amplitude));
        }
        None => page.row("over the day", "— (the trace covers less than a day)"),
    }
    let (reuse, gaps) = (&profile.reuse, &profile.reuse.gaps_s);
    let between = &rates.gaps_s;
    page.row("between requests", format!("p50 {}, p99 {}", span(between.p50), span(between.p99)));
    page.title("Reuse");
    let percentiles = [gaps.p10, gaps.p25, gaps.p50, gaps.p75, gaps.p90, gaps.p99].map(span);
    page.row("p10 p25 p50 p75 p90 p99", percentiles.join("  "));
    page.row("gaps of zero", percent(reuse.zero_share));
    page.row(
        "same object and second",
        format!("{} times, at most {} requests", thousands(reuse.shared_seconds), reuse.most_in_a_second),
    );
}

fn updates(page: &mut Page, profile: &Profile) {
    let updates = &profile.updates;
    page.title("Changes and TTLs");
    page.row(
        "writes, deletions",
        format!(
            "{}, {} ({} per hour, {} per request)",
            thousands(updates.writes),
            thousands(updates.deletions),
            number(updates.updates_per_hour),
            number(updates.updates_per_request)
        ),
    );
    page.row(
        "last modifications",
        format!(
            "{} that are later than the last one known ({} of the requests)",
            thousands(updates.modifications),
            percent(updates.modifications_per_request)
        ),
    );
    page.row(
        "sizes that differ",
        format!(
            "{} responses ({} of the requests), of {} objects",
            thousands(updates.size_changes),
            percent(updates.size_changes_per_request),
            thousands(updates.objects_with_several_sizes)
        ),
    );
    let Some(ttls) = &profile.ttls else {
        page.row("recorded TTLs", "—");
        return;
    };
    page.row(
        "recorded TTLs",
        format!(
            "in {} records, of {} objects; {} of the requests come without one",
            thousands(ttls.records),
            thousands(ttls.objects),
            percent(ttls.share_of_requests_without)
        ),
    );
    for common in &ttls.common {
        page.row(
            &format!("  {}", common.ttl),
            format!("{} {}", thousands(common.records), percent(common.share)),
        );
    }
}

fn span(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "—".to_owned(), duration)
}

fn window_text(window: &Window) -> String {
    format!(
        "mean {}, peak {} (x{}), variance/mean {}, {} of them with requests",
        number(window.mean),
        thousands(window.peak),
        number(window.peak_to_mean),
        number(window.dispersion),
        thousands(window.busy)
    )
}

fn previews(page: &mut Page, profile: &Profile) {
    page.title("TTL preview (unlimited capacity, no latency; in brackets: if requests were Poisson, and the rest is burstiness)");
    for preview in &profile.ttl_preview {
        page.row(
            &preview.ttl.to_string(),
            format!(
                "fixed {} ({})   sliding {} ({})",
                percent(preview.fixed),
                percent(preview.fixed_if_poisson),
                percent(preview.sliding),
                percent(preview.sliding_if_poisson)
            ),
        );
    }
    page.title("Stampede preview (requests that one expiry meets if the origin takes 100 ms, 1 s)");
    for hot in &profile.stampede_preview {
        page.line(format!("{:>8.2} {:>8.2}   {}", hot.crowd_at_100ms, hot.crowd_at_1s, hot.key));
    }
}

fn classes(page: &mut Page, profile: &Profile) {
    page.title("Classes");
    for class in &profile.classes {
        page.row(
            &class.name,
            format!(
                "{} objects, {} requests ({}), {} bytes, median {} bytes, best hit ratio {}",
                thousands(class.objects),
                thousands(class.requests),
                percent(class.share_of_requests),
                thousands(class.bytes),
                whole(class.sizes.p50),
                percent(class.best_hit_ratio)
            ),
        );
    }
}

/// A whole number with commas between thousands.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "—".to_owned(), |share| format!("{:.2} %", share * 100.0))
}

fn percent_of(part: u64, whole: u64) -> String {
    percent(super::share(part, whole))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "—".to_owned(), |value| format!("{value:.2}"))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes are not negative")]
fn whole(value: Option<f64>) -> String {
    value.map_or_else(|| "—".to_owned(), |value| thousands(value.round() as u64))
}

/// A span of time in the largest unit that keeps it above 2.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 172_800.0 => format!("{:.1} d", s / 86_400.0),
        s if s >= 7_200.0 => format!("{:.1} h", s / 3_600.0),
        s if s >= 120.0 => format!("{:.1} min", s / 60.0),
        s if s >= 1.0 || s <= 0.0 => format!("{s:.0} s"),
        s if s >= 1e-3 => format!("{:.0} ms", s * 1e3),
        s if s >= 1e-6 => format!("{:.0} us", s * 1e6),
        s => format!("{:.0} ns", s * 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_people() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!((thousands(0), thousands(999)), ("0".to_owned(), "999".to_owned()));
        assert_eq!(percent(None), "—");
        assert_eq!(
            (duration(53_520.0), duration(1.0), duration(0.001)),
            ("14.9 h".into(), "1 s".into(), "1 ms".into())
        );
    }
}
