-- Visitors of many addresses, each of whom follows one of a few links once, behind a proxy that is
-- believed (`--trusted-proxies 127.0.0.1`).
-- Environment: TARGET (what the path begins with), RUN (two numbers, 3_20123, that make visitors distinct
-- between runs), LINKS (how many there are).
local target, links = os.getenv("TARGET"), tonumber(os.getenv("LINKS"))
local round, port = os.getenv("RUN"):match("(%d+)_(%d+)")
local n = 0
local template

function init()
  wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    .. "Chrome/126.0 Safari/537.36"
  wrk.headers["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
  wrk.headers["Accept-Language"] = "en-US,en;q=0.5"
  wrk.headers["Accept-Encoding"] = "gzip, deflate, br"
  wrk.headers["Referer"] = "https://news.example/today"
  -- Addresses of documentation: the run, and the number of the visit.
  wrk.headers["X-Forwarded-For"] = string.format("2001:db8:%x:%x", round, port) .. "::%x:%x"
  template = wrk.format("GET", target .. "bench-%d")
end

request = function()
  n = n + 1
  return string.format(template, n % links, math.floor(n / 65536), n % 65536)
end
