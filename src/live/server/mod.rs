//! The server that is measured: started or found, its configuration, and what it says of itself.

pub(super) mod config;
mod info;
mod room;
mod samples;
mod spawn;
mod stalls;
mod watch;
mod work;
mod worked;

pub(super) use info::Info;
pub(super) use room::{Says, room};
pub(super) use spawn::Spawned;
pub use spawn::stop_servers;
pub(super) use stalls::stalls;
pub use watch::Shown;
pub(super) use watch::{Look, Watch};
pub use work::Calls;
pub(super) use work::{Sections, Work};
pub use worked::{Served, Slowest, Worked};
