//! Runs a relay or a client: moves lines between the processes, has questions asked, and ends
//! everything in order.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::timeout;

use super::agent::{self, AgentProcess};
use super::asking::Asker;
use super::client::{Client, End};
use super::effect::{Answer, AskId, Effect};
use super::lines::{self, Lines, Next, Outbox};
use super::relay::Relay;
use super::requests::Requests;
use crate::cli::signals::Signals;
use crate::cli::{Exit, output};
use crate::core::untrusted::one_line;
use crate::disk;
use crate::presentation::text::{acp as text, gate as gate_text};

/// How long the next line of what an agent wrote before its end may take: a process that it left
/// behind may hold its standard output open.
const AFTER_END: Duration = Duration::from_millis(500);
/// How long a slow client may take to read the rest.
const LAST_LINES: Duration = Duration::from_secs(10);
/// How long the last withdrawals and reports may take.
const LAST_CALLS: Duration = Duration::from_secs(10);

/// How the agent's words are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printing {
    AsTheyCome,
    /// At the end, as JSON.
    Json,
}

/// Who works with the agent.
#[derive(Debug)]
pub(super) enum Peer {
    /// A client at our standard input and output.
    Relay(Relay),
    /// Gander itself.
    Client(Client),
}

impl Peer {
    fn agent_sent(&mut self, line: Vec<u8>) -> Vec<Effect> {
        match self {
            Self::Relay(relay) => relay.agent_sent(line),
            Self::Client(client) => client.agent_sent(&line),
        }
    }

    const fn requests(&mut self) -> &mut Requests {
        match self {
            Self::Relay(relay) => &mut relay.requests,
            Self::Client(client) => &mut client.requests,
        }
    }

    /// `None`: the question is withdrawn.
    fn answered(&mut self, ask: AskId, answer: Option<Answer>) -> Vec<Effect> {
        match answer {
            Some(answer) => self.requests().answered(ask, answer),
            None => self.requests().withdrawn(ask),
        }
    }

    /// The agent or the client is gone: nobody waits for answers any more.
    fn end(&mut self, why: &'static str) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Self::Client(client) = self {
            client.end_line(&mut effects);
        }
        self.requests().end(why, &mut effects);
        effects
    }
}

/// What happens.
#[derive(Debug)]
enum Event {
    FromAgent(Next),
    FromClient(Next),
    /// The client, or the terminal, no longer reads.
    Unread,
}

/// Why it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Over {
    /// The agent ended by itself.
    Agent(std::process::ExitStatus),
    /// The agent closed its standard output.
    AgentSilent,
    /// The client is gone.
    Client,
    /// A signal.
    Stopped,
    /// The prompt is done.
    Done,
    /// It cannot go on.
    Failed(String),
}

/// A relay or client at work.
pub(super) struct Run {
    peer: Peer,
    asker: Arc<Asker>,
    agent: AgentProcess,
    to_agent: Outbox,
    to_client: Outbox,
    events: mpsc::Receiver<Event>,
    /// Questions that are asked. `None`: withdrawn.
    asking: JoinSet<Option<Answer>>,
    asked: HashMap<task::Id, AskId>,
    withdrawing: HashMap<AskId, oneshot::Sender<&'static str>>,
    reporting: JoinSet<()>,
    /// Reads and writes lines.
    moving: JoinSet<()>,
    /// The agent's words, where they are printed at the end, as JSON.
    collected: Option<String>,
    /// Where the session is written, once it is known.
    session_file: Option<PathBuf>,
    writing_to_client: Option<task::JoinHandle<()>>,
}

impl Run {
    /// `first`: what is to be done at once.
    pub(super) fn start(
        peer: Peer,
        first: Vec<Effect>,
        asker: Asker,
        (agent, stdin, stdout): (AgentProcess, ChildStdin, ChildStdout),
        printing: Printing,
        session_file: Option<PathBuf>,
    ) -> Self {
        let (sender, events) = mpsc::channel(1);
        let (to_agent, agent_writer) = lines::outbox();
        let (to_client, client_writer) = lines::outbox();
        let mut moving = JoinSet::new();
        // An agent that reads nothing more is about to end.
        moving.spawn(async move { drop(agent_writer.write(stdin).await) });
        let (both, told) = ([to_client.clone(), to_agent.clone()], sender.clone());
        moving.spawn(read(stdout, both, told, Event::FromAgent));
        if matches!(peer, Peer::Relay(_)) {
            let (only, told) = ([to_agent.clone()], sender.clone());
            moving.spawn(read(tokio::io::stdin(), only, told, Event::FromClient));
        }
        let writing_to_client = Some(tokio::spawn(async move {
            if client_writer.write(tokio::io::stdout()).await.is_err() {
                let _ = sender.send(Event::Unread).await;
            }
        }));
        let mut run = Self {
            peer,
            asker: Arc::new(asker),
            agent,
            to_agent,
            to_client,
            events,
            asking: JoinSet::new(),
            asked: HashMap::new(),
            withdrawing: HashMap::new(),
            reporting: JoinSet::new(),
            moving,
            collected: (printing == Printing::Json).then(String::new),
            session_file,
            writing_to_client,
        };
        run.apply(first);
        run
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::ToAgent(line) => self.to_agent.push(line),
                Effect::ToClient(line) => self.to_client.push(line),
                Effect::Print(words) => match &mut self.collected {
                    Some(collected) => collected.push_str(&words),
                    None => self.to_client.push(output::part(&words)),
                },
                Effect::Tell(words) => output::progress(&one_line(&words)),
                Effect::Ask { ask, question } => {
                    let (withdraw, withdrawn) = oneshot::channel();
                    self.withdrawing.insert(ask, withdraw);
                    let asker = Arc::clone(&self.asker);
                    let task =
                        self.asking.spawn(async move { asker.ask(*question, withdrawn).await });
                    self.asked.insert(task.id(), ask);
                }
                Effect::Withdraw { ask, why } => {
                    if let Some(withdraw) = self.withdrawing.remove(&ask) {
                        // It is answered at this very moment.
                        let _ = withdraw.send(why);
                    }
                }
                Effect::Report { decision, outcome, text } => {
                    let asker = Arc::clone(&self.asker);
                    self.reporting
                        .spawn(async move { asker.report(decision, outcome, &text).await });
                }
            }
        }
    }

    /// Runs until the end: the exit status.
    pub(super) async fn until_end(mut self) -> Exit {
        let over = self.until_over().await;
        let (why, is_agents_end) = match &over {
            Over::Agent(_) | Over::AgentSilent => (text::AGENT_GONE, true),
            Over::Client | Over::Done => (text::CLIENT_GONE, false),
            Over::Stopped | Over::Failed(_) => (text::STOPPED, false),
        };
        let effects = self.peer.end(why);
        self.apply(effects);
        self.to_agent.close();
        let status = match &over {
            Over::Agent(status) => Some(*status),
            _ => self.ended_agent().await,
        };
        if is_agents_end {
            // What it wrote last.
            let _ = timeout(LAST_LINES, self.until_silent()).await;
        }
        let effects = self.peer.end(why);
        self.apply(effects);
        self.to_client.close();
        if let Some(writing) = self.writing_to_client.take() {
            let _ = timeout(LAST_LINES, writing).await;
        }
        let last = async {
            while self.asking.join_next().await.is_some() {}
            while self.reporting.join_next().await.is_some() {}
        };
        let _ = timeout(LAST_CALLS, last).await;
        self.moving.abort_all();
        self.exit(over, status)
    }

    /// Ends the agent, and passes on what it still writes.
    async fn ended_agent(&mut self) -> Option<std::process::ExitStatus> {
        let Self { agent, events, peer, .. } = self;
        let mut left = Vec::new();
        let status = {
            let ending = agent.end();
            tokio::pin!(ending);
            loop {
                tokio::select! {
                    status = &mut ending => break status,
                    Some(event) = events.recv() => {
                        if let Event::FromAgent(Next::Line(line)) = event {
                            left.extend(peer.agent_sent(line).into_iter().filter(is_for_client));
                        }
                    }
                }
            }
        };
        self.apply(left);
        status
    }

    /// Passes on what the agent wrote before its end, until nothing more comes.
    async fn until_silent(&mut self) {
        loop {
            match timeout(AFTER_END, self.events.recv()).await {
                Ok(Some(Event::FromAgent(Next::Line(line)))) => {
                    let effects = self.peer.agent_sent(line).into_iter().filter(is_for_client);
                    self.apply(effects.collect());
                }
                Ok(Some(Event::FromClient(_) | Event::Unread)) => {}
                Ok(Some(Event::FromAgent(_)) | None) => return,
                // A slow client holds the rest up.
                Err(_) if self.to_client.has_waiting() => {}
                Err(_) => return,
            }
        }
    }

    async fn until_over(&mut self) -> Over {
        let asker = Arc::clone(&self.asker);
        let mut watching = Box::pin(async move { asker.watch().await });
        let mut signals = Signals::new();
        loop {
            self.write_session();
            if let Peer::Client(client) = &self.peer
                && client.end().is_some()
            {
                return Over::Done;
            }
            tokio::select! {
                // What the agent did comes before its end: a line that is too long ends it.
                biased;
                () = signals.next() => {
                    let Peer::Client(client) = &mut self.peer else { return Over::Stopped };
                    // A second signal does not wait for the agent.
                    let Some(effects) = client.cancel() else { return Over::Stopped };
                    self.apply(effects);
                }
                () = &mut watching => {
                    return Over::Failed("the store can no longer be watched".into());
                }
                Some(ended) = self.asking.join_next_with_id() => self.take_answer(ended),
                Some(_) = self.reporting.join_next() => {}
                Some(event) = self.events.recv() => {
                    if let Some(over) = self.take(event) {
                        return over;
                    }
                }
                ended = self.agent.ended() => return match ended {
                    Ok(status) => Over::Agent(status),
                    Err(error) => Over::Failed(error.to_string()),
                },
            }
        }
    }

    /// Writes the session once the agent has opened it.
    fn write_session(&mut self) {
        let Peer::Client(client) = &self.peer else { return };
        let Some(session) = client.session() else { return };
        let Some(file) = self.session_file.take() else { return };
        if let Err(error) = disk::replace(&file, format!("{session}\n").as_bytes()) {
            output::print_error(&format!("--session-file {}: {error}", file.display()));
        }
    }

    fn take(&mut self, event: Event) -> Option<Over> {
        let effects = match event {
            Event::FromAgent(Next::Line(line)) => self.peer.agent_sent(line),
            Event::FromAgent(Next::End) => return Some(Over::AgentSilent),
            Event::FromClient(Next::Line(line)) => match &mut self.peer {
                Peer::Relay(relay) => relay.client_sent(line),
                Peer::Client(_) => Vec::new(),
            },
            Event::FromClient(Next::End) | Event::Unread => return Some(Over::Client),
            Event::FromAgent(Next::TooLong) | Event::FromClient(Next::TooLong) => {
                return Some(Over::Failed(text::line_too_long(lines::LONGEST)));
            }
        };
        self.apply(effects);
        None
    }

    fn take_answer(&mut self, ended: Result<(task::Id, Option<Answer>), JoinError>) {
        let (task, answer) = match ended {
            Ok(ended) => ended,
            // A mistake of ours is no yes.
            Err(error) => (error.id(), Some(Answer::failed(gate_text::broken(gate_text::FAILED)))),
        };
        let Some(ask) = self.asked.remove(&task) else { return };
        self.withdrawing.remove(&ask);
        let effects = self.peer.answered(ask, answer);
        self.apply(effects);
    }

    fn exit(self, over: Over, status: Option<std::process::ExitStatus>) -> Exit {
        let Peer::Client(client) = &self.peer else {
            return match (over, status) {
                (Over::Failed(why), _) => failed(&why),
                (Over::Agent(_) | Over::AgentSilent | Over::Client, Some(status)) => {
                    let (how, code) = agent::described(status);
                    if code != 0 {
                        output::progress(&text::agent_ended(&how));
                    }
                    Exit::Program(code)
                }
                _ => Exit::Yes,
            };
        };
        if let Some(text) = &self.collected {
            let reason = match client.end() {
                Some(End::Stopped(reason)) => Some(reason),
                _ => None,
            };
            output::json(&serde_json::json!({
                "session": client.session(), "stop_reason": reason, "text": text,
            }));
        }
        match (client.end(), over) {
            (Some(End::Stopped(reason)), _) => {
                if let Some(words) = text::stopped(reason) {
                    output::progress(&words);
                }
                match reason.as_str() {
                    "end_turn" => Exit::Yes,
                    "refusal" => Exit::No,
                    _ => Exit::NotNow,
                }
            }
            (Some(End::Failed(why)), _) => failed(why),
            (None, Over::Failed(why)) => failed(&why),
            (None, Over::Agent(_) | Over::AgentSilent) => {
                let how = status.map(|status| agent::described(status).0);
                let how = how.unwrap_or_else(|| "its output was closed".into());
                failed(&text::agent_died(&how, client.session()))
            }
            (None, _) => Exit::NotNow,
        }
    }
}

fn failed(why: &str) -> Exit {
    output::print_error(why);
    Exit::Internal
}

/// Whether an effect still matters when the agent is being ended.
const fn is_for_client(effect: &Effect) -> bool {
    matches!(effect, Effect::ToClient(_) | Effect::Print(_))
}

/// Reads lines while there is room for what follows from them.
async fn read<const N: usize>(
    from: impl AsyncRead + Unpin,
    to: [Outbox; N],
    events: mpsc::Sender<Event>,
    event: fn(Next) -> Event,
) {
    let mut lines = Lines::of(from);
    loop {
        for outbox in &to {
            outbox.room().await;
        }
        // A stream that cannot be read has ended.
        let next = lines.next().await.unwrap_or(Next::End);
        let is_over = next == Next::End || next == Next::TooLong;
        if events.send(event(next)).await.is_err() || is_over {
            return;
        }
    }
}
