//! `[trace]`: a recorded trace and how it is to be read.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use crate::catalog::{Fault, Item, Section, nearest, one_of, read};
use crate::trace::format::{Column, Columns, Declared, FIELDS, FORMATS, Quote};
use crate::trace::import::{
    ClassRule, Condition, Glob, IMAGE_EXTENSIONS, KeyCase, Options, Percent, Query, Regex, SetRule,
    SizeChange, SizeRule,
};
use crate::trace::shape::spread::Spread;

/// What `[trace]` says.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The file as it is written, and where; relative to the scenario's own file.
    /// `None` where it is not written, because the command line may name it.
    pub path: Option<Spanned<String>>,
    /// Where `set` is written, if it is.
    pub set_span: Option<Range<usize>>,
    /// Where `size_change` is written, if it is.
    pub size_change_span: Option<Range<usize>>,
    /// How the file is to be read.
    pub options: Options,
}

impl Recorded {
    /// Refuses changes that no model of change takes up; `models` are those of the scenario.
    pub fn refuse_changes(&self, models: &[&str]) -> Result<(), Fault> {
        let set = self.options.set.filter(|rule| *rule != SetRule::Ignore);
        let set = set
            .map(|rule| format!("set = \"{}\" takes writes as changes", rule.name()))
            .zip(self.set_span.as_ref());
        let sizes = (self.options.size_change == SizeChange::NewVersion)
            .then(|| "size_change = \"new-version\" takes other sizes as changes".to_owned())
            .zip(self.size_change_span.as_ref());
        let Some((takes, span)) = set.or(sizes).filter(|_| !models.contains(&"trace")) else { return Ok(()) };
        let what = format!("{takes}, but no object changes as the trace says");
        Err(Fault::new(span.clone(), what)
            .rule("what changes when is said by [origin] changes, or by the changes of a class")
            .help("write [origin] changes = { model = \"trace\" }"))
    }
}

/// Reads `[trace]`. Of each `[[trace.class]]` the rest is handed back in order, with the name of the
/// class: keys that say how the class behaves rather than what belongs to it are not read here. The
/// caller finishes it and `section`.
pub fn recorded<'i>(section: &mut Section<'i>) -> Result<(Recorded, Vec<(String, Section<'i>)>), Fault> {
    let path = section.located("path")?;
    let format = section.take("format").map(|item| FORMATS.choose(item)).transpose()?;
    let defaults = Options::default();
    let columns = section.take("columns").map(columns).transpose()?.unwrap_or_default();
    let time_unit = word(section, "time_unit", &["s", "ms", "us", "ns", "iso8601"])?;
    let delimiter = delimiter(section)?;
    let declared = Declared { columns, time_unit, delimiter, quote: quote(section)? };
    if let Some(format) = &format {
        // A format refuses declarations that mean nothing to it.
        format.make(&declared)?;
    }
    let set = section.take("set");
    let set = match set {
        None => None,
        Some(item) => Some((item.span(), word_of(item, "set", &["ignore", "change", "invalidate"])?)),
    };
    let size_change = match section.take("size_change") {
        None => None,
        Some(item) => Some((item.span(), word_of(item, "size_change", &["ignore", "new-version"])?)),
    };
    let options = Options {
        format,
        declared,
        spread: section.take("spread").map(spread).transpose()?.unwrap_or_default(),
        methods: section.or("methods", defaults.methods)?,
        status: section.or("status", defaults.status)?,
        negative: section.or("negative", false)?,
        extensions: section.optional("extensions")?.map(without_dots),
        size: word(section, "size", &["max", "last", "mode"])?.unwrap_or(SizeRule::Max),
        size_change: size_change.as_ref().map(|(_, rule)| *rule).unwrap_or_default(),
        reorder_window: section.or("reorder_window", defaults.reorder_window)?,
        query: section.take("query").map(query).transpose()?,
        key_host: section.optional("key_host")?,
        key_case: word(section, "key_case", &["keep", "lower"])?.unwrap_or(KeyCase::Keep),
        percent: word(section, "percent", &["normalize", "keep"])?,
        set: set.as_ref().map(|(_, rule)| *rule),
        delete: word(section, "delete", &["invalidate", "ignore"])?,
        max_expansion: expansion(section, defaults.max_expansion)?,
        strict: section.or("strict", false)?,
        max_bad: section.or("max_bad", defaults.max_bad)?,
        classes: Vec::new(),
        digest: defaults.digest,
        spill: None,
        room: None,
    };
    let mut classes = Vec::new();
    let mut rest = Vec::new();
    for mut class in section.sections("class", "[[trace.class]]")? {
        let rule = class_rule(&mut class)?;
        rest.push((rule.name.clone(), class));
        classes.push(rule);
    }
    let set_span = set.map(|(span, _)| span);
    let size_change_span = size_change.map(|(span, _)| span);
    Ok((Recorded { path, set_span, size_change_span, options: Options { classes, ..options } }, rest))
}

/// `[trace]` with every default filled in, as it could be written in a scenario.
pub fn effective(recorded: &Recorded) -> toml::Table {
    let options = &recorded.options;
    let mut table = toml::Table::new();
    if let Some(path) = &recorded.path {
        table.insert("path".to_owned(), path.get_ref().clone().into());
    }
    let mut set = |key: &str, value: toml::Value| table.insert(key.to_owned(), value);
    if let Some(format) = &options.format {
        let params = format.effective();
        let has_params = params.as_table().is_some_and(|table| table.len() > 1);
        set("format", if has_params { params } else { format.name().into() });
    }
    set("spread", options.spread.name().into());
    set("methods", options.methods.clone().into());
    set("status", options.status.iter().map(|status| i64::from(*status)).collect::<Vec<_>>().into());
    let is_table = options
        .format
        .as_ref()
        .is_some_and(|format| format.make(&options.declared).is_ok_and(|format| !format.is_log()));
    match &options.extensions {
        Some(extensions) => drop(set("extensions", extensions.clone().into())),
        // Without a format it depends on the guess which default holds.
        None if options.format.is_some() && !is_table => {
            set("extensions", IMAGE_EXTENSIONS.map(str::to_owned).to_vec().into());
        }
        None if is_table => drop(set("extensions", Vec::<String>::new().into())),
        None => {}
    }
    if !options.declared.columns.is_empty() {
        let columns = options.declared.columns.declared().map(|(field, column)| {
            let column = match column {
                Column::Named(name) => name.clone().into(),
                Column::Number(number) => i64::try_from(*number).unwrap_or(i64::MAX).into(),
            };
            (field.to_owned(), column)
        });
        set("columns", toml::Value::Table(columns.collect()));
    }
    if let Some(unit) = options.declared.time_unit {
        set("time_unit", unit.name().into());
    }
    if let Some(delimiter) = options.declared.delimiter {
        set("delimiter", char::from(delimiter).to_string().into());
    }
    match options.declared.quote {
        Some(Quote::By(quote)) => drop(set("quote", char::from(quote).to_string().into())),
        Some(Quote::Nothing) => drop(set("quote", "none".into())),
        None => {}
    }
    set("negative", options.negative.into());
    set("size", options.size.name().into());
    set("size_change", options.size_change.name().into());
    set("reorder_window", options.reorder_window.to_string().into());
    // What is not written holds in logs alone.
    let is_log = options.format.is_some() && !is_table;
    match options.query.as_ref().or(is_log.then_some(&Query::Drop)) {
        Some(Query::Only(names)) => drop(set("query", names.clone().into())),
        Some(Query::Keep) => drop(set("query", "keep".into())),
        Some(Query::Sorted) => drop(set("query", "sorted".into())),
        Some(Query::Drop) => drop(set("query", "drop".into())),
        None => {}
    }
    if let Some(keeps) = options.key_host.or(is_log.then_some(false)) {
        set("key_host", keeps.into());
    }
    set("key_case", options.key_case.name().into());
    if let Some(percent) = options.percent.or(is_log.then_some(Percent::Normalize)) {
        set("percent", percent.name().into());
    }
    if let Some(rule) = options.set {
        set("set", rule.name().into());
    }
    if let Some(rule) = options.delete {
        set("delete", rule.name().into());
    }
    set("max_expansion", i64::from(options.max_expansion).into());
    set("strict", options.strict.into());
    set("max_bad", options.max_bad.as_f64().into());
    if !options.classes.is_empty() {
        set("class", options.classes.iter().map(effective_rule).collect::<Vec<_>>().into());
    }
    table
}

fn effective_rule(rule: &ClassRule) -> toml::Value {
    let mut table = toml::Table::new();
    let mut set = |key: &str, value: Option<toml::Value>| {
        if let Some(value) = value {
            table.insert(key.to_owned(), value);
        }
    };
    set("name", Some(rule.name.clone().into()));
    set("prefix", rule.prefix.clone().map(Into::into));
    set("suffix", rule.suffix.clone().map(Into::into));
    set("glob", rule.glob.as_ref().map(|glob| glob.as_str().into()));
    set("regex", rule.regex.as_ref().map(|regex| regex.as_str().into()));
    let conditions: Vec<String> = rule.query.iter().map(ToString::to_string).collect();
    set("query", (!conditions.is_empty()).then(|| conditions.into()));
    set("extensions", (!rule.extensions.is_empty()).then(|| rule.extensions.clone().into()));
    set("min_size", rule.min_size.map(|size| size.to_string().into()));
    set(
        "status",
        (!rule.status.is_empty())
            .then(|| rule.status.iter().map(|s| i64::from(*s)).collect::<Vec<_>>().into()),
    );
    set("max_size", rule.max_size.map(|size| size.to_string().into()));
    toml::Value::Table(table)
}

fn class_rule(class: &mut Section<'_>) -> Result<ClassRule, Fault> {
    let span = class.span();
    let name: Spanned<String> = class.required("name", "name = \"thumbnail\"")?;
    let rule = ClassRule {
        name: name.get_ref().clone(),
        prefix: class.optional("prefix")?,
        suffix: class.optional("suffix")?,
        glob: class.take("glob").map(|item| parsed(item, "glob", Glob::new)).transpose()?,
        regex: class.take("regex").map(|item| parsed(item, "regex", Regex::new)).transpose()?,
        query: class.take("query").map(conditions).transpose()?.unwrap_or_default(),
        extensions: without_dots(class.or("extensions", Vec::new())?),
        min_size: class.optional("min_size")?,
        max_size: class.optional("max_size")?,
        status: class.or("status", Vec::new())?,
    };
    if rule.name.is_empty() {
        return Err(Fault::new(name.span(), "the name of a class must not be empty"));
    }
    if let (Some(min), Some(max)) = (rule.min_size, rule.max_size)
        && min > max
    {
        let what = format!("min_size ({min}) is larger than max_size ({max}), so no object would match");
        return Err(Fault::new(span, what));
    }
    Ok(rule)
}

/// A text in a form of its own.
fn parsed<T>(item: Item<'_>, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Fault> {
    let span = item.span();
    let text: String = read(item)?;
    parse(&text).map_err(|wrong| Fault::new(span, format!("{key} = \"{text}\" cannot be read: {wrong}")))
}

/// `"w <= 200"`, or a list of such, which must all hold.
fn conditions(item: Item<'_>) -> Result<Vec<Condition>, Fault> {
    let span = item.span();
    let texts: Vec<String> =
        if matches!(item.get_ref(), DeValue::Array(_)) { read(item)? } else { vec![read(item)?] };
    texts
        .iter()
        .map(|text| {
            Condition::new(text)
                .map_err(|wrong| Fault::new(span.clone(), wrong).help("write query = \"w <= 200\""))
        })
        .collect()
}

/// How many times its own size a file may unpack to.
fn expansion(section: &mut Section<'_>, default: u32) -> Result<u32, Fault> {
    let Some(written) = section.located::<i64>("max_expansion")? else { return Ok(default) };
    u32::try_from(*written.get_ref()).ok().filter(|limit| *limit > 0).ok_or_else(|| {
        Fault::new(
            written.span(),
            format!("max_expansion must lie between 1 and {}, but is {}", u32::MAX, written.get_ref()),
        )
    })
}

/// `.png` and `png` mean the same.
fn without_dots(extensions: Vec<String>) -> Vec<String> {
    extensions.into_iter().map(|extension| extension.trim_start_matches('.').to_owned()).collect()
}

/// `columns = { time = "ts", key = 2 }`.
fn columns(item: Item<'_>) -> Result<Columns, Fault> {
    let span = item.span();
    let mut section = Section::of(item, "columns")?;
    let mut columns = Columns::default();
    for field in FIELDS {
        let Some(item) = section.take(field) else { continue };
        let place = item.span();
        let column = match item.get_ref() {
            DeValue::Integer(_) => match read::<i64>(item)? {
                number @ 1.. => Column::Number(usize::try_from(number).unwrap_or(usize::MAX)),
                number => {
                    let what = format!("columns are counted from 1, but {field} is column {number}");
                    return Err(Fault::new(place, what));
                }
            },
            DeValue::String(_) => Column::Named(read(item)?),
            other => {
                let what =
                    format!("a column is a name or a number, but this is of type {}", other.type_str());
                return Err(Fault::new(place, what).help(format!("write {field} = \"…\"")));
            }
        };
        columns.set(field, column);
    }
    section.finish()?;
    for needed in ["time", "key"] {
        if !columns.declared().any(|(field, _)| field == needed) {
            return Err(Fault::new(span, format!("columns does not say which one holds the {needed}"))
                .rule("a request is at least a time and a key")
                .help(format!("write {needed} = \"…\", with the name in the header or the number from 1")));
        }
    }
    Ok(columns)
}

/// One of `words`, the names of the values of `T`.
fn word<T: for<'de> Deserialize<'de>>(
    section: &mut Section<'_>,
    key: &'static str,
    words: &'static [&'static str],
) -> Result<Option<T>, Fault> {
    section.take(key).map(|item| word_of(item, key, words)).transpose()
}

fn word_of<T: for<'de> Deserialize<'de>>(item: Item<'_>, key: &str, words: &[&str]) -> Result<T, Fault> {
    if let DeValue::String(text) = item.get_ref()
        && !words.contains(&text.as_ref())
    {
        let fault = Fault::new(item.span(), format!("no {key} is called \"{text}\""))
            .rule(format!("there are: {}", one_of(words.iter().copied())));
        return Err(match nearest(text, words.iter().copied()) {
            Some(meant) => fault.help(format!("did you mean \"{meant}\"?")),
            None => fault,
        });
    }
    read(item)
}

/// `"none"`, `"even"`, `"uniform"`; `true` is the default and `false` is none.
fn spread(item: Item<'_>) -> Result<Spread, Fault> {
    match item.get_ref() {
        DeValue::Boolean(true) => Ok(Spread::default()),
        DeValue::Boolean(false) => Ok(Spread::None),
        _ => word_of(item, "spread", &["none", "even", "uniform"]),
    }
}

/// `"drop"`, `"keep"`, `"sorted"`, or the parameters to keep.
fn query(item: Item<'_>) -> Result<Query, Fault> {
    if matches!(item.get_ref(), DeValue::Array(_)) {
        return Ok(Query::Only(read(item)?));
    }
    match word_of::<String>(item, "query", &["drop", "keep", "sorted"])?.as_str() {
        "keep" => Ok(Query::Keep),
        "sorted" => Ok(Query::Sorted),
        _ => Ok(Query::Drop),
    }
}

fn delimiter(section: &mut Section<'_>) -> Result<Option<u8>, Fault> {
    let Some(text) = section.located::<String>("delimiter")? else { return Ok(None) };
    match text.get_ref().as_bytes() {
        [byte] if !matches!(byte, b'"' | b'\n' | b'\r') => Ok(Some(*byte)),
        _ => Err(Fault::new(
            text.span(),
            "a delimiter is one ASCII character other than a quote or a line end",
        )
        .help("write delimiter = \";\"")),
    }
}

fn quote(section: &mut Section<'_>) -> Result<Option<Quote>, Fault> {
    let Some(text) = section.located::<String>("quote")? else { return Ok(None) };
    match text.get_ref().as_bytes() {
        b"none" => Ok(Some(Quote::Nothing)),
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(Some(Quote::By(*byte))),
        _ => {
            Err(Fault::new(text.span(), "a quote is one ASCII character other than a line end, or \"none\"")
                .help("write quote = \"'\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::format::TimeUnit;

    fn parse(text: &str) -> Result<(Recorded, Vec<String>), Fault> {
        let mut scenario = Section::parse(text)?;
        let mut section = scenario.section("trace")?.unwrap();
        let (recorded, rest) = recorded(&mut section)?;
        section.finish()?;
        let names = rest
            .into_iter()
            .map(|(name, mut class)| {
                let _ = class.take("changes");
                class.finish().map(|()| name)
            })
            .collect::<Result<_, _>>()?;
        Ok((recorded, names))
    }

    #[test]
    fn what_is_written_is_read_and_the_rest_is_the_default() {
        let (recorded, classes) = parse(
            r#"[trace]
            path = "access.csv.xz"
            format = "csv"
            spread = false
            columns = { time = "ts", key = 2 }
            time_unit = "ms"
            query = ["w", "h"]
            [[trace.class]]
            name = "thumbnail"
            prefix = "/thumbs/"
            extensions = [".png"]
            changes = { model = "never" }
            [[trace.class]]
            name = "original"
            min_size = "1MiB""#,
        )
        .unwrap();
        let options = &recorded.options;
        assert_eq!(recorded.path.as_ref().unwrap().get_ref(), "access.csv.xz");
        assert_eq!(options.format.as_ref().unwrap().name(), "csv");
        assert_eq!((options.spread, options.declared.time_unit), (Spread::None, Some(TimeUnit::Ms)));
        assert_eq!(options.query, Some(Query::Only(vec!["w".to_owned(), "h".to_owned()])));
        assert_eq!(
            (options.methods.as_slice(), options.status.as_slice()),
            (&["GET".to_owned()][..], &[200, 206, 304][..])
        );
        assert_eq!(classes, ["thumbnail", "original"]);
        assert_eq!(options.classes[0].extensions, ["png"]);
    }

    #[test]
    fn the_effective_form_reads_back_as_the_same() {
        for text in [
            "[trace]\npath = \"a.log\"\nformat = \"combined\"",
            "[trace]\npath = \"a.log\"\nspread = \"even\"\nextensions = []\nquery = \"sorted\"",
            "[trace]\nformat = \"tsv\"\ncolumns = { time = 1, key = \"k\" }\ndelimiter = \";\"\nquote = \"'\"\n\
             [[trace.class]]\nname = \"a\"\nsuffix = \"x\"\nmax_size = \"1KiB\"",
            "[trace]\nformat = { format = \"lirs\", rate = \"5/s\" }\nset = \"ignore\"\ndelete = \"ignore\"\nkey_case = \"lower\"\n\
             percent = \"keep\"\nmax_expansion = 9\nquery = [\"w\"]\n[[trace.class]]\nname = \"a\"\nglob = \"/a/**\"\n\
             regex = \"x+\"\nquery = [\"w <= 200\", \"h > 1\"]",
        ] {
            let once = effective(&parse(text).unwrap().0);
            let mut scenario = toml::Table::new();
            scenario.insert("trace".to_owned(), once.clone().into());
            let again = effective(&parse(&toml::to_string(&scenario).unwrap()).unwrap().0);
            assert_eq!(once, again, "{text}");
        }
    }

    #[test]
    fn the_effective_form_tells_of_keys_what_holds() {
        let shown = |text: &str| {
            let table = effective(&parse(text).unwrap().0);
            ["query", "key_host", "percent"].map(|key| table.get(key).map(ToString::to_string))
        };
        let none = [None, None, None];
        assert_eq!(shown("[trace]\nformat = \"csv\""), none);
        // Which defaults hold depends on the guess.
        assert_eq!(shown("[trace]\npath = \"a\""), none);
        let written = ["\"keep\"", "false", "\"normalize\""].map(|value| Some(value.to_owned()));
        let text = "[trace]\nformat = \"csv\"\nquery = \"keep\"\nkey_host = false\npercent = \"normalize\"";
        assert_eq!(shown(text), written);
        let of_logs = ["\"drop\"", "false", "\"normalize\""].map(|value| Some(value.to_owned()));
        assert_eq!(shown("[trace]\nformat = \"clf\""), of_logs);
    }

    #[test]
    fn a_mistake_is_reported_at_its_place() {
        for (line, part, at) in [
            ("format = \"clff\"", "no trace format is called \"clff\"", "\"clff\""),
            ("spread = \"evn\"", "no spread is called \"evn\"", "\"evn\""),
            ("time_unit = \"min\"", "no time_unit is called \"min\"", "\"min\""),
            ("columns = { time = \"ts\" }", "which one holds the key", "{ time = \"ts\" }"),
            ("columns = { time = 0, key = 1 }", "counted from 1", "0"),
            ("columns = { tme = \"ts\" }", "columns has no \"tme\"", "tme"),
            ("delimiter = \";;\"", "one ASCII character", "\";;\""),
            ("max_bad = 1.5", "not a fraction", "1.5"),
            ("exts = []", "has no \"exts\"", "exts"),
            ("format = \"clf\"\ntime_unit = \"s\"", "has no time_unit to declare", "\"clf\""),
            ("format = \"lirs\"\ntime_unit = \"s\"", "has no time_unit to declare", "\"lirs\""),
            ("set = \"delete\"", "no set is called", "\"delete\""),
            ("max_expansion = 0", "must lie between 1", "0"),
            ("[[trace.class]]\nname = \"a\"\nregex = \"(\"", "unclosed group", "\"(\""),
            ("[[trace.class]]\nname = \"a\"\nglob = \"a[\"", "cannot be read", "\"a[\""),
            ("[[trace.class]]\nname = \"a\"\nquery = \"w\"", "is no condition", "\"w\""),
            ("[[trace.class]]\nprefix = \"/\"", "needs \"name\"", "[[trace.class]]"),
        ] {
            let text = format!("[trace]\n{line}");
            let fault = parse(&text).unwrap_err();
            assert!(fault.what.contains(part), "{line}: {}", fault.what);
            assert_eq!(&text[fault.span], at, "{line}");
        }
    }
}
