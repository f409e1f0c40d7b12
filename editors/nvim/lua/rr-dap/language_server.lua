--- What the whole recording tells of each line: `rr-dap lsp`, for as long as a session is there.
local adapter = require("rr-dap.adapter")
local config = require("rr-dap.config")
local session = require("rr-dap.session")
local tell = require("rr-dap.tell")

local M = {}

--- By session: its client's number; `false` where there is none.
local clients = setmetatable({}, { __mode = "k" })

--- The command of lenses, which Neovim carries out itself.
local COMMAND = "rr-dap.goTo"

local IS_NEW = vim.fn.has("nvim-0.11") == 1

--- A client's function: before Neovim 0.11 these are no methods.
local function call(client, name, ...)
  if IS_NEW then
    return client[name](client, ...)
  end
  return client[name](...)
end

--- The command line for a recording, with what the session was told of it.
---@param recording string
---@param wanted table the session's configuration
---@return string[]? command
---@return string? problem
function M.command(recording, wanted)
  local binary, problem = adapter.binary()
  if not binary then
    return nil, problem
  end
  local command = { binary, "lsp", recording }
  local function add(option, values)
    for _, value in ipairs(values or {}) do
      vim.list_extend(command, { option, value })
    end
  end
  for from, to in pairs(wanted.sourceMap or {}) do
    if type(to) == "table" then
      from, to = to[1], to[2]
    end
    add("--source-map", { from .. "=" .. to })
  end
  add("--program", wanted.programs)
  add("--debug-file", wanted.debugFiles)
  -- Another build has the debug information, if the recorded one was stripped of it.
  add("--debug-file", { wanted.component })
  return command
end

--- What is attached to a client: the sources of the types that were set.
local function is_source(buffer)
  return vim.api.nvim_buf_is_loaded(buffer)
    and vim.bo[buffer].buftype == ""
    and vim.tbl_contains(config.options.filetypes, vim.bo[buffer].filetype)
end

--- Lenses and hints are shown by whoever wants to see them: here, somebody does.
local function show(client, buffer)
  if call(client, "supports_method", "textDocument/inlayHint") then
    vim.lsp.inlay_hint.enable(true, { bufnr = buffer })
  end
  if vim.lsp.codelens.enable then
    vim.lsp.codelens.enable(true, { bufnr = buffer })
  else
    vim.lsp.codelens.refresh({ bufnr = buffer })
  end
end

local function attach(client, buffer)
  if vim.lsp.buf_attach_client(buffer, client.id) then
    show(client, buffer)
  end
end

--- More is known: lenses are asked for by nobody else.
local function refresh(_, _, context)
  local client = vim.lsp.get_client_by_id(context.client_id)
  for buffer in pairs(client and client.attached_buffers or {}) do
    show(client, buffer)
  end
  return vim.NIL
end

---@param running table a session of nvim-dap
---@param recording string
local function start(running, recording)
  local wanted = running.config
  local command, problem = M.command(recording, wanted)
  if not command then
    return tell.warn(problem)
  end
  local can_refresh = { refreshSupport = true }
  local capabilities = vim.tbl_deep_extend("force", vim.lsp.protocol.make_client_capabilities(), {
    workspace = { codeLens = can_refresh, inlayHint = can_refresh },
  })
  local settings = {
    name = "rr-dap",
    cmd = command,
    cmd_env = config.options.env,
    cmd_cwd = wanted.cwd,
    root_dir = wanted.cwd or vim.fn.getcwd(),
    capabilities = capabilities,
    init_options = { clientGoes = true },
    handlers = { ["workspace/codeLens/refresh"] = refresh },
  }
  -- Each session has its own.
  local function never()
    return false
  end
  local id = IS_NEW and vim.lsp.start(settings, { attach = false, reuse_client = never })
    or not IS_NEW and vim.lsp.start_client(settings)
  clients[running] = id or false
  local client = id and vim.lsp.get_client_by_id(id)
  if not client then
    return
  end
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if is_source(buffer) then
      attach(client, buffer)
    end
  end
end

--- Starts it at the first stop, so that opening the session comes first.
---@param running table
function M.follow(running)
  if not config.options.language_server or clients[running] ~= nil then
    return
  end
  clients[running] = false
  -- A server elsewhere has its recordings there.
  if (running.config or {}).request == "attach" or not running.capabilities.rrDap then
    return
  end
  running:request("rr/when", vim.empty_dict(), function(error, when)
    if not error and when.recording then
      start(running, when.recording)
    end
  end)
end

---@param running table
function M.ended(running)
  local client = clients[running] and vim.lsp.get_client_by_id(clients[running])
  clients[running] = nil
  if client then
    call(client, "stop")
  end
end

--- Has the session whose recording it is go to what a lens leads to.
---@param command { arguments: table[] }
---@param context { client_id: integer }
function M.go_to(command, context)
  local client = vim.lsp.get_client_by_id(context.client_id)
  local when = session.moment()
  if not client or not (when and when.moment) then
    return tell.error("the recording that this is of does not stand still: go there when it does")
  end
  local wanted = vim.tbl_extend("force", command.arguments[1], { from = when.moment.position })
  call(client, "request", "rr/find", wanted, function(error, found)
    if error then
      return tell.error(error.message)
    end
    session.ask("rr/seek", { position = found.position }, "rr seek " .. found.position)
  end)
end

--- Buffers that are opened later, and the command of lenses.
function M.setup()
  vim.lsp.commands[COMMAND] = M.go_to
  local group = vim.api.nvim_create_augroup("rr-dap.language_server", {})
  vim.api.nvim_create_autocmd("FileType", {
    group = group,
    callback = function(event)
      for _, id in pairs(clients) do
        local client = id and vim.lsp.get_client_by_id(id)
        if client and is_source(event.buf) then
          attach(client, event.buf)
        end
      end
    end,
  })
end

return M
