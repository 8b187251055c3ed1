//! `gander acp` is killed while a real agent waits for an answer, and started again with the
//! agent's session: the agent asks again, under the same decision, and its call runs once.

use gander::core::decision::State;

use super::*;
use crate::common::process::Program;

/// Ends Gander as a power cut would, and waits until the agent has ended too: then nobody holds
/// standard error any more.
async fn kill(mut gander: Child) {
    gander.start_kill().unwrap();
    ended(gander).await;
}

/// When the person answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// While neither Gander nor the agent runs.
    Meanwhile,
    /// When the agent has asked again.
    Afterwards,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agents_call_runs_once_although_gander_was_killed() {
    for agent in [Goose, Claude] {
        for answers in [Answers::Meanwhile, Answers::Afterwards] {
            let call = || vec![agent.shell("echo once >> ran")];
            // Claude notes at its end that its call was refused, so that its model must call again.
            let rounds = if agent == Claude { vec![call(), call()] } else { vec![call()] };
            let Some(real) = Real::new(agent, rounds).await else { continue };
            let gander = real.prompt(&[]);
            let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
            kill(gander).await;
            assert!(!real.ran(), "{agent:?}");
            let session = asked.request.agent.session.clone().unwrap();
            if answers == Answers::Meanwhile {
                real.world.decides(&asked, Verdict::approved()).await;
            }
            let gander = Program::start(real.prompting(&["--continue", &session]));
            if answers == Answers::Afterwards {
                gander.err.line("waiting for a person to decide #1").await;
                real.world.decides(&asked, Verdict::approved()).await;
            }
            let said = gander.ended().await;
            let ran = std::fs::read_to_string(real.world.project().join("ran"));
            let story = format!("{answers:?} {}", real.story(&format!("{said:?}")));
            assert_eq!(ran.unwrap_or_default(), "once\n", "{story}");
            assert_eq!(real.world.asked(1).await.len(), 1, "{story}");
            let State::Resolved(resolved) = real.world.decision(1).await.state else {
                panic!("{story}")
            };
            assert!(resolved.claimed_at.is_some(), "{story}");
        }
    }
}
