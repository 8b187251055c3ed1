//! `gander ask`: files a decision in the store, whether the bot runs or not.

use crate::presentation::text;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::wait::{report, wait_and_report};
use super::{Common, EXIT_STATUS, Exit, Failure, Outcome, output};
use crate::config::{self, AskDefaults, Config, TimeSpan};
use crate::core::decision::{
    Agent, Attachment, Choice, Detail, Expects, Insight, Kind, Link, Priority, Request, Risk,
    SafeDefault,
};
use crate::core::gate;
use crate::core::policy::claims::{Claims, with_claims};
use crate::disk;
use crate::engine::approvals::attachments;
use crate::sources::inbox;
use crate::store::Asked;

#[derive(Debug, Args)]
#[command(after_help = format!("{EXIT_STATUS}. Without --wait: 0 when the question is filed"))]
pub(super) struct Ask {
    /// The question, in one line
    title: String,
    /// The project; sets channel, approvers and policy [default: default]
    #[arg(help_heading = "Subject", long)]
    project: Option<String>,
    /// deploy, credentials, code_review, naming, test_failure, … or a word of your own [default:
    /// routine]
    #[arg(help_heading = "Subject", long)]
    kind: Option<String>,
    /// production, staging …
    #[arg(help_heading = "Subject", long)]
    environment: Option<String>,
    /// low, medium, high, critical [default: medium]
    #[arg(help_heading = "Subject", long)]
    risk: Option<Risk>,
    /// How confident you are in your proposal, from 0 to 1
    #[arg(help_heading = "Subject", long)]
    confidence: Option<f64>,
    /// low, normal, high, urgent [default: normal]
    #[arg(help_heading = "Urgency", long)]
    priority: Option<Priority>,
    /// What you observed
    #[arg(
        help_heading = "Content of the card",
        long,
        default_value = "",
        hide_default_value = true
    )]
    observation: String,
    /// Why it matters
    #[arg(
        help_heading = "Content of the card",
        long,
        default_value = "",
        hide_default_value = true
    )]
    why: String,
    /// What you recommend
    #[arg(
        help_heading = "Content of the card",
        long,
        default_value = "",
        hide_default_value = true
    )]
    what: String,
    /// A fact for the card, such as tests=47/47; repeatable
    #[arg(
        help_heading = "Content of the card",
        long = "detail",
        value_name = "NAME=VALUE",
        value_parser = detail
    )]
    details: Vec<Detail>,
    /// A file with a long text or a diff; - reads standard input
    #[arg(help_heading = "Content of the card", long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// A file to post with the card; repeatable
    #[arg(help_heading = "Content of the card", long = "attach", value_name = "FILE")]
    attach: Vec<PathBuf>,
    /// An option to choose from, with the arguments for and against; repeatable
    #[arg(
        help_heading = "Kind of answer",
        long = "option",
        value_name = "NAME[=WHY]",
        value_parser = choice
    )]
    options: Vec<Choice>,
    /// approve (yes or no), choose (one of the options), answer (a text) [default: choose with
    /// options, else approve]
    #[arg(help_heading = "Kind of answer", long)]
    expects: Option<Expects>,
    /// How many different people must approve
    #[arg(help_heading = "Kind of answer", long, value_name = "N", default_value_t = 1)]
    approvals: u32,
    /// A link for the card, such as pr=https://example.org/7; repeatable
    #[arg(
        help_heading = "Content of the card",
        long = "link",
        value_name = "NAME=ADDRESS",
        value_parser = link
    )]
    links: Vec<Link>,
    /// The job that waits for this decision
    #[arg(help_heading = "The agent", long, value_name = "ID")]
    job: Option<String>,
    /// How long the decision can wait, such as 5h [default: your policy, else 4h 30m]
    #[arg(help_heading = "Urgency", long)]
    sla: Option<TimeSpan>,
    /// The verdict if no person answers: reject, or approve where policy allows [default: reject]
    #[arg(help_heading = "Urgency", long)]
    default: Option<SafeDefault>,
    /// Idempotency key: asking again with the key of an open decision does not file a second
    /// decision
    #[arg(help_heading = "The agent", long, value_name = "KEY")]
    dedup_key: Option<String>,
    /// The agent's name [default: GANDER_AGENT, else agent]
    #[arg(help_heading = "The agent", long, value_name = "NAME")]
    agent: Option<String>,
    /// The agent's session
    #[arg(help_heading = "The agent", long, value_name = "ID")]
    session: Option<String>,
    /// Wait for the verdict and claim it
    #[arg(help_heading = "Waiting", long)]
    wait: bool,
    /// The longest wait, such as 10m [default: no limit]
    #[arg(help_heading = "Waiting", long, requires = "wait")]
    timeout: Option<TimeSpan>,
}

/// Most bytes read as a body: far above what policy admits.
const LONGEST_BODY: u64 = 4 << 20;

/// Reserved key prefixes: sources, gates, agents behind the Agent Client Protocol, and callers over
/// HTTP or MCP.
const RESERVED_PREFIXES: [&str; 11] = [
    super::work::KEY,
    "agent-task:",
    inbox::KEY,
    gate::KEY,
    super::acp::KEY,
    "token:",
    "unix:",
    "workrail:",
    "command:",
    "github:",
    "alertmanager:",
];

fn detail(text: &str) -> Result<Detail, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok(Detail { name: name.trim().to_owned(), value: value.trim().to_owned() })
        }
        _ => Err("write it as NAME=VALUE, such as tests=47/47".into()),
    }
}

fn link(text: &str) -> Result<Link, String> {
    match text.split_once('=') {
        Some((name, url)) if !name.trim().is_empty() && url.contains("://") => {
            Ok(Link { name: name.trim().to_owned(), url: url.trim().to_owned() })
        }
        _ => Err("write it as NAME=ADDRESS, such as pr=https://example.org/7".into()),
    }
}

fn choice(text: &str) -> Result<Choice, String> {
    let (name, description) = text.split_once('=').unwrap_or((text, ""));
    if name.trim().is_empty() {
        return Err("write it as NAME or NAME=WHY, such as Postgres=known, slower".into());
    }
    Ok(Choice { name: name.trim().to_owned(), description: description.trim().to_owned() })
}

impl Ask {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let here = std::env::current_dir().map_err(|error| {
            Failure::new(Exit::Internal, format!("the working directory: {error}"))
        })?;
        let user = common.config()?;
        let defaults = config::load_ask_defaults(&here, user.file.as_deref())?;
        let (wait, timeout) = (self.wait, self.timeout);
        let store = common.store_path(&user)?;
        let request = self.into_request(defaults, &user, &here, &store)?;
        let opened = super::open_with_timeout(&store, &user)?;
        let asked = opened.handle.approvals().ask(request).await?;
        if let Asked::Revised(decision) = &asked {
            output::progress(&format!(
                "{} was already open with other content: this is revision {}",
                decision.id, decision.revision.0
            ));
        }
        let decision = asked.into_decision();
        if !wait && common.json {
            output::json(&report(&text::worded_decision(&decision), "asked", &opened.handle));
        }
        if !common.json {
            output::line(&decision.id.0.to_string());
        }
        if !wait {
            return Ok(Exit::Yes);
        }
        wait_and_report(&opened, decision.id, Some(decision.revision), timeout, common.json).await
    }

    /// What the command line says counts as said. What the working directory's file says counts as
    /// far as it relaxes no terms.
    fn into_request(
        self,
        defaults: AskDefaults,
        user: &Config,
        here: &Path,
        store: &Path,
    ) -> Result<Request, Failure> {
        let usual = Request::default();
        if let Some(taken) = self
            .dedup_key
            .as_deref()
            .and_then(|key| RESERVED_PREFIXES.into_iter().find(|taken| key.starts_with(taken)))
        {
            let words =
                format!("dedup keys that begin with {taken} are reserved: choose another key");
            return Err(Failure::new(Exit::Usage, words));
        }
        let body = self.body_file.as_deref().map_or_else(|| Ok(String::new()), body)?;
        let attach = |path: &PathBuf| {
            attachments::keep(store, path).map_err(|error| Failure::new(Exit::Usage, error))
        };
        let files: Vec<Attachment> = self.attach.iter().map(attach).collect::<Result<_, _>>()?;
        let mapped = user.project_of(here);
        let claims = defaults.claims();
        let claims = Claims {
            project: claims.project.filter(|_| self.project.is_none() && mapped.is_none()),
            kind: claims.kind.filter(|_| self.kind.is_none()),
            risk: claims.risk.filter(|_| self.risk.is_none()),
            sla_seconds: claims.sla_seconds.filter(|_| self.sla.is_none()),
            safe_default: claims.safe_default.filter(|_| self.default.is_none()),
        };
        let agent = self.agent.or(defaults.agent).or_else(|| std::env::var("GANDER_AGENT").ok());
        let request = Request {
            title: self.title,
            kind: self.kind.map_or(usual.kind, Kind::from),
            insight: Insight {
                observation: self.observation,
                why_it_matters: self.why,
                what_to_do: self.what,
            },
            details: self.details,
            body,
            attachments: files,
            project: self.project.or(mapped.map(str::to_owned)).unwrap_or(usual.project),
            environment: self.environment.or(defaults.environment),
            agent: Agent { name: agent.unwrap_or_else(|| "agent".into()), session: self.session },
            risk: self.risk.unwrap_or(usual.risk),
            confidence: self.confidence,
            priority: self.priority.or(defaults.priority).unwrap_or(usual.priority),
            sla_seconds: self.sla.map(|sla| sla.0),
            safe_default: self.default,
            dedup_key: self.dedup_key,
            approvals_needed: self.approvals,
            links: self.links,
            job: self.job,
            expects: self.expects.unwrap_or(if self.options.is_empty() {
                Expects::Approve
            } else {
                Expects::Choose
            }),
            options: self.options,
            ..usual
        };
        Ok(with_claims(&user.rules, request, claims))
    }
}

fn body(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(LONGEST_BODY).read_to_string(&mut text).map(drop)
    } else {
        disk::read_argument(path, LONGEST_BODY)
            .map(|bytes| text = String::from_utf8_lossy(&bytes).into_owned())
            .map_err(std::io::Error::from)
    };
    read.map_err(|error| {
        Failure::new(Exit::Usage, format!("--body-file {}: {error}", path.display()))
    })?;
    Ok(text)
}
