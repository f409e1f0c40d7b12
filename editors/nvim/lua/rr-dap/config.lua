--- Settings.
local M = {}

---@class rr-dap.Options
M.defaults = {
  --- The server: a name to look up in $PATH, or a path.
  path = "rr-dap",
  --- Arguments of the server, as { "--checkpoint-memory", "2048" }.
  args = {},
  --- Its environment, added to Neovim's: { RR_DAP_LOG = "debug" }.
  env = nil,
  --- What nvim-dap calls the adapter.
  type = "rr-dap",
  --- Buffers of these types are offered the configurations.
  filetypes = { "rust", "c", "cpp", "zig", "go", "python", "javascript", "typescript", "wat" },
  --- Keys added to what is launched, as { dirs = { "data::/work" } }.
  launch = { stopOnEntry = true },
  --- Keys added to a recording that is debugged.
  trace = { stopAt = "end" },
  --- Keys added to an attach. With `connect` nothing is asked.
  attach = { connect = nil },
  --- The most hostcalls that :RrHostcalls lists.
  hostcalls = { limit = 10000 },
  --- The command that opens the window of :RrHandles.
  handles = { open = "botright vsplit" },
  --- Tell in the sources what the whole run did there, while a session is there.
  language_server = true,
}

M.options = vim.deepcopy(M.defaults)

--- What each setting must be. Maps that people fill are not looked into.
local function check(options)
  local expected = {
    path = "string",
    args = "table",
    env = "table",
    type = "string",
    filetypes = "table",
    launch = "table",
    trace = "table",
    attach = "table",
    hostcalls = "table",
    handles = "table",
    language_server = "boolean",
  }
  for key, value in pairs(options) do
    if not expected[key] then
      return ("there is no setting `%s`; :help rr-dap-setup lists them"):format(key)
    end
    if type(value) ~= expected[key] then
      return ("`%s` must be a %s, not %s"):format(key, expected[key], vim.inspect(value))
    end
  end
end

---@param given table?
---@return string? problem
function M.set(given)
  given = given or {}
  local problem = check(given)
  if problem then
    return problem
  end
  M.options = vim.tbl_deep_extend("force", vim.deepcopy(M.defaults), given)
  -- Lists are replaced, not merged by index.
  M.options.filetypes = given.filetypes or M.options.filetypes
end

return M
