//! A store with people and tokens, that the program under test and the test both work on.

use gander::core::access::Scope;
use gander::core::decision::authorization::Voter;
use gander::core::decision::{Decision, DecisionId, Person, Revision, Via};
use gander::core::policy::rules::Rules;
use gander::engine::Handle;
use secrecy::ExposeSecret as _;

use crate::common::engine;
use crate::common::holder::grant;
use crate::common::process::Home;
use crate::mcp_rpc::Rpc;

/// Whose assistant decides.
pub(crate) const MAYA: u64 = 80_351_110_224_678_912;

pub(crate) struct World {
    pub(crate) home: Home,
    pub(crate) handle: Handle,
}

impl World {
    pub(crate) fn new() -> Self {
        let home = Home::new();
        let handle = engine::handle(&home.store(), Rules::default());
        Self { home, handle }
    }

    /// The secret of a new token.
    pub(crate) async fn token(
        &self,
        scopes: &[Scope],
        projects: &[&str],
        user: Option<u64>,
    ) -> String {
        let grant = grant(scopes, projects, user);
        self.handle.tokens().create("a token", grant).await.unwrap().1.expose_secret().to_owned()
    }

    /// An agent's token.
    pub(crate) async fn agent(&self) -> String {
        self.token(&[Scope::Ask], &[], None).await
    }

    /// The token of a person's own assistant.
    pub(crate) async fn assistant(&self) -> String {
        self.token(&[Scope::Observe, Scope::Decide], &[], Some(MAYA)).await
    }

    /// The program, for whoever holds this token; for nobody in particular without one.
    pub(crate) fn mcp(&self, token: Option<&str>, args: &[&str]) -> Rpc {
        let all: Vec<&str> = std::iter::once("mcp").chain(args.iter().copied()).collect();
        let mut command = self.home.gander(&all);
        if let Some(token) = token {
            command.env("GANDER_TOKEN", token);
        }
        Rpc::start(command)
    }

    /// The same, once it is greeted as clients of 2025-11-25 do.
    pub(crate) async fn greeted(&self, token: Option<&str>) -> Rpc {
        let mut rpc = self.mcp(token, &[]);
        rpc.greet().await;
        rpc
    }

    /// A person approves.
    pub(crate) async fn approve(&self, id: i64) -> Decision {
        self.handle
            .approvals()
            .approve(DecisionId(id), Revision(1), &person(), Via::Discord)
            .await
            .unwrap()
    }

    pub(crate) async fn get(&self, id: i64) -> Decision {
        self.handle.approvals().get(DecisionId(id)).await.unwrap()
    }
}

/// The owner of the application.
pub(crate) fn person() -> Voter {
    Voter { person: Person::discord(1, "Olga"), roles: Vec::new(), owner: true }
}
