--- :checkhealth rr-dap
local M = {}

function M.check()
  local health = vim.health
  health.start("rr-dap")
  if vim.fn.has("nvim-0.10") == 1 then
    health.ok("Neovim 0.10 or later")
  else
    health.error("Neovim 0.10 or later is needed")
  end
  local session = require("rr-dap.session")
  local dap = session.dap()
  if not dap then
    return health.error(session.NO_DAP)
  end
  health.ok("nvim-dap is there")
  if dap.adapters[require("rr-dap.config").options.type] then
    health.ok("the adapter is registered")
  else
    health.warn("require('rr-dap').setup() was not called")
  end
  local binary, problem = require("rr-dap.adapter").binary()
  if not binary then
    return health.error(problem)
  end
  local answer = vim.system({ binary, "--version" }, { text = true }):wait(5000)
  if answer.code == 0 then
    health.ok(("%s: %s"):format(binary, vim.trim(answer.stdout)))
  else
    health.error(("%s does not answer --version: %s"):format(binary, vim.trim(answer.stderr or "")))
  end
end

return M
