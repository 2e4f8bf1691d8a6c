//! The connections of the application: their buffers count, and so does a request on its way.
//!
//! Measured on Redis 7.0.15: 17.6 KB when connected, 20 480 bytes of query buffer with the first
//! command, 2.3 KB after 12 idle seconds. Larger requests grow the buffer, and a value from 32 KiB
//! on takes it over (`networking.c:processMultibulkBuffer`, `server.c:clientsCronResizeQueryBuffer`).

use super::Settings;
use super::footprint::Build;
use crate::units::{SimDuration, SimTime};

const CONNECTED: u64 = 17_600;
const ASLEEP: u64 = 2_300;
const BUFFER: u64 = 20_480;
/// What a buffer keeps for itself.
const BUFFER_HEADER: u64 = 6;
/// By how much a full buffer must grow at least, before that is doubled.
const READ: u64 = 16_384;
/// A value from here on takes over the buffer.
const VALUE_BIG: u64 = 32_768;
/// A buffer beyond this is cut when it is twice what was needed lately.
const BUFFER_LARGE: u64 = 32_768;
const IDLE: SimDuration = SimDuration::from_secs(2);
const SLEEP: SimDuration = SimDuration::from_secs(12);
/// Bytes of a request beside key and value, about.
const PROTOCOL: u64 = 64;

#[derive(Debug, Clone, Copy)]
struct Connection {
    base: u64,
    buffer: u64,
    /// Longest request since the last visit of the cron.
    peak: u64,
    last: SimTime,
}

/// All connections of the application, used in turn.
#[derive(Debug)]
pub(super) struct Clients {
    build: Build,
    connections: Vec<Connection>,
    turn: usize,
    bytes: u64,
    /// After which time without a request a buffer is freed, and after which the rest is.
    idle: SimDuration,
    sleep: SimDuration,
    /// Where the cron goes on.
    visit: usize,
    /// Ticks before this instant find nothing to do.
    quiet_until: SimTime,
}

impl Clients {
    /// So many connections, at least one, to a server whose clock goes as its settings say.
    pub(super) fn new(build: Build, count: usize, settings: &Settings) -> Self {
        let fresh = Connection { base: CONNECTED, buffer: 0, peak: 0, last: SimTime::ZERO };
        Self {
            build,
            connections: vec![fresh; count],
            turn: 0,
            bytes: CONNECTED * count as u64,
            idle: settings.span(IDLE),
            sleep: settings.span(SLEEP),
            visit: 0,
            quiet_until: SimTime::ZERO,
        }
    }

    /// Bytes of so many connections that have been idle for long.
    pub(super) fn asleep(count: usize) -> u64 {
        ASLEEP * count as u64
    }

    /// Bytes of so many connections at work.
    pub(super) fn at_work(count: usize) -> u64 {
        (CONNECTED + BUFFER) * count as u64
    }

    /// Bytes of all connections.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A GET comes in; its bytes on the way.
    pub(super) fn get(&mut self, key: u64, now: SimTime) -> u64 {
        self.request(PROTOCOL + key, BUFFER, now);
        let build = self.build;
        build.allocated(16) + build.string(3) + build.string(key)
    }

    /// A SET comes in, with PX where there is a TTL; its bytes on the way, the value among them.
    pub(super) fn set(&mut self, key: u64, value: u64, has_ttl: bool, now: SimTime) -> u64 {
        let build = self.build;
        let request = PROTOCOL + key + value;
        let value = if value >= VALUE_BIG {
            let need = build.taken_over(value);
            let before = self.connections[self.turn].buffer;
            self.request(request, need, now);
            // The value has taken the buffer with it, and the connection has a new one.
            self.resize(need);
            build.allocated(16) + before.max(need)
        } else {
            self.request(request, self.grown_for(request), now);
            build.string(value)
        };
        let options = if has_ttl {
            build.allocated(40) + build.string(2) + build.string(8)
        } else {
            build.allocated(24)
        };
        options + build.string(3) + build.string(key) + value
    }

    /// The buffer that a request needs which comes in one write. What does not fit the buffer that is there
    /// makes room for another read, and doubles that (`networking.c:readQueryFromClient`). Measured:
    /// 20 000 bytes fit the first buffer, 30 000 make it 81 920, which the cron cuts to 32 768, where the
    /// next 30 000 fit.
    fn grown_for(&self, request: u64) -> u64 {
        let room = self.connections[self.turn].buffer.max(BUFFER) - BUFFER_HEADER;
        if request <= room { BUFFER } else { self.build.allocated(2 * (room + READ) + BUFFER_HEADER) }
    }

    /// The connection whose turn it was is done.
    pub(super) fn done(&mut self) {
        self.turn = (self.turn + 1) % self.connections.len();
    }

    fn request(&mut self, bytes: u64, buffer: u64, now: SimTime) {
        let connection = &mut self.connections[self.turn];
        connection.peak = connection.peak.max(bytes);
        connection.last = now;
        let grown = connection.buffer.max(buffer);
        self.bytes += CONNECTED - connection.base;
        connection.base = CONNECTED;
        if grown != connection.buffer {
            self.resize(grown);
        }
        self.quiet_until =
            self.quiet_until.min(now + if grown > BUFFER_LARGE { SimDuration::ZERO } else { self.idle });
    }

    fn resize(&mut self, buffer: u64) {
        let connection = &mut self.connections[self.turn];
        self.bytes = self.bytes + buffer - connection.buffer;
        connection.buffer = buffer;
    }

    /// Before which instant the cron finds nothing to do.
    pub(super) fn quiet_until(&self) -> SimTime {
        self.quiet_until
    }

    /// The cron visits some connections.
    pub(super) fn tick(&mut self, now: SimTime, hz: u32) {
        if now < self.quiet_until {
            return;
        }
        let count = self.connections.len();
        let visits = (count / hz as usize).max(count.min(5));
        let mut busy = count > visits;
        for _ in 0..visits {
            let connection = &mut self.connections[self.visit];
            self.visit = (self.visit + 1) % count;
            let idle = now.since(connection.last);
            let (base, buffer) = (connection.base, connection.buffer);
            if idle > self.idle {
                connection.buffer = 0;
            } else if connection.buffer > BUFFER_LARGE && connection.buffer > 2 * connection.peak {
                connection.buffer = self.build.allocated(connection.peak + 4).max(BUFFER);
            }
            if idle >= self.sleep {
                connection.base = ASLEEP;
            }
            connection.peak = 0;
            busy |= connection.buffer > BUFFER_LARGE;
            self.bytes = self.bytes + connection.base + connection.buffer - base - buffer;
        }
        // Buffers of the first size are looked at again when somebody may have been idle for long.
        let asleep = self.connections.iter().all(|connection| connection.base == ASLEEP);
        self.quiet_until = match (busy, asleep) {
            (true, _) => now,
            (false, true) => SimTime::NEVER,
            (false, false) => now + self.idle,
        };
    }

    /// # Panics
    /// If the sum has drifted.
    pub(super) fn check(&self) {
        let sum: u64 = self.connections.iter().map(|connection| connection.base + connection.buffer).sum();
        assert_eq!(self.bytes, sum, "bytes of connections");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_grow_with_requests_and_are_given_back() {
        let mut clients = Clients::new(Build::Distribution, 1, &Settings::default());
        let at = |millis: u64| SimTime::from_nanos(millis * 1_000_000);
        assert_eq!(clients.bytes(), 17_600);
        assert_eq!(clients.get(24, at(0)), 16 + 32 + 48);
        assert_eq!(clients.bytes(), 38_080);
        clients.set(24, 20_000, false, at(1));
        assert_eq!(clients.bytes(), 38_080);
        clients.set(24, 30_000, false, at(1));
        assert_eq!(clients.bytes(), 17_600 + 81_920);
        // A SET of 100 KB: its own class, and as much for the new buffer.
        let before = clients.set(24, 10, false, at(2)) - Build::Distribution.string(10);
        assert_eq!(clients.set(24, 100_000, false, at(3)) - before, 16 + 114_688);
        assert_eq!(clients.bytes(), 17_600 + 114_688);
        clients.tick(at(100), 10);
        assert_eq!(clients.bytes(), 17_600 + 114_688, "as much was needed since the last visit");
        clients.get(24, at(150));
        clients.tick(at(200), 10);
        assert_eq!(clients.bytes(), 38_080);
        clients.tick(at(2_300), 10);
        assert_eq!(clients.bytes(), 17_600);
        clients.tick(at(13_000), 10);
        clients.check();
        assert_eq!(clients.bytes(), 2_300);
    }

    #[test]
    fn a_connection_of_a_server_whose_second_takes_ten_is_idle_ten_times_as_late() {
        let settings = Settings { second: SimDuration::from_secs(10), ..Settings::default() };
        let mut clients = Clients::new(Build::Distribution, 1, &settings);
        let at = |seconds: u64| SimTime::ZERO + SimDuration::from_secs(seconds);
        clients.get(24, at(0));
        let mut seen = |seconds| {
            clients.tick(at(seconds), 10);
            clients.bytes()
        };
        assert_eq!([15, 41, 100, 125].map(&mut seen), [38_080, 17_600, 17_600, 2_300]);
    }
}
