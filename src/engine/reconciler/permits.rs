//! Permits for requests to a channel, granted by turns.
//!
//! Discord limits requests per channel, so requests queue. Askers take turns, and each asker's most
//! urgent request goes first: 300 critical questions of one asker delay another asker's card by one
//! request. Messages of Gander's own, such as reminders, have turns of their own.

use std::cmp::Reverse;

use crate::core::Time;
use crate::core::decision::{Decision, Priority, Risk};
use crate::core::messaging::message::MessageView;
use crate::engine::fair_permits::{FairPermit, FairPermits};

/// The party whose turn a request takes: an asker's id, a folder, or all programs of the bot's own
/// user. `None`: Gander itself.
pub(super) type Party = Option<String>;

/// The party of what programs of the bot's own user ask, with a mark that no id has.
const OWN_PROGRAMS: &str = ":own";

/// The party of a decision's requests.
pub(super) fn party(decision: &Decision) -> Party {
    Some(decision.request.party().unwrap_or(OWN_PROGRAMS).to_owned())
}

/// The order of one party's requests, the most urgent first: verdicts, messages of Gander's own,
/// cards that wait for an answer, and comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// The decision has an answer to show.
    Answered,
    Own,
    /// In the order of `/attention`: overdue, priority, soonest breach, risk.
    Waiting(Reverse<bool>, Reverse<Priority>, Time, Reverse<Risk>),
    /// Nothing to show: only whether the message still exists.
    Comparison,
}

/// The turn that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    party: Party,
    urgency: Urgency,
}

impl Turn {
    /// To show a decision on its card.
    pub(super) fn of(decision: &Decision, now: Time) -> Self {
        let urgency = if decision.state.is_open() {
            let breach = decision.breach_at();
            Urgency::Waiting(
                Reverse(breach <= now),
                Reverse(decision.priority()),
                breach,
                Reverse(decision.terms.risk),
            )
        } else {
            Urgency::Answered
        };
        Self { party: party(decision), urgency }
    }

    /// To show a message: a card takes the turn of the decision's asker.
    pub(super) fn of_message(view: &MessageView, now: Time) -> Self {
        let card = view.message.purpose.card_of().and_then(|_| view.listed.first());
        card.map_or(Self { party: None, urgency: Urgency::Own }, |listed| {
            Self::of(&listed.decision, now)
        })
    }

    /// To compare a message with Discord.
    pub(super) fn to_compare(view: &MessageView, now: Time) -> Self {
        Self { urgency: Urgency::Comparison, ..Self::of_message(view, now) }
    }
}

/// The permits of one channel.
#[derive(Debug, Clone)]
pub(super) struct Permits(FairPermits<Party, Urgency>);

/// Permission for one request, returned on drop.
pub(super) type Permit = FairPermit<Party, Urgency>;

impl Permits {
    /// `count`: requests at a time.
    pub(super) fn new(count: usize) -> Self {
        Self(FairPermits::new(count))
    }

    /// Waits for a permit.
    pub(super) async fn acquire(&self, turn: Turn) -> Permit {
        self.0.acquire(turn.party, turn.urgency).await
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::core::decision::{DecisionId, Person, Request, Terms};

    fn asked(id: i64, asker: &str, risk: Risk) -> Decision {
        let asked_by = Some(Person { id: asker.into(), name: "x".into() });
        let terms = Terms { risk, ..Terms::default() };
        let request = Request { asked_by, ..Request::default() };
        Decision::new(DecisionId(id), request, terms, Time::UNIX_EPOCH)
    }

    #[test]
    fn a_party_is_given_by_the_server_and_not_by_the_agent() {
        let of = |key: Option<&str>, agent: &str, by: Option<&str>| {
            let mut request = Request {
                dedup_key: key.map(Into::into),
                asked_by: by.map(|id| Person { id: id.into(), name: "x".into() }),
                ..Request::default()
            };
            request.agent.name = agent.into();
            party(&Decision::new(DecisionId(1), request, Terms::default(), Time::UNIX_EPOCH))
        };
        let folder = of(Some("inbox:/home/a:b/drop:one.json"), "agent-1", None);
        assert_eq!(folder.as_deref(), Some("inbox:/home/a:b/drop:"));
        assert_eq!(folder, of(Some("inbox:/home/a:b/drop:two.json"), "agent-2", None));
        assert_ne!(folder, of(Some("inbox:/home/a:b/other:one.json"), "agent-1", None));
        let task = |file: &str| of(Some(&format!("agent-task:{file}#review")), file, None);
        assert_eq!(task("/w/a/task.md"), task("/w/b/task.md"));
        assert_eq!(of(None, "a", None), of(Some("k"), "b", None));
        let keyed = of(Some("token:1:inbox:/home/a:b/drop:x"), "a", Some("token:1"));
        assert_eq!(keyed.as_deref(), Some("token:1"));
    }

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn one_askers_flood_delays_another_by_one_request() {
        let permits = Permits::new(1);
        let now = Time::UNIX_EPOCH;
        let held = pin!(permits.acquire(Turn::of(&asked(0, "token:1", Risk::Low), now)));
        let Poll::Ready(held) = poll(held) else { panic!("a permit is free") };
        let mut flood: Vec<_> = (1..=300)
            .map(|id| Turn::of(&asked(id, "token:1", Risk::Critical), now))
            .map(|turn| Box::pin(permits.acquire(turn)))
            .collect();
        assert!(flood.iter_mut().all(|waits| poll(waits.as_mut()).is_pending()));
        let mut other = pin!(permits.acquire(Turn::of(&asked(400, "token:2", Risk::Low), now)));
        assert!(poll(other.as_mut()).is_pending());
        drop(held);
        let first = flood.iter_mut().find_map(|waits| match poll(waits.as_mut()) {
            Poll::Ready(permit) => Some(permit),
            Poll::Pending => None,
        });
        drop(first.expect("the most urgent goes first"));
        assert!(poll(other.as_mut()).is_ready(), "it waits for one request of the flood");
    }

    #[test]
    fn a_request_that_was_given_up_loses_no_permit() {
        let permits = Permits::new(1);
        let turn = || Turn::of(&asked(1, "token:1", Risk::Low), Time::UNIX_EPOCH);
        let held = pin!(permits.acquire(turn()));
        let Poll::Ready(held) = poll(held) else { panic!("a permit is free") };
        let mut given_up = Box::pin(permits.acquire(turn()));
        let mut granted = Box::pin(permits.acquire(turn()));
        let mut waits = pin!(permits.acquire(turn()));
        assert!(poll(given_up.as_mut()).is_pending() && poll(granted.as_mut()).is_pending());
        assert!(poll(waits.as_mut()).is_pending());
        drop(given_up);
        drop(held);
        // The permit is granted to this one, which is dropped without looking.
        drop(granted);
        assert!(poll(waits).is_ready());
        assert_eq!(permits.0.free(), 1);
    }

    #[test]
    fn a_verdict_is_shown_before_the_cards_that_wait() {
        let pending = asked(1, "token:1", Risk::Critical);
        let event = pending.withdraw("x".into()).unwrap();
        let answered = pending.clone().evolve(&event, Time::UNIX_EPOCH, 2);
        let now = Time::UNIX_EPOCH;
        assert!(Turn::of(&answered, now).urgency < Turn::of(&pending, now).urgency);
        let overdue = Turn::of(&pending, pending.breach_at()).urgency;
        assert!(overdue < Turn::of(&asked(2, "token:1", Risk::Critical), now).urgency);
    }
}
