//! The JSON types: what is written, what is accepted, and the published names.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

use gander_client::types::{
    ApproverList, BatchResult, DecisionEvent, DecisionPage, Defer, DroppedQuestion, FiredStep,
    GateVerdict, Moment, OutcomeReport, Problem, ProblemKind, ProposedVerdict, Question,
    QuestionState, ReportedOutcome, Resolution, Span, UnreachedPerson, UpcomingStep, VerdictKind,
};
use schemars::JsonSchema;
use serde_json::json;

#[test]
fn a_question_is_written_without_the_fields_that_are_left_out() {
    let written = serde_json::to_value(Question::new("Deploy?")).unwrap();
    let expected = json!({
        "title": "Deploy?", "body": "", "details": [], "links": [], "options": [], "agent": {},
        "insight": {"observation": "", "why_it_matters": "", "what_to_do": ""},
    });
    assert_eq!(written, expected);
    assert_eq!(Question::new("Deploy?").validation_error(), None);
    assert!(Question::new(" ").validation_error().unwrap().starts_with("title:"));
}

#[test]
fn time_spans_are_read_as_the_schema_says() {
    for (text, seconds) in [("30m", 1_800), ("4h 30m", 16_200), (" 7 days ", 604_800)] {
        let span: Span = serde_json::from_value(json!(text)).unwrap();
        assert_eq!(span, Span(seconds), "{text}");
        let written = serde_json::to_value(span).unwrap();
        assert_eq!(serde_json::from_value::<Span>(written).unwrap(), span, "{text}");
    }
    for text in ["", "30", "1y", "1h,", "5ms", "1234567s"] {
        let error = serde_json::from_value::<Span>(json!(text)).unwrap_err().to_string();
        assert!(error.contains("4h 30m"), "{error}");
    }
}

#[test]
fn a_deferral_names_a_moment_or_a_span() {
    let until = serde_json::from_value(json!({"until": "2026-11-21T12:30:00+01:00"})).unwrap();
    let Defer::Until(moment) = until else { panic!("{until:?}") };
    assert_eq!(moment.to_string(), "2026-11-21T11:30:00Z");
    assert_eq!(
        serde_json::from_value::<Defer>(json!({"for": "2h"})).unwrap(),
        Defer::For(Span(7_200))
    );
    for wrong in
        [json!({}), json!({"for": "2h", "until": "2026-11-21T12:30:00Z"}), json!({"for": null})]
    {
        assert!(serde_json::from_value::<Defer>(wrong.clone()).is_err(), "{wrong}");
    }
    assert!(serde_json::from_value::<Moment>(json!("tomorrow")).is_err());
}

#[test]
fn a_problem_names_its_kind() {
    for kind in ProblemKind::ALL {
        assert_eq!(Problem::new(*kind, "why").known_kind(), Some(*kind));
    }
    let mut newer = Problem::new(ProblemKind::Conflict, "why");
    newer.kind = "urn:gander:problem:of-a-later-version".into();
    assert_eq!(newer.known_kind(), None);
}

/// The names in JSON Schemas and in the OpenAPI document are public: programs generate types from
/// these names.
#[test]
fn the_published_names_stay() {
    fn name<T: JsonSchema>() -> String {
        T::schema_name().into_owned()
    }
    let names = [
        name::<ApproverList>(),
        name::<BatchResult>(),
        name::<DecisionEvent>(),
        name::<DecisionPage>(),
        name::<DroppedQuestion>(),
        name::<FiredStep>(),
        name::<GateVerdict>(),
        name::<OutcomeReport>(),
        name::<ProposedVerdict>(),
        name::<QuestionState>(),
        name::<ReportedOutcome>(),
        name::<Resolution>(),
        name::<UnreachedPerson>(),
        name::<UpcomingStep>(),
        name::<VerdictKind>(),
    ];
    let published = [
        "WaitsFor",
        "Batched",
        "Happened",
        "Page",
        "Question",
        "Reached",
        "Verdict",
        "Report",
        "Proposed",
        "Standing",
        "Outcomes",
        "Said",
        "Unreached",
        "Next",
        "Word",
    ];
    assert_eq!(names, published);
}
