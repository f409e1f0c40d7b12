--- The plugin where nvim-dap or the server is missing.
local check = dofile(vim.env.PLUGIN .. "/test/check.lua")

check.test("it loads, and says what is missing when it is used", function()
  vim.cmd.runtime("plugin/rr-dap.lua")
  check.equal(check.said, {}, "said on loading")
  for _, command in ipairs({ "RrWhen", "RrBackInto", "RrHandles", "RrHostcalls", "RrSeek 3", "RrWhoWrote x", "RrMarks" }) do
    check.forget()
    vim.cmd(command)
    check.equal(#check.said, 1, command)
    check.contains(check.said[1].text, "nvim-dap is missing", command)
  end
  check.equal(require("rr-dap").status(), "", "status")
  check.forget()
  check.equal(require("rr-dap").setup(), false, "setup")
  check.equal(check.was_said("nvim-dap is missing"), true, "setup says so")
  check.forget()
  vim.cmd("RrDebug x.wasm")
  check.equal(check.was_said("nvim-dap is missing"), true, ":RrDebug says so")
end)

check.test("settings are checked by name and type", function()
  for _, wrong in ipairs({ { pth = "x" }, { path = 3 }, { filetypes = "c" } }) do
    check.forget()
    check.equal(require("rr-dap").setup(wrong), false, "accepted")
    check.contains(check.said[1].text, next(wrong), "what is said")
  end
end)

check.test("a recording that is sought is any moment", function()
  local target = require("rr-dap.travel").target
  local here = { event = 10, last = 20 }
  local marks = { ["7"] = true, wrong = true }
  for text, expected in pairs({
    start = { to = "start" },
    ["end"] = { to = "end" },
    ["12"] = { event = 12 },
    ["1,200"] = { event = 1200 },
    ["7"] = { mark = "7" },
    wrong = { mark = "wrong" },
    ["event 7"] = { event = 7 },
    ["37.5%"] = { percent = 37.5 },
    ["percent 4"] = { percent = 4 },
    ["tick 1_000"] = { tick = 1000 },
    ["+3"] = { event = 13 },
    ["-3"] = { event = 7 },
    ["+300"] = { event = 20 },
    ["-300"] = { event = 0 },
    ["2368:12:0x273+call"] = { position = "2368:12:0x273+call" },
    ["mark x"] = { mark = "x" },
    ["shop:12"] = { moment = "shop:12" },
    ["shop:40%"] = { moment = "shop:40%" },
  }) do
    check.equal(target(text, marks, here), expected, text)
  end
  for _, text in ipairs({ "nowhere", "tick x", "3 4", "%" }) do
    local found, problem = target(text, marks, here)
    check.equal(found, nil, text)
    check.equal(type(problem), "string", text)
  end
end)

check.test("addresses", function()
  local address = require("rr-dap.adapter").address
  local function server(text)
    local found = address(text)
    return found and { found.host, found.port }
  end
  check.equal(server("127.0.0.1:4711"), { "127.0.0.1", 4711 }, "host and port")
  check.equal(server("4711"), { "127.0.0.1", 4711 }, "a port")
  check.equal(server("[::1]:4711"), { "::1", 4711 }, "IPv6")
  check.equal(server("box"), nil, "no port")
  check.equal(address("unix:/tmp/x").pipe, "/tmp/x", "a socket")
end)

check.test("tables become lines that fold and name events", function()
  local lines = require("rr-dap.handles").of_tables({
    instances = {
      {
        instance = 0,
        handles = {
          {
            index = 4,
            kind = "own",
            type = "descriptor",
            state = "lent",
            meaning = 'preopened directory "/work"',
            created = 3,
            life = { { event = 3, what = "made by get-directories" }, { event = 9, what = "used by get-flags" } },
          },
        },
        leaks = {},
      },
    },
  })
  local texts = vim.tbl_map(function(line)
    return line.text
  end, lines)
  check.equal(texts, {
    "instance 0: 1 handle",
    '     4  own descriptor (preopened directory "/work"), lent, made at event 3',
    "        event 3  made by get-directories",
    "        event 9  used by get-flags",
  }, "lines")
  check.equal({ lines[2].event, lines[4].event }, { 3, 9 }, "events")
end)

check.finish()
