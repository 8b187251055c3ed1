//! Listeners: a Unix socket, by default only for the user that runs the bot, and TCP. Connections
//! that send no headers within [`HEADERS_WITHIN`] are closed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};

use super::auth::Peer;
use super::{HEADERS_WITHIN, HttpSettings, OpenTo};
use crate::engine::files;

/// Longest request headers, in bytes.
const LONGEST_HEADERS: usize = 32 << 10;
/// Connections at a time; a further connection waits.
const CONNECTIONS: usize = 8_192;
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
    room: Arc<Semaphore>,
}

/// Accepts and serves connections until `ending`, then waits until open connections have finished.
pub(super) async fn serve(bound: Bound, router: Router, mut ending: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let doors = Acceptor { router, room: Arc::new(Semaphore::new(CONNECTIONS)) };
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
                    doors.accept_connection(stream, peer, graceful.watcher()).await;
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
            Ok((stream, _)) => {
                // Without this option, Nagle's algorithm delays a short response until the previous
                // one is acknowledged.
                let _ = stream.set_nodelay(true);
                doors.accept_connection(stream, Peer::Tcp, graceful.watcher()).await;
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
    async fn accept_connection(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        watcher: Watcher,
    ) {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&self.room).acquire_owned().await else { return };
        let service = TowerToHyperService::new(self.router.clone());
        let service = hyper::service::service_fn(
            move |mut request: hyper::Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(peer);
                hyper::service::Service::call(&service, request)
            },
        );
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            .max_buf_size(LONGEST_HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        let connection = watcher.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
}
