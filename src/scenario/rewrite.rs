//! The text of a scenario with values changed, and everything else as its author wrote it, comments included.

use toml::Value;
use toml_edit::{DocumentMut, Item, TableLike};

use super::Scenario;
use super::vary::{KeyPath, Step, Unvaried};

impl Scenario {
    /// The `text` that this scenario was read from, with these values at these paths; everything else stays as it is
    /// written there.
    ///
    /// Where a path leads through what is not written, or is written as a bare name (`guard = "lock"`), the innermost
    /// thing that is written gets its whole value with every default. The scenario gets the name `name`. Claims of
    /// `[expect]` about the strategies in `forget` go, because what they claim of is no more what it was.
    ///
    /// # Errors
    /// As [`varied`](Self::varied).
    pub fn rewritten(
        &self,
        text: &str,
        changes: &[(KeyPath, Value)],
        name: &str,
        forget: impl Fn(&str) -> bool,
    ) -> Result<String, Unvaried> {
        let varied = self.varied(changes)?;
        let wrong = |what: String| Unvaried { path: None, what, rule: None, help: None };
        let mut document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| wrong(error.to_string()))?;
        let root = document.as_table_mut();
        for (path, _) in changes {
            put(root, path, 0, &varied.effective)
                .ok_or_else(|| wrong(format!("{path} cannot be written into the text")))?;
        }
        if let Some(written) = root.get_mut("name") {
            replace(written, &name.into());
        }
        if let Some(claims) = root.get_mut("expect").and_then(Item::as_table_like_mut) {
            let stale: Vec<String> =
                claims.iter().map(|(key, _)| key.to_owned()).filter(|key| forget(key)).collect();
            for key in stale {
                claims.remove(&key);
            }
            if claims.is_empty() {
                root.remove("expect");
            }
        }
        let text = document.to_string();
        // What was written must be what was meant: the text is read again, and all but its name and claims compared.
        let again = Self::parse(&text, &self.file).map_err(|error| wrong(error.to_string()))?;
        let judged = |scenario: &Self| {
            let mut effective = scenario.effective.clone();
            for key in ["name", "expect", "tune"] {
                effective.remove(key);
            }
            effective
        };
        if judged(&again) == judged(&varied) {
            Ok(text)
        } else {
            Err(wrong("the text that was written does not mean what was asked".to_owned()))
        }
    }
}

/// The text of a scenario with every file that it names renamed by `rename`; with `trace`, that is the recorded trace.
///
/// # Errors
/// If the text is no TOML.
pub fn relocated(
    text: &str,
    trace: Option<String>,
    rename: impl Fn(&str) -> String,
) -> Result<String, Unvaried> {
    let wrong = |what: String| Unvaried { path: None, what, rule: None, help: None };
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| wrong(error.to_string()))?;
    if let Some(table) = document.get_mut("trace").and_then(Item::as_table_like_mut) {
        match (trace, table.get_mut("path")) {
            (Some(trace), Some(written)) => replace(written, &trace.into()),
            (Some(trace), None) => {
                table.insert("path", toml_edit::value(trace));
            }
            (None, Some(written)) => renamed(written, &rename),
            (None, None) => {}
        }
    }
    if let Some(workload) = document.get_mut("workload") {
        each_path(workload, &rename);
    }
    Ok(document.to_string())
}

/// Renames the path of every table below.
fn each_path(item: &mut Item, rename: &dyn Fn(&str) -> String) {
    if let Some(list) = item.as_array_of_tables_mut() {
        for table in list.iter_mut() {
            in_table(table, rename);
        }
    } else if let Some(table) = item.as_table_like_mut() {
        in_table(table, rename);
    } else if let Some(list) = item.as_array_mut() {
        for entry in list.iter_mut().filter_map(toml_edit::Value::as_inline_table_mut) {
            in_table(entry, rename);
        }
    }
}

fn in_table(table: &mut dyn TableLike, rename: &dyn Fn(&str) -> String) {
    for (key, item) in table.iter_mut() {
        if key.get() == "path" {
            renamed(item, rename);
        } else {
            each_path(item, rename);
        }
    }
}

fn renamed(item: &mut Item, rename: &dyn Fn(&str) -> String) {
    if let Some(new) = item.as_str().map(rename) {
        // What stays as it is keeps its quotes.
        if item.as_str() != Some(&new) {
            replace(item, &new.into());
        }
    }
}

/// Writes the value that `effective` has at `path` into the innermost table of the text that the path leads to.
fn put(table: &mut dyn TableLike, path: &KeyPath, depth: usize, effective: &toml::Table) -> Option<()> {
    let Step::Key(key) = &path.steps()[depth] else { return None };
    let is_last = depth + 1 == path.depth();
    let next = path.steps().get(depth + 1);
    let whole = path.until(depth + 1);
    match table.get_mut(key).filter(|_| !is_last) {
        Some(item) if item.is_table_like() => put(item.as_table_like_mut()?, path, depth + 1, effective),
        Some(Item::ArrayOfTables(list)) => {
            let place = match next? {
                Step::Place(place) => *place,
                Step::Key(name) => {
                    list.iter().position(|entry| entry.get("name").and_then(Item::as_str) == Some(name))?
                }
            };
            put(list.get_mut(place)?, path, depth + 2, effective)
        }
        Some(Item::Value(toml_edit::Value::Array(list))) => {
            let named = |entry: &toml_edit::Value, name: &str| {
                entry.as_inline_table().and_then(|table| table.get("name")).and_then(toml_edit::Value::as_str)
                    == Some(name)
            };
            let place = match next? {
                Step::Place(place) => *place,
                Step::Key(name) => list.iter().position(|entry| named(entry, name))?,
            };
            let entry = list.get_mut(place)?;
            if path.depth() > depth + 2 && entry.is_inline_table() {
                return put(entry.as_inline_table_mut()?, path, depth + 2, effective);
            }
            let value = written(path.until(depth + 2).find(effective)?)?;
            let decor = entry.decor().clone();
            *entry = value;
            *entry.decor_mut() = decor;
            Some(())
        }
        Some(item) => {
            replace(item, whole.find(effective)?);
            Some(())
        }
        None => {
            let value = whole.find(effective)?;
            match table.get_mut(key) {
                Some(item) => replace(item, value),
                None => {
                    table.insert(key, Item::Value(written(value)?));
                }
            }
            Some(())
        }
    }
}

/// Puts a value in the place of another, with the comments that stand around it.
fn replace(item: &mut Item, value: &Value) {
    let Some(mut value) = written(value) else { return };
    if let Item::Value(old) = item {
        *value.decor_mut() = old.decor().clone();
    }
    *item = Item::Value(value);
}

/// A value as a text has it, tables in one line.
fn written(value: &Value) -> Option<toml_edit::Value> {
    value.to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# A site.
name = "t" # its name
[workload]
duration = "10m"
rate = "20/s"   # as measured
class = [{ name = "photo", objects = 100 }]
[cache]
# What we have today.
capacity = "1MiB" # rented
[[strategy]]
name = "a"
baseline = true
ttl = { rule = "fixed", ttl = "1h", modifiers = [{ modifier = "jitter", spread = 0.1 }] } # by hand
guard = "single-flight"
# The other one.
[[strategy]]
name = "b"
ttl = { rule = "class-table", table = { photo = "2h" } }

[expect]
"a".hit = [0, 1]
"b".hit = [0, 1] # stays
"#;

    fn rewritten(changes: &[(&str, Value)]) -> String {
        let scenario = Scenario::parse(TEXT, "t.toml").unwrap_or_else(|error| panic!("{error}"));
        let changes: Vec<(KeyPath, Value)> =
            changes.iter().map(|(path, value)| (path.parse().unwrap(), value.clone())).collect();
        scenario
            .rewritten(TEXT, &changes, "t-tuned", |name| name == "a")
            .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn only_what_changes_is_touched() {
        let text = rewritten(&[
            ("strategy.a.ttl.ttl", "5m".into()),
            ("strategy.a.ttl.modifiers[0].spread", 0.3.into()),
            ("cache.capacity", "2MiB".into()),
            ("strategy.b.ttl.table.photo", "3h".into()),
        ]);
        let expected = TEXT
            .replace("\"t\"", "\"t-tuned\"")
            .replace("ttl = \"1h\"", "ttl = \"5m\"")
            .replace("spread = 0.1", "spread = 0.3")
            .replace("\"1MiB\"", "\"2MiB\"")
            .replace("\"2h\"", "\"3h\"")
            .replace("\"a\".hit = [0, 1]\n", "");
        assert_eq!(text, expected);
    }

    #[test]
    fn every_file_is_renamed_where_it_is_written() {
        let text = r#"
[workload]
arrivals = { model = "envelope", path = "rate.csv" } # by minute
[[workload.class]]
name = "path"
size = { model = "empirical", path = 'sizes.csv' }
[workload.more]
class = [{ popularity = { path = "" } }]
[tune]
vary = [{ path = "cache.capacity" }]
"#;
        let rename = |path: &str| if path.is_empty() { String::new() } else { format!("../{path}") };
        let expected = text.replace("rate.csv", "../rate.csv").replace("'sizes.csv'", "\"../sizes.csv\"");
        assert_eq!(relocated(text, None, rename).unwrap(), expected);
        let text = "[trace]\npath = \"a.log\" # today's\nformat = \"clf\"\n";
        let named = |trace: Option<&str>| relocated(text, trace.map(str::to_owned), rename).unwrap();
        assert_eq!(named(None), text.replace("a.log", "../a.log"));
        assert_eq!(named(Some("b.log")), text.replace("a.log", "b.log"));
        let without = "[trace]\nformat = \"clf\"\n";
        let given = relocated(without, Some("b.log".into()), rename).unwrap();
        assert_eq!(given, format!("{without}path = \"b.log\"\n"));
    }

    #[test]
    fn what_is_not_written_is_added_with_all_that_it_needs() {
        let guard: Value = Value::Table("policy = \"lock\"\nlock_ttl = \"5s\"".parse().unwrap());
        for (path, value, parts) in [
            ("strategy.a.guard", guard, vec!["guard = { ", "policy = \"lock\"", "lock_ttl = \"5s\""]),
            ("strategy.a.guard.policy", "none".into(), vec!["policy = \"none\""]),
            ("strategy.a.refresh", "xfetch".into(), vec!["refresh = { ", "policy = \"xfetch\""]),
            ("cache.eviction", "fifo".into(), vec!["policy = \"fifo\""]),
            ("cache.eviction.policy", "fifo".into(), vec!["policy = \"fifo\""]),
            ("client.timeout", "2s".into(), vec!["timeout = \"2s\""]),
        ] {
            let text = rewritten(&[(path, value)]);
            for part in parts {
                assert!(text.contains(part), "{path}: {text}");
            }
            assert!(
                text.contains("# by hand") && text.contains("# The other one.") && text.contains("# stays")
            );
        }
    }
}
