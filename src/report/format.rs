//! How numbers are written for people: the one place where anything is rounded.
//!
//! At most three significant digits, natural units, thousands with a comma. What is not known, or
//! is not a finite number, is [`NONE`], never 0.

/// Stands for a value that is not known.
pub(crate) const NONE: &str = "—";

/// A whole number with commas: `10,800,000`.
pub(crate) fn count(value: u64) -> String {
    with_commas(&value.to_string())
}

/// `1 request`, `2,000 requests`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A share as a percentage: `92.1 %`. Shares close to 0 and 1 get a second decimal, so that 99.97 %
/// is not mistaken for all of it, and a difference of a few hundredths of a point can be seen.
pub(crate) fn percent(share: impl Into<Option<f64>>) -> String {
    known(share, |share| {
        let percent = share * 100.0;
        match percent {
            0.0 => "0 %".into(),
            100.0 => "100 %".into(),
            _ if percent > 0.0 && percent < 0.005 => "< 0.01 %".into(),
            _ if percent > 99.995 && percent < 100.0 => "> 99.99 %".into(),
            _ if percent.abs() < 0.95 || (95.0..100.0).contains(&percent) => format!("{percent:.2} %"),
            _ => format!("{} %", with_commas(&format!("{percent:.1}"))),
        }
    })
}

/// A difference of two shares, with its sign: `+3.2 points`.
pub(crate) fn points(difference: impl Into<Option<f64>>) -> String {
    known(difference, |difference| {
        let points = difference * 100.0;
        let decimals = if points.abs() < 0.95 { 2 } else { 1 };
        let text = signed(points, decimals);
        let is_one = matches!(text.trim_start_matches(['+', '-']), "1.0" | "1.00");
        format!("{text} point{}", if is_one { "" } else { "s" })
    })
}

/// Half the width of an interval of a share, in points with as many digits as such a share has: `0.3 pt`.
pub(crate) fn half_points(half: impl Into<Option<f64>>) -> String {
    known(half, |half| match half.abs() * 100.0 {
        0.0 => "0 pt".into(),
        points if points < 0.005 => "< 0.01 pt".into(),
        points if points < 0.95 => format!("{points:.2} pt"),
        points => format!("{points:.1} pt"),
    })
}

/// A relative change with its sign: `-41 %`. From more than tenfold on as a multiple: `×14`.
pub(crate) fn relative(change: impl Into<Option<f64>>) -> String {
    known(change, |change| match change * 100.0 {
        percent if percent > 900.0 => format!("×{}", number(change + 1.0)),
        percent if percent.abs() < 9.95 => format!("{} %", signed(percent, 1)),
        percent => format!("{} %", signed(percent, 0)),
    })
}

/// A plain number with up to three significant digits: `1,230`, `12.3`, `0.00123`.
pub(crate) fn number(value: impl Into<Option<f64>>) -> String {
    known(value, |value| {
        let magnitude = value.abs();
        match magnitude {
            0.0 => "0".into(),
            _ if !(1e-4..1e15).contains(&magnitude) => format!("{value:.2e}"),
            _ if magnitude >= 99.95 => with_commas(&format!("{value:.0}")),
            _ if magnitude >= 9.995 => trimmed(format!("{value:.1}")),
            _ if magnitude >= 0.9995 => trimmed(format!("{value:.2}")),
            _ => {
                let leading = (0..4).find(|zeros| magnitude * 10_f64.powi(zeros + 1) >= 0.9995).unwrap_or(4);
                let decimals = usize::try_from(leading + 3).unwrap_or(4);
                trimmed(format!("{value:.decimals$}"))
            }
        }
    })
}

/// A number with so many decimals, as far as they say something: `99.92`, `1,234.5`.
pub(crate) fn decimals(value: impl Into<Option<f64>>, decimals: usize) -> String {
    known(value, |value| with_commas(&trimmed(format!("{value:.decimals$}"))))
}

/// A rate per second: `412/s`.
pub(crate) fn rate(per_second: impl Into<Option<f64>>) -> String {
    known(per_second, |per_second| format!("{}/s", number(per_second)))
}

/// Bytes per second in binary units: `1.5 MiB/s`.
pub(crate) fn byte_rate(per_second: impl Into<Option<f64>>) -> String {
    known(per_second, |per_second| format!("{}/s", bytes(per_second)))
}

/// A number of bytes in binary units: `256 MiB`.
pub(crate) fn bytes(bytes: impl Into<Option<f64>>) -> String {
    known(bytes, |bytes| {
        let (unit, length) = byte_unit(bytes);
        format!("{} {unit}", number(bytes / length))
    })
}

/// The binary unit in which a number of bytes is read best, and its length in bytes.
pub(crate) fn byte_unit(bytes: f64) -> (&'static str, f64) {
    const UNITS: [(&str, f64); 6] = [
        ("EiB", (1_u64 << 60) as f64),
        ("PiB", (1_u64 << 50) as f64),
        ("TiB", (1_u64 << 40) as f64),
        ("GiB", (1_u64 << 30) as f64),
        ("MiB", (1_u64 << 20) as f64),
        ("KiB", 1024.0),
    ];
    UNITS.into_iter().find(|(_, length)| bytes.abs() >= *length).unwrap_or(("B", 1.0))
}

/// A length of time from milliseconds: `240 ms`, `1.2 s`.
pub(crate) fn millis(millis: impl Into<Option<f64>>) -> String {
    known(millis, |millis| seconds(millis / 1e3))
}

/// A measured length of time from seconds: `240 ms`, `1.2 s`, `14.5 min`, `2.5 h`.
pub(crate) fn seconds(seconds: impl Into<Option<f64>>) -> String {
    known(seconds, |seconds| match seconds.abs() {
        0.0 => "0 s".into(),
        short if short < 0.000_999_5 => format!("{} µs", number(seconds * 1e6)),
        short if short < 0.999_5 => format!("{} ms", number(seconds * 1e3)),
        medium if medium < 120.0 => format!("{} s", number(seconds)),
        long if long < 7_200.0 => format!("{} min", number(seconds / 60.0)),
        long if long < 172_800.0 => format!("{} h", number(seconds / 3_600.0)),
        _ => format!("{} d", number(seconds / 86_400.0)),
    })
}

/// A length of time that somebody chose, from seconds: `30 min`, `1 h 30 min`, `2 d`.
pub(crate) fn duration(of_seconds: impl Into<Option<f64>>) -> String {
    known(of_seconds, |total| {
        if !(1.0..1e12).contains(&total) {
            return seconds(total);
        }
        let mut rest = total;
        let mut parts = Vec::new();
        for (unit, length) in [("d", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0)] {
            let whole = if length > 1.0 { (rest / length).floor() } else { rest };
            if whole >= 1.0 {
                parts.push(format!("{} {unit}", number(whole)));
            }
            rest -= whole * length;
        }
        parts.truncate(2);
        parts.join(" ")
    })
}

/// An instant of virtual time from seconds since the first request: `1:02:03`.
pub(crate) fn instant(seconds: impl Into<Option<f64>>) -> String {
    known(seconds, |seconds| {
        if !(0.0..1e12).contains(&seconds) {
            return format!("{} s", number(seconds));
        }
        let (hours, rest) = ((seconds / 3_600.0).floor(), seconds % 3_600.0);
        format!("{hours:.0}:{:02.0}:{:02.0}", (rest / 60.0).floor(), (rest % 60.0).floor())
    })
}

/// Which way a change goes: ▲, ▼, or nothing where it is zero.
pub(crate) fn arrow(change: f64) -> &'static str {
    match change {
        _ if change > 0.0 => "▲ ",
        _ if change < 0.0 => "▼ ",
        _ => "",
    }
}

/// Whether a character turns the direction of the text around it, so that a name could make its surroundings read
/// otherwise than they are written (Unicode Standard Annex 9, explicit directional formatting).
pub(crate) fn turns_text(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The longest name of others that a page writes out.
pub(crate) const LONGEST_NAME: usize = 200;

/// The longest sentence with names of others in it that is written out.
pub(crate) const LONGEST_SENTENCE: usize = 4 * LONGEST_NAME;

/// A sentence that names what others have named, such as a warning: on one line, and no longer than
/// [`LONGEST_SENTENCE`].
pub(crate) fn sentence(text: &str) -> String {
    shortened(text.trim(), LONGEST_SENTENCE)
}

/// A text of any length whose lines stay: other control characters and what turns the direction of text become spaces,
/// so that nothing in it moves a terminal's cursor or reads otherwise than it is written.
pub(crate) fn cleaned(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && (c.is_control() || turns_text(c)) { ' ' } else { c }).collect()
}

/// Cuts a text to `width` characters, the last of which is then an ellipsis. Control characters, line breaks and what
/// turns the direction of text become spaces, so that a name never breaks a table.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    let clean: Vec<char> =
        text.chars().map(|c| if c.is_control() || turns_text(c) { ' ' } else { c }).collect();
    if clean.len() <= width {
        return clean.into_iter().collect();
    }
    clean.into_iter().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn known(value: impl Into<Option<f64>>, print: impl FnOnce(f64) -> String) -> String {
    value.into().filter(|value| value.is_finite()).map_or_else(|| NONE.into(), print)
}

fn signed(value: f64, decimals: usize) -> String {
    let text = with_commas(&format!("{:.decimals$}", value.abs()));
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = match value {
        _ if zero => "±",
        _ if value < 0.0 => "-",
        _ => "+",
    };
    if zero { "±0".into() } else { format!("{sign}{text}") }
}

/// Drops zeros that say nothing after a decimal point.
fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

fn with_commas(digits: &str) -> String {
    let (sign, rest) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let (whole, fraction) = rest.find('.').map_or((rest, ""), |dot| rest.split_at(dot));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_their_distance_to_nothing_and_to_all() {
        for (share, text) in [
            (0.0, "0 %"),
            (0.000_01, "< 0.01 %"),
            (0.004, "0.40 %"),
            (0.5, "50.0 %"),
            (0.921_437, "92.1 %"),
            (0.999_7, "99.97 %"),
            (0.999_999, "> 99.99 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn differences_carry_their_sign() {
        assert_eq!(points(0.032), "+3.2 points");
        assert_eq!(points(-0.001), "-0.10 points");
        assert_eq!(points(0.01), "+1.0 point");
        assert_eq!(points(-0.11), "-11.0 points");
        assert_eq!(points(0.0), "±0 points");
        assert_eq!(relative(-0.41), "-41 %");
        assert_eq!(relative(0.034), "+3.4 %");
        assert_eq!(relative(19.0), "×20");
        for (half, text) in [
            (0.0, "0 pt"),
            (0.000_011, "< 0.01 pt"),
            (0.000_474, "0.05 pt"),
            (0.003, "0.30 pt"),
            (0.0123, "1.2 pt"),
        ] {
            assert_eq!(half_points(half), text);
        }
    }

    #[test]
    fn numbers_have_three_significant_digits_and_commas() {
        for (value, text) in [
            (0.0, "0"),
            (0.001_234, "0.00123"),
            (0.1, "0.1"),
            (0.999_9, "1"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (99.96, "100"),
            (1_234_567.0, "1,234,567"),
            (-1_234.0, "-1,234"),
            (1e300, "1.00e300"),
            (1e-9, "1.00e-9"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn quantities_come_in_the_unit_people_use() {
        assert_eq!(bytes(268_435_456.0), "256 MiB");
        assert_eq!(bytes(1_610_612_736.0), "1.5 GiB");
        assert_eq!(bytes(12.0), "12 B");
        assert_eq!(millis(240.0), "240 ms");
        assert_eq!(millis(0.31), "310 µs");
        assert_eq!(millis(1_200.0), "1.2 s");
        assert_eq!(duration(5_400.0), "1 h 30 min");
        assert_eq!(duration(86_400.0), "1 d");
        assert_eq!(duration(0.0), "0 s");
        assert_eq!(instant(3_723.9), "1:02:03");
        assert_eq!(rate(412.0), "412/s");
        assert_eq!(count(10_800_000), "10,800,000");
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        for text in [
            percent(None),
            points(f64::NAN),
            relative(f64::INFINITY),
            number(None),
            rate(None),
            bytes(f64::NAN),
            millis(None),
            duration(f64::NEG_INFINITY),
            instant(f64::NAN),
        ] {
            assert_eq!(text, NONE);
        }
    }

    #[test]
    fn names_are_cut_by_characters_and_never_break_a_line() {
        assert_eq!(shortened("jitter", 6), "jitter");
        assert_eq!(shortened("jitter\n+ lock", 8), "jitter …");
        assert_eq!(shortened("ёлка🎄🎄", 5), "ёлка…");
        assert_eq!(sentence(&format!(" {}\u{202E}", "long ".repeat(500))).chars().count(), LONGEST_SENTENCE);
        assert_eq!(cleaned("one\n\u{1b}[31mtwo\r\u{202E}three"), "one\n [31mtwo  three");
    }
}
