//! What can go wrong between the harness and a server, in words that say what to do.

use redis::{ErrorKind, RedisError, Value};

use super::is_gone;

/// Why a command has no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::live) enum Fault {
    /// The server has no room (`OOM`).
    #[error("the server is out of memory")]
    OutOfMemory,
    /// Nobody is there any more.
    #[error("the server went away ({0})")]
    Gone(String),
    /// It does not take writes.
    #[error("the server takes no writes ({0}); name its primary instead")]
    ReadOnly(String),
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
            _ if is_gone(error) => Self::Gone(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }

    /// An answer that no Redis gives.
    pub(super) fn strange(command: &str, answer: &Value) -> Self {
        let mut answer = format!("{answer:?}");
        if let Some((end, _)) = answer.char_indices().nth(100) {
            answer.truncate(end);
        }
        Self::Refused(format!("{command} was answered with {answer}"))
    }
}

/// Why there is no connection; passwords are not told.
pub(in crate::live) fn opening(url: &str, error: &RedisError) -> Fault {
    let shown = without_password(url);
    Fault::Unreachable(match error.kind() {
        ErrorKind::InvalidClientConfig => format!(
            "--redis {shown} is no address of a Redis server ({error}); write redis://[:PASSWORD@]HOST:PORT[/DB]"
        ),
        ErrorKind::AuthenticationFailed => {
            format!(
                "the server at {shown} refuses the password ({error}); write it into the address: redis://:PASSWORD@HOST:PORT"
            )
        }
        _ if matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM")) => {
            format!(
                "the server at {shown} refuses the password ({error}); write it into the address: redis://:PASSWORD@HOST:PORT"
            )
        }
        _ if is_gone(error) || error.is_timeout() || error.is_connection_refusal() => {
            format!("there is no server at {shown} ({error}); start one, or let --spawn start one")
        }
        _ => format!("the server at {shown} cannot be used: {error}"),
    })
}

/// An address without its password.
pub(in crate::live) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}"),
        None => url.to_owned(),
    }
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
}
