//! `/snooze`, `/quiet` and `/away`: a person's availability.
//!
//! The values are stored per person and override the configuration.

use chrono::{Days, NaiveDate};
use serenity::all::{AutocompleteChoice, CreateAutocompleteResponse};

use super::complete::offered;
use super::{Context, Error, answer};
use crate::core::availability::{
    Away, Preferences, clock_time, days_away, quiet_hours, snooze as not_before, time_zone,
};
use crate::core::decision::Person;
use crate::engine::HandleError;
use crate::engine::approvals::availability::PersonStatus;
use crate::presentation::text;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render::View;

/// Hold back notifications to you until a time.
#[poise::command(slash_command)]
pub(crate) async fn snooze(
    ctx: Context<'_>,
    #[description = "30m, 18:00, tomorrow 09:00; off ends it"]
    #[autocomplete = "moments"]
    #[max_length = 60]
    until: String,
) -> Result<(), Error> {
    answer(ctx, |voter| async move { snoozed(ctx.data(), &voter.person, &until).await }).await
}

/// Set your daily quiet hours; without options, show your current settings.
#[poise::command(slash_command)]
pub(crate) async fn quiet(
    ctx: Context<'_>,
    #[description = "Start, in your time zone: 22:00; off for none"]
    #[autocomplete = "evenings"]
    #[max_length = 60]
    from: Option<String>,
    #[description = "End: 07:00"]
    #[autocomplete = "mornings"]
    #[max_length = 60]
    to: Option<String>,
    #[description = "Your time zone: Europe/Berlin"]
    #[autocomplete = "zones"]
    #[max_length = 60]
    zone: Option<String>,
) -> Result<(), Error> {
    answer(ctx, |voter| async move { set_quiet(ctx.data(), &voter.person, from, to, zone).await })
        .await
}

/// Set days on which you are away; without options, show your current settings.
#[poise::command(slash_command)]
pub(crate) async fn away(
    ctx: Context<'_>,
    #[description = "First day: 2026-12-24, today, tomorrow; off for none"]
    #[autocomplete = "first_days"]
    #[max_length = 60]
    from: Option<String>,
    #[description = "Last day, if more than one"]
    #[autocomplete = "last_days"]
    #[max_length = 60]
    to: Option<String>,
) -> Result<(), Error> {
    answer(ctx, |voter| async move { set_away(ctx.data(), &voter.person, from, to).await }).await
}

/// Snooze by a command, button or chat message.
pub(crate) async fn snoozed(bot: &Bot, person: &Person, until: &str) -> View {
    let status = match person_status(bot, person).await {
        Ok(status) => status,
        Err(error) => return View::words(text::store_failed(&error.to_string())),
    };
    match not_before(until, bot.handle.now(), status.profile.zone) {
        Ok(until) => {
            change(bot, person, move |preferences| Preferences { snooze: until, ..preferences })
                .await
        }
        Err(why) => View::words(text::preference_rejected(&why)),
    }
}

async fn set_quiet(
    bot: &Bot,
    person: &Person,
    from: Option<String>,
    to: Option<String>,
    zone: Option<String>,
) -> View {
    let hours = match (from, to) {
        (None, None) => Ok(None),
        (Some(from), to) => quiet_hours(&from, to.as_deref()).map(Some),
        (None, Some(_)) => {
            Err("quiet hours also need a start: from 22:00 to 07:00, for example".to_owned())
        }
    };
    let zone = zone.map(|name| time_zone(&name)).transpose();
    match (hours, zone) {
        (Err(why), _) | (_, Err(why)) => View::words(text::preference_rejected(&why)),
        (Ok(None), Ok(None)) => look(bot, person).await,
        (Ok(quiet), Ok(zone)) => {
            change(bot, person, move |preferences| Preferences {
                quiet: quiet.or(preferences.quiet),
                zone: zone.or(preferences.zone),
                ..preferences
            })
            .await
        }
    }
}

async fn set_away(bot: &Bot, person: &Person, from: Option<String>, to: Option<String>) -> View {
    let (from, to) = match (from, to) {
        (None, None) => return look(bot, person).await,
        (None, Some(_)) => {
            return View::words(text::preference_rejected("an absence also needs a first day"));
        }
        (Some(from), to) => (from, to),
    };
    let status = match person_status(bot, person).await {
        Ok(status) => status,
        Err(error) => return View::words(text::store_failed(&error.to_string())),
    };
    let (now, zone) = (bot.handle.now(), status.profile.zone);
    match days_away(&from, to.as_deref(), now, zone) {
        Err(why) => View::words(text::preference_rejected(&why)),
        Ok(None) => {
            change(bot, person, |preferences| Preferences { away: Some(Vec::new()), ..preferences })
                .await
        }
        Ok(Some(more)) => {
            let (today, configured) = (now.with_timezone(&zone).date_naive(), status.profile.away);
            change(bot, person, move |preferences| Preferences {
                away: Some(with(preferences.away.unwrap_or(configured), more, today)),
                ..preferences
            })
            .await
        }
    }
}

/// Current and future absences not contained in the new one, plus the new one, sorted.
fn with(away: Vec<Away>, more: Away, today: NaiveDate) -> Vec<Away> {
    let within = |days: &Away| more.include(days.from()) && more.include(days.to());
    let mut all: Vec<Away> =
        away.into_iter().filter(|days| days.to() >= today && !within(days)).chain([more]).collect();
    all.sort_by_key(|days| (days.from(), days.to()));
    all
}

async fn person_status(bot: &Bot, person: &Person) -> Result<PersonStatus, HandleError> {
    bot.handle
        .availability()
        .person_status(person.discord_id().unwrap_or_default(), &person.name)
        .await
}

async fn look(bot: &Bot, person: &Person) -> View {
    status_view(bot, person_status(bot, person).await)
}

async fn change(
    bot: &Bot,
    person: &Person,
    change: impl FnOnce(Preferences) -> Preferences + Send + 'static,
) -> View {
    let Some(user) = person.discord_id() else { return View::words(text::FOREIGN_BUTTON) };
    let changed = bot.handle.availability().update_preferences(user, &person.name, change).await;
    if let Ok(status) = &changed {
        tracing::info!(
            by = person.name,
            quiet = ?status.profile.quiet,
            snooze = ?status.snooze,
            away = ?status.profile.away,
            "changed when they can be reached"
        );
    }
    status_view(bot, changed)
}

fn status_view(bot: &Bot, status: Result<PersonStatus, HandleError>) -> View {
    let now = bot.handle.now();
    match status {
        Ok(status) => View::words(text::availability_status(
            &status.profile,
            status.snooze,
            status.availability(now),
            now,
            bot.handle.time_scale(),
        )),
        Err(error) => View::words(text::store_failed(&error.to_string())),
    }
}

fn choice(name: impl Into<String>, value: impl Into<String>) -> AutocompleteChoice {
    AutocompleteChoice::new(name.into(), serde_json::Value::String(value.into()))
}

/// The current time and the caller's time zone; the server's zone if the store does not answer in
/// time.
async fn typing(ctx: Context<'_>) -> (crate::core::Time, chrono_tz::Tz) {
    let bot = ctx.data();
    let user = &ctx.interaction.user;
    let status = tokio::time::timeout(
        bot.response_times.acknowledge_after,
        bot.handle.availability().person_status(user.id.get(), &user.name),
    )
    .await;
    let zone = status
        .ok()
        .and_then(Result::ok)
        .map_or(bot.handle.rules().zone, |status| status.profile.zone);
    (bot.handle.now(), zone)
}

async fn moments(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let (now, zone) = typing(ctx).await;
    let usual = ["30m", "1h", "2h", "18:00", "tomorrow 09:00"];
    let tried = if typed.trim().is_empty() { usual.to_vec() } else { vec![typed.trim()] };
    let entries: Vec<_> = tried
        .into_iter()
        .filter_map(|text| {
            Some(choice(text::moment_entry(text, not_before(text, now, zone).ok()??, zone), text))
        })
        .collect();
    offered(entries.into_iter().chain(off(typed, text::OFF_ENTRY)))
}

/// The entry `off`, unless the typed text is something else.
fn off(typed: &str, entry: &str) -> Option<AutocompleteChoice> {
    "off".starts_with(&typed.trim().to_lowercase()).then(|| choice(entry, "off"))
}

async fn evenings(_: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    offered(
        clocks(typed, &["20:00", "21:00", "22:00", "23:00"])
            .chain(off(typed, text::NO_QUIET_ENTRY)),
    )
}

async fn mornings(_: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    offered(clocks(typed, &["06:00", "07:00", "08:00", "09:00"]))
}

fn clocks(typed: &str, usual: &[&str]) -> impl Iterator<Item = AutocompleteChoice> {
    let typed = typed.trim();
    let exact = clock_time(typed).ok().map(|time| time.format("%H:%M").to_string());
    let near = usual.iter().filter(|time| time.starts_with(typed)).map(|time| (*time).to_owned());
    let mut times: Vec<String> = exact.into_iter().chain(near).collect();
    times.dedup();
    times.into_iter().map(|time| choice(time.clone(), time))
}

async fn first_days(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    offered(days(ctx, typed).await.into_iter().chain(off(typed, text::NOT_AWAY_ENTRY)))
}

async fn last_days(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    offered(days(ctx, typed).await.into_iter())
}

/// The next three weeks, matched by date and by day name.
async fn days(ctx: Context<'_>, typed: &str) -> Vec<AutocompleteChoice> {
    let (now, zone) = typing(ctx).await;
    let (today, typed) = (now.with_timezone(&zone).date_naive(), typed.trim().to_lowercase());
    let named = |ahead: u64| {
        let day = today.checked_add_days(Days::new(ahead))?;
        let name = match ahead {
            0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            _ => day.format("%A").to_string(),
        };
        Some((format!("{name} · {day}"), day.to_string()))
    };
    let exact =
        (typed.len() == 10).then(|| days_away(&typed, None, now, zone).ok().flatten()).flatten();
    let exact = exact.map(|away| (away.to_string(), away.to_string()));
    let near = (0..21).filter_map(named).filter(|(name, _)| name.to_lowercase().contains(&typed));
    let mut found: Vec<(String, String)> = near.collect();
    found.extend(exact.filter(|_| found.is_empty()));
    found.into_iter().map(|(name, value)| choice(name, value)).collect()
}

async fn zones(_: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let typed = typed.trim().to_lowercase().replace(' ', "_");
    let fits = |name: &&str| name.to_lowercase().contains(&typed);
    offered(
        chrono_tz::TZ_VARIANTS
            .iter()
            .map(|zone| zone.name())
            .filter(fits)
            .map(|name| choice(name, name)),
    )
}
