//! A browser without a window, a desk's or a phone's, that looks at the page.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::common::LIMIT;

/// What the page is drawn on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    pub(crate) name: &'static str,
    pub(crate) width: u32,
    height: u32,
    pub(crate) phone: bool,
}

pub(crate) const DESKTOP: Device = Device { name: "desktop", width: 1280, height: 880, phone: false };
pub(crate) const PHONE: Device = Device { name: "phone", width: 390, height: 844, phone: true };

/// A browser and its driver.
pub(crate) struct Browser {
    pub(crate) client: Client,
    pub(crate) device: Device,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts one; `None`, said aloud, where the tools are not installed.
    pub(crate) async fn start(device: Device) -> Option<Self> {
        if let Some(missing) = missing_tool() {
            let wanted = std::env::var_os("GANDER_TEST_REQUIRE_TOOLS").is_some_and(|wanted| wanted == "1");
            assert!(!wanted, "{missing} is not installed");
            println!("skipped: {missing} is not installed");
            return None;
        }
        let profile = TempDir::new().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut driver = command.spawn().unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = timeout(LIMIT, async {
            loop {
                let line = lines.next_line().await.unwrap().expect("the driver starts");
                if line.contains("started successfully on port") {
                    return line.trim_end_matches('.').rsplit(' ').next().unwrap().to_owned();
                }
            }
        });
        let port = port.await.unwrap();
        // What it says later must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let connected = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(device, profile.path()))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        let client = connected.unwrap_or_else(|error| panic!("the browser does not start: {error}"));
        Some(Self { client, device, driver, _profile: profile })
    }

    /// Opens the page as somebody in a channel.
    pub(crate) async fn open(&self, page: &str, user: &str, channel: &str) {
        self.client.goto(&format!("{page}?user={user}&channel={channel}")).await.unwrap();
        self.see("//html[@data-ready='true'][@data-connection='live']").await;
    }

    /// Waits for an element that is shown.
    pub(crate) async fn see(&self, xpath: &str) -> Element {
        let shown = timeout(LIMIT, async {
            loop {
                let found = self.client.find_all(Locator::XPath(xpath)).await.unwrap();
                for element in found {
                    if element.is_displayed().await.unwrap_or(false) {
                        return element;
                    }
                }
            }
        });
        match shown.await {
            Ok(element) => element,
            Err(_) => {
                self.shot("missing").await;
                panic!("the page does not show {xpath}; see {}", screenshots().display());
            }
        }
    }

    /// Clicks as soon as nothing lies in the way.
    pub(crate) async fn click(&self, xpath: &str) {
        let clicked = timeout(LIMIT, async { while self.see(xpath).await.click().await.is_err() {} });
        clicked.await.unwrap_or_else(|_| panic!("{xpath} cannot be clicked"));
    }

    /// Runs a script and returns what it returns.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// Runs a script that hands its result to the last of its arguments.
    pub(crate) async fn run_async(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute_async(script, arguments).await.unwrap()
    }

    /// Takes a picture, to be looked at.
    pub(crate) async fn shot(&self, name: &str) {
        std::fs::create_dir_all(screenshots()).unwrap();
        let file = screenshots().join(format!("sandbox-{}-{name}.png", self.device.name));
        std::fs::write(file, self.client.screenshot().await.unwrap()).unwrap();
    }

    /// Ends the browser, which its driver takes along only when asked to.
    pub(crate) async fn close(mut self) {
        self.client.close().await.unwrap();
        self.driver.kill().await.unwrap();
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
    let Device { width, height, phone, .. } = device;
    let metrics = json!({ "width": width, "height": height, "pixelRatio": 1, "mobile": phone, "touch": phone });
    let options = json!({ "args": arguments, "mobileEmulation": { "deviceMetrics": metrics } });
    [("browserName".to_owned(), json!("chrome")), ("goog:chromeOptions".to_owned(), options)].into_iter().collect()
}

fn screenshots() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("screenshots")
}

/// What is needed and not installed here.
fn missing_tool() -> Option<&'static str> {
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
