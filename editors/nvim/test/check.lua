--- What all tests need: checks that name what failed, and what was said to the person.
local M = { said = {} }

local failures = 0

vim.notify = function(text, level)
  table.insert(M.said, { text = text, level = level })
end

--- Whether something like this was said since the last call of `forget`.
function M.was_said(part)
  return vim.iter(M.said):any(function(each)
    return each.text:find(part, 1, true) ~= nil
  end)
end

function M.forget()
  M.said = {}
end

local function shown(value)
  return type(value) == "string" and value or vim.inspect(value)
end

function M.equal(found, expected, about)
  if not vim.deep_equal(found, expected) then
    error(("%s: %s, not %s"):format(about, shown(found), shown(expected)), 2)
  end
end

function M.contains(text, part, about)
  if not tostring(text):find(part, 1, true) then
    error(("%s: %s lacks %s"):format(about, shown(text), part), 2)
  end
end

--- Waits for something that must come. The time is there so that a test which hangs ends.
function M.wait(about, is_there)
  if not vim.wait(120000, is_there, 10) then
    error(("%s did not come; said: %s"):format(about, vim.inspect(M.said)), 2)
  end
end

function M.test(name, run)
  local is_good, problem = xpcall(run, debug.traceback)
  print((is_good and "ok   " or "FAIL ") .. name .. "\n")
  if not is_good then
    failures = failures + 1
    print(problem .. "\n")
  end
end

function M.finish()
  vim.cmd.cquit({ count = failures == 0 and 0 or 1 })
end

package.preload["rr-dap-test"] = function()
  return M
end
return M
