// Judges signed requests as a game's server does that uses the package facebook-signed-request: [[text, key], …] in; the payload of each, or null, out.
const SignedRequest = require('facebook-signed-request');

const judged = (text, secret) =>
  new Promise((resolve) => {
    new SignedRequest(text, {secret}).parse((errors, request) => resolve(errors.length ? null : request.data));
  });

let input = '';
process.stdin.on('data', (chunk) => (input += chunk));
process.stdin.on('end', async () => {
  const {requests} = JSON.parse(input);
  console.log(JSON.stringify(await Promise.all(requests.map(([text, key]) => judged(text, key)))));
});
