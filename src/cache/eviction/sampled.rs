//! What Redis's own policies have in common: which keys they draw from, and what makes a victim.
//!
//! The policies themselves only declare that; the server draws (`cache/redis`).

/// How a Redis policy finds its victims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampled {
    /// Whether only keys with a TTL can be victims.
    pub volatile: bool,
    /// Who leaves first among those drawn.
    pub rank: Rank,
}

/// Who leaves first among those drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// The longest idle.
    Lru,
    /// The lowest counter.
    Lfu,
    /// The one that is drawn.
    Random,
    /// The nearest expiry.
    Ttl,
}

/// A policy that is no more than its declaration.
macro_rules! sampled {
    ($policy:ident, $name:literal, $summary:literal, volatile: $volatile:literal, $rank:expr) => {
        /// It takes no parameters of its own.
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Params {}

        /// The declaration of the policy.
        #[derive(Debug)]
        pub struct $policy;

        impl crate::catalog::Plugin for $policy {
            const NAME: &'static str = $name;
            const SUMMARY: &'static str = $summary;
            const PARAMS: &'static [crate::catalog::Param] = &[];
            type Params = Params;
            type Setup = super::Setup;

            fn new(_: &Params, _: &super::Setup) -> Result<Self, crate::catalog::Invalid> {
                Ok(Self)
            }
        }

        impl super::EvictionPolicy for $policy {
            fn sampled(&self) -> Option<super::sampled::Sampled> {
                Some(super::sampled::Sampled { volatile: $volatile, rank: $rank })
            }

            fn on_hit(&mut self, _: crate::trace::ObjectId) {}

            fn on_fill(&mut self, _: crate::trace::ObjectId, _: u32) {}

            fn on_remove(&mut self, _: crate::trace::ObjectId) {}

            /// The server draws victims itself.
            fn victim(&mut self) -> Option<crate::trace::ObjectId> {
                None
            }

            fn check(&self, _: u64) {}
        }
    };
}

pub(super) use sampled;
