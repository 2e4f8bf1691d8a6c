//! A geometric check of what charts write: no text on another, none cut off, and no line to a label through another one.

use std::path::Path;

use serde_json::json;

use super::cdp::Browser;

/// What is wrong with the charts of a page: the figure, a text, and what is the matter with it.
pub(crate) const FAULTS: &str = r"
    [...document.querySelectorAll('figure svg')].flatMap(svg => {
      const found = [], of = svg.closest('figure').id, { width, height } = svg.viewBox.baseVal;
      const boxes = [...svg.querySelectorAll('text')].map(t => [t.getBBox(), t.textContent]);
      boxes.forEach(([a, name], i) => boxes.slice(i + 1).forEach(([b, other]) => {
        const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
        const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
        if (across > 1 && down > 4) found.push([of, name, other]);
      }));
      boxes.forEach(([a, name]) => {
        const inside = a.x > -1 && a.x + a.width < width + 1 && a.y > -3 && a.y + a.height < height + 3;
        if (!inside) found.push([of, name, 'cut off']);
      });
      for (const line of svg.querySelectorAll('.leader > *')) {
        for (let step = 0; step <= 100; step++) {
          const p = line.getPointAtLength(line.getTotalLength() * step / 100);
          const hit = boxes.find(([b]) => p.x > b.x + 1 && p.x < b.x + b.width - 1 && p.y > b.y + 3 && p.y < b.y + b.height - 3);
          if (hit) { found.push([of, hit[1], 'a line runs through it']); break; }
        }
      }
      return found;
    })";

/// Looks at every chart of a page. Gives how many texts there were, and how many lines that join labels to their points.
pub(crate) fn look(browser: &mut Browser, page: &Path) -> (u64, u64) {
    browser.open(page, "");
    assert_eq!(browser.ask(FAULTS), json!([]), "{}", page.display());
    let mut count = |what: &str| {
        let told = browser.ask(&format!("document.querySelectorAll('figure svg {what}').length"));
        told.as_u64().expect("a count")
    };
    (count("text"), count(".leader > *"))
}
