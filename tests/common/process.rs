//! Runs the program as its users do: as a process of its own, in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use discord_sandbox::{Options, RateLimits, Sandbox};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Long enough for a loaded machine; nothing waits so long when all is well.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// The pretend Discord, without tight rate limits and without a hurry for answers to clicks.
pub(crate) async fn sandbox() -> Sandbox {
    let options = Options {
        rate_limits: RateLimits::Relaxed,
        interaction_deadline: LIMIT,
        ..Options::default()
    };
    Sandbox::start(options).await.unwrap()
}

/// The pretend Discord with Discord's own limit of 3 s for answers to clicks.
pub(crate) async fn sandbox_in_a_hurry() -> Sandbox {
    let options = Options { rate_limits: RateLimits::Relaxed, ..Options::default() };
    Sandbox::start(options).await.unwrap()
}

/// The id of a person of the pretend Discord, by name.
pub(crate) fn id_of(sandbox: &Sandbox, name: &str) -> String {
    sandbox.addresses().user_id(name).unwrap().to_owned()
}

/// Puts a copy of the program there, by a process of its own: what another test starts meanwhile
/// would hold a file open that this one writes, and such a file cannot be run.
pub(crate) async fn copy_program(to: &Path) {
    let mut copy = Command::new("cp");
    copy.arg(env!("CARGO_BIN_EXE_gander")).arg(to);
    assert!(copy.status().await.unwrap().success(), "the program could not be copied");
}

/// Where the program keeps its store and finds its configuration. Gone with the test.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// A home with an empty working directory and a configuration that says next to nothing. Each
    /// decision has a card of its own, for most tests are about one card's.
    pub(crate) fn new() -> Self {
        let home = Self { folder: TempDir::new().unwrap() };
        std::fs::create_dir(home.work()).unwrap();
        home.configure("time_zone = \"UTC\"\nbatch.min = 0\n");
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path().join("gander.db")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path().join("gander.toml")
    }

    /// The directory in which the program is run.
    pub(crate) fn work(&self) -> PathBuf {
        self.path().join("work")
    }

    pub(crate) fn configure(&self, toml: &str) {
        std::fs::write(self.config(), toml).unwrap();
    }

    /// The program with this home's store and configuration.
    pub(crate) fn gander(&self, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command.arg("--store").arg(self.store()).arg("--config").arg(self.config());
        command
    }

    /// The program as it finds its files by itself.
    pub(crate) fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gander"));
        command.args(args).current_dir(self.work()).env_clear().env("HOME", self.path());
        for (variable, folder) in
            [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("XDG_DATA_HOME", "data")]
        {
            command.env(variable, self.path().join(folder));
        }
        command
    }

    /// `gander serve` towards a pretend Discord.
    pub(crate) fn serve(&self, sandbox: &Sandbox) -> Command {
        let addresses = sandbox.addresses();
        let mut command = self.gander(&["serve"]);
        command.env("DISCORD_TOKEN", &addresses.token);
        command.env("GANDER_DISCORD_API", &addresses.tls).env("GANDER_DISCORD_CA", &addresses.ca);
        command
    }

    /// The bot, once Discord has greeted it.
    pub(crate) async fn serving(&self, sandbox: &Sandbox) -> Program {
        let bot = Program::start(self.serve(sandbox));
        bot.err.line("the gateway is ready").await;
        bot
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, args: &[&str]) -> Ended {
        Program::start(self.gander(args)).ended().await
    }

    /// Runs the program until its standard output is so: what it tells of happens in another
    /// process.
    pub(crate) async fn said_until(&self, args: &[&str], is: impl Fn(&str) -> bool) -> String {
        let mut said = String::new();
        let waited = timeout(LIMIT, async {
            loop {
                said = self.run(args).await.out;
                if is(&said) {
                    break;
                }
            }
        });
        assert!(waited.await.is_ok(), "{args:?} never said so, but:\n{said}");
        said
    }
}

/// What a process has said on one of its streams.
pub(crate) struct Said {
    heard: watch::Receiver<String>,
    ear: AbortHandle,
}

impl Said {
    fn hear(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (told, heard) = watch::channel(String::new());
        let ear = tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while let Ok(1..) = stream.read_until(b'\n', &mut line).await {
                told.send_modify(|text| text.push_str(&String::from_utf8_lossy(&line)));
                line.clear();
            }
        });
        Self { heard, ear: ear.abort_handle() }
    }

    /// Waits for a line that contains this.
    pub(crate) async fn line(&self, part: &str) -> String {
        self.line_that(part, |line| line.contains(part)).await
    }

    /// Waits for a line that is like this.
    pub(crate) async fn line_that(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        self.nth_line_that(what, 1, is).await
    }

    /// Waits until so many lines are like this. The last of them.
    pub(crate) async fn nth_line_that(
        &self,
        what: &str,
        n: usize,
        is: impl Fn(&str) -> bool,
    ) -> String {
        let mut heard = self.heard.clone();
        let find =
            |text: &str| text.lines().filter(|line| is(line)).nth(n - 1).map(ToOwned::to_owned);
        let waited = timeout(LIMIT, heard.wait_for(|text| find(text).is_some())).await;
        let line = waited.ok().and_then(|text| find(&text.ok()?));
        line.unwrap_or_else(|| panic!("there is no line with {what:?} in:\n{}", self.so_far()))
    }

    /// Waits until all that was said is so.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&str) -> bool) {
        let mut heard = self.heard.clone();
        let waited = timeout(LIMIT, heard.wait_for(|text| is(text))).await;
        assert!(
            waited.is_ok_and(|waited| waited.is_ok()),
            "there were not {what} in:\n{}",
            self.so_far()
        );
    }

    pub(crate) fn so_far(&self) -> String {
        self.heard.borrow().clone()
    }

    /// Closes the reader's end of the stream.
    pub(crate) async fn stop_listening(&self) {
        self.ear.abort();
        self.whole().await;
    }

    /// All of it, once the stream is closed.
    async fn whole(&self) -> String {
        let mut heard = self.heard.clone();
        timeout(LIMIT, async { while heard.changed().await.is_ok() {} })
            .await
            .expect("the stream is closed");
        self.so_far()
    }
}

/// A running program. It is killed with the test that started it, and must not have said its token.
pub(crate) struct Program {
    child: Child,
    token: Option<String>,
    pub(crate) out: Said,
    pub(crate) err: Said,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Whether it ended with this status, having said each of these.
    #[track_caller]
    pub(crate) fn must(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for words in said {
            assert!(
                self.out.contains(words) || self.err.contains(words),
                "{words:?} is missing in {self:#?}"
            );
        }
    }

    /// Its output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

impl Program {
    pub(crate) fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut variables = command.as_std().get_envs();
        let token = variables
            .find(|(name, _)| *name == "DISCORD_TOKEN")
            .and_then(|(_, value)| Some(value?.to_str()?.to_owned()));
        let mut child = command.spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, token, out: Said::hear(out), err: Said::hear(err) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(self) -> Ended {
        self.ended_within(LIMIT).await
    }

    /// Waits until it ends by itself, for so long.
    pub(crate) async fn ended_within(mut self, limit: Duration) -> Ended {
        let Ok(status) = timeout(limit, self.child.wait()).await else {
            panic!("it did not end; it said:\n{}\n{}", self.out.so_far(), self.err.so_far());
        };
        Ended {
            code: status.unwrap().code(),
            out: self.out.whole().await,
            err: self.err.whole().await,
        }
    }

    /// Ends it as a power cut would. What it has said on standard error until then.
    pub(crate) async fn kill(mut self) -> String {
        self.child.kill().await.unwrap();
        self.err.whole().await
    }

    /// Sends it a signal, by its name in `kill`.
    pub(crate) async fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status().await;
        assert!(sent.unwrap().success(), "the signal {name} could not be sent");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let Some(token) =
            self.token.as_deref().filter(|token| !token.is_empty() && !std::thread::panicking())
        else {
            return;
        };
        let said = format!("{}\n{}", self.out.so_far(), self.err.so_far());
        // Its last part is what makes it a secret: neither in letters nor as the bytes of a frame.
        let secret = token.rsplit('.').next().unwrap_or(token);
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let decimal = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
        for form in [secret, &hex, &decimal] {
            if let Some(line) = said.lines().find(|line| line.contains(form)) {
                panic!("the token was said: {line}");
            }
        }
    }
}
