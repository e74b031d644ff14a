"use strict";
// Converts a document as Postman's import does, with examples for values, and tells, as JSON, every request of the collection.
// Read from standard input: {document}, its text.

const fs = require("fs");
const { convertV2 } = require("openapi-to-postmanv2");

const { document } = JSON.parse(fs.readFileSync(0, "utf8"));
const requests = (items) => items.flatMap((item) => (item.item ? requests(item.item) : [item.request]));

convertV2({ type: "string", data: document }, { parametersResolution: "Example" }, (problem, made) => {
  if (problem || !made.result) throw problem || new Error(made.reason);
  process.stdout.write(JSON.stringify(requests(made.output[0].data.item)));
});
