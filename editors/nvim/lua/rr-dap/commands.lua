--- User commands.
local M = {}

local PLACES = { "start", "entry", "end", "25%", "50%", "75%", "tick " }

local function beginning(candidates, lead)
  return vim.tbl_filter(function(candidate)
    return vim.startswith(candidate, lead)
  end, candidates)
end

local function complete_seek(lead)
  return beginning(vim.list_extend(require("rr-dap.marks").names(), PLACES), lead)
end

local function complete_marks(lead)
  return beginning(require("rr-dap.marks").names(), lead)
end

local function complete_filter(lead)
  return beginning({ "failed" }, lead)
end

local function debug(input)
  local path = input.fargs[1]
  require("rr-dap").debug(path, vim.list_slice(input.fargs, 2))
end

--- Modules are loaded when a command is used.
local COMMANDS = {
  RrDebug = { debug, nargs = "+", complete = "file", desc = "record and debug a program, or debug a recording" },
  RrBackInto = {
    function()
      require("rr-dap.travel").back_into()
    end,
    desc = "step back into the call that returned last",
  },
  RrBackOut = {
    function()
      require("rr-dap.travel").back_out()
    end,
    desc = "step back to where this function was called",
  },
  RrBackInstruction = {
    function()
      require("rr-dap.travel").back_instruction()
    end,
    desc = "step back one instruction",
  },
  RrHostcallNext = {
    function(input)
      require("rr-dap.travel").hostcall_next(input.args)
    end,
    nargs = "*",
    complete = complete_filter,
    desc = "go to the next hostcall",
  },
  RrHostcallPrev = {
    function(input)
      require("rr-dap.travel").hostcall_prev(input.args)
    end,
    nargs = "*",
    complete = complete_filter,
    desc = "go back to the previous hostcall",
  },
  RrHostcallOver = {
    function()
      require("rr-dap.travel").hostcall_over()
    end,
    desc = "go behind this hostcall, or the next one",
  },
  RrHostcallBack = {
    function()
      require("rr-dap.travel").hostcall_back()
    end,
    desc = "go back over the hostcall that was answered last",
  },
  RrSeek = {
    function(input)
      require("rr-dap.travel").seek(input.args)
    end,
    nargs = "*",
    complete = complete_seek,
    desc = "go to a moment",
  },
  RrMark = {
    function(input)
      require("rr-dap.marks").mark(input.args)
    end,
    nargs = "?",
    desc = "give this moment a name",
  },
  RrUnmark = {
    function(input)
      require("rr-dap.marks").unmark(input.args)
    end,
    nargs = 1,
    complete = complete_marks,
    desc = "forget a mark",
  },
  RrMarks = {
    function()
      require("rr-dap.marks").pick()
    end,
    desc = "choose a mark to go to",
  },
  RrWhen = {
    function()
      require("rr-dap.travel").when()
    end,
    desc = "tell where in time this is",
  },
  RrHostcalls = {
    function(input)
      require("rr-dap.hostcalls").list(input.args)
    end,
    nargs = "*",
    complete = complete_filter,
    desc = "list hostcalls in the quickfix window",
  },
  RrHandles = {
    function()
      require("rr-dap.handles").open()
    end,
    desc = "show the handle tables",
  },
  RrWhoWrote = {
    function(input)
      require("rr-dap.travel").who_wrote(input.args, input.bang and "forward" or "backward")
    end,
    nargs = "*",
    bang = true,
    desc = "go back to the last change of a variable (with !: on to the next)",
  },
}

function M.define()
  for name, command in pairs(COMMANDS) do
    local options = vim.tbl_extend("force", {}, command)
    local run = table.remove(options, 1)
    vim.api.nvim_create_user_command(name, run, options)
  end
end

return M
