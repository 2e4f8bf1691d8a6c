//! One connection: to one server, or to every node of a cluster.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo};
use redis::{AsyncConnectionConfig, Client, Cmd, RedisResult, ScriptInvocation, TlsCertificates, Value};

/// How long to wait for a connection.
pub(super) const CONNECT: Duration = Duration::from_secs(3);

/// Commands that a connection may have on their way; what is more waits here, and its time counts.
const UNDER_WAY: usize = 1 << 16;

/// How long a node of a cluster may take: no run lasts longer, and the crate knows no end.
const FOREVER: Duration = Duration::from_secs(30 * 24 * 3_600);

/// How often a cluster is asked again after a slot has moved or a node is gone.
const RETRIES: u32 = 4;

/// A server that holds keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::live) enum Node {
    /// The one there is.
    Only,
    /// A primary of a cluster.
    Primary {
        /// Its name or address.
        host: String,
        /// Where it listens.
        port: u16,
    },
}

impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Only => f.write_str("the server"),
            Self::Primary { host, port } => write!(f, "the server {host}:{port}"),
        }
    }
}

/// A connection that carries any number of commands at once.
#[derive(Clone)]
pub(super) enum Lane {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Where lanes lead.
pub(super) enum Gate {
    One(Client, AsyncConnectionConfig),
    Cluster(ClusterClient),
}

impl Gate {
    /// To one server.
    pub(super) fn to_one(url: &str, certificates: Option<TlsCertificates>) -> RedisResult<Self> {
        let client = match certificates {
            Some(certificates) => Client::build_with_tls(url, certificates),
            None => Client::open(url),
        };
        // A server that stalls is waited for: how long it takes is what is measured. Whether it still lives is asked
        // by INFO, whose answer must come.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None)
            .set_pipeline_buffer_size(UNDER_WAY);
        Ok(Self::One(client?, config))
    }

    /// To a cluster, some of whose nodes are known.
    pub(super) fn to_a_cluster(
        urls: Vec<String>,
        certificates: Option<TlsCertificates>,
    ) -> RedisResult<Self> {
        let builder = ClusterClient::builder(urls)
            .connection_timeout(CONNECT)
            .response_timeout(FOREVER)
            .overall_response_timeout(None)
            .retries(RETRIES);
        let builder = match certificates {
            Some(certificates) => builder.certs(certificates),
            None => builder,
        };
        Ok(Self::Cluster(builder.build()?))
    }

    /// One more connection.
    pub(super) async fn open(&self) -> RedisResult<Lane> {
        match self {
            Self::One(client, config) => {
                client.get_multiplexed_async_connection_with_config(config).await.map(Lane::One)
            }
            Self::Cluster(client) => client.get_async_connection().await.map(Lane::Cluster),
        }
    }
}

impl Lane {
    /// Sends a command to where its key lies.
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::One(connection) => connection.send_packed_command(command).await,
            Self::Cluster(connection) => connection.req_packed_command(command).await,
        }
    }

    /// Sends a command to a node.
    pub(super) async fn send_to(&mut self, node: &Node, command: &Cmd) -> RedisResult<Value> {
        match (self, node) {
            (Self::Cluster(connection), Node::Primary { host, port }) => {
                let address = SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port };
                connection.route_command(command.clone(), RoutingInfo::SingleNode(address)).await
            }
            (lane, _) => lane.send(command).await,
        }
    }

    /// Sends a command to every server that holds keys; who answered what, in the order of their addresses.
    pub(super) async fn send_to_all(&mut self, command: &Cmd) -> RedisResult<Vec<(Node, Value)>> {
        let Self::Cluster(connection) = self else {
            return Ok(vec![(Node::Only, self.send(command).await?)]);
        };
        let all = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
        let Value::Map(answers) = connection.route_command(command.clone(), all).await? else {
            return Ok(Vec::new());
        };
        let mut answers: Vec<(String, Value)> = answers
            .into_iter()
            .map(|(node, answer)| Ok((redis::from_redis_value(node)?, answer)))
            .collect::<RedisResult<_>>()?;
        answers.sort_by(|(one, _), (other, _)| one.cmp(other));
        let named = answers.into_iter().filter_map(|(address, answer)| {
            let (host, port) = address.rsplit_once(':')?;
            Some((Node::Primary { host: host.to_owned(), port: port.parse().ok()? }, answer))
        });
        Ok(named.collect())
    }

    /// Runs a script where its key lies.
    pub(super) async fn run(&mut self, script: &ScriptInvocation<'_>) -> RedisResult<u64> {
        match self {
            Self::One(connection) => script.invoke_async(connection).await,
            Self::Cluster(connection) => script.invoke_async(connection).await,
        }
    }
}
