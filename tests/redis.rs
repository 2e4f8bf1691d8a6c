//! The model of a Redis server: invariants, golden totals of memory, and an independent naive server.

#[path = "redis/ablation.rs"]
mod ablation;
#[path = "redis/active.rs"]
mod active;
#[path = "redis/beside.rs"]
mod beside;
#[path = "redis/commands.rs"]
mod commands;
#[path = "redis/events.rs"]
mod events;
#[path = "redis/golden.rs"]
mod golden;
#[path = "redis/invariants.rs"]
mod invariants;
#[path = "redis/limits.rs"]
mod limits;
#[path = "redis/naive.rs"]
mod naive;
#[path = "redis/pool.rs"]
mod pool;
#[path = "redis/server.rs"]
mod server;
#[path = "redis/table.rs"]
mod table;
