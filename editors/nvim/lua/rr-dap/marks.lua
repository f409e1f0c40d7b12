--- Moments with names.
local session = require("rr-dap.session")
local tell = require("rr-dap.tell")

local M = {}

local PATIENCE_FOR_COMPLETION = 300

--- Gives this moment a name; without one, the server numbers it.
---@param name string?
function M.mark(name)
  name = name and vim.trim(name) or ""
  if name:find("[%s%%:]") then
    return tell.error("a mark's name is one word, without `%` and `:`")
  end
  local arguments = name ~= "" and { name = name } or {}
  session.ask("rr/mark", arguments, vim.trim("rr mark " .. name), function(mark)
    tell.info(("mark %s is event %d"):format(mark.name, mark.moment.event))
  end)
end

---@param name string
function M.unmark(name)
  session.ask("rr/unmark", { name = name }, "rr unmark " .. name, function()
    tell.info(("mark %s is gone"):format(name))
  end)
end

--- Copies this moment, for `:RrDebug` and `rr-dap debug`.
function M.copy()
  session.ask("rr/when", {}, nil, function(when, running)
    local given = running.config
    local recording = given.trace or given.recordTo
    if not recording then
      return tell.error("this recording goes with the session: `recordTo` keeps it")
    end
    if not vim.startswith(recording, "/") then
      recording = vim.fs.joinpath(given.cwd or vim.fn.getcwd(), recording)
    end
    local text = recording .. "@" .. when.moment.position
    if vim.fn.has("clipboard") == 1 then
      vim.fn.setreg("+", text)
    end
    vim.fn.setreg('"', text)
    tell.info(text)
  end)
end

--- One line for a mark, as the picker shows it.
function M.line(mark)
  local moment = mark.moment
  return ("%s  event %d (%.0f %%)  %s"):format(mark.name, moment.event, moment.percent, moment.position)
end

--- Chooses a mark to go to.
function M.pick()
  session.ask("rr/marks", {}, "rr marks", function(answer)
    if #answer.marks == 0 then
      return tell.info("there are no marks; :RrMark NAME sets one")
    end
    vim.ui.select(answer.marks, { prompt = "Go to mark", kind = "rr-dap-mark", format_item = M.line }, function(mark)
      if mark then
        session.ask("rr/seek", { mark = mark.name }, "rr seek " .. mark.name)
      end
    end)
  end)
end

--- The names of the marks, for completion.
---@return string[]
function M.names()
  local answer = session.ask_and_wait("rr/marks", PATIENCE_FOR_COMPLETION)
  return vim.tbl_map(function(mark)
    return mark.name
  end, answer and answer.marks or {})
end

return M
