//! The use of a message's components: the checks that Discord's app makes before it sends
//! anything, and the data it sends.

use serde_json::{Value, json};

use crate::components::{
    BUTTON, CHANNEL_SELECT, MENTIONABLE_SELECT, ROLE_SELECT, STRING_SELECT, USER_SELECT,
};
use crate::model::{Channel, Place, User};
use crate::resolve::Resolved;
use crate::snowflake::Snowflake;
use crate::state::State;

/// The type of a text channel, in Discord's numbers.
const TEXT_CHANNEL: u64 = 0;

impl State {
    /// The interaction data for a component, after the checks of the app.
    pub(crate) fn component_data(
        &self,
        user: &User,
        place: &Channel,
        component: &Value,
        values: Option<&Vec<String>>,
    ) -> Result<Value, String> {
        let mut data = json!({
            "custom_id": component["custom_id"],
            "component_type": component["type"],
            "id": component["id"],
        });
        let Some(values) = values else {
            return if component["type"] == BUTTON {
                Ok(data)
            } else {
                Err("a select menu needs values".to_owned())
            };
        };
        match component["type"].as_u64() {
            Some(BUTTON) => return Err("a button is clicked, not selected from".to_owned()),
            Some(STRING_SELECT) => check_options(component, values)?,
            _ => {
                let mut resolved = Resolved::default();
                for value in values {
                    self.pick(user, place, component, value, &mut resolved)?;
                }
                data["resolved"] = resolved.into_value();
            }
        }
        check_count(component, values)?;
        data["values"] = json!(values);
        Ok(data)
    }

    /// One thing chosen in a menu of people, roles or channels.
    pub(crate) fn pick(
        &self,
        user: &User,
        place: &Channel,
        menu: &Value,
        value: &str,
        resolved: &mut Resolved,
    ) -> Result<(), String> {
        let nothing = || format!("the menu {} does not offer {value}", menu["custom_id"]);
        let id: Snowflake = value.parse().map_err(|_| nothing())?;
        let kind = menu["type"].as_u64().unwrap_or_default();
        let realm = &self.realm;
        let guild = realm.guild_of(place);
        let role = guild.and_then(|guild| Some((guild, guild.role(id)?)));
        let channel = realm.channel(id).filter(|channel| channel.guild() == place.guild());
        if let (USER_SELECT | MENTIONABLE_SELECT, Some(chosen)) = (kind, realm.user(id)) {
            if !self.is_there(chosen, place) {
                return Err(nothing());
            }
            resolved.user(self, chosen, place);
        } else if let (ROLE_SELECT | MENTIONABLE_SELECT, Some((guild, role))) = (kind, role) {
            resolved.role(self, guild, role);
        } else if let (CHANNEL_SELECT, Some(channel)) = (kind, channel) {
            let wanted = menu["channel_types"].as_array().filter(|types| !types.is_empty());
            let fits =
                wanted.is_none_or(|types| types.iter().any(|of| of.as_u64() == Some(TEXT_CHANNEL)));
            if !fits || channel.is_dm() || !realm.sees(user, channel) {
                return Err(nothing());
            }
            resolved.channel(self, channel, user);
        } else {
            return Err(nothing());
        }
        Ok(())
    }

    /// Whether an account can be chosen in a channel: members in a guild, both sides in a direct
    /// message.
    fn is_there(&self, chosen: &User, place: &Channel) -> bool {
        match place.place {
            Place::Dm { application, person } => [application, person].contains(&chosen.id),
            _ => self.realm.guild_of(place).is_some_and(|guild| guild.has(chosen.id)),
        }
    }
}

fn check_count(menu: &Value, values: &[String]) -> Result<(), String> {
    let bound = |name: &str| menu[name].as_u64().unwrap_or(1);
    let chosen = values.len() as u64;
    let (least, most) = (bound("min_values"), bound("max_values"));
    if chosen < least || chosen > most {
        return Err(format!("the menu wants {least} to {most} values, not {chosen}"));
    }
    if values.iter().enumerate().any(|(index, value)| values[..index].contains(value)) {
        return Err("a value can be chosen once only".to_owned());
    }
    Ok(())
}

fn check_options(menu: &Value, values: &[String]) -> Result<(), String> {
    let options = menu["options"].as_array().map_or(&[][..], Vec::as_slice);
    match values.iter().find(|value| !options.iter().any(|option| option["value"] == **value)) {
        Some(value) => Err(format!("the menu has no value {value}")),
        None => Ok(()),
    }
}
