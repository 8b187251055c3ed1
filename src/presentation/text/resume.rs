//! Words about agents that ended before their call was decided, and are started again: to the
//! agent, on the card, and at the terminal.

use super::{given_by, grant_span, relative, span, worded};
use crate::core::decision::resumption::{Obstacle, ResumeEnd, Resumed, ResumedEnd, Standing};
use crate::core::decision::{Approval, Decision, Resolved, State, Verdict};
use crate::core::untrusted::one_line;
use crate::core::values::time_scale::TimeScale;

/// To the agent: what was decided about its calls, as the prompt with which it goes on.
#[must_use]
pub fn prompt(decisions: &[Decision]) -> String {
    let answers: Vec<String> = decisions.iter().filter_map(answer).collect();
    format!(
        "Gander asks a person before some of your tool calls. You ended before this was \
         decided:\n\n{}\n\nGo on with your task.",
        answers.join("\n\n")
    )
}

/// What was decided about one call.
fn answer(decision: &Decision) -> Option<String> {
    let State::Resolved(resolved) = &decision.state else { return None };
    let title = one_line(&super::title(&decision.request));
    let by = given_by(&resolved.by, resolved.via, |by| one_line(&by.name));
    let id = decision.id;
    Some(match &*worded(&resolved.verdict, resolved.via) {
        Verdict::Approved(approval) => {
            let note = approval.note.as_ref().map(|note| format!("\nThe note to you: {note}\n"));
            let note = note.unwrap_or_else(|| " ".into());
            let repeat = repeat(decision, resolved, approval);
            format!("Decision {id}, “{title}”: approved {by}.{note}{repeat}")
        }
        Verdict::Rejected { reason } => format!(
            "Decision {id}, “{title}”: rejected {by}. The reason: {reason}\nDo not make this \
             call, and do not look for a way around the answer."
        ),
        Verdict::Chosen { option } => {
            format!("Decision {id}, “{title}”: answered {by}. The choice: {option}\n{ANSWERED}")
        }
        Verdict::Answered { text, .. } => {
            format!("Decision {id}, “{title}”: answered {by}. The answer:\n{text}\n{ANSWERED}")
        }
    })
}

/// What the agent does with an answer: its question is over.
const ANSWERED: &str = "Go on with this answer, and do not ask again.";

/// How the agent goes on after an approval: it makes the call again, or carries out its plan. The
/// gate finds the approval by the agent's own call, also if a person changed the call.
fn repeat(decision: &Decision, resolved: &Resolved, approval: &Approval) -> String {
    if decision.request.plan {
        return format!(
            "Carry out this plan, and do not propose it again:\n{}",
            decision.request.body
        );
    }
    let lasts = approval.grant.as_ref().map(|grant| grant_span(grant.span));
    match (&approval.input, lasts) {
        (Some(input), _) => format!(
            "{}\nUnless the call has already run, make exactly the same call as before again: the \
             changed call runs in its place, once.",
            super::gate::changed(decision, resolved, input)
        ),
        (None, Some(lasts)) => format!(
            "Unless the call has already run, make exactly the same call again. It is approved \
             {lasts}."
        ),
        (None, None) => "Unless the call has already run, make exactly the same call again: it is \
                         let through once."
            .into(),
    }
}

/// On the card: the agent had ended, and was started again. `None` if it was not.
#[must_use]
pub fn resumed_line(resolved: &Resolved, time_scale: TimeScale) -> Option<String> {
    let Resumed { at, end } = resolved.resumed?;
    let at = relative(time_scale.wall_time(at));
    let begun = format!("The agent had ended, and was started again {at}");
    Some(match end {
        None => format!("▶️ {begun}."),
        Some(ResumedEnd { at, how }) => {
            let at = relative(time_scale.wall_time(at));
            match how {
                ResumeEnd::Finished => format!("▶️ {begun}; it finished {at}."),
                ResumeEnd::Failed { .. } => format!("💥 {begun}; it {}.", end_words(how)),
                ResumeEnd::NotStarted => {
                    format!("💥 The agent had ended, and could not be started again {at}.")
                }
                ResumeEnd::Unknown => format!(
                    "❓ {begun}; Gander did not see how that ended. It is not started twice: look \
                     at its session yourself."
                ),
            }
        }
    })
}

/// How a resumption ended, after “it”.
#[must_use]
pub fn end_words(how: ResumeEnd) -> String {
    match how {
        ResumeEnd::Finished => "finished".into(),
        ResumeEnd::Failed { status: Some(status) } => format!("ended with status {status}"),
        ResumeEnd::Failed { status: None } => "was ended by a signal".into(),
        ResumeEnd::NotStarted => "could not be started".into(),
        ResumeEnd::Unknown => "ended where Gander could not see it".into(),
    }
}

/// At the terminal and in the log: why an agent that is owed an answer was not started.
pub const END_UNKNOWN: &str = "nothing was started: an agent was started in this session before, \
    and nobody saw how that ended. Look at the session, and then name the decision: \
    gander resume ID";

/// At the terminal: one word for where a resumption stands.
#[must_use]
pub const fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Undecided => "undecided",
        Standing::Void => "void",
        Standing::Claimed => "answered",
        Standing::AtTheGate => "waiting",
        Standing::Running => "running",
        Standing::Elsewhere => "elsewhere",
        Standing::Owed => "owed",
        Standing::Started { .. } => "started",
        Standing::Ended { how: ResumeEnd::Finished, .. } => "finished",
        Standing::Ended { how: ResumeEnd::Failed { .. }, .. } => "failed",
        Standing::Ended { how: ResumeEnd::NotStarted, .. } => "not started",
        Standing::Ended { how: ResumeEnd::Unknown, .. } => "unknown",
    }
}

/// At the terminal: where a resumption stands, and what follows.
#[must_use]
pub fn standing(standing: Standing, now: crate::core::Time) -> String {
    let ago = |at| format!("{} ago", span(now - at));
    match standing {
        Standing::Undecided => "nobody has decided yet".into(),
        Standing::Void => "there is no answer to go on with".into(),
        Standing::Claimed => "the agent has the answer".into(),
        Standing::AtTheGate => {
            "the agent waits at its gate, or ended less than two minutes ago".into()
        }
        Standing::Running => "the agent still runs, and gets the answer when it asks again".into(),
        Standing::Elsewhere => {
            "the agent ran as another user, or in a container: start it again there".into()
        }
        Standing::Owed => "the agent ended: gander resume starts it again with the answer".into(),
        Standing::Started { at } => format!("started {}", ago(at)),
        Standing::Ended { started, how: ResumeEnd::Unknown } => format!(
            "started {}, and nobody saw how that ended: look at the session yourself. It is not \
             started twice",
            ago(started)
        ),
        Standing::Ended { started, how } => {
            format!("started {}; it {}", ago(started), end_words(how))
        }
    }
}

/// Why an agent cannot be started, and what to do.
#[must_use]
pub fn obstacle(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Agent => "Gander does not know how this agent goes on with a session".into(),
        Obstacle::Session => "its session does not have the form of this agent's sessions".into(),
        Obstacle::Folder => "its folder is gone, or another folder has its name now".into(),
        Obstacle::NotNamed => "its gate was installed for everywhere. To let Gander start agents \
            there, name the folder, or one around it, in folders under [resume] in gander.toml"
            .into(),
        Obstacle::NoGate => {
            "no gate would stop it there: install one with gander gate install".into()
        }
        Obstacle::GateOff(why) => format!("it ignores its gate: {}", one_line(why)),
        Obstacle::NoProgram(name) => format!(
            "there is no program {:?}: set its path in [resume.programs] in gander.toml",
            one_line(name)
        ),
        Obstacle::ProgramInside(file) => format!(
            "its program would be {}, in a folder that it can write to: set another path in \
             [resume.programs] in gander.toml",
            one_line(&file.to_string_lossy())
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Time;
    use crate::core::decision::authorization::Grounds;
    use crate::core::decision::editing::{Editable, EditablePart};
    use crate::core::decision::event::Event;
    use crate::core::decision::{DecisionId, Person, Request, Terms, Via};

    fn decided(id: i64, title: &str, verdict: Verdict) -> Decision {
        answered(id, Request { title: title.into(), ..Request::default() }, verdict)
    }

    fn answered(id: i64, request: Request, verdict: Verdict) -> Decision {
        let asked = Decision::new(DecisionId(id), request, Terms::default(), Time::UNIX_EPOCH);
        let (by, via) = (Person::discord(1, "Maya"), Via::Discord);
        let (with, grounds, attested) = (Vec::new(), Grounds::default(), None);
        let event = Event::Resolved { verdict, by, via, with, grounds, attested };
        asked.evolve(&event, Time::UNIX_EPOCH, 2)
    }

    fn plan(id: i64) -> Decision {
        let (title, body) = ("Carry out a plan in shop".into(), "1. Sweep\n2. Publish".into());
        answered(id, Request { title, body, plan: true, ..Request::default() }, Verdict::approved())
    }

    /// A command that Maya changed.
    fn changed(id: i64) -> Decision {
        let input = |command: &str| serde_json::json!({ "command": command });
        let editable = Editable {
            part: EditablePart::Command,
            field: "command".into(),
            tool: "Bash".into(),
            input: input("make deploy"),
            cwd: "/home/maya/shop".into(),
            roots: Vec::new(),
            home: None,
            relied: std::collections::BTreeMap::default(),
        };
        let title = "Run make deploy".into();
        let request = Request { title, editable: Some(editable), ..Request::default() };
        let approval =
            Approval { input: Some(input("make deploy STAGE=test")), ..Approval::default() };
        answered(id, request, Verdict::Approved(approval))
    }

    #[test]
    fn the_prompt_says_what_was_decided() {
        let rejected = |reason: &str| Verdict::Rejected { reason: reason.into() };
        insta::assert_snapshot!(prompt(&[
            decided(141, "Run git push in shop", Verdict::approved()),
            decided(142, "Run make deploy\nin shop", Verdict::noted(Some("Only staging".into()))),
            decided(143, "Run rm -r old in shop", rejected("Keep it.\nAsk Jonas.")),
            decided(144, "Run make test in shop", Verdict::for_session()),
            decided(145, "Which port?", Verdict::answered("8080, and\nlog it".into())),
            decided(146, "Which colour?", Verdict::Chosen { option: "green".into() }),
            changed(147),
            plan(148),
        ]));
    }

    #[test]
    fn the_card_says_what_became_of_it() {
        let approved = decided(1, "Run git push", Verdict::approved());
        let started = approved.clone().evolve(&Event::ResumeStarted, Time::UNIX_EPOCH, 3);
        let line = |decision: &Decision| {
            resumed_line(decision.verdict().unwrap(), TimeScale::REAL).unwrap_or_default()
        };
        let ended = [
            ResumeEnd::Finished,
            ResumeEnd::Failed { status: Some(1) },
            ResumeEnd::Failed { status: None },
            ResumeEnd::NotStarted,
            ResumeEnd::Unknown,
        ]
        .map(|how| line(&started.clone().evolve(&Event::ResumeEnded { how }, Time::UNIX_EPOCH, 4)));
        assert_eq!(line(&approved), "");
        insta::assert_snapshot!(format!("{}\n{}", line(&started), ended.join("\n")));
    }
}
