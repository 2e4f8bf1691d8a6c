//! What can go wrong between the harness and a server, in words that say what to do.

use std::time::Duration;

use redis::{ErrorKind, RedisError, Value};

use super::address::{is_by_tls, without_password};
use super::is_gone;
use super::lane::CONNECT;

/// Why a command has no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::live) enum Fault {
    /// The server has no room (`OOM`).
    #[error("the server is out of memory")]
    OutOfMemory,
    /// Nobody is there any more.
    #[error("the server went away ({0})")]
    Gone(String),
    /// It is there and says nothing.
    #[error(
        "the server has not answered {what} for {} s: its process is stopped, its host cut off, or it is far behind; look at it, or \
         play the trace slower", .patience.as_secs()
    )]
    Silent {
        /// What it was asked.
        what: &'static str,
        /// How long it was waited for.
        patience: Duration,
    },
    /// No connection leads to that server of a cluster.
    #[error("no connection leads there ({0})")]
    Missing(String),
    /// It does not take writes.
    #[error("the server takes no writes ({0}); name its primary instead")]
    ReadOnly(String),
    /// It wants to know who asks, or does not let that one do it.
    #[error("{0}")]
    Forbidden(String),
    /// It says no, in its own words.
    #[error("the server refuses: {0}")]
    Refused(String),
    /// There never was a connection.
    #[error("{0}")]
    Unreachable(String),
}

impl Fault {
    /// From what the crate says.
    pub(super) fn of(error: &RedisError) -> Self {
        match error.code() {
            Some("OOM") => Self::OutOfMemory,
            Some("READONLY") => Self::ReadOnly("READONLY".to_owned()),
            Some("NOAUTH") => {
                Self::Forbidden(format!("the server asks for a password ({error}); {WITH_PASSWORD}"))
            }
            Some("NOPERM") => {
                Self::Forbidden(format!("the server does not let this user do it ({error}); {PERMISSION}"))
            }
            _ if error.kind() == ErrorKind::ClusterConnectionNotFound => Self::Missing(error.to_string()),
            _ if is_gone(error) => Self::Gone(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }

    /// An answer that no Redis gives.
    pub(in crate::live) fn strange(command: &str, answer: &Value) -> Self {
        let mut answer = format!("{answer:?}");
        if let Some((end, _)) = answer.char_indices().nth(100) {
            answer.truncate(end);
        }
        Self::Refused(format!("{command} was answered with {answer}"))
    }
}

/// Why there is no connection; passwords are not told.
pub(super) fn opening(url: &str, error: &RedisError) -> Fault {
    let shown = without_password(url);
    Fault::Unreachable(match error.kind() {
        ErrorKind::InvalidClientConfig => format!(
            "--redis {shown} is no address of a Redis server ({error}); write redis://[:PASSWORD@]HOST:PORT[/DB]"
        ),
        ErrorKind::RESP3NotSupported => {
            format!("the server at {shown} knows no RESP3 ({error}); leave out protocol=resp3")
        }
        _ if error.to_string().contains("cluster support disabled") => {
            format!("the server at {shown} is no node of a cluster; leave out --cluster")
        }
        _ if error.code() == Some("NOAUTH") || error.to_string().contains("Authentication required") => {
            format!("the server at {shown} asks for a password ({error}); {WITH_PASSWORD}")
        }
        _ if error.code() == Some("NOPERM") || error.to_string().contains("has no permissions") => {
            format!("the server at {shown} does not let this user in ({error}); {PERMISSION}")
        }
        _ if error.to_string().contains("DB index is out of range")
            || error.to_string().contains("invalid DB index") =>
        {
            format!(
                "the server at {shown} has fewer databases than its address asks for ({error}); name a smaller one behind the port, such as \
             /0, or raise its setting databases (a cluster has only /0)"
            )
        }
        ErrorKind::AuthenticationFailed => refuses_password(&shown, error),
        _ if error.code() == Some("WRONGPASS") => refuses_password(&shown, error),
        _ if is_about_certificates(error) => mistrust(&shown, error),
        _ if is_by_tls(url) && (error.is_timeout() || is_about_tls(error)) => format!(
            "nobody speaks TLS at {shown} within {} s ({error}): its port may be one without TLS (write {}), the process stopped, or \
             the host cut off",
            CONNECT.as_secs(),
            without_tls(url)
        ),
        _ if error.to_string().contains("Too many open files") => format!(
            "no further connection to {shown} can be opened ({error}): each is an open file of this process; ask for fewer with \
             --connections, or raise the limit (ulimit -n)"
        ),
        _ if error.is_timeout() => format!(
            "nobody answers at {shown} within {} s ({error}): the process is stopped, the host cut off or too busy, or the address \
             wrong",
            CONNECT.as_secs()
        ),
        _ if has_hung_up(error) => format!(
            "the server at {shown} takes no further connection ({error}): it has its max number of clients (maxclients), or ends, or \
             expects TLS (rediss://); ask for fewer with --connections, raise its maxclients, or let others leave"
        ),
        _ if is_gone(error) || error.is_connection_refusal() => {
            format!("there is no server at {shown} ({error}); start one, or let --spawn start one")
        }
        _ => format!("the server at {shown} cannot be used: {error}"),
    })
}

/// Whether somebody was there and closed the connection at once, as a server does that has as many clients as it may: who
/// is quick reads why, and others see a broken connection.
fn has_hung_up(error: &RedisError) -> bool {
    let text = error.to_string();
    let was_there = error.is_connection_dropped()
        && !error.is_connection_refusal()
        && !text.contains("initial connections");
    was_there || text.contains("max number of clients")
}

/// What to do where a user may not do what a run needs.
const PERMISSION: &str = "allow it (ACL SETUSER NAME +COMMAND ~PREFIX*), or name another user in the address: redis://USER:PASSWORD@HOST:PORT";

/// What to do where a server asks who one is.
const WITH_PASSWORD: &str = "write it into the address: redis://[USER]:PASSWORD@HOST:PORT";

fn refuses_password(shown: &str, error: &RedisError) -> String {
    format!("the server at {shown} refuses the password ({error}); {WITH_PASSWORD}")
}

/// What to do where one side does not accept the other's certificate: not each of them lacks an authority.
fn mistrust(shown: &str, error: &RedisError) -> String {
    let text = error.to_string().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["causedasendentity"]) {
        return format!(
            "the certificate of the server at {shown} is one of an authority ({error}), which can sign others and not stand for a server \
             itself; make it with basicConstraints=CA:FALSE (openssl req -x509 ... -addext basicConstraints=critical,CA:FALSE), or \
             sign one for the server with it, and name it with --tls-ca"
        );
    }
    if says(&["not valid for name", "notvalidforname"]) {
        return format!(
            "the certificate of the server at {shown} is for another name ({error}); connect by a name or an address in it, or make it \
             with this one as subjectAltName (openssl ... -addext subjectAltName=DNS:NAME,IP:ADDRESS); its CN alone does not count"
        );
    }
    if says(&["certificate expired", "expired(", "not valid yet", "notvalidyet"]) {
        return format!(
            "the certificate of the server at {shown} does not hold today ({error}); make a new one, or set the clock of this machine"
        );
    }
    format!(
        "the server at {shown} and this machine do not trust each other ({error}); name the authority that signed the \
         server's certificate with --tls-ca, and your own certificate with --tls-cert and --tls-key if it asks for one"
    )
}

/// The scheme of the same address without TLS.
fn without_tls(url: &str) -> &'static str {
    if url.starts_with("valkeys") { "valkey://" } else { "redis://" }
}

/// Whether what came was no TLS.
fn is_about_tls(error: &RedisError) -> bool {
    let text = error.to_string();
    ["InvalidContentType", "corrupt message", "InvalidMessage"].iter().any(|word| text.contains(word))
}

/// Whether a connection failed because one side does not accept the other's certificate.
fn is_about_certificates(error: &RedisError) -> bool {
    let text = error.to_string().to_lowercase();
    text.contains("certificate") || text.contains("unknownissuer")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: std::io::Error) -> String {
        opening("redis://:secret@host/", &error.into()).to_string()
    }

    #[test]
    fn a_limit_of_this_process_and_a_silent_server_are_no_missing_server() {
        let full = told(std::io::Error::other("Too many open files (os error 24)"));
        assert!(full.contains("--connections") && full.contains("***@host"), "{full}");
        let silent = told(std::io::ErrorKind::TimedOut.into());
        assert!(silent.contains("nobody answers at redis://***@host/ within 3 s"), "{silent}");
        let missing = told(std::io::ErrorKind::ConnectionRefused.into());
        assert!(missing.contains("there is no server at redis://***@host/"), "{missing}");
        let unknown = told(std::io::Error::other("failed to lookup address information"));
        assert!(unknown.contains("there is no server at redis://***@host/"), "{unknown}");
    }

    #[test]
    fn what_is_wrong_with_a_certificate_decides_what_to_do() {
        let refused = |why: &str| told(std::io::Error::other(format!("invalid peer certificate: {why}")));
        for (why, advice) in [
            ("Other(OtherError(CaUsedAsEndEntity))", "basicConstraints=CA:FALSE"),
            (
                "certificate not valid for name \"127.0.0.1\"; certificate is only valid for DnsName(\"x\")",
                "subjectAltName",
            ),
            ("NotValidForName", "subjectAltName"),
            (
                "certificate expired: verification time 2 (UNIX), but certificate is not valid after 1",
                "make a new one",
            ),
            ("certificate not valid yet: verification time 1 (UNIX), but", "clock of this machine"),
            ("UnknownIssuer", "name the authority"),
        ] {
            let told = refused(why);
            assert!(told.contains(advice) && told.contains("***@host"), "{told}");
            assert_eq!(
                told.contains("name the authority that signed"),
                advice == "name the authority",
                "{told}"
            );
        }
        let asks = told(std::io::Error::other("received fatal alert: CertificateRequired"));
        assert!(asks.contains("--tls-cert and --tls-key"), "{asks}");
    }

    #[test]
    fn a_server_with_too_many_clients_is_no_missing_server() {
        let closed = [std::io::ErrorKind::BrokenPipe, std::io::ErrorKind::ConnectionReset];
        let in_words = std::io::Error::other("ERR max number of clients reached");
        for error in closed.into_iter().map(std::io::Error::from).chain([in_words]) {
            let full = told(error);
            let parts = ["***@host", "max number of clients", "--connections"];
            assert!(parts.iter().all(|part| full.contains(part)), "{full}");
        }
    }
}
