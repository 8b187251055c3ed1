//! An agent that ended before its call was decided goes on once, with the answer, in its folder.

mod attacks;
mod killed;
mod served;
mod standin;
mod verdicts;

use gander::core::decision::{State, Verdict};

use self::standin::Scene;
use crate::gates_standin::{ALL, Kind};
use crate::gates_world::rejected;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_put_off_goes_on_once_with_the_answer() {
    let scene = Scene::new(Kind::ClaudeCode, "100s").await;
    let agent = scene.start_unattended();
    let asked = scene.world.asked(1).await.remove(0);
    scene.world.defers(&asked).await;
    scene.ended(agent).await;
    assert!(!scene.ran());
    scene.run(&["resume"]).await.must(0, &["#1", "undecided", "nobody has decided yet"]);
    scene.run(&["resume", "1"]).await.must(1, &["#1 is not started: nobody has decided yet"]);

    let note = Some("Only this once; \"please\" $HOME".into());
    scene.world.decides(&asked, Verdict::noted(note)).await;
    scene.run(&["resume"]).await.must(0, &["owed", "gander resume starts it again"]);
    let session = scene.session();
    scene
        .run(&["resume", "1", "--dry-run"])
        .await
        .must(0, &[&format!("claude -p --resume {session} (in {})", scene.folder())]);
    assert!(scene.resumed().is_empty() && !scene.ran());

    scene.run(&["resume", "1"]).await.must(0, &["starting #1", "it finished"]);
    let resumed = scene.resumed();
    assert_eq!(resumed.len(), 1, "{resumed:?}");
    for words in [
        format!("args: -p --resume {session}\n"),
        format!("cwd: {}\n", scene.folder()),
        "Decision #1, “Run touch ran in work”: approved by Maya.".into(),
        "The note to you: Only this once; \"please\" $HOME".into(),
        "make exactly the same call again".into(),
    ] {
        assert!(resumed[0].contains(&words), "{words:?} is missing in {}", resumed[0]);
    }
    assert!(scene.ran(), "the call that it repeated was let through");
    let State::Resolved(resolved) = scene.world.decision(1).await.state else { panic!("decided") };
    assert!(resolved.claimed_at.is_some() && resolved.resumed.unwrap().end.is_some());

    scene.run(&["resume", "1"]).await.must(1, &["#1 is not started: started", "it finished"]);
    scene.run(&["resume", "--all"]).await.must(0, &[]);
    assert_eq!((scene.resumed().len(), scene.times_ran()), (1, 1));
    scene.run(&["audit", "verify"]).await.must(0, &[]);
    scene.run(&["show", "1"]).await.must(0, &["the agent was started again: it finished"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_ended_while_it_waited_goes_on() {
    for kind in ALL {
        let scene = Scene::new(kind, "100s").await;
        let mut agent = scene.start();
        let asked = scene.world.asked(1).await.remove(0);
        scene.parked(1).await;
        agent.kill().await.unwrap();
        scene.world.decides(&asked, rejected("Use “make”,\nnever touch")).await;
        // The gate sees that nobody reads its answer any more, and takes none.
        scene.home().said_until(&["resume"], |said| said.contains("owed")).await;
        scene.repeats_nothing();
        scene.run(&["resume", "--all"]).await.must(0, &["it finished"]);
        let resumed = scene.resumed();
        assert_eq!(resumed.len(), 1, "{kind:?}: {resumed:?}");
        let reason =
            "rejected by Maya. The reason: Use “make”,\nnever touch\nDo not make this call";
        assert!(resumed[0].contains(reason), "{kind:?}: {}", resumed[0]);
        assert!(resumed[0].contains(&scene.session()) && !scene.ran(), "{kind:?}");
        // It was told of the no, which cannot be undone any more.
        let State::Resolved(resolved) = scene.world.decision(1).await.state else {
            panic!("it is decided")
        };
        assert!(resolved.claimed_at.is_some(), "{kind:?}");
        scene.run(&["resume", "--all"]).await.must(0, &[]);
        assert_eq!(scene.resumed().len(), 1, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_still_waits_gets_its_answer_at_the_gate() {
    for kind in ALL {
        let scene = Scene::new(kind, "100s").await;
        let agent = scene.start();
        let asked = scene.world.asked(1).await.remove(0);
        scene.parked(1).await;
        scene.run(&["resume", "1"]).await.must(1, &["nobody has decided yet"]);
        scene.world.decides(&asked, Verdict::approved()).await;
        scene.run(&["resume", "--all"]).await.must(0, &[]);
        scene.ended(agent).await;
        assert!(scene.ran() && scene.resumed().is_empty(), "{kind:?}");
        scene.run(&["resume"]).await.must(0, &["No agent waits at a gate"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_went_on_is_left_alone_until_it_ends() {
    for kind in ALL {
        let scene = Scene::new(kind, "1s").await;
        let hold = scene.holds_afterwards();
        let agent = scene.start();
        let asked = scene.world.asked(1).await.remove(0);
        hold.reached().await;
        scene.world.decides(&asked, Verdict::approved()).await;
        scene.run(&["resume", "1"]).await.must(1, &["the agent still runs"]);
        scene.run(&["resume", "--all"]).await.must(0, &[]);
        assert!(scene.resumed().is_empty(), "{kind:?}");
        hold.release().await;
        scene.ended(agent).await;
        scene.run(&["resume", "1"]).await.must(0, &["it finished"]);
        assert!(scene.ran() && scene.resumed().len() == 1, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_ended_at_its_own_prompt_goes_on_if_it_is_answered_elsewhere() {
    let scene = Scene::at_desk().await;
    let hold = scene.holds_afterwards();
    let mut agent = scene.start_with("CLAUDE_CODE_ENTRYPOINT", "cli");
    hold.reached().await;
    let asked = scene.world.asked(1).await.remove(0);
    assert!(asked.at_desk().is_some(), "{asked:?}");
    scene.world.decides(&asked, Verdict::approved()).await;
    scene.run(&["resume", "1"]).await.must(1, &["the agent still runs"]);
    agent.kill().await.unwrap();
    scene.forgets(hold);
    scene.run(&["resume", "1"]).await.must(0, &["it finished"]);
    assert_eq!((scene.resumed().len(), scene.times_ran()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_answers_for_one_session_are_told_at_once() {
    let scene = Scene::new(Kind::Goose, "1s").await;
    for command in ["touch ran", "touch too"] {
        scene.calls(command);
        let agent = scene.start();
        scene.ended(agent).await;
    }
    let asked = scene.world.asked(2).await;
    scene.world.decides(&asked[0], Verdict::approved()).await;
    scene.world.decides(&asked[1], rejected("One is enough")).await;
    scene.repeats_nothing();
    scene.run(&["resume", "--all"]).await.must(0, &["starting #1, #2", "it finished"]);
    let resumed = scene.resumed();
    assert_eq!(resumed.len(), 1, "{resumed:?}");
    assert!(
        resumed[0].contains("#1, “Run touch ran in work”: approved by Maya")
            && resumed[0].contains("#2, “Run touch too in work”: rejected by Maya"),
        "{}",
        resumed[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_for_everywhere_lets_agents_go_on_in_folders_that_the_person_names() {
    let scene = Scene::everywhere(Kind::ClaudeCode, "1s").await;
    scene.ended(scene.start()).await;
    let asked = scene.world.asked(1).await.remove(0);
    scene.world.decides(&asked, Verdict::approved()).await;
    let told = ["#1 cannot be started: its gate was installed for everywhere", "folders"];
    scene.run(&["resume", "1"]).await.must(1, &told);
    scene.run(&["resume"]).await.must(0, &["cannot be started"]);
    scene.configure("folders = [\"work\"]\n");
    scene.run(&["resume", "1"]).await.must(0, &["it finished"]);
    assert!(scene.ran());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_fails_is_not_started_twice() {
    let scene = Scene::new(Kind::Codex, "1s").await;
    scene.ended(scene.start()).await;
    let asked = scene.world.asked(1).await.remove(0);
    scene.world.decides(&asked, Verdict::approved()).await;
    scene.fails();
    scene.run(&["resume", "1"]).await.must(1, &["it ended with status 7"]);
    scene.run(&["resume", "1"]).await.must(1, &["it ended with status 7"]);
    assert_eq!(scene.resumed().len(), 1);
    // Its verdict waits for a call, as ever.
    let State::Resolved(resolved) = scene.world.decision(1).await.state else { panic!("decided") };
    assert!(resolved.claimed_at.is_none());
}
