//! How long the server of a live run itself worked on reads and writes.

use super::{Table, Td, note_the_others, told_of};
use crate::report::measure::Unit;
use crate::report::reading::Reading;

/// What a phone shows below a cell's name: all of it.
const BELOW: [&str; 8] = [
    "memory limit",
    "a GET, mean",
    "a SET, mean",
    "99 of 100 GETs since its start",
    "slowest from",
    "until",
    "a GET then",
    "a SET then",
];

/// The server's own part in the waits of every cell; `None` where no server told it.
pub(in crate::report::html) fn server_work(reading: &Reading) -> Option<Table> {
    let columns = [
        "strategy",
        "memory limit#",
        "a GET, mean#/server_work/get_mean_ms",
        "a SET, mean#/server_work/set_mean_ms",
        "99 of 100 GETs since its start#/server_work/get_p99_ms",
        "slowest from#/server_work/slowest/from_s",
        "until#/server_work/slowest/until_s",
        "a GET then#/server_work/slowest/get_mean_ms",
        "a SET then#/server_work/slowest/set_mean_ms",
    ];
    reading.record.cells.iter().find(|cell| cell.server_work.is_some())?;
    let mut table = Table::new("work-table", "How long the server itself worked", &columns);
    table.stacked = &BELOW;
    let told = told_of(reading);
    table.each(reading, told.iter().copied(), |cell| {
        let work = cell.server_work.as_ref();
        let slowest = work.and_then(|work| work.slowest);
        let why = |otherwise| if work.is_some() { otherwise } else { "the server did not tell it" };
        let once = why("it was asked only once in the scored part");
        vec![
            Td::number(work.and_then(|work| work.get_mean_ms), Unit::Millis).or(why("nothing was read")),
            Td::number(work.and_then(|work| work.set_mean_ms), Unit::Millis).or(why("nothing was written")),
            Td::number(work.and_then(|work| work.get_p99_ms), Unit::Millis)
                .or(why("the server keeps no histograms")),
            Td::number(slowest.map(|slowest| slowest.from_s), Unit::Seconds).or(once),
            Td::number(slowest.map(|slowest| slowest.until_s), Unit::Seconds).or(once),
            Td::number(slowest.map(|slowest| slowest.get_mean_ms), Unit::Millis).or(once),
            Td::number(slowest.and_then(|slowest| slowest.set_mean_ms), Unit::Millis).or(match slowest {
                Some(_) => "nothing was written then",
                None => once,
            }),
        ]
    });
    note_the_others(reading, &told, &mut table);
    table.notes.push(
        "By its INFO, in real time, without waits and the network: means over the scored part, and over the stretch between two \
         questions in which GETs took longest. Where waits grew and this did not, the commands were not what was slow: \
         it was the client, the network, or something else that the server did, such as a fork or a cycle of expiry."
            .into(),
    );
    Some(table)
}
