//! Connections by TLS, with users and passwords, and in RESP3.

#![expect(clippy::disallowed_methods, reason = "a server takes time to listen")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::harness::{folder, keys, record, run, said, scenario};
use super::resp::Answer;
use super::server::{Server, free_port, is_checking};

/// Certificates of an authority of its own, in a folder.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// `None`, with a message, where there is no `openssl`; under `CI=true` that is a failure.
    #[expect(clippy::print_stderr, reason = "who runs the tests must see that these were skipped")]
    fn make() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            assert!(!is_checking(), "openssl is missing");
            eprintln!("skipped: there is no openssl here to make certificates");
            return None;
        }
        let made = Self { folder: tempfile::tempdir().expect("a temporary folder can be made") };
        std::fs::write(made.path("names"), "subjectAltName=IP:127.0.0.1\n").expect("it can be written");
        made.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=tests -keyout ca.key -out ca.pem");
        for name in ["server", "client"] {
            made.openssl(&format!(
                "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
            ));
            made.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out {name}.pem"
            ));
        }
        Some(made)
    }

    fn openssl(&self, words: &str) {
        let mut command = Command::new("openssl");
        let output = command.current_dir(self.folder.path()).args(words.split(' ')).output();
        let output = output.expect("openssl can be started");
        assert!(output.status.success(), "{words}: {}", said(&output));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A certificate that is signed by nobody else, as one makes it in a hurry.
    fn self_made(&self, name: &str, more: &str) {
        self.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 {more} -keyout {name}.key -out {name}.pem"
        ));
    }

    /// A server that listens at a second port by TLS, and its address there.
    fn server(&self, clients: &str) -> Option<(Server, String)> {
        self.server_showing("server", clients)
    }

    /// The same with another certificate.
    fn server_showing(&self, name: &str, clients: &str) -> Option<(Server, String)> {
        let port = free_port().to_string();
        let [cert, key, ca] =
            [&format!("{name}.pem"), &format!("{name}.key"), "ca.pem"].map(|name| self.text(name));
        let server = Server::start(&[
            "--tls-port",
            &port,
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &ca,
            "--tls-auth-clients",
            clients,
        ])?;
        Some((server, format!("rediss://127.0.0.1:{port}/")))
    }
}

/// Half a second of a small site, with a lock so that a script runs too.
fn small() -> TempDir {
    let guard = "{ policy = \"lock\", lock_ttl = \"1s\", poll = \"5ms\" }";
    folder(&scenario(guard, "").replace("\"3s\"", "\"500ms\""))
}

/// Whether a run came to its end and had hits.
fn was_played(folder: &Path, words: &[&str]) {
    let output = run(folder, words);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let hits = record(folder).pointer("/cells/0/outcomes/fresh_hit").and_then(serde_json::Value::as_f64);
    assert!(hits > Some(5.0), "{hits:?} fresh hits");
}

#[test]
fn a_server_is_reached_by_tls_when_its_authority_is_trusted() {
    let Some(certificates) = Certificates::make() else { return };
    let Some((server, url)) = certificates.server("no") else { return };
    let folder = small();
    let output = run(folder.path(), &["--redis", &url]);
    assert_eq!(output.status.code(), Some(2), "the system does not know the authority");
    assert!(said(&output).contains("--tls-ca"), "{}", said(&output));
    let other_name = url.replace("rediss://", "valkeys://");
    let output = run(folder.path(), &["--redis", &other_name]);
    assert!(said(&output).contains("--tls-ca"), "{}", said(&output));
    for url in [&url, &other_name] {
        was_played(folder.path(), &["--redis", url, "--tls-ca", &certificates.text("ca.pem")]);
    }
    assert_eq!(keys(&mut server.client()), 0);
    let output = run(folder.path(), &["--redis", &url, "--tls-ca", &certificates.text("missing.pem")]);
    assert!(said(&output).contains("missing.pem"), "{}", said(&output));
    let output = run(folder.path(), &["--redis", &server.url(), "--tls-ca", &certificates.text("ca.pem")]);
    assert!(said(&output).contains("nothing is reached by TLS"), "{}", said(&output));
}

#[test]
fn what_is_wrong_with_a_certificate_that_somebody_made_is_told_and_what_is_advised_helps() {
    let Some(certificates) = Certificates::make() else { return };
    let folder = small();
    let address = "-addext subjectAltName=IP:127.0.0.1";
    let leaf = format!("{address} -addext basicConstraints=critical,CA:FALSE");
    let elsewhere = "-addext subjectAltName=DNS:elsewhere -addext basicConstraints=critical,CA:FALSE";
    for (name, more, advice) in [
        ("usual", address, Some("basicConstraints=CA:FALSE")),
        ("elsewhere", elsewhere, Some("subjectAltName=DNS:NAME,IP:ADDRESS")),
        ("bare", "-addext basicConstraints=critical,CA:FALSE", Some("its CN alone does not count")),
        ("leaf", leaf.as_str(), None),
    ] {
        certificates.self_made(name, more);
        let Some((_server, url)) = certificates.server_showing(name, "no") else { return };
        let own = certificates.text(&format!("{name}.pem"));
        let words = ["--redis", url.as_str(), "--tls-ca", own.as_str()];
        let Some(advice) = advice else {
            was_played(folder.path(), &words);
            continue;
        };
        let output = run(folder.path(), &words);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
        let said = said(&output);
        assert!(said.contains(advice) && !said.contains("name the authority that signed"), "{name}: {said}");
    }
}

#[test]
fn a_server_that_asks_for_a_certificate_is_shown_one() {
    let Some(certificates) = Certificates::make() else { return };
    let Some((server, url)) = certificates.server("yes") else { return };
    let folder = small();
    let ca = certificates.text("ca.pem");
    let output = run(folder.path(), &["--redis", &url, "--tls-ca", &ca]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let [cert, key] = ["client.pem", "client.key"].map(|name| certificates.text(name));
    was_played(folder.path(), &["--redis", &url, "--tls-ca", &ca, "--tls-cert", &cert, "--tls-key", &key]);
    assert_eq!(keys(&mut server.client()), 0);
    let output = run(folder.path(), &["--redis", &url, "--tls-cert", &cert]);
    assert!(said(&output).contains("--tls-key"), "{}", said(&output));
}

#[test]
fn an_origin_is_reached_by_tls_as_well() {
    let Some(certificates) = Certificates::make() else { return };
    let Some(_) = Server::start(&[]) else { return };
    let port = free_port();
    let mut command = Command::new("openssl");
    command.current_dir(certificates.folder.path());
    command.args(["s_server", "-quiet", "-www", "-cert", "server.pem", "-key", "server.key"]);
    command.args(["-accept", &format!("127.0.0.1:{port}")]);
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let process = process.as_mut().expect("openssl can be started");
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "openssl does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    let folder = small();
    let origin = format!("https://127.0.0.1:{port}/{{key}}");
    let outputs = [
        run(folder.path(), &["--spawn", "--origin", &origin, "--tls-ca", &certificates.text("ca.pem")]),
        run(folder.path(), &["--spawn", "--origin", &origin]),
    ];
    process.kill().expect("the server is our own");
    process.wait().expect("the server ends");
    let [trusted, unknown] = outputs.map(|output| said(&output));
    assert!(trusted.contains("bodies were not as long as recorded"), "the page of openssl came: {trusted}");
    assert!(unknown.contains("fetches failed") && unknown.contains("certificate"), "{unknown}");
}

#[test]
fn users_passwords_and_resp3_are_read_from_the_address() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.client();
    client.must(&["ACL", "SETUSER", "player", "on", ">se,cret", "~*", "&*", "+@all"]);
    let folder = small();
    let rest = server.url().replace("redis://", "");
    for (login, query) in
        [("", "?protocol=resp3"), ("player:se,cret@", ""), ("player:se,cret@", "?protocol=resp3")]
    {
        was_played(folder.path(), &["--redis", &format!("redis://{login}{rest}{query}")]);
    }
    let told = client.ask(&["ACL", "GETUSER", "player"]);
    assert!(matches!(told, Answer::Array(_)), "{told:?}");
    let output = run(folder.path(), &["--redis", &format!("redis://player:wr0ng@{rest}")]);
    assert!(
        said(&output).contains("refuses the password") && !said(&output).contains("wr0ng"),
        "{}",
        said(&output)
    );
    let output = run(folder.path(), &["--redis", &format!("redis://{rest}?protocol=resp9")]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert_eq!(keys(&mut client), 0);
}

#[test]
fn who_is_not_let_in_is_told_what_to_do() {
    let Some(server) = Server::start(&["--databases", "4"]) else { return };
    let mut client = server.client();
    client.must(&["ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@read", "+info", "-get"]);
    let folder = small();
    let rest = server.url().replace("redis://", "");
    let refused = |url: &str, parts: &[&str]| {
        let output = run(folder.path(), &["--redis", url]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{url}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{url}: {said}");
        assert!(!said.contains("secret@"), "{said}");
    };
    refused(&format!("redis://{rest}7"), &["fewer databases", "/0", "databases"]);
    refused(&format!("redis://reader:secret@{rest}"), &["does not let this user", "ACL SETUSER"]);
    // It does not speak TLS, and waits for the end of a line.
    refused(&format!("rediss://{rest}"), &["nobody speaks TLS", "write redis://"]);
    client.must(&["CONFIG", "SET", "requirepass", "right"]);
    refused(&server.url(), &["asks for a password", "redis://[USER]:PASSWORD@HOST:PORT"]);
    refused(&format!("redis://{rest}1"), &["asks for a password"]);
}
