//! How much memory this machine has left.

use std::fs::read_to_string;

/// Bytes that a program may still take: what Linux calls available, or what is left of a container's
/// limit where that is less. `None` where the system does not tell.
pub(super) fn available() -> Option<u64> {
    let machine = read_to_string("/proc/meminfo").ok().and_then(|text| of_meminfo(&text));
    let number =
        |name: &str| read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<u64>().ok();
    let container = number("memory.max").map(|max| max.saturating_sub(number("memory.current").unwrap_or(0)));
    machine.into_iter().chain(container).min()
}

fn of_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read() {
        let text = "MemTotal:       24000000 kB\nMemFree:  1 kB\nMemAvailable:   15000000 kB\n";
        assert_eq!(of_meminfo(text), Some(15_000_000 * 1024));
        assert_eq!(of_meminfo("MemTotal: 1 kB\n"), None);
    }
}
