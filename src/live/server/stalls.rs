//! What a server's own latency monitor saw during a run: forks, cycles of expiry and eviction, slow commands.

use redis::Value;

use super::super::link::{Link, Node};

/// Something that held a server up.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stall {
    /// By Redis's name: `fork`, `expire-cycle`, `eviction-cycle`, `command` ...
    event: String,
    /// How long the worst one took, in milliseconds.
    worst_ms: u64,
}

/// Asks every server once, after a run that began at this time of its clock; a sentence where something held one of them up. The
/// monitor is off unless somebody set `latency-monitor-threshold`, and who must not ask learns nothing.
pub(in crate::live) async fn stalls(link: &Link, nodes: &[Node], began_us: u64) -> Option<String> {
    // What it notes has the second in which it happened; without a clock nothing tells whether that was in the run.
    let began_s = Some(began_us / 1_000_000).filter(|second| *second > 0)?;
    let mut all: Vec<Stall> = Vec::new();
    for node in nodes {
        let threshold = link.config(node, "latency-monitor-threshold").await.ok().flatten();
        if threshold.and_then(|threshold| threshold.parse::<u64>().ok()).is_none_or(|millis| millis == 0) {
            continue;
        }
        let Ok(latest) = link.latency(node, &["LATEST"]).await else { continue };
        for event in since(&latest, began_s) {
            // The latest answer tells of the worst since ever, and the history what each was.
            let Ok(history) = link.latency(node, &["HISTORY", &event]).await else { continue };
            note(&mut all, event, worst_since(&history, began_s));
        }
    }
    told(&all)
}

/// Names of the events that happened from that second on, of `[name, second of the latest, ...]` each.
fn since(latest: &Value, began_s: u64) -> Vec<String> {
    let events = rows(latest).into_iter().filter_map(|row| match row {
        [name, Value::Int(second), ..] if u64::try_from(*second).is_ok_and(|second| second >= began_s) => {
            text(name)
        }
        _ => None,
    });
    events.collect()
}

/// The worst from that second on, of `[second, milliseconds]` each.
fn worst_since(history: &Value, began_s: u64) -> Option<u64> {
    let during = rows(history).into_iter().filter_map(|row| match row {
        [Value::Int(second), Value::Int(millis), ..] => {
            Some((u64::try_from(*second).ok()?, u64::try_from(*millis).ok()?))
        }
        _ => None,
    });
    during.filter(|(second, _)| *second >= began_s).map(|(_, millis)| millis).max()
}

fn rows(answer: &Value) -> Vec<&[Value]> {
    let Value::Array(rows) = answer else { return Vec::new() };
    let rows =
        rows.iter().filter_map(|row| if let Value::Array(row) = row { Some(row.as_slice()) } else { None });
    rows.collect()
}

fn text(name: &Value) -> Option<String> {
    match name {
        Value::BulkString(name) => Some(String::from_utf8_lossy(name).into_owned()),
        Value::SimpleString(name) => Some(name.clone()),
        _ => None,
    }
}

/// Notes an event of one server among those of all.
fn note(all: &mut Vec<Stall>, event: String, worst_ms: Option<u64>) {
    let Some(worst_ms) = worst_ms else { return };
    match all.iter_mut().find(|stall| stall.event == event) {
        Some(stall) => stall.worst_ms = stall.worst_ms.max(worst_ms),
        None => all.push(Stall { event, worst_ms }),
    }
}

/// The worst first.
fn told(all: &[Stall]) -> Option<String> {
    let mut all: Vec<&Stall> = all.iter().collect();
    all.sort_by_key(|stall| (std::cmp::Reverse(stall.worst_ms), &stall.event));
    let each: Vec<String> =
        all.iter().map(|Stall { event, worst_ms }| format!("{event} for up to {worst_ms} ms")).collect();
    (!each.is_empty()).then(|| {
        format!(
            "during the run the server itself was held up, as its latency monitor saw (LATENCY LATEST): {}; who asked it meanwhile waited",
            each.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(name: &str) -> Value {
        Value::BulkString(name.as_bytes().to_vec())
    }

    #[test]
    fn events_of_the_run_are_told_with_their_worst_and_older_ones_are_not() {
        let row = |name: &str, second, latest, worst| {
            Value::Array(vec![bulk(name), Value::Int(second), Value::Int(latest), Value::Int(worst)])
        };
        // A newer server tells two figures more.
        let newer =
            Value::Array(vec![bulk("fork"), Value::Int(101), Value::Int(3), Value::Int(900), Value::Int(1)]);
        let latest = Value::Array(vec![
            row("command", 100, 12, 500),
            row("expire-cycle", 99, 80, 80),
            newer,
            Value::Nil,
        ]);
        assert_eq!(since(&latest, 100), ["command", "fork"]);
        let point = |second, millis| Value::Array(vec![Value::Int(second), Value::Int(millis)]);
        let history = Value::Array(vec![point(98, 500), point(100, 40), point(103, 12)]);
        assert_eq!((worst_since(&history, 100), worst_since(&history, 104)), (Some(40), None));
        let mut all = Vec::new();
        note(&mut all, "fork".to_owned(), Some(3));
        note(&mut all, "command".to_owned(), Some(40));
        note(&mut all, "fork".to_owned(), Some(2));
        note(&mut all, "expire-cycle".to_owned(), None);
        let told = told(&all).unwrap();
        assert!(told.contains(": command for up to 40 ms, fork for up to 3 ms; who"), "{told}");
        assert_eq!(super::told(&[]), None);
        assert!(since(&Value::Nil, 0).is_empty());
    }
}
