//! The server that is measured: started or found, its configuration, and what it says of itself.

pub(super) mod config;
mod info;
mod spawn;
mod watch;

pub(super) use info::Info;
pub(super) use spawn::Spawned;
pub(super) use watch::{Look, Watch};
