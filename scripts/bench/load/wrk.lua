-- Arguments after --: method, path, bytes of the body, what becomes of the connection. Prints one line of JSON at the end.
-- There is no function `request`, so that wrk calls no Lua under load.
function init(args)
  wrk.method = args[1]
  wrk.path = args[2]
  local bytes = tonumber(args[3])
  if bytes > 0 then
    wrk.body = string.rep("x", bytes)
    wrk.headers["Content-Type"] = "application/octet-stream"
  end
  if args[4] == "close" then
    wrk.headers["Connection"] = "close"
  end
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\nJSON{"answers":%d,"micros":%d,"bytes":%d,"p50":%d,"p99":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.status, e.timeout))
end
