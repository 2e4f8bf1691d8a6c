//! A real Chromium without a window, told what to do over its DevTools protocol.
//!
//! The protocol runs over a pair of pipes (`--remote-debugging-pipe`), each message ended by a zero byte: no port, no
//! web socket, nothing to compile. Pipes with names are the portable way to hand them to another program's
//! descriptors 3 and 4 without unsafe code.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A browser with one page; it ends when this is dropped.
pub(crate) struct Browser {
    child: Child,
    orders: File,
    answers: BufReader<File>,
    session: Option<String>,
    next: u64,
    /// What the page reported since it was last asked for.
    events: Vec<Value>,
    _folder: tempfile::TempDir,
}

/// Where the browser is; `None`, with a message, where there is none. Fails instead under `CI=true`.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file());
    if found.is_none() {
        let what = "chromium is not installed (Debian: apt-get install chromium)";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{what}");
        println!("skipped: {what}");
    }
    found
}

impl Browser {
    /// Starts a browser; `None` where there is none on this machine.
    pub(crate) fn start() -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (orders, answers) = (folder.path().join("orders"), folder.path().join("answers"));
        let made = Command::new("mkfifo").args([&orders, &answers]).status().expect("mkfifo can be started");
        assert!(made.success(), "pipes with names can be made");
        let child = Command::new("sh")
            .arg("-c")
            // A browser that hangs is ended after ten minutes. The sandbox needs rights that containers lack; the
            // pages shown are our own.
            .arg(
                "exec timeout 600 \"$0\" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage \
                 --hide-scrollbars --remote-debugging-pipe --user-data-dir=\"$3\" about:blank 3<\"$1\" 4>\"$2\"",
            )
            .args([&program, &orders, &answers, &folder.path().join("profile")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be started");
        // In the order in which the shell opens them: each opening waits for its other end.
        let orders = OpenOptions::new().write(true).open(&orders).expect("a pipe can be opened");
        let answers = BufReader::new(File::open(&answers).expect("a pipe can be opened"));
        let mut browser =
            Self { child, orders, answers, session: None, next: 0, events: Vec::new(), _folder: folder };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attached =
            browser.call("Target.attachToTarget", &json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].as_str().map(ToOwned::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    /// Sends an order and gives its answer.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.next += 1;
        let mut order = json!({"id": self.next, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            order["sessionId"] = json!(session);
        }
        let mut text = order.to_string().into_bytes();
        text.push(0);
        self.orders.write_all(&text).expect("the browser takes orders");
        loop {
            let message = self.message();
            if message["id"] == json!(self.next) {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn message(&mut self) -> Value {
        let mut text = Vec::new();
        let read = self.answers.read_until(0, &mut text).expect("the browser answers");
        assert!(read > 0, "the browser has gone");
        text.pop();
        serde_json::from_slice(&text).expect("the browser speaks JSON")
    }

    /// Opens a file, with what follows its name in the address, and waits until it is loaded.
    pub(crate) fn open(&mut self, file: &Path, rest: &str) {
        self.events.clear();
        // A page of its own in between: a change behind the # alone would load nothing.
        self.load("about:blank");
        self.events.clear();
        self.load(&format!("file://{}{rest}", file.display()));
    }

    fn load(&mut self, address: &str) {
        self.call("Page.navigate", &json!({"url": address}));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let message = self.message();
            self.events.push(message);
        }
    }

    /// What an expression comes to in the page; promises are waited for.
    pub(crate) fn ask(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", &asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// How large the window is.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Which media and colours the page is shown in.
    pub(crate) fn show_as(&mut self, media: &str, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", &json!({"media": media, "features": features}));
    }

    /// Whether scripts run in pages opened from now on.
    pub(crate) fn scripts(&mut self, run: bool) {
        self.call("Emulation.setScriptExecutionDisabled", &json!({"value": !run}));
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: &str, code: u32) {
        for kind in ["rawKeyDown", "keyUp"] {
            let pressed = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            self.call("Input.dispatchKeyEvent", &pressed);
        }
    }

    /// Everything the page complained about since it was opened: console messages of any level, exceptions, the
    /// browser's own log.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        self.ask("1");
        let complaint = |event: &&Value| {
            matches!(
                event["method"].as_str(),
                Some("Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded")
            )
        };
        self.events.iter().filter(complaint).map(Value::to_string).collect()
    }

    /// The addresses that the page asked for since it was opened.
    pub(crate) fn requests(&mut self) -> Vec<String> {
        self.ask("1");
        let asked = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        asked.filter_map(|event| Some(event["params"]["request"]["url"].as_str()?.to_owned())).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // `timeout` passes the signal on to the browser; by its own wish it ends in good order.
        self.session = None;
        let mut text = json!({"id": 0, "method": "Browser.close"}).to_string().into_bytes();
        text.push(0);
        let _ = self.orders.write_all(&text);
        let _ = self.child.wait();
    }
}
