--- Several recordings debugged as one: their nodes and messages in the quickfix list, and the way
--- along a message.
local config = require("rr-dap.config")
local hostcalls = require("rr-dap.hostcalls")
local session = require("rr-dap.session")
local tell = require("rr-dap.tell")

local M = {}

--- One line for a message; with a sign what is none, or cannot be.
function M.line(message)
  local signs = { contradiction = "!", ambiguous = "?", outside = "?" }
  return ("%s%6d  %s"):format(signs[message.kind] or " ", message.number, message.text)
end

local function show(found, text)
  local at = 1
  local items = {}
  for index, message in ipairs(found.messages) do
    items[index] = {
      text = M.line(message),
      -- One goes to where it was sent, if that is known.
      user_data = { message = message.number, go = message.from and "sent" or "received" },
      type = message.kind == "contradiction" and "E" or "",
    }
    if message.number <= found.now then
      at = index
    end
  end
  local title = vim.trim("messages " .. text)
  if found.total > #items then
    title = ("%s (%d of %d, %d before)"):format(title, #items, found.total, found.before)
  end
  hostcalls.open(title, items, at)
end

--- Lists messages; of more than the limit, those around this moment.
---@param text string? what is in their line
function M.list(text)
  text = vim.trim(text or "")
  local wanted = { filter = text, around = true, count = 2 * config.options.hostcalls.limit }
  session.ask("rr/messages", wanted, vim.trim("rr messages " .. text), function(found)
    if found.total == 0 then
      return tell.info(text == "" and "these recordings said nothing to each other" or "there is no such message")
    end
    show(found, text)
  end)
end

--- One line for a node: which one was moved last, and where it stands.
function M.node_line(node, present)
  local sign = node.threadId == present and "*" or " "
  local part = node.part and ("%3.0f %%"):format(100 * node.part) or "     "
  return ("%s%4d  %s  %s, %s"):format(sign, node.threadId, part, node.name, node.moment)
end

--- Items for nodes, and the index of the one that was moved last.
local function node_items(found)
  local at = 1
  local items = {}
  for index, node in ipairs(found.nodes) do
    items[index] = { text = M.node_line(node, found.threadId), user_data = { node = node.threadId } }
    if node.threadId == found.threadId then
      at = index
    end
  end
  return items, at
end

--- Lists the nodes.
function M.nodes()
  session.ask("rr/system", {}, "rr nodes", function(found)
    if #found.nodes == 0 then
      return tell.info("one recording alone is debugged")
    end
    hostcalls.open("nodes", node_items(found))
  end)
end

--- Has a list of nodes, which is the quickfix list, tell where they stand now.
function M.retell_nodes(found)
  local items, at = node_items(found)
  vim.fn.setqflist({}, "r", { items = items, idx = at })
end

--- Along the message that is sent here, to where it is received; or back.
---@param text string? `[back]`
function M.follow(text)
  text = vim.trim(text or "")
  if text ~= "" and text ~= "back" then
    return tell.error(("`%s` is not understood: write `back`, or nothing"):format(text))
  end
  local running = session.current()
  local arguments = {
    direction = text == "back" and "backward" or "forward",
    threadId = running and running.stopped_thread_id,
  }
  session.ask("rr/follow", arguments, vim.trim("rr follow " .. text))
end

return M
