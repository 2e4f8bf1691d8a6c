//! The model of Redis against a live `redis-server` over loopback, and the live harness against servers of several kinds.
//!
//! Every test starts servers of its own, on free ports and in temporary folders, and stops them. Where
//! there is no `redis-server` of version 7.0 the tests say so and pass; under `CI=true` they fail.

mod baseline;
mod benchmark;
mod clients;
mod cluster;
mod commands;
mod events;
mod fake;
mod harness;
mod isolation;
mod limits;
mod memory;
mod model;
mod neighbours;
mod origin;
mod polls;
mod replay;
mod resp;
mod restart;
mod secure;
mod server;
mod strategies;
mod suite;
mod tables;
mod trouble;
mod verdicts;
mod web;
mod work;
