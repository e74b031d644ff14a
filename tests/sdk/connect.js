"use strict";
// What programs and pages do with Connect's official clients and generated code: the same steps over every transport there is.
// Read from standard input: {url, address, generated, password, users: {transport: {username, email}}}. Tells as JSON what each step gave.

const fs = require("fs");
const path = require("path");
const { Code, ConnectError, createClient } = require("@connectrpc/connect");
const node = require("@connectrpc/connect-node");
const web = require("@connectrpc/connect-web");
const { toJson } = require("@bufbuild/protobuf");

const given = JSON.parse(fs.readFileSync(0, "utf8"));
const load = (name) => require(path.join(given.generated, `${name}_pb.js`));
const { UserService } = load("gamehall/users/v1/users");
const { TokenService } = load("gamehall/auth/v1/tokens");
const { PlatformService } = load("gamehall/platform/v1/platform");
const { CommentService, CommentSchema } = load("gamehall/comments/v1/comments");
const { ErrorInfoSchema, BadRequestSchema } = load("google/rpc/error_details");

const http = { baseUrl: given.url, httpVersion: "1.1" };
const TRANSPORTS = {
  "connect-node json": () => node.createConnectTransport({ ...http, useBinaryFormat: false }),
  "connect-node binary": () => node.createConnectTransport(http),
  "connect-node get": () => node.createConnectTransport({ ...http, useHttpGet: true }),
  "connect-node grpc-web": () => node.createGrpcWebTransport(http),
  "connect-node grpc": () => node.createGrpcTransport({ baseUrl: `http://${given.address}` }),
  "connect-web json": () => web.createConnectTransport({ baseUrl: given.url }),
  "connect-web binary": () => web.createConnectTransport({ baseUrl: given.url, useBinaryFormat: true }),
  "connect-web get": () => web.createConnectTransport({ baseUrl: given.url, useBinaryFormat: true, useHttpGet: true }),
  "connect-web grpc-web": () => web.createGrpcWebTransport({ baseUrl: given.url }),
};

async function refusal(call) {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const [info] = error.findDetails(ErrorInfoSchema);
    const fields = error.findDetails(BadRequestSchema).flatMap((bad) => bad.fieldViolations.map(({ field }) => field));
    return { code: Code[error.code], reason: info && info.reason, fields };
  }
  throw new Error("not refused");
}

async function steps(transport, { username, email }) {
  const { password } = given;
  const users = createClient(UserService, transport);
  const tokens = createClient(TokenService, transport);
  const comments = createClient(CommentService, transport);

  const { user } = await users.createUser({ user: { username, email, password } });
  const token = await tokens.createToken({ grantType: "password", clientId: "web", username, password });
  const headers = { Authorization: `Bearer ${token.accessToken}` };
  const about = { context: "video", contextId: `connect-${user.id}` };

  const keyed = { headers: { ...headers, "Idempotency-Key": `once-${user.id}` } };
  const { comment } = await comments.createComment({ comment: { ...about, content: "grüße 🎲" } }, keyed);
  const again = (await comments.createComment({ comment: { ...about, content: "grüße 🎲" } }, keyed)).comment;
  let sent = "";
  const page = await comments.listComments({ ...about, order: "id:ASC" }, { timeoutMs: 20_000, onHeader: (told) => (sent = told.get("x-request-id")) });
  await comments.updateComment({ id: comment.id, content: "edited" }, { headers });
  const edited = (await comments.getComment({ id: comment.id })).comment;
  const refused = {
    unsigned: await refusal(comments.createComment({ comment: { ...about, content: "from nobody" } })),
    forged: await refusal(comments.getComment({ id: comment.id }, { headers: { Authorization: "Bearer a.b.c" } })),
    empty: await refusal(comments.createComment({ comment: about }, { headers })),
    reused: await refusal(comments.createComment({ comment: { ...about, content: "other" } }, keyed)),
  };
  await comments.deleteComment({ id: comment.id }, { headers });
  refused.deleted = await refusal(comments.getComment({ id: comment.id }));

  // A stream is read up to its first message and then left.
  const states = [];
  const leave = new AbortController();
  try {
    for await (const state of createClient(PlatformService, transport).watchHealth({}, { signal: leave.signal })) {
      states.push(state.status);
      leave.abort();
    }
  } catch (error) {
    states.push(Code[ConnectError.from(error).code]);
  }

  const json = (message) => toJson(CommentSchema, message);
  return { id: String(user.id), comment: json(comment), again: json(again), page: page.content.map(json), total: String(page.pageInfo.totalElements), edited: json(edited), refused, states, sent };
}

async function main() {
  const told = {};
  for (const [name, user] of Object.entries(given.users)) told[name] = await steps(TRANSPORTS[name](), user);
  process.stdout.write(JSON.stringify(told), () => process.exit(0));
}

main();
