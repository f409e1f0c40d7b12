--- User commands.
local M = {}

local PLACES = { "start", "entry", "end", "25%", "50%", "75%", "tick " }

local function beginning(candidates, lead)
  return vim.tbl_filter(function(candidate)
    return vim.startswith(candidate, lead)
  end, candidates)
end

local function moments(lead)
  return beginning(vim.list_extend(require("rr-dap.marks").names(), PLACES), lead)
end

local function marks(lead)
  return beginning(require("rr-dap.marks").names(), lead)
end

local function filters(lead)
  return beginning({ "failed" }, lead)
end

local function calls(lead)
  return beginning({ "failed", "--builtins" }, lead)
end

local function overs(lead)
  return beginning({ "failed", "--builtins", "--result" }, lead)
end

local function backs(lead)
  return beginning({ "back" }, lead)
end

--- What a command calls, and what may follow it. The function is given that text.
local COMMANDS = {
  RrBackInto = { "travel", "back_into", "step back into the call that returned last" },
  RrBackOut = { "travel", "back_out", "step back to where this function was called" },
  RrBackInstruction = { "travel", "back_instruction", "step back one instruction" },
  RrHostcallNext = { "travel", "hostcall_next", "go to the next hostcall", nargs = "*", complete = calls },
  RrHostcallPrev = { "travel", "hostcall_prev", "go back to the previous hostcall", nargs = "*", complete = calls },
  RrHostcallOver = { "travel", "hostcall_over", "go behind a hostcall", nargs = "*", complete = overs },
  RrHostcallBack = { "travel", "hostcall_back", "go back over a hostcall", nargs = "*", complete = overs },
  RrSeek = { "travel", "seek", "go to a moment", nargs = "*", complete = moments },
  RrWhen = { "travel", "when", "tell where in time this is" },
  RrMark = { "marks", "mark", "give this moment a name", nargs = "?" },
  RrUnmark = { "marks", "unmark", "forget a mark", nargs = 1, complete = marks },
  RrCopyMoment = { "marks", "copy", "copy this moment, for :RrDebug and rr-dap debug" },
  RrMarks = { "marks", "pick", "choose a mark to go to" },
  RrHostcalls = { "hostcalls", "list", "list hostcalls in the quickfix window", nargs = "*", complete = calls },
  RrRequests = { "requests", "list", "list a service's requests in the quickfix window", nargs = "*", complete = filters },
  RrRequestNext = { "requests", "next", "go to the next request", nargs = "*", complete = filters },
  RrRequestPrev = { "requests", "prev", "go back to this request or the one before", nargs = "*", complete = filters },
  RrMessages = { "messages", "list", "list what recordings said to each other in the quickfix window", nargs = "*" },
  RrNodes = { "messages", "nodes", "list the recordings that are debugged as one in the quickfix window" },
  RrFollow = { "messages", "follow", "go along the message that is sent here", nargs = "?", complete = backs },
  RrHandles = { "handles", "open", "show the handle tables" },
}

--- Modules are loaded when a command is used.
local function define(name, command)
  local module, call, about = unpack(command)
  local function run(input)
    require("rr-dap." .. module)[call](input.args)
  end
  local options = { nargs = command.nargs or 0, complete = command.complete, desc = about }
  vim.api.nvim_create_user_command(name, run, options)
end

function M.define()
  for name, command in pairs(COMMANDS) do
    define(name, command)
  end
  vim.api.nvim_create_user_command("RrDebug", function(input)
    require("rr-dap").debug(input.fargs[1], vim.list_slice(input.fargs, 2))
  end, { nargs = "+", complete = "file", desc = "record and debug a program, or debug a recording" })
  vim.api.nvim_create_user_command("RrWhoWrote", function(input)
    require("rr-dap.travel").who_wrote(input.args, input.bang and "forward" or "backward")
  end, { nargs = "*", bang = true, desc = "go back to the last change of a value (!: on to the next)" })
end

return M
