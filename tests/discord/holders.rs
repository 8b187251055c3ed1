//! Tokens of people, with a bot that can ask Discord: a token lapses with its holder.

use gander::core::access::{Forbidden, Grant, Holder, Scope};
use gander::core::decision::{Person, Request, Risk, Verdict, Via};
use gander::engine::HandleError;
use gander::engine::approvals::access::{Access, AccessError};
use secrecy::ExposeSecret as _;

use crate::bot::{Bot, request};

/// The API with a token by which a person of the server decides.
struct Token<'a> {
    bot: &'a Bot,
    secret: String,
}

impl<'a> Token<'a> {
    async fn of(bot: &'a Bot, name: &str, scopes: &[Scope], roles: &[&str]) -> Self {
        let user = bot.sandbox.addresses().user_id(name).unwrap().parse().unwrap();
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let grant = Grant {
            scopes: scopes.iter().copied().collect(),
            projects: Vec::new(),
            holder: Some(Holder { person: Person::discord(user, name), roles }),
        };
        let (_, secret) = bot.handle.tokens().create(name, grant).await.unwrap();
        Self { bot, secret: secret.expose_secret().to_owned() }
    }

    async fn access(&self) -> Access {
        let caller = self.bot.handle.tokens().caller_of(&self.secret).await.unwrap().unwrap();
        self.bot.handle.access(caller)
    }
}

fn low(title: &str) -> Request {
    Request { risk: Risk::Low, ..request(title) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_decides_nothing_once_its_holder_has_left_the_server() {
    let bot = Bot::start().await;
    let token = Token::of(&bot, "jonas", &[Scope::Decide], &[]).await;
    let (first, second) = (bot.ask(low("One?")).await, bot.ask(low("Two?")).await);
    let access = token.access().await;
    // Jonas approves by a role that the token does not even name: Discord knows it.
    access.decide(first.id, first.revision, Via::Http, Verdict::approved()).await.unwrap();
    bot.sandbox.set_member("jonas", false);
    let late = access.decide(second.id, second.revision, Via::Http, Verdict::approved()).await;
    assert!(matches!(late, Err(AccessError::Forbidden(Forbidden::HolderLeft))), "{late:?}");
    assert!(bot.handle.approvals().get(second.id).await.unwrap().state.is_open());
    let access = token.access().await;
    let seen = access.get(second.id).await;
    assert!(matches!(seen, Err(AccessError::Handle(HandleError::NoSuchDecision(_)))), "{seen:?}");
    let ended = bot.handle.tokens().ended().await.unwrap();
    assert!(ended.contains(&access.caller().id), "its streams and waits end");
    bot.sandbox.set_member("jonas", true);
    access.decide(second.id, second.revision, Via::Http, Verdict::approved()).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_only_the_token_claims_counts_for_nothing() {
    let bot = Bot::start().await;
    let token = Token::of(&bot, "sven", &[Scope::Observe, Scope::Decide], &["Approvers"]).await;
    let decision = bot.ask(low("One?")).await;
    let access = token.access().await;
    let denied =
        access.decide(decision.id, decision.revision, Via::Http, Verdict::approved()).await;
    assert!(matches!(denied, Err(AccessError::Handle(HandleError::Denied(..)))), "{denied:?}");
    assert!(access.get(decision.id).await.is_ok(), "it observes");
}
