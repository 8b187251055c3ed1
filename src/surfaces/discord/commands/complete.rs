//! Autocompletion of a command's decision and option: lists decisions that the person may decide.
//!
//! An entry's value carries the shown revision, so a verdict names the revision that the person
//! saw.

use serenity::all::{AutocompleteChoice, CreateAutocompleteResponse, ResolvedValue};

use super::decision_argument::SearchScope;
use super::{Bot, Context, visitor};
use crate::core::Time;
use crate::core::decision::authorization::areas_of;
use crate::core::decision::{Decision, Expects, Person};
use crate::core::policy::rules::project_name;
use crate::engine::{Filter, HandleError};
use crate::presentation::find;
use crate::presentation::text;

/// Maximum entries (Discord).
const MOST: usize = 25;
/// Maximum characters of an entry's value (Discord).
const LONGEST_VALUE: usize = 100;

pub(crate) async fn approvable(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    decisions(ctx, typed, SearchScope::Open, |decision, _| {
        decision.request.expects == Expects::Approve
    })
    .await
}

pub(crate) async fn choosable(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    decisions(ctx, typed, SearchScope::Open, |decision, _| {
        decision.request.expects == Expects::Choose
    })
    .await
}

pub(crate) async fn answerable(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    decisions(ctx, typed, SearchScope::Open, |decision, _| {
        decision.request.expects == Expects::Answer
    })
    .await
}

pub(crate) async fn open(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    decisions(ctx, typed, SearchScope::Open, |_, _| true).await
}

pub(crate) async fn undoable(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    decisions(ctx, typed, SearchScope::Decided, can_be_undone).await
}

pub(crate) async fn any(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    decisions(ctx, typed, SearchScope::All, |_, _| true).await
}

async fn decisions(
    ctx: Context<'_>,
    typed: &str,
    among: SearchScope,
    fits: fn(&Decision, Time) -> bool,
) -> CreateAutocompleteResponse {
    let bot = ctx.data();
    let mut found = in_time(bot, async {
        match visitor(ctx).await {
            Ok(voter) => among.of(bot, &voter).await,
            Err(_) => Ok(Vec::new()),
        }
    })
    .await;
    let (now, tag) = (bot.handle.now(), bot.handle.tag());
    found.retain(|decision| fits(decision, now));
    let entry = |decision: &Decision| {
        AutocompleteChoice::new(text::entry(decision), find::value(decision, tag))
    };
    offered(find::ranked(typed, &found).into_iter().map(entry))
}

fn can_be_undone(decision: &Decision, now: Time) -> bool {
    // The person does not matter for this check.
    decision.undo(Person::discord(0, ""), now).is_ok()
}

/// The options of the decision already given in the command.
pub(crate) async fn option(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let bot = ctx.data();
    let tag = bot.handle.tag();
    let named = ctx.args.iter().find_map(|argument| match argument.value {
        ResolvedValue::String(value) if argument.name == "decision" => {
            Some(find::named(value, tag))
        }
        _ => None,
    });
    let (find::Named::Shown { id, .. } | find::Named::Number(id)) =
        named.unwrap_or(find::Named::Foreign)
    else {
        return CreateAutocompleteResponse::new();
    };
    let found = in_time(bot, async {
        match visitor(ctx).await {
            Ok(voter) => Ok(vec![bot.handle.approvers().may_see(id, &voter).await?]),
            Err(_) => Ok(Vec::new()),
        }
    })
    .await;
    let entries = found.iter().flat_map(|decision| {
        let entry = |(place, choice)| {
            AutocompleteChoice::new(
                text::option_entry(choice),
                find::option_value(decision, place, tag),
            )
        };
        find::options(typed, decision).into_iter().map(entry)
    });
    offered(entries)
}

/// Configured projects and the projects of the latest decisions, for an approver of these projects;
/// others type the name.
pub(crate) async fn project(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let bot = ctx.data();
    let latest = Filter { limit: 500, ..Filter::default() };
    let mut areas = Vec::new();
    let found = in_time(bot, async {
        let Ok(voter) = visitor(ctx).await else { return Ok(Vec::new()) };
        areas = areas_of(&bot.handle.rules().approvers, &voter);
        bot.handle.approvals().list(latest).await
    })
    .await;
    let configured = bot.handle.rules().projects.keys().cloned().collect::<Vec<_>>();
    let names: std::collections::BTreeSet<String> = configured
        .into_iter()
        .chain(found.into_iter().map(|decision| decision.request.project))
        .collect();
    let wanted = project_name(typed);
    let fits = |name: &String| {
        name.contains(&wanted)
            && name.chars().count() <= LONGEST_VALUE
            && areas.iter().any(|area| area.covers_project(name))
    };
    offered(names.into_iter().filter(fits).map(|name| AutocompleteChoice::new(name.clone(), name)))
}

pub(crate) fn offered(
    entries: impl Iterator<Item = AutocompleteChoice>,
) -> CreateAutocompleteResponse {
    CreateAutocompleteResponse::new().set_choices(entries.take(MOST).collect())
}

/// The result of a search, or nothing after an error or when the time to acknowledge is over. The
/// person can still type a number.
async fn in_time<T>(
    bot: &Bot,
    search: impl Future<Output = Result<Vec<T>, HandleError>> + Send,
) -> Vec<T> {
    match tokio::time::timeout(bot.response_times.acknowledge_after, search).await {
        Ok(Ok(found)) => found,
        Ok(Err(HandleError::Denied(..) | HandleError::NoSuchDecision(_))) => Vec::new(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "could not load autocomplete entries");
            Vec::new()
        }
        Err(_) => {
            tracing::warn!("the store is too slow for autocomplete");
            Vec::new()
        }
    }
}
