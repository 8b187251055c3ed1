//! What a person may change in a tool call before approving the call.
//!
//! Plain data, and what a changed input may be. [`crate::core::gate::editing`] derives the data
//! from a call.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Approval, Decision, Expects, Refused, Verdict, Via};
use crate::core::untrusted::units;

/// Longest text of a form, in UTF-16 units (Discord).
pub const LONGEST_TEXT: usize = 4_000;

/// A tool call with a text that a person may change, for an agent that takes changed arguments
/// from its gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Editable {
    /// What the text is.
    pub part: EditablePart,
    /// The argument with the text.
    pub field: String,
    /// The tool.
    pub tool: String,
    /// All arguments.
    pub input: Value,
    /// The working directory of the call.
    pub cwd: PathBuf,
    /// The agent's workspace folders.
    pub roots: Vec<PathBuf>,
    /// The person's home folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<PathBuf>,
    /// What the gate looked up about the call, as digests by their names
    /// ([`crate::core::gate::editing::relied_on`]).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub relied: BTreeMap<String, String>,
}

/// The text that a person may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "text", rename_all = "snake_case")]
pub enum EditablePart {
    /// A shell command.
    Command,
    /// The whole text of a file.
    File {
        /// The file, as the agent spelled the path.
        path: String,
    },
    /// The new text of a piece of a file.
    Piece {
        /// The file, as the agent spelled the path.
        path: String,
    },
}

impl Editable {
    /// The text, as the agent gave it.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text_in(&self.input).unwrap_or_default()
    }

    /// The text in changed arguments.
    #[must_use]
    pub fn text_in<'a>(&self, input: &'a Value) -> Option<&'a str> {
        input.get(&self.field)?.as_str()
    }

    /// The arguments with another text.
    #[must_use]
    pub fn with_text(&self, text: &str) -> Value {
        let mut input = self.input.clone();
        if let Some(field) = input.get_mut(&self.field) {
            *field = text.into();
        }
        input
    }

    /// A text from a form. A form has no empty last line, and may have other line ends: the text
    /// of a file ends as it did.
    #[must_use]
    pub fn submitted(&self, text: &str) -> String {
        let mut text = text.replace("\r\n", "\n");
        let is_file = !matches!(self.part, EditablePart::Command);
        if is_file && self.text().ends_with('\n') && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    /// Whether these are the arguments of the call with another text, and nothing else changed.
    #[must_use]
    pub fn takes(&self, input: &Value) -> bool {
        self.text_in(input).is_some_and(|text| {
            text != self.text()
                && !text.trim().is_empty()
                && units(text) <= LONGEST_TEXT
                && self.with_text(text) == *input
        })
    }
}

impl Approval {
    /// The changed arguments, with the agent's own; `None` if the call was approved as it was.
    #[must_use]
    pub fn change_of<'a>(&'a self, decision: &'a Decision) -> Option<(&'a Editable, &'a Value)> {
        Some((decision.request.editable.as_ref()?, self.input.as_ref()?))
    }
}

impl Decision {
    /// Whether a person may change the call before approving it. Not if several people must
    /// approve, since each would have to approve the change; nor if a part is masked, since the
    /// form would show the secret or change it.
    #[must_use]
    pub fn offers_edit(&self) -> bool {
        self.request.editable.is_some()
            && self.request.expects == Expects::Approve
            && self.approvals_needed() == 1
            && self.request.masked_in_details() == 0
    }

    /// Checks that an approval changes nothing, or what may be changed: by a person whom no agent
    /// can imitate, for this call alone, with the risk at which the changed call was judged.
    pub(super) fn check_change(&self, verdict: &Verdict, via: Via) -> Result<(), Refused> {
        let Verdict::Approved(approval) = verdict else { return Ok(()) };
        let Some(input) = &approval.input else { return Ok(()) };
        let takes = self.request.editable.as_ref().is_some_and(|call| call.takes(input));
        let is_judged = approval.risk.is_some_and(|risk| risk >= self.terms.risk);
        let is_for_once = approval.grant.is_none();
        if takes && is_judged && is_for_once && self.offers_edit() && !via.is_remote() {
            Ok(())
        } else {
            Err(Refused::NotEditable)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::Time;
    use crate::core::decision::{DecisionId, GrantTerms, Person, Request, Revision, Risk, Terms};

    fn editable(input: Value, field: &str) -> Editable {
        let part = match field {
            "command" => EditablePart::Command,
            _ => EditablePart::File { path: "a".into() },
        };
        Editable {
            part,
            field: field.into(),
            tool: "Bash".into(),
            input,
            cwd: "/w".into(),
            roots: Vec::new(),
            home: None,
            relied: BTreeMap::new(),
        }
    }

    fn asked(risk: Risk) -> Decision {
        let call = editable(json!({ "command": "make", "timeout": 1 }), "command");
        let request = Request { editable: Some(call), risk, ..Request::default() };
        let terms = Terms { risk, ..Terms::default() };
        Decision::new(DecisionId(1), request, terms, Time::UNIX_EPOCH)
    }

    fn given(decision: &Decision, approval: Approval, via: Via) -> Result<(), Refused> {
        let by = Person::discord(1, "Maya");
        decision.resolve(Verdict::Approved(approval), by, via, Revision(1)).map(drop)
    }

    fn changed(input: Value) -> Approval {
        Approval { input: Some(input), risk: Some(Risk::Medium), ..Approval::default() }
    }

    #[test]
    fn only_the_text_may_change() {
        let decision = asked(Risk::Medium);
        let ok = json!({ "command": "make test", "timeout": 1 });
        assert_eq!(given(&decision, changed(ok.clone()), Via::Discord), Ok(()));
        let long = "x".repeat(LONGEST_TEXT + 1);
        for bad in [
            json!({ "command": "make", "timeout": 1 }),
            json!({ "command": " ", "timeout": 1 }),
            json!({ "command": "make test", "timeout": 2 }),
            json!({ "command": "make test" }),
            json!({ "command": "make test", "timeout": 1, "run_in_background": true }),
            json!({ "command": ["make"], "timeout": 1 }),
            json!({ "command": long, "timeout": 1 }),
            json!("make test"),
        ] {
            let refused = given(&decision, changed(bad.clone()), Via::Discord);
            assert_eq!(refused, Err(Refused::NotEditable), "{bad}");
        }
        for via in [Via::Http, Via::Mcp] {
            let refused = given(&decision, changed(ok.clone()), via);
            assert_eq!(refused, Err(Refused::NotEditable));
        }
        let unjudged = Approval { risk: None, ..changed(ok.clone()) };
        let granting = Approval { grant: Some(GrantTerms::SESSION), ..changed(ok.clone()) };
        assert!(given(&decision, unjudged, Via::Discord).is_err());
        assert!(given(&decision, granting, Via::Discord).is_err());
        // Judged at a lower risk than the call has.
        assert!(given(&asked(Risk::High), changed(ok.clone()), Via::Discord).is_err());
        let mut several = decision;
        several.request.approvals_needed = 2;
        assert!(!several.offers_edit());
        assert!(given(&several, changed(ok), Via::Discord).is_err());
    }

    #[test]
    fn nothing_is_changed_where_something_is_masked() {
        let mut decision = asked(Risk::Medium);
        assert!(decision.offers_edit());
        decision.request.kind = "permission".into();
        decision.request.body = format!("curl -H ghp_{}", "a1B2c3D4e5".repeat(4));
        assert!(!decision.offers_edit());
    }

    #[test]
    fn a_form_changes_no_line_end_by_itself() {
        let file = editable(json!({ "content": "a\nb\n" }), "content");
        assert_eq!(file.submitted("a\r\nc"), "a\nc\n");
        assert_eq!(file.submitted("a\nc\n"), "a\nc\n");
        let open = editable(json!({ "content": "a" }), "content");
        assert_eq!(open.submitted("b"), "b");
        let command = editable(json!({ "command": "a\n" }), "command");
        assert_eq!(command.submitted("b"), "b");
    }

    #[test]
    fn it_is_written_so_for_ever() {
        let call = editable(json!({ "command": "make" }), "command");
        let written = json!({
            "part": { "text": "command" }, "field": "command", "tool": "Bash",
            "input": { "command": "make" }, "cwd": "/w", "roots": [],
        });
        assert_eq!(serde_json::to_value(&call).unwrap(), written);
        assert_eq!(serde_json::from_value::<Editable>(written).unwrap(), call);
    }
}
