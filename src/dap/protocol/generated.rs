//! Messages of the Debug Adapter Protocol. Generated from its schema by
//! `tests/all/dap_types.rs`: do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// Information about a breakpoint created in `setBreakpoints`, `setFunctionBreakpoints`, `setInstructionBreakpoints`, or `setDataBreakpoints` requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breakpoint {
    /// Start position of the source range covered by the breakpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// End position of the source range covered by the breakpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<i64>,
    /// The end line of the actual range covered by the breakpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// The identifier for the breakpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// A memory reference to where the breakpoint is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction_reference: Option<String>,
    /// The start line of the actual range covered by the breakpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    /// A message about the state of the breakpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The offset from the instruction reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// A machine-readable explanation of why a breakpoint may not be verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<BreakpointReason>,
    /// The source where the breakpoint is located.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// If true, the breakpoint could be set (but not necessarily at the desired location).
    pub verified: bool,
}

/// A machine-readable explanation of why a breakpoint may not be verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BreakpointReason {
    /// `pending`.
    Pending,
    /// `failed`.
    Failed,
}

/// The event indicates that some information about a breakpoint has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakpointEventBody {
    /// The `id` attribute is used to find the target breakpoint, the other attributes are used as the new values.
    pub breakpoint: Breakpoint,
    /// The reason for the event.
    pub reason: BreakpointEventReason,
}

/// The reason for the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BreakpointEventReason {
    /// `changed`.
    Changed,
    /// `new`.
    New,
    /// `removed`.
    Removed,
    /// Another, as the protocol allows.
    #[serde(untagged)]
    String(String),
}

/// Arguments for `breakpointLocations` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakpointLocationsArguments {
    /// Start position within `line` to search possible breakpoint locations in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// End position within `endLine` to search possible breakpoint locations in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<i64>,
    /// End line of range to search possible breakpoint locations in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// Start line of range to search possible breakpoint locations in.
    pub line: i64,
    /// The source location of the breakpoints; either `source.path` or `source.sourceReference` must be specified.
    pub source: Source,
}

/// A `BreakpointMode` is provided as a option when setting breakpoints on sources or instructions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakpointMode {
    /// Describes one or more type of breakpoint this mode applies to.
    pub applies_to: Vec<BreakpointModeApplicability>,
    /// A help text providing additional information about the breakpoint mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name of the breakpoint mode.
    pub label: String,
    /// The internal ID of the mode.
    pub mode: String,
}

/// Describes one or more type of breakpoint a `BreakpointMode` applies to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BreakpointModeApplicability {
    /// In `SourceBreakpoint`s
    Source,
    /// In exception breakpoints applied in the `ExceptionFilterOptions`
    Exception,
    /// In data breakpoints requested in the `DataBreakpointInfo` request
    Data,
    /// In `InstructionBreakpoint`s
    Instruction,
    /// Another, as the protocol allows.
    #[serde(untagged)]
    String(String),
}

/// Information about the capabilities of a debug adapter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// The set of additional module information exposed by the debug adapter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_module_columns: Option<Vec<ColumnDescriptor>>,
    /// Modes of breakpoints supported by the debug adapter, such as 'hardware' or 'software'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakpoint_modes: Option<Vec<BreakpointMode>>,
    /// The set of characters that should automatically trigger a completion request in a REPL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_trigger_characters: Option<Vec<String>>,
    /// Available exception filter options for the `setExceptionBreakpoints` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception_breakpoint_filters: Option<Vec<ExceptionBreakpointsFilter>>,
    /// The debug adapter supports the `suspendDebuggee` attribute on the `disconnect` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_suspend_debuggee: Option<bool>,
    /// The debug adapter supports the `terminateDebuggee` attribute on the `disconnect` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_terminate_debuggee: Option<bool>,
    /// Checksum algorithms supported by the debug adapter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supported_checksum_algorithms: Option<Vec<ChecksumAlgorithm>>,
    /// The debug adapter supports ANSI escape sequences in styling of `OutputEvent.output` and `Variable.value` fields.
    #[serde(rename = "supportsANSIStyling")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_ansi_styling: Option<bool>,
    /// The debug adapter supports the `breakpointLocations` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_breakpoint_locations_request: Option<bool>,
    /// The debug adapter supports the `cancel` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_cancel_request: Option<bool>,
    /// The debug adapter supports the `clipboard` context value in the `evaluate` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_clipboard_context: Option<bool>,
    /// The debug adapter supports the `completions` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_completions_request: Option<bool>,
    /// The debug adapter supports conditional breakpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_conditional_breakpoints: Option<bool>,
    /// The debug adapter supports the `configurationDone` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_configuration_done_request: Option<bool>,
    /// The debug adapter supports the `asAddress` and `bytes` fields in the `dataBreakpointInfo` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_data_breakpoint_bytes: Option<bool>,
    /// The debug adapter supports data breakpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_data_breakpoints: Option<bool>,
    /// The debug adapter supports the delayed loading of parts of the stack, which requires that both the `startFrame` and `levels` arguments and the `totalFrames` result of the `stackTrace` request are supported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_delayed_stack_trace_loading: Option<bool>,
    /// The debug adapter supports the `disassemble` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_disassemble_request: Option<bool>,
    /// The debug adapter supports a (side effect free) `evaluate` request for data hovers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_evaluate_for_hovers: Option<bool>,
    /// The debug adapter supports `filterOptions` as an argument on the `setExceptionBreakpoints` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_exception_filter_options: Option<bool>,
    /// The debug adapter supports the `exceptionInfo` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_exception_info_request: Option<bool>,
    /// The debug adapter supports `exceptionOptions` on the `setExceptionBreakpoints` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_exception_options: Option<bool>,
    /// The debug adapter supports function breakpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_function_breakpoints: Option<bool>,
    /// The debug adapter supports the `gotoTargets` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_goto_targets_request: Option<bool>,
    /// The debug adapter supports breakpoints that break execution after a specified number of hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_hit_conditional_breakpoints: Option<bool>,
    /// The debug adapter supports adding breakpoints based on instruction references.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_instruction_breakpoints: Option<bool>,
    /// The debug adapter supports the `loadedSources` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_loaded_sources_request: Option<bool>,
    /// The debug adapter supports log points by interpreting the `logMessage` attribute of the `SourceBreakpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_log_points: Option<bool>,
    /// The debug adapter supports the `modules` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_modules_request: Option<bool>,
    /// The debug adapter supports the `readMemory` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_read_memory_request: Option<bool>,
    /// The debug adapter supports restarting a frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_restart_frame: Option<bool>,
    /// The debug adapter supports the `restart` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_restart_request: Option<bool>,
    /// The debug adapter supports the `setExpression` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_set_expression: Option<bool>,
    /// The debug adapter supports setting a variable to a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_set_variable: Option<bool>,
    /// The debug adapter supports the `singleThread` property on the execution requests (`continue`, `next`, `stepIn`, `stepOut`, `reverseContinue`, `stepBack`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_single_thread_execution_requests: Option<bool>,
    /// The debug adapter supports stepping back via the `stepBack` and `reverseContinue` requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_step_back: Option<bool>,
    /// The debug adapter supports the `stepInTargets` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_step_in_targets_request: Option<bool>,
    /// The debug adapter supports stepping granularities (argument `granularity`) for the stepping requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_stepping_granularity: Option<bool>,
    /// The debug adapter supports the `terminate` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_terminate_request: Option<bool>,
    /// The debug adapter supports the `terminateThreads` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_terminate_threads_request: Option<bool>,
    /// The debug adapter supports a `format` attribute on the `stackTrace`, `variables`, and `evaluate` requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_value_formatting_options: Option<bool>,
    /// The debug adapter supports the `writeMemory` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_write_memory_request: Option<bool>,
}

/// The checksum of an item calculated by the specified algorithm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checksum {
    /// The algorithm used to calculate this checksum.
    pub algorithm: ChecksumAlgorithm,
    /// Value of the checksum, encoded as a hexadecimal value.
    pub checksum: String,
}

/// Names of checksum algorithms that may be supported by a debug adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChecksumAlgorithm {
    /// `MD5`.
    #[serde(rename = "MD5")]
    MD5,
    /// `SHA1`.
    #[serde(rename = "SHA1")]
    SHA1,
    /// `SHA256`.
    #[serde(rename = "SHA256")]
    SHA256,
    /// `timestamp`.
    Timestamp,
}

/// A `ColumnDescriptor` specifies what module attribute to show in a column of the modules view, how to format it, and what the column's label should be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnDescriptor {
    /// Name of the attribute rendered in this column.
    pub attribute_name: String,
    /// Format to use for the rendered values in this column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Header UI label of column.
    pub label: String,
    /// Datatype of values in this column.
    #[serde(rename = "type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_field: Option<ColumnDescriptorType>,
    /// Width of this column in characters (hint only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
}

/// Datatype of values in this column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ColumnDescriptorType {
    /// `string`.
    String,
    /// `number`.
    Number,
    /// `boolean`.
    Boolean,
    /// `unixTimestampUTC`.
    UnixTimestampUTC,
}

/// Response to `continue` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContinueResponse {
    /// If omitted or set to `true`, this response signals to the client that all threads have been resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_threads_continued: Option<bool>,
}

/// The event indicates that the execution of the debuggee has continued.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContinuedEventBody {
    /// If omitted or set to `true`, this event signals to the client that all threads have been resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_threads_continued: Option<bool>,
    /// The thread which was continued.
    pub thread_id: i64,
}

/// Response to `disassemble` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisassembleResponse {
    /// The list of disassembled instructions.
    pub instructions: Vec<DisassembledInstruction>,
}

/// Represents a single disassembled instruction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisassembledInstruction {
    /// The address of the instruction.
    pub address: String,
    /// The column within the line that corresponds to this instruction, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// The end column of the range that corresponds to this instruction, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<i64>,
    /// The end line of the range that corresponds to this instruction, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// Text representing the instruction and its operands, in an implementation-defined format.
    pub instruction: String,
    /// Raw bytes representing the instruction and its operands, in an implementation-defined format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction_bytes: Option<String>,
    /// The line within the source location that corresponds to this instruction, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    /// Source location that corresponds to this instruction, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Source>,
    /// A hint for how to present the instruction in the UI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_hint: Option<DisassembledInstructionPresentationHint>,
    /// Name of the symbol that corresponds with the location of this instruction, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}

/// A hint for how to present the instruction in the UI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DisassembledInstructionPresentationHint {
    /// `normal`.
    Normal,
    /// `invalid`.
    Invalid,
}

/// Response to `evaluate` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvaluateResponse {
    /// The number of indexed child variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_variables: Option<i64>,
    /// A memory reference to a location appropriate for this result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_reference: Option<String>,
    /// The number of named child variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named_variables: Option<i64>,
    /// Properties of an evaluate result that can be used to determine how to render the result in the UI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_hint: Option<VariablePresentationHint>,
    /// The result of the evaluate request.
    pub result: String,
    /// The type of the evaluate result.
    #[serde(rename = "type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_field: Option<String>,
    /// A reference that allows the client to request the location where the returned value is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_location_reference: Option<i64>,
    /// If `variablesReference` is > 0, the evaluate result is structured and its children can be retrieved by passing `variablesReference` to the `variables` request as long as execution remains suspended.
    pub variables_reference: i64,
}

/// An `ExceptionBreakpointsFilter` is shown in the UI as an filter option for configuring how exceptions are dealt with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionBreakpointsFilter {
    /// A help text providing information about the condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition_description: Option<String>,
    /// Initial value of the filter option.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    /// A help text providing additional information about the exception filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The internal ID of the filter option.
    pub filter: String,
    /// The name of the filter option.
    pub label: String,
    /// Controls whether a condition can be specified for this filter option.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_condition: Option<bool>,
}

/// Arguments for `gotoTargets` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GotoTargetsArguments {
    /// The position within `line` for which the goto targets are determined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// The line location for which the goto targets are determined.
    pub line: i64,
    /// The source location for which the goto targets are determined.
    pub source: Source,
}

/// Logical areas that can be invalidated by the `invalidated` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InvalidatedAreas {
    /// All previously fetched data has become invalid and needs to be refetched.
    All,
    /// Previously fetched stack related data has become invalid and needs to be refetched.
    Stacks,
    /// Previously fetched thread related data has become invalid and needs to be refetched.
    Threads,
    /// Previously fetched variable data has become invalid and needs to be refetched.
    Variables,
    /// Another, as the protocol allows.
    #[serde(untagged)]
    String(String),
}

/// This event signals that some state in the debug adapter has changed and requires that the client needs to re-render the data snapshot previously requested.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvalidatedEventBody {
    /// Set of logical areas that got invalidated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub areas: Option<Vec<InvalidatedAreas>>,
    /// If specified, the client only needs to refetch data related to this stack frame (and the `threadId` is ignored).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_frame_id: Option<i64>,
    /// If specified, the client only needs to refetch data related to this thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<i64>,
}

/// Response to `loadedSources` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadedSourcesResponse {
    /// Set of loaded sources.
    pub sources: Vec<Source>,
}

/// Arguments for `locations` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationsArguments {
    /// Location reference to resolve.
    pub location_reference: i64,
}

/// Response to `locations` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationsResponse {
    /// Position of the location within the `line`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// End position of the location within `endLine`, present if the location refers to a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<i64>,
    /// End line of the location, present if the location refers to a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// The line number of the location.
    pub line: i64,
    /// The source containing the location; either `source.path` or `source.sourceReference` must be specified.
    pub source: Source,
}

/// The event indicates that the target has produced some output.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputEventBody {
    /// The output category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<OutputEventCategory>,
    /// The position in `line` where the output was produced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// Additional data to report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// Support for keeping an output log organized by grouping related messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<OutputEventGroup>,
    /// The source location's line where the output was produced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    /// A reference that allows the client to request the location where the new value is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_reference: Option<i64>,
    /// The output to report.
    pub output: String,
    /// The source location where the output was produced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// If an attribute `variablesReference` exists and its value is > 0, the output contains objects which can be retrieved by passing `variablesReference` to the `variables` request as long as execution remains suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables_reference: Option<i64>,
}

/// The output category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OutputEventCategory {
    /// Show the output in the client's default message UI, e.g. a 'debug console'.
    Console,
    /// A hint for the client to show the output in the client's UI for important and highly visible information, e.g. as a popup notification.
    Important,
    /// Show the output as normal program output from the debuggee.
    Stdout,
    /// Show the output as error program output from the debuggee.
    Stderr,
    /// Send the output to telemetry instead of showing it to the user.
    Telemetry,
    /// Another, as the protocol allows.
    #[serde(untagged)]
    String(String),
}

/// Support for keeping an output log organized by grouping related messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OutputEventGroup {
    /// Start a new group in expanded mode.
    Start,
    /// Start a new group in collapsed mode.
    StartCollapsed,
    /// End the current group and decrease the indentation of subsequent output events.
    End,
}

/// The event indicates that the debugger has begun debugging a new process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessEventBody {
    /// If true, the process is running on the same computer as the debug adapter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_local_process: Option<bool>,
    /// The logical name of the process.
    pub name: String,
    /// The size of a pointer or address for this process, in bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer_size: Option<i64>,
    /// Describes how the debug engine started debugging this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_method: Option<ProcessEventStartMethod>,
    /// The process ID of the debugged process, as assigned by the operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_process_id: Option<i64>,
}

/// Describes how the debug engine started debugging this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProcessEventStartMethod {
    /// Process was launched under the debugger.
    Launch,
    /// Debugger attached to an existing process.
    Attach,
    /// A project launcher component has launched a new process in a suspended state and then asked the debugger to attach.
    AttachForSuspendedLaunch,
}

/// The event signals the end of the progress reporting with a final message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgressEndEventBody {
    /// More detailed progress message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The ID that was introduced in the initial `ProgressStartEvent`.
    pub progress_id: String,
}

/// The event signals that a long running operation is about to start and provides additional information for the client to set up a corresponding progress and cancellation UI.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgressStartEventBody {
    /// If true, the request that reports progress may be cancelled with a `cancel` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancellable: Option<bool>,
    /// More detailed progress message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Progress percentage to display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Number>,
    /// An ID that can be used in subsequent `progressUpdate` and `progressEnd` events to make them refer to the same progress reporting.
    pub progress_id: String,
    /// The request ID that this progress report is related to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<i64>,
    /// Short title of the progress reporting.
    pub title: String,
}

/// The event signals that the progress reporting needs to be updated with a new message and/or percentage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgressUpdateEventBody {
    /// More detailed progress message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Progress percentage to display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<Number>,
    /// The ID that was introduced in the initial `progressStart` event.
    pub progress_id: String,
}

/// A `Scope` is a named container for variables.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// Start position of the range covered by the scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// End position of the range covered by the scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<i64>,
    /// The end line of the range covered by this scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// If true, the number of variables in this scope is large or expensive to retrieve.
    pub expensive: bool,
    /// The number of indexed variables in this scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_variables: Option<i64>,
    /// The start line of the range covered by this scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    /// Name of the scope such as 'Arguments', 'Locals', or 'Registers'.
    pub name: String,
    /// The number of named variables in this scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named_variables: Option<i64>,
    /// A hint for how to present this scope in the UI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_hint: Option<ScopePresentationHint>,
    /// The source for this scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The variables of this scope can be retrieved by passing the value of `variablesReference` to the `variables` request as long as execution remains suspended.
    pub variables_reference: i64,
}

/// A hint for how to present this scope in the UI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ScopePresentationHint {
    /// Scope contains method arguments.
    Arguments,
    /// Scope contains local variables.
    Locals,
    /// Scope contains registers.
    Registers,
    /// Scope contains one or more return values.
    ReturnValue,
    /// Another, as the protocol allows.
    #[serde(untagged)]
    String(String),
}

/// Response to `scopes` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopesResponse {
    /// The scopes of the stack frame.
    pub scopes: Vec<Scope>,
}

/// Arguments for `setBreakpoints` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetBreakpointsArguments {
    /// The code locations of the breakpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakpoints: Option<Vec<SourceBreakpoint>>,
    /// Deprecated: The code locations of the breakpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<i64>>,
    /// The source location of the breakpoints; either `source.path` or `source.sourceReference` must be specified.
    pub source: Source,
    /// A value of true indicates that the underlying source has been modified which results in new breakpoint locations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_modified: Option<bool>,
}

/// Response to `setBreakpoints` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetBreakpointsResponse {
    /// Information about the breakpoints.
    pub breakpoints: Vec<Breakpoint>,
}

/// A `Source` is a descriptor for source code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Additional data that a debug adapter might want to loop through the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter_data: Option<Value>,
    /// The checksums associated with this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksums: Option<Vec<Checksum>>,
    /// The short name of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The origin of this source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The path of the source to be shown in the UI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A hint for how to present the source in the UI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_hint: Option<SourcePresentationHint>,
    /// If the value > 0 the contents of the source must be retrieved through the `source` request (even if a path is specified).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_reference: Option<i64>,
    /// A list of sources that are related to this source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<Source>>,
}

/// A hint for how to present the source in the UI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SourcePresentationHint {
    /// `normal`.
    Normal,
    /// `emphasize`.
    Emphasize,
    /// `deemphasize`.
    Deemphasize,
}

/// Arguments for `source` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceArguments {
    /// Specifies the source content to load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The reference to the source.
    pub source_reference: i64,
}

/// Properties of a breakpoint or logpoint passed to the `setBreakpoints` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceBreakpoint {
    /// Start position within source line of the breakpoint or logpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// The expression for conditional breakpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The expression that controls how many hits of the breakpoint are ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit_condition: Option<String>,
    /// The source line of the breakpoint or logpoint.
    pub line: i64,
    /// If this attribute exists and is non-empty, the debug adapter must not 'break' (stop) but log the message instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_message: Option<String>,
    /// The mode of this breakpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// A Stackframe contains the source location.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackFrame {
    /// Indicates whether this frame can be restarted with the `restartFrame` request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_restart: Option<bool>,
    /// Start position of the range covered by the stack frame.
    pub column: i64,
    /// End position of the range covered by the stack frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<i64>,
    /// The end line of the range covered by the stack frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// An identifier for the stack frame.
    pub id: i64,
    /// A memory reference for the current instruction pointer in this frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction_pointer_reference: Option<String>,
    /// The line within the source of the frame.
    pub line: i64,
    /// The module associated with this frame, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module_id: Option<Value>,
    /// The name of the stack frame, typically a method name.
    pub name: String,
    /// A hint for how to present this frame in the UI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_hint: Option<StackFramePresentationHint>,
    /// The source of the frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// A hint for how to present this frame in the UI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StackFramePresentationHint {
    /// `normal`.
    Normal,
    /// `label`.
    Label,
    /// `subtle`.
    Subtle,
}

/// Provides formatting information for a stack frame.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackFrameFormat {
    /// Display the value in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hex: Option<bool>,
    /// Includes all stack frames, including those the debug adapter might otherwise hide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_all: Option<bool>,
    /// Displays the line number of the stack frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<bool>,
    /// Displays the module of the stack frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<bool>,
    /// Displays the names of parameters for the stack frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_names: Option<bool>,
    /// Displays the types of parameters for the stack frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_types: Option<bool>,
    /// Displays the values of parameters for the stack frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_values: Option<bool>,
    /// Displays parameters for the stack frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<bool>,
}

/// Arguments for `stackTrace` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackTraceArguments {
    /// Specifies details on how to format the returned `StackFrame.name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<StackFrameFormat>,
    /// The maximum number of frames to return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<i64>,
    /// The index of the first frame to return; if omitted frames start at 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_frame: Option<i64>,
    /// Retrieve the stacktrace for this thread.
    pub thread_id: i64,
}

/// Response to `stackTrace` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackTraceResponse {
    /// The frames of the stack frame.
    pub stack_frames: Vec<StackFrame>,
    /// The total number of frames available in the stack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_frames: Option<i64>,
}

/// A `StepInTarget` can be used in the `stepIn` request and determines into which single target the `stepIn` request should step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepInTarget {
    /// Start position of the range covered by the step in target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
    /// End position of the range covered by the step in target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<i64>,
    /// The end line of the range covered by the step-in target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<i64>,
    /// Unique identifier for a step-in target.
    pub id: i64,
    /// The name of the step-in target (shown in the UI).
    pub label: String,
    /// The line of the step-in target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
}

/// Response to `stepInTargets` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepInTargetsResponse {
    /// The possible step-in targets of the specified source location.
    pub targets: Vec<StepInTarget>,
}

/// The event indicates that the execution of the debuggee has stopped due to some condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoppedEventBody {
    /// If `allThreadsStopped` is true, a debug adapter can announce that all threads have stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_threads_stopped: Option<bool>,
    /// The full reason for the event, e.g. 'Paused on exception'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Ids of the breakpoints that triggered the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit_breakpoint_ids: Option<Vec<i64>>,
    /// A value of true hints to the client that this event should not change the focus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preserve_focus_hint: Option<bool>,
    /// The reason for the event.
    pub reason: StoppedEventReason,
    /// Additional information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The thread which was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<i64>,
}

/// The reason for the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StoppedEventReason {
    /// `step`.
    Step,
    /// `breakpoint`.
    Breakpoint,
    /// `exception`.
    Exception,
    /// `pause`.
    Pause,
    /// `entry`.
    Entry,
    /// `goto`.
    Goto,
    /// `function breakpoint`.
    #[serde(rename = "function breakpoint")]
    FunctionBreakpoint,
    /// `data breakpoint`.
    #[serde(rename = "data breakpoint")]
    DataBreakpoint,
    /// `instruction breakpoint`.
    #[serde(rename = "instruction breakpoint")]
    InstructionBreakpoint,
    /// Another, as the protocol allows.
    #[serde(untagged)]
    String(String),
}

/// The event indicates that a thread has started or exited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadEventBody {
    /// The reason for the event.
    pub reason: ThreadEventReason,
    /// The identifier of the thread.
    pub thread_id: i64,
}

/// The reason for the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ThreadEventReason {
    /// `started`.
    Started,
    /// `exited`.
    Exited,
    /// Another, as the protocol allows.
    #[serde(untagged)]
    String(String),
}

/// A Variable is a name/value pair.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    /// A reference that allows the client to request the location where the variable is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declaration_location_reference: Option<i64>,
    /// The evaluatable name of this variable which can be passed to the `evaluate` request to fetch the variable's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_name: Option<String>,
    /// The number of indexed child variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_variables: Option<i64>,
    /// A memory reference associated with this variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_reference: Option<String>,
    /// The variable's name.
    pub name: String,
    /// The number of named child variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named_variables: Option<i64>,
    /// Properties of a variable that can be used to determine how to render the variable in the UI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation_hint: Option<VariablePresentationHint>,
    /// The type of the variable's value.
    #[serde(rename = "type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_field: Option<String>,
    /// The variable's value.
    pub value: String,
    /// A reference that allows the client to request the location where the variable's value is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_location_reference: Option<i64>,
    /// If `variablesReference` is > 0, the variable is structured and its children can be retrieved by passing `variablesReference` to the `variables` request as long as execution remains suspended.
    pub variables_reference: i64,
}

/// Properties of a variable that can be used to determine how to render the variable in the UI.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VariablePresentationHint {
    /// Set of attributes represented as an array of strings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<VariablePresentationHintAttributes>>,
    /// The kind of variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<VariablePresentationHintKind>,
    /// If true, clients can present the variable with a UI that supports a specific gesture to trigger its evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lazy: Option<bool>,
    /// Visibility of variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<VariablePresentationHintVisibility>,
}

/// Set of attributes represented as an array of strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VariablePresentationHintAttributes {
    /// Indicates that the object is static.
    Static,
    /// Indicates that the object is a constant.
    Constant,
    /// Indicates that the object is read only.
    ReadOnly,
    /// Indicates that the object is a raw string.
    RawString,
    /// Indicates that the object can have an Object ID created for it.
    HasObjectId,
    /// Indicates that the object has an Object ID associated with it.
    CanHaveObjectId,
    /// Indicates that the evaluation had side effects.
    HasSideEffects,
    /// Indicates that the object has its value tracked by a data breakpoint.
    HasDataBreakpoint,
    /// Another, as the protocol allows.
    #[serde(untagged)]
    String(String),
}

/// The kind of variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VariablePresentationHintKind {
    /// Indicates that the object is a property.
    Property,
    /// Indicates that the object is a method.
    Method,
    /// Indicates that the object is a class.
    Class,
    /// Indicates that the object is data.
    Data,
    /// Indicates that the object is an event.
    Event,
    /// Indicates that the object is a base class.
    BaseClass,
    /// Indicates that the object is an inner class.
    InnerClass,
    /// Indicates that the object is an interface.
    Interface,
    /// Indicates that the object is the most derived class.
    MostDerivedClass,
    /// Indicates that the object is virtual, that means it is a synthetic object introduced by the adapter for rendering purposes, e.g. an index range for large arrays.
    Virtual,
    /// Deprecated: Indicates that a data breakpoint is registered for the object.
    DataBreakpoint,
    /// Another, as the protocol allows.
    #[serde(untagged)]
    String(String),
}

/// Visibility of variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VariablePresentationHintVisibility {
    /// `public`.
    Public,
    /// `private`.
    Private,
    /// `protected`.
    Protected,
    /// `internal`.
    Internal,
    /// `final`.
    Final,
    /// Another, as the protocol allows.
    #[serde(untagged)]
    String(String),
}

/// Response to `variables` request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VariablesResponse {
    /// All (or a range) of variables for the given variable reference.
    pub variables: Vec<Variable>,
}
