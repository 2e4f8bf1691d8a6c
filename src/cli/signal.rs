//! Requests to end: Ctrl-C, on Unix what `kill` sends (SIGTERM), and on Linux a terminal that is closed (SIGHUP).
//!
//! Whoever starts a program with `nohup` has SIGHUP ignored, and so it stays.

/// Calls `deal` at every such request, on a thread of its own, where it may do anything. Where that cannot be had, a
/// request ends the program as it always does.
#[cfg(unix)]
pub(super) fn each(deal: impl Fn() + Send + 'static) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let mut wanted = vec![SIGINT, SIGTERM];
    if ignored().is_some_and(|ignored| ignored & (1 << (SIGHUP - 1)) == 0) {
        wanted.push(SIGHUP);
    }
    let Ok(mut signals) = signal_hook::iterator::Signals::new(wanted) else { return };
    let wait = move || signals.forever().for_each(|_| deal());
    // Without a thread the signals would be caught and nobody would hear of them, but then no run could start either.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
}

/// The same elsewhere.
#[cfg(not(unix))]
pub(super) fn each(deal: impl Fn() + Send + 'static) {
    let _ = ctrlc::set_handler(deal);
}

/// The signals that are ignored, a bit each from the first on; `None` where the system does not tell, as Linux does.
#[cfg(unix)]
fn ignored() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}
