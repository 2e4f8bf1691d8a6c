//! Tables of two columns that a scenario holds itself or names: popularities, sizes, rates.

use std::fmt::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::setup::Setup;
use crate::catalog::Invalid;

/// What a table is about.
pub(super) struct Layout {
    /// Name of the first column, which must be there.
    pub(super) first: &'static str,
    /// Name of the second column.
    pub(super) second: &'static str,
    /// What the second column is where a file has none; `None` where it must have one.
    pub(super) second_if_absent: Option<f64>,
}

/// The rows that the scenario gives under `table` or in the csv file at `path`: exactly one of the two.
///
/// # Errors
/// Names the parameter, and in a file the line, the value and what it must be.
pub(super) fn rows(
    setup: &Setup,
    path: &str,
    table: Option<&[(f64, f64)]>,
    layout: &Layout,
) -> Result<Vec<(f64, f64)>, Invalid> {
    let Layout { first, second, .. } = layout;
    let rows = match (path, table) {
        ("", None) => {
            return Err(Invalid::param("path", "there is neither a path nor a table").help(format!(
                "write table = [[…, …]] with rows of {first} and {second}, or path = \"FILE.csv\""
            )));
        }
        ("", Some(table)) => {
            for (number, row) in (1..).zip(table) {
                for (column, value) in [(first, row.0), (second, row.1)] {
                    if !is_legal(value) {
                        let what = format!(
                            "row {number}: the {column} must be a number that is not negative, but is {value}"
                        );
                        return Err(Invalid::param("table", what));
                    }
                }
            }
            table.to_vec()
        }
        (_, Some(_)) => {
            return Err(
                Invalid::param("path", "there are both a path and a table").help("leave one of them out")
            );
        }
        (path, None) => file(&setup.folder.join(path), layout)?,
    };
    if rows.is_empty() {
        let param = if path.is_empty() { "table" } else { "path" };
        return Err(Invalid::param(param, "the table has no rows"));
    }
    Ok(rows)
}

fn is_legal(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

/// The rows of a csv file with a header.
fn file(path: &Path, layout: &Layout) -> Result<Vec<(f64, f64)>, Invalid> {
    let wrong = |what: String| Invalid::param("path", what);
    let shown = path.display();
    let mut reader = csv::Reader::from_path(path).map_err(|error| {
        wrong(format!("{shown} cannot be read: {error}")).help("paths are relative to the scenario")
    })?;
    let header = reader.headers().map_err(|error| wrong(format!("{shown}:1: {error}")))?.clone();
    let column = |name: &str| header.iter().position(|found| found.trim() == name);
    let missing = |name: &str| {
        let found: Vec<&str> = header.iter().collect();
        wrong(format!("{shown}:1: there is no column \"{name}\", but {found:?}"))
            .help(format!("begin the file with the line {},{}", layout.first, layout.second))
    };
    let first = column(layout.first).ok_or_else(|| missing(layout.first))?;
    let second = column(layout.second);
    if second.is_none() && layout.second_if_absent.is_none() {
        return Err(missing(layout.second));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| wrong(format!("{shown}: {error}")))?;
        let line = record.position().map_or(0, csv::Position::line);
        let number = |index: usize, name: &str| {
            let text = record.get(index).unwrap_or_default().trim();
            text.parse().ok().filter(|value| is_legal(*value)).ok_or_else(|| {
                wrong(format!(
                    "{shown}:{line}: the {name} must be a number that is not negative, but is \"{text}\""
                ))
            })
        };
        let value = number(first, layout.first)?;
        let weight = match second {
            Some(index) => number(index, layout.second)?,
            None => layout.second_if_absent.unwrap_or(1.0),
        };
        rows.push((value, weight));
    }
    Ok(rows)
}

/// SHA-256 of the file at `path` in `folder`, hexadecimal: a result depends on its tables as well.
///
/// # Errors
/// If the file cannot be read.
pub fn digest(folder: &Path, path: &str) -> std::io::Result<String> {
    let bytes = std::fs::read(folder.join(path))?;
    let mut text = String::new();
    for byte in Sha256::digest(&bytes) {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout { first: "weight", second: "objects", second_if_absent: Some(1.0) };

    fn read(text: &str) -> Result<Vec<(f64, f64)>, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), text).unwrap();
        let setup = Setup { folder: folder.path().to_owned(), ..Setup::default() };
        rows(&setup, "t.csv", None, &LAYOUT).map_err(|invalid| invalid.what)
    }

    #[test]
    fn rows_come_from_the_scenario_or_from_a_file() {
        let setup = Setup::default();
        assert_eq!(rows(&setup, "", Some(&[(2.0, 3.0)]), &LAYOUT), Ok(vec![(2.0, 3.0)]));
        assert_eq!(read("objects,weight\n3,2.5\n"), Ok(vec![(2.5, 3.0)]));
        assert_eq!(read("weight,name\n2,a\n1,b\n"), Ok(vec![(2.0, 1.0), (1.0, 1.0)]));
    }

    #[test]
    fn a_mistake_in_a_file_is_named_with_line_and_value() {
        for (text, part) in [
            ("weight\n1\nx\n", "t.csv:3: the weight must be a number that is not negative, but is \"x\""),
            ("weight\n-1\n", "t.csv:2: the weight must be"),
            (
                "weight,objects\n1,\n",
                "t.csv:2: the objects must be a number that is not negative, but is \"\"",
            ),
            ("weight\nNaN\n", "\"NaN\""),
            ("count\n1\n", "t.csv:1: there is no column \"weight\""),
            ("weight\n", "has no rows"),
            ("weight\n1,2\n", "t.csv"),
        ] {
            let said = read(text).expect_err(text);
            assert!(said.contains(part), "{text:?}: {said}");
        }
        let none = rows(&Setup::default(), "no-such.csv", None, &LAYOUT).unwrap_err().what;
        assert!(none.contains("no-such.csv cannot be read"), "{none}");
        assert!(rows(&Setup::default(), "", None, &LAYOUT).is_err());
        assert!(rows(&Setup::default(), "t.csv", Some(&[]), &LAYOUT).is_err());
        let negative =
            rows(&Setup::default(), "", Some(&[(1.0, 1.0), (1.0, -2.0)]), &LAYOUT).unwrap_err().what;
        assert_eq!(negative, "row 2: the objects must be a number that is not negative, but is -2");
    }
}
