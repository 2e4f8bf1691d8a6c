//! Addresses of servers, as they are written.

use super::{Fault, Node};

/// An address without its password.
pub(in crate::live) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}"),
        None => url.to_owned(),
    }
}

/// Whether an address names several servers, and so a cluster.
pub(in crate::live) fn names_several(url: &str) -> bool {
    split(url).is_some_and(|(_, hosts, _)| hosts.contains(','))
}

/// Whether an address asks for TLS.
pub(in crate::live) fn is_by_tls(url: &str) -> bool {
    ["rediss://", "valkeys://"].iter().any(|scheme| url.starts_with(scheme))
}

/// The address of a cluster with all of these servers in the place of those that it names: one of them is enough.
pub(in crate::live) fn naming(url: &str, nodes: &[Node]) -> String {
    let hosts: Option<Vec<String>> = nodes
        .iter()
        .map(|node| match node {
            Node::Primary { host, port } if !host.contains(':') => Some(format!("{host}:{port}")),
            _ => None,
        })
        .collect();
    match (split(url), hosts) {
        (Some((before, _, after)), Some(hosts)) if !hosts.is_empty() => {
            format!("{before}{}{after}", hosts.join(","))
        }
        _ => url.to_owned(),
    }
}

/// One address for each of the servers that are named: all have the user, the password and what follows the hosts.
pub(super) fn each(url: &str) -> Result<Vec<String>, Fault> {
    let hosts = split(url).filter(|(_, hosts, _)| hosts.split(',').all(|host| !host.is_empty()));
    let Some((before, hosts, after)) = hosts else {
        return Err(Fault::Unreachable(format!(
            "--redis {} names no servers of a cluster; write redis://[USER:PASSWORD@]HOST:PORT[,HOST:PORT...]",
            without_password(url)
        )));
    };
    Ok(hosts.split(',').map(|host| format!("{before}{host}{after}")).collect())
}

/// What stands before the hosts, the hosts, and what follows them.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let scheme = url.find("://")? + 3;
    // A password may hold any character; what follows the last @ is hosts.
    let from = url.rfind('@').map_or(scheme, |at| at + 1).max(scheme);
    let until = url[from..].find(['/', '?']).map_or(url.len(), |at| from + at);
    Some((&url[..from], &url[from..until], &url[until..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_told() {
        assert_eq!(without_password("redis://:se@cret@host:6379/1"), "redis://***@host:6379/1");
        assert_eq!(without_password("redis://host"), "redis://host");
        assert_eq!(without_password("nonsense"), "nonsense");
    }

    #[test]
    fn a_cluster_is_named_by_all_of_its_servers() {
        let node = |host: &str| Node::Primary { host: host.to_owned(), port: 7_000 };
        let all = [node("a"), node("b")];
        assert_eq!(
            naming("rediss://me:se,cret@c:1/?protocol=resp3", &all),
            "rediss://me:se,cret@a:7000,b:7000/?protocol=resp3"
        );
        assert_eq!(naming("redis://c:1/", &[]), "redis://c:1/");
        assert_eq!(naming("redis://c:1/", &[node("::1")]), "redis://c:1/", "left as it was written");
    }

    #[test]
    fn tls_has_two_schemes() {
        let urls = ["rediss://h", "valkeys://h", "redis://h", "valkey://h", "unix:///rediss://"];
        assert_eq!(urls.map(is_by_tls), [true, true, false, false, false]);
    }

    #[test]
    fn several_hosts_share_what_stands_around_them() {
        let url = "rediss://me:se,cret@a:1,b:2/?protocol=resp3";
        assert!(names_several(url) && !names_several("redis://:a,b@host/"));
        assert_eq!(
            each(url).unwrap(),
            ["rediss://me:se,cret@a:1/?protocol=resp3", "rediss://me:se,cret@b:2/?protocol=resp3"]
        );
        assert_eq!(each("redis://a").unwrap(), ["redis://a"]);
        assert!(each("redis://a,,b").unwrap_err().to_string().contains("HOST:PORT"));
        assert!(each("a,b").is_err());
    }
}
