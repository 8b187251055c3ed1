//! `/ask`: a person asks for a decision, as agents do. The requester may not decide.

use serenity::all::{InteractionId, ResolvedValue, User};

use super::complete::project;
use super::decision_argument::Written;
use super::{Context, Error, answer};
use crate::core::access::Visibility;
use crate::core::decision::authorization::{Approvers, Voter};
use crate::core::decision::{
    Agent, Choice, Decision, DecisionId, Detail, Expects, Insight, Kind, Pending, Priority,
    Refused, Request, Risk, State,
};
use crate::core::policy::rules::{admit, project_name};
use crate::engine::{Asked as AskOutcome, Filter, HandleError};
use crate::presentation::text;
use crate::presentation::text::AskedApprovers;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render::View;

/// How long the message to the assigned person waits for the card to be posted, to link to the
/// card.
const CARD_WITHIN: std::time::Duration = std::time::Duration::from_secs(3);

/// The most open questions that a member who may decide nothing assigns to one person.
const MOST_ON_ONE: usize = 3;

#[derive(Debug, Clone, Copy, poise::ChoiceParameter)]
enum Answers {
    #[name = "approve: a yes or no"]
    Approve,
    #[name = "choose: one of the options"]
    Choose,
    #[name = "answer: a text"]
    Answer,
}

#[derive(Debug, Clone, Copy, poise::ChoiceParameter)]
enum Risks {
    #[name = "low: easily undone"]
    Low,
    #[name = "medium: some work to undo"]
    Medium,
    #[name = "high: affects customers or money"]
    High,
    #[name = "critical: cannot be undone"]
    Critical,
}

#[derive(Debug, Clone, Copy, poise::ChoiceParameter)]
enum Priorities {
    #[name = "low: any time"]
    Low,
    #[name = "normal: in order"]
    Normal,
    #[name = "high: before others"]
    High,
    #[name = "urgent: now"]
    Urgent,
}

/// Ask a person to decide something.
#[poise::command(slash_command)]
#[expect(clippy::too_many_arguments, reason = "each is an option of the command")]
pub(crate) async fn ask(
    ctx: Context<'_>,
    #[description = "The question, in one line"]
    #[max_length = 300]
    title: String,
    #[description = "Who should answer; without it, anyone who may decide"] person: Option<User>,
    #[description = "Kind of answer; default: choose with options, else approve"] expects: Option<
        Answers,
    >,
    #[description = "Options, as: Postgres=known, a bit slower; Redis=fast"]
    #[max_length = 3000]
    options: Option<String>,
    #[description = "Sets the channel and the approvers"]
    #[autocomplete = "project"]
    #[max_length = 100]
    project: Option<String>,
    #[description = "How bad is a wrong answer? Default: medium"] risk: Option<Risks>,
    #[description = "How soon you want the answer"] priority: Option<Priorities>,
    #[description = "deploy, design_review, naming, legal … or your own word"]
    #[max_length = 60]
    kind: Option<String>,
    #[description = "What you saw"]
    #[max_length = 1500]
    observation: Option<String>,
    #[description = "Why it matters"]
    #[max_length = 1500]
    why: Option<String>,
    #[description = "What you recommend"]
    #[max_length = 1500]
    what: Option<String>,
    #[description = "Facts, as: tests=47/47; coverage=94%"]
    #[max_length = 1500]
    details: Option<String>,
) -> Result<(), Error> {
    let question = Question {
        title,
        expects,
        options,
        project,
        risk,
        priority,
        kind,
        observation,
        why,
        what,
        details,
    };
    let mut handed = None;
    let (given_to, person) = (&mut handed, person.as_ref());
    let work = |asker: Voter| async move {
        match put(ctx.data(), &asker, question, person, ctx.interaction.id).await {
            Ok((view, given)) => {
                *given_to = given;
                view
            }
            Err(words) => Written::keep(written(ctx).as_ref(), View::words(words)),
        }
    };
    answer(ctx, work).await?;
    if let (Some(decision), Some(to)) = (handed, person) {
        // Without a card the message has no link; still better than no message.
        let _ = ctx.data().handle.messages().card_within(decision.id, CARD_WITHIN).await;
        ctx.data().notify_assignee(&decision, &ctx.interaction.user, to.id);
    }
    Ok(())
}

/// The typed arguments, returned with an error to spare the requester typing again.
fn written(ctx: Context<'_>) -> Option<Written> {
    let typed = ctx.args.iter().filter_map(|argument| match argument.value {
        ResolvedValue::String(value) => Some(format!("{}: {value}", argument.name)),
        _ => None,
    });
    Written::new(text::YOUR_QUESTION, typed.collect::<Vec<_>>().join("\n"))
}

/// The command's arguments as typed.
struct Question {
    title: String,
    expects: Option<Answers>,
    options: Option<String>,
    project: Option<String>,
    risk: Option<Risks>,
    priority: Option<Priorities>,
    kind: Option<String>,
    observation: Option<String>,
    why: Option<String>,
    what: Option<String>,
    details: Option<String>,
}

impl Question {
    /// The request to file.
    ///
    /// # Errors
    /// The first unreadable detail.
    fn request(self, asker: &Voter) -> Result<Request, String> {
        let details = parts(self.details.as_deref()).map(detail).collect::<Result<Vec<_>, _>>()?;
        let options: Vec<Choice> = parts(self.options.as_deref()).map(choice).collect();
        let expects = match self.expects {
            Some(Answers::Approve) => Expects::Approve,
            Some(Answers::Choose) => Expects::Choose,
            Some(Answers::Answer) => Expects::Answer,
            None if options.is_empty() => Expects::Approve,
            None => Expects::Choose,
        };
        let usual = Request::default();
        Ok(Request {
            title: self.title,
            kind: self.kind.map_or(usual.kind, Kind::from),
            expects,
            insight: Insight {
                observation: self.observation.unwrap_or_default(),
                why_it_matters: self.why.unwrap_or_default(),
                what_to_do: self.what.unwrap_or_default(),
            },
            details,
            project: self
                .project
                .filter(|name| !name.trim().is_empty())
                .map_or(usual.project, |name| project_name(&name)),
            agent: Agent { name: asker.person.name.clone(), session: None },
            asked_by: Some(asker.person.clone()),
            risk: self.risk.map_or(usual.risk, Risks::meant),
            priority: self.priority.map_or(usual.priority, Priorities::meant),
            options,
            ..Request::default()
        })
    }
}

impl Risks {
    const fn meant(self) -> Risk {
        match self {
            Self::Low => Risk::Low,
            Self::Medium => Risk::Medium,
            Self::High => Risk::High,
            Self::Critical => Risk::Critical,
        }
    }
}

impl Priorities {
    const fn meant(self) -> Priority {
        match self {
            Self::Low => Priority::Low,
            Self::Normal => Priority::Normal,
            Self::High => Priority::High,
            Self::Urgent => Priority::Urgent,
        }
    }
}

/// The parts of a list separated by semicolons.
fn parts(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split(';').map(str::trim).filter(|part| !part.is_empty())
}

fn choice(part: &str) -> Choice {
    let (name, description) = part.split_once('=').unwrap_or((part, ""));
    Choice { name: name.trim().to_owned(), description: description.trim().to_owned() }
}

fn detail(part: &str) -> Result<Detail, String> {
    match part.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok(Detail { name: name.trim().to_owned(), value: value.trim().to_owned() })
        }
        _ => Err(part.to_owned()),
    }
}

/// Files the request and assigns the decision to the named person. Returns the answer, and the
/// decision if assigned.
///
/// # Errors
/// Why the request was rejected, as text.
async fn put(
    bot: &Bot,
    asker: &Voter,
    question: Question,
    to: Option<&User>,
    interaction: InteractionId,
) -> Result<(View, Option<Decision>), String> {
    let mut request = question.request(asker).map_err(|unread| text::unreadable_detail(&unread))?;
    // Discord may deliver a command twice.
    request.dedup_key = Some(format!("command:{interaction}"));
    let terms = admit(&bot.handle.rules(), &request).map_err(|why| text::not_asked(&why))?;
    let who =
        others(bot, asker, &Decision::new(DecisionId(0), request.clone(), terms, bot.handle.now()));
    if who == Approvers::default() {
        return Err(text::NOBODY_TO_ASK.to_owned());
    }
    let filed = bot.handle.approvals().ask(request).await.map_err(|error| match error {
        HandleError::Limited(reached) => text::asked_too_much(reached),
        error => text::store_failed(&error.to_string()),
    })?;
    let again = matches!(filed, AskOutcome::Same(_));
    let asked = filed.into_decision();
    tracing::info!(decision = asked.id.0, by = asker.person.name, "asked by a command on Discord");
    let said = |to: &AskedApprovers<'_>| {
        View::words(text::you_asked(&asked, to, &who, bot.application.owner_id()))
    };
    let Some(user) = to.filter(|_| !again) else {
        return Ok((said(&AskedApprovers::Anybody), None));
    };
    if asker.person.discord_id() == Some(user.id.get()) {
        return Ok((said(&AskedApprovers::Yourself), None));
    }
    let person = bot.application.voter(&bot.http, &bot.places, user, None).await;
    let has_enough = has_enough_on(bot, asker, &person).await;
    if has_enough.map_err(|error| text::store_failed(&error.to_string()))? {
        return Ok((said(&AskedApprovers::HasEnough(&person.person, MOST_ON_ONE)), None));
    }
    Ok(match bot.handle.approvers().assign(asked.id, &asker.person, &person).await {
        Ok(decision) => (said(&AskedApprovers::Given(&person.person)), Some(decision)),
        Err(HandleError::Refused(_, Refused::AssigneeMayNotDecide { .. })) => {
            (said(&AskedApprovers::NotTheirs(&person.person)), None)
        }
        // The request is filed; the answer also reports the failed assignment.
        Err(error) => {
            let mut view = said(&AskedApprovers::Anybody);
            view.content =
                format!("{}\n{}", view.content, text::not_handed_over(&error.to_string()));
            (view, None)
        }
    })
}

/// Whether the asker, who may decide nothing, already waits for this person with as many questions
/// as one may assign. Among approvers, no number is too many.
async fn has_enough_on(bot: &Bot, asker: &Voter, person: &Voter) -> Result<bool, HandleError> {
    if bot.is_approver(asker) {
        return Ok(false);
    }
    let own = Visibility::Limited { areas: Vec::new(), asker: asker.person.id.clone() };
    let filter = Filter { open_only: true, visibility: own, ..Filter::default() };
    let is_theirs = |decision: &&Decision| {
        matches!(&decision.state, State::Pending(Pending { taken: Some(taken), .. })
            if taken.by.id == person.person.id)
    };
    let open = bot.handle.approvals().list(filter).await?;
    Ok(open.iter().filter(is_theirs).count() >= MOST_ON_ONE)
}

/// The approvers without the requester.
fn others(bot: &Bot, asker: &Voter, decision: &Decision) -> Approvers {
    let mut who = bot.handle.approvers().who_may(decision);
    who.owner &= !asker.owner;
    who.users.retain(|user| asker.person.discord_id() != Some(*user));
    who
}
