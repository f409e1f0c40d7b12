//! The server: tells a client of the tools, and has them called one after another.

use super::desk::{Call, Desk};
use super::parameters::{read, schema};
use super::tools::{Tool, tools};
use super::{McpError, McpServer};
use crate::debuggee::{Output, Stream};
use crate::timeline::Interrupt;
use parking_lot::Mutex;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProgressToken,
    ServerCapabilities, ServerConfig, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::transport::stdio;
use rmcp::{ErrorData, Peer, RoleServer, ServerHandler, ServiceExt, model};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Progress is told no more often.
const BETWEEN_REPORTS: Duration = Duration::from_millis(500);

/// How a client is told to go about it.
const METHOD: &str = "\
A recording holds one whole run of a WebAssembly program, which can be looked at at every moment. \
Begin with `why`: it tells what went wrong and where the bad value came from. Go back from there: \
`origin` of the value that is wrong, at the moment (`at`) that the answer tells, until you come to \
the computation, the constant or the hostcall that made it. `writes`, `visits`, `calls` and `values` \
tell of the whole run at once, so there is no need to step. Moments look like 12:3:0x1f4; every tool \
takes one as `at`, and a person can go there with `seek` in a debugger.";

/// Serves a client on standard input and output.
pub(super) async fn serve(server: McpServer) -> Result<(), McpError> {
    let tools = Tools {
        desk: Arc::new(Mutex::new(Desk::new(server))),
    };
    let protocol = |error: &dyn std::fmt::Display| McpError::Protocol(error.to_string());
    let running = tools.serve(stdio()).await;
    let running = running.map_err(|error| protocol(&error))?;
    running.waiting().await.map_err(|error| protocol(&error))?;
    Ok(())
}

/// What a client can call.
struct Tools {
    desk: Arc<Mutex<Desk>>,
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let can = ServerCapabilities::builder().enable_tools().build();
        let name = Implementation::new("rr-dap", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(can)
            .with_server_info(name)
            .with_instructions(METHOD)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools().map(told).collect()))
    }

    fn get_tool(&self, name: &str) -> Option<model::Tool> {
        tools().find(|tool| tool.name == name).map(told)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = tools().find(|tool| tool.name == request.name) else {
            let why = format!("there is no tool `{}`", request.name);
            return Err(ErrorData::invalid_params(why, None));
        };
        let given = match read(tool.parameters, request.arguments.unwrap_or_default()) {
            Ok(given) => given,
            Err(why) => return Ok(refused(why)),
        };
        let desk = self.desk.clone();
        let interrupt = Interrupt::new();
        let reporter = Reporter {
            peer: context.peer.clone(),
            token: context.meta.get_progress_token(),
            runtime: Handle::current(),
            told: Mutex::new(None),
        };
        let raised = interrupt.clone();
        let work = tokio::task::spawn_blocking(move || {
            let call = Call {
                output: &reporter,
                interrupt: &raised,
            };
            tool.call(&mut desk.lock(), &given, &call)
        });
        let cancelling = tokio::spawn(async move {
            context.ct.cancelled().await;
            interrupt.raise();
        });
        let done = work.await;
        cancelling.abort();
        Ok(match done {
            Ok(Ok(text)) => CallToolResult::success(vec![ContentBlock::text(text)]).into(),
            Ok(Err(refusal)) => refused(refusal.to_string()),
            Err(error) => refused(format!(
                "the tool failed, which is a fault of rr-dap: {error}"
            )),
        })
    }
}

fn refused(why: String) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(why)]).into()
}

/// A tool as the client is told of it. None of them changes anything but what is looked at.
fn told(tool: &Tool) -> model::Tool {
    let parameters = schema(tool.parameters);
    let hints = ToolAnnotations::new().read_only(true).open_world(false);
    model::Tool::new(tool.name, tool.description(), Arc::new(parameters)).with_annotations(hints)
}

/// Tells a client that wants to know how a call goes on.
struct Reporter {
    peer: Peer<RoleServer>,
    token: Option<ProgressToken>,
    runtime: Handle,
    told: Mutex<Option<Instant>>,
}

impl Output for Reporter {
    fn guest(&self, _: Stream, _: &[u8]) {}

    fn console(&self, _: &str) {}

    fn progress(&self, percentage: Option<u8>, message: &str) {
        let (Some(token), Some(percentage)) = (&self.token, percentage) else {
            return;
        };
        let mut told = self.told.lock();
        if told.is_some_and(|told| told.elapsed() < BETWEEN_REPORTS) {
            return;
        }
        *told = Some(Instant::now());
        let progress = ProgressNotificationParam::new(token.clone(), f64::from(percentage))
            .with_total(100.0)
            .with_message(message);
        let peer = self.peer.clone();
        // Whoever is gone does not wait for it.
        self.runtime
            .spawn(async move { _ = peer.notify_progress(progress).await });
    }
}
