//! Fetches over HTTP: what they bring, and what earlier answers told of each object.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::header::{
    ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, USER_AGENT,
};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use jiff::Timestamp;

use super::super::tls::Tls;
use super::Template;
use crate::origin::{Answer, Version};
use crate::trace::ObjectId;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// How long to wait for the whole of an answer: whoever asked may be gone long before.
const PATIENCE: Duration = Duration::from_secs(25);

/// Reasons of failures that are told apart.
const REASONS: usize = 5;

/// What a fetch brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::live) struct Brought {
    /// A value, word that the held one is still current, or a failure.
    pub(in crate::live) answer: Answer,
    /// The version; of a failure, the one that is known.
    pub(in crate::live) version: Version,
    /// Length of the body.
    pub(in crate::live) bytes: u64,
}

/// What the latest good answer told of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Known {
    /// One more with every answer whose validators differ from those before.
    version: Version,
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

impl Known {
    /// What an answer tells of an object of which `before` was known.
    fn told(headers: &HeaderMap, before: Option<&Self>) -> Self {
        let [etag, last_modified] = [ETAG, LAST_MODIFIED].map(|name| headers.get(name).cloned());
        let same = |before: &Self| match (&etag, &before.etag) {
            (Some(now), Some(then)) => now == then,
            _ => last_modified == before.last_modified,
        };
        let version = match before {
            None => Version::default(),
            Some(before) if same(before) => before.version,
            Some(before) => Version(before.version.0.wrapping_add(1)),
        };
        Self { version, etag, last_modified }
    }

    fn has_validator(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    /// When the version was made.
    fn made(&self) -> Option<Timestamp> {
        let text = self.last_modified.as_ref()?.to_str().ok()?;
        Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
    }
}

/// Counts of a run.
#[derive(Debug, Default)]
struct Tally {
    fetches: u64,
    failures: BTreeMap<String, u64>,
    /// Bodies that were not as long as recorded, their bytes, and the recorded ones.
    other_sizes: (u64, u64, u64),
    bodies: u64,
}

/// An origin that is asked over HTTP.
pub(in crate::live) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    template: Template,
    known: RefCell<BTreeMap<ObjectId, Known>>,
    tally: RefCell<Tally>,
}

impl Http {
    /// A client without connections yet, in a sentence what keeps it from being one.
    pub(in crate::live) fn new(template: Template, tls: &Tls) -> Result<Self, String> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls.config()?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https);
        Ok(Self { client, template, known: RefCell::default(), tally: RefCell::default() })
    }

    /// Asks for an object; with `held`, only whether that version is still current.
    pub(in crate::live) async fn fetch(
        &self,
        object: ObjectId,
        key: &str,
        size: u32,
        held: Option<Version>,
    ) -> Brought {
        let known = self.known.borrow().get(&object).cloned();
        let confirmed = known.as_ref().filter(|known| held == Some(known.version) && known.has_validator());
        let answered =
            tokio::time::timeout(PATIENCE, self.ask(&self.template.url(key, size), confirmed)).await;
        let answered = answered.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
        // Another answer may have come meanwhile.
        let latest = self.known.borrow().get(&object).cloned();
        let mut tally = self.tally.borrow_mut();
        tally.fetches += 1;
        let why = match answered {
            Ok((status, headers, bytes)) if status.is_success() => {
                tally.bodies += 1;
                if bytes != u64::from(size) {
                    let (count, sent, recorded) = tally.other_sizes;
                    tally.other_sizes = (count + 1, sent + bytes, recorded + u64::from(size));
                }
                let told = Known::told(&headers, latest.as_ref());
                let version = told.version;
                self.known.borrow_mut().insert(object, told);
                return Brought { answer: Answer::Value, version, bytes };
            }
            Ok((StatusCode::NOT_MODIFIED, _, bytes)) if confirmed.is_some() => {
                let version = confirmed.map_or_else(Version::default, |known| known.version);
                return Brought { answer: Answer::Unchanged, version, bytes };
            }
            Ok((status, _, _)) => format!("status {}", status.as_u16()),
            Err(why) => why,
        };
        *tally.failures.entry(why).or_default() += 1;
        let version = latest.map(|known| known.version).unwrap_or_default();
        Brought { answer: Answer::Failure, version, bytes: 0 }
    }

    /// Sends a GET and reads all of its answer; why there is none.
    async fn ask(
        &self,
        url: &str,
        confirmed: Option<&Known>,
    ) -> Result<(StatusCode, HeaderMap, u64), String> {
        let uri: Uri = url.parse().map_err(|error| format!("no URL ({error})"))?;
        let mut request = Request::get(uri).header(USER_AGENT, concat!("ttlab/", env!("CARGO_PKG_VERSION")));
        if let Some(known) = confirmed {
            let validators = [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)];
            for (name, value) in validators {
                request = value.iter().fold(request, |request, value| request.header(&name, value));
            }
        }
        let request = request.body(Empty::new()).map_err(|error| format!("no request ({error})"))?;
        let response = self.client.request(request).await.map_err(|error| {
            let what = if error.is_connect() { "no connection" } else { "no answer" };
            format!("{what} ({})", innermost(&error))
        })?;
        let (head, mut body) = response.into_parts();
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| format!("an answer that broke off ({})", innermost(&error)))?;
            bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok((head.status, head.headers, bytes))
    }

    /// How old a version was a moment ago; `None` if its answer did not tell.
    pub(in crate::live) fn age(&self, object: ObjectId, version: Version) -> Option<Duration> {
        let known = self.known.borrow();
        let made = known.get(&object).filter(|known| known.version == version)?.made()?;
        Some(Duration::try_from(Timestamp::now().duration_since(made)).unwrap_or(Duration::ZERO))
    }

    /// What the reader must know of it.
    pub(in crate::live) fn remarks(&self) -> Vec<String> {
        let Tally { fetches, failures, other_sizes: (others, sent, recorded), bodies } =
            &*self.tally.borrow();
        let mut remarks = vec![format!(
            "{fetches} fetches were sent to the origin at {}: what the scenario says of the origin's latency, changes and \
             faults was not played",
            self.template.shown()
        )];
        let failed: u64 = failures.values().sum();
        if failed > 0 {
            let mut reasons: Vec<(&String, &u64)> = failures.iter().collect();
            reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let told = reasons.iter().take(REASONS).map(|(why, count)| format!("{count} with {why}"));
            remarks.push(format!(
                "{failed} of {fetches} fetches failed: {}",
                told.collect::<Vec<_>>().join(", ")
            ));
        }
        if *others > 0 {
            let mean = |bytes: &u64| *bytes as f64 / *others as f64;
            remarks.push(format!(
                "{others} of {bodies} bodies were not as long as recorded: {:.0} bytes on average instead of {:.0}. Values in the \
                 cache are as long as recorded, the origin's traffic is that of the bodies",
                mean(sent),
                mean(recorded)
            ));
        }
        remarks
    }
}

/// The cause that lies deepest: the others only say where it was noticed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_version_is_another_one_when_its_validators_are() {
        let first = Known::told(&headers(&[("etag", "\"a\""), ("last-modified", "x")]), None);
        assert_eq!((first.version, first.has_validator()), (Version(0), true));
        let same = Known::told(&headers(&[("etag", "\"a\""), ("last-modified", "y")]), Some(&first));
        assert_eq!(same.version, Version(0), "the entity tag is what counts");
        let other = Known::told(&headers(&[("etag", "\"b\""), ("last-modified", "y")]), Some(&same));
        assert_eq!(other.version, Version(1));
        let without = Known::told(&headers(&[("last-modified", "y")]), Some(&other));
        assert_eq!(without.version, Version(1), "the date is the same");
        let silent = Known::told(&headers(&[]), None);
        assert!(!silent.has_validator());
        assert_eq!(
            Known::told(&headers(&[]), Some(&silent)).version,
            Version(0),
            "nothing tells of a change"
        );
    }

    #[test]
    fn the_date_of_a_version_is_read() {
        let known = Known::told(&headers(&[("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")]), None);
        assert_eq!(known.made().unwrap().as_second(), 784_111_777);
        assert_eq!(Known::told(&headers(&[("last-modified", "yesterday")]), None).made(), None);
    }
}
