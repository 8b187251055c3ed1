//! The command line, one file per subcommand.

mod acp;
mod answers;
mod ask;
mod audit;
mod backup;
mod claim;
mod completions;
mod demo;
mod doctor;
mod external_channels;
mod gate;
mod grants;
mod halt;
mod init;
mod job;
mod log;
mod man;
mod mcp;
mod output;
mod presence;
mod prune;
mod read;
mod report;
mod reports;
mod resume;
mod sandbox;
mod schema;
mod serve;
mod signals;
mod status;
mod token;
mod verdict;
mod wait;
mod withdraw;
mod work;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use self::verdict::PersonAction;
use crate::config::{self, Config, ConfigError};
use crate::engine::clock::{SystemClock, wall_time};
use crate::engine::{Handle, HandleError};
use crate::store::StoreError;
use crate::store::{Store, files};

/// Brings the decisions that your AI agents wait for to you on Discord.
#[derive(Debug, Parser)]
#[command(
    name = "gander",
    version,
    about,
    propagate_version = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Options of every subcommand.
#[derive(Debug, Clone, Args)]
struct Common {
    /// The store's file [default: gander.db in your state folder]
    #[arg(long, global = true, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Your own configuration [default: gander.toml in your configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print data as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try Gander: a pretend Discord, the bot and three agents, on this machine alone
    Demo(demo::Demo),
    /// Run the bot
    Serve(serve::Serve),
    /// Run the pretend Discord alone
    Sandbox(sandbox::SandboxArgs),
    /// Ask for a decision
    ///
    /// Defaults come from a gander.toml in the working directory, then from policy.
    Ask(Box<ask::Ask>),
    /// Hold an agent before each tool call until a person has answered
    Gate(gate::Gate),
    /// Stand between a client of the Agent Client Protocol and an agent, or be its client
    ///
    /// What the agent asks before a tool call becomes a decision; the rest passes as it came.
    Acp(Box<acp::Acp>),
    /// Start agents again that ended before their call was decided, with the answer
    ///
    /// Each decision is taken up once. gander serve does this by itself with enabled = true under
    /// [resume] in gander.toml.
    Resume(resume::ResumeArgs),
    /// Show whether you are at the desk, and which agents ask you there
    Presence(presence::PresenceArgs),
    /// Work on jobs of the shared queue with an agent, each in a git worktree of its own
    Work(Box<work::Work>),
    /// Speak MCP on standard input and output, for agents and assistants
    Mcp(mcp::Mcp),
    /// Wait for a decision's verdict
    Wait(wait::WaitArgs),
    /// Claim a decision's verdict, if given, to act on it
    Claim(claim::ClaimArgs),
    /// Report the outcome of acting on a verdict
    Report(report::ReportArgs),
    /// Withdraw a question
    Withdraw(withdraw::WithdrawArgs),
    /// Approve a decision, at a terminal
    Approve(verdict::ApproveArgs),
    /// Reject a decision, at a terminal
    Reject(verdict::RejectArgs),
    /// Defer a decision, at a terminal
    Defer(verdict::DeferArgs),
    /// Choose one of a decision's options, at a terminal
    Choose(verdict::ChooseArgs),
    /// Answer a decision with a text, at a terminal
    Answer(verdict::AnswerArgs),
    /// Undo an unclaimed verdict, or end a grant, at a terminal
    Undo(verdict::Undo),
    /// List what agents may do without asking, or end a grant
    Grants(grants::Grants),
    /// Enqueue, list and do jobs of the shared queue
    Job(job::JobArgs),
    /// Stop all jobs at once, or of one project, and keep their worktrees
    Halt(halt::Halt),
    /// Show a decision and its history
    Show(read::Show),
    /// List decisions that wait for an answer, the most urgent first
    Attention,
    /// Print the event log
    Events(read::EventsArgs),
    /// Check the log for changes, or export the log for others to check
    Audit(audit::AuditArgs),
    /// Copy the store and its files, even while the bot runs
    ///
    /// The copy is written under a temporary name, checked, then renamed. An unsound copy is never
    /// left under the final name.
    Backup(backup::Backup),
    /// Remove long texts and files of decisions closed long ago
    ///
    /// Keeps number, title, project, kind, risk, agent, times, and each verdict with its text.
    /// Removes for good the rest of the agent's text (observation, why it matters, what to do,
    /// details, body, options, links) and files. Also removes the records of lists, reminders and
    /// notifications beyond Discord if no younger decision was in them; the messages stay on
    /// Discord unchanged.
    Prune(prune::Prune),
    /// Show open decisions by project, and the bot's health
    Status,
    /// Show recent decisions, their waiting times, and open decisions
    Digest(reports::DigestArgs),
    /// Show how often people agreed with agents, by the agents' confidence
    Calibration(reports::CalibrationArgs),
    /// Manage tokens for the approval API and their permissions
    Token(token::Tokens),
    /// Check everything the bot needs, and print a remedy for each problem
    Doctor(doctor::Doctor),
    /// Print the JSON Schema of the drop folder's files
    Schema(schema::Schema),
    /// Write a commented gander.toml
    Init(init::Init),
    /// Print a shell's completion script
    Completions(completions::Completions),
    /// Write the manual's pages into a folder
    Man(man::Man),
    /// A scripted agent of the demonstration
    #[command(hide = true)]
    DemoAgent(demo::Agent),
    /// Becomes an agent that ends with the process that started it
    #[command(hide = true)]
    AcpAgent(acp::AcpAgent),
}

/// Exit statuses of a wait, for the help of `ask` and `wait`.
const EXIT_STATUS: &str = "Exit status: 0 approved, chosen or answered, 1 rejected, 2 bad usage \
    or configuration, 75 deferred, withdrawn, not answered in time, or the store was locked, 70 \
    internal error";

/// How a command ended. The numbers are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Done; after a wait: approved, chosen or answered.
    Yes,
    /// After a wait: rejected. Otherwise the command failed and printed why.
    No,
    /// The command or its input is invalid.
    Usage,
    /// Gander itself failed.
    Internal,
    /// Deferred, withdrawn, not answered in time, or the store was locked: ask or wait again.
    NotNow,
    /// That of another program, which Gander ran.
    Program(u8),
}

impl Exit {
    const fn code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Internal => 70,
            Self::NotNow => 75,
            Self::Program(code) => code,
        }
    }
}

/// Ends a command early, with an exit status and a message.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    words: String,
}

impl Failure {
    fn new(exit: Exit, words: impl std::fmt::Display) -> Self {
        Self { exit, words: words.to_string() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::TimeScale(_) => Exit::Usage,
            // Nothing was written, and a retry can succeed.
            StoreError::Busy => Exit::NotNow,
            _ => Exit::Internal,
        };
        Self::new(exit, error)
    }
}

impl From<HandleError> for Failure {
    fn from(error: HandleError) -> Self {
        match error {
            HandleError::Store(error) => error.into(),
            error => Self::new(Exit::Usage, error),
        }
    }
}

type Outcome = Result<Exit, Failure>;

/// Runs the command line.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::print_error(&format!("cannot start: {error}"));
            return ExitCode::from(Exit::Internal.code());
        }
    };
    let exit = match runtime.block_on(dispatch(cli)) {
        Ok(exit) => exit,
        Err(failure) => {
            output::print_error(&failure.words);
            failure.exit
        }
    };
    // A blocked read of standard input or a stalled request must not keep the process alive.
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}

async fn dispatch(cli: Cli) -> Outcome {
    let common = &cli.common;
    match cli.command {
        Command::Demo(demo) => Box::pin(demo.run(common)).await,
        Command::Serve(serve) => Box::pin(serve.run(common)).await,
        Command::Sandbox(sandbox) => sandbox.run().await,
        Command::Ask(ask) => ask.run(common).await,
        Command::Gate(gate) => gate.run(common).await,
        Command::Acp(acp) => Box::pin(acp.run(common)).await,
        Command::Resume(resume) => resume.run(common).await,
        Command::Presence(presence) => presence.run(common).await,
        Command::Work(work) => Box::pin(work.run(common)).await,
        Command::Mcp(mcp) => Box::pin(mcp.run(common)).await,
        Command::Wait(wait) => wait.run(common).await,
        Command::Claim(claim) => claim.run(common).await,
        Command::Report(report) => report.run(common).await,
        Command::Withdraw(withdraw) => withdraw.run(common).await,
        Command::Approve(approve) => PersonAction::Approve(approve).run(common).await,
        Command::Reject(reject) => PersonAction::Reject(reject).run(common).await,
        Command::Defer(defer) => PersonAction::Defer(defer).run(common).await,
        Command::Choose(choose) => PersonAction::Choose(choose).run(common).await,
        Command::Answer(answer) => PersonAction::Answer(answer).run(common).await,
        Command::Undo(undo) => PersonAction::Undo(undo).run(common).await,
        Command::Grants(grants) => grants.run(common).await,
        Command::Schema(schema) => schema.run(),
        Command::Job(job) => job.run(common).await,
        Command::Halt(halt) => halt.run(common).await,
        Command::Show(show) => show.run(common).await,
        Command::Attention => read::attention(common).await,
        Command::Events(events) => events.run(common).await,
        Command::Audit(audit) => audit.run(common).await,
        Command::Backup(backup) => backup.run(common).await,
        Command::Prune(prune) => prune.run(common).await,
        Command::Status => status::run(common).await,
        Command::Digest(digest) => digest.run(common).await,
        Command::Calibration(calibration) => calibration.run(common).await,
        Command::Token(tokens) => tokens.run(common).await,
        Command::Doctor(doctor) => doctor.run(common).await,
        Command::Init(init) => init.run(common),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(common),
        Command::DemoAgent(agent) => agent.run().await,
        Command::AcpAgent(agent) => agent.run(),
    }
}

/// An opened store and its API.
#[derive(Debug)]
struct Opened {
    handle: Handle,
    store: PathBuf,
}

impl Common {
    fn config(&self) -> Result<Config, ConfigError> {
        config::load(self.config.as_deref())
    }

    fn store_path(&self, config: &Config) -> Result<PathBuf, ConfigError> {
        match self.store.as_ref().or(config.store.as_ref()) {
            Some(path) => Ok(files::resolved(path)),
            None => config::default_store_path().map(|path| files::resolved(&path)),
        }
    }

    /// Opens an existing store for reading and writing; never creates a store.
    fn open(&self) -> Result<Opened, Failure> {
        let config = self.config()?;
        let path = self.store_path(&config)?;
        must_be_there(&path)?;
        open_with_timeout(&path, &config)
    }

    /// Opens an existing store for a command that only reads; a read-only file works too.
    fn open_to_read(&self) -> Result<Opened, Failure> {
        let config = self.config()?;
        let path = self.store_path(&config)?;
        must_be_there(&path)?;
        Ok(opened(Store::open_to_read(&path, wall_time())?, &path, &config))
    }
}

/// Fails if the store does not exist.
fn must_be_there(path: &Path) -> Result<(), Failure> {
    if path.exists() { Ok(()) } else { Err(no_store(path)) }
}

/// A mistyped path is an error instead of a new, empty store. The message names a similar file in
/// the same folder.
fn no_store(path: &Path) -> Failure {
    let name = |path: &Path| {
        path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let beside = std::fs::read_dir(files::folder_of(path)).into_iter().flatten().flatten();
    let stores = beside.map(|entry| name(&entry.path())).filter(|other| other.ends_with(".db"));
    let likeness = |other: &str| strsim::jaro_winkler(other, &name(path));
    let nearest = stores
        .filter(|other| likeness(other) > 0.8)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let hint = nearest.map_or_else(String::new, |nearest| {
        format!(" Did you mean {nearest}, in the same folder?")
    });
    let words = format!(
        "the store {} does not exist.{hint} Create it with gander ask, gander serve or \
         gander token create; other commands only read it",
        path.display()
    );
    Failure::new(Exit::Usage, words)
}

/// How long a command waits for another process's lock. Longer than the bot's limit, because no
/// Discord click waits for a command.
const LOCK_TIMEOUT: Duration = Duration::from_secs(15);

/// Opens the store and waits up to [`LOCK_TIMEOUT`] for its lock; creates a missing store.
fn open_with_timeout(path: &Path, config: &Config) -> Result<Opened, Failure> {
    Ok(opened(Store::open_with_timeout(path, None, wall_time(), LOCK_TIMEOUT)?, path, config))
}

/// Opens the store with the bot's short lock timeout; creates a missing store.
fn open(path: &Path, config: &Config, speed: Option<u32>) -> Result<Opened, Failure> {
    Ok(opened(Store::open(path, speed, wall_time())?, path, config))
}

fn opened(store: Store, path: &Path, config: &Config) -> Opened {
    let clock = SystemClock::new(store.time_scale());
    let handle = Handle::new(Arc::new(store), config.rules.clone(), Arc::new(clock));
    Opened { handle, store: path.to_owned() }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn help(command: &str) -> String {
        let mut cli = Cli::command();
        let command = cli.find_subcommand_mut(command).unwrap();
        let help = command.render_long_help().to_string();
        help.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_a_command_does_beyond_a_line_is_in_its_help() {
        for (command, words) in [
            ("ask", "Defaults come from a gander.toml in the working directory, then from policy"),
            ("backup", "An unsound copy is never left under the final name"),
            ("prune", "each verdict with its text. Removes for good the rest of the agent's text"),
        ] {
            assert!(help(command).contains(words), "{command}:\n{}", help(command));
        }
        Cli::command().debug_assert();
    }
}
