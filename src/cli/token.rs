//! `gander token`: manages tokens for the approval API.

use std::io::{self, BufRead as _, IsTerminal as _};

use chrono::SecondsFormat;
use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::{Common, Exit, Failure, Outcome, output};
use crate::core::Time;
use crate::core::access::{Grant, Holder, Scope, Token, TokenId};
use crate::core::decision::Person;
use crate::core::untrusted::one_line;

#[derive(Debug, Args)]
pub(super) struct Tokens {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a token and print its secret, once
    Create(Create),
    /// List the tokens, without their secrets
    List,
    /// Revoke a token, effective at once
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Create {
    /// A name for the token: the agent, the machine, the program
    name: String,
    /// A permission: ask, observe, decide, admin; repeatable [default: ask]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// Limit the token to this project; repeatable [default: all projects]
    #[arg(long = "project", value_name = "PROJECT")]
    projects: Vec<String>,
    /// The Discord id of the person in whose name the token decides
    #[arg(
        long,
        value_name = "ID",
        requires = "called",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    user: Option<u64>,
    /// The person's name
    #[arg(long, value_name = "NAME", requires = "user")]
    called: Option<String>,
    /// A role of the person in the bot's server, by id or name; repeatable
    #[arg(long = "role", value_name = "ROLE", requires = "user")]
    roles: Vec<String>,
}

#[derive(Debug, Args)]
struct Revoke {
    /// The token's number, as shown by list
    id: i64,
}

/// A new token, as JSON.
#[derive(Serialize)]
struct Made<'a> {
    #[serde(flatten)]
    token: &'a Token,
    secret: &'a str,
}

impl Tokens {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        match self.command {
            Command::Create(create) => create.run(common).await,
            Command::List => list(common).await,
            Command::Revoke(revoke) => revoke.run(common).await,
        }
    }
}

impl Create {
    async fn run(self, common: &Common) -> Outcome {
        if one_line(&self.name).is_empty() {
            return Err(Failure::new(
                Exit::Usage,
                "a token needs a name: give the agent, machine or program",
            ));
        }
        let config = common.config()?;
        let scopes = if self.scopes.is_empty() {
            [Scope::Ask].into()
        } else {
            self.scopes.into_iter().collect()
        };
        let holder = self.user.zip(self.called).map(|(user, called)| Holder {
            person: Person::discord(user, called),
            roles: self.roles,
        });
        let grant = Grant { scopes, projects: self.projects, holder }
            .validated()
            .map_err(|why| Failure::new(Exit::Usage, why))?;
        if grant.scopes.contains(&Scope::Decide) || grant.scopes.contains(&Scope::Admin) {
            confirmed(&self.name)?;
        }
        let opened = super::open_with_timeout(&common.store_path(&config)?, &config)?;
        let (token, secret) = opened.handle.tokens().create(&self.name, grant).await?;
        if common.json {
            output::json(&Made { token: &token, secret: secret.expose_secret() });
        } else {
            output::progress(&format!(
                "token {}: {}. Its secret is printed to standard output once, and not stored.",
                token.id.0,
                about(&token)
            ));
            output::line(secret.expose_secret());
        }
        Ok(Exit::Yes)
    }
}

/// Agents also run commands as this user, so a person at a terminal must confirm a token that
/// decides or administers. Standard output may still be a file, for the secret.
fn confirmed(name: &str) -> Result<(), Failure> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let words = "a token with the scope decide or admin must be created by a person at a \
            terminal. Nothing was created. Agents need only the scope ask";
        return Err(Failure::new(Exit::Usage, words));
    }
    let name = one_line(name);
    output::progress(&format!(
        "The holder of this token acts in a person's name. To create it, type its name, \
         “{name}”; any other input cancels:"
    ));
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::new(Exit::Internal, format!("the terminal: {error}")))?;
    if line.trim() == name {
        Ok(())
    } else {
        Err(Failure::new(Exit::No, "not confirmed: nothing was created"))
    }
}

impl Revoke {
    async fn run(self, common: &Common) -> Outcome {
        let opened = common.open()?;
        if !opened.handle.tokens().revoke(TokenId(self.id)).await? {
            let words = format!("there is no token {} to revoke: see gander token list", self.id);
            return Err(Failure::new(Exit::Usage, words));
        }
        output::progress(&format!("token {} is revoked and no longer works", self.id));
        Ok(Exit::Yes)
    }
}

async fn list(common: &Common) -> Outcome {
    let opened = common.open_to_read()?;
    let tokens = opened.handle.tokens().list().await?;
    if common.json {
        output::json(&tokens);
        return Ok(Exit::Yes);
    }
    if tokens.is_empty() {
        output::line("no tokens: create one with gander token create NAME");
    }
    for token in &tokens {
        output::line(&format!("{}  {}  {}", token.id.0, one_line(&token.name), about(token)));
    }
    Ok(Exit::Yes)
}

/// The token's permissions, creation time and last use.
fn about(token: &Token) -> String {
    let at = |at: Time| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let scopes: Vec<&str> = token.grant.scopes.iter().map(|scope| scope.word()).collect();
    let mut parts = vec![format!("may {}", scopes.join(", "))];
    if !token.grant.projects.is_empty() {
        parts.push(format!("in {}", token.grant.projects.join(", ")));
    }
    if let Some(holder) = &token.grant.holder {
        parts.push(format!("for {} ({})", one_line(&holder.person.name), holder.person.id));
    }
    parts.push(format!("created {}", at(token.created_at)));
    parts.push(
        token.used_at.map_or_else(|| "never used".into(), |used| format!("last used {}", at(used))),
    );
    parts.extend(token.revoked_at.map(|revoked| format!("revoked {}", at(revoked))));
    parts.join(", ")
}
