//! What a project and a kind allow, whatever the asker says of itself.
//!
//! Risk can be raised by the asker, never lowered; the SLA has a floor; a default of approve is
//! refused for high and critical risk and wherever it is not allowed. So an agent cannot talk
//! itself into an approval. Must not know where the numbers come from (`config`).

use std::collections::BTreeMap;

use super::batch::Batching;
use super::daily::Daily;
use super::decision::{DeferLimits, Expects, Kind, Request, Risk, SafeDefault, Terms};
use super::guard::Guard;
use super::ladder::Ladder;
use super::outgoing::Ways;
use super::people::Profile;
use super::permission::ApproverRule;
use super::routing::{Thresholds, starts_at_mention};
use super::untrusted::{is_dressed_up, one_line};

/// What policy says about one project or one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// At least this risk.
    pub risk: Option<Risk>,
    /// Seconds until the breach, where the asker names none.
    pub sla_seconds: Option<u64>,
    /// A default of approve may be asked for, at low and medium risk.
    pub allow_default_approve: bool,
    /// At least this many different people must approve.
    pub approvals: Option<u32>,
    /// What happens while nobody answers.
    pub ladder: Option<Ladder>,
    /// What the agent is sure of may pass without a person, where project and kind both say so
    /// ([`super::routing`]).
    pub route_by_confidence: bool,
}

/// Everything the configuration says that decides about decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Who may decide; empty: the application's owner.
    pub approvers: Vec<ApproverRule>,
    /// By project.
    pub projects: BTreeMap<String, Rule>,
    /// By kind.
    pub kinds: BTreeMap<Kind, Rule>,
    /// Seconds until the breach, by risk.
    pub sla_by_risk: BTreeMap<Risk, u64>,
    /// Seconds until the breach, where nothing else says.
    pub sla_seconds: u64,
    /// No asker gets a shorter one, in seconds.
    pub sla_floor_seconds: u64,
    /// What happens while nobody answers, by risk.
    pub ladder_by_risk: BTreeMap<Risk, Ladder>,
    /// What happens while nobody answers, where nothing else says.
    pub ladder: Ladder,
    /// How often and how far a decision may be put off.
    pub defer: DeferLimits,
    /// The server's time zone: whose tomorrow is meant.
    pub zone: chrono_tz::Tz,
    /// When and where people can be reached, as configured.
    pub people: Vec<Profile>,
    /// By which ways people are reached beyond the surface.
    pub ways: Ways,
    /// When decisions share a card.
    pub batching: Batching,
    /// How sure an agent must be.
    pub confidence: Thresholds,
    /// What is posted once a day, and when.
    pub daily: Daily,
    /// When somebody is asked once more before they approve.
    pub guard: Guard,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            approvers: Vec::new(),
            projects: BTreeMap::new(),
            kinds: BTreeMap::new(),
            sla_by_risk: BTreeMap::new(),
            sla_seconds: 4 * 3600 + 1800,
            sla_floor_seconds: 10 * 60,
            ladder_by_risk: BTreeMap::new(),
            ladder: Ladder::default(),
            defer: DeferLimits::default(),
            zone: chrono_tz::UTC,
            people: Vec::new(),
            ways: Ways::default(),
            batching: Batching::default(),
            confidence: Thresholds::default(),
            daily: Daily::default(),
            guard: Guard::default(),
        }
    }
}

impl Rules {
    /// Every ladder that some decision may climb.
    pub fn ladders(&self) -> impl Iterator<Item = &Ladder> {
        let rules = self.projects.values().chain(self.kinds.values());
        rules
            .filter_map(|rule| rule.ladder.as_ref())
            .chain(self.ladder_by_risk.values())
            .chain([&self.ladder])
    }
}

/// The longest SLA that is taken: a year, in seconds.
pub const LONGEST_SLA_SECONDS: u64 = 366 * 24 * 3600;

/// What is wrong with a request, to be told to the asker. Nothing was filed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inadmissible {
    /// The title is empty.
    #[error("the title is empty: say in one line what is to be decided")]
    NoTitle,
    /// The project's name is empty.
    #[error("the project is empty: name one, or leave it out for \"default\"")]
    NoProject,
    /// The confidence is no probability.
    #[error("the confidence is {0}: give a number from 0 to 1, or leave it out")]
    Confidence(String),
    /// A default of approve where it must not be.
    #[error(
        "a default of approve is refused for {0} risk: nobody's silence approves that. Ask with --default reject"
    )]
    DefaultApproveRisk(Risk),
    /// A default of approve where it is not allowed.
    #[error(
        "a default of approve is not allowed for project {project:?} and kind {kind:?}: ask with --default reject, or let the \
         person who runs Gander set allow_default_approve for it in their configuration"
    )]
    DefaultApproveNotAllowed {
        /// The project.
        project: String,
        /// The kind.
        kind: String,
    },
    /// A choice with too few or too many options.
    #[error("a choice needs 2 to {MOST_OPTIONS} options, and {0} were given")]
    Options(usize),
    /// Options where nothing is chosen.
    #[error(
        "options go with a choice, and this one expects you to {0}: leave them out, or ask with --expects choose"
    )]
    StrayOptions(Expects),
    /// Two options of the same name, or one without.
    #[error(
        "the option {0:?} is there twice, or has no name: each needs one of its own, of at most {LONGEST_OPTION} characters"
    )]
    OptionName(String),
    /// A default of approve for something that is not approved.
    #[error(
        "a default of approve is for what is approved or rejected, and this one expects you to {0}"
    )]
    DefaultApproveExpects(Expects),
    /// A name that could pass for another.
    #[error(
        "the {what} {name:?} is no plain name: use letters of one alphabet, digits, blanks and - _ . / only, at most {LONGEST_NAME} bytes"
    )]
    Name {
        /// Project or kind.
        what: &'static str,
        /// As it was given.
        name: String,
    },
    /// A key that stands for nothing, or a huge one.
    #[error(
        "the dedup key is empty, or longer than {LONGEST_KEY} bytes: give one that names this question, or leave it out"
    )]
    Key,
    /// More files than a message takes.
    #[error(
        "{0} files were attached, at most {MOST_FILES} are taken: put them into an archive, or name links"
    )]
    Files(usize),
    /// More than can be kept.
    #[error("{what} is {size} bytes long, at most {limit} are taken: attach it as a file")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Several approvals for what is not approved, or more than there are people.
    #[error(
        "{0} approvals are asked for: give a number from 1 to {MOST_APPROVALS}, and more than one only for what is approved or rejected"
    )]
    Approvals(u32),
    /// A secret that would be typed into Discord.
    #[error(
        "credentials are never typed into Discord: ask with --expects approve and say where the person shall put them on the \
         machine; approved then means that they are there"
    )]
    TypedCredentials,
    /// A link that is none.
    #[error("{0:?} is no link: give an address that begins with https:// or http://")]
    Link(String),
    /// Zero, or beyond all reason.
    #[error("an SLA of {0} s is not taken: give a time from 1 s to a year, such as 5h")]
    Sla(u64),
}

/// The longest name of a project or kind, in bytes.
pub const LONGEST_NAME: usize = 100;
/// The longest dedup key, in bytes.
pub const LONGEST_KEY: usize = 1 << 10;
/// Files of a decision: a message has 10 (Discord), and one may be needed for the text that does
/// not fit.
pub const MOST_FILES: usize = 9;
/// The longest sum of all other texts that is kept, in bytes.
pub const LONGEST_REST: usize = 256 << 10;
/// The longest title that is kept, in bytes. A card shows its beginning, the attached file all of
/// it.
pub const LONGEST_TITLE: usize = 16 << 10;
/// The longest body that is kept, in bytes.
pub const LONGEST_BODY: usize = 1 << 20;

/// Approvals that a decision may need.
pub const MOST_APPROVALS: u32 = 20;
/// Options of a choice: as many as a Discord menu has.
pub const MOST_OPTIONS: usize = 25;
/// Characters of an option's name: as many as a Discord menu shows.
pub const LONGEST_OPTION: usize = 100;

/// What becomes of a request: the terms on which it is filed.
///
/// # Errors
/// [`Inadmissible`], with what to do about it.
pub fn admit(rules: &Rules, request: &Request) -> Result<Terms, Inadmissible> {
    must_be_sound(request)?;
    let matching = matching(rules, request);
    let risk = matching.iter().filter_map(|rule| rule.risk).fold(request.risk, Risk::max);
    Ok(Terms {
        risk,
        sla_seconds: sla(rules, &matching, request, risk),
        safe_default: safe_default(&matching, request, risk)?,
        approvals: approvals(&matching, request.approvals_needed),
        ladder: ladder(rules, &matching, request, risk),
    })
}

/// Holds terms to these rules: never a lower risk, a shorter SLA or a laxer default than they
/// allow.
#[must_use]
pub fn enforce(rules: &Rules, request: &Request, terms: &Terms) -> Terms {
    let matching = matching(rules, request);
    let risk = enforced_risk(rules, &request.project, &request.kind, terms.risk.max(request.risk));
    let allowed = Request { safe_default: Some(terms.safe_default), ..request.clone() };
    Terms {
        risk,
        sla_seconds: terms.sla_seconds.max(rules.sla_floor_seconds),
        safe_default: safe_default(&matching, &allowed, risk).unwrap_or(SafeDefault::Reject),
        approvals: approvals(&matching, terms.approvals),
        ladder: ladder(rules, &matching, request, risk),
    }
}

/// The risk that a project and kind have under these rules, at least.
#[must_use]
pub fn enforced_risk(rules: &Rules, project: &str, kind: &Kind, risk: Risk) -> Risk {
    let matching = [rules.projects.get(project), rules.kinds.get(kind)];
    matching.into_iter().flatten().filter_map(|rule| rule.risk).fold(risk, Risk::max)
}

/// The project's, else the kind's, else the risk's, else the usual one: no asker has a say in it,
/// but for one that is not sure of itself, whose ladder begins higher. A way that is not set up is
/// no rung's.
fn ladder(rules: &Rules, matching: &[&Rule], request: &Request, risk: Risk) -> Ladder {
    let named = matching.iter().find_map(|rule| rule.ladder.as_ref());
    let ladder = named.or_else(|| rules.ladder_by_risk.get(&risk)).unwrap_or(&rules.ladder);
    let ladder = ladder.with_ways(|way| rules.ways.has(way));
    if starts_at_mention(rules, request) { ladder.from_mention() } else { ladder }
}

fn approvals(matching: &[&Rule], asked: u32) -> u32 {
    matching.iter().filter_map(|rule| rule.approvals).fold(asked.max(1), u32::max)
}

/// A project's name as it is compared: without outer blanks, in lower case.
#[must_use]
pub fn project_name(name: &str) -> String {
    name.trim().to_lowercase()
}

fn matching<'a>(rules: &'a Rules, request: &Request) -> Vec<&'a Rule> {
    [rules.projects.get(&request.project), rules.kinds.get(&request.kind)]
        .into_iter()
        .flatten()
        .collect()
}

fn must_be_sound(request: &Request) -> Result<(), Inadmissible> {
    // As it will look: hidden characters alone are no title.
    if one_line(&request.title).is_empty() {
        return Err(Inadmissible::NoTitle);
    }
    if request.project.trim().is_empty() {
        return Err(Inadmissible::NoProject);
    }
    options_must_be_sound(request)?;
    for (what, name) in [("project", request.project.as_str()), ("kind", request.kind.as_str())] {
        if !is_plain_name(name) {
            return Err(Inadmissible::Name { what, name: name.to_owned() });
        }
    }
    if request
        .dedup_key
        .as_ref()
        .is_some_and(|key| key.trim().is_empty() || key.len() > LONGEST_KEY)
    {
        return Err(Inadmissible::Key);
    }
    if request.approvals_needed > MOST_APPROVALS
        || (request.approvals_needed > 1 && request.expects != Expects::Approve)
    {
        return Err(Inadmissible::Approvals(request.approvals_needed));
    }
    if request.kind.as_str() == "credentials" && request.expects == Expects::Answer {
        return Err(Inadmissible::TypedCredentials);
    }
    let is_link = |url: &str| {
        ["https://", "http://"]
            .iter()
            .any(|start| url.len() > start.len() && url.starts_with(start))
    };
    if let Some(link) = request
        .links
        .iter()
        .find(|link| !is_link(&link.url) || link.url.contains(char::is_whitespace))
    {
        return Err(Inadmissible::Link(link.url.clone()));
    }
    if request.attachments.len() > MOST_FILES {
        return Err(Inadmissible::Files(request.attachments.len()));
    }
    let sizes = [
        ("the title", request.title.len(), LONGEST_TITLE),
        ("the body", request.body.len(), LONGEST_BODY),
        ("what is said beside title and body", rest_of(request), LONGEST_REST),
    ];
    for (what, size, limit) in sizes {
        if size > limit {
            return Err(Inadmissible::TooLong { what, size, limit });
        }
    }
    if let Some(seconds) = request.sla_seconds
        && !(1..=LONGEST_SLA_SECONDS).contains(&seconds)
    {
        return Err(Inadmissible::Sla(seconds));
    }
    match request.confidence {
        Some(confidence) if !(0.0..=1.0).contains(&confidence) => {
            Err(Inadmissible::Confidence(confidence.to_string()))
        }
        _ => Ok(()),
    }
}

/// Whether a project's or kind's name may have this character: a letter, a digit, a blank or one of
/// `-_./`. A name with hidden or dressed up ones would look like another and not be held to its
/// rules.
#[must_use]
pub fn fits_a_name(c: char) -> bool {
    let wide = ('\u{FF00}'..='\u{FFEF}').contains(&c);
    (c.is_alphanumeric() && !wide && !is_dressed_up(c)) || matches!(c, ' ' | '-' | '_' | '.' | '/')
}

fn is_plain_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME && name.chars().all(fits_a_name) && !is_of_two_alphabets(name)
}

/// Whether letters of the Latin alphabet stand beside those of one that has the same shapes: `shоp`
/// with a Cyrillic о.
fn is_of_two_alphabets(name: &str) -> bool {
    // Greek and Coptic, Cyrillic, Armenian; their additions; Cherokee.
    let same_shapes = |c| {
        matches!(c, '\u{0370}'..='\u{058F}' | '\u{13A0}'..='\u{13FF}' | '\u{1C80}'..='\u{1C8F}' | '\u{1F00}'..='\u{1FFF}'
            | '\u{2C80}'..='\u{2CFF}' | '\u{2DE0}'..='\u{2DFF}' | '\u{A640}'..='\u{A69F}' | '\u{AB70}'..='\u{ABBF}')
    };
    name.chars().any(|c| c.is_ascii_alphabetic()) && name.chars().any(same_shapes)
}

/// Bytes of all that is not title and body.
fn rest_of(request: &Request) -> usize {
    let insight = &request.insight;
    let texts =
        [&insight.observation, &insight.why_it_matters, &insight.what_to_do, &request.agent.name];
    let optional = [&request.environment, &request.agent.session, &request.job];
    texts.into_iter().map(String::len).sum::<usize>()
        + optional.into_iter().flatten().map(String::len).sum::<usize>()
        + request.details.iter().map(|detail| detail.name.len() + detail.value.len()).sum::<usize>()
        + request.links.iter().map(|link| link.name.len() + link.url.len()).sum::<usize>()
        + request
            .options
            .iter()
            .map(|choice| choice.name.len() + choice.description.len())
            .sum::<usize>()
}

fn options_must_be_sound(request: &Request) -> Result<(), Inadmissible> {
    let given = request.options.len();
    match request.expects {
        Expects::Choose if !(2..=MOST_OPTIONS).contains(&given) => {
            return Err(Inadmissible::Options(given));
        }
        Expects::Approve | Expects::Answer if given > 0 => {
            return Err(Inadmissible::StrayOptions(request.expects));
        }
        _ => {}
    }
    let mut names = std::collections::BTreeSet::new();
    for choice in &request.options {
        // Compared as they will look: two names must not differ in hidden characters alone.
        let name = one_line(&choice.name);
        if !(1..=LONGEST_OPTION).contains(&name.chars().count()) || !names.insert(name) {
            return Err(Inadmissible::OptionName(choice.name.clone()));
        }
    }
    Ok(())
}

fn sla(rules: &Rules, matching: &[&Rule], request: &Request, risk: Risk) -> u64 {
    request
        .sla_seconds
        .or_else(|| matching.iter().filter_map(|rule| rule.sla_seconds).min())
        .or_else(|| rules.sla_by_risk.get(&risk).copied())
        .unwrap_or(rules.sla_seconds)
        .max(rules.sla_floor_seconds)
}

fn safe_default(
    matching: &[&Rule],
    request: &Request,
    risk: Risk,
) -> Result<SafeDefault, Inadmissible> {
    let wanted = request.safe_default.unwrap_or(SafeDefault::Reject);
    if wanted == SafeDefault::Reject {
        return Ok(wanted);
    }
    if request.expects != Expects::Approve {
        return Err(Inadmissible::DefaultApproveExpects(request.expects));
    }
    if risk >= Risk::High {
        return Err(Inadmissible::DefaultApproveRisk(risk));
    }
    if !matching.iter().any(|rule| rule.allow_default_approve) {
        return Err(Inadmissible::DefaultApproveNotAllowed {
            project: request.project.clone(),
            kind: request.kind.as_str().to_owned(),
        });
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let strict = Rule { risk: Some(Risk::High), sla_seconds: Some(3_600), ..Rule::default() };
        let lax = Rule {
            risk: Some(Risk::Low),
            sla_seconds: Some(7_200),
            allow_default_approve: true,
            ..Rule::default()
        };
        Rules {
            projects: [("shop".to_owned(), strict), ("notes".to_owned(), lax)].into(),
            kinds: [(Kind::from("deploy"), Rule { risk: Some(Risk::Critical), ..Rule::default() })]
                .into(),
            sla_by_risk: [(Risk::Critical, 1_800)].into(),
            ..Rules::default()
        }
    }

    fn request(project: &str, kind: &str, risk: Risk) -> Request {
        Request {
            title: "x".into(),
            project: project.into(),
            kind: kind.into(),
            risk,
            ..Request::default()
        }
    }

    #[test]
    fn risk_is_raised_and_never_lowered() {
        for (project, kind, asked, stands) in [
            ("other", "naming", Risk::Low, Risk::Low),
            ("shop", "naming", Risk::Low, Risk::High),
            ("shop", "naming", Risk::Critical, Risk::Critical),
            ("shop", "deploy", Risk::Low, Risk::Critical),
            ("notes", "naming", Risk::High, Risk::High),
        ] {
            assert_eq!(
                admit(&rules(), &request(project, kind, asked)).unwrap().risk,
                stands,
                "{project} {kind} {asked}"
            );
        }
    }

    #[test]
    fn an_sla_is_the_askers_then_the_rules_then_the_risks_and_never_below_the_floor() {
        let sla = |request: &Request| admit(&rules(), request).unwrap().sla_seconds;
        assert_eq!(sla(&request("other", "naming", Risk::Low)), 16_200);
        assert_eq!(sla(&request("shop", "naming", Risk::Low)), 3_600);
        assert_eq!(sla(&request("other", "deploy", Risk::Low)), 1_800);
        assert_eq!(
            sla(&Request { sla_seconds: Some(60), ..request("shop", "naming", Risk::Low) }),
            600,
            "the floor"
        );
        for seconds in [0, LONGEST_SLA_SECONDS + 1] {
            let asked =
                Request { sla_seconds: Some(seconds), ..request("shop", "naming", Risk::Low) };
            assert_eq!(admit(&rules(), &asked), Err(Inadmissible::Sla(seconds)));
        }
    }

    #[test]
    fn silence_approves_only_what_was_allowed_at_low_and_medium_risk() {
        let wish = |project: &str, risk| Request {
            safe_default: Some(SafeDefault::Approve),
            ..request(project, "naming", risk)
        };
        assert_eq!(
            admit(&rules(), &wish("notes", Risk::Medium)).unwrap().safe_default,
            SafeDefault::Approve
        );
        assert_eq!(
            admit(&rules(), &wish("notes", Risk::High)),
            Err(Inadmissible::DefaultApproveRisk(Risk::High))
        );
        assert!(matches!(
            admit(&rules(), &wish("other", Risk::Low)),
            Err(Inadmissible::DefaultApproveNotAllowed { .. })
        ));
        assert_eq!(
            admit(&rules(), &request("notes", "naming", Risk::Low)).unwrap().safe_default,
            SafeDefault::Reject
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let fine = request("shop", "naming", Risk::Low);
        for (asked, refused) in [
            (Request { title: " \n".into(), ..fine.clone() }, Inadmissible::NoTitle),
            (Request { project: " ".into(), ..fine.clone() }, Inadmissible::NoProject),
            (
                Request { confidence: Some(f64::NAN), ..fine.clone() },
                Inadmissible::Confidence("NaN".into()),
            ),
            (
                Request { confidence: Some(1.1), ..fine.clone() },
                Inadmissible::Confidence("1.1".into()),
            ),
        ] {
            assert_eq!(admit(&rules(), &asked), Err(refused));
        }
        let long = Request { body: "x".repeat(LONGEST_BODY + 1), ..fine };
        assert!(matches!(admit(&rules(), &long), Err(Inadmissible::TooLong { .. })));
    }
}
