//! The permission rules: who may decide, and on what grounds.
//!
//! Does not depend on how a surface identifies a person; the person and the person's roles are
//! arguments.

use serde::{Deserialize, Serialize};

use super::pending_summary::PendingSummary;
use super::{Decision, Kind, Person, Risk, Vote};

/// A configured rule: these people may decide these decisions. An empty list of projects, kinds or
/// risks means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApproverRule {
    /// Discord user ids.
    pub users: Vec<u64>,
    /// Discord roles, by id or by name.
    pub roles: Vec<String>,
    /// Projects covered.
    pub projects: Vec<String>,
    /// Kinds covered.
    pub kinds: Vec<Kind>,
    /// Risks covered.
    pub risks: Vec<Risk>,
}

impl ApproverRule {
    fn covers(&self, about: About<'_>) -> bool {
        (self.projects.is_empty() || self.projects.iter().any(|project| project == about.project))
            && (self.kinds.is_empty() || self.kinds.contains(about.kind))
            && (self.risks.is_empty() || self.risks.contains(&about.risk))
    }
}

/// A set of decisions: those of these projects, kinds and risks. An empty list means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Area {
    /// The projects.
    pub projects: Vec<String>,
    /// The kinds.
    pub kinds: Vec<Kind>,
    /// The risks.
    pub risks: Vec<Risk>,
}

impl Area {
    /// All decisions of these projects; of all projects, if none is named.
    #[must_use]
    pub fn of_projects(projects: &[String]) -> Self {
        Self { projects: projects.to_vec(), ..Self::default() }
    }

    /// The part of this area within these projects; all of the area, if no project is named.
    /// `None`: no part.
    #[must_use]
    pub fn within(&self, projects: &[String]) -> Option<Self> {
        if projects.is_empty() {
            return Some(self.clone());
        }
        let covered = |project: &&String| {
            self.projects.is_empty() || self.projects.iter().any(|known| known == *project)
        };
        let projects: Vec<String> = projects.iter().filter(covered).cloned().collect();
        (!projects.is_empty()).then_some(Self { projects, ..self.clone() })
    }

    /// Whether a decision belongs to this area.
    #[must_use]
    pub fn covers<'a>(&self, decision: impl Into<About<'a>>) -> bool {
        let about = decision.into();
        self.covers_project(about.project)
            && (self.kinds.is_empty() || self.kinds.contains(about.kind))
            && (self.risks.is_empty() || self.risks.contains(&about.risk))
    }

    /// Whether decisions of a project belong to this area.
    #[must_use]
    pub fn covers_project(&self, project: &str) -> bool {
        self.projects.is_empty() || self.projects.iter().any(|known| known == project)
    }
}

/// The decisions that a person may decide, beside the person's own questions. Empty: the person is
/// no approver.
#[must_use]
pub fn areas_of(rules: &[ApproverRule], voter: &Voter) -> Vec<Area> {
    if rules.is_empty() {
        return Vec::from_iter(voter.owner.then(Area::default));
    }
    let user = voter.person.discord_id();
    let names = |rule: &&ApproverRule| {
        user.is_some_and(|user| rule.users.contains(&user))
            || rule.roles.iter().any(|named| voter.roles.iter().any(|role| role.is(named)))
    };
    let area = |rule: &ApproverRule| Area {
        projects: rule.projects.clone(),
        kinds: rule.kinds.clone(),
        risks: rule.risks.clone(),
    };
    rules.iter().filter(names).map(area).collect()
}

/// The properties of a decision that determine its approvers.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    project: &'a str,
    kind: &'a Kind,
    risk: Risk,
    asked_by: Option<&'a str>,
}

impl<'a> About<'a> {
    /// A question that is not asked yet.
    #[must_use]
    pub const fn question(project: &'a str, kind: &'a Kind, risk: Risk) -> Self {
        Self { project, kind, risk, asked_by: None }
    }
}

impl<'a> From<&'a Decision> for About<'a> {
    fn from(decision: &'a Decision) -> Self {
        let request = &decision.request;
        let asked_by = request.asked_by.as_ref().map(|asker| asker.id.as_str());
        Self { project: &request.project, kind: &request.kind, risk: decision.terms.risk, asked_by }
    }
}

impl<'a> From<&'a PendingSummary> for About<'a> {
    fn from(waiting: &'a PendingSummary) -> Self {
        Self {
            project: &waiting.project,
            kind: &waiting.kind,
            risk: waiting.risk,
            asked_by: waiting.asked_by.as_deref(),
        }
    }
}

/// A Discord role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// The role's id.
    pub id: u64,
    /// The role's name. Several roles may share a name.
    pub name: String,
}

impl Role {
    /// Whether a rule's entry means this role. An entry of digits is always an id, so a role whose
    /// name looks like an id grants nothing.
    #[must_use]
    pub fn is(&self, named: &str) -> bool {
        match named.parse::<u64>() {
            Ok(id) => self.id == id,
            // A role whose data has not been loaded has an empty name and matches no rule by name.
            Err(_) => !named.is_empty() && self.name == named,
        }
    }
}

/// A person who wants to decide, as authenticated by the surface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voter {
    /// The person.
    pub person: Person,
    /// The person's roles in the bot's server.
    pub roles: Vec<Role>,
    /// Whether the person owns the bot's application.
    pub owner: bool,
}

/// A voter known only by identity: no roles, no ownership.
impl From<Person> for Voter {
    fn from(person: Person) -> Self {
        Self { person, roles: Vec::new(), owner: false }
    }
}

/// The grounds, beside identity, on which a person was an approver when voting. Recorded with the
/// vote, because the person's current roles are not available when votes are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grounds {
    /// Whether the person owned the bot's application.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub owner: bool,
    /// The person's roles in the bot's server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
}

impl Grounds {
    /// Whether nothing is recorded. The vote then counts only if a rule names the voter's user id.
    #[must_use]
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The ground on which a person may decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// No approvers are configured, and the person owns the application.
    Owner,
    /// A rule names the person's user id.
    User,
    /// A rule names this role of the person.
    Role(String),
}

/// The approvers of a decision, shown to people who may not decide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Approvers {
    /// Whether the application's owner may decide: true if no approvers are configured.
    pub owner: bool,
    /// Discord user ids.
    pub users: Vec<u64>,
    /// Discord roles, by id or by name.
    pub roles: Vec<String>,
}

/// Why a person may not decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// The person is not among these approvers.
    NotAnApprover(Approvers),
    /// The person asked the decision.
    OwnQuestion,
    /// Approvers are configured, but no rule covers this decision, so no person may decide.
    NoApprovers,
}

/// The approvers of this decision.
#[must_use]
pub fn approvers_of<'a>(rules: &[ApproverRule], decision: impl Into<About<'a>>) -> Approvers {
    let about = decision.into();
    let mut who = Approvers { owner: rules.is_empty(), ..Approvers::default() };
    for rule in rules.iter().filter(|rule| rule.covers(about)) {
        for user in &rule.users {
            if !who.users.contains(user) {
                who.users.push(*user);
            }
        }
        for role in &rule.roles {
            if !who.roles.contains(role) {
                who.roles.push(role.clone());
            }
        }
    }
    who
}

/// Checks that a person may decide this decision.
///
/// # Errors
/// [`Denied`] with the approvers.
pub fn may_decide<'a>(
    rules: &[ApproverRule],
    decision: impl Into<About<'a>>,
    voter: &Voter,
) -> Result<Granted, Denied> {
    let about = decision.into();
    if about.asked_by.is_some_and(|asker| asker == voter.person.id) {
        return Err(Denied::OwnQuestion);
    }
    let who = approvers_of(rules, about);
    if who.owner && voter.owner {
        return Ok(Granted::Owner);
    }
    if voter.person.discord_id().is_some_and(|id| who.users.contains(&id)) {
        return Ok(Granted::User);
    }
    if let Some(role) = who.roles.iter().find(|named| voter.roles.iter().any(|role| role.is(named)))
    {
        return Ok(Granted::Role(role.clone()));
    }
    if !who.owner && who.users.is_empty() && who.roles.is_empty() {
        return Err(Denied::NoApprovers);
    }
    Err(Denied::NotAnApprover(who))
}

/// The voters of an open decision whose approvals do not count under these rules, judged by the
/// grounds recorded with each vote. A vote counts while a rule names the voter's user id or a role
/// held when voting, or, without any configured approvers, if the voter owned the application.
#[must_use]
pub fn voters_not_counted(rules: &[ApproverRule], decision: &Decision) -> Vec<Person> {
    let votes = if decision.state.is_open() { decision.state.votes() } else { &[] };
    let counts = |vote: &&Vote| {
        let Grounds { owner, roles } = vote.grounds.clone();
        may_decide(rules, decision, &Voter { person: vote.by.clone(), roles, owner }).is_ok()
    };
    votes.iter().filter(|vote| !counts(vote)).map(|vote| vote.by.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Time;
    use crate::core::decision::{DecisionId, Request, Revision, Terms, Verdict, Via};

    fn decision(project: &str, risk: Risk) -> Decision {
        let terms = Terms { risk, sla_seconds: 60, ..Terms::default() };
        let request =
            Request { project: project.into(), kind: "deploy".into(), ..Request::default() };
        Decision::new(DecisionId(1), request, terms, Time::UNIX_EPOCH)
    }

    fn voter(id: u64, roles: &[&str], owner: bool) -> Voter {
        let roles = roles.iter().map(|name| Role { id: 9, name: (*name).to_owned() }).collect();
        Voter { person: Person::discord(id, "x"), roles, owner }
    }

    #[test]
    fn without_rules_the_owner_decides_alone() {
        let decision = decision("shop", Risk::Low);
        assert_eq!(may_decide(&[], &decision, &voter(1, &[], true)), Ok(Granted::Owner));
        let other = may_decide(&[], &decision, &voter(2, &["Approvers"], false));
        assert!(matches!(other, Err(Denied::NotAnApprover(who)) if who.owner));
    }

    #[test]
    fn with_rules_the_owner_is_nobody_special() {
        let rules = [ApproverRule { users: vec![7], ..ApproverRule::default() }];
        assert_eq!(
            may_decide(&rules, &decision("shop", Risk::Low), &voter(7, &[], false)),
            Ok(Granted::User)
        );
        assert!(may_decide(&rules, &decision("shop", Risk::Low), &voter(1, &[], true)).is_err());
    }

    #[test]
    fn a_rule_covers_its_projects_kinds_and_risks() {
        let rules = [ApproverRule {
            roles: vec!["Approvers".into()],
            projects: vec!["shop".into()],
            kinds: vec!["deploy".into()],
            risks: vec![Risk::Low],
            ..ApproverRule::default()
        }];
        let jonas = voter(2, &["Approvers"], false);
        assert_eq!(
            may_decide(&rules, &decision("shop", Risk::Low), &jonas),
            Ok(Granted::Role("Approvers".into()))
        );
        assert_eq!(
            may_decide(&rules, &decision("shop", Risk::High), &jonas),
            Err(Denied::NoApprovers)
        );
        assert_eq!(
            may_decide(&rules, &decision("other", Risk::Low), &jonas),
            Err(Denied::NoApprovers)
        );
    }

    #[test]
    fn nobody_decides_what_they_asked() {
        let mut own = decision("shop", Risk::Low);
        own.request.asked_by = Some(Person::discord(7, "Maya"));
        let rules = [ApproverRule { users: vec![7, 8], ..ApproverRule::default() }];
        assert_eq!(may_decide(&rules, &own, &voter(7, &[], false)), Err(Denied::OwnQuestion));
        assert_eq!(may_decide(&rules, &own, &voter(8, &[], false)), Ok(Granted::User));
    }

    /// A decision that needs three approvals, approved by this voter.
    fn approved_by(voter: Voter) -> Decision {
        let open = decision("shop", Risk::Low);
        let open = Decision { terms: Terms { approvals: 3, ..open.terms.clone() }, ..open };
        let voted = open.resolve(Verdict::approved(), voter, Via::Discord, Revision(1)).unwrap();
        open.evolve(&voted, Time::UNIX_EPOCH, 2)
    }

    #[test]
    fn a_vote_counts_while_its_voter_is_named_or_a_role_that_they_had_is() {
        let named = |users: &[u64], roles: &[&str]| {
            let roles = roles.iter().map(|&role| role.to_owned()).collect();
            [ApproverRule { users: users.to_vec(), roles, ..ApproverRule::default() }]
        };
        let with_role = approved_by(voter(7, &["Approvers"], false));
        for (rules, counts) in [
            (named(&[7], &[]), true),
            (named(&[8], &["Approvers"]), true),
            (named(&[], &["9"]), true),
            (named(&[8], &["Leads"]), false),
        ] {
            assert_eq!(voters_not_counted(&rules, &with_role).is_empty(), counts, "{rules:?}");
        }
        assert_eq!(
            voters_not_counted(&[], &with_role),
            [Person::discord(7, "x")],
            "the owner's alone, and they are not"
        );
        assert!(voters_not_counted(&[], &approved_by(voter(7, &[], true))).is_empty(), "the owner");
        // For a vote from before grounds were recorded, only the voter's identity is known.
        let bare = approved_by(Person::discord(7, "x").into());
        assert!(voters_not_counted(&named(&[7], &[]), &bare).is_empty());
        assert_eq!(voters_not_counted(&named(&[8], &["Approvers"]), &bare).len(), 1);
    }

    #[test]
    fn who_is_no_discord_user_matches_no_user_rule() {
        let rules = [ApproverRule { users: vec![7], ..ApproverRule::default() }];
        let stranger = Voter {
            person: Person { id: "terminal:7".into(), name: "7".into() },
            roles: Vec::new(),
            owner: false,
        };
        assert!(may_decide(&rules, &decision("shop", Risk::Low), &stranger).is_err());
    }

    #[test]
    fn a_role_called_like_another_ones_id_is_not_that_one() {
        let rules = [ApproverRule { roles: vec!["77".into()], ..ApproverRule::default() }];
        let of = |id, name: &str| Voter {
            roles: vec![Role { id, name: name.into() }],
            ..voter(2, &[], false)
        };
        assert!(may_decide(&rules, &decision("shop", Risk::Low), &of(8, "77")).is_err());
        assert!(may_decide(&rules, &decision("shop", Risk::Low), &of(77, "x")).is_ok());
        let blank = [ApproverRule { roles: vec![String::new()], ..ApproverRule::default() }];
        assert!(may_decide(&blank, &decision("shop", Risk::Low), &of(8, "")).is_err());
    }
}
