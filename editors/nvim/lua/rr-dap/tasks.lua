--- Tasks, and who waits for whom, in the quickfix list: <CR> travels to where one stands.
local hostcalls = require("rr-dap.hostcalls")
local session = require("rr-dap.session")
local tell = require("rr-dap.tell")

local M = {}

--- What the list has that was opened last: it is told anew at each stop.
---@type { what: "tasks"|"waits", at: "here"|"end" }
local listed = { what = "tasks", at = "here" }

local function line(text, event, is_stuck)
  return {
    text = (is_stuck and "!" or " ") .. text,
    user_data = { task = true, event = event },
    type = is_stuck and "E" or "",
  }
end

--- The hostcall that a task is in, or the last one before it began to wait, or ended. One that runs
--- is where the session is.
local function event_of(task)
  local moment = task.ended or task.since
  return task.hostcall or (moment and math.max(0, moment - 1))
end

local function for_ever(words)
  if vim.startswith(words, "waits ") then
    return "waits for ever " .. words:sub(#"waits " + 1)
  end
  return "waits for ever, " .. words
end

local function task_line(task, is_stuck)
  local words = is_stuck and for_ever(task.words) or task.words
  local text = ("%6d  instance %d  %s(%s)  %s"):format(task.id, task.instance, task["function"], task.arguments, words)
  return line(text, event_of(task), is_stuck)
end

--- The ways in which tasks wait for each other.
local function deadlocks(waits)
  return vim.tbl_map(function(cycle)
    local names = vim.tbl_map(function(place)
      return waits.nodes[place + 1].name
    end, cycle)
    table.insert(names, names[1])
    return line("deadlock: " .. table.concat(names, " → "), nil, true)
  end, waits.cycles)
end

--- Lines for tasks, what instances hold that is waited for, and the tasks that have ended.
function M.of_tasks(found)
  local stuck = {}
  for _, node in ipairs(found.waits.nodes) do
    if node.kind == "task" then
      stuck[node.task] = node.isStuck
    end
  end
  local lines = deadlocks(found.waits)
  for _, task in ipairs(found.tasks) do
    table.insert(lines, task_line(task, stuck[task.id]))
  end
  for _, instance in ipairs(found.instances) do
    if #instance.items > 0 then
      table.insert(lines, line(("instance %d holds"):format(instance.instance)))
    end
    for _, item in ipairs(instance.items) do
      table.insert(lines, line(("%6d  %s"):format(item.index, item.words), item.hostcall))
    end
  end
  if #found.ended > 0 then
    table.insert(lines, line("ended before"))
  end
  for _, task in ipairs(found.ended) do
    table.insert(lines, task_line(task, false))
  end
  return lines
end

--- Lines for tasks with what each waits for below it, up to the next task.
function M.of_waits(found)
  local waits = found.waits
  local lines = deadlocks(waits)
  local next_of = {}
  for _, edge in ipairs(waits.edges) do
    next_of[edge[1]] = next_of[edge[1]] or {}
    table.insert(next_of[edge[1]], edge[2])
  end
  local events = {}
  for _, task in ipairs(found.tasks) do
    events["task " .. task.id] = event_of(task)
  end
  for _, instance in ipairs(found.instances) do
    for _, item in ipairs(instance.items) do
      events[("%d/%d"):format(instance.instance, item.index)] = item.hostcall
    end
  end
  local function unfold(place, depth, above)
    local node = waits.nodes[place + 1]
    local is_task = node.kind == "task"
    local event = node.hostcall
    if is_task then
      event = events["task " .. node.task]
    elseif not event and node.index then
      event = events[("%d/%d"):format(node.instance, node.index)]
    end
    local is_first = depth == 0
    local words = node.words .. (is_first and node.isStuck and ": waits for ever" or "")
    table.insert(lines, line(("  "):rep(depth) .. words, event, is_first and node.isStuck))
    if above[place] or (is_task and not is_first) then
      return
    end
    above[place] = true
    for _, to in ipairs(next_of[place] or {}) do
      unfold(to, depth + 1, above)
    end
    above[place] = nil
  end
  for index, node in ipairs(waits.nodes) do
    if node.kind == "task" then
      unfold(index - 1, 0, {})
    end
  end
  return lines
end

local function lines_of(found)
  return listed.what == "waits" and M.of_waits(found) or M.of_tasks(found)
end

local function list(what, text)
  text = vim.trim(text or "")
  if text ~= "" and text ~= "end" then
    return tell.error(("`%s` is not understood: write `end`, or nothing"):format(text))
  end
  local at = text == "end" and "end" or "here"
  session.ask("rr/tasks", { at = at }, "rr " .. what, function(found)
    listed = { what = what, at = at }
    local lines = lines_of(found)
    if #lines == 0 then
      return tell.info("no task is in progress " .. (at == "end" and "at the end" or "here"))
    end
    hostcalls.open(vim.trim(what .. " " .. text), lines, 1)
  end)
end

--- Lists the tasks, and what they have called and opened.
---@param text string? `[end]`
function M.tasks(text)
  list("tasks", text)
end

--- Lists who waits for whom.
---@param text string? `[end]`
function M.waits(text)
  list("waits", text)
end

--- What the list is to be asked anew with; nil if it tells of the end, wherever the session is.
function M.asked_anew()
  return listed.at == "here" and { at = "here" } or nil
end

--- Has the list, which is the quickfix list, tell of the present.
function M.retell(found)
  local lines = lines_of(found)
  if #lines == 0 then
    lines = { line("no task is in progress here") }
  end
  vim.fn.setqflist({}, "r", { items = lines, idx = 1 })
end

return M
