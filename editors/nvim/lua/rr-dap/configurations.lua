--- What nvim-dap offers to start.
local config = require("rr-dap.config")

local M = {}

--- Directories that hold neither programs nor recordings, and much else.
local SKIPPED = { [".git"] = true, node_modules = true, [".zig-cache"] = true, deps = true, incremental = true }
local MOST_FOUND = 200

--- Files below the working directory that end so, the newest first.
---@param endings string[]
function M.files(endings)
  local found = {}
  local function fits(name)
    return vim.iter(endings):any(function(ending)
      return vim.endswith(name, ending)
    end)
  end
  local entries = vim.fs.dir(".", {
    depth = 6,
    skip = function(path)
      return not SKIPPED[vim.fs.basename(path)]
    end,
  })
  for path, kind in entries do
    if kind == "file" and fits(path) then
      local stat = vim.uv.fs_stat(path)
      found[#found + 1] = { path = path, time = stat and stat.mtime.sec or 0 }
    end
    if #found >= MOST_FOUND then
      break
    end
  end
  table.sort(found, function(a, b)
    if a.time ~= b.time then
      return a.time > b.time
    end
    return a.path < b.path
  end)
  return vim.tbl_map(function(file)
    return file.path
  end, found)
end

--- A question, for nvim-dap to wait on. An empty answer ends the start.
local function asked(ask)
  return function()
    return coroutine.create(function(starter)
      ask(function(answer)
        local is_answer = answer ~= nil and answer ~= ""
        coroutine.resume(starter, is_answer and answer or require("dap").ABORT)
      end)
    end)
  end
end

local OTHER = "another file…"

--- Chooses a file that ends so, or asks for one.
---@param prompt string
---@param endings string[]
function M.pick(prompt, endings)
  return asked(function(answer)
    local function typed()
      vim.ui.input({ prompt = prompt .. ": ", completion = "file" }, function(path)
        answer(path and vim.fn.fnamemodify(vim.fn.expand(path), ":p"))
      end)
    end
    local files = M.files(endings)
    if #files == 0 then
      return typed()
    end
    files[#files + 1] = OTHER
    vim.ui.select(files, { prompt = prompt }, function(chosen)
      if chosen == OTHER then
        return typed()
      end
      answer(chosen and vim.fn.fnamemodify(chosen, ":p"))
    end)
  end)
end

local function with(keys, added)
  return vim.tbl_extend("force", { type = config.options.type }, keys, added)
end

function M.record()
  return with({
    name = "rr-dap: record and debug",
    request = "launch",
    program = M.pick("program to record", { ".wasm", ".wat" }),
    cwd = "${workspaceFolder}",
  }, config.options.launch)
end

function M.trace()
  return with({
    name = "rr-dap: debug a recording",
    request = "launch",
    trace = M.pick("recording", { ".rrtrace" }),
  }, config.options.trace)
end

function M.attach()
  return with({
    name = "rr-dap: attach to a server",
    request = "attach",
    connect = asked(function(answer)
      vim.ui.input({ prompt = "HOST:PORT or unix:PATH: ", default = "127.0.0.1:4711" }, answer)
    end),
  }, config.options.attach)
end

function M.all()
  return { M.record(), M.trace(), M.attach() }
end

--- What to do with a file: recordings are debugged, programs recorded; a `.rrsystem` file, or a
--- directory, names several recordings.
---@param path string
---@param args string[]
function M.of_file(path, args)
  -- FILE@MOMENT, as `:RrCopyMoment` and `info position` at the prompt write it.
  local file, moment = path:match("^(.+)@([^@/]+)$")
  if file and not vim.uv.fs_stat(vim.fn.expand(path)) then
    path = file
  else
    moment = nil
  end
  path = vim.fn.fnamemodify(vim.fn.expand(path), ":p")
  local name = "rr-dap: " .. vim.fs.basename(path)
  if path:match("%.wasm$") or path:match("%.wat$") then
    return vim.tbl_extend("force", M.record(), { name = name, program = path, args = args })
  end
  if path:match("%.rrsystem$") or vim.fn.isdirectory(path) == 1 then
    local system = vim.tbl_extend("force", M.trace(), { name = name, traces = { path } })
    system.trace = nil
    return system
  end
  return vim.tbl_extend("force", M.trace(), { name = name, trace = path }, { stopAt = moment })
end

return M
