//! A scripted agent. Its only interface to Gander is `gander ask --wait` and the exit status.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::cli::{Exit, Failure, Outcome, output};
use crate::disk;

/// The agents, by name.
pub(super) const NAMES: [&str; 3] = ["goose", "claude-code", "codex"];

/// Flags with arguments for the first question, left out of the alternative question.
const ARGUES: [&str; 3] = ["--observation", "--why", "--what"];

/// Pause before an agent asks a deferred question again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(in super::super) struct Agent {
    name: String,
    #[arg(long)]
    store: PathBuf,
}

/// An action that needs a person's approval.
struct Question {
    title: &'static str,
    arguments: &'static [&'static str],
    body: &'static str,
    /// Files attached to the card.
    pictures: &'static [(&'static str, &'static [u8])],
    /// Printed after a yes.
    then: &'static str,
    /// The title of the question asked after a no.
    instead: &'static str,
}

const SHOP: &[Question] = &[
    Question {
        title: "Deploy the new checkout to production",
        arguments: &[
            "--project=web-shop",
            "--kind=deploy",
            "--environment=production",
            "--risk=high",
            "--confidence=0.82",
            "--priority=high",
            "--observation=All stages are green. The error rate on staging was 0.02 % over the \
             last 24 hours.",
            "--why=Abandoned carts fell by 11 % in the trial with 5 % of the customers.",
            "--what=Approve to roll out to everybody over 30 minutes. Rolling back takes 2 \
             minutes.",
            "--detail=tests=47/47",
            "--detail=coverage=94 %",
            "--detail=stage=canary",
            "--sla=2h",
        ],
        body: "",
        pictures: &[],
        then: "rolling out: 10 % … 50 % … 100 %. The new checkout is live.",
        instead: "Deploy the new checkout to 10 % of the customers first",
    },
    Question {
        title: "Delete the code of the old checkout",
        arguments: &[
            "--project=web-shop",
            "--kind=routine",
            "--risk=low",
            "--confidence=0.95",
            "--detail=lines=−1,840",
            "--what=Approve: nothing calls it any more.",
        ],
        body: "",
        pictures: &[],
        then: "deleted 1,840 lines; all 47 tests pass.",
        instead: "Mark the code of the old checkout as deprecated",
    },
];

const APP: &[Question] = &[
    Question {
        title: "Keep the session when the app is in the background?",
        arguments: &[
            "--project=mobile-app",
            "--kind=code_review",
            "--risk=medium",
            "--confidence=0.7",
            "--body-file=-",
            "--observation=Users are signed out whenever they switch to another app.",
            "--why=It is the most frequent complaint in the store's reviews.",
            "--what=Approve the change below.",
            "--detail=tests=212/212",
            "--detail=files=1",
        ],
        body: "--- a/session.ts\n\
            +++ b/session.ts\n\
            @@ -18,7 +18,7 @@ export class Session {\n   onBackground() {\n\
            -    this.signOut();\n\
            +    this.lock({ after: minutes(15) });\n   }\n",
        pictures: &[],
        then: "merged. It goes out with tonight's build.",
        instead: "Keep the session for one minute in the background?",
    },
    Question {
        title: "Which start screen?",
        arguments: &[
            "--project=mobile-app",
            "--kind=design_review",
            "--risk=low",
            "--confidence=0.6",
            "--option=Calm=one thing at a time; the day's list is a tap away",
            "--option=Dense=everything at a glance; harder on small phones",
            "--why=It is what people see first, forty times a day.",
            "--what=Choose one; building it takes me an hour.",
        ],
        body: "",
        pictures: &[
            ("calm.png", include_bytes!("../../../fixtures/demo/calm.png")),
            ("dense.png", include_bytes!("../../../fixtures/demo/dense.png")),
        ],
        then: "builds the start screen; the other one goes into the drawer.",
        instead: "Which of the two until there is a third?",
    },
];

const UPGRADE: &[Question] = &[Question {
    title: "2 of 214 tests fail after the database upgrade. Go on?",
    arguments: &[
        "--kind=test_failure",
        "--environment=staging",
        "--risk=medium",
        "--confidence=0.45",
        "--observation=Both tests compare the order of rows that the old version returned by \
         chance.",
        "--why=The old version gets no security fixes from January on.",
        "--what=Approve to sort explicitly in both places and go on with the upgrade.",
        "--detail=tests=212/214",
        "--detail=coverage=88 %",
    ],
    body: "",
    pictures: &[],
    then: "sorted explicitly; 214 of 214 tests pass. The upgrade goes on.",
    instead: "Roll the database upgrade back and look at the two tests first?",
}];

/// The result of `gander ask --wait`, by exit status.
enum Answer {
    /// With the chosen option, if the question had options.
    Yes(String),
    No(String),
    NotNow,
}

impl Agent {
    pub(in super::super) async fn run(self) -> Outcome {
        let questions = match self.name.as_str() {
            "goose" => SHOP,
            "claude-code" => APP,
            "codex" => UPGRADE,
            other => {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("there is no agent {other:?} in the demonstration"),
                ));
            }
        };
        tokio::select! {
            done = self.work(questions) => done.map(|()| Exit::Yes),
            () = abandoned() => Ok(Exit::NotNow),
        }
    }

    async fn work(&self, questions: &[Question]) -> Result<(), Failure> {
        for question in questions {
            self.pursue(question).await?;
        }
        output::line("everything is done. Until next time!");
        Ok(())
    }

    /// Asks until answered. After a no, asks the alternative question, once.
    async fn pursue(&self, question: &Question) -> Result<(), Failure> {
        for title in [question.title, question.instead] {
            output::line(&format!("asks: {title}"));
            let mut told = false;
            let answer = loop {
                match self.ask(title, question).await? {
                    Answer::NotNow => {
                        if !std::mem::replace(&mut told, true) {
                            output::line("was deferred: does something else and asks again later");
                        }
                        tokio::time::sleep(ASK_AGAIN_AFTER).await;
                    }
                    answer => break answer,
                }
            };
            match answer {
                Answer::NotNow => {}
                Answer::No(words) => output::line(&format!("was {words}; looks for another way")),
                Answer::Yes(said) => {
                    output::line(&format!("goes on, {said}: {}", question.then));
                    return Ok(());
                }
            }
        }
        output::line("leaves it, then.");
        Ok(())
    }

    /// Writes a question's pictures beside the store and returns the arguments to attach them.
    fn pictures(&self, question: &Question) -> std::io::Result<Vec<PathBuf>> {
        let mut arguments = Vec::new();
        for (name, bytes) in question.pictures {
            let file = self.store.with_file_name(name);
            disk::replace(&file, bytes)?;
            arguments.extend([PathBuf::from("--attach"), file]);
        }
        Ok(arguments)
    }

    async fn ask(&self, title: &str, question: &Question) -> Result<Answer, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Internal, format!("gander ask cannot be run: {error}"))
        };
        let mut ask = Command::new(std::env::current_exe().map_err(failed)?)
            .args(["ask", title, "--wait", "--agent", &self.name, "--dedup-key", title])
            .args(question.arguments.iter().filter(|argument| {
                title == question.title || !ARGUES.iter().any(|flag| argument.starts_with(flag))
            }))
            .args(self.pictures(question).map_err(failed)?)
            .args([Path::new("--store"), &self.store])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = ask.stdin.take() {
            // A broken pipe is expected: `ask` without a body closes its end.
            let _ = stdin.write_all(question.body.as_bytes()).await;
        }
        let output = ask.wait_with_output().await.map_err(failed)?;
        // The first line is the decision's number. The verdict follows; its reason may span lines.
        let said =
            String::from_utf8_lossy(&output.stdout).lines().skip(1).collect::<Vec<_>>().join(" ");
        match output.status.code() {
            Some(0) => Ok(Answer::Yes(said)),
            Some(1) => Ok(Answer::No(said)),
            Some(75) => Ok(Answer::NotNow),
            _ => Err(Failure::new(
                Exit::Internal,
                format!("gander ask ended with {}: {said}", output.status),
            )),
        }
    }
}

/// Resolves when the demonstration, which holds the other end of standard input, has ended.
async fn abandoned() {
    let (gone, told) = tokio::sync::oneshot::channel();
    // A separate thread: a blocked read cannot be cancelled, and ends with the process.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = gone.send(());
    });
    let _ = told.await;
}
