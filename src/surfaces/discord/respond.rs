//! Answers an interaction within Discord's 3 s, whatever the store or the network do.

use std::future::Future;
use std::time::Duration;

use serenity::all::{
    CreateInteractionResponse, CreateInteractionResponseMessage, CreateModal, Http, InteractionId,
};
use serenity::builder::Builder as _;

use super::error::{Meaning, meaning};
use super::render::View;

/// An interaction is acknowledged first if its answer takes longer than this. Discord: 3 s, less
/// the way there.
pub(super) const SOON: Duration = Duration::from_millis(1_500);
/// One try to answer. After Discord's 3 s an answer is of no use.
const ONE_TRY: Duration = Duration::from_millis(2_500);

/// What a person gets to see.
#[derive(Debug)]
pub(super) enum Answer {
    /// The card that they clicked, as it is now.
    Card(View),
    /// The private message that they clicked, as it is now.
    Update(View),
    /// A private message of its own.
    Private(View),
    /// A form to fill in.
    Form(CreateModal),
    /// Only that the click was heard: an edit shows what came of it.
    Nothing,
}

/// How an answer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The person sees it.
    Seen,
    /// They do not; the card is put right by the reconciler.
    Lost,
}

/// The one right to answer an interaction.
#[derive(Debug)]
pub(super) struct Responder<'a> {
    http: &'a Http,
    id: InteractionId,
    token: &'a str,
    acknowledged: bool,
}

impl<'a> Responder<'a> {
    pub(super) const fn new(http: &'a Http, id: InteractionId, token: &'a str) -> Self {
        Self { http, id, token, acknowledged: false }
    }

    /// Waits for work; if it takes too long, tells Discord that an answer will come.
    pub(super) async fn acknowledging<T>(&mut self, work: impl Future<Output = T>) -> T {
        self.meanwhile(CreateInteractionResponse::Acknowledge, work).await
    }

    /// The same for a command: its answer will be a private message of its own.
    pub(super) async fn deferring<T>(&mut self, work: impl Future<Output = T>) -> T {
        let private = CreateInteractionResponseMessage::new().ephemeral(true);
        self.meanwhile(CreateInteractionResponse::Defer(private), work).await
    }

    async fn meanwhile<T>(
        &mut self,
        response: CreateInteractionResponse,
        work: impl Future<Output = T>,
    ) -> T {
        tokio::pin!(work);
        if let Ok(done) = tokio::time::timeout(SOON, &mut work).await {
            return done;
        }
        self.acknowledged = true;
        let acknowledge = || response.clone().execute(self.http, (self.id, self.token));
        let (_, done) = tokio::join!(self.try_twice(acknowledge), work);
        done
    }

    /// Says at once that it begins; what came of it is sent later.
    pub(super) async fn begin(&mut self, view: View) {
        if self.acknowledged {
            return self.progress(view).await;
        }
        self.acknowledged = true;
        let response = CreateInteractionResponse::UpdateMessage(view.answer(true));
        self.try_twice(|| response.clone().execute(self.http, (self.id, self.token))).await;
    }

    /// Says how far it is. One that does not arrive is not missed: the next one or the answer says
    /// more.
    pub(super) async fn progress(&self, view: View) {
        let said =
            tokio::time::timeout(ONE_TRY, view.late_answer().execute(self.http, self.token)).await;
        if let Ok(Err(error)) = said {
            lost(&error);
        }
    }

    /// Sends the answer.
    pub(super) async fn send(self, answer: Answer) -> Sent {
        if self.acknowledged { self.send_late(answer).await } else { self.send_first(answer).await }
    }

    async fn send_first(&self, answer: Answer) -> Sent {
        let response = match answer {
            Answer::Card(view) => return self.update_keeping_files(view).await,
            Answer::Update(view) => CreateInteractionResponse::UpdateMessage(view.answer(true)),
            Answer::Private(view) => CreateInteractionResponse::Message(view.answer(true)),
            Answer::Form(form) => CreateInteractionResponse::Modal(form),
            Answer::Nothing => CreateInteractionResponse::Acknowledge,
        };
        self.try_twice(|| response.clone().execute(self.http, (self.id, self.token))).await
    }

    /// The builder always names the attachments, none, which would take a card's files away.
    /// Without the name Discord keeps them.
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

    async fn send_late(&self, answer: Answer) -> Sent {
        let result = match answer {
            Answer::Card(view) | Answer::Update(view) => {
                view.late_answer().execute(self.http, self.token).await.map(drop)
            }
            Answer::Private(view) => {
                view.follow_up().execute(self.http, (None, self.token)).await.map(drop)
            }
            // A form can only be the first answer. Whoever asks for one does not acknowledge.
            Answer::Form(_) => return Sent::Lost,
            Answer::Nothing => return Sent::Seen,
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
        match tokio::time::timeout(ONE_TRY, attempt()).await {
            Ok(Ok(())) => return Sent::Seen,
            Ok(Err(error)) if meaning(&error).0 == Meaning::Passing => {}
            Ok(Err(error)) => return lost(&error),
            Err(_) => {
                tracing::warn!(
                    "Discord did not take the answer to a click in time; the card is put right by an edit"
                );
                return Sent::Lost;
            }
        }
        match tokio::time::timeout(ONE_TRY, attempt()).await {
            Ok(Ok(())) => Sent::Seen,
            // The first try did arrive; only its receipt was lost.
            Ok(Err(error)) if meaning(&error).0 == Meaning::AlreadyAnswered => Sent::Seen,
            Ok(Err(error)) => lost(&error),
            Err(_) => Sent::Lost,
        }
    }
}

fn lost(error: &serenity::Error) -> Sent {
    tracing::warn!(
        "the answer to a click was not taken: {}; the card is put right by an edit",
        meaning(error).1
    );
    Sent::Lost
}
