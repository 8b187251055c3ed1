//! What people do with threads, with the checks that Discord's own app makes.

use chrono::TimeDelta;

use crate::model::{Channel, Place, ThreadKind, User};
use crate::permissions::{
    BYPASS_SLOWMODE, CREATE_PUBLIC_THREADS, MANAGE_CHANNELS, MANAGE_MESSAGES, MANAGE_THREADS,
};
use crate::snowflake::Snowflake;
use crate::state::State;
use crate::threads::{Change, Hand, Start};

/// What a person does with a thread that there is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ThreadAct {
    Join,
    Leave,
    Archive,
    Unarchive,
}

impl State {
    /// A person starts a public thread, from a message or without one. Returns its id.
    pub(crate) fn person_starts_thread(
        &mut self,
        user: &User,
        channel: Snowflake,
        message: Option<Snowflake>,
        name: &str,
    ) -> Result<Snowflake, String> {
        let place = self.realm.channel(channel).ok_or_else(|| "the channel is gone".to_owned())?;
        if !matches!(place.place, Place::Text { .. }) {
            return Err("threads are started in text channels of a server".to_owned());
        }
        if self.realm.permissions(user, place) & CREATE_PUBLIC_THREADS == 0 {
            return Err("you may not start threads in this channel".to_owned());
        }
        if !(1..=100).contains(&name.trim().chars().count()) {
            return Err("the name of a thread has 1 to 100 characters".to_owned());
        }
        let original = message.and_then(|id| place.public().find(|message| message.id == id));
        match (message, original) {
            (Some(_), None) => return Err("the message is not in this channel".to_owned()),
            (Some(_), Some(original)) if original.notice.is_some() => {
                return Err("no thread is started from this kind of message".to_owned());
            }
            (Some(id), _) if self.realm.channel(id).is_some() => {
                return Err("the message has a thread already".to_owned());
            }
            _ => {}
        }
        let start = Start {
            parent: channel,
            message,
            owner: user.id,
            name: name.trim().to_owned(),
            kind: ThreadKind::Public,
            minutes: None,
            slowmode: 0,
        };
        self.start_thread(start, None).ok_or_else(|| "the channel is gone".to_owned())
    }

    /// A person joins, leaves, archives or unarchives a thread.
    pub(crate) fn person_acts_on_thread(
        &mut self,
        user: &User,
        id: Snowflake,
        act: ThreadAct,
    ) -> Result<(), String> {
        let channel = self.realm.channel(id);
        let thread = channel.and_then(|channel| Some((channel, channel.thread()?)));
        let (channel, thread) = thread.ok_or_else(|| format!("{id} is no thread"))?;
        let moderates = self.realm.permissions(user, channel) & MANAGE_THREADS != 0;
        match act {
            ThreadAct::Join | ThreadAct::Leave if thread.archived => {
                return Err("the thread is archived".to_owned());
            }
            ThreadAct::Archive if !moderates && thread.owner != user.id => {
                return Err("you may archive only your own threads".to_owned());
            }
            ThreadAct::Unarchive if thread.locked && !moderates => {
                return Err("the thread is locked".to_owned());
            }
            ThreadAct::Unarchive if !self.realm.may_write(user, channel) => {
                return Err("you may not write in this thread".to_owned());
            }
            _ => {}
        }
        let archived = |archived| Change { archived: Some(archived), ..Change::default() };
        match act {
            ThreadAct::Join => self.join_thread(id, user.id, Hand::Own),
            ThreadAct::Leave => self.leave_thread(id, user.id, Hand::Own),
            ThreadAct::Archive => self.change_thread(id, user.id, archived(true), None),
            ThreadAct::Unarchive => self.change_thread(id, user.id, archived(false), None),
        }
        Ok(())
    }

    /// Whether a person may write here now: a locked thread and the slowmode stop all but
    /// moderators.
    pub(crate) fn person_may_write(&self, user: &User, channel: &Channel) -> Result<(), String> {
        if !self.realm.may_write(user, channel) {
            return Err("you may not write in this channel".to_owned());
        }
        let bits = self.realm.permissions(user, channel);
        let locked = channel.thread().is_some_and(|thread| thread.locked);
        if locked && bits & MANAGE_THREADS == 0 {
            return Err("the thread is locked".to_owned());
        }
        // The page "Channels Resource" names these, of which moderators of threads have their own.
        let exempt = BYPASS_SLOWMODE
            | if channel.thread().is_some() {
                MANAGE_THREADS
            } else {
                MANAGE_CHANNELS | MANAGE_MESSAGES
            };
        let wait = TimeDelta::seconds(channel.slowmode().into());
        let last = channel.public().rfind(|message| message.author == user.id);
        let now = self.clock().now();
        match last {
            Some(last) if bits & exempt == 0 && now - last.created < wait => {
                let left = (last.created + wait - now).num_seconds() + 1;
                Err(format!("slowmode is on: you may write again in {left} s"))
            }
            _ => Ok(()),
        }
    }
}
