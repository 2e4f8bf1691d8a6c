//! Which servers hold keys, and which of them holds a key.

use redis::Value;

use super::lane::Node;
use crate::cache::cluster::slot;

/// The servers that hold keys, as they were when they were asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::live) struct Holders {
    nodes: Vec<Node>,
    /// The first and the last slot of a range, and the place of its server.
    ranges: Vec<(u16, u16, usize)>,
}

impl Holders {
    /// The one server that there is.
    pub(super) fn only() -> Self {
        Self { nodes: vec![Node::Only], ranges: Vec::new() }
    }

    /// The primaries of a cluster, from what one of them answers to CLUSTER SLOTS.
    pub(super) fn of_a_cluster(nodes: Vec<Node>, asked: &Node, answer: &Value) -> Self {
        let rows = if let Value::Array(rows) = answer { rows.as_slice() } else { &[] };
        let ranges = rows.iter().filter_map(|row| {
            let Value::Array(row) = row else { return None };
            let [Value::Int(from), Value::Int(until), Value::Array(owner), ..] = row.as_slice() else {
                return None;
            };
            let owner = named(owner, asked)?;
            let place = nodes.iter().position(|node| *node == owner)?;
            Some((u16::try_from(*from).ok()?, u16::try_from(*until).ok()?, place))
        });
        let ranges = ranges.collect();
        Self { nodes, ranges }
    }

    /// All of them.
    pub(in crate::live) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// These keys in parts of at most so many, each of one server: a part that its server does not take is known by it.
    pub(in crate::live) fn parts<'k>(&self, keys: &'k [String], most: usize) -> Vec<(Node, Vec<&'k str>)> {
        let mut of_each = vec![Vec::new(); self.nodes.len()];
        for key in keys {
            // What moved meanwhile, or nobody told, goes to its place all the same: this only says who is asked for it.
            of_each[self.place(key)].push(key.as_str());
        }
        let parts = self.nodes.iter().zip(of_each);
        parts
            .flat_map(|(node, keys)| {
                keys.chunks(most).map(|part| (node.clone(), part.to_vec())).collect::<Vec<_>>()
            })
            .collect()
    }

    fn place(&self, key: &str) -> usize {
        if self.ranges.is_empty() {
            return 0;
        }
        let slot = slot(key.as_bytes());
        let own = self.ranges.iter().find(|(from, until, _)| (*from..=*until).contains(&slot));
        own.map_or(0, |(_, _, place)| *place)
    }
}

/// A server as CLUSTER SLOTS names it; one that does not know its own name is who was asked.
fn named(told: &[Value], asked: &Node) -> Option<Node> {
    let [host, Value::Int(port), ..] = told else { return None };
    let host: Option<String> = redis::from_redis_value_ref(host).ok()?;
    let own = match asked {
        Node::Primary { host, .. } => host.clone(),
        Node::Only => return None,
    };
    let host = host.filter(|host| !host.is_empty()).unwrap_or(own);
    Some(Node::Primary { host, port: u16::try_from(*port).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn primary(port: u16) -> Node {
        Node::Primary { host: "10.0.0.1".to_owned(), port }
    }

    #[test]
    fn keys_are_parted_by_who_holds_them() {
        let keys: Vec<String> = (0..1_000).map(|number| format!("key:{number}")).collect();
        let all = Holders::only().parts(&keys, 400);
        assert_eq!(all.iter().map(|(_, part)| part.len()).collect::<Vec<_>>(), [400, 400, 200]);
        assert!(all.iter().all(|(node, _)| *node == Node::Only));
        assert_eq!(
            all.iter().flat_map(|(_, part)| part).copied().collect::<Vec<_>>(),
            keys,
            "in their order"
        );
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let row = |from, until, host: Value, port| {
            let owner = Value::Array(vec![host, Value::Int(port), text("id")]);
            Value::Array(vec![Value::Int(from), Value::Int(until), owner])
        };
        let answer = Value::Array(vec![
            row(0, 99, text("10.0.0.1"), 7002),
            // The one that was asked, which does not know its own name.
            row(100, 8_000, Value::Nil, 7001),
            row(8_001, 16_383, text("10.0.0.1"), 7002),
        ]);
        let holders = Holders::of_a_cluster(vec![primary(7001), primary(7002)], &primary(7001), &answer);
        let parts = holders.parts(&keys, 10_000);
        assert_eq!(
            parts.iter().map(|(node, _)| node.clone()).collect::<Vec<_>>(),
            [primary(7001), primary(7002)]
        );
        let (first, second) = (&parts[0].1, &parts[1].1);
        assert_eq!(first.len() + second.len(), 1_000);
        assert!(first.iter().all(|key| (100..=8_000).contains(&slot(key.as_bytes()))));
        assert!(second.iter().all(|key| !(100..=8_000).contains(&slot(key.as_bytes()))));
    }
}
