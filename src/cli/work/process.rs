//! A program that works for a job: started in a group of its own, its output watched, and ended
//! with everything that it started.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::stopping::Stop;
use crate::cli::acp::{OURS, described, tied_to_us};
use crate::core::untrusted::visible;

/// How long a program may take to end after it was told to.
const GRACE: Duration = Duration::from_secs(10);
/// How long the pipes of a program that ended may stay open.
const AFTER_END: Duration = Duration::from_millis(500);
/// Most lines that are kept of the output: the last.
const KEPT_LINES: usize = 200;
/// Most bytes of a line that are kept.
const LONGEST_LINE: usize = 4 << 10;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself, with status 0.
    Done,
    /// By itself, otherwise; in words.
    Failed(String),
    /// It could not be started; in words, with what to do.
    NotStarted(String),
    /// It was told to end, for this reason.
    Stopped(Stop),
}

/// What a program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) ended: Ended,
    /// The last lines of its output.
    pub(super) last_lines: Vec<String>,
}

impl Ran {
    /// The last lines as a text.
    pub(super) fn text(&self) -> String {
        self.last_lines.join("\n")
    }
}

/// What to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program<'a> {
    pub(super) command: &'a [OsString],
    pub(super) folder: &'a Path,
    /// What it reads on its standard input.
    pub(super) input: &'a [u8],
}

/// Runs a program until it ends or `stop` resolves. `lines` gets each line of its output, unless it
/// is full: nobody waits for a reader. `started` gets the number of its process.
pub(super) async fn run(
    program: Program<'_>,
    stop: impl Future<Output = Stop>,
    lines: mpsc::Sender<String>,
    started: impl FnOnce(u32),
) -> Ran {
    tokio::pin!(stop);
    let mut child = match start(program) {
        Ok(child) => child,
        Err(why) => {
            return Ran { ended: Ended::NotStarted(why), last_lines: Vec::new() };
        }
    };
    if let Some(id) = child.id() {
        started(id);
    }
    let group = Group(child.id());
    let mut last = VecDeque::new();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (input, stdin) = (program.input.to_owned(), child.stdin.take());
    let writing = async move {
        if let Some(mut stdin) = stdin {
            // A program need not read what it is told.
            let _ = stdin.write_all(&input).await;
        }
    };
    let (told, mut heard) = mpsc::channel(64);
    let reading = async { tokio::join!(read(out, told.clone()), read(err, told), writing) };
    tokio::pin!(reading);
    let mut is_read = false;
    let ended = loop {
        tokio::select! {
            biased;
            Some(line) = heard.recv() => keep(&mut last, line, &lines),
            _ = &mut reading, if !is_read => is_read = true,
            reason = &mut stop => {
                end(&mut child, &group).await;
                break Ended::Stopped(reason);
            }
            status = child.wait() => break by_status(status),
        }
    };
    // What it started may hold the pipes open, and goes on for nobody.
    group.signal(Signal::Kill);
    let rest = async {
        loop {
            tokio::select! {
                biased;
                line = heard.recv() => match line {
                    Some(line) => keep(&mut last, line, &lines),
                    None => break,
                },
                _ = &mut reading, if !is_read => is_read = true,
            }
        }
    };
    let _ = timeout(AFTER_END, rest).await;
    Ran { ended, last_lines: last.into() }
}

fn keep(last: &mut VecDeque<String>, line: String, lines: &mpsc::Sender<String>) {
    let line = visible(&line);
    // A reader that is behind reads on with later lines.
    let _ = lines.try_send(line.clone());
    if last.len() == KEPT_LINES {
        last.pop_front();
    }
    last.push_back(line);
}

fn start(program: Program<'_>) -> Result<Child, String> {
    let [name, arguments @ ..] = program.command else { return Err("no command".into()) };
    let mut command: Command = tied_to_us(name, arguments);
    for secret in OURS {
        command.env_remove(secret);
    }
    command.current_dir(program.folder).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    command.process_group(0);
    command.spawn().map_err(|error| {
        format!("cannot start {}: {error}. Is it installed?", name.to_string_lossy())
    })
}

fn by_status(status: std::io::Result<ExitStatus>) -> Ended {
    match status {
        Ok(status) if status.success() => Ended::Done,
        Ok(status) => Ended::Failed(described(status).0),
        Err(error) => Ended::Failed(error.to_string()),
    }
}

/// Tells a program and what it started to end; kills them if they do not.
async fn end(child: &mut Child, group: &Group) {
    group.signal(Signal::Terminate);
    if timeout(GRACE, child.wait()).await.is_err() {
        group.signal(Signal::Kill);
        let _ = child.kill().await;
    }
}

async fn read(from: Option<impl AsyncRead + Unpin>, told: mpsc::Sender<String>) {
    let Some(mut from) = from else { return };
    let (mut buffer, mut line) = ([0; 8 << 10], Vec::new());
    let text = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        line.clear();
        text
    };
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        for byte in &buffer[..count] {
            if *byte == b'\n' {
                if told.send(text(&mut line)).await.is_err() {
                    return;
                }
            } else if line.len() < LONGEST_LINE {
                line.push(*byte);
            }
        }
    }
    if !line.is_empty() {
        let _ = told.send(text(&mut line)).await;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Terminate,
    Kill,
}

/// The process group of a program. Killed when dropped.
#[derive(Debug)]
struct Group(Option<u32>);

impl Group {
    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        let group = self.0.and_then(|id| i32::try_from(id).ok());
        let Some(group) = group.and_then(rustix::process::Pid::from_raw) else { return };
        let signal = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        // It has just ended.
        let _ = rustix::process::kill_process_group(group, signal);
    }

    #[cfg(not(unix))]
    fn signal(&self, _: Signal) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::Kill);
    }
}

/// When a process began, in the system's own count. Another process may have its number later.
/// `None`: it does not run, or the system does not tell.
pub(super) fn beginning(process: u32) -> Option<u64> {
    let path = format!("/proc/{process}/stat");
    let text = crate::disk::read_own(Path::new(&path), 64 << 10).ok()?;
    let text = String::from_utf8_lossy(&text);
    // The name of the program stands in brackets, and may have blanks and brackets.
    text.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Kills what a worker that was killed has left: the process group of an agent, if it is still the
/// one that began then, and works in this folder. What names it is a file that an agent can write.
pub(super) fn kill_left_behind(process: u32, began: u64, folder: &Path) {
    let cwd = std::fs::read_link(format!("/proc/{process}/cwd"));
    let is_here = cwd.is_ok_and(|cwd| cwd.starts_with(folder));
    if is_here && process != std::process::id() && beginning(process) == Some(began) {
        Group(Some(process)).signal(Signal::Kill);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(line: &str, stop: impl Future<Output = Stop>) -> Ran {
        let command: Vec<OsString> = ["sh", "-c", line].map(OsString::from).to_vec();
        let folder = std::env::temp_dir();
        let program = Program { command: &command, folder: &folder, input: b"the prompt\n" };
        run(program, stop, mpsc::channel(1).0, |_| {}).await
    }

    #[tokio::test]
    async fn a_program_gets_its_prompt_and_its_last_lines_are_kept() {
        let none = std::future::pending;
        let ran = shell("cat; echo wrong >&2; exit 3", none()).await;
        assert_eq!(ran.ended, Ended::Failed("exit status 3".into()));
        let mut lines = ran.last_lines.clone();
        lines.sort();
        assert_eq!(lines, ["the prompt", "wrong"]);
        let many = "i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); done";
        let ran = shell(many, none()).await;
        assert_eq!((ran.ended.clone(), ran.last_lines.len()), (Ended::Done, KEPT_LINES));
        assert_eq!(ran.last_lines.last().unwrap(), "299");
        let ran = shell("printf '%08000d\\n' 7; printf '\\033[31mred'", none()).await;
        assert_eq!(ran.last_lines[0].len(), LONGEST_LINE);
        assert!(!ran.last_lines[1].contains('\u{1b}'), "{ran:?}");
    }

    #[tokio::test]
    async fn a_program_that_is_stopped_ends_with_all_that_it_started() {
        let temporary = tempfile::tempdir().unwrap();
        let file = temporary.path().join("child");
        let (stop, told) = tokio::sync::oneshot::channel();
        let line = format!("sleep 1000 & echo $! > {}; wait", file.display());
        let running =
            tokio::spawn(async move { shell(&line, async { told.await.unwrap() }).await });
        let child: u32 = loop {
            match std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()) {
                Some(child) => break child,
                None => tokio::task::yield_now().await,
            }
        };
        assert!(beginning(child).is_some());
        stop.send(Stop::Signal).unwrap();
        assert_eq!(running.await.unwrap().ended, Ended::Stopped(Stop::Signal));
        while beginning(child).is_some() {
            tokio::task::yield_now().await;
        }
    }
}
