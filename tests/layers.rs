//! The architecture as a test: modules import upstream only, and nothing escapes the order.

#[path = "layers/paths.rs"]
mod paths;
#[path = "support/sources.rs"]
mod sources;

use std::collections::BTreeSet;

use paths::paths_from;
use sources::{Source, sources};

/// The one order of modules: data flows through them from first to last, `lib.rs` declares them so,
/// and each may import only what stands before it.
///
/// A scenario is read into the rules of judgement and of a search, so `score` and `search` stand before `scenario`.
const ORDER: [&str; 18] = [
    "units", "random", "catalog", "trace", "client", "origin", "cache", "strategy", "metrics", "engine",
    "score", "search", "scenario", "tune", "live", "record", "report", "cli",
];

fn place(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

/// What is wrong with the imports of one file.
fn downstream(source: &Source) -> Vec<String> {
    let module = source.module();
    let Some(own) = module.first() else { return Vec::new() };
    let Some(own_place) = place(own) else {
        return vec![format!("{}: module {own} has no place in the order", source.path.display())];
    };
    let heads: BTreeSet<String> =
        paths_from("crate", &source.text).into_iter().filter_map(|path| path.into_iter().next()).collect();
    let wrong = heads.iter().filter(|head| place(head).is_some_and(|at| at > own_place));
    wrong
        .map(|head| {
            format!("{}: {own} imports {head}, which stands after it in the order", source.path.display())
        })
        .collect()
}

#[test]
fn every_import_points_upstream() {
    let wrong: Vec<String> = sources().iter().flat_map(downstream).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lib_declares_every_module_in_the_order() {
    let sources = sources();
    let lib = sources.iter().find(|source| source.path.ends_with("src/lib.rs")).expect("there is a library");
    let declared: Vec<&str> = lib
        .text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub mod ").or(line.trim().strip_prefix("mod ")))
        .map(|name| name.trim_end_matches(';'))
        .collect();
    assert_eq!(declared, ORDER, "lib.rs declares its modules in the one order, all of them public");
}

#[test]
fn super_stays_inside_the_top_level_module() {
    let mut wrong = Vec::new();
    for source in sources() {
        let depth = source.module().len();
        let (code, tests) = source.text.split_once("#[cfg(test)]").unwrap_or((&source.text, ""));
        // A test module inside the file is one level deeper.
        for (text, depth) in [(code, depth), (tests, depth + 1)] {
            let climbs = paths_from("super", text).into_iter();
            let highest =
                climbs.map(|path| 1 + path.iter().take_while(|name| *name == "super").count()).max();
            if highest.is_some_and(|climbed| climbed >= depth) {
                wrong.push(format!(
                    "{}: super leaves the top-level module; write crate::…",
                    source.path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The entries of the catalog that a folder's `mod.rs` declares, by the name of their file.
fn entries(source: &Source) -> Option<BTreeSet<String>> {
    let (_, catalog) = source.text.split_once("catalog! {")?;
    let (_, lines) = catalog.split_once("tag ")?;
    let (lines, _) = lines.split_once('}')?;
    let modules = lines.split([',', ';']).filter_map(|line| line.trim().split_once("::"));
    Some(modules.map(|(module, _)| module.to_owned()).collect())
}

#[test]
fn siblings_of_an_axis_do_not_import_each_other() {
    let sources = sources();
    let mut wrong = Vec::new();
    let mut count = 0;
    for folder in sources.iter().filter(|source| source.path.ends_with("mod.rs")) {
        let axis = folder.module();
        let Some(entries) = entries(folder).filter(|_| axis != ["catalog"]) else { continue };
        count += 1;
        for source in &sources {
            let module = source.module();
            let [parents @ .., own] = module.as_slice() else { continue };
            if parents != axis || !entries.contains(own) {
                continue;
            }
            let near = paths_from("super", &source.text);
            let far = paths_from("crate", &source.text).into_iter();
            let far = far.filter_map(|path| path.strip_prefix(axis.as_slice()).map(<[String]>::to_vec));
            for path in near.into_iter().chain(far) {
                let head = path.first().filter(|head| entries.contains(*head) && *head != own);
                wrong.extend(head.map(|head| {
                    format!("{}: imports its sibling {head}; lift what both need", source.path.display())
                }));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        count >= 10,
        "only {count} folders with a catalog were found; does the test still know how to look?"
    );
}

fn paths(text: &str) -> Vec<String> {
    paths_from("crate", text).iter().map(|path| path.join("::")).collect()
}

#[test]
fn the_scanner_takes_nested_groups_apart() {
    assert_eq!(paths("use crate::units::SimTime;"), ["units::SimTime"]);
    assert_eq!(
        paths("use crate::{a, b::{c, d::{e, f as g}}, h::*};\nuse other::z;"),
        ["a", "b::c", "b::d::e", "b::d::f", "h"]
    );
    assert_eq!(paths("use crate::{\n    a::X,\n    b,\n};\nfn f() { crate::c::d() }"), ["a::X", "b", "c::d"]);
    assert_eq!(paths("crate::catalog! { x }"), ["catalog"]);
}

#[test]
fn the_scanner_reads_code_alone() {
    assert!(paths("// crate::a\n/// [`crate::b`]\npub(crate) fn f() {}").is_empty());
    assert!(paths(r##"let a = "crate::a"; let b = r#"crate::b " crate::c"#;"##).is_empty());
    assert_eq!(paths("let c = '\"'; crate::a::b(); let d = '\\''; fn f<'a>() {}"), ["a::b"]);
    assert_eq!(paths("let url = \"http://x\"; use crate::a;"), ["a"]);
}

#[test]
fn the_rules_find_what_they_forbid() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.to_owned() };
    let wrong = downstream(&source("src/cache/list.rs", "use crate::{units::X, engine::Y};"));
    assert_eq!(wrong, ["src/cache/list.rs: cache imports engine, which stands after it in the order"]);
    assert_eq!(downstream(&source("src/engine/mod.rs", "use crate::cache::X;")), Vec::<String>::new());
    assert_eq!(downstream(&source("src/attic/mod.rs", "")).len(), 1, "a module outside the order");
    let listed = entries(&source(
        "src/x/mod.rs",
        "catalog! {\n    pub static X: Catalog<dyn T, S> = \"x\", tag \"x\";\n    a::A,\n    b_c::B,\n}",
    ));
    assert_eq!(listed, Some(BTreeSet::from(["a".to_owned(), "b_c".to_owned()])));
}

/// What a strategy may know is in its own types. Of the trace it names objects and classes, of the origin the
/// versions that answers carry: neither requests to come nor what is current at the origin.
#[test]
fn strategies_know_neither_the_future_nor_the_origin() {
    let mut wrong = Vec::new();
    for source in sources() {
        let is_strategy = source.module().first().is_some_and(|module| module == "strategy");
        if !is_strategy || source.path.ends_with("fixture.rs") {
            continue;
        }
        let code = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        for path in paths_from("crate", code) {
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            let is_known = match names.as_slice() {
                ["trace", "ObjectId" | "ClassId"] | ["origin", "Version"] => true,
                // What an operator knows of earlier days: figures, made from a trace that it keeps to itself.
                ["trace", "Trace" | "Ttls"] => source.path.ends_with("src/strategy/traffic.rs"),
                ["trace" | "origin" | "engine" | "metrics" | "tune", ..] => false,
                _ => true,
            };
            if !is_known {
                wrong.push(format!(
                    "{}: a strategy cannot know crate::{}",
                    source.path.display(),
                    names.join("::")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
