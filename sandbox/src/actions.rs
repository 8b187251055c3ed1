//! What the people of the server can do, with the checks that Discord's own app makes before it
//! sends anything. Everything refused here never reaches the bot.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::commands::{CommandUse, Typed};
use crate::components;
use crate::context::Aim;
use crate::gateway::Event;
use crate::hub::Hub;
use crate::interactions::{Kind, Progress, Start};
use crate::marks::Mark;
use crate::messages::{Draft, Envelope};
use crate::model::{Attachment, Audience, Cause, Channel, Message, User};
use crate::outcome::Outcome;
use crate::permissions::ATTACH_FILES;
use crate::snowflake::Snowflake;
use crate::state::{State, StoredFile};
use crate::thread_acts::ThreadAct;

/// An action of a person.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Use a slash command.
    Command { bot: Option<String>, channel: String, name: String, options: Value },
    /// Type into an option of a slash command.
    Complete { bot: Option<String>, channel: String, name: String, options: Value, focused: String },
    /// Use a command of the context menu of a message or a person.
    Context { bot: Option<String>, channel: Option<String>, target: String, name: String },
    /// Click a button.
    Click { message: String, custom_id: String },
    /// Choose values of a select menu.
    Select { message: String, custom_id: String, values: Vec<String> },
    /// Submit a form.
    Submit { modal: String, values: Value },
    /// React to a message, pin it or delete it.
    Mark { message: String, mark: Mark },
    /// Write a message, or reply to one.
    Message { channel: String, content: String, reply_to: Option<String>, attachments: Vec<String> },
    /// Upload a file, for a message or an option of a command that names its id.
    Upload { file: StoredFile },
    /// Start a thread, from a message or without one.
    CreateThread { channel: String, message: Option<String>, name: String },
    /// Join, leave, archive or unarchive a thread.
    Thread { channel: String, act: ThreadAct },
}

/// What an action led to on its way to the bot.
enum Begun {
    /// An interaction whose answer is to be waited for.
    Interaction(Snowflake),
    /// A message, which is all there is to it.
    Message(Snowflake),
    /// A thread that was started or changed.
    Thread(Snowflake),
    /// A file that was uploaded.
    File(Attachment),
}

/// Carries out an action and waits for what comes of it.
pub(crate) async fn perform(hub: &Arc<Hub>, user: &str, action: Action) -> Outcome {
    let begun = hub.lock().begin(user, &action);
    match begun {
        Err(error) => Outcome::failed(error),
        Ok(Begun::Message(id)) => {
            let message = hub.lock().message_seen_by(user, id);
            Outcome { ok: true, message, ..Outcome::default() }
        }
        Ok(Begun::Thread(id)) => {
            Outcome { ok: true, channel: hub.lock().channel_json(id), ..Outcome::default() }
        }
        Ok(Begun::File(file)) => {
            Outcome { ok: true, attachment: Some(file.object()), ..Outcome::default() }
        }
        Ok(Begun::Interaction(id)) => answer(hub, id, &action).await,
    }
}

/// Waits until the bot's answer stands or its time is over.
async fn answer(hub: &Hub, id: Snowflake, action: &Action) -> Outcome {
    let mut changes = hub.lock().subscribe();
    loop {
        changes.mark_unchanged();
        let progress = hub.lock().progress(id);
        let left = match progress {
            Progress::Over(outcome) => {
                if let (Action::Submit { modal, .. }, true) = (action, outcome.ok) {
                    hub.lock().close_modal(modal);
                }
                return outcome;
            }
            Progress::For(left) => left,
        };
        tokio::select! {
            // Either the state changed or the time is over: both are for `progress` to judge.
            _ = timeout(left, changes.changed()) => {}
            () = hub.closing() => return Outcome::failed("the sandbox was stopped"),
        }
    }
}

/// A refusal in words for the person; an interaction that never left their app.
type Checked<T> = Result<T, String>;

impl State {
    fn begin(&mut self, user: &str, action: &Action) -> Checked<Begun> {
        let user = self
            .realm
            .person(user)
            .cloned()
            .ok_or_else(|| format!("there is no user named {user}"))?;
        match action {
            Action::Command { bot, channel, name, options } => {
                let channel = self.visible_channel(&user, channel)?;
                let typed = Typed { user: &user, channel, name, bot: bot.as_deref() };
                let use_of = self.command_use(typed, options, None)?;
                let channel = channel.id;
                Ok(self.begin_command(Kind::Command, &user, channel, use_of))
            }
            Action::Complete { bot, channel, name, options, focused } => {
                let channel = self.visible_channel(&user, channel)?;
                let typed = Typed { user: &user, channel, name, bot: bot.as_deref() };
                let use_of = self.command_use(typed, options, Some(focused))?;
                let channel = channel.id;
                Ok(self.begin_command(Kind::Autocomplete, &user, channel, use_of))
            }
            Action::Context { bot, channel, target, name } => {
                self.begin_context(&user, channel.as_deref(), target, name, bot.as_deref())
            }
            Action::Click { message, custom_id } => {
                self.begin_component(&user, message, custom_id, None)
            }
            Action::Select { message, custom_id, values } => {
                self.begin_component(&user, message, custom_id, Some(values))
            }
            Action::Submit { modal, values } => self.begin_submit(&user, modal, values),
            Action::Mark { message, mark } => self.mark(&user, message, mark).map(Begun::Message),
            Action::Message { channel, content, reply_to, attachments } => {
                self.write(&user, channel, content, reply_to.as_deref(), attachments)
            }
            Action::Upload { file } => self.upload(file).map(Begun::File),
            Action::CreateThread { channel, message, name } => {
                let channel = self.visible_channel(&user, channel)?.id;
                let message = message.as_ref().map(|id| self.visible_message(&user, id));
                let message = message.transpose()?.map(|message| message.id);
                self.person_starts_thread(&user, channel, message, name).map(Begun::Thread)
            }
            Action::Thread { channel, act } => {
                let channel = self.visible_channel(&user, channel)?.id;
                self.person_acts_on_thread(&user, channel, *act)?;
                Ok(Begun::Thread(channel))
            }
        }
    }

    fn begin_command(
        &mut self,
        kind: Kind,
        user: &User,
        channel: Snowflake,
        use_of: CommandUse,
    ) -> Begun {
        let cause = Cause::Command { name: use_of.full_name, target: None };
        let application = use_of.application;
        let start = Start { application, kind, user: user.id, channel, cause };
        self.send_interaction(user, start, use_of.data, None)
    }

    fn begin_context(
        &mut self,
        user: &User,
        channel: Option<&str>,
        target: &str,
        name: &str,
        bot: Option<&str>,
    ) -> Checked<Begun> {
        let person = target.parse().ok().and_then(|id| self.realm.user(id));
        let (channel, aim) = match person {
            Some(person) => {
                let channel = match channel {
                    Some(channel) => self.visible_channel(user, channel)?,
                    None => self.first_channel(user)?,
                };
                (channel, Aim::User(person))
            }
            None => {
                let message = self.visible_message(user, target)?;
                (self.visible_channel(user, &message.channel.to_string())?, Aim::Message(message))
            }
        };
        let use_of = self.context_use(Typed { user, channel, name, bot }, aim)?;
        let start = Start {
            application: use_of.application,
            kind: Kind::Command,
            user: user.id,
            channel: channel.id,
            cause: Cause::Command { name: use_of.full_name, target: Some(aim.target()) },
        };
        Ok(self.send_interaction(user, start, use_of.data, None))
    }

    fn begin_component(
        &mut self,
        user: &User,
        message: &str,
        custom_id: &str,
        values: Option<&Vec<String>>,
    ) -> Checked<Begun> {
        let message = self.visible_message(user, message)?;
        let component = components::find(&message.components, custom_id)
            .ok_or_else(|| format!("there is no component {custom_id} on this message"))?;
        if component["disabled"] == true {
            return Err(format!("the component {custom_id} is disabled"));
        }
        let place =
            self.realm.channel(message.channel).ok_or_else(|| "the channel is gone".to_owned())?;
        let data = self.component_data(user, place, component, values)?;
        let object = self.realm.message_object(message);
        let start = Start {
            application: message.application(),
            kind: Kind::Component { message: message.id },
            user: user.id,
            channel: message.channel,
            cause: Cause::Component { message: message.id },
        };
        Ok(self.send_interaction(user, start, data, Some(object)))
    }

    fn begin_submit(&mut self, user: &User, modal: &str, values: &Value) -> Checked<Begun> {
        let modal = modal
            .parse()
            .ok()
            .and_then(|id| self.interactions.modals.get(&id))
            .filter(|modal| modal.user == user.id)
            .cloned()
            .ok_or_else(|| format!("no form {modal} is open before {}", user.name))?;
        let data = self.form_data(user, &modal, values)?;
        let message = modal.message.and_then(|id| self.message_object(id));
        let start = Start {
            application: modal.application,
            kind: Kind::Modal { message: modal.message.filter(|_| message.is_some()) },
            user: user.id,
            channel: modal.channel,
            cause: Cause::Modal { trigger: Box::new(modal.trigger) },
        };
        Ok(self.send_interaction(user, start, data, message))
    }

    fn write(
        &mut self,
        user: &User,
        channel: &str,
        content: &str,
        reply_to: Option<&str>,
        attachments: &[String],
    ) -> Checked<Begun> {
        let channel = self.visible_channel(user, channel)?;
        let original = reply_to.map(|id| self.visible_message(user, id)).transpose()?;
        if original.is_some_and(|original| {
            original.channel != channel.id || original.audience != Audience::Channel
        }) {
            return Err(
                "a reply is posted where everyone in the channel sees the message".to_owned()
            );
        }
        self.person_may_write(user, channel)?;
        if !attachments.is_empty() && self.realm.permissions(user, channel) & ATTACH_FILES == 0 {
            return Err("you may not attach files in this channel".to_owned());
        }
        if attachments.len() > 10 {
            return Err("a message has at most 10 files".to_owned());
        }
        if content.trim().is_empty() && attachments.is_empty() {
            return Err("a message needs content".to_owned());
        }
        if content.chars().count() > 2_000 {
            return Err("a message has at most 2,000 characters".to_owned());
        }
        let envelope = Envelope {
            channel: channel.id,
            author: user.id,
            audience: Audience::Channel,
            origin: None,
        };
        let reply_to = original.map(|original| original.id);
        let attachments = attachments.iter().map(|id| {
            self.uploaded(&json!(id)).ok_or_else(|| format!("there is no uploaded file {id}"))
        });
        let attachments = attachments.collect::<Checked<_>>()?;
        let draft = Draft { reply_to, attachments, ..Draft::text(content) };
        self.post(envelope, draft)
            .map(Begun::Message)
            .ok_or_else(|| "the channel is gone".to_owned())
    }

    /// A form was answered and closes.
    fn close_modal(&mut self, modal: &str) {
        if let Ok(id) = modal.parse() {
            self.interactions.modals.remove(&id);
        }
    }

    fn visible_channel(&self, user: &User, channel: &str) -> Checked<&Channel> {
        channel
            .parse()
            .ok()
            .and_then(|id| self.realm.channel(id))
            .filter(|channel| self.realm.sees(user, channel))
            .ok_or_else(|| format!("{} sees no channel with the id {channel}", user.name))
    }

    fn first_channel(&self, user: &User) -> Checked<&Channel> {
        let mut channels = self.realm.channels.iter();
        let first = channels.find(|channel| self.realm.sees(user, channel));
        first.ok_or_else(|| format!("{} sees no channel", user.name))
    }

    pub(crate) fn visible_message(&self, user: &User, message: &str) -> Checked<&Message> {
        let found = message.parse().ok().and_then(|id| self.realm.message(id));
        let found =
            found.ok_or_else(|| format!("the message {message} does not exist (any more)"))?;
        let channel = self.realm.channel(found.channel);
        let sees = channel.is_some_and(|channel| self.realm.sees(user, channel));
        if sees && found.visible_to(user.id) {
            Ok(found)
        } else {
            Err(format!("{} does not see the message {message}", user.name))
        }
    }

    fn send_interaction(
        &mut self,
        user: &User,
        start: Start,
        data: Value,
        message: Option<Value>,
    ) -> Begun {
        let clock = self.clock().clone();
        // Twice the lifetime, so that whoever waits for a deferred answer still finds its end.
        self.interactions.forget(&clock, self.settings.token_lifetime * 2);
        let (application, channel) = (start.application, start.channel);
        let interaction = self.interactions.begin(&clock, start);
        let id = interaction.id;
        let mut object = json!({
            "id": id,
            "application_id": application,
            "type": interaction.kind.number(),
            "token": interaction.token,
            "version": 1,
            "data": data,
            "channel_id": channel,
            "locale": "en-US",
            "entitlements": [],
            "attachment_size_limit": 10_485_760,
        });
        self.add_surroundings(&mut object, user, application, channel);
        if let Some(message) = message {
            object["message"] = message;
        }
        let known = self.realm.application(application);
        if known.is_some_and(|application| application.endpoint.is_some()) {
            self.interactions.misdirect(id);
            self.touch();
        } else {
            self.dispatch(Event::new(application, "INTERACTION_CREATE", 0, object));
        }
        Begun::Interaction(id)
    }

    /// Adds where the interaction takes place and who acts, which differ in direct messages.
    fn add_surroundings(
        &self,
        object: &mut Value,
        user: &User,
        application: Snowflake,
        channel: Snowflake,
    ) {
        let Some(channel) = self.realm.channel(channel) else {
            return;
        };
        object["app_permissions"] = json!(self.bot_permissions(application, channel).to_string());
        object["channel"] = self.realm.channel_object(channel);
        let Some(guild) = self.realm.guild_of(channel) else {
            object["user"] = self.realm.user_object(user);
            object["context"] = json!(1);
            object["authorizing_integration_owners"] = json!({ "0": "0" });
            return;
        };
        let permissions = self.realm.permissions(user, channel).to_string();
        object["channel"]["permissions"] = json!(permissions);
        if let Some(member) = guild.member(user.id) {
            object["member"] = self.realm.member_object(member);
        }
        object["member"]["permissions"] = json!(permissions);
        object["context"] = json!(0);
        object["guild_id"] = json!(guild.id);
        object["guild_locale"] = json!("en-US");
        object["guild"] = json!({
            "id": guild.id,
            "locale": "en-US",
            "features": [],
        });
        object["authorizing_integration_owners"] = json!({ "0": guild.id });
    }
}
