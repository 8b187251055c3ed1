//! Text about the bot's server, other servers, and people from outside.

use crate::core::untrusted::{one_line, plain};

/// Maximum characters shown of a server's name.
const LONGEST_NAME: usize = 60;

/// To a person in another server.
pub const OTHER_SERVER: &str = "This bot works in its own server only. Nothing was done.";
/// To a person who writes directly and is not a member of the bot's server.
pub const STRANGER: &str = "This bot answers members of its own server only. Nothing was done.";
/// To a person whose membership is not known.
pub const MEMBERSHIP_UNCHECKED: &str = "Discord does not say at the moment whether you are a \
    member of this bot's server. Nothing was done; please try again.";
/// To a person who may decide nothing.
pub const FOR_APPROVERS: &str = "🙏 Of all decisions there is none for you to decide, so you see no \
    figures.";

fn named(name: &str) -> String {
    plain(&one_line(name), LONGEST_NAME).text
}

/// Problem and remedy when the bot is in another server beside its own.
#[must_use]
pub fn in_server(name: &str, id: u64) -> (String, &'static str) {
    let what = format!(
        "the bot is also in the server {} ({id}); it ignores everything from there",
        named(name)
    );
    let mend = "If you did not invite it there, switch off Public Bot in the Developer Portal \
        (Bot), so that nobody else can invite it, and remove the bot from that server";
    (what, mend)
}

/// Alert to the operator: the bot is in another server.
#[must_use]
pub fn invited_elsewhere(name: &str, id: u64) -> String {
    let (what, mend) = in_server(name, id);
    format!("🚨 Attention: {what}. {mend}.")
}

/// Why the bot does not start: it is in several servers, and none is chosen.
#[must_use]
pub fn several_servers(servers: &[(String, u64)]) -> String {
    let names: Vec<String> =
        servers.iter().map(|(name, id)| format!("{} ({id})", named(name))).collect();
    format!(
        "the bot is in {} servers, and none is chosen: {}. Set guild under [discord] in \
         gander.toml to the number of yours. If you did not invite the bot to the others, switch \
         off Public Bot in the Developer Portal (Bot)",
        servers.len(),
        names.join(", ")
    )
}

/// Why the bot does not start: it is not in its server.
#[must_use]
pub fn not_in_server(id: u64, configured: bool, invite: &str) -> String {
    if configured {
        return format!("the bot is not in the server {id} (discord.guild). Invite it: {invite}");
    }
    format!(
        "the bot is no longer in the server {id}, to which this store belongs. Invite it again: \
         {invite}; to move to another server, set guild under [discord] in gander.toml"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_with_their_numbers_and_what_to_do() {
        let servers = [("Web\nShop".to_owned(), 1), ("x".repeat(100), 2)];
        let words = several_servers(&servers);
        assert!(words.contains("Web Shop (1)") && words.contains("…") && words.contains("guild"));
        assert!(invited_elsewhere("Evil", 3).contains("Evil (3)"));
        assert!(not_in_server(4, false, "https://x").contains("no longer in the server 4"));
    }
}
