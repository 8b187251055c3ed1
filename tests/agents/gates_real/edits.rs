//! Agents themselves whose call a person changes before approving: the changed command runs, the
//! agent's own does not, and its model is told.

use super::*;
use crate::gates_others::standin::Kind as OtherKind;
use others::Other;

const OWN: &str = "touch ran";
const CHANGED: &str = "touch changed";

/// Changes the call of the first decision, and approves it so.
async fn change(world: &World) {
    let asked = world.asked_within(1, PATIENCE).await.remove(0);
    assert!(asked.offers_edit(), "{asked:#?}");
    world.changes(&asked, CHANGED).await;
}

/// The changed command ran once, and nobody was asked anew.
async fn must_have_run_changed(world: &World, story: &str) {
    assert!(world.project().join("changed").exists(), "{story}");
    assert!(!world.project().join("ran").exists(), "{story}");
    assert_eq!(world.asked(1).await.len(), 1, "{story}");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_claude_code_runs_what_a_person_made_of_its_call() {
    let Some(real) = Real::new(Kind::ClaudeCode, "100s", &[OWN]).await else { return };
    let (said, ()) = tokio::join!(ended(real.start(&[])), change(&real.world));
    must_have_run_changed(&real.world, &real.story(&said)).await;
    let words = "Maya changed the command before approving it. Instead of yours: touch changed";
    assert!(real.model.heard().contains(words), "{}", real.story(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn others_run_what_a_person_made_of_their_call() {
    for kind in [OtherKind::Copilot, OtherKind::Gemini] {
        let Some(real) = Other::new(kind, "40s", OWN).await else { continue };
        let (said, ()) = tokio::join!(ended(real.start(&[])), change(&real.world));
        must_have_run_changed(&real.world, &real.story(&said)).await;
        let words = match kind {
            // Its hooks have no field for a note: it says itself that a hook changed the call.
            OtherKind::Gemini => "modified by a hook",
            _ => "Maya changed the command before approving it. Instead of yours: touch changed",
        };
        assert!(
            real.model.heard().contains(words),
            "{}\n{}",
            real.story(&said),
            real.model.heard()
        );
    }
}
