//! Response bodies that hold a value until they end, and bodies of event streams.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::StreamExt as _;
use futures_util::stream::once;
use hyper::body::{Frame, SizeHint};

/// The first line of every event stream. Clients skip comments; proxies pass on what has begun.
const FIRST_LINE: &[u8] = b": this stream is open\n\n";

/// A body that holds a value until its end, or until the client has gone.
#[derive(Debug)]
pub(super) struct Holding<H> {
    body: Body,
    held: Option<H>,
}

impl<H> Holding<H> {
    pub(super) const fn new(body: Body, held: H) -> Self {
        Self { body, held: Some(held) }
    }
}

impl<H: Unpin> hyper::body::Body for Holding<H> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() {
            self.held = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Begins an event stream at once and tells proxies to pass on every event as it comes: nginx would
/// collect events until its buffer is full. Other responses are unchanged.
pub(super) fn begun_if_stream(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !kind.is_some_and(|kind| kind.starts_with(b"text/event-stream")) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    let first = once(async { Ok(Bytes::from_static(FIRST_LINE)) });
    Response::from_parts(parts, Body::from_stream(first.chain(body.into_data_stream())))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[tokio::test]
    async fn only_event_streams_begin_with_a_comment() {
        let of = |kind: &'static str| {
            let response = ([(header::CONTENT_TYPE, kind)], "data: 1\n\n").into_response();
            begun_if_stream(response)
        };
        let stream = of("text/event-stream; charset=utf-8");
        assert_eq!(stream.headers()["x-accel-buffering"], "no");
        let text = axum::body::to_bytes(stream.into_body(), 1_000).await.unwrap();
        assert_eq!(text, ": this stream is open\n\ndata: 1\n\n");
        let other = of("application/json");
        assert!(!other.headers().contains_key("x-accel-buffering"));
        assert_eq!(axum::body::to_bytes(other.into_body(), 1_000).await.unwrap(), "data: 1\n\n");
    }

    #[tokio::test]
    async fn a_body_holds_its_value_to_its_end() {
        use std::sync::Arc;
        let held = Arc::new(());
        let body = Body::new(Holding::new(Body::from("x"), Arc::clone(&held)));
        assert_eq!(Arc::strong_count(&held), 2);
        assert_eq!(axum::body::to_bytes(body, 10).await.unwrap(), "x");
        assert_eq!(Arc::strong_count(&held), 1);
        drop(Body::new(Holding::new(Body::from("x"), Arc::clone(&held))));
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
