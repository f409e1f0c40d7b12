--- Time-travel debugging of WebAssembly components with rr-dap, on top of nvim-dap.
local adapter = require("rr-dap.adapter")
local config = require("rr-dap.config")
local configurations = require("rr-dap.configurations")
local session = require("rr-dap.session")
local tell = require("rr-dap.tell")

local M = {}

local is_listening = false

--- Offers the configurations to buffers of the types that were set.
local function provide(dap)
  local function offered(filetype)
    return vim.tbl_contains(config.options.filetypes, filetype) and configurations.all() or {}
  end
  if dap.providers and dap.providers.configs then
    dap.providers.configs["rr-dap"] = function(buffer)
      return offered(vim.b[buffer]["dap-srcft"] or vim.bo[buffer].filetype)
    end
    return
  end
  -- An nvim-dap without providers.
  for _, filetype in ipairs(config.options.filetypes) do
    local others = vim.tbl_filter(function(each)
      return each.type ~= config.options.type
    end, dap.configurations[filetype] or {})
    dap.configurations[filetype] = vim.list_extend(others, configurations.all())
  end
end

--- Registers the adapter and the configurations with nvim-dap.
---@param options rr-dap.Options?
---@return boolean done
function M.setup(options)
  local problem = config.set(options)
  if problem then
    tell.error(problem)
    return false
  end
  local dap = session.dap()
  if not dap then
    tell.warn(session.NO_DAP)
    return false
  end
  dap.adapters[config.options.type] = adapter.adapter
  provide(dap)
  session.listen(dap)
  local language_server = require("rr-dap.language_server")
  language_server.setup()
  if not is_listening then
    is_listening = true
    session.at_each_stop(function(running)
      require("rr-dap.handles").refresh()
      require("rr-dap.hostcalls").follow()
      language_server.follow(running)
    end)
    session.at_each_end(language_server.ended)
  end
  return true
end

--- Records and debugs a program, or debugs a recording.
---@param path string
---@param args string[]? the program's
function M.debug(path, args)
  local dap = session.dap()
  if not dap then
    return tell.error(session.NO_DAP)
  end
  if not dap.adapters[config.options.type] and not M.setup() then
    return
  end
  dap.run(configurations.of_file(path, args or {}))
end

--- Where in time the session is, for a status line: "" without one.
---@return string
function M.status()
  local moment = session.moment()
  if moment == nil then
    return ""
  end
  if not moment then
    return "rr-dap …"
  end
  if not moment.moment then
    return "rr-dap"
  end
  local node = moment.node and (moment.node .. " ") or ""
  return ("rr-dap %s%d/%d %.0f%%"):format(node, moment.moment.event, moment.events, moment.moment.percent)
end

return M
