--- Sessions with the real server, on a recording of the fixture `ledger`.
local check = dofile(vim.env.PLUGIN .. "/test/check.lua")
vim.opt.rtp:prepend(vim.env.NVIM_DAP)
vim.cmd.runtime("plugin/rr-dap.lua")
vim.cmd.runtime("plugin/dap.lua")
vim.o.hidden = true

local dap = require("dap")
local rr = require("rr-dap")
local work, server = vim.env.WORK, vim.env.RR_DAP
local recording = work .. "/ledger.rrtrace"
local stops = 0

--- Whether the stack of the last stop has come, and has frames: at the start it has none.
local stack = { is_known = false, has_frames = false }

--- The stack is there some time after the stop.
local function stopped_session()
  local session = dap.session()
  local is_known = stack.is_known and (not stack.has_frames or (session and session.current_frame))
  return session and session.stopped_thread_id and is_known and session
end

local function settled()
  local moment = require("rr-dap.session").moment()
  return stopped_session() and moment and moment.moment
end

--- Does something that travels, and waits until it has stopped.
local function go(what)
  local before = stops
  check.forget()
  if type(what) == "string" then
    vim.cmd(what)
  else
    what()
  end
  check.wait("a stop after " .. tostring(what), function()
    return stops > before and settled()
  end)
  return require("rr-dap.session").moment()
end

--- Does something that answers, and waits until it has said so.
local function said(command)
  check.forget()
  vim.cmd(command)
  check.wait("an answer to " .. command, function()
    return #check.said > 0
  end)
  return check.said[#check.said].text
end

local function frame()
  return dap.session().current_frame
end

local function finish()
  dap.terminate()
  check.wait("the end", function()
    return dap.session() == nil
  end)
end

local shared = { sourceMap = { ["/rr-dap/fixtures"] = work } }

check.equal(rr.setup({ path = server, launch = { dirs = { work .. "::/work" } } }), true, "setup")
dap.listeners.after.event_stopped["test"] = function()
  stops = stops + 1
  stack.is_known = false
end
dap.listeners.after.stackTrace["test"] = function(_, error, answer)
  stack = { is_known = true, has_frames = not error and #answer.stackFrames > 0 }
end

check.test("a server that is missing is named, with the remedy", function()
  rr.setup({ path = "/nowhere/rr-dap" })
  check.forget()
  dap.run({ name = "x", type = "rr-dap", request = "launch", program = "x" })
  check.wait("what is said", function()
    return check.was_said("/nowhere/rr-dap")
  end)
  check.equal(check.was_said("setup() its `path`"), true, "the remedy")
  rr.setup({ path = server })
end)

check.test("buffers of the languages are offered three configurations", function()
  for _, filetype in ipairs({ "rust", "c", "cpp", "zig", "go", "python", "javascript", "wat" }) do
    local buffer = vim.api.nvim_create_buf(false, true)
    vim.bo[buffer].filetype = filetype
    local names = vim.tbl_map(function(each)
      return each.request .. " " .. each.type
    end, dap.providers.configs["rr-dap"](buffer))
    check.equal(names, { "launch rr-dap", "launch rr-dap", "attach rr-dap" }, filetype)
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  check.equal(dap.providers.configs["rr-dap"](buffer), {}, "no filetype")
end)

check.test("a program is recorded and debugged", function()
  local when = go(function()
    dap.run(vim.tbl_extend("force", shared, {
      name = "record",
      type = "rr-dap",
      request = "launch",
      program = work .. "/ledger.wasm",
      dirs = { work .. "::/work" },
      recordTo = recording,
      stopAt = "end",
    }))
  end)
  check.equal(when.events, 52, "hostcalls")
  check.equal(frame().name, "check", "the function that trapped")
  check.equal(frame().source.path, work .. "/ledger.c", "its source")
  check.contains(rr.status(), "/52 100%", "the status")
end)

check.test("moving backward in the source", function()
  for _ = 1, 2 do
    go(function()
      dap.step_back()
    end)
  end
  check.equal({ frame().name, frame().line < 68 }, { "check", true }, "the line before the trap")
  go("RrBackOut")
  check.equal(frame().name, "main", "the caller")
  go("RrBackInto")
  -- Steps do not go into the C library.
  for _ = 1, 8 do
    if frame().name ~= "main" then
      break
    end
    go("RrBackInto")
  end
  check.equal(frame().name ~= "main", true, "a function that was called")
  local before = require("rr-dap.session").moment().moment
  go("RrBackInstruction")
  local after = require("rr-dap.session").moment().moment
  check.equal(after.tick <= before.tick and after.position ~= before.position, true, "an instruction earlier")
end)

check.test("seeking every kind of moment", function()
  check.equal(go("RrSeek 14").moment.event, 14, "an event")
  check.contains(rr.status(), "rr-dap 14/52", "the status")
  check.equal(go("RrSeek +3").moment.event, 17, "three on")
  check.equal(go("RrSeek -7").moment.event, 10, "seven back")
  check.equal(go("RrSeek start").moment.percent, 0, "the start")
  check.equal(go("RrSeek end").phase, "end", "the end")
  local half = go("RrSeek 50%").moment
  check.equal(half.percent > 25 and half.percent < 75, true, "about half of the way")
  go("RrSeek 14")
  check.equal(go("RrSeek " .. half.position).moment.position, half.position, "a position")
  check.contains(said("RrSeek nowhere"), "`nowhere` is not a moment", "what is not a moment")
  check.contains(said("RrSeek 99999"), "there is no event 99,999", "no such event")
end)

check.test("hostcalls, forward and back", function()
  go("RrSeek 14")
  check.contains(go("RrHostcallNext blocking-read").hostcall, "blocking-read", "the next read")
  check.equal(require("rr-dap.session").moment().moment.event, 19, "its event")
  check.equal(go("RrHostcallPrev blocking-read").moment.event, 14, "the read before")
  check.equal(go("RrHostcallOver").phase, "answered", "behind the call")
  go("RrSeek 20")
  check.equal(go("RrHostcallBack").moment.event < 20, true, "back over a call")
  go("RrSeek 15")
  local before = stops
  go("RrHostcallOver blocking-read")
  check.wait("the second stop", function()
    return stops == before + 2 and settled()
  end)
  local moment = require("rr-dap.session").moment()
  check.equal({ moment.moment.event, moment.phase }, { 20, "answered" }, "behind the next read")
  check.equal(go("RrHostcallBack *.open-at").moment.event, 11, "back over the call that opened the file")
  check.contains(said("RrWhen"), "of 52", "when")
end)

check.test("a hostcall shows the frame of the person's own code", function()
  for _, command in ipairs({ "RrSeek 20", "RrHostcallNext", "RrHostcallPrev", "RrHostcallOver" }) do
    go(command)
    check.equal({ frame().source.name, frame().presentationHint }, { "ledger.c", "normal" }, command)
  end
  local above = dap.session().threads[1].frames
  check.equal(above[1].name:match("^wasi:") ~= nil, true, "the hostcall above it")
  local shims = vim.tbl_filter(function(each)
    return each.presentationHint == "subtle"
  end, above)
  check.equal(#shims > 0 and shims[1].source ~= nil, true, "the shims have their sources")
end)

check.test("the ends have a frame, and lead on", function()
  go("RrSeek start")
  check.contains(frame().name, "start of the recording", "the start")
  check.equal(
    { #check.said, check.said[1].text },
    { 1, "rr-dap: start of the recording: nothing has run yet" },
    "what is said of it"
  )
  check.equal({ frame().source, frame().line }, { nil, 0 }, "the frame is as it was")
  go(function()
    dap.step_into()
  end)
  check.equal(frame().presentationHint ~= "label", true, "after it")
end)

check.test("a moment is copied, and opened again", function()
  go("RrSeek 20")
  local text = said("RrCopyMoment")
  text = text:gsub("^rr%-dap: ", "")
  check.equal(text, recording .. "@" .. require("rr-dap.session").moment().moment.position, "the text")
  check.equal(vim.fn.getreg('"'), text, "the register")
  local configured = require("rr-dap.configurations").of_file(text, {})
  check.equal({ configured.trace, text == recording .. "@" .. configured.stopAt }, { recording, true }, "what is opened")
end)

check.test("marks are set, completed, chosen and forgotten", function()
  go("RrSeek 14")
  check.contains(said("RrMark read"), "mark read is event 14", "a mark")
  go("RrSeek 30")
  check.contains(said("RrMark"), "is event 30", "a mark without a name")
  local completed = vim.fn.getcompletion("RrSeek re", "cmdline")
  check.equal(completed, { "read" }, "completion")
  check.equal(vim.tbl_contains(vim.fn.getcompletion("RrSeek ", "cmdline"), "entry"), true, "completion of places")
  local offered
  vim.ui.select = function(items, options, choose)
    offered = vim.tbl_map(options.format_item, items)
    choose(items[1])
  end
  check.equal(go("RrMarks").moment.event, 14, "the mark that was chosen")
  check.equal(#offered, 2, "marks to choose from")
  check.contains(offered[1], "read  event 14", "what is shown of it")
  go("RrSeek end")
  check.equal(go("RrSeek read").moment.event, 14, "a mark by name")
  check.contains(said("RrUnmark read"), "is gone", "a mark forgotten")
  check.contains(said("RrUnmark read"), "there is no mark `read`", "it is gone")
  check.contains(said("RrMark a:b"), "one word", "a bad name")
end)

check.test("hostcalls in the quickfix list, and travel from there", function()
  go("RrSeek 22")
  vim.cmd("RrHostcalls blocking-read")
  check.wait("the list", function()
    return vim.bo.buftype == "quickfix"
  end)
  local list = vim.fn.getqflist({ items = 1, title = 1, idx = 0 })
  local events = vim.tbl_map(function(item)
    return item.user_data.event
  end, list.items)
  check.equal(#events, 7, "reads")
  check.equal({ events[1], events[2] }, { 14, 19 }, "the first events")
  check.equal(list.title, "hostcalls blocking-read", "the title")
  check.contains(vim.api.nvim_buf_get_lines(0, 0, 1, false)[1], 'ok(b"alice,bob,1200', "the line")
  check.equal(vim.fn.line("."), 2, "the cursor stands at the last read")
  vim.fn.cursor(1, 1)
  local when = go(function()
    vim.api.nvim_feedkeys(vim.keycode("<CR>"), "x", false)
  end)
  check.equal(when.moment.event, 14, "where the line led to")
  go("RrSeek 20")
  check.equal(vim.fn.getqflist({ idx = 0 }).idx, 2, "the list follows")
  vim.cmd("cclose")
  check.contains(said("RrHostcalls nothing-like-it"), "none of the hostcalls", "no hostcall")
end)

local function handle_lines()
  return vim.api.nvim_buf_get_lines(vim.fn.bufnr("rr-dap://handles"), 0, -1, false)
end

check.test("the handle tables follow the stops, and lead to events", function()
  go("RrSeek 14")
  vim.cmd("RrHandles")
  check.wait("the tables", function()
    return #handle_lines() > 3
  end)
  local window = vim.fn.bufwinid("rr-dap://handles")
  local text = table.concat(handle_lines(), "\n")
  check.contains(text, "instance 0", "the instance")
  check.contains(text, 'preopened directory "/work"', "a meaning")
  check.contains(text, "ledger.csv", "a descriptor that is open")
  check.equal(vim.wo[window].foldmethod, "expr", "folds")
  vim.api.nvim_win_call(window, function()
    vim.cmd("normal! zM")
    check.equal(vim.fn.foldclosed(1), 1, "the instance folds")
    local folded = vim.api.nvim_buf_get_lines(0, 1, vim.fn.foldclosedend(1), false)
    check.equal(#folded >= 6, true, "its handles are folded")
    for _, text in ipairs(folded) do
      check.equal(vim.startswith(text, "  "), true, "of this instance: " .. text)
    end
    vim.cmd("normal! zR")
  end)
  go("RrSeek 2")
  check.wait("fewer handles", function()
    return not table.concat(handle_lines(), "\n"):find("ledger.csv", 1, true)
  end)
  go("RrSeek 14")
  check.wait("the handles again", function()
    return table.concat(handle_lines(), "\n"):find("preopened", 1, true) ~= nil
  end)
  vim.api.nvim_set_current_win(window)
  vim.fn.search("preopened")
  local when = go(function()
    vim.api.nvim_feedkeys(vim.keycode("<CR>"), "x", false)
  end)
  check.equal(when.moment.event, 3, "where the directory came from")
  vim.api.nvim_win_close(window, true)
end)

check.test("who wrote a variable is asked, or the server says why not", function()
  go("RrSeek end")
  local before = stops
  check.forget()
  vim.cmd("RrWhoWrote account->balance")
  check.wait("an answer", function()
    return #check.said > 0 or (stops > before and settled())
  end)
  if stops > before then
    check.equal(frame().name, "apply", "the function that wrote it")
    local event = require("rr-dap.session").moment().moment.event
    check.equal(go("RrWhoWrote! to->balance").moment.event >= event, true, "the next write")
  else
    check.equal(check.was_said("there is no command `wrote"), true, "what is said")
  end
end)

check.test("the sources tell what the whole run did, and lead there", function()
  go("RrSeek end")
  local source = vim.fn.bufnr(work .. "/ledger.c")
  local client
  check.wait("a client", function()
    client = vim.lsp.get_clients({ name = "rr-dap", bufnr = source })[1]
    return client ~= nil
  end)
  local function of_apply()
    return vim.tbl_filter(function(lens)
      return lens.range.start.line == 43
    end, vim.lsp.codelens.get(source))
  end
  check.wait("lenses", function()
    return #of_apply() > 1
  end)
  local lenses = {}
  for _, lens in ipairs(of_apply()) do
    lenses[lens.command.title] = lens.command
  end
  check.contains(table.concat(vim.tbl_keys(lenses), ", "), "called 12 times", "how often")
  check.wait("hints", function()
    return #vim.lsp.inlay_hint.get({ bufnr = source }) > 20
  end)
  local first = go(function()
    require("rr-dap.language_server").go_to(lenses.first, { client_id = client.id })
  end)
  check.equal(frame().name, "apply", "the function")
  local second = go(function()
    require("rr-dap.language_server").go_to(lenses.next, { client_id = client.id })
  end)
  check.equal(second.moment.tick > first.moment.tick, true, "the next call")
end)

check.test("a server without the requests is spoken to in its console", function()
  go("RrSeek end")
  local session = dap.session()
  local known = session.capabilities.rrDap
  session.capabilities.rrDap = nil
  check.contains(said("RrWhen"), "of 52", "when")
  local before = stops
  vim.cmd("RrSeek 14")
  check.wait("a stop", function()
    return stops > before and stopped_session()
  end)
  check.contains(said("RrWhen"), "event 14 of 52", "where it led")
  check.contains(said("RrHostcalls blocking-read"), "alice,bob,1200", "hostcalls")
  vim.cmd("RrHandles")
  check.wait("the tables", function()
    return table.concat(handle_lines(), "\n"):find("ledger.csv", 1, true) ~= nil
  end)
  vim.api.nvim_win_close(vim.fn.bufwinid("rr-dap://handles"), true)
  session.capabilities.rrDap = known
end)

check.test("a session that has ended has no status", function()
  finish()
  check.equal(rr.status(), "", "status")
  check.contains(said("RrWhen"), "no session is running", "what is said")
end)

check.test("a program that does not end is paused, and debugged from there", function()
  dap.run(vim.tbl_extend("force", shared, {
    name = "endless",
    type = "rr-dap",
    request = "launch",
    program = vim.env.PLUGIN .. "/../../fixtures/wat/spin.wat",
    stopOnEntry = true,
  }))
  check.wait("its thread", function()
    return rr.status() == "rr-dap …"
  end)
  local when = go(function()
    dap.pause()
  end)
  check.equal(when.phase, "end", "where it was")
  check.equal(frame().presentationHint, "normal", "a frame of its own")
  go(function()
    dap.step_back()
  end)
  finish()
end)

check.test(":RrDebug debugs a recording", function()
  go("RrDebug " .. recording)
  check.equal(require("rr-dap.session").moment().phase, "end", "at its end")
  finish()
end)

check.test("a service's requests in the quickfix list, and travel from there", function()
  go("RrDebug " .. work .. "/service.rrtrace")
  local function thread()
    local name
    dap.session():request("threads", nil, function(_, answer)
      name = answer and answer.threads[1].name
    end)
    check.wait("the thread", function()
      return name ~= nil
    end)
    return name
  end
  vim.cmd("RrRequests")
  check.wait("the list", function()
    return vim.bo.buftype == "quickfix"
  end)
  local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
  check.equal(#lines, 4, "requests")
  check.equal(vim.fn.line("."), 4, "the cursor stands at the one that trapped")
  check.contains(lines[2], "!     2  503  ", "one that failed")
  check.contains(lines[3], " ms  GET /slow?ms=60", "how long it took")
  check.contains(lines[4], "GET /trap?place=3  trapped: ", "what became of it")
  vim.fn.cursor(2, 1)
  go(function()
    vim.api.nvim_feedkeys(vim.keycode("<CR>"), "x", false)
  end)
  check.contains(thread(), "request 2: GET /status/503", "where the line led to")
  go("RrRequestNext")
  check.contains(thread(), "request 3: GET /slow", "the next")
  check.wait("the list follows", function()
    return vim.fn.getqflist({ idx = 0 }).idx == 3
  end)
  go("RrRequestPrev failed")
  check.contains(thread(), "request 2: ", "the last that failed")
  go("RrRequestNext failed")
  check.contains(thread(), "request 4: ", "the next that failed")
  vim.cmd("RrRequests failed")
  check.wait("the list", function()
    return #vim.fn.getqflist() == 2
  end)
  vim.cmd("cclose")
  finish()
  go("RrDebug " .. recording)
  check.contains(said("RrRequests"), "there are no such requests", "in others")
  finish()
end)

check.test("several recordings: nodes, messages, and along those", function()
  go("RrDebug " .. work .. "/shop/shop.rrsystem")
  go("RrSeek start")
  local function node()
    local moment = require("rr-dap.session").moment()
    return moment.node, moment.moment.event
  end
  check.equal(node(), "fetch", "where it begins")
  check.contains(require("rr-dap").status(), "rr-dap fetch ", "the status line")
  vim.cmd("RrMessages")
  check.wait("the list", function()
    return vim.bo.buftype == "quickfix"
  end)
  local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
  check.equal(#lines, 4, "messages")
  check.contains(lines[1], "     1  fetch event ", "who sends")
  check.contains(lines[1], "answer before event 0  POST /echo", "who receives, and what")
  check.contains(lines[2], '"hello there", 11 bytes', "what is sent after that")
  -- To where it was sent, and received.
  vim.fn.cursor(2, 1)
  go(function()
    vim.api.nvim_feedkeys(vim.keycode("<CR>"), "x", false)
  end)
  local sender, sent = node()
  check.equal(sender, "fetch", "who sent it")
  check.contains(lines[2], ("fetch event %d -> "):format(sent), "where it was sent")
  go("RrFollow")
  local receiver, received = node()
  check.equal(receiver, "answer", "who received it")
  check.contains(lines[2], ("-> answer event %d "):format(received), "where it was received")
  go("RrFollow back")
  check.equal({ node() }, { "fetch", sent }, "back where it was sent")
  check.wait("the list follows", function()
    return vim.fn.getqflist({ idx = 0 }).idx == 2
  end)
  vim.cmd("copen")
  vim.fn.cursor(2, 1)
  go(function()
    vim.api.nvim_feedkeys("gr", "x", false)
  end)
  check.equal({ node() }, { "answer", received }, "by the key in the list")
  -- What nobody sends cannot be followed.
  go("RrSeek answer:start")
  check.contains(said("RrFollow"), "nothing is sent here", "why not")
  vim.cmd("cclose")
  vim.cmd("RrMessages POST")
  check.wait("those that have this in their line", function()
    return #vim.fn.getqflist() == 1
  end)
  -- Nodes tell where they stand, at each stop.
  vim.cmd("RrNodes")
  local function list()
    return table.concat(vim.tbl_map(function(item)
      return item.text
    end, vim.fn.getqflist()), "\n")
  end
  check.wait("the nodes", function()
    return list():match("%*   2 ")
  end)
  vim.fn.cursor(1, 1)
  go(function()
    vim.api.nvim_feedkeys(vim.keycode("<CR>"), "x", false)
  end)
  check.equal((node()), "fetch", "the node of the line")
  check.wait("the list follows", function()
    return list():match("%*   1 ")
  end)
  go("RrSeek fetch:4")
  check.wait("where it stands", function()
    return list():match("fetch, event 4 of ")
  end)
  vim.cmd("cclose")
  finish()
  go("RrDebug " .. recording)
  check.contains(said("RrNodes"), "one recording alone", "of one")
  check.contains(said("RrFollow"), "one recording alone", "of one")
  finish()
end)

check.test("the files to choose from are those below, the newest first", function()
  vim.fn.mkdir(work .. "/target/wasm32-wasip2/debug", "p")
  vim.fn.mkdir(work .. "/node_modules", "p")
  vim.fn.writefile({}, work .. "/target/wasm32-wasip2/debug/new.wasm")
  vim.fn.delete(work .. "/shop", "rf")
  vim.fn.writefile({}, work .. "/node_modules/other.wasm")
  vim.uv.fs_utime(work .. "/ledger.wasm", 1000, 1000)
  local files = require("rr-dap.configurations").files({ ".wasm", ".wat" })
  check.equal(files, { "target/wasm32-wasip2/debug/new.wasm", "ledger.wasm" }, "programs")
end)

check.test("the configurations ask for files", function()
  local prompted
  vim.ui.select = function(items, options, choose)
    prompted = { options.prompt, items[1] }
    choose(items[1])
  end
  local configuration = vim.iter(require("rr-dap.configurations").all()):find(function(each)
    return each.trace ~= nil
  end)
  go(function()
    dap.run(vim.tbl_extend("force", configuration, shared))
  end)
  check.equal(prompted, { "recording", "ledger.rrtrace" }, "what was asked")
  check.equal(frame().name, "check", "its end")
  finish()
end)

--- A server that listens, and the address that it says.
local function listening(address)
  local port
  local child = vim.system({
    server,
    "--listen",
    address,
    "--trace",
    recording,
    "--source-map",
    "/rr-dap/fixtures=" .. work,
  }, {
    stdout = function(_, text)
      port = port or (text and text:match("LISTENING (%S+)"))
    end,
  })
  check.wait("the server", function()
    return port ~= nil
  end)
  return child, port
end

local function attached(keys)
  go(function()
    dap.run(vim.tbl_extend("force", { name = "attach", type = "rr-dap", request = "attach", stopAt = "end" }, keys))
  end)
  check.equal(frame().source.path, work .. "/ledger.c", "the source")
  finish()
end

check.test("it attaches over TCP", function()
  local child, port = listening("127.0.0.1:0")
  attached({ port = tonumber(port:match("%d+$")) })
  attached({ connect = "127.0.0.1:" .. port:match("%d+$") })
  child:kill("sigterm")
  child:wait()
end)

check.test("it attaches through a Unix socket", function()
  local child = listening("unix:" .. work .. "/socket")
  attached({ socket = work .. "/socket" })
  child:kill("sigterm")
  child:wait()
end)

check.test("an attach without an address, or with a wrong one, is told", function()
  check.forget()
  dap.run({ name = "a", type = "rr-dap", request = "attach" })
  check.wait("what is said", function()
    return check.was_said("attach to what?")
  end)
  dap.run({ name = "b", type = "rr-dap", request = "attach", connect = "nowhere" })
  check.wait("what is said", function()
    return check.was_said("`nowhere` is not an address")
  end)
end)

check.test("over asynchronous hostcalls to their results, without plumbing", function()
  go(function()
    dap.run(vim.tbl_extend("force", shared, {
      name = "later",
      type = "rr-dap",
      request = "launch",
      program = work .. "/later.wasm",
      args = { "one", "two" },
      recordTo = work .. "/later.rrtrace",
      stopAt = "start",
    }))
  end)
  local function listed(command)
    vim.cmd(command)
    check.wait("the list", function()
      return vim.bo.buftype == "quickfix"
    end)
    local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
    vim.cmd("cclose")
    return lines
  end
  local few, all = listed("RrHostcalls"), listed("RrHostcalls --builtins")
  check.equal(#few < #all, true, "fewer without the component model's own")
  local text = table.concat(few, "\n")
  check.contains(text, "returned before event", "what came of a call")
  check.equal(text:find("waitable", 1, true), nil, "no plumbing")
  check.contains(table.concat(all, "\n"), "· ", "plumbing is marked")
  local there = go("RrHostcallOver --result")
  local back = go("RrHostcallBack --result")
  check.equal(back.phase, "calling", "back at the call")
  check.equal(back.moment.event < there.moment.event, true, "the call came before its result")
  check.equal(go("RrHostcallNext --builtins").moment.event, back.moment.event + 1, "the next of all")
  finish()
end)

check.test("health says what there is", function()
  vim.cmd("checkhealth rr-dap")
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
  check.contains(text, "rr-dap 0.", "the server's version")
  check.contains(text, "the adapter is registered", "the adapter")
end)

check.test("the help has its tags", function()
  -- In a copy: nothing is left in the tree.
  local copy = work .. "/help"
  vim.fn.mkdir(copy .. "/doc", "p")
  vim.uv.fs_copyfile(vim.env.PLUGIN .. "/doc/rr-dap.txt", copy .. "/doc/rr-dap.txt")
  vim.opt.rtp:prepend(copy)
  vim.cmd.helptags(copy .. "/doc")
  vim.cmd.help("rr-dap")
  check.contains(vim.api.nvim_buf_get_name(0), "rr-dap.txt", "the help")
  for name, _ in pairs(vim.api.nvim_get_commands({})) do
    if vim.startswith(name, "Rr") then
      vim.cmd.help(":" .. name)
    end
  end
  for name, _ in pairs(require("rr-dap.config").defaults) do
    vim.cmd.help("rr-dap-setup-" .. name)
  end
end)

check.finish()
