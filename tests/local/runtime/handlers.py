"""The handlers of the template; the AWS API is called by hand where an SDK would have to be bundled."""

from __future__ import annotations

ECHO = """
exports.handler = async (event) => {
  if (event.queryStringParameters?.do === "throw") throw new RangeError("asked to");
  if (event.queryStringParameters?.do === "wait") await new Promise((r) => setTimeout(r, 2000));
  const answers = {
    variables: process.env,
    text: "plain text",
    nothing: null,
    status: { statusCode: "two hundred", body: "" },
    object: { greeting: "hi" },
    number: 7,
    bodyless: { statusCode: 204 },
    badheaders: { statusCode: 200, headers: "nope", body: "" },
    badbody: { statusCode: 200, body: { a: 1 } },
    badbase64: { statusCode: 200, body: "%%%", isBase64Encoded: true },
    cookies: {
      statusCode: 201,
      cookies: ["a=1; HttpOnly", "b=2"],
      headers: { "x-one": 1, "Content-Type": "text/plain" },
      body: "ok",
    },
    binary: { statusCode: 200, body: Buffer.from([0, 255, 1]).toString("base64"), isBase64Encoded: true },
  };
  const name = event.queryStringParameters?.answer;
  return name === undefined ? { statusCode: 200, body: JSON.stringify(event) } : answers[name];
};
"""

READ = """
import json, os, boto3
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
def handler(event, context):
    if "action" in event:
        service, operation, arguments = event["action"]
        answer = getattr(boto3.client(service), operation)(**arguments)
        answer.pop("ResponseMetadata")
        return json.loads(json.dumps(answer, default=str))
    found = table.get_item(Key={"id": event["pathParameters"]["id"]}).get("Item")
    return {"statusCode": 200 if found else 404, "body": json.dumps(found)}
"""

CREATE = """
const crypto = require("node:crypto");
const http = require("node:http");
const mac = (key, text) => crypto.createHmac("sha256", key).update(text).digest();
const hash = (text) => crypto.createHash("sha256").update(text).digest("hex");
const endpoint = new URL(process.env.AWS_ENDPOINT_URL);

function call(operation, body) {
  const env = process.env;
  const payload = JSON.stringify(body);
  const stamp = new Date().toISOString().replace(/[-:]|\\.\\d{3}/g, "");
  const scope = `${stamp.slice(0, 8)}/${env.AWS_REGION}/dynamodb/aws4_request`;
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    host: endpoint.host,
    "x-amz-date": stamp,
    "x-amz-security-token": env.AWS_SESSION_TOKEN,
    "x-amz-target": `DynamoDB_20120810.${operation}`,
  };
  const names = Object.keys(headers).join(";");
  const lines = Object.entries(headers).map(([k, v]) => `${k}:${v}\\n`).join("");
  const request = `POST\\n/\\n\\n${lines}\\n${names}\\n${hash(payload)}`;
  const text = `AWS4-HMAC-SHA256\\n${stamp}\\n${scope}\\n${hash(request)}`;
  const first = mac(`AWS4${env.AWS_SECRET_ACCESS_KEY}`, scope.slice(0, 8));
  const key = [env.AWS_REGION, "dynamodb", "aws4_request"].reduce(mac, first);
  const signature = mac(key, text).toString("hex");
  const credential = `${env.AWS_ACCESS_KEY_ID}/${scope}`;
  headers.authorization =
    `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return new Promise((resolve, reject) => {
    const sent = http.request(endpoint, { method: "POST", headers }, (response) => {
      let answer = "";
      response.on("data", (part) => (answer += part));
      response.on("end", () => (response.statusCode === 200 ? resolve(JSON.parse(answer)) : reject(new Error(answer))));
    });
    sent.on("error", reject);
    sent.end(payload);
  });
}

exports.handler = async (event) => {
  if (event.warmUp) return { statusCode: 200 };
  const user = JSON.parse(event.body);
  const Item = { id: { S: user.id }, email: { S: user.email } };
  if (user.operation === "DeleteItem") await call("DeleteItem", { TableName: process.env.TABLE, Key: { id: Item.id } });
  else await call("PutItem", { TableName: process.env.TABLE, Item });
  console.log({ created: user.id });
  return { statusCode: 201, headers: { "content-type": "application/json" }, body: JSON.stringify({ id: user.id }) };
};
"""
