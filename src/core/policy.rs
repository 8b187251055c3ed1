//! The policy of a project and a kind, independent of the requester's claims.
//!
//! A requester can raise the risk, never lower it. The SLA has a floor. A safe default of approve
//! is rejected for high and critical risk and wherever the configuration does not allow it. An
//! agent therefore cannot talk its way into an approval. Does not depend on the source of the
//! numbers (`config`).

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

/// The policy for one project or one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The minimum risk.
    pub risk: Option<Risk>,
    /// Seconds until the breach, if the requester names no SLA.
    pub sla_seconds: Option<u64>,
    /// Whether a safe default of approve may be requested, at low and medium risk.
    pub allow_default_approve: bool,
    /// The minimum number of different approvers.
    pub approvals: Option<u32>,
    /// The escalation ladder.
    pub ladder: Option<Ladder>,
    /// Whether a confident agent's decision may be approved automatically. Project and kind must
    /// both allow automatic approval ([`super::routing`]).
    pub route_by_confidence: bool,
}

/// All configuration that affects decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The approver rules. Empty: the application's owner decides.
    pub approvers: Vec<ApproverRule>,
    /// Policy by project.
    pub projects: BTreeMap<String, Rule>,
    /// Policy by kind.
    pub kinds: BTreeMap<Kind, Rule>,
    /// Seconds until the breach, by risk.
    pub sla_by_risk: BTreeMap<Risk, u64>,
    /// Default number of seconds until the breach.
    pub sla_seconds: u64,
    /// The shortest possible SLA, in seconds.
    pub sla_floor_seconds: u64,
    /// Escalation ladder by risk.
    pub ladder_by_risk: BTreeMap<Risk, Ladder>,
    /// Default escalation ladder.
    pub ladder: Ladder,
    /// Limits on deferring a decision.
    pub defer: DeferLimits,
    /// The server's time zone, used for words like "tomorrow".
    pub zone: chrono_tz::Tz,
    /// Configured availability and contact data of people.
    pub people: Vec<Profile>,
    /// Channels beyond Discord that are configured.
    pub ways: Ways,
    /// When decisions share a card.
    pub batching: Batching,
    /// Confidence thresholds for automatic approval.
    pub confidence: Thresholds,
    /// The daily messages and their times.
    pub daily: Daily,
    /// When an approval needs a second confirmation.
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
    /// All configured ladders.
    pub fn ladders(&self) -> impl Iterator<Item = &Ladder> {
        let rules = self.projects.values().chain(self.kinds.values());
        rules
            .filter_map(|rule| rule.ladder.as_ref())
            .chain(self.ladder_by_risk.values())
            .chain([&self.ladder])
    }
}

/// The longest accepted SLA: a year, in seconds.
pub const LONGEST_SLA_SECONDS: u64 = 366 * 24 * 3600;

/// Why a request is rejected, worded for the requester. Nothing was filed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inadmissible {
    /// The title is empty.
    #[error("the title is empty: say in one line what is to be decided")]
    NoTitle,
    /// The project's name is empty.
    #[error("the project is empty: name one, or leave it out for \"default\"")]
    NoProject,
    /// The confidence is not between 0 and 1.
    #[error("the confidence is {0}: give a number from 0 to 1, or leave it out")]
    Confidence(String),
    /// A safe default of approve at high or critical risk.
    #[error(
        "a default of approve is refused for {0} risk: nobody's silence approves that. Ask with --default reject"
    )]
    DefaultApproveRisk(Risk),
    /// A safe default of approve that neither project nor kind allows.
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
    /// Options on a decision that is not a choice.
    #[error(
        "options go with a choice, and this one expects you to {0}: leave them out, or ask with --expects choose"
    )]
    StrayOptions(Expects),
    /// A duplicate, empty or overlong option name.
    #[error(
        "the option {0:?} is there twice, or has no name: each needs one of its own, of at most {LONGEST_OPTION} characters"
    )]
    OptionName(String),
    /// A safe default of approve on a decision that does not expect an approval.
    #[error(
        "a default of approve is for what is approved or rejected, and this one expects you to {0}"
    )]
    DefaultApproveExpects(Expects),
    /// A name with characters that could imitate another name.
    #[error(
        "the {what} {name:?} is no plain name: use letters of one alphabet, digits, blanks and - _ . / only, at most {LONGEST_NAME} bytes"
    )]
    Name {
        /// `project` or `kind`.
        what: &'static str,
        /// The name as given.
        name: String,
    },
    /// An empty or overlong dedup key.
    #[error(
        "the dedup key is empty, or longer than {LONGEST_KEY} bytes: give one that names this question, or leave it out"
    )]
    Key,
    /// More files than a message can carry.
    #[error(
        "{0} files were attached, at most {MOST_FILES} are taken: put them into an archive, or name links"
    )]
    Files(usize),
    /// A text too long to store.
    #[error("{what} is {size} bytes long, at most {limit} are taken: attach it as a file")]
    TooLong {
        /// The part of the request.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Several approvals on a decision that is not approved, or more than [`MOST_APPROVALS`].
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
    /// A link that is not an HTTP or HTTPS address.
    #[error("{0:?} is no link: give an address that begins with https:// or http://")]
    Link(String),
    /// An SLA of zero, or longer than [`LONGEST_SLA_SECONDS`].
    #[error("an SLA of {0} s is not taken: give a time from 1 s to a year, such as 5h")]
    Sla(u64),
}

/// The longest name of a project or kind, in bytes.
pub const LONGEST_NAME: usize = 100;
/// The longest dedup key, in bytes.
pub const LONGEST_KEY: usize = 1 << 10;
/// Maximum number of attached files. A Discord message takes 10, and Gander may need one for text
/// that does not fit.
pub const MOST_FILES: usize = 9;
/// Maximum total length of all texts other than title and body, in bytes.
pub const LONGEST_REST: usize = 256 << 10;
/// The longest title that is stored, in bytes. A card shows the beginning, the attached file the
/// whole title.
pub const LONGEST_TITLE: usize = 16 << 10;
/// The longest body that is stored, in bytes.
pub const LONGEST_BODY: usize = 1 << 20;

/// Maximum number of approvals that a decision may need.
pub const MOST_APPROVALS: u32 = 20;
/// Maximum number of options of a choice: the limit of a Discord menu.
pub const MOST_OPTIONS: usize = 25;
/// Maximum length of an option's name in characters: the limit of a Discord menu.
pub const LONGEST_OPTION: usize = 100;

/// Validates a request and sets the terms under which the decision is filed.
///
/// # Errors
/// [`Inadmissible`], with a remedy.
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

/// Tightens terms to these rules: never a lower risk, a shorter SLA or a laxer safe default than
/// the rules allow.
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

/// `risk`, raised to the minimum that these rules set for the project and kind.
#[must_use]
pub fn enforced_risk(rules: &Rules, project: &str, kind: &Kind, risk: Risk) -> Risk {
    let matching = [rules.projects.get(project), rules.kinds.get(kind)];
    matching.into_iter().flatten().filter_map(|rule| rule.risk).fold(risk, Risk::max)
}

/// The project's ladder, else the kind's, else the risk's, else the default. A requester has no
/// influence, except that an unsure agent's ladder begins at the mention. Channels that are not
/// configured are removed from the steps.
fn ladder(rules: &Rules, matching: &[&Rule], request: &Request, risk: Risk) -> Ladder {
    let named = matching.iter().find_map(|rule| rule.ladder.as_ref());
    let ladder = named.or_else(|| rules.ladder_by_risk.get(&risk)).unwrap_or(&rules.ladder);
    let ladder = ladder.with_ways(|way| rules.ways.has(way));
    if starts_at_mention(rules, request) { ladder.from_mention() } else { ladder }
}

fn approvals(matching: &[&Rule], asked: u32) -> u32 {
    matching.iter().filter_map(|rule| rule.approvals).fold(asked.max(1), u32::max)
}

/// A project's name in canonical form: trimmed, in lower case.
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
    // Check the title as displayed: hidden characters alone are not a title.
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

/// Whether the name of a project or kind may contain this character: a letter, a digit, a blank or
/// one of `-_./`. A name with hidden or styled characters could look like another name and escape
/// the other name's rules.
#[must_use]
pub fn fits_a_name(c: char) -> bool {
    let wide = ('\u{FF00}'..='\u{FFEF}').contains(&c);
    (c.is_alphanumeric() && !wide && !is_dressed_up(c)) || matches!(c, ' ' | '-' | '_' | '.' | '/')
}

fn is_plain_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME && name.chars().all(fits_a_name) && !is_of_two_alphabets(name)
}

/// Whether a name mixes Latin letters with letters of an alphabet of similar shapes: `shоp` with a
/// Cyrillic о.
fn is_of_two_alphabets(name: &str) -> bool {
    // Greek and Coptic, Cyrillic, Armenian; the extensions of these blocks; Cherokee.
    let same_shapes = |c| {
        matches!(c, '\u{0370}'..='\u{058F}' | '\u{13A0}'..='\u{13FF}' | '\u{1C80}'..='\u{1C8F}' | '\u{1F00}'..='\u{1FFF}'
            | '\u{2C80}'..='\u{2CFF}' | '\u{2DE0}'..='\u{2DFF}' | '\u{A640}'..='\u{A69F}' | '\u{AB70}'..='\u{ABBF}')
    };
    name.chars().any(|c| c.is_ascii_alphabetic()) && name.chars().any(same_shapes)
}

/// Total length in bytes of all texts except title and body.
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
        // Compare names as displayed: two names must not differ only in hidden characters.
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
