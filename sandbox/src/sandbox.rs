//! The running sandbox and its handle.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::actions::{self, Action};
use crate::addresses::{Addresses, BotAddress, Names};
use crate::error::{StartError, TimedOut, WorldError};
use crate::fault::{DropHow, Fault, GatewayFault};
use crate::http;
use crate::hub::Hub;
use crate::journal::JournalEntry;
use crate::model::{Realm, User};
use crate::moderation::Age;
use crate::net::{self, Cut};
use crate::options::Options;
use crate::outcome::Outcome;
use crate::person::Person;
use crate::snowflake;
use crate::state::{Settings, State};
use crate::tls::{self, Tls};
use crate::transcript;
use crate::view::View;
use crate::world::{BotAccess, ChannelSpec, RoleSpec, UserSpec};

/// How long [`Sandbox::shutdown`] waits for connections to end.
const GRACE: Duration = Duration::from_secs(2);

/// A running sandbox. Clones share it; it stops when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Sandbox {
    running: Arc<Running>,
}

/// What ends with the last handle.
#[derive(Debug)]
struct Running {
    hub: Arc<Hub>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// A folder made for this start alone.
    own_folder: Option<PathBuf>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.hub.close();
        if let Some(folder) = &self.own_folder {
            // What is left in the temporary folder is the system's to clean up.
            fs::remove_dir_all(folder).ok();
        }
    }
}

impl Sandbox {
    /// Opens all ports and writes the certificate authority to `ca.pem`.
    ///
    /// # Errors
    /// If a port cannot be opened, the address is not loopback, the certificate cannot be made or
    /// written, or the world contradicts itself.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        if !options.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(options.listen));
        }
        let realm = Realm::build(&options)?;
        let Tls { acceptor, authority } = tls::make()?;
        let plain = listen(options.listen).await?;
        let secure = listen(SocketAddr::new(options.listen.ip(), 0)).await?;
        let (ca, own_folder) = write_authority(options.state_dir.as_deref(), &authority)?;
        let ports = Ports {
            plain: local(&plain, options.listen)?,
            secure: local(&secure, options.listen)?,
        };
        let addresses = ports.addresses(&realm, &ca);
        let settings =
            Settings::new(&options, format!("http://{}", ports.plain), addresses.gateway.clone());
        let state = State::new(realm, settings, options.rate_limits);
        let hub = Arc::new(Hub::new(state, addresses));
        let (door, feed_plain, feed_secure) = net::open(plain, secure, acceptor, ports.plain);
        let tasks = vec![
            tokio::spawn(until_closing(Arc::clone(&hub), feed_plain)),
            tokio::spawn(until_closing(Arc::clone(&hub), feed_secure)),
            tokio::spawn(serve(door, Arc::clone(&hub))),
        ];
        Ok(Self { running: Arc::new(Running { hub, tasks: Mutex::new(tasks), own_folder }) })
    }

    /// Where everything is, with the names of the start: what is added later tells its id then.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.running.hub.addresses
    }

    /// The hand of a person; `None` if there is none of this user name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<Person> {
        let account = self.running.hub.lock().realm.person(name)?.clone();
        Some(Person::new(self.clone(), account))
    }

    /// What a person sees; `None` if there is none of this user name.
    #[must_use]
    pub fn view(&self, user: &str) -> Option<View> {
        self.running.hub.lock().view(user)
    }

    /// Journal entries with a number greater than `since`.
    #[must_use]
    pub fn journal(&self, since: u64) -> Vec<JournalEntry> {
        self.running.hub.lock().journal.since(since)
    }

    /// The journal after entry `since` as lines to read, one an entry, with names for ids: to be
    /// printed when a test has failed.
    #[must_use]
    pub fn transcript(&self, since: u64) -> String {
        transcript::render(&self.journal(since), &self.running.hub.addresses_now())
    }

    /// Arranges a misbehaviour.
    pub fn fault(&self, fault: Fault) {
        self.running.hub.lock().faults.arrange(fault);
    }

    /// The arranged misbehaviours of REST that are not used up yet, oldest first. One that strikes
    /// once and is gone from here has met its request; await that with [`Sandbox::wait_for`].
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.running.hub.lock().faults.to_come()
    }

    /// Arranges a misbehaviour of the gateway.
    pub fn gateway_fault(&self, fault: GatewayFault) {
        self.running.hub.lock().gateway.disturb(fault);
    }

    /// Forgets the arranged misbehaviours, those of the gateway included. What is held stays held
    /// until [`Sandbox::release_held`].
    pub fn clear_faults(&self) {
        self.running.hub.lock().clear_faults();
    }

    /// Requests that wait with [`Effect::HoldRequest`](crate::Effect::HoldRequest) or
    /// [`Effect::HoldAnswer`](crate::Effect::HoldAnswer). Await them with [`Sandbox::wait_for`].
    #[must_use]
    pub fn held_requests(&self) -> usize {
        self.running.hub.lock().held
    }

    /// Lets all requests that are held go on, and returns how many there were.
    pub fn release_held(&self) -> usize {
        self.running.hub.lock().release_held()
    }

    /// Counter that grows with every change of the world or the journal.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.running.hub.lock().subscribe()
    }

    /// Probes now and after each change until `probe` finds what it looks for.
    ///
    /// # Errors
    /// [`TimedOut`], naming `what`, after `limit`.
    pub async fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        mut probe: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T, TimedOut> {
        let deadline = Instant::now() + limit;
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if let Some(found) = probe(self) {
                return Ok(found);
            }
            if !matches!(timeout_at(deadline, changes.changed()).await, Ok(Ok(()))) {
                return Err(TimedOut { what: what.to_owned(), limit });
            }
        }
    }

    /// A moderator deletes a message. One that does not exist is passed over.
    pub fn delete_message(&self, channel_id: &str, message_id: &str) {
        let done = self.running.hub.lock().moderate_message(channel_id, message_id);
        passed_over(done);
    }

    /// A moderator deletes several messages of a channel at once. Those that do not exist are
    /// passed over.
    pub fn delete_messages(&self, channel_id: &str, message_ids: &[&str]) {
        passed_over(self.running.hub.lock().moderate_messages(channel_id, message_ids));
    }

    /// A moderator deletes a channel. One that does not exist is passed over.
    pub fn delete_channel(&self, channel_id: &str) {
        passed_over(self.running.hub.lock().delete_channel(channel_id));
    }

    /// A moderator changes what the bot may do in a channel, by an overwrite of its permissions
    /// there. One that does not exist is passed over.
    pub fn set_bot_access(&self, channel_id: &str, access: BotAccess) {
        passed_over(self.running.hub.lock().set_bot_access(channel_id, access));
    }

    /// A moderator changes what a role may do in the whole server, in Discord's permission bits.
    /// `@everyone` is a role, and the bot has one of its own name; it may do what either lets it.
    /// One that does not exist is passed over.
    pub fn set_role_permissions(&self, role: &str, permissions: u64) {
        passed_over(self.running.hub.lock().set_role_permissions(None, role, permissions));
    }

    /// A moderator moves a role of the first guild to a position above `@everyone`'s, which is 0.
    /// The bot may act only on who and what stands below its highest role. A role that does not
    /// exist is passed over.
    pub fn set_role_position(&self, role: &str, position: usize) {
        passed_over(self.running.hub.lock().place_role(None, role, position));
    }

    /// A person closes or opens their direct messages to the bot (error 50007). One who does not
    /// exist is passed over.
    pub fn close_dms(&self, user: &str, closed: bool) {
        passed_over(self.running.hub.lock().close_dms(user, closed));
    }

    /// A person leaves the server or joins it. Whoever left shares no server with the bot, which
    /// cannot write to them (error 50278). The owner, who cannot leave, and one who does not exist
    /// are passed over.
    pub fn set_member(&self, user: &str, member: bool) {
        passed_over(self.running.hub.lock().set_member(None, user, member));
    }

    /// A person appears as "online", "idle", "dnd", "invisible" or "offline". One who does not exist
    /// and what is no status are passed over.
    pub fn set_status(&self, user: &str, status: &str) {
        passed_over(self.running.hub.lock().set_status(user, status));
    }

    /// A moderator times a member of the first guild out for so long, or ends the time-out: until
    /// then they may only look and read. One who is no member is passed over.
    pub fn time_out(&self, user: &str, length: Option<Duration>) {
        passed_over(self.running.hub.lock().time_out(None, user, length));
    }

    /// Moves the clock forward. The deadlines that then lie behind are carried out: interactions
    /// fail, tokens expire, time-outs end, and windows of rate limits are over. New ids and times
    /// follow the clock, which never goes back.
    pub fn advance(&self, by: Duration) {
        self.running.hub.lock().advance(by);
    }

    /// Adds a person, to the first guild if so specified, and returns their id. The bots hear of it
    /// as of anybody who joins.
    ///
    /// # Errors
    /// If the name is taken, or a role does not exist.
    pub fn add_user(&self, user: &UserSpec) -> Result<String, WorldError> {
        let id = self.running.hub.lock().add_user(user)?;
        Ok(id.to_string())
    }

    /// Adds a role above the others of a guild, the first one or that of this name or id, and
    /// returns its id.
    ///
    /// # Errors
    /// If the name is taken, the guild does not exist, or Discord has no such permissions.
    pub fn add_role(&self, guild: Option<&str>, role: &RoleSpec) -> Result<String, WorldError> {
        let id = self.running.hub.lock().add_role(guild, role)?;
        Ok(id.to_string())
    }

    /// Adds a channel below the others of a guild, the first one or that of this name or id, and
    /// returns its id.
    ///
    /// # Errors
    /// If the name is taken, or what it names does not exist.
    pub fn add_channel(
        &self,
        guild: Option<&str>,
        channel: &ChannelSpec,
    ) -> Result<String, WorldError> {
        let id = self.running.hub.lock().add_channel(guild, channel)?;
        Ok(id.to_string())
    }

    /// Puts the world back as it was founded, ids and tokens included: messages, commands, and
    /// whatever was added are gone, faults and the journal are cleared, what is held is released,
    /// and rate limits begin anew. Clients are told that their sessions are invalid and cannot be
    /// resumed. Snapshots stay, the clock does not go back, and the journal counts on.
    pub fn reset(&self) {
        self.running.hub.lock().reset();
    }

    /// Keeps the whole world as it is now, for [`Sandbox::restore`], until the sandbox ends;
    /// returns the snapshot's id. Faults and the journal are not part of it.
    #[must_use]
    pub fn snapshot(&self) -> String {
        self.running.hub.lock().snapshot()
    }

    /// Puts the world back as it was at a snapshot, commands included. Clients are told that their
    /// sessions are invalid and cannot be resumed. The clock does not go back.
    ///
    /// # Errors
    /// If there is no snapshot of this id.
    pub fn restore(&self, snapshot: &str) -> Result<(), WorldError> {
        self.running.hub.lock().restore(snapshot)
    }

    /// Somebody invites the bot to another server, in which everybody is, strangers included. The
    /// id of its only channel: what happens there has that server's id. It lasts until the
    /// sandbox ends.
    pub fn invite(&self, server: &str, age: Age) -> String {
        self.running.hub.lock().invite(server, age).to_string()
    }

    /// The owner switches the application's "Public Bot" on or off: whether anybody may invite it.
    /// It is off at first, other than on Discord.
    pub fn set_bot_public(&self, public: bool) {
        self.running.hub.lock().set_bot_public(public);
    }

    /// The owner sets or clears the application's "Interactions Endpoint URL". While it is set,
    /// interactions are sent there and not over the gateway; nothing answers there, so that people
    /// see at once that the application did not respond.
    pub fn set_interactions_endpoint_url(&self, url: Option<&str>) {
        let state = &mut *self.running.hub.lock();
        let first = state.realm.first_application().id();
        state.set_endpoint(first, url.map(str::to_owned));
    }

    /// Ends or disturbs the gateway's connections.
    pub fn drop_gateway(&self, how: DropHow) {
        let state = &mut *self.running.hub.lock();
        state.gateway.drop_connections(how);
        state.touch();
    }

    /// Number of gateway sessions connected now.
    #[must_use]
    pub fn gateway_sessions(&self) -> usize {
        self.running.hub.lock().gateway.connected()
    }

    /// Stops the sandbox for all its handles and waits until its ports are closed, at most 2 s for
    /// connections that do not end.
    pub async fn shutdown(self) {
        self.running.hub.close();
        let tasks = {
            let mut tasks = self.running.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        for task in tasks {
            let abort = task.abort_handle();
            if timeout(GRACE, task).await.is_err() {
                abort.abort();
            }
        }
    }

    pub(crate) async fn act(&self, user: &str, action: Action) -> Outcome {
        actions::perform(&self.running.hub, user, action).await
    }

    /// What a person sees; one who is no longer in the world sees nothing but the account.
    pub(crate) fn view_as(&self, account: &User) -> View {
        let state = self.running.hub.lock();
        state.view_of(state.realm.person(&account.name).unwrap_or(account))
    }
}

/// Says in the log that a moderator's wish concerned nothing.
fn passed_over(done: Result<(), String>) {
    if let Err(why) = done {
        tracing::warn!(why, "passed over");
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}

fn local(listener: &TcpListener, address: SocketAddr) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|source| StartError::Listen { address, source })
}

async fn until_closing(hub: Arc<Hub>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        () = hub.closing() => {}
    }
}

async fn serve(door: net::Door, hub: Arc<Hub>) {
    let service = http::router(Arc::clone(&hub)).into_make_service_with_connect_info::<Cut>();
    let closing = async move { hub.closing().await };
    let served = axum::serve(door, service).with_graceful_shutdown(closing);
    if let Err(error) = served.await {
        tracing::error!(%error, "the sandbox's server failed");
    }
}

/// Writes the authority; returns its path and the folder if it was made for this start.
fn write_authority(
    folder: Option<&Path>,
    authority: &str,
) -> Result<(PathBuf, Option<PathBuf>), StartError> {
    let own = folder.is_none().then(|| {
        let name = format!("discord-sandbox-{}", snowflake::secret());
        std::env::temp_dir().join(name)
    });
    let folder = own.as_deref().or(folder).unwrap_or(Path::new("."));
    let path = folder.join("ca.pem");
    let failed = |source: io::Error| StartError::StateDir { path: path.clone(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    fs::write(&path, authority).map_err(failed)?;
    Ok((path, own))
}

/// The addresses that were given out.
struct Ports {
    plain: SocketAddr,
    secure: SocketAddr,
}

impl Ports {
    fn addresses(&self, realm: &Realm, ca: &Path) -> Addresses {
        let first = realm.first_application();
        let more_bots = realm.applications.iter().skip(1).map(|application| BotAddress {
            name: application.bot.name.clone(),
            application_id: application.id().to_string(),
            token: application.token.clone(),
        });
        let addresses = Addresses {
            rest: format!("http://{}/api", self.plain),
            tls: format!("https://{}", self.secure),
            ca: ca.display().to_string(),
            gateway: format!("ws://{}/gateway", self.plain),
            page: format!("http://{}/", self.plain),
            token: first.token.clone(),
            application_id: first.id().to_string(),
            guild_id: realm.home().id.to_string(),
            channels: Names::default(),
            roles: Names::default(),
            users: Names::default(),
            more_guilds: Vec::new(),
            more_bots: more_bots.collect(),
        };
        addresses.with_names_of(realm)
    }
}
