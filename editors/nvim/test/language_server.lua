--- The language server in Neovim's own client, without the plugin and without nvim-dap: from 0.7 on.
local work, server = vim.env.WORK, vim.env.RR_DAP
local recording = work .. "/ledger.rrtrace"
local mapping = { "--source-map", "/rr-dap/fixtures=" .. work }

local failures = 0

local function check(what, found, expected)
  local is_good = vim.deep_equal(found, expected)
  io.stdout:write((is_good and "ok   " or "FAIL ") .. what .. "\n")
  if not is_good then
    failures = failures + 1
    io.stdout:write(("%s, not %s\n"):format(vim.inspect(found), vim.inspect(expected)))
  end
end

--- Waits for something that must come, and answers it. The time is there so that a test which hangs ends.
local function wait(what, look)
  local found
  local function is_there()
    found = look()
    return found
  end
  if not vim.wait(120000, is_there, 10) then
    io.stdout:write(("FAIL %s did not come\n"):format(what))
    vim.cmd("cquit")
  end
  return found
end

local function ran(command, input)
  local told = vim.fn.system(command, input)
  if vim.v.shell_error ~= 0 then
    io.stdout:write(("FAIL %s: %s\n"):format(table.concat(command, " "), told))
    vim.cmd("cquit")
  end
  return told
end

vim.cmd("edit " .. work .. "/ledger.c")
local buffer = vim.api.nvim_get_current_buf()

local said
local settings = {
  name = "rr-dap",
  cmd = vim.list_extend({ server, "lsp", recording }, mapping),
  root_dir = work,
  handlers = {
    -- More is known: lenses are asked for by nobody else.
    ["workspace/codeLens/refresh"] = function()
      if not vim.lsp.codelens.enable then
        vim.lsp.codelens.refresh()
      end
      return vim.NIL
    end,
    ["window/showMessage"] = function(_, message)
      said = message.message
      return vim.NIL
    end,
  },
}
local capabilities = vim.lsp.protocol.make_client_capabilities()
capabilities.workspace.codeLens = { refreshSupport = true }
settings.capabilities = capabilities
if vim.lsp.start then
  vim.lsp.start(settings)
else
  vim.lsp.buf_attach_client(buffer, vim.lsp.start_client(settings))
end
if vim.lsp.codelens.enable then
  vim.lsp.codelens.enable(true, { bufnr = buffer })
end

--- The titles of the lenses of a line.
local function titles(line)
  local found = {}
  for _, lens in ipairs(vim.lsp.codelens.get(buffer)) do
    if lens.range.start.line == line - 1 and lens.command then
      found[#found + 1] = lens.command.title
    end
  end
  return found
end

wait("lenses", function()
  return #titles(44) > 0
end)
check("how often functions were called", {
  titles(44)[1]:match("^called [%d,]+ times"),
  titles(25)[1]:match("^called [%d,]+ times"),
  titles(61)[1]:match("^called once"),
}, { "called 12 times", "called 36 times", "called once" })
check("what lenses lead to", { titles(44)[2], titles(44)[3] }, { "first", "last" })

-- A client without a debugger is told what to type in one.
local asked
vim.ui.select = function(items, _, choose)
  asked = items
  for index, item in ipairs(items) do
    local lens = item.lens or item[2] or item
    if lens.command.title == "last" then
      return choose(item, index)
    end
  end
  choose(nil)
end
vim.api.nvim_win_set_cursor(0, { 44, 0 })
vim.lsp.codelens.run()
wait("what a lens tells", function()
  return said
end)
check("the lenses are offered", #asked >= 2, true)
local position = said:match("`seek ([^`]+)`")
check("a lens tells what to type", position ~= nil, true)
local last = ran(vim.list_extend({ server, "ask", recording, "calls", "apply" }, {})):match("#12 +(%S+)")
check("that is the last call", position, last)
local debugged = { server, "debug", recording }
local there = ran(vim.list_extend(debugged, mapping), ("seek %s\nbacktrace\n"):format(position))
check("and it leads there", there:match("apply[^\n]*ledger%.c:%d+") ~= nil, true)

--- The text of the window that floats.
local function floating()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= "" then
      local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
      return table.concat(lines, "\n")
    end
  end
end

local function place_at(line, text)
  local column = vim.fn.getline(line):find(text, 1, true)
  vim.api.nvim_win_set_cursor(0, { line, column - 1 })
end

place_at(48, "amount")
vim.lsp.buf.hover()
local hover = wait("a hover", floating)
check("how often the line ran", hover:find("This line ran 12 times.", 1, true) ~= nil, true)
check("which values there were", hover:find("had 12 values", 1, true) ~= nil, true)
check("the first of them", hover:match("first: `?(%d+)"), "1200")
check("the last of them", hover:match("last: `?(%d+)"), "5000")

place_at(66, "balance")
vim.lsp.buf.references()
wait("references", function()
  return #vim.fn.getqflist() > 0
end)
local writers = vim.tbl_map(function(item)
  return item.lnum
end, vim.fn.getqflist())
check("the lines that wrote it", writers, { 48, 50 })

if vim.lsp.inlay_hint then
  vim.lsp.inlay_hint.enable(true, { bufnr = buffer })
  local hints = wait("hints", function()
    local found = vim.lsp.inlay_hint.get({ bufnr = buffer })
    return #found > 20 and found
  end)
  local at = {}
  for _, hint in ipairs(hints) do
    at[hint.inlay_hint.position.line + 1] = hint.inlay_hint.label
  end
  check("how often lines ran", { at[27], at[48], at[68], at[93] or "" }, { "×" .. (at[27] or ""):match("%d+"), "×12", "×1", "" })
else
  io.stdout:write("hints skipped: this Neovim has none\n")
end

for _, client in ipairs((vim.lsp.get_clients or vim.lsp.get_active_clients)()) do
  vim.lsp.stop_client(client.id)
end
wait("the end of the server", function()
  return #(vim.lsp.get_clients or vim.lsp.get_active_clients)() == 0
end)
vim.cmd(failures == 0 and "qall!" or "cquit")
