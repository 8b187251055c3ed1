//! Dispatches the protocol's requests, and serves standard input and output.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams,
    CompleteResult, ErrorCode, GetPromptRequestParams, GetPromptResponse, GetTaskParams,
    GetTaskResult, Implementation, InitializeRequestParams, InitializeResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, SubscribeRequestParams,
    SubscriptionFilter, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch::Sender;

use super::follow::{Sink, follow};
use super::resources::is_ours;
use super::tasks::must_speak_tasks;
use super::{LONGEST_MESSAGE, McpServer};
use crate::presentation::text;

/// Most resources to which a session of a protocol version before 2026-07-28 may subscribe. Also
/// limits a subscription request of a newer client.
const MOST_SUBSCRIBED: usize = 1_000;

impl McpServer {
    fn with_subscribed<T>(&self, act: impl FnOnce(&mut BTreeSet<String>) -> T) -> T {
        act(&mut self.subscribed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> InitializeResult {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_tasks()
            .build();
        let mut info = InitializeResult::new(capabilities);
        info.server_info =
            Implementation::new("gander", env!("CARGO_PKG_VERSION")).with_title("Gander");
        info.instructions = Some(text::mcp::INSTRUCTIONS.into());
        info
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        if self.sessions.is_some() {
            let access = self.access(&context.extensions).await?;
            self.take_place(access.caller())?;
        }
        context.peer.set_peer_info(request.clone());
        let mut initialized = self.negotiate_initialize(&request)?;
        // Revisions with a handshake know no tasks extension: their clients use `await_decision`.
        initialized.capabilities.extensions = None;
        Ok(initialized)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let access = self.access(&context.extensions).await?;
        Ok(ListToolsResult::with_all_items(self.tools(&access)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let access = self.access(&context.extensions).await?;
        self.call(&access, request, &context).await
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        must_speak_tasks(&context)?;
        let access = self.access(&context.extensions).await?;
        self.task(&access, &request.task_id).await.map(GetTaskResult::new)
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        must_speak_tasks(&context)?;
        let access = self.access(&context.extensions).await?;
        self.update(&access, &request.task_id).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        must_speak_tasks(&context)?;
        let access = self.access(&context.extensions).await?;
        self.cancel(&access, &request.task_id).await
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        self.access(&context.extensions).await?;
        Ok(Self::prompts())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let access = self.access(&context.extensions).await?;
        self.prompt(&access, request).await.map(Into::into)
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "completion/complete", None))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let access = self.access(&context.extensions).await?;
        let cursor = request.and_then(|request| request.cursor);
        self.resources(&access, cursor.as_deref()).await
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.access(&context.extensions).await?;
        Ok(Self::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let access = self.access(&context.extensions).await?;
        self.read(&access, &request.uri).await.map(Into::into)
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let access = self.access(&context.extensions).await?;
        // Checks that the resource exists and the caller may see it.
        self.read(&access, &request.uri).await?;
        let is_full = self.with_subscribed(|subscribed| {
            let is_full = subscribed.len() >= MOST_SUBSCRIBED;
            if !is_full {
                subscribed.insert(request.uri);
            }
            is_full
        });
        if is_full {
            Err(ErrorData::invalid_request(text::mcp::TOO_MANY_SUBSCRIPTIONS, None))
        } else {
            Ok(())
        }
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.access(&context.extensions).await?;
        self.with_subscribed(|subscribed| subscribed.remove(&request.uri));
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let Ok(access) = self.access(&context.extensions).await else { return };
        let server = self.clone();
        let ended = self.ending.subscribe();
        tokio::spawn(async move {
            let sink = Sink::Peer(context.peer);
            let wants = |uri: &str| server.with_subscribed(|subscribed| subscribed.contains(uri));
            tokio::select! {
                () = follow(&server, &access, &sink, wants) => {}
                () = over(ended) => {}
            }
        });
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        let mut accepted = SubscriptionFilter::new();
        accepted.resources_list_changed = requested.resources_list_changed;
        let uris = requested
            .resource_subscriptions
            .iter()
            .flatten()
            .filter(|uri| is_ours(uri))
            .take(MOST_SUBSCRIBED);
        accepted.resource_subscriptions = Some(uris.cloned().collect());
        Some(accepted)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let access = self.access(&context.request_context().extensions).await?;
        let sink = Sink::Subscription(context.sink());
        let wanted = context.accepted().resource_subscriptions.clone().unwrap_or_default();
        tokio::select! {
            () = follow(self, &access, &sink, |uri| wanted.iter().any(|wanted| wanted == uri)) => {}
            () = context.cancelled() => {}
            () = over(self.ending.subscribe()) => {}
        }
        Ok(())
    }
}

/// Resolves when the connection has ended.
async fn over(mut ended: tokio::sync::watch::Receiver<bool>) {
    // An error means that the sender has been dropped: the connection has ended too.
    let _ = ended.wait_for(|ended| *ended).await;
}

impl McpServer {
    /// Resolves when the connection has ended.
    pub(super) async fn is_over(&self) {
        over(self.ending.subscribe()).await;
    }
}

/// Standard input that signals end of file and read errors: a wait then stops, and does not claim a
/// verdict that can no longer be delivered.
struct Input<R> {
    input: R,
    ending: Sender<bool>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Input<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.input).poll_read(context, buffer);
        let over = match &read {
            Poll::Ready(Ok(())) => buffer.filled().len() == before && buffer.remaining() > 0,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if over {
            self.ending.send_replace(true);
        }
        read
    }
}

/// Serves one client on standard input and output.
pub(super) async fn on_stdio(server: McpServer) -> Result<(), String> {
    let (input, output) = rmcp::transport::stdio();
    let input = Input { input, ending: server.ending.clone() };
    let transport =
        AsyncRwTransport::new_server(input, output).with_max_line_length(LONGEST_MESSAGE);
    let running = match server.serve(transport).await {
        Ok(running) => running,
        // A client that only checks whether the server starts closes the connection at once.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    running.waiting().await.map(drop).map_err(|error| error.to_string())
}
