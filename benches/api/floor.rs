//! The floor: a bare axum handler that inserts what it is sent, as durably as Gander does, and
//! nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use tokio::net::UnixListener;

use super::Counts;
use super::load::{Load, TASKS, load};
use super::serve::{Caller, question};
use crate::common::bare::Bare;
use crate::common::wire::folder;

async fn insert(State(bare): State<Arc<Mutex<Bare>>>, body: String) -> &'static str {
    let inserting = tokio::task::spawn_blocking(move || {
        bare.lock().unwrap_or_else(PoisonError::into_inner).insert(&body)
    });
    inserting.await.unwrap();
    "{}"
}

/// By one caller, and by many.
pub(crate) async fn run(counts: Counts) -> [Load; 2] {
    let folder = folder();
    let bare = Arc::new(Mutex::new(Bare::open(&folder.path().join("bare.db"))));
    let socket = folder.path().join("bare.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let router = Router::new().route("/", post(insert)).with_state(bare);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let caller = Caller::new(&socket, None);
    let act = move |number| {
        let caller = caller.clone();
        async move { drop(caller.post("/", question(number).to_string()).await) }
    };
    let loads = [load(1, counts.alone, act.clone()).await, load(TASKS, counts.together, act).await];
    serving.abort();
    loads
}
