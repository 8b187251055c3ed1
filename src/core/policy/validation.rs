//! The validation of a request: its limits, and the reasons for rejecting a request.
//!
//! A valid request makes sense by itself. Does not depend on the rules of a project or kind
//! ([`super::rules`]).

use gander_client::types::{LONGEST_OPTION, MAX_APPROVALS, MAX_OPTIONS};

use super::names::{LONGEST_NAME, is_plain_name};
use crate::core::decision::question::{UnfitQuestion, check_questions};
use crate::core::decision::{Expects, Link, Question, Request, Risk};
use crate::core::untrusted::{one_line, revealed_bytes, shape};

/// The longest accepted SLA: a year, in seconds.
pub const LONGEST_SLA_SECONDS: u64 = 366 * 24 * 3600;
/// The longest dedup key, in bytes.
pub const LONGEST_KEY: usize = 1 << 10;
/// Maximum number of attached files. A Discord message takes 10, and Gander may need one for text
/// that does not fit.
pub const MAX_FILES: usize = 9;
/// Maximum total length of all texts other than title and body, in bytes.
pub const MAX_OTHER_TEXT_BYTES: usize = 256 << 10;
/// The longest title that is stored, in bytes. A card shows the beginning, the attached file the
/// whole title.
pub const LONGEST_TITLE: usize = 16 << 10;
/// The longest body that is stored, in bytes.
pub const LONGEST_BODY: usize = 1 << 20;

/// The longest call that is stored, in bytes, as people read it: with everything that hides written
/// out. Two files with the call must fit on one message, each within Discord's 10 MiB.
pub const LONGEST_SHOWN_CALL: usize = 4 << 20;

/// Why a request is rejected, worded for the requester. Nothing was filed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// The title is empty.
    #[error("the title is empty: write the question in one line")]
    NoTitle,
    /// The project's name is empty.
    #[error("the project is empty: give a name, or leave it out for \"default\"")]
    NoProject,
    /// The confidence is not between 0 and 1.
    #[error("the confidence is {0}: give a number from 0 to 1, or leave it out")]
    Confidence(String),
    /// A safe default of approve at high or critical risk.
    #[error(
        "a default of approve is refused for {0} risk: a timeout never approves that. Ask with \
         --default reject"
    )]
    DefaultApproveRisk(Risk),
    /// A safe default of approve that neither project nor kind allows.
    #[error(
        "a default of approve is not allowed for project {project:?} and kind {kind:?}: ask with \
         --default reject, or let the person who runs Gander set allow_default_approve for it in \
         gander.toml"
    )]
    DefaultApproveNotAllowed {
        /// The project.
        project: String,
        /// The kind.
        kind: String,
    },
    /// A choice with too few or too many options.
    #[error("a choice needs 2 to {MAX_OPTIONS} options, not {0}")]
    Options(usize),
    /// Options on a decision that is not a choice.
    #[error(
        "options are only for a choice, and this decision expects you to {0}: leave them out, or \
         ask with --expects choose"
    )]
    UnexpectedOptions(Expects),
    /// A duplicate, empty or overlong option name.
    #[error(
        "the option {0:?} is a duplicate or has no name: each option needs a name that \
         looks like no other, of at most {LONGEST_OPTION} characters"
    )]
    OptionName(String),
    /// Questions that a person could not tell apart, or too many.
    #[error(transparent)]
    Questions(#[from] UnfitQuestion),
    /// Questions beside an approval, or options that differ from those of the lone question.
    #[error("the questions do not fit the expected answer")]
    UnexpectedQuestions,
    /// A safe default of approve on a decision that does not expect an approval.
    #[error("a default of approve is only for an approval, and this decision expects you to {0}")]
    DefaultApproveExpects(Expects),
    /// A name with characters that could imitate another name.
    #[error(
        "the {what} {name:?} is not a plain name: use only letters of one alphabet, digits, \
         spaces and - _ . /, at most {LONGEST_NAME} bytes"
    )]
    Name {
        /// `project` or `kind`.
        what: &'static str,
        /// The name as given.
        name: String,
    },
    /// An empty or overlong dedup key.
    #[error(
        "the dedup key is empty, or longer than {LONGEST_KEY} bytes: give a key that names this \
         question, or leave it out"
    )]
    Key,
    /// More files than a message can carry.
    #[error(
        "{0} attached files are more than the maximum of {MAX_FILES}: put them into an archive, \
         or give links"
    )]
    Files(usize),
    /// A text too long to store.
    #[error("{what} has {size} bytes, more than the maximum of {limit}: attach it as a file")]
    TooLong {
        /// The part of the request.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A call that could not be shown to the end.
    #[error(
        "the call has {size} bytes once its hidden characters are written out for people, more \
         than the maximum of {LONGEST_SHOWN_CALL}: nobody could read it to the end, so nobody is \
         asked. Leave the hidden characters out"
    )]
    TooLongToShow {
        /// Its size in bytes, written out.
        size: usize,
    },
    /// Several approvals on a decision that is not approved, or more than [`MAX_APPROVALS`].
    #[error(
        "{0} approvals are not possible: give a number from 1 to {MAX_APPROVALS}, and more than \
         1 only for an approval"
    )]
    Approvals(u32),
    /// A secret that would be typed into Discord.
    #[error(
        "credentials are never typed into Discord: ask with --expects approve, and say where to \
         put them on the machine; an approval then means that they are there"
    )]
    TypedCredentials,
    /// A link that is not an HTTP or HTTPS address.
    #[error("{0:?} is not a link: give an address that begins with https:// or http://")]
    Link(String),
    /// An SLA of zero, or longer than [`LONGEST_SLA_SECONDS`].
    #[error("an SLA of {0} s is not possible: give a time from 1 s to 1 year, such as 5h")]
    Sla(u64),
}

/// Checks a request as it is, without the rules of its project and kind.
///
/// # Errors
/// [`InvalidRequest`], with a remedy.
pub(super) fn validate(request: &Request) -> Result<(), InvalidRequest> {
    // Check the title as displayed: hidden characters alone are not a title.
    if one_line(&request.title).is_empty() {
        return Err(InvalidRequest::NoTitle);
    }
    if request.project.trim().is_empty() {
        return Err(InvalidRequest::NoProject);
    }
    validate_options(request)?;
    validate_questions(request)?;
    for (what, name) in [("project", request.project.as_str()), ("kind", request.kind.as_str())] {
        if !is_plain_name(name) {
            return Err(InvalidRequest::Name { what, name: name.to_owned() });
        }
    }
    if request
        .dedup_key
        .as_ref()
        .is_some_and(|key| key.trim().is_empty() || key.len() > LONGEST_KEY)
    {
        return Err(InvalidRequest::Key);
    }
    if request.approvals_needed > MAX_APPROVALS
        || (request.approvals_needed > 1 && request.expects != Expects::Approve)
    {
        return Err(InvalidRequest::Approvals(request.approvals_needed));
    }
    if request.kind.as_str() == "credentials" && request.expects == Expects::Answer {
        return Err(InvalidRequest::TypedCredentials);
    }
    let is_link = |url: &str| {
        ["https://", "http://"]
            .iter()
            .any(|start| url.len() > start.len() && url.starts_with(start))
    };
    let is_bad = |link: &&Link| !is_link(&link.url) || link.url.contains(char::is_whitespace);
    if let Some(link) = request.links.iter().find(is_bad) {
        return Err(InvalidRequest::Link(link.url.clone()));
    }
    if request.attachments.len() > MAX_FILES {
        return Err(InvalidRequest::Files(request.attachments.len()));
    }
    let sizes = [
        ("the title", request.title.len(), LONGEST_TITLE),
        ("the body", request.body.len(), LONGEST_BODY),
        ("the rest of the text", other_text_bytes(request), MAX_OTHER_TEXT_BYTES),
    ];
    for (what, size, limit) in sizes {
        if size > limit {
            return Err(InvalidRequest::TooLong { what, size, limit });
        }
    }
    let size = shown_call_bytes(request);
    if size > LONGEST_SHOWN_CALL {
        return Err(InvalidRequest::TooLongToShow { size });
    }
    if let Some(seconds) = request.sla_seconds
        && !(1..=LONGEST_SLA_SECONDS).contains(&seconds)
    {
        return Err(InvalidRequest::Sla(seconds));
    }
    match request.confidence {
        Some(confidence) if !(0.0..=1.0).contains(&confidence) => {
            Err(InvalidRequest::Confidence(confidence.to_string()))
        }
        _ => Ok(()),
    }
}

/// Size of a call in bytes as people read it; 0 for a decision of any other kind, whose hidden
/// characters are left out.
fn shown_call_bytes(request: &Request) -> usize {
    if !request.is_call() {
        return 0;
    }
    let insight = &request.insight;
    let texts = [&request.title, &request.body, &insight.observation, &insight.why_it_matters];
    let details = request.details.iter().flat_map(|detail| [&detail.name, &detail.value]);
    let what_to_do = std::iter::once(&insight.what_to_do);
    texts.into_iter().chain(what_to_do).chain(details).map(|text| revealed_bytes(text)).sum()
}

/// Total length in bytes of all texts except title and body.
fn other_text_bytes(request: &Request) -> usize {
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
        + request.questions.iter().map(question_bytes).sum::<usize>()
}

fn question_bytes(question: &Question) -> usize {
    let options = question.options.iter();
    let options = options.map(|choice| choice.name.len() + choice.description.len());
    question.id.len() + question.header.len() + question.text.len() + options.sum::<usize>()
}

/// A choice offers the options of its question; an approval is the answer to no question.
fn validate_questions(request: &Request) -> Result<(), InvalidRequest> {
    check_questions(&request.questions)?;
    let fits = match (request.expects, request.questions.as_slice()) {
        (_, []) | (Expects::Answer, _) => true,
        (Expects::Choose, [question]) => {
            question.options == request.options && !question.many && !question.optional
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(InvalidRequest::UnexpectedQuestions) }
}

fn validate_options(request: &Request) -> Result<(), InvalidRequest> {
    let given = request.options.len();
    match request.expects {
        Expects::Choose if !(2..=MAX_OPTIONS).contains(&given) => {
            return Err(InvalidRequest::Options(given));
        }
        Expects::Approve | Expects::Answer if given > 0 => {
            return Err(InvalidRequest::UnexpectedOptions(request.expects));
        }
        _ => {}
    }
    let mut names = std::collections::BTreeSet::new();
    for choice in &request.options {
        // Compare names as seen: two names must not differ only in hidden characters, or in letters
        // of equal shape.
        let name = one_line(&choice.name);
        if !(1..=LONGEST_OPTION).contains(&name.chars().count()) || !names.insert(shape(&name)) {
            return Err(InvalidRequest::OptionName(choice.name.clone()));
        }
    }
    Ok(())
}
