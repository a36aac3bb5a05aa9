-- Sales of many customers, each with an invoice and a body of its own.
-- Environment: TOKEN, TARGET (path), RUN (makes invoices distinct between runs), CUSTOMERS.
local token, target, run = os.getenv("TOKEN"), os.getenv("TARGET"), os.getenv("RUN")
local customers = tonumber(os.getenv("CUSTOMERS"))
local n = 0

wrk.method = "POST"
wrk.headers["Authorization"] = "Bearer " .. token
wrk.headers["Content-Type"] = "application/json"

local template = '{"customerExternalId":"bench_%d","amount":%d,"currency":"usd",'
  .. '"eventName":"Invoice paid","paymentProcessor":"stripe","invoiceId":"in_%s_%d",'
  .. '"leadEventName":null,"metadata":{"plan":"pro","seats":%d,"coupon":null,'
  .. '"period":{"from":"2026-01-01","to":"2026-02-01"},"note":"renewal of the team plan"}}'

request = function()
  n = n + 1
  local body = string.format(template, (n * 7919) % customers, 1000 + n % 9000, run, n, n % 50)
  return wrk.format(nil, target, nil, body)
end
