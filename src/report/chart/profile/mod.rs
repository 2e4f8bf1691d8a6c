//! Charts of a trace before it is played: what `ttlab trace stat --html` draws.

mod course;
mod distribution;
mod popularity;

pub(crate) use course::{rate, working_set};
pub(crate) use distribution::{gaps, sizes};
pub(crate) use popularity::popularity;
