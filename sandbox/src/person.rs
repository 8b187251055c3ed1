//! The hand of a person of the server: uses commands, clicks, fills forms, writes.

use serde_json::Value;

use crate::actions::Action;
use crate::marks::Mark;
use crate::model::User;
use crate::outcome::Outcome;
use crate::sandbox::Sandbox;
use crate::state::StoredFile;
use crate::thread_acts::ThreadAct;

use crate::view::View;

/// A person of the server. Every action returns when the bot's answer stands (at once, or the
/// follow-up of a deferred one) or when its time is over. An acknowledgement without an answer
/// (callback type 6) counts as an answer, for the person sees nothing more.
#[derive(Clone, Debug)]
pub struct Person {
    sandbox: Sandbox,
    account: User,
}

impl Person {
    pub(crate) fn new(sandbox: Sandbox, account: User) -> Self {
        Self { sandbox, account }
    }

    /// The person's user name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.account.name
    }

    /// Uses a slash command. A subcommand follows the name after a space. `options` is an object
    /// of option name to value (or `null`); people, roles and channels by id.
    pub async fn command(&self, channel_id: &str, name: &str, options: Value) -> Outcome {
        let (channel, name) = (channel_id.to_owned(), name.to_owned());
        self.act(Action::Command { bot: None, channel, name, options }).await
    }

    /// Uses a slash command of a certain bot, by the name of its account, where several bots have
    /// one of this name.
    pub async fn command_of(
        &self,
        bot: &str,
        channel_id: &str,
        name: &str,
        options: Value,
    ) -> Outcome {
        let (channel, name) = (channel_id.to_owned(), name.to_owned());
        self.act(Action::Command { bot: Some(bot.to_owned()), channel, name, options }).await
    }

    /// Types into an option of a slash command; [`Outcome::choices`] is what is offered. What is
    /// typed so far stands in `options` under the name `focused`.
    pub async fn complete(
        &self,
        channel_id: &str,
        name: &str,
        options: Value,
        focused: &str,
    ) -> Outcome {
        self.act(Action::Complete {
            bot: None,
            channel: channel_id.to_owned(),
            name: name.to_owned(),
            options,
            focused: focused.to_owned(),
        })
        .await
    }

    /// Uses a command of the context menu ("Apps") of a message or of a person, by its id. On a
    /// person it is used in the first channel of the server.
    pub async fn context(&self, target_id: &str, name: &str) -> Outcome {
        self.act(Action::Context {
            bot: None,
            channel: None,
            target: target_id.to_owned(),
            name: name.to_owned(),
        })
        .await
    }

    /// Uses a command of the context menu of a person in a certain channel.
    pub async fn context_in(&self, channel_id: &str, target_id: &str, name: &str) -> Outcome {
        let channel = Some(channel_id.to_owned());
        let (target, name) = (target_id.to_owned(), name.to_owned());
        self.act(Action::Context { bot: None, channel, target, name }).await
    }

    /// Clicks a button.
    pub async fn click(&self, message_id: &str, custom_id: &str) -> Outcome {
        self.act(Action::Click { message: message_id.to_owned(), custom_id: custom_id.to_owned() })
            .await
    }

    /// Chooses values of a select menu; of one that offers people, roles or channels, their ids.
    pub async fn select(&self, message_id: &str, custom_id: &str, values: &[&str]) -> Outcome {
        self.act(Action::Select {
            message: message_id.to_owned(),
            custom_id: custom_id.to_owned(),
            values: values.iter().map(|&value| value.to_owned()).collect(),
        })
        .await
    }

    /// Submits the form that an action opened. `values` is an object of `custom_id` to a text, a
    /// list of texts (menus and groups of boxes; people, roles, channels and uploaded files by id),
    /// or `true` or `false` (a box). A field that is left out stays as it was opened.
    pub async fn submit(&self, modal_id: &str, values: Value) -> Outcome {
        self.act(Action::Submit { modal: modal_id.to_owned(), values }).await
    }

    /// Writes a message in a channel or a direct message ([`Person::dm_with_bot`]). `<@id>` in it
    /// mentions somebody, the bot included. Does not wait for an answer.
    pub async fn message(&self, channel_id: &str, content: &str) -> Outcome {
        self.act(Action::Message {
            channel: channel_id.to_owned(),
            content: content.to_owned(),
            reply_to: None,
            attachments: Vec::new(),
        })
        .await
    }

    /// Uploads a file of at most 10 MiB; its content type follows from the name's ending.
    /// [`Outcome::attachment_id`] is what [`Person::message_with`] and attachment options of
    /// commands take.
    pub async fn upload(&self, name: &str, bytes: &[u8]) -> Outcome {
        let file = StoredFile::uploaded(name, None, bytes.to_vec());
        self.act(Action::Upload { file }).await
    }

    /// Writes a message with up to ten uploaded files, by their ids; the content may be empty.
    pub async fn message_with(
        &self,
        channel_id: &str,
        content: &str,
        attachment_ids: &[&str],
    ) -> Outcome {
        self.act(Action::Message {
            channel: channel_id.to_owned(),
            content: content.to_owned(),
            reply_to: None,
            attachments: attachment_ids.iter().map(|&id| id.to_owned()).collect(),
        })
        .await
    }

    /// Starts a public thread, from a message of the channel or without one;
    /// [`Outcome::thread_id`] is its id.
    pub async fn create_thread(
        &self,
        channel_id: &str,
        message_id: Option<&str>,
        name: &str,
    ) -> Outcome {
        let (channel, name) = (channel_id.to_owned(), name.to_owned());
        let message = message_id.map(str::to_owned);
        self.act(Action::CreateThread { channel, message, name }).await
    }

    /// Joins a thread.
    pub async fn join_thread(&self, thread_id: &str) -> Outcome {
        self.act_on_thread(thread_id, ThreadAct::Join).await
    }

    /// Leaves a thread.
    pub async fn leave_thread(&self, thread_id: &str) -> Outcome {
        self.act_on_thread(thread_id, ThreadAct::Leave).await
    }

    /// Archives a thread.
    pub async fn archive_thread(&self, thread_id: &str) -> Outcome {
        self.act_on_thread(thread_id, ThreadAct::Archive).await
    }

    /// Unarchives a thread.
    pub async fn unarchive_thread(&self, thread_id: &str) -> Outcome {
        self.act_on_thread(thread_id, ThreadAct::Unarchive).await
    }

    async fn act_on_thread(&self, thread_id: &str, act: ThreadAct) -> Outcome {
        self.act(Action::Thread { channel: thread_id.to_owned(), act }).await
    }

    /// Replies to a message in its channel, which mentions its author; does not wait for an answer.
    pub async fn reply(&self, message_id: &str, content: &str) -> Outcome {
        let view = self.view();
        let channel = view
            .message(message_id)
            .and_then(|message| message["channel_id"].as_str())
            .unwrap_or_default();
        let reply_to = Some(message_id.to_owned());
        self.act(Action::Message {
            channel: channel.to_owned(),
            content: content.to_owned(),
            reply_to,
            attachments: Vec::new(),
        })
        .await
    }

    /// Reacts to a message with an emoji.
    pub async fn react(&self, message_id: &str, emoji: &str) -> Outcome {
        self.mark(message_id, Mark::React(emoji.to_owned())).await
    }

    /// Takes the own reaction with an emoji away.
    pub async fn unreact(&self, message_id: &str, emoji: &str) -> Outcome {
        self.mark(message_id, Mark::Unreact(emoji.to_owned())).await
    }

    /// Pins a message.
    pub async fn pin(&self, message_id: &str) -> Outcome {
        self.mark(message_id, Mark::Pin).await
    }

    /// Takes the pin off a message.
    pub async fn unpin(&self, message_id: &str) -> Outcome {
        self.mark(message_id, Mark::Unpin).await
    }

    /// Deletes an own message, another's with MANAGE_MESSAGES, or an ephemeral one from the own
    /// view.
    pub async fn delete(&self, message_id: &str) -> Outcome {
        self.mark(message_id, Mark::Delete).await
    }

    async fn mark(&self, message_id: &str, mark: Mark) -> Outcome {
        self.act(Action::Mark { message: message_id.to_owned(), mark }).await
    }

    /// Opens the direct message with the first bot and returns the channel's id, always the same;
    /// `None` if the person shares no server with the bot.
    #[must_use]
    pub fn dm_with_bot(&self) -> Option<String> {
        self.view().dm().map(|channel| channel.id.clone())
    }

    /// What the person sees now.
    #[must_use]
    pub fn view(&self) -> View {
        self.sandbox.view_as(&self.account)
    }

    async fn act(&self, action: Action) -> Outcome {
        self.sandbox.act(&self.account.name, action).await
    }
}
