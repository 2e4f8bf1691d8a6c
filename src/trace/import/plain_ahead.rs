//! Plain rows, taken out of their text by one thread while another makes a trace of them.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::collect::Collector;
use crate::trace::TraceError;
use crate::trace::format::{Plain, RecordReader};

/// After so many plain rows in turn, more are expected: enough to be worth a thread.
pub(super) const WORTH_A_THREAD: usize = 8_192;

/// Blocks on their way at most.
const BLOCKS: usize = 4;

/// Rows of a block, and the line of the first.
type Block = (u64, Vec<Plain>);

/// Gives `collector` plain rows as long as they come, which a thread of its own has the reader find. The reader comes back
/// where it was asked for plain rows and found none: its [next row](RecordReader::next_row) is something else.
pub(super) fn collect<'r>(
    mut reader: Box<dyn RecordReader + 'r>,
    collector: &mut Collector,
) -> Result<Box<dyn RecordReader + 'r>, TraceError> {
    let (fill, full) = channel::<Block>();
    let (empty, refill) = channel();
    (0..BLOCKS).for_each(|_| empty.send(Vec::new()).expect("this thread holds the other end"));
    std::thread::scope(|scope| {
        let finder = scope.spawn(move || {
            while let Ok(mut block) = refill.recv() {
                let line = reader.plain(&mut block);
                // Where nobody receives any more, the trace is refused already.
                if block.is_empty() || fill.send((line, block)).is_err() {
                    break;
                }
            }
            reader
        });
        let taken = take(full, &empty, collector);
        drop(empty);
        let reader = finder.join().unwrap_or_else(|panic| resume_unwind(panic));
        taken.map(|()| reader)
    })
}

/// Takes blocks until there are no more, and gives each back to be filled again.
fn take(
    full: Receiver<Block>,
    empty: &Sender<Vec<Plain>>,
    collector: &mut Collector,
) -> Result<(), TraceError> {
    for (line, block) in full {
        collector.take_plain(line, &block)?;
        // Where the other thread has ended it needs no block.
        let _ = empty.send(block);
    }
    Ok(())
}
