//! A pretend board of cards, in memory: it outlives the program, and misbehaves as a seed says.
//!
//! What goes wrong with a request follows from the seed, from what the request is about and from
//! how many there were before, so that the order in which the program works on several cards
//! changes nothing.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use gander::core::Time;
use gander::core::decision::{Decision, DecisionId};
use gander::core::messaging::message::{
    Destination, Message as StoredMessage, MessageId, MessageView,
};
use gander::engine::clock::{Clock as _, TestClock};
use gander::engine::reconciler::{MessageSink, SinkError};
use gander::presentation::card::Card;

use crate::common::chance::Chance;

/// What a message stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Mark {
    Decision(DecisionId),
    Message(MessageId),
}

impl Mark {
    fn of(message: &StoredMessage) -> Self {
        message.purpose.card_of().map_or(Self::Message(message.id), Self::Decision)
    }
}

/// A message that hangs, or hung.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) mark: Mark,
    pub(crate) card: Card,
    channel: String,
    nonce: String,
    at: Time,
}

/// The weather.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    Fair,
    /// One request in so many goes wrong.
    Faults(u64),
    /// Nothing is answered.
    Outage,
    /// Nobody of ours is let in.
    ShutOut,
    /// The channel is not there, and what hung in it is lost.
    NoChannel,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) posted: u64,
    pub(crate) batches: u64,
    pub(crate) edited: u64,
    pub(crate) refused: u64,
    pub(crate) unheard: u64,
    pub(crate) silent: u64,
    pub(crate) lost: u64,
}

struct Inner {
    messages: BTreeMap<String, Message>,
    weather: Weather,
    requests: BTreeMap<(Mark, &'static str), u64>,
    counts: Counts,
    next: u64,
}

/// The board. Cheap to clone: all of them are the same.
#[derive(Clone)]
pub(crate) struct Pretend {
    seed: u64,
    clock: TestClock,
    inner: Arc<Mutex<Inner>>,
}

/// What goes wrong with a request.
enum Fault {
    Refused,
    /// It is carried out, and its answer is lost.
    Unheard,
    /// It is carried out, and never answered.
    Silent,
}

impl Pretend {
    pub(crate) fn new(seed: u64, clock: TestClock) -> Self {
        let inner = Inner {
            messages: BTreeMap::new(),
            weather: Weather::Fair,
            requests: BTreeMap::new(),
            counts: Counts::default(),
            next: 1,
        };
        Self { seed, clock, inner: Arc::new(Mutex::new(inner)) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(crate) fn weather(&self, weather: Weather) {
        let mut inner = self.inner();
        inner.weather = weather;
        if weather == Weather::NoChannel {
            inner.counts.lost += inner.messages.len() as u64;
            inner.messages.clear();
        }
    }

    /// Somebody deletes a message; which one.
    pub(crate) fn delete(&self, chance: &mut Chance) -> Option<String> {
        let mut inner = self.inner();
        let count = inner.messages.len() as u64;
        let id = (count > 0)
            .then(|| {
                inner.messages.keys().nth(usize::try_from(chance.below(count)).unwrap()).cloned()
            })
            .flatten()?;
        inner.messages.remove(&id);
        inner.counts.lost += 1;
        Some(id)
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.inner().messages.values().cloned().collect()
    }

    pub(crate) fn counts(&self) -> Counts {
        std::mem::take(&mut self.inner().counts)
    }

    fn fault(&self, mark: Mark, what: &'static str) -> Option<Fault> {
        let mut inner = self.inner();
        let count = inner.requests.entry((mark, what)).or_default();
        *count += 1;
        let mut hash = DefaultHasher::new();
        (self.seed, mark, what, *count).hash(&mut hash);
        let mut chance = Chance::of(hash.finish());
        match inner.weather {
            Weather::Faults(one_in) if chance.one_in(one_in) => Some(match chance.below(5) {
                0 | 1 => Fault::Refused,
                2 | 3 => Fault::Unheard,
                _ => Fault::Silent,
            }),
            Weather::Outage => Some(if chance.one_in(2) { Fault::Refused } else { Fault::Silent }),
            _ => None,
        }
    }

    /// Carries a request out, or not, and answers, or not.
    async fn request<T>(
        &self,
        mark: Mark,
        what: &'static str,
        act: impl FnOnce(&mut Inner) -> Result<T, SinkError> + Send,
    ) -> Result<T, SinkError> {
        let later = |why: &str| SinkError::Later { after: Duration::from_secs(2), why: why.into() };
        let fault = self.fault(mark, what);
        // Between these the program may die, or somebody else may act.
        tokio::time::sleep(Duration::from_millis(40)).await;
        let weather = self.inner().weather;
        match (weather, &fault) {
            (Weather::ShutOut, _) => {
                return Err(SinkError::AccessDenied("the token was reset".into()));
            }
            (Weather::NoChannel, _) => return Err(SinkError::Gone),
            (_, Some(Fault::Refused)) => {
                self.inner().counts.refused += 1;
                return Err(later("429"));
            }
            (Weather::Outage, _) => {
                self.inner().counts.silent += 1;
                return std::future::pending().await;
            }
            _ => {}
        }
        let done = act(&mut self.inner());
        tokio::time::sleep(Duration::from_millis(40)).await;
        match fault {
            None | Some(Fault::Refused) => done,
            Some(Fault::Unheard) => {
                self.inner().counts.unheard += 1;
                Err(later("the connection was lost"))
            }
            Some(Fault::Silent) => {
                self.inner().counts.silent += 1;
                std::future::pending().await
            }
        }
    }
}

#[async_trait]
impl MessageSink for Pretend {
    async fn channel_for(
        &self,
        place: &Destination,
        _: Option<&Decision>,
    ) -> Result<String, SinkError> {
        match self.inner().weather {
            Weather::NoChannel => Err(SinkError::NoPlace("the channel is gone".into())),
            _ => Ok(format!("channel of {place}")),
        }
    }

    async fn post(
        &self,
        channel: &str,
        view: &MessageView,
        card: &Card,
        nonce: &str,
    ) -> Result<String, SinkError> {
        let mark = Mark::of(&view.message);
        let at = self.clock.now();
        let message = |id| Message {
            id,
            mark,
            card: card.clone(),
            channel: channel.into(),
            nonce: nonce.into(),
            at,
        };
        self.request(mark, "post", |inner| {
            // The same nonce within a few minutes is the same message.
            let fresh = at - chrono::TimeDelta::minutes(3);
            let known =
                inner.messages.values().find(|known| known.nonce == nonce && known.at > fresh);
            if let Some(known) = known {
                return Ok(known.id.clone());
            }
            let id = inner.next.to_string();
            (inner.next, inner.counts.posted) = (inner.next + 1, inner.counts.posted + 1);
            inner.counts.batches += u64::from(matches!(mark, Mark::Message(_)));
            inner.messages.insert(id.clone(), message(id.clone()));
            Ok(id)
        })
        .await
    }

    async fn edit(
        &self,
        _: &str,
        message: &str,
        view: &MessageView,
        card: &Card,
    ) -> Result<(), SinkError> {
        self.request(Mark::of(&view.message), "edit", |inner| {
            inner.messages.get_mut(message).ok_or(SinkError::Gone)?.card = card.clone();
            inner.counts.edited += 1;
            Ok(())
        })
        .await
    }

    fn forget_content(&self, _: &str) {}

    async fn find(
        &self,
        channel: &str,
        message: &StoredMessage,
        since: Time,
    ) -> Result<Vec<String>, SinkError> {
        let mark = Mark::of(message);
        self.request(mark, "find", |inner| {
            let ours = |message: &&Message| {
                message.mark == mark && message.channel == channel && message.at >= since
            };
            Ok(inner.messages.values().filter(ours).map(|message| message.id.clone()).collect())
        })
        .await
    }

    async fn exists(&self, _: &str, message: &str) -> Result<bool, SinkError> {
        let mark = self.inner().messages.get(message).map(|message| message.mark);
        // What is not there belongs to nobody.
        let Some(mark) = mark else { return Ok(false) };
        self.request(mark, "look", |inner| Ok(inner.messages.contains_key(message))).await
    }

    fn link(&self, channel: &str, message: &str) -> Option<String> {
        Some(format!("https://discord.com/channels/1/{}/{message}", channel.len()))
    }
}
