//! Webhooks of channels: created, changed, deleted, with the event that follows. Whether it may be
//! done is decided before.

use serde_json::{Value, json};

use crate::audit::{Deed, action};
use crate::channels::Because;
use crate::gateway::{Event, intents};
use crate::model::{Channel, Webhook};
use crate::snowflake::{self, Snowflake};
use crate::state::State;

/// The fields of a webhook object that the audit log tells of.
const AUDITED: [&str; 4] = ["name", "type", "channel_id", "avatar"];

impl State {
    /// Creates a webhook of a channel of a guild and returns its id.
    pub(crate) fn create_webhook(
        &mut self,
        channel: Snowflake,
        name: &str,
        avatar: Option<String>,
        because: Because<'_>,
    ) -> Option<Snowflake> {
        let id = self.clock().next_id();
        let webhook = Webhook {
            id,
            guild: self.realm.channel(channel).and_then(Channel::guild)?,
            channel,
            name: name.to_owned(),
            avatar,
            token: [(); 4].map(|()| snowflake::secret()).concat(),
            application: because.by,
        };
        let object = self.webhook_object(&webhook);
        let guild = webhook.guild;
        self.realm.webhooks.push(webhook);
        let deed = Deed::new(action::WEBHOOK_CREATE, Some(id));
        let deed = deed.compared(&AUDITED, &Value::Null, &object);
        self.audit(guild, because.by, deed.because(because.reason));
        self.tell_of_webhooks(channel);
        Some(id)
    }

    /// Changes a webhook.
    pub(crate) fn change_webhook(
        &mut self,
        id: Snowflake,
        because: Because<'_>,
        change: impl FnOnce(&mut Webhook),
    ) {
        let Some(old) = self.realm.webhook(id).cloned() else { return };
        if let Some(webhook) = self.realm.webhook_mut(id) {
            change(webhook);
        }
        let Some(new) = self.realm.webhook(id).cloned() else { return };
        let (before, after) = (self.webhook_object(&old), self.webhook_object(&new));
        let deed = Deed::new(action::WEBHOOK_UPDATE, Some(id));
        let deed = deed.compared(&AUDITED, &before, &after);
        self.audit(new.guild, because.by, deed.because(because.reason));
        self.tell_of_webhooks(old.channel);
        if new.channel != old.channel {
            self.tell_of_webhooks(new.channel);
        }
    }

    /// Deletes a webhook.
    pub(crate) fn delete_webhook(&mut self, id: Snowflake, because: Because<'_>) {
        let Some(webhook) = self.realm.webhook(id).cloned() else { return };
        self.realm.webhooks.retain(|other| other.id != id);
        let object = self.webhook_object(&webhook);
        let deed = Deed::new(action::WEBHOOK_DELETE, Some(id));
        let deed = deed.compared(&AUDITED, &object, &Value::Null);
        self.audit(webhook.guild, because.by, deed.because(because.reason));
        self.tell_of_webhooks(webhook.channel);
    }

    /// A webhook object without the account that made it and without its token.
    pub(crate) fn webhook_object(&self, webhook: &Webhook) -> Value {
        json!({
            "id": webhook.id,
            "type": 1,
            "guild_id": webhook.guild,
            "channel_id": webhook.channel,
            "name": webhook.name,
            "avatar": webhook.avatar,
            "application_id": webhook.application,
        })
    }

    fn tell_of_webhooks(&mut self, channel: Snowflake) {
        let guild = self.realm.channel(channel).and_then(Channel::guild);
        let data = json!({ "guild_id": guild, "channel_id": channel });
        for application in self.seeing(channel) {
            let intent = intents::GUILD_WEBHOOKS;
            self.dispatch(Event::new(application, "WEBHOOKS_UPDATE", intent, data.clone()));
        }
        self.touch();
    }
}
