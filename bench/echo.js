// The reference: Node's own HTTP server parses the JSON, takes what a sale's answer needs and
// answers. Nothing is checked, nothing is stored.
const http = require("node:http");

http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(chunks));
    const answer = JSON.stringify({
      eventName: body.eventName,
      customer: { externalId: body.customerExternalId },
      sale: { amount: body.amount, currency: body.currency, invoiceId: body.invoiceId,
        metadata: body.metadata },
    });
    response.writeHead(200, { "content-type": "application/json" });
    response.end(answer);
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
