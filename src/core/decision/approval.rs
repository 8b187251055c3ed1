//! An approval: a person's yes, with a note, a grant or a changed input.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Risk;
use super::grant_terms::GrantTerms;

/// An approval.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Approval {
    /// A note to the agent.
    pub note: Option<String>,
    /// Further calls that the approval covers ([`super::grant`]). Absent: the approval is for once.
    pub grant: Option<GrantTerms>,
    /// The call's input, changed by the approver. Absent: the agent's own input.
    pub input: Option<Value>,
    /// The risk of the changed call at its approval. Absent without `input`.
    pub risk: Option<Risk>,
}

/// The stored form. An approval for the session has its own field, which is older than grants.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    for_session: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grant: Option<GrantTerms>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    risk: Option<Risk>,
}

impl From<Stored> for Approval {
    fn from(stored: Stored) -> Self {
        let Stored { note, for_session, grant, input, risk } = stored;
        let grant = grant.or_else(|| for_session.then_some(GrantTerms::SESSION));
        Self { note, grant, input, risk }
    }
}

impl From<Approval> for Stored {
    fn from(approval: Approval) -> Self {
        let Approval { note, grant, input, risk } = approval;
        let for_session = grant.as_ref() == Some(&GrantTerms::SESSION);
        Self { note, for_session, grant: grant.filter(|_| !for_session), input, risk }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::decision::Verdict;

    fn round(verdict: &Verdict, stored: &str) {
        assert_eq!(serde_json::to_string(verdict).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Verdict>(stored).unwrap(), *verdict);
    }

    #[test]
    fn a_verdict_of_before_reads_and_writes_as_it_did() {
        round(&Verdict::approved(), r#"{"verdict":"approved"}"#);
        round(&Verdict::noted(Some("mind".into())), r#"{"verdict":"approved","note":"mind"}"#);
        round(&Verdict::for_session(), r#"{"verdict":"approved","for_session":true}"#);
        let noted = Approval {
            note: Some("mind".into()),
            grant: Some(GrantTerms::SESSION),
            ..Approval::default()
        };
        round(
            &Verdict::Approved(noted),
            r#"{"verdict":"approved","note":"mind","for_session":true}"#,
        );
        for old in [
            r#"{"verdict":"approved","note":null,"for_session":false}"#,
            r#"{"verdict":"approved","for_session":false}"#,
        ] {
            assert_eq!(serde_json::from_str::<Verdict>(old).unwrap(), Verdict::approved());
        }
    }

    #[test]
    fn a_changed_call_is_carried_along() {
        let approval =
            Approval { input: Some(json!({ "command": "make" })), ..Approval::default() };
        round(&Verdict::Approved(approval), r#"{"verdict":"approved","input":{"command":"make"}}"#);
        let approval = Approval {
            input: Some(json!({ "command": "make" })),
            risk: Some(Risk::High),
            ..Approval::default()
        };
        round(
            &Verdict::Approved(approval),
            r#"{"verdict":"approved","input":{"command":"make"},"risk":"high"}"#,
        );
    }
}
