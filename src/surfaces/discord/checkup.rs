//! Health check of the Discord setup. Only asks Discord, and sends no message.
//!
//! Nothing is retried: the check must report a failing request.

mod application;

use std::collections::BTreeSet;
use std::future::Future;

use serde_json::Value;
use serenity::all::{GuildId, GuildInfo, Http, UserId};

use self::application::{Raw, about, compare};
use super::error::{Meaning, meaning};
use super::places::{HERE, NEEDED, Places};
use super::{ConnectError, Settings, connect};
use crate::core::finding::Finding;
use crate::core::permission::ApproverRule;
use crate::engine::clock::Clock;

pub(super) const DISCORD: &str = "Discord";
const CHANNELS: &str = "Channels";
const APPROVERS: &str = "Approvers";

/// Maximum people to check. Discord rejects a bot that opens many direct messages at once.
const MOST_PEOPLE: usize = 10;

/// The part of the configuration to check against Discord.
#[derive(Debug, Clone, Copy)]
pub struct Configured<'a> {
    /// The configuration's approvers.
    pub approvers: &'a [ApproverRule],
}

/// Checks the bot's account, server, channels and approvers. Without `configured`, because the
/// configuration is invalid, checks only the account and the server.
pub async fn checkup(
    settings: &Settings,
    configured: Option<Configured<'_>>,
    clock: &dyn Clock,
) -> Vec<Finding> {
    let mut found = Vec::new();
    // The reason for an early stop is already in `found`.
    let _ = examine(settings, configured, clock, &mut found).await;
    found
}

/// Stops the check: the remaining checks depend on the failed one.
struct Stop;

async fn examine(
    settings: &Settings,
    configured: Option<Configured<'_>>,
    clock: &dyn Clock,
    found: &mut Vec<Finding>,
) -> Result<(), Stop> {
    let raw = Raw::new(settings).map_err(|error| stop_for(found, &error))?;
    let application = application(&raw, settings, clock, found).await?;
    let http =
        connect::http(&settings.token, &settings.api).map_err(|error| stop_for(found, &error))?;
    http.set_application_id(application.id.into());
    let me = ask(found, settings, "who the bot is", http.get_current_user()).await?;
    let guilds =
        ask(found, settings, "which servers the bot is in", http.get_guilds(None, None)).await?;
    let guild = server(settings, &guilds, application.id, found)?;
    // Missing commands do not affect the other checks.
    let _ = commands(&http, settings, found).await;
    let Some(configured) = configured else { return Ok(()) };
    let places = Places::new(settings.channels.clone());
    ask(found, settings, "the server's channels", places.refresh(&http, guild, me.id)).await?;
    channels(&places, found);
    approvers(
        &http,
        &raw,
        &Asked { guild, places: &places, owner: application.owner },
        configured.approvers,
        found,
    )
    .await;
    Ok(())
}

fn stop(found: &mut Vec<Finding>, what: String, mend: &str) -> Stop {
    found.push(Finding::broken(DISCORD, what, mend));
    Stop
}

/// Splits the error text into problem and remedy.
fn stop_for(found: &mut Vec<Finding>, error: &ConnectError) -> Stop {
    let words = error.to_string();
    let (what, mend) = words.split_once(". ").unwrap_or((&words, "Set it right and look again"));
    stop(found, what.to_owned(), mend)
}

/// Sends a request; a failure is added to `found` and stops the check.
async fn ask<T>(
    found: &mut Vec<Finding>,
    settings: &Settings,
    what: &str,
    request: impl Future<Output = serenity::Result<T>>,
) -> Result<T, Stop> {
    request.await.map_err(|error| {
        let (meaning, words) = meaning(&error);
        let mend = match meaning {
            Meaning::Passing => format!("Check {} and look again", settings.api.to_check()),
            _ => "The bot has not the right to ask: invite it again, with the address that the README gives".into(),
        };
        stop(found, format!("Discord does not tell {what}: {words}"), &mend)
    })
}

/// The application's id and owner.
struct Application {
    id: u64,
    owner: Option<u64>,
}

/// Checks the token, the clock, and the application's settings.
async fn application(
    raw: &Raw,
    settings: &Settings,
    clock: &dyn Clock,
    found: &mut Vec<Finding>,
) -> Result<Application, Stop> {
    let sent = clock.wall();
    let answer = match raw.get("/applications/@me").await {
        Ok(answer) => answer,
        Err(why) => {
            let mend = format!("Check {} and look again", settings.api.to_check());
            return Err(stop(found, format!("{why} at {}", settings.api.name()), &mend));
        }
    };
    let received = clock.wall();
    if let Some(date) = answer.date {
        found.push(compare(sent, received, date));
    }
    if answer.status == 401 {
        let mend = "Copy the bot's token from https://discord.com/developers/applications (Bot, Reset Token) into DISCORD_TOKEN, or \
                    into the file that DISCORD_TOKEN_FILE names";
        return Err(stop(found, "Discord does not accept the token".into(), mend));
    }
    let Some(body) = answer.body.filter(|_| answer.status == 200) else {
        let mend = format!("Check {} and look again", settings.api.to_check());
        return Err(stop(
            found,
            format!("Discord answered {} to the question whose application this is", answer.status),
            &mend,
        ));
    };
    let Some((id, owner)) = about(&body, found) else {
        return Err(stop(
            found,
            "what Discord tells of the application cannot be read".into(),
            "Look again; perhaps update Gander",
        ));
    };
    Ok(Application { id, owner })
}

fn server(
    settings: &Settings,
    guilds: &[GuildInfo],
    application: u64,
    found: &mut Vec<Finding>,
) -> Result<GuildId, Stop> {
    match super::choose(guilds, settings.guild) {
        Some(guild) => {
            found.push(Finding::fine(
                DISCORD,
                format!("its server is {} ({})", guild.name, guild.id),
            ));
            if guilds.len() > 1 && settings.guild.is_none() {
                let what = format!(
                    "the bot is in {} servers, and gander.toml does not say which is meant",
                    guilds.len()
                );
                found.push(Finding::warning(
                    DISCORD,
                    what,
                    "Set guild under [discord] in gander.toml",
                ));
            }
            Ok(guild.id)
        }
        None => {
            let what = match settings.guild {
                Some(wanted) => {
                    format!("the bot is not in the server {wanted} that gander.toml names")
                }
                None => "the bot is in no server".into(),
            };
            Err(stop(found, what, &format!("Invite it: {}", super::invitation(application))))
        }
    }
}

async fn commands(http: &Http, settings: &Settings, found: &mut Vec<Finding>) -> Result<(), Stop> {
    let there = ask(found, settings, "the bot's commands", http.get_global_commands()).await?;
    let (registered, missing): (Vec<String>, Vec<String>) = super::commands::names()
        .into_iter()
        .partition(|name| there.iter().any(|command| command.name == *name));
    let mend = "gander serve registers them when it starts: start it again";
    found.push(match (registered.is_empty(), missing.is_empty()) {
        (_, true) => Finding::fine(
            DISCORD,
            format!(
                "all its {} commands are registered: {}",
                registered.len(),
                registered.join(", ")
            ),
        ),
        (true, false) => Finding::warning(DISCORD, "no slash commands are registered", mend),
        (false, false) => Finding::warning(
            DISCORD,
            format!("commands are not registered: {}", missing.join(", ")),
            mend,
        ),
    });
    Ok(())
}

fn channels(places: &Places, found: &mut Vec<Finding>) {
    found.extend(places.look_up_digest().map(|place| match place {
        Ok(channel) => {
            Finding::fine(CHANNELS, format!("the digest goes to {}", places.name(channel)))
        }
        Err(trouble) => Finding::broken(
            CHANNELS,
            format!("the digest cannot be posted: {}", trouble.what),
            trouble.mend,
        ),
    }));
    for project in places.configured() {
        let whose = project.as_ref().map_or_else(
            || "all other projects".to_owned(),
            |project| format!("project {project}"),
        );
        let place = project
            .as_ref()
            .map_or_else(|| places.look_up_usual(), |project| places.look_up(project));
        let no_here = place.as_ref().ok().and_then(|channel| places.lacks_here(*channel));
        found.push(match place {
            Ok(channel) => {
                let needed = NEEDED.get_permission_names().join(", ");
                Finding::fine(
                    CHANNELS,
                    format!(
                        "cards of {whose} go to {}, where the bot has all it needs ({needed})",
                        places.name(channel)
                    ),
                )
            }
            Err(trouble) => Finding::broken(
                CHANNELS,
                format!("cards of {whose} cannot be posted: {}", trouble.what),
                trouble.mend,
            ),
        });
        found.extend(no_here.map(|name| {
            let what = format!("the bot may not use @here in {name}: before a breach it mentions the approvers instead");
            Finding::warning(CHANNELS, what, format!("In Discord, give the bot the permission {HERE} there"))
        }));
    }
}

/// The context of the approver checks.
struct Asked<'a> {
    guild: GuildId,
    places: &'a Places,
    owner: Option<u64>,
}

async fn approvers(
    http: &Http,
    raw: &Raw,
    asked: &Asked<'_>,
    rules: &[ApproverRule],
    found: &mut Vec<Finding>,
) {
    if rules.is_empty() {
        match asked.owner {
            Some(owner) => {
                found.push(Finding::fine(
                    APPROVERS,
                    format!("no [[approvers]] are configured: the application's owner ({owner}) decides"),
                ));
                found.push(person(http, asked.guild, owner).await);
            }
            None => found.push(Finding::broken(
                APPROVERS,
                "no [[approvers]] are configured, and Discord does not tell who owns the application: nobody may decide",
                "Name them under [[approvers]] in gander.toml",
            )),
        }
        return;
    }
    let users: BTreeSet<u64> = rules.iter().flat_map(|rule| rule.users.iter().copied()).collect();
    for user in users.iter().take(MOST_PEOPLE) {
        found.push(person(http, asked.guild, *user).await);
    }
    if users.len() > MOST_PEOPLE {
        let what =
            format!("{} more users are named, who were not asked about", users.len() - MOST_PEOPLE);
        found.push(Finding::fine(APPROVERS, what));
    }
    let roles: BTreeSet<&String> = rules.iter().flat_map(|rule| &rule.roles).collect();
    let counts = raw
        .get(&format!("/guilds/{}/roles/member-counts", asked.guild))
        .await
        .ok()
        .filter(|answer| answer.status == 200);
    for named in roles {
        found.push(role(
            asked.places,
            named,
            counts.as_ref().and_then(|answer| answer.body.as_ref()),
        ));
    }
}

fn role(places: &Places, named: &str, counts: Option<&Value>) -> Finding {
    let ids = places.role_ids(named);
    if ids.is_empty() {
        return Finding::broken(
            APPROVERS,
            format!("there is no role {named:?} in the server: nobody approves by it"),
            "Create it, or correct roles under [[approvers]] in gander.toml: a role's name as Discord shows it, or its id",
        );
    }
    // Discord counts the members of every role; a role missing in the counts has no members.
    let members = counts.map(|counts| {
        ids.iter().map(|id| counts[id.to_string()].as_u64().unwrap_or(0)).sum::<u64>()
    });
    match members {
        Some(0) => Finding::broken(
            APPROVERS,
            format!("nobody has the role {named:?}: nobody approves by it"),
            "Give it to somebody: server settings, Roles",
        ),
        Some(members) => {
            Finding::fine(APPROVERS, format!("the role {named:?} is there, and {members} have it"))
        }
        None => Finding::fine(
            APPROVERS,
            format!("the role {named:?} is there (Discord did not tell who has it)"),
        ),
    }
}

/// Checks that a user is in the server and that a direct message can be opened. Sends no message.
async fn person(http: &Http, guild: GuildId, user: u64) -> Finding {
    let id = UserId::new(user.max(1));
    let name = match http.get_member(guild, id).await {
        Ok(member) => member.display_name().to_owned(),
        Err(error) => {
            let (what, words) = meaning(&error);
            if what == Meaning::Passing {
                return Finding::warning(
                    APPROVERS,
                    format!("Discord does not tell of the user {user}: {words}"),
                    "Look again",
                );
            }
            return Finding::broken(
                APPROVERS,
                format!("the user {user} is not in the server, and sees no card ({words})"),
                "Invite them, or correct users under [[approvers]] in gander.toml: right-click them in Discord, Copy User ID",
            );
        }
    };
    // Opening the channel is invisible to the user.
    match id.create_dm_channel(http).await {
        Ok(_) => Finding::fine(
            APPROVERS,
            format!(
                "{name} ({user}) is in the server; a direct message could be opened (whether they take one shows when one is sent)"
            ),
        ),
        Err(error) => Finding::warning(
            APPROVERS,
            format!(
                "{name} ({user}) is in the server, but no direct message can be opened: {}",
                meaning(&error).1
            ),
            "They can allow it in Discord: the server's menu, Privacy Settings, Direct Messages",
        ),
    }
}
