//! Asks the questions of an agent, in the store or of a `gander serve` elsewhere, and waits for the
//! answers as long as it takes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gander_client::{Client, GateVerdict};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use super::answers::{of_decision, of_remote, of_reply};
use super::call::Arguments;
use super::effect::{Answer, Answered, AskedCallQuestion, AskedQuestion, CallAnswers, Yes};
use crate::cli::gate::local::{self, Filed, Judged};
use crate::cli::gate::release::look_again;
use crate::cli::gate::remote::{self, LocalRuling, Submission, Submitted};
use crate::cli::gate::transport::Transport;
use crate::cli::gate::{config_of, own_files, with_facts_in, workspace_in};
use crate::cli::{Common, Exit, Failure, Opened, open_with_timeout, output};
use crate::config::Config;
use crate::core::decision::question::UnfitQuestion;
use crate::core::decision::{DecisionId, Outcome, Request, Revision, Risk};
use crate::core::gate::ToolCall;
use crate::core::gate::rules::{AskReason, Minimum};
use crate::core::hex;
use crate::engine::Claim;
use crate::engine::approvals::gates::{Edits, GateReply};
use crate::engine::event_log::watch;
use crate::engine::operations::heartbeat::{self, Running};
use crate::presentation::acp::{agent_question, choice_of_call};
use crate::presentation::gate::{QuestionTerms, introduced};
use crate::presentation::{json, text};

/// How long a server may take to file a question.
const FILING: Duration = Duration::from_secs(60);
/// How long one wait for a server's answer may take; then the next begins.
const ONE_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The result of a step, or an error message. Every error denies the request.
type Step<T> = Result<T, String>;

/// Asks questions.
#[derive(Debug)]
pub(super) struct Asker {
    common: Common,
    user: Config,
    /// The folder that the agent works in.
    root: PathBuf,
    /// The same by all its names; none if it is no workspace.
    workspace: Vec<PathBuf>,
    /// Files of Gander that no agent should read or write unasked.
    own: Vec<PathBuf>,
    place: AskPlace,
}

#[derive(Debug)]
enum AskPlace {
    Store(Opened),
    Server(Client),
}

/// A filed question: its number and revision.
#[derive(Debug, Clone, Copy)]
struct Waited {
    decision: i64,
    revision: u32,
    about: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A call that the server itself asks about.
    GateCall,
    Decision,
}

/// What became of a question.
enum Asked {
    Answered(Answer),
    Waits(Waited),
}

impl Asked {
    /// A question that nobody could answer.
    fn unfit(why: &UnfitQuestion) -> Self {
        Self::Answered(of_reply(GateReply::Deny(text::gate::unfit(why)), None))
    }
}

impl From<Filed> for Asked {
    fn from(filed: Filed) -> Self {
        match filed {
            Filed::Covered(words) => Self::Answered(Answer::of_gander(Answered::Allowed { words })),
            Filed::Asked(decision) => Self::Waits(Waited {
                decision: decision.id.0,
                revision: decision.revision.0,
                about: Kind::Decision,
            }),
        }
    }
}

impl Asker {
    /// Opens the store, or finds the server.
    ///
    /// # Errors
    /// Neither is possible.
    pub(super) fn open(
        common: &Common,
        transport: &Transport,
        root: &Path,
        home: Option<&Path>,
    ) -> Result<Self, Failure> {
        let usage = |why: String| Failure::new(Exit::Usage, why);
        let user = config_of(common)?;
        let store = common.store_path(&user)?;
        let config = common.config.as_deref().or(user.file.as_deref());
        let own = own_files(&store, config, transport.token_file.as_deref());
        let client = transport.client().and_then(|client| match client {
            Some(client) => Ok(Some(client)),
            None => transport.clone().or_socket_of(&store).client(),
        });
        let place = match client.map_err(usage)? {
            Some(client) => AskPlace::Server(client.wait_through_deferral()),
            None => AskPlace::Store(open_with_timeout(&store, &user)?),
        };
        let (common, root) = (common.clone(), root.to_owned());
        let workspace = workspace_in(root.clone(), home);
        Ok(Self { common, user, root, workspace, own, place })
    }

    /// Notices what other processes write to the store. Never returns.
    pub(super) async fn watch(&self) {
        match &self.place {
            AskPlace::Store(opened) => watch::run(opened.handle.clone(), &opened.store).await,
            AskPlace::Server(_) => std::future::pending().await,
        }
    }

    /// Asks a question and waits for the answer. If `withdrawn` resolves before, withdraws the
    /// question; then there is no answer.
    pub(super) async fn ask(
        &self,
        mut question: AskedQuestion,
        mut withdrawn: oneshot::Receiver<&'static str>,
    ) -> Option<Answer> {
        let failed = |why: String| Answer::failed(text::gate::broken(&why));
        if let AskedQuestion::Call(asked) = &mut question {
            match self.completed(asked.call.clone()).await {
                Ok(call) => asked.call = call,
                Err(why) => return Some(failed(why)),
            }
        }
        let mut allowed_by = None;
        loop {
            // Filed as a whole: a question without a known number could not be withdrawn.
            let waited = match self.file(&question, allowed_by).await {
                Ok(Asked::Answered(answer)) => return Some(answer),
                Ok(Asked::Waits(waited)) => waited,
                Err(why) => return Some(failed(why)),
            };
            self.announce(waited);
            let answered = tokio::select! {
                answer = self.wait(waited) => answer,
                why = &mut withdrawn => {
                    self.withdraw(waited, why.unwrap_or(text::acp::STOPPED)).await;
                    return None;
                }
            };
            let released = match answered {
                Ok(answer) => released(&question, answer).await,
                Err(why) => Err(why),
            };
            match released {
                Ok(Released::Answer(answer)) => return Some(answer),
                Ok(Released::Changed(now)) => {
                    question = AskedQuestion::Call(now);
                    allowed_by = Some(waited.decision);
                }
                Err(why) => {
                    return Some(Answer { decision: Some(waited.decision), ..failed(why) });
                }
            }
        }
    }

    fn announce(&self, waited: Waited) {
        output::progress(&text::acp::waiting(waited.decision));
        if let AskPlace::Store(opened) = &self.place
            && heartbeat::of(&opened.store) == Running::No
        {
            output::progress(text::acp::UNSERVED);
        }
    }

    /// `allowed_by`: the decision whose answer let the call run, if the call changed before it ran.
    async fn file(&self, question: &AskedQuestion, allowed_by: Option<i64>) -> Step<Asked> {
        match (question, &self.place) {
            (AskedQuestion::Call(asked), AskPlace::Store(opened)) => {
                self.file_call(opened, asked, allowed_by).await
            }
            (AskedQuestion::Call(asked), AskPlace::Server(client)) => {
                self.submit_call(client, asked, allowed_by).await
            }
            (AskedQuestion::Question(asked), AskPlace::Store(opened)) => {
                let request = local::stored(&self.user, &self.workspace, |project| {
                    agent_question(asked.clone(), project)
                })?;
                self.file_request(opened, request).await
            }
            (AskedQuestion::Question(asked), AskPlace::Server(client)) => {
                let project = remote::project_of(&self.workspace, &self.common)?;
                self.send_request(client, agent_question(asked.clone(), None), project).await
            }
        }
    }

    /// Completes a call with what only this machine knows.
    async fn completed(&self, call: ToolCall) -> Step<ToolCall> {
        let (root, own) = (self.root.clone(), self.own.clone());
        let completed = tokio::task::spawn_blocking(move || with_facts_in(call, root, own));
        completed.await.map_err(|_| text::gate::FAILED.to_owned())
    }

    async fn file_call(
        &self,
        opened: &Opened,
        asked: &AskedCallQuestion,
        allowed_by: Option<i64>,
    ) -> Step<Asked> {
        let at_least = least(asked);
        let AskedCallQuestion { call, context, answers, .. } = asked;
        let (common, judged_call) = (self.common.clone(), call.clone());
        let judged =
            tokio::task::spawn_blocking(move || local::judged(&common, &judged_call, at_least));
        let judged = judged.await.map_err(|_| text::gate::FAILED.to_owned())??;
        let asking = match judged {
            Judged::Reply(reply) => return Ok(Asked::Answered(of_reply(reply, None))),
            Judged::Ask(asking) => *asking,
        };
        let (context, allowed_by) = (text::acp::context(context), allowed_by.map(DecisionId));
        let handle = &opened.handle;
        let options = match answers {
            CallAnswers::YesOrNo => {
                let question =
                    match local::question_of_call(&self.user, call, asking, Edits::NotTaken)? {
                        Ok(question) => question.with_request(|asked| introduced(asked, &context)),
                        Err(unfit) => return Ok(Asked::unfit(&unfit)),
                    };
                let changes = local::changes_since(handle, &question.request, allowed_by).await?;
                let question = question.with_request(|request| Request { changes, ..request });
                return Ok(local::filed(handle, question).await?.into());
            }
            CallAnswers::Options { options, .. } => options.clone(),
        };
        let request = local::stored(&self.user, &call.roots, |project| {
            choice_of_call(call, options, project, asking.terms)
        })?;
        let changes = local::changes_since(handle, &request, allowed_by).await?;
        self.file_request(opened, Request { changes, ..introduced(request, &context) }).await
    }

    async fn file_request(&self, opened: &Opened, request: Request) -> Step<Asked> {
        Ok(local::filed_once(&opened.handle, request).await?.into())
    }

    async fn submit_call(
        &self,
        client: &Client,
        asked: &AskedCallQuestion,
        allowed_by: Option<i64>,
    ) -> Step<Asked> {
        let at_least = least(asked);
        let AskedCallQuestion { call, context, answers, .. } = asked;
        let context = text::acp::context(context);
        let options = match answers {
            CallAnswers::YesOrNo => {
                let context = Some(context).filter(|context| !context.is_empty());
                let submission = Submission {
                    call,
                    context,
                    at_least,
                    changed_since: allowed_by,
                    takes_edits: false,
                };
                let submitted = remote::submit(client, submission, &self.common, FILING).await?;
                return Ok(match submitted {
                    Submitted::Reply(reply) => Asked::Answered(of_reply(reply, None)),
                    Submitted::Asked { decision, revision, .. } => {
                        Asked::Waits(Waited { decision, revision, about: Kind::GateCall })
                    }
                });
            }
            CallAnswers::Options { options, .. } => options.clone(),
        };
        // The server's rules do not see a question with options: a person does, always.
        let (risk, reason) = match remote::judge_locally(&self.common, call, at_least)? {
            LocalRuling::Denies(words) => {
                return Ok(Asked::Answered(of_reply(GateReply::Deny(words), None)));
            }
            LocalRuling::Asks(least) => (least.risk.max(Risk::High), least.reason),
            LocalRuling::Nothing => (Risk::High, None),
        };
        let reason = reason.map(AskReason::Configured);
        let terms = QuestionTerms { risk, kind: None, reason, rules: String::new() };
        let project = remote::project_of(&call.roots, &self.common)?;
        // The server learns of no files, and shows no difference.
        let context = match allowed_by {
            Some(decision) => text::acp::changed(decision, &context),
            None => context,
        };
        let request = introduced(choice_of_call(call, options, None, terms), &context);
        if let Some(decision) = allowed_by {
            self.report(decision, Outcome::NotRun, text::acp::NOT_RUN).await;
        }
        self.send_request(client, request, project).await
    }

    async fn send_request(
        &self,
        client: &Client,
        request: Request,
        project: Option<String>,
    ) -> Step<Asked> {
        let mut question = json::question(request);
        question.project = project;
        // A key of a connection is shorter than one of the store may be.
        let digest = |key: String| hex(&Sha256::digest(key)[..16]);
        question.dedup_key =
            question.dedup_key.map(|key| format!("{}{}", super::requests::KEY, digest(key)));
        let asked = client.ask(&question).await.map_err(words)?;
        let (decision, revision) = (asked.id, asked.revision);
        Ok(Asked::Waits(Waited { decision, revision, about: Kind::Decision }))
    }

    async fn wait(&self, waited: Waited) -> Step<Answer> {
        let Waited { decision, revision, about } = waited;
        match &self.place {
            AskPlace::Store(opened) => {
                let asked = Some(Revision(revision));
                let approvals = opened.handle.approvals();
                let id = DecisionId(decision);
                let decided = approvals.wait_through_deferral(id, asked, Claim::Yes, None).await;
                Ok(of_decision(opened, &decided.map_err(words)?, Revision(revision)))
            }
            AskPlace::Server(client) if about == Kind::GateCall => loop {
                let answer = client.gate_wait(decision, revision, ONE_WAIT).await.map_err(words)?;
                if matches!(answer.answer, GateVerdict::Allow | GateVerdict::Deny) {
                    return Ok(of_reply(remote::understood(answer), Some(decision)));
                }
            },
            AskPlace::Server(client) => loop {
                let asked = gander_client::DecisionRef { id: decision, revision: Some(revision) };
                let decided = client.wait(asked, ONE_WAIT).await.map_err(words)?;
                if let Some(answer) = of_remote(decided) {
                    return Ok(answer);
                }
            },
        }
    }

    async fn withdraw(&self, waited: Waited, why: &str) {
        let withdrawn = match &self.place {
            AskPlace::Store(opened) => {
                let id = DecisionId(waited.decision);
                opened.handle.approvals().withdraw(id, why).await.map(drop).map_err(words)
            }
            AskPlace::Server(client) => {
                client.withdraw(waited.decision, Some(why)).await.map(drop).map_err(words)
            }
        };
        // Decided at this very moment, or before by another process.
        if let Err(error) = withdrawn {
            tracing::debug!(decision = waited.decision, %error, "a question was not withdrawn");
        }
    }

    /// Shows on a decision's card what came of it.
    pub(super) async fn report(&self, decision: i64, outcome: Outcome, text: &str) {
        let reported = match &self.place {
            AskPlace::Store(opened) => {
                let id = DecisionId(decision);
                opened.handle.approvals().report(id, outcome, text).await.map(drop).map_err(words)
            }
            AskPlace::Server(client) => {
                client.report(decision, outcome, text).await.map(drop).map_err(words)
            }
        };
        if let Err(error) = reported {
            tracing::debug!(decision, %error, "an outcome was not reported");
        }
    }
}

/// An answered question.
enum Released {
    Answer(Answer),
    /// What the call relies on changed while people decided: this is the call now, and nobody has
    /// seen it.
    Changed(Box<AskedCallQuestion>),
}

/// Looks at a call again if its answer lets it run.
async fn released(question: &AskedQuestion, answer: Answer) -> Step<Released> {
    let asked = match question {
        AskedQuestion::Call(asked) if asked.answers.let_run(&answer.verdict) => asked,
        _ => return Ok(Released::Answer(answer)),
    };
    Ok(match look_again(&asked.call).await? {
        None => Released::Answer(answer),
        Some(call) => {
            Released::Changed(Box::new(AskedCallQuestion { call: *call, ..(**asked).clone() }))
        }
    })
}

/// The least terms of a call, beside those of the rules.
fn least(asked: &AskedCallQuestion) -> Option<Minimum> {
    let is_ambiguous = matches!(asked.answers, CallAnswers::Options { yes: Yes::Ambiguous, .. });
    match asked.arguments {
        Arguments::Unknown => Some(Minimum { risk: Risk::High, reason: Some(AskReason::NotTold) }),
        Arguments::Told if is_ambiguous => Some(Minimum { risk: Risk::Medium, reason: None }),
        Arguments::Told => None,
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
