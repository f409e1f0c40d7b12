if vim.g.loaded_rr_dap then
  return
end
vim.g.loaded_rr_dap = true

if vim.fn.has("nvim-0.10") == 0 then
  vim.notify("rr-dap: Neovim 0.10 or later is needed", vim.log.levels.WARN)
  return
end

-- Only the commands: nothing of nvim-dap is loaded before one is used, or `setup` called.
require("rr-dap.commands").define()
