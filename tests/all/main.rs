//! Everything that must hold, in one test binary: each module is a capability, tried
//! through the library's or the binary's doors.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what is not as it must be fails the test"
)]

mod support;

mod adapter;
mod breakpoints;
mod budgets;
mod canonical_abi;
mod clock;
mod component;
mod concurrency;
mod crash;
mod crossings;
mod damaged_units;
mod dap_damaged;
mod dap_frames;
mod dap_ledger;
mod dap_output;
mod dap_protocol;
mod dap_random;
mod dap_time;
mod dap_types;
mod dap_waiting;
mod deadlock;
mod debug_files;
mod debug_prompt;
mod declarations;
mod demo;
mod depth_profile;
mod disassembly;
mod early;
mod embed;
mod endings;
mod exceptions;
mod expressions;
mod fast_frames;
mod files;
mod function_names;
mod fuzzed;
mod gdb_words;
mod go;
mod golden;
mod handle_table;
mod host_files;
mod hostcall_stops;
mod http_service;
mod inlined_breakpoints;
mod inlined_steps;
mod instrument;
mod invoke;
mod kept_session;
mod launch_recorder;
mod library_callers;
mod listener;
mod lowering;
mod network;
mod nonsense;
mod opening;
mod out_of_library;
mod packing;
mod panics;
mod probes;
mod reading;
mod record_arguments;
mod record_replay;
mod recorded_again;
mod replayer_death;
mod resources;
mod rooms;
mod rust_library;
mod sink_traps;
mod source;
mod source_maps;
mod stand_ins;
mod stops_without_frames;
mod suites;
mod surveys;
mod terminal;
mod timeline;
mod timeline_breakpoints;
mod timeline_changes;
mod timeline_interrupt;
mod timeline_into_calls;
mod timeline_killed;
mod timeline_lines;
mod timeline_meeting;
mod timeline_outer;
mod timeline_pieces;
mod timeline_queries;
mod timeline_seek;
mod timeline_steps;
mod timeline_walks;
mod timeline_writes;
mod trace_ending;
mod trace_file;
mod trace_format;
mod unwritten;
mod variant_cache;
mod waiting;
mod wasip3;
mod whereabouts;
