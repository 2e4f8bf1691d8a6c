//! Text in the columns of a terminal, where a wide letter takes two of them and a combining mark none.
//!
//! Source: Unicode Standard Annex 11, East Asian Width.

use unicode_width::UnicodeWidthStr;

use super::format;

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// A text in at most so many columns, its end an ellipsis where something is missing; cleaned as
/// [`format::shortened`] does.
pub(super) fn cut(text: &str, columns: usize) -> String {
    let short = format::shortened(text, columns);
    if width(&short) <= columns {
        return short;
    }
    let mut kept = String::new();
    for c in short.chars() {
        kept.push(c);
        if width(&kept) >= columns {
            kept.pop();
            break;
        }
    }
    kept + "…"
}

/// A text with spaces after it, as wide as a column.
pub(super) fn to_the_left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// A text with spaces before it, as wide as a column.
pub(super) fn to_the_right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_count_twice() {
        assert_eq!(width("一小时"), 6);
        assert_eq!(width("größe"), 5);
        assert_eq!(to_the_left("一小时", 8), "一小时  ");
        assert_eq!(to_the_right("一小时", 7), " 一小时");
        for (columns, text) in [(6, "一小时"), (5, "一小…"), (4, "一…"), (3, "一…"), (2, "…"), (1, "…")]
        {
            assert_eq!(cut("一小时", columns), text);
        }
        assert_eq!((cut("one hour", 8), cut("one hour", 4)), ("one hour".into(), "one…".into()));
    }
}
