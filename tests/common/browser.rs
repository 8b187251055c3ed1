//! Drives the page of the pretend Discord in a browser without a window.

use std::path::{Path, PathBuf};

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::common::process::Program;

/// What the page is drawn on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Device {
    pub(crate) name: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Physical pixels of a CSS pixel.
    pub(crate) scale: u32,
    pub(crate) phone: bool,
}

pub(crate) const DESKTOP: Device = Device { name: "desktop", width: 1280, height: 880, scale: 1, phone: false };
pub(crate) const PHONE: Device = Device { name: "phone", width: 390, height: 844, scale: 2, phone: true };

/// Lists what is wider than its place: the page, messages, what lies over it. Code may be scrolled sideways, and the
/// line of the message that is answered ends in an ellipsis.
pub(crate) const STICKING_OUT: &str = r"
    const [width] = arguments;
    const parts = document.querySelectorAll('#messages *, #composer *, #channel-header *, dialog[open] *');
    const out = [...parts].filter((part) => !part.closest('pre, .reply-jump') && part.getBoundingClientRect().right > width + 1);
    const scrolled = [document.documentElement, document.getElementById('scroller')];
    const wide = innerWidth > width || scrolled.some((part) => part.scrollWidth > width);
    return [...(wide ? ['the page'] : []), ...out.map((part) => part.outerHTML.slice(0, 200))];
";

pub(crate) fn screenshots() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("screenshots")
}

/// chromedriver's own command for the browser's log; the standard has none.
#[derive(Debug)]
pub(crate) struct BrowserLog;

impl WebDriverCompatibleCommand for BrowserLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// A browser without a window, and its driver.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Program,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn start(device: Device) -> Self {
        let profile = TempDir::new().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg("--port=0");
        let driver = Program::start(command);
        let said = driver.out.line("started successfully on port").await;
        let port = said.trim_end_matches('.').rsplit(' ').next().unwrap();
        let connected = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(device, profile.path()))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        let client = connected.unwrap_or_else(|error| panic!("the browser does not start: {error}"));
        Self { client, driver, _profile: profile }
    }

    /// The driver takes the browser with it only if it is asked to.
    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
        self.driver.kill().await;
    }
}

fn capabilities(device: Device, profile: &Path) -> serde_json::Map<String, Value> {
    let profile = format!("--user-data-dir={}", profile.display());
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en-US",
        "--hide-scrollbars",
        // Nothing moves: a click meets what it aimed at.
        "--force-prefers-reduced-motion",
        &profile,
    ];
    let Device { width, height, scale, phone, .. } = device;
    let metrics = json!({ "width": width, "height": height, "pixelRatio": scale, "mobile": phone, "touch": phone });
    let options = json!({ "args": arguments, "mobileEmulation": { "deviceMetrics": metrics } });
    [
        ("browserName".to_owned(), json!("chrome")),
        ("goog:chromeOptions".to_owned(), options),
        ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
    ]
    .into_iter()
    .collect()
}

/// What is needed and not installed here.
pub(crate) fn missing_tool() -> Option<&'static str> {
    let folders: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let installed = |names: &[&str]| names.iter().any(|name| folders.iter().any(|folder| folder.join(name).is_file()));
    if !installed(&["chromedriver"]) {
        return Some("chromedriver");
    }
    if !installed(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]) {
        return Some("Chromium or Chrome");
    }
    None
}
