//! Whether a server's limit leaves room for keys, looked at before the first one is written.
//!
//! An empty server takes a megabyte, and a node of a cluster nearly twice as much: under a limit that is no larger than that
//! every write is refused, and a run would measure a cache that holds nothing.

use super::super::link::Node;
use super::Info;
use super::config::{LIMIT, NEVER, POLICY};

/// A limit that leaves less than this leaves next to nothing: a connection at work takes up to 38 KB, and the first GET and
/// the first SET take 24 KiB each for their histograms.
const LEAST: u64 = 128 << 10;

/// Who says what the limit is.
#[derive(Debug, Clone, Copy)]
pub(in crate::live) enum Says<'w> {
    /// The server that is left as it is.
    Server,
    /// The cell, for a server that was started for it.
    Cell,
    /// The cell, for a server that will be set so.
    Configure(&'w [(&'static str, String)]),
}

/// A sentence for each server whose limit leaves next to no room for keys; an error where none of them has any, unless the
/// server was started for the cell, which is then played as it is written.
pub(in crate::live) fn room(servers: &[(Node, Info)], says: Says<'_>) -> Result<Vec<String>, String> {
    let short: Vec<(bool, String)> =
        servers.iter().filter_map(|(node, info)| shortage(node, info, servers.len(), says)).collect();
    let are_full = short.len() == servers.len() && short.iter().all(|(is_full, _)| *is_full);
    let mut told: Vec<String> = short.into_iter().map(|(_, told)| told).collect();
    if are_full && !told.is_empty() && !matches!(says, Says::Cell) {
        return Err(told.swap_remove(0));
    }
    Ok(told)
}

/// Whether a server has no room at all, and in a sentence that it has next to none; `None` where it has some, or can make
/// some by evicting keys of others.
fn shortage(node: &Node, info: &Info, servers: usize, says: Says<'_>) -> Option<(bool, String)> {
    let Info { used_memory, of_clients, keys, .. } = info;
    let (limit, policy) = match says {
        Says::Server | Says::Cell => (info.maxmemory, info.policy.as_str()),
        Says::Configure(wanted) => {
            let value = |name: &str| wanted.iter().find(|(own, _)| *own == name).map(|(_, value)| value);
            (value(LIMIT)?.parse().ok()?, value(POLICY)?.as_str())
        }
    };
    let can_evict = *keys > 0 && policy != NEVER;
    if limit == 0 || can_evict || limit > used_memory.saturating_add(LEAST) {
        return None;
    }
    // What connections have now they may give back.
    let is_full = of_clients.is_some_and(|clients| used_memory.saturating_sub(clients) >= limit);
    let follows = if is_full {
        "there is no room for keys, and writes"
    } else {
        "next to no room is left for keys, and many writes"
    };
    let before = format!("{used_memory} bytes in use before anything is written");
    let told = match says {
        Says::Server => format!(
            "{node} has {before}, and a maxmemory of {limit}: {follows} are refused (OOM); raise its maxmemory, or let \
             --configure or --spawn set that of the scenario"
        ),
        Says::Cell => format!(
            "the server that was started has {before}, and a maxmemory of {limit}: {follows} are refused (OOM); give \
             [cache] a larger capacity"
        ),
        Says::Configure(_) => format!(
            "--configure would limit {node} to {limit} bytes, and it has {before}: {follows} would be refused (OOM); give \
             [cache] a capacity well above {} bytes{}",
            used_memory.saturating_mul(servers as u64),
            if servers > 1 {
                format!(", of which each of {servers} servers gets its part")
            } else {
                String::new()
            }
        ),
    };
    Some((is_full, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(used_memory: u64, maxmemory: u64) -> (Node, Info) {
        (Node::Only, Info { used_memory, maxmemory, of_clients: Some(20_000), ..Info::default() })
    }

    #[test]
    fn a_server_that_is_full_before_the_first_key_is_refused() {
        let own = |used, limit| room(&[server(used, limit)], Says::Server);
        assert_eq!(own(1_000_000, 0), Ok(Vec::new()), "it has no limit");
        assert_eq!(own(1_000_000, 1_200_000), Ok(Vec::new()), "200 KB are a little room");
        let little = own(1_000_000, 1_100_000).unwrap();
        assert!(little.len() == 1 && little[0].contains("next to no room"), "{little:?}");
        let may_be_given_back = own(1_000_000, 990_000).unwrap();
        assert_eq!(may_be_given_back.len(), 1, "its connections take 20 KB of that");
        let full = own(1_000_000, 980_000).unwrap_err();
        assert!(full.contains("no room for keys") && full.contains("--configure"), "{full}");
        let of_its_own = room(&[server(1_000_000, 980_000)], Says::Cell).unwrap();
        assert!(of_its_own[0].contains("give [cache] a larger capacity"), "{of_its_own:?}");
    }

    #[test]
    fn a_limit_that_would_be_set_counts_and_not_the_one_that_there_is() {
        let set = |limit: &str, servers: &[(Node, Info)]| {
            let wanted = [(LIMIT, limit.to_owned()), (POLICY, "allkeys-lru".to_owned())];
            room(servers, Says::Configure(&wanted))
        };
        let node = server(1_800_000, 0);
        let full = set("1666666", &[node.clone(), node.clone(), node.clone()]).unwrap_err();
        assert!(full.contains("would limit the server to 1666666 bytes"), "{full}");
        assert!(full.contains("well above 5400000 bytes, of which each of 3 servers"), "{full}");
        let one_of_two = set("1666666", &[node, server(1_000_000, 0)]).unwrap();
        assert_eq!(one_of_two.len(), 1, "the other one has room");
        assert_eq!(set("3000000", &[server(1_000_000, 900_000)]), Ok(Vec::new()));
        assert_eq!(set("0", &[server(1_000_000, 900_000)]), Ok(Vec::new()));
    }

    #[test]
    fn a_full_server_makes_room_by_evicting_what_others_have() {
        let holding = |policy: &str| {
            let (node, info) = server(1_000_000, 900_000);
            room(&[(node, Info { keys: 7, policy: policy.to_owned(), ..info })], Says::Server)
        };
        assert_eq!(holding("allkeys-lru"), Ok(Vec::new()));
        assert!(holding(NEVER).is_err());
    }
}
