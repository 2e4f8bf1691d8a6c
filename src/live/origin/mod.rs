//! An HTTP server as the origin of a live run, in the place of the scenario's model.

mod http;
mod template;

pub(super) use http::{Brought, Http};
pub use template::Template;
