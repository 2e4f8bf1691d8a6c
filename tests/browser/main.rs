//! The report in a real browser, without a window: it loads from a disk without asking for anything, works by keyboard,
//! on a phone, without scripts, in both themes, and passes an accessibility check.
//!
//! Needs Chromium (Debian: `chromium`); without it tests say so and are skipped, and fail under `CI=true`. The
//! accessibility check needs axe-core from npm, whose file `TTLAB_AXE` names.

mod cdp;
mod labels;
mod pages;

use std::path::{Path, PathBuf};

use cdp::Browser;
use pages::Pages;
use serde_json::{Value, json};

const TAB: u32 = 9;
const RIGHT: u32 = 39;

/// The pages of the committed reports, which are larger than those that are made here.
fn committed() -> Vec<PathBuf> {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports");
    let folders = std::fs::read_dir(&reports).expect("the folder of reports can be listed");
    let pages = folders.map(|folder| folder.expect("it can be listed").path().join("index.html"));
    let mut pages: Vec<PathBuf> = pages.filter(|page| page.is_file()).collect();
    pages.sort();
    assert!(pages.len() > 1, "{}: {pages:?}", reports.display());
    pages
}

#[test]
fn it_loads_from_a_disk_without_a_message_or_a_request() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    for scripts in [true, false] {
        browser.scripts(scripts);
        for (media, scheme) in [("screen", "light"), ("screen", "dark"), ("print", "light")] {
            browser.show_as(media, scheme);
            browser.open(&pages.index(), "");
            let complaints = browser.complaints();
            assert!(complaints.is_empty(), "{media}, {scheme}, scripts {scripts}: {complaints:?}");
            let asked = browser.requests();
            assert_eq!(asked.len(), 1, "only the page itself: {asked:?}");
        }
    }
}

#[test]
fn tables_sort_filter_and_give_what_is_shown() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&pages.index(), "");
    let column = "[...document.querySelectorAll('#ranking tbody tr:not([hidden])')].map(row => Number(row.cells[5].querySelector('data').value))";
    let values = |browser: &mut Browser| -> Vec<f64> {
        let told = browser.ask(column);
        told.as_array().expect("a list").iter().filter_map(Value::as_f64).collect()
    };
    let mut expected = values(&mut browser);
    assert_eq!(expected.len(), 9);
    expected.sort_by(f64::total_cmp);
    browser.ask("document.querySelector('#ranking thead th:nth-child(6) button').click()");
    assert_eq!(values(&mut browser), expected, "ascending");
    let told =
        browser.ask("document.querySelector('#ranking thead th:nth-child(6)').getAttribute('aria-sort')");
    assert_eq!(told, json!("ascending"));
    browser.ask("document.querySelector('#ranking thead th:nth-child(6) button').click()");
    expected.reverse();
    assert_eq!(values(&mut browser), expected, "descending");
    browser.ask(
        "(() => { const input = document.querySelector('#summary input[type=search]'); input.value = 'TODAY'; \
         input.dispatchEvent(new Event('input')); })()",
    );
    assert_eq!(values(&mut browser).len(), 3);
    let csv = browser.ask("csvOf(document.getElementById('ranking'))");
    let csv = csv.as_str().expect("text").trim().to_owned();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(csv.lines().skip(1).all(|line| line.starts_with("today,")), "{csv}");
}

#[test]
fn the_theme_switches_with_and_without_scripts() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    for scripts in [true, false] {
        browser.scripts(scripts);
        browser.show_as("screen", "light");
        browser.open(&pages.index(), "");
        let shown = "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector('#pareto svg text')).fill";
        let light = browser.ask(shown);
        browser.ask("document.getElementById('t-dark').click()");
        let dark = browser.ask(shown);
        assert_ne!(light, dark, "scripts {scripts}");
        browser.ask("document.getElementById('t-light').click()");
        browser.show_as("screen", "dark");
        assert_eq!(browser.ask(shown), light, "what is chosen outweighs the system");
    }
}

#[test]
fn the_keyboard_reaches_everything_and_shows_where_it_is() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    browser.resize(1280, 900);
    browser.open(&pages.index(), "");
    let wanted = browser.ask(
        "(() => { window.all = [...document.querySelectorAll('a[href], button, input, summary, [tabindex=\"0\"]')] \
         .filter(e => !e.disabled && e.checkVisibility() && !(e.type === 'radio' && !e.checked)); \
         window.seen = new Set(); window.unseen = []; return all.length; })()",
    );
    let wanted = wanted.as_u64().expect("a count");
    assert!(wanted > 60, "{wanted}");
    for _ in 0..wanted + 20 {
        browser.press("Tab", TAB);
        let done = browser.ask(
            "(() => { const e = document.activeElement; if (e !== document.body) { seen.add(e); \
             if (getComputedStyle(e).outlineStyle === 'none') unseen.push(e.outerHTML.slice(0, 80)); } \
             return all.every(e => seen.has(e)); })()",
        );
        if done == json!(true) {
            break;
        }
    }
    let missed = browser.ask("all.filter(e => !seen.has(e)).map(e => e.outerHTML.slice(0, 100))");
    assert_eq!(missed, json!([]), "not reached");
    let unseen = browser.ask("unseen");
    assert_eq!(unseen, json!([]), "focus cannot be seen");
}

#[test]
fn the_cursor_tells_exact_values_by_keyboard_and_series_can_be_hidden() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&pages.index(), "");
    browser.ask("document.querySelector('#series-figure input[type=range]').focus()");
    for _ in 0..100 {
        browser.press("ArrowRight", RIGHT);
    }
    let told = browser.ask("document.querySelector('#series-figure .readout').innerText");
    let told = told.as_str().expect("text").to_owned();
    let place = 100;
    let winner = pages.record.scoring.winner.expect("a cell is recommended");
    let limit = pages.record.cells[winner].capacity;
    let today = pages.record.cells.iter().find(|cell| cell.strategy == "today" && cell.capacity == limit);
    let series = &today.expect("it was played").series;
    assert!(series.requests.len() < 240, "a column is a bucket");
    let memory = series.live_bytes[place];
    for (panel, start, expected) in [
        ("fresh hits", "today ", 100.0 * series.fresh_hit[place] / series.requests[place]),
        ("memory of live", "(", memory),
        ("memory of live", "with expired entries ", memory + series.expired_bytes[place]),
        ("origin fetches per second", "today ", series.fetches[place] / series.bucket_s),
        ("origin fetches per second", "busiest second ", series.peak_fetch_rate[place] as f64),
    ] {
        let words = told.lines().find(|line| line.starts_with(panel)).unwrap_or_else(|| panic!("{told}"));
        let words = &words[words.find("today ").expect("its name")..];
        let words = &words[words.find(start).expect("what it tells") + start.len()..];
        // Of memory the bytes are told behind the rounded size.
        let words = if start.starts_with("with") {
            words.split_once('(').map_or(words, |(_, rest)| rest)
        } else {
            words
        };
        let digits: String =
            words.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
        let shown: f64 = digits.trim_end_matches(',').replace(',', "").parse().unwrap_or(f64::NAN);
        assert!((shown - expected).abs() <= expected * 6e-9, "{panel}: {shown}, not {expected}, in {told}");
    }
    // It stands in every panel.
    let moved = browser.ask(
        "document.querySelectorAll('#series-figure line.cursor[visibility=visible]').length === \
         document.querySelectorAll('#series-figure .frame').length",
    );
    assert_eq!(moved, json!(true));
    let hidden = "document.querySelectorAll('#series-figure [data-k].off').length";
    assert_eq!(browser.ask(hidden), json!(0));
    browser.ask("document.querySelector('#series-figure .series input').click()");
    assert!(browser.ask(hidden).as_u64().is_some_and(|count| count > 1));
    let address = browser.ask("location.hash");
    assert!(address.as_str().is_some_and(|hash| hash.starts_with("#series-figure?hide=")), "{address}");
    let address = address.as_str().expect("text").to_owned();
    browser.open(&pages.index(), &address);
    assert!(browser.ask(hidden).as_u64().is_some_and(|count| count > 1), "the link shows the same");
}

#[test]
fn a_series_is_hidden_in_every_chart_over_time() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&pages.index(), "#series-figure?hide=today");
    let hidden = |figure: &str| {
        format!("document.querySelectorAll('#{figure}-figure [data-k=\"today\"][data-v].off').length")
    };
    for figure in ["series", "stampedes"] {
        let count = browser.ask(&hidden(figure));
        assert!(count.as_u64().is_some_and(|count| count > 0), "{figure}: the baseline is still there");
    }
}

#[test]
fn an_address_that_is_none_shows_the_page_as_it_is() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    let shown = "[document.querySelectorAll('figure .controls').length, \
                 document.querySelectorAll('table.sortable th button').length, document.querySelectorAll('.off').length]";
    browser.open(&pages.index(), "");
    let whole = browser.ask(shown);
    assert!(whole[0].as_u64().is_some_and(|count| count > 5) && whole[2] == json!(0), "{whole}");
    for address in ["#%", "#series-figure?hide=%", "#series-figure?hide=nobody,%E0%A4%A", "#no-such-place"] {
        browser.open(&pages.index(), address);
        assert_eq!(browser.ask(shown), whole, "{address}");
        let complaints = browser.complaints();
        assert!(complaints.is_empty(), "{address}: {complaints:?}");
    }
}

#[test]
fn what_is_to_be_written_elsewhere_can_be_copied() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    let buttons = "[...document.querySelectorAll('button.copy')].map(b => b.getAttribute('aria-label'))";
    browser.open(&pages.index(), "#effective");
    let names = browser.ask(buttons);
    let names: Vec<&str> = names.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let [settings, effective] = names.as_slice() else { panic!("{names:?}") };
    assert!(settings.starts_with("Copy: Settings of "), "{settings}");
    assert!(effective.starts_with("Copy: Effective scenario"), "{effective}");
    // What the clipboard would hold; whether it may be written to is for the browser to say.
    let copied = browser.ask(
        "new Promise(done => { navigator.clipboard.writeText = text => { done(text); return Promise.resolve(); }; \
         document.querySelector('#effective button.copy').click(); })",
    );
    assert_eq!(copied, browser.ask("document.querySelector('#effective pre').textContent"));
    assert_eq!(browser.ask("document.querySelector('#effective output').textContent"), json!("Copied."));
    // No button that does nothing: without a clipboard, and without scripts.
    let none = json!({"source": "Object.defineProperty(navigator, 'clipboard', { value: undefined })"});
    let added = browser.call("Page.addScriptToEvaluateOnNewDocument", &none);
    browser.open(&pages.index(), "");
    assert_eq!(browser.ask(buttons), json!([]));
    assert!(browser.complaints().is_empty());
    browser.call("Page.removeScriptToEvaluateOnNewDocument", &added);
    browser.scripts(false);
    browser.open(&pages.index(), "");
    assert_eq!(browser.ask(buttons), json!([]));
}

#[test]
fn without_scripts_all_numbers_and_charts_are_there() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    let count = "[document.querySelectorAll('data').length, document.querySelectorAll('figure svg').length, \
                 document.querySelectorAll('figure svg text').length, document.querySelectorAll('main p').length]";
    browser.open(&pages.index(), "");
    browser.ask("document.querySelectorAll('.controls, .readout').forEach(e => e.remove())");
    let with = browser.ask(count);
    browser.scripts(false);
    browser.open(&pages.index(), "");
    assert_eq!(browser.ask(count), with);
    assert_eq!(
        browser.ask("document.querySelectorAll('button').length"),
        json!(0),
        "no button that does nothing"
    );
    let visible = browser.ask(
        "[...document.querySelectorAll('figure svg')].every(svg => svg.getBoundingClientRect().height > 50)",
    );
    assert_eq!(visible, json!(true));
}

#[test]
fn nothing_is_wider_than_the_window_and_no_text_is_smaller_than_it_can_be_read() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    let comparison = pages.folder().join("compare.html");
    let html = ttlab::report::Comparison::of(&pages.record, &pages.record).html();
    std::fs::write(&comparison, html).expect("a file can be written");
    let others = pages::others().iter().map(|other| other.page.clone());
    for page in [pages.index(), comparison].into_iter().chain(others) {
        for width in [360, 768, 1280] {
            browser.resize(width, 740);
            browser.open(&page, "");
            let wide = browser.ask("document.documentElement.scrollWidth");
            let name = page.display();
            assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{name}: {wide} at {width}");
            let small = browser.ask(
                "[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() && \
                 [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) \
                 .map(e => [parseFloat(getComputedStyle(e).fontSize) * (e.ownerSVGElement ? e.getScreenCTM().a : 1), e.outerHTML.slice(0, 80)]) \
                 .filter(([size]) => size < 11.95)",
            );
            assert_eq!(small, json!([]), "{name} at {width}");
        }
    }
}

#[test]
fn on_a_phone_rows_keep_their_names_and_prose_its_ends() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    browser.resize(360, 740);
    browser.open(&pages.index(), "");
    let lost = browser.ask(
        "(() => { const lost = []; for (const table of document.querySelectorAll('.scroll > table:not(.stacked)')) { \
         const box = table.parentElement, name = table.querySelector('tbody th'); \
         if (!name || !name.checkVisibility() || box.scrollWidth <= box.clientWidth) continue; \
         box.scrollLeft = 10000; const [a, b] = [box, name].map(e => e.getBoundingClientRect()); \
         if (Math.abs(a.left - b.left) > 1 || b.width > 0.5 * a.width) lost.push([table.id, a.left, b.left, b.width]); } \
         return lost; })()",
    );
    assert_eq!(lost, json!([]));
    let scrolled = browser.ask(
        "[...document.querySelectorAll('.scroll > table:not(.stacked)')] \
         .filter(table => table.parentElement.scrollLeft > 0).map(table => table.id)",
    );
    assert!(scrolled.as_array().is_some_and(|tables| tables.len() > 1), "{scrolled}");
    let cut = browser.ask(
        "(() => { document.querySelectorAll('details').forEach(closed => closed.open = true); \
         const box = document.getElementById('provenance-table').parentElement; return box.scrollWidth - box.clientWidth; })()",
    );
    assert_eq!(cut, json!(0), "the provenance is prose, and is read without scrolling");
}

#[test]
fn on_paper_no_table_is_wider_than_the_sheet() {
    let pages = Pages::fifty();
    let Some(mut browser) = Browser::start() else { return };
    browser.show_as("print", "light");
    // A sheet of A4 between margins of a centimetre.
    browser.resize(718, 1000);
    for page in [Pages::small().index(), pages.index()] {
        browser.open(&page, "");
        let wide = browser.ask(
            "[...document.querySelectorAll('.scroll > table')].filter(table => table.getBoundingClientRect().right > innerWidth + 1) \
             .map(table => [table.id, table.getBoundingClientRect().right])",
        );
        assert_eq!(wide, json!([]), "{}", page.display());
    }
}

#[test]
fn a_link_to_something_closed_opens_it() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&pages.index(), "#effective");
    assert_eq!(browser.ask("document.getElementById('effective').open"), json!(true));
    let id = browser.ask("document.querySelector('#ranking tbody tr').id");
    let id = id.as_str().expect("text").to_owned();
    browser.open(&pages.index(), &format!("#{id}"));
    assert_eq!(browser.ask("document.querySelector('tr:target').id"), json!(id));
}

#[test]
fn fifty_cells_make_a_small_page_that_lays_out_quickly() {
    let pages = Pages::fifty();
    let Some(mut browser) = Browser::start() else { return };
    assert_eq!(pages.record.cells.len(), 50);
    let bytes = std::fs::metadata(pages.index()).expect("it was written").len();
    assert!(bytes < 1_000_000, "{bytes} bytes");
    // How long it takes depends on what else the machine does: all times are told, and the best one is judged.
    let times = [(); 5].map(|()| {
        browser.open(&pages.index(), "");
        let took = browser.ask(
            "(() => { document.body.getBoundingClientRect(); \
             const [load] = performance.getEntriesByType('navigation'); return Math.round(load.loadEventEnd); })()",
        );
        took.as_u64().expect("milliseconds")
    });
    println!("50 cells: {bytes} bytes, loaded and laid out after {times:?} ms");
    assert!(times.iter().min().is_some_and(|best| *best < 1_000), "{times:?} ms");
    // What does not depend on it is how much there is to lay out.
    let elements = browser.ask("document.querySelectorAll('*').length").as_u64().expect("a count");
    assert!(elements < 20_000, "{elements} elements");
    assert!(browser.complaints().is_empty());
}

#[test]
fn axe_finds_no_violation() {
    let Some(mut browser) = Browser::start() else { return };
    let Some(axe) = std::env::var_os("TTLAB_AXE").map(PathBuf::from) else {
        return cdp::skipped("TTLAB_AXE does not name axe.min.js (npm install axe-core)");
    };
    let axe = std::fs::read_to_string(&axe).unwrap_or_else(|error| panic!("{}: {error}", axe.display()));
    let pages = Pages::small();
    let comparison = pages.folder().join("compare.html");
    let html = ttlab::report::Comparison::of(&pages.record, &pages.record).html();
    std::fs::write(&comparison, html).expect("a file can be written");
    let runs = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::create_dir(runs.path().join("one")).expect("a folder can be made");
    std::fs::write(runs.path().join("one/record.json"), pages.record.to_json())
        .expect("a file can be written");
    ttlab::report::write_index(runs.path()).expect("an index can be written");
    let others = pages::others().iter().map(|other| other.page.clone());
    let made = [pages.index(), comparison, runs.path().join("index.html")];
    for page in made.into_iter().chain(others).chain(committed()) {
        // A phone stacks tables and hides columns, so what is looked at there is another page.
        for (width, height) in [(1280, 900), (360, 740)] {
            browser.resize(width, height);
            for scheme in ["light", "dark"] {
                browser.show_as("screen", scheme);
                browser.open(&page, "");
                browser.ask(&format!("{axe}; 1"));
                let found = browser.ask(
                    "axe.run().then(found => found.violations.map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' ' + n.failureSummary)]))",
                );
                assert_eq!(found, json!([]), "{} in {scheme} at {width}", page.display());
            }
        }
    }
}

/// In the committed reports and in the pages of two small runs; those of every scenario are looked at where these are
/// played, in `tests/scenarios.rs`.
#[test]
fn labels_of_charts_never_overlap() {
    let Some(mut browser) = Browser::start() else { return };
    browser.resize(1280, 900);
    let mut leaders = 0;
    for page in committed().into_iter().chain([Pages::small().index(), Pages::fifty().index()]) {
        let (texts, lines) = labels::look(&mut browser, &page);
        assert!(texts > 100, "{}: {texts} texts", page.display());
        leaders += lines;
    }
    assert!(leaders > 0, "no drawing had a line to look at");
}

#[test]
fn the_check_of_labels_sees_what_is_wrong() {
    let pages = Pages::small();
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&pages.index(), "");
    assert_eq!(browser.ask(labels::FAULTS), json!([]));
    browser.ask(
        "(() => { const [a, b, c] = document.querySelectorAll('#pareto svg text'); \
         b.setAttribute('x', a.getAttribute('x')); b.setAttribute('y', a.getAttribute('y')); \
         b.setAttribute('text-anchor', a.getAttribute('text-anchor') || 'start'); c.setAttribute('x', '-40'); })()",
    );
    let told = browser.ask(labels::FAULTS);
    let told: Vec<&Value> = told.as_array().expect("a list").iter().collect();
    assert!(told.iter().any(|fault| fault[2] == "cut off"), "{told:?}");
    assert!(told.iter().any(|fault| fault[2] != "cut off"), "{told:?}");
}

/// The pages of the commands that are not `run`, each of the scenario that was written for it.
#[test]
fn labels_of_other_commands_never_overlap() {
    let Some(mut browser) = Browser::start() else { return };
    browser.resize(1280, 900);
    for other in pages::others() {
        let (texts, _) = labels::look(&mut browser, &other.page);
        // A page without charts has none of their texts: what gets charts later needs its number.
        assert!(
            texts >= other.texts && (texts > 0) == (other.texts > 0),
            "{}: {texts} texts",
            other.page.display()
        );
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{}", other.page.display());
    }
}
