--- The requests of a service in the quickfix list: <CR> travels to one.
local config = require("rr-dap.config")
local hostcalls = require("rr-dap.hostcalls")
local session = require("rr-dap.session")
local tell = require("rr-dap.tell")

local M = {}

--- One line for a request.
function M.line(request)
  local sign = request.failed and "!" or " "
  local status = request.status and tostring(request.status) or "-"
  local became = request.outcome ~= "answered" and ("  " .. request.outcome) or ""
  if request.error then
    became = became .. ": " .. request.error
  end
  return ("%s%6d  %3s  %s%s"):format(sign, request.number, status, request.title, became)
end

local function show(found, text)
  local at = 1
  local items = {}
  for index, request in ipairs(found.requests) do
    items[index] = {
      text = M.line(request),
      user_data = { request = request.number },
      type = request.failed and "E" or "",
    }
    if found.here and request.number <= found.here then
      at = index
    end
  end
  hostcalls.open(vim.trim("requests " .. text), items, at)
end

--- Lists requests.
---@param text string? `[failed]`
function M.list(text)
  text = vim.trim(text or "")
  local wanted = { failed = text == "failed", count = config.options.hostcalls.limit }
  session.ask("rr/requests", wanted, vim.trim("rr requests " .. text), function(found)
    if found.total == 0 then
      return tell.info("there are no such requests in this recording")
    end
    show(found, text)
  end)
end

local function step(direction, word, text)
  local failed = vim.trim(text or "") == "failed"
  local console = vim.trim(("rr request %s %s"):format(word, text or ""))
  session.ask("rr/step", { direction = direction, unit = "request", failed = failed }, console)
end

---@param text string? `[failed]`
function M.next(text)
  step("forward", "next", text)
end

---@param text string? `[failed]`
function M.prev(text)
  step("backward", "prev", text)
end

return M
