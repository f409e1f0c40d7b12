--- The session that the commands speak to, and where in time it stands.
local config = require("rr-dap.config")
local tell = require("rr-dap.tell")

local M = {}

--- By session: what `rr/when` answered at the last stop; `false` while it moves.
local moments = setmetatable({}, { __mode = "k" })
--- Run at each stop.
local at_stops = {}
--- Run when a session is over.
local at_ends = {}
--- By session: run at its next stop only.
local at_next_stop = setmetatable({}, { __mode = "k" })

--- By session: why it stopped last.
local reasons = setmetatable({}, { __mode = "k" })
--- By stack, what its subdued frames have for sources, while nvim-dap chooses one to show.
local hidden = setmetatable({}, { __mode = "k" })
--- By stack, the frame that stands for the start or the end, while nvim-dap has a look at it.
local labels = setmetatable({}, { __mode = "k" })
--- After these, the innermost frame is what one wants to see, whosever it is.
local INNERMOST = { step = true, breakpoint = true, ["function breakpoint"] = true }

---@return table? dap
function M.dap()
  local is_there, dap = pcall(require, "dap")
  return is_there and dap or nil
end

M.NO_DAP = "nvim-dap is missing: install https://github.com/mfussenegger/nvim-dap"

local function is_ours(session)
  return (session.capabilities or {}).rrDap ~= nil or (session.config or {}).type == config.options.type
end

--- The session of rr-dap, if the current one is.
---@return table? session
---@return string? problem
function M.current()
  local dap = M.dap()
  if not dap then
    return nil, M.NO_DAP
  end
  local session = dap.session()
  if session and is_ours(session) then
    return session
  end
  return nil, "no session is running: :RrDebug FILE starts one, and so does :lua require('dap').continue()"
end

--- Types a line into the debug console, and hands on the answer.
---@param session table
---@param line string
---@param on_answer fun(answer: table)
function M.console(session, line, on_answer)
  session:evaluate({ expression = line, context = "repl" }, function(error, answer)
    if error then
      return tell.error(error.message or tostring(error))
    end
    on_answer(answer)
  end)
end

--- Shows what the console said where it is typed, too.
local function say(line)
  return function(answer)
    require("dap.repl").append(line .. "\n" .. answer.result)
    tell.info(answer.result)
  end
end

---@param session table
---@param line string
function M.type_into_console(session, line)
  M.console(session, line, say(line))
end

--- Asks a session a request of rr-dap. A server that does not know it is asked in its
--- console instead.
---@param request string `rr/…`
---@param arguments table
---@param otherwise string|fun(session: table)|nil line for the console
---@param on_answer fun(answer: table, session: table)?
function M.ask(request, arguments, otherwise, on_answer)
  local session, problem = M.current()
  if not session then
    return tell.error(problem)
  end
  local function in_console(reason)
    if type(otherwise) == "function" then
      return otherwise(session)
    elseif otherwise then
      return M.type_into_console(session, otherwise)
    end
    tell.error(reason)
  end
  if not session.capabilities.rrDap then
    return in_console("the server is too old for `" .. request .. "`")
  end
  if next(arguments) == nil then
    arguments = vim.empty_dict()
  end
  session:request(request, arguments, function(error, answer)
    if not error then
      return on_answer and on_answer(answer or {}, session)
    end
    local message = error.message or tostring(error)
    if message:find("is not known to rr-dap", 1, true) then
      return in_console(message)
    end
    tell.error(message)
  end)
end

--- Waits for an answer, where Neovim wants one at once (completion).
---@param request string
---@param timeout integer milliseconds
---@return table? answer
function M.ask_and_wait(request, timeout)
  local session = M.current()
  if not (session and session.capabilities.rrDap and session.stopped_thread_id) then
    return nil
  end
  local found
  session:request(request, vim.empty_dict(), function(_, answer)
    found = answer or false
  end)
  vim.wait(timeout, function()
    return found ~= nil
  end, 5)
  return found or nil
end

--- Where the current session stands: nil without one, `false` while it moves.
---@return table|false|nil
function M.moment()
  local session = M.current()
  return session and moments[session]
end

---@param action fun(session: table)
function M.at_each_stop(action)
  table.insert(at_stops, action)
end

---@param action fun(session: table)
function M.at_each_end(action)
  table.insert(at_ends, action)
end

--- To be called when a motion has begun.
---@param session table
---@param action fun(moment: table)
function M.at_next_stop(session, action)
  at_next_stop[session] = action
end

local function redraw()
  pcall(vim.cmd.redrawstatus, { bang = true })
end

local function stopped(session)
  if not is_ours(session) then
    return
  end
  local function act()
    redraw()
    for _, action in ipairs(at_stops) do
      action(session)
    end
    local once = at_next_stop[session]
    at_next_stop[session] = nil
    if once then
      once(moments[session])
    end
  end
  if not session.capabilities.rrDap then
    moments[session] = {}
    return act()
  end
  session:request("rr/when", vim.empty_dict(), function(error, when)
    -- It may have gone on since.
    if not error then
      moments[session] = when
      act()
    end
  end)
end

local function moves(session)
  if is_ours(session) then
    moments[session] = false
    redraw()
  end
end

local function ended(session)
  moments[session] = nil
  redraw()
  for _, action in ipairs(at_ends) do
    action(session)
  end
end

--- nvim-dap shows the innermost frame that has a source, be it a shim's or the C library's:
--- those before the first one of the person's own are without until it has chosen.
local function hide_subdued(session, stack)
  if INNERMOST[reasons[session]] then
    return
  end
  local sources = {}
  for index, frame in ipairs(stack.stackFrames) do
    if frame.source and frame.presentationHint == "normal" then
      hidden[stack] = sources
      break
    end
    sources[index] = frame.source
  end
  for index in pairs(hidden[stack] or {}) do
    stack.stackFrames[index].source = nil
  end
end

--- The start and the end are nowhere in a source, and nvim-dap would warn that it is missing:
--- it is quiet about lines before the first.
local function hide_label(stack)
  local frame = stack.stackFrames[1]
  if frame and frame.presentationHint == "label" and not frame.source then
    labels[stack] = { frame = frame, line = frame.line }
    frame.source, frame.line = {}, -1
  end
end

local function before_choice(session, error, stack)
  if not error and is_ours(session) then
    hide_subdued(session, stack)
    hide_label(stack)
  end
end

local function after_choice(_, _, stack)
  for index, source in pairs(stack and hidden[stack] or {}) do
    stack.stackFrames[index].source = source
  end
  local label = stack and labels[stack]
  if label then
    labels[stack] = nil
    label.frame.source, label.frame.line = nil, label.line
    tell.info(label.frame.name)
  end
end

--- Listens to all sessions of nvim-dap.
function M.listen(dap)
  local after = dap.listeners.after
  dap.listeners.before.event_stopped["rr-dap"] = function(session, stop)
    reasons[session] = stop.reason
  end
  dap.listeners.before.stackTrace["rr-dap"] = before_choice
  after.stackTrace["rr-dap"] = after_choice
  after.event_stopped["rr-dap"] = stopped
  after.event_continued["rr-dap"] = moves
  -- A program that is recorded for long has a thread before it stops anywhere.
  after.event_thread["rr-dap"] = function(session)
    if moments[session] == nil then
      moves(session)
    end
  end
  for _, motion in ipairs({ "continue", "next", "stepIn", "stepOut", "stepBack", "reverseContinue" }) do
    dap.listeners.before[motion]["rr-dap"] = function(session, error)
      if not error then
        moves(session)
      end
    end
  end
  for _, ending in ipairs({ "event_terminated", "disconnect", "terminate" }) do
    after[ending]["rr-dap"] = ended
  end
end

return M
