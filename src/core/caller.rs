//! Who calls the approval API from elsewhere, and what they may do: agents with a token, programs
//! on the same machine, a person's own assistant.
//!
//! An agent asks, waits, takes its verdict and reports. It sees what it asked, and never decides.
//! Must not know how a caller proves who it is, or how it is connected.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Time;
use super::decision::{Decision, Person};
use super::permission::{Role, Voter};
use super::policy::project_name;

/// What a token allows.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Ask; see, wait for, take, report on and withdraw what was asked by it.
    Ask,
    /// See everything of its projects.
    Observe,
    /// Decide in the name of one person, and see what they may decide.
    Decide,
    /// See everything, withdraw anything, read the figures of the server. Never decide.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ask, Self::Observe, Self::Decide, Self::Admin];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Observe => "observe",
            Self::Decide => "decide",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|scope| scope.word() == text.trim().to_lowercase());
        found.ok_or_else(|| format!("{text:?} is no scope: write ask, observe, decide or admin"))
    }
}

/// The number of a token within its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub i64);

impl TokenId {
    /// Under which whoever shows it asks: `token:3`.
    #[must_use]
    pub fn caller(self) -> String {
        format!("token:{}", self.0)
    }
}

/// In whose name a token decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Who.
    pub person: Person,
    /// Their roles in the bot's server, by id or name, as whoever made the token says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

impl Holder {
    /// As who decides. Whether they own the application is not known of a token.
    #[must_use]
    pub fn voter(&self) -> Voter {
        let role =
            |named: &String| Role { id: named.parse().unwrap_or_default(), name: named.clone() };
        Voter {
            person: self.person.clone(),
            roles: self.roles.iter().map(role).collect(),
            owner: false,
        }
    }
}

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What it allows.
    pub scopes: BTreeSet<Scope>,
    /// In which projects; none: in all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
    /// Whose it is; never absent with [`Scope::Decide`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
}

/// Why a token cannot be made like this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ungrantable {
    /// It would allow nothing.
    #[error("a token needs at least one scope: ask, observe, decide or admin")]
    NoScope,
    /// Nobody would have decided.
    #[error("the scope decide needs a person: name their Discord id and what they are called")]
    NoHolder,
}

impl Grant {
    /// The same with its projects called as decisions call them.
    ///
    /// # Errors
    /// [`Ungrantable`] says what is missing.
    pub fn admissible(mut self) -> Result<Self, Ungrantable> {
        if self.scopes.is_empty() {
            return Err(Ungrantable::NoScope);
        }
        if self.scopes.contains(&Scope::Decide) && self.holder.is_none() {
            return Err(Ungrantable::NoHolder);
        }
        self.projects = self.projects.iter().map(|project| project_name(project)).collect();
        Ok(self)
    }
}

/// A token, without its secret: only the hash of that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its number.
    pub id: TokenId,
    /// What whoever made it calls it.
    pub name: String,
    /// What it allows.
    #[serde(flatten)]
    pub grant: Grant,
    /// When it was made, by the wall clock.
    pub created_at: Time,
    /// When it was last used, to the minute.
    pub used_at: Option<Time>,
    /// Since when it is worth nothing.
    pub revoked_at: Option<Time>,
}

/// Somebody who calls from elsewhere, as the surface has made sure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Under which it asks: `token:3`, `unix:1000`.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub grant: Grant,
    /// Everything under which its holder asks: what was asked so, it does not decide.
    pub asks_as: BTreeSet<String>,
}

/// Why a caller may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forbidden {
    /// Its token lacks this scope.
    Lacks(Scope),
    /// Its token is not for this project.
    OtherProject(String),
    /// It is another asker's.
    NotTheirs,
    /// Its holder asked it.
    OwnQuestion,
}

impl Caller {
    /// Who holds this token. `others`: all tokens of the store, also those that were revoked.
    #[must_use]
    pub fn of_token(token: &Token, others: &[Token]) -> Self {
        let holder = token.grant.holder.as_ref().map(|holder| &holder.person.id);
        let same = |other: &&Token| {
            holder.is_some() && other.grant.holder.as_ref().map(|other| &other.person.id) == holder
        };
        let mut asks_as: BTreeSet<String> =
            others.iter().filter(same).map(|other| other.id.caller()).collect();
        asks_as.insert(token.id.caller());
        asks_as.extend(holder.cloned());
        Self {
            id: token.id.caller(),
            name: token.name.clone(),
            grant: token.grant.clone(),
            asks_as,
        }
    }

    /// A program on this machine, by its user. `ours`: it runs as the same user as the bot, and
    /// could read the store anyway.
    #[must_use]
    pub fn of_user(uid: u32, name: &str, ours: bool) -> Self {
        let scopes = if ours {
            BTreeSet::from([Scope::Ask, Scope::Observe])
        } else {
            BTreeSet::from([Scope::Ask])
        };
        let id = format!("unix:{uid}");
        let grant = Grant { scopes, projects: Vec::new(), holder: None };
        Self { asks_as: BTreeSet::from([id.clone()]), id, name: name.to_owned(), grant }
    }

    /// As whom it asks.
    #[must_use]
    pub fn asker(&self) -> Person {
        Person { id: self.id.clone(), name: self.name.clone() }
    }

    /// Whether it has a scope.
    ///
    /// # Errors
    /// [`Forbidden::Lacks`].
    pub fn has(&self, scope: Scope) -> Result<(), Forbidden> {
        if self.grant.scopes.contains(&scope) { Ok(()) } else { Err(Forbidden::Lacks(scope)) }
    }

    /// Whether its token is for this project.
    fn is_for(&self, project: &str) -> bool {
        self.grant.projects.is_empty() || self.grant.projects.iter().any(|known| known == project)
    }

    /// The project that it asks in without naming one: its only one.
    #[must_use]
    pub fn only_project(&self) -> Option<String> {
        match self.grant.projects.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    /// Whether it may ask in a project, by the project's name as decisions have it.
    ///
    /// # Errors
    /// [`Forbidden::Lacks`], [`Forbidden::OtherProject`].
    pub fn may_ask(&self, project: &str) -> Result<(), Forbidden> {
        self.has(Scope::Ask)?;
        if self.is_for(project) { Ok(()) } else { Err(Forbidden::OtherProject(project.to_owned())) }
    }

    /// Whether it asked this.
    #[must_use]
    pub fn asked(&self, decision: &Decision) -> bool {
        decision.request.asked_by.as_ref().is_some_and(|asker| asker.id == self.id)
    }

    /// What it sees of other askers' decisions.
    #[must_use]
    pub fn sight(&self) -> Sight {
        let scopes = &self.grant.scopes;
        match () {
            () if scopes.contains(&Scope::Admin) => Sight::All,
            () if !scopes.contains(&Scope::Observe) && !scopes.contains(&Scope::Decide) => {
                Sight::Own { asker: self.id.clone() }
            }
            () if self.grant.projects.is_empty() => Sight::All,
            () => Sight::Projects { projects: self.grant.projects.clone(), asker: self.id.clone() },
        }
    }

    /// Whether it sees a decision. Where it does not, there is none for it.
    #[must_use]
    pub fn sees(&self, decision: &Decision) -> bool {
        match self.sight() {
            Sight::All => true,
            Sight::Projects { projects, .. } => {
                self.asked(decision) || projects.contains(&decision.request.project)
            }
            Sight::Own { .. } => self.asked(decision),
        }
    }

    /// Whether it may take the verdict of a decision, and report on it.
    ///
    /// # Errors
    /// [`Forbidden::Lacks`], [`Forbidden::NotTheirs`].
    pub fn may_take(&self, decision: &Decision) -> Result<(), Forbidden> {
        self.has(Scope::Ask)?;
        if self.asked(decision) { Ok(()) } else { Err(Forbidden::NotTheirs) }
    }

    /// Whether it may take a question back.
    ///
    /// # Errors
    /// As [`Caller::may_take`].
    pub fn may_withdraw(&self, decision: &Decision) -> Result<(), Forbidden> {
        self.has(Scope::Admin).or_else(|_| self.may_take(decision))
    }

    /// In whose name it may decide a decision, as far as its token goes; whether that person may is
    /// [`super::permission`]'s.
    ///
    /// # Errors
    /// [`Forbidden::Lacks`], [`Forbidden::OtherProject`], [`Forbidden::OwnQuestion`].
    pub fn may_decide(&self, decision: &Decision) -> Result<Voter, Forbidden> {
        self.has(Scope::Decide)?;
        let holder = self.grant.holder.as_ref().ok_or(Forbidden::Lacks(Scope::Decide))?;
        let project = &decision.request.project;
        if !self.is_for(project) {
            return Err(Forbidden::OtherProject(project.clone()));
        }
        if decision.request.asked_by.as_ref().is_some_and(|asker| self.asks_as.contains(&asker.id))
        {
            return Err(Forbidden::OwnQuestion);
        }
        Ok(holder.voter())
    }
}

/// Which decisions a caller sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sight {
    /// All of them.
    #[default]
    All,
    /// Those of these projects, and what it asked.
    Projects {
        /// The projects.
        projects: Vec<String>,
        /// Under which it asks.
        asker: String,
    },
    /// What it asked.
    Own {
        /// Under which it asks.
        asker: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::{DecisionId, Request, Terms};

    fn token(id: i64, scopes: &[Scope], projects: &[&str], holder: Option<u64>) -> Token {
        let holder = holder
            .map(|user| Holder { person: Person::discord(user, "Maya"), roles: vec!["77".into()] });
        let projects = projects.iter().map(|project| (*project).to_owned()).collect();
        let grant = Grant { scopes: scopes.iter().copied().collect(), projects, holder };
        let now = Time::UNIX_EPOCH;
        Token {
            id: TokenId(id),
            name: "x".into(),
            grant,
            created_at: now,
            used_at: None,
            revoked_at: None,
        }
    }

    fn asked_by(asker: Option<&str>, project: &str) -> Decision {
        let asked_by = asker.map(|id| Person { id: id.into(), name: "x".into() });
        let request = Request { project: project.into(), asked_by, ..Request::default() };
        Decision::new(DecisionId(1), request, Terms::default(), Time::UNIX_EPOCH)
    }

    #[test]
    fn an_asker_sees_takes_and_never_decides_what_it_asked() {
        let caller = Caller::of_token(&token(1, &[Scope::Ask], &[], None), &[]);
        let (own, other) = (asked_by(Some("token:1"), "shop"), asked_by(Some("token:2"), "shop"));
        assert!(caller.sees(&own) && !caller.sees(&other) && !caller.sees(&asked_by(None, "shop")));
        assert_eq!(
            (caller.may_take(&own), caller.may_take(&other)),
            (Ok(()), Err(Forbidden::NotTheirs))
        );
        assert_eq!(caller.may_decide(&own), Err(Forbidden::Lacks(Scope::Decide)));
        assert_eq!(caller.may_decide(&other), Err(Forbidden::Lacks(Scope::Decide)));
    }

    #[test]
    fn a_token_keeps_to_its_projects() {
        let caller = Caller::of_token(&token(1, &Scope::ALL[..3], &["shop"], Some(7)), &[]);
        assert_eq!(caller.may_ask("notes"), Err(Forbidden::OtherProject("notes".into())));
        assert!(caller.may_ask("shop").is_ok());
        let (shop, notes) = (asked_by(None, "shop"), asked_by(None, "notes"));
        assert!(caller.sees(&shop) && !caller.sees(&notes));
        assert_eq!(caller.may_decide(&notes), Err(Forbidden::OtherProject("notes".into())));
        assert_eq!(caller.may_decide(&shop).unwrap().person, Person::discord(7, "Maya"));
    }

    #[test]
    fn no_token_decides_what_its_holder_asked() {
        let (asks, decides) =
            (token(1, &[Scope::Ask], &[], Some(7)), token(2, &[Scope::Decide], &[], Some(7)));
        let caller = Caller::of_token(
            &decides,
            &[asks, decides.clone(), token(3, &[Scope::Ask], &[], Some(8))],
        );
        for own in ["token:1", "token:2", "discord:7"] {
            assert_eq!(
                caller.may_decide(&asked_by(Some(own), "shop")),
                Err(Forbidden::OwnQuestion),
                "{own}"
            );
        }
        for other in [Some("token:3"), Some("discord:8"), Some("unix:1000"), None] {
            assert!(caller.may_decide(&asked_by(other, "shop")).is_ok(), "{other:?}");
        }
    }

    #[test]
    fn an_administrator_sees_everything_and_decides_nothing() {
        let caller = Caller::of_token(&token(1, &[Scope::Admin], &["shop"], None), &[]);
        let other = asked_by(Some("token:2"), "notes");
        assert!(caller.sees(&other) && caller.may_withdraw(&other).is_ok());
        assert_eq!(caller.may_take(&other), Err(Forbidden::Lacks(Scope::Ask)));
        assert_eq!(caller.may_decide(&other), Err(Forbidden::Lacks(Scope::Decide)));
    }

    #[test]
    fn a_token_without_a_scope_or_a_holder_is_not_made() {
        let grant = |scopes: &[Scope]| Grant {
            scopes: scopes.iter().copied().collect(),
            projects: vec![],
            holder: None,
        };
        assert_eq!(grant(&[]).admissible(), Err(Ungrantable::NoScope));
        assert_eq!(grant(&[Scope::Decide]).admissible(), Err(Ungrantable::NoHolder));
        let shop = Grant { projects: vec!["Web-Shop ".into()], ..grant(&[Scope::Ask]) };
        assert_eq!(shop.admissible().unwrap().projects, ["web-shop"]);
    }
}
