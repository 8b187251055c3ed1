//! Whether every card on the board is true: looked at whenever the weather is fair and the
//! reconciler has come to rest.

use std::collections::BTreeMap;
use std::time::Duration;

use gander::core::decision::DecisionId;
use gander::core::messaging::message::{FinalPost, PostState};
use gander::presentation::card::decision_card;
use gander::presentation::message::present;

use crate::sink::{Mark, Message, Weather};
use crate::world::World;

/// How long the reconciler may take: pauses after failures, and the look at a missing channel every
/// 30 s.
const PATIENCE: u32 = 20 * 60;

impl World {
    /// Waits, in virtual time, until every card is as it should be; then each must be true.
    pub(crate) async fn calm(&mut self) -> Result<(), String> {
        let Some(sink) = self.sink.clone() else { return Ok(()) };
        sink.weather(Weather::Fair);
        if let Some(reconciler) = self.reconciler() {
            reconciler.compare_all().await;
        }
        let mut wrong = String::new();
        for _ in 0..PATIENCE / 5 {
            tokio::time::sleep(Duration::from_secs(5)).await;
            // It holds decisions to the rules while it draws them.
            self.check(false)?;
            match self.untrue(&sink.messages()).await {
                Ok(()) => {
                    self.tally.calms += 1;
                    return Ok(());
                }
                Err(why) => wrong = why,
            }
        }
        Err(format!("after {} min of fair weather: {wrong}", PATIENCE / 60))
    }

    async fn untrue(&self, messages: &[Message]) -> Result<(), String> {
        let store = self.store();
        let said = |error: gander::store::StoreError| error.to_string();
        let (unsettled, behind) = (
            store.messages().outdated_cards().map_err(said)?,
            store.messages().outdated(None).map_err(said)?,
        );
        if !unsettled.is_empty() || !behind.is_empty() {
            return Err(format!("these cards are not settled: {unsettled:?}, {behind:?}"));
        }
        // On how many messages each decision can be decided.
        let mut stands: BTreeMap<DecisionId, u32> = BTreeMap::new();
        for message in messages {
            match message.mark {
                Mark::Decision(id) => self.own_is_true(id, message, &mut stands)?,
                Mark::Message(id) => {
                    let view = self
                        .handle()
                        .messages()
                        .view(id)
                        .await
                        .map_err(|error| error.to_string())?
                        .ok_or("no such message")?;
                    if view.message.posted().is_some_and(|(_, posted)| posted == message.id) {
                        let should = present(&view, store.time_scale());
                        if should.as_ref() != Some(&message.card) {
                            return Err(format!(
                                "the card of message {id} is not true: {:?} instead of {should:?}",
                                message.card
                            ));
                        }
                        for listed in view.listed.iter().filter(|listed| listed.is_open_here()) {
                            *stands.entry(listed.decision.id).or_default() += 1;
                        }
                    } else {
                        return Err(format!(
                            "message {id} does not know its message {}: {:?}",
                            message.id, view.message.state
                        ));
                    }
                }
            }
        }
        for id in self.reference.open() {
            match stands.remove(&id) {
                Some(1) => {}
                count => {
                    return Err(format!("{id} can be decided on {} messages", count.unwrap_or(0)));
                }
            }
        }
        if stands.is_empty() {
            Ok(())
        } else {
            Err(format!("these are over, and can be decided on cards: {stands:?}"))
        }
    }

    fn own_is_true(
        &self,
        id: DecisionId,
        message: &Message,
        stands: &mut BTreeMap<DecisionId, u32>,
    ) -> Result<(), String> {
        let store = self.store();
        let decision = store.decisions().get(id).ok().flatten().ok_or("a card of nothing")?;
        let cards = store.messages().cards_of(id).map_err(|error| error.to_string())?;
        let Some(known) =
            cards.iter().find(|known| known.state.message_id() == Some(message.id.as_str()))
        else {
            return Err(format!("message {} of {id} is not known: {cards:#?}", message.id));
        };
        if matches!(known.state, PostState::Final(FinalPost::Kept { .. })) {
            let over = message.card.controls;
            return if over { Err(format!("the old card of {id} has buttons")) } else { Ok(()) };
        }
        if message.card != decision_card(&decision, store.time_scale()) {
            return Err(format!(
                "the card of {id} is not true: {:?} of {decision:#?}, {known:?}",
                message.card
            ));
        }
        if decision.state.is_open() {
            *stands.entry(id).or_default() += 1;
        }
        Ok(())
    }
}
