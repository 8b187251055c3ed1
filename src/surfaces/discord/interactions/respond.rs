//! Answers an interaction within Discord's 3 s, even if the store or the network is slow.

use std::future::Future;
use std::time::Duration;

use serenity::all::{
    CreateInteractionResponse, CreateInteractionResponseMessage, CreateModal, Http, InteractionId,
};
use serenity::builder::Builder as _;

use crate::surfaces::discord::Bot;
use crate::surfaces::discord::connection::error::{Meaning, meaning};
use crate::surfaces::discord::rendering::render::View;

/// How long an interaction waits for its first answer. The default fits Discord's limit of 3 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseTimes {
    /// Work longer than this is acknowledged first. Default 1.5 s: Discord's limit minus the travel
    /// time.
    pub acknowledge_after: Duration,
    /// Time-out of an attempt. Default 2.5 s: an answer after Discord's limit is useless.
    pub attempt: Duration,
}

impl Default for ResponseTimes {
    fn default() -> Self {
        Self {
            acknowledge_after: Duration::from_millis(1_500),
            attempt: Duration::from_millis(2_500),
        }
    }
}

/// The answer to an interaction.
#[derive(Debug)]
pub(crate) enum Response {
    /// The current version of the clicked card.
    Card(View),
    /// The current version of the clicked private message.
    Update(View),
    /// A new private message.
    Private(View),
    /// A form to fill in.
    Form(CreateModal),
    /// An acknowledgement only: a later edit shows the result.
    Nothing,
}

/// Whether an answer arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Discord accepted the answer.
    Seen,
    /// The answer may not have arrived; the reconciler corrects the card.
    Lost,
}

/// Answers one interaction, once.
#[derive(Debug)]
pub(crate) struct Responder<'a> {
    http: &'a Http,
    id: InteractionId,
    token: &'a str,
    times: ResponseTimes,
    acknowledged: bool,
}

impl<'a> Responder<'a> {
    pub(crate) fn new(bot: &'a Bot, id: InteractionId, token: &'a str) -> Self {
        Self { http: &bot.http, id, token, times: bot.response_times, acknowledged: false }
    }

    /// Runs the work; acknowledges the interaction if the work takes longer than
    /// [`ResponseTimes::acknowledge_after`].
    pub(crate) async fn acknowledge_if_slow<T>(&mut self, work: impl Future<Output = T>) -> T {
        self.meanwhile(CreateInteractionResponse::Acknowledge, work).await
    }

    /// Like [`Self::acknowledge_if_slow`], for a command: the answer will be a new private message.
    pub(crate) async fn deferring<T>(&mut self, work: impl Future<Output = T>) -> T {
        let private = CreateInteractionResponseMessage::new().ephemeral(true);
        self.meanwhile(CreateInteractionResponse::Defer(private), work).await
    }

    async fn meanwhile<T>(
        &mut self,
        response: CreateInteractionResponse,
        work: impl Future<Output = T>,
    ) -> T {
        tokio::pin!(work);
        if let Ok(done) = tokio::time::timeout(self.times.acknowledge_after, &mut work).await {
            return done;
        }
        self.acknowledged = true;
        let acknowledge = || response.clone().execute(self.http, (self.id, self.token));
        let (_, done) = tokio::join!(self.try_twice(acknowledge), work);
        done
    }

    /// Shows at once that long work has started; [`Self::send`] shows the result later.
    pub(crate) async fn begin(&mut self, view: View) {
        if self.acknowledged {
            return self.progress(view).await;
        }
        self.acknowledged = true;
        let response = CreateInteractionResponse::UpdateMessage(view.answer(true));
        self.try_twice(|| response.clone().execute(self.http, (self.id, self.token))).await;
    }

    /// Shows progress. Not retried: the next progress message or the answer replaces a lost one.
    pub(crate) async fn progress(&self, view: View) {
        let said = tokio::time::timeout(
            self.times.attempt,
            view.late_answer().execute(self.http, self.token),
        )
        .await;
        if let Ok(Err(error)) = said {
            lost(&error);
        }
    }

    /// Sends the answer.
    pub(crate) async fn send(self, answer: Response) -> Sent {
        if self.acknowledged { self.send_late(answer).await } else { self.send_first(answer).await }
    }

    async fn send_first(&self, answer: Response) -> Sent {
        let (view, respond): (_, fn(CreateInteractionResponseMessage) -> _) = match answer {
            Response::Card(view) => return self.update_keeping_files(view).await,
            Response::Update(view) => (view, CreateInteractionResponse::UpdateMessage),
            Response::Private(view) => (view, CreateInteractionResponse::Message),
            Response::Form(form) => {
                return self.respond(CreateInteractionResponse::Modal(form)).await;
            }
            Response::Nothing => return self.respond(CreateInteractionResponse::Acknowledge).await,
        };
        let bare = (!view.files.is_empty()).then(|| view.clone().without_files());
        match (self.tried(respond(view.answer(true))).await, bare) {
            // The person waits for the words, and the files are only a part of them.
            (Err(Meaning::Refused), Some(bare)) => self.respond(respond(bare.answer(true))).await,
            (Ok(()), _) => Sent::Seen,
            (Err(_), _) => Sent::Lost,
        }
    }

    async fn respond(&self, response: CreateInteractionResponse) -> Sent {
        match self.tried(response).await {
            Ok(()) => Sent::Seen,
            Err(_) => Sent::Lost,
        }
    }

    async fn tried(&self, response: CreateInteractionResponse) -> Result<(), Meaning> {
        self.twice(|| response.clone().execute(self.http, (self.id, self.token))).await
    }

    /// Keeps the card's files. serenity's builder always sends `attachments`, here an empty list,
    /// and Discord would remove the files. Without the field Discord keeps the files.
    async fn update_keeping_files(&self, mut view: View) -> Sent {
        view.files.clear();
        let response = CreateInteractionResponse::UpdateMessage(view.answer(false));
        let mut body = serde_json::to_value(&response).unwrap_or_default();
        if let Some(data) = body.get_mut("data").and_then(serde_json::Value::as_object_mut) {
            data.remove("attachments");
        }
        self.try_twice(|| {
            self.http.create_interaction_response(self.id, self.token, &body, Vec::new())
        })
        .await
    }

    async fn send_late(&self, answer: Response) -> Sent {
        let result = match answer {
            Response::Card(view) | Response::Update(view) => {
                let edit = |view: View| view.late_answer().execute(self.http, self.token);
                view.send_with(edit).await.map(drop)
            }
            Response::Private(view) => {
                let add = |view: View| view.follow_up().execute(self.http, (None, self.token));
                view.send_with(add).await.map(drop)
            }
            // A form must be the first answer; callers do not acknowledge before a form.
            Response::Form(_) => return Sent::Lost,
            Response::Nothing => return Sent::Seen,
        };
        match result {
            Ok(()) => Sent::Seen,
            Err(error) => lost(&error),
        }
    }

    async fn try_twice<F: Future<Output = serenity::Result<()>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Sent {
        match self.twice(attempt).await {
            Ok(()) => Sent::Seen,
            Err(_) => Sent::Lost,
        }
    }

    /// Tries again once if the first failure was temporary. Returns why the answer is lost.
    async fn twice<F: Future<Output = serenity::Result<()>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<(), Meaning> {
        match tokio::time::timeout(self.times.attempt, attempt()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) if meaning(&error).0 == Meaning::Passing => {}
            Ok(Err(error)) => return Err(why_lost(&error)),
            Err(_) => {
                tracing::warn!(
                    "Discord did not accept the response to a click in \
                     time; editing the card instead"
                );
                return Err(Meaning::TooLate);
            }
        }
        match tokio::time::timeout(self.times.attempt, attempt()).await {
            Ok(Ok(())) => Ok(()),
            // The first attempt arrived; only Discord's response was lost.
            Ok(Err(error)) if meaning(&error).0 == Meaning::AlreadyAnswered => Ok(()),
            Ok(Err(error)) => Err(why_lost(&error)),
            Err(_) => Err(Meaning::TooLate),
        }
    }
}

fn lost(error: &serenity::Error) -> Sent {
    why_lost(error);
    Sent::Lost
}

fn why_lost(error: &serenity::Error) -> Meaning {
    let (meaning, words) = meaning(error);
    tracing::warn!(
        "Discord did not accept the response to a click: {words}; editing the card instead"
    );
    meaning
}

impl Bot {
    /// Redraws a card after a delay.
    pub(super) fn redraw_after(&self, pause: Duration, message: String) {
        let reconciler = std::sync::Arc::clone(&self.reconciler);
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            reconciler.redraw(message).await;
        });
    }
}
