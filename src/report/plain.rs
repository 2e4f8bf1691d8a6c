//! An answer as text and as markdown: a title, tables, and sentences that say what follows.

use std::fmt::Write as _;

use super::columns::{self, to_the_left};
use super::ranking::wrap;

/// Columns that stay, however narrow the terminal is.
const STAY: usize = 3;

/// An answer, ready to be written.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) title: String,
    /// Tables; the first row of each are its heads.
    pub(super) tables: Vec<Vec<Vec<String>>>,
    pub(super) sentences: Vec<String>,
}

impl Plain {
    /// For a terminal that is `width` characters wide.
    pub(super) fn terminal(&self, width: usize) -> String {
        let mut out = String::new();
        wrap(&self.title, width, "", &mut out);
        for rows in &self.tables {
            out.push('\n');
            let length =
                |column: usize| rows.iter().map(|row| columns::width(&row[column])).max().unwrap_or(0);
            let mut columns = rows.first().map_or(0, Vec::len);
            // The last columns go first where the terminal is narrow; the answer itself stays.
            while columns > STAY && (0..columns).map(|column| length(column) + 2).sum::<usize>() > width + 2 {
                columns -= 1;
            }
            for row in rows {
                let cells = row
                    .iter()
                    .take(columns)
                    .enumerate()
                    .map(|(column, text)| to_the_left(text, length(column)));
                let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
            }
        }
        out.push('\n');
        for sentence in &self.sentences {
            wrap(sentence, width, "", &mut out);
        }
        out
    }

    /// For a merge request or a ticket.
    pub(super) fn markdown(&self) -> String {
        let escaped = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
        let mut out = format!("{}\n\n", escaped(&self.title));
        for rows in &self.tables {
            for (place, row) in rows.iter().enumerate() {
                let cells: Vec<String> = row.iter().map(|text| escaped(text)).collect();
                let _ = writeln!(out, "| {} |", cells.join(" | "));
                if place == 0 {
                    let _ = writeln!(out, "|{}", " --- |".repeat(cells.len()));
                }
            }
            out.push('\n');
        }
        for sentence in &self.sentences {
            let _ = writeln!(out, "{}\n", escaped(sentence));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Plain {
        let row = |cells: [&str; 5]| cells.map(String::from).to_vec();
        let rows = vec![row(["a", "b", "c", "d", "e"]), row(["long name", "1", "2", "3", "x|y"])];
        Plain { title: "What?".into(), tables: vec![rows], sentences: vec!["So it is.".into()] }
    }

    #[test]
    fn a_narrow_terminal_loses_the_last_columns_and_keeps_three() {
        assert_eq!(
            plain().terminal(80),
            "What?\n\na          b  c  d  e\nlong name  1  2  3  x|y\n\nSo it is.\n"
        );
        assert_eq!(plain().terminal(5), "What?\n\na          b  c\nlong name  1  2\n\nSo it\nis.\n");
    }

    #[test]
    fn markdown_keeps_all_and_escapes_what_would_part_cells() {
        let text = plain().markdown();
        assert!(text.contains("| a | b | c | d | e |\n| --- | --- | --- | --- | --- |\n"), "{text}");
        assert!(text.contains("| x\\|y |"), "{text}");
    }
}
