//! `gander show`, `gander attention`, `gander events`: read-only commands.

use clap::Args;

use super::{Common, Exit, Outcome, output};
use crate::core::Time;
use crate::core::availability::Profile;
use crate::core::decision::event::{Event, Logged};
use crate::core::decision::{
    self, Approval, Attested, Decision, DecisionId, Pending, Person, Resolved, State, Verdict,
};
use crate::core::messaging::notification::OutboxEntry;
use crate::core::untrusted::{Secrets, one_line, plain};
use crate::engine::EventFilter;
use crate::engine::event_log::watch;
use crate::presentation::card::full_text;
use crate::presentation::text;

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The decision's number
    id: DecisionId,
}

impl Show {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open_to_read()?;
        let decision = opened.handle.approvals().get(self.id).await?;
        let history = opened.handle.event_log().history(self.id).await?;
        let entries = opened.handle.notifications().of_decision(self.id).await?;
        if common.json {
            let standing = opened.handle.escalation().progress(&decision);
            let all = serde_json::json!({
                "decision": text::worded_decision(&decision),
                "standing": standing,
                "history": history,
                "outgoing": entries,
            });
            output::json(&all);
            return Ok(Exit::Yes);
        }
        let zone = opened.handle.rules().zone;
        // Each line has a prefix, so a line from the agent cannot pass for a line of this program.
        for line in full_text(&decision, Secrets::Masked).trim_end().lines() {
            output::line(format!("│ {line}").trim_end());
        }
        let masked = decision.request.masked_in_details();
        if masked > 0 {
            output::line(&text::masked_at_terminal(decision.id, masked));
        }
        output::line(&format!("\n{}", facts(&decision, opened.handle.now(), zone)));
        if let Some(standing) = opened.handle.escalation().progress(&decision) {
            output::line("\nStatus");
            for line in text::progress_lines(&standing, opened.handle.now()) {
                output::line(&format!("  {line}"));
            }
        }
        output::line("\nHistory");
        for logged in &history {
            output::line(&format!("  {}", event_line(logged, zone)));
        }
        if !entries.is_empty() {
            output::line("\nNotifications");
        }
        let people = &opened.handle.rules().people;
        for entry in &entries {
            output::line(&format!(
                "  {}",
                text::outbox_entry(entry, &receiver(entry, people), |at| clock(at, zone))
            ));
        }
        Ok(Exit::Yes)
    }
}

/// The configured name of a notification's receiver, else the receiver's id.
fn receiver(entry: &OutboxEntry, people: &[Profile]) -> String {
    let person =
        people.iter().find(|person| Person::discord(person.user, "").id == entry.message.person);
    person.map_or_else(|| entry.message.person.clone(), |person| person.name.clone())
}

/// Shown for a pruned decision.
const PRUNED: &str = "the agent's texts (except the title) and files were removed (gander prune)";

pub(super) fn clock(at: Time, zone: chrono_tz::Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

pub(super) fn facts(decision: &Decision, now: Time, zone: chrono_tz::Tz) -> String {
    let request = &decision.request;
    let state = match &decision.state {
        State::Pending(pending) => {
            format!("waits for an answer{}; {}", so_far(decision, pending), due(decision, now))
        }
        State::Deferred { until, by, .. } => {
            format!("deferred until {} by {}", clock(*until, zone), one_line(&by.name))
        }
        State::Resolved(resolved) => {
            let by = text::given_by(&resolved.by, resolved.via, |by| one_line(&by.name));
            let said = text::automatic_approval_text(&resolved.verdict, resolved.via);
            let given = said.unwrap_or_else(|| {
                format!("{} {by}", verdict(&text::worded(&resolved.verdict, resolved.via)))
            });
            format!("{given}; {}", acted(resolved))
        }
        State::Withdrawn { reason, .. } => {
            format!("withdrawn: {}", one_line(&text::withdrawal(decision, reason)))
        }
    };
    let asked = clock(decision.asked_at, zone);
    let environment = request
        .environment
        .as_ref()
        .map(|name| format!("\nWhere    {}", one_line(name)))
        .unwrap_or_default();
    let confidence = request
        .confidence
        .map(|sure| format!(" (confidence {:.0} %)", sure * 100.0))
        .unwrap_or_default();
    let against =
        text::disagreed_by(decision).map(|said| format!("\nReview   {said}")).unwrap_or_default();
    let attested = attested(decision).unwrap_or_default();
    let pruned = decision
        .pruned_at
        .map(|at| format!("\nPruned   {}: {PRUNED}", clock(at, zone)))
        .unwrap_or_default();
    format!(
        "State    {state}\n\
         Project  {}\n\
         Kind     {}{environment}\n\
         Risk     {}{confidence}\n\
         Agent    {}\n\
         Asked    {asked}\n\
         Revision {}{against}{attested}{pruned}",
        one_line(&request.project),
        request.kind.words(),
        decision.terms.risk,
        one_line(&request.agent.name),
        decision.revision.0
    )
}

/// What the verdict on a tool call vouches for.
fn attested(decision: &Decision) -> Option<String> {
    let State::Resolved(resolved) = &decision.state else { return None };
    let Attested { rules, call } = resolved.attested.as_ref()?;
    Some(format!("\nAttested rules {}\n         call  {}", one_line(rules), one_line(call)))
}

fn so_far(decision: &Decision, pending: &Pending) -> String {
    let needed = decision.approvals_needed();
    let votes =
        (needed > 1).then(|| format!(", {} of {needed} approvals given", pending.votes.len()));
    let taken =
        pending.taken.as_ref().map(|taken| format!(", {} is on it", one_line(&taken.by.name)));
    let proposed =
        pending.proposals.iter().map(|proposal| format!(", {}", text::proposal_stands(proposal)));
    [votes, taken].into_iter().flatten().chain(proposed).collect()
}

fn acted(resolved: &Resolved) -> String {
    match (&resolved.reported, resolved.claimed_at) {
        (Some(reported), _) if reported.outcome == decision::Outcome::NotRun => {
            format!("did not run: {}", one_line(&reported.text))
        }
        (Some(reported), _) if reported.text.is_empty() => {
            format!("the agent reports: {}", reported.outcome)
        }
        (Some(reported), _) => {
            format!("the agent reports: {}: {}", reported.outcome, one_line(&reported.text))
        }
        (None, Some(_)) => "picked up by the agent".into(),
        (None, None) => "not yet picked up by the agent".into(),
    }
}

fn due(decision: &Decision, now: Time) -> String {
    let left = decision.breach_at() - now;
    if left > chrono::TimeDelta::zero() {
        format!("due in {}", text::span(left))
    } else {
        format!("SLA breached {} ago", text::span(-left))
    }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Approved(Approval { note, grant, .. }) => {
            let covers = grant.as_ref().and_then(|terms| terms.pattern.as_ref());
            let covers =
                covers.map(|covered| format!(", covering {}", text::grant_scope(Some(covered))));
            let note = note.as_ref().map(|note| format!(" ({})", one_line(note)));
            [Some(text::verdict_word(verdict).into_owned()), covers, note]
                .into_iter()
                .flatten()
                .collect()
        }
        Verdict::Rejected { reason } => format!("rejected ({})", one_line(reason)),
        Verdict::Chosen { option } => format!("chosen: {}", one_line(option)),
        Verdict::Answered { text, answers } => {
            format!("answered: {}", one_line(&text::answer_words(text, answers)))
        }
    }
}

fn event_line(logged: &Logged, zone: chrono_tz::Tz) -> String {
    let what = match &logged.event {
        Event::Asked { request, .. } => {
            format!("asked by {}: {}", one_line(&request.agent.name), text::title(request))
        }
        Event::Revised { request, .. } => format!("revised: {}", text::title(request)),
        Event::Enforced { terms } => format!("rules applied: {} risk", terms.risk),
        Event::Deferred { until, by } => {
            format!("deferred until {} by {}", clock(*until, zone), one_line(&by.name))
        }
        Event::Returned => "came back".into(),
        Event::StepFired { step } => text::step_line(step),
        Event::ContactsRecorded { contacts, .. } => {
            let told: Vec<String> = contacts.iter().map(text::contact).collect();
            format!("notified: {}", if told.is_empty() { "nobody".into() } else { told.join(", ") })
        }
        Event::Proposed { verdict, by, via, .. } => {
            text::proposed(verdict, by, *via, |by| one_line(&by.name))
        }
        Event::Lapsed { of } => text::votes_lapsed(of, |by| one_line(&by.name)),
        Event::Voted { by, .. } => {
            format!("approved by {}; more approvals needed", one_line(&by.name))
        }
        Event::Taken { by, from: None } => format!("{} is on it", one_line(&by.name)),
        Event::Taken { by, from: Some(from) } => {
            format!("assigned to {} by {}", one_line(&by.name), one_line(&from.name))
        }
        Event::Prioritized { priority, by } => {
            format!("priority {priority}, set by {}", one_line(&by.name))
        }
        Event::Disagreed { by, undone: true } => {
            format!("{} disagrees; the approval is undone", one_line(&by.name))
        }
        Event::Disagreed { by, undone: false } => {
            format!("{} disagrees; the approval remains", one_line(&by.name))
        }
        Event::Undone { by } => format!("undone by {}", one_line(&by.name)),
        Event::GrantUsed { call: None } => "let through by the approval for the session".into(),
        Event::GrantUsed { call: Some(call) } => {
            format!("let through without asking: {}", one_line(&call.title))
        }
        Event::GrantEnded { by, why } => {
            let ended = text::grant_ended_words(by, *why, |by| one_line(&by.name));
            format!("approval of later calls ended: {ended}")
        }
        Event::ResumeStarted => "the agent is started again with the verdict".into(),
        Event::ResumeEnded { how } => {
            format!("the agent was started again: it {}", text::resume::end_words(*how))
        }
        Event::Reported { outcome, text } if text.is_empty() => format!("the agent: {outcome}"),
        Event::Reported { outcome, text } => format!("the agent: {outcome}: {}", one_line(text)),
        Event::Resolved { verdict: given, by, via, .. } => {
            let by = || {
                format!("{} {}", verdict(given), text::given_by(by, *via, |by| one_line(&by.name)))
            };
            text::automatic_approval_text(given, *via).unwrap_or_else(by)
        }
        Event::AskedAtDesk { until, .. } => {
            format!("asked at the desk, and on Discord {}", clock(*until, zone))
        }
        Event::LeftDesk => "asked on Discord: nobody answered at the desk".into(),
        Event::EndedAtDesk { outcome } => text::desk::outcome(*outcome).into(),
        Event::Withdrawn { reason } => format!("withdrawn: {}", one_line(reason)),
        Event::Claimed => "picked up by the agent".into(),
        Event::Pruned => "long texts and files were removed (gander prune)".into(),
    };
    format!("{}  {}  {what}", clock(logged.at, zone), logged.decision)
}

/// `gander attention`.
pub(super) async fn attention(common: &Common) -> Outcome {
    let opened = common.open_to_read()?;
    let waiting = opened.handle.attention().list(None).await?;
    if common.json {
        output::json(&waiting);
        return Ok(Exit::Yes);
    }
    if waiting.is_empty() {
        output::line("Nothing waits for an answer.");
    }
    let now = opened.handle.now();
    for decision in &waiting {
        let title = plain(&text::title(&decision.request), 70).text;
        let (risk, subject, due) =
            (decision.terms.risk, text::subject(decision), due(decision, now));
        output::line(&format!(
            "{:>6}  {risk:<8}  {title}\n        {subject} · {due}",
            decision.id.to_string()
        ));
    }
    Ok(Exit::Yes)
}

#[derive(Debug, Args)]
pub(super) struct EventsArgs {
    /// Keep printing new events
    #[arg(long)]
    follow: bool,
    /// Print only events after this position of the log
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    since: u64,
}

impl EventsArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open_to_read()?;
        let (handle, zone) = (&opened.handle, opened.handle.rules().zone);
        let follow = async {
            let mut log = handle.event_log().resume(self.since, EventFilter::default()).await?;
            loop {
                match log.try_next().await? {
                    Some(events) => {
                        for logged in &events {
                            if common.json {
                                output::json(logged)
                            } else {
                                output::line(&event_line(logged, zone))
                            }
                        }
                    }
                    None if self.follow => log.changed().await,
                    None => return Ok(Exit::Yes),
                }
            }
        };
        tokio::select! {
            done = follow => done,
            () = watch::run(handle.clone(), &opened.store) => Ok(Exit::Internal),
        }
    }
}
