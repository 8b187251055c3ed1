//! `gander approve`, `reject`, `defer`, `choose`, `answer`, `undo`: a person's verdict at the
//! terminal, without Discord.
//!
//! Agents run commands as the same user. Verdicts at the terminal are therefore off until the
//! user's own configuration names the person. Standard input and output must be terminals, the
//! whole decision is shown, and the person types a word to confirm.

use crate::presentation::text;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::read::facts;
use super::wait::report;
use super::{Common, Exit, Failure, Opened, Outcome, answers, output};
use crate::config::{Config, TimeSpan};
use crate::core::decision::authorization::{Approvers, Denied, Voter};
use crate::core::decision::{
    Approval, Ballot, Decision, DecisionId, Expects, GrantSpan, GrantTerms, Refused, Verdict, Via,
};
use crate::core::untrusted::{Secrets, one_line};
use crate::core::values::time_words;
use crate::engine::HandleError;
use crate::presentation::card::full_text;

/// Exit statuses, for the help.
const EXIT_STATUS: &str = "Exit status: 0 done, 1 nothing was decided, 2 bad usage, no terminal, \
    or not configured, 75 the store was locked, 70 internal error. The command asks for missing \
    values.";

#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct ApproveArgs {
    /// The decision's number
    id: DecisionId,
    /// A note for the agent
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Let the agent repeat this call without asking until its session ends
    #[arg(long, conflicts_with = "lasts")]
    for_session: bool,
    /// Let the agent make this call without asking for this long: 1h, 8h, session, "until revoked"
    #[arg(long = "for", value_name = "SPAN")]
    lasts: Option<GrantLength>,
    /// With --for: which calls, by the number in the list of patterns [default: this exact call]
    #[arg(long, value_name = "NUMBER", requires = "lasts")]
    covering: Option<usize>,
}

/// How long a grant lasts.
#[derive(Debug, Clone, Copy)]
struct GrantLength(GrantSpan);

impl std::str::FromStr for GrantLength {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text.trim() {
            "session" => GrantSpan::Session,
            "until revoked" | "until-revoked" => GrantSpan::UntilRevoked,
            span => match span.parse::<TimeSpan>() {
                Ok(TimeSpan(seconds)) if seconds > 0 => GrantSpan::Seconds(seconds),
                _ => {
                    return Err(format!(
                        "{text:?} is not how long: write 1h, 8h, session or \"until revoked\""
                    ));
                }
            },
        }))
    }
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct EndArgs {
    /// The number of the decision that gave the grant
    id: DecisionId,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct RejectArgs {
    /// The decision's number
    id: DecisionId,
    /// The reason; the agent reads it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct DeferArgs {
    /// The decision's number
    id: DecisionId,
    /// When the decision returns: 45m, 3h, 2d, 18:30, "tomorrow 14:00"
    when: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct ChooseArgs {
    /// The decision's number
    id: DecisionId,
    /// The option's name, or its number in the list
    option: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct AnswerArgs {
    /// The decision's number
    id: DecisionId,
    /// The answer for the agent
    text: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS)]
pub(super) struct Undo {
    /// The decision's number
    id: DecisionId,
}

/// A person's action on a decision.
#[derive(Debug)]
pub(super) enum PersonAction {
    Approve(ApproveArgs),
    Reject(RejectArgs),
    Defer(DeferArgs),
    Choose(ChooseArgs),
    Answer(AnswerArgs),
    Undo(Undo),
    End(EndArgs),
}

/// An action with all its input, ready for confirmation.
enum Typed {
    Verdict(Verdict),
    Defer(crate::core::Time),
    Undo,
    End,
}

impl PersonAction {
    const fn id(&self) -> DecisionId {
        match self {
            Self::Approve(ApproveArgs { id, .. })
            | Self::Reject(RejectArgs { id, .. })
            | Self::Defer(DeferArgs { id, .. })
            | Self::Choose(ChooseArgs { id, .. })
            | Self::Answer(AnswerArgs { id, .. })
            | Self::Undo(Undo { id })
            | Self::End(EndArgs { id }) => *id,
        }
    }

    const fn verb(&self) -> &'static str {
        match self {
            Self::Approve(_) => "approve",
            Self::Reject(_) => "reject",
            Self::Defer(_) => "defer",
            Self::Choose(_) => "choose for",
            Self::Answer(_) => "answer",
            Self::Undo(_) => "undo the verdict, or end the grant, of",
            Self::End(_) => "end the grant of",
        }
    }

    pub(super) async fn run(self, common: &Common) -> Outcome {
        let config = common.config()?;
        let voter = voter(&config)?;
        must_be_a_terminal()?;
        let opened = super::open(&common.store_path(&config)?, &config, None)?;
        let decision = self.shown(&opened, &voter).await?;
        let (verb, id) = (self.verb(), decision.id);
        let typed = self.typed(&decision, &opened)?;
        let confirmation = confirm(verb, &decision, &typed)?;
        let done = decide(&opened, &decision, &voter, typed, confirmation)
            .await
            .map_err(|error| undecided(error, id))?;
        if common.json {
            output::json(&report(&text::worded_decision(&done), done.state.word(), &opened.handle));
        } else {
            output::line(&format!(
                "Done. {}",
                facts(&done, opened.handle.now(), opened.handle.rules().zone)
            ));
        }
        Ok(Exit::Yes)
    }

    /// Checks that this person may now take this action, then prints the whole decision and returns
    /// it.
    async fn shown(&self, opened: &Opened, voter: &Voter) -> Result<Decision, Failure> {
        let (handle, id) = (&opened.handle, self.id());
        let decision =
            handle.approvers().may_see(id, voter).await.map_err(|error| undecided(error, id))?;
        let possible = match self {
            Self::Undo(_) => decision.undo(voter.person.clone(), handle.now()),
            Self::End(_) => decision.end_grant(voter.person.clone()),
            _ => {
                let seen = handle.approvers().may_decide(id, decision.revision, voter).await;
                seen.map_err(|error| undecided(error, id))?;
                return Ok(printed(decision, opened));
            }
        };
        possible.map_err(|refused| {
            Failure::new(Exit::No, format!("{id}: {refused}. Nothing was changed"))
        })?;
        Ok(printed(decision, opened))
    }

    /// Completes the action: input missing from the command line is typed now.
    fn typed(self, decision: &Decision, opened: &Opened) -> Result<Typed, Failure> {
        Ok(match self {
            Self::Approve(ApproveArgs { note, for_session, lasts, covering, .. }) => {
                let note = note.filter(|note| !note.trim().is_empty());
                fits(decision, Expects::Approve)?;
                let session = for_session.then_some(GrantLength(GrantSpan::Session));
                let grant = lasts.or(session).map(|lasts| grant(decision, lasts, covering));
                let grant = grant.transpose()?;
                Typed::Verdict(Verdict::Approved(Approval { note, grant, ..Approval::default() }))
            }
            Self::Reject(RejectArgs { reason, .. }) => {
                let reason = given(reason, "Why? The agent gets this")?;
                Typed::Verdict(Verdict::Rejected { reason })
            }
            Self::Choose(ChooseArgs { option, .. }) => {
                fits(decision, Expects::Choose)?;
                Typed::Verdict(Verdict::Chosen {
                    option: chosen(decision, &given(option, "Which one")?)?,
                })
            }
            Self::Answer(AnswerArgs { text, .. }) => {
                if !decision.request.takes_other_answer() {
                    fits(decision, Expects::Answer)?;
                }
                let request = &decision.request;
                Typed::Verdict(if text.is_none() && request.is_walked_through() {
                    let answers = answers::typed(&request.questions)?;
                    Verdict::Answered { text: String::new(), answers }
                } else {
                    Verdict::answered(given(text, "Your answer to the agent")?)
                })
            }
            Self::Defer(DeferArgs { when, .. }) => {
                let text = given(when, "When should it come back (45m, 18:30, tomorrow 14:00)")?;
                let until =
                    time_words::parse(&text, opened.handle.now(), opened.handle.rules().zone);
                let words = || {
                    format!(
                        "{text:?} is not a time: write, for example, 45m, 18:30 or \"tomorrow \
                         14:00\". Nothing was changed"
                    )
                };
                Typed::Defer(until.ok_or_else(|| Failure::new(Exit::Usage, words()))?)
            }
            Self::Undo(_) => Typed::Undo,
            Self::End(_) => Typed::End,
        })
    }
}

/// Prints the whole decision: whoever decides reads all of it.
fn printed(decision: Decision, opened: &Opened) -> Decision {
    let handle = &opened.handle;
    output::line(full_text(&decision, Secrets::Shown).trim_end());
    output::line(&format!("\n{}\n", facts(&decision, handle.now(), handle.rules().zone)));
    let files = &decision.request.attachments;
    for (name, path) in files.iter().map(|file| (&file.name, &file.path)) {
        output::line(&format!("File     {}: {}", one_line(name), path.display()));
    }
    let patterns = decision.request.grantable.iter().flat_map(|call| &call.patterns);
    for (number, pattern) in (1..).zip(patterns).filter(|_| decision.state.is_open()) {
        output::line(&format!("Pattern {number}  {}", text::grant_scope(Some(pattern))));
    }
    decision
}

/// The terms of a grant that the decision offers.
fn grant(
    decision: &Decision,
    GrantLength(span): GrantLength,
    covering: Option<usize>,
) -> Result<GrantTerms, Failure> {
    let patterns = decision.request.grantable.as_ref().map(|call| call.patterns.as_slice());
    let patterns = patterns.unwrap_or_default();
    let refused = |refused: Refused| {
        Failure::new(Exit::No, format!("{}: {refused}. Nothing was decided", decision.id))
    };
    let pattern = match covering {
        None => None,
        Some(number) => {
            let found = number.checked_sub(1).and_then(|place| patterns.get(place));
            Some(found.ok_or_else(|| refused(Refused::GrantNotOffered))?.clone())
        }
    };
    let terms = GrantTerms { span, pattern };
    if decision.offers(&terms) {
        return Ok(terms);
    }
    Err(refused(if terms == GrantTerms::SESSION {
        Refused::NotForSession
    } else {
        Refused::GrantNotOffered
    }))
}

/// The person at this terminal, from the user's own configuration.
fn voter(config: &Config) -> Result<Voter, Failure> {
    config.terminal.clone().ok_or_else(|| {
        let file = config.file.clone().or_else(|| crate::config::user_file().ok());
        let file =
            file.map_or_else(|| "your gander.toml".into(), |file| file.display().to_string());
        let words = format!(
            "verdicts at the terminal are off, because agents can also run commands. To switch \
             them on, identify yourself in {file}:\n\
             \n\
             [terminal]\n\
             user = 100000000000000002   # your Discord user id: what you may decide follows \
             from it\n\
             name = \"Maya\"               # as others read it\n\
             #roles = [\"Approvers\"]     # roles that you have there\n"
        );
        Failure::new(Exit::Usage, words)
    })
}

fn must_be_a_terminal() -> Result<(), Failure> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    let words = "a verdict needs a person at a terminal: standard input and output must both be \
        a terminal. Nothing was decided. An agent waits for its verdict with gander wait";
    Err(Failure::new(Exit::Usage, words))
}

fn fits(decision: &Decision, answer: Expects) -> Result<(), Failure> {
    let expects = decision.request.expects;
    if expects == answer {
        return Ok(());
    }
    Err(Failure::new(
        Exit::No,
        format!("{0} expects you to {expects}: gander {expects} {1}", decision.id, decision.id.0),
    ))
}

/// Finds an option by name or by its number in the list.
fn chosen(decision: &Decision, text: &str) -> Result<String, Failure> {
    let options = &decision.request.options;
    // Compares names as displayed: hidden characters cannot be typed.
    let by_name =
        options.iter().find(|choice| one_line(&choice.name).eq_ignore_ascii_case(text.trim()));
    let numbered =
        || text.trim().parse::<usize>().ok().and_then(|number| options.get(number.checked_sub(1)?));
    by_name.or_else(numbered).map(|choice| choice.name.clone()).ok_or_else(|| {
        let names: Vec<String> = options.iter().map(|choice| one_line(&choice.name)).collect();
        Failure::new(
            Exit::No,
            format!("{text:?} is not one of: {}. Nothing was decided", names.join(", ")),
        )
    })
}

fn given(text: Option<String>, question: &str) -> Result<String, Failure> {
    let text = match text {
        Some(text) => text,
        None => typed_line(&format!("{question}: "))?,
    };
    let text = text.trim().to_owned();
    if text.is_empty() {
        Err(Failure::new(Exit::No, "nothing was typed, so nothing was decided"))
    } else {
        Ok(text)
    }
}

/// Reads a trimmed line. End of input gives an empty line.
pub(super) fn typed_line(prompt: &str) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::new(Exit::Internal, format!("the terminal: {error}"));
    write!(io::stdout(), "{prompt}").and_then(|()| io::stdout().flush()).map_err(failed)?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(failed)?;
    Ok(line.trim().to_owned())
}

/// Asks the person to type the decision's number or, to say yes at critical risk, a given word.
/// Returns the typed line.
fn confirm(verb: &str, decision: &Decision, typed: &Typed) -> Result<String, Failure> {
    let says_yes = matches!(
        typed,
        Typed::Verdict(Verdict::Approved(_) | Verdict::Chosen { .. } | Verdict::Answered { .. })
    );
    let word =
        decision.confirmation().filter(|_| says_yes).unwrap_or_else(|| decision.id.0.to_string());
    let what = match typed {
        Typed::Verdict(Verdict::Approved(Approval { note, grant, .. })) => {
            let grant = grant.as_ref().map(text::with_grant).unwrap_or_default();
            let note = note
                .as_ref()
                .map(|note| format!(" with the note “{}”", one_line(note)))
                .unwrap_or_default();
            format!("{grant}{note}")
        }
        Typed::Verdict(Verdict::Rejected { reason }) => format!(" because “{}”", one_line(reason)),
        Typed::Verdict(Verdict::Chosen { option }) => format!(" “{}”", one_line(option)),
        Typed::Verdict(Verdict::Answered { text, answers }) => {
            format!(" with “{}”", one_line(&text::answer_words(text, answers)))
        }
        _ => String::new(),
    };
    output::line(&format!("You are about to {verb} {}{what}.", decision.id));
    let line = typed_line(&format!("Type {word} to confirm, anything else to cancel: "))?;
    if line.trim_start_matches('#').eq_ignore_ascii_case(&word) {
        return Ok(line);
    }
    Err(Failure::new(Exit::No, "not confirmed: nothing was decided"))
}

async fn decide(
    opened: &Opened,
    decision: &Decision,
    voter: &Voter,
    typed: Typed,
    confirmation: String,
) -> Result<Decision, HandleError> {
    let (handle, id, seen) = (&opened.handle, decision.id, decision.revision);
    match typed {
        Typed::Verdict(verdict) => {
            let ballot = Ballot { verdict, confirmation: Some(confirmation) };
            handle.approvals().resolve(id, seen, voter, Via::Terminal, ballot).await
        }
        Typed::Defer(until) => handle.approvals().defer(id, seen, voter, until).await,
        Typed::Undo => handle.approvals().undo(id, voter).await,
        Typed::End => handle.grants().end(id, voter).await,
    }
}

/// Turns an error into a message for the terminal.
fn undecided(error: HandleError, id: DecisionId) -> Failure {
    match error {
        HandleError::Denied(_, denied) => {
            let why = match denied {
                Denied::NotAnApprover(who) => format!("it is for {} to decide", who_may(&who)),
                Denied::OwnQuestion => {
                    "you asked it yourself, so another person must decide it".into()
                }
                Denied::NoApprovers => {
                    "no rule under [[approvers]] covers its project, kind and risk".into()
                }
            };
            Failure::new(Exit::No, format!("you may not decide {id}: {why}. Nothing was changed"))
        }
        error @ HandleError::Refused(..) => Failure::new(Exit::No, error),
        other => other.into(),
    }
}

fn who_may(who: &Approvers) -> String {
    let users = who.users.iter().map(|id| format!("the Discord user {id}"));
    let roles = who.roles.iter().map(|role| format!("the role {role}"));
    let owner = who.owner.then(|| "the owner of the bot's application".to_owned());
    users.chain(roles).chain(owner).collect::<Vec<_>>().join(" or ")
}
