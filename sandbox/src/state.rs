//! All that changes while a sandbox runs, behind one lock: a request sees and leaves it whole.
//! Holds the parts and what concerns several of them; each part's rules are in its own module.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::commands::Command;
use crate::fault::Faults;
use crate::gateway::{Event, Gateway};
use crate::interactions::Interactions;
use crate::journal::{Direction, Journal};
use crate::options::{Options, RateLimits};
use crate::picture;
use crate::ratelimit::Limiter;
use crate::server::{Attachment, Channel, Message, Server};
use crate::snowflake::Snowflake;
use crate::view::Notification;

/// The running sandbox's state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) server: Server,
    pub(crate) gateway: Gateway,
    pub(crate) interactions: Interactions,
    pub(crate) commands: Vec<Command>,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) limiter: Limiter,
    /// Requests that wait for their release.
    pub(crate) held: usize,
    /// Grows with each release.
    pub(crate) releases: watch::Sender<u64>,
    /// Where the application wants its interactions instead of the gateway.
    pub(crate) endpoint: Option<String>,
    pub(crate) files: HashMap<Snowflake, StoredFile>,
    /// What phones showed, and whose.
    pub(crate) notifications: Vec<(Snowflake, Notification)>,
    changes: watch::Sender<u64>,
}

/// What stays as it was at the start.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) token: String,
    /// `http://127.0.0.1:PORT`.
    pub(crate) base: String,
    pub(crate) gateway: String,
    pub(crate) interaction_deadline: Duration,
    pub(crate) token_lifetime: Duration,
    pub(crate) privileged_intents: bool,
}

/// The bytes of an attachment.
#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) bytes: Vec<u8>,
}

impl State {
    pub(crate) fn new(server: Server, settings: Settings, limits: RateLimits) -> Self {
        Self {
            settings,
            server,
            gateway: Gateway::default(),
            interactions: Interactions::default(),
            commands: Vec::new(),
            faults: Faults::default(),
            journal: Journal::default(),
            limiter: Limiter::new(limits),
            held: 0,
            releases: watch::Sender::new(0),
            endpoint: None,
            files: HashMap::new(),
            notifications: Vec::new(),
            changes: watch::Sender::new(0),
        }
    }

    /// Tells everybody who watches that something changed.
    pub(crate) fn touch(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// The counter of changes.
    pub(crate) fn change(&self) -> u64 {
        *self.changes.borrow()
    }

    /// Watches the counter of changes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Sends an event to the sessions that asked for it and notes it.
    pub(crate) fn dispatch(&mut self, event: Event) {
        if self.gateway.dispatch(&event) {
            self.journal.gateway(Direction::Out, event.name, event.data.clone());
        }
        self.touch();
    }

    /// Forgets all faults.
    pub(crate) fn clear_faults(&mut self) {
        self.faults.clear();
        self.gateway.calm();
    }

    /// Lets the requests that are held go on.
    pub(crate) fn release_held(&mut self) -> usize {
        self.releases.send_modify(|count| *count += 1);
        self.held
    }

    /// Whether the bot sees a channel.
    pub(crate) fn bot_sees(&self, channel: &Channel) -> bool {
        self.server.sees(&self.server.bot, channel)
    }

    /// The application object.
    pub(crate) fn application_object(&self) -> Value {
        self.server.application_object(self.endpoint.as_deref())
    }

    /// Keeps the bytes of a file and returns the attachment that stands for them.
    pub(crate) fn store(&mut self, file: StoredFile, description: Option<String>) -> Attachment {
        let id = Snowflake::next();
        let attachment = Attachment {
            id,
            name: file.name.clone(),
            description,
            content_type: file.content_type.clone(),
            size: file.bytes.len(),
            pixels: picture::size(&file.bytes),
            url: format!("{}/_sandbox/files/{id}/{}", self.settings.base, file.name),
        };
        self.files.insert(id, file);
        attachment
    }

    /// A message object by id; `None` once it is deleted.
    pub(crate) fn message_object(&self, id: Snowflake) -> Option<Value> {
        let message = self.server.message(id)?;
        Some(self.server.message_object(message))
    }

    /// Forgets the bytes of a message's files.
    pub(crate) fn discard_files(&mut self, message: &Message) {
        for attachment in &message.attachments {
            self.files.remove(&attachment.id);
        }
    }
}

impl Settings {
    /// Takes over what the options say of the running sandbox.
    pub(crate) fn new(options: &Options, token: String, base: String, gateway: String) -> Self {
        Self {
            token,
            base,
            gateway,
            interaction_deadline: options.interaction_deadline,
            token_lifetime: options.token_lifetime,
            privileged_intents: options.privileged_intents,
        }
    }
}
