//! The callers of the approval API and their rights: agents with a token, programs on the same
//! machine, a person's own assistant.
//!
//! An agent asks, waits, claims its verdict and reports the outcome. It sees its own decisions and
//! never decides. This module does not depend on how callers authenticate or connect.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Time;
use super::decision::authorization::{ApproverRule, Area, Role, Voter, areas_of};
use super::decision::{Decision, Person};
use super::policy::rules::project_name;

/// A right that a token grants.
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
    /// Ask; see, wait for, claim, report on and withdraw the caller's own decisions.
    Ask,
    /// See all decisions of the token's projects.
    Observe,
    /// Decide in the name of one person, and see what this person may decide in the token's
    /// projects.
    Decide,
    /// See and withdraw every decision of the token's projects. Never decide.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 4] = [Self::Ask, Self::Observe, Self::Decide, Self::Admin];

    /// The scope's name: `ask`, `observe`, `decide` or `admin`.
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
        found.ok_or_else(|| format!("{text:?} is not a scope: write ask, observe, decide or admin"))
    }
}

/// The number of a token within its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub i64);

impl TokenId {
    /// The caller id of this token's holder: `token:3`.
    #[must_use]
    pub fn caller(self) -> String {
        format!("token:{}", self.0)
    }
}

/// The person in whose name a token decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The person.
    pub person: Person,
    /// The person's roles in the bot's server, by id or name, as stated by the creator of the
    /// token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

impl Holder {
    /// The holder as a voter. `owner` is false: a token does not tell whether the holder owns the
    /// application.
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

/// The rights of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The scopes.
    pub scopes: BTreeSet<Scope>,
    /// The projects for which the token is valid; an empty list means all projects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
    /// The holder; always present with [`Scope::Decide`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
}

/// Why a token cannot be created with the requested rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGrant {
    /// No scope was given.
    #[error("a token needs at least one scope: ask, observe, decide or admin")]
    NoScope,
    /// [`Scope::Decide`] without a person to decide as.
    #[error("the scope decide needs a person: give their Discord id and name")]
    NoHolder,
}

impl Grant {
    /// Checks the rights and normalises the project names to the spelling that decisions use.
    ///
    /// # Errors
    /// [`InvalidGrant`] says which part is missing.
    pub fn validated(mut self) -> Result<Self, InvalidGrant> {
        if self.scopes.is_empty() {
            return Err(InvalidGrant::NoScope);
        }
        if self.scopes.contains(&Scope::Decide) && self.holder.is_none() {
            return Err(InvalidGrant::NoHolder);
        }
        self.projects = self.projects.iter().map(|project| project_name(project)).collect();
        Ok(self)
    }
}

/// A token without its secret. The store keeps only a hash of the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// The token's number.
    pub id: TokenId,
    /// The name given by the token's creator.
    pub name: String,
    /// The token's rights.
    #[serde(flatten)]
    pub grant: Grant,
    /// Time of creation, by the wall clock.
    pub created_at: Time,
    /// Time of last use, accurate to a minute.
    pub used_at: Option<Time>,
    /// Time of revocation. A revoked token grants nothing.
    pub revoked_at: Option<Time>,
}

/// What Discord says about a token's holder now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum HolderStanding {
    /// No bot has asked Discord: the holder is what the creator of the token stated.
    #[default]
    Stated,
    /// A member of the bot's server.
    Member {
        /// The member's roles.
        roles: Vec<Role>,
        /// Whether the member owns the bot's application.
        owner: bool,
    },
    /// Not a member of the bot's server.
    Left,
    /// Discord has not answered, and nothing is known from before.
    Unknown,
}

/// An authenticated caller of the API. The surface has verified the identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The caller id, stored with the caller's decisions: `token:3`, `unix:1000`.
    pub id: String,
    /// The caller's display name.
    pub name: String,
    /// The caller's rights.
    pub grant: Grant,
    /// All ids under which the caller's holder asks. The caller cannot decide a decision asked
    /// under any of these ids.
    pub requester_ids: BTreeSet<String>,
    /// The standing of the token's holder.
    pub standing: HolderStanding,
}

/// Why a caller's request is forbidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forbidden {
    /// The token lacks this scope.
    Lacks(Scope),
    /// The token is not valid for this project.
    OtherProject(String),
    /// Another caller asked the decision.
    NotTheirs,
    /// The token's holder asked the decision.
    OwnQuestion,
    /// The token's holder has left the bot's server.
    HolderLeft,
    /// Whether the token's holder is a member of the bot's server cannot be found out now.
    HolderUnknown,
}

impl Caller {
    /// The caller behind a token. `others`: all tokens of the store, including revoked tokens.
    #[must_use]
    pub fn of_token(token: &Token, others: &[Token]) -> Self {
        let holder = token.grant.holder.as_ref().map(|holder| &holder.person.id);
        let same = |other: &&Token| {
            holder.is_some() && other.grant.holder.as_ref().map(|other| &other.person.id) == holder
        };
        let mut requester_ids: BTreeSet<String> =
            others.iter().filter(same).map(|other| other.id.caller()).collect();
        requester_ids.insert(token.id.caller());
        requester_ids.extend(holder.cloned());
        Self {
            id: token.id.caller(),
            name: token.name.clone(),
            grant: token.grant.clone(),
            requester_ids,
            standing: HolderStanding::Stated,
        }
    }

    /// A program on this machine, identified by its Unix user. `ours`: the program runs as the
    /// bot's own user and could read the store anyway.
    #[must_use]
    pub fn of_user(uid: u32, name: &str, ours: bool) -> Self {
        let scopes = if ours {
            BTreeSet::from([Scope::Ask, Scope::Observe])
        } else {
            BTreeSet::from([Scope::Ask])
        };
        let id = format!("unix:{uid}");
        let grant = Grant { scopes, projects: Vec::new(), holder: None };
        let standing = HolderStanding::Stated;
        let requester_ids = BTreeSet::from([id.clone()]);
        Self { requester_ids, id, name: name.to_owned(), grant, standing }
    }

    /// The caller, with this standing of the token's holder.
    #[must_use]
    pub fn with_standing(self, standing: HolderStanding) -> Self {
        Self { standing, ..self }
    }

    /// The caller as the requester of a decision.
    #[must_use]
    pub fn asker(&self) -> Person {
        Person { id: self.id.clone(), name: self.name.clone() }
    }

    /// Checks that the caller has a scope.
    ///
    /// # Errors
    /// [`Forbidden::Lacks`].
    pub fn has(&self, scope: Scope) -> Result<(), Forbidden> {
        if self.grant.scopes.contains(&scope) { Ok(()) } else { Err(Forbidden::Lacks(scope)) }
    }

    /// Whether the token is valid for this project.
    fn is_for(&self, project: &str) -> bool {
        self.grant.projects.is_empty() || self.grant.projects.iter().any(|known| known == project)
    }

    /// The default project of the caller's requests: the token's only project, if the token has
    /// exactly one.
    #[must_use]
    pub fn only_project(&self) -> Option<String> {
        match self.grant.projects.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    /// Checks that the caller may ask in a project. `project` is the normalised name.
    ///
    /// # Errors
    /// [`Forbidden::Lacks`], [`Forbidden::OtherProject`].
    pub fn may_ask(&self, project: &str) -> Result<(), Forbidden> {
        self.has(Scope::Ask)?;
        if self.is_for(project) { Ok(()) } else { Err(Forbidden::OtherProject(project.to_owned())) }
    }

    /// Whether the caller asked this decision.
    #[must_use]
    pub fn asked(&self, decision: &Decision) -> bool {
        decision.request.asked_by.as_ref().is_some_and(|asker| asker.id == self.id)
    }

    /// Whether the caller sees all decisions of the token's projects, and not only those that the
    /// holder may decide.
    fn observes(&self) -> bool {
        [Scope::Observe, Scope::Admin].iter().any(|scope| self.grant.scopes.contains(scope))
    }

    /// The projects to which the caller's view of the whole is limited. `None`: no limit.
    #[must_use]
    pub fn project_limit(&self) -> Option<&[String]> {
        Some(self.grant.projects.as_slice()).filter(|projects| !projects.is_empty())
    }

    /// The decisions that the caller can see, beside its own, under these approver rules.
    fn areas(&self, approvers: &[ApproverRule]) -> Vec<Area> {
        let projects = &self.grant.projects;
        if self.observes() {
            return vec![Area::of_projects(projects)];
        }
        let Ok(voter) = self.voter(approvers) else { return Vec::new() };
        let areas = areas_of(approvers, &voter);
        areas.iter().filter_map(|area| area.within(projects)).collect()
    }

    /// The decisions that the caller can see under these approver rules.
    #[must_use]
    pub fn visibility(&self, approvers: &[ApproverRule]) -> Visibility {
        let areas = self.areas(approvers);
        if areas.contains(&Area::default()) {
            return Visibility::All;
        }
        Visibility::Limited { areas, asker: self.id.clone() }
    }

    /// Whether the caller can see a decision under these approver rules. To the caller an invisible
    /// decision does not exist.
    #[must_use]
    pub fn can_see(&self, decision: &Decision, approvers: &[ApproverRule]) -> bool {
        self.asked(decision) || self.areas(approvers).iter().any(|area| area.covers(decision))
    }

    /// Checks that the caller may claim a decision's verdict and report on the outcome.
    ///
    /// # Errors
    /// [`Forbidden::Lacks`], [`Forbidden::NotTheirs`].
    pub fn may_take(&self, decision: &Decision) -> Result<(), Forbidden> {
        self.has(Scope::Ask)?;
        if self.asked(decision) { Ok(()) } else { Err(Forbidden::NotTheirs) }
    }

    /// Checks that the caller may withdraw a decision.
    ///
    /// # Errors
    /// See [`Caller::may_take`].
    pub fn may_withdraw(&self, decision: &Decision) -> Result<(), Forbidden> {
        if self.has(Scope::Admin).is_ok() && self.is_for(&decision.request.project) {
            return Ok(());
        }
        self.may_take(decision)
    }

    /// The person in whose name the caller decides, with the roles of now. Without any approver
    /// rule and before a bot has asked Discord, the holder counts as the application's owner:
    /// creating the token took the same access to the store.
    ///
    /// # Errors
    /// [`Forbidden::Lacks`], [`Forbidden::HolderLeft`], [`Forbidden::HolderUnknown`].
    pub fn voter(&self, approvers: &[ApproverRule]) -> Result<Voter, Forbidden> {
        self.has(Scope::Decide)?;
        let holder = self.grant.holder.as_ref().ok_or(Forbidden::Lacks(Scope::Decide))?;
        match &self.standing {
            HolderStanding::Stated => Ok(Voter { owner: approvers.is_empty(), ..holder.voter() }),
            HolderStanding::Member { roles, owner } => {
                Ok(Voter { person: holder.person.clone(), roles: roles.clone(), owner: *owner })
            }
            HolderStanding::Left => Err(Forbidden::HolderLeft),
            HolderStanding::Unknown => Err(Forbidden::HolderUnknown),
        }
    }

    /// The person in whose name the caller may decide, as far as the token's rights go. Whether the
    /// person is an approver is checked by [`super::decision::authorization`].
    ///
    /// # Errors
    /// [`Forbidden::OtherProject`], [`Forbidden::OwnQuestion`], and as [`Caller::voter`].
    pub fn may_decide(
        &self,
        decision: &Decision,
        approvers: &[ApproverRule],
    ) -> Result<Voter, Forbidden> {
        let voter = self.voter(approvers)?;
        let project = &decision.request.project;
        if !self.is_for(project) {
            return Err(Forbidden::OtherProject(project.clone()));
        }
        if decision
            .request
            .asked_by
            .as_ref()
            .is_some_and(|asker| self.requester_ids.contains(&asker.id))
        {
            return Err(Forbidden::OwnQuestion);
        }
        Ok(voter)
    }
}

/// The set of decisions that a caller can see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Visibility {
    /// All decisions.
    #[default]
    All,
    /// The decisions of these areas, and the caller's own decisions.
    Limited {
        /// The areas. Empty: only the caller's own decisions.
        areas: Vec<Area>,
        /// The caller id.
        asker: String,
    },
}

#[cfg(test)]
mod tests;
