//! Listeners: a Unix socket, by default only for the user that runs the bot, and TCP. Connections
//! that send no headers within [`HEADERS_WITHIN`] are closed, and earlier if others need their
//! places.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::IntoResponse as _;
use gander_client::types::ProblemKind;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};

use super::auth::Peer;
use super::connections::{Connections, Origin, Place};
use super::error::Refusal;
use super::response_body::Holding;
use super::{HEADERS_WITHIN, HttpSettings, OpenTo};
use crate::engine::files;
use crate::presentation::text::http as text;

/// Longest request headers, in bytes.
const LONGEST_HEADERS: usize = 32 << 10;
/// Refusals sent at a time, each with an open file of those kept for other uses.
const REFUSALS: usize = 8;
/// Time for a request to be refused.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);
/// Bytes of a refused request that are read before closing.
const LONGEST_UNREAD: usize = 64 << 10;
/// Pause after a failed `accept`, for example because the process has too many open files.
const AGAIN: Duration = Duration::from_millis(50);

/// Why a listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is in use, or does not belong to this machine.
    #[error(
        "[http] listen = \"{address}\" cannot be used: {why}. Choose another port, or stop the \
         program that uses it"
    )]
    Tcp {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        why: std::io::Error,
    },
    /// Another process listens on the socket.
    #[error("another process listens on the socket {}: stop it, or set another path with socket \
        under [http]", .0.display())]
    Taken(PathBuf),
    /// The path holds a file that is not a socket.
    #[error("{} is not a socket, so it was not replaced: move it away, or set another path with \
        socket under [http]", .0.display())]
    NotASocket(PathBuf),
    /// The socket cannot be created.
    #[error("cannot create the socket {}: {why}. Set another \
         path with socket under [http]", path.display())]
    Unix {
        /// The socket's path.
        path: PathBuf,
        /// The system's error.
        why: std::io::Error,
    },
}

/// The open listeners. Dropping this removes the socket file.
#[derive(Debug)]
pub struct Bound {
    unix: Option<(UnixListener, SocketFile)>,
    tcp: Option<TcpListener>,
}

#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    owner: u32,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A leftover file is harmless: the next start replaces it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The default socket of a store: beside the store's file.
#[must_use]
pub fn default_socket(store: &Path) -> PathBuf {
    files::beside(store, ".sock")
}

impl Bound {
    /// Opens the listeners. The caller must hold the store's lock: then a socket without a listener
    /// is left over from an earlier process and may be replaced. A default socket that cannot be
    /// opened is only logged.
    ///
    /// # Errors
    /// [`ListenError`], if a configured listener cannot be opened.
    pub async fn new(settings: &HttpSettings, store: &Path) -> Result<Self, ListenError> {
        let unix = match &settings.socket {
            Some(path) => Some(socket(path, settings.open_to)?),
            None => match socket(&default_socket(store), settings.open_to) {
                Ok(bound) => Some(bound),
                Err(error) => {
                    tracing::warn!("local programs cannot connect: {error}");
                    None
                }
            },
        };
        let tcp = match settings.listen {
            Some(address) => Some(
                TcpListener::bind(address)
                    .await
                    .map_err(|why| ListenError::Tcp { address, why })?,
            ),
            None => None,
        };
        Ok(Self { unix, tcp })
    }

    /// The TCP address with the actual port.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().and_then(|tcp| tcp.local_addr().ok())
    }

    /// The socket path and the TCP URL, for display.
    #[must_use]
    pub fn places(&self) -> Vec<String> {
        let unix = self.unix.iter().map(|(_, file)| file.path.display().to_string());
        unix.chain(self.address().map(|address| format!("http://{address}"))).collect()
    }
}

fn socket(path: &Path, open_to: OpenTo) -> Result<(UnixListener, SocketFile), ListenError> {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
    let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let failed = |why| ListenError::Unix { path: path.to_owned(), why };
    files::private_folder(files::folder_of(path)).map_err(failed)?;
    if let Ok(there) = std::fs::symlink_metadata(path) {
        if !there.file_type().is_socket() {
            return Err(ListenError::NotASocket(path.to_owned()));
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(ListenError::Taken(path.to_owned()));
        }
        std::fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    let mode = match open_to {
        OpenTo::Owner => 0o600,
        OpenTo::Group => 0o660,
        OpenTo::Everyone => 0o666,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    let owner = std::fs::symlink_metadata(path).map_err(failed)?.uid();
    Ok((listener, SocketFile { path: path.to_owned(), owner }))
}

/// State shared by all connections.
#[derive(Clone)]
struct Acceptor {
    router: Router,
    connections: Connections,
    /// Refusals that are being sent.
    refusals: Arc<Semaphore>,
}

/// Accepts and serves connections until `ending`, then waits until open connections have finished.
pub(super) async fn serve(
    bound: Bound,
    router: Router,
    connections: Connections,
    mut ending: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let doors = Acceptor { router, connections, refusals };
    let Bound { unix, tcp } = bound;
    tokio::select! {
        () = accept_unix(unix.as_ref(), &doors, &graceful) => {}
        () = accept_tcp(tcp.as_ref(), &doors, &graceful) => {}
        // The sender lives in the server, so this cannot fail.
        _ = ending.wait_for(|ending| *ending) => {}
    }
    // Stop accepting.
    drop((unix, tcp));
    graceful.shutdown().await;
}

async fn accept_unix(
    listener: Option<&(UnixListener, SocketFile)>,
    doors: &Acceptor,
    graceful: &GracefulShutdown,
) {
    let Some((listener, file)) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            // A connection without peer credentials is closed.
            Ok((stream, _)) => match stream.peer_cred() {
                Ok(user) => {
                    let peer = Peer::Unix { uid: user.uid(), ours: user.uid() == file.owner };
                    let origin = Origin::User(user.uid());
                    doors.accept(stream, peer, origin, graceful.watcher()).await;
                }
                Err(error) => {
                    tracing::debug!(%error, "closed a connection from an unknown user")
                }
            },
            Err(error) => pause(&error).await,
        }
    }
}

async fn accept_tcp(listener: Option<&TcpListener>, doors: &Acceptor, graceful: &GracefulShutdown) {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                // Without this option, Nagle's algorithm delays a short response until the previous
                // one is acknowledged.
                let _ = stream.set_nodelay(true);
                doors.accept(stream, Peer::Tcp, Origin::of(from.ip()), graceful.watcher()).await;
            }
            Err(error) => pause(&error).await,
        }
    }
}

async fn pause(error: &std::io::Error) {
    tracing::warn!(%error, "could not accept a connection; trying again");
    tokio::time::sleep(AGAIN).await;
}

impl Acceptor {
    async fn accept(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        origin: Origin,
        watcher: Watcher,
    ) {
        match self.connections.take(origin) {
            Some(place) => self.serve(stream, peer, place, watcher),
            None => self.refuse(stream),
        }
        // Those that gave way hold their files a moment longer.
        self.connections.settled().await;
    }

    fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        place: Place,
        watcher: Watcher,
    ) {
        let place = Arc::new(place);
        let (service, used) = (TowerToHyperService::new(self.router.clone()), Arc::clone(&place));
        let service = hyper::service::service_fn(
            move |mut request: hyper::Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(peer);
                let busy = used.busy();
                let response = hyper::service::Service::call(&service, request);
                async move { response.await.map(|r| r.map(|body| Holding::new(body, busy))) }
            },
        );
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .max_buf_size(LONGEST_HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        let connection = watcher.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended");
                    }
                }
                () = place.must_give_way() => {
                    tracing::debug!("a silent connection gave way to another");
                }
            }
        });
    }

    /// Answers the first request that no place is left. If too many refusals are being sent, only
    /// closes the connection.
    fn refuse(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Ok(sending) = Arc::clone(&self.refusals).try_acquire_owned() else { return };
        let service = hyper::service::service_fn(
            |request: hyper::Request<hyper::body::Incoming>| async move {
                // Closing with unread data would take back the answer. An error means that the
                // client has gone, or sends more than is worth reading.
                let _ = to_bytes(Body::new(request.into_body()), LONGEST_UNREAD).await;
                let refusal = Refusal::new(ProblemKind::Unavailable, text::NO_PLACE).after(1);
                Ok::<_, std::convert::Infallible>(refusal.into_response())
            },
        );
        let connection = hyper::server::conn::http1::Builder::new()
            .keep_alive(false)
            .max_buf_size(LONGEST_HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let _sending = sending;
            // An error means that the client has gone, or sends nothing.
            let _ = tokio::time::timeout(REFUSED_WITHIN, connection).await;
        });
    }
}
