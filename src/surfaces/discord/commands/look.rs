//! Read-only commands: `/attention`, `/help`, `/decision`, `/status`.

use std::collections::BTreeSet;

use super::complete::any;
use super::decision_argument::{DecisionArgument, SearchScope, find};
use super::{Context, Error, answer};
use crate::core::decision::DecisionId;
use crate::core::decision::authorization::{Denied, Voter, areas_of};
use crate::engine::HandleError;
use crate::engine::operations::status::ProjectStatus;
use crate::presentation::text;
use crate::presentation::text::{Overview, Project, label};
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render::View;

/// Maximum characters of the history above a card (Discord: 2,000 in a message's content).
const HISTORY: usize = 1_400;

/// Decisions waiting for you, most urgent first.
#[poise::command(slash_command)]
pub(crate) async fn attention(ctx: Context<'_>) -> Result<(), Error> {
    answer(ctx, |voter| async move { ctx.data().attention(&voter, 0).await }).await
}

/// How to use the bot.
#[poise::command(slash_command)]
pub(crate) async fn help(ctx: Context<'_>) -> Result<(), Error> {
    answer(ctx, |_| async { View::words(text::HELP) }).await
}

/// Show a decision with its history.
#[poise::command(slash_command)]
pub(crate) async fn decision(
    ctx: Context<'_>,
    #[description = "Number, words of the title or project, of an open or recent decision"]
    #[autocomplete = "any"]
    decision: String,
) -> Result<(), Error> {
    answer(ctx, |voter| async move { all_about(ctx.data(), &voter, &decision).await }).await
}

pub(crate) async fn all_about(bot: &Bot, voter: &Voter, typed: &str) -> View {
    // Reading needs no revision, so a number is enough.
    let id = match (find(bot, voter, typed, SearchScope::All).await, typed.trim().parse()) {
        (DecisionArgument::Seen(id, _), _) | (DecisionArgument::Nothing(_), Ok(id)) => id,
        (DecisionArgument::Unseen(decision, _), _) => decision.id,
        (DecisionArgument::Nothing(view), Err(_)) => return *view,
    };
    match everything(bot, voter, id).await {
        Ok(view) => view,
        Err(error) => bot.not_done(voter, id, error).await,
    }
}

/// The card with the history above. The requester may read but not decide.
async fn everything(bot: &Bot, voter: &Voter, id: DecisionId) -> Result<View, HandleError> {
    let (decision, decides) = match bot.handle.approvers().may_see(id, voter).await {
        Ok(decision) => (decision, true),
        Err(HandleError::Denied(decision, Denied::OwnQuestion)) => (*decision, false),
        Err(error) => return Err(error),
    };
    let (shown, file) = bot.history(&decision, HISTORY).await?;
    let headline = text::headline(&decision, bot.handle.time_scale());
    let mut view =
        bot.show(voter, &decision, Some(format!("{headline}\n\n**{}**\n{shown}", label::HISTORY)));
    if !decides {
        view.rows.clear();
    }
    view.files.extend(file);
    Ok(view)
}

/// Open and overdue decisions by project, and current problems.
#[poise::command(slash_command)]
pub(crate) async fn status(ctx: Context<'_>) -> Result<(), Error> {
    answer(ctx, |voter| async move { status_of(ctx.data(), &voter).await }).await
}

/// The status for a command or a chat message.
pub(crate) async fn status_of(bot: &Bot, voter: &Voter) -> View {
    if !bot.is_approver(voter) {
        return View::words(text::FOR_APPROVERS);
    }
    let found = async {
        Ok::<_, HandleError>((
            overview(bot, voter).await?,
            bot.handle.attention().list(Some(voter)).await?,
        ))
    };
    match found.await {
        Ok((overview, for_caller)) => {
            let time_scale = bot.handle.time_scale();
            let said = [
                Some(text::overview(&overview, for_caller.len(), time_scale)),
                reached(bot, voter).await,
            ];
            View::words(said.into_iter().flatten().collect::<Vec<_>>().join("\n\n"))
        }
        Err(error) => View::words(text::store_failed(&error.to_string())),
    }
}

/// Warning shown if the caller is currently unreachable.
async fn reached(bot: &Bot, voter: &Voter) -> Option<String> {
    let person = &voter.person;
    let somebody =
        bot.handle.availability().person_status(person.discord_id()?, &person.name).await.ok()?;
    text::not_reached(somebody.availability(bot.handle.now()), bot.handle.time_scale())
}

/// Counts by project, for the projects in which the person may decide, and current problems.
async fn overview(bot: &Bot, voter: &Voter) -> Result<Overview, HandleError> {
    let mut status = bot.handle.operations().status().await?;
    let areas = areas_of(&bot.handle.rules().approvers, voter);
    let theirs = |name: &str| areas.iter().any(|area| area.covers_project(name));
    status.projects.retain(|project| theirs(&project.project));
    let count = |project: ProjectStatus| Project {
        name: project.project,
        waiting: project.waiting,
        overdue: project.overdue,
        overdue_since: project.overdue_since,
        deferred: project.deferred,
    };
    let mut projects: Vec<Project> = status.projects.into_iter().map(count).collect();
    // Projects without a channel of their own share a channel, and its problem.
    let mut troubles: BTreeSet<String> =
        projects.iter().filter_map(|project| bot.places.of_project(&project.name).err()).collect();
    if let Some(heartbeat) = status.bot {
        troubles.extend(heartbeat.configuration.map(|why| text::old_configuration(&why)));
        troubles.extend(heartbeat.after_restart);
        let another = heartbeat.another.map(|another| another.describe(bot.handle.clock().wall()));
        troubles.extend(another.map(|(what, remedy)| format!("{what}. {remedy}")));
        let others = heartbeat.other_servers.iter().map(|(id, name)| text::in_server(name, *id));
        troubles.extend(others.map(|(what, remedy)| format!("{what}. {remedy}")));
    }
    projects.sort_by_key(|project| {
        std::cmp::Reverse((project.overdue, project.waiting, project.deferred))
    });
    Ok(Overview { projects, troubles: troubles.into_iter().collect() })
}
