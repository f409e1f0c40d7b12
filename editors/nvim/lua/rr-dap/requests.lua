--- The requests of a service in the quickfix list: <CR> travels to one.
local config = require("rr-dap.config")
local hostcalls = require("rr-dap.hostcalls")
local session = require("rr-dap.session")
local tell = require("rr-dap.tell")

local M = {}

--- `850 us`, `12.3 ms`, `4.20 s`
local function took(nanoseconds)
  if nanoseconds < 1e6 then
    return ("%d us"):format(math.floor(nanoseconds / 1e3))
  elseif nanoseconds < 1e9 then
    return ("%.1f ms"):format(nanoseconds / 1e6)
  end
  return ("%.2f s"):format(nanoseconds / 1e9)
end

--- One line for a request.
function M.line(request)
  local sign = request.failed and "!" or " "
  local status = request.status and tostring(request.status) or "-"
  local became = request.outcome ~= "answered" and ("  " .. request.outcome) or ""
  if request.error then
    became = became .. ": " .. request.error
  end
  local time = (request.time or ""):match("T(.*)Z$") or ""
  local duration = request.durationNs and took(request.durationNs) or ""
  return ("%s%6d  %3s  %12s  %9s  %s%s"):format(sign, request.number, status, time, duration, request.title, became)
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
  local title = vim.trim("requests " .. text)
  if found.total > #items then
    title = ("%s (%d of %d, from request %d)"):format(title, #items, found.total, found.requests[1].number)
  end
  hostcalls.open(title, items, at)
end

--- Lists requests; of more than the limit, those around this moment.
---@param text string? `[failed]`
function M.list(text)
  text = vim.trim(text or "")
  local limit = config.options.hostcalls.limit
  local wanted = { failed = text == "failed", count = limit }
  local console = vim.trim("rr requests " .. text)
  session.ask("rr/requests", wanted, console, function(found)
    if found.total == 0 then
      return tell.info("there are no such requests in this recording")
    end
    local from = (found.here or 0) - math.floor(limit / 2)
    if found.total <= limit or from <= 0 then
      return show(found, text)
    end
    session.ask("rr/requests", vim.tbl_extend("force", wanted, { from = from }), console, function(around)
      show(#around.requests > 0 and around or found, text)
    end)
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
