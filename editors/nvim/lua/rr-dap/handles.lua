--- The handle tables in a buffer, as they are at each stop.
local config = require("rr-dap.config")
local session = require("rr-dap.session")
local tell = require("rr-dap.tell")
local travel = require("rr-dap.travel")

local M = {}

local NAME = "rr-dap://handles"
--- Deeper nothing is nested in what the console answers.
local DEEPEST = 4

--- A line of the buffer: its text, the event that it speaks of, how deep it folds.
---@class rr-dap.HandleLine
---@field text string
---@field event integer?
---@field level integer
---@field begins boolean

--- By buffer.
local shown = {}

local function line(level, text, event, begins)
  return { level = level, text = ("  "):rep(level - 1) .. text, event = event, begins = begins ~= false }
end

local function count(number, what)
  return ("%d %s%s"):format(number, what, number == 1 and "" or "s")
end

local function handle_lines(lines, handle)
  local kind = handle.type and handle.type:find("<", 1, true) and handle.type
    or vim.trim(("%s %s"):format(handle.kind or "", handle.type or ""))
  local text = ("%4d  %s"):format(handle.index, kind)
  if handle.meaning and handle.meaning ~= "" then
    text = ("%s (%s)"):format(text, handle.meaning)
  end
  if handle.state and handle.state ~= "" then
    text = text .. ", " .. handle.state
  end
  if handle.created then
    text = ("%s, made at event %d"):format(text, handle.created)
  end
  table.insert(lines, line(2, text, handle.created))
  for _, moment in ipairs(handle.life or {}) do
    table.insert(lines, line(3, ("    event %d  %s"):format(moment.event, moment.what), moment.event, false))
  end
end

--- Lines of what `rr/resources` answers.
---@return rr-dap.HandleLine[]
function M.of_tables(answer)
  local lines = {}
  for _, instance in ipairs(answer.instances) do
    table.insert(lines, line(1, ("instance %s: %s"):format(instance.instance, count(#instance.handles, "handle"))))
    vim.iter(instance.handles):each(function(handle)
      handle_lines(lines, handle)
    end)
    local leaks = type(instance.leaks) == "table" and instance.leaks or {}
    if #leaks > 0 then
      table.insert(lines, line(1, ("instance %s, never dropped: %s"):format(instance.instance, count(#leaks, "handle"))))
      vim.iter(leaks):each(function(handle)
        handle_lines(lines, handle)
      end)
    end
  end
  if #lines == 0 then
    lines = { line(1, "no instance has handles here") }
  end
  return lines
end

--- The event that a text of the console speaks of.
local function event_in(text)
  return tonumber(text:match("event (%d+)"))
end

--- Unfolds what the console answered.
---@async
local function unfold(running, lines, reference, level)
  if reference == 0 or level > DEEPEST then
    return
  end
  local error, answer = running:request("variables", { variablesReference = reference })
  for _, variable in ipairs(error and {} or answer.variables) do
    local is_leaf = variable.variablesReference == 0
    local text = ("%s: %s"):format(variable.name, variable.value)
    table.insert(lines, line(level, text, event_in(variable.value), not is_leaf))
    unfold(running, lines, variable.variablesReference, level + 1)
  end
end

local function from_console(running, on_lines)
  session.console(running, "rr handles", function(answer)
    coroutine.wrap(function()
      local lines = {}
      unfold(running, lines, answer.variablesReference, 1)
      on_lines(#lines > 0 and lines or { line(1, answer.result) })
    end)()
  end)
end

local function fetch(on_lines)
  local function otherwise(running)
    from_console(running, on_lines)
  end
  session.ask("rr/resources", {}, otherwise, function(answer)
    on_lines(M.of_tables(answer))
  end)
end

local function write(buffer, lines)
  if not vim.api.nvim_buf_is_valid(buffer) then
    return
  end
  shown[buffer] = lines
  local texts = vim.tbl_map(function(each)
    return (each.text:gsub("\n", " "))
  end, lines)
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, texts)
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].modified = false
end

--- How deep a line folds: for 'foldexpr'.
---@param number integer
function M.fold(number)
  local each = (shown[vim.api.nvim_get_current_buf()] or {})[number]
  if not each then
    return "="
  end
  return (each.begins and ">" or "") .. math.min(each.level, 3)
end

--- Travels to the event of a line.
---@param number integer
function M.travel(number)
  local each = (shown[vim.api.nvim_get_current_buf()] or {})[number]
  if each and each.event then
    return travel.to_event(each.event)
  end
  tell.info("this line speaks of no event")
end

local function buffer()
  local there = vim.fn.bufnr("^" .. NAME .. "$")
  if there > 0 then
    return there
  end
  local made = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(made, NAME)
  vim.bo[made].bufhidden = "hide"
  vim.bo[made].swapfile = false
  vim.bo[made].modifiable = false
  vim.bo[made].filetype = "rr-dap-handles"
  local function map(keys, act, about)
    vim.keymap.set("n", keys, act, { buffer = made, nowait = true, desc = "rr-dap: " .. about })
  end
  map("<CR>", function()
    M.travel(vim.fn.line("."))
  end, "go to this event")
  map("q", "<Cmd>close<CR>", "close")
  map("r", M.refresh, "ask again")
  vim.api.nvim_create_autocmd("BufWipeout", {
    buffer = made,
    callback = function()
      shown[made] = nil
    end,
  })
  return made
end

local function dress(window)
  local options = {
    foldmethod = "expr",
    foldexpr = "v:lua.require'rr-dap.handles'.fold(v:lnum)",
    foldtext = "",
    foldlevel = 1,
    foldenable = true,
    wrap = false,
    number = false,
    relativenumber = false,
    signcolumn = "no",
  }
  for name, value in pairs(options) do
    vim.api.nvim_set_option_value(name, value, { win = window, scope = "local" })
  end
end

--- Asks again, if the buffer is to be seen.
function M.refresh()
  local there = vim.fn.bufnr("^" .. NAME .. "$")
  if there > 0 and #vim.fn.win_findbuf(there) > 0 then
    fetch(function(lines)
      write(there, lines)
    end)
  end
end

--- Opens the buffer, or goes to its window.
function M.open()
  local running, problem = session.current()
  if not running then
    return tell.error(problem)
  end
  local here = buffer()
  local window = vim.fn.win_findbuf(here)[1]
  if window then
    vim.api.nvim_set_current_win(window)
  else
    vim.cmd(config.options.handles.open)
    vim.api.nvim_win_set_buf(0, here)
    dress(vim.api.nvim_get_current_win())
  end
  M.refresh()
end

return M
