//! Asks the machine whether a person is at the desk.
//!
//! An agent controls much of a hook's environment and may reach `PATH`, the bus's address and the
//! working directory by its settings. So programs and buses have fixed places, children start with
//! an environment of their own, and a file counts only where the agent does not work. D-Bus is
//! asked through systemd's own programs instead of a library: a hook lives for milliseconds, asks
//! two questions at most, and a child can be ended when a bus hangs.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::core::Time;
use crate::core::availability::presence::{
    Idle, LockScreen, MarkerFault, MarkerFile, PresenceSettings, Reading, ScreenState,
};
use crate::disk;

/// How long a source may take.
const LIMIT: Duration = Duration::from_secs(2);
/// Most output read of a child, in bytes.
const LONGEST: u64 = 64 << 10;
/// The variable in which Claude Code is told the presence file.
const CLAUDE_FILE: &str = "CLAUDE_CLIENT_PRESENCE_FILE";

/// The part of a hook's surroundings that counts.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Scene<'a> {
    /// The agent's folders: no file in them counts.
    pub(in crate::cli) folders: &'a [PathBuf],
    /// The file that `CLAUDE_CLIENT_PRESENCE_FILE` names.
    pub(in crate::cli) claude_file: Option<OsString>,
}

/// The file that `CLAUDE_CLIENT_PRESENCE_FILE` names.
pub(in crate::cli) fn claude_file() -> Option<OsString> {
    std::env::var_os(CLAUDE_FILE).filter(|file| !file.is_empty())
}

/// Reads all configured sources. Each reading has the name of its source.
pub(super) async fn read(settings: &PresenceSettings, scene: &Scene<'_>) -> Vec<(String, Reading)> {
    let mut readings = Vec::new();
    match settings.lock_screen {
        Some(LockScreen::Logind) => {
            readings.push(("lock screen (logind)".to_owned(), within(logind()).await));
        }
        Some(LockScreen::ScreenSaver) => {
            let reading = within(screen_saver(settings.idle.is_some())).await;
            readings.push(("lock screen (screen saver)".to_owned(), reading));
        }
        None => {}
    }
    if let Some(file) = &settings.file {
        let reading = Reading::File(marker(file, scene.folders));
        readings.push((format!("file {}", file.display()), reading));
    }
    if settings.claude_file {
        readings.push((format!("file of {CLAUDE_FILE}"), of_claude(scene)));
    }
    if let Some((program, arguments)) = settings.command.split_first() {
        let reading = within(command(Path::new(program), arguments, scene.folders)).await;
        readings.push((format!("command {program}"), reading));
    }
    readings
}

/// A source's answer within [`LIMIT`].
async fn within(source: impl Future<Output = Result<Reading, String>>) -> Reading {
    let late = || format!("no answer within {} s", LIMIT.as_secs());
    let said = tokio::time::timeout(LIMIT, source).await.unwrap_or_else(|_| Err(late()));
    said.unwrap_or_else(Reading::Unknown)
}

fn of_claude(scene: &Scene<'_>) -> Reading {
    match &scene.claude_file {
        Some(file) => Reading::File(marker(Path::new(file), scene.folders)),
        None => Reading::Unknown(format!("{CLAUDE_FILE} is not set where the agent runs")),
    }
}

/// Looks at a file that says that a person is there. `folders`: where agents work.
fn marker(file: &Path, folders: &[PathBuf]) -> MarkerFile {
    match trusted(file, folders) {
        Err(fault) => MarkerFile::Untrusted(fault),
        Ok(None) => MarkerFile::Missing,
        Ok(Some(facts)) => match facts.modified() {
            Ok(modified) => MarkerFile::Written(Time::from(modified)),
            Err(_) => MarkerFile::Missing,
        },
    }
}

/// The facts of a plain file that only this user writes, outside the agent's folders. `None`:
/// there is none.
fn trusted(file: &Path, folders: &[PathBuf]) -> Result<Option<std::fs::Metadata>, MarkerFault> {
    if !file.is_absolute() {
        return Err(MarkerFault::Relative);
    }
    let folder = file.parent().unwrap_or(file);
    // Where the folder really is: a link may lead into the workspace.
    let real = disk::resolve(folder);
    let is_inside = |workspace: &PathBuf| {
        let workspace = disk::resolve(workspace);
        real.starts_with(&workspace) || file.starts_with(&workspace)
    };
    if folders.iter().any(is_inside) {
        return Err(MarkerFault::InWorkspace);
    }
    let Ok(facts) = file.symlink_metadata() else { return Ok(None) };
    if !facts.is_file() {
        return Err(MarkerFault::NoPlainFile);
    }
    let user = own_user();
    // Root may write every file anyway.
    let is_foreign = |facts: &std::fs::Metadata| ![user, 0].contains(&facts.uid());
    let others_write = |facts: &std::fs::Metadata| facts.mode() & 0o022 != 0;
    let Ok(around) = real.metadata() else { return Ok(None) };
    if is_foreign(&facts) || is_foreign(&around) {
        return Err(MarkerFault::OfAnother);
    }
    if others_write(&facts) || others_write(&around) {
        return Err(MarkerFault::WritableByOthers);
    }
    Ok(Some(facts))
}

async fn command(
    program: &Path,
    arguments: &[String],
    folders: &[PathBuf],
) -> Result<Reading, String> {
    match trusted(&disk::resolve(program), folders) {
        Ok(Some(_)) => {}
        Ok(None) => return Err("it does not exist".into()),
        Err(fault) => return Ok(Reading::File(MarkerFile::Untrusted(fault))),
    }
    Ok(Reading::Command(run(program, arguments).await?.status))
}

fn words(error: std::io::Error) -> String {
    error.to_string()
}

/// A child that has ended.
struct Ended {
    /// `None`: by a signal.
    status: Option<i32>,
    out: String,
}

/// Runs a program with an environment of its own. Dropping the future ends the program.
async fn run(program: &Path, arguments: &[String]) -> Result<Ended, String> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir("/").kill_on_drop(true);
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
    command.env("XDG_RUNTIME_DIR", runtime_folder());
    if let Some(base) = directories::BaseDirs::new() {
        command.env("HOME", base.home_dir());
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(words)?;
    let mut out = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(LONGEST).read_to_end(&mut out).await.map_err(words)?;
    }
    let status = child.wait().await.map_err(words)?.code();
    Ok(Ended { status, out: String::from_utf8_lossy(&out).into_owned() })
}

fn named(program: &Path) -> String {
    program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The user's folder with the session bus. Not from the environment.
fn runtime_folder() -> PathBuf {
    PathBuf::from(format!("/run/user/{}", own_user()))
}

/// Runs a program of the system, and returns what it says.
async fn say(program: &str, arguments: &[&str]) -> Result<String, String> {
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    let program = Path::new(program);
    if !program.exists() {
        return Err(format!("{} is not there", program.display()));
    }
    match run(program, &arguments).await? {
        Ended { status: Some(0), out } => Ok(out),
        Ended { .. } => Err(format!("{} failed", named(program))),
    }
}

/// Asks systemd's login manager about this user's graphical session.
async fn logind() -> Result<Reading, String> {
    const PROGRAM: &str = "/usr/bin/loginctl";
    let user = own_user().to_string();
    let shown = say(PROGRAM, &["show-user", &user, "--property=Display"]).await?;
    let session = property(&shown, "Display").filter(|session| !session.is_empty());
    let session = session.ok_or("this user has no graphical session")?;
    if !session.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err("the session has an odd name".into());
    }
    let shown = say(PROGRAM, &["show-session", session, SESSION]).await?;
    session_state(&shown).map(Reading::Screen).ok_or_else(|| "loginctl says too little".to_owned())
}

/// The properties of a session that count.
const SESSION: &str = "--property=Active,LockedHint,IdleHint,IdleSinceHint";

/// A property of a line `NAME=VALUE`.
fn property<'a>(shown: &'a str, name: &str) -> Option<&'a str> {
    shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// The state in `loginctl show-session`; times are in microseconds since 1970.
fn session_state(shown: &str) -> Option<ScreenState> {
    let is = |name| match property(shown, name)? {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let since =
        property(shown, "IdleSinceHint")?.parse().ok().and_then(Time::from_timestamp_micros);
    let idle = if is("IdleHint")? { Idle::Since(since?) } else { Idle::No };
    Some(ScreenState { is_active: is("Active")?, is_locked: is("LockedHint")?, idle })
}

/// Names of a screen saver on the bus: service, object, interface.
const SCREEN_SAVERS: [[&str; 3]; 2] = [
    ["org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver", "org.freedesktop.ScreenSaver"],
    ["org.gnome.ScreenSaver", "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver"],
];
/// GNOME's count of idle time, in milliseconds.
const IDLE_MONITOR: [&str; 3] = [
    "org.gnome.Mutter.IdleMonitor",
    "/org/gnome/Mutter/IdleMonitor/Core",
    "org.gnome.Mutter.IdleMonitor",
];

/// Asks the desktop's screen saver, and for how long there was no input if that is wanted.
async fn screen_saver(wants_idle: bool) -> Result<Reading, String> {
    let bus = session_bus()?;
    let mut active = Err("no screen saver".to_owned());
    for names in SCREEN_SAVERS {
        active = call(&bus, names, "GetActive").await;
        if active.is_ok() {
            break;
        }
    }
    let is_locked = match active?.trim() {
        "b true" => true,
        "b false" => false,
        _ => return Err("the screen saver says neither yes nor no".into()),
    };
    let idle = if wants_idle {
        let said = call(&bus, IDLE_MONITOR, "GetIdletime").await;
        idle_time(&said.unwrap_or_default())
            .map(Idle::For)
            .ok_or("this desktop does not say for how long there was no input: leave out idle")?
    } else {
        Idle::No
    };
    Ok(Reading::Screen(ScreenState { is_active: true, is_locked, idle }))
}

/// The answer `t MILLISECONDS`.
fn idle_time(said: &str) -> Option<TimeDelta> {
    let millis: u64 = said.trim().strip_prefix("t ")?.parse().ok()?;
    TimeDelta::try_milliseconds(i64::try_from(millis).ok()?)
}

/// The user's own bus.
fn session_bus() -> Result<String, String> {
    let socket = runtime_folder().join("bus");
    let facts = socket.symlink_metadata().map_err(|_| "this user has no session bus".to_owned())?;
    if facts.uid() != own_user() {
        return Err("the session bus belongs to another user".into());
    }
    Ok(format!("--address=unix:path={}", socket.display()))
}

async fn call(bus: &str, names: [&str; 3], method: &str) -> Result<String, String> {
    let [service, object, interface] = names;
    // Nothing is started by the question.
    let call = ["--auto-start=no", bus, "call", service, object, interface, method];
    say("/usr/bin/busctl", &call).await
}

#[cfg(test)]
mod tests;
