"use strict";
// Makes the calls of calls.json with the published KnetikCloud SDK and tells, as JSON, what each one gave.
// Read from standard input: {url, given, calls}. A text "$name.path" in a call stands for a value of `given` or of an earlier answer.

const fs = require("fs");
const sdk = require("@knetik/knetikcloud-sdk");

const GRANTS = ["oauth2_password_grant", "oauth2_client_credentials_grant"];
const { url, given, calls } = JSON.parse(fs.readFileSync(0, "utf8"));
const known = { given };

// A step with its references replaced and its {"$model": name, …} made into the SDK's own objects.
function filled(value) {
  if (typeof value === "string" && value.startsWith("$")) {
    return value.slice(1).split(".").reduce((found, name) => found[name], known);
  }
  if (Array.isArray(value)) return value.map(filled);
  if (value === null || typeof value !== "object") return value;
  const { $model, ...fields } = value;
  for (const name in fields) fields[name] = filled(fields[name]);
  return $model ? Object.assign(new sdk[$model](), fields) : fields;
}

// The client that an application makes once: only its address is set, and the token once it is known.
function client(token) {
  const client = new sdk.ApiClient();
  client.basePath = url;
  for (const grant of GRANTS) client.authentications[grant].accessToken = token;
  return client;
}

function modelOf(value) {
  return Object.keys(sdk).find((name) => typeof sdk[name] === "function" && value instanceof sdk[name]) || null;
}

// The SDK's HTTP client gives the answer to whoever expects a text as bytes alone.
function textOf(response) {
  return response.text ?? String(response.body);
}

async function outcome(step) {
  const [tag, operation] = step.call.split(".");
  const api = new sdk[`${tag}Api`](client(step.token));
  try {
    const { data, response } = await api[`${operation}WithHttpInfo`](...(step.with || []));
    const typed = Array.isArray(data) ? data : [data];
    return { status: response.status, text: textOf(response), data, models: [...new Set(typed.map(modelOf))] };
  } catch (error) {
    if (!error.response) throw error;
    return { status: error.status, text: textOf(error.response) };
  }
}

function at(answer, path) {
  return path.split(".").reduce((found, name) => (found === undefined ? found : found[name]), JSON.parse(answer.text));
}

async function main() {
  const told = [];
  for (const call of calls) {
    const step = filled(call);
    let answer = await outcome(step);
    // What comes of a call after it was answered is asked for until it is there.
    for (let tries = 0; step.until && tries < 300 && at(answer, step.until) === undefined; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      answer = await outcome(step);
    }
    // A text stands bare in an answer.
    if (step.name) known[step.name] = typeof answer.data === "string" ? answer.text : JSON.parse(answer.text);
    told.push({ ...step, answer });
  }
  process.stdout.write(JSON.stringify(told));
}

main();
