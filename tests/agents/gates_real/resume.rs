//! Real agents that ended before their call was decided, started again by `gander resume`.

use super::*;
use crate::common::process::Program;

impl Real {
    /// The agent, which keeps its session.
    fn start_to_resume(&self) -> Child {
        let mut command = agents::command(&self.program, &self.world.home, &self.model);
        match self.kind {
            Kind::Codex => command.args(CODEX).arg("go"),
            Kind::ClaudeCode => command.args(["-p", "go", "--output-format", "json"]),
            Kind::Goose => command.args(["run", "-t", "go"]),
        };
        command.spawn().unwrap()
    }

    /// Names the agent's program, and the folder for a gate that is installed for everywhere.
    fn configure_resume(&self) {
        let options = if self.kind == Kind::Codex { &CODEX[1..] } else { &[] };
        let program = self.program.to_str().unwrap();
        let words: Vec<&str> = std::iter::once(program).chain(options.iter().copied()).collect();
        self.world.home.configure(&format!(
            "batch.min = 0\n[resume]\nfolders = [\"work\"]\n[resume.programs]\n{} = {words:?}\n",
            self.kind.name()
        ));
    }

    /// `gander resume 1`, in the agent's environment, and what it said.
    async fn resume(&self) -> crate::common::process::Ended {
        let gander = std::path::Path::new(env!("CARGO_BIN_EXE_gander"));
        let mut command = agents::command(gander, &self.world.home, &self.model);
        let home = &self.world.home;
        command.args(["resume", "1"]).arg("--store").arg(home.store());
        command.arg("--config").arg(home.config());
        let resumed = Program::start(command).ended_within(PATIENCE);
        // The script has the call once more, for agents that take the first for answered.
        let rejects = async {
            let asked = self.world.asked_within(2, PATIENCE).await.remove(1);
            self.world.decides(&asked, rejected("Once is enough")).await;
            std::future::pending().await
        };
        tokio::select! {
            ended = resumed => ended,
            () = rejects => unreachable!("it is pending"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_agent_that_was_killed_while_it_waited_goes_on_with_the_answer() {
    for kind in ALL {
        let again = || vec![shell(kind, "echo once >> ran")];
        let Some(real) = Real::calling(kind, "100s", vec![again(), again()]).await else {
            continue;
        };
        real.configure_resume();
        let mut agent = real.start_to_resume();
        let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
        agent.kill().await.unwrap();
        let note = Some("Only this once, please".into());
        real.world.decides(&asked, Verdict::noted(note)).await;
        real.world.home.said_until(&["resume"], |said| said.contains("owed")).await;
        let ended = real.resume().await;
        let said = format!("{ended:#?}");
        assert_eq!(ended.code, Some(0), "{}", real.story(&said));
        let ran = std::fs::read_to_string(real.world.project().join("ran")).unwrap_or_default();
        assert_eq!(ran.lines().count(), 1, "{}", real.story(&said));
        let heard = real.model.heard().contains("The note to you: Only this once, please");
        assert!(heard, "{}", real.story(&said));
        // The same session: the call that it repeated was the one that was approved.
        let session = asked.request.agent.session.unwrap();
        assert!(real.world.decision(1).await.verdict().unwrap().claimed_at.is_some(), "{session}");
        real.world.home.run(&["resume", "1"]).await.must(1, &["it finished"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_claude_code_that_was_put_off_goes_on_by_itself() {
    let Some(real) = Real::new(Kind::ClaudeCode, "100s", &["echo once >> ran"]).await else {
        return;
    };
    real.configure_resume();
    let (said, asked) = tokio::join!(ended(real.start_to_resume()), async {
        let asked = real.world.asked_within(1, PATIENCE).await.remove(0);
        real.world.defers(&asked).await;
        asked
    });
    assert!(!real.ran() && said.contains("tool_deferred"), "{}", real.story(&said));
    real.world.decides(&asked, Verdict::approved()).await;
    let ended = real.resume().await;
    assert!(ended.code == Some(0) && real.ran(), "{}", real.story(&format!("{ended:#?}")));
    assert_eq!(real.world.asked(1).await.len(), 1);
}
