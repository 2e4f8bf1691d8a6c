//! How anything pluggable introduces itself: a name, a summary, its parameters and a constructor.
//!
//! A strategy, an eviction policy, a latency model is one file with one type that implements
//! [`Plugin`], and one line in its folder's [`catalog!`](crate::catalog!). From that line come the
//! reading of scenarios, the checks of every parameter's legal range, `ttlab list`, the reference
//! pages and the tests that walk all entries.
//!
//! A catalog reads its own table of the scenario (`{ rule = "fixed", ttl = "1h" }`), so a misspelt
//! name or parameter is reported at its own place, with what exists and the nearest match.

mod choice;
mod fault;
mod param;
mod section;

pub use choice::{Catalog, Chosen, Entry, Listed, Listing, Plugin, Prepared, entry, prepare};
pub use fault::{Fault, Invalid, nearest, one_of};
pub use param::{Kind, Param};
pub use section::{Item, Section, read};

/// Declares a folder's catalog from its files: `catalog! { pub static RULES: Catalog<dyn TtlRule, Setup> = "ttl rule", tag "rule"; fixed::Fixed, none::NoExpiry }`.
///
/// Each entry is `module::Type`; the module's leading `//!` lines are its reference page.
#[macro_export]
macro_rules! catalog {
    (
        $(#[$doc:meta])*
        $vis:vis static $name:ident: Catalog<$seam:ty, $setup:ty> = $axis:literal, tag $tag:literal;
        $($module:ident::$plugin:ident),+ $(,)?
    ) => {
        $(#[$doc])*
        $vis static $name: $crate::catalog::Catalog<$seam, $setup> = $crate::catalog::Catalog {
            axis: $axis,
            tag: $tag,
            entries: &[$(
                $crate::catalog::entry::<$module::$plugin, $seam, $setup>(
                    stringify!($module),
                    include_str!(concat!(stringify!($module), ".rs")),
                    |item| {
                        $crate::catalog::prepare::<$module::$plugin, $seam, $setup>(item, |params, setup| {
                            Ok(Box::new(<$module::$plugin as $crate::catalog::Plugin>::new(params, setup)?))
                        })
                    },
                )
            ),+],
        };
    };
}
