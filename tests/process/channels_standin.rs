//! A server on loopback that says what it is told to, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(crate) use crate::common::process::LIMIT;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The fields of a form, or of the address's question.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let text = if self.body.is_empty() {
            self.query.clone()
        } else {
            String::from_utf8(self.body.to_vec()).unwrap()
        };
        text.split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect()
    }
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// What it does with the next request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers so.
    Say(u16, Vec<(&'static str, String)>, String),
    /// Does what was asked and never answers.
    Swallow,
    /// Neither does nor answers it.
    Hang,
}

impl Reply {
    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::Say(status, Vec::new(), body.into())
    }
}

/// What a stand-in does when nothing special was ordered.
type Usual = Box<dyn Fn(&Asked) -> (u16, String) + Send + Sync>;

struct Inner {
    usual: Usual,
    ordered: Mutex<VecDeque<Reply>>,
    asked: watch::Sender<Vec<Asked>>,
}

#[derive(Clone)]
pub(crate) struct Standin {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

impl Standin {
    pub(crate) async fn start(
        usual: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            usual: Box::new(usual),
            ordered: Mutex::default(),
            asked: watch::Sender::new(Vec::new()),
        });
        let serving = Arc::clone(&inner);
        let router = Router::new().fallback(move |request| answer(Arc::clone(&serving), request));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner }
    }

    /// The next requests are met so, one after the other.
    pub(crate) fn order(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.ordered.lock().unwrap().extend(replies);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.inner.asked.borrow().clone()
    }

    /// Waits until it was asked so often.
    pub(crate) async fn asked_times(&self, times: usize) -> Vec<Asked> {
        let mut asked = self.inner.asked.subscribe();
        let waited =
            tokio::time::timeout(LIMIT, asked.wait_for(|asked| asked.len() >= times)).await;
        waited
            .unwrap_or_else(|_| panic!("asked {} times instead of {times}", self.asked().len()))
            .unwrap()
            .clone()
    }
}

async fn answer(inner: Arc<Inner>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
    };
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.iter().map(header).collect(),
        body: to_bytes(body, 1 << 20).await.unwrap(),
    };
    let ordered = inner.ordered.lock().unwrap().pop_front();
    let usual = match ordered {
        Some(Reply::Say(..) | Reply::Hang) => None,
        Some(Reply::Swallow) | None => Some((inner.usual)(&asked)),
    };
    inner.asked.send_modify(|all| all.push(asked));
    let (status, headers, body) = match (ordered, usual) {
        (Some(Reply::Say(status, headers, body)), _) => (status, headers, body),
        (None, Some((status, body))) => (status, Vec::new(), body),
        _ => std::future::pending().await,
    };
    let response = Response::builder().status(status).header("content-type", "application/json");
    let response =
        headers.into_iter().fold(response, |response, (name, value)| response.header(name, value));
    response.body(body.into()).unwrap()
}
