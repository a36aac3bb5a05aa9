-- Sales of many customers, each with an invoice and a body of its own.
-- Environment: TOKEN, TARGET (path), RUN (makes invoices distinct between runs), CUSTOMERS,
-- ITEMS (sales of one batch; 0: each sale is a request).
local token, target, run = os.getenv("TOKEN"), os.getenv("TARGET"), os.getenv("RUN")
local customers = tonumber(os.getenv("CUSTOMERS"))
local items = tonumber(os.getenv("ITEMS"))
local n = 0

wrk.method = "POST"
wrk.headers["Authorization"] = "Bearer " .. token
wrk.headers["Content-Type"] = "application/json"

local template = '{"customerExternalId":"bench_%d","amount":%d,"currency":"usd",'
  .. '"eventName":"Invoice paid","paymentProcessor":"stripe","invoiceId":"in_%s_%d",'
  .. '"leadEventName":null,"metadata":{"plan":"pro","seats":%d,"coupon":null,'
  .. '"period":{"from":"2026-01-01","to":"2026-02-01"},"note":"renewal of the team plan"}}'

local function sale()
  n = n + 1
  return string.format(template, (n * 7919) % customers, 1000 + n % 9000, run, n, n % 50)
end

request = function()
  if items == 0 then return wrk.format(nil, target, nil, sale()) end
  local sales = {}
  for index = 1, items do sales[index] = sale() end
  return wrk.format(nil, target, nil, "[" .. table.concat(sales, ",") .. "]")
end
