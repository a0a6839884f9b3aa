-- Answers: which request wrk sends next, and what came of all of them.
-- Owns: requests that are built before the clock runs, drawn at random; targets never asked for before; one line of figures.
-- Leaves out: which requests there are (`scenarios.ts`), reading the line (`wrk-run.ts`).
-- Arguments: FILE (a length and that many bytes, again and again) EVERY PREFIX: each EVERY-th request asks for PREFIX
-- and a number, which no one has asked for yet; 0 is never. Without arguments, in BENCH_REQUESTS=same, wrk's own request.

local requests, count, every, prefix, sent = {}, 0, 0, "", 0
local random = math.random

local function load(args)
  local file = assert(io.open(args[1], "rb"))
  for length in function() return file:read("*n") end do
    file:read(1)
    count = count + 1
    requests[count] = file:read(length)
  end
  file:close()
  -- Each thread of wrk runs this for itself: the address of its own table tells its targets apart.
  every, prefix = tonumber(args[2]), args[3] .. tostring(args):match("%x+$") .. "-"
  math.randomseed(9111)
end

if os.getenv("BENCH_REQUESTS") ~= "same" then
  init = load

  function request()
    sent = sent + 1
    if every > 0 and sent % every == 0 then
      return "GET " .. prefix .. sent .. " HTTP/1.1\r\nHost: bench.example\r\n\r\n"
    end
    return requests[random(count)]
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "figures requests=%d us=%d bytes=%d connect=%d read=%d write=%d status=%d timeout=%d p50=%d p99=%d\n",
    summary.requests, summary.duration, summary.bytes, errors.connect, errors.read, errors.write, errors.status,
    errors.timeout, latency:percentile(50), latency:percentile(99)))
end
