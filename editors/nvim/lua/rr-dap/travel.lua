--- Motions that the protocol has no request for.
local session = require("rr-dap.session")
local tell = require("rr-dap.tell")

local M = {}

--- Takes an option out of a text.
local function without(option, text)
  local words = vim.split(vim.trim(text), "%s+")
  local left = vim.tbl_filter(function(word)
    return word ~= option
  end, words)
  return #left < #words, table.concat(left, " ")
end

--- `[--builtins] [failed] [PATH]`, as the console takes it.
---@param text string
---@return { filter: string?, failed: boolean?, builtins: boolean? }
function M.filter(text)
  local builtins
  builtins, text = without("--builtins", text)
  if builtins then
    return vim.tbl_extend("force", M.filter(text), { builtins = true })
  end
  local first, rest = text:match("^(%S*)%s*(.-)%s*$")
  if first == "failed" then
    return { failed = true, filter = rest ~= "" and rest or nil }
  end
  return { filter = text:match("%S") and vim.trim(text) or nil }
end

local function step(direction, unit, kind, console, more)
  local arguments = { direction = direction, unit = unit, kind = kind }
  session.ask("rr/step", vim.tbl_extend("force", arguments, more or {}), console)
end

function M.back_into()
  step("backward", "line", "into", "rr back in")
end

function M.back_out()
  step("backward", "line", "out", "rr back out")
end

function M.back_instruction()
  step("backward", "instruction", "into", "rr back instruction")
end

---@param on_begun fun(answer: table, session: table)?
local function to_hostcall(direction, word, text, on_begun)
  text = text or ""
  local arguments = { direction = direction, unit = "hostcall", kind = "into" }
  local line = vim.trim(("rr hostcall %s %s"):format(word, text))
  session.ask("rr/step", vim.tbl_extend("force", arguments, M.filter(text)), line, on_begun)
end

---@param filter string? `[--builtins] [failed] [PATH]`
function M.hostcall_next(filter)
  to_hostcall("forward", "next", filter)
end

---@param filter string? `[--builtins] [failed] [PATH]`
function M.hostcall_prev(filter)
  to_hostcall("backward", "prev", filter)
end

local function over(word, direction, more)
  local words = { "rr hostcall", word }
  for _, option in ipairs({ "builtins", "result" }) do
    words[#words + 1] = more and more[option] and ("--" .. option) or nil
  end
  step(direction, "hostcall", "over", table.concat(words, " "), more)
end

--- `--builtins` and `--result`, and whether there is nothing else.
local function options(text)
  local builtins, result
  builtins, text = without("--builtins", text or "")
  result, text = without("--result", text)
  return { builtins = builtins or nil, result = result or nil }, text == "" or result
end

--- Behind this hostcall or the next one; with a filter, behind the next one like that; with
--- `--result`, to where the program is told of its result.
---@param filter string? `[--result] [--builtins] [failed] [PATH]`
function M.hostcall_over(filter)
  local more, alone = options(filter)
  if alone then
    return over("over", "forward", more)
  end
  to_hostcall("forward", "next", filter, function(_, running)
    session.at_next_stop(running, function(moment)
      -- Else a breakpoint or the end came first.
      if moment.phase == "calling" then
        over("over", "forward")
      end
    end)
  end)
end

--- Back over the hostcall that was answered last; with a filter, to before the last one
--- like that; with `--result`, to the one whose result the program was told of last.
---@param filter string? `[--result] [--builtins] [failed] [PATH]`
function M.hostcall_back(filter)
  local more, alone = options(filter)
  if not alone then
    return to_hostcall("backward", "prev", filter)
  end
  over("back", "backward", more)
end

---@param event integer
function M.to_event(event)
  session.ask("rr/seek", { event = event }, "rr seek event " .. event)
end

---@param number integer
function M.to_request(number)
  session.ask("rr/seek", { request = number }, "rr seek request " .. number)
end

--- To an end of a message between recordings that are debugged as one.
---@param number integer
---@param which "sent"|"received"
function M.to_message(number, which)
  session.ask("rr/goMessage", { number = number, ["end"] = which }, nil)
end

--- To another one of these recordings, where it stands.
---@param thread integer
function M.to_node(thread)
  local running, problem = session.current()
  if not running then
    return tell.error(problem)
  end
  session.console(running, "rr node " .. thread, function() end)
end

--- What a text names: as the console's `seek` has it, marks before all.
---@param text string
---@param marks table<string, boolean>
---@param here { event: integer, last: integer }?
---@return table? arguments of `rr/seek`
---@return string? problem
function M.target(text, marks, here)
  text = vim.trim(text)
  local plain = text:gsub("[,_]", "")
  local word, rest = text:match("^(%a+)%s+(.+)$")
  if marks[text] then
    return { mark = text }
  elseif text == "start" or text == "entry" or text == "end" then
    return { to = text }
  elseif word == "mark" or word == "position" then
    return { [word] = rest }
  elseif word == "event" or word == "tick" or word == "percent" or word == "request" then
    local number = tonumber((rest:gsub("[,_%%]", "")))
    if number then
      return { [word] = number }
    end
    return nil, ("`%s` is not a number"):format(rest)
  elseif plain:match("^%d+$") then
    return { event = tonumber(plain) }
  elseif plain:match("^[%d.]+%%$") and tonumber(plain:sub(1, -2)) then
    return { percent = tonumber(plain:sub(1, -2)) }
  elseif plain:match("^[+-]%d+$") and here then
    return { event = math.max(0, math.min(here.last, here.event + tonumber(plain))) }
  elseif text:match("^%d+:%d+:%S+$") then
    return { position = text }
  elseif text:match("^[^:]+:.+$") then
    -- A moment of one of several recordings.
    return { moment = text }
  end
  return nil,
    ("`%s` is not a moment: write start, entry, end, an event's number, +N, -N, N%%, tick N, a position or a mark"):format(
      text
    )
end

local function seek(text)
  local function in_console(running)
    session.type_into_console(running, "rr seek " .. text)
  end
  session.ask("rr/marks", {}, in_console, function(answer)
    local names = {}
    for _, mark in ipairs(answer.marks) do
      names[mark.name] = true
    end
    local when = session.moment()
    local here = when and when.moment and { event = when.moment.event, last = math.max(0, when.events - 1) }
    local target, problem = M.target(text, names, here or nil)
    if not target then
      return tell.error(problem)
    end
    session.ask("rr/seek", target, "rr seek " .. text)
  end)
end

--- Goes to a moment; without one, asks for it.
---@param text string?
function M.seek(text)
  if text and text:match("%S") then
    return seek(vim.trim(text))
  end
  vim.ui.input({ prompt = "Go to (event, N%, mark, start, end): " }, function(answer)
    if answer and answer:match("%S") then
      seek(vim.trim(answer))
    end
  end)
end

--- Says where in time this is.
function M.when()
  session.ask("rr/when", {}, "rr when", function(when)
    local text = ("%s, position %s"):format(when.text, when.moment.position)
    if when.hostcall then
      text = text .. ", in " .. when.hostcall
    end
    tell.info(text)
  end)
end

--- Goes back to the last change of a variable's bytes, or on to the next one; behind `--all`,
--- to the last write of whatever value.
---@param expression string? by default the one under the cursor
---@param direction "backward"|"forward"|nil
function M.who_wrote(expression, direction)
  direction = direction or "backward"
  local all, rest = (expression or ""):match("^%s*(%-%-all)%f[%s\0]%s*(.*)$")
  if all then
    expression = rest
  end
  if not (expression and expression:match("%S")) then
    expression = vim.fn.expand("<cexpr>")
  end
  if expression == "" then
    return tell.error("who wrote what? Give an expression, or put the cursor on one")
  end
  local running = session.current()
  local frame = running and running.current_frame
  session.ask("rr/whoWrote", {
    expression = expression,
    frameId = frame and frame.id,
    direction = direction,
    all = all ~= nil,
  }, (direction == "backward" and "rr wrote " or "rr next write ") .. (all and "--all " or "") .. expression)
end

return M
