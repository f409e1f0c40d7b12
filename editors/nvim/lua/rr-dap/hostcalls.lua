--- Hostcalls in the quickfix list: <CR> travels to one.
local config = require("rr-dap.config")
local session = require("rr-dap.session")
local tell = require("rr-dap.tell")
local travel = require("rr-dap.travel")

local M = {}

--- Tells our lists from other people's.
local CONTEXT = "rr-dap hostcalls"

--- The sign of the component model's own built-ins, whose lines are dimmed.
local DIM = "·"

--- One line for a hostcall.
function M.line(call)
  local sign = call.failed and "!" or call.builtin and DIM or " "
  local indent = ("  "):rep(math.min(call.depth or 0, 10))
  local result = call.result and (" -> " .. call.result) or ""
  if call.taken then
    result = result .. ": " .. call.taken
  end
  if call.later then
    result = result .. " → " .. call.later.text
  end
  for _, told in ipairs(call.told or {}) do
    result = result .. (told.inCall and " ← %s" or " (before it ← %s)"):format(told.text)
  end
  local name, arguments = call.name, call.arguments
  if not vim.startswith(arguments, "(") then
    arguments = "(" .. arguments .. ")"
  end
  return ("%s%7d  %s%s%s%s"):format(sign, call.event, indent, name, arguments, result)
end

--- The lines as they are: nothing of files.
function M.lines(info)
  local items = vim.fn.getqflist({ id = info.id, items = 1 }).items
  local lines = {}
  for index = info.start_idx, info.end_idx do
    lines[#lines + 1] = items[index].text
  end
  return lines
end

--- The item that is, or was last before, an event.
local function index_at(calls, event)
  local index = 1
  for at, call in ipairs(calls) do
    if call.event > event then
      break
    end
    index = at
  end
  return index
end

--- The hostcall that this is in, or that was made last. Outside of one, a moment's event
--- is the number of the next.
local function here()
  local when = session.moment()
  if not (when and when.moment) then
    return 0
  end
  local event = when.moment.event
  return when.phase == "calling" and event or math.max(0, event - 1)
end

--- Opens a list of ours, with the cursor at an item.
---@param title string
---@param items table[] with `event`, `request`, `message` or `node` in their `user_data`
---@param index integer
function M.open(title, items, index)
  vim.fn.setqflist({}, " ", {
    title = title,
    items = items,
    context = { rr_dap = CONTEXT },
    quickfixtextfunc = M.lines,
    idx = index,
  })
  vim.cmd("botright copen")
  M.dress(vim.api.nvim_get_current_buf())
  vim.cmd(([[syntax match rrDapDim /^%s.*$/]]):format(DIM))
  vim.cmd("highlight default link rrDapDim Comment")
  vim.api.nvim_win_set_cursor(0, { index, 0 })
end

local function show(found, text)
  local items = vim.tbl_map(function(call)
    return { text = M.line(call), user_data = { event = call.event }, type = call.failed and "E" or "" }
  end, found.hostcalls)
  local title = vim.trim("hostcalls " .. text)
  if found.total > #items then
    title = ("%s (%d of %d, from event %d)"):format(title, #items, found.total, found.hostcalls[1].event)
  end
  M.open(title, items, index_at(found.hostcalls, here()))
end

--- Lists hostcalls; of more than the limit, those around this moment.
---@param text string? `[--builtins] [failed] [PATH]`
function M.list(text)
  text = vim.trim(text or "")
  local limit = config.options.hostcalls.limit
  local wanted = vim.tbl_extend("force", travel.filter(text), { count = limit })
  local console = vim.trim("rr hostcalls " .. text)
  session.ask("rr/hostcalls", wanted, console, function(found)
    if found.total == 0 then
      return tell.info("none of the hostcalls is like that")
    end
    local from = math.max(0, here() - math.floor(limit / 2))
    if found.total <= limit or from == 0 then
      return show(found, text)
    end
    session.ask("rr/hostcalls", vim.tbl_extend("force", wanted, { from = from }), console, function(around)
      show(#around.hostcalls > 0 and around or found, text)
    end)
  end)
end

--- Whether the quickfix list is one of ours.
local function is_ours()
  local context = vim.fn.getqflist({ context = 1 }).context
  return type(context) == "table" and context.rr_dap == CONTEXT
end

--- Travels to the hostcall, the request, the message or the node of a line.
---@param line integer
---@param received boolean? of a message, to where it is received
function M.travel(line, received)
  local item = vim.fn.getqflist({ items = 1 }).items[line]
  local to = item and item.user_data
  if type(to) ~= "table" then
    return
  end
  vim.fn.setqflist({}, "a", { idx = line })
  if to.request then
    travel.to_request(to.request)
  elseif to.message then
    travel.to_message(to.message, received and "received" or to.go)
  elseif to.node then
    travel.to_node(to.node)
  else
    travel.to_event(to.event)
  end
end

--- All quickfix lists share one buffer, so a key asks which list it is.
function M.dress(buffer)
  local function set(key, received, about)
    vim.keymap.set("n", key, function()
      if is_ours() then
        return M.travel(vim.fn.line("."), received)
      end
      vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(key, true, false, true), "n", false)
    end, { buffer = buffer, desc = "rr-dap: " .. about })
  end
  set("<CR>", false, "go there")
  set("gr", true, "go to where this message is received")
end

--- What the items of the quickfix list lead to, if it is ours.
local function kind()
  local first = is_ours() and vim.fn.getqflist({ items = 1 }).items[1]
  local to = first and type(first.user_data) == "table" and first.user_data or {}
  return to.request and "request" or to.message and "message" or to.node and "node" or "event"
end

--- Asks what the present is in a list of some kind, which may be another one by then.
local function follow_by(what, request, arguments, act)
  local current = session.current()
  if not current then
    return
  end
  current:request(request, arguments, function(error, found)
    if not error and is_ours() and kind() == what then
      act(found, vim.fn.getqflist({ items = 1 }).items)
    end
  end)
end

--- The position of a list is on the last item of which this holds.
local function set_position(items, is_here)
  for index, item in ipairs(items) do
    if is_here(item.user_data) then
      vim.fn.setqflist({}, "a", { idx = index })
    end
  end
end

--- How lists are kept that are not of hostcalls, by what their items have.
local FOLLOWS = {
  request = function()
    follow_by("request", "rr/requests", { count = 0 }, function(found, items)
      set_position(items, function(to)
        return found.here ~= nil and to.request == found.here
      end)
    end)
  end,
  message = function()
    follow_by("message", "rr/messages", { count = 0 }, function(found, items)
      set_position(items, function(to)
        return to.message <= found.now
      end)
    end)
  end,
  -- They tell where each stands.
  node = function()
    follow_by("node", "rr/system", vim.empty_dict(), function(found)
      require("rr-dap.messages").retell_nodes(found)
    end)
  end,
}

--- Keeps the list's position on the last hostcall before the present.
function M.follow()
  if not is_ours() then
    return
  end
  local follow = FOLLOWS[kind()]
  if follow then
    return follow()
  end
  local event = here()
  local list = vim.fn.getqflist({ items = 1 })
  local calls = vim.tbl_map(function(item)
    return { event = (item.user_data or {}).event or math.huge }
  end, list.items)
  local index = index_at(calls, event)
  vim.fn.setqflist({}, "a", { idx = index })
end

return M
