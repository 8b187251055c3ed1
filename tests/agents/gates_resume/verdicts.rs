//! Verdicts that say more than yes or no: a change, the answer to a question, a grant.

use gander::core::decision::Verdict;

use super::standin::Scene;
use crate::gates_standin::Kind;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_a_person_changed_runs_as_changed_when_the_agent_repeats_its_own() {
    let scene = Scene::new(Kind::ClaudeCode, "1s").await;
    scene.ended(scene.start()).await;
    let asked = scene.world.asked(1).await.remove(0);
    scene.world.changes(&asked, "touch other").await;
    scene.run(&["resume", "1"]).await.must(0, &["it finished"]);
    let resumed = scene.resumed().remove(0);
    let told = "Maya changed the command before approving it. Instead of yours: touch other\n\
        Unless the call has already run, make exactly the same call as before again";
    assert!(resumed.contains(told), "{resumed}");
    let answer = scene.answer();
    assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], "allow", "{answer}");
    let runs = &answer["hookSpecificOutput"]["updatedInput"]["command"];
    assert_eq!(runs, "touch other", "{answer}");
    assert!(scene.world.decision(1).await.verdict().unwrap().claimed_at.is_some());
    assert_eq!(scene.world.asked(1).await.len(), 1, "nobody is asked anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_question_is_told_and_the_question_is_over() {
    let scene = Scene::new(Kind::ClaudeCode, "1s").await;
    scene.sends(&scene.world.says("claude-code-question", ""));
    scene.ended(scene.start()).await;
    let asked = scene.world.asked(1).await.remove(0);
    scene.world.decides(&asked, Verdict::Chosen { option: "jiff".into() }).await;
    scene.repeats_nothing();
    scene.run(&["resume", "--all"]).await.must(0, &["it finished"]);
    let resumed = scene.resumed().remove(0);
    let told = "answered by Maya. The choice: jiff\nGo on with this answer, and do not ask again.";
    assert!(resumed.contains(told), "{resumed}");
    assert!(scene.world.decision(1).await.verdict().unwrap().claimed_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_plan_is_carried_out_and_not_proposed_again() {
    let scene = Scene::new(Kind::ClaudeCode, "1s").await;
    scene.sends(&scene.world.says("claude-code-plan", ""));
    scene.ended(scene.start()).await;
    let asked = scene.world.asked(1).await.remove(0);
    assert!(asked.request.plan, "{asked:?}");
    scene.world.decides(&asked, Verdict::approved()).await;
    scene.repeats_nothing();
    scene.run(&["resume", "--all"]).await.must(0, &["it finished"]);
    let resumed = scene.resumed().remove(0);
    let told = "approved by Maya. Carry out this plan, and do not propose it again:";
    assert!(resumed.contains(told), "{resumed}");
    assert!(scene.world.decision(1).await.verdict().unwrap().claimed_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_lets_the_repeated_call_through_and_later_ones() {
    let scene = Scene::new(Kind::Codex, "1s").await;
    scene.ended(scene.start()).await;
    let asked = scene.world.asked(1).await.remove(0);
    scene.world.decides(&asked, Verdict::for_session()).await;
    scene.run(&["resume", "1"]).await.must(0, &["it finished"]);
    let resumed = scene.resumed().remove(0);
    assert!(resumed.contains("It is approved for this session."), "{resumed}");
    scene.ended(scene.start()).await;
    assert_eq!((scene.times_ran(), scene.world.asked(1).await.len()), (2, 1));
    scene.run(&["resume", "--all"]).await.must(0, &[]);
    assert_eq!(scene.resumed().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_call_a_grant_has_let_through_is_owed_nothing() {
    let scene = Scene::new(Kind::Codex, "1s").await;
    scene.ended(scene.start()).await;
    let asked = scene.world.asked(1).await.remove(0);
    scene.world.decides(&asked, Verdict::for_session()).await;
    scene.run(&["resume"]).await.must(0, &["owed"]);
    // Its person has resumed the session at the desk.
    scene.ended(scene.start()).await;
    assert!(scene.ran());
    scene.run(&["resume"]).await.must(0, &["No agent waits at a gate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_started_for_the_form_of_a_server_that_has_ended() {
    let scene = Scene::new(Kind::ClaudeCode, "1s").await;
    scene.sends(&scene.world.says("claude-code-elicitation", ""));
    scene.ended(scene.start()).await;
    scene.world.asked(1).await;
    scene.run(&["resume"]).await.must(0, &["No agent waits at a gate"]);
}
