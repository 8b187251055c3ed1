//! The REST interface: takes a request through faults, authorization and rate limits to its route,
//! and notes what came of it.

mod audit;
pub(crate) mod call;
mod callbacks;
mod channel_forms;
mod channels;
mod cleaning;
mod commands;
mod drafts;
mod guilds;
mod hooks;
mod layouts;
mod members;
mod messages;
mod pins;
mod reactions;
mod roles;
pub(crate) mod routes;
mod threads;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::watch;

use self::call::{Answer, Call, LARGEST_BODY, Reply};
use self::routes::Found;
use crate::fault::{DropHow, Effect, LimitHeader, LimitScope};
use crate::gap::{self, Gap};
use crate::hub::Hub;
use crate::model::Application;
use crate::net::Cut;
use crate::ratelimit::{Exceeded, Standing};
use crate::refusal::Refusal;
use crate::snowflake::Snowflake;
use crate::state::State;

/// Serves one request.
pub(crate) async fn entry(
    Shared(hub): Shared<Arc<Hub>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let method = parts.method.as_str().to_owned();
    let query = parts.uri.query().unwrap_or_default();
    let (path, version) = below_version(parts.uri.path());
    let mut call = Call::new(&method, path, query);
    let read = read(&mut call, &parts, body).await;
    let found = version.and_then(|()| routes::find(&method, &call.segments));
    if let Ok(found) = &found {
        call.parameters = found.parameters(&call.segments);
    }
    let effect = hub.lock().faults.strike(&method, path);
    let (effect, headers) = peel(effect);
    let withheld = matches!(effect, Some(Effect::WithholdAnswer { .. } | Effect::HoldAnswer));
    let mut outgoing = match prepare(&hub, &call, effect.as_ref()).await {
        Some(outgoing) => outgoing,
        None => carry_out(&mut hub.lock(), &parts, &mut call, found, read),
    };
    for (header, value) in headers {
        outgoing.mangle(header, value);
    }
    note(&hub, &parts, path, &call, &outgoing, withheld);
    match effect {
        Some(Effect::WithholdAnswer { ms }) => withhold(&hub, &cut, ms).await,
        Some(Effect::HoldAnswer) => hold(&hub).await,
        _ => {}
    }
    outgoing.into_response()
}

/// Takes what becomes of headers off an effect.
fn peel(mut effect: Option<Effect>) -> (Option<Effect>, Vec<(LimitHeader, Option<String>)>) {
    let mut headers = Vec::new();
    while let Some(Effect::MangleHeader { header, value, effect: inner }) = effect {
        headers.push((header, value));
        effect = inner.map(|inner| *inner);
    }
    (effect, headers)
}

/// The path below the version, and whether there is such a version: 9 and 10, which is taken
/// without one, too.
fn below_version(path: &str) -> (&str, Result<(), Refusal>) {
    let path = path.strip_prefix("/api").unwrap_or(path);
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let number = first.strip_prefix('v').and_then(|number| number.parse::<u64>().ok());
    let Some(number) = number else { return (path, Ok(())) };
    let rest = path.trim_start_matches('/').get(first.len()..).unwrap_or_default();
    let known = match number {
        9 | 10 => Ok(()),
        // Old, but not gone from Discord.
        6..=8 => Err(Refusal::gap(Gap { kind: "version", name: format!("{number} of the API") })),
        _ => Err(Refusal::invalid_version()),
    };
    (rest, known)
}

async fn read(call: &mut Call, parts: &Parts, body: Body) -> Result<(), Refusal> {
    let bytes = to_bytes(body, LARGEST_BODY).await.map_err(|_| Refusal::bare(413))?;
    call.read(&parts.headers, bytes).await
}

/// Does what a fault does before a request is carried out; `Some` is the answer instead of it.
async fn prepare(hub: &Hub, call: &Call, effect: Option<&Effect>) -> Option<Outgoing> {
    match effect? {
        Effect::Delay { ms } => {
            pause(hub, *ms).await;
            None
        }
        Effect::Status { status, ms, body, retry_after_header, scope } => {
            if *status != 429 {
                pause(hub, ms.unwrap_or(0)).await;
            }
            let mut outgoing = if *status == 429 {
                let retry_after = Duration::from_millis(ms.unwrap_or(1_000));
                limited(hub, call, Exceeded { scope: *scope, retry_after }, *retry_after_header)
            } else {
                Outgoing::refusal(&Refusal::bare(*status))
            };
            if let Some(body) = body {
                outgoing.body = body.clone();
            }
            Some(outgoing)
        }
        Effect::DropGateway { code } => {
            let how = code.map_or(DropHow::Tcp, |code| DropHow::Close(Some(code)));
            let state = &mut *hub.lock();
            state.gateway.drop_connections(how);
            state.touch();
            None
        }
        Effect::HoldRequest => {
            let era = hub.lock().snapshots.era();
            hold(hub).await;
            // What was asked of a world that has been put back is not done to the present one.
            let gone = hub.lock().snapshots.era() != era;
            gone.then(|| Outgoing::refusal(&Refusal::bare(503)))
        }
        Effect::WithholdAnswer { .. } | Effect::HoldAnswer | Effect::MangleHeader { .. } => None,
    }
}

/// The answer to a request that is said to be one too many. A limit of one bucket tells of it in
/// its headers too; without the header that says how long to wait there are none at all.
fn limited(hub: &Hub, call: &Call, exceeded: Exceeded, retry_after_header: bool) -> Outgoing {
    let mut outgoing = Outgoing::exceeded(&exceeded);
    if !retry_after_header {
        outgoing.headers.retain(|(name, _)| *name != "retry-after");
    } else if exceeded.scope != LimitScope::Global {
        let standing =
            hub.lock().limiter.exhausted(&call.method, &call.segments, exceeded.retry_after);
        outgoing.add_standing(&standing);
    }
    outgoing
}

/// Waits until what is held is released, or the client leaves: the server drops this future then.
async fn hold(hub: &Hub) {
    let held = Held::enter(hub);
    let mut released = held.released.clone();
    tokio::select! {
        // The sender is part of the state, so waiting can end only with a release.
        _ = released.changed() => {}
        () = hub.closing() => {}
    }
}

/// A request that is held; counted as such while this lives.
struct Held<'a> {
    hub: &'a Hub,
    released: watch::Receiver<u64>,
}

impl<'a> Held<'a> {
    fn enter(hub: &'a Hub) -> Self {
        let state = &mut *hub.lock();
        state.held += 1;
        state.touch();
        Self { hub, released: state.releases.subscribe() }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let state = &mut *self.hub.lock();
        state.held -= 1;
        state.touch();
    }
}

async fn pause(hub: &Hub, ms: u64) {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(ms)) => {}
        () = hub.closing() => {}
    }
}

/// Never answers: ends the connection after a time, or waits for the client to leave. The server
/// drops this future when the connection is gone.
async fn withhold(hub: &Hub, cut: &Cut, ms: Option<u64>) {
    match ms {
        Some(ms) => pause(hub, ms).await,
        None => hub.closing().await,
    }
    cut.end();
    std::future::pending().await
}

/// Address, authorization, rate limit, operation.
fn carry_out(
    state: &mut State,
    parts: &Parts,
    call: &mut Call,
    found: Result<Found, Refusal>,
    read: Result<(), Refusal>,
) -> Outgoing {
    let found = match found {
        Ok(found) => found,
        Err(refusal) => return Outgoing::refusal(&refusal),
    };
    call.application = application(state, parts);
    if found.needs_token() && call.application.is_none() {
        return Outgoing::refusal(&Refusal::bare(401));
    }
    // Callbacks belong to no bucket: hikari reports any header of one as a fault.
    if call.segments.first().is_some_and(|root| root == "interactions") {
        return Outgoing::answer(found.answer(state, call, read));
    }
    // Libraries send no token to the routes that need none, or send it all the same.
    let counted = call.application.filter(|_| found.needs_token());
    let verdict = state.limiter.enter(counted, &call.method, &call.segments);
    let mut outgoing = match &verdict.exceeded {
        Some(exceeded) => Outgoing::exceeded(exceeded),
        None => Outgoing::answer(found.answer(state, call, read)),
    };
    outgoing.add_standing(&verdict.standing);
    outgoing
}

/// The application whose token a request has.
fn application(state: &State, parts: &Parts) -> Option<Snowflake> {
    let given = parts.headers.get(header::AUTHORIZATION)?;
    let token = given.to_str().ok()?.strip_prefix("Bot ")?;
    state.realm.authorized(token).map(Application::id)
}

fn note(hub: &Hub, parts: &Parts, path: &str, call: &Call, outgoing: &Outgoing, withheld: bool) {
    let mut shown = path.to_owned();
    if let Some(query) = parts.uri.query() {
        shown.push('?');
        shown.push_str(query);
    }
    if let Some(gap) = &outgoing.gap {
        gap::tell(&gap.words());
    }
    let status = (!withheld).then_some(outgoing.status);
    let answer = outgoing.body.clone();
    let state = &mut *hub.lock();
    let application = application(state, parts);
    let body = call.for_journal();
    state.journal.rest(application, &call.method, &shown, status, body, answer);
    if let Some(gap) = &outgoing.gap {
        state.journal.mark(gap.to_string());
    }
    state.touch();
}

/// An answer on its way out.
#[derive(Debug)]
struct Outgoing {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Value,
    /// What it says this sandbox has not.
    gap: Option<Gap>,
}

impl Outgoing {
    fn answer(answer: Answer) -> Self {
        match answer {
            Ok(Reply { status, body }) => Self { status, headers: Vec::new(), body, gap: None },
            Err(refusal) => Self::refusal(&refusal),
        }
    }

    fn refusal(refusal: &Refusal) -> Self {
        let body = refusal.body();
        Self { status: refusal.status, headers: Vec::new(), body, gap: refusal.gap.clone() }
    }

    fn exceeded(exceeded: &Exceeded) -> Self {
        let seconds = exceeded.retry_after.as_secs_f64();
        let global = exceeded.scope == LimitScope::Global;
        let mut headers = vec![
            ("retry-after", seconds.ceil().to_string()),
            ("x-ratelimit-scope", exceeded.scope.as_str().to_owned()),
        ];
        if global {
            headers.push(("x-ratelimit-global", "true".to_owned()));
        }
        Self {
            status: 429,
            headers,
            body: json!({
                "message": "You are being rate limited.",
                "retry_after": (seconds * 1000.0).round() / 1000.0,
                "global": global,
            }),
            gap: None,
        }
    }

    /// Adds the headers of the bucket. An answer that says how long to wait says it there too.
    fn add_standing(&mut self, standing: &Standing) {
        self.headers.extend(standing.headers());
    }

    /// Lets a header say something else, or takes it away.
    fn mangle(&mut self, header: LimitHeader, value: Option<String>) {
        self.headers.retain(|(name, _)| *name != header.name());
        if let Some(value) = value {
            self.headers.push((header.name(), value));
        }
    }

    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = match &self.body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        // Discord's API stands behind a proxy of Google. Python libraries take a 429 without this
        // header for a ban by Cloudflare, and do not retry.
        headers.insert(header::VIA, HeaderValue::from_static("1.1 google"));
        if !self.body.is_null() {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
