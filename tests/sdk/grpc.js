"use strict";
// What a Node program does over gRPC with the .proto files alone: no generated code, no reflection.
// Read from standard input: {address, protos, username, email, password}. Tells as JSON what each call gave.

const fs = require("fs");
const path = require("path");
const { promisify } = require("util");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const given = JSON.parse(fs.readFileSync(0, "utf8"));
const FILES = ["users/v1/users", "auth/v1/tokens", "comments/v1/comments"].map((name) => `gamehall/${name}.proto`);
const definition = loader.loadSync([...FILES, "google/rpc/status.proto", "google/rpc/error_details.proto"], {
  includeDirs: [given.protos, path.join(given.protos, "vendor")],
  keepCase: true,
  longs: Number,
});
const { gamehall } = grpc.loadPackageDefinition(definition);

function stub(Service) {
  const client = new Service(given.address, grpc.credentials.createInsecure());
  return (method, request, metadata = new grpc.Metadata()) => promisify(client[method]).call(client, request, metadata);
}

// The details of google.rpc.Status that come with a refusal, by their type.
function detailsOf(error) {
  const [packed] = error.metadata.get("grpc-status-details-bin");
  const { details } = definition["google.rpc.Status"].deserialize(packed);
  return Object.fromEntries(details.map(({ type_url, value }) => {
    const type = type_url.split("/").pop();
    return [type, definition[type].deserialize(value)];
  }));
}

async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return { code: grpc.status[error.code], message: error.details, details: detailsOf(error) };
  }
  throw new Error("not refused");
}

async function main() {
  const users = stub(gamehall.users.v1.UserService);
  const tokens = stub(gamehall.auth.v1.TokenService);
  const comments = stub(gamehall.comments.v1.CommentService);
  const { username, email, password } = given;

  const { user } = await users("CreateUser", { user: { username, email, password } });
  const token = await tokens("CreateToken", { grant_type: "password", client_id: "web", username, password });
  const signed = new grpc.Metadata();
  signed.set("authorization", `Bearer ${token.access_token}`);

  const about = { context: "video", context_id: `node-${user.id}` };
  const { comment } = await comments("CreateComment", { comment: { ...about, content: "from Node" } }, signed);
  const page = await comments("ListComments", about);
  await comments("UpdateComment", { id: comment.id, content: "edited" }, signed);
  const edited = (await comments("GetComment", { id: comment.id })).comment;
  const refused = {
    unsigned: await refusal(comments("CreateComment", { comment: { ...about, content: "from nobody" } })),
    empty: await refusal(comments("CreateComment", { comment: about }, signed)),
  };
  await comments("DeleteComment", { id: comment.id }, signed);
  refused.deleted = await refusal(comments("GetComment", { id: comment.id }));

  process.stdout.write(JSON.stringify({ user, token, comment, page, edited, refused }));
}

main();
