//! Connections: plain and TLS ones through one door, each with a switch that ends it without an
//! answer. Knows nothing of HTTP.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// Connections that wait to be served.
const BACKLOG: usize = 64;

/// Pause after a connection that could not be accepted, so that a lasting cause does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The switch that ends a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cut(Arc<Switch>);

#[derive(Debug, Default)]
struct Switch {
    ended: AtomicBool,
    reader: AtomicWaker,
}

impl Cut {
    /// Ends the connection: its next read fails, which closes it.
    pub(crate) fn end(&self) {
        self.0.ended.store(true, Ordering::Release);
        self.0.reader.wake();
    }

    fn is_ended(&self) -> bool {
        self.0.ended.load(Ordering::Acquire)
    }
}

impl Connected<IncomingStream<'_, Door>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().cut.clone()
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection with its switch.
pub(crate) struct Line {
    stream: Box<dyn Stream>,
    cut: Cut,
}

impl Line {
    fn new(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), cut: Cut::default() }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.cut.0.reader.register(context.waker());
        if self.cut.is_ended() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Where the connections of all ports come in.
#[derive(Debug)]
pub(crate) struct Door {
    lines: mpsc::Receiver<(Line, SocketAddr)>,
    address: SocketAddr,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("cut", &self.cut).finish()
    }
}

/// The door and the two loops that feed it; the loops end when the door is gone.
pub(crate) fn open(
    plain: TcpListener,
    tls: TcpListener,
    acceptor: TlsAcceptor,
    address: SocketAddr,
) -> (Door, impl Future<Output = ()>, impl Future<Output = ()>) {
    let (sender, lines) = mpsc::channel(BACKLOG);
    let door = Door { lines, address };
    (door, accept_plain(plain, sender.clone()), accept_tls(tls, acceptor, sender))
}

async fn accept_plain(listener: TcpListener, lines: mpsc::Sender<(Line, SocketAddr)>) {
    loop {
        let (stream, peer) = accept(&listener).await;
        if lines.send((Line::new(stream), peer)).await.is_err() {
            return;
        }
    }
}

async fn accept_tls(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    lines: mpsc::Sender<(Line, SocketAddr)>,
) {
    loop {
        let (stream, peer) = accept(&listener).await;
        let (acceptor, lines) = (acceptor.clone(), lines.clone());
        if lines.is_closed() {
            return;
        }
        // A slow handshake must not keep others waiting.
        tokio::spawn(async move {
            match acceptor.accept(stream).await {
                Ok(stream) => drop(lines.send((Line::new(stream), peer)).await),
                Err(error) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            }
        });
    }
}

/// The next connection. What makes one fail (a client that left, too many open files) passes.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers must not wait for more to send; a failure costs only time.
                stream.set_nodelay(true).ok();
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        match self.lines.recv().await {
            Some(line) => line,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
