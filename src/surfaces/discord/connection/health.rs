//! Health check of the Discord setup. Only asks Discord, and sends no message.
//!
//! Nothing is retried: the check must report a failing request.

mod application;

use std::collections::BTreeSet;
use std::future::Future;

use serde_json::Value;
use serenity::all::{GuildId, GuildInfo, Http, UserId};

use self::application::{RawClient, about, compare};
use super::channels::{MENTION_PERMISSION, Places, REQUIRED_PERMISSIONS};
use super::connect;
use super::error::{Meaning, meaning};
use crate::core::decision::authorization::ApproverRule;
use crate::core::values::check_result::CheckResult;
use crate::engine::clock::Clock;
use crate::presentation::text;
use crate::surfaces::discord::{
    ConnectError, DiscordSettings, ServerChoice, choose, invitation, no_server,
};

pub(crate) const DISCORD: &str = "Discord";
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
/// `pinned` is the server to which the store belongs.
pub async fn checkup(
    settings: &DiscordSettings,
    pinned: Option<u64>,
    configured: Option<Configured<'_>>,
    clock: &dyn Clock,
) -> Vec<CheckResult> {
    let mut found = Vec::new();
    // The reason for an early stop is already in `found`.
    let _ = examine(settings, pinned, configured, clock, &mut found).await;
    found
}

/// Stops the check: the remaining checks depend on the failed one.
struct Stop;

async fn examine(
    settings: &DiscordSettings,
    pinned: Option<u64>,
    configured: Option<Configured<'_>>,
    clock: &dyn Clock,
    found: &mut Vec<CheckResult>,
) -> Result<(), Stop> {
    let raw = RawClient::new(settings).map_err(|error| stop_for(found, &error))?;
    let application = application(&raw, settings, clock, found).await?;
    let http =
        connect::http(&settings.token, &settings.api).map_err(|error| stop_for(found, &error))?;
    http.set_application_id(application.id.into());
    let me = ask(found, settings, "who the bot is", http.get_current_user()).await?;
    let guilds =
        ask(found, settings, "which servers the bot is in", http.get_guilds(None, None)).await?;
    let guild = server(settings, pinned, &guilds, application.id, found)?;
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

fn stop(found: &mut Vec<CheckResult>, what: String, remedy: &str) -> Stop {
    found.push(CheckResult::broken(DISCORD, what, remedy));
    Stop
}

/// Splits the error text into problem and remedy.
fn stop_for(found: &mut Vec<CheckResult>, error: &ConnectError) -> Stop {
    let words = error.to_string();
    let (what, remedy) =
        words.split_once(". ").unwrap_or((&words, "Correct it and run this again"));
    stop(found, what.to_owned(), remedy)
}

/// Sends a request; a failure is added to `found` and stops the check.
async fn ask<T>(
    found: &mut Vec<CheckResult>,
    settings: &DiscordSettings,
    what: &str,
    request: impl Future<Output = serenity::Result<T>>,
) -> Result<T, Stop> {
    request.await.map_err(|error| {
        let (meaning, words) = meaning(&error);
        let remedy = match meaning {
            Meaning::Passing => format!("Check {} and run this again", settings.api.to_check()),
            _ => {
                "The bot lacks permission: invite it again, with the address from the README".into()
            }
        };
        stop(found, format!("Discord does not report {what}: {words}"), &remedy)
    })
}

/// The application's id and owner.
struct Application {
    id: u64,
    owner: Option<u64>,
}

/// Checks the token, the clock, and the application's settings.
async fn application(
    raw: &RawClient,
    settings: &DiscordSettings,
    clock: &dyn Clock,
    found: &mut Vec<CheckResult>,
) -> Result<Application, Stop> {
    let sent = clock.wall();
    let answer = match raw.get("/applications/@me").await {
        Ok(answer) => answer,
        Err(why) => {
            let remedy = format!("Check {} and run this again", settings.api.to_check());
            return Err(stop(found, format!("{why} at {}", settings.api.name()), &remedy));
        }
    };
    let received = clock.wall();
    if let Some(date) = answer.date {
        found.push(compare(sent, received, date));
    }
    if answer.status == 401 {
        let remedy = "Copy the bot's token from https://discord.com/developers/applications (Bot, \
            Reset Token) into DISCORD_TOKEN, or into the file that DISCORD_TOKEN_FILE names";
        return Err(stop(found, "Discord does not accept the token".into(), remedy));
    }
    let Some(body) = answer.body.filter(|_| answer.status == 200) else {
        let remedy = format!("Check {} and run this again", settings.api.to_check());
        return Err(stop(
            found,
            format!("Discord answered {} when asked for the application's owner", answer.status),
            &remedy,
        ));
    };
    let Some((id, owner)) = about(&body, found) else {
        return Err(stop(
            found,
            "Discord's description of the application is invalid".into(),
            "Run this again, or update Gander",
        ));
    };
    Ok(Application { id, owner })
}

fn server(
    settings: &DiscordSettings,
    pinned: Option<u64>,
    guilds: &[GuildInfo],
    application: u64,
    found: &mut Vec<CheckResult>,
) -> Result<GuildId, Stop> {
    let choice = choose(guilds, settings.guild, pinned);
    let ServerChoice::Found(own) = choice else {
        let configured = settings.guild.is_some();
        let words = no_server(choice, guilds, configured, &invitation(application));
        let (what, mend) = words.split_once(". ").unwrap_or((&words, "Correct it"));
        return Err(stop(found, what.to_owned(), mend));
    };
    found.push(CheckResult::fine(DISCORD, format!("its server is {} ({})", own.name, own.id)));
    for other in guilds.iter().filter(|guild| guild.id != own.id) {
        let (what, mend) = text::in_server(&other.name, other.id.get());
        found.push(CheckResult::warning(DISCORD, what, mend));
    }
    Ok(own.id)
}

async fn commands(
    http: &Http,
    settings: &DiscordSettings,
    found: &mut Vec<CheckResult>,
) -> Result<(), Stop> {
    let there = ask(found, settings, "the bot's commands", http.get_global_commands()).await?;
    let (registered, missing): (Vec<String>, Vec<String>) =
        crate::surfaces::discord::commands::names()
            .into_iter()
            .partition(|name| there.iter().any(|command| command.name == *name));
    let remedy = "gander serve registers them at startup: restart it";
    found.push(match (registered.is_empty(), missing.is_empty()) {
        (_, true) => CheckResult::fine(
            DISCORD,
            format!("all {} commands are registered: {}", registered.len(), registered.join(", ")),
        ),
        (true, false) => CheckResult::warning(DISCORD, "no slash commands are registered", remedy),
        (false, false) => CheckResult::warning(
            DISCORD,
            format!("commands are not registered: {}", missing.join(", ")),
            remedy,
        ),
    });
    Ok(())
}

fn channels(places: &Places, found: &mut Vec<CheckResult>) {
    found.extend(places.resolve_digest_channel().map(|place| match place {
        Ok(channel) => {
            CheckResult::fine(CHANNELS, format!("the digest goes to {}", places.name(channel)))
        }
        Err(trouble) => CheckResult::broken(
            CHANNELS,
            format!("the digest cannot be posted: {}", trouble.what),
            trouble.remedy,
        ),
    }));
    for project in places.configured() {
        let whose = project.as_ref().map_or_else(
            || "all other projects".to_owned(),
            |project| format!("project {project}"),
        );
        let place = project.as_ref().map_or_else(
            || places.resolve_default_channel(),
            |project| places.resolve_channel(project),
        );
        let no_here = place.as_ref().ok().and_then(|channel| places.channel_without_here(*channel));
        found.push(match place {
            Ok(channel) => {
                let needed = REQUIRED_PERMISSIONS.get_permission_names().join(", ");
                CheckResult::fine(
                    CHANNELS,
                    format!(
                        "cards of {whose} go to {}, where the bot has all permissions ({needed})",
                        places.name(channel)
                    ),
                )
            }
            Err(trouble) => CheckResult::broken(
                CHANNELS,
                format!("cards of {whose} cannot be posted: {}", trouble.what),
                trouble.remedy,
            ),
        });
        found.extend(no_here.map(|name| {
            let what = format!(
                "the bot may not use @here in {name}: before a breach it mentions \
                the approvers instead"
            );
            CheckResult::warning(
                CHANNELS,
                what,
                format!("In Discord, give the bot the permission {MENTION_PERMISSION} there"),
            )
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
    raw: &RawClient,
    asked: &Asked<'_>,
    rules: &[ApproverRule],
    found: &mut Vec<CheckResult>,
) {
    if rules.is_empty() {
        match asked.owner {
            Some(owner) => {
                found.push(CheckResult::fine(
                    APPROVERS,
                    format!(
                        "no [[approvers]] are configured: the application's owner ({owner}) decides"
                    ),
                ));
                found.push(person(http, asked.guild, owner).await);
            }
            None => found.push(CheckResult::broken(
                APPROVERS,
                "no [[approvers]] are configured, and Discord does not report the application's \
                 owner: nobody may decide",
                "Add them under [[approvers]] in gander.toml",
            )),
        }
        return;
    }
    let users: BTreeSet<u64> = rules.iter().flat_map(|rule| rule.users.iter().copied()).collect();
    for user in users.iter().take(MOST_PEOPLE) {
        found.push(person(http, asked.guild, *user).await);
    }
    if users.len() > MOST_PEOPLE {
        let what = format!("{} more users were not checked", users.len() - MOST_PEOPLE);
        found.push(CheckResult::fine(APPROVERS, what));
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

fn role(places: &Places, named: &str, counts: Option<&Value>) -> CheckResult {
    let ids = places.role_ids(named);
    if ids.is_empty() {
        return CheckResult::broken(
            APPROVERS,
            format!(
                "the role {named:?} does not exist on the server: nobody can approve by this role"
            ),
            "Create it, or correct roles under [[approvers]] in gander.toml: use the role's name \
             as shown on Discord, or its id",
        );
    }
    // Discord counts the members of every role; a role missing in the counts has no members.
    let members = counts.map(|counts| {
        ids.iter().map(|id| counts[id.to_string()].as_u64().unwrap_or(0)).sum::<u64>()
    });
    match members {
        Some(0) => CheckResult::broken(
            APPROVERS,
            format!("nobody has the role {named:?}: nobody can approve by this role"),
            "Assign it to a person: server settings, Roles",
        ),
        Some(members) => {
            CheckResult::fine(APPROVERS, format!("the role {named:?} exists (members: {members})"))
        }
        None => CheckResult::fine(
            APPROVERS,
            format!("the role {named:?} exists (Discord did not report its members)"),
        ),
    }
}

/// Checks that a user is in the server and that a direct message can be opened. Sends no message.
async fn person(http: &Http, guild: GuildId, user: u64) -> CheckResult {
    let id = UserId::new(user.max(1));
    let name = match http.get_member(guild, id).await {
        Ok(member) => member.display_name().to_owned(),
        Err(error) => {
            let (what, words) = meaning(&error);
            if what == Meaning::Passing {
                return CheckResult::warning(
                    APPROVERS,
                    format!("Discord does not report the user {user}: {words}"),
                    "Run this again",
                );
            }
            return CheckResult::broken(
                APPROVERS,
                format!("the user {user} is not on the server, and cannot see cards ({words})"),
                "Invite them, or correct users under [[approvers]] in gander.toml: right-click \
                 them in Discord, Copy User ID",
            );
        }
    };
    // Opening the channel is invisible to the user.
    match id.create_dm_channel(http).await {
        Ok(_) => CheckResult::fine(
            APPROVERS,
            format!(
                "{name} ({user}) is on the server; a direct message can be opened (whether they \
                 accept messages is only known when one is sent)"
            ),
        ),
        Err(error) => CheckResult::warning(
            APPROVERS,
            format!(
                "{name} ({user}) is on the server, but no direct message can be opened: {}",
                meaning(&error).1
            ),
            "They can allow it in Discord: the server's menu, Privacy Settings, Direct Messages",
        ),
    }
}
