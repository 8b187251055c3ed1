//! The operations that are simulated: where each is found and what carries it out. Both routing and
//! coverage come from this table, so that adding an operation is a line here and its handler.

use std::sync::LazyLock;

use super::call::{Answer, Call};
use super::{
    audit, callbacks, channels, cleaning, commands, guilds, hooks, members, messages, pins,
    reactions, roles, threads, webhooks,
};
use crate::description::OPERATIONS;
use crate::gap::Gap;
use crate::refusal::Refusal;
use crate::state::State;

/// Carries out an operation.
pub(super) type Handler = fn(&mut State, &Call) -> Answer;

/// An operation that is simulated.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// The path below `/api/v10`, with names in braces for what varies, as Discord's description
    /// has it.
    pub(crate) template: &'static str,
    pub(crate) depth: Depth,
    handler: Handler,
}

/// How much of an operation there is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Depth {
    /// It does what it does on Discord.
    Simulated,
    /// Requests are checked and answered, but nothing comes of them.
    Checked,
}

const fn on(method: &'static str, template: &'static str, handler: Handler) -> Route {
    Route { method, template, depth: Depth::Simulated, handler }
}

const fn checked(method: &'static str, template: &'static str, handler: Handler) -> Route {
    Route { method, template, depth: Depth::Checked, handler }
}

/// The operations that are simulated.
pub(crate) const ROUTES: &[Route] = &[
    on("GET", "/applications/@me", guilds::application),
    on("PATCH", "/applications/@me", guilds::edit_application),
    on("GET", "/applications/{application_id}/commands", commands::list),
    on("PUT", "/applications/{application_id}/commands", commands::replace),
    on("POST", "/applications/{application_id}/commands", commands::create),
    on("GET", "/applications/{application_id}/commands/{command_id}", commands::get),
    on("PATCH", "/applications/{application_id}/commands/{command_id}", commands::edit),
    on("DELETE", "/applications/{application_id}/commands/{command_id}", commands::delete),
    on("GET", "/applications/{application_id}/guilds/{guild_id}/commands", commands::list),
    on("PUT", "/applications/{application_id}/guilds/{guild_id}/commands", commands::replace),
    on("POST", "/applications/{application_id}/guilds/{guild_id}/commands", commands::create),
    on(
        "GET",
        "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
        commands::get,
    ),
    on(
        "PATCH",
        "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
        commands::edit,
    ),
    on(
        "DELETE",
        "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
        commands::delete,
    ),
    on("GET", "/channels/{channel_id}", channels::get),
    on("PATCH", "/channels/{channel_id}", channels::change),
    on("DELETE", "/channels/{channel_id}", channels::delete),
    on("GET", "/channels/{channel_id}/messages", messages::list),
    on("POST", "/channels/{channel_id}/messages", messages::create),
    on("POST", "/channels/{channel_id}/messages/bulk-delete", cleaning::bulk_delete),
    on("GET", "/channels/{channel_id}/messages/pins", pins::page),
    on("PUT", "/channels/{channel_id}/messages/pins/{message_id}", pins::pin),
    on("DELETE", "/channels/{channel_id}/messages/pins/{message_id}", pins::unpin),
    on("GET", "/channels/{channel_id}/messages/{message_id}", messages::get),
    on("PATCH", "/channels/{channel_id}/messages/{message_id}", messages::edit),
    on("DELETE", "/channels/{channel_id}/messages/{message_id}", messages::delete),
    on("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions", reactions::clear),
    on(
        "GET",
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}",
        reactions::list,
    ),
    on(
        "DELETE",
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}",
        reactions::clear_emoji,
    ),
    on(
        "PUT",
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
        reactions::add,
    ),
    on(
        "DELETE",
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
        reactions::remove_own,
    ),
    on(
        "DELETE",
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/{user_id}",
        reactions::remove_of_user,
    ),
    on("GET", "/channels/{channel_id}/pins", pins::list),
    on("PUT", "/channels/{channel_id}/pins/{message_id}", pins::pin),
    on("DELETE", "/channels/{channel_id}/pins/{message_id}", pins::unpin),
    on("POST", "/channels/{channel_id}/messages/{message_id}/threads", threads::start_from),
    on("PUT", "/channels/{channel_id}/permissions/{overwrite_id}", channels::put_overwrite),
    on("DELETE", "/channels/{channel_id}/permissions/{overwrite_id}", channels::take_overwrite),
    on("GET", "/channels/{channel_id}/thread-members", threads::members),
    on("PUT", "/channels/{channel_id}/thread-members/@me", threads::join),
    on("DELETE", "/channels/{channel_id}/thread-members/@me", threads::leave),
    on("GET", "/channels/{channel_id}/thread-members/{user_id}", threads::member),
    on("PUT", "/channels/{channel_id}/thread-members/{user_id}", threads::add),
    on("DELETE", "/channels/{channel_id}/thread-members/{user_id}", threads::remove),
    on("POST", "/channels/{channel_id}/threads", threads::start_loose),
    on("GET", "/channels/{channel_id}/threads/archived/private", threads::archived_private),
    on("GET", "/channels/{channel_id}/threads/archived/public", threads::archived_public),
    checked("POST", "/channels/{channel_id}/typing", channels::typing),
    on(
        "GET",
        "/channels/{channel_id}/users/@me/threads/archived/private",
        threads::archived_joined,
    ),
    on("GET", "/channels/{channel_id}/webhooks", hooks::of_channel),
    on("POST", "/channels/{channel_id}/webhooks", hooks::create),
    on("GET", "/gateway", guilds::gateway),
    on("GET", "/gateway/bot", guilds::gateway_bot),
    on("GET", "/guilds/{guild_id}", guilds::guild),
    on("GET", "/guilds/{guild_id}/audit-logs", audit::list),
    on("GET", "/guilds/{guild_id}/bans", members::bans),
    on("GET", "/guilds/{guild_id}/bans/{user_id}", members::get_ban),
    on("PUT", "/guilds/{guild_id}/bans/{user_id}", members::ban),
    on("DELETE", "/guilds/{guild_id}/bans/{user_id}", members::unban),
    on("POST", "/guilds/{guild_id}/bulk-ban", members::bulk_ban),
    on("GET", "/guilds/{guild_id}/channels", guilds::channels),
    on("GET", "/guilds/{guild_id}/members", members::list),
    on("PATCH", "/guilds/{guild_id}/members/@me", members::edit_own),
    on("GET", "/guilds/{guild_id}/members/search", guilds::search),
    on("GET", "/guilds/{guild_id}/members/{user_id}", members::get),
    on("PATCH", "/guilds/{guild_id}/members/{user_id}", members::edit),
    on("DELETE", "/guilds/{guild_id}/members/{user_id}", members::kick),
    on("PUT", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", members::give_role),
    on("DELETE", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", members::give_role),
    on("GET", "/guilds/{guild_id}/roles", roles::list),
    on("POST", "/guilds/{guild_id}/roles", roles::create),
    on("PATCH", "/guilds/{guild_id}/roles", roles::sort),
    on("GET", "/guilds/{guild_id}/roles/member-counts", roles::counts),
    on("GET", "/guilds/{guild_id}/roles/{role_id}", roles::get),
    on("PATCH", "/guilds/{guild_id}/roles/{role_id}", roles::edit),
    on("DELETE", "/guilds/{guild_id}/roles/{role_id}", roles::delete),
    on("POST", "/guilds/{guild_id}/channels", channels::create),
    on("PATCH", "/guilds/{guild_id}/channels", channels::arrange),
    on("GET", "/guilds/{guild_id}/members/search", guilds::search),
    on("GET", "/guilds/{guild_id}/threads/active", threads::active),
    on("GET", "/guilds/{guild_id}/webhooks", hooks::of_guild),
    on("POST", "/interactions/{interaction_id}/{interaction_token}/callback", callbacks::respond),
    on("GET", "/oauth2/applications/@me", guilds::application),
    on("GET", "/soundboard-default-sounds", guilds::default_sounds),
    on("GET", "/users/@me", guilds::me),
    // Discord's description lacks it. Bots are never told of their direct messages.
    checked("GET", "/users/@me/channels", guilds::no_channels),
    on("POST", "/users/@me/channels", guilds::open_dm),
    on("GET", "/users/@me/guilds", guilds::guilds),
    on("GET", "/users/{user_id}", guilds::user),
    on("GET", "/webhooks/{webhook_id}", hooks::get),
    on("PATCH", "/webhooks/{webhook_id}", hooks::change),
    on("DELETE", "/webhooks/{webhook_id}", hooks::delete),
    on("GET", "/webhooks/{webhook_id}/{webhook_token}", hooks::get_with_token),
    on("PATCH", "/webhooks/{webhook_id}/{webhook_token}", hooks::change_with_token),
    on("DELETE", "/webhooks/{webhook_id}/{webhook_token}", hooks::delete_with_token),
    on("POST", "/webhooks/{webhook_id}/{webhook_token}", webhooks::follow_up),
    on("GET", "/webhooks/{webhook_id}/{webhook_token}/messages/@original", webhooks::get),
    on("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/@original", webhooks::edit),
    on("DELETE", "/webhooks/{webhook_id}/{webhook_token}/messages/@original", webhooks::delete),
    on("GET", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", webhooks::get),
    on("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", webhooks::edit),
    on("DELETE", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", webhooks::delete),
];

/// What a request is for.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) template: &'static str,
    target: Target,
}

/// Who answers.
#[derive(Clone, Copy)]
enum Target {
    Here(Handler),
    /// Discord alone: the operation's id.
    Discord(&'static str),
}

/// A way in the tree of addresses.
struct Entry {
    method: &'static str,
    segments: Vec<&'static str>,
    found: Found,
}

/// All operations, those of the sandbox first.
static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let here =
        ROUTES.iter().map(|route| (route.method, route.template, Target::Here(route.handler)));
    let elsewhere = OPERATIONS
        .iter()
        .map(|operation| (operation.method, operation.template, Target::Discord(operation.id)));
    here.chain(elsewhere)
        .map(|(method, template, target)| Entry {
            method,
            segments: template.split('/').skip(1).collect(),
            found: Found { template, target },
        })
        .collect()
});

/// Finds what a request is for: 404 for an address that Discord does not have, 405 for a method
/// that it does not have there. Where several addresses match, the most literal one is meant.
pub(super) fn find(method: &str, segments: &[String]) -> Result<Found, Refusal> {
    let matching: Vec<_> = ENTRIES.iter().filter(|entry| fits(entry, segments)).collect();
    if matching.is_empty() {
        return Err(Refusal::bare(404));
    }
    let literal = |entry: &&&Entry| {
        let names = entry.segments.iter().map(|segment| !segment.starts_with('{'));
        // Of equals the first counts, which is the sandbox's own.
        (names.collect::<Vec<_>>(), matches!(entry.found.target, Target::Here(_)))
    };
    let found = matching.iter().filter(|entry| entry.method == method).max_by_key(literal);
    found.map(|entry| entry.found).ok_or_else(|| Refusal::bare(405))
}

fn fits(entry: &Entry, segments: &[String]) -> bool {
    entry.segments.len() == segments.len()
        && entry
            .segments
            .iter()
            .zip(segments)
            .all(|(wanted, given)| wanted.starts_with('{') || *wanted == given)
}

impl Found {
    /// The parts of a path that vary, by their names.
    pub(super) fn parameters(&self, segments: &[String]) -> Vec<(&'static str, String)> {
        let names = self.template.split('/').skip(1);
        names
            .zip(segments)
            .filter_map(|(name, given)| {
                let name = name.strip_prefix('{')?.strip_suffix('}')?;
                Some((name, given.clone()))
            })
            .collect()
    }

    /// Whether the request must bring the bot's token. Interactions are authorized by the token in
    /// their path.
    pub(super) fn needs_token(&self) -> bool {
        let free = ["/interactions/{", "/webhooks/{webhook_id}/{webhook_token}"];
        self.template != "/gateway" && !free.iter().any(|begin| self.template.starts_with(begin))
    }

    /// Carries the operation out, or names it.
    pub(super) fn answer(
        &self,
        state: &mut State,
        call: &Call,
        read: Result<(), Refusal>,
    ) -> Answer {
        match self.target {
            Target::Here(handler) => {
                read?;
                handler(state, call)
            }
            Target::Discord(id) => Err(Refusal::gap(Gap::operation(id))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_literal_address_is_meant() {
        let find = |method, path: &str| {
            let segments: Vec<_> = path.split('/').skip(1).map(str::to_owned).collect();
            find(method, &segments).map(|found| found.template).map_err(|refusal| refusal.status)
        };
        assert_eq!(find("GET", "/users/@me"), Ok("/users/@me"));
        assert_eq!(find("GET", "/users/1"), Ok("/users/{user_id}"));
        assert_eq!(
            find("PUT", "/channels/1/messages/pins/2"),
            Ok("/channels/{channel_id}/messages/pins/{message_id}")
        );
        assert_eq!(find("POST", "/users/1"), Err(405));
        assert_eq!(find("GET", "/nowhere"), Err(404));
    }

    #[test]
    fn the_templates_are_those_of_the_description() {
        for route in ROUTES {
            let known = OPERATIONS.iter().any(|operation| {
                (operation.method, operation.template) == (route.method, route.template)
            });
            let own = ("GET", "/users/@me/channels");
            assert!(known || (route.method, route.template) == own, "{}", route.template);
        }
    }
}
