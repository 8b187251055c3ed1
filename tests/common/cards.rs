//! Finds cards as a person sees them, and what can be clicked on them.

use discord_sandbox::{Outcome, Person, Sandbox, View};
use serde_json::{Value, json};

use super::process::LIMIT;

/// A message that stands for a decision.
#[derive(Debug, Clone)]
pub(crate) struct Card(pub(crate) Value);

impl Card {
    pub(crate) fn id(&self) -> &str {
        self.0["id"].as_str().unwrap_or_default()
    }

    /// Whether one person alone sees it.
    pub(crate) fn is_private(&self) -> bool {
        self.0["flags"].as_u64().is_some_and(|flags| flags & 64 != 0)
    }

    /// The plain content: what a lock screen shows.
    pub(crate) fn headline(&self) -> &str {
        self.0["content"].as_str().unwrap_or_default()
    }

    pub(crate) fn title(&self) -> &str {
        self.0["embeds"][0]["title"].as_str().unwrap_or_default()
    }

    /// Names and texts of the embed's fields.
    pub(crate) fn fields(&self) -> Vec<(&str, &str)> {
        let fields = self.0["embeds"][0]["fields"].as_array();
        fields
            .into_iter()
            .flatten()
            .filter_map(|field| Some((field["name"].as_str()?, field["value"].as_str()?)))
            .collect()
    }

    /// The custom id of its button or menu for `approve`, `reject` or `defer`; none once it is
    /// decided.
    pub(crate) fn control(&self, verb: &str) -> Option<&str> {
        let rows = self.0["components"].as_array();
        let components =
            rows.into_iter().flatten().filter_map(|row| row["components"].as_array()).flatten();
        components
            .filter_map(|component| component["custom_id"].as_str())
            .find(|id| id.split(':').nth(2) == Some(verb))
    }
}

/// Whether a message is the card of this decision. The embed names it, or the line above does.
pub(crate) fn is_card_of(message: &Value, number: i64) -> bool {
    let embed = &message["embeds"][0];
    let names = |text: &Value, named: &dyn Fn(&str) -> bool| text.as_str().is_some_and(named);
    let (start, end) = (format!("#{number} · "), format!(" · #{number}"));
    embed.is_object()
        && (names(&embed["title"], &|title| title.starts_with(&start))
            || names(&message["content"], &|line| line.ends_with(&end)))
}

/// All messages that stand for this decision and that everybody sees, but not those it has left
/// behind by coming back.
pub(crate) fn cards(view: &View, number: i64) -> Vec<Card> {
    // Reminders in direct messages show the same card.
    let dm = view.dm().map(|dm| dm.id.as_str());
    let channels = view.channels.iter().filter(|channel| Some(channel.id.as_str()) != dm);
    let messages = channels.flat_map(|channel| &channel.messages).cloned().map(Card);
    messages
        .filter(|card| {
            is_card_of(&card.0, number) && !card.is_private() && !card.headline().starts_with("↪️")
        })
        .collect()
}

/// The card of a decision, once it hangs and can be decided on.
pub(crate) async fn open_card(sandbox: &Sandbox, number: i64) -> Card {
    card_that(sandbox, number, "can be decided on", |card| card.control("approve").is_some()).await
}

/// The card of a decision, once it is like this.
pub(crate) async fn card_that(
    sandbox: &Sandbox,
    number: i64,
    what: &str,
    is: impl Fn(&Card) -> bool,
) -> Card {
    let found = sandbox
        .wait_for(what, LIMIT, |sandbox| {
            cards(&sandbox.view("maya")?, number).into_iter().find(&is)
        })
        .await;
    let hanging = || cards(&sandbox.view("maya").unwrap(), number);
    found.unwrap_or_else(|_| {
        panic!("there is no card of #{number} that {what}, but {:#?}", hanging())
    })
}

/// Clicks a card's button.
pub(crate) async fn click(person: &Person, card: &Card, verb: &str) -> Outcome {
    let button = card.control(verb).expect("the card has this button");
    person.click(card.id(), button).await
}

/// Rejects with a reason, in the form that opens. The outcome is that of the form, or of the click
/// if none opened.
pub(crate) async fn reject(person: &Person, card: &Card, reason: &str) -> Outcome {
    let clicked = click(person, card, "reject").await;
    match clicked.modal_id() {
        Some(form) => person.submit(form, json!({ "text": reason })).await,
        None => clicked,
    }
}

/// Clicks Defer and chooses a time. The outcome is that of the choice, or of the click where no
/// time may be chosen.
pub(crate) async fn defer(person: &Person, card: &Card, value: &str) -> Outcome {
    let asked = click(person, card, "ask-time").await;
    let Some(menu) = asked.message.clone().map(Card) else { return asked };
    match menu.control("until").or_else(|| menu.control("defer")) {
        Some(times) => person.select(menu.id(), times, &[value]).await,
        None => asked,
    }
}
