--- What is said to the person.
local M = {}

function M.info(text)
  vim.notify("rr-dap: " .. text, vim.log.levels.INFO, { title = "rr-dap" })
end

function M.warn(text)
  vim.notify("rr-dap: " .. text, vim.log.levels.WARN, { title = "rr-dap" })
end

function M.error(text)
  vim.notify("rr-dap: " .. text, vim.log.levels.ERROR, { title = "rr-dap" })
end

return M
