//! Questions at the desk, as people on Discord see them: quiet while somebody is there, loud when
//! nobody is, closed when the agent's own prompt is answered.

use chrono::TimeDelta;
use gander::core::decision::{AgentCall, Decision, DeskOutcome, OwnPrompt, State};
use gander::core::messaging::batch::Batching;
use gander::core::policy::desk::{DeskOffer, DeskRules};
use gander::core::policy::rules::Rules;
use gander::engine::Claim;
use gander::engine::approvals::desk::GateAsked;
use serde_json::Value;

use crate::bot::{Bot, LIMIT, can_decide, cards_of, click, custom_ids, id};
use crate::permission::call;

/// Discord's flag of a message that notifies nobody.
const SILENT: u64 = 1 << 12;

/// Whoever is at the desk may decide as Maya.
fn at_desk(bot: &Bot) {
    let rules = (*bot.handle.rules()).clone();
    let maya = bot.sandbox.addresses().user_id("maya").unwrap().parse().unwrap();
    let desk = DeskRules {
        person: gander::core::decision::Person::discord(maya, "Maya").into(),
        highest_risk: DeskRules::HIGHEST_RISK,
        masked: false,
        scripts: false,
        hand_over: DeskRules::HAND_OVER,
    };
    bot.handle.set_rules(Rules { desk: Some(desk), ..rules });
}

async fn asks(bot: &Bot, prompt: OwnPrompt, command: &str) -> Decision {
    let offer = DeskOffer { prompt, call: AgentCall::default() };
    match bot.handle.gates().ask(call("Bash", command), Some(offer)).await.unwrap() {
        GateAsked::AtDesk(decision) => *decision,
        GateAsked::Elsewhere(decision) => panic!("{decision:?}"),
    }
}

fn is_silent(message: &Value) -> bool {
    message["flags"].as_u64().unwrap_or_default() & SILENT != 0
}

/// How often the phones of these people showed a message.
fn rang(bot: &Bot, message: &Value) -> usize {
    let of = |name| {
        let shown = bot.sandbox.view(name).unwrap().notifications;
        shown.iter().filter(|shown| shown.message_id == id(message)).count()
    };
    ["maya", "jonas", "sven"].into_iter().map(of).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_is_quiet_while_a_person_is_at_the_desk_and_new_when_nobody_is() {
    let bot = Bot::start().await;
    at_desk(&bot);
    let decision = asks(&bot, OwnPrompt::Both, "npm ci").await;
    let card = bot.card(decision.id, "is there", |_| true).await;
    assert!(is_silent(&card) && can_decide(&card), "{card:#}");
    let mut seen = format!("══ at the desk\n{}", bot.pen().message(&card));
    // No step of the ladder until then.
    bot.advance(TimeDelta::minutes(9));
    let (other, loud) = bot.ask_and_see(call("Bash", "make")).await;
    assert!(!is_silent(&loud), "others are as ever: {other:?}");
    assert_eq!(cards_of(&bot.sandbox, decision.id).len(), 1);
    bot.advance(TimeDelta::minutes(2));
    let new = |new: &Value| id(new) != id(&card);
    let new = bot.card(decision.id, "is new", new).await;
    assert!(!is_silent(&new) && can_decide(&new), "{new:#}");
    assert_eq!((rang(&bot, &card), rang(&bot, &new)), (0, rang(&bot, &loud)));
    seen.push_str(&format!("══ nobody answered there\n{}", bot.pen().message(&new)));
    let old = bot.sandbox.wait_for("the old card to point there", LIMIT, |sandbox| {
        let view = sandbox.view("maya")?;
        let messages = view.channels.iter().flat_map(|channel| &channel.messages);
        let old = messages.filter(|message| id(message) == id(&card)).cloned().next_back()?;
        (!can_decide(&old)).then_some(old)
    });
    seen.push_str(&format!("══ the quiet card\n{}", bot.pen().message(&old.await.unwrap())));
    bot.handle.gates().end_at_desk(decision.id, DeskOutcome::Ran).await.unwrap();
    let over = bot.card(decision.id, "is over", |card| !can_decide(card)).await;
    seen.push_str(&format!("══ answered there after all\n{}", bot.pen().message(&over)));
    insta::assert_snapshot!("desk_left", seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_closes_when_the_prompt_is_answered_and_says_how() {
    let bot = Bot::start().await;
    at_desk(&bot);
    let mut seen = String::new();
    for (command, outcome) in [("npm ci", DeskOutcome::Ran), ("make", DeskOutcome::Closed)] {
        let decision = asks(&bot, OwnPrompt::Both, command).await;
        let card = bot.card(decision.id, "is there", can_decide).await;
        bot.handle.gates().end_at_desk(decision.id, outcome).await.unwrap();
        let over = bot.card(decision.id, "is over", |card| !can_decide(card)).await;
        assert_eq!(id(&over), id(&card), "the same message");
        assert_eq!(rang(&bot, &over), 0);
        seen.push_str(&format!("══ {outcome:?}\n{}", bot.pen().message(&over)));
        let stands = bot.handle.approvals().get(decision.id).await.unwrap();
        assert!(matches!(stands.state, State::Withdrawn { .. }), "{stands:?}");
    }
    insta::assert_snapshot!("desk_ended", seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_counts_also_from_the_quiet_card() {
    let bot = Bot::start().await;
    at_desk(&bot);
    let decision = asks(&bot, OwnPrompt::Both, "npm ci").await;
    let card = bot.card(decision.id, "is there", can_decide).await;
    let waits = tokio::spawn({
        let (handle, id) = (bot.handle.clone(), decision.id);
        async move { handle.approvals().wait(id, None, Claim::Yes, None).await.unwrap() }
    });
    assert!(click(&bot.person("maya"), &card, "approve").await.ok);
    let waited = tokio::time::timeout(LIMIT, waits).await.unwrap().unwrap();
    assert!(waited.verdict().is_ok_and(|given| given.by.name == "Maya"), "{waited:?}");
    let late = bot.handle.gates().end_at_desk(decision.id, DeskOutcome::Ran).await.unwrap();
    assert_eq!(late.desk_outcome(), None, "it was answered here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_whose_answer_reaches_no_agent_offers_none() {
    let bot = Bot::start().await;
    at_desk(&bot);
    let decision = asks(&bot, OwnPrompt::Alone, "npm ci").await;
    let card = bot.card(decision.id, "is there", |_| true).await;
    assert!(is_silent(&card) && !can_decide(&card) && !custom_ids(&card).is_empty(), "{card:#}");
    let mut seen = format!("══ at the desk\n{}", bot.pen().message(&card));
    bot.handle.gates().leave_desk(decision.id).await.unwrap();
    let new = bot.card(decision.id, "is new", |new| id(new) != id(&card)).await;
    assert!(!is_silent(&new) && !can_decide(&new), "{new:#}");
    seen.push_str(&format!("══ nobody answered there\n{}", bot.pen().message(&new)));
    insta::assert_snapshot!("desk_alone", seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_at_the_desk_share_no_card() {
    let bot = Bot::start_batching(Batching::default()).await;
    at_desk(&bot);
    for command in ["npm ci", "make", "make test", "make docs"] {
        let decision = asks(&bot, OwnPrompt::Both, command).await;
        let card = bot.card(decision.id, "is its own", can_decide).await;
        assert!(is_silent(&card), "{card:#}");
    }
}
