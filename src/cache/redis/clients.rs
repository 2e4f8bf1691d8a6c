//! The connections of the application: their buffers count, and so does a request on its way.
//!
//! Measured on Redis 7.0.15 (`tests/live` asks again). Requests are read into a query buffer of 20 480 bytes, which larger
//! requests grow, which a value from 32 KiB on takes over, and which a connection that rests gives back
//! (`networking.c:readQueryFromClient`, `server.c:clientsCronResizeQueryBuffer`). Replies are written into a buffer of
//! 16 KiB at first, which the cron halves and doubles between 1 and 16 KiB by what they needed in the last 5 s
//! (`server.c:clientsCronResizeOutputBuffer`); what does not fit is freed as soon as it is sent.

use super::Settings;
use super::footprint::Build;
use super::settings::MOST_HZ;
use crate::units::{SimDuration, SimTime};

/// A connection without its buffers.
const BASE: u64 = 1_248;
/// The query buffer of a connection that rests, and once a request has come.
const EMPTY: u64 = 8;
const QUERY: u64 = 20_480;
/// What a query buffer keeps for itself.
const HEADER: u64 = 6;
/// What a connection reads at once whose query buffer is smaller, and by how much a full buffer must grow at least
/// before that is doubled.
const READ: u64 = 16_384;
/// A value from here on takes over the query buffer.
const VALUE_BIG: u64 = 32_768;
/// A query buffer beyond this is cut when it is twice what was needed lately.
const QUERY_LARGE: u64 = 32_768;
/// One with no more room than this is left alone.
const SPARE: u64 = 4_096;
/// The largest reply buffer, and the smallest.
const REPLY: u64 = 16_384;
const REPLY_LEAST: u64 = 1_024;
/// For how many milliseconds it is remembered how much of the reply buffer was needed.
const REPLY_MEMORY: u64 = 5_000;
/// A query buffer is given back when the clock shows more than so many seconds since the last request.
const REST: u64 = 2;
/// Of more connections than these it is seldom asked which of them the cron has something to do for.
const MANY: usize = 256;
/// Bytes of a SET beside key and value: before the value, behind it, and behind that with PX.
const HEAD: u64 = 28;
const TAIL: u64 = 2;
const TTL: u64 = 19;

#[derive(Debug, Clone, Copy)]
struct Connection {
    query: u64,
    /// How much of a request fits the query buffer.
    room: u64,
    /// The most that stood in it since the last visit of the cron.
    query_peak: u64,
    reply: u64,
    /// The most of the reply buffer that was needed since `since`.
    reply_peak: u64,
    /// In milliseconds of the server's clock. A new connection is given none, which the first visit of the cron mends.
    since: Option<u64>,
    /// The second of the last request.
    last: u64,
}

impl Connection {
    const FRESH: Self =
        Self { query: EMPTY, room: 0, query_peak: 0, reply: REPLY, reply_peak: REPLY, since: None, last: 0 };

    fn bytes(&self) -> u64 {
        BASE + self.query + self.reply
    }

    /// The reply buffer that the cron will give it.
    fn next_reply(&self, build: Build) -> u64 {
        if self.reply / 2 >= REPLY_LEAST && self.reply_peak < self.reply / 2 {
            build.allocated(REPLY_LEAST.max(self.reply_peak + 1))
        } else if self.reply < REPLY && self.reply_peak == self.reply {
            REPLY.min(2 * self.reply)
        } else {
            self.reply
        }
    }

    /// From which millisecond on a visit of the cron finds something to do, if no other request comes.
    fn next_visit(&self, build: Build) -> Option<u64> {
        let Some(since) = self.since else { return Some(0) };
        if self.room > QUERY_LARGE || self.next_reply(build) != self.reply {
            return Some(0);
        }
        let rests = (self.room > SPARE).then_some((self.last + REST + 1) * 1_000);
        let forgets = self.reply_peak > 0 && self.reply > REPLY_LEAST;
        rests.into_iter().chain(forgets.then_some(since + REPLY_MEMORY + 1)).min()
    }
}

/// All connections of the application, used in turn.
#[derive(Debug)]
pub(super) struct Clients {
    build: Build,
    settings: Settings,
    connections: Vec<Connection>,
    turn: usize,
    /// Whose turn it was last.
    served: usize,
    bytes: u64,
    /// Where the cron goes on, and how many connections it visits in a tick.
    visit: usize,
    visits: usize,
    /// After how many milliseconds what replies needed is forgotten: with the first visit that finds enough have passed.
    memory: u64,
    /// Ticks before this instant find nothing to do.
    quiet_until: SimTime,
}

impl Clients {
    /// So many connections, at least one, to a server with these settings.
    pub(super) fn new(build: Build, settings: Settings, count: usize) -> Self {
        let connections = vec![Connection::FRESH; count];
        let bytes = connections.iter().map(Connection::bytes).sum();
        let hz = settings.hz.clamp(1, MOST_HZ);
        let visits = (count / hz as usize).max(count.min(5));
        let between = u64::from(1_000 / hz) * count.div_ceil(visits.max(1)) as u64;
        let memory = between * (REPLY_MEMORY / between.max(1) + 1);
        let (turn, served, visit, quiet_until) = (0, 0, 0, SimTime::ZERO);
        Self { build, settings, connections, turn, served, bytes, visit, visits, memory, quiet_until }
    }

    /// Bytes of so many connections at work whose replies fill their buffers.
    pub(super) fn at_work(count: usize) -> u64 {
        (BASE + QUERY + REPLY) * count as u64
    }

    /// Bytes of so many connections that have given their buffers back.
    pub(super) fn at_rest(count: usize) -> u64 {
        (BASE + EMPTY + REPLY_LEAST) * count as u64
    }

    /// Bytes of all connections.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A command without a large value comes in, of words of these lengths; its bytes on the way.
    #[inline]
    pub(super) fn command(&mut self, words: impl IntoIterator<Item = u64>, now: SimTime) -> u64 {
        let (mut count, mut sent, mut held) = (0, 0, 0);
        for word in words {
            // A word is sent with its length before it, and a line's end behind both.
            (count, sent) = (count + 1, sent + 1 + digits(word) + 2 + word + 2);
            held += self.build.string(word);
        }
        self.request(0, 1 + digits(count) + 2 + sent, now);
        self.build.allocated(8 * count) + held
    }

    /// A SET comes in, with PX where there is a TTL; its bytes on the way, and those of the value.
    ///
    /// A large value takes the buffer over, unless something was read behind it: its TTL, where a buffer that an earlier
    /// value has left has room for more than the value. Then it is copied, and the buffer stays as large as it is
    /// (`networking.c:processMultibulkBuffer`).
    pub(super) fn set(&mut self, key: u64, value: u64, has_ttl: bool, now: SimTime) -> [u64; 2] {
        let build = self.build;
        let (head, room) = (HEAD + key, self.connections[self.turn].room);
        let rest = value + TAIL + if has_ttl { TTL } else { 0 };
        let value = if value < VALUE_BIG {
            self.request(head, rest, now);
            build.string(value)
        } else if has_ttl && room >= READ && room > head + value + TAIL {
            self.noted(room.min(head + rest), now);
            self.stirred(now);
            build.string(value)
        } else {
            let need = build.taken_over(value);
            let before = self.connections[self.turn].query;
            self.noted(rest, now);
            // The value takes the buffer with it, and the connection has a new one.
            self.resize(need - HEADER);
            self.stirred(now);
            build.allocated(16) + before.max(need)
        };
        let options = if has_ttl {
            build.allocated(40) + build.string(2) + build.string(8)
        } else {
            build.allocated(24)
        };
        [options + build.string(3) + build.string(key), value]
    }

    /// A request comes in one write: its `head`, all before the value, and the rest. What does not fit the buffer that is
    /// there, or what is read at first where there is none, makes room for another read, and doubles that, once the head
    /// is read and taken out (`networking.c:readQueryFromClient`). Measured: a SET of 20 000 bytes fits the 20 480 that a
    /// smaller request has left, but as the first request it makes them 65 536; one of 30 000 makes 20 480 81 920. The
    /// cron then cuts the buffer to what is left without the head, which the next such request does not fit.
    fn request(&mut self, head: u64, rest: u64, now: SimTime) {
        let Connection { room, .. } = self.connections[self.turn];
        let at_once = if room < READ { READ } else { room };
        if head + rest > at_once {
            self.noted(rest.max(at_once), now);
            self.resize(2 * (at_once.saturating_sub(head) + READ));
        } else {
            self.noted(head + rest, now);
            if room < READ {
                self.resize(READ);
            }
        }
        self.stirred(now);
    }

    /// The reply to the last GET carries a value of so many bytes.
    #[inline]
    pub(super) fn replied(&mut self, value: u64) {
        let connection = &mut self.connections[self.served];
        let needed = connection.reply.min(1 + digits(value) + 2 + value + 2);
        if needed > connection.reply_peak {
            connection.reply_peak = needed;
            if connection.next_visit(self.build) == Some(0) {
                self.quiet_until = SimTime::ZERO;
            }
        }
    }

    /// The connection whose turn it was is done.
    pub(super) fn done(&mut self) {
        self.served = self.turn;
        self.turn = (self.turn + 1) % self.connections.len();
    }

    /// So much stands in the query buffer.
    fn noted(&mut self, bytes: u64, now: SimTime) {
        let millis = self.settings.wall_millis(now);
        let connection = &mut self.connections[self.turn];
        connection.query_peak = connection.query_peak.max(bytes);
        connection.last = millis / 1_000;
        if let Some(since) = connection.since
            && millis - since > self.memory
        {
            // Visits that found nothing to do were left out.
            connection.since = Some(since + (millis - since) / self.memory * self.memory);
            connection.reply_peak = 0;
        }
    }

    /// The query buffer is given room for so many bytes.
    fn resize(&mut self, room: u64) {
        let connection = &mut self.connections[self.turn];
        let before = connection.query;
        connection.query = self.build.allocated(room + HEADER);
        connection.room = connection.query - HEADER;
        self.bytes = self.bytes + connection.query - before;
    }

    /// The cron may find something to do.
    fn stirred(&mut self, now: SimTime) {
        let next = self.connections[self.turn].next_visit(self.build);
        self.quiet_until = self.quiet_until.min(self.instant(next, now));
    }

    /// When the server's clock shows a millisecond that may lie ahead of what it shows `now`.
    fn instant(&self, millis: Option<u64>, now: SimTime) -> SimTime {
        let Some(millis) = millis else { return SimTime::NEVER };
        let ahead = millis.saturating_sub(self.settings.wall_millis(now));
        now + SimDuration::from_nanos((self.settings.second.as_nanos() / 1_000).saturating_mul(ahead))
    }

    /// Before which instant the cron finds nothing to do.
    pub(super) fn quiet_until(&self) -> SimTime {
        self.quiet_until
    }

    /// The cron visits some connections.
    pub(super) fn tick(&mut self, now: SimTime) {
        if now < self.quiet_until {
            return;
        }
        let Self { build, settings, connections, bytes, visit, visits, .. } = self;
        let (count, millis) = (connections.len(), settings.wall_millis(now));
        for _ in 0..*visits {
            let connection = &mut connections[*visit];
            *visit = (*visit + 1) % count;
            let before = connection.bytes();
            connection.tend(*build, millis);
            *bytes = *bytes + connection.bytes() - before;
        }
        // To look at all of very many after every few would take longer than to visit them in vain.
        if count <= MANY || *visit < *visits {
            let next = connections.iter().filter_map(|connection| connection.next_visit(*build)).min();
            self.quiet_until = self.instant(next, now);
        }
    }

    /// # Panics
    /// If the sum has drifted.
    pub(super) fn check(&self) {
        let sum: u64 = self.connections.iter().map(Connection::bytes).sum();
        assert_eq!(self.bytes, sum, "bytes of connections");
    }
}

/// Digits of a number.
fn digits(number: u64) -> u64 {
    u64::from(number.checked_ilog10().unwrap_or(0)) + 1
}

impl Connection {
    /// The cron looks after both buffers at an instant of the server's clock.
    fn tend(&mut self, build: Build, millis: u64) {
        if self.room > SPARE && (millis / 1_000).saturating_sub(self.last) > REST {
            (self.query, self.room) = (EMPTY, 0);
        } else if self.room > QUERY_LARGE && self.room / 2 > self.query_peak {
            (self.query, self.room) = (build.allocated(self.query_peak + HEADER), self.query_peak);
        }
        self.query_peak = 0;
        self.reply = self.next_reply(build);
        if self.since.is_none_or(|since| millis - since > REPLY_MEMORY) {
            (self.reply_peak, self.since) = (0, Some(millis));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::from_nanos(millis * 1_000_000)
    }

    /// GET of a key.
    fn get(clients: &mut Clients, key: u64, now: SimTime) -> u64 {
        clients.command([3, key], now)
    }

    /// Bytes of so many connections that have been idle for long.
    fn asleep(count: usize) -> u64 {
        (BASE + EMPTY + REPLY_LEAST) * count as u64
    }

    /// One connection, and ticks ten times a second.
    struct One {
        clients: Clients,
        ticks: u64,
    }

    impl One {
        fn new() -> Self {
            let mut one =
                Self { clients: Clients::new(Build::Distribution, Settings::default(), 1), ticks: 0 };
            one.buffers(0);
            one
        }

        /// Its buffers after all ticks until a millisecond: query buffer and reply buffer.
        fn buffers(&mut self, millis: u64) -> (u64, u64) {
            while self.ticks * 100 <= millis {
                self.clients.tick(at(self.ticks * 100));
                self.ticks += 1;
            }
            self.clients.check();
            let connection = self.clients.connections[0];
            (connection.query, connection.reply)
        }
    }

    #[test]
    fn a_connection_at_rest_gives_its_buffers_back() {
        let mut one = One::new();
        assert_eq!(one.clients.bytes(), 17_640);
        assert_eq!(get(&mut one.clients, 24, at(50)), 16 + 32 + 48);
        assert_eq!(one.clients.bytes(), 38_112);
        // The first visit forgets what a new buffer was given for needed, the second cuts it.
        assert_eq!(one.buffers(50), (20_480, 16_384));
        assert_eq!(one.buffers(150), (20_480, 1_024));
        // Whole seconds count: the request was in second 0.
        assert_eq!(one.buffers(2_950), (20_480, 1_024));
        assert_eq!(one.buffers(3_000), (8, 1_024));
        assert_eq!((one.clients.bytes(), one.clients.quiet_until()), (2_280, SimTime::NEVER));
    }

    /// Of more connections than `MANY` the cron asks once a round whether there is something to do.
    #[test]
    fn very_many_connections_come_to_rest_as_few_do() {
        for count in [MANY - 1, MANY + 150] {
            let mut clients = Clients::new(Build::Distribution, Settings::default(), count);
            for _ in 0..count {
                get(&mut clients, 24, at(50));
                clients.done();
            }
            assert_eq!(clients.bytes(), Clients::at_work(count), "{count}");
            let quiet = (0..200).find(|tick| {
                clients.tick(at(tick * 100));
                clients.check();
                clients.quiet_until() == SimTime::NEVER
            });
            assert!(
                quiet.is_some_and(|tick| tick >= 30),
                "two seconds and more after the requests: {quiet:?}"
            );
            assert_eq!(clients.bytes(), asleep(count), "{count}");
            // A request wakes its connection up, also where all were at rest.
            get(&mut clients, 24, at(30_000));
            clients.done();
            assert!(clients.quiet_until() < SimTime::NEVER);
            (300..400).for_each(|tick| clients.tick(at(tick * 100)));
            assert_eq!((clients.bytes(), clients.quiet_until()), (asleep(count), SimTime::NEVER));
        }
    }

    /// The query buffer of a live server after SETs of so many bytes, and a tick later.
    #[test]
    fn the_query_buffer_follows_requests() {
        let mut one = One::new();
        for (begin, grown) in [(10, 65_536), (110, 81_920), (210, 81_920)] {
            one.clients.set(1, 20_000, false, at(begin));
            assert_eq!(one.buffers(begin).0, grown);
            assert_eq!(one.buffers(begin + 90).0, 20_480);
            assert_eq!(one.clients.connections[0].room, 20_002);
        }
        // After a rest a small request makes the first buffer, which 20 000 bytes fit.
        one.buffers(5_000);
        get(&mut one.clients, 1, at(5_010));
        one.clients.set(1, 20_000, false, at(5_020));
        assert_eq!(one.buffers(5_100).0, 20_480);
        for (begin, grown) in [(5_110, 81_920), (5_210, 98_304)] {
            one.clients.set(1, 30_000, false, at(begin));
            assert_eq!(one.buffers(begin).0, grown);
            assert_eq!(one.buffers(begin + 90).0, 32_768);
            assert_eq!(one.clients.connections[0].room, 30_002);
        }
    }

    #[test]
    fn a_large_value_takes_the_query_buffer_over() {
        let mut one = One::new();
        one.buffers(100);
        let build = Build::Distribution;
        let small = one.clients.set(24, 10, false, at(110));
        assert_eq!(small[1], build.string(10));
        assert_eq!(one.clients.set(24, 100_000, false, at(120)), [small[0], 16 + 114_688]);
        assert_eq!(one.buffers(120).0, 114_688);
        assert_eq!(one.buffers(200).0, 114_688, "as much was needed since the last visit");
        get(&mut one.clients, 2, at(210));
        assert_eq!(one.buffers(300).0, 32, "the last request had 21 bytes");
        get(&mut one.clients, 2, at(310));
        assert_eq!(one.buffers(310).0, 20_480);
    }

    /// As CLIENT LIST tells it of a live server.
    #[test]
    fn the_reply_buffer_doubles_while_it_is_full_and_is_cut_when_it_is_not() {
        let mut one = One::new();
        one.buffers(150);
        let mut sizes = Vec::new();
        for (begin, value) in [(200, 5_000), (10_200, 20_000), (20_200, 1)] {
            for tick in 0..100 {
                let now = begin + 100 * tick + 50;
                one.buffers(now);
                get(&mut one.clients, 24, at(now));
                one.clients.done();
                one.clients.replied(value);
                let (_, reply) = one.buffers(now);
                if sizes.last() != Some(&reply) {
                    sizes.push(reply);
                }
            }
        }
        assert_eq!(sizes, [1_024, 2_048, 4_096, 8_192, 16_384, 1_024]);
    }

    #[test]
    fn a_connection_of_a_server_whose_second_takes_ten_rests_ten_times_as_late() {
        let settings = Settings { second: SimDuration::from_secs(10), ..Settings::default() };
        let mut clients = Clients::new(Build::Distribution, settings, 1);
        get(&mut clients, 24, at(0));
        let query = [1, 3, 29, 30].map(|seconds| {
            clients.tick(at(1_000 * seconds));
            clients.connections[0].query
        });
        assert_eq!(query, [20_480, 20_480, 20_480, 8]);
    }
}
