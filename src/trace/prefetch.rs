//! Asks the processor for memory that will be read soon: the trace is known ahead, and so is what
//! each coming request will look up.
//!
//! The one module that may be `unsafe`; `benches/engine.rs` shows what it is worth.

/// How many requests ahead of the current one memory is asked for: far enough for it to arrive,
/// near enough for it to be still there.
pub const AHEAD: usize = 24;

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
