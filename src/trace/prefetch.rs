//! Asks for memory ahead: the processor for what will be read soon, because the trace is known ahead
//! and so is what each coming request will look up; the system for large pages under columns that
//! are read in any order, because every read of another small page must be translated first.
//!
//! The one module that may be `unsafe`. `benches/engine.rs` has a row that does not ask ahead, to show what that is worth;
//! `docs/performance.md` tells what was seen, also when large pages and the second step of asking ahead were added.

/// How many requests ahead of the current one memory is asked for: far enough for it to arrive,
/// near enough for it to be still there.
pub const AHEAD: usize = 24;

/// How many requests ahead memory is asked for whose address stands in what was asked for before.
pub const NEAR: usize = 8;

/// Asks for the cache line of `column[index]`; nothing happens beyond the end.
#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "prefetching has no safe form; a hint cannot fault, and the address is that of an element"
)]
#[inline]
pub fn prefetch<T>(column: &[T], index: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    if let Some(element) = column.get(index) {
        // SAFETY: the address is that of a live element, and a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) };
    }
}

/// Asks for the cache line of `column[index]`; on this processor, it does nothing.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub fn prefetch<T>(_: &[T], _: usize) {}

/// An empty column with room for `length` elements, on large pages where it is long and the system
/// gives them to whoever asks (`madvise` in Linux's `transparent_hugepage/enabled`).
pub fn on_large_pages<T>(length: usize) -> Vec<T> {
    let mut column = Vec::with_capacity(length);
    advise(column.spare_capacity_mut());
    column
}

/// Asks for large pages under those parts of `room` that fill whole ones.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the advice has no safe form; it changes no content")]
fn advise<T>(room: &mut [std::mem::MaybeUninit<T>]) {
    const LARGE: usize = 2 << 20;
    let begin = room.as_mut_ptr().cast::<u8>();
    let skip = begin.align_offset(LARGE);
    let whole = size_of_val(room).saturating_sub(skip) / LARGE * LARGE;
    if whole > 0 {
        // SAFETY: the stretch begins on a page and lies in `room`; the advice changes which pages
        // the system takes, never what is on them. If it is refused, small pages serve as well.
        unsafe { libc::madvise(begin.add(skip).cast(), whole, libc::MADV_HUGEPAGE) };
    }
}

/// Asks for large pages; on this system, it does nothing.
#[cfg(not(target_os = "linux"))]
fn advise<T>(_: &mut [std::mem::MaybeUninit<T>]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_room_for_what_it_was_made_for() {
        for length in [0, 1, 3_000_000] {
            let mut column = on_large_pages::<u64>(length);
            let before = column.capacity();
            column.extend(0..length as u64);
            assert!(before >= length);
            assert!(column.into_iter().eq(0..length as u64));
        }
    }
}
