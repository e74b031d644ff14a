"use strict";
// Judges posts of webhooks as receivers on Node do: with the library of Standard Webhooks, and with Node's own Ed25519.
// Read from standard input: {posts: [{secrets, public, headers, body}], later}, bodies in base64, and how many seconds later it is.
// Told, as JSON, of each post: [which of the secrets the library believes, ..., whether Ed25519 does].

const fs = require("fs");
const crypto = require("crypto");
const { Webhook } = require("standardwebhooks");

const { posts, later } = JSON.parse(fs.readFileSync(0, "utf8"));
const now = Date.now;
Date.now = () => now() + later * 1000;

function believed(secret, headers, body) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

const PREFIX = Buffer.from("302a300506032b6570032100", "hex"); // What SubjectPublicKeyInfo puts before the 32 bytes of such a key.

function signed(told, headers, body) {
  const raw = Buffer.from(told.replace("whpk_", ""), "base64");
  const key = crypto.createPublicKey({ key: Buffer.concat([PREFIX, raw]), format: "der", type: "spki" });
  const age = Math.abs(Date.now() / 1000 - Number(headers["webhook-timestamp"]));
  const whole = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`), body]);
  const made = headers["webhook-signature"].split(" ").filter((each) => each.startsWith("v1a,"));
  return age <= 300 && made.some((each) => crypto.verify(null, whole, key, Buffer.from(each.slice(4), "base64")));
}

const verdicts = posts.map(({ secrets, public: key, headers, body }) => {
  const bytes = Buffer.from(body, "base64");
  return [...secrets.map((secret) => believed(secret, headers, bytes)), signed(key, headers, bytes)];
});
process.stdout.write(JSON.stringify(verdicts));
