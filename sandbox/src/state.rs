//! All that changes while a sandbox runs, behind one lock: a request sees and leaves it whole.
//! Holds the parts and what concerns several of them; each part's rules are in its own module.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::fault::Faults;
use crate::gateway::{Event, Gateway};
use crate::interactions::Interactions;
use crate::journal::{Direction, Journal};
use crate::model::{Attachment, Channel, Message, Realm};
use crate::options::{Options, RateLimits};
use crate::picture;
use crate::ratelimit::Limiter;
use crate::snapshots::{Snapshot, Snapshots};
use crate::snowflake::Snowflake;
use crate::view::Notification;

/// The running sandbox's state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) realm: Realm,
    pub(crate) gateway: Gateway,
    pub(crate) interactions: Interactions,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) limiter: Limiter,
    /// Requests that wait for their release.
    pub(crate) held: usize,
    /// Grows with each release.
    pub(crate) releases: watch::Sender<u64>,
    pub(crate) files: HashMap<Snowflake, StoredFile>,
    /// What phones showed, and whose.
    pub(crate) notifications: Vec<(Snowflake, Notification)>,
    pub(crate) snapshots: Snapshots,
    changes: watch::Sender<u64>,
}

/// What stays as it was at the start.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `http://127.0.0.1:PORT`.
    pub(crate) base: String,
    pub(crate) gateway: String,
    pub(crate) interaction_deadline: Duration,
    pub(crate) token_lifetime: Duration,
}

/// The bytes of an attachment.
#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) bytes: Vec<u8>,
}

impl State {
    pub(crate) fn new(realm: Realm, settings: Settings, limits: RateLimits) -> Self {
        let clock = realm.clock.clone();
        let limiter = Limiter::new(limits, clock.clone());
        Self {
            settings,
            journal: Journal::new(clock),
            snapshots: Snapshots::new(Snapshot::founded(&realm, &limiter)),
            limiter,
            realm,
            gateway: Gateway::default(),
            interactions: Interactions::default(),
            faults: Faults::default(),
            held: 0,
            releases: watch::Sender::new(0),
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

    /// The clock that all deadlines are judged by.
    pub(crate) fn clock(&self) -> &Clock {
        &self.realm.clock
    }

    /// Sends an event to the sessions of its application that asked for it and notes it.
    pub(crate) fn dispatch(&mut self, event: Event) {
        if self.gateway.dispatch(&event) {
            let to = Some(event.application);
            self.journal.gateway(Direction::Out, to, event.name, event.data);
        }
        self.touch();
    }

    /// Sends an event of a guild to each application whose bot is in it.
    pub(crate) fn tell_guild(
        &mut self,
        guild: Snowflake,
        name: &'static str,
        intent: u64,
        data: &Value,
    ) {
        for application in self.realm.applications_in(guild) {
            self.dispatch(Event::new(application, name, intent, data.clone()));
        }
        self.touch();
    }

    /// Moves the clock forward and carries out the deadlines that then lie behind.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.clock().advance(by);
        for id in self.interactions.open() {
            // Asked for the failure that it notes.
            let _ = self.progress(id);
        }
        self.archive_stale();
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

    /// Whether an application's bot sees a channel.
    pub(crate) fn bot_sees(&self, application: Snowflake, channel: &Channel) -> bool {
        let application = self.realm.application(application);
        application.is_some_and(|application| self.realm.sees(&application.bot, channel))
    }

    /// What an application's bot may do in a channel.
    pub(crate) fn bot_permissions(&self, application: Snowflake, channel: &Channel) -> u64 {
        let application = self.realm.application(application);
        application.map_or(0, |application| self.realm.permissions(&application.bot, channel))
    }

    /// Sets or clears where an application wants its interactions.
    pub(crate) fn set_endpoint(&mut self, application: Snowflake, url: Option<String>) {
        if let Some(application) = self.realm.application_mut(application) {
            application.endpoint = url;
        }
        self.touch();
    }

    /// Keeps the bytes of a file and returns the attachment that stands for them.
    pub(crate) fn store(&mut self, file: StoredFile, description: Option<String>) -> Attachment {
        let id = self.clock().next_id();
        let attachment = self.attachment(id, &file, description);
        self.files.insert(id, file);
        attachment
    }

    /// The attachment that stands for a file that is kept under this id.
    pub(crate) fn attachment(
        &self,
        id: Snowflake,
        file: &StoredFile,
        description: Option<String>,
    ) -> Attachment {
        Attachment {
            id,
            name: file.name.clone(),
            description,
            content_type: file.content_type.clone(),
            size: file.bytes.len(),
            pixels: picture::size(&file.bytes),
            url: format!("{}/_sandbox/files/{id}/{}", self.settings.base, file.name),
        }
    }

    /// A message object by id; `None` once it is deleted.
    pub(crate) fn message_object(&self, id: Snowflake) -> Option<Value> {
        let message = self.realm.message(id)?;
        Some(self.realm.message_object(message))
    }

    /// A message object as a person sees it; `None` once it is deleted.
    pub(crate) fn message_seen_by(&self, person: &str, id: Snowflake) -> Option<Value> {
        let viewer = self.realm.person(person).map(|person| person.id);
        Some(self.realm.message_object_for(self.realm.message(id)?, viewer))
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
    pub(crate) fn new(options: &Options, base: String, gateway: String) -> Self {
        Self {
            base,
            gateway,
            interaction_deadline: options.interaction_deadline,
            token_lifetime: options.token_lifetime,
        }
    }
}
