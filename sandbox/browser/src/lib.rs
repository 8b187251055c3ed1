//! A browser without a window, a desk's or a phone's, for tests of pages. Knows how a browser is
//! started, asked and put away; which page is looked at is the test's business, but for the two
//! marks by which the sandbox's page says that it is ready.
//!
//! Needs Chromium (or Chrome) and chromedriver. Where they are missing [`Browser::start`] says so
//! and returns `None`, unless `GANDER_TEST_REQUIRE_TOOLS=1` asks for them. Pictures go to
//! [`screenshots`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "serves tests, which fail here"
)]

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

pub use fantoccini;
use fantoccini::elements::Element;
use fantoccini::error::{CmdError, ErrorStatus};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::LocalSet;
use tokio::time::timeout;
use url::Url;

/// How long anything is waited for: enough for a loaded machine; nothing waits so long when all is
/// well.
const LIMIT: Duration = Duration::from_secs(60);

/// What the page is drawn on.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    /// Part of the names of pictures.
    pub name: &'static str,
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// Physical pixels of a CSS pixel.
    pub scale: u32,
    /// Whether it is touched and reports itself as mobile.
    pub phone: bool,
}

/// A desk's screen.
pub const DESKTOP: Device =
    Device { name: "desktop", width: 1280, height: 880, scale: 1, phone: false };
/// A phone's, held upright.
pub const PHONE: Device = Device { name: "phone", width: 390, height: 844, scale: 2, phone: true };

/// Lists what is wider than its place: the page, messages, what lies over it. Code may be scrolled
/// sideways, and the line of the message that is answered ends in an ellipsis.
const STICKING_OUT: &str = r"
    const [width] = arguments;
    const parts = document.querySelectorAll('#messages *, #composer *, #channel-header *, dialog[open] *');
    const out = [...parts].filter((part) => !part.closest('pre, .reply-jump') && part.getBoundingClientRect().right > width + 1);
    const scrolled = [document.documentElement, document.getElementById('scroller')];
    const wide = innerWidth > width || scrolled.some((part) => part.scrollWidth > width);
    return [...(wide ? ['the page'] : []), ...out.map((part) => part.outerHTML.slice(0, 200))];
";

/// Where pictures are kept: `screenshots` in the target folder.
#[must_use]
pub fn screenshots() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/PROFILE/deps/TEST
    test.ancestors().nth(3).unwrap().join("screenshots")
}

/// Runs the driver, and ends it and the browser, all of this process group, as soon as its input
/// ends: when it is dropped, and when the test's process is killed.
const DRIVER: &str = "chromedriver --port=0 & read _; kill -KILL 0";

/// A browser and its driver. Both end when this is dropped, if not by [`Browser::close`] before.
pub struct Browser {
    page: Page,
    driver: Child,
    _profile: TempDir,
}

impl Deref for Browser {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl Browser {
    /// Starts one; `None`, said aloud, where the tools are not installed.
    pub async fn start(device: Device) -> Option<Self> {
        if let Some(missing) = missing_tool() {
            let wanted =
                std::env::var_os("GANDER_TEST_REQUIRE_TOOLS").is_some_and(|wanted| wanted == "1");
            assert!(!wanted, "{missing} is not installed");
            println!("skipped: {missing} is not installed");
            return None;
        }
        let profile = TempDir::new().unwrap();
        let (driver, port) = driver().await;
        let connected = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(device, profile.path()))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        let client =
            connected.unwrap_or_else(|error| panic!("the browser does not start: {error}"));
        Some(Self { page: Page { client, device }, driver, _profile: profile })
    }

    /// Looks at pages in a task of its own: whatever fails in it, the browser is put away.
    pub async fn visit<F: Future<Output = ()> + 'static>(self, visit: impl FnOnce(Page) -> F) {
        let visit = visit(self.page.clone());
        let visited =
            LocalSet::new().run_until(async { tokio::task::spawn_local(visit).await }).await;
        self.close().await;
        visited.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
    }

    /// Ends the browser.
    pub async fn close(mut self) {
        self.page.client.close().await.unwrap();
        drop(self.driver.stdin.take());
        self.driver.wait().await.unwrap();
    }
}

/// What the browser shows, and the hand and eye of whoever sits before it.
#[derive(Clone)]
pub struct Page {
    /// Everything else that WebDriver can do.
    pub client: Client,
    /// What it is drawn on.
    pub device: Device,
}

impl Page {
    /// Opens the sandbox's page as somebody in a channel.
    pub async fn open(&self, page: &str, user: &str, channel: &str) {
        self.open_at(&format!("{page}?user={user}&channel={channel}")).await;
    }

    /// Opens the sandbox's page at a whole address.
    pub async fn open_at(&self, address: &str) {
        timeout(LIMIT, self.client.goto(address))
            .await
            .unwrap_or_else(|_| panic!("{address} does not load"))
            .unwrap();
        self.see("/html[@data-ready='true'][@data-connection='live']").await;
    }

    /// Waits for an element that is shown.
    pub async fn see(&self, xpath: &str) -> Element {
        let shown = timeout(LIMIT, async {
            loop {
                for element in self.client.find_all(Locator::XPath(xpath)).await.unwrap() {
                    if element.is_displayed().await.unwrap_or(false) {
                        return element;
                    }
                }
            }
        });
        match shown.await {
            Ok(element) => element,
            Err(_) => {
                let picture = self.save("missing").await;
                panic!("the page does not show {xpath}; see {}", picture.display());
            }
        }
    }

    /// Clicks as soon as nothing lies in the way.
    pub async fn click(&self, xpath: &str) {
        self.with(xpath, async |element| element.click().await).await;
    }

    /// Types into an element.
    pub async fn write(&self, xpath: &str, text: &str) {
        self.with(xpath, async |element| element.send_keys(text).await).await;
    }

    /// Does something with an element, as soon as that is possible.
    pub async fn with<T>(
        &self,
        xpath: &str,
        act: impl AsyncFn(Element) -> Result<T, CmdError>,
    ) -> T {
        let acted = timeout(LIMIT, async {
            loop {
                match act(self.see(xpath).await).await {
                    Err(error) if passes_by_itself(&error) => {}
                    result => return result,
                }
            }
        });
        let result = acted.await.unwrap_or_else(|_| panic!("{xpath} cannot be reached"));
        result.unwrap_or_else(|error| panic!("{xpath}: {error}"))
    }

    /// Runs a script and returns what it returns.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// Runs a script that hands its result to the last of its arguments.
    pub async fn run_async(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute_async(script, arguments).await.unwrap()
    }

    /// Brings the top of a message into view.
    pub async fn scroll_to(&self, message_id: &str) {
        const SCRIPT: &str = "document.querySelector(`[data-message-id='${arguments[0]}']`).scrollIntoView({ block: 'start' })";
        self.run(SCRIPT, vec![json!(message_id)]).await;
    }

    /// Takes a picture, to be looked at, and checks that nothing sticks out at the side.
    pub async fn shot(&self, of: &str, name: &str) -> PathBuf {
        let file = self.save(&format!("{of}-{}-{name}", self.device.name)).await;
        let out = self.run(STICKING_OUT, vec![json!(self.device.width)]).await;
        assert_eq!(
            out,
            json!([]),
            "sticks out at the side on the {}; see {}",
            self.device.name,
            file.display()
        );
        file
    }

    async fn save(&self, name: &str) -> PathBuf {
        std::fs::create_dir_all(screenshots()).unwrap();
        let file = screenshots().join(format!("{name}.png"));
        std::fs::write(&file, self.client.screenshot().await.unwrap()).unwrap();
        file
    }

    /// What the browser itself has to say about the page: errors of scripts, refused or missing
    /// files, warnings.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(BrowserLog).await.unwrap();
        log.as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["level"] != "INFO")
            .map(Value::to_string)
            .collect()
    }
}

/// chromedriver's own command for the browser's log; the standard has none.
#[derive(Debug)]
struct BrowserLog;

impl WebDriverCompatibleCommand for BrowserLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// Whether an element was drawn anew, still comes into view, or lies under something that goes.
fn passes_by_itself(error: &CmdError) -> bool {
    let CmdError::Standard(error) = error else { return false };
    matches!(
        error.error,
        ErrorStatus::StaleElementReference
            | ErrorStatus::ElementNotInteractable
            | ErrorStatus::ElementClickIntercepted
    )
}

/// Starts chromedriver on a free port.
async fn driver() -> (Child, String) {
    let mut command = Command::new("sh");
    command
        .args(["-c", DRIVER])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
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
    let port = port.await.expect("the driver says its port");
    // What it says later must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (driver, port)
}

fn capabilities(device: Device, profile: &Path) -> Map<String, Value> {
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
    let capabilities = json!({
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    capabilities.as_object().cloned().unwrap_or_default()
}

/// What is needed and not installed here.
fn missing_tool() -> Option<&'static str> {
    let folders: Vec<PathBuf> =
        std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let installed = |names: &[&str]| {
        names.iter().any(|name| folders.iter().any(|folder| folder.join(name).is_file()))
    };
    if !installed(&["chromedriver"]) {
        return Some("chromedriver");
    }
    if !installed(&[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "chrome",
    ]) {
        return Some("Chromium or Chrome");
    }
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use tokio::time::interval;

    use super::*;

    /// Number of processes that were started with this profile.
    fn running(profile: &str) -> usize {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        // One that has ended meanwhile cannot be read.
        let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        lines.filter(|line| String::from_utf8_lossy(line).contains(profile)).count()
    }

    async fn ended(profile: &str) {
        let mut looks = interval(Duration::from_millis(20));
        let ended = timeout(LIMIT, async {
            while running(profile) > 0 {
                looks.tick().await;
            }
        });
        ended.await.expect("the browser ends");
    }

    #[tokio::test]
    async fn a_browser_ends_when_it_is_dropped() {
        let Some(browser) = Browser::start(DESKTOP).await else { return };
        let profile = browser._profile.path().display().to_string();
        assert!(running(&profile) > 0);
        drop(browser);
        ended(&profile).await;
    }

    #[tokio::test]
    #[ignore = "runs only to be killed by the next test"]
    async fn a_test_that_is_killed() {
        let Some(browser) = Browser::start(DESKTOP).await else { return };
        println!("\nprofile {}", browser._profile.path().display());
        std::future::pending::<()>().await;
    }

    #[tokio::test]
    async fn a_browser_ends_with_a_test_that_is_killed() {
        if missing_tool().is_some() {
            return;
        }
        let mut test = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "tests::a_test_that_is_killed"])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(test.stdout.take().unwrap()).lines();
        let profile = timeout(LIMIT, async {
            loop {
                let line = lines.next_line().await.unwrap().expect("the browser starts");
                if let Some(profile) = line.strip_prefix("profile ") {
                    return profile.to_owned();
                }
            }
        });
        let profile = profile.await.unwrap();
        assert!(running(&profile) > 0);
        test.kill().await.unwrap();
        ended(&profile).await;
        fs::remove_dir_all(&profile).unwrap();
    }
}
