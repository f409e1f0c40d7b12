--- How the server is started or reached.
local config = require("rr-dap.config")
local tell = require("rr-dap.tell")

local M = {}

--- Recording and compiling a large program takes minutes; nvim-dap only warns then.
local PATIENCE = { initialize_timeout_sec = 600, disconnect_timeout_sec = 5 }

--- The server's executable.
---@return string? path
---@return string? problem
function M.binary()
  local path = vim.fn.expand(config.options.path)
  if vim.fn.executable(path) == 1 then
    return path
  end
  return nil,
    ("`%s` cannot be started: install rr-dap into $PATH, or give setup() its `path`"):format(path)
end

--- HOST:PORT, PORT or unix:PATH.
---@param text string
---@return table? adapter
function M.address(text)
  text = vim.trim(text)
  local socket = text:match("^unix:(.+)$")
  if socket then
    return { type = "pipe", pipe = vim.fn.fnamemodify(socket, ":p"), options = PATIENCE }
  end
  local host, port = text:match("^%[?(.-)%]?:(%d+)$")
  if not port then
    host, port = "", text:match("^(%d+)$")
  end
  if port then
    host = host ~= "" and host or "127.0.0.1"
    return { type = "server", host = host, port = tonumber(port), options = PATIENCE }
  end
end

--- Where a configuration says that a server listens.
local function remote(wanted)
  if wanted.connect then
    local adapter = M.address(tostring(wanted.connect))
    if not adapter then
      return nil, ("`%s` is not an address: write HOST:PORT or unix:PATH"):format(wanted.connect)
    end
    return adapter
  end
  local socket = wanted.socket or wanted.pipe
  if socket then
    return M.address("unix:" .. socket)
  end
  if wanted.port then
    return { type = "server", host = wanted.host or "127.0.0.1", port = tonumber(wanted.port), options = PATIENCE }
  end
end

--- nvim-dap's adapter: a function of the configuration.
function M.adapter(callback, wanted)
  local server, problem = remote(wanted)
  if problem then
    return tell.error(problem)
  end
  if server then
    return callback(server)
  end
  if wanted.request == "attach" then
    return tell.error("attach to what? Give `port` (and `host`), `socket`, or `connect` = \"HOST:PORT\"")
  end
  local binary
  binary, problem = M.binary()
  if not binary then
    return tell.error(problem)
  end
  callback({
    type = "executable",
    command = binary,
    args = vim.deepcopy(config.options.args),
    options = vim.tbl_extend("force", { env = M.environment(), cwd = wanted.cwd }, PATIENCE),
  })
end

--- The server's environment: Neovim's and what was set. (uv replaces the whole of it.)
function M.environment()
  local added = config.options.env
  return added and vim.tbl_extend("force", vim.fn.environ(), added) or nil
end

return M
